//! The columns that a table lacks for a record.

use serde::Serialize;

use super::Kind;
use crate::fields::{FieldError, Flattener, Role};

/// The columns of a record that are not `there` yet: the time and the sender before what has been measured. What is missing
/// in the record needs none.
pub(crate) fn new_columns<E: Serialize>(
    flattener: &mut Flattener,
    record: &E,
    there: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Kind)>, FieldError> {
    let mut new: Vec<(Role, String, Kind)> = Vec::new();
    flattener.flatten(record, &mut |field| {
        if let Some(kind) = Kind::of(&field.value)
            && !there(field.name)
            && !new.iter().any(|(_, name, _)| name == field.name)
        {
            new.push((field.role, field.name.to_owned(), kind));
        }
    })?;
    new.sort_by_key(|(role, _, _)| *role);
    Ok(new.into_iter().map(|(_, name, kind)| (name, kind)).collect())
}

#[cfg(test)]
mod tests {
    use thingflow_core::{SensorEvent, Timestamp};

    use super::*;

    #[test]
    fn columns_are_made_of_what_is_there() {
        let event = SensorEvent::new("lux-1", Timestamp::from_secs(1), (25.5, None::<u8>, true));
        let columns = new_columns(&mut Flattener::default(), &event, &|name| name == "value_3").unwrap();
        let expected = [("timestamp", Kind::Time), ("sensor_id", Kind::Text), ("value_1", Kind::Float)];
        assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
