//! `package`: packs the crates that are to be published, as crates.io would get them. What they say of themselves, and the
//! versions of what they depend on, are checked thereby.

use crate::{Result, process};

/// In the order of their dependencies.
pub(crate) const PUBLISHED: [&str; 10] = [
    "thingflow-clock",
    "thingflow-unix",
    "thingflow-core",
    "thingflow-journal",
    "thingflow-adapters",
    "thingflow-flash",
    "thingflow-page",
    "thingflow-sensors",
    "thingflow-signals",
    "thingflow",
];

pub(crate) fn run(words: &[String]) -> Result {
    let packages: String = PUBLISHED.iter().map(|name| format!(" --package {name}")).collect();
    // Whoever tries it has changes that are not committed yet. The tests have built them already.
    let mut cargo = process::cargo(&format!("package --locked --no-verify --allow-dirty{packages}"));
    process::run(cargo.args(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn who_is_published_says_what_crates_io_asks_for() {
        for name in PUBLISHED {
            let manifest = fs::read_to_string(process::root().join(name).join("Cargo.toml")).unwrap();
            for key in ["description", "license", "repository", "readme", "categories", "keywords", "rust-version"] {
                assert!(manifest.lines().any(|line| line.starts_with(key)), "{name}: {key}");
            }
            assert!(manifest.contains("[package.metadata.docs.rs]"), "{name}");
            for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
                assert!(fs::exists(process::root().join(name).join(licence)).unwrap(), "{name}: {licence}");
            }
        }
    }
}
