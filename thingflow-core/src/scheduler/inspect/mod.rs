//! Looking at a running scheduler, and changing it, from other threads.
//!
//! A question is a closure that goes through an inbox, as any event from a thread does, and is run between two calls: then
//! every Thing is in the table, and nothing of the engine is borrowed. `desk.rs` is the reactor's side, `client.rs` that of the
//! other threads, with what both have in common.

mod client;
mod control;
mod desk;
mod error;
mod inspector;
mod snapshot;
mod tapping;
mod turns;

pub use control::Control;
pub(super) use desk::Desk;
pub use error::InspectError;
pub use inspector::{Inspector, Spot};
pub use snapshot::{CallTimes, Lateness, Reported, ScheduleInfo, ScheduleKind, ScheduleState, Snapshot};
pub use tapping::{Seen, TapEvents, TapSettings};
pub use turns::TurnTimes;
