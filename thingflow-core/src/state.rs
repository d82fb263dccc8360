//! [`StateVisitor`]: saving and restoring what the stages of a graph remember; [`Saved`]: what can be.

use core::time::Duration;

use crate::clock::{Instant, Timestamp, nanos};
use crate::storage::Store;

/// Walks over the state of all stages, in a fixed order. The same walk saves and restores: a stage shows each number that
/// it remembers by reference, a saving visitor reads it, a restoring one writes it.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{Notice, StateVisitor};
/// /// Numbers events from one on.
/// #[derive(Default)]
/// struct Numbered(u64);
/// impl<T> Filter<T> for Numbered {
///     type Out = (u64, T);
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<(u64, T)>>) -> Receipt {
///         self.0 += 1;
///         out.next((self.0, event))
///     }
///     fn on_state(&mut self, state: &mut dyn StateVisitor) {
///         state.integer("numbered", &mut self.0);
///     }
/// }
/// /// Sets every integer to 41.
/// struct Restore;
/// impl StateVisitor for Restore {
///     fn integer(&mut self, _name: &str, value: &mut u64) {
///         *value = 41;
///     }
///     fn float(&mut self, _name: &str, _value: &mut f64) {}
/// }
/// let mut last = 0;
/// let mut chain = pipe::<char>().pipe(Numbered::default()).to(call(|(number, _)| last = number));
/// let cx = &mut Context::detached(Instant::ZERO);
/// chain.notice(Notice::State(&mut Restore), cx)?;
/// chain.next('a', cx)?;
/// drop(chain);
/// assert_eq!(last, 42);
/// # Ok::<(), FatalError>(())
/// ```
pub trait StateVisitor {
    /// Shows a whole number. `name` says what it is, for messages.
    fn integer(&mut self, name: &str, value: &mut u64);
    /// Shows a number with a fraction.
    fn float(&mut self, name: &str, value: &mut f64);
    /// Shows a time of the scheduler's clock. That clock begins anew with each boot of the machine, so a visitor that keeps the time for
    /// another run has to keep how long ago it was, as [`SavedState`](crate::SavedState) does. By default it is shown as its
    /// nanoseconds.
    fn instant(&mut self, name: &str, value: &mut Instant) {
        let mut nanos = value.as_nanos();
        self.integer(name, &mut nanos);
        *value = Instant::from_nanos(nanos);
    }
    /// Several ways lead to a port or a join, which `id` tells from others: whether to go on there. By default always; a
    /// visitor that counts stages answers no the second time.
    fn enter(&mut self, _id: usize) -> bool {
        true
    }
    /// Hears of a stage that what it was shown cannot be what such a stage has saved: the state is damaged, forged, or that of another
    /// graph. The stage goes on with what it could make use of, which is valid. By default that is all; `SavedState` makes an
    /// error of it.
    fn refuse(&mut self, _name: &str) {}
    /// Hears of a stage of this name that it holds something which it cannot show, because it may be of any type: see
    /// [`Saving`](crate::Saving).
    fn unsaved(&mut self, _name: &str) {}
}

impl core::fmt::Debug for dyn StateVisitor + '_ {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StateVisitor")
    }
}

/// After so many items a list shows how many are left, so that a length that is not true is found out before it costs much.
const CHECKED_EVERY: usize = 256;

/// How a walk sees a list: its length, then each item. A length that is not true is refused before it costs much, so a stage need
/// not fear what it is shown.
///
/// ```
/// use thingflow_core::{SavedItems, Saved, StateVisitor};
/// fn on_state(readings: &mut Vec<f64>, state: &mut dyn StateVisitor) {
///     let mut held = core::mem::take(readings).into_iter();
///     let mut items = SavedItems::of("readings", held.len(), state);
///     while items.another(state) {
///         let mut reading = held.next().unwrap_or_default();
///         reading.on_state("reading", state);
///         readings.push(reading);
///     }
/// }
/// /// Says to each question that there are a million.
/// struct Forged;
/// impl StateVisitor for Forged {
///     fn integer(&mut self, _: &str, value: &mut u64) {
///         *value = 1_000_000;
///     }
///     fn float(&mut self, _: &str, _: &mut f64) {}
/// }
/// let mut readings = vec![20.0];
/// on_state(&mut readings, &mut Forged);
/// assert!(readings.len() < 1000);
/// ```
#[derive(Debug)]
pub struct SavedItems<'a> {
    name: &'a str,
    left: usize,
    shown: usize,
}

impl<'a> SavedItems<'a> {
    /// Shows the length, which is that of the list to be restored afterwards.
    pub fn of(name: &'a str, mut len: usize, state: &mut dyn StateVisitor) -> Self {
        len.on_state(name, state);
        Self::left(name, len)
    }

    /// Where the length has been shown in another way.
    pub(crate) const fn left(name: &'a str, left: usize) -> Self {
        Self { name, left, shown: 0 }
    }

    /// Whether another item is to be shown.
    pub fn another(&mut self, state: &mut dyn StateVisitor) -> bool {
        if self.left > 0 && self.shown > 0 && self.shown.is_multiple_of(CHECKED_EVERY) {
            let mut left = self.left;
            left.on_state(self.name, state);
            if left != self.left {
                state.refuse(self.name);
                self.left = 0;
            }
        }
        self.shown += 1;
        self.left.checked_sub(1).inspect(|left| self.left = *left).is_some()
    }
}

/// A value that a walk over the state saves and restores: numbers, times, and what is made of them.
///
/// ```
/// use thingflow_core::{Saved, StateVisitor};
/// /// Writes down what it is shown.
/// #[derive(Default)]
/// struct Save(Vec<u64>);
/// impl StateVisitor for Save {
///     fn integer(&mut self, _name: &str, value: &mut u64) {
///         self.0.push(*value);
///     }
///     fn float(&mut self, _name: &str, _value: &mut f64) {}
/// }
/// let mut saved = Save::default();
/// (3_u8, Some(-1_i64)).on_state("pair", &mut saved);
/// assert_eq!(saved.0, [3, 1, u64::MAX]); // an integer by its bits, an option as whether there is one, and what there is
/// ```
pub trait Saved {
    /// What stands in for it until a walk has restored it.
    fn blank() -> Self;
    /// Shows itself to the walk. Whatever the walk restores, the value is a valid one.
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor);
}

/// A stage that holds events, or what has been made of them, and shows them to a walk over the state where they can be saved.
/// To be wrapped in a [`Saving`](crate::Saving).
pub trait SavedEvents {
    /// Shows all that the stage remembers. Whatever the walk restores, the stage goes on.
    fn on_events(&mut self, state: &mut dyn StateVisitor);
}

/// Has what gathers values show them by `walk`. If it shows nothing although it `holds` some, the walk hears that `name` cannot be saved.
pub(crate) fn shown_or_unsaved(
    name: &str,
    holds: bool,
    mut walk: impl FnMut(&mut dyn StateVisitor),
    state: &mut dyn StateVisitor,
) {
    if holds && !shows(&mut walk) {
        state.unsaved(name);
    }
    walk(state);
}

/// Whether a walk is shown anything at all, or hears that it cannot be.
pub(crate) fn shows(walk: impl FnOnce(&mut dyn StateVisitor)) -> bool {
    struct Probe(bool);
    impl StateVisitor for Probe {
        fn integer(&mut self, _: &str, _: &mut u64) {
            self.0 = true;
        }
        fn float(&mut self, _: &str, _: &mut f64) {
            self.0 = true;
        }
        fn unsaved(&mut self, _: &str) {
            self.0 = true;
        }
    }
    let mut probe = Probe(false);
    walk(&mut probe);
    probe.0
}

/// Shows what a store holds. A walk may restore up to `most`, and never takes away what the stage holds.
pub(crate) fn on_store<T: Saved, S: Store<T>>(
    name: &'static str,
    store: &mut S,
    most: usize,
    state: &mut dyn StateVisitor,
) {
    let most = most.max(store.len()); // a stage that asks its source to pause may hold more for a while
    let mut held = core::mem::take(store);
    let mut items = SavedItems::of(name, held.len(), state);
    while items.another(state) {
        let mut item = held.pop_front().unwrap_or_else(T::blank);
        item.on_state("event", state);
        if store.len() >= most || store.push_back(item).is_err() {
            state.refuse(name);
        }
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl Saved for $int {
            fn blank() -> Self {
                0
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // its bits
            #[allow(clippy::cast_lossless)]
            fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
                let mut bits = *self as u64;
                state.integer(name, &mut bits);
                *self = bits as Self;
            }
        }
    )*};
}
integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl Saved for u128 {
    fn blank() -> Self {
        0
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut bits = self.cast_signed();
        bits.on_state(name, state);
        *self = bits.cast_unsigned();
    }
}

impl Saved for i128 {
    fn blank() -> Self {
        0
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)] // its halves
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let (mut low, mut high) = (*self as u64, (*self >> 64) as u64);
        state.integer(name, &mut low);
        state.integer(name, &mut high);
        *self = (i128::from(high as i64) << 64) | i128::from(low);
    }
}

impl Saved for f64 {
    fn blank() -> Self {
        0.0
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        state.float(name, self);
    }
}

impl Saved for f32 {
    fn blank() -> Self {
        0.0
    }
    #[allow(clippy::cast_possible_truncation)] // it was one before
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut wide = f64::from(*self);
        state.float(name, &mut wide);
        *self = wide as Self;
    }
}

impl Saved for bool {
    fn blank() -> Self {
        false
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut bit = u64::from(*self);
        state.integer(name, &mut bit);
        *self = bit != 0;
    }
}

/// Its length, and its bytes eight at a time. Bytes that are no text are refused.
#[cfg(feature = "alloc")]
impl Saved for alloc::string::String {
    fn blank() -> Self {
        Self::new()
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut length = self.len() as u64;
        state.integer(name, &mut length);
        let known = core::mem::take(self).into_bytes();
        let mut words = known.chunks(8);
        let mut bytes = alloc::vec::Vec::with_capacity(known.len());
        let mut items = SavedItems::of(name, known.len().div_ceil(8), state);
        while items.another(state) {
            let mut word = [0; 8];
            words.next().into_iter().for_each(|part| word[..part.len()].copy_from_slice(part));
            let mut word = u64::from_le_bytes(word);
            state.integer(name, &mut word);
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let is_whole = usize::try_from(length).is_ok_and(|length| length.div_ceil(8) == bytes.len() / 8);
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        match Self::from_utf8(bytes) {
            Ok(text) if is_whole => *self = text,
            _ => state.refuse(name),
        }
    }
}

impl Saved for Timestamp {
    fn blank() -> Self {
        Self::UNIX_EPOCH
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut nanos = self.as_nanos();
        nanos.on_state(name, state);
        *self = Self::from_nanos(nanos);
    }
}

impl Saved for Instant {
    fn blank() -> Self {
        Self::ZERO
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        state.instant(name, self);
    }
}

impl Saved for Duration {
    fn blank() -> Self {
        Self::ZERO
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut nanos = nanos(*self);
        nanos.on_state(name, state);
        *self = Self::from_nanos(nanos);
    }
}

impl<T: Saved> Saved for Option<T> {
    fn blank() -> Self {
        None
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut is_some = self.is_some();
        is_some.on_state(name, state);
        if is_some {
            self.get_or_insert_with(T::blank).on_state(name, state);
        } else {
            *self = None;
        }
    }
}

impl Saved for () {
    fn blank() -> Self {}
    fn on_state(&mut self, _name: &str, _state: &mut dyn StateVisitor) {}
}

macro_rules! saved_tuples {
    ($($name:ident $at:tt),*) => {
        impl<$($name: Saved),*> Saved for ($($name,)*) {
            fn blank() -> Self {
                ($($name::blank(),)*)
            }
            fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
                $(self.$at.on_state(name, state);)*
            }
        }
    };
}
saved_tuples!(A 0, B 1);
saved_tuples!(A 0, B 1, C 2);
saved_tuples!(A 0, B 1, C 2, D 3);
saved_tuples!(A 0, B 1, C 2, D 3, E 4);

/// Its length, then its items.
#[cfg(feature = "alloc")]
impl<T: Saved> Saved for alloc::vec::Vec<T> {
    fn blank() -> Self {
        Self::new()
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let mut held = core::mem::take(self).into_iter();
        let mut items = SavedItems::of(name, held.len(), state);
        while items.another(state) {
            let mut item = held.next().unwrap_or_else(T::blank);
            item.on_state(name, state);
            self.push(item);
        }
    }
}

impl<T: Saved, const N: usize> Saved for [T; N] {
    fn blank() -> Self {
        core::array::from_fn(|_| T::blank())
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        self.iter_mut().for_each(|item| item.on_state(name, state));
    }
}

/// Shows the fields of a structure to a walk, in their order.
macro_rules! saves {
    ([$($param:tt)*] $type:ty { $($field:tt),* }) => {
        impl<$($param)*> $crate::state::Saved for $type {
            fn blank() -> Self {
                Self { $($field: $crate::state::Saved::blank()),* }
            }
            fn on_state(&mut self, _name: &str, state: &mut dyn $crate::state::StateVisitor) {
                $($crate::state::Saved::on_state(&mut self.$field, stringify!($field), state);)*
            }
        }
    };
}
pub(crate) use saves;
