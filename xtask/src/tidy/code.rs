//! Just enough of Rust's grammar for the rules: which bytes are code, where tests begin, how far a function reaches.

use crate::tree::File;

/// The source with comments and literals blanked out; lines and columns stay.
pub(super) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let in_word = at > 0 && is_word(bytes[at - 1]);
        let hidden = hidden_length(&bytes[at..], in_word);
        for byte in code[at..at + hidden].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at += hidden.max(1);
    }
    String::from_utf8(code).expect("only whole comments and literals were replaced")
}

/// How many bytes of a comment or literal start here; 0 if this is code.
fn hidden_length(rest: &[u8], in_word: bool) -> usize {
    let length = match rest {
        [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n'),
        [b'/', b'*', ..] => Some(block_comment_length(rest)),
        [b'"', ..] => Some(string_length(rest)),
        [b'\'', ..] => Some(char_length(rest)),
        [b'r' | b'b' | b'c', ..] if !in_word => Some(raw_string_length(rest)),
        _ => Some(0),
    };
    length.unwrap_or(rest.len()).min(rest.len())
}

/// Block comments nest.
fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    at
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// 0 for a lifetime, whose quote is not closed after one character.
fn char_length(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return rest.iter().skip(3).position(|&byte| byte == b'\'').map_or(0, |end| end + 4);
    }
    let width = std::str::from_utf8(&rest[1..rest.len().min(5)]).map_or_else(|e| e.valid_up_to(), str::len);
    let first = std::str::from_utf8(&rest[1..=width]).ok().and_then(|text| text.chars().next());
    first.map(|char| char.len_utf8() + 1).filter(|&end| rest.get(end) == Some(&b'\'')).map_or(0, |end| end + 1)
}

/// 0 if what looks like the prefix of a raw string is only a name.
fn raw_string_length(rest: &[u8]) -> usize {
    let prefix = if matches!(rest, [b'b' | b'c', b'r', ..]) { 2 } else { 1 };
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix + hashes;
    if rest[prefix - 1] != b'r' || rest.get(open) != Some(&b'"') {
        return 0;
    }
    let close: Vec<u8> = [b"\"".to_vec(), vec![b'#'; hashes]].concat();
    let body = &rest[open + 1..];
    body.windows(close.len()).position(|part| part == close).map_or(rest.len(), |end| open + 1 + end + close.len())
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where `word` stands as a whole word, as lines counted from one. A word that ends in a sign ends anywhere.
pub(super) fn lines_with<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.lines().enumerate().filter(move |(_, line)| has_word(line, word)).map(|(index, _)| index + 1)
}

fn has_word(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    let joins = |a: Option<&u8>, b: Option<&u8>| a.zip(b).is_some_and(|(&a, &b)| is_word(a) && is_word(b));
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let end = at + word.len();
        !joins(before, bytes.get(at)) && !joins(bytes.get(end - 1), bytes.get(end))
    })
}

/// The lines of the library in a file: all of them, or those before its module of tests.
pub(super) fn library_lines(file: &File) -> usize {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let opens_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(opens_tests).unwrap_or(lines.len())
}

/// Whether the whole file is test code.
pub(super) fn is_test_file(file: &File) -> bool {
    file.path.contains("/tests/") || file.path.ends_with("/tests.rs")
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// Counted from one.
    pub(super) line: usize,
    pub(super) lines: usize,
}

/// All functions with a body, nested ones too.
pub(super) fn functions(source: &str) -> Vec<Function> {
    let code = code_only(source);
    let starts = code.match_indices("fn ").filter(|&(at, _)| at == 0 || !is_word(code.as_bytes()[at - 1]));
    starts.filter_map(|(at, _)| function(&code, at)).collect()
}

fn function(code: &str, start: usize) -> Option<Function> {
    let after = &code[start + "fn ".len()..];
    let name: String = after.chars().take_while(|&char| char.is_alphanumeric() || char == '_').collect();
    let end = start + body_end(&code.as_bytes()[start..])?;
    let newlines = |part: &str| part.matches('\n').count();
    Some(Function { name, line: newlines(&code[..start]) + 1, lines: newlines(&code[start..end]) + 1 })
}

/// Where the braces of the body close; `None` for a declaration, which ends with a semicolon outside of brackets.
fn body_end(code: &[u8]) -> Option<usize> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b';' if brackets == 0 && braces == 0 => return None,
            b'{' => braces += 1,
            b'}' if braces == 1 => return Some(at + 1),
            b'}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        assert_eq!(code_only(source), expected, "{source}");
    }

    #[test]
    fn comments_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("a /* b\n*/ c", "a     \n   c");
        check("a // ü", "a      ");
    }

    #[test]
    fn literals_are_blanked() {
        check(r#"f("a\"b", x)"#, "f(      , x)");
        check(r##"f(r#"a"b"#, x)"##, "f(        , x)");
        check(r#"f(b"{", br"{", c"{")"#, "f(b   ,      , c   )");
        check("f('{', '\\'', '\\u{7d}', 'é')", "f(   ,     ,         ,     )");
        check("\"open", "     ");
    }

    #[test]
    fn lifetimes_and_names_stay() {
        check("fn f<'a>(x: &'a str, r: R, r#type: T) {}", "fn f<'a>(x: &'a str, r: R, r#type: T) {}");
        check("'", "'");
    }

    #[test]
    fn words_are_whole() {
        let lines = |code| lines_with(code, "mio").collect::<Vec<_>>();
        assert_eq!(lines("use mio::Poll;\nuse signal_hook_mio;\nmio\nmiota"), [1, 3]);
        assert_eq!(lines_with("todo!()", "todo!").collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn functions_and_their_lengths() {
        let source = "fn a() {}\npub fn b<T>(x: [u8; 4]) -> T\nwhere\n    T: Fn(u8),\n{\n    if x { '}' }\n}\n\
                      trait T {\n    fn c(&self);\n    fn d(&self) {\n    }\n}\ntype F = fn (u8);\n";
        let seen: Vec<_> = functions(source).into_iter().map(|it| (it.name, it.line, it.lines)).collect();
        assert_eq!(seen, [("a".into(), 1, 1), ("b".into(), 2, 6), ("d".into(), 10, 2)]);
    }

    #[test]
    fn library_lines_end_where_the_tests_begin() {
        let lines = |text: &str| library_lines(&File { path: "a.rs".into(), text: text.into() });
        assert_eq!(lines("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(lines("#[cfg(test)]\nmod tests;\nfn a() {}\n"), 3);
    }
}
