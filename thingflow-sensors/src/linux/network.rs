//! [`Network`]: what went through a network interface.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use procfs::FromRead;
use procfs::net::{DeviceStatus, InterfaceDeviceStatus};
use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::counter::Counter;
use super::error::parse;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity};

/// What went through a network interface since the last sampling: at one sampling a second, the rate per second.
///
/// - Unit: bytes, or errors; see [`NetworkValue`]. Whole numbers from 0 to 2⁶⁴, exact to 2⁵³.
/// - Source: `/proc/net/dev`. An interface that went away and came back counts from 0. [`total`](Self::total) gives the
///   kernel's counter itself.
///
/// ```
/// use thingflow_core::Sensor;
/// use thingflow_sensors::linux::{Network, NetworkValue};
/// let mut received = Network::new("lo-in", "lo", NetworkValue::ReceivedBytes)?;
/// assert!(received.sample()? >= 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Network {
    id: SensorId,
    path: PathBuf,
    interface: String,
    value: NetworkValue,
    counter: Counter,
}

/// What a [`Network`] sensor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkValue {
    /// Bytes received.
    ReceivedBytes,
    /// Bytes sent.
    SentBytes,
    /// Packets that were received or sent with an error, or dropped.
    Errors,
}

impl Network {
    /// A value of the interface, for example of `eth0`, from now on.
    ///
    /// # Errors
    /// If there is no such interface; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, interface: &str, value: NetworkValue) -> Result<Self, LinuxError> {
        Self::under("/", id, interface, value)
    }

    /// The names of the interfaces that there are, in alphabetical order.
    ///
    /// # Errors
    /// If `/proc` is not mounted.
    ///
    /// ```
    /// use thingflow_sensors::linux::Network;
    /// assert!(Network::interfaces()?.contains(&"lo".to_owned()));
    /// # Ok::<(), thingflow_sensors::linux::LinuxError>(())
    /// ```
    pub fn interfaces() -> Result<Vec<String>, LinuxError> {
        Ok(there(all(Path::new("/proc/net/dev"))?))
    }

    /// The kernel's counter itself, since the interface is there, in the place of what came since the last sampling: for
    /// databases that make rates of counters.
    #[must_use]
    pub fn total(self) -> Self {
        Self { counter: self.counter.total(), ..self }
    }

    /// A value of the machine whose root directory is `root`. `/proc/net` is that of the reading process: a container
    /// sees its own interfaces even there.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(
        root: impl AsRef<Path>,
        id: impl Into<SensorId>,
        interface: &str,
        value: NetworkValue,
    ) -> Result<Self, LinuxError> {
        let path = root.as_ref().join("proc/net/dev");
        let mut sensor = Self { id: id.into(), path, interface: interface.to_owned(), value, counter: Counter::from(0) };
        sensor.counter = Counter::from(sensor.count()?);
        Ok(sensor)
    }

    fn count(&self) -> Result<u64, LinuxError> {
        let all = all(&self.path)?;
        if let Some(status) = all.get(&self.interface) {
            return Ok(self.value.of(status));
        }
        Err(LinuxError::NotThere { what: format!("network interface `{}`", self.interface), there: there(all) })
    }
}

fn all(path: &Path) -> Result<HashMap<String, DeviceStatus>, LinuxError> {
    let InterfaceDeviceStatus(all) = parse(path, InterfaceDeviceStatus::from_read)?;
    Ok(all)
}

fn there(all: HashMap<String, DeviceStatus>) -> Vec<String> {
    let mut there: Vec<String> = all.into_keys().collect();
    there.sort();
    there
}

impl NetworkValue {
    const fn quantity(self) -> Quantity {
        match self {
            Self::ReceivedBytes => Counter::quantity("received", "bytes"),
            Self::SentBytes => Counter::quantity("sent", "bytes"),
            Self::Errors => Counter::quantity("errors", ""),
        }
    }

    fn of(self, status: &DeviceStatus) -> u64 {
        match self {
            Self::ReceivedBytes => status.recv_bytes,
            Self::SentBytes => status.sent_bytes,
            Self::Errors => [status.recv_errs, status.recv_drop, status.sent_errs, status.sent_drop]
                .into_iter()
                .fold(0, u64::saturating_add),
        }
    }
}

impl Measures for Network {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        [self.value.quantity()]
    }
}

impl Device for Network {
    type Reading = f64;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible(format_args!("{}, `{}`", self.path.display(), self.interface), value)
    }
}

impl DirectDevice for Network {
    fn measure(&mut self) -> Result<f64, SampleError<LinuxError>> {
        let now = self.count()?;
        Ok(self.counter.next(now))
    }
}

sensor!([] Network => f64, LinuxError);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::chips::specimen::{self, Fed};
    use proptest::prelude::*;
    use std::fs;
    use thingflow_core::Sensor;

    pub(crate) fn fed(number: &str) -> Fed {
        let root = tempfile::tempdir().unwrap();
        dev(root.path(), 1, 1);
        let received = Network::under(root.path(), "x", "eth0", NetworkValue::ReceivedBytes).unwrap();
        let text = format!("Inter-| Receive\n face |bytes\n  eth0: {number} 1 2 3 0 0 0 0 1 1 4 5 0 0 0 0\n");
        fs::write(root.path().join("proc/net/dev"), text).unwrap();
        specimen::direct(received)
    }

    fn dev(root: &Path, received: u64, sent: u64) {
        fs::create_dir_all(root.join("proc/net")).unwrap();
        let text = format!("Inter-| Receive\n face |bytes\n  eth0: {received} 1 2 3 0 0 0 0 {sent} 1 4 5 0 0 0 0\n");
        fs::write(root.join("proc/net/dev"), text).unwrap();
    }

    #[test]
    fn counts_since_the_last_sampling() {
        let root = tempfile::tempdir().unwrap();
        dev(root.path(), 1000, 10);
        let mut received = Network::under(root.path(), "in", "eth0", NetworkValue::ReceivedBytes).unwrap();
        let mut sent = Network::under(root.path(), "out", "eth0", NetworkValue::SentBytes).unwrap();
        dev(root.path(), 1500, 11);
        assert_eq!((received.sample().unwrap(), sent.sample().unwrap()), (500.0, 1.0));
        dev(root.path(), 20, 11);
        assert_eq!(received.sample().unwrap(), 20.0, "the interface began again");
        let mut total = Network::under(root.path(), "in", "eth0", NetworkValue::ReceivedBytes).unwrap().total();
        assert_eq!([total.sample().unwrap(), total.sample().unwrap()], [20.0; 2]);
    }

    proptest! {
        #[test]
        fn never_panics(text in "h\nh\n([a-z0-9: \n]|eth0: |99999999999999999999|ü){0,60}") {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir_all(root.path().join("proc/net")).unwrap();
            fs::write(root.path().join("proc/net/dev"), text).unwrap();
            let _ = Network::under(root.path(), "in", "eth0", NetworkValue::Errors);
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let root = tempfile::tempdir().unwrap();
        dev(root.path(), 0, 0);
        let error = Network::under(root.path(), "in", "wlan0", NetworkValue::Errors).unwrap_err();
        assert_eq!(error.to_string(), "no network interface `wlan0`; there is eth0");
    }
}
