//! `lowest`: checks the libraries with the lowest versions of their dependencies that the manifests allow.

use std::fs;
use std::path::Path;

use crate::process::{root, target_folder};
use crate::{Result, process};

/// Not in the gate: everything is built once more, which takes minutes.
pub(crate) fn run(words: &[String]) -> Result {
    let copy = target_folder().join("lowest");
    if copy.exists() {
        fs::remove_dir_all(&copy)?; // of an earlier run; what it has built is beside it
    }
    copy_sources(&copy)?;
    let mut versions = process::cargo("update -Z direct-minimal-versions");
    // The option is of nightly compilers; it changes no code.
    process::run(versions.env("RUSTC_BOOTSTRAP", "1").current_dir(&copy))?;
    let mut check = process::cargo("check --locked");
    let all = ["--workspace", "--all-features", "--exclude", "xtask"].map(String::from);
    check
        .args(if words.is_empty() { &all } else { words })
        .env("CARGO_TARGET_DIR", target_folder().join("lowest-target"))
        .current_dir(&copy);
    process::run(&mut check)
}

/// What git knows, so that the lock file here stays as it is.
fn copy_sources(copy: &Path) -> Result {
    let listed = process::command("git", "ls-files -z").output()?;
    if !listed.status.success() {
        return Err("`git ls-files` failed: this is for a clone of the repository".into());
    }
    for path in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root().join(path), copy.join(path));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(copy))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
