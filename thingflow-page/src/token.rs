//! [`Token`]: the secret of those who may look.

use std::{fmt, io};

use rustix::rand::{GetRandomFlags, getrandom};
use subtle::ConstantTimeEq;

/// A secret of at least 16 letters, digits, `-` and `_`. Its `Debug` does not show it.
#[derive(Clone)]
pub struct Token(String);

/// Fewer letters could be guessed.
const SHORTEST: usize = 16;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Token {
    /// A token that is known to others too, such as a Prometheus: from a file or the service manager's credentials, never from the
    /// command line.
    ///
    /// ```
    /// use thingflow_page::Token;
    /// assert!(Token::new("correct-horse-battery-staple").is_ok());
    /// assert!(Token::new("1234").is_err());
    /// ```
    ///
    /// # Errors
    /// If it is too short, or has other characters; white space at its end is left out.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_end();
        if text.len() < SHORTEST {
            return Err(TokenError::TooShort);
        }
        if text.bytes().any(|byte| !LETTERS.contains(&byte)) {
            return Err(TokenError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// A new one of 192 bits.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 32];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
        }
        Ok(Self(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect()))
    }

    /// Whether somebody has said just this. Takes as long whatever is wrong.
    pub(crate) fn is(&self, said: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(said).into()
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a text is no [`Token`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It has fewer than 16 characters.
    TooShort,
    /// It has other characters than letters, digits, `-` and `_`.
    Character,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "invalid token: it could be guessed, give 16 characters or more",
            Self::Character => "invalid token: only letters, digits, - and _ may be in it",
        })
    }
}

/// As `Display`.
impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for TokenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s04_a_token_is_compared_whole() {
        let token = Token::new("correct-horse-battery\n").unwrap();
        assert!(token.is(b"correct-horse-battery"));
        for wrong in
            ["", "correct-horse-batter", "correct-horse-battery-", "correct-horse-battery,correct-horse-battery"]
        {
            assert!(!token.is(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn random_tokens_are_tokens_and_differ() {
        let [a, b] = [Token::random().unwrap(), Token::random().unwrap()];
        assert!(Token::new(a.text()).is_ok() && a.text() != b.text());
    }
}
