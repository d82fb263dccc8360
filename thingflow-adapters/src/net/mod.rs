//! What the adapters that speak over a network share: addresses as URLs, secrets from files, connections that nobody waits for.
#![cfg_attr(not(feature = "mqtt"), allow(dead_code, unused_imports))] // each adapter uses a part of it

mod address;
#[cfg(feature = "tls")]
mod certificate;
mod dialer;
mod lookup;
mod secret;
mod stream;
#[cfg(feature = "tls")]
mod tls;

pub use address::{Address, AddressError};
pub use secret::{Secret, SecretError};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

pub(crate) use dialer::Dialer;
pub(crate) use stream::Stream;
#[cfg(feature = "tls")]
pub(crate) use tls::{TlsFault, fault};
