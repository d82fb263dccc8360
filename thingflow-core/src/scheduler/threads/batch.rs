//! What a worker is given, and what it says when it cannot do it.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::sink::Stamped;
use crate::error::StreamError;
use crate::tracking::deliver;

/// Why a worker could not do something: whose fault it was decides what follows.
#[derive(Clone, PartialEq)]
pub enum Refusal {
    /// That event's: it is refused for good. It becomes a [`DeadLetter`](crate::DeadLetter), and the others are tried again at once.
    Event {
        /// Which event of the batch as it is now.
        index: usize,
        /// Why.
        error: StreamError,
    },
    /// The other side's: it is away, or has timed out. The events wait, and are tried again with back-off.
    Peer(StreamError),
    /// The other side's, and it has said how long it wants to be left alone, as HTTP does by `Retry-After`. The events
    /// wait at least that long, and at least as long as the back-off.
    Busy {
        /// How long it wants to be left alone.
        wait: Duration,
        /// Why.
        error: StreamError,
    },
    /// The configuration's: a wrong password, no such table. Somebody must act, see [`OnSetup`](crate::OnSetup).
    Setup(StreamError),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { index, error } => write!(f, "event {index} of the batch is refused: {error}"),
            Self::Peer(error) => write!(f, "the other side cannot take it now: {error}"),
            Self::Busy { wait, error } => write!(f, "the other side cannot take it for {wait:?}: {error}"),
            Self::Setup(error) => write!(f, "the set-up is refused: {error}"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (Self::Event { error, .. } | Self::Busy { error, .. } | Self::Peer(error) | Self::Setup(error)) = self;
        std::error::Error::source(error)
    }
}

/// The other side's fault.
impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::Peer(StreamError::caused("input or output failed", error))
    }
}

/// Events for a [`Worker`](crate::Worker), oldest first.
pub struct Batch<T> {
    pub(super) events: VecDeque<Stamped<T>>,
}

impl<T> Batch<T> {
    /// How many events are left.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The first event that is not done.
    pub fn first(&self) -> Option<&T> {
        self.events.front().map(|(_, event)| event)
    }

    /// The events that are not done.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.events.iter().map(|(_, event)| event)
    }

    /// Marks the first `n` events as done and takes them out of the batch: they will not be tried again. If there are
    /// fewer, all are done.
    ///
    /// For a [tracked](crate::tracking::Tracked) event that is certain, also while the run is being closed.
    pub fn done(&mut self, n: usize) {
        let n = n.min(self.events.len());
        deliver(|| drop(self.events.drain(..n)));
    }

    /// Sends all events at once, to another side that takes all of them or none and does not say which it rejects. If it
    /// rejects some, the halves are sent, then their halves, until those that it takes are done and the first that it
    /// does not take is known. If they are too large together, half as many are sent from then on.
    ///
    /// `send` gets a number of events, from the first that is not done on. `Ok` means that all of these are done.
    ///
    /// ```
    /// use thingflow_core::{Batch, Refusal, Rejection, StreamError, Worker};
    /// /// A server that refuses a batch as a whole, here for a word that is too long.
    /// fn post(words: &[&str]) -> Result<(), Rejection> {
    ///     if words.iter().all(|word| word.len() < 10) { return Ok(()) }
    ///     Err(Rejection::SomeEvent(StreamError::new("400 Bad Request")))
    /// }
    /// let poster = |batch: &mut Batch<&'static str>| {
    ///     batch.by_halves(|words| post(&words.copied().collect::<Vec<_>>()))
    /// };
    /// # let _: &dyn Worker<&'static str> = &poster;
    /// ```
    ///
    /// # Errors
    /// [`Refusal::Event`] for the first event that is refused alone, and whatever else `send` fails by.
    pub fn by_halves<R: Into<Rejection>>(
        &mut self,
        mut send: impl FnMut(&mut dyn Iterator<Item = &T>) -> Result<(), R>,
    ) -> Result<(), Refusal> {
        let mut suspects = 0_usize; // so many, from the first on, were refused together
        let mut most = usize::MAX; // more at once are too many
        while !self.is_empty() {
            let n = if suspects == 0 { self.len() } else { suspects.div_ceil(2) }.min(most);
            let sent = send(&mut self.iter().take(n)).map_err(Into::into);
            match sent {
                Ok(()) => {
                    self.done(n);
                    suspects = suspects.saturating_sub(n);
                }
                Err(Rejection::Other(refusal)) => return Err(refusal),
                Err(Rejection::SomeEvent(error) | Rejection::TooLarge(error)) if n == 1 => {
                    return Err(Refusal::Event { index: 0, error });
                }
                Err(Rejection::SomeEvent(_)) => suspects = n,
                Err(Rejection::TooLarge(_)) => most = n.div_ceil(2),
            }
        }
        Ok(())
    }
}

impl<T> fmt::Debug for Batch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} events)", self.len())
    }
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { events: VecDeque::new() }
    }
}

/// Why several events could not be sent together, see [`Batch::by_halves`].
#[derive(Clone, Debug, PartialEq)]
pub enum Rejection {
    /// At least one of them is refused for good; which, the other side does not say.
    SomeEvent(StreamError),
    /// They are too large together.
    TooLarge(StreamError),
    /// Anything else. The index of a [`Refusal::Event`] counts from the first event that was sent.
    Other(Refusal),
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::Other(refusal)
    }
}
