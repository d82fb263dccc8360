//! [`Database`]: where it is, and who we are.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::PostgresError;
use super::error::whole;
use crate::net::Secret;
#[cfg(feature = "postgres-tls")]
use crate::net::Tls;
use crate::printable::printable;

/// A database: its address, who we are, and how long it may take to answer.
///
/// With `sslmode=require` in the address, or [`tls`](Self::tls), the connection is encrypted and the server's certificate is
/// checked, its name too: `verify-ca` and `verify-full` are the same. It takes the feature `postgres-tls`. Without either it is
/// not encrypted: use a database of the same machine, or a network that you trust.
#[derive(Clone, Debug)]
#[must_use]
pub struct Database {
    url: String,
    password: Option<Secret>,
    pub(super) timeout: Duration,
    #[cfg(feature = "postgres-tls")]
    tls: Option<Tls>,
}

impl Database {
    /// An address such as `postgresql://user@host:5432/database`, or `host=… user=… dbname=…`, as PostgreSQL's own programs
    /// have it. It holds no password: that is said by [`password`](Self::password). Without anything else said, an
    /// answer has to come within 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password: None,
            timeout: Duration::from_secs(30),
            #[cfg(feature = "postgres-tls")]
            tls: None,
        }
    }

    /// Encrypts the connection; these certificates are trusted and shown.
    #[cfg(feature = "postgres-tls")]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    #[cfg(feature = "postgres-tls")]
    pub(super) fn secured(&self) -> super::secured::Secured {
        super::secured::Secured(self.tls.clone().unwrap_or_default())
    }

    /// The password, which is read anew with each connection.
    pub fn password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// How long a statement, and connecting, may take: 30 s unless told otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn config(&self) -> Result<Config, PostgresError> {
        let wrong = |why: String| PostgresError::Address { why };
        let mut config = self.read().map_err(|error| wrong(whole(&error)))?;
        config.ssl_mode(self.ssl_mode(config.get_ssl_mode()).map_err(|why| wrong(why.to_owned()))?);
        if config.get_password().is_some() {
            return Err(wrong("it holds a password, which would be shown; give it by `password`".to_owned()));
        }
        if let Some(password) = &self.password {
            let password = password.read().map_err(|error| wrong(error.to_string()))?;
            config.password(password);
        }
        if config.get_application_name().is_none() {
            config.application_name("thingflow");
        }
        config.connect_timeout(self.timeout);
        Ok(config)
    }
}

impl Database {
    fn read(&self) -> Result<Config, tokio_postgres::Error> {
        // A certificate is always checked as far as the strictest of these asks for.
        let url = ["sslmode=verify-full", "sslmode=verify-ca"].iter().fold(self.url.clone(), |url, strict| {
            let strict_at_end = |rest: &str| rest.is_empty() || rest.starts_with(['&', ' ']);
            match url.split_once(strict) {
                Some((before, rest)) if strict_at_end(rest) => format!("{before}sslmode=require{rest}"),
                _ => url,
            }
        });
        url.parse()
    }

    /// Encrypted or not: never one by chance, as `prefer` would have it.
    #[cfg(feature = "postgres-tls")]
    fn ssl_mode(&self, asked: SslMode) -> Result<SslMode, &'static str> {
        match (asked, &self.tls) {
            (SslMode::Disable, Some(_)) => Err("it says sslmode=disable, but has certificates; use sslmode=require"),
            (SslMode::Require, _) | (_, Some(_)) => Ok(SslMode::Require),
            _ => Ok(SslMode::Disable),
        }
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[allow(clippy::unused_self)] // as the other one
    fn ssl_mode(&self, asked: SslMode) -> Result<SslMode, &'static str> {
        match asked {
            SslMode::Require => Err("its sslmode needs the feature `postgres-tls` of this library"),
            _ => Ok(SslMode::Disable),
        }
    }
}

impl<T: Into<String>> From<T> for Database {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

/// Its name and where it is, without a user.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(config) = self.read() else { return f.write_str("the database") };
        match config.get_dbname() {
            Some(name) => write!(f, "the database `{}`", printable(name))?,
            None => f.write_str("the database")?,
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Tcp(host)) => write!(f, " at {}:{port}", printable(host)),
            Some(Host::Unix(folder)) => write!(f, " at {}", printable(&folder.to_string_lossy())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_with_its_place_and_without_its_user() {
        let shown = |url: &str| Database::new(url).to_string();
        assert_eq!(shown("postgresql://pat@db.lan:5433/home"), "the database `home` at db.lan:5433");
        assert_eq!(shown("host=/run/postgresql user=pat dbname=home"), "the database `home` at /run/postgresql");
        assert_eq!(shown("postgresql://pat:s3cret@[::1]"), "the database at ::1:5432");
        assert_eq!(shown("nowhere"), "the database");
    }
}
