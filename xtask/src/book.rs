//! `book`: regenerates the tables of operators and of features, and the html book where mdbook is installed.

use std::fs;
use std::process::Command;

use crate::tree::Tree;
use crate::{Result, feature_index, filter_index, operators, process};

pub(crate) fn run(_: &[String]) -> Result {
    for (path, page) in generated(&Tree::read(process::root())?) {
        let file = process::root().join(path);
        if fs::read_to_string(&file).ok().as_ref() != Some(&page) {
            fs::write(&file, page)?;
            println!("wrote {path}");
        }
    }
    if Command::new("mdbook").arg("--version").output().is_ok() {
        return process::run(&mut process::command("mdbook", "build docs"));
    }
    println!("mdbook is not installed, so no html was made; get it with `cargo install mdbook`");
    Ok(())
}

/// The pages that are made from the source, with their places in the repository.
pub(crate) fn generated(tree: &Tree) -> Vec<(&'static str, String)> {
    let operators = (filter_index::PATH, filter_index::page(&operators::read(tree)));
    [operators].into_iter().chain(feature_index::pages(tree)).collect()
}
