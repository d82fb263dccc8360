//! The crate `thingflow` has each feature of the crates that it re-exports, by the same name, and each says what it is for.

use super::Problem;
use crate::feature_index::{self, CRATES};
use crate::features;
use crate::tree::Tree;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

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
