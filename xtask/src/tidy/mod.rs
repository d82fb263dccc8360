//! `tidy`: the repository's own rules. Each says what is wrong, where, and how to mend it.

mod code;
mod facade;
mod generated;
mod lengths;
mod links;
mod operators;
mod paths;
mod words;

use std::fmt;

use crate::tree::Tree;
use crate::{Result, process};

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    path: String,
    /// Counted from one; none if the file as a whole is meant.
    line: Option<usize>,
    what: String,
    mend: &'static str,
}

type Rule = fn(&Tree) -> Vec<Problem>;

const RULES: [Rule; 11] = [
    lengths::files,
    lengths::functions,
    lengths::architecture,
    words::first_lines,
    words::banned,
    words::module_names,
    operators::check,
    generated::check,
    facade::check,
    links::check,
    paths::check,
];

pub(crate) fn run(_: &[String]) -> Result {
    let tree = Tree::read(process::root())?;
    print!("{}", lengths::report(&tree));
    let problems: Vec<Problem> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{} to mend", problems.len()).into()) }
}

impl Problem {
    fn in_file(path: &str, what: impl Into<String>, mend: &'static str) -> Self {
        Self { path: path.into(), line: None, what: what.into(), mend }
    }

    fn at(path: &str, line: usize, what: impl Into<String>, mend: &'static str) -> Self {
        Self { path: path.into(), line: Some(line), what: what.into(), mend }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        write!(f, "{}{line}: {}\n    mend: {}", self.path, self.what, self.mend)
    }
}

/// What a rule finds, as `path:line` or `path`, for the tests of the rules.
#[cfg(test)]
fn places(problems: &[Problem]) -> Vec<String> {
    let place = |it: &Problem| it.line.map_or(it.path.clone(), |line| format!("{}:{line}", it.path));
    problems.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_where_and_how_to_mend() {
        let problem = Problem::at("a/b.rs", 3, "it is too long", "split it");
        assert_eq!(problem.to_string(), "a/b.rs:3: it is too long\n    mend: split it");
    }
}
