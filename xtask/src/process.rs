//! Running other programs: announced before they start, an error when they fail, always from the repository's root.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Result;

/// What a build leaves out that nobody edits and builds again, or looks at in a debugger: two thirds of what it would write.
const LEAN: [(&str, &str); 3] =
    [("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "none"), ("CARGO_PROFILE_DEV_STRIP", "debuginfo")];

static IS_LEAN: AtomicBool = AtomicBool::new(false);

/// From here on, every program that is run builds what is needed to run, and no more.
pub(crate) fn build_lean() {
    IS_LEAN.store(true, Ordering::Relaxed);
}

/// The folder that holds the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where builds go: `CARGO_TARGET_DIR`, or `target`, from the root.
pub(crate) fn target_folder() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// `cargo` with the words of `line`.
pub(crate) fn cargo(line: &str) -> Command {
    command(&env::var("CARGO").unwrap_or_else(|_| "cargo".into()), line)
}

/// A script of `scripts/` with the words of `line`.
pub(crate) fn script(name: &str, line: &str) -> Command {
    let path = root().join("scripts").join(name);
    command(&path.to_string_lossy(), line)
}

/// `program` with the words of `line`; no quoting.
pub(crate) fn command(program: &str, line: &str) -> Command {
    let mut command = Command::new(program);
    command.args(line.split_whitespace()).current_dir(root());
    if IS_LEAN.load(Ordering::Relaxed) {
        command.envs(LEAN);
    }
    command
}

/// Runs to the end; anything but success is an error that names the command.
pub(crate) fn run(command: &mut Command) -> Result {
    announce(command);
    let status = command.status().map_err(|error| format!("`{}` did not start: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed ({status})", shown(command)).into()) }
}

/// Prints the command, so that a reader of the output can repeat it by hand.
pub(crate) fn announce(command: &Command) {
    println!("$ {}", shown(command));
}

/// The command as one would type it in the root.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = command.get_args().map(|word| word.to_string_lossy());
    [program.to_string_lossy()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        assert_eq!(shown(&command("/usr/bin/cargo", "test  --workspace")), "cargo test --workspace");
    }

    #[test]
    fn failure_names_the_command() {
        let error = run(&mut command("false", "--at all")).unwrap_err().to_string();
        assert!(error.starts_with("`false --at all` failed"), "{error}");
    }
}
