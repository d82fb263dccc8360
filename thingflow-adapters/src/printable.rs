//! Texts from outside as errors may show them: short, and without control characters.

use std::fmt;
#[cfg(any(feature = "csv", feature = "lines", feature = "parquet", feature = "plot", feature = "sqlite"))]
use std::path::Path;

/// The beginning of a text without control characters.
#[cfg(any(
    feature = "cron",
    feature = "durations",
    feature = "fields",
    feature = "json",
    feature = "net",
    feature = "plot"
))]
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 120;
    let (mut shown, mut length, mut rest) = (String::new(), 0, text.chars());
    while length < LONGEST {
        let Some(char) = rest.next() else { return shown };
        let before = shown.len();
        let _ = write_char(&mut shown, char); // a `String` takes all
        length += if char.is_control() { shown.len() - before } else { 1 };
    }
    if rest.next().is_some() { shown + "…" } else { shown }
}

/// A path without control characters.
#[cfg(any(feature = "csv", feature = "lines", feature = "parquet", feature = "plot", feature = "sqlite"))]
pub(crate) struct Printable<'a>(pub(crate) &'a Path);

#[cfg(any(feature = "csv", feature = "lines", feature = "parquet", feature = "plot", feature = "sqlite"))]
impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string_lossy().chars().try_for_each(|char| write_char(f, char))
    }
}

fn write_char(to: &mut impl fmt::Write, char: char) -> fmt::Result {
    if char.is_control() { write!(to, "{}", char.escape_debug()) } else { to.write_char(char) }
}

#[cfg(all(test, feature = "fields"))]
mod tests {
    use super::*;

    #[test]
    fn f52_a_text_is_short_and_has_no_control_characters() {
        assert_eq!(printable("a\u{1b}[31m\0\n ü"), "a\\u{1b}[31m\\0\\n ü");
        assert_eq!(printable(&"x".repeat(5000)), "x".repeat(120) + "…");
        assert_eq!(printable(&"x".repeat(120)), "x".repeat(120));
        assert_eq!(printable(&"\u{1c}".repeat(120)), "\\u{1c}".repeat(20) + "…", "as it is shown");
    }
}
