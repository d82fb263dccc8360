//! TCP and Unix sockets on the scheduler's thread: what the other side sends comes as events, and events go to it.
//!
//! - [`listen`] is a server of lines of text, [`ServerOptions`] one of other frames, by TLS, or at a Unix socket.
//! - [`connect`] is a client, [`ClientOptions`] one of other frames. It connects again by itself.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::net::TcpStream;
//! use thingflow_adapters::tcp;
//! use thingflow_core::prelude::*;
//!
//! let server = tcp::listen("127.0.0.1:0")?; // lines of text; on a port that is free
//! let address = server.local_addr();
//! // What one client says, all clients hear.
//! server.received().map(|received| received.frame).filter(|line| line != "stop").connect(server.broadcast());
//! let mut scheduler = Scheduler::new()?;
//! let stopper = scheduler.stopper();
//! server.received().filter(|received| received.frame == "stop").for_each(move |_| stopper.stop());
//! scheduler.schedule_on_main_event_loop(server.thing())?;
//! # let client = std::thread::spawn(move || {
//! // In another program:
//! let mut socket = TcpStream::connect(address)?;
//! socket.write_all(b"hello\nstop\n")?;
//! let mut heard = String::new();
//! BufReader::new(socket).read_line(&mut heard)?;
//! assert_eq!(heard, "hello\n");
//! # Ok::<(), std::io::Error>(())
//! # });
//! scheduler.run_forever()?;
//! # client.join().expect("the client does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whoever can reach a server can send to it. An address such as `127.0.0.1:7000` is reached from this machine only; `0.0.0.0`
//! lets in the whole network, so nothing that switches something may believe what comes from there.

mod client;
mod conduct;
mod desk;
mod door;
mod host;
mod link;
mod listener;
mod listening;
mod options;
mod peer;
mod protocol;
mod server;

pub use client::{Client, ClientOptions, connect};
pub use desk::{ClientStats, Status};
pub use host::{Change, Received, ServerStats};
pub use listener::{Listener, Program, UnixSocket};
pub use options::{ServerOptions, Slow};
pub use peer::ClientId;
pub use server::{Server, listen};

#[cfg(feature = "webhook")]
pub(crate) use door::{Door, Turns};
#[cfg(feature = "webhook")]
pub(crate) use listener::Accepted;
#[cfg(any(feature = "uart", feature = "websocket"))]
pub(crate) use {conduct::Conduct, desk::Handle, link::Calling, protocol::Pulse};
#[cfg(feature = "websocket")]
pub(crate) use {
    host::Host,
    options::Rules,
    protocol::{Conversation, Heard, Protocol, explained},
};
