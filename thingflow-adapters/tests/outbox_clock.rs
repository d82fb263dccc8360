//! Outboxes and recordings on boards that boot in the past: times are put right as soon as that can be, or are marked.
#![cfg(feature = "recording")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored, code};
use thingflow_adapters::recording::{Entry, Recording, Replay, What};
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder, timed};
use thingflow_core::tracking::Tracked;
use thingflow_core::windows::Sum;
use thingflow_core::{BootId, StreamError, VirtualClock};
use thingflow_journal::model::Model;
use thingflow_journal::{Range, inspect};

type Reading = SensorEvent<i64>;
type Sent = Tracked<Reading, Stored>;

const SECOND: Duration = Duration::from_secs(1);

fn options() -> Options {
    Options::new(4 << 20, CommitWindow::default())
}

/// A clock that has not been set, of a boot.
fn unset(boot: u128) -> VirtualClock {
    VirtualClock::new().unset().in_boot(BootId::from_u128(boot))
}

fn on_disk(disk: &Model, dead: &Model) -> Outbox<Reading> {
    Outbox::open_on(disk.clone(), dead.clone(), options()).unwrap()
}

fn seconds(time: Timestamp) -> i64 {
    time.as_nanos() / 1_000_000_000
}

/// What came out: value, time of the event, when it was taken, whether that is known.
type Seen = Rc<RefCell<Vec<(i64, i64, i64, bool)>>>;

fn see(seen: &Seen, event: &Sent) {
    let stored = event.metadata().next().unwrap();
    let row = (event.value.val, seconds(event.value.ts), seconds(stored.taken), stored.is_time_known);
    seen.borrow_mut().push(row);
}

/// A run that takes these values, one a second, and sends what there is if it `sends`. It ends when `steps` have been done, each
/// after so many seconds.
fn run(
    disk: &Model,
    dead: &Model,
    clock: &VirtualClock,
    values: &[i64],
    sends: Option<(&Seen, Outlet)>,
    steps: &[Step],
) {
    let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
    let mut outbox = on_disk(disk, dead);
    if let Some((seen, outlet)) = sends {
        let seen = seen.clone();
        outbox.port("server", outlet).unwrap().for_each(move |event: Sent| see(&seen, &event));
    } else {
        outbox.port("server", Outlet::default()).unwrap();
    }
    let sensor = SensorOutput::new(ListSensor::new("n", values));
    sensor.connect(outbox.input());
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    for step in steps {
        match step {
            Step::Run(seconds) => scheduler.run_for(*seconds * SECOND).unwrap(),
            Step::Set(second) => clock.set(Timestamp::from_secs(*second)),
        }
    }
    scheduler.stopper().stop();
    scheduler.run_forever().unwrap();
    drop(scheduler);
    disk.kill();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Run(u32),
    Set(i64),
}

use Step::{Run, Set};

#[test]
fn a25_what_was_stored_before_the_clock_is_set_goes_out_with_its_right_time() {
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Seen::default(), unset(7));
    let outlet = Outlet::default().hold_until_clock_is_set(60 * SECOND);
    run(&disk, &dead, &clock, &[1, 2, 3, 4], Some((&seen, outlet)), &[Run(3), Set(5003), Run(10)]);
    let right = |n: i64| (n, 5000 + n, 5000 + n, true);
    assert_eq!(*seen.borrow(), (1..=4).map(right).collect::<Vec<_>>());
}

#[test]
fn a25_what_goes_out_before_the_clock_is_set_is_marked() {
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Seen::default(), unset(7));
    run(&disk, &dead, &clock, &[1, 2, 3], Some((&seen, Outlet::default())), &[Run(2), Set(5002), Run(5)]);
    assert_eq!(*seen.borrow(), [(1, 1, 1, false), (2, 2, 2, false), (3, 5003, 5003, true)]);
}

#[test]
fn a25_an_outlet_waits_for_the_clock_only_so_long() {
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Seen::default(), unset(7));
    let outlet = Outlet::default().hold_until_clock_is_set(3 * SECOND);
    run(&disk, &dead, &clock, &[1, 2, 3, 4, 5, 6], Some((&seen, outlet)), &[Run(3)]);
    assert_eq!(*seen.borrow(), []);
    let outlet = Outlet::default().hold_until_clock_is_set(3 * SECOND);
    run(&disk, &dead, &clock, &[], Some((&seen, outlet)), &[Run(10)]);
    assert_eq!(*seen.borrow(), [(1, 1, 1, false), (2, 2, 2, false), (3, 3, 3, false)]);
}

#[test]
fn a25_times_are_put_right_after_a_restart_in_the_same_boot() {
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Seen::default(), unset(7));
    run(&disk, &dead, &clock, &[1, 2], None, &[Run(2)]);
    clock.set(Timestamp::from_secs(5002)); // while the program is not there
    run(&disk, &dead, &clock, &[3], Some((&seen, Outlet::default())), &[Run(2)]);
    assert_eq!(*seen.borrow(), [(1, 5001, 5001, true), (2, 5002, 5002, true), (3, 5003, 5003, true)]);
}

#[test]
fn a25_what_was_learned_of_a_boot_is_known_in_the_next_one() {
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Seen::default(), unset(7));
    run(&disk, &dead, &clock, &[1], None, &[Run(1)]);
    // Another process of the boot, which takes nothing before the clock is set.
    run(&disk, &dead, &clock, &[2], None, &[Set(5001), Run(2)]);
    // A boot whose clock is never set, and one more.
    run(&disk, &dead, &unset(8), &[3], None, &[Run(1)]);
    let outlet = Outlet::default().hold_until_clock_is_set(60 * SECOND);
    run(&disk, &dead, &unset(9), &[4], Some((&seen, outlet)), &[Run(1), Set(9000), Run(2)]);
    let right = [(1, 5001, 5001, true), (2, 5002, 5002, true), (3, 1, 1, false), (4, 9000, 9000, true)];
    assert_eq!(*seen.borrow(), right);
}

#[test]
fn a25_a_dead_letter_keeps_what_its_time_is_made_of() {
    let (disk, dead, clock) = (Model::new(1), Model::new(2), unset(7));
    let mut scheduler = Scheduler::with_clock(clock).unwrap();
    let mut outbox = on_disk(&disk, &dead);
    let port = outbox.port("server", Outlet::default()).unwrap();
    port.for_each(|event: Sent| event.fail(StreamError::new("no")));
    let sensor = SensorOutput::new(ListSensor::new("n", [1]));
    sensor.connect(outbox.input());
    scheduler.schedule_periodic(sensor, SECOND).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
    drop(scheduler);
    let mut letters = Vec::new();
    inspect::export(&dead, Range::all(), |record| {
        letters.extend(thingflow_adapters::outbox::DeadLetterRecord::decode(&record.payload).unwrap());
    })
    .unwrap();
    let moment = code::stamp(&letters[0].event).unwrap();
    assert_eq!((moment.boot(), moment.at()), (BootId::from_u128(7), Instant::ZERO + SECOND));
    assert_eq!(code::decode::<Reading>(&letters[0].event).unwrap().val, 1);
}

#[test]
fn a25_times_in_events_of_other_types_are_put_right_on_request() {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Door {
        opened: Timestamp,
    }
    let (disk, dead, seen, clock) = (Model::new(1), Model::new(2), Rc::new(RefCell::new(Vec::new())), unset(7));
    let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
    let mut outbox = Outbox::open_on(disk, dead, options()).unwrap();
    let outlet = Outlet::default().hold_until_clock_is_set(60 * SECOND);
    let notes = seen.clone();
    outbox.port("server", outlet).unwrap().for_each(move |event: Tracked<Door, Stored>| {
        let stored = event.metadata().next().unwrap();
        notes.borrow_mut().push((seconds(event.value.opened), seconds(stored.put_right(event.value.opened))));
    });
    let doors = timed([(2.0, Door { opened: Timestamp::from_secs(1) })]);
    scheduler.schedule_recurring(doors.connect(outbox.input())).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(3 * SECOND).unwrap();
    clock.set(Timestamp::from_secs(103));
    scheduler.run_forever().unwrap();
    assert_eq!(*seen.borrow(), [(1, 101)]);
}

#[derive(Clone, Debug)]
enum Deed {
    /// So many seconds pass, with a reading each.
    Sample(u32),
    /// The clock is set right.
    Set,
    Restart,
    Reboot,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1..4_u32).prop_map(Deed::Sample), 1 => Just(Deed::Set), 2 => Just(Deed::Restart), 1 => Just(Deed::Reboot)
    ];
    prop::collection::vec(deed, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever processes, boots and clocks do: a time is right if its boot has ever learned it, and marked otherwise, and no
    /// step inverts the order of what came in one boot.
    #[test]
    fn a25_a_time_is_right_or_marked(deeds in deeds()) {
        let (disk, dead, seen) = (Model::new(1), Model::new(2), Seen::default());
        // The right time is a thousand seconds behind what the clock of a boot would show, for each boot so far.
        let (mut boot, mut expected, mut known) = (1, Vec::new(), vec![false, false]);
        let (mut clock, mut values, mut steps) = (unset(1), Vec::new(), Vec::new());
        let (mut at, mut is_set) = (0_i64, false);
        let deeds: Vec<Deed> = deeds.into_iter().chain([Deed::Restart]).collect();
        for deed in deeds {
            match deed {
                Deed::Sample(seconds) => {
                    for _ in 0..seconds {
                        at += 1;
                        values.push(at + 1000 * boot);
                        expected.push((boot, at));
                    }
                    steps.push(Run(seconds));
                }
                Deed::Set => {
                    steps.push(Set(at + 1000 * boot));
                    is_set = true;
                }
                Deed::Restart | Deed::Reboot => {
                    // It is learned by a process that has run at all: one that is stopped before its first turn sees nothing.
                    known[boot as usize] |= is_set && steps.iter().any(|step| matches!(step, Run(_)));
                    run(&disk, &dead, &clock, &values, None, &steps);
                    (values, steps) = (Vec::new(), Vec::new());
                    if matches!(deed, Deed::Reboot) {
                        is_set = false;
                        boot += 1;
                        (clock, at) = (unset(boot.unsigned_abs().into()), 0);
                        known.push(false);
                    }
                }
            }
        }
        known[boot as usize] |= is_set;
        run(&disk, &dead, &clock, &[], Some((&seen, Outlet::default())), &[Run(1)]);
        let seen = seen.borrow();
        prop_assert_eq!(seen.len(), expected.len());
        for ((val, ts, taken, is_known), (boot, at)) in seen.iter().zip(&expected) {
            prop_assert_eq!(*val, at + 1000 * boot);
            prop_assert_eq!((*ts, *taken), if *is_known { (*val, *val) } else { (*at, *at) });
            prop_assert!(*is_known || !known[*boot as usize], "{val} is not known, although the clock was set");
        }
    }
}

#[test]
fn a25_a_replay_shows_the_wall_clock_that_the_run_has_seen() {
    fn graph(n: &Port<i32>) -> [Recorder<String>; 3] {
        let seen = [(); 3].map(|()| Recorder::new());
        n.dated().map(|dated| format!("{} {}", dated.moment.shown(), dated.moment.is_known())).connect(seen[0].clone());
        let held = n.hold_until_clock_is_set(3600 * SECOND, Limit::default());
        held.map(|dated| format!("{} at {}", dated.event, dated.moment.shown())).connect(seen[1].clone());
        let minutes = n.aggregate(thingflow_core::windows::Window::each(60 * SECOND).aligned(), Sum::new());
        minutes.map(|sum| format!("{sum}")).connect(seen[2].clone());
        seen
    }
    let (disk, clock) = (Model::new(1), unset(7));
    let mut live = Vec::new();
    for events in [[(1.0, 1), (40.0, 2), (70.0, 3)], [(5.0, 4), (100.0, 5), (130.0, 6)]] {
        let recording = Recording::open_on(disk.clone(), options()).unwrap();
        let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
        let port = Port::new();
        recording.record(["n"], &(port.clone(),)).unwrap();
        scheduler.clock_changes().connect(recording.clock_changes());
        live.push(graph(&port));
        scheduler.schedule_recurring(timed(events).connect(port)).unwrap();
        scheduler.schedule_on_main_event_loop(recording).unwrap();
        // In the first run it is set, in the second set back. The next turn, in which that is noticed, is a moment later.
        let (clock, to) = (clock.clone(), if live.len() == 1 { 1_000_050 } else { 999_000 });
        let set = timed([(50.5, true), (50.6, false)]).for_each(move |sets| {
            if sets {
                clock.set(Timestamp::from_secs(to));
            }
        });
        scheduler.schedule_recurring(set).unwrap();
        scheduler.run_forever().unwrap();
    }
    let mut begins = Vec::new();
    inspect::export(&disk, Range::all(), |record| {
        let entry = Entry::decode(&record.payload).unwrap();
        begins.extend((entry.what == What::Began).then_some(record.number));
    })
    .unwrap();
    // The stream has completed in the first run, so the second is replayed by itself.
    let mut timed = Vec::new();
    for (live, numbers) in live.iter().zip([begins[0]..begins[1], begins[1]..u64::MAX]) {
        let mut replay = Replay::open_on(disk.clone(), Range::all().numbers(numbers)).unwrap();
        let again = graph(&replay.port("n").unwrap());
        let mut scheduler = Scheduler::with_clock(replay.clock()).unwrap();
        scheduler.schedule_recurring(replay).unwrap();
        scheduler.run_forever().unwrap();
        for (again, live) in again.iter().zip(live.iter()) {
            assert_eq!(again.events(), live.events());
        }
        timed.push(again.map(|again| again.timed_text()));
    }
    assert_eq!(timed[0], live[0].each_ref().map(Recorder::timed_text));
    let held = live[0][1].timed_text();
    assert!(held.starts_with(r#""1 at 1970-01-12T13:46:40.500Z"@51"#), "{held}");
}
