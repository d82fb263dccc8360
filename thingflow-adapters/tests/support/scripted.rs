//! A server of HTTP that answers what the test says, and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// `POST /write?db=home`.
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is answered: a status with headers, and a body. `None`: nothing, the connection is closed.
pub(crate) type Answer = Option<(String, Vec<u8>)>;

/// An answer without headers.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Some((format!("{status} Of The Test"), body.as_bytes().to_vec()))
}

type Script = dyn FnMut(&Asked) -> Answer + Send;

pub(crate) struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    /// A server that is asked one thing at a time. Its thread goes on until the program ends.
    pub(crate) fn new(script: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
        let all = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, script) = (all.clone(), script.clone());
                thread::spawn(move || serve(&stream, &asked, &script));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves a connection until it is closed.
fn serve(stream: &TcpStream, all: &Mutex<Vec<Asked>>, script: &Mutex<Box<Script>>) {
    let mut from = BufReader::new(stream);
    while let Some(asked) = read(&mut from) {
        lock(all).push(asked.clone());
        let Some((status, body)) = lock(script)(&asked) else { return };
        let length = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut to = stream;
        let length = if status.starts_with("304") { format!("HTTP/1.1 {status}\r\n\r\n") } else { length };
        // At once: in two pieces the second would wait for an acknowledgement.
        if to.write_all(&[length.as_bytes(), &body].concat()).is_err() {
            return;
        }
    }
}

fn read(from: &mut impl BufRead) -> Option<Asked> {
    let mut asked = Asked::default();
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|n| *n > 0)?;
    asked.line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        asked.headers.push((name.to_owned(), value.to_owned()));
    }
    let length = asked.header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
    asked.body.resize(length, 0);
    from.read_exact(&mut asked.body).ok()?;
    Some(asked)
}
