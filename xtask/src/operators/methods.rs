//! Operators that are documented where they are called: the methods of a trait.
//!
//! The first sentence says what it does. A paragraph says the rest: "Holds up to `n` events. Sends `Vec<T>`. Options:
//! `drop_on_error`."

use super::{Attributes, Form, Operator};
use crate::tree::File;

/// The methods in the blocks that begin with `block`; none if nothing is said of what they hold. `path` stands before a call.
pub(super) fn read<'a>(file: &'a File, block: &str, path: &str, whole_group: Option<&String>) -> Vec<Operator<'a>> {
    let methods = methods(&file.text, block);
    if !methods.iter().any(|method| method.paragraph("Holds ").is_some()) {
        return Vec::new();
    }
    methods.iter().map(|method| method.operator(file, path, whole_group)).collect()
}

/// The methods of a further trait of chains that a group has in a file of its own.
pub(super) fn of_chains<'a>(file: &'a File, whole_group: Option<&String>) -> Vec<Operator<'a>> {
    let is_of_chains = |line: &str| line.starts_with("pub trait ") && line.ends_with(": Chain {");
    if file.text.lines().any(is_of_chains) { read(file, "trait", "", whole_group) } else { Vec::new() }
}

/// A method as it stands in the source.
#[derive(Debug, Default)]
struct Method {
    line: usize,
    docs: Vec<String>,
    attributes: Attributes,
    /// From `fn` to the brace, on one line.
    signature: String,
}

/// The public methods of all blocks of a kind.
fn methods(source: &str, block: &str) -> Vec<Method> {
    let (mut found, mut method, mut is_inside, mut whole) = (Vec::new(), Method::default(), false, None);
    let mut before = Attributes::default();
    for (number, line) in (1..).zip(source.lines()) {
        let code = line.trim();
        if !line.starts_with(' ') {
            if line.starts_with("#[") {
                before.read(line);
            } else if line.ends_with('{') {
                is_inside = line.trim_start_matches("pub ").starts_with(block);
                whole = std::mem::take(&mut before).feature;
            } else if !line.starts_with("//") {
                before = Attributes::default();
            }
            continue;
        }
        if !is_inside || line.starts_with("     ") && method.signature.is_empty() {
            continue;
        }
        if let Some(text) = code.strip_prefix("///") {
            method.docs.push(text.strip_prefix(' ').unwrap_or(text).to_string());
        } else if code.starts_with("#[") {
            method.attributes.read(code);
        } else if !method.signature.is_empty() || is_function(code) {
            if method.signature.is_empty() {
                method.line = number;
            }
            method.signature += code;
            method.signature.push(' ');
        }
        if !method.signature.is_empty() && code.ends_with('{') {
            let mut ready = std::mem::take(&mut method);
            ready.attributes.feature = ready.attributes.feature.or_else(|| whole.clone());
            found.push(ready);
        }
    }
    found
}

fn is_function(code: &str) -> bool {
    ["fn ", "pub fn ", "pub const fn "].iter().any(|start| code.starts_with(start))
}

impl Method {
    fn operator<'a>(&self, file: &'a File, path: &str, whole_group: Option<&String>) -> Operator<'a> {
        let (call, name) = self.call(path);
        let facts = self.paragraph("Holds ").unwrap_or_default();
        let fact = |start: &str| fact(&facts, start);
        let feature = self.attributes.feature.clone().or_else(|| whole_group.cloned());
        let aliases = self.attributes.aliases.clone();
        Operator {
            file,
            method: Some((name, self.line)),
            summary: self.summary(),
            holds: fact("Holds "),
            sends: fact("Sends "),
            options: fact("Options"),
            has_example: self.docs.iter().any(|line| line.starts_with("```")),
            forms: vec![Form { calls: vec![call.clone()], aliases, feature }],
            calls: vec![call],
        }
    }

    /// The call, `take(n)`, and the name alone.
    fn call(&self, path: &str) -> (String, String) {
        let rest = self.signature.split_once("fn ").map_or("", |(_, rest)| rest);
        let end = rest.find(['<', '(']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let constant = rest.strip_prefix("<const ").and_then(|rest| rest.split_once(':')).map(|(constant, _)| constant);
        let place = constant.map_or(String::new(), |constant| format!("::<{constant}>"));
        let arguments = arguments(rest).join(", ");
        (format!("{path}{name}{place}({arguments})"), name.to_string())
    }

    /// The paragraph that begins so, on one line.
    fn paragraph(&self, start: &str) -> Option<String> {
        let text = self.docs.iter().take_while(|line| !line.starts_with("```")).cloned().collect::<Vec<_>>();
        text.split(String::is_empty).map(|lines| lines.join(" ")).find(|paragraph| paragraph.starts_with(start))
    }

    /// The first sentence.
    fn summary(&self) -> String {
        let text = self.paragraph("").unwrap_or_default();
        text.split_once(". ").map_or(text.clone(), |(first, _)| format!("{first}."))
    }
}

/// The names of a function's arguments, `self` left out; generics, if there are any, stand before them.
fn arguments(signature: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut names) = (0_i32, None, Vec::new());
    for (at, c) in signature.char_indices() {
        match c {
            '(' if depth == 0 && begin.is_none() => begin = Some(at + 1),
            ')' | ',' if depth == 0 && begin.is_some() => {
                let argument = &signature[begin.unwrap_or(at)..at];
                names.extend(argument.split_once(':').map(|(name, _)| name.trim()));
                begin = (c == ',').then_some(at + 1);
                if begin.is_none() {
                    break;
                }
            }
            '<' | '(' | '[' => depth += 1,
            '>' if signature[..at].ends_with(['-', '=']) => {}
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    names
}

/// What a paragraph says in the sentence that begins so, without its beginning and its end.
fn fact(paragraph: &str, start: &str) -> String {
    let Some(at) = paragraph.find(start) else { return String::new() };
    let text = &paragraph[at + start.len()..];
    let next = ["Sends ", "Options"].iter().filter_map(|next| text.find(&format!(". {next}"))).min();
    text[..next.unwrap_or(text.len())].trim_end_matches('.').trim_start_matches([':', ',', ' ']).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"//! Windows.
/// The windows.
#[cfg(feature = "std")]
pub trait Windows: Chain {
    /// Sends lists of `n`; what is left
    /// goes out, too. More of it.
    ///
    /// Holds up to `n` events, 0.5 a key. Sends `Vec<T>`. Options: by [`window`](Self::window), `drop_on_error`.
    ///
    /// ```
    /// let holds = 1;
    /// ```
    #[doc(alias = "buffer")]
    #[cfg(feature = "alloc")]
    fn chunks<F: Fn(u8) -> u8>(
        self,
        n: impl Into<Size>,
        f: F,
    ) -> Self::Piped<Lists<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.pipe(inner(|x: u8| x))
    }
    /// As `chunks`.
    fn chunks_of<const N: usize>(self) -> u8 {
        fn helper() {}
    }
}

impl<C: Chain> Windows for C {}
"#;

    #[test]
    fn methods_with_their_facts() {
        let file = File { path: "windows/mod.rs".into(), text: SOURCE.into() };
        let [chunks, of] = &read(&file, "trait", "", None)[..] else { panic!("two methods") };
        assert_eq!((chunks.calls[0].as_str(), of.calls[0].as_str()), ("chunks(n, f)", "chunks_of::<N>()"));
        assert_eq!(chunks.summary, "Sends lists of `n`; what is left goes out, too.");
        assert_eq!((chunks.holds.as_str(), chunks.sends.as_str()), ("up to `n` events, 0.5 a key", "`Vec<T>`"));
        assert_eq!(chunks.options, "by [`window`](Self::window), `drop_on_error`");
        assert_eq!((chunks.has_example, of.has_example, of.holds.as_str()), (true, false, ""));
        let feature = |operator: &Operator<'_>| operator.forms[0].feature.clone().unwrap_or_default();
        assert_eq!((feature(chunks), feature(of)), ("alloc".into(), "std".into()));
        assert_eq!(chunks.forms[0].aliases, ["buffer"]);
    }

    #[test]
    fn a_group_that_does_not_document_its_methods_is_read_from_files() {
        let file = File { path: "joins/mod.rs".into(), text: SOURCE.replace("Holds", "Keeps") };
        assert!(read(&file, "trait", "", None).is_empty());
    }
}
