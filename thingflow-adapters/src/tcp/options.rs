//! [`ServerOptions`]: what a server allows its clients.

use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;

use super::listener::UnixSocket;
use super::protocol::Pulse;
use super::server::Server;
use crate::bound::{bound, cannot_listen};
use crate::framing::{Framing, Lines};
#[cfg(feature = "tls")]
use crate::net::Tls;
use crate::printable::printable;

/// What happens to a client that does not read what is sent to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slow {
    /// It misses frames, whole ones, which are counted, and stays.
    #[default]
    Drop,
    /// It is disconnected, so that it notices.
    Disconnect,
}

/// A server that is not bound yet.
///
/// ```
/// use thingflow_adapters::framing::LengthPrefixed;
/// use thingflow_adapters::tcp::{ServerOptions, Slow};
/// let server = ServerOptions::framed(LengthPrefixed::default()).max_clients(8).slow(Slow::Disconnect).listen("127.0.0.1:0")?;
/// assert_eq!(server.stats().clients, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerOptions<F> {
    pub(super) framing: F,
    pub(super) rules: Rules,
    mode: u32,
}

/// What a server of any protocol allows its clients.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) max_clients: usize,
    pub(crate) max_unsent: usize,
    pub(crate) slow: Slow,
    pub(crate) pulse: Pulse,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_clients: 64,
            max_unsent: 1 << 16,
            slow: Slow::Drop,
            pulse: Pulse::NONE,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl Default for ServerOptions<Lines> {
    fn default() -> Self {
        Self::framed(Lines::default())
    }
}

impl<F: Framing + 'static> ServerOptions<F> {
    /// A server whose frames are of this kind, with at most 64 clients, of which each may be 64 KiB behind.
    pub fn framed(framing: F) -> Self {
        Self { framing, rules: Rules::default(), mode: 0o600 }
    }

    /// Turns away clients beyond so many: 64 unless told otherwise.
    #[must_use]
    pub fn max_clients(self, max_clients: usize) -> Self {
        Self { rules: Rules { max_clients, ..self.rules }, ..self }
    }

    /// How many bytes may wait for a client that does not read: 64 KiB unless told otherwise.
    #[must_use]
    pub fn max_unsent(self, max_unsent: usize) -> Self {
        Self { rules: Rules { max_unsent, ..self.rules }, ..self }
    }

    /// What happens to a client that is behind by more than that. By default it misses whole frames ([`Slow::Drop`]).
    #[must_use]
    pub fn slow(self, slow: Slow) -> Self {
        Self { rules: Rules { slow, ..self.rules }, ..self }
    }

    /// Speaks TLS only: shows a certificate, and lets in everybody, or those who show one that is trusted, see [`Tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { rules: Rules { tls: Some(tls), ..self.rules }, ..self }
    }

    /// Who may connect to a [Unix socket](Self::listen_unix): the permissions of its file, such as `0o660`. Unless told
    /// otherwise the program's own user may, `0o600`.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// Binds the address. Clients are accepted when the server has been scheduled.
    ///
    /// # Errors
    /// Those of the operating system: the address is in use, or is not one of this machine. A certificate that cannot be used.
    pub fn listen(self, address: impl ToSocketAddrs) -> io::Result<Server<F>> {
        Server::new(bound(address, |addresses| TcpListener::bind(addresses))?, self)
    }

    /// Binds a Unix socket, for programs of this machine. The file that a killed program has left there is replaced. Of several
    /// programs that do so at the same moment one gets the socket: while it binds it holds a lock (`flock`) on the file
    /// `PATH.thingflow-lock`, which it removes when it listens.
    ///
    /// # Errors
    /// Those of the operating system: somebody listens there, or is about to; there is no such folder, or nothing may be written
    /// there; the path has more than 107 bytes.
    pub fn listen_unix(self, path: impl AsRef<Path>) -> io::Result<Server<F, UnixSocket>> {
        let socket = UnixSocket::bind(path.as_ref(), self.mode)
            .map_err(|error| cannot_listen(printable(&path.as_ref().to_string_lossy()), &error))?;
        Server::new(socket, self)
    }
}
