//! [`Field`]: one named [`Value`] of a record.

use std::fmt;

use thingflow_core::Timestamp;

/// A field of a record, as long as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// The name, such as `temperature` or `tilt.x`.
    pub name: &'a str,
    /// The value.
    pub value: Value<'a>,
    /// What it says of the record.
    pub role: Role,
}

/// What a field says of its record: a database keeps the time and the sender apart from what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// When a sensor event was taken; its name is `timestamp`.
    Time,
    /// Which sensor sent it; its name is `sensor_id`.
    Sender,
    /// What the record holds.
    Data,
}

/// A value of a field. As a text it is what a CSV file has; a missing one is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// There is none.
    Missing,
    /// True or false.
    Bool(bool),
    /// A whole number with a sign. One that is too large for this type is a [`Text`](Self::Text).
    Int(i64),
    /// A whole number without a sign.
    Uint(u64),
    /// A number of single precision: its text has as many digits as that.
    Float32(f32),
    /// A number of double precision.
    Float64(f64),
    /// A text.
    Text(&'a str),
    /// A time.
    Time(Timestamp),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Uint(value) => value.fmt(f),
            Self::Float32(value) => value.fmt(f),
            Self::Float64(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
            Self::Time(value) => value.fmt(f),
        }
    }
}
