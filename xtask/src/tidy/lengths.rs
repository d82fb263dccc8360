//! Short files, short functions, a map that fits one sitting.

use super::Problem;
use super::code::{self, Function};
use crate::tree::{File, Tree};

const FILE_LIMIT: usize = 800;
const FUNCTION_LIMIT: usize = 80;
const ARCHITECTURE_LIMIT: usize = 250;

/// What nine in ten should keep to; reported, not enforced.
const FILE_AIM: usize = 400;
const FUNCTION_AIM: usize = 25;

pub(super) fn files(tree: &Tree) -> Vec<Problem> {
    let long = library(tree).map(|file| (file, code::library_lines(file))).filter(|(_, lines)| *lines > FILE_LIMIT);
    let problem = |(file, lines): (&File, usize)| {
        let what = format!("{lines} lines, the limit is {FILE_LIMIT}");
        Problem::in_file(&file.path, what, "move a noun of its own into a file of its own")
    };
    long.map(problem).collect()
}

pub(super) fn functions(tree: &Tree) -> Vec<Problem> {
    let long = library(tree).flat_map(library_functions).filter(|(_, function)| function.lines > FUNCTION_LIMIT);
    let problem = |(file, function): (&File, Function)| {
        let what = format!("`{}` has {} lines, the limit is {FUNCTION_LIMIT}", function.name, function.lines);
        Problem::at(&file.path, function.line, what, "give its phases names and make them functions")
    };
    long.map(problem).collect()
}

pub(super) fn architecture(tree: &Tree) -> Vec<Problem> {
    let lines = tree.get("ARCHITECTURE.md").map_or(0, |file| file.text.lines().count());
    if lines <= ARCHITECTURE_LIMIT {
        return Vec::new();
    }
    let what = format!("{lines} lines, the limit is {ARCHITECTURE_LIMIT}");
    vec![Problem::in_file("ARCHITECTURE.md", what, "move detail into the modules' own documentation or DESIGN.md")]
}

/// How the library stands against the aims.
pub(crate) fn report(tree: &Tree) -> String {
    let files = library(tree).map(code::library_lines).collect();
    let functions = library(tree).flat_map(library_functions).map(|(_, function)| function.lines).collect();
    format!("files:     {}\nfunctions: {}\n", spread(files, FILE_AIM), spread(functions, FUNCTION_AIM))
}

fn spread(mut lines: Vec<usize>, aim: usize) -> String {
    lines.sort_unstable();
    let at = |percent: usize| lines.get(lines.len() * percent / 100).or(lines.last()).unwrap_or(&0);
    let (count, longest) = (lines.len(), at(100));
    format!("{count}, half up to {} lines, nine in ten up to {} (aim {aim}), longest {longest}", at(50), at(90))
}

/// The files that users compile.
fn library(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_library = |file: &&File| file.path.starts_with("thingflow-") && file.path.contains("/src/");
    tree.files.iter().filter(|file| file.is_rust() && !code::is_test_file(file)).filter(is_library)
}

fn library_functions(file: &File) -> impl Iterator<Item = (&File, Function)> {
    let end = code::library_lines(file);
    code::functions(&file.text).into_iter().filter(move |function| function.line <= end).map(move |it| (file, it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    #[test]
    fn long_files() {
        let (long, right) = ("//\n".repeat(801), "//\n".repeat(800));
        let tested = right.clone() + "#[cfg(test)]\nmod tests {\n}\n";
        let tree = Tree::of(&[
            ("thingflow-core/src/long.rs", long.as_str()),
            ("thingflow-core/src/right.rs", &right),
            ("thingflow-core/src/tested.rs", &tested),
            ("thingflow-core/tests/long.rs", &long),
            ("examples/a/src/main.rs", &long),
        ]);
        assert_eq!(places(&files(&tree)), ["thingflow-core/src/long.rs"]);
    }

    #[test]
    fn long_functions() {
        let body = "    step();\n";
        let source = format!("fn right() {{\n{}}}\nfn long() {{\n{}}}\n", body.repeat(78), body.repeat(79));
        let tree = Tree::of(&[("thingflow-core/src/a.rs", source.as_str())]);
        assert_eq!(places(&functions(&tree)), ["thingflow-core/src/a.rs:81"]);
    }

    #[test]
    fn a_long_map() {
        assert_eq!(architecture(&Tree::of(&[("ARCHITECTURE.md", &"x\n".repeat(251))])).len(), 1);
        assert_eq!(architecture(&Tree::of(&[("ARCHITECTURE.md", &"x\n".repeat(250))])).len(), 0);
    }

    #[test]
    fn the_spread() {
        let text = spread((1..=10).collect(), 4);
        assert_eq!(text, "10, half up to 6 lines, nine in ten up to 10 (aim 4), longest 10");
        assert!(spread(Vec::new(), 4).starts_with("0, half up to 0 lines"));
    }
}
