//! What learns while it runs, and says what is unusual.
//!
//! A [`Model`] learns from one sample after the other, in bounded memory. [`Learning`] makes it a stage of a chain that sends,
//! for each sample, what the model says of it *before* it learns from it: a model that is judged by what it has not seen.
//! What it has learnt is saved and restored with the graph. With the feature `onnx`, `Onnx` is a model that was trained elsewhere.

#[cfg(feature = "alloc")]
mod half_space_trees;
mod incremental_pca;
mod k_means;
mod model;
#[cfg(feature = "onnx")]
mod onnx;

#[cfg(feature = "alloc")]
pub use half_space_trees::HalfSpaceTrees;
pub use incremental_pca::IncrementalPca;
pub use k_means::KMeans;
pub use model::{Learning, Model};
#[cfg(feature = "onnx")]
pub use onnx::{Onnx, OnnxError};
