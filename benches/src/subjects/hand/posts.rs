//! Two queues written by hand in front of a mio loop.

use std::io;
use std::mem;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use mio::{Events, Poll, Token, Waker};

use crate::event::Event;
use crate::posting::{Inbox, Poster};

/// crossbeam's bounded channel; a flag says whether the loop has been woken already.
pub struct Channel {
    poll: Poll,
    queue: Receiver<Event>,
    wake: Arc<Wake>,
}

/// The way into a [`Channel`].
#[derive(Clone)]
pub struct ChannelPoster {
    queue: Sender<Event>,
    wake: Arc<Wake>,
}

/// A waker that makes a system call only when the loop may be asleep.
struct Wake {
    pending: AtomicBool,
    waker: Waker,
}

impl Inbox for Channel {
    type Poster = ChannelPoster;

    fn open(capacity: usize) -> io::Result<(Self, ChannelPoster)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Token(0))?;
        let wake = Arc::new(Wake { pending: AtomicBool::new(false), waker });
        let (sender, queue) = bounded(capacity);
        Ok((Self { poll, queue, wake: wake.clone() }, ChannelPoster { queue: sender, wake }))
    }

    fn run(mut self, mut each: impl FnMut(Event) -> ControlFlow<()>) -> io::Result<()> {
        let mut events = Events::with_capacity(8);
        loop {
            self.poll.poll(&mut events, None)?;
            self.wake.pending.store(false, SeqCst);
            while let Ok(event) = self.queue.try_recv() {
                if each(event).is_break() {
                    return Ok(());
                }
            }
        }
    }
}

impl Poster for ChannelPoster {
    fn post(&mut self, event: Event) {
        if self.queue.send(event).is_ok() && !self.wake.pending.swap(true, SeqCst) {
            self.wake.waker.wake().expect("an eventfd takes a one");
        }
    }
}

/// A vector behind a mutex that the loop swaps for an empty one; whoever finds it empty wakes the loop.
pub struct Swap {
    poll: Poll,
    shared: Arc<Shared>,
}

/// The way into a [`Swap`].
#[derive(Clone)]
pub struct SwapPoster(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    room: Condvar,
    capacity: usize,
    waker: Waker,
}

struct Queue {
    events: Vec<Event>,
    waiting: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox for Swap {
    type Poster = SwapPoster;

    fn open(capacity: usize) -> io::Result<(Self, SwapPoster)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), Token(0))?;
        let queue = Mutex::new(Queue { events: Vec::with_capacity(capacity), waiting: 0 });
        let shared = Arc::new(Shared { queue, room: Condvar::new(), capacity, waker });
        Ok((Self { poll, shared: shared.clone() }, SwapPoster(shared)))
    }

    fn run(mut self, mut each: impl FnMut(Event) -> ControlFlow<()>) -> io::Result<()> {
        let mut events = Events::with_capacity(8);
        let mut batch = Vec::with_capacity(self.shared.capacity);
        loop {
            self.poll.poll(&mut events, None)?;
            let mut queue = self.shared.lock();
            mem::swap(&mut queue.events, &mut batch);
            let waiting = mem::take(&mut queue.waiting);
            drop(queue);
            if waiting > 0 {
                self.shared.room.notify_all();
            }
            for event in batch.drain(..) {
                if each(event).is_break() {
                    return Ok(());
                }
            }
        }
    }
}

impl Poster for SwapPoster {
    fn post(&mut self, event: Event) {
        let shared = &*self.0;
        let mut queue = shared.lock();
        while queue.events.len() == shared.capacity {
            queue.waiting += 1;
            queue = shared.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.events.push(event);
        let first = queue.events.len() == 1;
        drop(queue);
        if first {
            shared.waker.wake().expect("an eventfd takes a one");
        }
    }
}
