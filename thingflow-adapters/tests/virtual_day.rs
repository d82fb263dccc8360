//! A day of a hundred sensors on the virtual clock, behind an outbox: the broker cannot be reached one hour in three, and the
//! process is killed every hour.
#![cfg(all(feature = "mqtt", feature = "outbox"))]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use support::proxy::{Proxy, Way};
use thingflow_adapters::mqtt::{Client, Message, Options, testing::Broker};
use thingflow_adapters::outbox::{self, Outbox, Outlet, OutletMeter, Stored};
use thingflow_core::prelude::*;
use thingflow_core::testing::{EndlessSensor, Recorder};
use thingflow_core::tracking::Tracked;
use thingflow_core::{Backoff, Periodic, VirtualClock};
use thingflow_journal::model::Model;

type Reading = SensorEvent<f64>;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOURS: u64 = 24;
const SENSORS: u32 = 100;

/// From reading to reading of a sensor.
const EVERY: Duration = Duration::from_secs(600);

/// What may be on its way to the broker.
const IN_FLIGHT: usize = 64;

/// What is published: the key by which a store knows what it has, and which run of the process has sent it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sent {
    flow: String,
    sequence: u64,
    resent: bool,
    life: u64,
    reading: Reading,
}

/// The board and what is around it.
struct Day {
    clock: VirtualClock,
    disk: Model,
    dead: Model,
    broker: Broker,
    proxy: Proxy,
    sampled: Recorder<Reading>,
}

/// A run of the process.
struct Life {
    scheduler: Scheduler,
    meter: OutletMeter,
}

impl Day {
    fn new() -> Self {
        let broker = Broker::start().unwrap();
        let proxy = Proxy::new(broker.address().strip_prefix("mqtt://").unwrap().parse().unwrap());
        let clock = VirtualClock::starting_at(Timestamp::from_secs(1_800_000_000));
        Self { clock, disk: Model::new(1), dead: Model::new(2), broker, proxy, sampled: Recorder::new() }
    }

    /// Starts the process, with the journal as the last one has left it.
    fn start(&self, life: u64) -> Life {
        let scheduler = Scheduler::with_clock(self.clock.clone()).unwrap();
        let limits = outbox::Options::new(64 << 20, outbox::CommitWindow::default());
        let mut outbox = Outbox::<Reading>::open_on(self.disk.clone(), self.dead.clone(), limits).unwrap();
        // Answers come in real time: of virtual time there is plenty.
        let options = Options::new(&format!("mqtt://{}", self.proxy.address())).unwrap();
        let options = options.timeout(MINUTE * 60 * 48).keep_alive(Duration::ZERO).in_flight(IN_FLIGHT);
        let client = Client::new(options.retry(Backoff::constant(20 * SECOND)));
        let stored = outbox.port("broker", Outlet::default()).unwrap();
        stored.map(move |event| message(event, life)).connect(client.publisher());

        for n in 0..SENSORS {
            let id = SensorId::intern(&format!("sensor-{n}"));
            let output = SensorOutput::new(EndlessSensor::new(id, [f64::from(n), f64::from(n) / 3.0]));
            let first = EVERY * n / SENSORS + SECOND;
            output.also_to(self.sampled.clone()).connect(outbox.input());
            scheduler.schedule_periodic(output, Periodic::every(EVERY).first_after(first)).unwrap();
        }
        let meter = outbox.meter("broker");
        scheduler.schedule_on_main_event_loop(client.thing()).unwrap();
        scheduler.schedule_on_main_event_loop(outbox).unwrap();
        Life { scheduler, meter }
    }

    /// Kills the process: what it does from here on reaches neither disk nor broker.
    fn kill(&self, life: Life, with_the_power: bool) {
        if with_the_power {
            self.disk.cut_power();
        } else {
            self.disk.kill();
        }
        self.dead.kill();
        self.proxy.black_hole(Way::ToServer, true);
        self.proxy.cut();
        drop(life);
        self.proxy.black_hole(Way::ToServer, false);
    }

    fn published(&self) -> usize {
        self.broker.messages().len()
    }
}

impl Life {
    /// Goes on in real time until the broker has all.
    fn deliver(&mut self) {
        let deadline = Instant::now() + MINUTE;
        while self.meter.stats().waiting > 0 {
            self.scheduler.turn(Some(Duration::ZERO)).unwrap();
            std::thread::yield_now();
            assert!(Instant::now() < deadline, "{}", self.meter.stats());
        }
    }
}

fn message(event: Tracked<Reading, Stored>, life: u64) -> Tracked<Message, Stored> {
    let (sequence, resent) = event.metadata().map(|stored| (stored.number, stored.resent)).next().unwrap();
    event.map(|reading| {
        let sent = Sent { flow: "day".to_owned(), sequence, resent, life, reading };
        Message::json("day", &sent).unwrap()
    })
}

/// What a store has that knows rows by flow and sequence. Fails if their order is not kept, or something came again without
/// a mark.
fn stored(broker: &Broker) -> (Vec<Reading>, usize) {
    let (mut rows, mut again) = (BTreeMap::<(String, u64), Sent>::new(), 0);
    for message in broker.messages() {
        let sent: Sent = serde_json::from_slice(&message.payload).unwrap();
        let key = (sent.flow.clone(), sent.sequence);
        if let Some(first) = rows.get(&key) {
            assert_eq!(first.reading, sent.reading, "another event has its number");
            assert!(sent.resent || sent.life == first.life, "it comes again without a mark: {sent:?}");
            again += 1;
        } else {
            let last = rows.last_key_value().map_or(0, |((_, last), _)| *last);
            assert!(sent.sequence > last, "{} comes behind {last}", sent.sequence);
            rows.insert(key, sent);
        }
    }
    (rows.into_values().map(|sent| sent.reading).collect(), again)
}

#[test]
fn a_day_of_outages_and_kills_stores_what_was_produced() {
    let day = Day::new();
    let mut cut_off = 0;
    for hour in 0..HOURS {
        let mut life = day.start(hour);
        for part in 0..6 {
            // The hour without a broker begins in one life and ends in the next.
            match (hour % 3, part) {
                (1, 3) => {
                    day.proxy.refuse(true);
                    day.proxy.cut();
                }
                (2, 3) => day.proxy.refuse(false),
                _ => {}
            }
            let is_away = hour % 3 == 1 && part >= 3 || hour % 3 == 2 && part < 3;
            // The broker gets the last messages before the kill, and its answers are lost.
            let answers = hour % 3 != 0 || part < 5;
            let before = day.published();
            day.proxy.black_hole(Way::ToClient, !answers);
            life.scheduler.run_for(10 * MINUTE).unwrap();
            if !answers {
                let all = || day.published() == before + IN_FLIGHT;
                let deadline = Instant::now() + MINUTE;
                while !all() {
                    life.scheduler.turn(Some(Duration::ZERO)).unwrap();
                    assert!(Instant::now() < deadline, "{} were published", day.published() - before);
                }
                cut_off += IN_FLIGHT;
            } else if !is_away {
                life.deliver();
            }
            assert!(life.meter.stats().is_conserved(), "{}", life.meter.stats());
        }
        day.kill(life, hour % 4 == 3);
    }
    day.proxy.black_hole(Way::ToClient, false);
    let mut last = day.start(HOURS);
    last.scheduler.run_for(SECOND / 2).unwrap(); // before the first reading
    last.deliver();

    let produced = day.sampled.events();
    assert_eq!(produced.len(), 24 * 6 * 100);
    let (stored, again) = stored(&day.broker);
    assert_eq!(stored.len(), produced.len());
    assert_eq!(stored, produced, "in their order, each once");
    // Besides, what was on its way when the connection was cut, and 50 ms of positions with each kill.
    let most = cut_off + 8 * IN_FLIGHT + 24 * IN_FLIGHT;
    assert!((cut_off..=most).contains(&again), "{again} came again");
}
