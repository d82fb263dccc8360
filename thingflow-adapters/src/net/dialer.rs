//! [`Dialer`]: makes connections to one server, step by step, so that nobody waits: the name, the socket, the handshake.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use thingflow_core::{Descriptor, Interest, Registry};

use super::address::{Address, Place};
use super::lookup::{Lookup, known};
use super::stream::{Socket, Stream};
#[cfg(feature = "tls")]
use super::tls::Tls;

/// Makes connections to one server. Dropping what is under way gives it up, but for a question to the name server: that goes
/// on, and the next try takes its answer.
pub(crate) struct Dialer {
    address: Address,
    port: u16,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    lookup: Option<Lookup>,
    step: Step,
    /// Where the next try begins, so that a number that never answers does not hide the others.
    first: usize,
}

enum Step {
    Idle,
    Asking,
    Connecting {
        socket: Descriptor<Socket>,
        others: Vec<SocketAddr>,
    },
    #[cfg(feature = "tls")]
    Handshake(Stream),
}

impl Dialer {
    /// To `address`, or to this port where it names none.
    pub(crate) fn new(address: Address, port: u16) -> Self {
        let port = address.port().unwrap_or(port);
        Self {
            address,
            port,
            #[cfg(feature = "tls")]
            tls: None,
            lookup: None,
            step: Step::Idle,
            first: 0,
        }
    }

    /// With TLS from the first byte on.
    #[cfg(feature = "tls")]
    pub(crate) fn secured(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Begins a try; [`poll`](Self::poll) goes on with it. The descriptors are registered by `key`.
    pub(crate) fn begin(&mut self, registry: &Registry, key: usize) -> io::Result<()> {
        self.step = Step::Idle;
        match self.address.place() {
            Place::Socket(path) => {
                let socket = Socket::Unix(thingflow_unix::connect(path).map_err(|error| self.unreached(&error))?);
                self.step = Step::Connecting { socket: registered(socket, registry, key)?, others: Vec::new() };
            }
            #[cfg(feature = "uart")]
            Place::Line(path, baud) => {
                let socket = Socket::Line(super::line::open(path, *baud)?);
                self.step = Step::Connecting { socket: registered(socket, registry, key)?, others: Vec::new() };
            }
            Place::Host { name, .. } => match known(name, self.port) {
                Some(found) => self.step = self.connect_any(found, registry, key)?,
                None => {
                    if self.lookup.is_none() {
                        self.lookup = Some(Lookup::begin(name, self.port, registry, key)?);
                    }
                    self.step = Step::Asking;
                }
            },
        }
        Ok(())
    }

    /// Gives the try up.
    pub(crate) fn give_up(&mut self) {
        self.first += 1;
        self.step = Step::Idle;
    }

    /// Goes on as far as it can: the connection, once it has been made.
    pub(crate) fn poll(&mut self, registry: &Registry, key: usize) -> io::Result<Option<Stream>> {
        loop {
            match std::mem::replace(&mut self.step, Step::Idle) {
                Step::Idle => return Ok(None),
                Step::Asking => {
                    let Some(found) = self.lookup.as_mut().and_then(Lookup::poll) else {
                        self.step = Step::Asking;
                        return Ok(None);
                    };
                    self.lookup = None;
                    let found = found.map_err(|error| self.unreached(&error))?;
                    self.step = self.connect_any(found, registry, key)?;
                }
                Step::Connecting { socket, others } => match socket.is_connected() {
                    Ok(true) => {
                        if let Some(stream) = self.connected(socket)? {
                            return Ok(Some(stream));
                        }
                    }
                    Ok(false) => {
                        self.step = Step::Connecting { socket, others };
                        return Ok(None);
                    }
                    Err(error) if others.is_empty() => return Err(self.unreached(&error)),
                    Err(_) => {
                        drop(socket);
                        self.step = connect_first(others, registry, key).map_err(|error| self.unreached(&error))?;
                    }
                },
                #[cfg(feature = "tls")]
                Step::Handshake(mut stream) => {
                    if stream.greet()? {
                        return Ok(Some(stream));
                    }
                    self.step = Step::Handshake(stream);
                    return Ok(None);
                }
            }
        }
    }

    fn connect_any(&self, mut found: Vec<SocketAddr>, registry: &Registry, key: usize) -> io::Result<Step> {
        found.dedup();
        if !found.is_empty() {
            let first = self.first % found.len();
            found.rotate_left(first);
        }
        connect_first(found, registry, key).map_err(|error| self.unreached(&error))
    }

    /// The error with the address, of the same kind.
    fn unreached(&self, error: &io::Error) -> io::Error {
        let advice = match (error.kind(), self.address.place()) {
            (ErrorKind::ConnectionRefused, _) => "; no program listens there",
            (ErrorKind::NotFound, Place::Socket(_)) => "; its program has not made the socket",
            (ErrorKind::PermissionDenied, Place::Socket(_)) => "; its owner does not let this user in",
            (ErrorKind::InvalidFilename, _) => "; the path of a socket has at most 107 bytes",
            _ => "",
        };
        io::Error::new(error.kind(), format!("cannot connect to {}: {error}{advice}", self.address))
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // as the other one
    fn connected(&mut self, socket: Descriptor<Socket>) -> io::Result<Option<Stream>> {
        let _ = socket.watch(); // a connection without is one, too
        Ok(Some(Stream::plain(socket)))
    }

    #[cfg(feature = "tls")]
    fn connected(&mut self, socket: Descriptor<Socket>) -> io::Result<Option<Stream>> {
        let _ = socket.watch(); // a connection without is one, too
        let Some(tls) = &mut self.tls else { return Ok(Some(Stream::plain(socket))) };
        let tls = tls.begin(self.address.host().unwrap_or("localhost"))?;
        self.step = Step::Handshake(Stream::by_tls(socket, tls.into()));
        Ok(None)
    }
}

fn connect_first(mut found: Vec<SocketAddr>, registry: &Registry, key: usize) -> io::Result<Step> {
    loop {
        if found.is_empty() {
            return Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
        }
        let number = found.remove(0);
        match connect(number, found.clone(), registry, key) {
            Err(_) if !found.is_empty() => {}
            step => return step,
        }
    }
}

fn connect(number: SocketAddr, others: Vec<SocketAddr>, registry: &Registry, key: usize) -> io::Result<Step> {
    let socket = Socket::Tcp(Descriptor::connect(number)?.into_inner());
    Ok(Step::Connecting { socket: registered(socket, registry, key)?, others })
}

fn registered(socket: Socket, registry: &Registry, key: usize) -> io::Result<Descriptor<Socket>> {
    let mut socket = Descriptor::new(socket);
    registry.register(&mut socket, key, Interest::READABLE | Interest::WRITABLE)?;
    Ok(socket)
}
