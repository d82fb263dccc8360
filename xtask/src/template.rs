//! The folder `template/`, which is to be copied: a copy of it, outside of the workspace, builds and passes its tests.

use std::fs;

use crate::process;

#[test]
fn a_copy_of_the_template_works() {
    let (root, copy) = (process::root(), tempfile::tempdir().unwrap());
    let template = root.join("template");
    fs::create_dir(copy.path().join("src")).unwrap();
    fs::copy(template.join("src/main.rs"), copy.path().join("src/main.rs")).unwrap();
    fs::copy(root.join("Cargo.lock"), copy.path().join("Cargo.lock")).unwrap(); // nothing is fetched for it
    let manifest = fs::read_to_string(template.join("Cargo.toml")).unwrap();
    fs::write(copy.path().join("Cargo.toml"), with_paths(&manifest)).unwrap();

    let mut cargo = process::cargo("test --offline --quiet");
    cargo.current_dir(&copy).env("CARGO_TARGET_DIR", process::target_folder().join("template"));
    process::run(&mut cargo).unwrap();
}

/// The crates of this very folder in the place of those from the net.
fn with_paths(manifest: &str) -> String {
    let line = |line: &str| match (line.split_once(" = "), line.split('"').nth(1)) {
        (Some((name, _)), Some(url)) if line.contains("{ git = ") => {
            line.replace(&format!("git = \"{url}\""), &format!("path = {:?}", process::root().join(name)))
        }
        _ => line.to_owned(),
    };
    manifest.lines().map(|it| line(it) + "\n").collect()
}
