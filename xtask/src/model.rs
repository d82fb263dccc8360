//! `model`: the tests of the queues between threads, by loom, through all ways in which the threads can follow each other.

use crate::{Result, process, test};

/// Loom's build differs from all others, so it has a folder of its own.
const FOLDER: &str = "model";

pub(crate) fn run(words: &[String]) -> Result {
    let mut command = process::cargo("test --locked -p thingflow-core --lib --");
    command.arg("model::").args(words).env("CARGO_TARGET_DIR", process::target_folder().join(FOLDER));
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_PROFILE_TEST_OPT_LEVEL", "2");
    let sum = test::count_tests(&mut command)?;
    println!("\n{sum}");
    if sum.is_good() { Ok(()) } else { Err("models failed, or none ran".into()) }
}
