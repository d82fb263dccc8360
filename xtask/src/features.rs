//! `features`: each library lints clean without features and with each of them alone, so a feature needs no other.

use std::fs;

use crate::{Result, process};

const LIBRARIES: [&str; 4] = ["thingflow-core", "thingflow-adapters", "thingflow-journal", "thingflow-sensors"];

pub(crate) fn run(_: &[String]) -> Result {
    for library in LIBRARIES {
        lint(library, "")?;
        let manifest = fs::read_to_string(process::root().join(library).join("Cargo.toml"))?;
        for feature in names(&manifest) {
            lint(library, &format!("--features {feature}"))?;
        }
    }
    Ok(())
}

fn lint(library: &str, features: &str) -> Result {
    let line = format!("clippy --quiet --locked -p {library} --no-default-features {features} -- -D warnings");
    process::run(&mut process::cargo(&line))
}

/// The keys of the `[features]` table, `default` left out.
fn names(manifest: &str) -> Vec<&str> {
    let table = manifest.lines().skip_while(|line| line.trim() != "[features]").skip(1);
    let keys = table
        .take_while(|line| !line.starts_with('['))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_'))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()));
    keys.filter(|key| *key != "default").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_keys_of_the_table() {
        let manifest = "[package]\nname = \"x\"\n\n[features]\ndefault = [\"std\"]\n# Files.\ncsv = []\n\
                        std = [\n  \"alloc\",\n]\nhal-1 = []\n\n[dependencies]\nlog = \"1\"\n";
        assert_eq!(names(manifest), ["csv", "std", "hal-1"]);
        assert!(names("[package]\n").is_empty());
    }
}
