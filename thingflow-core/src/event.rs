//! What a sensor sends: [`SensorEvent`], with the [`SensorId`] of its sender.

use core::fmt;

use crate::clock::Timestamp;

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

    /// An id from a name that is made at run time; a text of digits becomes a number, as in `ThingFlow`'s CSV files.
    ///
    /// Each *different* name is kept for the life of the program, once: a program has as many as it has sensors. Do
    /// not make ids from data that grows without end.
    #[cfg(feature = "std")]
    pub fn intern(name: &str) -> Self {
        use std::collections::HashSet;
        use std::sync::{Mutex, PoisonError};
        static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

        if let Ok(number) = name.parse::<u64>()
            && !(name.starts_with('+') || name.len() > 1 && name.starts_with('0'))
        {
            return Self(Id::Number(number));
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_with(HashSet::new);
        let kept = names.get(name).copied().unwrap_or_else(|| {
            let name: &'static str = Box::leak(name.into());
            names.insert(name);
            name
        });
        Self(Id::Name(kept))
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

impl<T: fmt::Display> fmt::Display for SensorEvent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.sensor_id, self.ts, self.val)
    }
}
