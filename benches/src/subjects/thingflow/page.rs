//! A flow that a page shows.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use thingflow_core::prelude::*;
use thingflow_page::{Options, Token};

use crate::child::Readings;
use crate::event::Events;
use crate::{Result, machine};

/// Whether there is a page, and whether somebody looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// There is none.
    None,
    /// Nobody looks.
    Unwatched,
    /// One tab is open, with one plot.
    Watched,
}

const TOKEN: &str = "correct-horse-battery-staple";

/// The events go through a port, an average and a probe, as fast as they can; what has arrived.
pub fn events(page: Page, events: Events) -> Result<u64> {
    let mut scheduler = Scheduler::virtual_time()?;
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    let port = from_iter(events).output().named("events");
    port.map(|event| event.val).running_avg(5).probe("average").connect(call(move |_| seen.set(seen.get() + 1)));
    scheduler.schedule_recurring(port)?;
    let _page = serve(page, &scheduler)?;
    scheduler.run_forever()?;
    Ok(count.get())
}

fn serve(page: Page, scheduler: &Scheduler) -> Result<Option<thingflow_page::Page>> {
    let options = || -> Result<_> { Ok(Options::new("127.0.0.1:0").token(Token::new(TOKEN)?)) };
    Ok(if page == Page::None { None } else { Some(options()?.serve(scheduler)?) })
}

/// How long it is watched, after a second to begin with.
const SECONDS: u64 = 8;

/// A thousand events a second for some seconds: `ms` of processor time a second, and `KiB` of memory.
pub fn seconds(page: Page) -> Result<Readings> {
    let mut scheduler = Scheduler::new()?;
    let port = from_iter((0..u64::MAX).map(|n| n as f64)).output().named("events");
    port.running_avg(5).probe("average").connect(call(|_| {}));
    scheduler.schedule_periodic(port, Duration::from_millis(1))?;
    let served = serve(page, &scheduler)?;
    let others = Arc::new(AtomicU64::new(0));
    if let Some(served) = served.as_ref().filter(|_| page == Page::Watched) {
        let (address, spent) = (served.local_addr(), others.clone());
        thread::spawn(move || watch(address, &spent).map_err(|error| error.to_string()));
    }
    scheduler.run_for(Duration::from_secs(2))?;
    let used = || machine::cpu_time().saturating_sub(Duration::from_nanos(others.load(Relaxed)));
    let before = used();
    scheduler.run_for(Duration::from_secs(SECONDS))?;
    let spent = used().saturating_sub(before).as_secs_f64() * 1e3 / SECONDS as f64;
    if page == Page::Watched && others.load(Relaxed) == 0 {
        return Err("nobody has watched".into());
    }
    Ok(Readings::default().with("ms", spent).with("KiB", machine::peak_memory(std::process::id())? as f64))
}

/// A tab: hears the stream until it ends, and notes the processor time of its own thread.
fn watch(address: SocketAddr, spent: &AtomicU64) -> Result<()> {
    let snapshot = ask(address, "/api/snapshot")?;
    let body = snapshot.split_once("\r\n\r\n").ok_or("no body")?.1;
    let snapshot: Value = serde_json::from_str(body)?;
    let nodes = snapshot["graph"]["nodes"].as_array().ok_or("no nodes")?;
    let id =
        nodes.iter().find(|node| node["name"] == "average").and_then(|node| node["id"].as_str()).ok_or("no probe")?;
    let mut stream = open(address, &format!("/api/stream?tap={id}"))?;
    let mut piece = [0; 16 * 1024];
    while stream.read(&mut piece)? > 0 {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        spent.store(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64, Relaxed);
    }
    Ok(())
}

fn ask(address: SocketAddr, path: &str) -> Result<String> {
    let mut answer = String::new();
    open(address, path)?.read_to_string(&mut answer)?;
    Ok(answer)
}

fn open(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
    Ok(socket)
}
