//! [`Writer`]: lines over HTTP.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use thingflow_core::{Batch, Refusal, Rejection, StreamError, Worker};

use super::Encoder;
use crate::http::{Client, Endpoint, HttpError, escape};

/// A [`Worker`] that writes events as points: whatever is `Serialize`, [tracked](thingflow_core::tracking) events among them,
/// which are done when the server has them.
///
/// A point that is sent again is the same point, if it has a time of its own: same measurement, tags and time. So nothing is
/// there twice. Points without a time get that of the server when they arrive, each in a request of its own if they have the same
/// tags, since the server would take those of one request for one point. That is slow: send [sensor
/// events](thingflow_core::SensorEvent), or name the field that is the [time](Encoder::time).
///
/// What a server refuses as a whole (400, 422, 413) is halved until the point is found that it minds, which is a dead letter,
/// as is an event that no line can be made of. A server that is busy (429, 503) is left alone as long as it says. A wrong
/// token (401, 403) or a database that does not exist (404) is the set-up's fault.
///
/// ```
/// use thingflow_adapters::http::Endpoint;
/// use thingflow_adapters::influx::{Encoder, Writer};
/// use thingflow_adapters::net::Secret;
/// use thingflow_core::prelude::*;
/// let endpoint = Endpoint::new("http://127.0.0.1:8086").token(Secret::file("/etc/gateway/influx-token")).gzip();
/// let writer = Writer::<SensorEvent<f64>>::v2(endpoint, "home", "sensors", Encoder::new("lux").tag("board", "attic"));
/// ```
pub struct Writer<E> {
    endpoint: Endpoint,
    encoder: Encoder,
    client: Option<Client>,
    of: PhantomData<fn(&E)>,
}

impl<E: Serialize> Writer<E> {
    /// To a database of InfluxDB 1, or of what speaks as it does. The endpoint is the server: `http://127.0.0.1:8086`.
    pub fn v1(server: impl Into<Endpoint>, database: &str, encoder: Encoder) -> Self {
        Self::to(&server.into(), "/write", &[("db", database), ("precision", "ns")], encoder)
    }

    /// To a bucket of InfluxDB 2. A token is sent as `Token …`.
    pub fn v2(server: impl Into<Endpoint>, organization: &str, bucket: &str, encoder: Encoder) -> Self {
        let query = [("org", organization), ("bucket", bucket), ("precision", "ns")];
        Self::to(&server.into().token_scheme("Token"), "/api/v2/write", &query, encoder)
    }

    /// To a database of InfluxDB 3.
    pub fn v3(server: impl Into<Endpoint>, database: &str, encoder: Encoder) -> Self {
        Self::to(&server.into(), "/api/v3/write_lp", &[("db", database), ("precision", "nanosecond")], encoder.wary())
    }

    /// To VictoriaMetrics, which stores numbers only: [texts are left out](Encoder::without_texts).
    pub fn victoria_metrics(server: impl Into<Endpoint>, encoder: Encoder) -> Self {
        Self::to(&server.into(), "/write", &[("precision", "ns")], encoder.without_texts().wary())
    }

    fn to(server: &Endpoint, path: &str, query: &[(&str, &str)], encoder: Encoder) -> Self {
        Self { endpoint: server.at(address(server, path, query)), encoder, client: None, of: PhantomData }
    }
}

/// The address of what a server does.
pub(super) fn address(server: &Endpoint, path: &str, query: &[(&str, &str)]) -> String {
    let mut url = server.url.trim_end_matches('/').to_owned() + path;
    for (number, (name, value)) in query.iter().enumerate() {
        url.push(if number == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        escape(value, &mut url);
    }
    url
}

impl<E: Serialize> Worker<E> for Writer<E> {
    fn connect(&mut self) -> Result<(), Refusal> {
        self.client = Some(Client::new(&self.endpoint)?);
        Ok(())
    }

    fn work(&mut self, batch: &mut Batch<E>) -> Result<(), Refusal> {
        let Self { endpoint, encoder, client, .. } = self;
        let client = match client {
            Some(client) => client,
            None => client.insert(Client::new(endpoint)?),
        };
        batch.by_halves(|events| {
            let (mut lines, mut timeless) = (String::new(), BTreeSet::new());
            for (index, event) in events.enumerate() {
                let line = encoder.encode(event).map_err(|error| Refusal::Event { index, error: error.into() })?;
                lines.push_str(line);
                lines.push('\n');
                if encoder.timeless_series().is_some_and(|series| !timeless.insert(series.to_owned())) {
                    return Err(Rejection::TooLarge(StreamError::new("two points of one series without a time")));
                }
            }
            let answer: Result<_, HttpError> = client.post("text/plain; charset=utf-8", lines.as_bytes());
            client.taken(answer.map_err(Refusal::from)?)
        })
    }
}

impl<E> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, encoder, .. } = self;
        f.debug_struct("Writer").field("endpoint", endpoint).field("encoder", encoder).finish_non_exhaustive()
    }
}
