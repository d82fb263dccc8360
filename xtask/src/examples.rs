//! `examples`: runs each example as a reader would, from the repository's root, for a moment. It must end well and leave
//! nothing behind.

use std::fs;
use std::process::{Command, Stdio};

use crate::clean::State;
use crate::{Result, process};

/// So long an example runs that does not end by itself; then it gets the signal of Ctrl-C.
const SECONDS: &str = "3";

/// What `timeout` exits with when it had to end the program.
const ENDED: i32 = 124;

pub(crate) fn run(_: &[String]) -> Result {
    let root = process::root();
    let names = names()?;
    let packages: String = names.iter().map(|name| format!(" --package {name}")).collect();
    process::run(&mut process::cargo(&format!("build --locked --bins{packages}")))?;
    for name in &names {
        let before = State::of(root)?;
        run_for_a_moment(name)?;
        if let Some(before) = before {
            before.is_kept(root).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

/// The examples, by the names of their folders.
pub(crate) fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(process::root().join("examples"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn run_for_a_moment(name: &str) -> Result {
    let program = process::target_folder().join("debug").join(name);
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", "--signal=INT", SECONDS]).arg(program).current_dir(process::root());
    process::announce(&command);
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.code() {
        Some(0 | ENDED) => Ok(()),
        _ => {
            Err(format!("{name} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_found() {
        assert!(names().unwrap().iter().any(|name| name == "lux-led"));
    }
}
