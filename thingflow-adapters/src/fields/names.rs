//! [`Names`]: which field stands where.

use serde::de::DeserializeOwned;

use super::FieldError;
use super::read::Row;

/// The names of the fields that rows have, in their order: the header of a file, the columns of a table.
///
/// A unit in brackets may follow a name: `temperature [°C]` is the field `temperature`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// The names, as they stand there.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }

    /// The names, as they stand there.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Where the field stands, counted from 0. If several are called so, it is the first.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.0.iter().position(|name| is(name, field))
    }

    /// Whether two fields are called the same.
    pub fn duplicate(&self) -> Option<&str> {
        let twice = |(at, name): (usize, &String)| self.0[..at].iter().any(|before| bare(before) == bare(name));
        self.0.iter().enumerate().find(|(at, name)| twice((*at, name))).map(|(_, name)| name.as_str())
    }

    /// Makes a record of the texts of a row: `text` says what stands in a column, counted from 0.
    ///
    /// Numbers may have blanks around them. A time is a text such as `2015-01-31T11:01:00Z` or the seconds since 1970. An
    /// `Option` is `None` if its text is empty, or all of its texts. What has no type of its own, such as a field of
    /// `serde_json::Value`, is a `bool`, a number or a text, by its looks.
    ///
    /// # Errors
    /// If a text is not what the record has there, or a field that it needs is not among the names.
    pub fn read<'t, T: DeserializeOwned>(&self, text: &dyn Fn(usize) -> Option<&'t str>) -> Result<T, FieldError> {
        Row::new(self, text).read()
    }
}

/// Whether a column with this name is that field.
pub(crate) fn is(name: &str, field: &str) -> bool {
    name == field || bare(name) == field
}

/// The name without the unit behind it.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_suffix(']').and_then(|name| name.rsplit_once(" [")).map_or(name, |(bare, _)| bare)
}

/// What is left of a name behind a path: `x` of `tilt.x`, `1` of `tilt_1`, nothing of `tilt`.
pub(crate) fn under<'n>(name: &'n str, path: &str) -> Option<&'n str> {
    if path.is_empty() {
        return Some(name);
    }
    let rest = bare(name).strip_prefix(path)?;
    match rest.as_bytes() {
        [] => Some(rest),
        [b'.', ..] => Some(&rest[1..]),
        [b'_', digit, ..] if digit.is_ascii_digit() => Some(&rest[1..]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_no_part_of_the_name() {
        let names = Names::new(["temperature [°C]", "tilt.x", "tilt_1 [g]", "odd]", "a [b"]);
        assert_eq!(names.position("temperature"), Some(0));
        assert_eq!(names.position("temperature [°C]"), Some(0));
        assert_eq!(names.position("tilt_1"), Some(2));
        assert_eq!([names.position("odd]"), names.position("a [b")], [Some(3), Some(4)]);
        assert_eq!(names.position("tilt"), None);
        assert_eq!(Names::new(["x", "y", "x [m]"]).duplicate(), Some("x [m]"));
    }

    #[test]
    fn a_path_is_a_whole_name() {
        assert_eq!(under("tilt.x", "tilt"), Some("x"));
        assert_eq!(under("tilt_2 [g]", "tilt"), Some("2"));
        assert_eq!(under("tilt", "tilt"), Some(""));
        assert_eq!([under("tilted", "tilt"), under("tilt_max", "tilt"), under("x", "tilt")], [None; 3]);
    }
}
