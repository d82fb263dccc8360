//! [`Lookup`]: the numbers of a name, asked for on a thread, since the operating system's answer may take half a minute.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use thingflow_core::{Descriptor, Interest, Registry};

/// A question to the operating system that is under way. Its thread outlives it by as long as the answer takes.
pub(super) struct Lookup {
    bell: Descriptor<UnixStream>,
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
}

impl Lookup {
    pub(super) fn begin(host: &str, port: u16, registry: &Registry, key: usize) -> io::Result<Self> {
        let (mut there, here) = UnixStream::pair()?;
        let mut bell = Descriptor::new(here);
        registry.register(&mut bell, key, Interest::READABLE)?;
        let (tell, answer) = mpsc::channel();
        let host = host.to_owned();
        thread::Builder::new().name("lookup".into()).spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            let _ = tell.send(found); // nobody may want to know any more
            let _ = there.write(&[1]);
        })?;
        Ok(Self { bell, answer })
    }

    /// The answer, once there is one.
    pub(super) fn poll(&mut self) -> Option<io::Result<Vec<SocketAddr>>> {
        let _ = self.bell.read(&mut [0; 8]);
        match self.answer.try_recv() {
            Ok(found) => Some(found),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("the thread that asks has failed"))),
        }
    }
}

/// What need not be asked for.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port))
}
