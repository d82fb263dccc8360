//! [`Inbox`]: datagrams as they come.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};

use thingflow_core::{
    Context, Demand, Descriptor, EventThing, Failure, Interest, Port, PortRef, PortSource, Ports, Registry, StreamError,
};

use crate::bound::bound;

/// A datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who says that it is from it: anybody can write any address there.
    pub from: SocketAddr,
    /// What is in it, up to 65,507 bytes.
    pub data: Vec<u8>,
}

/// An event source of datagrams, made by [`bind`].
pub struct Inbox {
    socket: Descriptor<UdpSocket>,
    address: SocketAddr,
    name: String,
    port: Port<Datagram>,
    buffer: Vec<u8>,
}

/// So many datagrams are sent before others have their turn.
const BATCH: usize = 64;
/// The largest datagram.
const LARGEST: usize = 65_535;

/// Takes the datagrams that are sent to an address. While its listeners are full they wait in the kernel, which drops what it
/// has no room for.
///
/// # Errors
/// Those of the operating system: the address is in use, or is not one of this machine.
pub fn bind(address: impl ToSocketAddrs) -> io::Result<Inbox> {
    let socket = bound(address, |addresses| UdpSocket::bind(addresses))?;
    let address = socket.local_addr()?;
    let name = format!("udp {address}");
    let port = Port::new().named(&name);
    Ok(Inbox { socket: Descriptor::new(socket), address, name, port, buffer: vec![0; LARGEST] })
}

impl Inbox {
    /// The output port.
    pub fn port(&self) -> &Port<Datagram> {
        &self.port
    }

    /// The address that is bound: with the port that was chosen, if it was 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Ports for Inbox {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Inbox {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        for _ in 0..BATCH {
            let (len, from) = match self.socket.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Demand::More),
                // What others say to what was sent from here, if it was.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionRefused) => continue,
                Err(error) => return Err(StreamError::caused("cannot receive datagrams", error).into()),
            };
            let demand = self.port.emit(Datagram { from, data: self.buffer[..len].to_vec() }, cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl EventThing for Inbox {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.socket, 0, Interest::READABLE)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("address", &self.address).finish_non_exhaustive()
    }
}
