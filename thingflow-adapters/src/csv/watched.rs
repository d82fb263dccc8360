//! [`Watched`]: where in a row a CSV file ends.

use std::io::{self, Read};

use ::csv::ReaderBuilder;

/// The rows of a file, of any length, the first one among them.
pub(super) fn rows_of<R: Read>(from: R, delimiter: u8) -> ::csv::Reader<Watched<R>> {
    let from = Watched::new(from, delimiter);
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(from)
}

/// A CSV file, watched while it is read.
#[derive(Debug)]
pub(crate) struct Watched<R> {
    from: R,
    delimiter: u8,
    end: End,
    /// A quote opens quotes here.
    at_field: bool,
    all: bool,
}

/// Where in a row a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Row,
    Field,
    /// Inside quotes, where an end of line ends nothing.
    Quoted,
}

impl<R> Watched<R> {
    pub(crate) fn new(from: R, delimiter: u8) -> Self {
        Self { from, delimiter, end: End::Row, at_field: true, all: false }
    }

    /// Where what has been read ends.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// Whether the file has ended inside quotes, so that its last row may have swallowed others.
    pub(super) fn is_unclosed(&self) -> bool {
        self.all && self.end == End::Quoted
    }

    pub(super) fn into_inner(self) -> R {
        self.from
    }

    fn see(&mut self, byte: u8) {
        // A quote inside quotes closes them; if another follows at once, that opens them again.
        (self.end, self.at_field) = match (self.end, byte) {
            (End::Quoted, b'"') => (End::Field, true),
            (End::Quoted, _) => (End::Quoted, false),
            (_, b'\n') => (End::Row, true),
            (_, b'\r') => (End::Field, true), // half an end, after which the next row may begin
            (_, b'"') if self.at_field => (End::Quoted, false),
            (_, byte) => (End::Field, byte == self.delimiter),
        };
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.all = read == 0;
        into[..read].iter().for_each(|byte| self.see(*byte));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(text: &str) -> End {
        let mut watched = Watched::new(text.as_bytes(), b',');
        io::copy(&mut watched, &mut io::sink()).unwrap();
        watched.end()
    }

    #[test]
    fn quotes_count_at_the_beginning_of_a_field() {
        for text in ["", "a\n", "\"a\"\n", "\"a\nb\"\r\n", "5\" pipe\n", "\"a\"\"\"\n", "\"a\"b\"\n"] {
            assert_eq!(end(text), End::Row, "{text:?}");
        }
        for text in ["a", "a,", "a\r", "\"a\"", "\"\"", "\n5\""] {
            assert_eq!(end(text), End::Field, "{text:?}");
        }
        for text in ["\"", "a,\"", "\"a\n", "\"a\"\"", "a\r\"b\n"] {
            assert_eq!(end(text), End::Quoted, "{text:?}");
        }
    }

    proptest! {
        /// What follows is a row by itself if, and only if, the text does not end inside quotes.
        #[test]
        fn agrees_with_the_parser(text in "[a\",\n\r]{0,12}") {
            let closed = text.clone() + if end(&text) == End::Quoted { "\"\n" } else { "\n" } + "the last\n";
            let rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(closed.as_bytes());
            let last = rows.into_records().last().unwrap().unwrap();
            prop_assert_eq!(last, vec!["the last"]);
            if end(&text) == End::Quoted {
                let open = text + "\nthe last\n";
                let rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(open.as_bytes());
                prop_assert!(rows.into_records().last().unwrap().unwrap() != vec!["the last"]);
            }
        }
    }
}
