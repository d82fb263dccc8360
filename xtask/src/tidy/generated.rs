//! Generated pages are what the generator makes today.

use super::Problem;
use crate::book;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let is_current = |path: &str, page: &String| tree.get(path).is_some_and(|file| file.text == *page);
    let old = book::generated(tree).into_iter().filter(|(path, page)| !is_current(path, page));
    let what = "what it is made from has changed since";
    old.map(|(path, _)| Problem::in_file(path, what, "run `cargo xtask book`")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_must_be_current() {
        let pages = book::generated(&Tree::of(&[]));
        let files: Vec<(&str, &str)> = pages.iter().map(|(path, page)| (*path, page.as_str())).collect();
        assert!(check(&Tree::of(&files)).is_empty());
        assert_eq!(check(&Tree::of(&[(files[0].0, "old"), files[1], files[2]])).len(), 1);
        assert_eq!(check(&Tree::of(&files[1..])).len(), 1);
    }
}
