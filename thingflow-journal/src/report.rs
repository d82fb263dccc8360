//! [`Report`]: what a journal has found or could not do, and went on from.

use std::fmt;

use crate::error::Error;

/// Something that an operator may want to see. The journal has dealt with it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// A part of a segment is damaged. Each place is reported once by an open journal.
    Damage {
        /// The file.
        file: String,
        /// Where the part begins, in bytes from the begin of the file.
        offset: u64,
        /// How long it is.
        bytes: u64,
        /// How many records cannot be read.
        missing: u64,
        /// The file that keeps a copy; `None` if there is no room for one.
        kept: Option<String>,
    },
    /// The newest segment ends with something that is no record: what a process wrote that was killed, or a power cut
    /// has left. It has been cut off; none of it was acknowledged, unless it is damage.
    Torn {
        /// The file.
        file: String,
        /// Bytes that were cut off.
        bytes: u64,
    },
    /// The newest segment has lost its end: it was closed, or had space reserved, and something has shortened it. The records that stood
    /// behind `last` are lost; nothing says how many those were. The next record has a number that none of them can have had.
    Short {
        /// The file.
        file: String,
        /// The number of the last record that is left; one below the first of the segment if none is.
        last: u64,
    },
    /// A file without a readable record was removed, or kept as `kept`.
    Unfinished {
        /// The file.
        file: String,
        /// Its new name, if something is in it.
        kept: Option<String>,
    },
    /// The position of a consumer cannot be read. It begins at the oldest record.
    Position {
        /// The consumer.
        consumer: String,
    },
    /// What was known of the wall clocks of earlier boots cannot be read. Records of theirs that had no wall time keep none.
    Clocks,
    /// Something failed that is tried again.
    Failed(Error),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage { file, offset, bytes, missing, kept } => {
                let (bytes, missing) = (counted(*bytes, "byte"), counted(*missing, "record"));
                write!(f, "damage in {file}: {bytes} at {offset}, {missing} lost, ")?;
                match kept {
                    Some(kept) => write!(f, "kept as {kept}"),
                    None => f.write_str("not kept"),
                }
            }
            Self::Torn { file, bytes } => {
                write!(f, "unfinished end of {file}: {} cut off", counted(*bytes, "byte"))
            }
            Self::Short { file, last } => {
                write!(f, "missing end of {file}: it has been shortened, and what stood behind record {last} is lost")
            }
            Self::Unfinished { file, kept: None } => write!(f, "unfinished segment {file}: removed"),
            Self::Unfinished { file, kept: Some(kept) } => write!(f, "unreadable segment {file}: kept as {kept}"),
            Self::Position { consumer } => {
                write!(f, "unreadable position of consumer {consumer}: it begins at the oldest record")
            }
            Self::Clocks => {
                f.write_str("unreadable file clocks: the wall clocks of earlier boots are not known any more")
            }
            Self::Failed(error) => write!(f, "{error:?}; tried again"),
        }
    }
}

/// How many there are of something: "1 record", "2 records".
fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
