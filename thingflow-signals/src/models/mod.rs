//! What learns while it runs, and says what is unusual.
//!
//! A [`Model`] learns from one sample after the other, in bounded memory. [`Learning`] makes it a stage of a chain that sends,
//! for each sample, what the model says of it *before* it learns from it: a model that is judged by what it has not seen.

#[cfg(feature = "alloc")]
mod half_space_trees;
mod k_means;
mod model;

#[cfg(feature = "alloc")]
pub use half_space_trees::HalfSpaceTrees;
pub use k_means::KMeans;
pub use model::{Learning, Model};
