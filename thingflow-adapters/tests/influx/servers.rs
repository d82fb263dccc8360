//! Writers and queries over HTTP, against real servers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thingflow_adapters::http::{Endpoint, Poll};
use thingflow_adapters::influx::{Encoder, Query, Writer};
use thingflow_adapters::net::Secret;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::{Delivery, OnSetup, Sensor};

use super::support::proxy::{Proxy, Way};
use super::support::scripted::{Scripted, answer};
use super::support::servers::Server;
use super::{Late, Level, Ran, Result, SECOND, Seed, create, numbers, run, tank};

/// InfluxDB behind a proxy that misbehaves.
struct Influx {
    server: Server,
    proxy: Proxy,
}

impl Influx {
    fn new() -> Self {
        let (server, _) = Server::influx();
        create(&server.url(), "home").unwrap();
        let proxy = Proxy::new(server.address());
        // A field is of one type from its first point on.
        run(Writer::v1(server.url(), "home", tank()), [Seed { litres: 0.5, at: Timestamp::from_secs(999_999) }], 1)
            .unwrap()
            .0
            .unwrap();
        Self { server, proxy }
    }
    fn endpoint(&self) -> Endpoint {
        Endpoint::new(format!("http://{}", self.proxy.address())).timeout(Duration::from_millis(400)).gzip()
    }
}

impl Store for Influx {
    type Event = Level;
    type Writer = Writer<Level>;
    fn writer(&mut self) -> Writer<Level> {
        Writer::v1(self.endpoint(), "home", tank())
    }
    fn wrong_writer(&mut self) -> Option<Writer<Level>> {
        Some(Writer::v1(self.endpoint(), "hume", tank()))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level::poison(1_000))
    }
    fn disturb(&mut self, weather: Weather) {
        self.proxy.refuse(weather == Weather::Away);
        self.proxy.black_hole(Way::ToServer, weather == Weather::Silent);
        self.proxy.cut();
    }
    fn stored(&mut self) -> Vec<u64> {
        numbers(&self.server.url(), "home")
    }
}

#[test]
fn a33_a34_the_writer_keeps_the_promises_of_writers() {
    check_writer(Influx::new);
}

#[test]
fn a27_one_bad_point_among_a_thousand_is_a_dead_letter_with_its_reason() -> Result {
    let influx = Influx::new();
    let bad = 617;
    let events = (0..1000).map(move |number| if number == bad { Level::poison(number) } else { Level::of(number) });
    let writer = Late(Writer::v1(influx.server.url(), "home", tank()), false);
    let (ended, stats, dead) = run(writer, events, 1000)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (999, 1));
    assert!(dead[0].contains("400") && dead[0].contains("field type conflict"), "{dead:?}");
    let stored = numbers(&influx.server.url(), "home");
    assert_eq!(stored, (0..1000).filter(|number| *number != bad).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a27_the_answers_of_a_server_are_told_apart() -> Result {
    // The answers of a server one after the other, then 204; how often it is asked, how it ends.
    let check = |answers: &[(u16, &str)], events: u64| -> Result<(usize, Ran, Duration)> {
        let mut script =
            answers.iter().map(|(status, head)| (*status, (*head).to_owned())).collect::<Vec<_>>().into_iter();
        let server = Scripted::new(move |_| match script.next() {
            Some((status, head)) => answer(status, "{\"error\":\"why\"}").map(|(line, body)| (line + &head, body)),
            None => answer(204, ""),
        });
        let mut scheduler = Scheduler::virtual_time()?;
        let writer = Late(Writer::v1(server.url(), "home", tank()), false);
        let delivery = Delivery::within(Limit::block(2000)).batches_of(100).on_setup(OnSetup::End);
        let delivery = delivery.retry(thingflow_core::Backoff::constant(SECOND));
        let (sink, refused) = scheduler.worker("influx", writer, delivery)?;
        let (meter, dead) = (sink.meter(), Recorder::new());
        refused.map(|letter| letter.error.to_string()).connect(dead.clone());
        scheduler
            .schedule_recurring(from_iter([(0..events).map(Level::of).collect::<Vec<_>>()]).flatten().connect(sink))?;
        let ended = scheduler.run_forever().map_err(|error| error.to_string());
        let took = scheduler.now().since(thingflow_core::Instant::ZERO);
        Ok((server.asked().len(), (ended, meter.stats(), dead.events()), took))
    };
    let all_well = |(ended, stats, dead): Ran, delivered: u64| {
        ended.unwrap();
        assert_eq!((stats.delivered, stats.dead, dead.len()), (delivered, 0, 0));
    };
    for status in [429, 503] {
        let (asked, ran, took) = check(&[(status, "\r\nRetry-After: 77")], 10)?;
        all_well(ran, 10);
        assert_eq!(asked, 2);
        assert!(took >= 78 * SECOND && took < 80 * SECOND, "{took:?}");
    }
    let (asked, ran, took) = check(&[(500, ""), (502, ""), (408, "")], 10)?;
    all_well(ran, 10);
    assert!(asked == 4 && took < 10 * SECOND, "{asked}, {took:?}");
    let (asked, ran, _) = check(&[(413, ""), (413, "")], 64)?;
    all_well(ran, 64);
    assert_eq!(asked, 2 + 4, "64 and 32 are too many, 16 at once are not");
    for status in [401, 403, 404, 301, 405] {
        let (_, (ended, stats, dead), _) = check(&[(status, ""); 3], 10)?;
        let text = ended.unwrap_err();
        assert!(text.contains(&format!("answers {status}")) && text.contains("why"), "{text}");
        assert_eq!((stats.delivered, stats.lost, dead.len()), (0, 10, 0));
    }
    for status in [400, 413, 422] {
        let (asked, (ended, stats, dead), _) = check(&[(status, "")], 1)?;
        ended?;
        assert_eq!((asked, stats.dead), (1, 1));
        assert!(dead[0].contains(&status.to_string()) && dead[0].contains("why"), "{dead:?}");
    }
    Ok(())
}

#[test]
fn each_version_has_its_address_and_its_token() -> Result {
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n")?;
    let server = Scripted::new(|_| answer(204, ""));
    let endpoint = || Endpoint::new(server.url()).token(Secret::file(&token));
    let event = || [SensorEvent::new("lux-1", Timestamp::from_secs(1), 25.5)];
    run(
        Writer::v1(
            Endpoint::new(server.url() + "/").password("me", Secret::file(&token)),
            "a b&c",
            Encoder::new("lux"),
        ),
        event(),
        1,
    )?
    .0?;
    run(Writer::v2(endpoint(), "o", "b", Encoder::new("lux")), event(), 1)?.0?;
    run(Writer::v3(endpoint(), "d", Encoder::new("lux")), event(), 1)?.0?;
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        [
            "POST /write?db=a+b%26c&precision=ns",
            "POST /api/v2/write?org=o&bucket=b&precision=ns",
            "POST /api/v3/write_lp?db=d&precision=nanosecond"
        ]
    );
    let secrets: Vec<_> = asked.iter().map(|asked| asked.header("Authorization")).collect();
    assert_eq!(secrets, [Some("Basic bWU6czNjcmV0"), Some("Token s3cret"), Some("Bearer s3cret")]);
    assert_eq!(asked[0].text(), "lux,sensor_id=lux-1 value=25.5 1000000000\n");
    let debug = format!("{:?}", endpoint());
    assert!(!debug.contains("s3cret"), "{debug}");
    Ok(())
}

#[test]
fn what_was_written_comes_back_by_a_query() -> Result {
    let influx = Influx::new();
    let url = influx.server.url();
    let event = |id: &'static str, second: i64, value| {
        SensorEvent::new(id, Timestamp::from_nanos(second * 1_000_000_000 + 1), value)
    };
    let events = [event("attic, east", 1, 1.5), event("b=\"c\"", 2, -1e-7), event("attic, east", 3, 1e300)];
    run(Writer::v1(&url, "home", Encoder::new("lux two")), events, 10)?.0?;
    let read =
        Query::<SensorEvent<f64>>::new(&url, "home", "SELECT value, sensor_id FROM \"lux two\"").flow().collect_now();
    assert_eq!(read, events);
    let grouped = "SELECT value FROM \"lux two\" GROUP BY sensor_id";
    let read = Query::<SensorEvent<f64>>::new(&url, "home", grouped).flow().collect_now();
    assert_eq!(read, [events[0], events[2], events[1]]);
    let failed = |database, query| -> String {
        let (read, error) = Query::<SensorEvent<f64>>::new(&url, database, query).flow().try_collect_now();
        assert!(read.is_empty());
        error.unwrap().to_string()
    };
    assert!(failed("home", "SELECT FROM WHERE").contains("400"));
    assert!(failed("nowhere", "SELECT value FROM lux").contains("database not found"));
    Ok(())
}

/// One request for all of them would leave one of each room: the server gives its points one time.
#[test]
fn a26_points_without_a_time_are_all_there() -> Result {
    #[derive(Clone, Serialize)]
    struct Level {
        room: &'static str,
        number: u64,
    }
    let (server, _) = Server::influx();
    create(&server.url(), "home")?;
    let levels = (0..30).map(|number| Level { room: if number % 3 == 0 { "hall" } else { "attic" }, number });
    let writer = Writer::v1(server.url(), "home", Encoder::new("tank").tags(["room"]));
    let (ended, stats, _) = run(writer, levels, 30)?;
    ended?;
    assert_eq!(stats.delivered, 30);
    let mut stored = numbers(&server.url(), "home");
    stored.sort_unstable();
    assert_eq!(stored, (0..30).collect::<Vec<_>>());
    Ok(())
}

/// Where points have a time, or differ in a tag, a batch stays one request.
#[test]
fn a26_points_that_the_server_tells_apart_go_together() -> Result {
    let server = Scripted::new(|_| answer(204, ""));
    let timed = (0..10).map(|second| SensorEvent::new("lux-1", Timestamp::from_secs(second), 1.0));
    run(Late(Writer::v1(server.url(), "home", Encoder::new("lux")), false), timed, 10)?.0?;
    let tagged = (0..10).map(|number: u64| (number, 1.5));
    run(Late(Writer::v1(server.url(), "home", Encoder::new("lux").tags(["value_1"])), false), tagged, 10)?.0?;
    assert_eq!(server.asked().len(), 2);
    Ok(())
}

/// InfluxDB 1 and 2 read what the corpus writes as it was; of others we do not know.
#[test]
fn a26_a_backslash_before_a_separator_comes_back_or_is_refused() -> Result {
    let influx = Influx::new();
    let url = influx.server.url();
    let ids = [r"\ east", r"\,,=east", r"eas\ t", r"eas\t", r"east\ ", r"a\\b", r"a\\ b"];
    let events = || (1..).zip(ids).map(|(second, id)| SensorEvent::new(id, Timestamp::from_secs(second), 1.5));
    run(Writer::v1(&url, "home", Encoder::new("cpu")), events(), 10)?.0?;
    let read = Query::<SensorEvent<f64>>::new(&url, "home", "SELECT value, sensor_id FROM cpu").flow().collect_now();
    assert_eq!(read, events().collect::<Vec<_>>());
    let server = Scripted::new(|_| answer(204, ""));
    let (ended, stats, dead) = run(Writer::v3(server.url(), "home", Encoder::new("cpu")), events(), 10)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (2, 5), "{dead:?}");
    assert!(dead.iter().all(|text| text.contains("backslash before a blank")), "{dead:?}");
    Ok(())
}

#[test]
fn a26_a_line_break_in_a_text_stays_in_the_text() -> Result {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
        time: Timestamp,
    }
    let influx = Influx::new();
    let url = influx.server.url();
    let note = |text: &str, second| Note { text: text.to_owned(), time: Timestamp::from_secs(second) };
    let notes = [note("one\nevil value=1 1", 1), note("\"quoted\\\"", 2), note("a\\", 3), note("", 4)];
    run(Writer::v1(&url, "home", Encoder::new("notes").time("time")), notes.clone(), 10)?.0?;
    assert_eq!(Query::<Note>::new(&url, "home", "SELECT text FROM notes").flow().collect_now(), notes);
    assert_eq!(Query::<Note>::new(&url, "home", "SELECT * FROM evil").flow().collect_now(), []);
    Ok(())
}

#[test]
fn victoria_metrics_has_the_numbers_and_no_evil_points() -> Result {
    #[derive(Clone, Serialize)]
    struct Tank {
        litres: f64,
        note: &'static str,
    }
    let server = Server::victoria_metrics();
    let tank = Tank { litres: 0.5, note: "one\nevil value=1" };
    let now = i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())?;
    let events = (0..50).map(move |n| SensorEvent::new("roof", Timestamp::from_secs(now - 100 + n), tank.clone()));
    run(Writer::victoria_metrics(server.url(), Encoder::new("tank")), events, 20)?.0?;
    let mut said = String::new();
    for _ in 0..500 {
        let _ = Poll::text("flush", format!("{}/internal/force_flush", server.url())).sample();
        said =
            Poll::text("export", format!("{}/api/v1/export?match[]=%7B__name__!=%22%22%7D", server.url())).sample()?;
        if said.contains("tank_litres") {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(r#""sensor_id":"roof""#), "{said}");
    assert_eq!(said.matches("0.5").count(), 50, "{said}");
    Ok(())
}
