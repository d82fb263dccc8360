//! The Debian package: what is in it, and what comes of installing it where systemd runs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::booted::{Booted, lamp, settings};
use crate::process;

/// The builder of packages: the user's own, or the one that `scripts/setup-host.sh` has put aside.
fn cargo_deb() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("THINGFLOW_CACHE").or_else(|| {
        let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        Some(caches?.join("thingflow"))
    });
    let folders = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>().into_iter();
    let mut places = folders.chain(cache.map(|cache| cache.join("tools/bin"))).map(|folder| folder.join("cargo-deb"));
    let found = places.find(|place| place.exists());
    if found.is_none() {
        assert!(env::var_os("CI").is_none(), "no cargo-deb: `cargo xtask setup --deploy` installs it");
        println!("NOT TESTED: there is no cargo-deb here; `cargo xtask setup --deploy` installs it");
    }
    found
}

/// Packs this program in place of the example.
fn pack(cargo_deb: &Path, program: &Path, package: &Path) {
    let target = tempfile::tempdir().unwrap();
    fs::create_dir(target.path().join("release")).unwrap();
    fs::copy(program, target.path().join("release/lux-led")).unwrap();
    let mut command = process::command(&cargo_deb.to_string_lossy(), "--no-build --no-strip --locked -p lux-led -o");
    process::run(command.arg(package).env("CARGO_TARGET_DIR", target.path())).unwrap();
}

fn dpkg_deb(option: &str, package: &Path) -> String {
    let output = Command::new("dpkg-deb").arg(option).arg(package).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_package_brings_a_service_that_runs_until_it_is_removed() {
    let (Some(cargo_deb), Some(booted)) = (cargo_deb(), Booted::start()) else { return };
    let package = booted.folder().join("lux-led.deb");
    pack(&cargo_deb, &lamp(&booted), &package);
    let files = dpkg_deb("--contents", &package);
    assert!(files.contains(" ./usr/bin/lux-led\n"), "{files}");
    assert!(files.contains(" ./usr/lib/systemd/system/lux-led.service\n"), "{files}");
    let control = dpkg_deb("--field", &package);
    assert!(control.contains("Package: thingflow-lux-led\n") && control.contains("adduser"), "{control}");

    settings(&booted);
    // Some containers forbid services to be started; the third start of the lamp's is one that goes well.
    let (said, is_fine) = booted.run(
        "rm -f /usr/sbin/policy-rc.d; groupdel gpio; mkdir -p /var/lib/private/lux-led && cd /var/lib/private/lux-led &&
         touch 1 2 && dpkg --install /run/board/lux-led.deb && getent group gpio",
    );
    assert!(is_fine, "{said}");
    booted.expect(&["start 3", "lit"]);
    assert_eq!(booted.run("systemctl is-enabled lux-led").0, "enabled\n");
    let (said, is_fine) = booted.run("dpkg --remove thingflow-lux-led");
    assert!(is_fine, "{said}");
    booted.expect(&["dark", "ended"]);
}
