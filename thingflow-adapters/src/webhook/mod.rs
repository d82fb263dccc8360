//! Web hooks: what others send by HTTP comes as events, and is answered when the graph has dealt with it.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use thingflow_adapters::webhook;
//! use thingflow_core::prelude::*;
//!
//! let hook = webhook::Options::<f64>::json().without_token().listen("127.0.0.1:0")?; // on a port that is free
//! let address = hook.local_addr();
//! let mut scheduler = Scheduler::new()?;
//! let stopper = scheduler.stopper();
//! hook.received().for_each(move |lux| {
//!     assert_eq!(lux, 20.5);
//!     stopper.stop();
//! });
//! scheduler.schedule_on_main_event_loop(hook.thing())?;
//! # let client = std::thread::spawn(move || {
//! // In another program, or by `curl -d 20.5 http://127.0.0.1:8080/`:
//! let mut socket = TcpStream::connect(address)?;
//! socket.write_all(b"POST / HTTP/1.1\r\nHost: board\r\nContent-Length: 4\r\nConnection: close\r\n\r\n20.5")?;
//! let mut answer = String::new();
//! socket.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
//! # Ok::<(), std::io::Error>(())
//! # });
//! scheduler.run_forever()?;
//! # client.join().expect("the client does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | the answer | when |
//! |---|---|
//! | 204 | all events of the request have been dealt with |
//! | 400 | the request, or its body, is not what it should be; the text says what |
//! | 401, 403 | the token is missing or wrong; a web page posts here |
//! | 404, 405 | there is another [path](Options::path); only POST is taken |
//! | 408, 413, 415, 431 | it came too slowly, is too large, is compressed in an unknown way, has too large a head |
//! | 422 | an event has failed in the graph, and would again |
//! | 501, 505 | the transfer encoding, or the version of HTTP, is not known here |
//! | 503, with `Retry-After` | the graph is full, has not dealt with the events in time, [all bodies together](Options::max_bodies) would take too much memory, the run ends, or the token cannot be read: send them again |

mod budget;
mod connection;
mod decoder;
mod options;
mod request;
mod server;

#[doc(hidden)]
pub use decoder::read_requests;
pub use options::Options;
pub use request::Request;
pub use server::{Hook, HookStats};
