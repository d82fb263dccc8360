//! [`Carrier`]: what carries the packets: a connection, or a WebSocket over one.

use std::io::{self, Read, Write};

use crate::net::Stream;
#[cfg(feature = "websocket")]
use crate::websocket::{Bytes, Target};

/// A connection to a broker that never waits.
pub(super) enum Carrier {
    Plain(Stream),
    #[cfg(feature = "websocket")]
    Web(Box<Bytes>),
}

impl Carrier {
    /// Over a WebSocket, at the path of its address.
    #[cfg(feature = "websocket")]
    pub(super) fn web(stream: Stream, target: &Target, max_packet: u32) -> io::Result<Self> {
        // One message may hold several packets.
        let most = usize::try_from(max_packet).unwrap_or(usize::MAX).saturating_add(1 << 16);
        Bytes::new(stream, target, "mqtt", most).map(Box::new).map(Self::Web)
    }

    pub(super) fn end(self) {
        match self {
            Self::Plain(stream) => stream.end(),
            #[cfg(feature = "websocket")]
            Self::Web(bytes) => bytes.end(),
        }
    }
}

impl Read for Carrier {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(bytes),
            #[cfg(feature = "websocket")]
            Self::Web(web) => web.read(bytes),
        }
    }
}

impl Write for Carrier {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "websocket")]
            Self::Web(web) => web.write(bytes),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "websocket")]
            Self::Web(web) => web.flush(),
        }
    }
}
