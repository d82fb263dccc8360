//! The operators as the source describes them, grouped in folders whose `mod.rs` holds the methods. A group that documents its
//! methods is read from them, see [`methods`]; of the others each operator has a file, whose first lines describe it.

mod methods;

use crate::tree::{File, Tree};

/// The folders of `thingflow-core/src` that hold one operator per file, and files of what several operators share.
const GROUPS: [&str; 12] = [
    "elementwise",
    "select",
    "reduce",
    "ends",
    "windows",
    "timing",
    "joins",
    "splitting",
    "flow",
    "tracking",
    "sources",
    "sinks",
];

const SOURCE: &str = "thingflow-core/src";

/// A folder of operators.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) name: &'static str,
    pub(crate) contents: &'a File,
    pub(crate) operators: Vec<Operator<'a>>,
}

/// One operator of a group: a method, or a file.
#[derive(Debug)]
pub(crate) struct Operator<'a> {
    pub(crate) file: &'a File,
    /// The method that is documented, and its line; `None` if the file is.
    pub(crate) method: Option<(String, usize)>,
    /// The calls, `take(n)`: that of the method, or those that the module line names, if it has that shape.
    pub(crate) calls: Vec<String>,
    /// What it does: the first sentence of the method, or what the module line says after the colon.
    pub(crate) summary: String,
    /// The memory it holds, `one event`; empty if nothing is said of it.
    pub(crate) holds: String,
    /// The type of what it sends; empty if nothing is said of it.
    pub(crate) sends: String,
    /// What can be set.
    pub(crate) options: String,
    /// Whether there is an example.
    pub(crate) has_example: bool,
    /// The calls again, those together that need the same feature.
    pub(crate) forms: Vec<Form>,
}

/// One or several calls of an operator that exist under the same condition.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Form {
    pub(crate) calls: Vec<String>,
    /// Names used elsewhere, from `#[doc(alias = "...")]` on the methods.
    pub(crate) aliases: Vec<String>,
    /// The cargo feature without which the calls do not exist.
    pub(crate) feature: Option<String>,
}

/// All groups that exist, each with its operators in the order of their files.
pub(crate) fn read(tree: &Tree) -> Vec<Group<'_>> {
    let root = tree.get("thingflow-core/src/lib.rs").map_or("", |file| &file.text);
    let group = |name| {
        let contents = tree.get(&format!("{SOURCE}/{name}/mod.rs"))?;
        let whole = attributes(root, "mod", name).feature.or_else(|| feature_of_file(&contents.text));
        let windows = tree.get(&format!("{SOURCE}/{name}/window.rs")).map_or("", |file| &file.text);
        let mut operators = methods::read(contents, "trait", "", whole.as_ref());
        let others = group_files(tree, name).filter(|file| file.text.contains("\npub trait ") && !operators.is_empty());
        let others: Vec<_> = others.flat_map(|file| methods::of_chains(file, whole.as_ref())).collect();
        operators.extend(others);
        if operators.is_empty() {
            let files = group_files(tree, name).filter(|file| is_operator(file, contents));
            operators = files.map(|file| operator(file, &contents.text, windows, whole.as_ref())).collect();
        } else if let Some(windows) = tree.get(&format!("{SOURCE}/{name}/window.rs")) {
            operators.extend(methods::read(windows, "impl Window ", "Window::", whole.as_ref()));
        }
        Some(Group { name, contents, operators })
    };
    GROUPS.into_iter().filter_map(group).collect()
}

/// The feature of `#![cfg(feature = "...")]`.
fn feature_of_file(source: &str) -> Option<String> {
    let line = source.lines().find(|line| line.starts_with("#![cfg(feature = "))?;
    quoted(line).next().map(str::to_string)
}

/// Whether a file says that it is an operator, by its first line, or ought to: the group has a method of its name.
fn is_operator(file: &File, contents: &File) -> bool {
    file.text.starts_with("//! `") || contents.text.lines().any(|line| declares(line.trim(), "fn", file.stem()))
}

fn group_files<'a>(tree: &'a Tree, group: &str) -> impl Iterator<Item = &'a File> {
    let folder = format!("{SOURCE}/{group}/");
    let direct = move |path: &str| path.strip_prefix(&folder).is_some_and(|name| !name.contains('/'));
    let kept = |file: &&File| file.is_rust() && !["mod", "tests"].contains(&file.stem());
    tree.files.iter().filter(move |file| direct(&file.path)).filter(kept)
}

fn operator<'a>(file: &'a File, contents: &str, windows: &str, whole_group: Option<&String>) -> Operator<'a> {
    let (calls, summary) = module_line(&file.text).unwrap_or_default();
    let whole = attributes(contents, "mod", file.stem()).feature.or_else(|| whole_group.cloned());
    let mut forms: Vec<Form> = Vec::new();
    for call in &calls {
        let found = match call.split_once("Window::") {
            Some((_, window)) => attributes(windows, "fn", name(window)),
            None => of_call(name(call), contents, &file.text),
        };
        let feature = found.feature.or_else(|| whole.clone());
        let at = forms.iter().position(|form| form.feature == feature).unwrap_or_else(|| {
            forms.push(Form { feature, ..Form::default() });
            forms.len() - 1
        });
        let form = &mut forms[at];
        form.calls.push(call.clone());
        form.aliases.extend(found.aliases);
        form.aliases.sort();
        form.aliases.dedup();
    }
    Operator {
        file,
        method: None,
        calls,
        summary,
        holds: held(&file.text).unwrap_or_default(),
        sends: sent(&file.text).unwrap_or_default(),
        options: options(&file.text),
        has_example: file.text.lines().any(|line| line.trim_start().starts_with("/// ```")),
        forms,
    }
}

/// The type that the operator's file says it sends: `type Out = (T, T);`. What is made of others' types says nothing.
fn sent(source: &str) -> Option<String> {
    let line = source.lines().find_map(|line| line.trim().strip_prefix("type Out = "))?;
    let name = line.strip_suffix(';')?;
    (!name.contains("::") && name != "Out" && name != "U").then(|| format!("`{name}`"))
}

/// The methods of the operator's type that set something and give it back.
fn options(source: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let names = lines.windows(2).filter(|two| two[0] == "#[must_use]" || two[1].contains("(self) -> Self {"));
    let names = names.filter_map(|two| two[1].strip_prefix("pub fn ")).map(|rest| format!("`{}`", name(rest)));
    let mut names: Vec<String> = names.collect();
    names.dedup();
    names.join(", ")
}

/// What is said of a method of the group's trait, or else of a function or method in the operator's file.
fn of_call(name: &str, contents: &str, file: &str) -> Attributes {
    let is_method = contents.lines().any(|line| declares(line.trim(), "fn", name));
    attributes(if is_method { contents } else { file }, "fn", name)
}

/// The name that is called in `take(n)`.
fn name(call: &str) -> &str {
    call.split(['(', ':', '<']).next().unwrap_or(call)
}

/// The first paragraph of a module's documentation on one line.
pub(crate) fn module_text(source: &str) -> String {
    paragraph(source, 0)
}

/// Reads "Holds up to `n` events. They are sent at the end." in the second paragraph as "up to `n` events".
fn held(source: &str) -> Option<String> {
    let text = paragraph(source, 1);
    let held = text.strip_prefix("Holds ")?.strip_suffix('.')?;
    held.split(". ").next().map(str::to_string)
}

/// A paragraph of a module's documentation on one line, counted from 0.
fn paragraph(source: &str, index: usize) -> String {
    let lines: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    lines.split(|line| line.is_empty()).nth(index).unwrap_or_default().join(" ")
}

/// Reads "`min()`, `max()`: the smallest or largest event." as calls and summary.
fn module_line(source: &str) -> Option<(Vec<String>, String)> {
    let text = module_text(source);
    let (calls, summary) = text.split_once("`: ")?;
    let calls =
        calls.split('`').map(|call| call.trim_matches([',', ' '])).filter(|call| !call.is_empty() && *call != "and");
    Some((calls.map(str::to_string).collect(), summary.to_string()))
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Attributes {
    aliases: Vec<String>,
    feature: Option<String>,
}

/// What the attributes of every `fn NAME` or `mod NAME` say, those of the trait around a method included.
fn attributes(source: &str, keyword: &str, name: &str) -> Attributes {
    let mut found = Attributes::default();
    let mut around = None;
    let mut pending = Attributes::default();
    for line in source.lines() {
        let code = line.trim();
        if code.starts_with("#[") {
            pending.read(code);
        } else if declares(code, keyword, name) {
            found.aliases.append(&mut pending.aliases);
            found.feature = found.feature.or_else(|| pending.feature.take()).or_else(|| around.clone());
        } else if line.contains("trait ") && line.ends_with('{') {
            around = pending.feature.take();
        } else if line == "}" {
            around = None;
        }
        if !code.starts_with("#[") && !code.starts_with("//") {
            pending = Attributes::default();
        }
    }
    found
}

impl Attributes {
    fn read(&mut self, attribute: &str) {
        if attribute.contains("doc(alias") {
            self.aliases.extend(quoted(attribute).map(str::to_string));
        } else if attribute.starts_with("#[cfg(feature = ") {
            self.feature = quoted(attribute).next().map(str::to_string);
        }
    }
}

/// What stands between double quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// Whether the line declares this very name: `fn take(`, `pub mod take;`.
fn declares(line: &str, keyword: &str, name: &str) -> bool {
    let words = format!("{keyword} {name}");
    let at_word = |at: usize| line[..at].ends_with(' ') || at == 0;
    let after = |at: usize| line[at + words.len()..].chars().next();
    let ends = |next: Option<char>| !next.is_some_and(|next| next.is_alphanumeric() || next == '_');
    !line.starts_with("//") && line.match_indices(&words).any(|(at, _)| at_word(at) && ends(after(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENTS: &str = r#"//! Filters that keep state.

mod scan;
#[cfg(feature = "alloc")]
mod collect;

pub trait Filters: Chain {
    /// Folds.
    #[doc(alias = "reduce")]
    #[doc(alias = "fold")]
    fn scan<F>(self, f: F) -> Self::Piped<Scan<F>> {
        self.pipe(Scan(f))
    }
    fn scan_all(self) {}
}

#[cfg(feature = "std")]
pub trait Slow: Chain {
    fn wait(self) -> u8 {
        0
    }
}
"#;

    #[test]
    fn module_lines() {
        let read = |text| module_line(text).unwrap_or_default();
        assert_eq!(
            read("//! `take(n)`: pass the first `n`.\n\nuse x;"),
            (vec!["take(n)".into()], "pass the first `n`.".into())
        );
        assert_eq!(read("//! `min()`, `max()`: the\n//! limits.\n//!\n//! More.").1, "the limits.");
        assert_eq!(read("//! `min()`, `max()` and `sum()`: x.").0, ["min()", "max()", "sum()"]);
        assert_eq!(module_line("//! A filter."), None);
    }

    #[test]
    fn the_memory_held() {
        let read = |second: &str| held(&format!("//! `take(n)`: pass.\n//!\n{second}\nuse x;"));
        assert_eq!(read("//! Holds nothing.").as_deref(), Some("nothing"));
        assert_eq!(read("//! Holds up to `n`\n//! events. They come late.").as_deref(), Some("up to `n` events"));
        assert_eq!(read("//! Holds 0.5 events a key.").as_deref(), Some("0.5 events a key"));
        assert_eq!(read("//! Holds on to it"), None);
        assert_eq!(read("//! It is fast."), None);
    }

    #[test]
    fn attributes_of_a_method() {
        let seen = attributes(CONTENTS, "fn", "scan");
        assert_eq!(seen, Attributes { aliases: vec!["reduce".into(), "fold".into()], feature: None });
        assert_eq!(attributes(CONTENTS, "fn", "scan_all"), Attributes::default());
    }

    #[test]
    fn features_come_from_the_module_or_the_trait() {
        assert_eq!(attributes(CONTENTS, "mod", "collect").feature.as_deref(), Some("alloc"));
        assert_eq!(attributes(CONTENTS, "fn", "wait").feature.as_deref(), Some("std"));
        assert_eq!(feature_of_file("//! All.\n#![cfg(feature = \"alloc\")]\nmod a;").as_deref(), Some("alloc"));
        assert_eq!(feature_of_file(CONTENTS), None);
    }

    #[test]
    fn what_operators_share_is_none() {
        let file = |text: &str| File { path: "thingflow-core/src/joins/zip.rs".into(), text: text.into() };
        assert!(is_operator(&file("//! `zip(a, b)`: pairs."), &file("mod zip;")));
        assert!(is_operator(&file("//! Pairs."), &file("mod zip;\n    fn zip<B>(self, b: B) {}")));
        assert!(!is_operator(&file("//! Pairs."), &file("mod zip;\n    fn zip_with(self) {}")));
    }

    #[test]
    fn groups_hold_their_operators() {
        let tree = Tree::of(&[
            ("thingflow-core/src/lib.rs", "#[cfg(feature = \"alloc\")]\npub mod windows;\n"),
            ("thingflow-core/src/windows/avg.rs", "//! `avg()`: the mean.\n"),
            ("thingflow-core/src/windows/mod.rs", "//! Windows.\nmod avg;\nmod ring;\n"),
            ("thingflow-core/src/windows/ring.rs", "//! [`Ring`]: what windows keep their events in.\n"),
            ("thingflow-core/src/windows/tests.rs", "//! Tests.\n"),
        ]);
        let groups = read(&tree);
        assert_eq!(groups.len(), 1);
        let [avg] = groups[0].operators.as_slice() else { panic!("one operator: {groups:?}") };
        assert_eq!((avg.summary.as_str(), avg.forms[0].feature.as_deref()), ("the mean.", Some("alloc")));
    }

    #[test]
    fn forms_by_what_they_need() {
        let forms = |line: &str, contents: &str, windows: &str| {
            let file = File { path: "thingflow-core/src/windows/avg.rs".into(), text: format!("//! {line}: x.\n") };
            operator(&file, contents, windows, None)
                .forms
                .into_iter()
                .map(|form| format!("{} {}", form.calls.join(" "), form.feature.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        let methods = "mod avg;\ntrait A {\n    fn avg_of<const N: usize>(self) {}\n    #[cfg(feature = \"alloc\")]\n    \
                       fn avg(self, n: usize) {}\n}\n";
        assert_eq!(forms("`avg(n)`, `avg_of::<N>()`", methods, ""), ["avg(n) alloc", "avg_of::<N>() "]);
        let windows = "impl Window {\n    #[cfg(feature = \"alloc\")]\n    pub fn last() {}\n    pub fn each() {}\n}\n";
        let lines = "`aggregate(Window::last(n), a)`, `aggregate(Window::each(d), a)`";
        let expected = ["aggregate(Window::last(n), a) alloc", "aggregate(Window::each(d), a) "];
        assert_eq!(forms(lines, "    fn aggregate() {}", windows), expected);
    }
}
