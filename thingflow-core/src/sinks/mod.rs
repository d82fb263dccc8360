//! Things that end a chain.

mod call;
#[cfg(feature = "alloc")]
mod try_call;

pub use call::{Call, call};
#[cfg(feature = "alloc")]
pub use try_call::{TryCall, try_call};
