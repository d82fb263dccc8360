//! [`Rows`]: the rows of a CSV file, as texts, however damaged it is.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use csv_core::{ReadRecordResult as Parsed, ReaderBuilder};

use super::unmarked::Unmarked;

/// How long a row may be, in bytes, unless told otherwise.
pub(super) const MAX_LEN: usize = 1 << 20;

/// Parses rows. One that is too long, because its quotes are never closed, ends with the line on which that is found.
pub(crate) struct Rows<R> {
    from: BufReader<Unmarked<R>>,
    parser: csv_core::Reader,
    max_len: usize,
    row: Row,
    /// How many fields and bytes of the current row have been parsed, if some have.
    fields: usize,
    bytes: usize,
    begun: bool,
    /// What is left of a line is to be skipped.
    skipping: bool,
    end: End,
}

/// How far the end of the file has been looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Ahead,
    /// An end of line has been added to the last row.
    Ended,
    /// It has been told that there is no more.
    Over,
}

/// A row as it stands there.
#[derive(Debug, Default)]
pub(crate) struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    /// The line on which it begins, counted from 1.
    pub(super) line: u64,
}

/// What is wrong with a row as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has more bytes than it may.
    TooLong,
    /// It is the last one, and has no end of line.
    Unterminated,
    /// It is the last one, and a quote is open.
    Unclosed,
}

impl<R: Read> Rows<R> {
    pub(crate) fn new(from: R, delimiter: u8) -> Self {
        let row = Row { text: vec![0; 1024], ends: vec![0; 16], ..Row::default() };
        Self {
            from: BufReader::new(Unmarked::new(from)),
            parser: parser(delimiter),
            max_len: MAX_LEN,
            row,
            fields: 0,
            bytes: 0,
            begun: false,
            skipping: false,
            end: End::Ahead,
        }
    }

    /// Before the first row.
    pub(super) fn set_delimiter(&mut self, delimiter: u8) {
        self.parser = parser(delimiter);
    }

    /// Before the first row.
    pub(super) fn set_max_len(&mut self, max_len: usize) {
        self.max_len = max_len.max(1);
        self.row.text.truncate(self.max_len);
    }

    pub(super) fn max_len(&self) -> usize {
        self.max_len
    }

    pub(crate) fn row(&self) -> &Row {
        &self.row
    }

    /// Reads the next row: whether there is one, and what is wrong with it. After an error of the file it goes on where it
    /// was.
    pub(crate) fn read(&mut self) -> io::Result<Option<Result<(), Fault>>> {
        loop {
            if self.skipping && !self.skip_line()? {
                continue;
            }
            if !self.begun {
                (self.fields, self.bytes, self.begun) = (0, 0, true);
                self.row.line = 0;
            }
            let input = match self.end {
                End::Ahead => loop {
                    match self.from.fill_buf() {
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        input => break input?,
                    }
                },
                End::Ended | End::Over => &[],
            };
            let at_end = input.is_empty();
            let closing: &[u8] = if at_end && self.end == End::Ahead { b"\n" } else { input };
            let (text, ends) = (&mut self.row.text[self.bytes..], &mut self.row.ends[self.fields..]);
            let line = self.parser.line();
            let (parsed, read, bytes, fields) = self.parser.read_record(closing, text, ends);
            if self.row.line == 0 && (bytes > 0 || fields > 0 || parsed == Parsed::Record) {
                // Empty lines before the row have been read along with it.
                let skipped = closing[..read].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
                self.row.line = line + skipped.filter(|byte| **byte == b'\n').count() as u64;
            }
            (self.bytes, self.fields) = (self.bytes + bytes, self.fields + fields);
            match self.end {
                End::Ahead if !at_end => self.from.consume(read),
                End::Ahead if read == 0 => {} // no room for it yet
                End::Ahead => self.end = End::Ended,
                End::Ended | End::Over => self.end = End::Over,
            }
            match parsed {
                Parsed::InputEmpty => {}
                Parsed::OutputFull if self.row.text.len() < self.max_len => grow(&mut self.row.text, self.max_len),
                Parsed::OutputEndsFull if self.row.ends.len() <= self.max_len => {
                    grow(&mut self.row.ends, self.max_len + 1);
                }
                Parsed::OutputFull | Parsed::OutputEndsFull => return Ok(Some(Err(self.too_long()))),
                Parsed::Record => return Ok(Some(self.finish(at_end))),
                Parsed::End => return Ok(None),
            }
        }
    }

    fn finish(&mut self, at_end: bool) -> Result<(), Fault> {
        (self.begun, self.row.fields) = (false, self.fields);
        match (at_end, self.end) {
            (true, End::Ended) => Err(Fault::Unterminated),
            (true, _) => Err(Fault::Unclosed),
            _ => Ok(()),
        }
    }

    /// Goes on with the next line, as if no quote were open.
    fn too_long(&mut self) -> Fault {
        let line = self.parser.line();
        begin(&mut self.parser, line);
        (self.begun, self.skipping, self.row.fields) = (false, true, 0);
        Fault::TooLong
    }

    /// Whether the end of the line has been found.
    fn skip_line(&mut self) -> io::Result<bool> {
        let bytes = match self.from.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            bytes => bytes?,
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.skipping = end.is_none() && !bytes.is_empty();
        let skipped = end.map_or(bytes.len(), |end| end + 1);
        self.from.consume(skipped);
        if end.is_some() {
            self.parser.set_line(self.parser.line() + 1);
        }
        Ok(!self.skipping)
    }
}

fn parser(delimiter: u8) -> csv_core::Reader {
    let mut parser = ReaderBuilder::new().delimiter(delimiter).build();
    begin(&mut parser, 1);
    parser
}

/// Begins with a row on this line.
fn begin(parser: &mut csv_core::Reader, line: u64) {
    parser.reset();
    // An empty line: from then on it takes nothing for a byte order mark, of which it sees only whole ones.
    let _ = parser.read_record(b"\n", &mut [0], &mut [0]);
    parser.set_line(line);
}

fn grow<T: Clone + Default>(list: &mut Vec<T>, longest: usize) {
    list.resize((2 * list.len()).min(longest), T::default());
}

impl Row {
    /// How many fields it has.
    pub(crate) fn len(&self) -> usize {
        self.fields
    }

    /// The bytes of a field, counted from 0.
    pub(super) fn bytes(&self, field: usize) -> Option<&[u8]> {
        let ends = self.ends.get(..self.fields)?;
        let start = field.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
        self.text.get(start..*ends.get(field)?)
    }

    /// The text of a field, counted from 0.
    pub(crate) fn text(&self, field: usize) -> Option<&str> {
        self.bytes(field).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The first field that is no text: not UTF-8, or with zeros, as a power cut leaves them.
    pub(super) fn no_text(&self) -> Option<usize> {
        (0..self.fields).find(|field| self.text(*field).is_none_or(|text| text.contains('\0')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = Vec<(u64, Result<Vec<String>, Fault>)>;

    fn rows(text: &[u8], max_len: usize) -> Seen {
        let (mut rows, mut seen) = (Rows::new(text, b','), Vec::new());
        rows.set_max_len(max_len);
        while let Some(read) = rows.read().unwrap() {
            let row = rows.row();
            let texts =
                || (0..row.len()).map(|field| String::from_utf8_lossy(row.bytes(field).unwrap()).into()).collect();
            seen.push((row.line, read.map(|()| texts())));
        }
        seen
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Result<Vec<String>, Fault>) {
        (line, Ok(fields.iter().copied().map(str::to_owned).collect()))
    }

    #[test]
    fn rows_know_their_lines() {
        let seen = rows(b"a,b\n\n\"x\ny\",2\r\n\r\n3,4\n", 100);
        assert_eq!(seen, [row(1, &["a", "b"]), row(3, &["x\ny", "2"]), row(6, &["3", "4"])]);
    }

    #[test]
    fn f42_a_last_row_without_an_end_is_told_apart() {
        assert_eq!(rows(b"a\n12", 100), [row(1, &["a"]), (2, Err(Fault::Unterminated))]);
        assert_eq!(rows(b"a\n\"12\n3\n", 100), [row(1, &["a"]), (2, Err(Fault::Unclosed))]);
        assert_eq!(rows(b"a\n\"12\"", 100), [row(1, &["a"]), (2, Err(Fault::Unterminated))]);
        assert_eq!(rows(b"a\r\n\n", 100), [row(1, &["a"])]);
        assert_eq!(rows(b"", 100), []);
    }

    #[test]
    fn f54_an_open_quote_swallows_no_more_than_the_limit() {
        let open = format!("a\n1,\"{}\n2,x\n3,y\n", "z\n".repeat(3000));
        let seen = rows(open.as_bytes(), 4096);
        assert_eq!(seen[0], row(1, &["a"]));
        assert_eq!(seen[1], (2, Err(Fault::TooLong)));
        assert_eq!(seen[seen.len() - 2..], [row(3003, &["2", "x"]), row(3004, &["3", "y"])]);
        let many = format!("{}\nlast\n", ",".repeat(5000));
        assert_eq!(rows(many.as_bytes(), 4096), [(1, Err(Fault::TooLong)), row(2, &["last"])]);
    }

    /// Some bytes at a time, with an error before each.
    struct Hesitant<'a>(&'a [u8], usize, bool);
    impl Read for Hesitant<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.2 = !self.2;
            let most = into.len().min(self.1);
            if self.2 { Err(ErrorKind::PermissionDenied.into()) } else { self.0.read(&mut into[..most]) }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser_by_itself(text in "\u{FEFF}?[a\",\n\r]{0,20}") {
            let whole = format!("{text}\"\n");
            for text in [format!("{text}\n"), whole] {
                let bytes = text.strip_prefix('\u{FEFF}').unwrap_or(&text).as_bytes();
                let (mut core, mut expected, mut at) = (csv_core::Reader::new(), Vec::new(), 0);
                loop {
                    let (mut out, mut ends) = ([0; 200], [0; 50]);
                    let (parsed, read, _, fields) = core.read_record(&bytes[at..], &mut out, &mut ends);
                    at += read;
                    match parsed {
                        Parsed::Record if at < bytes.len() || read > 0 => {
                            let starts = [0].into_iter().chain(ends);
                            let texts = starts.zip(ends).take(fields).map(|(from, to)| String::from_utf8_lossy(&out[from..to]).into_owned());
                            expected.push(texts.collect::<Vec<_>>());
                        }
                        _ => break,
                    }
                }
                let seen: Vec<_> = rows(text.as_bytes(), 1000).into_iter().filter_map(|(_, row)| row.ok()).collect();
                prop_assert_eq!(seen, expected, "{:?}", text);
            }
        }

        #[test]
        fn f53_what_comes_in_pieces_and_with_errors_gives_the_same_rows(
            text in "([a\",\n\r\u{0}]|\u{FEFF}){0,40}",
            size in 1_usize..5,
        ) {
            let (mut rows_, mut seen) = (Rows::new(Hesitant(text.as_bytes(), size, false), b','), Vec::new());
            rows_.set_max_len(8);
            loop {
                match rows_.read() {
                    Err(error) => prop_assert_eq!(error.kind(), ErrorKind::PermissionDenied),
                    Ok(None) => break,
                    Ok(Some(read)) => seen.push(read.map(|()| rows_.row().len())),
                }
            }
            let whole: Vec<_> = rows(text.as_bytes(), 8).into_iter().map(|(_, row)| row.map(|row| row.len())).collect();
            prop_assert_eq!(seen, whole);
        }
    }
}
