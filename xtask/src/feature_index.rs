//! The table of all cargo features, made from the comments in the manifests of the crates that `thingflow` re-exports.

use crate::features::{self, Feature};
use crate::tree::Tree;

/// The crates whose features `thingflow` has too.
pub(crate) const CRATES: [&str; 3] = ["thingflow-adapters", "thingflow-sensors", "thingflow-signals"];

const MADE: &str =
    "<!-- Made by `cargo xtask book` from the comments in the manifests of the crates. Change it there. -->\n\n";

/// The pages that hold the table: one in the book, and one in the crate, whose documentation includes it.
pub(crate) fn pages(tree: &Tree) -> [(&'static str, String); 2] {
    let table = table(tree);
    [
        ("docs/src/features.md", format!("{MADE}# All features\n\n{table}")),
        ("thingflow/features.md", format!("{MADE}# Features\n\n{table}")),
    ]
}

fn table(tree: &Tree) -> String {
    let sections =
        CRATES.map(|name| section(&format!("thingflow::{}", name.trim_start_matches("thingflow-")), &read(tree, name)));
    format!(
        "The feature `std`, which is on by default, is the scheduler. With `default-features = false`, `alloc` brings ports \
         and filters that grow, and without it what is left has a fixed size. Each sensor and each adapter has a feature of \
         its own, so that a program contains only what it uses. If the compiler does not find a module, its feature is \
         missing.\n{}{}",
        section("thingflow", &own(tree)),
        sections.concat()
    )
}

fn section(title: &str, features: &[Feature<'_>]) -> String {
    let rows: String = features.iter().map(row).collect();
    format!("\n`{title}`:\n\n| feature | what it brings |\n| --- | --- |\n{rows}")
}

/// The features of `thingflow` that none of the crates below has.
fn own(tree: &Tree) -> Vec<Feature<'_>> {
    let others: Vec<_> = CRATES.iter().flat_map(|name| read(tree, name)).map(|feature| feature.name).collect();
    let mut own = read(tree, "thingflow");
    own.retain(|feature| !others.contains(&feature.name));
    own
}

/// The features of a crate that `thingflow` has by the same name.
pub(crate) fn read<'a>(tree: &'a Tree, name: &str) -> Vec<Feature<'a>> {
    let manifest = tree.get(&format!("{name}/Cargo.toml")).map_or("", |file| &file.text);
    let mut features = features::read(manifest);
    features.retain(|feature| !["alloc", "std"].contains(&feature.name));
    features
}

fn row(feature: &Feature<'_>) -> String {
    format!("| `{}` | {} |\n", feature.name, feature.about.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_made_of_the_comments() {
        let manifest =
            "[features]\ndefault = []\n# The heap.\nalloc = []\n# Files of\n# commas.\ncsv = [\"dep:csv\"]\n";
        let tree = Tree::of(&[("thingflow-adapters/Cargo.toml", manifest)]);
        let [(_, page), _] = pages(&tree);
        let expected =
            "\n`thingflow::adapters`:\n\n| feature | what it brings |\n| --- | --- |\n| `csv` | Files of commas. |\n";
        assert!(page.contains(expected) && !page.contains("heap"), "{page}");
    }
}
