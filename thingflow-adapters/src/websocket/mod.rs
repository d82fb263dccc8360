//! WebSockets (RFC 6455) on the scheduler's thread: messages come as events, and events go out as messages.
//!
//! - [`ServerOptions`] makes a server: it sends to all of its clients, hears each, and knows what to do with those who do not read.
//! - [`connect`] is a client, [`ClientOptions`] one with headers, a token, TLS. It connects again by itself.
//!
//! A message is a text or bytes, whole: fragments are put together, up to a limit. Pings are answered, and sent to a side that says
//! nothing; one that does not answer is given up. A connection ends by the protocol's goodbye, and what breaks the protocol ends it, too.
//!
//! ```
//! use thingflow_adapters::websocket::{self, Message, ServerOptions};
//! use thingflow_core::prelude::*;
//!
//! let server = ServerOptions::default().without_token().listen("127.0.0.1:0")?; // on a port that is free
//! let address = format!("ws://{}/", server.local_addr());
//! server.received().map(|received| received.frame).connect(server.broadcast()); // what one says, all hear
//! let (one, other) = (websocket::connect(&address)?, websocket::connect(&address)?);
//! let mut scheduler = Scheduler::new()?;
//! scheduler.schedule_on_main_event_loop(server.thing())?;
//! scheduler.schedule_on_main_event_loop(one.thing())?;
//! scheduler.schedule_on_main_event_loop(other.thing())?;
//! // The other is there before the one begins to speak.
//! other.status().filter(|status| *status == websocket::Status::Connected).map(|_| Message::from("hello")).connect(one.sender());
//! let stopper = scheduler.stopper();
//! other.received().for_each(move |message| {
//!     assert_eq!(message.as_text(), Some("hello"));
//!     stopper.stop();
//! });
//! scheduler.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whoever can reach a server may ask for a connection. An address such as `127.0.0.1:8080` is reached from this machine only, but by
//! each web page too that is open there: that is why a server asks for a token, or looks at the page's origin.

use std::time::Duration;

mod address;
#[cfg(feature = "mqtt")]
mod bytes;
mod client;
mod error;
mod handshake;
mod message;
mod scripted;
mod server;
mod talk;

pub use crate::tcp::{Change, ClientId, ClientStats, Received, ServerStats, Slow, Status};
pub use client::{Client, ClientOptions, connect};
pub use error::HeaderError;
pub use message::Message;
#[doc(hidden)]
pub use scripted::{Made, read_bytes};
pub use server::{Server, ServerOptions};

#[cfg(feature = "mqtt")]
pub(crate) use {address::Target, bytes::Bytes};

/// What a message may have, in bytes, unless told otherwise.
const MAX_MESSAGE: usize = 1 << 16;
/// After how long a silence the other side is asked for a sign of life, unless told otherwise.
const ASK_AFTER: Duration = Duration::from_secs(30);
/// How long that may take.
const TIMEOUT: Duration = Duration::from_secs(10);
