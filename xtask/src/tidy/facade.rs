//! The crate `thingflow` has each feature of the crates that it re-exports, by the same name, and each says what it is for.
//! Pages and programs for users name that crate only, and the repository's address stands in one place.

use super::Problem;
use crate::feature_index::{self, CRATES};
use crate::features;
use crate::tree::{File, Tree};

const FACADE: &str = "thingflow/Cargo.toml";

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    CRATES.iter().flat_map(|name| check_crate(tree, name)).collect()
}

fn check_crate(tree: &Tree, name: &str) -> Vec<Problem> {
    let facade = tree.get(FACADE).map_or("", |file| &file.text);
    let has = |feature: &str| {
        features::read(facade).iter().any(|known| known.name == feature)
            && facade.contains(&format!("\"{name}/{feature}\""))
    };
    let manifest = format!("{name}/Cargo.toml");
    let mut problems = Vec::new();
    for feature in feature_index::read(tree, name) {
        if !has(feature.name) {
            let what = format!("it lacks `{}`, a feature of {name}", feature.name);
            problems.push(Problem::in_file(FACADE, what, "add a feature of this name that turns on NAME/FEATURE"));
        }
        if feature.about.is_empty() {
            let what = format!("the feature `{}` has no comment", feature.name);
            problems.push(Problem::in_file(&manifest, what, "say above it what it brings"));
        }
    }
    problems
}

/// What users read and copy.
const FOR_USERS: [&str; 4] = ["README.md", "docs/", "examples/", "template/"];

pub(super) fn one_crate(tree: &Tree) -> Vec<Problem> {
    let inner =
        ["thingflow_core::", "thingflow_sensors::", "thingflow_adapters::", "thingflow_signals::", "thingflow_page::"];
    let files = tree.files.iter().filter(|file| FOR_USERS.iter().any(|start| file.path.starts_with(start)));
    let mend = "write thingflow::, thingflow::sensors::, thingflow::adapters:: or thingflow::signals::, so that users need one dependency";
    files
        .flat_map(|file| {
            lines_that(file, move |line| inner.iter().any(|name| line.contains(name)), "an inner crate", mend)
        })
        .collect()
}

/// Where the address stands, and the lock files, which are generated.
const ADDRESS_IN: &str = "Cargo.toml";

pub(super) fn one_address(tree: &Tree) -> Vec<Problem> {
    let address = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://");
    let files = tree.files.iter().filter(|file| file.path != ADDRESS_IN);
    let mend = "link by a relative path, or take CARGO_PKG_REPOSITORY: the address stands in Cargo.toml only";
    files
        .flat_map(|file| lines_that(file, move |line| line.contains(address), "the repository's address", mend))
        .collect()
}

fn lines_that(file: &File, is_wrong: impl Fn(&str) -> bool, what: &'static str, mend: &'static str) -> Vec<Problem> {
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_wrong(line));
    lines.map(|(at, _)| Problem::at(&file.path, at + 1, what, mend)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    #[test]
    fn f80_users_see_one_crate_and_one_address() {
        let address = env!("CARGO_PKG_REPOSITORY");
        let link = format!("x\n[a]({address}/blob/main/a.md)");
        let tree = Tree::of(&[
            ("docs/src/a.md", "use thingflow::prelude::*;\nuse thingflow_core::prelude::*;"),
            ("thingflow-sensors/src/a.rs", "use thingflow_core::prelude::*;"),
            ("README.md", &link),
            ("Cargo.toml", &format!("repository = \"{address}\"")),
        ]);
        assert_eq!(places(&one_crate(&tree)), ["docs/src/a.md:2"]);
        assert_eq!(places(&one_address(&tree)), ["README.md:2"]);
    }

    #[test]
    fn each_feature_is_passed_on_and_explained() {
        let check = |facade: &str, adapters: &str| {
            let texts = [facade, adapters].map(|it| format!("[features]\n{it}"));
            let tree = Tree::of(&[(FACADE, &texts[0]), ("thingflow-adapters/Cargo.toml", &texts[1])]);
            places(&check(&tree))
        };
        let good = "csv = [\"std\", \"thingflow-adapters/csv\"]\n";
        assert_eq!(check(good, "# Files.\ncsv = []\n"), [""; 0]);
        assert_eq!(check("csv = []\n", "# Files.\ncsv = []\n"), [FACADE]);
        assert_eq!(check(good, "# Files.\ncsv = []\n# Pins.\ngpio = []\n"), [FACADE]);
        assert_eq!(check(good, "csv = []\n"), ["thingflow-adapters/Cargo.toml"]);
    }
}
