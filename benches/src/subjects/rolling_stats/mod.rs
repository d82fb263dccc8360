//! rolling-stats: the smallest, the largest, the mean and the deviation of all values so far.

pub mod windows;
