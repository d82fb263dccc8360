//! [`Checks`]: runs checks and prints how they went.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use crate::Result;

/// Counts the checks that failed.
#[derive(Debug)]
pub(crate) struct Checks {
    processor: &'static str,
    failed: u32,
}

impl Checks {
    pub(crate) fn new(processor: &'static str) -> Self {
        Self { processor, failed: 0 }
    }

    /// Runs a check. What it returns says what was seen.
    pub(crate) fn run(&mut self, name: &str, check: impl FnOnce() -> Result<String>) {
        let outcome = catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("it panicked".into()));
        let processor = self.processor;
        match outcome {
            Ok(seen) => println!("PASS {processor}: {name}: {seen}"),
            Err(error) => {
                self.failed += 1;
                println!("FAIL {processor}: {name}: {error}");
            }
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What was seen is what was expected, or else an error that says both.
pub(crate) fn expect<T: std::fmt::Debug + PartialEq>(what: &str, seen: &T, expected: &T) -> Result<String> {
    let shown = format!("{what} {seen:?}");
    if seen == expected { Ok(shown) } else { Err(format!("{shown}, expected {expected:?}").into()) }
}
