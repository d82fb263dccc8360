//! [`Sender`]: a datagram for each event.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use thingflow_core::{Closed, Context, Demand, Receipt, Sink, StreamError, Visitor};

/// A sink that sends each event as a datagram, made by [`send_to`].
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    name: String,
    sent: u64,
    lost: u64,
    /// The last one was lost, which has been reported.
    is_losing: bool,
}

/// A sink that sends each event to an address. It never waits: a datagram for which the system has no room, that is too long,
/// or that nobody hears, is lost and counted, and the first of them is reported.
///
/// A name is looked up here, once, which may take a while: call it before the scheduler runs.
///
/// # Errors
/// If there is no such address, or the system knows no way to any of them.
pub fn send_to(address: impl ToSocketAddrs) -> io::Result<Sender> {
    let mut last = ErrorKind::AddrNotAvailable.into();
    for address in address.to_socket_addrs()? {
        match connected(address) {
            Ok(socket) => {
                return Ok(Sender { socket, name: format!("udp {address}"), sent: 0, lost: 0, is_losing: false });
            }
            Err(error) => last = io::Error::new(error.kind(), format!("cannot send to {address}: {error}")),
        }
    }
    Err(last)
}

fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}

impl Sender {
    /// Datagrams that were handed to the system.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Datagrams that were lost here. What the network loses nobody knows.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl Sink for Sender {
    type Event = Vec<u8>;
    fn on_next(&mut self, event: Vec<u8>, cx: &mut Context<'_>) -> Receipt {
        // The first call may tell that an earlier datagram was refused: then this one has not been sent yet.
        let refused =
            |result: &io::Result<usize>| matches!(result, Err(error) if error.kind() == ErrorKind::ConnectionRefused);
        let first = self.socket.send(&event);
        let result = if refused(&first) { self.socket.send(&event) } else { first };
        match result {
            Ok(_) => {
                self.sent += 1;
                self.is_losing = false;
            }
            Err(error) => {
                self.lost += 1;
                if !std::mem::replace(&mut self.is_losing, true) {
                    cx.report(&self.name, &StreamError::caused("a datagram was lost", error));
                }
            }
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        cx.report(&self.name, &error);
        Ok(())
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink(&self.name);
    }
}
