//! Any bytes as what a client of the page sends: the page goes on, shows nothing without the token or to a foreign host, and
//! changes nothing without an origin.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_page::{Options, Token};

/// The corpus has it too.
const TOKEN: &str = "correct-horse-battery-staple";
/// What only those with the token may see.
pub(crate) const SECRET: &str = "the-secret-sensor";

/// A page of a flow that runs as long as the process.
fn page() -> SocketAddr {
    static PAGE: OnceLock<SocketAddr> = OnceLock::new();
    *PAGE.get_or_init(|| {
        let (tell, told) = channel();
        thread::spawn(move || {
            let mut scheduler = Scheduler::new().expect("a scheduler");
            let secret = interval(Duration::from_millis(100)).named(SECRET).connect(call(drop));
            scheduler.schedule_recurring(secret).expect("a schedule");
            let options = Options::new("127.0.0.1:0").title(SECRET).token(Token::new(TOKEN).expect("a token"));
            let page = options.allow_control().serve(&scheduler).expect("a page");
            tell.send(page.local_addr()).expect("somebody waits");
            scheduler.run_forever().expect("it runs");
        });
        told.recv().expect("a page")
    })
}

pub(crate) fn check(bytes: &[u8]) {
    check_answer(bytes);
    check_health();
}

/// What comes for the bytes.
pub(crate) fn check_answer(bytes: &[u8]) {
    let answer = answer(bytes);
    let shown = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let said = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{shown:.200}");
    assert!(!shown.contains("access-control") && !shown.contains(TOKEN), "{shown:.500}");
    let has_token = String::from_utf8_lossy(bytes).contains(&format!("Bearer {TOKEN}"));
    assert!(has_token || !shown.contains(SECRET), "it shows what is secret to {said:?}");
    let is_for_this_machine = ["localhost", "127.", "7f", ":1]"].iter().any(|name| said.contains(name));
    assert!(is_for_this_machine || !shown.contains("http/1.1 200"), "it answers to a foreign host: {said:?}");
    let may_change = has_token && said.contains("post ") && said.contains("origin:");
    assert!(may_change || said.contains("favicon") || !shown.contains("http/1.1 204"), "it is changed by {said:?}");
}

/// The page goes on.
pub(crate) fn check_health() {
    let health = whole(b"GET /health HTTP/1.1\r\nHost: localhost");
    assert!(health.starts_with(b"HTTP/1.1 200"), "it goes on: {:?}", String::from_utf8_lossy(&health));
}

/// What comes for bytes that may wait for more, or whose answer may have no end.
fn answer(bytes: &[u8]) -> Vec<u8> {
    heard(bytes, Duration::from_millis(300))
}

/// The whole answer to a request that has one, however busy the machine is; nothing of a page that hangs.
pub(crate) fn whole(request: &[u8]) -> Vec<u8> {
    heard(request, Duration::from_secs(10))
}

/// All that comes for these bytes and the end of their connection, which is asked for by a request of nobody's, or until the page
/// has said nothing for so long.
fn heard(bytes: &[u8], silence: Duration) -> Vec<u8> {
    let mut socket = TcpStream::connect(page()).expect("it listens");
    socket.set_read_timeout(Some(silence)).expect("a time");
    let _ = socket.write_all(bytes); // it may have hung up
    let _ = socket.write_all(b"\r\n\r\nGET / HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n");
    let mut heard = Vec::new();
    let _ = socket.take(1 << 20).read_to_end(&mut heard); // what came before an error counts too
    heard
}
