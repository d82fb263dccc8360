//! A day of ten plots at ten values a second, on a clock that is faster than that of the wall: the program does not grow.

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_page::{Options, Token};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const TOKEN: &str = "correct-horse-battery-staple";
const HOUR: Duration = Duration::from_secs(3600);

/// What the program holds, in KiB.
fn resident() -> Done<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A tab that plots all places; what it has heard when the program has ended, in bytes.
fn tab(address: SocketAddr, taps: &str) -> std::io::Result<usize> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET /api/stream?{taps} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;
    let (mut heard, mut piece) = (0, [0; 65_536]);
    loop {
        match socket.read(&mut piece) {
            Ok(0) | Err(_) => return Ok(heard),
            Ok(n) => heard += n,
        }
    }
}

#[test]
fn s09_a_program_with_ten_plots_does_not_grow_in_a_day() -> Done {
    let mut scheduler = Scheduler::virtual_time()?;
    let beat = interval(Duration::from_millis(100)).output();
    for n in 0..10 {
        beat.map(move |beat| (beat % 50) as f64 + f64::from(n)).probe("place").for_each(drop);
    }
    scheduler.schedule_recurring(beat)?;
    let page = Options::new("127.0.0.1:0").token(Token::new(TOKEN)?).serve(&scheduler)?;
    scheduler.run_for(Duration::from_secs(1))?;
    let places = scheduler.snapshot().graph.nodes.into_iter().filter(|node| node.name == "place");
    let taps: Vec<String> = places.filter_map(|node| Some(format!("tap={}", node.id?))).collect();
    assert_eq!(taps.len(), 10);
    let (address, taps) = (page.local_addr(), taps.join("&"));
    let words = taps.clone();
    let tab = thread::spawn(move || tab(address, &words));
    // Another one takes nothing at all.
    let mut deaf = TcpStream::connect(address)?;
    write!(deaf, "GET /api/stream?{taps} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")?;

    let mut held = Vec::new();
    for _ in 0..24 {
        scheduler.run_for(HOUR)?;
        held.push(resident()?);
    }
    drop(scheduler);
    drop(page);
    let heard = tab.join().map_err(|_| "the tab has panicked")??;
    assert!(heard > 10_000, "it has heard {heard} bytes");
    assert!(held[23] < held[3] + 4096, "KiB at each hour: {held:?}");
    Ok(())
}
