//! What the page answers to browsers, to Prometheus, and to those who mean no good.

mod access;
mod drawing;
mod health;
mod streams;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_page::{Options, Token};

type Done = Result<(), Box<dyn std::error::Error>>;

const TOKEN: &str = "correct-horse-battery-staple";

/// A flow that runs until the client has done its work.
fn with_page<T: Send + 'static>(
    options: impl FnOnce(Options) -> Options,
    work: impl FnOnce(SocketAddr) -> io::Result<T> + Send + 'static,
) -> Result<T, Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::new()?;
    let millis = Duration::from_millis(1);
    scheduler.schedule_sensor(
        ListSensor::new("<img src=x onerror=alert(1)>", vec![21.5; 1_000_000]),
        millis,
        |lux| {
            let lux = lux.map(|event| event.val).probe("values");
            lux.buffer(Limit::drop_oldest(8)).running_avg(5).for_each(drop);
        },
    )?;
    let page = options(Options::new("127.0.0.1:0").token(Token::new(TOKEN)?)).serve(&scheduler)?;
    let (address, stopper) = (page.local_addr(), scheduler.stopper());
    let client = thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(address)));
        stopper.stop(); // a test that fails ends too
        result.unwrap_or_else(|panic| resume_unwind(panic))
    });
    scheduler.run_forever()?;
    Ok(client.join().map_err(|_| "the client has panicked")??)
}

/// The whole answer to a request, whose lines are given without their ends.
fn answer(address: SocketAddr, lines: &[&str]) -> io::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    let mut request = lines.join("\r\n");
    request.push_str("\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    answer(address, &[&format!("GET {path} HTTP/1.1"), "Host: localhost", &format!("Authorization: Bearer {TOKEN}")])
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}
