//! Every operator has a module line, says what it holds in memory, has an example that runs, and a place on its group's
//! contents page.

use super::Problem;
use super::code::{code_only, lines_with};
use crate::operators::{self, Group, Operator};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    operators::read(tree).iter().flat_map(check_group).collect()
}

fn check_group(group: &Group<'_>) -> Vec<Problem> {
    group.operators.iter().flat_map(|operator| check_operator(operator, group)).collect()
}

fn check_operator(operator: &Operator<'_>, group: &Group<'_>) -> Vec<Problem> {
    let file = operator.file;
    let mut problems = Vec::new();
    if operator.calls.is_empty() {
        let mend = "begin it with \"//! `name(arguments)`: what it does.\"";
        problems.push(Problem::at(&file.path, 1, "the first line does not introduce an operator", mend));
    }
    if operator.holds.is_empty() {
        let mend = "say what it keeps between two events in a second paragraph: \"//! Holds up to `n` events.\"";
        problems.push(Problem::in_file(&file.path, "it does not say what it holds in memory", mend));
    }
    if !has_example(&file.text) {
        let mend = "show one use in a ``` block of the type's `///` documentation";
        problems.push(Problem::in_file(&file.path, "no example in its documentation", mend));
    }
    if lines_with(&code_only(&group.contents.text), file.stem()).next().is_none() {
        let mend = "declare the file and its method in the group's mod.rs";
        let what = format!("{} does not mention it", group.contents.path);
        problems.push(Problem::in_file(&file.path, what, mend));
    }
    problems
}

fn has_example(source: &str) -> bool {
    source.lines().any(|line| line.trim_start().starts_with("/// ```"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(text: &str, contents: &str) -> Vec<String> {
        let tree =
            Tree::of(&[("thingflow-core/src/filters/map.rs", text), ("thingflow-core/src/filters/mod.rs", contents)]);
        check(&tree).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn a_good_operator() {
        let good = "//! `map(f)`: send what `f` makes.\n//!\n//! Holds nothing.\n/// ```\n/// ```\npub struct Map;";
        assert!(check_file(good, "//! Filters.\nmod map;").is_empty());
    }

    #[test]
    fn an_operator_without_anything() {
        let missing = [
            "the first line does not introduce an operator",
            "it does not say what it holds in memory",
            "no example in its documentation",
        ];
        assert_eq!(check_file("//! Maps.\n", "mod map;\nfn map(self) {}"), missing);
        let unlisted = "thingflow-core/src/filters/mod.rs does not mention it";
        assert_eq!(
            check_file("//! `map(f)`: maps.\n//!\n//! Holds nothing.\n/// ```\n", "// map\nmod mapping;"),
            [unlisted]
        );
    }
}
