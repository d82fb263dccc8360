//! [`Endpoint`]: a web address, and how to go there.

use std::fmt;
use std::time::Duration;

use super::HttpError;
use crate::net::Secret;
#[cfg(feature = "tls")]
use crate::net::Tls;

/// A web address, and how to go there: headers, a token, a time limit.
///
/// A [`Secret`] is read anew with each connection, so that it can be changed, and shown nowhere.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::http::Endpoint;
/// use thingflow_adapters::net::Secret;
/// let endpoint = Endpoint::new("http://127.0.0.1:8086/write?db=home")
///     .token(Secret::credential("token"))
///     .header("X-Board", "attic")
///     .timeout(Duration::from_secs(5))
///     .gzip();
/// assert_eq!(endpoint.to_string(), "http://127.0.0.1:8086/write");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Endpoint {
    pub(crate) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) who: Option<Who>,
    pub(super) timeout: Duration,
    pub(super) gzip: bool,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Tls>,
}

/// How a client says who it is.
#[derive(Clone)]
pub(super) enum Who {
    /// `Authorization: SCHEME` and the token.
    Token {
        scheme: &'static str,
        token: Secret,
    },
    Password {
        user: String,
        password: Secret,
    },
}

impl Endpoint {
    /// An address that begins with `http://`, or with `https://` by the feature `tls`. Without anything else said, a request
    /// has to be answered within 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            who: None,
            timeout: Duration::from_secs(30),
            gzip: false,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Which certificates an `https://` address trusts and shows; without it those that the system trusts, and none.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Sends a header with each request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends a token: `Authorization: Bearer …`.
    pub fn token(mut self, token: Secret) -> Self {
        self.who = Some(Who::Token { scheme: "Bearer", token });
        self
    }

    /// Says by user and password who it is.
    pub fn password(mut self, user: impl Into<String>, password: Secret) -> Self {
        self.who = Some(Who::Password { user: user.into(), password });
        self
    }

    /// The scheme of the token, if there is one.
    #[cfg(feature = "influx")]
    pub(crate) fn token_scheme(mut self, wanted: &'static str) -> Self {
        if let Some(Who::Token { scheme, .. }) = &mut self.who {
            *scheme = wanted;
        }
        self
    }

    /// Within what time a request has to be answered: 30 s unless told otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Compresses what is sent.
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// The same endpoint with another address.
    #[cfg(feature = "influx")]
    pub(crate) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    pub(crate) fn invalid(&self, what: impl Into<String>) -> HttpError {
        HttpError::Endpoint { url: self.to_string(), what: what.into() }
    }
}

impl<T: Into<String>> From<T> for Endpoint {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

/// The address without a password and without what follows the question mark.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = host.rsplit('@').next().unwrap_or_default();
        let separator = if scheme.is_empty() { "" } else { "://" };
        write!(f, "{scheme}{separator}{host}{path}")
    }
}

/// As `Display`: without secrets.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
