//! Names as they may stand in a drawing: on one line, without what a reader or a terminal takes for a command.

use alloc::string::String;
use core::fmt::Write;

/// White space becomes a space; other control characters, those that turn the direction of text, and those that XML does not
/// have become the mark of replacement.
pub(super) fn clean(name: &str) -> String {
    let clean = |c: char| match c {
        c if c.is_whitespace() => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            char::REPLACEMENT_CHARACTER
        }
        c if c.is_control() || u32::from(c) & 0xfffe == 0xfffe => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    name.chars().map(clean).collect()
}

/// With entities for what XML and the labels of DOT would take for markup.
pub(super) fn entities(name: &str) -> String {
    let mut text = String::new();
    for c in clean(name).chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            c => text.push(c),
        }
    }
    text
}

/// With Mermaid's codes for all that could mean something to it.
pub(super) fn codes(name: &str) -> String {
    let mut text = String::new();
    for c in clean(name).chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !" _-.,:()/+".contains(c) {
            let _ = write!(text, "#{};", u32::from(c)); // a string takes all
        } else {
            text.push(c);
        }
    }
    text
}

/// The name of a type as that of the method that makes it: `RunningAvg` is called as `running_avg`.
pub(crate) fn called(type_name: &str) -> String {
    let mut text = String::new();
    for c in type_name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
