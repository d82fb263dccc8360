//! Joins: operators with several inputs.

use crate::chain::Chain;

/// The joins as methods of every chain that begins at a port.
pub trait Joins: Chain {}

impl<C: Chain> Joins for C {}
