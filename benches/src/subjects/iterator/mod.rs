//! The standard library's `Iterator`: pulled, not pushed, and fused by the compiler.

pub mod chain;
