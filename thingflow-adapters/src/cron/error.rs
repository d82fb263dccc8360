//! What is wrong with a calendar schedule.

use std::error::Error;
use std::fmt;

/// Why there is no schedule.
#[derive(Debug)]
#[non_exhaustive]
pub enum CronError {
    /// The expression cannot be read.
    Expression {
        /// The expression as given.
        expression: String,
        /// What is wrong with it.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The time zone is not known.
    Zone {
        /// The zone as given; empty for that of the system.
        zone: String,
        /// What is wrong with it.
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression { expression, .. } => write!(f, "\"{expression}\" is no cron expression"),
            Self::Zone { zone, .. } if zone.is_empty() => f.write_str("the time zone of this system is not known"),
            Self::Zone { zone, .. } => write!(f, "\"{zone}\" is no time zone that this system knows"),
        }
    }
}

impl Error for CronError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Expression { cause, .. } | Self::Zone { cause, .. } => Some(&**cause),
        }
    }
}
