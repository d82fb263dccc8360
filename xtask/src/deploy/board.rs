//! [`Board`]: a machine that is reached by ssh, over one [`Connection`] for everything that is done there.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Built;
use super::program::THIS;
use super::unit::{SAFE_LINES, Unit};
use crate::Result;
use crate::name::Name;

/// What runs on the board, as root, beside what was copied.
pub(super) const INSTALL: &str = include_str!("install.sh");
pub(super) const REMOVE: &str = include_str!("remove.sh");

/// What an answer begins after: the board may greet whoever logs in.
const MARK: &str = "--- thingflow deploy ---";

/// Tells which programs the board runs, by the names of its processor in Debian and in the kernel.
pub(super) const KIND: &str = "dpkg --print-architecture 2> /dev/null; uname -m";

/// What ssh exits with when it is not the command that has ended.
const LOST: i32 = 255;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Board {
    /// As ssh takes it: `pi@raspberrypi.local`.
    pub(super) host: String,
    /// What ssh is told beside the host.
    pub(super) options: Vec<String>,
}

/// One login, so one password, that all commands share. Ends when dropped.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    board: &'a Board,
    /// Holds the socket by which commands find the login.
    folder: TempDir,
}

impl Board {
    pub(super) fn connect(&self) -> Result<Connection<'_>> {
        let connection = Connection { board: self, folder: tempfile::tempdir()? };
        let said = connection.folder.path().join("said");
        let mut login = connection.ssh();
        // It outlives a long build, and not for ever if nobody ends it.
        login.args(["-o", "ControlMaster=yes", "-o", "ControlPersist=15m", "-o", "ConnectTimeout=15", "-f", "-N"]);
        // A file: a pipe would stay open as long as the login does.
        login.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
        let status = login.arg(&self.host).status().map_err(|error| format!("ssh does not start: {error}"))?;
        let said = String::from_utf8_lossy(&fs::read(&said)?).trim().to_owned();
        if !status.success() {
            return Err(format!("it cannot be reached: {said}; try `ssh {}` by hand", self.host).into());
        }
        if !said.is_empty() {
            eprintln!("{said}");
        }
        Ok(connection)
    }
}

impl Connection<'_> {
    /// Which programs it runs, by the names of its processor in Debian and in the kernel.
    pub(super) fn kind(&self) -> Result<String> {
        let architecture = self.ask(KIND, Stdio::null())?;
        let words: Vec<&str> = architecture.split_whitespace().collect();
        let kind = match words.as_slice() {
            [.., "armv6l"] => Ok("armv6"), // its Debian may be `armhf`, too
            ["arm64", ..] | ["aarch64"] => Ok("aarch64"),
            ["armhf", ..] | ["armv7l"] => Ok("armv7"),
            [.., "x86_64"] => Ok(THIS),
            _ => Err("no board of that kind is known; give --target"),
        };
        kind.map(str::to_owned).map_err(|why| format!("`{}`: {why}", words.join(" ")).into())
    }

    /// Copies the program and its unit there, and the command that its unit calls, and installs all of it.
    pub(super) fn install(&self, unit: &Unit, built: &Built, prefix: &str) -> Result {
        let files = tempfile::tempdir()?;
        fs::copy(&built.program, files.path().join(unit.name.as_str()))?;
        if let Some(command) = &built.safe_lines {
            fs::copy(command, files.path().join(SAFE_LINES))?;
        }
        fs::write(files.path().join(unit.file_name()), unit.text())?;
        fs::write(files.path().join("install.sh"), INSTALL)?;
        let done = self.run_there(files.path(), &["install.sh", unit.name.as_str(), prefix]);
        done.map_err(|error| format!("{} was not installed: {error}", unit.name).into())
    }

    pub(super) fn remove(&self, name: &Name, prefix: &str) -> Result {
        let files = tempfile::tempdir()?;
        fs::write(files.path().join("remove.sh"), REMOVE)?;
        let done = self.run_there(files.path(), &["remove.sh", name.as_str(), prefix]);
        done.map_err(|error| format!("{name} was not removed: {error}").into())
    }

    /// Shows the service's log until it is interrupted.
    pub(super) fn show_log(&self, unit: &Unit) -> Result {
        let show = format!("journalctl --follow --lines=20 {}", quoted(&format!("--unit={}", unit.file_name())));
        let done = self.run(&format!("trap 'exit 0' INT; {show}; exit $?"));
        done.map_err(|error| format!("the log is not shown: {error}").into())
    }

    /// Copies these files into a new folder and has root run one of them in it, with the words behind its name. The folder
    /// does not stay, come what may.
    fn run_there(&self, files: &Path, script: &[&str]) -> Result {
        let mut tar =
            Command::new("tar").arg("-cC").arg(files).args(["-f", "-", "."]).stdout(Stdio::piped()).spawn()?;
        let archive = tar.stdout.take().expect("it was piped");
        let unpack = "folder=$(mktemp -d) && { tar -xof - -C \"$folder\" && echo \"$folder\" || { rm -rf \"$folder\"; exit 1; }; }";
        let folder = self.ask(unpack, archive);
        let packed = tar.wait()?;
        let folder = folder?;
        if !packed.success() || !folder.starts_with('/') {
            let said = folder.escape_debug();
            return Err(format!("the files cannot be copied ({packed}); the board said `{said}`").into());
        }
        let clean = r#"trap 'cd /; rm -rf "$folder"' EXIT; trap 'exit 1' HUP INT TERM"#;
        let root = r#"root=; [ "$(id -u)" = 0 ] || root=sudo"#;
        let words = script.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        self.run(&format!("folder={}; {clean}; cd \"$folder\" && {{ {root}; $root sh {words}; }}", quoted(&folder)))
    }

    /// Runs it there with this terminal, if this is one: sudo may ask for a password, and Ctrl-C arrives there.
    fn run(&self, script: &str) -> Result {
        let mut command = self.ssh();
        command.args(["-o", "LogLevel=ERROR"]); // else it tells about each end of a command
        if io::stdin().is_terminal() {
            command.arg("-t");
        }
        match command.args([&self.board.host, &in_sh(script)]).status()?.code() {
            Some(0) => Ok(()),
            Some(LOST) => Err("the connection is lost".into()),
            _ => Err("the board says why, above".into()),
        }
    }

    /// What it says to this.
    fn ask(&self, script: &str, input: impl Into<Stdio>) -> Result<String> {
        let script = in_sh(&format!("echo '{MARK}'; {script}"));
        let output = self.ssh().args([&self.board.host, &script]).stdin(input).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.rsplit_once(MARK) {
            Some((_, answer)) if output.status.success() => Ok(answer.trim().to_owned()),
            _ => Err(String::from_utf8_lossy(&output.stderr).trim().into()),
        }
    }

    fn ssh(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(&self.board.options).arg("-o").arg(format!("ControlPath={}/login", self.folder.path().display()));
        command
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        let mut end = self.ssh();
        end.args(["-O", "exit", &self.board.host]).stdout(Stdio::null()).stderr(Stdio::null());
        drop(end.status()); // one that has ended by itself is as good
    }
}

/// A line for whatever shell the user has there.
fn in_sh(script: &str) -> String {
    format!("sh -c {}", quoted(script))
}

/// A word that any shell reads as this text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
