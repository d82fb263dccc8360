//! A live page of a running flow: what flows, how fast, what is dropped, what the last value is, and what is wrong; with metrics
//! for Prometheus and answers for those who watch over it.
//!
//! ```
//! # use std::io::{Read, Write};
//! use std::time::Duration;
//! use thingflow_core::prelude::*;
//! use thingflow_core::testing::ListSensor;
//! # use thingflow_page as page;
//!
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_sensor(ListSensor::new("lux", [20.0; 500]), Duration::from_millis(10), |lux| {
//!     lux.map(|event| event.val).running_avg(5).for_each(drop);
//! })?;
//! let page = page::serve(&scheduler, "127.0.0.1:0")?; // in a program "127.0.0.1:8080"
//! println!("{}", page.url()); // http://127.0.0.1:8080/#token=…
//! # let (address, stopper) = (page.local_addr(), scheduler.stopper());
//! # let client = std::thread::spawn(move || -> std::io::Result<String> {
//! #     let mut socket = std::net::TcpStream::connect(address)?;
//! #     write!(socket, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
//! #     let mut answer = String::new();
//! #     socket.read_to_string(&mut answer)?;
//! #     stopper.stop();
//! #     Ok(answer)
//! # });
//! scheduler.run_forever()?;
//! # assert!(client.join().expect("the client does not panic")?.starts_with("HTTP/1.1 200 OK"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who may look
//!
//! The page is bound to this machine, and shows nothing without a token, which [`url`](Page::url) has behind the `#`, where it
//! never reaches a server's log. From another machine one looks through `ssh -L 8080:127.0.0.1:8080 board`, or by TLS with the
//! feature `tls`. The page is read-only.
//! [`Options::allow_control`] lets it pause and end schedules; a [`Slider`] and [`Options::button`] let it change what the program
//! offers. For a terminal on the machine itself there is [`serve_unix`].
//!
//! | address | for | token |
//! |---|---|---|
//! | `/` | browsers | in the address, behind `#token=` |
//! | `/metrics` | Prometheus, by the `OpenMetrics` conventions | `Authorization: Bearer …` |
//! | `/api/snapshot` | programs: a [`Snapshot`](thingflow_core::Snapshot) as JSON | the same |
//! | `/api/outputs` | programs: the counts of the outputs as JSON | the same |
//! | `/health` | supervisors: whether the scheduler answers | none |
//! | `/ready` | supervisors: whether all schedules work, and all outputs deliver or keep what they are given | none |
//!
//! # What it costs
//!
//! One thread that sleeps; what answers is built when somebody connects. The [scheduler](thingflow_core::Scheduler) is asked once a second for each browser that looks, and for each
//! scrape, by an [`Inspector`](thingflow_core::Inspector); while nobody looks it is not asked at all.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod answers;
mod assets;
mod connections;
mod error;
mod guard;
mod impatient;
mod metrics;
mod notes;
mod offers;
mod options;
mod outputs;
mod past;
mod process;
mod push;
mod reading;
mod room;
mod sensors;
mod server;
mod slider;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod unix;

pub use error::PageError;
pub use options::Options;
pub use push::{Metric, Metrics};
pub use server::Page;
pub use slider::Slider;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use token::{Token, TokenError};
pub use unix::UnixPage;

use std::path::PathBuf;

use thingflow_core::Scheduler;

/// Serves the page of a scheduler at an address of this machine, with a token of its own. Keep what it returns: the page is gone
/// when that is dropped.
///
/// # Errors
/// If the address is not one of this machine alone, or is in use.
pub fn serve(scheduler: &Scheduler, address: &str) -> Result<Page, PageError> {
    Options::new(address).serve(scheduler)
}

/// Serves the page of a scheduler at a Unix socket, for `thingflow top`, `tap` and `graph`: see [`Options::serve_unix`]. Keep what it
/// returns: the page is gone when that is dropped.
///
/// # Errors
/// If the socket cannot be made.
pub fn serve_unix(scheduler: &Scheduler, path: impl Into<PathBuf>) -> Result<UnixPage, PageError> {
    Options::default().serve_unix(scheduler, path)
}
