//! [`Device`]: what Home Assistant has to know of a device, so that it appears there by itself.
//!
//! The messages are those of Home Assistant's MQTT discovery: one retained message for each entity, at
//! `homeassistant/<component>/<device>/<entity>/config`.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::error::OptionsError;
use super::message::Message;
use super::options::Options;
use super::topic;
use crate::fields::{Field, FieldError, Flattener, Role, Value};

/// A device in Home Assistant, with an entity for each field of the records that it publishes.
///
/// ```
/// use serde::Serialize;
/// use thingflow_adapters::mqtt::{Device, Options};
/// #[derive(Serialize)]
/// struct Climate { temperature: f64, humidity: f64, raining: bool }
/// let sample = Climate { temperature: 20.5, humidity: 40.0, raining: false };
/// let device = Device::new("greenhouse", "Greenhouse").model("BME280").entities("greenhouse/climate", &sample)?;
/// let topics: Vec<String> = device.messages().map(|message| message.topic).collect();
/// assert_eq!(topics, [
///     "homeassistant/sensor/greenhouse/temperature/config",
///     "homeassistant/sensor/greenhouse/humidity/config",
///     "homeassistant/binary_sensor/greenhouse/raining/config",
/// ]);
/// let options = Options::new("mqtt://broker.local")?.availability("greenhouse/status")?.discovery(&device)?;
/// # let _ = options;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Device {
    id: String,
    name: String,
    prefix: String,
    facts: Map<String, Json>,
    entities: Vec<Entity>,
}

/// One value that is shown.
#[derive(Clone, Debug)]
struct Entity {
    name: String,
    topic: String,
    template: String,
    kind: Kind,
    unit: Option<String>,
    class: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Flag,
    Text,
    Time,
}

/// What a value is called that has no name of its own, see [`fields`](crate::fields).
const VALUE: &str = "value";

/// Names of quantities, the units in which this library has them, and how Home Assistant calls them.
const KNOWN: &[(&str, &str, Option<&str>)] = &[
    ("temperature", "°C", Some("temperature")),
    ("humidity", "%", Some("humidity")),
    ("moisture", "%", Some("moisture")),
    ("pressure", "hPa", Some("atmospheric_pressure")),
    ("illuminance", "lx", Some("illuminance")),
    ("lux", "lx", Some("illuminance")),
    ("co2", "ppm", Some("carbon_dioxide")),
    ("voltage", "V", Some("voltage")),
    ("current", "A", Some("current")),
    ("power", "W", Some("power")),
    ("frequency", "Hz", Some("frequency")),
    ("battery", "%", Some("battery")),
];

impl Device {
    /// A device with an id, of letters, digits, `_` and `-`, that is never used for another one, and a name for people.
    /// Other characters of the id become `_`.
    pub fn new(id: impl AsRef<str>, name: impl Into<String>) -> Self {
        let (id, name) = (word(id.as_ref()), name.into());
        Self { id, name, prefix: "homeassistant".into(), facts: Map::new(), entities: Vec::new() }
    }

    /// The maker.
    pub fn manufacturer(self, manufacturer: impl Into<String>) -> Self {
        self.fact("manufacturer", manufacturer.into())
    }

    /// The model.
    pub fn model(self, model: impl Into<String>) -> Self {
        self.fact("model", model.into())
    }

    /// The version of its program.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.fact("sw_version", version.into())
    }

    fn fact(mut self, name: &str, value: String) -> Self {
        self.facts.insert(name.into(), Json::String(value));
        self
    }

    /// Another prefix than `homeassistant`.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// An entity for each field of a record that is published at `topic` as [JSON](Message::json). A number, a flag or a
    /// text alone is taken for the whole payload, and is called like the last level of the topic. Of a sensor event only the
    /// value counts.
    ///
    /// The unit of a number follows from its name (`temperature` °C, `humidity` and `moisture` %, `pressure` hPa, `illuminance` lx, `co2`
    /// ppm, `voltage` V, `current` A, `power` W), or is in brackets behind it: `wind [m/s]`. [`unit`](Self::unit) says
    /// another one. An empty list has no fields, and an optional field that is missing is taken for a number.
    ///
    /// # Errors
    /// A record that has no [fields](crate::fields), or is none in JSON.
    pub fn entities(mut self, topic: &str, sample: &(impl Serialize + ?Sized)) -> Result<Self, FieldError> {
        let mut found: Vec<(String, Kind, Role)> = Vec::new();
        Flattener::default().flatten(sample, &mut |Field { name, value, role }| {
            found.push((name.to_owned(), kind(value), role));
        })?;
        let mut ways = HashMap::new();
        if let Ok(sample) = serde_json::to_value(sample) {
            let is_event = found.iter().any(|(.., role)| *role != Role::Data);
            match sample.get("val").filter(|_| is_event) {
                Some(value) => leaves(value, "", "['val']".into(), &mut ways),
                None => leaves(&sample, "", String::new(), &mut ways),
            }
        }
        for (name, kind, _) in found.into_iter().filter(|(.., role)| *role == Role::Data) {
            let Some(way) = ways.get(&name) else { continue };
            let shown = if name == VALUE { topic.rsplit('/').next().unwrap_or(topic) } else { &name };
            self.entities.push(entity(shown, topic, way, kind));
        }
        Ok(self)
    }

    /// Says the unit of an entity, by the name of its field. Home Assistant then has no class for it.
    pub fn unit(mut self, field: &str, unit: impl Into<String>) -> Self {
        let unit = unit.into();
        for entity in self.entities.iter_mut().filter(|entity| entity.name == field) {
            if entity.unit.as_ref() != Some(&unit) {
                entity.class = None;
            }
            entity.unit = Some(unit.clone());
        }
        self
    }

    /// What is to be published, retained: a message for each entity. [`Options::discovery`] publishes them after each
    /// connection.
    pub fn messages(&self) -> impl Iterator<Item = Message> {
        self.messages_for(None)
    }

    fn messages_for(&self, availability: Option<&str>) -> impl Iterator<Item = Message> {
        let mut device = self.facts.clone();
        device.insert("identifiers".into(), json!([self.id]));
        device.insert("name".into(), json!(self.name));
        self.entities.iter().map(move |entity| {
            let mut config = entity.config();
            let object = word(&entity.name);
            config.insert("unique_id".into(), json!(format!("{}_{object}", self.id)));
            config.insert("device".into(), Json::Object(device.clone()));
            if let Some(topic) = availability {
                config.insert("availability_topic".into(), json!(topic));
            }
            let component = if entity.kind == Kind::Flag { "binary_sensor" } else { "sensor" };
            let topic = format!("{}/{component}/{}/{object}/config", self.prefix, self.id);
            Message::new(topic, Json::Object(config).to_string()).retained()
        })
    }

    /// The topics of the states.
    fn states(&self) -> impl Iterator<Item = &str> {
        self.entities.iter().map(|entity| entity.topic.as_str())
    }
}

impl Entity {
    fn config(&self) -> Map<String, Json> {
        let mut config = Map::new();
        config.insert("name".into(), json!(self.name));
        config.insert("state_topic".into(), json!(self.topic));
        config.insert("value_template".into(), json!(self.template));
        if let Some(class) = self.class {
            config.insert("device_class".into(), json!(class));
        }
        if let Some(unit) = &self.unit {
            config.insert("unit_of_measurement".into(), json!(unit));
        }
        if self.kind == Kind::Number {
            config.insert("state_class".into(), json!("measurement"));
        }
        config
    }
}

impl Options {
    /// Announces a device to Home Assistant: after each connection, and when Home Assistant says that it has started, by its
    /// birth message. Then the last states are published again too, retained or not. The
    /// [availability](Self::availability) is that of the device; say it before.
    ///
    /// # Errors
    /// Topics that cannot be published to.
    pub fn discovery(mut self, device: &Device) -> Result<Self, OptionsError> {
        let availability = self.availability.as_ref().map(|there| there.topic.clone());
        for message in device.messages_for(availability.as_deref()) {
            self = self.announce(message)?;
        }
        for state in device.states() {
            if let Some(fault) = topic::name_fault(state) {
                return Err(OptionsError::new("state topic", state, fault));
            }
            self.states.insert(state.to_owned());
        }
        let birth = format!("{}/status", device.prefix);
        self.announce_on(birth, "online")
    }
}

fn kind(value: Value<'_>) -> Kind {
    match value {
        Value::Bool(_) => Kind::Flag,
        Value::Text(_) => Kind::Text,
        Value::Time(_) => Kind::Time,
        _ => Kind::Number,
    }
}

fn entity(name: &str, topic: &str, path: &str, kind: Kind) -> Entity {
    let (bare, given) = split_unit(name);
    let last = bare.rsplit('.').next().unwrap_or(bare).to_ascii_lowercase();
    let known = KNOWN.iter().find(|(known, ..)| *known == last).filter(|_| kind == Kind::Number);
    let unit = given.or(known.map(|(_, unit, _)| *unit)).map(str::to_owned);
    let class = match kind {
        Kind::Time => Some("timestamp"),
        _ => known.filter(|(_, usual, _)| unit.as_deref() == Some(usual)).and_then(|(.., class)| *class),
    };
    let value = if path.is_empty() { "value_json".to_owned() } else { format!("value_json{path}") };
    let template = match kind {
        Kind::Flag => format!("{{{{ 'ON' if {value} else 'OFF' }}}}"),
        _ => format!("{{{{ {value} }}}}"),
    };
    Entity { name: bare.to_owned(), topic: topic.to_owned(), template, kind, unit, class }
}

/// `wind [m/s]`
fn split_unit(name: &str) -> (&str, Option<&str>) {
    let split = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    split.map_or((name, None), |(name, unit)| (name.trim_end(), Some(unit)))
}

/// The way to each value, as a template says it, by the name of its field.
fn leaves(json: &Json, name: &str, way: String, ways: &mut HashMap<String, String>) {
    match json {
        Json::Object(members) => {
            for (member, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                leaves(value, &format!("{name}{dot}{member}"), format!("{way}[{}]", quoted(member)), ways);
            }
        }
        Json::Array(elements) => {
            let stem = if name.is_empty() { VALUE } else { name };
            for (n, value) in elements.iter().enumerate() {
                leaves(value, &format!("{stem}_{}", n + 1), format!("{way}[{n}]"), ways);
            }
        }
        _ => drop(ways.insert(if name.is_empty() { VALUE.into() } else { name.into() }, way)),
    }
}

fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Letters, digits, `_` and `-` alone.
fn word(text: &str) -> String {
    let allowed = |char: char| if char.is_ascii_alphanumeric() || "_-".contains(char) { char } else { '_' };
    text.chars().map(allowed).collect()
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use thingflow_core::{SensorEvent, Timestamp};

    use super::*;

    #[derive(Serialize)]
    struct Motion {
        tilt: [f64; 2],
        climate: Climate,
        label: &'static str,
        seen: Timestamp,
        moving: bool,
    }
    #[derive(Serialize)]
    struct Climate {
        temperature: Option<f32>,
        #[serde(rename = "wind [m/s]")]
        wind: f64,
    }

    fn configs(device: &Device) -> Vec<Json> {
        device.messages().map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
    }

    #[test]
    fn each_field_is_an_entity_with_its_way_in_the_json_its_unit_and_its_class() {
        let climate = Climate { temperature: None, wind: 3.5 };
        let motion = Motion { tilt: [0.0; 2], climate, label: "x", seen: Timestamp::UNIX_EPOCH, moving: true };
        let device = Device::new("my device", "My device").entities("m", &motion).unwrap();
        let shown = |config: &Json| {
            let text = |key: &str| config[key].as_str().unwrap_or("-").to_owned();
            [text("name"), text("value_template"), text("unit_of_measurement"), text("device_class")].join(" ")
        };
        assert_eq!(
            configs(&device).iter().map(shown).collect::<Vec<_>>(),
            [
                "tilt_1 {{ value_json['tilt'][0] }} - -",
                "tilt_2 {{ value_json['tilt'][1] }} - -",
                "climate.temperature {{ value_json['climate']['temperature'] }} °C temperature",
                "climate.wind {{ value_json['climate']['wind [m/s]'] }} m/s -",
                "label {{ value_json['label'] }} - -",
                "seen {{ value_json['seen'] }} - timestamp",
                "moving {{ 'ON' if value_json['moving'] else 'OFF' }} - -",
            ]
        );
        let topic = "homeassistant/sensor/my_device/climate_temperature/config";
        assert!(device.messages().any(|message| message.topic == topic && message.retain));
    }

    #[test]
    fn of_a_sensor_event_the_value_counts_alone() {
        let event = SensorEvent::new("lux-1", Timestamp::UNIX_EPOCH, 20.5);
        let device = Device::new("d", "D").entities("lab/lux", &event).unwrap();
        let [config] = &configs(&device)[..] else { panic!("there is one") };
        assert_eq!(config["value_template"], "{{ value_json['val'] }}");
        assert_eq!((&config["name"], &config["unit_of_measurement"]), (&json!("lux"), &json!("lx")));
        let other = device.unit("lux", "klx");
        assert_eq!(configs(&other)[0]["unit_of_measurement"], "klx");
        assert_eq!(configs(&other)[0].get("device_class"), None);
    }
}
