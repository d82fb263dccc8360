//! `bench`: runs the benches, a workspace of their own, in release mode.

use crate::{Result, process};

pub(crate) fn run(words: &[String]) -> Result {
    let mut command = process::cargo("run --release --locked --manifest-path benches/Cargo.toml --");
    process::run(command.args(words))
}
