//! What the program uses of the MPS2 board. Addresses and bits are those of Arm's application note AN386.

mod led;
mod register;
mod serial;

pub use led::Led;
pub use serial::Serial;

/// The processor's clock, in Hz.
pub const CLOCK: u32 = 25_000_000;
