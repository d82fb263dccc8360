//! [`Line`]: a serial line, both ways, which never waits.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, SpecialCodeIndex, ioctl_tiocexcl, tcflush, tcgetattr,
    tcsetattr,
};

/// A serial line that is open.
#[derive(Debug)]
pub(crate) struct Line {
    file: File,
    path: PathBuf,
}

/// Opens a serial line: 8 bits, no parity, one stop bit, no flow control, bytes as they are, for this program alone. What came
/// before is dropped. An error says how to mend it.
pub(super) fn open(path: &Path, baud: u32) -> io::Result<Line> {
    let flags = OFlags::NOCTTY | OFlags::NONBLOCK; // or it would wait for a modem
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags.bits().cast_signed()).open(path);
    let opened = file.and_then(|file| set_up(&file, baud).map(|()| file));
    let file = opened.map_err(|cause| io::Error::new(cause.kind(), meaning(path, &cause)))?;
    Ok(Line { file, path: path.to_owned() })
}

fn set_up(line: &File, baud: u32) -> io::Result<()> {
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

fn meaning(path: &Path, cause: &io::Error) -> String {
    let path = path.display();
    match (cause.kind(), Errno::from_io_error(cause)) {
        (ErrorKind::NotFound, _) => {
            format!("{path} is not there; `ls /dev/serial/by-id /dev/tty[ASU]*` shows what is plugged in")
        }
        (ErrorKind::PermissionDenied, _) => format!(
            "this user may not use {path}; `sudo usermod -aG dialout $USER` and log in again, or give the service the group dialout"
        ),
        (_, Some(Errno::BUSY)) => format!("another program uses {path}; `fuser {path}` shows which"),
        (_, Some(Errno::NOTTY)) => {
            format!("{path} is not a serial line; `ls /dev/serial/by-id /dev/tty[ASU]*` shows which there are")
        }
        (_, Some(Errno::INVAL)) => format!("{path} does not know this speed"),
        _ => format!("{path} cannot be opened: {cause}"),
    }
}

impl Line {
    /// Drops what has not been sent: a close would wait for it, up to half a minute.
    pub(super) fn abandon(&self) {
        let _ = tcflush(&self.file, QueueSelector::OFlush); // a line that has gone has nothing to send
    }

    /// The kernel ends a line whose device has gone, after one error.
    fn gone(&self) -> io::Error {
        let text = format!("{} has hung up; check that its device is plugged in", self.path.display());
        io::Error::new(ErrorKind::NotConnected, text)
    }
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.file, &mut *bytes) {
            Ok(0) | Err(Errno::IO) if !bytes.is_empty() => Err(self.gone()),
            read => Ok(read?),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::io::write(&self.file, bytes) {
            Err(Errno::IO) => Err(self.gone()),
            written => Ok(written?),
        }
    }

    /// The kernel sends by itself.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
