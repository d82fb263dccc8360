//! Cases of tracked events.
