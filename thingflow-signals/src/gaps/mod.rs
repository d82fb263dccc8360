//! Readings that are missing: marks where they are, values that are held, values computed from those around them.

mod hold;
mod mark_gaps;
mod resample;
mod segment;

pub use hold::{Held, Hold};
pub use mark_gaps::MarkGaps;
pub use resample::Resample;
pub use segment::Interpolation;
