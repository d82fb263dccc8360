//! What is wrong with a calendar schedule.

use std::error::Error;
use std::fmt;

use crate::printable::printable;

/// Why there is no schedule. Its source is what the library says that reads the expression, or the zones.
#[non_exhaustive]
pub enum CronError {
    /// The expression cannot be read.
    Expression {
        /// The expression as given, shortened and without control characters.
        expression: String,
        /// What is wrong with it.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The time zone is not known.
    Zone {
        /// The zone as given, shortened and without control characters; empty for that of the system.
        zone: String,
        /// What is wrong with it.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl CronError {
    pub(super) fn expression(expression: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Expression { expression: printable(expression), cause: cause.into() }
    }

    pub(super) fn zone(zone: &str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Zone { zone: printable(zone), cause: cause.into() }
    }
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression { expression, cause } => {
                let why = printable(&cause.to_string());
                write!(
                    f,
                    "invalid cron expression `{expression}`: {why}; write it as `30 6 * * Mon-Fri`, from minute to day of the week"
                )
            }
            Self::Zone { zone, cause } if zone.is_empty() => {
                write!(
                    f,
                    "cannot find the time zone of this system: {}; name one, such as Europe/Berlin",
                    printable(&cause.to_string())
                )
            }
            Self::Zone { zone, cause } => {
                write!(f, "invalid time zone `{zone}`: {}; names are like Europe/Berlin", printable(&cause.to_string()))
            }
        }
    }
}

/// As `Display`.
impl fmt::Debug for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CronError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Expression { cause, .. } | Self::Zone { cause, .. } => Some(&**cause),
        }
    }
}
