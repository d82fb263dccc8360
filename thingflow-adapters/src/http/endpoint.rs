//! [`Endpoint`]: a web address, and how to go there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::HttpError;

/// A web address, and how to go there: headers, a token, a time limit.
///
/// Secrets come from files, which are read anew with each connection, so that they can be changed. They are shown nowhere.
///
/// ```
/// use std::time::Duration;
/// use thingflow_adapters::http::Endpoint;
/// let endpoint = Endpoint::new("http://127.0.0.1:8086/write?db=home")
///     .token_file("/run/credentials/gateway.service/token")
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
    pub(super) secret: Option<Secret>,
    pub(super) timeout: Duration,
    pub(super) gzip: bool,
}

/// How a client says who it is.
#[derive(Clone)]
pub(super) enum Secret {
    /// `Authorization: SCHEME` and the content of the file.
    Token { scheme: &'static str, path: PathBuf },
    /// A user, and the password in the file.
    Password { user: String, path: PathBuf },
}

impl Endpoint {
    /// An address that begins with `http://`. Without anything else said, a request has to be answered within 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        let timeout = Duration::from_secs(30);
        Self { url: url.into(), headers: Vec::new(), secret: None, timeout, gzip: false }
    }

    /// Sends a header with each request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends the token that stands in a file: `Authorization: Bearer …`.
    pub fn token_file(self, path: impl AsRef<Path>) -> Self {
        self.token_of("Bearer", path.as_ref())
    }

    pub(crate) fn token_of(mut self, scheme: &'static str, path: &Path) -> Self {
        self.secret = Some(Secret::Token { scheme, path: path.to_owned() });
        self
    }

    /// Says by user and password who it is; the password stands in a file.
    pub fn password_file(mut self, user: impl Into<String>, path: impl AsRef<Path>) -> Self {
        self.secret = Some(Secret::Password { user: user.into(), path: path.as_ref().to_owned() });
        self
    }

    /// The scheme of the token, if there is one.
    #[cfg(feature = "influx")]
    pub(crate) fn token_scheme(mut self, wanted: &'static str) -> Self {
        if let Some(Secret::Token { scheme, .. }) = &mut self.secret {
            *scheme = wanted;
        }
        self
    }

    /// Within what time a request has to be answered.
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
