//! A heap of deadlines in front of a mio loop, which sleeps by a timerfd or by its own timeout.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::ticking::{Grid, PERIOD, tick};
use crate::{Result, machine};

/// Sleeps until the very deadline.
pub fn exact(grid: &Grid) -> Result<()> {
    let mut alarm = Alarm::new()?;
    run(grid, |_, deadline| alarm.sleep_until(deadline))
}

/// Sleeps until the deadline or up to a millisecond longer, counted from the start: ticks that are close share a
/// wake-up.
pub fn rounded(grid: &Grid) -> Result<()> {
    const GRID: u64 = 1_000_000;
    let mut alarm = Alarm::new()?;
    run(grid, |start, deadline| alarm.sleep_until(start + (deadline - start).next_multiple_of(GRID)))
}

/// Sleeps by the timeout of mio's poll.
pub fn by_timeout(grid: &Grid) -> Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(8);
    run(grid, |_, deadline| {
        let left = Duration::from_nanos(deadline.saturating_sub(machine::now()));
        poll.poll(&mut events, Some(left))
    })
}

/// Takes what is due from the heap, puts it back a second later, sleeps. Start and deadlines are nanoseconds of the
/// monotonic clock, as the kernel wants them.
fn run(grid: &Grid, mut sleep_until: impl FnMut(u64, u64) -> io::Result<()>) -> Result<()> {
    let start = machine::now() + grid.start.saturating_duration_since(Instant::now()).as_nanos() as u64;
    let first = |sensor| (start + grid.phase(sensor).as_nanos() as u64, sensor as u32);
    let mut due: BinaryHeap<Reverse<(u64, u32)>> = (0..grid.sensors).map(first).map(Reverse).collect();
    let end = start + grid.end().duration_since(grid.start).as_nanos() as u64;
    let period = PERIOD.as_nanos() as u64;
    grid.set_up();
    let mut now = machine::now();
    while now < end {
        while let Some(mut next) = due.peek_mut() {
            let Reverse((deadline, sensor)) = *next;
            if deadline > now {
                break;
            }
            tick(Duration::from_nanos((deadline - start) % period));
            *next = Reverse((deadline + period, sensor));
        }
        let next = due.peek().map_or(end, |Reverse((deadline, _))| *deadline);
        sleep_until(start, next.min(end))?;
        now = machine::now();
    }
    Ok(())
}

/// A timerfd in a mio poll.
struct Alarm {
    poll: Poll,
    events: Events,
    timer: OwnedFd,
}

impl Alarm {
    fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), Token(0), Interest::READABLE)?;
        Ok(Self { poll, events: Events::with_capacity(8), timer })
    }

    fn sleep_until(&mut self, deadline: u64) -> io::Result<()> {
        let it_value =
            Timespec { tv_sec: (deadline / 1_000_000_000) as i64, tv_nsec: (deadline % 1_000_000_000) as i64 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        self.poll.poll(&mut self.events, None)
    }
}
