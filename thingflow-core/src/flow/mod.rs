//! Flow control: operators that hold events back, hand them on elsewhere, or go on in spite of errors.

use crate::chain::Chain;

/// Flow control as methods of every [`Chain`].
pub trait FlowControl: Chain {}

impl<C: Chain> FlowControl for C {}
