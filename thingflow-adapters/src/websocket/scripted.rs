//! A WebSocket whose other side is bytes that somebody has at hand: for the tests and the fuzzing of what comes from outside.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use thingflow_core::{Descriptor, Instant};

use super::handshake::{Invitation, Reception};
use super::message::Message;
use super::talk::{Side, Talk};
use crate::framing::Buffer;
use crate::net::{Socket, Stream};
use crate::requests::{Access, Guard};
use crate::tcp::{Conversation, Heard};

/// What a side has made of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// Whether the handshake was made.
    pub greeted: bool,
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// Whether what followed could not be read.
    pub nonsense: bool,
}

/// What a server, or else a client that has asked with `key`, makes of bytes that come in such pieces, and then end.
///
/// # Errors
/// Those of the operating system, of which a pair of sockets is asked for.
pub fn read_bytes(bytes: &[u8], piece: usize, max_message: usize, client: Option<&str>) -> io::Result<Made> {
    let (ours, mut theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    let stream = Stream::plain(Descriptor::new(Socket::Unix(ours)));
    let mut talk = Talk::new(stream, side(client), max_message)?;
    let mut made = Made { greeted: false, messages: Vec::new(), nonsense: false };
    let mut is_over = false;
    for (number, piece) in bytes.chunks(piece.max(1)).enumerate() {
        theirs.write_all(piece)?;
        is_over = go_on(&mut talk, &mut made);
        if is_over {
            break;
        }
        if number % 16 == 15 {
            let _ = theirs.read(&mut [0; 4096]); // what is said does not matter, only that there is room for it
        }
    }
    if !is_over {
        theirs.shutdown(Shutdown::Write)?;
        go_on(&mut talk, &mut made);
    }
    talk.end(true);
    Ok(made)
}

/// As far as it can. True at the end.
fn go_on(talk: &mut Talk, made: &mut Made) -> bool {
    if !made.greeted {
        match talk.greet(Instant::ZERO) {
            Ok(true) => made.greeted = true,
            Ok(false) => return false,
            Err(_) => return true,
        }
    }
    loop {
        match talk.next() {
            Heard::Frame(message) => made.messages.push(message),
            Heard::Sign | Heard::Again | Heard::LeftOut(_) => {}
            Heard::Nothing => return false,
            Heard::Nonsense(_) => {
                made.nonsense = true;
                return true;
            }
            Heard::End(_) => return true,
        }
        talk.take_words(&mut Buffer::default());
    }
}

fn side(client: Option<&str>) -> Side {
    let Some(key) = client else {
        let guard = Guard::new(Access::Everybody, Vec::new());
        return Side::Server(Rc::new(Reception { path: None, subprotocol: Some("lux".to_owned()), guard }));
    };
    let (host, path) = ("h".to_owned(), "/".to_owned());
    let invitation = Invitation { host, path, headers: Vec::new(), token: None, subprotocol: None };
    Side::Client(Rc::new(invitation), key.to_owned())
}
