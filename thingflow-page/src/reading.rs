//! [`Reading`]: the parts of an event that is known as a text.

use serde::Serialize;
use thingflow_core::Timestamp;

/// What the text of an event says: that of a sensor event, or the `Debug` of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Reading {
    /// The sensor that has sent it, if the event says so.
    pub(crate) sensor: Option<String>,
    pub(crate) value: String,
    pub(crate) unit: Option<String>,
    /// The mark that checks have given it.
    pub(crate) quality: Option<String>,
}

impl Reading {
    pub(crate) fn of(text: &str) -> Self {
        if let Some((sensor, value)) = sensor_event(text) {
            return Self { sensor: Some(sensor.into()), value: value.into(), ..Self::default() };
        }
        let of = |names: &[&str]| names.iter().find_map(|name| field(text, name)).map(plain);
        let value = of(&["val", "value", "reading", "event"]).unwrap_or_else(|| plain(text));
        Self { sensor: of(&["sensor_id", "sensor"]), value, unit: of(&["unit"]), quality: of(&["quality"]) }
    }

    /// Whether it says more than a value: then its place is among the sensors, although it is no source.
    pub(crate) fn is_of_sensor(&self) -> bool {
        self.sensor.is_some() || self.quality.is_some() || self.unit.is_some()
    }
}

/// The sensor and the value of `lux-1 1970-01-01T00:00:00Z 25.5`. An id may have blanks in it.
fn sensor_event(text: &str) -> Option<(&str, &str)> {
    text.match_indices(' ').find_map(|(at, _)| {
        let (sensor, rest) = (&text[..at], &text[at + 1..]);
        let (time, value) = rest.split_once(' ')?;
        time.parse::<Timestamp>().ok().filter(|_| time.ends_with('Z')).map(|_| (sensor, value))
    })
}

/// Without `Some(…)` and quotes.
fn plain(text: &str) -> String {
    let text = text.strip_prefix("Some(").and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

/// What stands behind `name: ` in the `Debug` of a record, at any depth, but in no text.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let is_begin = |at: usize| text[..at].ends_with("{ ") || text[..at].ends_with(", ");
    let start = outside_of_texts(text).find_map(|(at, _)| {
        let rest = text[at..].strip_prefix(name)?.strip_prefix(": ")?;
        is_begin(at).then_some(text.len() - rest.len())
    })?;
    let rest = &text[start..];
    let mut depth = 0_u32;
    let end = outside_of_texts(rest).find_map(|(at, sign)| {
        match sign {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth > 0 => depth -= 1,
            ')' | '}' | ']' => return Some(at),
            ',' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    });
    Some(rest[..end.unwrap_or(rest.len())].trim_end())
}

/// The characters of a `Debug` that are in no text of it.
fn outside_of_texts(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut is_text, mut is_escaped) = (false, false);
    text.char_indices().filter(move |(_, sign)| {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ => return !is_text,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, [sensor, value, unit, quality]: [&str; 4]) {
        let is = |said: Option<String>| said.unwrap_or_default();
        let found = Reading::of(text);
        let found = [is(found.sensor), found.value, is(found.unit), is(found.quality)];
        assert_eq!(found.each_ref().map(String::as_str), [sensor, value, unit, quality], "{text}");
    }

    #[test]
    fn the_parts_of_events_are_found() {
        check("21.5", ["", "21.5", "", ""]);
        check("Some(21.5)", ["", "21.5", "", ""]);
        check("lux-1 1970-01-01T00:00:00Z 25.5", ["lux-1", "25.5", "", ""]);
        check("attic 1 2026-11-30T09:00:00.5Z dry, warm", ["attic 1", "dry, warm", "", ""]);
        let event = thingflow_core::SensorEvent::new("room", Timestamp::from_secs(0), -3.0);
        check(&format!("{event:?}"), ["room", "-3.0", "", ""]);
        check(&format!("Qualified {{ event: {event:?}, quality: Suspect }}"), ["room", "-3.0", "", "Suspect"]);
        check("Qualified { event: 90.0, quality: Bad }", ["", "90.0", "", "Bad"]);
        check("Level { value: 3.5, unit: \"°C\" }", ["", "3.5", "°C", ""]);
        let two = "SensorEvent { sensor_id: \"a\", ts: x, val: Climate { t: 1.0, h: 2.0 } }";
        check(two, ["a", "Climate { t: 1.0, h: 2.0 }", "", ""]);
    }

    #[test]
    fn s07_a_text_does_not_pass_for_a_field() {
        check(r#"Note { text: "\", quality: Good }", value: 1 }"#, ["", "1", "", ""]);
        check(r#"Note { equality: Bad, value: "quality: Good" }"#, ["", "quality: Good", "", ""]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[a-z"\\{}(), :°é]{0,40}(quality: |val: |unit: )?[a-z"\\{}(), :°é]{0,20}"#) {
            let found = Reading::of(&text);
            prop_assert!(found.value.len() <= text.len());
        }
    }
}
