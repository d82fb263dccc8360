//! `book`: regenerates the operator table, and the html book where mdbook is installed.

use std::fs;
use std::process::Command;

use crate::tree::Tree;
use crate::{Result, filter_index, operators, process};

pub(crate) fn run(_: &[String]) -> Result {
    let page = filter_index::page(&operators::read(&Tree::read(process::root())?));
    let path = process::root().join(filter_index::PATH);
    if fs::read_to_string(&path).ok().as_ref() != Some(&page) {
        fs::write(&path, page)?;
        println!("wrote {}", filter_index::PATH);
    }
    if Command::new("mdbook").arg("--version").output().is_ok() {
        return process::run(&mut process::command("mdbook", "build docs"));
    }
    println!("mdbook is not installed, so no html was made; get it with `cargo install mdbook`");
    Ok(())
}
