//! Words that stand for a habit: what a file begins with, what it must not say, what it must not be called.

use super::Problem;
use super::code::{self, code_only, lines_with};
use crate::tree::{File, Tree};

const CORE: &str = "thingflow-core/src/";
const REACTOR: &str = "thingflow-core/src/scheduler/reactor.rs";

pub(super) fn first_lines(tree: &Tree) -> Vec<Problem> {
    let is_told = |file: &File| ["//", "#![doc"].iter().any(|start| file.text.starts_with(start));
    let untold = tree.files.iter().filter(|file| file.is_rust() && !is_told(file));
    let mend = "begin it with one `//!` line that says what it is for";
    untold.map(|file| Problem::at(&file.path, 1, "no word on what this file is for", mend)).collect()
}

/// A word that must not stand in code.
struct Ban {
    word: &'static str,
    applies: fn(&File) -> bool,
    /// Only in test code.
    tests_only: bool,
    mend: &'static str,
}

/// What lasted is measured on the scheduler's clock, which nobody sets. These say why theirs is another matter.
fn measures_time(file: &File) -> bool {
    !["thingflow-sensors/src/moment.rs", "thingflow-core/src/timing/time_to_live.rs"].contains(&file.path.as_str())
}

const NOT_THE_WALL_CLOCK: &str = "the wall clock may be set meanwhile: subtract what `Context::now` gave";

/// Where a driver's readings are checked against their declared ranges, by two macros.
fn is_driver(file: &File) -> bool {
    ["chips/", "linux/"].iter().any(|folder| file.path.starts_with(&format!("thingflow-sensors/src/{folder}")))
}

const CHECKED: &str =
    "implement `DirectDevice` or `SlowDevice` and let `sensor!` or `conversion!` do this: they check ranges";

const BANS: [Ban; 9] = [
    Ban { word: "Sensor for", applies: is_driver, tests_only: false, mend: CHECKED },
    Ban { word: "Conversion for", applies: is_driver, tests_only: false, mend: CHECKED },
    Ban { word: "ts -", applies: measures_time, tests_only: false, mend: NOT_THE_WALL_CLOCK },
    Ban { word: "timestamp() -", applies: measures_time, tests_only: false, mend: NOT_THE_WALL_CLOCK },
    Ban {
        word: "mio",
        applies: |file| file.path.starts_with(CORE) && file.path != REACTOR,
        tests_only: false,
        mend: "only scheduler/reactor.rs names mio; ask it for what is missing",
    },
    Ban {
        word: "thread::sleep",
        applies: |_| true,
        tests_only: true,
        mend: "no test sleeps: take the virtual clock, or wait on a channel",
    },
    Ban { word: "todo!", applies: |_| true, tests_only: false, mend: "write it, or return an error that says so" },
    Ban {
        word: "unimplemented!",
        applies: |_| true,
        tests_only: false,
        mend: "write it, or return an error that says so",
    },
    Ban {
        word: "#[ignore",
        applies: |_| true,
        tests_only: false,
        mend: "a test that is not run says nothing: mend or delete it",
    },
];

pub(super) fn banned(tree: &Tree) -> Vec<Problem> {
    tree.files.iter().filter(|file| file.is_rust()).flat_map(banned_in).collect()
}

fn banned_in(file: &File) -> Vec<Problem> {
    let code = code_only(&file.text);
    let tests_after = if code::is_test_file(file) { 0 } else { code::library_lines(file) };
    let find = |ban: &'static Ban| {
        let lines: Vec<usize> =
            lines_with(&code, ban.word).filter(|&line| !ban.tests_only || line > tests_after).collect();
        lines.into_iter().map(|line| Problem::at(&file.path, line, format!("`{}` stands here", ban.word), ban.mend))
    };
    BANS.iter().filter(|ban| (ban.applies)(file)).flat_map(find).collect()
}

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 4] = ["utils", "util", "common", "helpers"];

pub(super) fn module_names(tree: &Tree) -> Vec<Problem> {
    let mend = "name it for what it holds; a helper lives beside its only user";
    let empty = |file: &&File| file.path.trim_end_matches(".rs").split('/').any(|part| EMPTY_NAMES.contains(&part));
    let files = tree.files.iter().filter(|file| file.is_rust());
    files
        .filter(empty)
        .map(|file| Problem::in_file(&file.path, "the name says nothing of what is inside", mend))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    #[test]
    fn files_say_what_they_are_for() {
        let tree = Tree::of(&[
            ("a.rs", "//! A."),
            ("b.rs", "// B."),
            ("c.rs", "#![doc = include_str!(\"../README.md\")]"),
            ("d.rs", "use a::b;"),
            ("e.md", "text"),
        ]);
        assert_eq!(places(&first_lines(&tree)), ["d.rs:1"]);
    }

    #[test]
    fn one_file_names_mio() {
        let tree = Tree::of(&[
            (REACTOR, "use mio::Poll;"),
            ("thingflow-core/src/port.rs", "// not mio\nuse mio::Token;\nuse signal_hook_mio as s; // \"mio\""),
            ("benches/src/main.rs", "use mio::Poll;"),
        ]);
        assert_eq!(places(&banned(&tree)), ["thingflow-core/src/port.rs:2"]);
    }

    #[test]
    fn f40_what_lasted_is_not_measured_by_the_wall_clock() {
        let tree = Tree::of(&[
            ("a/src/x.rs", "let d = b.ts - a.ts;\nlet age = cx.timestamp() - e.ts; // b.ts - a.ts\nlet counts - 1;"),
            ("thingflow-sensors/src/moment.rs", "self.ts - earlier.ts"),
        ]);
        assert_eq!(places(&banned(&tree)), ["a/src/x.rs:1", "a/src/x.rs:2"]);
    }

    #[test]
    fn f20_no_driver_goes_past_the_check_of_its_readings() {
        let tree = Tree::of(&[
            ("thingflow-sensors/src/chips/x.rs", "impl<B: I2c> Sensor for X<B> {"),
            ("thingflow-sensors/src/linux/y.rs", "impl Conversion for Y {}\nimpl DirectDevice for Y {}"),
            ("thingflow-sensors/src/pin.rs", "impl<P> Sensor for Pin<P> {}"),
        ]);
        assert_eq!(
            places(&banned(&tree)),
            ["thingflow-sensors/src/chips/x.rs:1", "thingflow-sensors/src/linux/y.rs:1"]
        );
    }

    #[test]
    fn tests_do_not_sleep() {
        let tree = Tree::of(&[
            ("a/src/x.rs", "thread::sleep(d);\n#[cfg(test)]\nmod tests {\n    thread::sleep(d);\n}"),
            ("a/src/x/tests.rs", "std::thread::sleep(d);"),
            ("a/tests/y.rs", "// thread::sleep\nstd::thread::sleep(d);"),
        ]);
        assert_eq!(places(&banned(&tree)), ["a/src/x.rs:4", "a/src/x/tests.rs:1", "a/tests/y.rs:2"]);
    }

    #[test]
    fn nothing_is_left_open() {
        let tree = Tree::of(&[(
            "a.rs",
            "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n#[ignore = \"slow\"]\n\"todo!\"",
        )]);
        assert_eq!(places(&banned(&tree)), ["a.rs:1", "a.rs:2", "a.rs:3"]);
    }

    #[test]
    fn names_say_something() {
        let tree = Tree::of(&[("a/src/utils.rs", ""), ("a/src/common/mod.rs", ""), ("a/src/commonly.rs", "")]);
        assert_eq!(places(&module_names(&tree)), ["a/src/utils.rs", "a/src/common/mod.rs"]);
    }
}
