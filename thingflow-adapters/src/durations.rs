//! Durations as texts, "10ms" or "1h 30m", for what a program is told by its configuration or on its command line.
//!
//! With `serde` a field says `#[serde(with = "thingflow_adapters::durations")]`:
//!
//! ```
//! use std::time::Duration;
//! use serde::{Deserialize, Serialize};
//! use thingflow_adapters::durations;
//! #[derive(Serialize, Deserialize)]
//! struct Settings {
//!     #[serde(with = "durations")]
//!     period: Duration,
//! }
//! let settings: Settings = serde_json::from_str(r#"{"period":"1m 30s"}"#)?;
//! assert_eq!(settings.period, Duration::from_secs(90));
//! assert_eq!(serde_json::to_string(&settings)?, r#"{"period":"1m 30s"}"#);
//! assert_eq!(durations::parse("10ms")?, Duration::from_millis(10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::error::Error;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

use crate::printable::printable;

/// The duration that a text says: numbers with units (`d`, `h`, `m`, `s`, `ms`, `us`, `ns`, their English names too), as
/// in `10ms`, `1.5 s`, `2 days 4 hours`, or of ISO 8601, as in `PT1H30M`. A day has 24 hours.
///
/// # Errors
/// If it says none, a negative one, or one of weeks, months or years that is not always the same.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let invalid = || DurationError { text: printable(text) };
    let span: Span = text.trim().parse().map_err(|_| invalid())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
    Duration::try_from(duration).map_err(|_| invalid())
}

/// The text of a duration, which [`parse`] reads back: `1h 30m`, `10ms`, `0s`.
pub fn format(duration: Duration) -> String {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{duration:#}")
}

/// For `#[serde(with = "thingflow_adapters::durations")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with = "thingflow_adapters::durations")]`.
///
/// # Errors
/// Those of [`parse`], and of the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Duration;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration such as \"10ms\" or \"1h 30m\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

/// A text that is no duration.
#[derive(Clone, PartialEq, Eq)]
pub struct DurationError {
    text: String,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid duration `{}`: write it as `10ms`, `1.5s` or `1h 30m`", self.text)
    }
}

/// As `Display`.
impl fmt::Debug for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn f85_durations_are_texts() {
        let nanos = |text: &str| parse(text).map(|duration| duration.as_nanos());
        for (text, expected) in [
            ("10ms", 10_000_000),
            (" 1.5 s ", 1_500_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("2 days", 172_800_000_000_000),
            ("PT1M", 60_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(nanos(text), Ok(expected), "{text}");
        }
        for text in ["", "10", "ms", "-1s", "1 month", "1s ago", "9999999999999999999d", "\u{1b}[31m"] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.starts_with("invalid duration `") && !error.contains('\u{1b}'), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_duration_comes_back(secs in 0..1_u64 << 38, nanos in 0..1_000_000_000_u32) {
            let duration = Duration::new(secs, nanos);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*|[0-9dhmsnu. ]{0,12}") {
            let _ = parse(&text);
        }
    }
}
