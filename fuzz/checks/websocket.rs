//! Any bytes as a WebSocket, to a server and to a client, with the handshake and behind it: no panic, limits that hold, the same
//! messages in pieces.

use thingflow_adapters::websocket::read_bytes;

/// The key of the example in RFC 6455.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) fn check(bytes: &[u8]) {
    (0..16).for_each(|way| check_in(way, bytes));
}

/// In one of 16 ways.
pub(crate) fn check_in(way: u8, bytes: &[u8]) {
    let bytes = bytes.get(..1 << 16).unwrap_or(bytes); // what a pair of sockets takes at once
    let bit = |number: u8| way >> number & 1 == 1;
    let client = bit(0).then_some(KEY);
    let greeting = match bit(1) {
        true if bit(0) => ANSWER,
        true => REQUEST,
        false => b"",
    };
    let most = if bit(2) { 5 } else { 1 << 16 };
    let all = [greeting, bytes].concat();
    let read = |piece| read_bytes(&all, piece, most, client).expect("a pair of sockets");
    let whole = read(usize::MAX);
    assert_eq!(whole, read(if bit(3) && all.len() < 1000 { 1 } else { 13 }), "read in pieces");
    assert!(whole.greeted || greeting.is_empty());
    assert!(whole.messages.iter().all(|message| message.as_bytes().len() <= most));
    assert!(whole.messages.len() * 2 <= bytes.len(), "more messages than bytes");
}
