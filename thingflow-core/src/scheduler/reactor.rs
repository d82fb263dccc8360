//! The only file that names mio: waiting for descriptors, deadlines, signals and other threads.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Events, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use signal_hook_mio::v1_0::Signals;

pub use mio::Interest;
pub use mio::event::Source as EventSource;

use super::threads::inbox::Wake;
use crate::clock::Instant;

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const SIGNALS: Token = Token(2);
const FIRST_THING: usize = 3;

/// Until when the reactor may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Not at all: only look.
    Now,
    /// This instant of `CLOCK_MONOTONIC`.
    At(Instant),
    /// A descriptor, a signal or another thread says so.
    Event,
}

pub(super) struct Reactor {
    poll: Poll,
    events: Events,
    /// Deadlines go by a timerfd: the time-out of `poll` is rounded up to whole milliseconds.
    timer: OwnedFd,
    set: Option<Instant>,
    signals: Option<Signals>,
    waker: Arc<mio::Waker>,
}

impl Reactor {
    pub(super) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer =
            rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        Ok(Self { poll, events: Events::with_capacity(256), timer, set: None, signals: None, waker })
    }

    /// A handle that wakes the reactor from another thread. The reactor owns one too: the last one takes its wake-up along.
    pub(super) fn waker(&self) -> ThreadWaker {
        ThreadWaker(self.waker.clone())
    }

    /// Turns SIGINT and SIGTERM into events of the reactor.
    pub(super) fn watch_signals(&mut self) -> io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        if self.signals.is_none() {
            let mut signals = Signals::new([SIGINT, SIGTERM])?;
            self.poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
            self.signals = Some(signals);
        }
        Ok(())
    }

    /// Sleeps, then names the Things whose descriptors are ready. The signal that came, if one did.
    pub(super) fn wait(&mut self, until: Until, ready: &mut Vec<usize>) -> io::Result<Option<i32>> {
        if let Until::At(due) = until
            && self.set != Some(due)
        {
            set_timer(self.timer.as_fd(), due)?;
            self.set = Some(due);
        }
        let look = (until == Until::Now).then_some(std::time::Duration::ZERO);
        match self.poll.poll(&mut self.events, look) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            result => result?,
        }
        let mut signal = None;
        for event in &self.events {
            match event.token() {
                WAKER => {}
                TIMER => self.set = None,
                SIGNALS => signal = self.signals.as_mut().and_then(|signals| signals.pending().last()),
                Token(n) => ready.push(n - FIRST_THING),
            }
        }
        Ok(signal)
    }

    pub(super) fn registry(&self, thing: usize) -> Registry<'_> {
        Registry { registry: self.poll.registry(), token: Token(thing + FIRST_THING) }
    }
}

fn set_timer(timer: BorrowedFd<'_>, due: Instant) -> io::Result<()> {
    let nanos = due.as_nanos().max(1); // zero would switch the timer off
    #[allow(clippy::cast_possible_wrap)] // 584 years of seconds, and less than a billion
    let it_value = Timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as _ };
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::time::timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
    Ok(())
}

/// The monotonic clock that the timer goes by, in nanoseconds.
pub(super) fn monotonic() -> Instant {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    #[allow(clippy::cast_sign_loss)] // the monotonic clock counts from boot
    Instant::from_nanos(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
}

pub(super) struct ThreadWaker(Arc<mio::Waker>);

impl Wake for ThreadWaker {
    fn wake(&self) {
        // An eventfd write fails only when its counter is full, and then the reactor is awake.
        let _ = self.0.wake();
    }
}

/// Where an [`EventThing`](super::EventThing) registers its descriptors.
pub struct Registry<'a> {
    registry: &'a mio::Registry,
    token: Token,
}

impl Registry<'_> {
    /// Registers any event source of mio: a socket, a pipe, a serial port.
    ///
    /// # Errors
    /// Those of the operating system, and that a source is registered already.
    pub fn register(&mut self, source: &mut impl EventSource, interest: Interest) -> io::Result<()> {
        self.registry.register(source, self.token, interest)
    }

    /// Takes an event source off the reactor.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn deregister(&mut self, source: &mut impl EventSource) -> io::Result<()> {
        self.registry.deregister(source)
    }

    /// Registers a file descriptor that mio has no type for: a GPIO line, an inotify instance.
    ///
    /// # Errors
    /// Those of the operating system: a descriptor of a plain file cannot be waited for.
    pub fn register_fd(&mut self, fd: RawFd, interest: Interest) -> io::Result<()> {
        self.register(&mut SourceFd(&fd), interest)
    }

    /// Takes a file descriptor off the reactor.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn deregister_fd(&mut self, fd: RawFd) -> io::Result<()> {
        self.deregister(&mut SourceFd(&fd))
    }
}

impl fmt::Debug for Registry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("token", &self.token).finish_non_exhaustive()
    }
}
