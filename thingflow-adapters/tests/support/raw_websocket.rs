//! WebSockets by hand: the bytes of a client or a server that does what it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The key of the standard's example, and what accepts it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// The request of a client.
pub(crate) fn request(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    )
}

/// A frame of a client, masked. `first`: its first byte, 0x81 for a text.
pub(crate) fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let length = match payload.len() {
        n @ 0..126 => vec![0x80 | n as u8],
        n => [&[0xfe][..], &u16::try_from(n).expect("a short frame").to_be_bytes()].concat(),
    };
    let masked: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    [&[first][..], &length, &mask, &masked].concat()
}

/// A frame that has come, unmasked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(first: u8, payload: &[u8]) -> Self {
        Self { first, payload: payload.to_vec() }
    }

    /// With what it closes.
    pub(crate) fn code(&self) -> u16 {
        self.payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code))
    }
}

/// The other side of a connection.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).expect("it listens"))
    }

    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
        Self(socket)
    }

    /// After the handshake.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut raw = Self::new(address);
        raw.send(request("/", "").as_bytes());
        let head = raw.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    /// What is below.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.0
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes); // it may be refused in the middle
    }

    pub(crate) fn end_sending(&self) -> std::io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    /// The head of a request or an answer.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Some([byte]) = self.take::<1>() else { break };
            head.push(byte);
        }
        String::from_utf8(head).expect("a head is text")
    }

    /// Answers a client's request.
    pub(crate) fn answer(&mut self, head: &str, headers: &str) {
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("it has a key");
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        self.send(format!("{head}\r\nSec-WebSocket-Accept: {}\r\n{headers}\r\n", accepted(key)).as_bytes());
    }

    /// The next frame.
    pub(crate) fn frame(&mut self) -> Frame {
        self.try_frame().expect("there is a frame")
    }

    /// The next frame, unless the connection ends before.
    pub(crate) fn try_frame(&mut self) -> Option<Frame> {
        let [first, length] = self.take()?;
        let length_of = match length & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.take()?)),
            127 => u64::from_be_bytes(self.take()?),
            n => n.into(),
        };
        let mask: [u8; 4] = if length & 0x80 == 0 { [0; 4] } else { self.take()? };
        let mut payload = vec![0; usize::try_from(length_of).expect("it fits")];
        self.0.read_exact(&mut payload).ok()?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Some(Frame { first, payload })
    }

    /// The next frame; before it, perhaps, the head of the handshake.
    pub(crate) fn head_or_frame(&mut self) -> Frame {
        if self.peek() == Some(b'H') {
            self.head();
        }
        if self.has_more() { self.frame() } else { Frame::new(0, b"") }
    }

    /// Whether something has come.
    pub(crate) fn has_more(&self) -> bool {
        self.0.set_nonblocking(true).expect("a socket");
        let more = self.peek().is_some();
        self.0.set_nonblocking(false).expect("a socket");
        more
    }

    fn peek(&self) -> Option<u8> {
        let mut byte = [0];
        matches!(self.0.peek(&mut byte), Ok(1)).then_some(byte[0])
    }

    /// Whether the other side has ended the connection, after whatever has come.
    pub(crate) fn is_over(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).ok().map(|()| bytes)
    }
}

/// Takes a client and makes the handshake.
pub(crate) fn accept(listener: &TcpListener, headers: &str) -> Raw {
    let mut raw = Raw::of(listener.accept().expect("a client comes").0);
    let head = raw.head();
    raw.answer(&head, headers);
    raw
}

/// What accepts a key (RFC 6455, section 1.3), by somebody else's hand.
fn accepted(key: &str) -> String {
    let mut openssl = Command::new("sh")
        .args(["-c", "openssl sha1 -binary | openssl base64"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let mut input = openssl.stdin.take().expect("it is piped");
    write!(input, "{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").expect("it is read");
    drop(input);
    let output = openssl.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("base64").trim_end().to_owned()
}
