//! What stands in a CSV file that is to be written behind.

use std::io::{self, BufRead};

use super::rows::Rows;
use crate::fields::Names;
use crate::files::GrowingFile;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// No whole line: the beginning of a header, or what is no table.
    Beginning(Vec<u8>),
    /// A header, and whole rows up to here.
    Table {
        names: Names,
        end: u64,
    },
}

/// How long a header may be, in bytes.
const MAX_HEADER: usize = 1 << 16;

/// Looks through the file, or only at its header if it is known to be whole up to its present length.
pub(super) fn look(file: &mut GrowingFile, delimiter: u8, whole: Option<u64>) -> io::Result<Found> {
    let len = file.file().metadata()?.len();
    let Some(mut from) = file.contents()? else { return Ok(Found::Nothing) };
    let mut lines = Ends::new(delimiter);
    let (mut header, mut at) = (Vec::new(), 0);
    loop {
        let bytes = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let read = bytes.len();
        if read == 0 {
            break;
        }
        for byte in bytes {
            if lines.first.is_none() && header.len() < MAX_HEADER {
                header.push(*byte);
            }
            at += 1;
            lines.see(*byte, at);
        }
        from.consume(read);
        if lines.first.is_some() && whole == Some(len) {
            lines.last = len;
            break;
        }
    }
    if lines.first.is_none() {
        return Ok(if header.iter().all(|byte| *byte == 0) { Found::Nothing } else { Found::Beginning(header) });
    }
    Ok(Found::Table { names: names(&header, delimiter)?, end: lines.last })
}

/// The names in a header.
pub(super) fn names(header: &[u8], delimiter: u8) -> io::Result<Names> {
    let mut rows = Rows::new(header, delimiter);
    rows.read()?;
    let row = rows.row();
    Ok(Names::new((0..row.len()).map(|field| String::from_utf8_lossy(row.bytes(field).unwrap_or_default()))))
}

/// Where rows end.
struct Ends {
    delimiter: u8,
    quoted: bool,
    /// A quote opens quotes here.
    at_field: bool,
    first: Option<u64>,
    last: u64,
}

impl Ends {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, quoted: false, at_field: true, first: None, last: 0 }
    }

    /// Sees a byte, behind which there are so many.
    fn see(&mut self, byte: u8, at: u64) {
        // A quote inside quotes closes them; if another follows at once, that opens them again.
        (self.quoted, self.at_field) = match (self.quoted, byte) {
            (true, b'"') => (false, true),
            (true, _) => (true, false),
            (false, b'\n') => {
                self.first.get_or_insert(at);
                self.last = at;
                (false, true)
            }
            (false, b'\r') => (false, true), // half an end, after which the next row may begin
            (false, b'"') => (self.at_field, false),
            // A byte order mark stands before the first field.
            (false, 0xEF | 0xBB | 0xBF) if at <= 3 => (false, true),
            (false, byte) => (false, byte == self.delimiter),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How many bytes of a text are whole rows.
    fn whole(text: &str) -> u64 {
        let mut ends = Ends::new(b',');
        (1..).zip(text.bytes()).for_each(|(at, byte)| ends.see(byte, at));
        ends.last
    }

    #[test]
    fn quotes_count_at_the_beginning_of_a_field() {
        for text in
            ["", "a\n", "\"a\"\n", "\"a\nb\"\r\n", "5\" pipe\n", "\"a\"\"\"\n", "\"a\"b\"\n", "\u{FEFF}\"a\nb\"\n"]
        {
            assert_eq!(whole(text), text.len() as u64, "{text:?}");
        }
        for text in ["a", "a,", "a\r", "\"a\"", "\"\"", "\"", "a,\"", "\"a\n", "\"a\"\"", "a\r\"b\n"] {
            assert_eq!(whole(text), 0, "{text:?}");
        }
        assert_eq!(whole("a\n\"b\n"), 2);
    }

    proptest! {
        /// What follows the whole rows is a row by itself.
        #[test]
        fn agrees_with_the_parser(text in "[a\",\n\r]{0,12}") {
            let rows = |text: &str| {
                let (mut rows, mut seen) = (Rows::new(text.as_bytes(), b','), Vec::new());
                while let Some(read) = rows.read().unwrap() {
                    seen.push(read.is_ok());
                }
                seen
            };
            let (kept, _) = text.split_at(usize::try_from(whole(&text)).unwrap());
            let (all, mended) = (rows(&text), rows(&format!("{kept}the last\n")));
            prop_assert!(mended.iter().all(|whole| *whole), "{:?}", mended);
            prop_assert_eq!(mended.len() - 1, rows(kept).len());
            prop_assert!(all.iter().filter(|whole| **whole).count() >= mended.len() - 1);
        }
    }
}
