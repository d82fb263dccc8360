//! [`SavedState`]: what the stages of a chain remember, taken out and put back.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::clock::{Instant, Timestamp, nanos};
use crate::context::Context;
use crate::error::{FatalError, fmt_chain};
use crate::moment::{BootId, WallClock};
use crate::notice::Notice;
use crate::state::StateVisitor;
use crate::thing::InputThing;

#[cfg(feature = "std")]
mod file;

/// What the stages of a chain remember, as numbers that a program can write to a file: a window that is half full goes on after a restart.
///
/// Times of the scheduler's clock are kept as what they are to the time of saving, with the boot of the machine and what the wall clock
/// showed. So a state is right in the program that runs next, after a reboot too: what was five minutes old is that, and as much older as
/// the machine was off. If nobody knows how long that was, because the wall clock was not set, all of it counts as long ago: a value
/// that is held is stale, an interval is over. On a microcontroller all boots are one, unless
/// [`set_boot`](crate::bare::Scheduler::set_boot) tells them apart. Where that matters, restore once the clock is [set](crate::WallClock::is_set).
///
/// It fits a chain that was built in the same way. One that is damaged, or that another chain has saved, is an error, and so is a number
/// that no stage can have saved. The sum that tells so is no signature: whoever may write the file can write another state.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::SavedState;
/// use thingflow_core::windows::Sum;
/// let mut sums = Vec::new();
/// let cx = &mut Context::detached(Instant::ZERO);
/// let mut before = pipe::<i32>().aggregate(Window::tumbling(3), Sum::new()).to(call(drop));
/// before.next(1, cx)?;
/// before.next(2, cx)?;
/// let saved = SavedState::of(&mut before, cx)?; // into_words() gives what to write down
///
/// let mut after = pipe::<i32>().aggregate(Window::tumbling(3), Sum::new()).to(call(|sum| sums.push(sum)));
/// saved.restore(&mut after, cx)?;
/// after.next(10, cx)?;
/// drop(after);
/// assert_eq!(sums, [13]);
/// assert!(SavedState::from_words(vec![1, 2, 3]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedState {
    words: Vec<u64>,
    /// When it was saved.
    taken: Taken,
    /// Of the names in the order in which they came: it tells whether the chain is one of the same kind.
    names: u64,
    /// The stages that held what they could not show.
    unsaved: BTreeSet<String>,
}

impl SavedState {
    /// Takes the state out of a Thing and of all that follows it, which stay as they are. When a run has ended nothing follows any
    /// more: save while it goes on, or between two runs of [`run_for`](crate::Scheduler::run_for).
    ///
    /// # Errors
    /// The fatal error of a Thing, and one if it is a port whose run has ended.
    pub fn of<T>(thing: &mut impl InputThing<T>, cx: &mut Context<'_>) -> Result<Self, FatalError> {
        let taken = Taken::at(&cx.wall_clock());
        let mut walk = Walk { taken: taken.instant(), ..Walk::default() };
        let _ = thing.notice(Notice::State(&mut walk), cx)?;
        Ok(Self { words: walk.words, taken, names: walk.names, unsaved: walk.unsaved })
    }

    /// The stages that held something which is not in this state, because it may be of any type: events that wait, the sum so far of
    /// a fold. Wrap a stage in a [`Saving`](crate::Saving) where what it holds can be saved. A state that was read from
    /// [words](Self::from_words) does not tell.
    ///
    /// ```
    /// use thingflow_core::{SavedState, prelude::*};
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// let mut chain = pipe::<i32>().skip(1).dedup().to(call(drop));
    /// chain.next(1, cx)?;
    /// assert!(SavedState::of(&mut chain, cx)?.unsaved().is_empty());
    /// chain.next(2, cx)?;
    /// assert!(SavedState::of(&mut chain, cx)?.unsaved().contains("dedup"));
    /// # Ok::<(), FatalError>(())
    /// ```
    pub const fn unsaved(&self) -> &BTreeSet<String> {
        &self.unsaved
    }

    /// Puts the state into a Thing and all that follows it, before the first event; it makes no difference whether they have been
    /// scheduled. The context has to be one of the scheduler that runs them, whose clock says how long ago it was saved: see
    /// [`Scheduler::with_context`](crate::Scheduler::with_context). A stage that waits for a time is woken once the run goes on, and
    /// asks again for the time that has been restored.
    ///
    /// # Errors
    /// If it is not the state of such a chain: then some stages may have taken theirs. Do not use the chain.
    pub fn restore<T>(&self, thing: &mut impl InputThing<T>, cx: &mut Context<'_>) -> Result<(), StateError> {
        let taken = self.taken.on(&cx.wall_clock());
        let mut walk = Walk { words: self.words.clone(), at: Some(0), taken, ..Walk::default() };
        cx.wake_at(cx.now()); // stages that have been started ask again for the times that are restored
        let _ = thing.notice(Notice::State(&mut walk), cx).map_err(StateError::fatal)?;
        match walk.refused {
            Some(name) => Err(StateError::refused(name)),
            None if walk.at != Some(self.words.len()) || walk.names != self.names => Err(StateError::other()),
            None => Ok(()),
        }
    }

    /// The state as numbers, with what is needed to tell whether they are whole.
    pub fn into_words(self) -> Vec<u64> {
        let mut words = self.words;
        words.extend(self.taken.into_words());
        words.push(self.names);
        words.push(mixed(&words));
        words
    }

    /// A state from numbers that [`into_words`](Self::into_words) gave.
    ///
    /// # Errors
    /// If they are not whole.
    pub fn from_words(mut words: Vec<u64>) -> Result<Self, StateError> {
        let sum = words.pop();
        let is_whole = sum == Some(mixed(&words));
        let names = words.pop().filter(|_| is_whole);
        let taken = words.split_off(words.len().saturating_sub(Taken::WORDS));
        match (names, taken.try_into().ok().and_then(Taken::from_words)) {
            (Some(names), Some(taken)) => Ok(Self { words, taken, names, unsaved: BTreeSet::new() }),
            _ => Err(StateError { kind: Kind::Damaged }),
        }
    }
}

/// When a state was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    boot: BootId,
    /// Nanoseconds of the clock of that boot.
    at: u64,
    /// The wall clock, if it was set.
    time: Option<Timestamp>,
}

impl Taken {
    const WORDS: usize = 5;

    fn at(clock: &WallClock) -> Self {
        Self { boot: clock.boot, at: clock.at.as_nanos(), time: clock.is_set.then_some(clock.time) }
    }

    fn instant(&self) -> Instant {
        Instant::from_nanos(self.at)
    }

    /// When that was on a clock that may be that of another boot.
    fn on(&self, clock: &WallClock) -> Instant {
        let is_same =
            self.boot.is_same_as(clock.boot) || self.boot == clock.boot && self.time.is_none() && !clock.is_set;
        if is_same && self.instant() <= clock.at {
            return self.instant();
        }
        match self.time.filter(|_| clock.is_set) {
            Some(time) => Instant::from_signed_nanos(clock.at.signed_nanos() - i128::from(nanos(clock.time - time))),
            None => Instant::LONG_AGO,
        }
    }

    #[allow(clippy::cast_possible_truncation)] // the halves of a boot's number
    fn into_words(self) -> [u64; Self::WORDS] {
        let boot = self.boot.as_u128();
        let time = self.time.map_or(0, Timestamp::as_nanos).cast_unsigned();
        [(boot >> 64) as u64, boot as u64, self.at, time, u64::from(self.time.is_some())]
    }

    fn from_words([high, low, at, time, is_set]: [u64; Self::WORDS]) -> Option<Self> {
        let time = match is_set {
            0 => None,
            1 => Some(Timestamp::from_nanos(time.cast_signed())),
            _ => return None,
        };
        Some(Self { boot: BootId::from_u128(u128::from(high) << 64 | u128::from(low)), at, time })
    }
}

/// FNV-1a, by words.
fn mixed(words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |sum, word| (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17))
}

/// Saves, or restores from a place on.
#[derive(Default)]
struct Walk {
    words: Vec<u64>,
    at: Option<usize>,
    /// When the state was saved, on the clock of this run.
    taken: Instant,
    names: u64,
    refused: Option<String>,
    unsaved: BTreeSet<String>,
    entered: BTreeSet<usize>,
}

impl Walk {
    fn word(&mut self, name: &str, word: &mut u64) {
        self.names = name.bytes().fold(self.names, |sum, byte| mixed(&[sum, u64::from(byte)]));
        let Some(at) = &mut self.at else { return self.words.push(*word) };
        match self.words.get(*at) {
            Some(saved) if self.refused.is_none() => *word = *saved,
            // Zeros, so that a list whose length is not true ends where it is checked.
            other => {
                *word = 0;
                if other.is_none() {
                    self.refuse(name);
                }
            }
        }
        self.at = self.at.map(|at| at.saturating_add(1));
    }
}

impl StateVisitor for Walk {
    fn integer(&mut self, name: &str, value: &mut u64) {
        self.word(name, value);
    }
    fn float(&mut self, name: &str, value: &mut f64) {
        let mut bits = value.to_bits();
        self.word(name, &mut bits);
        *value = f64::from_bits(bits);
    }
    /// As what it is to the time of saving; one that never comes as the largest number.
    fn instant(&mut self, name: &str, value: &mut Instant) {
        let apart = value.signed_nanos() - self.taken.signed_nanos();
        let mut word = match *value {
            Instant::NEVER => i64::MAX,
            _ => i64::try_from(apart).unwrap_or(if apart < 0 { i64::MIN } else { i64::MAX }),
        }
        .cast_unsigned();
        self.word(name, &mut word);
        *value = match word.cast_signed() {
            i64::MAX => Instant::NEVER,
            apart => Instant::from_signed_nanos(self.taken.signed_nanos() + i128::from(apart)),
        };
    }
    fn enter(&mut self, id: usize) -> bool {
        self.entered.insert(id)
    }
    fn refuse(&mut self, name: &str) {
        self.refused.get_or_insert_with(|| name.into());
    }
    fn unsaved(&mut self, name: &str) {
        self.unsaved.insert(name.into());
    }
}

/// Why a [`SavedState`] cannot be restored.
pub struct StateError {
    kind: Kind,
}

enum Kind {
    #[cfg(feature = "std")]
    File(file::FileError),
    Damaged,
    Refused(Box<str>),
    Other,
    Fatal(FatalError),
}

impl StateError {
    fn refused(name: String) -> Self {
        Self { kind: Kind::Refused(name.into()) }
    }

    fn other() -> Self {
        Self { kind: Kind::Other }
    }

    fn fatal(error: FatalError) -> Self {
        Self { kind: Kind::Fatal(error) }
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            #[cfg(feature = "std")]
            Kind::File(error) => error.fmt(f),
            Kind::Damaged => f.write_str("invalid state: it is damaged or cut short; begin without it"),
            Kind::Refused(name) => {
                write!(
                    f,
                    "invalid state: `{name}` cannot be what this chain has saved; restore it into a chain that is built alike"
                )
            }
            Kind::Other => {
                f.write_str("invalid state: another chain has saved it; restore it into a chain that is built alike")
            }
            Kind::Fatal(_) => f.write_str("cannot restore the state: a Thing has failed"),
        }
    }
}

/// As `Display`, with the chain of causes.
impl fmt::Debug for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_chain(self, f)
    }
}

impl core::error::Error for StateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.kind {
            #[cfg(feature = "std")]
            Kind::File(error) => Some(error.cause()),
            Kind::Fatal(error) => Some(error),
            _ => None,
        }
    }
}
