//! [`Database`]: where it is, and who we are.

use std::fmt;
use std::time::Duration;

use tokio_postgres::Config;

use super::PostgresError;
use super::error::whole;
use crate::net::Secret;

/// A database: its address, who we are, and how long it may take to answer.
///
/// The connection is not encrypted: use one of the same machine, or a network that you trust.
#[derive(Clone, Debug)]
#[must_use]
pub struct Database {
    url: String,
    password: Option<Secret>,
    pub(super) timeout: Duration,
}

impl Database {
    /// An address such as `postgresql://user@host:5432/database`, or `host=… user=… dbname=…`, as PostgreSQL's own programs
    /// have it. It holds no password: that is said by [`password`](Self::password). Without anything else said, an
    /// answer has to come within 30 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), password: None, timeout: Duration::from_secs(30) }
    }

    /// The password, which is read anew with each connection.
    pub fn password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// How long a statement, and connecting, may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn config(&self) -> Result<Config, PostgresError> {
        let wrong = |why: String| PostgresError::Address { why };
        let mut config: Config = self.url.parse().map_err(|error| wrong(whole(&error)))?;
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

impl<T: Into<String>> From<T> for Database {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url.parse::<Config>() {
            Ok(config) => f.write_str(config.get_dbname().unwrap_or("the database")),
            Err(_) => f.write_str("the database"),
        }
    }
}
