//! Events to bytes and back: a byte that tells the encoding, then the event.

use std::fmt;

use rmp_serde::{decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The encoding of this version: MessagePack, structs with the names of their fields. So a later version of a program may
/// add fields that have a default, and a tool reads events without knowing their type.
pub const MESSAGE_PACK: u8 = 1;

/// Why bytes are no event.
#[non_exhaustive]
pub enum CodeError {
    /// The event cannot be encoded.
    Encode(encode::Error),
    /// The bytes are no event of this type.
    Decode(decode::Error),
    /// The bytes are in an encoding that this version does not know.
    Encoding(u8),
    /// There are no bytes.
    Empty,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => write!(f, "cannot encode the event: {error}"),
            Self::Decode(error) => write!(
                f,
                "cannot decode the event: {error}; is it of another type, or of another version of the program?"
            ),
            Self::Encoding(found) => {
                write!(f, "invalid encoding {found}: this version reads {MESSAGE_PACK}; use the version that wrote it")
            }
            Self::Empty => f.write_str("invalid record: it is empty"),
        }
    }
}

impl fmt::Debug for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for CodeError {}

/// Appends an event to `bytes`, as an outbox stores it.
///
/// # Errors
/// [`CodeError::Encode`].
pub fn encode<T: Serialize + ?Sized>(event: &T, bytes: &mut Vec<u8>) -> Result<(), CodeError> {
    bytes.push(MESSAGE_PACK);
    encode::write_named(bytes, event).map_err(CodeError::Encode)
}

/// The event that an outbox has stored as `bytes`.
///
/// # Errors
/// [`CodeError::Decode`], [`CodeError::Encoding`], [`CodeError::Empty`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodeError> {
    match bytes.split_first() {
        None => Err(CodeError::Empty),
        Some((&MESSAGE_PACK, event)) => decode::from_slice(event).map_err(CodeError::Decode),
        Some((&encoding, _)) => Err(CodeError::Encoding(encoding)),
    }
}
