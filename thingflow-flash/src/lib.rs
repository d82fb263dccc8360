//! A ring of records in the flash of a microcontroller: readings that wait until somebody fetches them, across resets and
//! power cuts.
//!
//! [`FlashRing`] keeps bytes behind the traits of `embedded-storage`, without an allocator. [`Keep`] is the sink that encodes
//! events into one, under the [`bare`](thingflow_core::bare) scheduler or in any other chain. The pages are those of
//! `sequential-storage`, which are used in turn, so that all wear alike.
#![no_std]
#![forbid(unsafe_code)]

mod blocking;
mod error;
mod keep;
mod ring;

pub use error::FlashError;
pub use keep::Keep;
pub use ring::FlashRing;
