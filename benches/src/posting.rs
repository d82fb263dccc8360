//! How the group `posts` drives a loop that other threads post into: many posts at full speed, or one at a time.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::Readings;
use crate::event::Event;
use crate::{Result, machine};

/// How many events wait in the queue at most.
pub const CAPACITY: usize = 1024;

/// A loop with a bounded queue in front.
pub trait Inbox: Sized {
    /// What the other threads hold.
    type Poster: Poster;

    /// A loop, not yet running, and the way into it.
    fn open(capacity: usize) -> io::Result<(Self, Self::Poster)>;

    /// Runs on this thread, calls `each` for each event, returns when that breaks. Sleeps when there is nothing to do.
    fn run(self, each: impl FnMut(Event) -> ControlFlow<()> + 'static) -> io::Result<()>;
}

/// The end of a queue that a thread posts into.
pub trait Poster: Clone + Send + 'static {
    /// Puts the event into the queue. What happens when that is full is the subject's affair: to wait, or to drop.
    fn post(&mut self, event: Event);
}

/// The id of the event that says that all is over.
const LAST: u32 = u32::MAX;

fn event(id: u32, ts: u64) -> Event {
    Event { id, ts, val: 0.5 }
}

/// Millions of posts a second from that many threads, from the first post to the last event handled.
pub fn throughput<I: Inbox>(threads: usize, posts: u64) -> Result<Readings> {
    let (inbox, poster) = I::open(CAPACITY)?;
    let start = post_from(&poster, threads, posts);
    let mut left = posts / threads as u64 * threads as u64;
    let total = left;
    inbox.run(move |event| {
        black_box(event.val);
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let rate = total as f64 / start.elapsed().as_micros() as f64;
    Ok(Readings::default().with("rate", rate))
}

/// The same for a queue that may drop: posts a second, and what share of them arrived.
pub fn lossy<I: Inbox>(threads: usize, posts: u64) -> Result<Readings> {
    let (inbox, poster) = I::open(CAPACITY)?;
    let handled = Rc::new(Cell::new(0_u64));
    let seen = handled.clone();
    let mut closer = poster.clone();
    let (workers, start) = posting_threads(&poster, threads, posts);
    let closing = thread::spawn(move || {
        for worker in workers {
            let _ = worker.join();
        }
        let spent = start.elapsed();
        // It may be dropped, too; but not for ever, since nobody else posts any more.
        for _ in 0..100 {
            closer.post(event(LAST, 0));
            thread::sleep(Duration::from_millis(1));
        }
        spent
    });
    inbox.run(move |event| {
        if event.id == LAST {
            return ControlFlow::Break(());
        }
        seen.set(seen.get() + 1);
        ControlFlow::Continue(())
    })?;
    let spent = closing.join().map_err(|_| "a posting thread failed")?;
    let rate = posts as f64 / spent.as_micros() as f64;
    Ok(Readings::default().with("rate", rate).with("arrived", handled.get() as f64 / posts as f64))
}

/// The time from a single post to its handling, while the loop sleeps: median and p99.
pub fn ping<I: Inbox>(posts: usize) -> Result<Readings> {
    let (inbox, mut poster) = I::open(CAPACITY)?;
    let taken = Rc::new(RefCell::new(Vec::with_capacity(posts)));
    let seen = taken.clone();
    thread::spawn(move || {
        for _ in 0..posts {
            thread::sleep(Duration::from_millis(1));
            poster.post(event(0, machine::now()));
        }
        // A loop is not to sleep behind the last post's back, so the way into it stays open.
        thread::sleep(Duration::from_secs(1));
    });
    inbox.run(move |event| {
        let mut seen = seen.borrow_mut();
        seen.push(machine::now() - event.ts);
        if seen.len() == posts { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let mut taken = taken.take();
    taken.sort_unstable();
    let at = |share: f64| taken[(taken.len() as f64 * share) as usize] as f64 / 1_000.0;
    Ok(Readings::default().with("p50_us", at(0.5)).with("p99_us", at(0.99)))
}

/// Lets that many threads loose; says when.
fn post_from(poster: &impl Poster, threads: usize, posts: u64) -> Instant {
    posting_threads(poster, threads, posts).1
}

fn posting_threads(poster: &impl Poster, threads: usize, posts: u64) -> (Vec<thread::JoinHandle<()>>, Instant) {
    let barrier = Arc::new(Barrier::new(threads + 1));
    let workers = (0..threads).map(|id| {
        let (barrier, mut poster) = (barrier.clone(), poster.clone());
        let each = posts / threads as u64;
        thread::spawn(move || {
            barrier.wait();
            for ts in 0..each {
                poster.post(event(id as u32, ts));
            }
        })
    });
    let workers = workers.collect();
    barrier.wait();
    (workers, Instant::now())
}
