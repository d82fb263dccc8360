//! [`Columns`] and [`FromColumns`]: a reading of one value or of several, as columns of a table.

use core::any::type_name;
use core::error::Error;
use core::fmt::{self, Display};

use crate::clock::Timestamp;
#[cfg(feature = "alloc")]
use alloc::string::String;

/// A reading of one value or of several, as columns of a table: what a file of rows or a line of text is made of.
///
/// Numbers, `bool`, `char`, texts and times have one column, `value`; an array of them has `value_1`, `value_2` and so on.
/// An `Option` has those of what is in it, which are empty if it is missing. The readings of `thingflow-sensors` have one
/// for each of their fields.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use core::fmt::Display;
/// use thingflow_core::{Columns, FromColumns, WrongColumn};
/// /// What a scale with a display says.
/// #[derive(Debug, PartialEq)]
/// struct Weight { grams: f64, stable: Option<bool> }
/// impl Columns for Weight {
///     const NAMES: &'static [&'static str] = &["grams", "stable"];
///     fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
///         self.grams.each_column(see);
///         self.stable.each_column(see);
///     }
/// }
/// impl FromColumns for Weight { // only if it is to be read back
///     fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
///         Ok(Self { grams: FromColumns::at_column(texts, 0)?, stable: FromColumns::at_column(texts, 1)? })
///     }
/// }
/// let mut texts = Vec::new();
/// Weight { grams: 12.5, stable: None }.each_column(&mut |value| texts.push(value.to_string()));
/// assert_eq!(texts, ["12.5", ""]);
/// assert_eq!(Weight::from_columns(&["3", "true"]), Ok(Weight { grams: 3.0, stable: Some(true) }));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns",
    note = "implement `thingflow_core::Columns` for it, a list of names and values, or write its parts"
)]
pub trait Columns {
    /// The columns' names.
    const NAMES: &'static [&'static str];

    /// Shows the value of each column, in the order of the names. One that is missing is an empty text.
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display));
}

/// A reading that can be made of the texts of its [`Columns`] again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from columns",
    note = "implement `thingflow_core::FromColumns` for it, or read its parts"
)]
pub trait FromColumns: Columns + Sized {
    /// Makes a reading of as many texts as there are names.
    ///
    /// # Errors
    /// The column that is not what it should be.
    fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn>;

    /// As [`from_columns`](Self::from_columns), of the texts from `first` on: for a field of a reading.
    ///
    /// # Errors
    /// As there; also if there are not enough texts.
    fn at_column(texts: &[&str], first: usize) -> Result<Self, WrongColumn> {
        match texts.get(first..).and_then(|rest| rest.get(..Self::NAMES.len())) {
            Some(texts) => {
                Self::from_columns(texts).map_err(|wrong| WrongColumn { column: wrong.column + first, ..wrong })
            }
            None => Err(WrongColumn { column: texts.len(), expected: "more columns" }),
        }
    }
}

/// A column that is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongColumn {
    /// The column, counted from 0.
    pub column: usize,
    /// What was expected there: the type, as a rule.
    pub expected: &'static str,
}

impl Display for WrongColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: expected {}", self.column + 1, self.expected)
    }
}

impl Error for WrongColumn {}

/// What is shown and parsed as one text.
macro_rules! one_column {
    ($($t:ty)*) => {$(
        impl Columns for $t {
            const NAMES: &'static [&'static str] = &["value"];
            fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
                see(self);
            }
        }
        impl FromColumns for $t {
            fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
                let parsed = texts.first().and_then(|text| text.parse().ok());
                parsed.ok_or(WrongColumn { column: 0, expected: type_name::<$t>() })
            }
        }
    )*};
}

one_column!(f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize bool char Timestamp);
#[cfg(feature = "alloc")]
one_column!(String);

impl Columns for &str {
    const NAMES: &'static [&'static str] = &["value"];
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
        see(self);
    }
}

const NUMBERED: [&str; 16] = [
    "value_1", "value_2", "value_3", "value_4", "value_5", "value_6", "value_7", "value_8", "value_9", "value_10",
    "value_11", "value_12", "value_13", "value_14", "value_15", "value_16",
];

/// Up to 16 readings of one column each.
impl<T: Columns, const N: usize> Columns for [T; N] {
    const NAMES: &'static [&'static str] = {
        assert!(T::NAMES.len() == 1 && N <= NUMBERED.len(), "an array of up to 16 readings of one column each");
        NUMBERED.split_at(N).0
    };
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
        self.iter().for_each(|reading| reading.each_column(see));
    }
}

impl<T: FromColumns + Copy + Default, const N: usize> FromColumns for [T; N] {
    fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
        let mut readings = [T::default(); N];
        for (at, reading) in readings.iter_mut().enumerate() {
            *reading = T::at_column(texts, at)?;
        }
        Ok(readings)
    }
}

impl<T: Columns> Columns for Option<T> {
    const NAMES: &'static [&'static str] = T::NAMES;
    fn each_column(&self, see: &mut dyn FnMut(&dyn Display)) {
        match self {
            Some(reading) => reading.each_column(see),
            None => T::NAMES.iter().for_each(|_| see(&"")),
        }
    }
}

/// `None` if all its columns are empty. So an empty text that was there comes back as one that is missing.
impl<T: FromColumns> FromColumns for Option<T> {
    fn from_columns(texts: &[&str]) -> Result<Self, WrongColumn> {
        if texts.iter().all(|text| text.is_empty()) { Ok(None) } else { T::from_columns(texts).map(Some) }
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn back<T: FromColumns>(reading: &T) -> Result<T, WrongColumn> {
        let mut texts = Vec::new();
        reading.each_column(&mut |value| texts.push(value.to_string()));
        assert_eq!(texts.len(), T::NAMES.len());
        T::from_columns(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn a_wrong_column_is_named_from_the_first_of_all() {
        let wrong = f64::at_column(&["1", "", "x"], 2).unwrap_err();
        assert_eq!(wrong, WrongColumn { column: 2, expected: "f64" });
        assert_eq!(wrong.to_string(), "column 3: expected f64");
        let short = |first| f64::at_column(&["1"], first).unwrap_err().column;
        assert_eq!((short(1), short(usize::MAX)), (1, 1));
        assert!(f64::from_columns(&[]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_comes_back(float: f64, number: i64, missing: Option<u8>, text: String, nanos: i64) {
            prop_assert_eq!(back(&float).map(f64::to_bits), Ok(float.to_bits()));
            prop_assert_eq!(back(&number), Ok(number));
            prop_assert_eq!(back(&missing), Ok(missing));
            prop_assert_eq!(back(&[number, 1]), Ok([number, 1]));
            prop_assert_eq!(back(&Some([float, 2.0])), Ok(Some([float, 2.0])));
            prop_assert_eq!(back(&text), Ok(text.clone()));
            prop_assert_eq!(back(&Timestamp::from_nanos(nanos)), Ok(Timestamp::from_nanos(nanos)));
        }
    }
}
