//! [`Unmarked`]: a text without the byte order mark that some programs begin it with.

use std::io::{self, Read};

const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Reads what another reader gives, without a byte order mark at its beginning.
#[derive(Debug)]
pub(crate) struct Unmarked<R> {
    from: R,
    /// The beginning, as far as it has been read.
    head: [u8; MARK.len()],
    read: usize,
    /// How much of it has been given out.
    given: usize,
    begun: bool,
}

impl<R: Read> Unmarked<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, head: [0; MARK.len()], read: 0, given: 0, begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        while self.read < self.head.len() {
            match self.from.read(&mut self.head[self.read..])? {
                0 => break,
                read => self.read += read,
            }
        }
        self.begun = true;
        if self.head[..self.read] == MARK {
            self.given = self.read;
        }
        Ok(())
    }
}

impl<R: Read> Read for Unmarked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begin()?;
        }
        if self.given == self.read {
            return self.from.read(into);
        }
        let read = (&self.head[self.given..self.read]).read(into)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, with an interruption before each.
    struct Slow<'a>(&'a [u8], bool);
    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut into[..1]) }
        }
    }

    #[test]
    fn f51_a_byte_order_mark_is_taken_off_however_it_comes() {
        for (text, expected) in [
            ("\u{FEFF}a", "a"),
            ("\u{FEFF}", ""),
            ("", ""),
            ("a", "a"),
            ("ab\u{FEFF}", "ab\u{FEFF}"),
            ("\u{FEFF}\u{FEFF}", "\u{FEFF}"),
            ("\u{FEFE}x", "\u{FEFE}x"),
        ] {
            let mut read = String::new();
            Unmarked::new(Slow(text.as_bytes(), false)).read_to_string(&mut read).unwrap();
            assert_eq!(read, expected);
        }
        let mut cut = Vec::new();
        Unmarked::new(&MARK[..2]).read_to_end(&mut cut).unwrap();
        assert_eq!(cut, &MARK[..2]);
    }
}
