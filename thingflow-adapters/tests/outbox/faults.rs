//! Whatever readers do, and a crash at any operation.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::outbox::{Outbox, Outlet};
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Tracker};
use thingflow_core::{Backoff, StreamError};
use thingflow_journal::model::Model;

use super::{SECOND, Sent, assert_conserved, on_disk, options, reading};

/// What a peer does with what comes.
#[derive(Clone, Copy, Debug)]
enum Course {
    Take,
    Fail,
    Abandon,
    Hold,
}

fn courses() -> impl Strategy<Value = Vec<Course>> {
    let course = prop_oneof![
        6 => Just(Course::Take), 1 => Just(Course::Fail), 1 => Just(Course::Abandon), 3 => Just(Course::Hold)
    ];
    prop::collection::vec(course, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However readers treat the events, and whenever the run ends, each is delivered or a dead letter once for each port,
    /// but for those that were done before an earlier one was, which come again with a mark; and the counts add up at every
    /// moment.
    #[test]
    fn a34_nothing_is_lost_or_doubled_whatever_readers_do(
        one in courses(), two in courses(), end in 0_u64..600, seed: u64, share in 0_u32..5,
    ) {
        let (disk, dead) = (Model::new(seed), Model::new(seed ^ 1));
        let ended = Ended::default();
        let outlet = Outlet::default().in_flight(4_usize).retry(Backoff::constant(Duration::from_millis(50)));
        let outlet = if share == 0 { outlet } else { outlet.newest_one_in(share) };
        let mut given = 0;
        for courses in [[one, two], [vec![], vec![]]] {
            let mut scheduler = Scheduler::virtual_time().unwrap();
            let mut outbox = on_disk(&disk, &dead);
            let is_last = courses[0].is_empty();
            let mut meters = Vec::new();
            for (i, courses) in courses.into_iter().enumerate() {
                let name = ["one", "two"][i];
                outbox.port(name, outlet.clone()).unwrap().connect(reader(courses, ended.clone(), i));
                meters.push(outbox.meter(name));
            }
            if is_last {
                scheduler.schedule_on_main_event_loop(outbox).unwrap();
                scheduler.run_forever().unwrap();
                meters.iter().for_each(|meter| assert_conserved(meter.stats()));
                continue;
            }
            let readings = from_iter((0..40).map(reading)).output();
            readings.connect(outbox.input());
            let port = readings.port().clone();
            scheduler.schedule_periodic(readings, Duration::from_millis(10)).unwrap();
            scheduler.schedule_on_main_event_loop(outbox).unwrap();
            for _ in 0..=end / 50 {
                scheduler.run_for(Duration::from_millis(end.min(50))).unwrap();
                meters.iter().for_each(|meter| assert_conserved(meter.stats()));
            }
            given = port.events();
            scheduler.stopper().stop();
            scheduler.stop_within(Duration::ZERO);
            scheduler.run_forever().unwrap();
        }
        for ended in &mut *ended.borrow_mut() {
            ended.sort_unstable();
            ended.dedup_by(|again, before| again.1 && again.0 == before.0);
            let ended: Vec<i64> = ended.iter().map(|(seconds, _)| *seconds).collect();
            prop_assert_eq!(ended, (0..given as i64).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whenever the power goes or the process is killed, what upstream was told is there comes out of the next run, in order;
    /// what comes again has a mark.
    #[test]
    fn a01_a10_a_crash_at_any_operation_loses_nothing_that_was_acknowledged(
        seed: u64, crashes in prop::collection::vec((1_u64..250, any::<bool>()), 1..4),
    ) {
        let (disk, dead) = (Model::new(seed), Model::new(seed ^ 1));
        let (told, got) = (Rc::new(RefCell::new(BTreeSet::new())), Rc::new(RefCell::new(Vec::new())));
        let mut first = 0;
        for crash in crashes.iter().copied().map(Some).chain([None]) {
            if let Some((operations, _)) = crash {
                disk.stop_after(operations);
            }
            first += 1000;
            flow(&disk, &dead, first..first + if crash.is_some() { 40 } else { 0 }, &told, &got);
            match crash {
                Some((_, true)) => disk.cut_power(),
                _ => disk.kill(),
            }
        }
        let (mut seen, mut last) = (BTreeSet::new(), 0);
        for (number, seconds, resent) in got.borrow().iter().copied() {
            prop_assert!(seen.insert(seconds) || resent, "{seconds} comes again without a mark");
            prop_assert!(number > last || resent, "{number} comes behind {last}");
            last = number;
        }
        let lost: Vec<_> = told.borrow().difference(&seen).copied().collect();
        prop_assert!(lost.is_empty(), "{lost:?} were acknowledged and are lost");
    }
}

type Told = Rc<RefCell<BTreeSet<i64>>>;
type Got = Rc<RefCell<Vec<(u64, i64, bool)>>>;

/// Runs a flow until its source has ended, or its disk has crashed: what was acknowledged upstream, and what came out.
fn flow(disk: &Model, dead: &Model, numbers: std::ops::Range<u64>, told: &Told, got: &Got) {
    let Ok(mut outbox) = Outbox::open_on(disk.clone(), dead.clone(), options().segment_bytes(8192)) else { return };
    let Ok(port) = outbox.port("server", Outlet::default()) else { return };
    let notes = got.clone();
    port.for_each(move |event: Sent| {
        let stored = event.metadata().next().unwrap();
        notes.borrow_mut().push((stored.number, event.value.ts.as_nanos(), stored.resent));
    });
    let (notes, image) = (told.clone(), disk.clone());
    let upstream = Tracker::new(move |settled: thingflow_core::tracking::Settled<i64>, _| {
        if settled.outcome == Outcome::Done && !image.is_stopped() {
            notes.borrow_mut().insert(settled.meta);
        }
        Ok(())
    });
    let readings = from_iter(numbers.map(reading).collect::<Vec<_>>()).track_by(&upstream, |event| event.ts.as_nanos());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    scheduler.schedule_periodic(readings.connect(outbox.tracked_input()), Duration::from_millis(10)).unwrap();
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_for(SECOND).unwrap();
    scheduler.stopper().stop();
    scheduler.run_forever().unwrap();
}

/// The times of events that were done with, and whether they were marked, for each port.
type Ended = Rc<RefCell<[Vec<(i64, bool)>; 2]>>;

/// A reader that treats events as it is told, and notes those that it was done with.
fn reader(courses: Vec<Course>, ended: Ended, i: usize) -> impl Sink<Event = Sent> {
    let (mut courses, mut held) = (courses.into_iter(), Vec::new());
    let note = move |event: &Sent| {
        let resent = event.metadata().any(|stored| stored.resent);
        ended.borrow_mut()[i].push((event.value.ts.as_nanos() / 1_000_000_000, resent));
    };
    call(move |event: Sent| {
        match courses.next().unwrap_or(Course::Take) {
            Course::Hold if held.len() < 2 => return held.push(event),
            Course::Abandon => event.abandon(),
            Course::Fail => {
                note(&event);
                event.fail(StreamError::new("no"));
            }
            Course::Hold | Course::Take => note(&event),
        }
        held.drain(..).for_each(|event| note(&event));
    })
}
