//! Programs written by hand for the workload, on nothing but `std`, mio and the kernel: the limit.

pub mod chain;
pub mod fanout;
pub mod flow;
pub mod idle;
pub mod joins;
pub mod posts;
pub mod timers;
pub mod timing;
pub mod windows;
