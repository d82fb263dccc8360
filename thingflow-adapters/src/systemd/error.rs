//! [`SystemdError`]: the service manager cannot be told.

use std::error::Error;
use std::fmt;
use std::io;

use thingflow_core::ScheduleError;

/// The service manager cannot be told, though it asked for it. `Debug`, which `main` prints, says the causes as well.
#[non_exhaustive]
pub enum SystemdError {
    /// A variable of the environment that systemd sets makes no sense.
    Variable {
        /// Its name.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// The socket cannot be had, or does not take what is told.
    Socket {
        /// The value of `NOTIFY_SOCKET`.
        socket: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The watchdog cannot be scheduled.
    Schedule(ScheduleError),
}

impl fmt::Display for SystemdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, value } => {
                let value = value.escape_debug();
                write!(
                    f,
                    "invalid variable {name}={value} of the environment, as systemd never sets it; unset it to run by hand"
                )
            }
            Self::Socket { socket, .. } => write!(
                f,
                "cannot tell systemd by the socket {}; the unit needs `Type=notify`, and a service in a container needs the \
                 socket inside",
                socket.escape_debug()
            ),
            Self::Schedule(_) => f.write_str("cannot schedule the watchdog"),
        }
    }
}

impl fmt::Debug for SystemdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        thingflow_core::fmt_chain(self, f)
    }
}

impl Error for SystemdError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Variable { .. } => None,
            Self::Socket { cause, .. } => Some(cause),
            Self::Schedule(error) => Some(error),
        }
    }
}
