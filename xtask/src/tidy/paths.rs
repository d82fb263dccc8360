//! No file names a place that exists on one machine only.

use super::Problem;
use crate::process;
use crate::tree::{File, Tree};

/// Where people's own folders begin; cut in two, so that this file is not its own first finding.
const HOMES: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/"), concat!("C:\\Us", "ers")];

/// The one home that stands for all: every Raspberry Pi has it.
const PI: &str = concat!("/ho", "me/pi");

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let root = process::root();
    // A checkout in `/src` or the like is no private path: half of all pages would name it.
    let is_telling = root.components().count() > 2;
    let checkout = root.to_str().filter(|_| is_telling);
    tree.files.iter().flat_map(|file| check_file(file, checkout)).collect()
}

fn check_file(file: &File, checkout: Option<&str>) -> Vec<Problem> {
    let is_private = |line: &str| {
        let line = line.replace(PI, "");
        HOMES.iter().copied().chain(checkout).any(|place| names(&line, place))
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_private(line));
    let mend = "write it from the repository's root, or from $HOME";
    lines.map(|(index, _)| Problem::at(&file.path, index + 1, "a path of one machine", mend)).collect()
}

/// Whether a path begins with `place` here; `$scratch/home/` or `a/home/` are none of ours.
fn names(line: &str, place: &str) -> bool {
    let goes_on = |before: &str| before.ends_with(|last: char| last.is_alphanumeric() || "_-.}".contains(last));
    line.match_indices(place).any(|(at, _)| !goes_on(&line[..at]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    #[test]
    fn paths_of_one_machine() {
        let text = format!(
            "$HOME/x $scratch{0}x ${{a}}{0}x\n{0}ada/x\n{1}/data.csv\n{PI}/data.csv\n/srv/flow/a\n",
            HOMES[0], "/srv/checkout"
        );
        let file = File { path: "a.md".into(), text };
        assert_eq!(places(&check_file(&file, Some("/srv/checkout"))), ["a.md:2", "a.md:3"]);
    }
}
