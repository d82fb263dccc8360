//! Things on descriptors of their own: what they register, how they are told, and how they are scheduled.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::{Rc, Weak};

use super::Scheduler;
use super::engine::Engine;
use super::handle::{ScheduleError, ScheduleHandle};
use super::keyed::Id;
use super::reactor::{self, Interest};
use super::table::Trigger;
use super::threads::outbox::Hold;
use crate::context::Context;
use crate::output::OutputThing;
use crate::visit::short_name;

/// A Thing on descriptors of its own: sockets, GPIO lines, serial ports, inotify.
///
/// Its `produce`, that is `send` of a [`PortSource`](crate::PortSource), is called when one of them is ready, and once in the beginning. Readiness is announced once (edge
/// triggered): read and write until the operating system says `WouldBlock`. To leave others their turn, stop earlier and
/// ask for the next turn by [`Context::call_again`], or by [`Registry::call_again`] where several descriptors are told
/// apart.
pub trait EventThing: OutputThing {
    /// Registers the descriptors that the Thing has from the beginning. Called once, by the call that schedules it. A Thing
    /// that opens others while it runs keeps a clone of the registry.
    ///
    /// # Errors
    /// Those of [`Registry::register`]. Then the Thing is not scheduled, and handed back.
    fn register(&mut self, registry: &Registry) -> io::Result<()>;
}

/// A Thing that was not scheduled, and why: it can be mended and scheduled again.
pub struct NotScheduled<T> {
    /// The Thing, whose descriptors have been taken off the reactor.
    pub thing: T,
    /// Why it was not scheduled.
    pub error: ScheduleError,
}

impl<T> fmt::Display for NotScheduled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// As `Display`, with the chain of causes.
impl<T> fmt::Debug for NotScheduled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::error::fmt_chain(&self.error, f)
    }
}

impl<T> Error for NotScheduled<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// For `?` in a function that needs the Thing no more.
impl<T> From<NotScheduled<T>> for ScheduleError {
    fn from(refused: NotScheduled<T>) -> Self {
        refused.error
    }
}

/// Who is told of the readiness of descriptors: one schedule.
pub(super) struct Owner {
    pub(super) schedule: Cell<Id>,
    /// Those of its descriptors that have something to tell, each once.
    pub(super) waiting: RefCell<VecDeque<Id>>,
    /// Its Thing waits for a thread, and virtual time for both.
    pub(super) hold: RefCell<Option<Rc<Hold>>>,
}

/// Where an [`EventThing`] registers its descriptors: while it is scheduled and from any of its calls. Clones are the same
/// registry; they are of no use once the schedule has ended.
///
/// A Thing with several descriptors gives each a key, and asks which of them are ready:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::io::{self, ErrorKind, Read, Write};
/// use std::net::{TcpListener, TcpStream};
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Interest, Registry};
///
/// const LISTENER: usize = 0;
/// /// Sends back to each client what it has sent.
/// struct Echo { listener: Descriptor<TcpListener>, clients: BTreeMap<usize, Descriptor<TcpStream>>, registry: Option<Registry> }
///
/// impl Echo {
///     fn accept(&mut self, registry: &Registry) -> io::Result<()> {
///         let mut client = Descriptor::new(self.listener.accept()?.0);
///         let key = self.clients.last_key_value().map_or(LISTENER, |(key, _)| *key) + 1;
///         registry.register(&mut client, key, Interest::READABLE)?;
///         self.clients.insert(key, client);
///         Ok(())
///     }
///     /// A client that does not read its answers is shed: `WouldBlock` is an error here, too.
///     fn serve(&mut self, key: usize) -> io::Result<()> {
///         let Some(client) = self.clients.get_mut(&key) else { return Ok(()) };
///         let mut bytes = [0; 256];
///         match client.read(&mut bytes)? {
///             0 => Err(ErrorKind::UnexpectedEof.into()),
///             n => client.write_all(&bytes[..n]).map_err(|_| ErrorKind::TimedOut.into()),
///         }
///     }
/// }
///
/// impl Ports for Echo {
///     fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
/// }
/// impl PortSource for Echo {
///     fn send(&mut self, cx: &mut Context<'_>) -> Result<Demand, Failure> {
///         let Some(registry) = self.registry.clone() else { return Ok(Demand::More) };
///         while let Some(ready) = registry.next_ready() {
///             let done = if ready.key == LISTENER { self.accept(&registry) } else { self.serve(ready.key) };
///             match done {
///                 Ok(()) => registry.call_again(ready), // there may be more, after the others have had their turn
///                 Err(error) if error.kind() == ErrorKind::WouldBlock => {}
///                 Err(error) if ready.key == LISTENER => cx.report("echo", &StreamError::caused("cannot accept", error)),
///                 Err(_) => drop(self.clients.remove(&ready.key)), // closed, and off the reactor
///             }
///         }
///         Ok(Demand::More)
///     }
/// }
/// impl EventThing for Echo {
///     fn register(&mut self, registry: &Registry) -> io::Result<()> {
///         self.registry = Some(registry.clone());
///         registry.register(&mut self.listener, LISTENER, Interest::READABLE)
///     }
/// }
///
/// let listener = TcpListener::bind(("127.0.0.1", 0))?;
/// let address = listener.local_addr()?;
/// let mut scheduler = Scheduler::new()?;
/// let echo = Echo { listener: Descriptor::new(listener), clients: BTreeMap::new(), registry: None };
/// scheduler.schedule_on_main_event_loop(echo)?;
/// let stopper = scheduler.stopper();
/// let clients = std::thread::spawn(move || {
///     let mut clients = [TcpStream::connect(address)?, TcpStream::connect(address)?];
///     let mut answer = [0; 2];
///     for client in clients.iter_mut().rev() {
///         client.write_all(b"21")?;
///         client.read_exact(&mut answer)?;
///     }
///     stopper.stop();
///     Ok::<_, io::Error>(answer)
/// });
/// scheduler.run_forever()?;
/// assert_eq!(&clients.join().expect("the clients did not panic")?, b"21");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    engine: Weak<Engine>,
    owner: Rc<Owner>,
}

impl Registry {
    /// Watches a descriptor. `key` is a number of your choice that tells it from others of the same Thing. The descriptor
    /// becomes non-blocking, unless it is [shared](Descriptor::shared). One that is registered already is registered anew, with
    /// the new key and interest.
    ///
    /// # Errors
    /// Those of the operating system: a plain file cannot be waited for.
    pub fn register<D: AsFd>(&self, descriptor: &mut Descriptor<D>, key: usize, interest: Interest) -> io::Result<()> {
        descriptor.deregister();
        let fd = descriptor.inner.as_fd(); // of a user's type: called before anything is borrowed
        if !descriptor.is_shared {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        let fd = fd.as_raw_fd();
        let engine = self.engine.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        let id = engine.reactor.watch(fd, key, interest, self.owner.clone())?;
        descriptor.watch = Some(Watch { engine: self.engine.clone(), id });
        Ok(())
    }

    /// The next descriptor that has become ready, and what for. Each is named once until something new happens at it. A
    /// Thing with one descriptor need not ask.
    pub fn next_ready(&self) -> Option<Ready> {
        self.engine.upgrade()?.reactor.next_ready(&self.owner)
    }

    /// Has the Thing called in the next turn, whatever its descriptors say. To be used from a call by somebody else, through an
    /// input; in its own calls [`Context::call_again`] does the same.
    pub fn call_soon(&self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.call_soon(self.owner.schedule.get());
        }
    }

    /// Tells the scheduler whether the Thing waits for a thread of its own, which announces through a descriptor what it
    /// has done. Virtual time stands still meanwhile, so a run on it is the same each time; real time does not. Returns
    /// whether time is virtual.
    ///
    /// It holds until it is said otherwise, or until the last clone of the registry is gone.
    pub fn wait_for_thread(&self, waits: bool) -> bool {
        let Some(engine) = self.engine.upgrade().filter(|engine| engine.clock.is_virtual()) else { return false };
        self.owner.hold.borrow_mut().get_or_insert_with(|| Hold::new(&engine)).set(usize::from(waits));
        true
    }

    /// Announces a descriptor again, in the next turn: its Thing has not done all that there was to do.
    pub fn call_again(&self, ready: Ready) {
        if let Some(engine) = self.engine.upgrade() {
            engine.reactor.announce_again(ready);
            engine.call_soon(self.owner.schedule.get());
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("waiting", &self.owner.waiting.borrow().len()).finish_non_exhaustive()
    }
}

/// A descriptor that has become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    pub(super) id: Id,
    /// The key by which it was registered.
    pub key: usize,
    /// What it is ready for.
    pub readiness: Readiness,
}

/// What a descriptor is ready for. These are hints: the next call may say `WouldBlock` all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // any of them may come together
pub struct Readiness {
    /// There is something to read or to accept, or the end has come.
    pub readable: bool,
    /// There is room to write, or a connection has been made or refused.
    pub writable: bool,
    /// The other side sends no more.
    pub read_closed: bool,
    /// The other side takes no more.
    pub write_closed: bool,
    /// Something is wrong with it; the next read or write says what.
    pub error: bool,
}

impl Readiness {
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(super) fn and(self, news: Self) -> Self {
        Self {
            readable: self.readable | news.readable,
            writable: self.writable | news.writable,
            read_closed: self.read_closed | news.read_closed,
            write_closed: self.write_closed | news.write_closed,
            error: self.error | news.error,
        }
    }
}

/// What a Thing waits for: a socket, a pipe, a serial port, whatever has a file descriptor. It can be used as what it holds.
///
/// Dropping it takes it off the reactor before it is closed.
pub struct Descriptor<D> {
    /// Before `inner`, so that it is dropped first.
    watch: Option<Watch>,
    /// It stays blocking or not, as it is.
    is_shared: bool,
    inner: D,
}

struct Watch {
    engine: Weak<Engine>,
    id: Id,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade()
            && let Err(error) = engine.reactor.unwatch(self.id)
        {
            log::debug!("a descriptor could not be taken off the reactor: {error}");
        }
    }
}

impl<D> Descriptor<D> {
    /// A descriptor that nobody watches yet: see [`Registry::register`].
    pub const fn new(inner: D) -> Self {
        Self { watch: None, is_shared: false, inner }
    }

    /// A descriptor that others have too, such as standard input, which the shell goes on with: registering it does not make
    /// it non-blocking. The Thing reads only what is there, see `poll`.
    pub const fn shared(inner: D) -> Self {
        Self { watch: None, is_shared: true, inner }
    }

    /// Changes what the Thing waits for. What is ready already is announced again.
    ///
    /// # Errors
    /// Those of the operating system, and that it is not registered.
    pub fn set_interest(&self, interest: Interest) -> io::Result<()> {
        let registered = self.watch.as_ref().and_then(|watch| Some((watch.engine.upgrade()?, watch.id)));
        let (engine, id) = registered.ok_or(io::ErrorKind::NotConnected)?;
        engine.reactor.rewatch(id, interest)
    }

    /// Takes it off the reactor and keeps it open.
    pub fn deregister(&mut self) {
        self.watch = None;
    }

    /// Whether it is watched.
    pub fn is_registered(&self) -> bool {
        self.watch.is_some()
    }

    /// Takes it off the reactor and gives back what it holds.
    pub fn into_inner(self) -> D {
        let Self { watch, inner, .. } = self;
        drop(watch);
        inner
    }
}

impl Descriptor<TcpStream> {
    /// Begins to connect, and does not wait for the connection. Register it for both reading and writing: when it is
    /// writable, the connection has been made, or `take_error` says why not.
    ///
    /// # Errors
    /// Those of the operating system that are known at once.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        reactor::connect(address).map(Self::new)
    }
}

impl<D> Deref for Descriptor<D> {
    type Target = D;
    fn deref(&self) -> &D {
        &self.inner
    }
}

impl<D: AsFd> AsFd for Descriptor<D> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl<D: Read> Read for Descriptor<D> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl<D: Write> Write for Descriptor<D> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.inner.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<D> fmt::Debug for Descriptor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Descriptor({}, registered: {})", short_name::<D>(), self.is_registered())
    }
}

impl Engine {
    fn add_events<T: EventThing + 'static>(&self, mut thing: T) -> Result<ScheduleHandle, NotScheduled<T>> {
        let owner =
            Rc::new(Owner { schedule: Cell::new(Id::NOBODY), waiting: RefCell::default(), hold: RefCell::default() });
        let registry = Registry { engine: self.me.clone(), owner };
        let registered = thing.register(&registry).map_err(ScheduleError::Register);
        if let Err(error) = registered.and_then(|()| self.check(&thing)) {
            self.reactor.forget(&registry.owner);
            return Err(NotScheduled { thing, error });
        }
        let handle = self.add(Box::new(thing), Trigger::Event);
        self.await_reader(handle.id);
        registry.owner.schedule.set(handle.id);
        self.call_soon(handle.id); // what came before a descriptor was registered is not announced
        Ok(handle)
    }
}

impl Scheduler {
    /// Calls a Thing when its descriptors are ready.
    ///
    /// # Errors
    /// [`ScheduleError::Register`], [`ScheduleError::OtherScheduler`], with the Thing.
    pub fn schedule_on_main_event_loop<T: EventThing + 'static>(
        &self,
        thing: T,
    ) -> Result<ScheduleHandle, NotScheduled<T>> {
        self.engine.add_events(thing)
    }
}

impl Context<'_> {
    /// As [`Scheduler::schedule_on_main_event_loop`], from inside of a call: how a server goes on with a connection that it
    /// has accepted.
    ///
    /// # Errors
    /// [`ScheduleError::Register`], [`ScheduleError::OtherScheduler`], [`ScheduleError::NoScheduler`], with the Thing.
    pub fn schedule_on_main_event_loop<T: EventThing + 'static>(
        &self,
        thing: T,
    ) -> Result<ScheduleHandle, NotScheduled<T>> {
        match self.host().engine() {
            Some(engine) => engine.add_events(thing),
            None => Err(NotScheduled { thing, error: ScheduleError::NoScheduler }),
        }
    }
}
