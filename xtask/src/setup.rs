//! `setup`: what a fresh machine lacks. The work is done by `scripts/`, which are quick when nothing is missing.

use crate::{Result, bare, board, cross, process};

const USAGE: &str =
    "usage: cargo xtask setup [--bare] [--bench] [--cross] [--board] [--deploy] [--servers] [--browser]";
const OPTIONS: [&str; 7] = ["--bare", "--bench", "--cross", "--board", "--deploy", "--servers", "--browser"];

pub(crate) fn run(words: &[String]) -> Result {
    if words.iter().any(|word| !OPTIONS.contains(&word.as_str())) {
        return Err(USAGE.into());
    }
    process::run(&mut process::script("setup-host.sh", &words.join(" ")))?;
    let asks = |option: &str| words.iter().any(|word| word == option);
    if asks("--cross") {
        cross::setup(&cross::Target::DEFAULT)?;
    }
    if asks("--board") {
        board::setup()?;
    }
    if asks("--bare") {
        bare::setup()?;
    }
    Ok(())
}
