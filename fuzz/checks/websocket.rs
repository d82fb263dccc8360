//! Any bytes as a WebSocket, to a server and to a client, with the handshake and behind it: no panic, limits that hold, the same
//! messages in pieces.

use thingflow_adapters::websocket::read_bytes;

/// The key of the example in RFC 6455.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) fn check(bytes: &[u8]) {
    let bytes = bytes.get(..1 << 16).unwrap_or(bytes); // what a pair of sockets takes at once
    for client in [None, Some(KEY)] {
        let greeting = if client.is_some() { ANSWER } else { REQUEST };
        for greeting in [&b""[..], greeting] {
            let all = [greeting, bytes].concat();
            for most in [5, 1 << 16] {
                let read = |piece| read_bytes(&all, piece, most, client).expect("a pair of sockets");
                let whole = read(usize::MAX);
                assert_eq!(whole, read(if all.len() < 1000 { 1 } else { 97 }), "read in pieces");
                assert!(whole.greeted || greeting.is_empty());
                assert!(whole.messages.iter().all(|message| message.as_bytes().len() <= most));
                assert!(whole.messages.len() * 2 <= bytes.len(), "more messages than bytes");
            }
        }
    }
}
