//! [`UdpWriter`]: lines in datagrams.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::net::{ToSocketAddrs, UdpSocket};

use serde::Serialize;
use thingflow_core::{Batch, Refusal, StreamError, Worker};

use super::{Encoder, InfluxError};
use crate::printable::printable;

/// A [`Worker`] that sends events as lines over UDP, to InfluxDB 1 or Telegraf, several in a datagram.
///
/// Nobody answers, so an event counts as delivered when it has been sent, and may still be lost. That no program listens is
/// noticed as soon as the system is told, which is at once on the same machine. What is to arrive goes over HTTP, by a
/// [`Writer`](super::Writer).
///
/// Points without a time get that of the server when their datagram arrives, so those of the same tags have a datagram each: the
/// server would take two of one datagram for one point. As many as there are may come faster than the server reads; send
/// [sensor events](thingflow_core::SensorEvent), or name the field that is the [time](Encoder::time).
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
        Self { server: server.into(), encoder: encoder.wary(), socket: None, datagram: 1400, of: PhantomData }
    }

    /// How many bytes of lines go into one datagram: 1,400 unless told otherwise, which passes any network in one piece. A line
    /// that is longer has a datagram of its own.
    #[must_use]
    pub fn datagrams_of(mut self, bytes: usize) -> Self {
        self.datagram = bytes.min(LONGEST);
        self
    }

    fn open(&self) -> Result<UdpSocket, Refusal> {
        let name = &self.server;
        let addresses = name.to_socket_addrs().map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => {
                let text = format!("invalid address `{}`: {error}; use HOST:PORT", printable(name));
                Refusal::Setup(StreamError::msg(text))
            }
            _ => refused("find", name, &error),
        })?;
        let none = || refused("find", name, &io::Error::other("the name has no address"));
        let server = addresses.into_iter().next().ok_or_else(none)?;
        let connected = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })
            .and_then(|socket| socket.connect(server).map(|()| socket));
        connected.map_err(|error| refused("reach", name, &error))
    }
}

/// It is the other side's fault, or that of the network.
fn refused(doing: &str, server: &str, error: &io::Error) -> Refusal {
    let hint = match error.kind() {
        io::ErrorKind::ConnectionRefused => "; no program listens there",
        _ => "",
    };
    Refusal::Peer(StreamError::msg(format!("cannot {doing} {}: {error}{hint}", printable(server))))
}

/// The next datagram: its lines, and of how many events they are.
fn pack<E: Serialize>(encoder: &mut Encoder, batch: &Batch<E>, longest: usize) -> Result<(String, usize), Refusal> {
    let (mut lines, mut events, mut timeless) = (String::new(), 0, BTreeSet::new());
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
        let before = lines.len();
        lines.push_str(line);
        lines.push('\n');
        if encoder.timeless_series().is_some_and(|series| !timeless.insert(series.to_owned())) {
            lines.truncate(before);
            break;
        }
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
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.open()?,
        };
        let socket = self.socket.insert(socket);
        while !batch.is_empty() {
            let (lines, events) = pack(&mut self.encoder, batch, self.datagram)?;
            // What becomes of a datagram is said of the socket, after it has been sent.
            let sent = socket.send(lines.as_bytes()).and_then(|_| socket.take_error());
            match sent {
                Ok(None) => batch.done(events),
                Ok(Some(error)) | Err(error) => return Err(refused("send to", &self.server, &error)),
            }
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
