//! [`Columns`]: rows as columns, in memory, until a file is made of them.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;
use serde::Serialize;

use crate::fields::{FieldError, Flattener, Value};

/// Why a record is no row.
pub(super) enum NoRow {
    Record(FieldError),
    /// The field is of another type than before.
    Type(String),
    /// Another field of the row has the same name.
    Twice(String),
    /// There is none in it.
    NoField,
}

/// The columns of a file, each with a level for every row: 1 if there is a value, 0 if not.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    flattener: Flattener,
}

#[derive(Debug)]
struct Column {
    name: String,
    values: Values,
    levels: Vec<i16>,
}

/// The values of a column; of nothing more is known until there is one.
#[derive(Debug)]
enum Values {
    Unknown,
    Bool(Vec<bool>),
    Int(Vec<i64>),
    /// As the bits of a number with a sign.
    Uint(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Text(Vec<ByteArray>),
    /// Nanoseconds since 1970 UTC.
    Time(Vec<i64>),
}

impl Columns {
    /// Adds a row.
    pub(super) fn add<E: Serialize>(&mut self, record: &E) -> std::result::Result<(), NoRow> {
        let Self { columns, rows, bytes, flattener } = self;
        let (mut next, mut wrong) = (0, None);
        let flattened = flattener.flatten(record, &mut |field| {
            let here = columns.get(next).is_some_and(|column| column.name == field.name);
            let place = if here { Some(next) } else { columns.iter().position(|column| column.name == field.name) };
            let place = place.unwrap_or_else(|| {
                columns.push(Column { name: field.name.to_owned(), values: Values::Unknown, levels: vec![0; *rows] });
                columns.len() - 1
            });
            next = place + 1;
            if columns[place].levels.len() > *rows {
                wrong = Some(NoRow::Twice(field.name.to_owned()));
                return;
            }
            match columns[place].values.put(&field.value) {
                Some(size) => *bytes += size,
                None => wrong = Some(NoRow::Type(field.name.to_owned())),
            }
            let level = i16::from(field.value != Value::Missing);
            columns[place].levels.resize(*rows, 0);
            columns[place].levels.push(level);
        });
        flattened.map_err(NoRow::Record)?;
        wrong.map_or(Ok(()), Err)?;
        if columns.is_empty() {
            return Err(NoRow::NoField);
        }
        *rows += 1;
        columns.iter_mut().for_each(|column| column.levels.resize(*rows, 0));
        Ok(())
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Of all values, before they are encoded.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        (self.columns, self.rows, self.bytes) = (Vec::new(), 0, 0);
    }

    /// Writes a file with all rows as one group.
    pub(super) fn write(&self, to: impl Write + Send) -> Result<()> {
        let fields = self.columns.iter().map(|column| column.kind().map(Arc::new)).collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("events").with_fields(fields).build()?;
        let mut file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(WriterProperties::default()))?;
        let mut group = file.next_row_group()?;
        for column in &self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            column.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        file.close().map(drop)
    }
}

impl Values {
    /// Adds a value, if it is of the type of the others; how many bytes it takes.
    fn put(&mut self, value: &Value<'_>) -> Option<usize> {
        if matches!(self, Self::Unknown) {
            *self = Self::of(value);
        }
        match (self, value) {
            (_, Value::Missing) => return Some(0),
            (Self::Bool(values), Value::Bool(value)) => values.push(*value),
            (Self::Int(values), Value::Int(value)) => values.push(*value),
            (Self::Uint(values), Value::Uint(value)) => values.push(value.cast_signed()),
            (Self::Float(values), Value::Float32(value)) => values.push(*value),
            (Self::Double(values), Value::Float64(value)) => values.push(*value),
            (Self::Time(values), Value::Time(value)) => values.push(value.as_nanos()),
            (Self::Text(values), Value::Text(value)) => {
                values.push(ByteArray::from(*value));
                return Some(value.len() + 4);
            }
            _ => return None,
        }
        Some(8)
    }

    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Missing => Self::Unknown,
            Value::Bool(_) => Self::Bool(Vec::new()),
            Value::Int(_) => Self::Int(Vec::new()),
            Value::Uint(_) => Self::Uint(Vec::new()),
            Value::Float32(_) => Self::Float(Vec::new()),
            Value::Float64(_) => Self::Double(Vec::new()),
            Value::Text(_) => Self::Text(Vec::new()),
            Value::Time(_) => Self::Time(Vec::new()),
        }
    }
}

impl Column {
    /// Its type in the file. A column without a value is taken for numbers.
    fn kind(&self) -> Result<Type> {
        let time = LogicalType::timestamp(true, TimeUnit::NANOS);
        let (physical, logical) = match &self.values {
            Values::Bool(_) => (Physical::BOOLEAN, None),
            Values::Int(_) => (Physical::INT64, None),
            Values::Uint(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Values::Float(_) => (Physical::FLOAT, None),
            Values::Unknown | Values::Double(_) => (Physical::DOUBLE, None),
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Values::Time(_) => (Physical::INT64, Some(time)),
        };
        let builder = Type::primitive_type_builder(&self.name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build()
    }

    fn write(&self, to: &mut SerializedColumnWriter<'_>) -> Result<()> {
        match &self.values {
            Values::Bool(values) => self.write_as::<BoolType>(values, to),
            Values::Int(values) | Values::Uint(values) | Values::Time(values) => self.write_as::<Int64Type>(values, to),
            Values::Float(values) => self.write_as::<FloatType>(values, to),
            Values::Unknown => self.write_as::<DoubleType>(&[], to),
            Values::Double(values) => self.write_as::<DoubleType>(values, to),
            Values::Text(values) => self.write_as::<ByteArrayType>(values, to),
        }
    }

    fn write_as<T: DataType>(&self, values: &[T::T], to: &mut SerializedColumnWriter<'_>) -> Result<()> {
        to.typed::<T>().write_batch(values, Some(&self.levels), None).map(drop)
    }
}
