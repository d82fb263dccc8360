//! The only file that names mio: waiting for descriptors, deadlines, signals and other threads.
//!
//! Nothing here is borrowed while user code runs: a Thing may register and take off descriptors from any call.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use signal_hook_mio::v1_0::Signals;

pub use mio::Interest;

use super::descriptors::{Owner, Readiness, Ready};
use super::keyed::{Id, Keyed};
use super::threads::inbox::Wake;
use crate::clock::Instant;

const WAKER: Token = Token(0);
const TIMER: Token = Token(1);
const SIGNALS: Token = Token(2);
const CLOCK: Token = Token(3);
const FIRST_DESCRIPTOR: usize = 4;

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
    poll: RefCell<Poll>,
    events: RefCell<Events>,
    /// Deadlines go by a timerfd: the time-out of `poll` is rounded up to whole milliseconds.
    timer: OwnedFd,
    set: Cell<Option<Instant>>,
    signals: RefCell<Option<Signals>>,
    /// A timer that never fires, but is cancelled when the wall clock is set.
    wall_clock: RefCell<Option<OwnedFd>>,
    /// It was cancelled.
    clock_set: Cell<bool>,
    waker: Arc<mio::Waker>,
    watched: RefCell<Keyed<Watched>>,
    /// To be announced in the next turn.
    again: RefCell<Vec<Ready>>,
}

/// A registered descriptor.
struct Watched {
    fd: RawFd,
    key: usize,
    owner: Rc<Owner>,
    /// What its owner has not been told yet.
    ready: Readiness,
}

impl Reactor {
    pub(super) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer =
            rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        Ok(Self {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(256)),
            timer,
            set: Cell::default(),
            signals: RefCell::default(),
            wall_clock: RefCell::default(),
            clock_set: Cell::default(),
            waker,
            watched: RefCell::default(),
            again: RefCell::default(),
        })
    }

    /// A handle that wakes the reactor from another thread. The reactor owns one too: the last one takes its wake-up along.
    pub(super) fn waker(&self) -> ThreadWaker {
        ThreadWaker(self.waker.clone())
    }

    /// Turns these signals into events of the reactor, instead of those before.
    pub(super) fn watch_signals(&self, signals: &[i32]) -> io::Result<()> {
        self.forget_signals()?;
        if !signals.is_empty() {
            let mut signals = Signals::new(signals)?;
            self.poll.borrow().registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
            *self.signals.borrow_mut() = Some(signals);
        }
        Ok(())
    }

    /// Listens to signals no longer.
    pub(super) fn forget_signals(&self) -> io::Result<()> {
        match self.signals.take() {
            Some(mut signals) => self.poll.borrow().registry().deregister(&mut signals),
            None => Ok(()),
        }
    }

    /// Notices from now on when the wall clock is set.
    pub(super) fn watch_clock(&self) -> io::Result<()> {
        let timer =
            rustix::time::timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        arm_clock(timer.as_fd())?;
        self.poll.borrow().registry().register(&mut SourceFd(&timer.as_raw_fd()), CLOCK, Interest::READABLE)?;
        *self.wall_clock.borrow_mut() = Some(timer);
        Ok(())
    }

    fn hear_clock(&self) -> io::Result<()> {
        let timer = self.wall_clock.borrow();
        let Some(timer) = &*timer else { return Ok(()) };
        // Cancelled, it gives an error, once; it stays armed, but edges of readiness come only after the next arming.
        self.clock_set.set(rustix::io::read(timer, &mut [0; 8]).is_err());
        arm_clock(timer.as_fd())
    }

    /// Whether the wall clock has been set: says so once.
    pub(super) fn take_clock_set(&self) -> bool {
        self.clock_set.take()
    }

    /// Sleeps, then names the schedules whose descriptors are ready. The signals that came, if any did.
    pub(super) fn wait(&self, until: Until, ready: &mut Vec<Id>) -> io::Result<Vec<i32>> {
        if let Until::At(due) = until
            && self.set.get() != Some(due)
        {
            set_timer(self.timer.as_fd(), due)?;
            self.set.set(Some(due));
        }
        self.announce_those_again(ready);
        let look = (until == Until::Now).then_some(std::time::Duration::ZERO);
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, look) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Vec::new()),
            result => result?,
        }
        let mut came = Vec::new();
        for event in &*events {
            match event.token() {
                WAKER => {}
                TIMER => self.set.set(None),
                CLOCK => self.hear_clock()?,
                SIGNALS => came.extend(self.signals.borrow_mut().iter_mut().flat_map(Signals::pending)),
                Token(n) => ready.extend(self.announce(n - FIRST_DESCRIPTOR, readiness(event))),
            }
        }
        Ok(came)
    }

    // ---- descriptors ----

    /// Watches a descriptor on behalf of a schedule, which knows it by `key`.
    pub(super) fn watch(&self, fd: RawFd, key: usize, interest: Interest, owner: Rc<Owner>) -> io::Result<Id> {
        let id = self.watched.borrow_mut().insert(Watched { fd, key, owner, ready: Readiness::default() });
        let registered = self.poll.borrow().registry().register(&mut SourceFd(&fd), token(id), interest);
        if let Err(error) = registered {
            self.watched.borrow_mut().remove(id);
            return Err(error);
        }
        Ok(id)
    }

    pub(super) fn rewatch(&self, id: Id, interest: Interest) -> io::Result<()> {
        let fd = self.watched.borrow().get(id).map(|watched| watched.fd).ok_or(io::ErrorKind::NotFound)?;
        self.poll.borrow().registry().reregister(&mut SourceFd(&fd), token(id), interest)
    }

    /// Takes a descriptor off, which must be open still.
    pub(super) fn unwatch(&self, id: Id) -> io::Result<()> {
        let Some(Watched { fd, owner, ready, .. }) = self.watched.borrow_mut().remove(id) else { return Ok(()) };
        if !ready.is_empty() {
            owner.waiting.borrow_mut().retain(|waiting| *waiting != id);
        }
        self.poll.borrow().registry().deregister(&mut SourceFd(&fd))
    }

    /// Takes off all that a schedule has registered which did not come about.
    pub(super) fn forget(&self, owner: &Rc<Owner>) {
        let theirs: Vec<Id> = {
            let watched = self.watched.borrow();
            watched.ids().filter(|(_, watched)| Rc::ptr_eq(&watched.owner, owner)).map(|(id, _)| id).collect()
        };
        for id in theirs {
            let _ = self.unwatch(id); // closed already
        }
    }

    /// What has happened at the descriptors of an owner, one after the other, each once.
    pub(super) fn next_ready(&self, owner: &Owner) -> Option<Ready> {
        loop {
            let id = owner.waiting.borrow_mut().pop_front()?;
            if let Some(watched) = self.watched.borrow_mut().get_mut(id) {
                return Some(Ready { id, key: watched.key, readiness: std::mem::take(&mut watched.ready) });
            }
        }
    }

    /// Announces a descriptor in the next turn.
    pub(super) fn announce_again(&self, ready: Ready) {
        self.again.borrow_mut().push(ready);
    }

    /// Whether a descriptor is to be announced in the next turn.
    pub(super) fn has_more(&self) -> bool {
        !self.again.borrow().is_empty()
    }

    /// Their schedules are called whatever else has happened: a call that was asked for with the announcement may have been made
    /// before it, in the same turn.
    fn announce_those_again(&self, ready: &mut Vec<Id>) {
        for Ready { id, readiness, .. } in self.again.borrow_mut().drain(..) {
            if self.watched.borrow().get(id).is_some() {
                ready.extend(self.announce(id.key as usize, readiness));
            }
        }
    }

    fn announce(&self, place: usize, news: Readiness) -> Option<Id> {
        let mut table = self.watched.borrow_mut();
        let id = table.at(place)?;
        let watched = table.get_mut(id)?;
        if watched.ready.is_empty() {
            watched.owner.waiting.borrow_mut().push_back(id);
        }
        watched.ready = watched.ready.and(news);
        Some(watched.owner.schedule.get())
    }
}

fn token(id: Id) -> Token {
    Token(id.key as usize + FIRST_DESCRIPTOR)
}

fn readiness(event: &Event) -> Readiness {
    Readiness {
        readable: event.is_readable() || event.is_priority(),
        writable: event.is_writable(),
        read_closed: event.is_read_closed(),
        write_closed: event.is_write_closed(),
        error: event.is_error(),
    }
}

/// Begins a connection and does not wait for it.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    mio::net::TcpStream::connect(address).map(TcpStream::from)
}

fn set_timer(timer: BorrowedFd<'_>, due: Instant) -> io::Result<()> {
    let nanos = due.as_nanos().max(1); // zero would switch the timer off
    #[allow(clippy::cast_possible_wrap)] // 584 years of seconds, and less than a billion
    let it_value = Timespec { tv_sec: (nanos / 1_000_000_000) as i64, tv_nsec: (nanos % 1_000_000_000) as _ };
    let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::time::timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
    Ok(())
}

/// Arms a timer of the wall clock so that a step cancels it.
fn arm_clock(timer: BorrowedFd<'_>) -> io::Result<()> {
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let until = |tv_sec| {
        let (it_interval, it_value) = (Timespec { tv_sec: 0, tv_nsec: 0 }, Timespec { tv_sec, tv_nsec: 0 });
        rustix::time::timerfd_settime(timer, flags, &Itimerspec { it_interval, it_value })
    };
    // A clock that is wrong may show any time: one that were over would fire at once, again and again.
    until(NEVER).or_else(|_| until(i32::MAX.into()))?; // a kernel whose times have 32 bits
    Ok(())
}

/// The last second that the kernel's timers know: in the year 2262.
const NEVER: i64 = i64::MAX / 1_000_000_000;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timer_that_watches_the_wall_clock_is_not_due_whatever_the_clock_shows() {
        let timer = rustix::time::timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::empty()).expect("a timer");
        arm_clock(timer.as_fd()).expect("it is armed");
        let left = rustix::time::timerfd_gettime(&timer).expect("it is read").it_value.tv_sec;
        assert!(left > 200 * 365 * 86_400, "{left} seconds left");
    }
}
