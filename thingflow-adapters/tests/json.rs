//! JSON there and back.
#![cfg(feature = "json")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use thingflow_adapters::json::{self, JsonChain};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Air {
    celsius: f64,
    percent: Option<f32>,
}

#[test]
fn tf46_what_cannot_be_json_is_an_error() {
    let seen = Recorder::new();
    let bad = BTreeMap::from([((1, 2), 3)]);
    let _ = from_iter([bad]).to_json().connect(seen.clone()).run(&mut Context::detached(Instant::ZERO));
    assert!(seen.error().is_some_and(|error| error.starts_with("cannot write an event as JSON: key must be a string")));
    assert_eq!(from_iter([f64::NAN, 1.0]).to_json().collect_now(), ["null", "1.0"]);
}

#[test]
fn tf47_bad_json_ends_the_stream_and_says_where() {
    let seen: Recorder<Air> = Recorder::new();
    let texts = [r#"{"celsius":20.5,"percent":null}"#, "{\"celsius\":\u{1b}[31m", "{}"];
    let _ = from_iter(texts).from_json::<Air>().connect(seen.clone()).run(&mut Context::detached(Instant::ZERO));
    assert_eq!(seen.events(), [Air { celsius: 20.5, percent: None }]);
    let error = seen.error().unwrap_or_default();
    assert!(error.starts_with("invalid JSON: expected value at line 1 column 12"), "{error}");
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

proptest! {
    #[test]
    fn events_come_back(celsius in -1e300..1e300, percent: Option<f32>, nanos: i64) {
        let percent = percent.filter(|percent| percent.is_finite());
        let event = SensorEvent::new(7, Timestamp::from_nanos(nanos), Air { celsius, percent });
        let back = from_iter([event.clone()]).to_json().from_json::<SensorEvent<Air>>().collect_now();
        prop_assert_eq!(back, [event]);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = json::parse::<SensorEvent<Air>>(&bytes).map_err(|error| error.to_string());
    }
}

#[test]
fn an_error_does_not_repeat_a_long_text() {
    let long = format!("{{\"t\": {:?}}}", "\u{1b}".repeat(100_000));
    let error = thingflow_adapters::json::parse::<Air>(&long).unwrap_err().to_string();
    assert!(error.len() < 800 && error.contains("at line 1 column "), "{} bytes: {error:.200}", error.len());
}
