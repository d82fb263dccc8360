//! What Linux knows of its machine, from `/proc`, `/sys` and `statvfs`. None of it needs special rights.
//!
//! Each sensor is looked for when it is made, so that a wrong name is refused at once and not at the first sampling.
//! The `under` constructors take a directory that stands for `/`: a container's view of its host, or a test's made-up
//! machine.

mod cpu_load;
mod disk;
mod error;
mod memory;
mod network;
mod thermal;

pub use cpu_load::CpuLoad;
pub use disk::{Disk, DiskValue};
pub use error::LinuxError;
pub use memory::{Memory, MemoryValue};
pub use network::{Network, NetworkValue};
pub use thermal::Thermal;
