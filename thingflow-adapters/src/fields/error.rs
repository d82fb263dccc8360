//! [`FieldError`]: a record that has no flat fields, or cannot be made of them.

use std::error::Error;
use std::fmt;

use crate::printable::printable;

/// Why a record cannot be written as fields, or not be read from them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// A field holds something else than its type.
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it: "expected a number".
        why: String,
    },
    /// A field that the record needs does not exist at all.
    Absent {
        /// The field.
        field: String,
    },
    /// The record holds what no field can hold.
    Unsupported {
        /// The field.
        field: String,
        /// What it holds.
        what: &'static str,
    },
}

impl FieldError {
    pub(crate) fn invalid(expected: impl fmt::Display) -> Self {
        Self::Invalid { field: String::new(), why: format!("expected {}", printable(&expected.to_string())) }
    }

    /// The field, as a path from the record on; empty if the record as a whole is meant.
    pub fn field(&self) -> &str {
        match self {
            Self::Invalid { field, .. } | Self::Absent { field } | Self::Unsupported { field, .. } => field,
        }
    }

    /// Says which field it was, unless that is known.
    pub(super) fn at(mut self, path: &str) -> Self {
        let (Self::Invalid { field, .. } | Self::Absent { field } | Self::Unsupported { field, .. }) = &mut self;
        if field.is_empty() {
            path.clone_into(field);
        }
        self
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { field, why } if field.is_empty() => write!(f, "invalid record: {why}"),
            Self::Invalid { field, why } => write!(f, "invalid field `{field}`: {why}"),
            Self::Absent { field } => write!(f, "field `{field}` does not exist; make it an `Option`, or rename it"),
            Self::Unsupported { field, what } => {
                write!(f, "field `{field}` holds {what}, which no field can hold; use a struct of numbers and texts")
            }
        }
    }
}

/// As `Display`.
impl fmt::Debug for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for FieldError {}

impl serde::ser::Error for FieldError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Invalid { field: String::new(), why: printable(&text.to_string()) }
    }
}

impl serde::de::Error for FieldError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Invalid { field: String::new(), why: printable(&text.to_string()) }
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::invalid(expected)
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::invalid(expected)
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Self {
        Self::invalid(format_args!("one of {}", variants.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Absent { field: field.to_owned() }
    }
}
