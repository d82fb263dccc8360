//! Recordings of whole graphs, and replays that give the same results.
#![cfg(feature = "recording")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::recording::{CommitWindow, Entry, Options, Policy, Recording, RecordingError, Replay, What};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder, timed};
use thingflow_core::{InputThing, Notice, StreamError, VirtualClock};
use thingflow_journal::model::Model;
use thingflow_journal::{Range, inspect};

const SECOND: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options::new(16 << 20, CommitWindow::default())
}

fn on(disk: &Model) -> Recording {
    Recording::open_on(disk.clone(), options()).unwrap()
}

fn replay(disk: &Model) -> Replay {
    Replay::open_on(disk.clone(), Range::all()).unwrap()
}

/// Two streams through operators that keep values, look at the clock and join: every event with its time, to the last bit.
fn graph(lux: &Port<SensorEvent<f64>>, door: &Port<bool>) -> [Recorder<String>; 5] {
    let text = |x: f64| format!("{:016x}", x.to_bits());
    let seen = [(); 5].map(|()| Recorder::new());
    lux.map(|event| event.val).running_avg(3).map(text).connect(seen[0].clone());
    lux.debounce(Duration::from_millis(700))
        .map(|event| format!("{} {}", event.ts, event.val))
        .connect(seen[1].clone());
    door.chunks_within(4, 2 * SECOND).map(|list| format!("{list:?}")).connect(seen[2].clone());
    lux.map(|event| event.val).combine_latest(door).map(|(lux, door)| format!("{lux} {door}")).connect(seen[3].clone());
    door.delay(Duration::from_millis(300), Limit::default()).map(|open| format!("{open}")).connect(seen[4].clone());
    seen
}

fn texts(seen: &[Recorder<String>; 5]) -> Vec<String> {
    seen.iter().map(Recorder::timed_text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes when, the replay gives what the live run gave: values, times, order, ends.
    #[test]
    fn a_replay_gives_the_same_results_to_the_last_bit(
        lux in prop::collection::vec((0_u32..3000, any::<f64>()), 0..40),
        door in prop::collection::vec((0_u32..3000, any::<bool>()), 0..40),
        epoch in 0_i64..2_000_000_000,
        stops in prop::option::of(0_u64..40),
    ) {
        let disk = Model::new(1);
        let recording = on(&disk);
        let ports = (Port::new(), Port::new());
        ports.0.connect(recording.stream("lux").unwrap());
        ports.1.connect(recording.stream("door").unwrap());
        let live = graph(&ports.0, &ports.1);
        let clock = VirtualClock::starting_at(Timestamp::from_secs(epoch));
        let mut scheduler = Scheduler::with_clock(clock).unwrap();
        let mut at = 0;
        let lux = lux.into_iter().map(|(ms, x)| {
            at += ms / 100 * 100;
            (f64::from(at) / 1000.0, SensorEvent::new("lux", Timestamp::from_secs(epoch + i64::from(at)), x))
        });
        scheduler.schedule_recurring(timed(lux.collect::<Vec<_>>()).connect(ports.0)).unwrap();
        let mut at = 0;
        let door = door.into_iter().map(|(ms, open)| {
            at += ms / 100 * 100;
            (f64::from(at) / 1000.0, open)
        });
        scheduler.schedule_recurring(timed(door.collect::<Vec<_>>()).connect(ports.1)).unwrap();
        scheduler.schedule_on_main_event_loop(recording).unwrap();
        if let Some(seconds) = stops {
            scheduler.run_for(Duration::from_secs(seconds)).unwrap();
            scheduler.stopper().stop();
        }
        scheduler.run_forever().unwrap();
        drop(scheduler);

        let mut replay = replay(&disk);
        let mut scheduler = Scheduler::with_clock(replay.clock()).unwrap();
        let again = graph(&replay.port("lux").unwrap(), &replay.port("door").unwrap());
        scheduler.schedule_recurring(replay).unwrap();
        scheduler.run_forever().unwrap();
        if stops.is_none() {
            prop_assert_eq!(texts(&again), texts(&live));
        } else {
            // A replay ends its streams where the run was stopped; what came until then is the same.
            for (again, live) in again.iter().zip(&live) {
                let (again, live) = (again.timed(), live.timed());
                prop_assert_eq!(&again[..live.len().min(again.len())], &live[..live.len().min(again.len())]);
                prop_assert!(again.len() >= live.len(), "{again:?} {live:?}");
            }
        }
    }
}

/// Records what comes at these times, in seconds, and gives the recorder of the live run.
fn record(disk: &Model, recording: Recording, events: &[(f64, i32)]) -> Recorder<i32> {
    let (port, seen) = (Port::new(), Recorder::new());
    port.connect(recording.stream("n").unwrap());
    port.connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_recurring(timed(events.to_vec()).connect(port)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler);
    disk.kill();
    seen
}

fn replayed(replay: &mut Replay) -> Recorder<i32> {
    let seen = Recorder::new();
    replay.port("n").unwrap().connect(seen.clone());
    seen
}

fn run(replay: Replay) -> Duration {
    let mut scheduler = Scheduler::with_clock(replay.clock()).unwrap();
    scheduler.schedule_recurring(replay).unwrap();
    scheduler.run_forever().unwrap();
    scheduler.now().since(Instant::ZERO)
}

#[test]
fn a_replay_is_faster_or_slower_by_choice() {
    let disk = Model::new(1);
    record(&disk, on(&disk), &[(1.0, 1), (3.0, 2)]);
    for (speed, text) in
        [(2.0, "1@0.5 2@1.5 |@1.5"), (0.5, "1@2 2@6 |@6"), (f64::NAN, "1@1 2@3 |@3"), (-1.0, "1@1 2@3 |@3")]
    {
        let mut replay = replay(&disk).speed(speed);
        let seen = replayed(&mut replay);
        run(replay);
        assert_eq!(seen.timed_text(), text);
    }
    let mut replay = replay(&disk).without_lead();
    let seen = replayed(&mut replay);
    run(replay);
    assert_eq!(seen.timed_text(), "1@0 2@2 |@2");
}

#[test]
fn a_recording_of_several_runs_replays_them_one_after_the_other() {
    let disk = Model::new(1);
    record(&disk, on(&disk), &[(1.0, 1)]);
    let recording = on(&disk);
    let port = Port::new();
    port.connect(recording.stream("n").unwrap());
    let clock = VirtualClock::starting_at(Timestamp::from_secs(60));
    let mut scheduler = Scheduler::with_clock(clock).unwrap();
    scheduler.schedule_recurring(timed([(2.0, 2)]).connect(port)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    let mut what = Vec::new();
    inspect::export(&disk, Range::all(), |record| {
        let entry = Entry::decode(&record.payload).unwrap();
        what.push((entry.what, entry.at.as_secs(), entry.stream.to_owned()));
    })
    .unwrap();
    let mut several = replay(&disk).without_lead();
    let seen = replayed(&mut several);
    self::run(several);
    assert_eq!(seen.timed_text(), "1@0 |@0", "the stream has ended with the first run");
    let n = || "n".to_owned();
    let run = |at: u64| [(What::Began, 0, String::new()), (What::Event, at, n()), (What::Completed, at, n())];
    assert_eq!(what, [run(1), run(2)].concat());
}

#[test]
fn only_what_is_around_a_trigger_is_recorded() {
    let disk = Model::new(1);
    let recording = on(&disk).around(2 * SECOND, SECOND, 1 << 20);
    let (port, alarm) = (Port::new(), Port::new());
    port.connect(recording.stream("n").unwrap());
    alarm.connect(recording.trigger::<()>());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let events: Vec<(f64, i32)> = (1..=20).map(|n| (f64::from(n), n)).collect();
    scheduler.schedule_recurring(timed(events).connect(port)).unwrap();
    scheduler.schedule_recurring(timed([(5.5, ()), (6.2, ()), (14.0, ())]).connect(alarm)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    let mut replay = replay(&disk);
    let seen = replayed(&mut replay);
    run(replay);
    assert_eq!(seen.timed_text(), "4@4 5@5 6@6 7@7 12@12 13@13 14@14 15@15 |@15");
}

#[test]
fn the_memory_of_what_was_before_a_trigger_is_bounded() {
    let disk = Model::new(1);
    let recording = on(&disk).around(3600 * SECOND, SECOND, 1000);
    let (port, alarm) = (Port::new(), Port::new());
    port.connect(recording.stream("n").unwrap());
    alarm.connect(recording.trigger::<()>());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let events: Vec<(f64, i32)> = (1..=500).map(|n| (f64::from(n), n)).collect();
    scheduler.schedule_recurring(timed(events).connect(port)).unwrap();
    scheduler.schedule_recurring(timed([(300.5, ())]).connect(alarm)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    let mut replay = replay(&disk);
    let seen = replayed(&mut replay);
    run(replay);
    let seen = seen.events();
    assert!((5..30).contains(&seen.len()), "{seen:?}");
    assert!(seen.is_sorted() && seen.contains(&300));
}

#[test]
fn errors_and_watermarks_are_part_of_a_recording() {
    let disk = Model::new(1);
    let recording = on(&disk);
    let port = Port::<i32>::new();
    port.connect(recording.stream("n").unwrap());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let mut feed = port.clone();
    let step = try_step(move |n, cx| match n {
        0 => feed.emit(7, cx).map(drop),
        1 => feed.notice(Notice::Watermark(Timestamp::from_secs(9)), cx).map(drop),
        _ => feed.fail(StreamError::new("the cable is cut"), cx),
    });
    scheduler.schedule_recurring(timed([(1.0, 0), (2.0, 1), (3.0, 2)]).connect(step)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler);

    let mut replay = replay(&disk);
    let seen = Recorder::new();
    let port = replay.port::<i32>("n").unwrap();
    port.pipe(Marks).connect(seen.clone());
    run(replay);
    assert_eq!(seen.timed_text(), "7@1 9@2 !@3 the cable is cut");
    assert_eq!(seen.error().as_deref(), Some("the cable is cut"));
}

/// A sink of a function that is given the context.
struct Step<F>(F);

fn try_step<F: FnMut(i32, &mut Context<'_>) -> Result<(), FatalError>>(f: F) -> Step<F> {
    Step(f)
}

impl<F: FnMut(i32, &mut Context<'_>) -> Result<(), FatalError>> Sink for Step<F> {
    type Event = i32;
    fn on_next(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        (self.0)(n, cx)?;
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

/// Sends each watermark as an event.
struct Marks;

impl Filter<i32> for Marks {
    type Out = i32;
    fn on_next(&mut self, n: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        out.next(n)
    }
    fn on_watermark(&mut self, mark: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        out.next((mark.as_nanos() / 1_000_000_000) as i32)
    }
}

#[test]
fn at_the_limit_the_oldest_go_and_the_rest_replays_as_one_that_began_there() {
    let disk = Model::new(1);
    let options = Options::new(512 << 10, CommitWindow::default()).policy(Policy::DropOldest);
    let recording = Recording::open_on(disk.clone(), options).unwrap();
    let events: Vec<(f64, i32)> = (1..=20_000).map(|n| (f64::from(n), n)).collect();
    record(&disk, recording, &events);
    let mut replay = replay(&disk);
    let seen = replayed(&mut replay);
    run(replay);
    let first = seen.events()[0];
    assert!(first > 1_000 && seen.events().len() > 5_000, "{first}");
    assert_eq!(seen.events(), (first..=20_000).collect::<Vec<_>>());
    assert_eq!(seen.timed()[0].0, Instant::ZERO);
    assert_eq!(seen.timed()[1].0, Instant::ZERO + SECOND);
}

#[test]
fn a_full_recording_pauses_its_sources_if_told_so() {
    let disk = Model::new(1);
    let recording =
        Recording::open_on(disk.clone(), Options::new(512 << 10, CommitWindow::default()).buffer_bytes(4096)).unwrap();
    let (port, seen) = (Port::new(), Recorder::new());
    port.connect(recording.stream("n").unwrap());
    port.connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_recurring(from_iter(0..100_000).connect(port)).unwrap();
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_for(SECOND).unwrap();
    let live = seen.events().len();
    assert!((5_000..100_000).contains(&live), "{live}");
}

#[test]
fn a_day_of_ten_sensors_replays_to_the_same_results() {
    let seconds: u32 = std::env::var("THINGFLOW_REPLAY_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::open(folder.path(), Options::new(1 << 30, CommitWindow::default())).unwrap();
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let names: Vec<String> = (0..10).map(|i| format!("sensor-{i}")).collect();
    let mut live = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let readings: Vec<f64> = (0..seconds).map(|n| (f64::from(n) / 7.0 + i as f64).sin()).collect();
        let sensor = SensorOutput::new(ListSensor::new(SensorId::intern(name), readings));
        sensor.connect(recording.stream(name).unwrap());
        live.push(averages(sensor.port()));
        scheduler.schedule_periodic(sensor, SECOND).unwrap();
    }
    scheduler.schedule_on_main_event_loop(recording).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler);
    let begun = std::time::Instant::now();
    let mut replay = Replay::open(folder.path()).unwrap();
    let again: Vec<_> = names.iter().map(|name| averages(&replay.port(name).unwrap())).collect();
    run(replay);
    println!("replayed {} events in {:?}", seconds * 10, begun.elapsed());
    for (again, live) in again.iter().zip(&live) {
        assert_eq!(again.timed(), live.timed());
    }
}

fn averages(port: &Port<SensorEvent<f64>>) -> Recorder<u64> {
    let seen = Recorder::new();
    port.map(|event| event.val).running_avg(60).map(f64::to_bits).connect(seen.clone());
    seen
}

#[test]
fn what_is_no_recording_says_so() {
    let disk = Model::new(1);
    assert!(matches!(Replay::open_on(disk.clone(), Range::all()), Err(RecordingError::Empty)));
    let error = Replay::open("/nowhere/at/all").unwrap_err();
    assert!(format!("{error:?}").starts_with("cannot use the recording: cannot open the folder"), "{error:?}");
    let recording = on(&disk);
    let _lux = recording.stream::<i32>("lux").unwrap();
    assert!(matches!(recording.stream::<i32>("lux"), Err(RecordingError::Name(_))));
    assert!(matches!(recording.stream::<i32>(&"x".repeat(256)), Err(RecordingError::Name(_))));
}
