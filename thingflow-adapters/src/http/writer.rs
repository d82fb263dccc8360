//! [`Writer`]: events in requests.

use std::fmt::{self, Write as _};
use std::marker::PhantomData;

use serde::Serialize;
use thingflow_core::{Batch, Refusal, Rejection, Worker};

use super::client::Client;
use super::{Endpoint, HttpError};
use crate::fields::{Flattener, Value};

/// A [`Worker`] that posts events to a web address: whatever is `Serialize`, [tracked](thingflow_core::tracking) events among
/// them, which are done when the server has said so.
///
/// | the server answers | what follows |
/// |---|---|
/// | 2xx | the events are delivered |
/// | 400, 409, 422 | the batch is halved; an event that is refused alone is a dead letter |
/// | 413 | the batch is halved, and an event that is too large alone is a dead letter |
/// | 408, 425, 429, 5xx, nothing | the events wait, as long as `Retry-After` says at least, an hour at most |
/// | 401, 403, 404, a new address, anything else | the set-up is at fault |
///
/// What has been sent and not been answered is sent again, so the server may get it twice: give events a number of their own if
/// that matters.
pub struct Writer<E> {
    endpoint: Endpoint,
    shape: Shape,
    client: Option<Client>,
    flattener: Flattener,
    of: PhantomData<fn(&E)>,
}

/// How events stand in a body.
#[derive(Clone, Copy, Debug)]
enum Shape {
    JsonLines,
    JsonArray,
    Form,
}

impl<E: Serialize> Writer<E> {
    /// Posts batches as lines, each of which is a JSON text (`application/x-ndjson`).
    pub fn json_lines(endpoint: impl Into<Endpoint>) -> Self {
        Self::shaped(endpoint.into(), Shape::JsonLines)
    }

    /// Posts batches as JSON arrays (`application/json`).
    pub fn json_array(endpoint: impl Into<Endpoint>) -> Self {
        Self::shaped(endpoint.into(), Shape::JsonArray)
    }

    /// Posts each event alone, as a form of its [`fields`](crate::fields) (`application/x-www-form-urlencoded`). A field that
    /// is missing is left out.
    pub fn form(endpoint: impl Into<Endpoint>) -> Self {
        Self::shaped(endpoint.into(), Shape::Form)
    }

    fn shaped(endpoint: Endpoint, shape: Shape) -> Self {
        Self { endpoint, shape, client: None, flattener: Flattener::default(), of: PhantomData }
    }
}

impl Shape {
    fn kind(self) -> &'static str {
        match self {
            Self::JsonLines => "application/x-ndjson",
            Self::JsonArray => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    fn json<'a, E: Serialize + 'a>(self, events: impl Iterator<Item = &'a E>) -> Result<Vec<u8>, Refusal> {
        let (begin, between, end): (&[u8], _, &[u8]) = match self {
            Self::JsonArray => (b"[", b',', b"]"),
            Self::JsonLines | Self::Form => (b"", b'\n', b"\n"),
        };
        let mut body = begin.to_vec();
        for (index, event) in events.enumerate() {
            if index > 0 {
                body.push(between);
            }
            serde_json::to_writer(&mut body, event)
                .map_err(|error| Refusal::Event { index, error: HttpError::event(error).into() })?;
        }
        body.extend_from_slice(end);
        Ok(body)
    }
}

/// The fields of an event as a form.
fn form<E: Serialize>(flattener: &mut Flattener, event: &E) -> Result<String, HttpError> {
    let mut body = String::new();
    flattener
        .flatten(event, &mut |field| {
            if field.value == Value::Missing {
                return;
            }
            if !body.is_empty() {
                body.push('&');
            }
            escape(field.name, &mut body);
            body.push('=');
            escape(&field.value.to_string(), &mut body);
        })
        .map_err(HttpError::fields)?;
    Ok(body)
}

/// As forms are encoded: <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>.
pub(crate) fn escape(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => to.push('+'),
            b'*' | b'-' | b'.' | b'_' => to.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => to.push(char::from(byte)),
            byte => {
                let _ = write!(to, "%{byte:02X}"); // a `String` takes all
            }
        }
    }
}

impl<E: Serialize> Worker<E> for Writer<E> {
    fn connect(&mut self) -> Result<(), Refusal> {
        self.client = Some(Client::new(&self.endpoint)?);
        Ok(())
    }

    fn work(&mut self, batch: &mut Batch<E>) -> Result<(), Refusal> {
        let Self { endpoint, shape, client, flattener, .. } = self;
        let client = match client {
            Some(client) => client,
            None => client.insert(Client::new(endpoint)?),
        };
        if let Shape::Form = shape {
            while let Some(event) = batch.first() {
                let body = form(flattener, event)?;
                let answer = client.post(shape.kind(), body.as_bytes())?;
                client.taken(answer).map_err(alone)?;
                batch.done(1);
            }
            return Ok(());
        }
        batch.by_halves(|events| {
            let body = shape.json(events)?;
            let answer = client.post(shape.kind(), &body).map_err(Refusal::from)?;
            client.taken(answer)
        })
    }
}

/// What a rejection of a single event means.
fn alone(rejection: Rejection) -> Refusal {
    match rejection {
        Rejection::SomeEvent(error) | Rejection::TooLarge(error) => Refusal::Event { index: 0, error },
        Rejection::Other(refusal) => refusal,
    }
}

impl<E> fmt::Debug for Writer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, shape, .. } = self;
        f.debug_struct("Writer").field("endpoint", endpoint).field("shape", shape).finish_non_exhaustive()
    }
}
