//! `tidy`: the repository's own rules. Each says what is wrong, where, and how to mend it.

mod code;
mod facade;
mod generated;
mod lengths;
mod links;
mod map;
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

/// The rules by their names, so that one can be run alone: `cargo xtask tidy map`.
const RULES: [(&str, Rule); 14] = [
    ("files", lengths::files),
    ("functions", lengths::functions),
    ("length-of-map", lengths::architecture),
    ("first-lines", words::first_lines),
    ("banned", words::banned),
    ("names", words::module_names),
    ("operators", operators::check),
    ("generated", generated::check),
    ("facade", facade::check),
    ("one-crate", facade::one_crate),
    ("one-address", facade::one_address),
    ("map", map::check),
    ("links", links::check),
    ("paths", paths::check),
];

pub(crate) fn run(words: &[String]) -> Result {
    if let Some(word) = words.iter().find(|word| RULES.iter().all(|(name, _)| name != word)) {
        let names = RULES.map(|(name, _)| name).join(", ");
        return Err(format!("no rule is called {word}; there are {names}").into());
    }
    let tree = Tree::read(process::root())?;
    print!("{}", lengths::report(&tree));
    let wanted = RULES.iter().filter(|(name, _)| words.is_empty() || words.iter().any(|word| word == name));
    let problems: Vec<Problem> = wanted.flat_map(|(_, rule)| rule(&tree)).collect();
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
