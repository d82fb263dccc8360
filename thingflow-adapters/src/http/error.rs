//! [`HttpError`]: a request that was not answered as it should.

use std::error::Error;
use std::fmt;

use thingflow_core::{Refusal, StreamError};

use crate::fields::FieldError;
use crate::net::{SecretError, TlsFault};
use crate::printable::printable;

/// Why a request has failed. An address is shown without a password and without what follows the question mark.
#[non_exhaustive]
pub enum HttpError {
    /// The address, a header or a token is none.
    Endpoint {
        /// The address.
        url: String,
        /// What is wrong, and how to mend it.
        what: String,
    },
    /// The token or the password cannot be read.
    Secret(SecretError),
    /// There was no answer.
    Request {
        /// The address.
        url: String,
        /// Why.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The answer is a refusal.
    Status {
        /// The address.
        url: String,
        /// The code, such as 404.
        status: u16,
        /// What the server said, shortened.
        text: String,
    },
    /// The answer is no such record, or longer than it may be.
    Answer {
        /// The address.
        url: String,
        /// Why.
        what: String,
    },
    /// An event that no body of a request can be made of.
    Event(Box<dyn Error + Send + Sync>),
}

impl HttpError {
    pub(super) fn event(error: serde_json::Error) -> Self {
        Self::Event(Box::new(error))
    }

    pub(super) fn fields(error: FieldError) -> Self {
        Self::Event(Box::new(error))
    }

    /// What is wrong with certificates, if it is that.
    fn trust(&self) -> Option<TlsFault> {
        let Self::Request { cause, .. } = self else { return None };
        match cause.downcast_ref() {
            Some(ureq::Error::Io(error)) => crate::net::fault(error),
            _ => crate::net::fault(cause.downcast_ref()?),
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { url, what } => write!(f, "invalid endpoint {}: {what}", printable(url)),
            Self::Secret(error) => error.fmt(f),
            Self::Request { url, cause } => {
                let (meaning, colon) = self.trust().map_or(("", ""), |fault| (fault.meaning(), ": "));
                write!(f, "cannot reach {}: {meaning}{colon}{}", printable(url), shown(&**cause))
            }
            Self::Status { url, status, text } => {
                let (reason, colon) = (reason(*status), if text.is_empty() { "" } else { ": " });
                write!(f, "{} answers {status}{reason}{colon}{}", printable(url), printable(text))
            }
            Self::Answer { url, what } => write!(f, "invalid answer of {}: {}", printable(url), printable(what)),
            Self::Event(error) => write!(f, "cannot send the event: {error}"),
        }
    }
}

/// As the library says it, but for what tells a user nothing.
fn shown(cause: &(dyn Error + Send + Sync + 'static)) -> String {
    let inside = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match inside.unwrap_or(cause).downcast_ref() {
        Some(ureq::Error::Timeout(_)) => "no answer within the time limit of the endpoint".to_owned(),
        _ => cause.to_string(),
    }
}

/// What to do about those codes that say something of the set-up.
fn reason(status: u16) -> &'static str {
    match status {
        300..=399 => " (it has moved: use the new address)",
        401 => " (the token or password is not accepted)",
        403 => " (it is not allowed: ask for the right to write)",
        404 => " (not found: create the database, or correct the address)",
        413 => " (it is too large)",
        429 => " (too many requests)",
        503 => " (it is busy)",
        _ => "",
    }
}

/// As `Display`.
impl fmt::Debug for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Secret(error) => error.source(),
            Self::Request { cause, .. } | Self::Event(cause) => Some(&**cause),
            Self::Endpoint { .. } | Self::Status { .. } | Self::Answer { .. } => None,
        }
    }
}

impl From<HttpError> for StreamError {
    fn from(error: HttpError) -> Self {
        Self::caused("", error)
    }
}

/// Whose fault an error is that has nothing to do with an answer.
impl From<HttpError> for Refusal {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Request { .. } if error.trust() == Some(TlsFault::Setup) => Self::Setup(error.into()),
            HttpError::Endpoint { .. } | HttpError::Secret(_) => Self::Setup(error.into()),
            HttpError::Event(_) => Self::Event { index: 0, error: error.into() },
            HttpError::Request { .. } | HttpError::Status { .. } | HttpError::Answer { .. } => Self::Peer(error.into()),
        }
    }
}
