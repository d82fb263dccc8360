//! `ci`: the whole gate, one step after the other. The tests come last, so that their sum closes the output.

use std::time::Instant;

use crate::{Result, bare, features, process, setup, test, tidy};

struct Step {
    name: &'static str,
    run: fn() -> Result,
}

const STEPS: [Step; 9] = [
    Step { name: "setup", run: || setup::run(&["--deploy".to_string()]) },
    Step { name: "format", run: format },
    Step { name: "tidy", run: || tidy::run(&[]) },
    Step { name: "lint", run: lint },
    Step { name: "features", run: || features::run(&[]) },
    Step { name: "docs", run: docs },
    Step { name: "bare", run: || bare::run(&[]) },
    Step { name: "benches", run: benches },
    Step { name: "test", run: || test::run(&[]) },
];

pub(crate) fn run(_: &[String]) -> Result {
    let start = Instant::now();
    for step in &STEPS {
        println!("\n== {} ({} s so far)", step.name, start.elapsed().as_secs());
        (step.run)().map_err(|error| format!("{}: {error}", step.name))?;
    }
    Ok(())
}

fn format() -> Result {
    process::run(&mut process::cargo("fmt --all --check"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path benches/Cargo.toml"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path firmware/Cargo.toml"))
}

fn lint() -> Result {
    process::run(&mut process::cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings"))
}

fn docs() -> Result {
    let mut command = process::cargo("doc --workspace --all-features --no-deps --locked");
    process::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The benches are measured by hand; here they must only still compile.
fn benches() -> Result {
    process::run(&mut process::cargo("check --all-targets --locked --manifest-path benches/Cargo.toml"))
}
