//! [`SavedState`]: what the stages of a chain remember, taken out and put back.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::context::Context;
use crate::error::{FatalError, fmt_chain};
use crate::notice::Notice;
use crate::state::StateVisitor;
use crate::thing::InputThing;

/// What the stages of a chain remember, as numbers that a program can write to a file: a window that is half full goes on after a restart.
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
    /// Of the names in the order in which they came: it tells whether the chain is one of the same kind.
    names: u64,
}

impl SavedState {
    /// Takes the state out of a Thing and of all that follows it, which stay as they are.
    ///
    /// # Errors
    /// The fatal error of a Thing.
    pub fn of<T>(thing: &mut impl InputThing<T>, cx: &mut Context<'_>) -> Result<Self, FatalError> {
        let mut walk = Walk::default();
        let _ = thing.notice(Notice::State(&mut walk), cx)?;
        Ok(Self { words: walk.words, names: walk.names })
    }

    /// Puts the state into a Thing and all that follows it, before the first event.
    ///
    /// # Errors
    /// If it is not the state of such a chain: then some stages may have taken theirs. Do not use the chain.
    pub fn restore<T>(&self, thing: &mut impl InputThing<T>, cx: &mut Context<'_>) -> Result<(), StateError> {
        let mut walk = Walk { words: self.words.clone(), at: Some(0), ..Walk::default() };
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
        match words.pop() {
            Some(names) if is_whole => Ok(Self { words, names }),
            _ => Err(StateError { kind: Kind::Damaged }),
        }
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
    names: u64,
    refused: Option<String>,
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
    fn enter(&mut self, id: usize) -> bool {
        self.entered.insert(id)
    }
    fn refuse(&mut self, name: &str) {
        self.refused.get_or_insert_with(|| name.into());
    }
}

/// Why a [`SavedState`] cannot be restored.
pub struct StateError {
    kind: Kind,
}

enum Kind {
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
            Kind::Fatal(error) => Some(error),
            _ => None,
        }
    }
}
