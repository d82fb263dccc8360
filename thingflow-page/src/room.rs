//! [`Room`]: how many connections there may be, and which of them goes when another comes and there is no room.
//!
//! Invariant: a connection in `silent` or `resting` has no request that is being answered. So whoever asks is answered, however many
//! others are connected and say nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// A browser opens six connections to a host.
const MOST: usize = 64;

/// Room for so many connections as a page has at once.
#[derive(Clone)]
pub(crate) struct Room {
    free: Arc<Semaphore>,
    quiet: Arc<Mutex<Quiet>>,
}

/// The connections that ask nothing at the moment, those who have done so for the longest time first.
#[derive(Default)]
struct Quiet {
    next: u64,
    /// Who has not asked yet.
    silent: BTreeMap<u64, Arc<Notify>>,
    /// Who has been answered.
    resting: BTreeMap<u64, Arc<Notify>>,
    /// Another waits to come in.
    is_wanted: bool,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(MOST)), quiet: Arc::default() }
    }

    /// How many connections there are.
    pub(crate) fn taken(&self) -> usize {
        MOST - self.free.available_permits()
    }

    /// A place for one more, in that of one who asks nothing if there is no other. `None`: there will be none any more.
    pub(crate) async fn seat(&self) -> Option<Arc<Seat>> {
        let permit = if let Ok(permit) = self.free.clone().try_acquire_owned() {
            permit
        } else {
            self.quiet().make_room();
            let permit = self.free.clone().acquire_owned().await.ok()?;
            self.quiet().is_wanted = false;
            permit
        };
        let (has_asked, place) = (AtomicBool::new(false), Mutex::new(None));
        let seat = Seat { room: self.clone(), _permit: permit, dismissed: Arc::default(), has_asked, place };
        seat.rests();
        Some(Arc::new(seat))
    }

    fn quiet(&self) -> MutexGuard<'_, Quiet> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quiet {
    fn make_room(&mut self) {
        self.is_wanted = true;
        if let Some((_, dismissed)) = self.silent.pop_first().or_else(|| self.resting.pop_first()) {
            dismissed.notify_one();
        }
    }
}

/// The place of a connection.
pub(crate) struct Seat {
    room: Room,
    _permit: OwnedSemaphorePermit,
    dismissed: Arc<Notify>,
    has_asked: AtomicBool,
    /// Among those that ask nothing.
    place: Mutex<Option<u64>>,
}

impl Seat {
    /// Until the connection has to go for another.
    pub(crate) async fn dismissed(&self) {
        self.dismissed.notified().await;
    }

    /// Whether it has ever asked: then an answer may be on its way.
    pub(crate) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// It asks: until [`rests`](Self::rests) it stays.
    pub(crate) fn asks(&self) {
        self.has_asked.store(true, Ordering::Relaxed);
        self.leave();
    }

    /// It has been answered.
    pub(crate) fn rests(&self) {
        let mut quiet = self.room.quiet();
        if quiet.is_wanted {
            self.dismissed.notify_one();
            return;
        }
        quiet.next += 1;
        let number = quiet.next;
        let of = if self.has_asked() { &mut quiet.resting } else { &mut quiet.silent };
        of.insert(number, self.dismissed.clone());
        *self.place() = Some(number);
    }

    fn leave(&self) {
        let mut quiet = self.room.quiet();
        if let Some(number) = self.place().take() {
            quiet.silent.remove(&number);
            quiet.resting.remove(&number);
        }
    }

    fn place(&self) -> MutexGuard<'_, Option<u64>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn now<T>(work: impl Future<Output = T>) -> Option<T> {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    #[test]
    fn s05_who_says_nothing_goes_before_who_has_been_answered_and_nobody_who_is_being_answered() {
        let room = Room::new();
        let seats: Vec<_> = (0..MOST).map(|_| now(room.seat()).flatten().unwrap()).collect();
        seats[2..].iter().for_each(|seat| seat.asks());
        seats[9].rests();
        let gone = || (0..MOST).filter(|n| now(seats[*n].dismissed()).is_some()).collect::<Vec<_>>();
        for expected in [vec![0], vec![1], vec![9], vec![]] {
            assert!(now(room.seat()).is_none(), "the one who is dismissed has not gone yet");
            assert_eq!(gone(), expected);
        }
        seats[5].rests();
        assert_eq!(gone(), [5], "another still waits");
        drop(seats);
        assert_eq!(room.taken(), 0);
        assert!(now(room.seat()).is_some() && room.quiet().silent.is_empty() && room.quiet().resting.is_empty());
    }
}
