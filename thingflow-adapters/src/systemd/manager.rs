//! [`Manager`]: the service manager that has started this program.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::Duration;

use super::SystemdError;

/// The service manager that has started this program, and waits to hear from it.
#[derive(Debug)]
pub struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
    name: String,
    watchdog: Option<Duration>,
}

const SOCKET: &str = "NOTIFY_SOCKET";
const LIMIT: &str = "WATCHDOG_USEC";
const PROCESS: &str = "WATCHDOG_PID";

impl Manager {
    /// The manager that the environment names; none if the program was started by hand.
    ///
    /// # Errors
    /// If the environment names one that cannot be reached.
    pub fn from_env() -> Result<Option<Self>, SystemdError> {
        Self::from_variables(|name| env::var(name).ok(), process::id())
    }

    fn from_variables(
        variable: impl Fn(&'static str) -> Option<String>,
        process: u32,
    ) -> Result<Option<Self>, SystemdError> {
        let Some(name) = variable(SOCKET).filter(|name| !name.is_empty()) else { return Ok(None) };
        let parse = |name| number(name, variable(name));
        let for_us = parse(PROCESS)?.is_none_or(|whose| whose == u64::from(process));
        let watchdog = parse(LIMIT)?.filter(|micros| for_us && *micros > 0).map(Duration::from_micros);
        Self::at(name, watchdog).map(Some)
    }

    /// The manager at this socket, a path or, with `@` in front, an abstract name.
    ///
    /// # Errors
    /// If there can be no such socket.
    pub fn at(socket: impl Into<String>, watchdog: Option<Duration>) -> Result<Self, SystemdError> {
        let name = socket.into();
        let reach = || -> io::Result<(SocketAddr, UnixDatagram)> {
            let address = match name.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name)?,
                None if name.starts_with('/') => SocketAddr::from_pathname(&name)?,
                None => return Err(io::Error::new(io::ErrorKind::Unsupported, "neither a path nor an abstract name")),
            };
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?; // a manager that does not listen must not hold up the loop
            Ok((address, socket))
        };
        match reach() {
            Ok((address, socket)) => Ok(Self { socket, address, name, watchdog }),
            Err(cause) => Err(SystemdError::Socket { socket: name, cause }),
        }
    }

    /// For how long it may hear nothing before it ends the program; none if it waits for ever.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it something, such as `STATUS=3 sensors, 1 of them silent`, which `systemctl status` shows.
    ///
    /// # Errors
    /// If it does not take it.
    pub fn tell(&self, state: &str) -> Result<(), SystemdError> {
        let sent = self.socket.send_to_addr(state.as_bytes(), &self.address);
        sent.map(drop).map_err(|cause| SystemdError::Socket { socket: self.name.clone(), cause })
    }
}

fn number(name: &'static str, value: Option<String>) -> Result<Option<u64>, SystemdError> {
    let Some(value) = value else { return Ok(None) };
    value.parse().map(Some).map_err(|_| SystemdError::Variable { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Option<Manager>, SystemdError> {
        let value = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        Manager::from_variables(value, 42)
    }

    #[test]
    fn started_by_hand_there_is_none() {
        assert!(from(&[]).unwrap().is_none());
        assert!(from(&[(SOCKET, ""), (LIMIT, "10000000")]).unwrap().is_none());
    }

    #[test]
    fn the_watchdog_counts_for_its_process_only() {
        let watchdog = |more: &[(&str, &str)]| {
            let variables = [&[(SOCKET, "/run/systemd/notify")], more].concat();
            from(&variables).unwrap().unwrap().watchdog()
        };
        assert_eq!(watchdog(&[]), None);
        assert_eq!(watchdog(&[(LIMIT, "10000000")]), Some(Duration::from_secs(10)));
        assert_eq!(watchdog(&[(LIMIT, "10000000"), (PROCESS, "42")]), Some(Duration::from_secs(10)));
        assert_eq!(watchdog(&[(LIMIT, "10000000"), (PROCESS, "43")]), None);
        assert_eq!(watchdog(&[(LIMIT, "0")]), None);
    }

    #[test]
    fn nonsense_is_named() {
        let error = from(&[(SOCKET, "/run/x"), (LIMIT, "so\non")]).unwrap_err().to_string();
        assert!(error.starts_with("invalid variable WATCHDOG_USEC=so\\non of the environment"), "{error}");
        let error = from(&[(SOCKET, "vsock:2:1")]).unwrap_err();
        assert!(error.to_string().starts_with("cannot tell systemd by the socket vsock:2:1; "), "{error}");
    }

    #[test]
    fn f13_the_whole_chain_is_said_once_where_main_prints_it() {
        let error = format!("{:?}", from(&[(SOCKET, "vsock:2:1")]).unwrap_err());
        assert!(error.ends_with(" needs the socket inside: neither a path nor an abstract name"), "{error}");
        assert_eq!(error.matches("neither a path").count(), 1);
    }

    #[test]
    fn what_is_told_arrives_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify").to_str().unwrap().to_owned();
        let name = format!("thingflow-test-{}", process::id());
        let addresses = [
            (path.clone(), SocketAddr::from_pathname(&path).unwrap()),
            (format!("@{name}"), SocketAddr::from_abstract_name(&name).unwrap()),
        ];
        for (socket, address) in addresses {
            let systemd = UnixDatagram::bind_addr(&address).unwrap();
            Manager::at(socket, None).unwrap().tell("STATUS=well").unwrap();
            let mut heard = [0; 99];
            let length = systemd.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], b"STATUS=well");
        }
    }

    #[test]
    fn a_manager_that_is_gone_is_an_error() {
        let error = Manager::at("/nowhere/notify", None).unwrap().tell("READY=1").unwrap_err().to_string();
        assert!(error.starts_with("cannot tell systemd by the socket /nowhere/notify; "), "{error}");
    }
}
