//! `docs`: the pages of `cargo doc`, in the order of the crates' dependencies, since rustdoc links only to pages that are
//! there already. No link between them may be dead.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::package::PUBLISHED;
use crate::{Result, process};

pub(crate) fn run(_: &[String]) -> Result {
    let pages = process::target_folder().join("doc");
    for name in PUBLISHED {
        drop(fs::remove_dir_all(folder(&pages, name))); // pages of what is gone would stay
        document(&format!("--package {name}"))?;
    }
    let others: String = PUBLISHED.iter().map(|name| format!(" --exclude {name}")).collect();
    document(&format!("--workspace{others}"))?;
    let mut dead = Vec::new();
    for name in PUBLISHED {
        let folder = folder(&pages, name);
        for page in html(&folder)? {
            dead.extend(dead_links(&page, &fs::read_to_string(&page)?, Path::exists));
        }
        links_to_core(&folder)?;
    }
    for link in dead.iter().take(20) {
        eprintln!("{link}");
    }
    if dead.is_empty() { Ok(()) } else { Err(format!("{} dead links in {}", dead.len(), pages.display()).into()) }
}

/// Where the pages of a crate lie.
fn folder(pages: &Path, name: &str) -> PathBuf {
    pages.join(name.replace('-', "_"))
}

fn document(packages: &str) -> Result {
    let mut cargo = process::cargo(&format!("doc --all-features --no-deps --locked {packages}"));
    process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Crates that know nothing of the core, and the core itself.
const BELOW: [&str; 4] = ["thingflow_clock", "thingflow_core", "thingflow_journal", "thingflow_unix"];

/// The first page of each crate that stands on the core explains itself by the core's.
fn links_to_core(folder: &Path) -> Result {
    let page = folder.join("index.html");
    let is_below = BELOW.iter().any(|name| folder.ends_with(name));
    if is_below || fs::read_to_string(&page)?.contains("href=\"../thingflow_core/") {
        return Ok(());
    }
    Err(format!("{} does not link to the pages of the core", page.display()).into())
}

/// All pages of a folder and those in it.
fn html(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            pages.extend(html(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(path);
        }
    }
    Ok(pages)
}

/// What a page links to beside it that is not there.
fn dead_links(page: &Path, text: &str, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = page.parent().unwrap_or(page);
    let targets: BTreeSet<&str> =
        text.split(" href=\"").skip(1).filter_map(|rest| rest.split(['"', '#', '?']).next()).collect();
    let is_local = |target: &&&str| !target.is_empty() && !target.contains("://") && !target.contains("${");
    let dead = targets.iter().filter(is_local).filter(|target| !is_there(&resolved(&folder.join(target))));
    dead.map(|target| format!("{}: nothing is at {target}", page.display())).collect()
}

/// A path without `..`.
fn resolved(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f82_dead_links_are_named() {
        let there = ["/doc/core/trait.Thing.html", "/doc/static/x.css"].map(PathBuf::from);
        let text = "<a href=\"../core/trait.Thing.html#m\"> <a href=\"https://a.b/c\"> <a href=\"#top\"> <link href=\"../static/x.css\">\
                    <a href=\"../core/gone.html\"> <a href=\"thingflow_core::Thing\">";
        let dead = dead_links(Path::new("/doc/adapters/index.html"), text, |path| there.contains(&path.to_path_buf()));
        let expected = ["../core/gone.html", "thingflow_core::Thing"];
        assert_eq!(dead, expected.map(|link| format!("/doc/adapters/index.html: nothing is at {link}")));
    }
}
