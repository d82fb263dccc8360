//! InfluxDB's lines against the public rules, and its writers and queries against real servers.
#![cfg(feature = "influx")]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use influxdb_line_protocol::{FieldValue, parse_lines};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use support::proxy::{Proxy, Way};
use support::scripted::{Scripted, answer};
use support::servers::Server;
use thingflow_adapters::http::{Endpoint, Poll};
use thingflow_adapters::influx::{Encoder, Query, UdpWriter, Writer};
use thingflow_adapters::net::Secret;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, Store, Weather, check_writer};
use thingflow_core::{Batch, Delivery, DeliveryStats, OnSetup, Refusal, Sensor, Worker};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

/// One tag, one field of any kind, a time.
#[derive(Clone, Debug)]
struct Point {
    tag: (String, String),
    field: (String, Datum),
    time: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Datum {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Serialize for Point {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&self.tag.0, &self.tag.1)?;
        map.serialize_entry(&self.field.0, &self.field.1)?;
        if let Some(time) = self.time {
            map.serialize_entry("taken at", &time)?;
        }
        map.end()
    }
}

fn encoder(measurement: &str, tag: &str) -> Encoder {
    Encoder::new(measurement).tags([tag]).time("taken at")
}

fn encoded(measurement: &str, tag: (&str, &str), field: (&str, Datum)) -> std::result::Result<String, String> {
    let point = Point { tag: (tag.0.into(), tag.1.into()), field: (field.0.into(), field.1), time: None };
    encoder(measurement, tag.0).encode(&point).map(str::to_owned).map_err(|error| error.to_string())
}

/// What the public rules say of escapes, as data: measurement, tag, field, line. `None`: no line can say it.
type Row = (&'static str, (&'static str, &'static str), (&'static str, Datum), Option<&'static str>);

fn rules() -> Vec<Row> {
    use Datum::{Bool, Float, Int};
    let text = |text: &str| Datum::Text(text.to_owned());
    vec![
        ("m", ("t", "v"), ("f", Int(1)), Some("m,t=v f=1i")),
        ("m", ("t", "v"), ("f", Int(i64::MIN)), Some("m,t=v f=-9223372036854775808i")),
        ("m", ("t", "v"), ("f", Float(1.0)), Some("m,t=v f=1.0")),
        ("m", ("t", "v"), ("f", Float(-1e-300)), Some("m,t=v f=-1e-300")),
        ("m", ("t", "v"), ("f", Float(f64::MAX)), Some("m,t=v f=1.7976931348623157e308")),
        ("m", ("t", "v"), ("f", Bool(true)), Some("m,t=v f=true")),
        ("m", ("t", "v"), ("f", text("")), Some(r#"m,t=v f="""#)),
        ("m", ("t", "v"), ("f", text(r#"a "b" \c, d=e"#)), Some(r#"m,t=v f="a \"b\" \\c, d=e""#)),
        ("m", ("t", "v"), ("f", text("\\")), Some(r#"m,t=v f="\\""#)),
        ("m", ("t", "v"), ("f", text("a\nb")), Some("m,t=v f=\"a\nb\"")),
        ("a b,c", ("t", "v"), ("f", Int(1)), Some(r"a\ b\,c,t=v f=1i")),
        ("a=b", ("t", "v"), ("f", Int(1)), Some("a=b,t=v f=1i")),
        (r"a\b", ("t", "v"), ("f", Int(1)), Some(r"a\b,t=v f=1i")),
        ("m", ("t t", "v v"), ("f", Int(1)), Some(r"m,t\ t=v\ v f=1i")),
        ("m", ("t,t", "v,v"), ("f", Int(1)), Some(r"m,t\,t=v\,v f=1i")),
        ("m", ("t=t", "v=v"), ("f", Int(1)), Some(r"m,t\=t=v\=v f=1i")),
        ("m", ("t", r"a\b"), ("f", Int(1)), Some(r"m,t=a\b f=1i")),
        ("m", ("t", r#"a"b"#), ("f", Int(1)), Some(r#"m,t=a"b f=1i"#)),
        ("m", ("t", "ü💧"), ("f", Int(1)), Some("m,t=ü💧 f=1i")),
        ("m", ("t", ""), ("f", Int(1)), Some("m f=1i")),
        ("m", ("t", "v"), ("f f,f=f", Int(1)), Some(r"m,t=v f\ f\,f\=f=1i")),
        ("", ("t", "v"), ("f", Int(1)), None),
        ("#m", ("t", "v"), ("f", Int(1)), None),
        ("a\nb", ("t", "v"), ("f", Int(1)), None),
        ("a\\", ("t", "v"), ("f", Int(1)), None),
        ("m", ("t\nt", "v"), ("f", Int(1)), None),
        ("m", ("t\\", "v"), ("f", Int(1)), None),
        ("m", ("t", "v\nevil value=1"), ("f", Int(1)), None),
        ("m", ("t", "v\\"), ("f", Int(1)), None),
        ("m", ("t", "v\r"), ("f", Int(1)), None),
        ("m", ("t", r"C:\v"), ("f", Int(1)), Some(r"m,t=C:\v f=1i")),
        // These four as the public corpus has them.
        ("cpu", ("regions", r"\ east"), ("value", Int(1)), Some(r"cpu,regions=\\ east value=1i")),
        ("cpu", ("regions", r"\,,=east"), ("value", Int(1)), Some(r"cpu,regions=\\,\,\=east value=1i")),
        ("cpu", ("regions", r"east\ "), ("value", Int(1)), Some(r"cpu,regions=east\\  value=1i")),
        ("cpu", (r"reg\=ion", "east"), ("value", Int(1)), Some(r"cpu,reg\\=ion=east value=1i")),
        ("m", ("t", "v"), ("f\n", Int(1)), None),
        ("m", ("t", "v"), ("f\\", Int(1)), None),
        ("m", ("t", "v"), ("f", Float(f64::NAN)), None),
        ("m", ("t", "v"), ("f", Float(f64::NEG_INFINITY)), None),
    ]
}

#[test]
fn a26_each_rule_of_the_line_protocol() {
    for (measurement, tag, field, line) in rules() {
        let found = encoded(measurement, tag, field.clone());
        assert_eq!(found.as_deref().ok(), line, "{measurement:?} {tag:?} {field:?}: {found:?}");
        assert!(found.is_ok() || found.is_err_and(|text| text.starts_with("invalid ")));
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}",
        proptest::collection::vec(
            prop_oneof![
                Just(' '),
                Just(','),
                Just('='),
                Just('\\'),
                Just('"'),
                Just('\n'),
                Just('#'),
                Just('ü'),
                Just('a')
            ],
            0..6
        )
        .prop_map(|chars| chars.into_iter().collect()),
    ]
}

fn datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        any::<bool>().prop_map(Datum::Bool),
        any::<i64>().prop_map(Datum::Int),
        any::<f64>().prop_map(Datum::Float),
        name().prop_map(Datum::Text),
    ]
}

proptest! {
    #[test]
    fn a26_a_point_is_one_point_and_comes_back(
        measurement in name(), tag in (name(), name()), field in (name(), datum()), time in proptest::option::of(any::<i64>())
    ) {
        prop_assume!(![&tag.0, &field.0].iter().any(|name| name.is_empty())); // a field without a name is `value`
        prop_assume!(tag.0 != field.0 && tag.0 != "taken at" && field.0 != "taken at");
        let point = Point { tag: tag.clone(), field: field.clone(), time };
        let mut encoder = encoder(&measurement, &tag.0);
        // Here parsers differ: InfluxDB 1 and 2 see two backslashes, 3 sees one.
        let differs = |name: &&String| ["\\\\", "\\ ", "\\,", "\\="].iter().any(|pair| name.contains(pair));
        prop_assume!(![&measurement, &tag.0, &tag.1, &field.0].iter().any(differs));
        let Ok(line) = encoder.encode(&point).map(str::to_owned) else { return Ok(()) };
        let text = format!("{line}\nnext value=1\n");
        let lines: Vec<_> = parse_lines(&text).collect::<std::result::Result<_, _>>()
            .map_err(|error| TestCaseError::fail(format!("{line:?}: {error}")))?;
        prop_assert_eq!(lines.len(), 2, "{:?}", line);
        let read = &lines[0];
        prop_assert_eq!(read.series.measurement.as_str(), &measurement);
        prop_assert_eq!(read.timestamp, time);
        let tags: Vec<_> = read.series.tag_set.iter().flatten().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        prop_assert_eq!(tags, if tag.1.is_empty() { vec![] } else { vec![tag] });
        prop_assert_eq!(read.field_set.len(), 1);
        prop_assert_eq!(read.field_set[0].0.to_string(), field.0);
        let value = match &read.field_set[0].1 {
            FieldValue::I64(value) => Datum::Int(*value),
            FieldValue::F64(value) => Datum::Float(*value),
            FieldValue::Boolean(value) => Datum::Bool(*value),
            FieldValue::String(text) => Datum::Text(text.to_string()),
            FieldValue::U64(_) => return Err(TestCaseError::fail("a u64")),
        };
        prop_assert_eq!(value, field.1);
    }
}

#[test]
fn a26_what_is_no_number_is_left_out_and_counted() -> Result {
    let mut encoder = Encoder::new("m");
    let left_out = encoder.left_out();
    assert_eq!(encoder.encode(&[1.5, f64::NAN, f64::INFINITY, 2.0])?, "m value_1=1.5,value_4=2.0");
    assert_eq!(left_out.count(), 2);
    let error = encoder.encode(&[f32::NAN]).map(drop).unwrap_err().to_string();
    assert!(error.contains("no field with a value"), "{error}");
    assert_eq!(left_out.count(), 3);
    assert_eq!(encoder.encode(&(Some(1_u8), None::<u8>))?, "m value_1=1i");
    assert_eq!(left_out.count(), 3, "what is missing is not counted");
    assert!(encoder.encode(&u64::MAX).is_err());
    assert_eq!(Encoder::new("m").unsigned().encode(&u64::MAX)?, "m value=18446744073709551615u");
    Ok(())
}

/// How a run ended, the counts, why events were refused.
type Ran = (std::result::Result<(), String>, DeliveryStats, Vec<String>);

/// A run of events through a writer.
fn run<E: Clone + Send + 'static>(
    writer: impl Worker<E> + 'static,
    events: impl IntoIterator<Item = E, IntoIter: 'static>,
    most: usize,
) -> Result<Ran> {
    let mut scheduler = Scheduler::virtual_time()?;
    let delivery = Delivery::within(Limit::block(2000)).batches_of(most).on_setup(OnSetup::End);
    let (sink, refused) = scheduler.worker("influx", writer, delivery)?;
    let (meter, dead) = (sink.meter(), Recorder::new());
    refused.map(|letter| letter.error.to_string()).connect(dead.clone());
    // At once, so that batches are full.
    let events: Vec<E> = events.into_iter().collect();
    scheduler.schedule_recurring(from_iter([events]).flatten().connect(sink))?;
    let ended = scheduler.run_forever().map_err(|error| error.to_string());
    Ok((ended, meter.stats(), dead.events()))
}

#[derive(Clone, Debug, Serialize)]
struct Level {
    number: u64,
    litres: Datum,
    at: Timestamp,
}

impl Level {
    fn of(number: u64) -> Self {
        let at = Timestamp::from_secs(i64::try_from(number).unwrap() + 1_000_000);
        Self { number, litres: Datum::Float(0.5), at }
    }
    fn poison(number: u64) -> Self {
        Self { litres: Datum::Text("much".to_owned()), ..Self::of(number) }
    }
}

#[derive(Clone, Serialize)]
struct Seed {
    litres: f64,
    at: Timestamp,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

fn numbers(url: &str, database: &str) -> Vec<u64> {
    Query::<Numbered>::new(url, database, "SELECT number FROM tank").flow().map(|level| level.number).collect_now()
}

fn create(url: &str, database: &str) -> Result {
    // In version 1 a question can do that, too.
    for query in [format!("CREATE+DATABASE+%22{database}%22"), "SHOW+DATABASES".to_owned()] {
        let said = Poll::text("query", format!("{url}/query?q={query}")).sample()?;
        assert!(query.starts_with("CREATE") || said.contains(database), "{said}");
    }
    Ok(())
}

fn tank() -> Encoder {
    Encoder::new("tank").time("at")
}

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

/// The first time it is away, so that a whole batch is there the next time.
struct Late<W>(W, bool);

impl<E, W: Worker<E>> Worker<E> for Late<W> {
    fn connect(&mut self) -> std::result::Result<(), Refusal> {
        self.0.connect()
    }
    fn work(&mut self, batch: &mut Batch<E>) -> std::result::Result<(), Refusal> {
        if std::mem::replace(&mut self.1, true) {
            self.0.work(batch)
        } else {
            Err(Refusal::Peer(StreamError::new("late")))
        }
    }
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
fn lines_go_over_udp() -> Result {
    let (server, udp) = Server::influx();
    create(&server.url(), "udp")?;
    let (ended, stats, _) = run(UdpWriter::new(udp.to_string(), tank()), (0..200).map(Level::of), 100)?;
    ended?;
    assert_eq!(stats.delivered, 200);
    assert_eq!(numbers_of(&server, "udp", 200), (0..200).collect::<Vec<_>>());
    Ok(())
}

/// What is stored when it is so many, or after some seconds: nobody says when a datagram has been dealt with.
fn numbers_of(server: &Server, database: &str, expected: usize) -> Vec<u64> {
    let mut stored = Vec::new();
    for _ in 0..500 {
        stored = numbers(&server.url(), database);
        if stored.len() == expected {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    stored
}

/// One that listens to datagrams, so that nobody answers: it is away when its port is closed, and silent when it does not read.
struct Datagrams {
    address: SocketAddr,
    listening: Arc<Mutex<Listening>>,
}

struct Listening {
    socket: Option<UdpSocket>,
    is_silent: bool,
    numbers: Vec<u64>,
}

impl Datagrams {
    fn new() -> Self {
        let socket = listening_at("127.0.0.1:0".parse().unwrap());
        let address = socket.local_addr().unwrap();
        let listening = Listening { socket: Some(socket), is_silent: false, numbers: Vec::new() };
        let store = Self { address, listening: Arc::new(Mutex::new(listening)) };
        let there = Arc::downgrade(&store.listening);
        std::thread::spawn(move || {
            // The system has no room for more than some hundred that nobody reads.
            while let Some(there) = there.upgrade() {
                let mut listening = there.lock().unwrap();
                if !listening.is_silent {
                    listening.read();
                }
                drop(listening);
                std::thread::park_timeout(Duration::from_millis(1));
            }
        });
        store
    }
}

fn listening_at(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

impl Listening {
    fn read(&mut self) {
        let mut bytes = [0; 2000];
        while let Some(Ok(n)) = self.socket.as_ref().map(|socket| socket.recv(&mut bytes)) {
            let lines = std::str::from_utf8(&bytes[..n]).unwrap().lines();
            self.numbers.extend(lines.map(|line| {
                let number = line.strip_prefix("tank number=").and_then(|line| line.split_once("i,litres=0.5 "));
                number.unwrap().0.parse::<u64>().unwrap()
            }));
        }
    }
}

impl Store for Datagrams {
    type Event = Level;
    type Writer = UdpWriter<Level>;
    fn writer(&mut self) -> UdpWriter<Level> {
        UdpWriter::new(self.address.to_string(), tank())
    }
    fn wrong_writer(&mut self) -> Option<UdpWriter<Level>> {
        Some(UdpWriter::new("127.0.0.1", tank()))
    }
    fn event(&self, number: u64) -> Level {
        Level::of(number)
    }
    fn poison(&self) -> Option<Level> {
        Some(Level { number: u64::MAX, ..Level::of(0) }) // beyond what a line can say
    }
    fn disturb(&mut self, weather: Weather) {
        let mut listening = self.listening.lock().unwrap();
        listening.read();
        listening.is_silent = weather == Weather::Silent;
        let is_away = weather == Weather::Away;
        if is_away || listening.socket.is_none() {
            listening.socket = (!is_away).then(|| listening_at(self.address));
        }
    }
    fn stored(&mut self) -> Vec<u64> {
        let mut listening = self.listening.lock().unwrap();
        listening.read();
        listening.numbers.clone()
    }
    fn is_idempotent(&self) -> bool {
        false // whoever reads the lines would see to it
    }
}

#[test]
fn a33_a34_the_writer_of_datagrams_keeps_the_promises_of_writers() {
    check_writer(Datagrams::new);
}

/// Two readings of one sensor in one datagram, of which the server would keep the last.
#[test]
fn a26_points_without_a_time_are_all_there_over_udp() -> Result {
    #[derive(Clone, Serialize)]
    struct Level {
        room: &'static str,
        number: u64,
    }
    let (server, udp) = Server::influx();
    create(&server.url(), "udp")?;
    let levels = (0..30).map(|number| Level { room: if number % 3 == 0 { "hall" } else { "attic" }, number });
    let writer = UdpWriter::new(udp.to_string(), Encoder::new("tank").tags(["room"]));
    let (ended, stats, _) = run(Late(writer, false), levels, 30)?;
    ended?;
    assert_eq!(stats.delivered, 30);
    let mut stored = numbers_of(&server, "udp", 30);
    stored.sort_unstable();
    assert_eq!(stored, (0..30).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_datagram_that_cannot_be_sent_says_where_it_should_have_gone() -> Result {
    let gone = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut scheduler = Scheduler::virtual_time()?;
    let retry = thingflow_core::Backoff::constant(SECOND);
    let delivery = Delivery::within(Limit::block(10)).retry(retry).on_setup(OnSetup::End);
    let writer = UdpWriter::new(gone.clone(), tank());
    let (sink, _refused) = scheduler.worker("influx", writer, delivery)?;
    let (meter, reports) = (sink.meter(), Recorder::new());
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    scheduler.schedule_recurring(from_iter([Level::of(0)]).connect(sink))?;
    let stopper = scheduler.stopper();
    let stops = call(move |_| stopper.stop());
    scheduler.schedule_later_one_time(from_iter([()]).connect(stops), 10 * SECOND)?;
    scheduler.stop_within(Duration::ZERO);
    scheduler.run_forever()?;
    assert_eq!(meter.stats().delivered, 0, "what nobody has got is not delivered");
    let reports = reports.events();
    let expected = format!("cannot send to {gone}: ");
    assert!(reports.iter().any(|text| text.contains(&expected) && text.contains("no program listens")), "{reports:?}");
    Ok(())
}

#[test]
fn datagrams_hold_whole_lines_and_no_more_than_they_may() -> Result {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(10 * SECOND))?;
    let texts = ["x".repeat(100), "y".repeat(100), "z".repeat(500), "w".repeat(70_000), "v".to_owned()];
    let event = |(second, text)| SensorEvent::new("s", Timestamp::from_secs(second), text);
    let writer = UdpWriter::new(receiver.local_addr()?.to_string(), Encoder::new("m")).datagrams_of(300);
    let (ended, stats, dead) = run(Late(writer, false), (1..).zip(texts).map(event), 10)?;
    ended?;
    assert_eq!((stats.delivered, stats.dead), (4, 1));
    assert!(dead[0].contains("datagram"), "{dead:?}");
    let mut buffer = [0; 2000];
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let n = receiver.recv(&mut buffer)?;
        assert!(buffer[..n].ends_with(b"\n"));
        lengths.push((n, buffer[..n].iter().filter(|byte| **byte == b'\n').count()));
    }
    assert_eq!(lengths, [(2 * 134, 2), (534, 1), (35, 1)]);
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
