//! [`SystemdError`]: the service manager cannot be told.

use std::error::Error;
use std::fmt;
use std::io;

use thingflow_core::ScheduleError;

/// The service manager cannot be told, though it asked for it.
#[derive(Debug)]
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
                write!(f, "the environment says {name}={value}, which systemd would not; unset it to run by hand")
            }
            Self::Socket { socket, cause } => write!(
                f,
                "systemd cannot be told by the socket {socket}: {cause}; the unit needs `Type=notify`, and a service in a \
                 container needs the socket inside"
            ),
            Self::Schedule(error) => write!(f, "the watchdog cannot be scheduled: {error}"),
        }
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
