//! HTTP: writers against a server that the test scripts, polled addresses, long answers.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::proxy::{Proxy, Way};
use support::scripted::{Answer, Asked, Scripted, answer};
use thingflow_adapters::http::{Endpoint, HttpError, Pieces, Poll, Writer, open};
use thingflow_adapters::net::Secret;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::tracking::{Outcome, Tracker, Tracking};
use thingflow_core::{Delivery, DeliveryStats, OnFailure, OnSetup, Periodic, SampleError, Sensor};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    number: u64,
    note: Option<String>,
}

impl Level {
    fn of(number: u64) -> Self {
        Self { number, note: None }
    }
}

/// A server that keeps what it gets, and a proxy before it that misbehaves.
struct Hook {
    stored: Arc<Mutex<Vec<u64>>>,
    proxy: Proxy,
}

impl Hook {
    fn new() -> Self {
        let stored = Arc::<Mutex<Vec<u64>>>::default();
        let to = stored.clone();
        let server = Scripted::new(move |asked| {
            if asked.line != "POST /events" {
                return answer(404, "no such page");
            }
            let levels: std::result::Result<Vec<Level>, _> =
                asked.text().lines().map(serde_json::from_str::<Level>).collect();
            match levels {
                Ok(levels) if levels.iter().all(|level| level.number < 1_000_000) => {
                    let mut stored = to.lock().unwrap_or_else(PoisonError::into_inner);
                    stored.extend(levels.iter().map(|level| level.number));
                    answer(200, "{}")
                }
                _ => answer(400, "one of them is too large"),
            }
        });
        Self { stored, proxy: Proxy::new(server.address()) }
    }
    fn endpoint(&self, path: &str) -> Endpoint {
        Endpoint::new(format!("http://{}{path}", self.proxy.address())).timeout(Duration::from_millis(300))
    }
}

impl Store for Hook {
    type Event = Level;
    type Writer = Writer<Level>;
    fn writer(&mut self) -> Writer<Level> {
        Writer::json_lines(self.endpoint("/events"))
    }
    fn wrong_writer(&mut self) -> Option<Writer<Level>> {
        Some(Writer::json_lines(self.endpoint("/avents")))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level::of(1_000_000))
    }
    fn disturb(&mut self, weather: Weather) {
        self.proxy.refuse(weather == Weather::Away);
        self.proxy.black_hole(Way::ToServer, weather == Weather::Silent);
        self.proxy.cut();
    }
    fn stored(&mut self) -> Vec<u64> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// What was answered and did not arrive is sent again.
    fn is_idempotent(&self) -> bool {
        false
    }
}

#[test]
fn a33_a34_the_writer_keeps_the_promises_of_writers() {
    check_writer(Hook::new);
}

/// How a run ended, the counts, why events were refused.
type Ran = (std::result::Result<(), String>, DeliveryStats, Vec<String>);

fn run<E: Clone + Serialize + Send + 'static>(writer: Writer<E>, events: Vec<E>) -> Result<Ran> {
    let mut scheduler = Scheduler::virtual_time()?;
    let delivery = Delivery::within(Limit::block(2000)).batches_of(50).on_setup(OnSetup::End);
    let (sink, refused) = scheduler.worker("http", writer, delivery)?;
    let (meter, dead) = (sink.meter(), Recorder::new());
    refused.map(|letter| letter.error.to_string()).connect(dead.clone());
    scheduler.schedule_recurring(from_iter([events]).flatten().connect(sink))?;
    let ended = scheduler.run_forever().map_err(|error| error.to_string());
    Ok((ended, meter.stats(), dead.events()))
}

#[test]
fn what_the_server_has_taken_is_not_sent_again_when_its_answer_breaks_off() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}/events", listener.local_addr()?);
    let posts = Arc::<Mutex<u32>>::default();
    let counts = posts.clone();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
            while !heard.ends_with(b"}\n")
                && let Ok(n @ 1..) = socket.read(&mut piece)
            {
                heard.extend_from_slice(&piece[..n]);
            }
            *counts.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
        }
    });
    let (ended, stats, _) = run(Writer::json_lines(endpoint.as_str()), vec![Level::of(1)])?;
    ended?;
    assert_eq!((stats.delivered, *posts.lock().unwrap_or_else(PoisonError::into_inner)), (1, 1));
    Ok(())
}

fn body(asked: &[Asked]) -> String {
    asked.iter().map(Asked::text).collect()
}

#[test]
fn events_go_in_each_shape() -> Result {
    let server = Scripted::new(|_| answer(200, ""));
    let levels = || vec![Level::of(1), Level { number: 2, note: Some("a b&c=d\n\"ü\"".to_owned()) }];
    let endpoint = || Endpoint::new(server.url() + "/e?k=v").header("X-Board", "attic");
    run(Writer::json_lines(endpoint()), levels())?.0?;
    let lines = server.asked();
    let json = ["{\"number\":1,\"note\":null}", "{\"number\":2,\"note\":\"a b&c=d\\n\\\"ü\\\"\"}"];
    assert_eq!(body(&lines), json.map(|line| line.to_owned() + "\n").concat());
    assert!(lines.iter().all(|asked| asked.line == "POST /e?k=v" && asked.header("X-Board") == Some("attic")));
    assert_eq!(lines[0].header("Content-Type"), Some("application/x-ndjson"));

    run(Writer::json_array(endpoint()), levels())?.0?;
    let arrays = server.asked().split_off(lines.len());
    let read: Vec<Level> =
        arrays.iter().flat_map(|asked| serde_json::from_slice::<Vec<Level>>(&asked.body).unwrap()).collect();
    assert_eq!(read, levels());

    run(Writer::form(endpoint()), levels())?.0?;
    let forms = server.asked().split_off(lines.len() + arrays.len());
    let forms: Vec<String> = forms.iter().map(Asked::text).collect();
    assert_eq!(forms, ["number=1", "number=2&note=a+b%26c%3Dd%0A%22%C3%BC%22"]);
    Ok(())
}

#[test]
fn what_is_compressed_is_the_same() -> Result {
    let server = Scripted::new(|_| answer(204, ""));
    run(Writer::json_lines(Endpoint::new(server.url()).gzip()), (0..40).map(Level::of).collect())?.0?;
    let mut text = String::new();
    for asked in server.asked() {
        assert_eq!(asked.header("Content-Encoding"), Some("gzip"));
        flate2::read::GzDecoder::new(&asked.body[..]).read_to_string(&mut text)?;
    }
    let read: Vec<Level> = text.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    assert_eq!(read, (0..40).map(Level::of).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_token_is_read_anew_when_it_was_refused_and_shown_nowhere() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("token");
    std::fs::write(&path, "old s3cret\n")?;
    let server = Scripted::new(|asked| match asked.header("Authorization") {
        Some("Bearer new") => answer(200, ""),
        _ => answer(401, "token expired"),
    });
    let mut scheduler = Scheduler::virtual_time()?;
    let endpoint = Endpoint::new(server.url().replace("://", "://me:pass@")).token(Secret::file(path.clone()));
    let writer = Writer::json_lines(endpoint);
    assert!(!format!("{writer:?}").contains("pass"), "{writer:?}");
    let (sink, _) = scheduler.worker("http", writer, Delivery::within(Limit::default()))?;
    let (meter, reports) = (sink.meter(), Recorder::new());
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    scheduler.schedule_recurring(from_iter([Level::of(1)]).connect(sink))?;
    let renew = call(move |()| std::fs::write(&path, "new").unwrap());
    scheduler.schedule_later_one_time(from_iter([()]).connect(renew), 600 * SECOND)?;
    scheduler.run_forever()?;
    assert_eq!(meter.stats().delivered, 1);
    let texts = reports.events().concat();
    assert!(texts.contains("answers 401") && texts.contains("token expired"), "{texts}");
    assert!(!texts.contains("s3cret") && !texts.contains("pass@"), "{texts}");
    let (ended, ..) =
        run(Writer::json_lines(Endpoint::new(server.url()).token(Secret::file("/nonexistent"))), vec![Level::of(1)])?;
    assert!(ended.unwrap_err().contains("/nonexistent"));
    for wrong in ["127.0.0.1:1/x", "ftp://host/", "http://", "http://a b/", "httpss://127.0.0.1/"] {
        let text = run(Writer::json_lines(wrong), vec![Level::of(1)])?.0.unwrap_err();
        assert!(text.contains("invalid endpoint"), "{wrong}: {text}");
    }
    Ok(())
}

#[test]
fn an_event_that_is_no_json_is_a_dead_letter() -> Result {
    let server = Scripted::new(|_| answer(200, ""));
    let map = |key: [u8; 1]| std::collections::BTreeMap::from([(key.to_vec(), 1)]); // the keys of JSON are texts
    let (ended, stats, dead) = run(Writer::json_lines(server.url()), vec![map([1]), map([2])])?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (0, 2));
    assert!(dead[0].contains("cannot send the event"), "{dead:?}");
    Ok(())
}

#[test]
fn tracked_events_are_done_when_the_server_has_them() -> Result {
    let hook = Hook::new();
    let mut scheduler = Scheduler::virtual_time()?;
    let writer = Writer::<thingflow_core::tracking::Tracked<Level, u64>>::json_lines(hook.endpoint("/events"));
    let (sink, refused) = scheduler.worker("http", writer, Delivery::within(Limit::default()))?;
    refused.for_each(|letter| drop(letter.event.done()));
    let done = Arc::new(Mutex::new(BTreeSet::new()));
    let told = done.clone();
    let tracker = Tracker::new(move |settled, _| {
        assert_eq!(settled.outcome, Outcome::Done);
        told.lock().unwrap_or_else(PoisonError::into_inner).insert(settled.meta);
        Ok(())
    });
    let levels = from_iter([1, 2, 1_000_000, 3]).map(Level::of).track_by(&tracker, |level| level.number);
    scheduler.schedule_recurring(levels.connect(sink))?;
    scheduler.run_forever()?;
    assert_eq!(*done.lock().unwrap_or_else(PoisonError::into_inner), BTreeSet::from([1, 2, 3, 1_000_000]));
    assert_eq!(*hook.stored.lock().unwrap_or_else(PoisonError::into_inner), [1, 2, 3]);
    Ok(())
}

fn with(status: &str, headers: &[&str], body: &str) -> Answer {
    let head = headers.iter().map(|header| format!("\r\n{header}")).collect::<String>();
    Some((format!("{status}{head}"), body.as_bytes().to_vec()))
}

#[test]
fn what_has_not_changed_is_asked_for_and_not_sent_again() -> Result {
    let mut version = 0;
    let server = Scripted::new(move |asked| {
        version += 1;
        let (tag, date) = (format!("\"v{}\"", version / 3), "Sun, 06 Nov 1994 08:49:37 GMT");
        let known = asked.header("If-None-Match") == Some(&tag) && asked.header("If-Modified-Since") == Some(date);
        if known {
            return with("304 Not Modified", &[], "");
        }
        with("200 OK", &[&format!("ETag: {tag}"), &format!("Last-Modified: {date}")], &(version / 3).to_string())
    });
    let mut scheduler = Scheduler::virtual_time()?;
    let price = Poll::<f64>::json("price", server.url());
    let price = scheduler.schedule_sensor_on_separate_thread(price, SECOND)?;
    let seen = Recorder::new();
    price.map(|event| event.val).take(3).connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "0.0@1 1.0@3 2.0@6 |@6");
    Ok(())
}

#[test]
fn an_address_that_cannot_be_read_is_a_failed_sampling() -> Result {
    let mut answers = vec![
        answer(200, "1"),
        answer(500, "broken"),
        with("429 Slow Down", &["Retry-After: 3"], ""),
        answer(200, "2"),
        answer(200, "x"),
        answer(200, "1234567890123"),
        None,
        answer(200, "3"),
    ]
    .into_iter();
    let server = Scripted::new(move |_| answers.next().unwrap_or_else(|| answer(404, "")));
    let mut scheduler = Scheduler::virtual_time()?;
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    let price = Poll::<u64>::json("price", server.url()).max_body(10);
    let each = Periodic::every(SECOND).on_failure(OnFailure::Skip);
    let price = scheduler.schedule_sensor_on_separate_thread(price, each)?;
    let seen = Recorder::new();
    price.map(|event| event.val).take(3).connect(seen.clone());
    scheduler.run_forever()?;
    let seen = seen.events();
    assert_eq!(seen, [1, 2, 3]);
    assert!(reports.events().iter().any(|text| text.contains("more than 10 bytes; allow more by `max_body`")));
    let mut text = Poll::text("page", Scripted::new(|_| Some(("200 OK".into(), vec![0xFF]))).url());
    assert!(matches!(text.sample(), Err(SampleError::Failed(error)) if error.to_string().contains("UTF-8")));
    let mut away = Poll::text("page", "http://127.0.0.1:9/");
    assert!(matches!(away.sample(), Err(SampleError::Failed(error)) if error.to_string().contains("cannot reach")));
    Ok(())
}

/// One refuses a byte at a time, and one says nothing: neither is listened to for longer than the endpoint allows.
#[test]
fn a_server_that_takes_its_time_is_left() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || -> std::io::Result<()> {
        let (mut slow, _) = listener.accept()?;
        let _ = slow.read(&mut [0; 2000])?;
        slow.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 1900\r\n\r\n")?;
        while slow.write_all(b"a").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let silent = listener.accept()?;
        loop {
            std::thread::park();
            let _ = &silent;
        }
    });
    let endpoint = || Endpoint::new(&*url).timeout(Duration::from_millis(200));
    let Err(HttpError::Status { status: 403, text, .. }) = open(endpoint()) else { panic!("it refuses") };
    assert!(text.len() < 1900, "all {} bytes", text.len());
    let error = open(endpoint()).map(drop).unwrap_err().to_string();
    assert_eq!(error, format!("cannot reach {url}: no answer within the time limit of the endpoint"));
    Ok(())
}

/// Answers once, with a body in chunks, and breaks off if that is asked for.
fn chunks(parts: &'static [&'static str], whole: bool) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || -> std::io::Result<()> {
        for stream in listener.incoming() {
            let mut stream = stream?;
            let _ = stream.read(&mut [0; 2000])?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for part in parts {
                stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes())?;
                stream.flush()?;
            }
            if whole {
                stream.write_all(b"0\r\n\r\n")?;
            }
        }
        Ok(())
    });
    Ok(url)
}

#[test]
fn a_long_answer_comes_in_pieces() -> Result {
    let url = chunks(&["abc", "defghij", "k"], true)?;
    let pieces = Pieces::new(&*url, 4).flow().collect_now();
    assert!(pieces.iter().all(|piece| (1..=4).contains(&piece.len())), "{pieces:?}");
    assert_eq!(pieces.concat(), b"abcdefghijk");
    let mut text = String::new();
    open(&*url)?.read_to_string(&mut text)?;
    assert_eq!(text, "abcdefghijk");

    let broken = chunks(&["abc"], false)?;
    let (pieces, error) = Pieces::new(&*broken, 100).flow().try_collect_now();
    assert_eq!(pieces.concat(), b"abc");
    assert!(error.is_some(), "an answer that breaks off has not ended");
    let gone = Scripted::new(|_| answer(410, "gone"));
    assert!(open(gone.url()).map(drop).unwrap_err().to_string().contains("answers 410: gone"));
    Ok(())
}
