//! [`Lookup`]: the numbers of a name, asked for on a thread, since the operating system's answer may take half a minute.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
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

/// The numbers that need not be asked for: one that is written out, and those of this machine, whose name stands for nothing else
/// (RFC 6761, section 6.3).
pub(super) fn known(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let numbers: Vec<IpAddr> = match host.parse() {
        Ok(number) => vec![number],
        Err(_) if host.eq_ignore_ascii_case("localhost") => {
            vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
        }
        Err(_) => return None,
    };
    Some(numbers.into_iter().map(|number| SocketAddr::new(number, port)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_this_machine_are_not_asked_for() {
        let known = |host| known(host, 7).map(|found| found.iter().map(SocketAddr::to_string).collect::<Vec<_>>());
        assert_eq!(known("10.0.0.1"), Some(vec!["10.0.0.1:7".to_owned()]));
        assert_eq!(known("fe80::1"), Some(vec!["[fe80::1]:7".to_owned()]));
        assert_eq!(known("LocalHost"), Some(vec!["[::1]:7".to_owned(), "127.0.0.1:7".to_owned()]));
        assert_eq!(known("localhost.lan"), None);
    }
}
