//! [`Status`]: how the connection fares.

use std::time::Duration;

use thingflow_core::StreamError;

use super::options::Version;

/// What a client says of its connection, see [`Client::status`](super::Client::status).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// The broker has let the client in.
    Connected {
        /// The version that both speak.
        version: Version,
        /// The broker has kept the session.
        session_present: bool,
    },
    /// There is no connection; the next try comes after a while.
    Disconnected {
        /// Why.
        error: StreamError,
        /// How long until the next try.
        retry_in: Duration,
    },
    /// There will be no connection before [`Client::reconnect`](super::Client::reconnect): another client has taken the
    /// session.
    Stopped {
        /// Why.
        error: StreamError,
    },
}
