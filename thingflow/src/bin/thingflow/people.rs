//! Sensor events as JSON for people, as `http::Writer` and all others that write JSON say them; and back.
//!
//! On the disk their ids are tagged and their times are nanoseconds. Only they can be told by their shape: a time in an event of
//! another type stays the number that it is on the disk.

use serde_json::{Map, Value, json};
use thingflow::Timestamp;

/// What `records` of the core calls the two kinds of ids.
const TAGS: [&str; 2] = ["Number", "Name"];

/// An event off the disk as JSON for people.
pub(crate) fn shown(mut event: Value) -> Value {
    let Some((id, time)) = sensor_event(&mut event) else { return event };
    let said = TAGS.iter().find_map(|tag| id.as_object().filter(|tagged| tagged.len() == 1)?.get(*tag)).cloned();
    if let (Some(said), Some(nanos)) = (said, time.as_i64()) {
        (*id, *time) = (said, Timestamp::from_nanos(nanos).to_string().into());
    }
    event
}

/// An event of JSON for people as it is on the disk.
pub(crate) fn stored(mut event: Value) -> Value {
    let Some((id, time)) = sensor_event(&mut event) else { return event };
    let tag = match id {
        Value::Number(_) => TAGS[0],
        Value::String(_) => TAGS[1],
        _ => return event,
    };
    if let Some(at) = time.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
        (*id, *time) = (json!({ tag: id.take() }), at.as_nanos().into());
    }
    event
}

/// The id and the time of a sensor event, which has just the fields `sensor_id`, `ts` and `val`.
fn sensor_event(event: &mut Value) -> Option<(&mut Value, &mut Value)> {
    let fields: &mut Map<String, Value> = event.as_object_mut()?;
    if fields.len() != 3 || !fields.contains_key("val") {
        return None;
    }
    let (mut id, mut time) = (None, None);
    for (name, value) in fields.iter_mut() {
        match name.as_str() {
            "sensor_id" => id = Some(value),
            "ts" => time = Some(value),
            _ => {}
        }
    }
    id.zip(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::SensorEvent;

    #[test]
    fn sensor_events_are_said_as_serializers_for_people_say_them() {
        let on_disk = |id: Value, nanos: i64| json!({ "sensor_id": id, "ts": nanos, "val": [1, null] });
        for (id, disk) in [("lux", json!({ "Name": "lux" })), ("", json!({ "Name": "" }))] {
            let time = Timestamp::from_nanos(1_000_000_001);
            let event = SensorEvent::new(id, time, Value::Array(vec![1.into(), Value::Null]));
            let disk = on_disk(disk, time.as_nanos());
            assert_eq!(shown(disk.clone()), serde_json::to_value(&event).unwrap());
            assert_eq!(stored(shown(disk.clone())), disk);
            assert_eq!(stored(disk.clone()), disk, "as an earlier version has exported it");
        }
        let number = on_disk(json!({ "Number": 7 }), -5);
        assert_eq!(shown(number.clone())["sensor_id"], 7);
        assert_eq!(stored(shown(number.clone())), number);
    }

    #[test]
    fn other_events_stay() {
        let others = [
            json!(1),
            json!({ "sensor_id": "lux", "val": 1 }),
            json!({ "sensor_id": { "Name": "lux" }, "ts": 5, "val": 1, "unit": "lx" }),
            json!({ "sensor_id": { "Name": "lux" }, "ts": "soon", "val": 1 }),
            json!({ "sensor_id": "lux", "ts": "soon", "val": 1 }),
            json!({ "sensor_id": null, "ts": "2026-01-31T11:00:00Z", "val": 1 }),
            json!({ "sensor_id": "lux", "ts": 5, "val": 1 }),
        ];
        for event in others {
            assert_eq!((shown(event.clone()), stored(event.clone())), (event.clone(), event));
        }
    }
}
