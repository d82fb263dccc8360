//! What Things that keep events in a journal have in common: how events are encoded, how they come in, how the journal's
//! thread wakes the reactor.

pub(crate) mod bell;
pub mod code;
pub(crate) mod desk;
pub(crate) mod inlet;
pub(crate) mod open;
