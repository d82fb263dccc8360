//! [`Tty`]: a serial line of Linux.

use std::error::Error;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, SpecialCodeIndex, ioctl_tiocexcl, tcflush, tcgetattr,
    tcsetattr,
};

/// A serial line of Linux, for reading and writing: `/dev/serial0` is that at the pins 8 and 10 of a Raspberry Pi, `/dev/ttyACM0` or
/// `/dev/ttyUSB0` a board on USB. Better than these is the name under `/dev/serial/by-id`, which stays when the board is
/// plugged in anew.
///
/// It has 8 bits, no parity, one stop bit and no flow control, and bytes come as they are. This program has it for itself;
/// what came before it was opened is dropped. A board on USB that is unplugged is an error, not an end. Most Arduinos start
/// anew when their line is opened. Who may use it: root, and the group `dialout`.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::serial::{CsvLines, Framed, Tty};
/// let open = || Tty::open("/dev/serial/by-id/usb-Arduino_Uno-if00", 115_200);
/// let board = Framed::opening("board", open, CsvLines::<2>::new());
/// let mut scheduler = Scheduler::new()?;
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
/// let retry = OnFailure::Retry { backoff, attempts: u32::MAX };
/// let every = Periodic::every(Duration::from_millis(100)).on_failure(retry);
/// scheduler.schedule_sensor_on_separate_thread(board, every)?.for_each(|event| println!("{:?}", event.val));
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tty {
    line: File,
    path: PathBuf,
    limit: Option<Duration>,
}

impl Tty {
    /// The serial line at this path, with so many bits a second.
    ///
    /// # Errors
    /// If there is none, this user may not use it, another program does, or it does not know this speed.
    pub fn open(path: impl AsRef<Path>, baud: u32) -> Result<Self, TtyError> {
        let path = path.as_ref();
        let open = || {
            let flags = OFlags::NOCTTY | OFlags::NONBLOCK; // or it would wait for a modem
            let line = OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
            set_up(&line, baud)?;
            Ok(line)
        };
        let line = open().map_err(|cause| TtyError { path: path.into(), cause })?;
        Ok(Self { line, path: path.into(), limit: None })
    }

    /// The same line once more: one end may be read while something is written to the other.
    ///
    /// # Errors
    /// If the program has too many files open.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { line: self.line.try_clone()?, path: self.path.clone(), limit: self.limit })
    }

    /// How long a reading waits for a byte, and a writing for room; for ever unless this is said. After that it fails by
    /// `TimedOut`, and the line stays open. How long a whole frame may take says
    /// [`Framed::timeout`](super::Framed::timeout).
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Self {
        Self { limit: Some(limit), ..self }
    }

    fn wait(&self, until: PollFlags) -> io::Result<()> {
        let limit = self.limit.and_then(|limit| Timespec::try_from(limit).ok()); // what does not fit is for ever
        if poll(&mut [PollFd::new(&self.line, until)], limit.as_ref())? > 0 {
            return Ok(());
        }
        let (path, limit) = (self.path.display(), self.limit.unwrap_or_default());
        let text = if until == PollFlags::OUT {
            format!("{path} took nothing for {limit:?}; check that its device is well")
        } else {
            format!("{path} was silent for {limit:?}; check its speed and its wires")
        };
        Err(io::Error::new(ErrorKind::TimedOut, text))
    }

    /// Reads what is there, without waiting: `WouldBlock` if nothing is.
    pub(super) fn read_now(&self, into: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.line, &mut *into) {
            // The kernel ends a line whose device has gone, after one error.
            Ok(0) | Err(Errno::IO) if !into.is_empty() => Err(self.gone()),
            outcome => Ok(outcome?),
        }
    }

    fn gone(&self) -> io::Error {
        let text = format!("{} has hung up; check that its device is plugged in", self.path.display());
        io::Error::new(ErrorKind::NotConnected, text)
    }
}

fn set_up(line: &File, baud: u32) -> io::Result<()> {
    if baud == 0 {
        return Err(Errno::INVAL.into()); // the kernel would take it for "hang up"
    }
    let mut how = tcgetattr(line)?;
    ioctl_tiocexcl(line)?;
    how.make_raw();
    how.set_speed(baud)?;
    how.input_modes -= InputModes::IXOFF | InputModes::IXANY | InputModes::INPCK | InputModes::IGNPAR;
    how.control_modes -= ControlModes::CSTOPB | ControlModes::CRTSCTS;
    how.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
    how.special_codes[SpecialCodeIndex::VMIN] = 1; // nothing there is not an end
    how.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(line, OptionalActions::Now, &how)?;
    tcflush(line, QueueSelector::IFlush)?;
    Ok(())
}

impl Read for Tty {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::IN)?;
            match self.read_now(into) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }
}

/// A writing waits until the kernel has room, so that what is written in a chain belongs behind an `edge_sink`.
impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::OUT)?;
            match rustix::io::write(&self.line, bytes) {
                Err(Errno::AGAIN) => {}
                Err(Errno::IO) => return Err(self.gone()),
                outcome => return Ok(outcome?),
            }
        }
    }

    /// The kernel sends by itself.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// Why a serial line cannot be had.
pub struct TtyError {
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for TtyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, cause) = (self.path.display(), &self.cause);
        match (cause.kind(), Errno::from_io_error(cause)) {
            (ErrorKind::NotFound, _) => {
                write!(f, "{path} is not there; `ls /dev/serial/by-id /dev/tty[ASU]*` shows what is plugged in")
            }
            (ErrorKind::PermissionDenied, _) => {
                write!(f, "this user may not use {path}; `sudo usermod -aG dialout $USER` and log in again, ")?;
                write!(f, "or give the service the group dialout")
            }
            (_, Some(Errno::BUSY)) => write!(f, "another program uses {path}; `fuser {path}` shows which"),
            (_, Some(Errno::NOTTY)) => {
                write!(f, "{path} is not a serial line; `ls /dev/serial/by-id /dev/tty[ASU]*` shows which there are")
            }
            (_, Some(Errno::INVAL)) => write!(f, "{path} does not know this speed"),
            _ => write!(f, "{path} cannot be opened: {cause}"),
        }
    }
}

/// As `Display`.
impl fmt::Debug for TtyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for TtyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
