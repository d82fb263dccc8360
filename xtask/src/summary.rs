//! Adds up the `test result:` lines of many test runs.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Summary {
    /// What one line of a test runner's output says; `None` for any other line.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        Some(Self {
            passed: count(counts, " passed")?,
            failed: count(counts, " failed")?,
            skipped: count(counts, " ignored")?,
        })
    }

    /// Whether something ran and all of it passed.
    pub(crate) fn is_good(self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

/// The number right before `label`.
fn count(counts: &str, label: &str) -> Option<u32> {
    let (before, _) = counts.split_once(label)?;
    before.rsplit(' ').next()?.parse().ok()
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(u32, u32, u32)>) {
        let seen = Summary::of_line(line).map(|it| (it.passed, it.failed, it.skipped));
        assert_eq!(seen, expected, "{line}");
    }

    #[test]
    fn lines_of_the_runner() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.00s",
            Some((12, 0, 1)),
        );
        check("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", Some((1, 2, 0)));
        check("test result: \u{1b}[32mok\u{1b}[m. 5 passed; 0 failed; 0 ignored; 0 measured", Some((5, 0, 0)));
    }

    #[test]
    fn other_lines() {
        check("test ports::closes_once ... ok", None);
        check("running 12 tests", None);
        check("", None);
        check("the line `test result: ` starts so", None);
    }

    #[test]
    fn sum_and_display() {
        let mut sum = Summary::default();
        assert!(!sum.is_good(), "nothing ran");
        sum += Summary { passed: 3, failed: 0, skipped: 0 };
        assert!(sum.is_good());
        assert_eq!(sum.to_string(), "3 passed, 0 failed");
        sum += Summary { passed: 1, failed: 2, skipped: 1 };
        assert!(!sum.is_good());
        assert_eq!(sum.to_string(), "4 passed, 2 failed, 1 skipped");
    }
}
