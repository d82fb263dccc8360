//! Every operator says what it does and what it holds in memory, and has an example that runs: on its method, or in its file,
//! which then has a place on its group's contents page.

use super::Problem;
use super::code::{code_only, lines_with};
use crate::costs::{self, Costs};
use crate::operators::{self, Group, Operator};
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    check_groups(&operators::read(tree)).into_iter().chain(check_costs(tree)).collect()
}

fn check_costs(tree: &Tree) -> Vec<Problem> {
    let groups = operators::read(tree);
    let costs = Costs::of(tree).mistakes(&groups).into_iter();
    let mend = "give it a row in benches/src/subjects/operators and run `cargo xtask operators`, or a reason in xtask/src/costs.rs";
    costs.map(|what| Problem::in_file(costs::PATH, what, mend)).collect()
}

fn check_groups(groups: &[Group<'_>]) -> Vec<Problem> {
    groups.iter().flat_map(check_group).collect()
}

fn check_group(group: &Group<'_>) -> Vec<Problem> {
    group.operators.iter().flat_map(|operator| check_operator(operator, group)).collect()
}

fn check_operator(operator: &Operator<'_>, group: &Group<'_>) -> Vec<Problem> {
    let file = operator.file;
    let mut problems = Vec::new();
    if let Some((method, line)) = &operator.method {
        if operator.holds.is_empty() {
            let mend = "say so in its documentation, after a blank line: \"Holds up to `n` events. Sends `T`.\"";
            problems.push(Problem::at(
                &file.path,
                *line,
                format!("`{method}` does not say what it holds in memory"),
                mend,
            ));
        }
        if !operator.has_example && !operator.calls.iter().any(|call| call.starts_with("Window::")) {
            let mend = "show one use in a ``` block of its `///` documentation";
            problems.push(Problem::at(
                &file.path,
                *line,
                format!("no example in the documentation of `{method}`"),
                mend,
            ));
        }
        return problems;
    }
    if operator.calls.is_empty() {
        let mend = "begin it with \"//! `name(arguments)`: what it does.\"";
        problems.push(Problem::at(&file.path, 1, "the first line does not introduce an operator", mend));
    }
    if operator.holds.is_empty() {
        let mend = "say what it keeps between two events in a second paragraph: \"//! Holds up to `n` events.\"";
        problems.push(Problem::in_file(&file.path, "it does not say what it holds in memory", mend));
    }
    if !operator.has_example {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check_file(text: &str, contents: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("thingflow-core/src/elementwise/map.rs", text),
            ("thingflow-core/src/elementwise/mod.rs", contents),
        ]);
        check_groups(&operators::read(&tree)).into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn an_operator_without_figures() {
        let map = ("thingflow-core/src/elementwise/map.rs", "//! `map(f)`: maps.\n");
        let contents = ("thingflow-core/src/elementwise/mod.rs", "mod map;\nfn map(self) {}");
        let said = |kept: &str| {
            let problems = check_costs(&Tree::of(&[map, contents, (costs::PATH, kept)]));
            problems.into_iter().map(|problem| problem.what).collect::<Vec<_>>()
        };
        let (with, without) = (said("operator\nmap,1,0,0,,\n"), said("operator\n"));
        let of_map = |problems: &[String]| {
            problems.iter().filter(|what| what.contains("`map`") || what.contains("`map(")).count()
        };
        assert_eq!((of_map(&with), of_map(&without)), (0, 1), "{without:?}");
        assert!(said("operator\nmop,1,0,0,,\n").contains(&"there is no operator `mop`".to_string()));
    }

    #[test]
    fn a_good_operator() {
        let good = "//! `map(f)`: send what `f` makes.\n//!\n//! Holds nothing.\n/// ```\n/// ```\npub struct Map;";
        assert!(check_file(good, "//! Filters.\nmod map;").is_empty());
    }

    #[test]
    fn a_method_without_anything() {
        let contents = "trait Filters {\n    /// Maps.\n    ///\n    /// Holds nothing.\n    ///\n    /// ```\n    /// ```\n    \
                        fn map(self) {\n    }\n    /// Takes.\n    fn take(self) {\n    }\n}\n";
        let missing = ["`take` does not say what it holds in memory", "no example in the documentation of `take`"];
        assert_eq!(check_file("//! Maps.\n", contents), missing);
    }

    #[test]
    fn an_operator_without_anything() {
        let missing = [
            "the first line does not introduce an operator",
            "it does not say what it holds in memory",
            "no example in its documentation",
        ];
        assert_eq!(check_file("//! Maps.\n", "mod map;\nfn map(self) {}"), missing);
        let unlisted = "thingflow-core/src/elementwise/mod.rs does not mention it";
        assert_eq!(
            check_file("//! `map(f)`: maps.\n//!\n//! Holds nothing.\n/// ```\n", "// map\nmod mapping;"),
            [unlisted]
        );
    }
}
