//! [`Unit`]: the service that a program becomes on a board.

use std::fs;

use crate::{Result, process};

/// A service of systemd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The program's name, which is also the example's.
    pub(super) name: String,
    pub(super) description: String,
    /// Whether the program tells systemd that it is up and well.
    pub(super) notifies: bool,
    /// The folder of the program.
    folder: &'static str,
}

const TEMPLATE: &str = include_str!("service");

/// Those that give devices on Raspberry Pi OS; serial ports are `dialout`.
const GROUPS: &str = "gpio i2c spi dialout";

/// Started is what has said so; what is silent for so long hangs. It gets a SIGTERM, since its pins may still be saved.
const NOTIFYING: &str = "Type=notify\nWatchdogSec=10\nWatchdogSignal=SIGTERM";
const SILENT: &str = "Type=exec";

impl Unit {
    /// The service of an example, as its manifest describes it.
    pub(super) fn of_example(name: &str) -> Result<Self> {
        let path = process::root().join("examples").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(&path).map_err(|_| format!("there is no example `{name}` in examples/"))?;
        Ok(Self::of_manifest(name, &manifest))
    }

    fn of_manifest(name: &str, manifest: &str) -> Self {
        let quoted = |key: &str| {
            let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='))?;
            Some(line.trim().trim_matches('"').to_owned())
        };
        Self {
            name: name.to_owned(),
            description: quoted("description").unwrap_or_else(|| name.to_owned()),
            notifies: manifest.lines().any(|line| line.starts_with("systemd = ")),
            folder: "/usr/local/bin",
        }
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.service", self.name)
    }

    /// The text of the unit's file.
    pub(super) fn text(&self) -> String {
        let values = [
            ("{unit}", self.file_name()),
            ("{description}", self.description.clone()),
            ("{start}", if self.notifies { NOTIFYING } else { SILENT }.to_owned()),
            ("{program}", format!("{}/{}", self.folder, self.name)),
            ("{groups}", GROUPS.to_owned()),
            ("{name}", self.name.clone()),
        ];
        values.iter().fold(TEMPLATE.to_owned(), |text, (place, value)| text.replace(place, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_unit_comes_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\ndescription = \"A lamp\"\n[features]\nsystemd = [\"a/systemd\"]\n";
        let unit = Unit::of_manifest("x", manifest);
        assert!(unit.notifies && unit.description == "A lamp");
        let text = unit.text();
        assert!(text.contains("\nExecStart=/usr/local/bin/x\n") && text.contains("\nWatchdogSec=10\n"), "{text}");
        assert!(!text.contains('{'), "{text}");
        let silent = Unit::of_manifest("x", "").text();
        assert!(silent.contains("\nType=exec\n") && !silent.contains("WatchdogSec"), "{silent}");
    }

    /// The package of `cargo-deb` has a unit of its own, which must not lag behind.
    #[test]
    fn the_package_has_the_same_unit() {
        let folder = process::root().join("examples/lux-led/debian");
        let packaged = fs::read_to_string(folder.join("lux-led.service")).unwrap();
        let packaged: Vec<&str> = packaged.lines().skip(1).collect();
        let unit = Unit { folder: "/usr/bin", ..Unit::of_example("lux-led").unwrap() };
        assert_eq!(packaged, unit.text().lines().skip(1).collect::<Vec<_>>());
    }

    #[test]
    fn systemd_understands_every_line() {
        let folder = tempfile::tempdir().unwrap();
        let unit = Unit { name: "true".into(), folder: "/bin", ..Unit::of_example("lux-led").unwrap() };
        let path = folder.path().join(unit.file_name());
        fs::write(&path, unit.text()).unwrap();
        let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output();
        let Ok(verified) = verified else {
            println!("NOT TESTED: there is no systemd-analyze on this machine");
            return;
        };
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        // Other units of this machine are not ours to judge; before 254 the steps are unknown, and ignored.
        let ours = said.lines().filter(|line| line.contains("true.service"));
        let complaints: Vec<&str> =
            ours.filter(|line| !["RestartSteps", "RestartMaxDelaySec"].iter().any(|key| line.contains(key))).collect();
        assert_eq!(complaints, [""; 0]);
    }
}
