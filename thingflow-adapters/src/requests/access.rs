//! [`Access`]: who may come in.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::time::Duration;

use subtle::ConstantTimeEq;
use thingflow_core::Instant;

use super::answer::Answer;
use super::headers::Headers;
use crate::net::{Secret, SecretError};
use crate::printable::printable;

/// Who may come in.
#[derive(Clone, Debug, Default)]
pub(crate) enum Access {
    #[default]
    Unsaid,
    Everybody,
    Token(Secret),
}

/// Why a token cannot be known.
#[derive(Debug)]
enum TokenError {
    Empty(Secret),
    Unread(SecretError),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(secret) => {
                let path = secret.path();
                let path = printable(&path.to_string_lossy());
                write!(f, "invalid token of the server: {path} is empty; write a token to it")
            }
            Self::Unread(error) => error.fmt(f),
        }
    }
}

impl Access {
    /// Whether a server can begin with it. The file of a token that is not there yet may come.
    ///
    /// # Errors
    /// Nothing was said of a token, or its file is empty.
    pub(crate) fn check(&self, server: &str) -> io::Result<()> {
        let invalid = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        match self {
            Self::Unsaid => {
                invalid(format!("invalid {server}: it has no token; give it one by `token`, or say `without_token`"))
            }
            Self::Everybody => Ok(()),
            Self::Token(secret) => match read(secret) {
                Err(error @ TokenError::Empty(_)) => invalid(error.to_string()),
                _ => Ok(()),
            },
        }
    }
}

fn read(secret: &Secret) -> Result<Vec<u8>, TokenError> {
    let token = secret.read().map_err(TokenError::Unread)?.trim_ascii().to_vec();
    if token.is_empty() { Err(TokenError::Empty(secret.clone())) } else { Ok(token) }
}

/// For so long a token that was read, or could not be, is not read again.
const FRESH: Duration = Duration::from_secs(1);

/// The one at the door.
#[derive(Debug)]
pub(crate) struct Guard {
    access: Access,
    /// Web pages of these come in without a token.
    origins: Vec<String>,
    /// When it was read last, and what came of it.
    token: RefCell<Option<(Instant, Option<Vec<u8>>)>>,
}

impl Guard {
    pub(crate) fn new(access: Access, origins: Vec<String>) -> Self {
        Self { access, origins, token: RefCell::default() }
    }

    /// Whether a request may come in.
    pub(crate) fn check(&self, headers: &Headers, now: Instant) -> Result<(), Answer> {
        let Access::Token(secret) = &self.access else {
            // Browsers let any page ask any address, but they say so.
            let is_known =
                |origin: &[u8]| self.origins.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(origin));
            let is_strange = headers.all("Origin").any(|origin| !is_known(origin));
            return if is_strange {
                Err(Answer::new(403, "web pages may not come in without a token"))
            } else {
                Ok(())
            };
        };
        let refused = || Answer::new(401, "the token is missing or wrong: send it as Authorization: Bearer TOKEN");
        let mut said = headers.all("Authorization");
        let (Some(first), None) = (said.next(), said.next()) else { return Err(refused()) };
        let first = first.trim_ascii();
        let is_bearer = first.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
        let said = first.get(7..).unwrap_or_default().trim_ascii();
        let unread = || Answer::busy("the token of this server cannot be read", Duration::from_secs(60));
        let right = self.token(secret, now).ok_or_else(unread)?;
        let equal = bool::from(said.ct_eq(&right));
        if is_bearer && equal { Ok(()) } else { Err(refused()) }
    }

    fn token(&self, secret: &Secret, now: Instant) -> Option<Vec<u8>> {
        if let Some((read, token)) = &*self.token.borrow()
            && now < *read + FRESH
        {
            return token.clone();
        }
        let token = read(secret).inspect_err(|error| log::error!("{error}")).ok();
        *self.token.borrow_mut() = Some((now, token.clone()));
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_token_that_cannot_be_read_is_tried_again_when_one_that_was_would_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let guard = Guard::new(Access::Token(Secret::file(&path)), Vec::new());
        let headers = Headers(vec![("Authorization".to_owned(), b"Bearer s3cret".to_vec())]);
        let status = |millis| {
            let now = Instant::ZERO + Duration::from_millis(millis);
            guard.check(&headers, now).map_or_else(|answer| answer.status, |()| 204)
        };
        assert_eq!(status(0), 503);
        fs::write(&path, "s3cret").unwrap();
        assert_eq!((status(999), status(1000)), (503, 204));
        fs::write(&path, "").unwrap();
        assert_eq!((status(1999), status(2000)), (204, 503));
        fs::write(&path, "other").unwrap();
        assert_eq!((status(2999), status(3000)), (503, 401));
    }
}
