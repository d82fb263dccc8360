//! Four operators of the library, written again with its public kit alone: what a built-in operator can do, yours can do.

pub(crate) mod buffer;
pub(crate) mod delay;
pub(crate) mod group_by;
pub(crate) mod zip;

#[cfg(test)]
mod tests;
