//! A journal: an append-only run of records on disk, in a bounded folder, that survives kills and power cuts. One storage
//! for outboxes, recorders, replays and the past.
//!
//! Acknowledged means synced. A record is durable once `fdatasync` has returned for it, and its file's name is on the disk;
//! [`Journal::durable`] says up to which number that is, and nothing is delivered before.
//!
//! - [`Journal`] has a thread that does all work on the disk. [`Writer::push`] and [`Consumer::try_next`] never wait for it.
//! - [`Store`] is the same without a thread: each call returns when the disk has done its part.
//! - [`Consumer`]s have names and positions that survive. A segment goes when all have acknowledged it, or when a limit in
//!   bytes, records or age takes it. Without consumers, the limits alone decide: a recorder.
//! - [`Range`] reads the past by number and by time.
//! - [`Counts`] add up at every moment: pushed = delivered + waiting + dropped + lost.
//! - [`inspect`] lists, checks, exports and cuts a journal without the program.
//! - The module `model` (feature `model`) is a file system for tests that keeps only what was synced.
//!
//! # What a crash does
//!
//! | | a kill | a power cut |
//! | --- | --- | --- |
//! | durable records | stay | stay |
//! | records not durable yet | stay or go | stay or go, and may leave a hole, which counts as lost |
//! | a consumer's position | back by 50 ms at most | back by a second at most |
//! | records that come again | carry a mark, [`Record::resent`] | the same |
//!
//! After an end without a close, all records that were there are marked: nobody knows which of them had been handed out.
//! Opening costs a listing of the folder and a look through the newest segment, however long the backlog is.
//!
//! # What it costs
//!
//! Each commit is a write and an `fdatasync`, and rewrites the block at the end of the segment, unless it begins with the next one: it
//! does if it then writes fewer, and leaves out at most a third as much as it writes. So the [`CommitWindow`] is the
//! one knob between delay and wear; the figures are in `benches/README.md`. In memory a journal takes a segment's worth of
//! encoded records, twice the buffer of [`Options::buffer_bytes`], and 256 KiB for each open consumer. An idle journal does
//! nothing at all.
//!
//! # Numbers and times
//!
//! Numbers begin at 1 and rise; a number is never given twice. After an end without a close some are left out. Times are
//! nanoseconds that the program gives, since 1970 UTC or since the boot: they are kept, searched, and compared with the limit in
//! age. The journal reads no wall clock. On a board whose clock is set late a program gives a monotonic time with each record, and
//! [notes](Journal::note_clock) when the clock has been set: a [`BootClock`] puts the times of that boot right, then or later.
//!
//! # Modules
//!
//! | | |
//! | --- | --- |
//! | [`mod@format`], `bytes` | format 1: bytes to fields and back |
//! | `scan` | finding records in bytes, beyond damage too |
//! | `files` | what is asked of an operating system: [`Files`], [`File`], [`Folder`] |
//! | `log` | the segments as a table, and reading across them |
//! | `position` | a consumer's file |
//! | `clocks` | what is known of the wall clocks of boots |
//! | `batch` | records that wait for a commit |
//! | `store` | opening, committing, consuming, removing |
//! | `journal` | the thread, and the handles that share an inbox with it |
//! | [`inspect`] | the tool's library |
//! | `model` | the file system of the tests |

mod batch;
mod bytes;
mod clocks;
mod counts;
mod error;
mod files;
pub mod format;
pub mod inspect;
mod journal;
mod log;
#[cfg(feature = "model")]
pub mod model;
mod options;
mod position;
mod quarantine;
mod record;
mod report;
mod scan;
mod store;

pub use clocks::BootClock;
pub use counts::{Counts, Dropped, Wear};
pub use error::{Error, Full, PushError};
pub use files::{Entry, File, Files, Folder, SyncPoint};
pub use journal::{Consumer, Journal, Meter, Writer};
pub use options::{CommitWindow, Options, Policy};
pub use record::Record;
pub use report::Report;
pub use store::{Range, Start, Store};
