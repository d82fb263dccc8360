//! Lines of text to and from files, pipes, devices: anything that reads or writes.
//!
//! ```
//! use thingflow_adapters::lines;
//! use thingflow_core::prelude::*;
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("lux.txt");
//! pipe::<f64>().to(lines::write(&path)?).feed([20.0, 30.5])?;
//! assert_eq!(lines::read(&path)?.collect_now(), ["20", "30.5"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
#[cfg(unix)]
mod input;
mod reader;
mod tail;
mod writer;

pub use error::{LineError, LineFault};
#[cfg(unix)]
pub use input::{Input, stdin};
pub use reader::{Reader, follow, read};
pub use tail::Tail;
pub use writer::{Writer, append, write};
