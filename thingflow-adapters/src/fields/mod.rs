//! Records as flat fields: names and values of whatever is `Serialize`, and back of whatever is `Deserialize`.
//!
//! A file of rows, a line of a database or a frame has one level of named values; a record may have more. All writers and
//! readers of such formats see it by the same rules:
//!
//! | in the record | its fields |
//! |---|---|
//! | a number, a `bool`, a text, a [`Timestamp`](thingflow_core::Timestamp), alone | `value` |
//! | a field of a struct | the field's name |
//! | a struct in a field, a map | `outer.inner` |
//! | the elements of an array, a tuple, a list | `outer_1`, `outer_2` …; alone `value_1`, `value_2` … |
//! | an `Option` | those of its content, [`Missing`](Value::Missing) if there is none |
//! | a [`SensorEvent`](thingflow_core::SensorEvent) | `timestamp`, `sensor_id`, and those of its value as if it stood alone |
//! | a variant of an enum without data | as a text |
//!
//! An empty list or map has none, so one that may be empty is read back with `#[serde(default)]`.
//! `serde`'s attributes rename, skip and flatten; a record in which something is flattened has no lists or tuples beside. An enum whose variants have data has no fields that are always the same,
//! and is refused; so are bytes.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use thingflow_adapters::fields::{Flattener, Names, Value};
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! struct Axes { x: f32, y: f32 }
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! struct Motion { tilt: Axes, steps: Option<u32> }
//!
//! let motion = Motion { tilt: Axes { x: 0.5, y: 1.0 }, steps: None };
//! let (mut names, mut values) = (Vec::new(), Vec::new());
//! Flattener::default().flatten(&motion, &mut |field| {
//!     names.push(field.name.to_owned());
//!     values.push(field.value.to_string());
//! })?;
//! assert_eq!(names, ["tilt.x", "tilt.y", "steps"]);
//! assert_eq!(values, ["0.5", "1", ""]);
//!
//! let names = Names::new(names);
//! assert_eq!(names.read::<Motion>(&|column| values.get(column).map(String::as_str))?, motion);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod flatten;
mod names;
mod read;
mod seconds;
mod value;

pub use error::FieldError;
pub use flatten::Flattener;
pub use names::Names;
pub use value::{Field, Role, Value};

#[cfg(feature = "csv")]
pub(crate) use {
    names::{bare, is, under},
    seconds::Seconds,
};

/// What a value is called that has no name of its own.
const VALUE: &str = "value";
/// The fields of a sensor event besides those of its value.
pub(crate) const TIMESTAMP: &str = "timestamp";
pub(crate) const DATETIME: &str = "datetime";
pub(crate) const SENSOR_ID: &str = "sensor_id";
