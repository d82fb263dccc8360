//! Sketches: what is known of more values than memory holds, within a known error: quantiles, how many different values there are, which are
//! frequent, which have been there before. By the crate `datasketches`, of the Apache project of that name.
//!
//! [`Quantiles`], [`Distinct`] and [`Frequent`] are aggregates for windows that stand side by side, for sessions and for running
//! ones. Nothing can be taken out of a sketch, so windows that overlap are refused when they are made. A result costs more than a value, so
//! of a running window ask for one now and then, by [`once_a_batch`](thingflow_core::Elementwise::once_a_batch) for instance.

mod distinct;
mod frequent;
mod not_seen;
mod quantiles;
mod registers;
mod state;

pub use distinct::Distinct;
pub use frequent::{Frequency, Frequent};
pub use not_seen::NotSeen;
pub use quantiles::Quantiles;
