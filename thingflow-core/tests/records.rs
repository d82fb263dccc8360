//! Sensor events, ids and times in the formats of `serde`.
#![cfg(all(feature = "serde", feature = "std"))]

use proptest::prelude::*;
use thingflow_core::{SensorEvent, SensorId, Timestamp};

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
    assert!(error(r#"{"sensor_id":1,"ts":"noon","val":1}"#).starts_with("invalid time: expected one such as"));
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
