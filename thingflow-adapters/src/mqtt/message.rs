//! [`Message`], which is published, and [`Received`], which a subscription brings.

use std::fmt;

use serde::Serialize;
use thingflow_core::Timestamp;

use super::topic;

/// How sure both sides are that a message arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// QoS 0: not at all. What was on its way when a connection broke is lost.
    AtMostOnce,
    /// QoS 1: it arrives, and may do so twice.
    #[default]
    AtLeastOnce,
    /// QoS 2: it arrives once, as long as both sides remember the session. Costs twice the packets.
    ExactlyOnce,
}

/// A message to publish. Unless told otherwise by QoS 1, and not retained.
///
/// ```
/// use thingflow_adapters::mqtt::{Message, Qos};
/// let message = Message::new("greenhouse/lux", "20.5").qos(Qos::AtMostOnce).retained();
/// assert_eq!((message.payload.as_slice(), message.retain), (&b"20.5"[..], true));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to, without wildcards.
    pub topic: String,
    /// What, up to 256 MB, or what the broker takes.
    pub payload: Vec<u8>,
    /// How sure.
    pub qos: Qos,
    /// The broker keeps it, and gives it to those who subscribe later. An empty payload deletes what it keeps.
    pub retain: bool,
}

impl Message {
    /// A message of text or bytes.
    pub fn new(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { topic: topic.into(), payload: payload.into(), qos: Qos::default(), retain: false }
    }

    /// A record as JSON.
    ///
    /// ```
    /// use thingflow_adapters::mqtt::Message;
    /// use thingflow_core::{SensorEvent, Timestamp};
    /// let lux = SensorEvent::new("lux-1", Timestamp::UNIX_EPOCH, 20.5);
    /// let message = Message::json("lux", &lux)?;
    /// assert_eq!(String::from_utf8_lossy(&message.payload), r#"{"sensor_id":"lux-1","ts":"1970-01-01T00:00:00Z","val":20.5}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What JSON cannot say: a map whose keys are no texts, or what the record's own `Serialize` refuses.
    pub fn json(topic: impl Into<String>, record: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        Ok(Self::new(topic, serde_json::to_vec(record)?))
    }

    /// With this quality of service.
    #[must_use]
    pub fn qos(self, qos: Qos) -> Self {
        Self { qos, ..self }
    }

    /// Kept by the broker.
    #[must_use]
    pub fn retained(self) -> Self {
        Self { retain: true, ..self }
    }

    /// Why it cannot be published at all.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if let Some(fault) = topic::name_fault(&self.topic) {
            return Some(fault);
        }
        (self.payload.len() > MOST_BYTES).then_some("its payload is larger than MQTT allows, 256 MB")
    }
}

/// What the length of a packet can say, less its topic and all else.
const MOST_BYTES: usize = 268_435_455 - 70_000;

/// The payload as text, as far as it is short.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "Message", &self.topic, &self.payload)?;
        write!(f, "{}{})", qos_word(self.qos), if self.retain { ", retained" } else { "" })
    }
}

/// A message that a subscription brings.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Where it was published.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// How sure: the lower one of those of its publisher and of the subscription.
    pub qos: Qos,
    /// The broker had kept it: it is from before the subscription.
    pub retained: bool,
    /// The broker has sent it before, and does not know whether it arrived.
    pub duplicate: bool,
    /// When it came here, by the wall clock.
    pub time: Timestamp,
}

impl Received {
    /// The payload as text; what is not UTF-8 in it becomes `�`.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }

    /// The payload as a record in JSON.
    ///
    /// # Errors
    /// Where it is none, as `serde_json` says it.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.payload)
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "Received", &self.topic, &self.payload)?;
        let retained = if self.retained { ", retained" } else { "" };
        let duplicate = if self.duplicate { ", duplicate" } else { "" };
        write!(f, "{}{retained}{duplicate})", qos_word(self.qos))
    }
}

/// To pass it on, by another topic perhaps.
impl From<Received> for Message {
    fn from(Received { topic, payload, qos, retained, .. }: Received) -> Self {
        Self { topic, payload, qos, retain: retained }
    }
}

fn show(f: &mut fmt::Formatter<'_>, name: &str, topic: &str, payload: &[u8]) -> fmt::Result {
    let beginning = &payload[..payload.len().min(64)];
    let more = if beginning.len() < payload.len() { "…" } else { "" };
    write!(f, "{name}({topic:?}, {:?}{more}", String::from_utf8_lossy(beginning))
}

fn qos_word(qos: Qos) -> &'static str {
    match qos {
        Qos::AtMostOnce => ", QoS 0",
        Qos::AtLeastOnce => ", QoS 1",
        Qos::ExactlyOnce => ", QoS 2",
    }
}
