//! `board`: boots a kernel for ARM in an emulator, with programs of ours and nothing else on it, plays the world outside
//! (drives inputs, warms a thermometer, looks at the pins), and counts the lines `PASS` and `FAIL` that the board prints.
//! Each machine has to pass as many checks as it is said to have.

mod archive;
mod broker;
mod machine;
mod outside;

use std::fmt;
use std::path::PathBuf;

use crate::cross::{self, Linked, Target};
use crate::{Result, process};
use machine::Machine;

const USAGE: &str = "usage: cargo xtask board [virt|raspi3b]...";

/// A program on the board.
struct Program {
    package: &'static str,
    /// What it is called there, before the number of its bits.
    name: &'static str,
    features: &'static str,
}

/// The example is as it is deployed, but for the light sensor, which no emulator has.
const PROGRAMS: [Program; 2] = [
    Program { package: "board-probe", name: "probe", features: "" },
    Program { package: "lux-led", name: "lux-led", features: "--features gpio,mqtt,systemd" },
];

pub(crate) fn run(words: &[String]) -> Result {
    let machines = chosen(words)?;
    setup()?;
    for target in Target::DEFAULT {
        // One at a time, since the features of one would be those of the libraries in the other.
        for Program { package, features, .. } in PROGRAMS {
            cross::build(target, Linked::Statically, &format!("-p {package} {features}"))?;
        }
    }
    let (home, mut sum, mut bad) = (home()?, Verdict::default(), Vec::new());
    for machine in machines {
        let verdict = machine.boot(&home)?;
        if !verdict.is_good() {
            bad.push(format!("{}: {verdict}", machine.name));
        }
        sum += verdict;
    }
    println!("\nboard: {sum}");
    if bad.is_empty() { Ok(()) } else { Err(bad.join("; ").into()) }
}

pub(crate) fn setup() -> Result {
    process::run(&mut process::script("setup-host.sh", "--board"))?;
    cross::setup(&Target::DEFAULT)?;
    process::run(&mut process::script("setup-board.sh", ""))
}

fn chosen(words: &[String]) -> Result<Vec<Machine>> {
    if words.is_empty() {
        return Ok(machine::ALL.to_vec());
    }
    let named = |word: &String| machine::ALL.into_iter().find(|machine| machine.name == word).ok_or(USAGE.into());
    words.iter().map(named).collect()
}

/// What `scripts/setup-board.sh` has laid ready.
fn home() -> Result<PathBuf> {
    let told = process::script("setup-board.sh", "--where").output()?;
    let folder = PathBuf::from(String::from_utf8(told.stdout)?.trim_end());
    if told.status.success() && folder.is_dir() {
        Ok(folder)
    } else {
        Err("setup-board.sh has laid nothing ready".into())
    }
}

/// How the checks on a board went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// How many checks there are.
    checks: u32,
    passed: u32,
    failed: u32,
}

impl Verdict {
    /// Before the first of so many checks.
    fn of(checks: u32) -> Self {
        Self { checks, ..Self::default() }
    }

    /// Whether all checks ran and passed, and no others.
    fn is_good(self) -> bool {
        self.passed == self.checks && self.failed == 0
    }

    /// Counts a line that the board has printed.
    fn hear(&mut self, line: &str) {
        self.passed += u32::from(line.starts_with("PASS "));
        self.failed += u32::from(line.starts_with("FAIL ") || line.contains("Kernel panic"));
    }
}

impl std::ops::AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.checks += other.checks;
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} checks passed, {} failures", self.passed, self.checks, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_chosen_by_name() {
        let names = |words: &[&str]| -> Result<Vec<&str>> {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Ok(chosen(&words)?.iter().map(|machine| machine.name).collect())
        };
        assert_eq!(names(&[]).unwrap(), ["virt", "raspi3b"]);
        assert_eq!(names(&["raspi3b"]).unwrap(), ["raspi3b"]);
        assert_eq!(names(&["raspi9"]).unwrap_err().to_string(), USAGE);
    }

    #[test]
    fn lines_are_counted() {
        let mut verdict = Verdict::of(1);
        for line in ["PASS a: b", "BOARD: PASS", "FAIL a: c", "[ 1.2] Kernel panic - not syncing", "PASSED"] {
            verdict.hear(line);
        }
        assert_eq!(verdict, Verdict { checks: 1, passed: 1, failed: 2 });
        assert_eq!(verdict.to_string(), "1 of 1 checks passed, 2 failures");
    }

    #[test]
    fn only_all_checks_are_good_enough() {
        let verdict = |checks, passed, failed| Verdict { checks, passed, failed };
        assert!(verdict(2, 2, 0).is_good());
        assert!(!verdict(2, 2, 1).is_good());
        assert!(!verdict(2, 1, 0).is_good(), "one did not run");
        assert!(!verdict(2, 3, 0).is_good(), "the number is wrong, so it would not notice the next that does not run");
        assert!(!verdict(2, 0, 0).is_good());
    }
}
