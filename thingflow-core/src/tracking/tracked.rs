//! [`Tracked`]: an event with its acknowledgement.

use alloc::vec::Vec;
use core::fmt;

use super::ledger::Share;
use crate::error::{Cause, StreamError};

/// An event together with the means to say that one is done with it.
///
/// Whoever holds it keeps it: in a window, a queue, another thread. Dropping it is saying "done", and its source hears of it
/// when the last holder has let go; so an operator that knows nothing of tracking handles it correctly. A clone is one
/// more holder. To say more than "done", [`fail`](Self::fail) it.
///
/// Work that may fail is best done by [`try_map_value`](super::Tracking::try_map_value) or behind
/// [`acknowledge`](super::Tracking::acknowledge), which know how it went. A function of yours that takes a `Tracked`, drops
/// it and then returns an error has called it done.
///
/// `Tracked<T>` is `Send` if `T` is (with the feature `std`): it may be let go of on an edge thread.
pub struct Tracked<T, M = ()> {
    /// The event itself.
    pub value: T,
    ack: Ack<M>,
}

impl<T, M> Tracked<T, M> {
    /// An event that no source waits for: among tracked ones, a default or a heartbeat.
    pub fn untracked(value: T) -> Self {
        Ack::none().with(value)
    }

    /// What was attached to the event at its source. There are several if it was made of several events, in their order,
    /// and none if it is not tracked.
    pub fn metadata(&self) -> impl Iterator<Item = &M> {
        self.ack.metadata()
    }

    /// The same event with another value.
    #[inline]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Tracked<U, M> {
        let Self { value, ack } = self;
        Tracked { value: f(value), ack }
    }

    /// The same event with another value, or what went wrong: then the event has failed.
    ///
    /// # Errors
    /// That of `f`, as its source hears it.
    pub fn try_map<U, E>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<Tracked<U, M>, StreamError>
    where
        E: Into<Cause>,
    {
        let Self { value, ack } = self;
        match f(value) {
            Ok(value) => Ok(Tracked { value, ack }),
            Err(error) => {
                let error = StreamError::from_cause(error);
                ack.fail(&error);
                Err(error)
            }
        }
    }

    /// Two events as one, which is done when both are.
    pub fn and<U>(self, other: Tracked<U, M>) -> Tracked<(T, U), M> {
        let mut ack = self.ack;
        ack.join(other.ack);
        ack.with((self.value, other.value))
    }

    /// Says for certain that this holder is done, also while the run is being closed, where a mere drop does not count.
    pub fn done(self) -> T {
        self.ack.done();
        self.value
    }

    /// Says that the work with the event has failed. It has, whatever the other holders do.
    #[allow(clippy::needless_pass_by_value)] // an error is given away
    pub fn fail(self, error: StreamError) {
        self.ack.fail(&error);
    }

    /// Leaves the work to the next run: as if this one had ended before.
    pub fn abandon(self) {
        self.ack.abandon();
    }

    /// Takes the event apart. [`Ack::with`] puts it together.
    pub fn split(self) -> (T, Ack<M>) {
        (self.value, self.ack)
    }
}

impl<T: Clone, M> Clone for Tracked<T, M> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), ack: self.ack.clone() }
    }
}

/// The value alone.
impl<T: fmt::Debug, M> fmt::Debug for Tracked<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The acknowledgement of a [`Tracked`] event without its value. Dropping it says "done", as with the event.
#[must_use = "dropping it says that the event is done"]
pub struct Ack<M = ()>(Shares<M>);

/// Most events are one event: then nothing is allocated.
enum Shares<M> {
    None,
    One(Share<M>),
    Many(Vec<Share<M>>),
}

impl<M> Ack<M> {
    pub(super) fn new(share: Share<M>) -> Self {
        Self(Shares::One(share))
    }

    pub(super) fn none() -> Self {
        Self(Shares::None)
    }

    /// Makes a tracked event of a value.
    pub fn with<T>(self, value: T) -> Tracked<T, M> {
        Tracked { value, ack: self }
    }

    /// What was attached at the source, see [`Tracked::metadata`].
    pub fn metadata(&self) -> impl Iterator<Item = &M> {
        self.0.as_slice().iter().filter_map(Share::meta)
    }

    /// Says for certain that this holder is done, see [`Tracked::done`].
    pub fn done(self) {
        self.0.each(Share::done);
    }

    /// Says that the work has failed, see [`Tracked::fail`].
    pub fn fail(self, error: &StreamError) {
        self.0.each(|share| share.fail(error));
    }

    /// Leaves the work to the next run, see [`Tracked::abandon`].
    pub fn abandon(self) {
        self.0.each(Share::abandon);
    }

    /// Takes on another acknowledgement: both are released together.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl<M> Shares<M> {
    fn as_slice(&self) -> &[Share<M>] {
        match self {
            Self::None => &[],
            Self::One(share) => core::slice::from_ref(share),
            Self::Many(shares) => shares,
        }
    }

    fn each(self, mut say: impl FnMut(Share<M>)) {
        match self {
            Self::None => {}
            Self::One(share) => say(share),
            Self::Many(shares) => shares.into_iter().for_each(say),
        }
    }

    fn extend(&mut self, other: Self) {
        let mut shares = match core::mem::replace(self, Self::None) {
            Self::None => {
                *self = other;
                return;
            }
            Self::One(share) => Vec::from([share]),
            Self::Many(shares) => shares,
        };
        other.each(|share| shares.push(share));
        *self = if shares.len() == 1 { shares.pop().map_or(Self::None, Self::One) } else { Self::Many(shares) };
    }
}

impl<M> Clone for Ack<M> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Shares::None => Shares::None,
            Shares::One(share) => Shares::One(share.clone()),
            Shares::Many(shares) => Shares::Many(shares.clone()),
        })
    }
}

impl<M> fmt::Debug for Ack<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ack({} events)", self.0.as_slice().len())
    }
}
