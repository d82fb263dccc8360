//! What `--dry-run` prints: what would be done, with nothing built, reached or changed.

use std::fmt::Write as _;

use super::board::KIND;
use super::program::Program;
use super::unit::{FOLDER, SAFE_LINES, SERVICES, Unit};
use super::{Asked, Board};
use crate::{Result, process};

pub(super) fn text(asked: &Asked, program: &Program) -> Result<String> {
    let mut text = String::from("dry run: nothing is built, nobody is reached, nothing changes\n");
    writeln!(text, "program: {}, from {}", program.note(), program.folder.display())?;
    if asked.remove {
        for board in &asked.boards {
            text += &removal(board, asked, program)?;
        }
        return Ok(text);
    }
    let unit = Unit::of(program)?;
    for board in &asked.boards {
        text += &installation(board, asked, program, &unit)?;
    }
    writeln!(text, "{}, less what a board does not have:\n\n{}", unit.file_name(), unit.text())?;
    Ok(text)
}

fn installation(board: &Board, asked: &Asked, program: &Program, unit: &Unit) -> Result<String> {
    let (name, prefix) = (&program.name, &asked.prefix);
    let mut text = reached(board)?;
    if unit.sets_lines() {
        writeln!(text, "  build and install as root: {prefix}{FOLDER}/{SAFE_LINES}")?;
    }
    if let Some(kind) = &asked.target {
        writeln!(text, "  build: {}", process::shown(&program.building(kind)?.0))?;
    } else {
        writeln!(text, "  ask which kind of board it is: {KIND}\n  build for that kind")?;
    }
    writeln!(text, "  copy, and install as root: {prefix}{FOLDER}/{name}, {prefix}{SERVICES}/{name}.service")?;
    writeln!(
        text,
        "  keep what was there: {prefix}{FOLDER}/{name}.previous, {prefix}{SERVICES}/{name}.service.previous"
    )?;
    writeln!(
        text,
        "  start: systemctl daemon-reload, enable and restart {name}.service; back to the previous one if that fails"
    )?;
    Ok(text)
}

fn removal(board: &Board, asked: &Asked, program: &Program) -> Result<String> {
    let (name, prefix) = (&program.name, &asked.prefix);
    let mut text = reached(board)?;
    writeln!(text, "  stop: systemctl disable --now {name}.service")?;
    writeln!(text, "  delete as root: {prefix}{FOLDER}/{name}, {prefix}{SERVICES}/{name}.service, and both .previous")?;
    writeln!(
        text,
        "  leave: {prefix}/var/lib/{name}, {prefix}/etc/default/{name}, {prefix}{SERVICES}/{name}.service.d"
    )?;
    Ok(text)
}

fn reached(board: &Board) -> Result<String> {
    let mut text = String::new();
    let options: String = board.options.iter().map(|option| format!("{option} ")).collect();
    writeln!(text, "{}: ssh {options}{}", board.host, board.host)?;
    Ok(text)
}
