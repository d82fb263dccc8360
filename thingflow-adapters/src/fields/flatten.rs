//! [`Flattener`]: the fields of whatever is `Serialize`.

use std::fmt::{Display, Write};

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
    Serializer,
};
use thingflow_core::{Timestamp, records};

use super::{Field, FieldError, Role, SENSOR_ID, TIMESTAMP, VALUE, Value};

/// Shows the fields of records, one after the other. Keep it: it allocates nothing once it has seen the longest name.
///
/// See the [module](super) for the rules and an example.
#[derive(Debug, Default)]
pub struct Flattener {
    path: String,
    text: String,
}

impl Flattener {
    /// Shows each field of a record, in the order in which the record has them.
    ///
    /// # Errors
    /// If the record holds what no field can hold, or its own `Serialize` fails. Fields may have been shown by then.
    pub fn flatten<T: Serialize + ?Sized>(
        &mut self,
        record: &T,
        see: &mut dyn FnMut(Field<'_>),
    ) -> Result<(), FieldError> {
        self.path.clear();
        record.serialize(&mut Flat::new(&mut self.path, &mut self.text, see)).map_err(|error| error.at(&self.path))
    }
}

struct Flat<'a> {
    /// The name of what is being shown; empty for the record itself.
    path: &'a mut String,
    text: &'a mut String,
    see: &'a mut dyn FnMut(Field<'_>),
    role: Role,
    /// What is being shown is the content of a time.
    in_time: bool,
}

impl<'a> Flat<'a> {
    fn new(path: &'a mut String, text: &'a mut String, see: &'a mut dyn FnMut(Field<'_>)) -> Self {
        Self { path, text, see, role: Role::Data, in_time: false }
    }

    fn show(&mut self, value: Value<'_>) -> Result<(), FieldError> {
        let name = if self.path.is_empty() { VALUE } else { self.path.as_str() };
        (self.see)(Field { name, value, role: self.role });
        Ok(())
    }

    /// Shows what is called `name` within the current path. The path stays where it was if that fails, for the error.
    fn within<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), FieldError> {
        let before = self.path.len();
        self.path.push_str(if before == 0 { "" } else { "." });
        self.path.push_str(name);
        value.serialize(&mut *self)?;
        self.path.truncate(before);
        Ok(())
    }

    fn element<T: Serialize + ?Sized>(&mut self, number: usize, value: &T) -> Result<(), FieldError> {
        let before = self.path.len();
        let stem = if before == 0 { VALUE } else { "" };
        let _ = write!(self.path, "{stem}_{number}"); // a `String` takes all
        value.serialize(&mut *self)?;
        self.path.truncate(before);
        Ok(())
    }

    fn unsupported<R>(&self, what: &'static str) -> Result<R, FieldError> {
        let field = if self.path.is_empty() { VALUE.to_owned() } else { self.path.clone() };
        Err(FieldError::Unsupported { field, what })
    }
}

macro_rules! shown {
    ($($method:ident($t:ty) $variant:ident;)*) => {$(
        fn $method(self, value: $t) -> Result<(), FieldError> {
            self.show(Value::$variant(value.into()))
        }
    )*};
}

const ENUM: &str = "an enum with data";

impl<'s, 'a> Serializer for &'s mut Flat<'a> {
    type Ok = ();
    type Error = FieldError;
    type SerializeSeq = Elements<'s, 'a>;
    type SerializeTuple = Elements<'s, 'a>;
    type SerializeTupleStruct = Elements<'s, 'a>;
    type SerializeTupleVariant = Impossible<(), FieldError>;
    type SerializeMap = Entries<'s, 'a>;
    type SerializeStruct = Fields<'s, 'a>;
    type SerializeStructVariant = Impossible<(), FieldError>;

    shown! {
        serialize_bool(bool) Bool;
        serialize_i8(i8) Int;
        serialize_i16(i16) Int;
        serialize_i32(i32) Int;
        serialize_u8(u8) Uint;
        serialize_u16(u16) Uint;
        serialize_u32(u32) Uint;
        serialize_u64(u64) Uint;
        serialize_f32(f32) Float32;
        serialize_f64(f64) Float64;
    }

    /// A time says its nanoseconds to what is not for people.
    fn is_human_readable(&self) -> bool {
        !self.in_time
    }
    fn serialize_i64(self, value: i64) -> Result<(), FieldError> {
        self.show(if self.in_time { Value::Time(Timestamp::from_nanos(value)) } else { Value::Int(value) })
    }
    fn serialize_i128(self, value: i128) -> Result<(), FieldError> {
        let Ok(short) = i64::try_from(value) else { return self.collect_str(&value) };
        self.show(Value::Int(short))
    }
    fn serialize_u128(self, value: u128) -> Result<(), FieldError> {
        let Ok(short) = u64::try_from(value) else { return self.collect_str(&value) };
        self.show(Value::Uint(short))
    }
    fn serialize_char(self, value: char) -> Result<(), FieldError> {
        self.show(Value::Text(value.encode_utf8(&mut [0; 4])))
    }
    fn serialize_str(self, value: &str) -> Result<(), FieldError> {
        self.show(Value::Text(value))
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), FieldError> {
        let mut text = std::mem::take(self.text);
        text.clear();
        let shown = write!(text, "{value}").map_err(|_| FieldError::invalid("a value that can be shown as text"));
        let shown = shown.and_then(|()| self.show(Value::Text(&text)));
        *self.text = text;
        shown
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), FieldError> {
        self.unsupported("bytes")
    }
    fn serialize_none(self) -> Result<(), FieldError> {
        self.show(Value::Missing)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), FieldError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), FieldError> {
        self.show(Value::Missing)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), FieldError> {
        self.show(Value::Missing)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), FieldError> {
        self.show(Value::Text(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), FieldError> {
        self.in_time = name == records::TIMESTAMP;
        let shown = value.serialize(&mut *self);
        self.in_time = false;
        shown
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), FieldError> {
        self.unsupported(ENUM)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'s, 'a>, FieldError> {
        Ok(Elements { flat: self, number: 0 })
    }
    fn serialize_tuple(self, _: usize) -> Result<Elements<'s, 'a>, FieldError> {
        Ok(Elements { flat: self, number: 0 })
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'s, 'a>, FieldError> {
        Ok(Elements { flat: self, number: 0 })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, FieldError> {
        self.unsupported(ENUM)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'s, 'a>, FieldError> {
        Ok(Entries { flat: self, key: String::new() })
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'s, 'a>, FieldError> {
        Ok(Fields { flat: self, is_event: name == records::SENSOR_EVENT })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, FieldError> {
        self.unsupported(ENUM)
    }
}

struct Elements<'s, 'a> {
    flat: &'s mut Flat<'a>,
    number: usize,
}

macro_rules! elements {
    ($($kind:ident $method:ident)*) => {$(
        impl $kind for Elements<'_, '_> {
            type Ok = ();
            type Error = FieldError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FieldError> {
                self.number += 1;
                self.flat.element(self.number, value)
            }
            fn end(self) -> Result<(), FieldError> {
                Ok(())
            }
        }
    )*};
}

elements!(SerializeSeq serialize_element SerializeTuple serialize_element SerializeTupleStruct serialize_field);

struct Fields<'s, 'a> {
    flat: &'s mut Flat<'a>,
    is_event: bool,
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = FieldError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), FieldError> {
        let (role, name) = match key {
            "ts" if self.is_event => (Role::Time, TIMESTAMP),
            "sensor_id" if self.is_event => (Role::Sender, SENSOR_ID),
            "val" if self.is_event => return value.serialize(&mut *self.flat),
            _ => (Role::Data, key),
        };
        let outermost = self.flat.path.is_empty();
        self.flat.role = if outermost { role } else { Role::Data };
        self.flat.within(name, value)?;
        self.flat.role = Role::Data;
        Ok(())
    }
    fn end(self) -> Result<(), FieldError> {
        Ok(())
    }
}

struct Entries<'s, 'a> {
    flat: &'s mut Flat<'a>,
    key: String,
}

impl SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = FieldError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FieldError> {
        self.key.clear();
        let Self { flat, key: into } = self;
        let mut one = |field: Field<'_>| {
            let _ = write!(into, "{}", field.value);
        };
        key.serialize(&mut Flat::new(&mut String::new(), flat.text, &mut one))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FieldError> {
        self.flat.within(&self.key, value)
    }
    fn end(self) -> Result<(), FieldError> {
        Ok(())
    }
}
