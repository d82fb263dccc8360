//! `bare`: builds the core for Cortex-M, where there is neither std nor an allocator.

use std::process::Command;
use std::{env, fs};

use crate::{Result, process};

const TARGETS: [&str; 2] = ["thumbv7em-none-eabihf", "thumbv6m-none-eabi"];

/// A program for a board; built as well once its manifest has a table `[package.metadata.bare]`.
const EXAMPLE: &str = "examples/bare-metal/Cargo.toml";

pub(crate) fn run(_: &[String]) -> Result {
    if !setup()? {
        return Ok(());
    }
    for target in TARGETS {
        build("-p thingflow-core --no-default-features", target)?;
        if has_example() {
            build(&format!("--manifest-path {EXAMPLE}"), target)?;
        }
    }
    Ok(())
}

/// Whether Cortex-M can be built for. Where it cannot, that is an error in CI and a loud warning elsewhere.
pub(crate) fn setup() -> Result<bool> {
    match process::run(&mut process::script("setup-bare-toolchain.sh", "")) {
        Ok(()) => Ok(true),
        Err(error) if is_ci() => Err(error),
        Err(error) => {
            eprintln!("WARNING: {error}; the bare-metal build is NOT checked on this machine");
            Ok(false)
        }
    }
}

/// Builds in a target folder of its own, since these builds may use another compiler.
fn build(what: &str, target: &str) -> Result {
    let folder = env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into()) + "/bare";
    let mut command: Command = process::script("bare-cargo", &format!("build --locked {what} --target {target}"));
    process::run(command.env("CARGO_TARGET_DIR", folder))
}

fn has_example() -> bool {
    let manifest = fs::read_to_string(process::root().join(EXAMPLE)).unwrap_or_default();
    manifest.lines().any(|line| line.trim() == "[package.metadata.bare]")
}

fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}
