//! Generated pages are what the generator makes today.

use super::Problem;
use crate::tree::Tree;
use crate::{filter_index, operators};

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let current = filter_index::page(&operators::read(tree));
    if tree.get(filter_index::PATH).is_some_and(|file| file.text == current) {
        return Vec::new();
    }
    vec![Problem::in_file(filter_index::PATH, "the operators have changed since it was made", "run `cargo xtask book`")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_must_be_current() {
        let page = filter_index::page(&[]);
        assert!(check(&Tree::of(&[(filter_index::PATH, &page)])).is_empty());
        assert_eq!(check(&Tree::of(&[(filter_index::PATH, "old")])).len(), 1);
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
