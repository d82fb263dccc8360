//! `bench`: runs the benches, a workspace of their own, in release mode. With `--target` on an emulated ARM processor,
//! which counts instructions.

use std::fs;

use crate::cross::{self, Target};
use crate::{Result, process};

const RUN: &str = "run --release --locked --manifest-path benches/Cargo.toml --";

pub(crate) fn run(words: &[String]) -> Result {
    if let [option, name, rest @ ..] = words
        && option == "--target"
    {
        return emulated(Target::named(name)?, rest);
    }
    process::run(process::cargo(RUN).args(words))
}

fn emulated(target: Target, words: &[String]) -> Result {
    cross::setup(&[target])?;
    let folder = process::target_folder().join("benches");
    fs::create_dir_all(&folder)?;
    let counter = folder.join("count.so").display().to_string();
    process::run(&mut process::command("cc", &format!("-O2 -Wall -shared -fPIC benches/count.c -o {counter}")))?;
    let mut command = process::script("cross-cargo", &format!("{} {RUN}", target.name()));
    command.env("CARGO_TARGET_DIR", folder);
    command.env("THINGFLOW_BENCH_COUNTER", counter);
    process::run(command.args(words))
}
