//! [`Name`]: the name of a program, safe as a file, as a unit of systemd and as a word of a shell.

use std::fmt;

use crate::Result;

/// One to 64 ASCII letters, digits, `-` and `_`, the first a letter. Nothing of it means anything to a shell, to systemd or
/// to a path, and none is taken for an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

const LONGEST: usize = 64;

impl Name {
    /// # Errors
    /// If it is anything else. The text does not repeat control characters.
    pub(crate) fn new(text: &str) -> Result<Self> {
        let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.len() <= LONGEST
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if is_name {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(LONGEST).flat_map(char::escape_default).collect();
        Err(format!(
            "invalid name \"{shown}\": a program that becomes a service is called by at most {LONGEST} letters, digits, `-` and \
             `_`, the first a letter; rename it in its Cargo.toml"
        )
        .into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names that try to be more than a name, for the tests of all that takes one.
#[cfg(test)]
pub(crate) const HOSTILE: [&str; 22] = [
    "",
    "-x",
    "--prefix",
    ".",
    "..",
    "../x",
    "a/b",
    "a b",
    "a\tb",
    "a\nb",
    "a\0b",
    "x;touch PWNED;",
    "x$(touch PWNED)",
    "x`touch PWNED`",
    "x'; touch PWNED; '",
    "x\"; touch PWNED; \"",
    "x&touch PWNED",
    "x|touch PWNED",
    "x>PWNED",
    "x*",
    "x%n",
    "é",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["x", "my-flow", "lux_led2", &"x".repeat(64)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn f41_a_hostile_name_is_refused() {
        for bad in HOSTILE.into_iter().chain(["1x", "_x", &"x".repeat(65)]) {
            let error = Name::new(bad).expect_err(bad).to_string();
            assert!(error.starts_with("invalid name \"") && !error.contains(char::is_control), "{error}");
        }
    }
}
