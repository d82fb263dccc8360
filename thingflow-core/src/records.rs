//! Sensor events, ids and times as records of `serde`, and the names by which serializers recognise them.
//!
//! In formats for people, such as JSON, an id is a number or a text and a time a text (RFC 3339); in others, such as
//! postcard, an id is an enum and a time its nanoseconds since 1970. Names of sensors can be read back only with the
//! feature `std`, since they are kept for the life of the program, by [`SensorId::try_intern`].
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use thingflow_core::{SensorEvent, Timestamp};
//! let event = SensorEvent::new("lux-1", Timestamp::from_secs(60), 25.5);
//! let json = serde_json::to_string(&event)?;
//! assert_eq!(json, r#"{"sensor_id":"lux-1","ts":"1970-01-01T00:01:00Z","val":25.5}"#);
//! assert_eq!(serde_json::from_str::<SensorEvent<f64>>(&json)?, event);
//! # }
//! # Ok::<(), serde_json::Error>(())
//! ```

use core::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::event::SensorId;
use crate::moment::BootId;

/// The name of the newtype struct that a [`Timestamp`] is for a serializer. To one that is
/// [not for people](Serializer::is_human_readable) its content is an `i64`: the nanoseconds since 1970.
pub const TIMESTAMP: &str = "thingflow::Timestamp";

/// The name of the newtype struct that a [`SensorId`] is for a serializer.
pub const SENSOR_ID: &str = "thingflow::SensorId";

/// The name of the struct that a [`SensorEvent`](crate::SensorEvent) is for a serializer. Its fields are `sensor_id`, `ts`
/// and `val`.
pub const SENSOR_EVENT: &str = "thingflow::SensorEvent";

/// The value alone: so what writes records writes tracked ones too.
#[cfg(feature = "alloc")]
impl<T: Serialize, M> Serialize for crate::tracking::Tracked<T, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIMESTAMP, &Time(*self))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Newtype;
        impl<'de> Visitor<'de> for Newtype {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Text.expecting(f)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Timestamp, D::Error> {
                Time::deserialize(inner).map(|time| time.0)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Text.visit_str(text)
            }
        }
        deserializer.deserialize_newtype_struct(TIMESTAMP, Newtype)
    }
}

/// The content of the newtype struct.
struct Time(Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            serializer.serialize_i64(self.0.as_nanos())
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text).map(Self)
        } else {
            i64::deserialize(deserializer).map(|nanos| Self(Timestamp::from_nanos(nanos)))
        }
    }
}

/// A time as a text.
struct Text;

impl Visitor<'_> for Text {
    type Value = Timestamp;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2015-01-31T11:01:00Z")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

/// A text in formats for people, else its two halves, the upper one first.
impl Serialize for BootId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        #[allow(clippy::cast_possible_truncation)] // the lower half
        let halves = ((self.as_u128() >> 64) as u64, self.as_u128() as u64);
        halves.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BootId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Uuid;
        impl Visitor<'_> for Uuid {
            type Value = BootId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boot id, which is a UUID")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<BootId, E> {
                text.parse().map_err(E::custom)
            }
        }
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(Uuid);
        }
        let (upper, lower) = <(u64, u64)>::deserialize(deserializer)?;
        Ok(Self::from_u128(u128::from(upper) << 64 | u128::from(lower)))
    }
}

/// The id in formats that do not describe themselves.
#[derive(Serialize, Deserialize)]
#[serde(rename = "SensorId")]
enum Tagged<N> {
    Number(u64),
    Name(N),
}

impl Serialize for SensorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SENSOR_ID, &Id(*self))
    }
}

impl<'de> Deserialize<'de> for SensorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Newtype;
        impl<'de> Visitor<'de> for Newtype {
            type Value = SensorId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                NameOrNumber.expecting(f)
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<SensorId, D::Error> {
                Id::deserialize(inner).map(|id| id.0)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<SensorId, E> {
                NameOrNumber.visit_u64(number)
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<SensorId, E> {
                NameOrNumber.visit_str(name)
            }
        }
        deserializer.deserialize_newtype_struct(SENSOR_ID, Newtype)
    }
}

/// The content of the newtype struct.
struct Id(SensorId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0.number(), self.0.name().unwrap_or_default()) {
            (Some(number), _) if serializer.is_human_readable() => serializer.serialize_u64(number),
            (None, name) if serializer.is_human_readable() => serializer.serialize_str(name),
            (Some(number), _) => Tagged::<&str>::Number(number).serialize(serializer),
            (None, name) => Tagged::Name(name).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(NameOrNumber).map(Self);
        }
        match Tagged::<Name>::deserialize(deserializer)? {
            Tagged::Number(number) => Ok(Self(number.into())),
            Tagged::Name(Name(id)) => Ok(Self(id)),
        }
    }
}

/// An id that is a text.
struct Name(SensorId);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameOrNumber).map(Self)
    }
}

struct NameOrNumber;

impl Visitor<'_> for NameOrNumber {
    type Value = SensorId;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or the number of a sensor")
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<SensorId, E> {
        Ok(number.into())
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<SensorId, E> {
        u64::try_from(number).map(SensorId::from).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
    }
    #[cfg(feature = "std")]
    fn visit_str<E: de::Error>(self, name: &str) -> Result<SensorId, E> {
        SensorId::try_intern(name).map_err(E::custom)
    }
    #[cfg(not(feature = "std"))]
    fn visit_str<E: de::Error>(self, name: &str) -> Result<SensorId, E> {
        SensorId::of_digits(name).ok_or_else(|| E::custom("cannot keep the name of a sensor without the feature `std`"))
    }
}
