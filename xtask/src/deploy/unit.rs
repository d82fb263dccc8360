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
    /// Where this very text comes from: the unit's first line.
    pub(super) build: String,
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
            build: name.to_owned(),
            folder: "/usr/local/bin",
        }
    }

    /// Notes what is about to be installed, to be found on the board by `systemctl cat`.
    pub(super) fn built(mut self, features: &[String]) -> Self {
        let mut git = process::command("git", "describe --always --dirty=-changed --exclude=*");
        let commit = git.output().ok().filter(|output| output.status.success());
        let commit =
            commit.map_or("unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let with = if features.is_empty() { "none".into() } else { features.join(",") };
        self.build = format!("{} {}, commit {commit}, features {with}", self.name, env!("CARGO_PKG_VERSION"));
        self
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.service", self.name)
    }

    /// The text of the unit's file.
    pub(super) fn text(&self) -> String {
        let values = [
            ("{build}", self.build.clone()),
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

    #[test]
    fn what_is_installed_is_noted() {
        let unit = Unit::of_manifest("x", "").built(&["gpio".into(), "systemd".into()]);
        let first = unit.text().lines().next().unwrap().to_owned();
        assert!(first.starts_with(concat!("# x ", env!("CARGO_PKG_VERSION"), ", commit ")), "{first}");
        assert!(first.contains(", features gpio,systemd; "), "{first}");
    }

    /// The package of `cargo-deb` and the template have units of their own, which must not lag behind. They do not know which
    /// systemd they will meet.
    #[test]
    fn the_package_and_the_template_have_the_same_unit() {
        let check = |path: &str, unit: &Unit| {
            let copy = fs::read_to_string(process::root().join(path)).unwrap();
            let text = unit.text().replace("\nRestartSec=1\n", "\nRestartSec=30\n");
            assert_eq!(copy.lines().skip(1).collect::<Vec<_>>(), text.lines().skip(1).collect::<Vec<_>>(), "{path}");
        };
        let packaged = Unit { folder: "/usr/bin", ..Unit::of_example("lux-led").unwrap() };
        check("examples/lux-led/debian/lux-led.service", &packaged);
        let manifest = fs::read_to_string(process::root().join("template/Cargo.toml")).unwrap();
        let template = Unit { notifies: true, ..Unit::of_manifest("my-flow", &manifest) };
        check("template/my-flow.service", &template);
    }
}
