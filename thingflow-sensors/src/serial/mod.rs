//! Sensors behind a serial line: an Arduino that prints lines, a microcontroller that sends messages, a dust sensor.
//!
//! Bytes come as they like, in pieces, with garbage at the start and noise in between. A [`Decode`] makes readings of
//! them, one byte at a time, and finds its way back after garbage by itself. Use it
//!
//! - as a sensor on an edge thread: [`Framed`] reads from anything that implements `std::io::Read`, for example `Tty`
//!   (feature `tty`), and opens it anew when it was unplugged;
//! - as a source of the main event loop, without a thread: `SerialEvents` (feature `tty`);
//! - in a chain, behind whatever sends pieces of bytes: [`Decoding`];
//! - byte by byte, in an interrupt or a loop of a microcontroller: [`Decode::push`].
//!
//! Commands for a board go out by `Tty` too, which is a `std::io::Write`.
//!
//! ```
//! use thingflow_core::Sensor;
//! use thingflow_sensors::serial::{Framed, NamedLines};
//! // On a Raspberry Pi: Framed::opening("arduino", || Tty::open("/dev/ttyUSB0", 115_200), NamedLines::new(…))
//! let port: &[u8] = b"mp 20.1\r\nlux 25.5\r\ntemp 21.25\r\n"; // begins in the middle of a line
//! let mut board = Framed::new("arduino", port, NamedLines::new(["lux", "temp"]));
//! assert!(board.sample().is_err()); // what the schedule's policy may skip
//! assert_eq!(board.sample()?.val, 25.5);
//! assert_eq!(board.sample()?.name, "temp");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decode;
mod decoding;
#[cfg(all(feature = "tty", target_os = "linux"))]
mod events;
#[cfg(feature = "std")]
mod framed;
mod lines;
#[cfg(feature = "postcard")]
mod postcard;
#[cfg(feature = "std")]
mod reopening;
#[cfg(all(feature = "tty", target_os = "linux"))]
mod tty;

pub use decode::{Decode, FrameError};
pub use decoding::Decoding;
#[cfg(all(feature = "tty", target_os = "linux"))]
pub use events::SerialEvents;
#[cfg(feature = "std")]
pub use framed::{Framed, FramedError};
pub use lines::{CsvLines, Named, NamedLines};
#[cfg(feature = "postcard")]
pub use postcard::{EncodeError, Message, PostcardFrames, encode};
#[cfg(feature = "std")]
pub use reopening::Reopening;
#[cfg(all(feature = "tty", target_os = "linux"))]
pub use tty::{Tty, TtyError};
