//! Programs written by hand for the workload, on nothing but `std`, mio, the kernel, and the client libraries of databases: the limit.

pub mod chain;
pub mod fanout;
pub mod flow;
pub mod idle;
pub mod joins;
pub mod mqtt;
pub mod posts;
pub mod stores;
pub mod timers;
pub mod timing;
pub mod windows;
