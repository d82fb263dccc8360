//! What a sensor sends: [`SensorEvent`], with the [`SensorId`] of its sender.

use core::fmt;

use crate::clock::Timestamp;
use crate::state::{Saved, SavedItems, StateVisitor, saves};

/// The name or number of a sensor: 16 bytes on 64-bit machines, copied freely, so that it costs an event nothing.
///
/// ```
/// use thingflow_core::SensorId;
/// let lux = SensorId::from("lux-1");
/// assert_eq!(lux, "lux-1");
/// assert_eq!(SensorId::from(7).to_string(), "7");
/// # #[cfg(feature = "std")]
/// assert_eq!(SensorId::intern(&format!("lux-{}", 1)), lux); // a name made at run time
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SensorId(Id);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Id {
    Number(u64),
    Name(&'static str),
}

impl SensorId {
    /// The id, if it is a number.
    pub const fn number(self) -> Option<u64> {
        match self.0 {
            Id::Number(n) => Some(n),
            Id::Name(_) => None,
        }
    }

    /// The id, if it is a name.
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            Id::Name(name) => Some(name),
            Id::Number(_) => None,
        }
    }

    /// An id from a name that the program makes itself, at run time; a text of digits becomes a number, as in
    /// `ThingFlow`'s CSV files.
    ///
    /// Each *different* name is kept for the life of the program, once: a program has as many as it has sensors. For names
    /// that come from outside (a file, a network) there is [`try_intern`](Self::try_intern), which has a limit.
    #[cfg(feature = "std")]
    pub fn intern(name: &str) -> Self {
        Self::of_digits(name).unwrap_or_else(|| Self(Id::Name(names::keep(name))))
    }

    /// As [`intern`](Self::intern), for a name from outside: it is kept for the life of the program only while all such
    /// names together have at most [`MAX_NAMES`](Self::MAX_NAMES) entries and [`MAX_NAME_BYTES`](Self::MAX_NAME_BYTES)
    /// bytes. What is known already, and every number, can always be had. Readers of files and networks take their ids by
    /// this call.
    ///
    /// ```
    /// use thingflow_core::SensorId;
    /// assert_eq!(SensorId::try_intern("lux-1")?, "lux-1");
    /// assert_eq!(SensorId::try_intern("7")?, 7);
    /// assert!(SensorId::try_intern(&"x".repeat(1 << 30)).is_err());
    /// # Ok::<(), thingflow_core::TooManyNames>(())
    /// ```
    ///
    /// # Errors
    /// If the limit has been reached.
    #[cfg(feature = "std")]
    pub fn try_intern(name: &str) -> Result<Self, TooManyNames> {
        match Self::of_digits(name) {
            Some(number) => Ok(number),
            None => names::try_keep(name).map(|name| Self(Id::Name(name))).ok_or(TooManyNames(())),
        }
    }

    /// How many different names [`try_intern`](Self::try_intern) keeps.
    #[cfg(feature = "std")]
    pub const MAX_NAMES: usize = 1 << 16;

    /// How many bytes of names [`try_intern`](Self::try_intern) keeps.
    #[cfg(feature = "std")]
    pub const MAX_NAME_BYTES: usize = 1 << 22;

    /// The id of a name that was saved: so many of these bytes.
    #[cfg(feature = "std")]
    fn of_bytes(bytes: &[u8], length: u64) -> Option<Self> {
        let name = core::str::from_utf8(bytes.get(..usize::try_from(length).ok()?)?).ok()?;
        names::try_keep(name).map(|name| Self(Id::Name(name)))
    }

    /// The number that a text of digits is, unless it would be written in another way.
    #[cfg(any(feature = "std", feature = "serde"))]
    pub(crate) fn of_digits(text: &str) -> Option<Self> {
        let canonical = !(text.starts_with('+') || text.len() > 1 && text.starts_with('0'));
        text.parse().ok().filter(|_| canonical).map(|number| Self(Id::Number(number)))
    }
}

/// A number, or the bytes of a name, eight to an integer. A name that cannot be had is refused: without `std`, or beyond the limits of
/// `try_intern`.
impl Saved for SensorId {
    fn blank() -> Self {
        Self(Id::Number(0))
    }
    fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        let known = self.name().unwrap_or_default();
        let mut kind = self.name().map_or(0, |name| name.len() as u64 + 1);
        state.integer(name, &mut kind);
        let Some(length) = kind.checked_sub(1) else {
            let mut number = self.number().unwrap_or_default();
            state.integer(name, &mut number);
            *self = Self(Id::Number(number));
            return;
        };
        let word = |at: usize| {
            let byte = |n| known.as_bytes().get(at.saturating_add(n)).copied().unwrap_or(0);
            u64::from_le_bytes(core::array::from_fn(byte))
        };
        let (mut at, mut is_known) = (0, self.name().is_some_and(|known| known.len() as u64 == length));
        #[cfg(feature = "std")]
        let mut restored = std::vec::Vec::new();
        let mut items = SavedItems::left(name, usize::try_from(length.div_ceil(8)).unwrap_or(usize::MAX));
        while items.another(state) {
            let mut bytes = word(at);
            state.integer(name, &mut bytes);
            is_known &= bytes == word(at);
            at = at.saturating_add(8);
            #[cfg(feature = "std")]
            restored.extend_from_slice(&bytes.to_le_bytes());
        }
        if is_known {
            return;
        }
        #[cfg(feature = "std")]
        if let Some(id) = Self::of_bytes(&restored, length) {
            *self = id;
            return;
        }
        state.refuse(name); // without `std` no name can be made
    }
}

/// A name that is in the program. One that is made at run time, `&format!("room-{n}")`, goes through
#[cfg_attr(feature = "std", doc = "[`SensorId::intern`].")]
#[cfg_attr(not(feature = "std"), doc = "`SensorId::intern`, which needs the feature `std`.")]
impl From<&'static str> for SensorId {
    fn from(name: &'static str) -> Self {
        Self(Id::Name(name))
    }
}

/// A number, of which any may be made at run time.
impl From<u64> for SensorId {
    fn from(number: u64) -> Self {
        Self(Id::Number(number))
    }
}

impl PartialEq<str> for SensorId {
    fn eq(&self, name: &str) -> bool {
        self.name() == Some(name)
    }
}

impl PartialEq<&str> for SensorId {
    fn eq(&self, name: &&str) -> bool {
        self == *name
    }
}

impl PartialEq<u64> for SensorId {
    fn eq(&self, number: &u64) -> bool {
        self.number() == Some(*number)
    }
}

impl fmt::Display for SensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Id::Number(n) => n.fmt(f),
            Id::Name(name) => name.fmt(f),
        }
    }
}

impl fmt::Debug for SensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Id::Number(n) => n.fmt(f),
            Id::Name(name) => name.fmt(f),
        }
    }
}

/// One reading: which sensor, when, what.
///
/// ```
/// use thingflow_core::{SensorEvent, Timestamp};
/// let e = SensorEvent::new("lux-1", Timestamp::from_secs(0), 25.5);
/// assert_eq!(e.to_string(), "lux-1 1970-01-01T00:00:00Z 25.5");
/// assert_eq!(e.map(|lux| lux > 25.0).val, true);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename = "thingflow::SensorEvent"))]
pub struct SensorEvent<T> {
    /// The sensor that sent it.
    pub sensor_id: SensorId,
    /// When the value was taken.
    pub ts: Timestamp,
    /// The value, in the unit that the sensor documents.
    pub val: T,
}

impl<T> SensorEvent<T> {
    /// An event of `sensor_id` at `ts`.
    pub fn new(sensor_id: impl Into<SensorId>, ts: Timestamp, val: T) -> Self {
        Self { sensor_id: sensor_id.into(), ts, val }
    }

    /// The same event with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> SensorEvent<U> {
        SensorEvent { sensor_id: self.sensor_id, ts: self.ts, val: f(self.val) }
    }
}

saves! { [T: Saved] SensorEvent<T> { sensor_id, ts, val } }

impl<T: fmt::Display> fmt::Display for SensorEvent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.sensor_id, self.ts, self.val)
    }
}

/// The refusal of [`SensorId::try_intern`]: so many different names of sensors have come from outside that no more are
/// kept.
#[cfg(feature = "std")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TooManyNames(());

#[cfg(feature = "std")]
impl fmt::Display for TooManyNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (names, bytes) = (SensorId::MAX_NAMES, SensorId::MAX_NAME_BYTES);
        write!(f, "too many different sensor names (the limit is {names} names, {bytes} bytes); use numbers as ids")
    }
}

#[cfg(feature = "std")]
impl fmt::Debug for TooManyNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "std")]
impl std::error::Error for TooManyNames {}

/// The names that are kept for the life of the program.
#[cfg(feature = "std")]
mod names {
    use std::collections::HashSet;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::SensorId;

    #[derive(Default)]
    struct Names {
        all: HashSet<&'static str>,
        /// Those that have come from outside.
        foreign: usize,
        foreign_bytes: usize,
    }

    static NAMES: Mutex<Option<Names>> = Mutex::new(None);

    fn lock() -> MutexGuard<'static, Option<Names>> {
        NAMES.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keep(name: &str) -> &'static str {
        lock().get_or_insert_default().keep(name)
    }

    pub(super) fn try_keep(name: &str) -> Option<&'static str> {
        let mut names = lock();
        let names = names.get_or_insert_default();
        if let Some(known) = names.all.get(name) {
            return Some(known);
        }
        let bytes = names.foreign_bytes.saturating_add(name.len());
        if names.foreign >= SensorId::MAX_NAMES || bytes > SensorId::MAX_NAME_BYTES {
            return None;
        }
        (names.foreign, names.foreign_bytes) = (names.foreign + 1, bytes);
        Some(names.keep(name))
    }

    impl Names {
        fn keep(&mut self, name: &str) -> &'static str {
            self.all.get(name).copied().unwrap_or_else(|| {
                let name: &'static str = Box::leak(name.into());
                self.all.insert(name);
                name
            })
        }
    }
}
