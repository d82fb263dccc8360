//! [`UdpWriter`]: lines in datagrams.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{ToSocketAddrs, UdpSocket};

use serde::Serialize;
use thingflow_core::{Batch, Refusal, StreamError, Worker};

use super::{Encoder, InfluxError};

/// A [`Worker`] that sends events as lines over UDP, to InfluxDB 1 or Telegraf, several in a datagram.
///
/// Nobody answers, so an event counts as delivered when it has been sent, and may still be lost. What is to arrive goes over
/// HTTP, by a [`Writer`](super::Writer).
pub struct UdpWriter<E> {
    server: String,
    encoder: Encoder,
    socket: Option<UdpSocket>,
    datagram: usize,
    of: PhantomData<fn(&E)>,
}

/// What a datagram over IPv4 can hold at most, in bytes.
const LONGEST: usize = 65_507;

impl<E: Serialize> UdpWriter<E> {
    /// To a server and its port: `"127.0.0.1:8089"`. A name is looked up with each connection.
    pub fn new(server: impl Into<String>, encoder: Encoder) -> Self {
        Self { server: server.into(), encoder, socket: None, datagram: 1400, of: PhantomData }
    }

    /// How many bytes of lines go into one datagram: 1,400 unless told otherwise, which passes any network in one piece. A line
    /// that is longer has a datagram of its own.
    #[must_use]
    pub fn datagrams_of(mut self, bytes: usize) -> Self {
        self.datagram = bytes.min(LONGEST);
        self
    }

    fn open(&self) -> Result<UdpSocket, Refusal> {
        let addresses = self.server.to_socket_addrs().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => Refusal::Setup(StreamError::caused("invalid address, use HOST:PORT", error)),
            _ => Refusal::Peer(StreamError::caused("cannot find the server", error)),
        })?;
        let server = addresses.into_iter().next().ok_or(StreamError::new("the server's name has no address"));
        let server = server.map_err(Refusal::Peer)?;
        let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
        socket.connect(server)?;
        Ok(socket)
    }
}

/// The next datagram: its lines, and of how many events they are.
fn pack<E: Serialize>(encoder: &mut Encoder, batch: &Batch<E>, longest: usize) -> Result<(String, usize), Refusal> {
    let (mut lines, mut events) = (String::new(), 0);
    for event in batch.iter() {
        let refused = |error: InfluxError| Refusal::Event { index: 0, error: error.into() };
        let line = match encoder.encode(event) {
            Err(error) if events == 0 => return Err(refused(error)),
            Err(_) => break, // those before it are sent first
            Ok(line) if line.len() < LONGEST => line,
            Ok(line) if events == 0 => return Err(refused(InfluxError::TooLong { bytes: line.len() })),
            Ok(_) => break,
        };
        if events > 0 && lines.len() + line.len() >= longest {
            break;
        }
        lines.push_str(line);
        lines.push('\n');
        events += 1;
    }
    Ok((lines, events))
}

impl<E: Serialize> Worker<E> for UdpWriter<E> {
    fn connect(&mut self) -> Result<(), Refusal> {
        self.socket = Some(self.open()?);
        Ok(())
    }

    fn work(&mut self, batch: &mut Batch<E>) -> Result<(), Refusal> {
        let Some(socket) = &mut self.socket else {
            return Err(Refusal::Peer(StreamError::new("there is no socket")));
        };
        while !batch.is_empty() {
            let (lines, events) = pack(&mut self.encoder, batch, self.datagram)?;
            socket.send(lines.as_bytes())?;
            batch.done(events);
        }
        Ok(())
    }
}

impl<E> fmt::Debug for UdpWriter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, encoder, .. } = self;
        f.debug_struct("UdpWriter").field("server", server).field("encoder", encoder).finish_non_exhaustive()
    }
}
