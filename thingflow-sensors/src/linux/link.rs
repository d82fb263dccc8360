//! [`Link`]: whether a network interface has a connection.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::{entries, text};
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity, Values};

/// Whether a network interface has a connection: a cable to a switch that is on, a Wi-Fi network that has let it in.
///
/// - Source: `flags`, `carrier` and `operstate` in `/sys/class/net/INTERFACE`, see the kernel's
///   [documentation](https://docs.kernel.org/networking/operstates.html). Reading takes some microseconds.
/// - It says nothing of what is behind: an address, a route, a server that answers.
/// - An interface that is unplugged is a state too, and not a failure; it goes on when it is back.
///
/// ```no_run
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_sensors::linux::{Link, LinkState};
/// let mut scheduler = Scheduler::new()?;
/// scheduler.schedule_sensor(Link::new("wifi", "wlan0")?, Duration::from_secs(1), |link| {
///     link.map(|event| event.val).dedup().for_each(|state| println!("Wi-Fi: {state:?}"));
/// })?;
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Link {
    id: SensorId,
    folder: PathBuf,
}

/// How it stands with a [`Link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LinkState {
    /// There is no such interface now.
    Missing,
    /// It is switched off (`ip link set … down`).
    Off,
    /// It is on, and there is no connection: no cable, no network, a switch without power.
    Down,
    /// There is a connection which may not be used yet: a Wi-Fi network that has not let it in.
    Dormant,
    /// Packets can go.
    Up,
}

impl LinkState {
    /// Whether packets can go.
    pub fn is_up(self) -> bool {
        self == Self::Up
    }
}

/// `IFF_UP` of `linux/if.h`.
const SWITCHED_ON: u32 = 1;

impl Link {
    /// The link of an interface, such as `eth0`.
    ///
    /// # Errors
    /// If there is no such interface; the text lists those there are.
    pub fn new(id: impl Into<SensorId>, interface: &str) -> Result<Self, LinuxError> {
        Self::under("/", id, interface)
    }

    /// The link of the machine whose root directory is `root`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn under(root: impl AsRef<Path>, id: impl Into<SensorId>, interface: &str) -> Result<Self, LinuxError> {
        let all = root.as_ref().join("sys/class/net");
        // Besides them there may be the file `bonding_masters`.
        let interfaces = entries(&all, "", "").into_iter().filter(|(_, path)| path.is_dir());
        let there: Vec<String> = interfaces.map(|(name, _)| name).collect();
        if there.iter().any(|name| name == interface) {
            return Ok(Self { id: id.into(), folder: all.join(interface) });
        }
        Err(LinuxError::NotThere { what: format!("network interface `{interface}`"), there })
    }

    fn state(&self) -> Result<LinkState, LinuxError> {
        let path = self.folder.join("flags");
        let flags = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(LinkState::Missing),
            flags => flags.map_err(LinuxError::unreadable(&path))?,
        };
        let number = flags.trim().strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let wrong = || LinuxError::malformed(&path, format_args!("expected a number such as 0x1003, found {flags:?}"));
        if number.ok_or_else(wrong)? & SWITCHED_ON == 0 {
            return Ok(LinkState::Off);
        }
        // Of an interface that is being switched off it cannot be read.
        let has_carrier = text(&self.folder.join("carrier")).as_deref() == Some("1");
        Ok(match text(&self.folder.join("operstate")).as_deref() {
            Some("up") => LinkState::Up,
            Some("dormant") => LinkState::Dormant,
            // Of a driver that does not say it, such as that of `lo`.
            Some("unknown") | None if has_carrier => LinkState::Up,
            _ => LinkState::Down,
        })
    }
}

/// It has no number that could be out of range.
impl Values for LinkState {
    fn try_each<E>(&mut self, _: &mut dyn FnMut(usize, f64) -> Result<f64, E>) -> Result<(), E> {
        Ok(())
    }
}

impl Measures for Link {
    fn quantities(&self) -> impl AsRef<[Quantity]> {
        const NONE: [Quantity; 0] = [];
        NONE
    }
}

impl Device for Link {
    type Reading = LinkState;
    type Error = LinuxError;

    fn refuse(&self, value: OutOfRange) -> LinuxError {
        LinuxError::impossible("a link", value)
    }
}

impl DirectDevice for Link {
    fn measure(&mut self) -> Result<LinkState, SampleError<LinuxError>> {
        Ok(self.state()?)
    }
}

sensor!([] Link => LinkState, LinuxError);

#[cfg(test)]
mod tests {
    use thingflow_core::Sensor;

    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/class/net/wlan0");
        fs::create_dir_all(&folder).unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        root
    }

    #[test]
    fn mp12_each_state_is_what_the_kernel_means_by_it() {
        for (flags, carrier, operstate, expected) in [
            ("0x1003\n", "1\n", "up\n", LinkState::Up),
            ("0x1003\n", "0\n", "down\n", LinkState::Down),
            ("0x1003\n", "0\n", "lowerlayerdown\n", LinkState::Down),
            ("0x1003\n", "1\n", "dormant\n", LinkState::Dormant),
            ("0x9\n", "1\n", "unknown\n", LinkState::Up),
            ("0x1003\n", "0\n", "unknown\n", LinkState::Down),
            ("0x1003\n", "1\n", "testing\n", LinkState::Down),
            ("0x1002\n", "0\n", "down\n", LinkState::Off),
        ] {
            let root = machine(&[("flags", flags), ("carrier", carrier), ("operstate", operstate)]);
            let state = Link::under(root.path(), "wifi", "wlan0").unwrap().sample().unwrap();
            assert_eq!((state, state.is_up()), (expected, expected == LinkState::Up), "{flags} {carrier} {operstate}");
        }
    }

    #[test]
    fn mp12_an_interface_that_is_unplugged_is_missing_and_comes_back() {
        let root = machine(&[("flags", "0x1003\n"), ("operstate", "up\n")]);
        let mut link = Link::under(root.path(), "wifi", "wlan0").unwrap();
        let folder = root.path().join("sys/class/net/wlan0");
        fs::rename(&folder, root.path().join("gone")).unwrap();
        assert_eq!(link.sample().unwrap(), LinkState::Missing);
        fs::rename(root.path().join("gone"), &folder).unwrap();
        assert_eq!(link.sample().unwrap(), LinkState::Up);
        for nonsense in ["", "up", "0x", "0xfffffffffffffffff", "1003"] {
            fs::write(folder.join("flags"), nonsense).unwrap();
            let error = link.sample().unwrap_err().to_string();
            assert!(error.contains("expected a number"), "{error}");
        }
    }

    #[test]
    fn a_wrong_name_is_answered_with_those_there_are() {
        let root = machine(&[]);
        fs::write(root.path().join("sys/class/net/bonding_masters"), "").unwrap(); // is none
        for name in ["eth0", "", "../net/wlan0", "bonding_masters"] {
            let error = Link::under(root.path(), "x", name).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("no network interface `{name}`")) && error.ends_with("wlan0"),
                "{error}"
            );
        }
        assert!(Link::new("lo", "lo").unwrap().sample().unwrap().is_up());
    }
}
