//! A server that stores lines and answers each, and is away most of the time. It knows a line that it has by its number.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use thingflow::SensorEvent;

pub(crate) type Reading = SensorEvent<f64>;

/// What goes over the wire, as a line of JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    /// The same each time the reading is sent.
    pub(crate) number: u64,
    pub(crate) reading: Reading,
}

/// What the server has done.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) stored: BTreeMap<u64, Reading>,
    /// Lines that it had already.
    pub(crate) again: u64,
    pub(crate) kills: u64,
}

pub(crate) struct Server {
    address: SocketAddr,
    stop: Sender<()>,
    thread: JoinHandle<Log>,
}

impl Server {
    /// Starts a server that works for `up`, is killed, is away for `away`, and so on.
    pub(crate) fn start(up: Duration, away: Duration) -> io::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?; // free again at once
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || come_and_go(address, up, away, &stopped));
        Ok(Self { address, stop, thread })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn stop(self) -> Log {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

fn come_and_go(address: SocketAddr, up: Duration, away: Duration, stopped: &Receiver<()>) -> Log {
    let mut log = Log::default();
    while stopped.recv_timeout(away) == Err(RecvTimeoutError::Timeout) {
        if let Ok(listener) = TcpListener::bind(address) {
            serve(&listener, Instant::now() + up, &mut log);
            log.kills += 1; // listener and connections are gone, whatever is on its way
        }
    }
    log
}

/// Serves one client after the other, until the end of its life.
fn serve(listener: &TcpListener, end: Instant, log: &mut Log) {
    if listener.set_nonblocking(true).is_err() {
        return;
    }
    while Instant::now() < end {
        match listener.accept() {
            Ok((client, _)) => {
                let _ = answer(client, end, log); // the client is gone, or the server is to go
            }
            Err(_) => thread::yield_now(),
        }
    }
}

fn answer(mut client: TcpStream, end: Instant, log: &mut Log) -> io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_millis(10)))?;
    let mut lines = BufReader::new(client.try_clone()?);
    let mut text = String::new();
    while Instant::now() < end {
        match lines.read_line(&mut text) {
            Ok(0) => return Ok(()),
            Ok(_) if text.ends_with('\n') => {
                let line: Line = serde_json::from_str(&text)?;
                let before = log.stored.insert(line.number, line.reading);
                log.again += u64::from(before.is_some());
                text.clear();
                if Instant::now() >= end {
                    return Ok(()); // killed before it could answer
                }
                client.write_all(b"stored\n")?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
