//! WebSockets: our client and our server with each other, and each against bytes by hand: rude, slow, broken and malicious ones.
#![cfg(feature = "websocket")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod both;
mod client;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use thingflow_adapters::websocket::{Client, Message, Server, ServerOptions};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use support::bounded::new_scheduler;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SOON: Backoff = Backoff::constant(Duration::from_millis(10));

const SECOND: Duration = Duration::from_secs(1);

fn open() -> ServerOptions {
    ServerOptions::default().without_token()
}

fn url(server: &Server) -> String {
    format!("ws://{}/", server.local_addr())
}

/// Runs a server on real time while a client works on a thread.
fn with_client<R: Send + 'static>(server: &Server, work: impl FnOnce(SocketAddr) -> R + Send + 'static) -> R {
    let mut scheduler = new_scheduler();
    let (stopper, address) = (scheduler.stopper(), server.local_addr());
    scheduler.schedule_on_main_event_loop(server.thing()).unwrap();
    let client = thread::spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(address)));
        stopper.stop();
        result
    });
    scheduler.run_forever().unwrap();
    client.join().unwrap().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Stops the run with the `n`th message of a client.
fn collect(scheduler: &Scheduler, client: &Client, n: usize) -> Recorder<Message> {
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    let there = seen.clone();
    client.received().also_to(seen.clone()).for_each(move |_| {
        if there.events().len() == n {
            stopper.stop();
        }
    });
    seen
}

fn echo(options: ServerOptions) -> Result<Server> {
    let server = options.listen("127.0.0.1:0")?;
    server.received().connect(server.reply());
    Ok(server)
}
