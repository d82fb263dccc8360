//! `setup`: what a fresh machine lacks. The work is done by `scripts/`, which are quick when nothing is missing.

use crate::{Result, bare, process};

pub(crate) fn run(words: &[String]) -> Result {
    match words {
        [] => process::run(&mut process::script("setup-host.sh", ""))?,
        [word] if word == "--bench" => process::run(&mut process::script("setup-host.sh", "--bench"))?,
        _ => return Err("usage: cargo xtask setup [--bench]".into()),
    }
    bare::setup().map(drop)
}
