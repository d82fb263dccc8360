//! `deploy`: builds a program for boards, copies it there over ssh, installs it as a service, and shows its log.

mod board;
mod plan;
mod program;
mod unit;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use crate::{Result, process};
use board::Board;
use program::Program;
use unit::Unit;

const USAGE: &str = "usage: cargo xtask deploy --host USER@HOST... [--hosts FILE] WHICH \
                     [--target aarch64|armv7|armv6|this] [--features A,B] [--port N] [--prefix FOLDER] [--no-log] [--dry-run]\n       \
                     cargo xtask deploy --remove --host USER@HOST... [--hosts FILE] WHICH [--port N] [--dry-run]\n\
                     WHICH is --example NAME, or --path FOLDER [--bin NAME] for your own program";

/// What the words of the command line ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    boards: Vec<Board>,
    /// Where the program's Cargo.toml lies.
    folder: PathBuf,
    /// Which program, if there are several.
    bin: Option<String>,
    /// The kind of board; asked of each board if not given.
    target: Option<String>,
    features: Vec<String>,
    /// What is put before the paths of installed files, to try it out.
    prefix: String,
    remove: bool,
    no_log: bool,
    /// Only says what would be done.
    dry_run: bool,
}

pub(crate) fn run(words: &[String]) -> Result {
    carry_out(&parse(words)?)
}

fn carry_out(asked: &Asked) -> Result {
    let program = Program::asked(asked)?;
    if asked.dry_run {
        print!("{}", plan::text(asked, &program)?);
        return Ok(());
    }
    if asked.remove {
        return on_each(&asked.boards, |board| {
            board.connect()?.remove(&program.name, &asked.prefix)?;
            println!("{}: removed {}", board.host, program.name);
            Ok(())
        });
    }
    let unit = Unit::of(&program)?;
    if !unit.is_watched() {
        println!(
            "nobody notices when {0} hangs: it has no feature `systemd`, nor a {1} of its own with a WatchdogSec",
            program.name,
            unit.file_name()
        );
    }
    let command = if unit.sets_lines() { Some(Program::safe_lines_command()?) } else { None };
    deploy(asked, &unit, |kind| {
        let safe_lines = command.as_ref().map(|command| command.build(kind)).transpose()?;
        Ok(Built { program: program.build(kind)?, safe_lines })
    })
}

/// Installs on each board; shows the log if there is one only.
fn deploy(asked: &Asked, unit: &Unit, build: impl Fn(&str) -> Result<Built>) -> Result {
    let mut programs = Programs { build, built: HashMap::new() };
    let follows = asked.boards.len() == 1 && !asked.no_log;
    on_each(&asked.boards, |board| {
        let connection = board.connect()?;
        let kind = asked.target.clone().map_or_else(|| connection.kind(), Ok)?;
        connection.install(unit, &programs.get(&kind)?, &asked.prefix)?;
        println!("{}: installed, and runs: {}", board.host, unit.note);
        if follows { connection.show_log(unit) } else { Ok(()) }
    })
}

/// Does it on one board after the other, whatever becomes of each.
fn on_each(boards: &[Board], mut act: impl FnMut(&Board) -> Result) -> Result {
    let mut failed = Vec::new();
    for board in boards {
        if let Err(error) = act(board) {
            println!("{}: failed: {error}", board.host);
            failed.push(board.host.as_str());
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("failed on {} of {} boards: {}", failed.len(), boards.len(), failed.join(" ")).into())
}

/// The program for each kind of board, built when the first of its kind is met. What did not build is not tried again.
struct Programs<B> {
    build: B,
    built: HashMap<String, std::result::Result<Built, String>>,
}

/// Where lies what was built for a kind of board.
#[derive(Clone, Debug)]
struct Built {
    program: PathBuf,
    /// The command that sets lines to their safe levels, if the program's unit calls it.
    safe_lines: Option<PathBuf>,
}

impl<B: Fn(&str) -> Result<Built>> Programs<B> {
    fn get(&mut self, kind: &str) -> Result<Built> {
        let build = || (self.build)(kind).map_err(|error| error.to_string());
        Ok(self.built.entry(kind.to_owned()).or_insert_with(build).clone()?)
    }
}

fn parse(words: &[String]) -> Result<Asked> {
    let mut asked = Asked::default();
    let mut seen = Vec::new();
    let mut hosts = Vec::new();
    let mut port = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if seen.contains(word) && word != "--host" {
            return Err(format!("{word} is there twice\n{USAGE}").into());
        }
        seen.push(word.clone());
        match word.as_str() {
            "--no-log" => asked.no_log = true,
            "--remove" => asked.remove = true,
            "--dry-run" => asked.dry_run = true,
            _ => {
                let value = rest.next().ok_or(USAGE)?.clone();
                match word.as_str() {
                    "--host" => hosts.push(value),
                    "--hosts" => hosts.extend(hosts_of(&value)?),
                    "--port" => port = Some(port_of(&value)?),
                    "--example" | "--path" if !asked.folder.as_os_str().is_empty() => return Err(USAGE.into()),
                    "--example" => asked.folder = process::root().join("examples").join(value),
                    "--path" => asked.folder = value.into(),
                    "--bin" => asked.bin = Some(value),
                    "--target" => asked.target = Some(value),
                    "--features" => asked.features = features_of(&value)?,
                    "--prefix" => asked.prefix = value,
                    _ => return Err(USAGE.into()),
                }
            }
        }
    }
    if hosts.is_empty() || asked.folder.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
        return Err(format!(
            "invalid host \"{}\": it is USER@HOST, HOST or an alias of ssh's\n{USAGE}",
            host.escape_debug()
        )
        .into());
    }
    let options: Vec<String> = port.into_iter().flat_map(|port| ["-o".into(), format!("Port={port}")]).collect();
    asked.boards = hosts.into_iter().map(|host| Board { host, options: options.clone() }).collect();
    Ok(asked)
}

/// Whether ssh takes it for a host and for nothing else: names, addresses, `[::1]`, with a user before them or not.
fn is_host(host: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric() || "[_:".contains(first))
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-:%[]".contains(c))
    };
    host.split('@').count() <= 2 && host.split('@').all(is_part)
}

fn port_of(text: &str) -> Result<u16> {
    text.parse()
        .map_err(|_| format!("invalid port \"{}\": it is a number up to 65535\n{USAGE}", text.escape_debug()).into())
}

/// They are noted in the unit, so they must be what cargo calls a feature.
fn features_of(list: &str) -> Result<Vec<String>> {
    let is_feature = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-+./".contains(c))
    };
    let names: Vec<String> = list.split(',').map(str::to_owned).collect();
    match names.iter().find(|name| !is_feature(name)) {
        Some(name) => Err(format!("invalid feature \"{}\"; give them as A,B\n{USAGE}", name.escape_debug()).into()),
        None => Ok(names),
    }
}

/// The hosts of a file, one a line; `#` begins a comment.
fn hosts_of(path: &str) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
