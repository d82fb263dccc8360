//! `materialize()`: send each event, and the end, as a [`Notification`].
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// What a Thing can be told, as a value: for a log, a test, or a way that knows events only.
///
/// ```
/// use thingflow_core::{StreamError, ends::Notification};
/// let gap = Notification::<i32>::Error(StreamError::new("no answer"));
/// assert!(gap != Notification::Completed);
/// ```
///
/// With `serde` it is a record, by which the end of a stream gets to another program too; an error is its text:
///
/// ```
/// # #[cfg(all(feature = "serde", feature = "alloc"))] {
/// use thingflow_core::{StreamError, ends::Notification};
/// let all = [Notification::Next(21.5), Notification::Completed, Notification::Error(StreamError::new("no answer"))];
/// let json = serde_json::to_string(&all)?;
/// assert_eq!(json, r#"[{"next":21.5},"completed",{"error":"no answer"}]"#);
/// assert_eq!(serde_json::from_str::<[Notification<f64>; 3]>(&json)?, all);
/// # }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    all(feature = "serde", feature = "alloc"),
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Notification<T> {
    /// An event.
    Next(T),
    /// The stream has ended as it should.
    Completed,
    /// The stream has ended by an error.
    Error(#[cfg_attr(all(feature = "serde", feature = "alloc"), serde(with = "text"))] StreamError),
}

/// An error as its text.
#[cfg(all(feature = "serde", feature = "alloc"))]
mod text {
    use alloc::string::String;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::error::StreamError;

    pub(super) fn serialize<S: Serializer>(error: &StreamError, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(error)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StreamError, D::Error> {
        String::deserialize(deserializer).map(StreamError::msg)
    }
}

/// Made by [`materialize`](super::Ends::materialize).
#[derive(Clone, Copy, Debug)]
pub struct Materialize;

impl<T> Filter<T> for Materialize {
    type Out = Notification<T>;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Receipt {
        out.next(Notification::Next(event))
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Closed {
        out.flush([Notification::Completed])
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Notification<T>>>) -> Closed {
        out.flush([Notification::Error(error)])
    }
}
