//! Records as flat fields: what is shown comes back, whatever the record.
#![cfg(feature = "fields")]

use std::collections::BTreeMap;
use std::error::Error;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thingflow_adapters::fields::{FieldError, Flattener, Names, Role, Value};
use thingflow_core::{SensorEvent, SensorId, Timestamp};

/// The names and the texts of a record.
fn flat(record: &impl Serialize) -> Result<(Vec<String>, Vec<String>), FieldError> {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    Flattener::default().flatten(record, &mut |field| {
        names.push(field.name.to_owned());
        texts.push(field.value.to_string());
    })?;
    Ok((names, texts))
}

fn read<T: DeserializeOwned>(names: &[&str], texts: &[&str]) -> Result<T, FieldError> {
    Names::new(names.iter().copied()).read(&|column| texts.get(column).copied())
}

/// A record of its own fields.
fn back<T: Serialize + DeserializeOwned>(record: &T) -> Result<T, FieldError> {
    let (names, texts) = flat(record)?;
    Names::new(names).read(&|column| texts.get(column).map(String::as_str))
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum State {
    On,
    #[serde(rename = "stand-by")]
    StandBy,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Part {
    number: i64,
    exact: (u64, i8),
    single: f32,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Inner {
    shared: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Record {
    part: Part,
    hole: Option<Part>,
    state: State,
    char: char,
    text: String,
    #[serde(default)]
    list: Vec<u16>,
    #[serde(default)]
    keys: BTreeMap<String, f64>,
    at: Timestamp,
    wide: i128,
    unit: (),
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Outer {
    number: f64,
    text: String,
    #[serde(flatten)]
    inner: Inner,
}

prop_compose! {
    fn part()(number: i64, exact: (u64, i8), single in -1e30_f32..1e30) -> Part {
        Part { number, exact, single }
    }
}

prop_compose! {
    fn record()(
        part in part(),
        hole in prop::option::of(part()),
        on: bool,
        text in "[a-z ,\"\n]{0,5}",
        list in prop::collection::vec(any::<u16>(), 0..4),
        keys in prop::collection::btree_map("[a-z]{1,3}", -1e9..1e9, 0..3),
        nanos: i64,
        wide: i128,
    ) -> Record {
        let state = if on { State::On } else { State::StandBy };
        let at = Timestamp::from_nanos(nanos);
        Record { part, hole, state, char: 'ü', text, list, keys, at, wide, unit: () }
    }
}

proptest! {
    #[test]
    fn what_is_shown_comes_back(record in record(), id: u64) {
        prop_assert_eq!(back(&record), Ok(record.clone()));
        prop_assert_eq!(back(&(record.part.clone(), id)), Ok((record.part.clone(), id)));
        let event = SensorEvent::new(id, record.at, record.part);
        prop_assert_eq!(back(&event), Ok(event.clone()));
        let hole = SensorEvent::new(id, record.at, record.hole.map(|part| part.exact));
        prop_assert_eq!(back(&hole), Ok(hole));
        prop_assert_eq!(back(&id), Ok(id));
        let outer = Outer { number: 0.5, text: record.text, inner: Inner { shared: id > 9 } };
        prop_assume!(!outer.text.is_empty());
        prop_assert_eq!(back(&outer), Ok(outer.clone()));
    }

    #[test]
    fn no_texts_make_it_panic(names in prop::collection::vec("[a-z_.\\[\\]0-9 ]{0,8}|part\\.number|list_[0-9]", 0..12), texts: Vec<String>) {
        let names = Names::new(names);
        let text = |column: usize| texts.get(column).map(String::as_str);
        let _ = names.read::<Record>(&text);
        let _ = names.read::<SensorEvent<Option<Part>>>(&text);
        let _ = names.read::<serde_json::Value>(&text);
        let _ = names.read::<Vec<BTreeMap<String, String>>>(&text);
    }
}

#[test]
fn names_are_flat_and_in_the_order_of_the_record() -> Result<(), Box<dyn Error>> {
    let part = Part { number: 1, exact: (2, 3), single: 0.1 };
    let (names, texts) = flat(&SensorEvent::new("id", Timestamp::from_secs(1), (part, [7, 8])))?;
    let expected = [
        "sensor_id",
        "timestamp",
        "value_1.number",
        "value_1.exact_1",
        "value_1.exact_2",
        "value_1.single",
        "value_2_1",
        "value_2_2",
    ];
    assert_eq!(names, expected);
    assert_eq!(texts, ["id", "1970-01-01T00:00:01Z", "1", "2", "3", "0.1", "7", "8"]);
    assert_eq!(flat(&Some(1))?.0, ["value"]);
    Ok(())
}

#[test]
fn roles_and_types_are_told_to_those_who_store_them() -> Result<(), Box<dyn Error>> {
    let at = Timestamp::from_secs(1);
    let mut seen = Vec::new();
    Flattener::default().flatten(&SensorEvent::new(7, at, (at, -1, 1.5_f32, 1.5)), &mut |field| {
        seen.push((field.role, field.value.to_string(), matches!(field.value, Value::Time(_) | Value::Uint(7))));
    })?;
    assert_eq!(seen[0], (Role::Sender, "7".to_owned(), true));
    assert_eq!(seen[1], (Role::Time, "1970-01-01T00:00:01Z".to_owned(), true));
    assert_eq!(seen[2], (Role::Data, "1970-01-01T00:00:01Z".to_owned(), true));
    assert!(seen[3..].iter().all(|(role, _, known)| *role == Role::Data && !known));
    // Only the event itself has them, not one within another record.
    Flattener::default().flatten(&[SensorEvent::new(7, at, 1)], &mut |field| assert_eq!(field.role, Role::Data))?;
    Ok(())
}

#[test]
fn what_has_no_type_is_taken_by_its_looks() -> Result<(), Box<dyn Error>> {
    let looks = |text| read::<serde_json::Value>(&["value"], &[text]).map(|value| value.to_string());
    for (text, expected) in [
        ("true", "true"),
        ("12", "12"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("inf", "\"inf\""),
        ("007", "\"007\""),
        ("text", "\"text\""),
        ("", "null"),
    ] {
        assert_eq!(looks(text)?, expected);
    }
    Ok(())
}

#[test]
fn errors_name_the_field_and_what_belongs_there() {
    let error = |names: &[&str], texts: &[&str]| read::<Part>(names, texts).unwrap_err().to_string();
    let names = ["number", "exact_1", "exact_2", "single"];
    assert_eq!(
        error(&names, &["1", "2", "300", "1"]),
        "invalid field `exact_2`: expected a whole number between -128 and 127"
    );
    assert_eq!(error(&names, &["1", "2", "3"]), "field `single` does not exist; make it an `Option`, or rename it");
    assert_eq!(error(&["number"], &["1"]), "field `exact` does not exist; make it an `Option`, or rename it");
    let state = read::<State>(&["value"], &["off\u{7}"]).unwrap_err();
    assert_eq!(state.to_string(), "invalid field `value`: expected one of On, stand-by");
    assert_eq!(format!("{state:?}"), state.to_string());
    let id = read::<SensorId>(&["value"], &["007"]);
    assert_eq!(
        id.map(|id| id.to_string()),
        Ok("007".to_owned()),
        "an id by its looks is a number only if it is written so"
    );
    let bytes = flat(&serde_bytes(&[1])).unwrap_err().to_string();
    assert_eq!(bytes, "field `value` holds bytes, which no field can hold; use a struct of numbers and texts");
}

/// Something that is bytes for a serializer.
fn serde_bytes(bytes: &'static [u8]) -> impl Serialize {
    struct Bytes(&'static [u8]);
    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    Bytes(bytes)
}
