//! Sensors without hardware, for tests, demonstrations and a flow whose sensor has not arrived yet.
//!
//! All give the same readings on each run.

mod constant;
#[cfg(feature = "random")]
mod gaussian;
#[cfg(feature = "alloc")]
mod list;
#[cfg(feature = "alloc")]
mod replay;
#[cfg(feature = "std")]
mod sine;
mod stop_after;

pub use constant::Constant;
#[cfg(feature = "random")]
pub use gaussian::{Gaussian, GaussianError};
#[cfg(feature = "alloc")]
pub use list::List;
#[cfg(feature = "alloc")]
pub use replay::{Replay, replay};
#[cfg(feature = "std")]
pub use sine::Sine;
pub use stop_after::StopAfter;
