//! A thousand connections. Alone in its process, since it counts what the process has open.
#![cfg(feature = "std")]

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::{Resource, getrlimit, setrlimit};
use thingflow_core::prelude::*;
use thingflow_core::{Interest, Registry};

const CONNECTIONS: usize = 1_000;

/// Accepts, and schedules a Thing for each connection.
struct Server(Descriptor<TcpListener>);

impl Ports for Server {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Server {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        match self.0.accept() {
            Ok((socket, _)) => {
                let echo = Echo(Descriptor::new(socket));
                cx.schedule_on_main_event_loop(echo).map_err(|refused| cx.fatal(refused.error))?;
                cx.call_again();
                Ok(Demand::More)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Demand::More),
            Err(error) => Err(error.into()),
        }
    }
}

impl EventThing for Server {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.0, 0, Interest::READABLE)
    }
}

struct Echo(Descriptor<TcpStream>);

impl Ports for Echo {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Echo {
    fn send(&mut self, _: &mut Context<'_>) -> Result<Demand, Failure> {
        let mut bytes = [0; 16];
        loop {
            match self.0.read(&mut bytes) {
                Ok(0) => return Ok(Demand::Done),
                Ok(n) => self.0.write_all(&bytes[..n])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Demand::More),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl EventThing for Echo {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.0, 0, Interest::READABLE)
    }
}

/// How many descriptors of epoll the process has.
fn epolls() -> io::Result<usize> {
    let mut epolls = 0;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let target = std::fs::read_link(entry?.path()).unwrap_or_default();
        epolls += usize::from(target.to_string_lossy().contains("eventpoll"));
    }
    Ok(epolls)
}

#[test]
fn a_thousand_connections_share_one_epoll() -> Result<(), Box<dyn Error>> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(Server(Descriptor::new(listener)))?;
    let stopper = scheduler.stopper();
    let clients = std::thread::spawn(move || {
        let counted = serve_all(address);
        stopper.stop();
        counted
    });
    scheduler.run_forever()?;
    let epolls = clients.join().map_err(|_| "a client panicked")??;
    assert_eq!(epolls, 1);
    Ok(())
}

/// Has a thousand connections at once, each of which sends and hears its number twice. How many epolls there were meanwhile.
fn serve_all(address: std::net::SocketAddr) -> io::Result<usize> {
    let mut sockets = (0..CONNECTIONS).map(|_| TcpStream::connect(address)).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..2 {
        for (n, socket) in sockets.iter_mut().enumerate() {
            socket.write_all(&n.to_le_bytes())?;
        }
        for (n, socket) in sockets.iter_mut().enumerate() {
            let mut heard = [0; size_of::<usize>()];
            socket.read_exact(&mut heard)?;
            assert_eq!(usize::from_le_bytes(heard), n);
        }
    }
    epolls()
}
