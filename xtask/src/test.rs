//! `test`: the whole gate of behaviour. Every test in every feature set, then one line that sums all runs.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::summary::Summary;
use crate::{Result, process};

/// The feature sets whose behaviour differs. That each feature builds alone is `features`' to say.
const RUNS: [&str; 3] = [
    "--workspace --all-features",
    "-p thingflow-core --no-default-features",
    "-p thingflow-core --no-default-features --features alloc",
];

pub(crate) fn run(words: &[String]) -> Result {
    let mut sum = Summary::default();
    for run in RUNS {
        let mut command = process::cargo(&format!("test --locked --no-fail-fast {run}"));
        sum += count_tests(command.args(words))?;
    }
    println!("\n{sum}");
    if sum.is_good() { Ok(()) } else { Err("tests failed, or none ran".into()) }
}

/// Runs the tests, passes what they print through, and counts. A run that broke without a count is one failure.
pub(crate) fn count_tests(command: &mut Command) -> Result<Summary> {
    process::announce(command);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut sum = pass_through(output, &mut io::stdout().lock())?;
    if !child.wait()?.success() && sum.failed == 0 {
        sum.failed = 1;
    }
    Ok(sum)
}

fn pass_through(mut from: impl BufRead, to: &mut impl Write) -> io::Result<Summary> {
    let mut sum = Summary::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        sum += Summary::of_line(&String::from_utf8_lossy(&line)).unwrap_or_default();
        line.clear();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_passes_unchanged_and_is_counted() {
        let output = b"running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored\n\xff\n\
                       test result: FAILED. 1 passed; 1 failed; 1 ignored\nno newline at the end";
        let mut seen = Vec::new();
        let sum = pass_through(&output[..], &mut seen).unwrap();
        assert_eq!(seen, output);
        assert_eq!(sum, Summary { passed: 3, failed: 1, skipped: 1 });
    }

    #[test]
    fn a_run_that_breaks_is_a_failure() {
        let sum = count_tests(&mut process::command("false", "")).unwrap();
        assert_eq!(sum, Summary { passed: 0, failed: 1, skipped: 0 });
    }
}
