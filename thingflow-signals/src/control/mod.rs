//! An output that keeps a value where it ought to be.

mod pid;

pub use pid::Pid;
