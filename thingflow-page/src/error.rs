//! [`PageError`]: why there is no page.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::{fmt, io};

/// Why there is no page.
#[non_exhaustive]
pub enum PageError {
    /// This is no address with a port.
    Address(String),
    /// Other machines could reach this address.
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    Bind(SocketAddr, io::Error),
    /// The Unix socket cannot be made.
    Unix(PathBuf, io::Error),
    /// The thread cannot be started, or there is no randomness for a token.
    System(io::Error),
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => write!(f, "invalid address {text:?}: give one with a port, such as 127.0.0.1:8080"),
            Self::NotLoopback(address) => write!(
                f,
                "cannot serve the page at {address}: it would be open to the network, without encryption; bind 127.0.0.1 and come \
                 by ssh -L, serve it by `Options::tls` (feature `tls`), or say `Options::open_to_network`"
            ),
            Self::Bind(address, error) => write!(f, "cannot serve the page at {address}: {error}; choose another port"),
            Self::Unix(path, error) => write!(
                f,
                "cannot serve the page at the socket {}: {error}; choose a path of at most 107 bytes in a folder of the program's \
                 user, which no other program uses",
                path.display()
            ),
            Self::System(error) => write!(f, "cannot start the page: {error}"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for PageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(_, error) | Self::Unix(_, error) | Self::System(error) => Some(error),
            _ => None,
        }
    }
}
