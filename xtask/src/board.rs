//! `board`: boots a kernel for ARM in an emulator, with programs of ours and nothing else on it, plays the world outside
//! (drives inputs, warms a thermometer, looks at the pins), and counts the lines `PASS` and `FAIL` that the board prints.

mod archive;
mod machine;
mod outside;

use std::env;
use std::fmt;
use std::path::PathBuf;

use crate::cross::{self, Linked, Target};
use crate::{Result, process};
use machine::Machine;

const USAGE: &str = "usage: cargo xtask board [virt|raspi3b]...";

/// The programs on the board: their package, and what they are called there.
const PROGRAMS: [(&str, &str); 2] = [("board-probe", "probe"), ("lux-led", "lux-led")];

pub(crate) fn run(words: &[String]) -> Result {
    let machines = chosen(words)?;
    setup()?;
    for target in Target::DEFAULT {
        let packages: Vec<String> = PROGRAMS.iter().map(|(package, _)| format!("-p {package}")).collect();
        cross::build(target, Linked::Statically, &packages.join(" "))?;
    }
    let mut sum = Verdict::default();
    for machine in machines {
        sum += machine.boot()?;
    }
    println!("\n{sum}");
    if sum.is_good() { Ok(()) } else { Err("checks failed on the emulated board, or none ran".into()) }
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
fn home() -> PathBuf {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").unwrap_or_else(|| folder("HOME").unwrap_or_default().join(".cache"));
    folder("THINGFLOW_CACHE").unwrap_or_else(|| cache.join("thingflow")).join("board")
}

/// How the checks on a board went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Verdict {
    passed: u32,
    failed: u32,
}

impl Verdict {
    /// Whether something was checked and all of it passed.
    fn is_good(self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    /// Counts a line that the board has printed.
    fn hear(&mut self, line: &str) {
        self.passed += u32::from(line.starts_with("PASS "));
        self.failed += u32::from(line.starts_with("FAIL ") || line.contains("Kernel panic"));
    }
}

impl std::ops::AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "board: {} passed, {} failed", self.passed, self.failed)
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
        let mut verdict = Verdict::default();
        for line in ["PASS a: b", "BOARD: PASS", "FAIL a: c", "[ 1.2] Kernel panic - not syncing", "PASSED"] {
            verdict.hear(line);
        }
        assert_eq!(verdict, Verdict { passed: 1, failed: 2 });
        assert!(!verdict.is_good() && !Verdict::default().is_good());
        assert_eq!(verdict.to_string(), "board: 1 passed, 2 failed");
    }
}
