//! [`Access`]: who may post.

use std::cell::RefCell;
use std::time::Duration;

use subtle::ConstantTimeEq;
use thingflow_core::Instant;

use super::answer::Answer;
use super::request::Request;
use crate::net::{Secret, SecretError};

/// Who may post.
#[derive(Clone, Debug, Default)]
pub(super) enum Access {
    #[default]
    Unsaid,
    Everybody,
    Token(Secret),
}

/// For so long a token that was read is not read again.
const FRESH: Duration = Duration::from_secs(1);

/// The one at the door.
#[derive(Debug)]
pub(super) struct Guard {
    access: Access,
    token: RefCell<Option<(Instant, Vec<u8>)>>,
}

impl Guard {
    pub(super) fn new(access: Access) -> Self {
        Self { access, token: RefCell::default() }
    }

    /// Whether a request may come in.
    pub(super) fn check(&self, request: &Request, now: Instant) -> Result<(), Answer> {
        let Access::Token(secret) = &self.access else {
            // Browsers let any page post to any address, but they say so.
            let is_page = request.all("Origin").next().is_some();
            return if is_page { Err(Answer::new(403, "web pages may not post here without a token")) } else { Ok(()) };
        };
        let refused = || Answer::new(401, "the token is missing or wrong: send it as Authorization: Bearer TOKEN");
        let mut said = request.all("Authorization");
        let (Some(first), None) = (said.next(), said.next()) else { return Err(refused()) };
        let first = first.trim_ascii();
        let is_bearer = first.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
        let said = first.get(7..).unwrap_or_default().trim_ascii();
        let right = self.token(secret, now).map_err(|error| {
            log::error!("{error}");
            Answer::busy("the token of this server cannot be read", Duration::from_secs(60))
        })?;
        let equal = bool::from(said.ct_eq(&right));
        if is_bearer && !right.is_empty() && equal { Ok(()) } else { Err(refused()) }
    }

    fn token(&self, secret: &Secret, now: Instant) -> Result<Vec<u8>, SecretError> {
        if let Some((read, token)) = &*self.token.borrow()
            && now < *read + FRESH
        {
            return Ok(token.clone());
        }
        let token = secret.read()?.trim_ascii().to_vec();
        *self.token.borrow_mut() = Some((now, token.clone()));
        Ok(token)
    }
}
