//! [`Program`]: a running program, asked at the Unix socket at which it serves its page.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::de::DeserializeOwned;
use thingflow::Snapshot;
use thingflow::diagram::Node;

use crate::failure::{Done, Failure};

/// Where the socket is, if the command line does not say so.
const VARIABLE: &str = "THINGFLOW_SOCKET";
/// The folders in which sockets are looked for.
const FOLDERS: [(Option<&str>, &str); 2] = [(None, "/run/thingflow"), (Some("XDG_RUNTIME_DIR"), "thingflow")];
/// A program that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest line of an answer's head, and its most lines.
const LONGEST_LINE: u64 = 8 * 1024;
const MOST_LINES: usize = 64;
/// The longest answer, and message of a stream.
const LONGEST: u64 = 64 << 20;

/// Which program.
#[derive(Args)]
pub(crate) struct Which {
    /// The program's socket, see `page::serve_unix`; else that in $THINGFLOW_SOCKET; else the only one in /run/thingflow and
    /// $XDG_RUNTIME_DIR/thingflow
    #[arg(long, short, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl Which {
    pub(crate) fn program(&self) -> Done<Program> {
        let said = self.socket.clone().or_else(|| env::var_os(VARIABLE).map(PathBuf::from));
        said.map_or_else(find, Ok).map(|socket| Program { socket })
    }
}

/// The only socket in the usual folders.
fn find() -> Done<PathBuf> {
    let folders = FOLDERS.iter().filter_map(|(variable, path)| match variable {
        None => Some(PathBuf::from(path)),
        Some(variable) => Some(PathBuf::from(env::var_os(variable)?).join(path)),
    });
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let mut sockets: Vec<_> =
        files.filter(|file| file.file_type().is_ok_and(|kind| kind.is_socket())).map(|file| file.path()).collect();
    sockets.sort();
    match &*sockets {
        [only] => Ok(only.clone()),
        [] => Err(Failure::cannot(
            "cannot find a program: name its socket with --socket; the program makes it by `page::serve_unix`",
        )),
        several => {
            let names: Vec<_> = several.iter().map(|path| path.display().to_string()).collect();
            Err(Failure::cannot(format!("cannot choose a program: name one with --socket: {}", names.join(", "))))
        }
    }
}

/// A running program.
pub(crate) struct Program {
    socket: PathBuf,
}

impl Program {
    /// The answer to a question, which may last.
    pub(crate) fn open(&self, path: &str) -> Done<impl BufRead + use<>> {
        let mut answer = self.send(path).map_err(|error| self.unreachable(&error))?;
        let (status, first) = head(&mut answer).map_err(|error| self.unreachable(&error))?;
        if status == 200 {
            return Ok(answer);
        }
        let mut said = String::new();
        let _ = answer.take(LONGEST_LINE).read_to_string(&mut said);
        Err(Failure::cannot(plain(if said.trim().is_empty() { &first } else { said.trim() })))
    }

    fn send(&self, path: &str) -> io::Result<BufReader<UnixStream>> {
        let mut socket = UnixStream::connect(&self.socket)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        // By 1.0 an answer is not cut into chunks: it ends with the connection.
        write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        Ok(BufReader::new(socket))
    }

    /// What the answer to a question says.
    pub(crate) fn ask<T: DeserializeOwned>(&self, path: &str) -> Done<T> {
        let mut bytes = Vec::new();
        self.open(path)?.take(LONGEST).read_to_end(&mut bytes).map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::cannot(format!(
                "cannot read the answer of the program at {}: {error}; are program and tool of one version?",
                self.socket.display()
            ))
        })
    }

    pub(crate) fn snapshot(&self) -> Done<Snapshot> {
        self.ask("/api/snapshot")
    }

    pub(crate) fn unreachable(&self, error: &io::Error) -> Failure {
        let mend = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                "it does not run, or does not call `page::serve_unix`"
            }
            io::ErrorKind::PermissionDenied => "only its own user and root may ask it",
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it hangs",
            _ => "it has ended, or no ThingFlow program listens there",
        };
        Failure::cannot(format!("cannot ask the program at {}: {error}: {mend}", self.socket.display()))
    }
}

/// Reads the head of an answer: its status, and its first line.
fn head(answer: &mut impl BufRead) -> io::Result<(u16, String)> {
    let first = line(answer)?;
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    let Some(status) = status else { return Err(io::Error::new(io::ErrorKind::InvalidData, "no HTTP")) };
    for _ in 0..MOST_LINES {
        if line(answer)?.is_empty() {
            return Ok((status, first));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a head of too many lines"))
}

fn line(answer: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    answer.by_ref().take(LONGEST_LINE).read_line(&mut line)?;
    if !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// A message of a stream: its name, and its data. `None` at the end.
pub(crate) fn message(stream: &mut impl BufRead) -> io::Result<Option<(String, String)>> {
    let (mut name, mut data) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        stream.by_ref().take(LONGEST).read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok(None);
        }
        match line.trim_end().split_once(": ") {
            Some(("event", word)) => word.clone_into(&mut name),
            Some(("data", json)) => json.clone_into(&mut data),
            _ if !data.is_empty() => return Ok(Some((name, data))),
            _ => {}
        }
    }
}

/// The only place that is called so, by its id or its name.
pub(crate) fn place<'s>(snapshot: &'s Snapshot, called: &str) -> Done<&'s Node> {
    let nodes = || snapshot.graph.nodes.iter().filter(|node| node.id.is_some());
    if let Some(node) = nodes().find(|node| node.id.is_some_and(|id| id.to_string() == called)) {
        return Ok(node);
    }
    let shown =
        |node: &Node| format!("{} ({})", plain(&node.name), node.id.map_or_else(String::new, |id| id.to_string()));
    let list = |nodes: &[&Node]| nodes.iter().map(|node| shown(node)).collect::<Vec<_>>().join(", ");
    match &*nodes().filter(|node| node.name == called).collect::<Vec<_>>() {
        [only] => Ok(only),
        [] => {
            let all: Vec<_> = nodes().collect();
            Err(Failure::cannot(format!("unknown place {called:?}: there are {}", list(&all))))
        }
        several => {
            Err(Failure::cannot(format!("several places are called {called:?}: name one by its id: {}", list(several))))
        }
    }
}

/// What a program has said, without what would command a terminal.
pub(crate) fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_odd(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}
