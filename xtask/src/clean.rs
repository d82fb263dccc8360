//! That nothing which the gate runs leaves anything in the folder: what git sees is compared before and after.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{Result, process};

/// What git sees of a folder: what is changed, and what is new and not ignored.
#[derive(Debug)]
pub(crate) struct State(BTreeSet<String>);

impl State {
    /// None where there is no git, or no repository.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>> {
        let mut git = process::command("git", "status --porcelain --untracked-files=all");
        match git.current_dir(folder).output() {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                Ok(Some(Self(text.lines().map(str::to_owned).collect())))
            }
            Ok(output) => {
                eprintln!("WARNING: {}", String::from_utf8_lossy(&output.stderr).trim());
                Ok(None)
            }
            Err(error) => {
                eprintln!("WARNING: git does not start: {error}");
                Ok(None)
            }
        }
    }

    /// # Errors
    /// If there is anything now that was not there then; the text names it.
    pub(crate) fn is_kept(&self, folder: &Path) -> Result {
        let Some(now) = Self::of(folder)? else { return Ok(()) };
        let left: Vec<&str> = now.0.difference(&self.0).map(|line| line.get(3..).unwrap_or(line)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let left = left.join(", ");
        Err(format!("it leaves files in the repository: {left}; write them into a folder that the user names, or a temporary one").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn f81_what_is_left_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let git = |line: &str| process::run(process::command("git", line).current_dir(&folder)).unwrap();
        git("init --quiet");
        fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
        fs::write(folder.path().join("mine"), "").unwrap();
        let before = State::of(folder.path()).unwrap().unwrap();
        fs::write(folder.path().join("target"), "").unwrap();
        before.is_kept(folder.path()).unwrap();

        fs::create_dir(folder.path().join("out")).unwrap();
        fs::write(folder.path().join("out/day.csv"), "").unwrap();
        let error = before.is_kept(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("it leaves files in the repository: out/day.csv; "), "{error}");
    }

    #[test]
    fn without_a_repository_nothing_is_said() {
        assert!(State::of(tempfile::tempdir().unwrap().path()).unwrap().is_none());
    }
}
