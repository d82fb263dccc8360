//! The code map of ARCHITECTURE.md and the tree agree: what is there is named, and what is named is there.

use std::collections::BTreeSet;

use super::Problem;
use crate::tree::{File, Tree};

const MAP: &str = "ARCHITECTURE.md";

/// The folders whose contents the map lists, each under a heading of its path.
const MAPPED: [&str; 2] = ["thingflow-core/src/", "thingflow-core/src/scheduler/"];

/// One row of a table.
struct Row<'a> {
    line: usize,
    /// The words in code style of the first cell, and of the others.
    named: Vec<&'a str>,
    explained: Vec<&'a str>,
}

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let Some(map) = tree.get(MAP) else { return Vec::new() };
    MAPPED.iter().flat_map(|folder| check_folder(tree, map, folder)).collect()
}

fn check_folder(tree: &Tree, map: &File, folder: &str) -> Vec<Problem> {
    let there = contents(tree, folder);
    if there.is_empty() {
        return Vec::new(); // nothing to map
    }
    let rows = rows(&map.text, folder);
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| row.named.iter().copied()).collect();
    let missing = there.iter().filter(|name| !named.contains(name.as_str()));
    let mend = "add a row to the table under the heading of that folder";
    let mut problems: Vec<Problem> =
        missing.map(|name| Problem::in_file(MAP, format!("the map lacks `{folder}{name}`"), mend)).collect();
    for row in &rows {
        problems.extend(row.strangers(tree, folder).into_iter().map(|name| {
            Problem::at(
                MAP,
                row.line,
                format!("nothing is at `{folder}{name}`"),
                "take it out of the map, or correct it",
            )
        }));
    }
    problems
}

impl<'a> Row<'a> {
    /// What the row names that is not there. A file may lie in a folder of the same row.
    fn strangers(&self, tree: &Tree, folder: &str) -> Vec<&'a str> {
        let folders = self.named.iter().filter(|name| name.ends_with('/'));
        let places: Vec<String> =
            [folder.to_owned()].into_iter().chain(folders.map(|name| format!("{folder}{name}"))).collect();
        let is_there = |name: &str| places.iter().any(|place| tree.has(format!("{place}{name}").trim_end_matches('/')));
        let paths = self.explained.iter().filter(|word| word.ends_with(".rs"));
        self.named.iter().chain(paths).copied().filter(|name| !is_there(name)).collect()
    }
}

/// The Rust files and the folders directly in a folder; these end with `/`.
fn contents(tree: &Tree, folder: &str) -> BTreeSet<String> {
    let inside = tree.files.iter().filter(|file| file.is_rust()).filter_map(|file| file.path.strip_prefix(folder));
    inside.map(|path| path.split_once('/').map_or(path.to_owned(), |(first, _)| format!("{first}/"))).collect()
}

/// The rows of the table under the heading of this folder.
fn rows<'a>(text: &'a str, folder: &str) -> Vec<Row<'a>> {
    let heading = format!("### `{folder}`");
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != heading).skip(1);
    let section = lines.take_while(|(_, line)| !line.starts_with('#'));
    let cells = section.filter_map(|(at, line)| Some((at, line.strip_prefix("| ")?.split_once(" | ")?)));
    let row = |(at, (first, rest)): (usize, (&'a str, &'a str))| Row {
        line: at + 1,
        named: code(first),
        explained: code(rest),
    };
    cells.map(row).filter(|row| !row.named.is_empty()).collect()
}

/// The words in code style.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    const HEAD: &str = "# Map\n\n### `thingflow-core/src/`\n\nText.\n\n| file | what |\n| --- | --- |\n";

    fn problems(rows: &str) -> Vec<String> {
        let map = format!("{HEAD}{rows}\n### Another\n\n| `gone.rs` | x |\n");
        let files =
            ["lib.rs", "port/mod.rs", "port/any.rs", "edge.rs", "edge/x.rs"].map(|file| format!("{}{file}", MAPPED[0]));
        let mut all = vec![(MAP, map.as_str())];
        all.extend(files.iter().map(|file| (file.as_str(), "//! X.")));
        let problems = check(&Tree::of(&all));
        let whats = problems.iter().map(|problem| problem.what.replace(MAPPED[0], ""));
        places(&problems).into_iter().zip(whats).map(|(place, what)| format!("{place}: {what}")).collect()
    }

    const GOOD: &str = "| `lib.rs` | contents |\n| `port/` | `any.rs`: any port; `Port`; `lib.rs` |\n| `edge.rs`, `edge/` | threads |\n";

    #[test]
    fn a_map_that_agrees() {
        assert_eq!(problems(GOOD), [""; 0]);
    }

    #[test]
    fn what_is_there_is_named() {
        assert_eq!(problems(&GOOD.replace(", `edge/`", "")), ["ARCHITECTURE.md: the map lacks `edge/`"]);
        assert_eq!(problems(&GOOD.replace("`lib.rs` | c", "`port/` | c")).len(), 1);
    }

    #[test]
    fn what_is_named_is_there() {
        let gone = GOOD.replace("| `lib.rs` |", "| `lib.rs`, `dispatch.rs`, `flow/` |");
        let expected = ["ARCHITECTURE.md:9: nothing is at `dispatch.rs`", "ARCHITECTURE.md:9: nothing is at `flow/`"];
        assert_eq!(problems(&gone), expected);
        assert_eq!(problems(&GOOD.replace("`any.rs`", "`all.rs`")), ["ARCHITECTURE.md:10: nothing is at `all.rs`"]);
    }
}
