//! [`Link`]: whether a network interface has a connection.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use thingflow_core::{SampleError, SensorId};

use super::LinuxError;
use super::sysfs::entries;
use crate::driver::{Device, DirectDevice, sensor};
use crate::{Measures, OutOfRange, Quantity, Values};

/// Whether a network interface has a connection: a cable to a switch that is on, a Wi-Fi network that has let it in.
///
/// - Source: `flags`, `carrier` and `operstate` in `/sys/class/net/INTERFACE`, see the kernel's
///   [documentation](https://docs.kernel.org/networking/operstates.html). Reading takes some microseconds.
/// - It says nothing of what is behind: an address, a route, a server that answers.
/// - An interface that is unplugged is a state too, and not a failure, even while it is read; it goes on when it is back.
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

    /// The state that its files tell, which `read` reads by their names.
    fn state(&self, read: impl Fn(&str) -> io::Result<String>) -> Result<LinkState, LinuxError> {
        let flags = match read("flags") {
            Err(error) if has_gone(&error) => return Ok(LinkState::Missing),
            flags => flags.map_err(LinuxError::unreadable(self.folder.join("flags")))?,
        };
        let number = flags.trim().strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| {
            let why = format_args!("expected a number such as 0x1003, found {flags:?}");
            LinuxError::malformed(self.folder.join("flags"), why)
        })?;
        if number & SWITCHED_ON == 0 {
            return Ok(LinkState::Off);
        }
        // Of an interface that is being switched off it cannot be read.
        let has_carrier = read("carrier").is_ok_and(|text| text.trim() == "1");
        let operstate = match read("operstate") {
            Err(error) if has_gone(&error) => return Ok(LinkState::Missing),
            operstate => operstate.map_err(LinuxError::unreadable(self.folder.join("operstate")))?,
        };
        Ok(match operstate.trim() {
            "up" => LinkState::Up,
            "dormant" => LinkState::Dormant,
            // Of a driver that does not say it, such as that of `lo`.
            "unknown" if has_carrier => LinkState::Up,
            _ => LinkState::Down,
        })
    }
}

/// Whether a file cannot be read since the interface goes away or has gone: its file is not there any more, or was opened before
/// (`ENODEV`), or the kernel has begun to take the interface away (`EINVAL`).
fn has_gone(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NODEV | Errno::INVAL))
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
        Ok(self.state(|name| fs::read_to_string(self.folder.join(name)))?)
    }
}

sensor!([] Link => LinkState, LinuxError);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

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
    fn an_interface_that_vanishes_while_it_is_read_is_missing() {
        let root = machine(&[("flags", "0x1003\n"), ("carrier", "1\n"), ("operstate", "up\n")]);
        let link = Link::under(root.path(), "modem", "wlan0").unwrap();
        for gone in [Errno::NODEV, Errno::INVAL, Errno::NOENT] {
            for (first, expected) in [
                ("flags", LinkState::Missing),
                ("carrier", LinkState::Missing),
                ("operstate", LinkState::Missing),
                ("none", LinkState::Up),
            ] {
                // From this file on none can be read.
                let is_gone = Cell::new(false);
                let read = |name: &str| {
                    is_gone.set(is_gone.get() || name == first);
                    if is_gone.get() { Err(gone.into()) } else { fs::read_to_string(link.folder.join(name)) }
                };
                assert_eq!(link.state(read).unwrap(), expected, "{gone} at {first}");
            }
        }
        let refused = link.state(|_| Err(Errno::ACCESS.into())).unwrap_err().to_string();
        assert!(refused.contains("flags cannot be read"), "{refused}");
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
