//! [`Fakes`]: commands that only note what they are told; [`Server`]: a board that has these.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::super::board::INSTALL;
use super::{Board, Built, unit};
use crate::process;

const SSHD: &str = "/usr/sbin/sshd";

/// A folder with commands in `bin`, what they were told in `told`, and a root to install in.
pub(super) struct Fakes(TempDir);

impl Fakes {
    /// In a system with this version of systemd. `restart` runs the program to its end.
    pub(super) fn new(version: &str) -> Self {
        let fakes = Self(tempfile::tempdir().unwrap());
        let here = fakes.folder().display();
        let note = format!("echo \"${{0##*/}} $*\" >> {here}/told");
        let systemctl = format!(
            "[ \"$1\" != --version ] || {{ echo 'systemd {version} ({version}.1-1)'; exit; }}\n{note}\n\
             [ \"$1\" != restart ] || {here}/root/usr/local/bin/${{2%.service}} >> {here}/told"
        );
        let journalctl = format!("{note}\necho \"what ${{3#--unit=}} has logged\"");
        let getent = "[ \"$2\" = gpio ] || [ \"$2\" = i2c ]".to_owned();
        for folder in ["bin", "tmp"] {
            fs::create_dir(fakes.folder().join(folder)).unwrap();
        }
        for (name, script) in
            [("systemctl", systemctl), ("journalctl", journalctl), ("sudo", "exec \"$@\"".into()), ("getent", getent)]
        {
            write_program(&fakes.folder().join("bin").join(name), &script);
        }
        fakes
    }

    pub(super) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn root(&self) -> String {
        format!("{}/root", self.folder().display())
    }

    fn path(&self) -> String {
        format!("{}/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.folder().display())
    }

    /// Writes a program to be installed.
    pub(super) fn program(&self, script: &str) -> PathBuf {
        let path = self.folder().join("built");
        write_program(&path, script);
        path
    }

    /// The same, as it comes of a build.
    pub(super) fn built(&self, script: &str) -> Built {
        Built { program: self.program(script), safe_lines: None }
    }

    /// Runs what is run on a board, without ssh; returns what it said, and whether it went well.
    pub(super) fn install(&self, script: &str) -> (String, bool) {
        self.install_as(&unit().text(), script)
    }

    /// The same with this text of its unit.
    pub(super) fn install_as(&self, unit: &str, script: &str) -> (String, bool) {
        let (mut command, _copied) = self.installing(unit, script);
        let output = command.output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.success())
    }

    /// What installs it, in a folder with what was copied.
    pub(super) fn installing(&self, unit: &str, script: &str) -> (Command, TempDir) {
        let copied = tempfile::tempdir().unwrap();
        fs::copy(self.program(script), copied.path().join("lux-led")).unwrap();
        fs::write(copied.path().join("lux-led.service"), unit).unwrap();
        fs::write(copied.path().join("install.sh"), INSTALL).unwrap();
        let mut command = process::command("sh", "install.sh lux-led");
        command.arg(self.root()).current_dir(copied.path()).env("PATH", self.path());
        (command, copied)
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder().join(path)).unwrap_or_default()
    }

    /// What the commands were told.
    pub(super) fn told(&self) -> Vec<String> {
        self.read("told").lines().map(str::to_owned).collect()
    }

    /// How many scratch folders there still are.
    pub(super) fn left_behind(&self) -> usize {
        fs::read_dir(self.folder().join("tmp")).unwrap().count()
    }
}

pub(super) fn write_program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A server that is ended with the test. It greets before it does what it is told, as some boards do.
pub(super) struct Server {
    child: Child,
    port: u16,
    pub(super) fakes: Fakes,
}

impl Server {
    /// None where there is no SSH server, which is an error in CI.
    pub(super) fn start() -> Option<Self> {
        if !fs::exists(SSHD).unwrap() {
            assert!(env::var_os("CI").is_none(), "no SSH server: `cargo xtask setup --deploy` installs it");
            println!("NOT TESTED: there is no SSH server here; `cargo xtask setup --deploy` installs one");
            return None;
        }
        let fakes = Fakes::new("254");
        for key in ["host", "user"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(fakes.folder().join(key));
            process::run(&mut keygen).unwrap();
        }
        drop(fs::create_dir("/run/sshd")); // a server of root's wants it
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (here, path) = (fakes.folder().display(), fakes.path());
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {here}/host\nAuthorizedKeysFile {here}/user.pub\nPidFile none\n\
             UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nLogLevel INFO\n\
             SetEnv PATH={path} TMPDIR={here}/tmp\nForceCommand echo Welcome.; eval \"$SSH_ORIGINAL_COMMAND\"\n"
        );
        fs::write(fakes.folder().join("config"), config).unwrap();
        let mut command = Command::new(SSHD);
        command.args(["-D", "-e", "-f"]).arg(fakes.folder().join("config"));
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = said.next().unwrap().unwrap();
        assert!(first.contains("Server listening"), "{first}");
        std::thread::spawn(move || said.for_each(drop)); // it must not block on what nobody reads
        Some(Self { child, port, fakes })
    }

    pub(super) fn board(&self) -> Board {
        let here = self.fakes.folder().display();
        let options = [
            format!("Port={}", self.port),
            format!("IdentityFile={here}/user"),
            format!("UserKnownHostsFile={here}/known"),
            "IdentitiesOnly=yes".into(),
            "StrictHostKeyChecking=no".into(),
            "BatchMode=yes".into(),
        ];
        let options =
            ["-F".into(), "none".into()].into_iter().chain(options.into_iter().flat_map(|it| ["-o".into(), it]));
        Board { host: "127.0.0.1".into(), options: options.collect() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
