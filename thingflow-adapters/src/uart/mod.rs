//! Serial lines, both ways, on the scheduler's thread: what a board says comes as events, and events go to it.
//!
//! A line is a [`Client`] like one of TCP: it is opened by itself, and again when the board has been plugged in anew; what is to
//! be sent waits meanwhile.
//!
//! ```no_run
//! use thingflow_adapters::uart;
//! use thingflow_core::prelude::*;
//! let board = uart::connect("/dev/serial/by-id/usb-Arduino_Uno-if00", 115_200)?;
//! let lamp = from_iter(["on", "off"].into_iter().cycle()).map(|state| format!("lamp {state}"));
//! board.received().filter_map(|line| line.parse::<f64>().ok()).running_avg(5).print();
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(board.thing())?;
//! scheduler.schedule_periodic(lamp.connect(board.sender()), std::time::Duration::from_secs(1))?;
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;

use std::path::PathBuf;
use std::time::Duration;

use thingflow_core::{Backoff, Limit};

use crate::framing::{Framing, Lines};
use crate::net::{Address, Dialer};
use crate::tcp::{Calling, Conduct, Handle, Pulse};

pub use crate::tcp::{Client, ClientStats, Status};
pub use error::SpeedError;

/// The serial line at this path, with so many bits a second and lines of text, and the usual [`Options`].
///
/// # Errors
/// A speed that is none.
pub fn connect(path: impl Into<PathBuf>, baud: u32) -> Result<Client<Lines>, SpeedError> {
    Ok(Options::new(path, baud)?.connect())
}

/// A serial line that is not opened yet.
///
/// It has 8 bits, no parity, one stop bit and no flow control, and bytes come as they are. The program has it for itself; what
/// came before it was opened is dropped. A name under `/dev/serial/by-id` stays when a board is plugged in anew. Who may use it:
/// root, and the group `dialout`. When the program ends, the kernel sends what it has been handed, which may take as long as the
/// line is slow.
///
/// ```
/// use thingflow_adapters::framing::LengthPrefixed;
/// use thingflow_adapters::uart::Options;
/// use thingflow_core::Limit;
/// let line = Options::new("/dev/ttyACM0", 115_200)?.framed(LengthPrefixed::default());
/// let board = line.queue(Limit::drop_oldest(10)).connect();
/// assert!(Options::new("/dev/ttyACM0", 0).is_err());
/// # Ok::<(), thingflow_adapters::uart::SpeedError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options<F> {
    path: PathBuf,
    baud: u32,
    framing: F,
    conduct: Conduct,
    idle_timeout: Duration,
}

impl Options<Lines> {
    /// A serial line that carries lines of text. If it cannot be opened, or is lost, the next try comes within a second, then
    /// later and later, up to ten seconds. What is to be sent waits meanwhile, 1024 frames at most.
    ///
    /// What comes before the first end of a line is dropped each time, since the board may have been in the middle of one. Where it
    /// only speaks when it is asked, nothing may be dropped: `framed(Lines::default())`.
    ///
    /// # Errors
    /// A speed of 0. One that the line does not know is found when it is opened, and told by [`status`](Client::status).
    pub fn new(path: impl Into<PathBuf>, baud: u32) -> Result<Self, SpeedError> {
        let path = path.into();
        if baud == 0 {
            return Err(SpeedError::new(path)); // the kernel would take it for "hang up"
        }
        let retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(10)).jitter(25);
        let conduct = Conduct { retry, ..Conduct::default() };
        Ok(Self { path, baud, framing: Lines::default().after_first_end(), conduct, idle_timeout: Duration::MAX })
    }
}

impl<F: Framing + 'static> Options<F> {
    /// Another kind of frames.
    pub fn framed<G: Framing>(self, framing: G) -> Options<G> {
        let Self { path, baud, conduct, idle_timeout, .. } = self;
        Options { path, baud, framing, conduct, idle_timeout }
    }

    /// How many frames may wait to be sent, and what happens to one more: 1024 unless told otherwise, then the source waits.
    pub fn queue(self, queue: Limit) -> Self {
        Self { conduct: Conduct { queue, ..self.conduct }, ..self }
    }

    /// The waits before the line is opened again: a second at first, up to 10 s, each shorter by up to a quarter at random.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { conduct: Conduct { retry, ..self.conduct }, ..self }
    }

    /// Opens the line anew when nothing has come for so long: for a board that says something all the time, and starts anew when
    /// its line is opened, as most Arduinos do.
    pub fn idle_timeout(self, longest: Duration) -> Self {
        Self { idle_timeout: longest, ..self }
    }

    /// The client. It opens the line when it has been scheduled.
    pub fn connect(self) -> Client<F> {
        let Self { path, baud, framing, conduct, idle_timeout } = self;
        let address = Address::of_line(path, baud);
        let (name, dialer) = (address.to_string(), Dialer::new(address, 0));
        let pulse = Pulse { idle_timeout, ..Pulse::NONE };
        Client(Handle::new(framing, Calling { name, dialer, conduct, pulse }))
    }
}
