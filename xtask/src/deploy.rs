//! `deploy`: builds an example for a board, copies it there over ssh, installs it as a service and shows its log.

mod unit;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cross::{self, Linked, Target};
use crate::{Result, process};
use unit::Unit;

const USAGE: &str = "usage: cargo xtask deploy --host USER@HOST --example NAME [--target aarch64|armv7|armv6|this] \
                     [--features A,B] [--port N] [--prefix FOLDER] [--no-log]";

/// What runs on the board to install what was copied.
const INSTALL: &str = include_str!("deploy/install.sh");

/// What the words of the command line ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    board: Board,
    example: String,
    /// The kind of board; asked of the board if not given.
    target: Option<String>,
    features: Vec<String>,
    /// What is put before the paths of installed files, to try it out.
    prefix: String,
    no_log: bool,
}

pub(crate) fn run(words: &[String]) -> Result {
    let asked = parse(words)?;
    let unit = Unit::of_example(&asked.example)?;
    if !unit.notifies {
        println!("{} has no feature `systemd`: nobody notices when it hangs", asked.example);
    }
    let kind = asked.target.clone().map_or_else(|| asked.board.kind(), Ok)?;
    let mut features = asked.features.clone();
    features.extend(unit.notifies.then(|| "systemd".to_owned()));
    let program = build(&kind, &asked.example, &features)?;
    asked.board.install(&unit, &program, &asked.prefix)?;
    if asked.no_log { Ok(()) } else { asked.board.show_log(&unit) }
}

fn parse(words: &[String]) -> Result<Asked> {
    let mut asked = Asked::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--no-log" {
            asked.no_log = true;
            continue;
        }
        let value = rest.next().ok_or(USAGE)?.clone();
        match word.as_str() {
            "--host" => asked.board.host = value,
            "--port" => asked.board.options.extend(["-o".to_owned(), format!("Port={value}")]),
            "--example" => asked.example = value,
            "--target" => asked.target = Some(value),
            "--features" => asked.features.extend(value.split(',').map(str::to_owned)),
            "--prefix" => asked.prefix = value,
            _ => return Err(USAGE.into()),
        }
    }
    let is_whole = !asked.board.host.is_empty() && !asked.example.is_empty();
    if is_whole && !asked.board.host.starts_with('-') { Ok(asked) } else { Err(USAGE.into()) }
}

/// Builds the example for this kind of board; returns the program.
fn build(kind: &str, example: &str, features: &[String]) -> Result<PathBuf> {
    let what = format!("-p {example} --features={}", features.join(","));
    if kind == "this" {
        process::run(&mut process::cargo(&format!("build --release --locked {what}")))?;
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| process::root().join("target"), PathBuf::from);
        return Ok(folder.join("release").join(example));
    }
    let target = Target::named(kind)?;
    cross::setup(&[target])?;
    cross::build(target, Linked::Dynamically, &what)?;
    Ok(cross::program(target, Linked::Dynamically, example).into())
}

/// A board that is reached by ssh.
#[derive(Debug, Default, PartialEq, Eq)]
struct Board {
    /// As ssh takes it: `pi@raspberrypi.local`.
    host: String,
    /// What ssh and scp are told beside the host.
    options: Vec<String>,
}

impl Board {
    /// Which programs it runs, by the names of its processor in Debian and in the kernel.
    fn kind(&self) -> Result<String> {
        let architecture = self.ask("dpkg --print-architecture 2> /dev/null; uname -m")?;
        let words: Vec<&str> = architecture.split_whitespace().collect();
        let kind = match words.as_slice() {
            [.., "armv6l"] => Ok("armv6"),
            ["arm64", ..] | ["aarch64"] => Ok("aarch64"),
            ["armhf", ..] | ["armv7l"] => Ok("armv7"),
            [.., "x86_64"] => Ok("this"),
            _ => Err("no board of that kind is known; give --target"),
        };
        kind.map(str::to_owned).map_err(|why| format!("{}: `{}`: {why}", self.host, words.join(" ")).into())
    }

    /// Copies the program and its unit into a new folder there, installs both, and removes the folder.
    fn install(&self, unit: &Unit, program: &Path, prefix: &str) -> Result {
        let files = tempfile::tempdir()?;
        let (name, service) = (&unit.name, unit.file_name());
        fs::copy(program, files.path().join(name))?;
        fs::write(files.path().join(&service), unit.text())?;
        fs::write(files.path().join("install.sh"), INSTALL)?;
        let folder = self.ask("mktemp -d")?;
        let mut copy = Command::new("scp");
        copy.arg("-q").args(&self.options);
        copy.args([name.as_str(), &service, "install.sh"].map(|file| files.path().join(file)));
        process::run(copy.arg(format!("{}:{folder}/", self.host)))?;
        let root = r#"[ "$(id -u)" = 0 ] || root=sudo"#;
        let install = format!("$root sh install.sh {name} {service} '{prefix}'");
        let line = format!("cd {folder} && {{ {root}; {install}; result=$?; rm -r {folder}; exit $result; }}");
        process::run(&mut self.ssh(&line))
    }

    /// Shows the service's log until it is interrupted.
    fn show_log(&self, unit: &Unit) -> Result {
        process::run(&mut self.ssh(&format!("journalctl --follow --lines=20 --unit={}", unit.file_name())))
    }

    fn ask(&self, line: &str) -> Result<String> {
        let output = self.ssh(line).output()?;
        if output.status.success() || !output.stdout.is_empty() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} cannot be reached: {}; try `ssh {}` by hand", self.host, said.trim(), self.host).into())
    }

    fn ssh(&self, line: &str) -> Command {
        let mut command = Command::new("ssh");
        command.args(&self.options).arg(&self.host).arg(line);
        command
    }
}

#[cfg(test)]
mod tests;
