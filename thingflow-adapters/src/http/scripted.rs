//! [`read_answer`]: any bytes as the answer of a server, without a socket.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport};
use ureq::{Agent, Error};

use super::answer::retry_after;
use super::client::Client;
use super::{Endpoint, HttpError};

/// What a request learns of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the server wants to be left alone.
    pub wait: Option<Duration>,
    /// As much as has come of the body, without its compression, and whether that was all.
    pub body: (Vec<u8>, bool),
}

/// Reads an answer that comes in pieces, and of its body so many bytes at most: for the tests and the fuzzing of what comes from
/// outside. The time is the beginning of 1970.
///
/// # Errors
/// If it is no answer.
#[doc(hidden)]
pub fn read_answer(bytes: &[u8], piece: usize, most: u64) -> Result<Answer, HttpError> {
    let script = Script(Mutex::new(Some(Scripted {
        bytes: bytes.to_vec(),
        at: 0,
        piece: piece.max(1),
        buffers: LazyBuffers::new(1 << 14, 1 << 14),
    })));
    let client = Client::by(&Endpoint::new("http://127.0.0.1/"), None, |config| {
        Agent::with_parts(config.clone(), script, Nowhere)
    })?;
    let answer = client.get(&[])?;
    let (status, wait) = (answer.status().as_u16(), retry_after(answer.headers(), UNIX_EPOCH));
    let mut body = Vec::new();
    let whole = answer.into_body().into_reader().take(most).read_to_end(&mut body).is_ok();
    Ok(Answer { status, wait, body: (body, whole) })
}

/// An address for each name: nobody connects to it. The resolver of the library has a thread for each name.
#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
        Ok(addresses)
    }
}

/// Connects once.
#[derive(Debug)]
struct Script(Mutex<Option<Scripted>>);

impl Connector<()> for Script {
    type Out = Scripted;

    fn connect(&self, _: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Scripted>, Error> {
        Ok(self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take())
    }
}

/// A connection on which an answer comes, and then the end.
#[derive(Debug)]
struct Scripted {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    buffers: LazyBuffers,
}

impl Transport for Scripted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let to = self.buffers.input_append_buf();
        let amount = self.piece.min(rest.len()).min(to.len());
        to[..amount].copy_from_slice(&rest[..amount]);
        self.buffers.input_appended(amount);
        self.at += amount;
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.at < self.bytes.len()
    }
}
