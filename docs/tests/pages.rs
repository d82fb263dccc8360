//! What the pages promise beside their listings, which are tests themselves.

use std::fs;
use std::path::Path;

/// A file of the repository.
fn bytes(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// A page of the repository.
fn page(path: &str) -> String {
    String::from_utf8(bytes(path)).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// The row of a table whose first cell has this text in it.
fn row<'p>(page: &'p str, first: &str) -> Vec<&'p str> {
    let cells = |line: &'p str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    let found = page.lines().filter(|line| line.starts_with("| ")).map(cells).find(|cells| cells[0].contains(first));
    found.unwrap_or_else(|| panic!("no row of {first}"))
}

#[test]
fn f56_what_a_service_is_made_of_empties_no_file() {
    let pages =
        ["template/src/main.rs", "docs/src/your-own.md", "docs/src/deploy.md", "README.md", "docs/src/tutorial.md"];
    for path in pages {
        let text = page(path);
        assert!(!text.contains("csv::write(") && !text.contains("lines::write("), "{path} shows what empties a file");
    }
    assert!(page("docs/src/deploy.md").replace('\n', " ").contains("Take `append` or `write_daily` in a service"));
}

#[test]
fn f64_names_that_other_libraries_give_to_something_else() {
    let names = page("docs/src/coming-from.md");
    assert_eq!(row(&names, "throttleTime`; `throttle_first`")[1], "`Throttle::leading`");
    assert_eq!(row(&names, "auditTime")[1], "`Throttle::trailing`");
    assert_eq!(row(&names, "sampleTime`; `throttleLast`")[1], "`sample_every`");
    let differences = [
        "A timer and an event at one instant?",
        "What a stage holds, at completion?",
        "What a stage holds, at an error?",
        "When do `sample` and `buffer(notifier)` end?",
        "When does `combineLatest` end?",
        "What of events that come early to `concat`?",
        "Windows that overlap, at the end?",
        "A diamond",
        "What does `retry(n)` count?",
    ];
    assert!(differences.iter().all(|question| row(&names, question).len() == 3));
}

#[test]
fn f84_the_table_of_operators_names_their_options() {
    let operators = page("docs/src/filters.md");
    let options = |call: &str| row(&operators, call)[6].to_owned();
    assert!(options("`hysteresis(low, high)`").contains("`initially`"));
    for option in ["`leading`", "`trailing`", "`on_dropped`"] {
        assert!(options("`throttle(window)`").contains(option), "{option}");
    }
    let tutorial = page("docs/src/tutorial.md");
    assert!(!tutorial.contains("hysteresis(") || tutorial.contains("initially("), "its lamp starts on");
}

#[test]
fn f89_the_readme_says_why_and_shows_it() {
    let readme = page("README.md");
    let first = readme.split("\n## ").next().expect("a page");
    assert!(first.contains("![") && first.contains("cargo run"), "a picture and a command on the first screen");
    assert!(readme.lines().count() < 150, "it is read in a minute");
    for other in ["Node-RED", "Telegraf", "ESPHome", "tokio"] {
        assert_eq!(row(&readme, other).len(), 3, "what {other} is good at, and what is different here");
    }
    for picture in readme.split("](docs/src/pictures/").skip(1) {
        let name = picture.split(')').next().expect("a path");
        let start: &[u8] = if name.ends_with(".svg") { b"<svg" } else { b"\x89PNG" };
        assert!(bytes(&format!("docs/src/pictures/{name}")).starts_with(start), "{name}");
    }
}
