//! `ci`: the whole gate, one step after the other. The tests come last, so that their sum closes the output.

use std::env;
use std::time::Instant;

use crate::clean::State;
use crate::{Result, bare, board, cross, docs, examples, features, model, package, process, setup, test, tidy};

struct Step {
    name: &'static str,
    /// Makes ready what the step needs beside Rust.
    setup: fn() -> Result,
    run: fn() -> Result,
}

const STEPS: [Step; 13] = [
    Step { name: "format", setup: nothing, run: format },
    Step { name: "tidy", setup: nothing, run: || tidy::run(&[]) },
    Step { name: "lint", setup: nothing, run: lint },
    Step { name: "features", setup: nothing, run: || features::run(&[]) },
    Step { name: "model", setup: nothing, run: || model::run(&[]) },
    Step { name: "docs", setup: nothing, run: || docs::run(&[]) },
    Step { name: "package", setup: nothing, run: || package::run(&[]) },
    Step { name: "examples", setup: nothing, run: || examples::run(&[]) },
    Step { name: "benches", setup: nothing, run: benches },
    Step { name: "bare", setup: bare::setup, run: || bare::run(&[]) },
    Step { name: "cross", setup: || cross::setup(&cross::Target::DEFAULT), run: build_for_boards },
    Step { name: "board", setup: board::setup, run: || board::run(&[]) },
    Step {
        name: "test",
        setup: || setup::run(&["--deploy", "--servers", "--browser"].map(String::from)),
        run: || test::run(&[]),
    },
];

pub(crate) fn run(_: &[String]) -> Result {
    let start = Instant::now();
    process::build_lean();
    for step in &STEPS {
        println!("\n== {} ({} s so far)", step.name, start.elapsed().as_secs());
        match (step.setup)() {
            Err(error) if is_ci() => return Err(format!("{}: {error}", step.name).into()),
            Err(error) => eprintln!("WARNING: {error}; `{}` is NOT checked on this machine", step.name),
            Ok(()) => run_step(step).map_err(|error| format!("{}: {error}", step.name))?,
        }
    }
    Ok(())
}

/// Whatever a step runs, it must leave the repository as it was.
fn run_step(step: &Step) -> Result {
    let before = State::of(process::root())?;
    (step.run)()?;
    before.map_or(Ok(()), |before| before.is_kept(process::root()))
}

/// Where nobody sees a warning, what cannot be checked is a failure.
fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

fn nothing() -> Result {
    Ok(())
}

fn format() -> Result {
    process::run(&mut process::cargo("fmt --all --check"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path benches/Cargo.toml"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path firmware/Cargo.toml"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path firmware/costs/Cargo.toml"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path firmware/flash/Cargo.toml"))?;
    process::run(&mut process::cargo("fmt --check --manifest-path template/Cargo.toml"))
}

fn lint() -> Result {
    process::run(&mut process::cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings"))
}

/// Their tests under qemu-user take longer than all the rest since the soak drives more operators: `cargo xtask cross` runs
/// them by hand until that is mended.
fn build_for_boards() -> Result {
    cross::run(&["--quick".to_string()])
}

/// The benches are measured by hand; here they must only still compile.
fn benches() -> Result {
    process::run(&mut process::cargo("check --all-targets --locked --manifest-path benches/Cargo.toml"))
}
