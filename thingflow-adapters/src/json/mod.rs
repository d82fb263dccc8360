//! Events to and from JSON texts, by serde.
//!
//! ```
//! use thingflow_adapters::json::JsonChain;
//! use thingflow_core::prelude::*;
//! let texts = from_iter([SensorEvent::new("lux", Timestamp::UNIX_EPOCH, 21.5)]).to_json().collect_now();
//! assert_eq!(texts, [r#"{"sensor_id":"lux","ts":"1970-01-01T00:00:00Z","val":21.5}"#]);
//! let events = from_iter(texts).from_json::<SensorEvent<f64>>().collect_now();
//! assert_eq!(events[0].val, 21.5);
//! ```
//!
//! A file of JSON lines is written by `to_json()` in front of [`lines::write`](crate::lines::write), and read by
//! `from_json()` behind [`lines::read`](crate::lines::read).

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thingflow_core::elementwise::TryMap;
use thingflow_core::{Chain, Elementwise};

use crate::printable::printable;

/// What makes a text of an event.
pub type ToText<E> = fn(E) -> Result<String, JsonError>;
/// What makes an event of a text.
pub type FromText<E, T> = fn(E) -> Result<T, JsonError>;

/// Events to and from JSON, as methods of every chain. For another way to go on after an error there are [`text`] and
/// [`parse`], as functions for [`try_map_with`](thingflow_core::FlowControl::try_map_with).
pub trait JsonChain: Chain {
    /// Sends each event as a JSON text in one line. An event that cannot be one, such as a map whose keys are no texts, ends
    /// the stream. JSON knows no NaN and no infinity: they become `null`.
    #[allow(clippy::wrong_self_convention)] // the name that the field uses
    fn to_json(self) -> Self::Piped<TryMap<ToText<Self::Item>>>
    where
        Self: Sized,
        Self::Item: Serialize + 'static,
    {
        self.try_map(|event| text(&event))
    }

    /// Sends what each JSON text says. A text that is not JSON, or not of this shape, ends the stream.
    #[allow(clippy::wrong_self_convention)] // the name that the field uses
    fn from_json<T>(self) -> Self::Piped<TryMap<FromText<Self::Item, T>>>
    where
        Self: Sized,
        Self::Item: AsRef<[u8]> + 'static,
        T: DeserializeOwned + 'static,
    {
        self.try_map(|text| parse(&text))
    }
}

impl<C: Chain> JsonChain for C {}

/// An event as a JSON text.
///
/// # Errors
/// If it cannot be one.
pub fn text<T: Serialize>(event: &T) -> Result<String, JsonError> {
    serde_json::to_string(event).map_err(|error| JsonError { text: String::new(), error })
}

/// What a JSON text says.
///
/// ```
/// use thingflow_adapters::json;
/// use thingflow_core::flow::ErrorPolicy;
/// use thingflow_core::prelude::*;
/// let texts = ["[1,2]", "no JSON", "[3,4]"];
/// let pairs = from_iter(texts).try_map_with(ErrorPolicy::skip(), |text| json::parse::<(u8, u8)>(text)).collect_now();
/// assert_eq!(pairs, [(1, 2), (3, 4)]);
/// ```
///
/// # Errors
/// If it is not JSON, or not of this shape; the error says where.
pub fn parse<T: DeserializeOwned>(text: &(impl AsRef<[u8]> + ?Sized)) -> Result<T, JsonError> {
    let bytes = text.as_ref();
    let failed = |error| JsonError { text: printable(&String::from_utf8_lossy(bytes)), error };
    serde_json::from_slice(bytes).map_err(failed)
}

/// An event that cannot be JSON, or a text that is not what was expected.
pub struct JsonError {
    text: String,
    error: serde_json::Error,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() && self.error.line() == 0 {
            return write!(f, "cannot write an event as JSON: {}", self.error);
        }
        // It may repeat a text of any length.
        let (line, column, said) = (self.error.line(), self.error.column(), self.error.to_string());
        let what = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);
        write!(f, "invalid JSON: {} at line {line} column {column}, in {:?}", printable(what), self.text)
    }
}

/// As `Display`.
impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for JsonError {}
