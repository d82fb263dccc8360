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

/// The name of the newtype struct that a [`Timestamp`] is for a serializer. To one that is
/// [not for people](Serializer::is_human_readable) its content is an `i64`: the nanoseconds since 1970.
pub const TIMESTAMP: &str = "thingflow::Timestamp";

/// The name of the struct that a [`SensorEvent`](crate::SensorEvent) is for a serializer. Its fields are `sensor_id`, `ts`
/// and `val`.
pub const SENSOR_EVENT: &str = "thingflow::SensorEvent";

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

/// The id in formats that do not describe themselves.
#[derive(Serialize, Deserialize)]
#[serde(rename = "SensorId")]
enum Tagged<N> {
    Number(u64),
    Name(N),
}

impl Serialize for SensorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.number(), self.name().unwrap_or_default()) {
            (Some(number), _) if serializer.is_human_readable() => serializer.serialize_u64(number),
            (None, name) if serializer.is_human_readable() => serializer.serialize_str(name),
            (Some(number), _) => Tagged::<&str>::Number(number).serialize(serializer),
            (None, name) => Tagged::Name(name).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SensorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(Id);
        }
        match Tagged::<Name>::deserialize(deserializer)? {
            Tagged::Number(number) => Ok(number.into()),
            Tagged::Name(Name(id)) => Ok(id),
        }
    }
}

/// An id that is a text.
struct Name(SensorId);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Id).map(Self)
    }
}

struct Id;

impl Visitor<'_> for Id {
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

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::event::SensorEvent;
    use proptest::prelude::*;
    use std::format;
    use std::string::String;

    proptest! {
        #[test]
        fn events_come_back_from_json_and_postcard(nanos: i64, number: u64, name in "[a-z0-9 \"]{0,3}", val: i32) {
            let ts = Timestamp::from_nanos(nanos);
            for sensor_id in [SensorId::from(number), SensorId::intern(&name)] {
                let event = SensorEvent { sensor_id, ts, val };
                let json = serde_json::to_string(&event).unwrap();
                prop_assert_eq!(serde_json::from_str::<SensorEvent<i32>>(&json).unwrap(), event);
                let bytes = postcard::to_allocvec(&event).unwrap();
                prop_assert_eq!(postcard::from_bytes::<SensorEvent<i32>>(&bytes).unwrap(), event);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*|[0-9]{4}-[0-9]{2}-[0-9]{2}T.*") {
            let json = serde_json::to_string(&text).unwrap();
            let time = serde_json::from_str::<Timestamp>(&json);
            prop_assert_eq!(time.ok(), text.parse().ok());
        }
    }

    #[test]
    fn what_is_no_time_or_id_is_refused() {
        let error = |text| serde_json::from_str::<SensorEvent<f64>>(text).unwrap_err().to_string();
        assert!(error(r#"{"sensor_id":1,"ts":"noon","val":1}"#).starts_with("expected a time such as"));
        assert!(error(r#"{"sensor_id":-1,"ts":"1970-01-01T00:00:00Z","val":1}"#).contains("the name or the number"));
    }

    #[test]
    fn f46_names_from_outside_are_kept_up_to_a_limit() {
        let id = |n: usize| serde_json::from_str::<SensorId>(&format!("\"f46-{n}\""));
        let kept = (0..2 * SensorId::MAX_NAMES).take_while(|n| id(*n).is_ok()).count();
        assert!(kept <= SensorId::MAX_NAMES, "{kept}");
        assert!(id(kept).unwrap_err().to_string().contains("too many different sensor names"));
        assert_eq!(id(0).unwrap(), SensorId::intern("f46-0"), "what is known can be had");
        assert_eq!(SensorId::try_intern("1234"), Ok(1234.into()), "numbers are not kept");
        let own: String = format!("f46-own-{kept}");
        assert_eq!(SensorId::intern(&own), SensorId::intern(&own), "the program's own names have no limit");
    }
}
