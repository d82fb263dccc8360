//! Records of the texts of a row: `Deserialize` over [`Names`].

use std::cell::RefCell;
use std::fmt::Write;
use std::str::FromStr;

use serde::de::value::{BorrowedStrDeserializer, I64Deserializer, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use thingflow_core::{Timestamp, records};

use super::names::under;
use super::seconds::Seconds;
use super::{DATETIME, FieldError, Names, SENSOR_ID, TIMESTAMP, VALUE};

/// A row that is being read.
pub(super) struct Row<'r, 't> {
    names: &'r Names,
    text: &'r dyn Fn(usize) -> Option<&'t str>,
    /// The name of what is being read; empty for the record itself.
    path: RefCell<String>,
}

impl<'r, 't> Row<'r, 't> {
    pub(super) fn new(names: &'r Names, text: &'r dyn Fn(usize) -> Option<&'t str>) -> Self {
        Self { names, text, path: RefCell::default() }
    }

    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, FieldError> {
        T::deserialize(Node { row: self, in_event: false })
    }

    /// Does something at the path of a part.
    fn within<R>(&self, part: Part<'_>, read: impl FnOnce() -> Result<R, FieldError>) -> Result<R, FieldError> {
        let before = self.path.borrow().len();
        self.step(part);
        let result = read().map_err(|error| error.at(&self.path.borrow()));
        self.path.borrow_mut().truncate(before);
        result
    }

    fn step(&self, part: Part<'_>) {
        let mut path = self.path.borrow_mut();
        let outermost = path.is_empty();
        let _ = match part {
            // a `String` takes all
            Part::Field(name) if outermost => path.write_str(name),
            Part::Field(name) => write!(path, ".{name}"),
            Part::Element(number) if outermost => write!(path, "{VALUE}_{number}"),
            Part::Element(number) => write!(path, "_{number}"),
        };
    }

    /// Whether there is a column of the path, or below it.
    fn exists(&self, part: Part<'_>) -> bool {
        let before = self.path.borrow().len();
        self.step(part);
        let exists = self.names.as_slice().iter().any(|name| under(name, &self.path.borrow()).is_some());
        self.path.borrow_mut().truncate(before);
        exists
    }

    fn text(&self, name: &str) -> Option<&'t str> {
        self.names.position(name).and_then(|column| (self.text)(column))
    }
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Field(&'a str),
    /// Counted from 1.
    Element(usize),
}

/// What stands at the path.
#[derive(Clone, Copy)]
struct Node<'n, 'r, 't> {
    row: &'n Row<'r, 't>,
    /// The value of a sensor event: its fields are among those of the event.
    in_event: bool,
}

impl<'t> Node<'_, '_, 't> {
    fn text(&self) -> Result<&'t str, FieldError> {
        let path = self.row.path.borrow();
        let name = if path.is_empty() { VALUE } else { &path };
        self.row.text(name).ok_or_else(|| FieldError::Absent { field: name.to_owned() })
    }

    fn parse<T: FromStr>(&self, expected: &str) -> Result<T, FieldError> {
        self.text()?.trim().parse().map_err(|_| self.invalid(expected))
    }

    fn invalid(&self, expected: &str) -> FieldError {
        self.here(FieldError::invalid(expected))
    }

    fn here(&self, error: FieldError) -> FieldError {
        let path = self.row.path.borrow();
        error.at(if path.is_empty() { VALUE } else { &path })
    }

    fn time(&self) -> Result<Timestamp, FieldError> {
        let text = self.text()?.trim();
        if let Ok(time) = text.parse() {
            return Ok(time);
        }
        text.parse().map(|Seconds(time)| time).map_err(|why| self.invalid(why))
    }

    /// Whether one of the texts at the path, or below it, is not empty.
    fn is_there(&self) -> bool {
        let path = self.row.path.borrow();
        let own = |name: &str| !(self.in_event && path.is_empty() && [TIMESTAMP, DATETIME, SENSOR_ID].contains(&name));
        let names = self.row.names.as_slice().iter().enumerate();
        // What stands alone has its own name, unless it is a struct.
        let path = if path.is_empty() && self.row.names.position(VALUE).is_some() { VALUE } else { &path };
        names
            .filter(|(_, name)| own(name) && under(name, path).is_some())
            .any(|(column, _)| (self.row.text)(column).is_some_and(|text| !text.trim().is_empty()))
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $t:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
            visitor.$visit(self.parse::<$t>($expected)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_, '_, '_> {
    type Error = FieldError;

    parsed! {
        deserialize_bool visit_bool bool, "`true` or `false`";
        deserialize_i8 visit_i8 i8, "a whole number between -128 and 127";
        deserialize_i16 visit_i16 i16, "a whole number between -32768 and 32767";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number of 64 bits";
        deserialize_i128 visit_i128 i128, "a whole number of 128 bits";
        deserialize_u8 visit_u8 u8, "a whole number between 0 and 255";
        deserialize_u16 visit_u16 u16, "a whole number between 0 and 65535";
        deserialize_u32 visit_u32 u32, "a whole number of 32 bits without a sign";
        deserialize_u64 visit_u64 u64, "a whole number of 64 bits without a sign";
        deserialize_u128 visit_u128 u128, "a whole number of 128 bits without a sign";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_char(self.text()?.parse().map_err(|_| self.invalid("one character"))?)
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_str(self.text()?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        self.deserialize_str(visitor)
    }
    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value, FieldError> {
        Err(FieldError::Unsupported { field: String::new(), what: "bytes" })
    }
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        self.deserialize_bytes(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        if self.is_there() { visitor.visit_some(self) } else { visitor.visit_none() }
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_unit()
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_unit()
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        let variant: StrDeserializer<'_, FieldError> = self.text()?.trim().into_deserializer();
        visitor.visit_enum(variant).map_err(|error| self.here(error))
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        if name == records::TIMESTAMP {
            return visitor.visit_newtype_struct(Nanos(self.time()?.as_nanos()));
        }
        if name == records::SENSOR_ID {
            return visitor.visit_newtype_struct(Text(self)).map_err(|error| self.here(error));
        }
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        let text = self.text()?;
        let canonical = |number: String| number == text;
        // A number does not begin like a code: `007`, `+1`.
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        let is_number = matches!(digits, [b'0'] | [b'0', b'.', ..] | [b'1'..=b'9', ..]);
        if text.is_empty() {
            visitor.visit_none()
        } else if let Ok(value) = text.parse() {
            visitor.visit_bool(value)
        } else if let Some(value) = text.parse().ok().filter(|value: &u64| canonical(value.to_string())) {
            visitor.visit_u64(value)
        } else if let Some(value) = text.parse().ok().filter(|value: &i64| canonical(value.to_string())) {
            visitor.visit_i64(value)
        } else if let Some(value) = text.parse().ok().filter(|_: &f64| is_number) {
            visitor.visit_f64(value)
        } else {
            visitor.visit_str(text)
        }
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_seq(Elements { row: self.row, next: 1, len: None })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_seq(Elements { row: self.row, next: 1, len: Some(len) })
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        self.deserialize_tuple(len, visitor)
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        let keys = self.keys();
        visitor.visit_map(Entries { row: self.row, keys: keys.iter().map(String::as_str), next: None })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, FieldError> {
        if name == records::SENSOR_EVENT {
            return visitor.visit_map(Event { row: self.row, next: EVENT.iter() });
        }
        let there = fields.iter().copied().filter(|field| self.row.exists(Part::Field(field)));
        visitor.visit_map(Entries { row: self.row, keys: there, next: None })
    }
}

impl Node<'_, '_, '_> {
    /// The names right below the path, each once.
    fn keys(&self) -> Vec<String> {
        let path = self.row.path.borrow();
        let mut keys: Vec<String> = Vec::new();
        for rest in self.row.names.as_slice().iter().filter_map(|name| under(name, &path)) {
            let key = rest.split('.').next().unwrap_or_default();
            if !key.is_empty() && keys.last().is_none_or(|last| last != key) {
                keys.push(key.to_owned());
            }
        }
        keys
    }
}

/// The fields of a struct that exist, or the keys of a map.
struct Entries<'n, 'r, 't, K> {
    row: &'n Row<'r, 't>,
    keys: K,
    next: Option<&'n str>,
}

impl<'n, 'de, K: Iterator<Item = &'n str>> MapAccess<'de> for Entries<'n, '_, '_, K> {
    type Error = FieldError;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, FieldError> {
        self.next = self.keys.next();
        let Some(key) = self.next else { return Ok(None) };
        let key: StrDeserializer<'_, FieldError> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, FieldError> {
        let field = Part::Field(self.next.unwrap_or_default());
        self.row.within(field, || seed.deserialize(Node { row: self.row, in_event: false }))
    }
}

struct Elements<'n, 'r, 't> {
    row: &'n Row<'r, 't>,
    /// Counted from 1.
    next: usize,
    /// A list has as many as there are texts.
    len: Option<usize>,
}

impl Elements<'_, '_, '_> {
    fn is_over(&self) -> bool {
        let there = || -> Result<bool, FieldError> { Ok(Node { row: self.row, in_event: false }.is_there()) };
        match self.len {
            Some(len) => self.next > len,
            // Texts behind the last one that is not empty are holes of a longer list.
            None => !(self.next..)
                .take_while(|number| self.row.exists(Part::Element(*number)))
                .any(|number| self.row.within(Part::Element(number), there).unwrap_or(false)),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, '_> {
    type Error = FieldError;
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, FieldError> {
        if self.is_over() {
            return Ok(None);
        }
        let element = Part::Element(self.next);
        self.next += 1;
        self.row.within(element, || seed.deserialize(Node { row: self.row, in_event: false })).map(Some)
    }
}

/// The fields of a sensor event: the id comes last, since its name is kept for good.
const EVENT: [&str; 3] = ["ts", "val", "sensor_id"];

struct Event<'n, 'r, 't> {
    row: &'n Row<'r, 't>,
    next: std::slice::Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Event<'_, '_, '_> {
    type Error = FieldError;
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, FieldError> {
        let key = self.next.as_slice().first();
        key.map(|key| seed.deserialize(BorrowedStrDeserializer::new(key))).transpose()
    }
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, FieldError> {
        let value = |in_event| Node { row: self.row, in_event };
        let part = match self.next.next() {
            Some(&"ts") if self.row.exists(Part::Field(TIMESTAMP)) => Part::Field(TIMESTAMP),
            Some(&"ts") if self.row.exists(Part::Field(DATETIME)) => Part::Field(DATETIME),
            Some(&"ts") => Part::Field(TIMESTAMP),
            Some(&"sensor_id") => Part::Field(SENSOR_ID),
            _ => return seed.deserialize(value(true)),
        };
        self.row.within(part, || seed.deserialize(value(false)))
    }
}

/// A node that is a text, whatever it looks like: ids of sensors know themselves which of them are numbers.
struct Text<'n, 'r, 't>(Node<'n, 'r, 't>);

impl<'de> Deserializer<'de> for Text<'_, '_, '_> {
    type Error = FieldError;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        visitor.visit_str(self.0.text()?)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The nanoseconds of a time, which it takes from what is not for people.
struct Nanos(i64);

impl<'de> Deserializer<'de> for Nanos {
    type Error = FieldError;
    fn is_human_readable(&self) -> bool {
        false
    }
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, FieldError> {
        I64Deserializer::new(self.0).deserialize_any(visitor)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
