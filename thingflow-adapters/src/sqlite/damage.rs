//! Damaged files: found, and moved aside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rusqlite::Connection;

use super::SqliteError;
use super::error::Fault;

/// Looks through the file. What is wrong with it, if anything is.
pub(super) fn check(db: &Connection) -> rusqlite::Result<Option<String>> {
    let checked = db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match checked {
        Ok(text) if text == "ok" => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(error) if Fault::of(&error) == Fault::Damage => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Gives a damaged file another name, and its write-ahead log with it, so that a new one can be begun. Nobody may have it
/// open.
pub(super) fn move_aside(path: &Path, why: String) -> SqliteError {
    match moved(path) {
        Ok(moved) => SqliteError::Damaged { path: path.to_owned(), moved, why },
        Err(error) => SqliteError::Database {
            path: path.to_owned(),
            doing: "move aside the damaged file",
            cause: Box::new(error),
        },
    }
}

fn moved(path: &Path) -> io::Result<PathBuf> {
    let name = |number: u32| match number {
        0 => with(path, ".damaged"),
        number => with(path, &format!(".damaged.{number}")),
    };
    let free = |to: &PathBuf| fs::symlink_metadata(to).is_err();
    let to = (0..10_000).map(name).find(free);
    let to = to.ok_or_else(|| io::Error::other("too many damaged files have been moved aside"))?;
    fs::rename(path, &to)?;
    for of_it in ["-wal", "-shm"] {
        match fs::rename(with(path, of_it), with(&to, of_it)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(to)
}

/// The path with something behind its name.
pub(super) fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
