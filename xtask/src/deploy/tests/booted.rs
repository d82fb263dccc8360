//! The same with the real systemd: the first process of a small system of its own, see `boot.sh`.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::super::board::{INSTALL, REMOVE};
use super::fakes::write_program;
use super::{lamp, unit};
use crate::process;

/// What is needed, all of which a package brings.
const PROGRAMS: [&str; 5] =
    ["/lib/systemd/systemd", "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/setpriv", "/usr/bin/systemctl"];

/// How long anything may take on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

const NAMESPACES: &str = "--mount --uts --ipc --pid --cgroup --fork";

/// A system with systemd. It ends, with all that runs in it, when it is dropped.
pub(super) struct Booted {
    child: Child,
    /// The first process, by its number here.
    first: Option<String>,
    folder: TempDir,
    told: UnixDatagram,
}

impl Booted {
    /// None where it cannot be had. In CI that is an error, unless it is the machine that does not allow it.
    pub(super) fn start() -> Option<Self> {
        if let Some(missing) = PROGRAMS.into_iter().find(|path| !fs::exists(path).unwrap()) {
            assert!(env::var_os("CI").is_none(), "no {missing}: `cargo xtask setup --deploy` installs it");
            println!("NOT TESTED: there is no {missing} here; `cargo xtask setup --deploy` installs it");
            return None;
        }
        let allowed = process::command("unshare", NAMESPACES).args(["mount", "-t", "tmpfs", "tmpfs", "/tmp"]).output();
        if !allowed.unwrap().status.success() {
            println!("NOT TESTED: systemd for a test needs root's rights, and a container needs to be privileged");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let socket = |name: &str| {
            let path = folder.path().join(name);
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
            socket
        };
        let (up, told) = (socket("up"), socket("told"));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for (name, script) in [("boot.sh", include_str!("boot.sh")), ("install.sh", INSTALL), ("remove.sh", REMOVE)] {
            fs::write(folder.path().join(name), script).unwrap();
        }
        let mut command = process::command("setpriv", "--pdeathsig KILL sh"); // nothing stays when this test is killed
        command.arg(folder.path().join("boot.sh")).arg(folder.path()).stdin(Stdio::null());
        command.stderr(fs::File::create(folder.path().join("errors")).unwrap());
        let mut booted = Self { child: command.spawn().unwrap(), first: None, folder, told };
        while !booted.heard(&up).starts_with("READY=1") {}
        let pid = booted.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        booted.first = Some(children.trim().to_owned());
        Some(booted)
    }

    /// What is `/run/board` in it.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a line as root in it, in `/run/board`; returns what it said, and whether it went well.
    pub(super) fn run(&self, line: &str) -> (String, bool) {
        let mut command = process::command("nsenter", "--all --target");
        command.args([self.first.as_ref().unwrap(), "sh", "-c", &format!("exec 2>&1; cd /run/board; {line}")]);
        let output = command.output().unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
    }

    /// The next things the program tells.
    pub(super) fn expect(&self, expected: &[&str]) {
        for what in expected {
            assert_eq!(self.heard(&self.told), *what, "{}", self.state());
        }
    }

    /// How the runs of the service have ended, as systemd sees it.
    fn results(&self) -> String {
        fs::read_to_string(self.folder().join("results")).unwrap_or_default()
    }

    fn heard(&self, socket: &UnixDatagram) -> String {
        let mut buffer = [0; 999];
        loop {
            match socket.recv(&mut buffer) {
                Ok(length) => return String::from_utf8_lossy(&buffer[..length]).into_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {} // this process was stopped and goes on
                Err(error) => panic!("nothing was told for long: {error}\n{}", self.state()),
            }
        }
    }

    /// For those who look why a test fails.
    fn state(&self) -> String {
        let errors = fs::read_to_string(self.folder().join("errors")).unwrap_or_default();
        if self.first.is_none() { errors } else { self.run("systemctl status lux-led").0 + &self.results() }
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // With the first process all others end; whoever waits for that one then ends too.
        let killed = self.first.as_ref().map(|first| Command::new("kill").args(["-KILL", first]).status());
        if !matches!(killed, Some(Ok(status)) if status.success()) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
        let groups = fs::read_to_string(self.folder().join("cgroups")).unwrap_or_default();
        groups.lines().for_each(|group| remove_group(Path::new(group)));
    }
}

/// A control group goes when those in it have gone.
fn remove_group(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    drop(fs::remove_dir(path));
}

/// Writes a program that is the service.
pub(super) fn lamp(booted: &Booted) -> PathBuf {
    fs::copy(env::current_exe().unwrap(), booted.folder().join("tests")).unwrap();
    let path = booted.folder().join("lamp");
    write_program(&path, &format!("exec /run/board/tests {}", lamp::WORDS));
    path
}

/// Puts what is to be installed into the folder, and what the lamp needs to tell.
fn copy(booted: &Booted, program: &Path) {
    fs::copy(program, booted.folder().join("lux-led")).unwrap();
    fs::write(booted.folder().join("lux-led.service"), unit().text()).unwrap();
}

/// Settings of the lamp's, and a short wait before it is started again.
pub(super) fn settings(booted: &Booted) {
    let (said, is_fine) = booted.run(&format!(
        "results='ExecStopPost=+/bin/sh -c \"echo $$SERVICE_RESULT $$EXIT_STATUS >> /run/board/results\"'
         echo {}=/run/board/told > /etc/default/lux-led && mkdir -p /etc/systemd/system/lux-led.service.d &&
         printf '[Service]\\nRestartSec=1\\n%s\\n' \"$results\" > /etc/systemd/system/lux-led.service.d/soon.conf",
        lamp::TOLD_AT
    ));
    assert!(is_fine, "{said}");
}

#[test]
fn systemd_ends_what_hangs_restarts_what_fails_and_keeps_what_works() {
    let Some(booted) = Booted::start() else { return };
    settings(&booted);
    copy(&booted, &lamp(&booted));
    let (said, is_fine) = booted.run("sh install.sh lux-led");
    assert!(is_fine, "{said}{}", booted.state());
    booted.expect(&["start 1", "lit", "blocks", "asked to end", "dark", "ended"]);
    booted.expect(&["start 2", "lit", "dark", "failed", "start 3", "lit"]);
    assert_eq!(booted.results(), "watchdog 0\nexit-code 101\n");

    write_program(&booted.folder().join("bad"), "exit 1");
    copy(&booted, &booted.folder().join("bad"));
    let (said, is_fine) = booted.run("sh install.sh lux-led");
    assert!(!is_fine && said.ends_with("the one before it was put back, and runs\n"), "{said}");
    booted.expect(&["dark", "ended", "start 4", "lit"]);

    let (said, is_fine) = booted.run("sh remove.sh lux-led");
    booted.expect(&["dark", "ended"]);
    assert!(is_fine && said.contains("/etc/default/lux-led stays"), "{said}");
    assert!(!booted.run("systemctl cat lux-led").1);
}
