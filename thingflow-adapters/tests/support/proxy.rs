//! A TCP proxy that does to a connection what networks do: cut it, swallow it, hold it up, half-close it, reset it at a byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// Stands between clients and a server on loopback. Dropping it cuts all connections and closes its port.
///
/// What it is told holds for all connections, present and future, until it is told otherwise.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    server: SocketAddr,
    /// New connections are closed at once.
    refuses: bool,
    /// Bytes are read, and go nowhere.
    swallows: [bool; 2],
    /// Bytes are not read.
    holds: [bool; 2],
    delay: Duration,
    /// After so many more bytes the connection is reset.
    resets_after: [Option<usize>; 2],
    /// Connections of an earlier number are cut.
    generation: u64,
    accepted: Vec<Instant>,
    seen: [Vec<u8>; 2],
    open: Vec<(TcpStream, TcpStream)>,
    closed: bool,
}

/// What is kept of the bytes that went by.
const MOST_SEEN: usize = 4 << 20;

impl Proxy {
    /// In front of a server, which need not be there yet.
    pub(crate) fn new(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let state = State {
            server,
            refuses: false,
            swallows: [false; 2],
            holds: [false; 2],
            delay: Duration::ZERO,
            resets_after: [None; 2],
            generation: 0,
            accepted: Vec::new(),
            seen: [Vec::new(), Vec::new()],
            open: Vec::new(),
            closed: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let there = shared.clone();
        thread::spawn(move || accept(&listener, &there));
        Self { address, shared }
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where new connections go from now on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.shared.lock().server = server;
    }

    /// Closes all connections.
    pub(crate) fn cut(&self) {
        let mut state = self.shared.lock();
        state.generation += 1;
        for (client, server) in state.open.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }

    /// Closes new connections at once, or no longer.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.shared.lock().refuses = refuses;
    }

    /// Swallows what comes from one side, or no longer: the connection lives, and nothing arrives.
    pub(crate) fn black_hole(&self, way: Way, swallows: bool) {
        self.shared.lock().swallows[way as usize] = swallows;
    }

    /// Reads no more from one side, as a peer that is slow, or goes on.
    pub(crate) fn hold(&self, way: Way, holds: bool) {
        self.shared.lock().holds[way as usize] = holds;
        self.shared.changed.notify_all();
    }

    /// Every piece of bytes is late by so much.
    pub(crate) fn delay(&self, delay: Duration) {
        self.shared.lock().delay = delay;
    }

    /// Tells clients that nothing more comes, and goes on taking what they send.
    pub(crate) fn half_close(&self) {
        for (client, _) in &self.shared.lock().open {
            let _ = client.shutdown(Shutdown::Write);
        }
    }

    /// Lets `n` more bytes through, and then resets that connection. Once.
    pub(crate) fn reset_after(&self, way: Way, n: usize) {
        self.shared.lock().resets_after[way as usize] = Some(n);
    }

    /// How many connections have been accepted so far, those that were closed at once included.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.lock().accepted.len()
    }

    /// When each connection was accepted.
    pub(crate) fn accepted_at(&self) -> Vec<Instant> {
        self.shared.lock().accepted.clone()
    }

    /// The bytes that came from one side, of all connections one after the other; also those that were swallowed.
    pub(crate) fn seen(&self, way: Way) -> Vec<u8> {
        self.shared.lock().seen[way as usize].clone()
    }

    /// Waits until something holds, for a minute at most.
    ///
    /// # Panics
    /// If it does not hold by then.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited for a minute in vain until {what}");
            let state = self.shared.lock();
            drop(self.shared.changed.wait_timeout(state, Duration::from_millis(5)));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.shared.lock().closed = true;
        let _ = TcpStream::connect(self.address); // so that the one who accepts looks
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        let Ok(client) = client else { continue };
        let mut state = shared.lock();
        if state.closed {
            return;
        }
        state.accepted.push(Instant::now());
        let (server, refuses) = (state.server, state.refuses);
        drop(state);
        shared.changed.notify_all();
        if !refuses && let Ok(server) = TcpStream::connect(server) {
            let _ = begin(client, server, shared);
        }
    }
}

fn begin(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut state = shared.lock();
    state.open.push((client.try_clone()?, server.try_clone()?));
    let generation = state.generation;
    drop(state);
    let to_server = (client.try_clone()?, server.try_clone()?, Way::ToServer);
    for (from, to, way) in [to_server, (server, client, Way::ToClient)] {
        let shared = shared.clone();
        thread::spawn(move || {
            if pump(&from, &to, way, generation, &shared).is_err() {
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            }
        });
    }
    Ok(())
}

/// An error closes the connection.
fn pump(mut from: &TcpStream, mut to: &TcpStream, way: Way, generation: u64, shared: &Shared) -> io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        wait_while_held(way, generation, shared)?;
        let n = from.read(&mut bytes)?;
        if n == 0 {
            return to.shutdown(Shutdown::Write);
        }
        wait_while_held(way, generation, shared)?;
        let (passes, resets, swallows) = judge(&bytes[..n], way, shared);
        if !swallows {
            to.write_all(&bytes[..passes])?;
        }
        shared.changed.notify_all();
        if resets {
            reset(from);
            reset(to);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

fn judge(bytes: &[u8], way: Way, shared: &Shared) -> (usize, bool, bool) {
    let state = &mut *shared.lock();
    let room = MOST_SEEN.saturating_sub(state.seen[way as usize].len());
    state.seen[way as usize].extend(&bytes[..bytes.len().min(room)]);
    let left = &mut state.resets_after[way as usize];
    let (passes, resets) = match left {
        Some(left) if *left <= bytes.len() => (*left, true),
        Some(left) => {
            *left -= bytes.len();
            (bytes.len(), false)
        }
        None => (bytes.len(), false),
    };
    if resets {
        *left = None;
    }
    (passes, resets, state.swallows[way as usize])
}

fn wait_while_held(way: Way, generation: u64, shared: &Shared) -> io::Result<()> {
    let mut state = shared.lock();
    let late = Instant::now() + state.delay;
    while state.generation == generation && (state.holds[way as usize] || Instant::now() < late) {
        let patience = late.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let patience = if state.holds[way as usize] { Duration::from_secs(1) } else { patience };
        state = match shared.changed.wait_timeout(state, patience) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        };
    }
    if state.generation == generation { Ok(()) } else { Err(io::ErrorKind::ConnectionAborted.into()) }
}

/// What follows is a reset and not an orderly end.
fn reset(socket: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO));
    let _ = socket.shutdown(Shutdown::Both);
}
