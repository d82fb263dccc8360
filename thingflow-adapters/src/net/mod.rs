//! What the adapters that speak over a network share: addresses as URLs, secrets from files, connections that nobody waits for.
#![cfg_attr(not(all(feature = "mqtt", feature = "tcp")), allow(dead_code, unused_imports))] // each adapter uses a part of it

mod address;
#[cfg(feature = "tls")]
mod certificate;
mod clock_watch;
mod counts;
mod dialer;
#[cfg(feature = "uart")]
mod line;
mod lookup;
mod scheduled;
mod secret;
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(any(feature = "http", feature = "postgres", feature = "tcp", feature = "tls"))]
mod trust;

pub use address::{Address, AddressError};
pub use secret::{Secret, SecretError};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

pub(crate) use clock_watch::ClockWatch;
pub(crate) use counts::Counts;
pub(crate) use dialer::Dialer;
pub(crate) use scheduled::Scheduled;
pub(crate) use stream::{Socket, Stream};
#[cfg(any(feature = "http", feature = "postgres", feature = "tcp", feature = "tls"))]
pub(crate) use trust::{TlsFault, fault};
