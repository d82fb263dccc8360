//! `book`: regenerates the tables of operators and of features, and the html book where mdbook is installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::costs::Costs;
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
        return html();
    }
    println!("mdbook is not installed, so no html was made; get it with `cargo install mdbook`");
    Ok(())
}

/// Where this repository is published.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Builds the html book of copies of the pages: on the web, what lies outside of the book is at the repository's address.
fn html() -> Result {
    let (docs, copy) = (process::root().join("docs"), tempfile::tempdir()?);
    fs::create_dir(copy.path().join("src"))?;
    for file in ["book.toml", "wide.css"] {
        fs::copy(docs.join(file), copy.path().join(file))?;
    }
    for page in fs::read_dir(docs.join("src"))? {
        let page = page?;
        let to = copy.path().join("src").join(page.file_name());
        if page.path().extension().is_some_and(|extension| extension == "md") {
            fs::write(to, published(&fs::read_to_string(page.path())?))?;
        } else {
            fs::copy(page.path(), to)?;
        }
    }
    let mut mdbook = process::command("mdbook", "build --dest-dir");
    mdbook.arg(docs.join("book")).arg(copy.path());
    process::run(mdbook.env("MDBOOK_OUTPUT__HTML__GIT_REPOSITORY_URL", REPOSITORY))?;
    println!("open {}", Path::new("docs/book/index.html").display());
    Ok(())
}

/// A page of the book with its links to files outside of it as addresses.
fn published(page: &str) -> String {
    let outside = format!("{REPOSITORY}/blob/main/");
    page.replace("](../../", &format!("]({outside}")).replace("]: ../../", &format!("]: {outside}"))
}

/// The pages that are made from the source, with their places in the repository.
pub(crate) fn generated(tree: &Tree) -> Vec<(&'static str, String)> {
    let operators = (filter_index::PATH, filter_index::page(&operators::read(tree), &Costs::of(tree)));
    [operators].into_iter().chain(feature_index::pages(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_out_of_the_book_become_addresses() {
        let page = "[a](b.md#c) [why](../../DESIGN.md#d)\n\n[e]: ../../template/src/main.rs\n";
        let expected = format!(
            "[a](b.md#c) [why]({REPOSITORY}/blob/main/DESIGN.md#d)\n\n[e]: {REPOSITORY}/blob/main/template/src/main.rs\n"
        );
        assert_eq!(published(page), expected);
    }
}
