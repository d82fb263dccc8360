//! [`Watch`]: the files of a folder, by inotify.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use thingflow_core::{
    Context, Demand, Descriptor, EventThing, Failure, Interest, Port, PortRef, PortSource, Ports, Registry, StreamError,
};

/// The files of a folder: first those that are there, sorted by name, then each one that is written, when its writer has closed
/// it, or that is moved there. A name counts once, until its file has gone: then it may come again. Folders within are left
/// out.
///
/// Whoever writes large files moves them there when they are complete, as `rsync` does, or leaves them open until then.
pub fn watch(path: impl Into<PathBuf>) -> Watch {
    let path = path.into();
    let port = Port::new().named(path.to_string_lossy());
    Watch {
        path,
        matches: Box::new(|_| true),
        inotify: None,
        known: BTreeSet::new(),
        found: VecDeque::new(),
        is_stale: true,
        port,
    }
}

/// An event source of the paths of files, made by [`watch`].
pub struct Watch {
    path: PathBuf,
    matches: Box<dyn Fn(&str) -> bool>,
    inotify: Option<Descriptor<OwnedFd>>,
    /// The names that have been found, as long as their files are there.
    known: BTreeSet<OsString>,
    /// Those of them that have not been sent yet.
    found: VecDeque<OsString>,
    /// The folder has to be read: at the beginning, and when the kernel has lost count.
    is_stale: bool,
    port: Port<PathBuf>,
}

/// So many paths are sent before others have their turn.
const BATCH: usize = 64;

impl Watch {
    /// Only files whose name is accepted; one that is no UTF-8 text is shown with `\u{FFFD}` in it.
    #[must_use]
    pub fn matching(self, matches: impl Fn(&str) -> bool + 'static) -> Self {
        Self { matches: Box::new(matches), ..self }
    }

    /// The output port.
    pub fn port(&self) -> &Port<PathBuf> {
        &self.port
    }

    fn find(&mut self, name: &OsStr) {
        if !self.known.contains(name) && (self.matches)(&name.to_string_lossy()) {
            self.known.insert(name.to_owned());
            self.found.push_back(name.to_owned());
        }
    }

    /// Compares what is known with what is there.
    fn read_folder(&mut self) -> io::Result<()> {
        let mut there = BTreeSet::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            // One that has gone meanwhile is none.
            if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                there.insert(entry.file_name());
            }
        }
        self.known.retain(|name| there.contains(name));
        there.iter().for_each(|name| self.find(name));
        Ok(())
    }

    /// Takes what the kernel tells. `false`: the folder itself has gone.
    fn read_news(&mut self) -> io::Result<bool> {
        let Some(inotify) = &self.inotify else { return Ok(true) };
        let mut news = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => news.push((
                    event.events(),
                    event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned()),
                )),
                Err(Errno::WOULDBLOCK) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut is_there = true;
        for (what, name) in news {
            is_there &= !what.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT);
            self.is_stale |= what.contains(ReadFlags::QUEUE_OVERFLOW);
            match name.filter(|_| !what.contains(ReadFlags::ISDIR)) {
                Some(name) if what.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) => {
                    self.known.remove(&name);
                    self.found.retain(|found| *found != name);
                }
                Some(name) => self.find(&name),
                None => {}
            }
        }
        Ok(is_there)
    }

    fn look(&mut self) -> Result<(), StreamError> {
        self.read_if_stale()?; // what has been there comes before what is new
        let is_there = self.read_news().map_err(|error| self.cannot("watch", &error))?;
        if !is_there {
            let why = format!("the folder {} has gone; watch it again when it is back", self.path.display());
            return Err(StreamError::msg(why));
        }
        self.read_if_stale()
    }

    fn read_if_stale(&mut self) -> Result<(), StreamError> {
        if !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        self.read_folder().map_err(|error| self.cannot("read", &error))
    }

    fn cannot(&self, doing: &str, error: &io::Error) -> StreamError {
        StreamError::msg(format!("cannot {doing} the folder {}: {error}", self.path.display()))
    }
}

impl Ports for Watch {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.port.as_ref());
    }
}

impl PortSource for Watch {
    fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
        self.look()?;
        for _ in 0..BATCH {
            let Some(name) = self.found.pop_front() else { return Ok(Demand::More) };
            let demand = self.port.emit(self.path.join(name), cx)?;
            if demand != Demand::More {
                return Ok(demand);
            }
        }
        cx.call_again();
        Ok(Demand::More)
    }
    fn name(&self) -> &str {
        self.path.to_str().unwrap_or("folder")
    }
}

impl EventThing for Watch {
    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let events = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::MOVED_FROM;
        let itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
        inotify::add_watch(&inotify, &self.path, events | itself).map_err(|error| cannot_watch(&self.path, error))?;
        let mut inotify = Descriptor::new(inotify);
        registry.register(&mut inotify, 0, Interest::READABLE)?;
        self.inotify = Some(inotify);
        Ok(())
    }
}

fn cannot_watch(path: &Path, error: Errno) -> io::Error {
    let why = match error {
        Errno::NOENT => "it does not exist: create it",
        Errno::NOTDIR => "it is a file: name the folder that it is in",
        Errno::NOSPC => "too many folders are watched; raise fs.inotify.max_user_watches",
        _ => "the system refuses",
    };
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("cannot watch the folder {}: {why} ({error})", path.display()))
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("path", &self.path).field("known", &self.known.len()).finish_non_exhaustive()
    }
}
