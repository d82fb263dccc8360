//! UDP datagrams on the scheduler's thread: each one is an event. The network may lose them, double them and change their order.
//!
//! ```
//! use std::net::UdpSocket;
//! use thingflow_adapters::udp;
//! use thingflow_core::prelude::*;
//! # use thingflow_core::testing::Recorder;
//!
//! let inbox = udp::bind("127.0.0.1:0")?;
//! let address = inbox.local_addr();
//! # let seen = Recorder::new();
//! let texts = inbox.port().filter_map(|datagram| String::from_utf8(datagram.data).ok()).take(2);
//! texts.connect(seen.clone());
//! // In another program, or in the same:
//! pipe::<&str>().map(|text| text.as_bytes().to_vec()).to(udp::send_to(address)?).feed(["21.5", "21.6"])?;
//!
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(inbox)?;
//! scheduler.run_forever()?;
//! assert_eq!(seen.events(), ["21.5", "21.6"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod inbox;
mod sender;

pub use inbox::{Datagram, Inbox, bind};
pub use sender::{Sender, send_to};
