//! [`Poll`]: a web address as a sensor.

use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use thingflow_core::{SampleError, Sensor, SensorId};
use ureq::http::header::{ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};

use super::answer::retry_after;
use super::client::Client;
use super::{Endpoint, HttpError};

/// A sensor that asks a web address each time it is sampled. It blocks: sample it on a thread of its own.
///
/// If the server tells apart what it has sent by `ETag` or `Last-Modified`, an answer that has not changed is asked for and
/// not sent again (304): there is no event then, and no failure. A server that wants to be left alone (429, 503 with
/// `Retry-After`) is: that sampling fails, and those within the time give nothing.
pub struct Poll<T = String> {
    id: SensorId,
    endpoint: Endpoint,
    client: Option<Client>,
    read: fn(&[u8]) -> Result<T, String>,
    longest: u64,
    /// By what the server knows what we have.
    known: Vec<(HeaderName, HeaderValue)>,
    wait: Option<Duration>,
}

impl Poll {
    /// Readings are the text of the answer.
    pub fn text(id: impl Into<SensorId>, endpoint: impl Into<Endpoint>) -> Self {
        Self::of(id.into(), endpoint.into(), |bytes| {
            String::from_utf8(bytes.to_vec()).map_err(|_| "not valid UTF-8".to_owned())
        })
    }
}

impl<T: DeserializeOwned> Poll<T> {
    /// Readings are what the answer, a JSON text, is read as.
    pub fn json(id: impl Into<SensorId>, endpoint: impl Into<Endpoint>) -> Self {
        Self::of(id.into(), endpoint.into(), |bytes| serde_json::from_slice(bytes).map_err(|error| error.to_string()))
    }
}

impl<T> Poll<T> {
    fn of(id: SensorId, endpoint: Endpoint, read: fn(&[u8]) -> Result<T, String>) -> Self {
        Self { id, endpoint, client: None, read, longest: 1 << 20, known: Vec::new(), wait: None }
    }

    /// How many bytes an answer may have: 1 MiB unless told otherwise. A longer one is a failed sampling.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.longest = bytes;
        self
    }

    fn ask(&mut self) -> Result<T, SampleError<HttpError>> {
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(Client::new(&self.endpoint)?),
        };
        let answer = client.get(&self.known)?;
        match answer.status().as_u16() {
            200..=299 => {}
            304 => return Err(SampleError::NotYet(Duration::ZERO)),
            _ => {
                self.wait = retry_after(answer.headers(), SystemTime::now());
                let refused = client.refused(answer);
                self.client = None; // a token may have been changed
                return Err(refused.into());
            }
        }
        let tag = |from, to| answer.headers().get(from).map(|value| (to, value.clone()));
        let known = tag(ETAG, IF_NONE_MATCH).into_iter().chain(tag(LAST_MODIFIED, IF_MODIFIED_SINCE)).collect();
        let mut bytes = Vec::new();
        let mut body = answer.into_body().into_reader().take(self.longest.saturating_add(1));
        body.read_to_end(&mut bytes).map_err(|error| client.failed(error))?;
        let wrong = |what| HttpError::Answer { url: self.endpoint.to_string(), what };
        if bytes.len() as u64 > self.longest {
            return Err(wrong(format!("it has more than {} bytes; allow more by `max_body`", self.longest)).into());
        }
        let reading = (self.read)(&bytes).map_err(wrong)?;
        self.known = known;
        Ok(reading)
    }
}

impl<T> Sensor for Poll<T> {
    type Reading = T;
    type Error = HttpError;

    fn id(&self) -> SensorId {
        self.id
    }

    fn sample(&mut self) -> Result<T, SampleError<HttpError>> {
        match self.wait.take() {
            Some(wait) if !wait.is_zero() => Err(SampleError::NotYet(wait)),
            _ => self.ask(),
        }
    }
}

impl<T> fmt::Debug for Poll<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poll").field("id", &self.id).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
