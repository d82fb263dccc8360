//! How a connection becomes a WebSocket (RFC 6455, section 4): a request of HTTP and its answer.

use std::rc::Rc;

use thingflow_core::{Instant, StreamError};
use tungstenite::handshake::derive_accept_key;

use super::error::HeaderError;
use crate::framing::Buffer;
use crate::net::Secret;
use crate::printable::printable;
use crate::requests::{Answer, Guard, Headers};

/// A head is at most as long.
const LONGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    /// With the port, if it is not the usual one.
    pub(crate) host: String,
    /// With what follows the question mark.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) token: Option<Secret>,
    pub(crate) subprotocol: Option<String>,
}

impl Invitation {
    /// The bytes of the request.
    ///
    /// # Errors
    /// A token that cannot be read, or that is not one line of text.
    pub(crate) fn request(&self, key: &str) -> std::io::Result<Vec<u8>> {
        let Self { host, path, headers, token, subprotocol } = self;
        let mut request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
        request += &format!("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n");
        subprotocol.iter().for_each(|name| request += &format!("Sec-WebSocket-Protocol: {name}\r\n"));
        headers.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        if let Some(secret) = token {
            let token = secret.read().map_err(std::io::Error::other)?;
            let token = str::from_utf8(token.trim_ascii()).ok().filter(|token| is_value(token) && !token.is_empty());
            let token =
                token.ok_or_else(|| std::io::Error::other("invalid token: it must be one line of text (UTF-8)"))?;
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        Ok((request + "\r\n").into_bytes())
    }

    /// Reads the answer; `None` if it is not complete.
    pub(crate) fn read(&self, key: &str, bytes: &mut Buffer) -> Result<Option<()>, StreamError> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let known = bytes.bytes().get(..LONGEST_HEAD).unwrap_or(bytes.bytes());
        let length = match head.parse(known) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(StreamError::msg("the head of the answer is too large")),
            Err(error) => return Err(StreamError::caused("what the server answers is no HTTP", error)),
        };
        let (status, reason) = (head.code.unwrap_or_default(), printable(head.reason.unwrap_or_default()));
        if status != 101 {
            let text = format!("the server answers `{status} {reason}` and makes no WebSocket of the connection");
            return Err(StreamError::msg(text));
        }
        let headers = Headers::of(head.headers);
        let is_accepted = headers.says("Upgrade", "websocket")
            && headers.says("Connection", "upgrade")
            && headers.only("Sec-WebSocket-Accept") == Some(derive_accept_key(key.as_bytes()).as_bytes())
            && headers.all("Sec-WebSocket-Extensions").next().is_none();
        if !is_accepted {
            return Err(StreamError::msg("the server does not speak WebSocket at this address: check its path"));
        }
        if headers.all("Sec-WebSocket-Protocol").next() != self.subprotocol.as_ref().map(String::as_bytes) {
            let wanted = self.subprotocol.as_deref().unwrap_or("none");
            return Err(StreamError::msg(format!("the server speaks another subprotocol than {wanted}")));
        }
        bytes.take(length);
        Ok(Some(()))
    }
}

/// Whom a server lets in.
#[derive(Debug)]
pub(crate) struct Reception {
    pub(crate) path: Option<String>,
    pub(crate) subprotocol: Option<String>,
    pub(crate) guard: Guard,
}

impl Reception {
    /// Reads a request: what to answer, or why the client is refused. `None` if it is not complete.
    pub(crate) fn read(self: &Rc<Self>, bytes: &mut Buffer, now: Instant) -> Result<Option<Vec<u8>>, Answer> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let known = bytes.bytes().get(..LONGEST_HEAD).unwrap_or(bytes.bytes());
        let length = match head.parse(known) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < LONGEST_HEAD => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Answer::new(431, "the head of the request is too large"));
            }
            Err(httparse::Error::Version) => return Err(Answer::new(505, "HTTP/1.1 is spoken here")),
            Err(error) => return Err(Answer::new(400, format!("not an HTTP request: {error}"))),
        };
        if head.method != Some("GET") {
            return Err(Answer::not_by_that_method("GET", "a WebSocket is asked for by GET"));
        }
        let (target, is_by_1_1) = (head.path.unwrap_or_default(), head.version == Some(1));
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if self.path.as_ref().is_some_and(|known| known != path) {
            return Err(Answer::new(404, "there is no WebSocket at this path"));
        }
        let headers = Headers::of(head.headers);
        self.guard.check(&headers, now)?;
        let answer = self.answer(&headers, is_by_1_1)?;
        bytes.take(length);
        Ok(Some(answer))
    }

    fn answer(&self, headers: &Headers, is_by_1_1: bool) -> Result<Vec<u8>, Answer> {
        let upgrades = headers.says("Upgrade", "websocket") && headers.says("Connection", "upgrade");
        if !is_by_1_1 || !upgrades || headers.only("Sec-WebSocket-Version") != Some(b"13") {
            return Err(Answer::new(426, "WebSockets of version 13 are spoken here"));
        }
        let key = headers.only("Sec-WebSocket-Key").map(<[u8]>::trim_ascii);
        let key = key.filter(|key| is_key(key));
        let key =
            key.ok_or_else(|| Answer::new(400, "the Sec-WebSocket-Key is missing, or no sixteen bytes in base64"))?;
        let accepted = derive_accept_key(key);
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accepted}\r\n"
        );
        if let Some(name) = &self.subprotocol
            && headers.says("Sec-WebSocket-Protocol", name)
        {
            answer += &format!("Sec-WebSocket-Protocol: {name}\r\n");
        }
        Ok((answer + "\r\n").into_bytes())
    }
}

/// Sixteen bytes in base64: 22 signs, of which the last has four bits too many, and the padding.
fn is_key(key: &[u8]) -> bool {
    let is_sign = |sign: &u8| sign.is_ascii_alphanumeric() || b"+/".contains(sign);
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_sign)
}

/// Whether a text can be the value of a header.
pub(crate) fn is_value(text: &str) -> bool {
    text.chars().all(|sign| sign == '\t' || !sign.is_control())
}

/// A name for a subprotocol.
pub(crate) fn subprotocol(name: String) -> Result<String, HeaderError> {
    if !is_word(&name) {
        let why = "a subprotocol must be an HTTP token: letters, digits, `-` and the like, without spaces";
        return Err(HeaderError::new(&name, why));
    }
    Ok(name)
}

/// Whether a text is a word, such as the name of a header (RFC 9110, section 5.6.2).
pub(crate) fn is_word(text: &str) -> bool {
    let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&sign);
    !text.is_empty() && text.bytes().all(is_sign)
}
