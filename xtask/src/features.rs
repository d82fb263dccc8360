//! `features`: each library lints clean without features and with each of them alone, so a feature needs no other.

use std::fs;

use crate::{Result, process};

const LIBRARIES: [&str; 9] = [
    "thingflow-clock",
    "thingflow-core",
    "thingflow-adapters",
    "thingflow-flash",
    "thingflow-journal",
    "thingflow-page",
    "thingflow-sensors",
    "thingflow-signals",
    "thingflow-unix",
];

pub(crate) fn run(_: &[String]) -> Result {
    for library in LIBRARIES {
        lint(library, "")?;
        let manifest = fs::read_to_string(process::root().join(library).join("Cargo.toml"))?;
        for feature in read(&manifest) {
            lint(library, &format!("--features {}", feature.name))?;
        }
    }
    Ok(())
}

fn lint(library: &str, features: &str) -> Result {
    let line = format!("clippy --quiet --locked -p {library} --no-default-features {features} -- -D warnings");
    process::run(&mut process::cargo(&line))
}

/// A cargo feature, with the comment above it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Feature<'a> {
    pub(crate) name: &'a str,
    pub(crate) about: String,
}

/// The entries of the `[features]` table, `default` left out.
pub(crate) fn read(manifest: &str) -> Vec<Feature<'_>> {
    let table = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    let (mut features, mut about) = (Vec::new(), Vec::new());
    for line in table.take_while(|line| !line.starts_with('[')) {
        if let Some(comment) = line.strip_prefix('#') {
            about.push(comment.trim());
            continue;
        }
        let is_key = line.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
        let key = line.split_once('=').filter(|_| is_key).map(|(key, _)| key.trim());
        if let Some(name) = key.filter(|key| *key != "default") {
            features.push(Feature { name, about: about.join(" ") });
        }
        about.clear();
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_the_keys_of_the_table() {
        let manifest = "[package]\nname = \"x\"\n\n[features]\ndefault = [\"std\"]\n# All.\n\n# Files\n# of rows.\ncsv = []\n\
                        std = [\n  \"alloc\",\n]\nhal-1 = []\n\n[dependencies]\nlog = \"1\"\n";
        let of = |name, about: &str| Feature { name, about: about.into() };
        assert_eq!(read(manifest), [of("csv", "Files of rows."), of("std", ""), of("hal-1", "")]);
        assert!(read("[package]\n").is_empty());
    }
}
