//! The scheduler for microcontrollers: the cases 99 to 104, then Things under it.

mod support {
    pub(crate) mod call_with;
    #[cfg(feature = "alloc")]
    pub(crate) mod leaves;
    #[cfg(feature = "alloc")]
    pub(crate) mod takes_all;
}

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use embedded_hal::delay::DelayNs;
use thingflow_core::bare::{OnFailure, ScheduleError, Scheduler, TaskId, Timetable};
use thingflow_core::prelude::*;
#[cfg(feature = "alloc")]
use thingflow_core::testing::Recorder;
use thingflow_core::{Sampled, SensorId};

use support::call_with::call_with;
#[cfg(feature = "alloc")]
use support::{leaves::Leaves, takes_all::TakesAll};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A table with tasks that are known by their number from 1 on.
struct Numbered {
    table: Timetable<8>,
    ids: Vec<TaskId>,
}

impl Numbered {
    fn new(wrap: u32, intervals: &[u32]) -> Self {
        let mut numbered = Self { table: Timetable::new(wrap), ids: Vec::new() };
        for interval in intervals {
            numbered.add(*interval);
        }
        numbered
    }

    fn add(&mut self, interval: u32) {
        self.ids.push(self.table.add(interval).expect("it fits"));
    }

    fn due(&mut self) -> Vec<usize> {
        let number = |id: &TaskId| self.ids.iter().position(|known| known == id).expect("it was added") + 1;
        self.table.due().iter().map(number).collect()
    }

    fn sleep(&self) -> u32 {
        self.table.sleep().expect("a table with tasks")
    }

    /// Asks for the due tasks, then sleeps and is late by `late`.
    fn round(&mut self, late: u32) -> (Vec<usize>, u32) {
        let due = self.due();
        let sleep = self.sleep();
        self.table.advance(sleep + late);
        (due, sleep)
    }
}

#[test]
fn case_99_three_unrelated_and_related_intervals() {
    let mut t = Numbered::new(1 << 20, &[30, 60, 24]);
    assert_eq!(t.round(0), (vec![3, 1, 2], 24));
    assert_eq!(t.round(0), (vec![3], 6));
    assert_eq!(t.round(0), (vec![1], 18));
    assert_eq!(t.round(0), (vec![3], 12));
    assert_eq!(t.due(), [1, 2]);
}

#[test]
fn case_100_work_takes_time() {
    let mut t = Numbered::new(1 << 20, &[30, 60]);
    assert_eq!(t.due(), [1, 2]);
    t.table.advance(4);
    assert_eq!(t.sleep(), 26);
    t.table.advance(28);
    assert_eq!(t.due(), [1]);
    t.table.advance(1);
    assert_eq!(t.sleep(), 27);
    t.table.advance(27);
    assert_eq!(t.due(), [1, 2]);
}

#[test]
fn case_101_clock_wrap() {
    let mut t = Numbered::new(64, &[8, 16]);
    for round in 0..20 {
        let due = if round % 2 == 0 { vec![1, 2] } else { vec![1] };
        assert_eq!(t.round(0), (due, 8), "round {round}");
    }
}

#[test]
fn case_102_overdue_over_the_wrap() {
    let mut t = Numbered::new(32, &[8]);
    for round in 0..10 {
        assert_eq!(t.round(2), (vec![1], if round == 0 { 8 } else { 6 }), "round {round}");
    }
}

#[test]
fn case_103_adding_later_joins_the_phase() {
    let mut t = Numbered::new(1 << 20, &[4, 8]);
    let before: Vec<_> = (0..4).map(|_| t.round(0).0).collect();
    assert_eq!(before, [vec![1, 2], vec![1], vec![1, 2], vec![1]]);
    t.add(4);
    let after: Vec<_> = (0..4).map(|_| t.round(0).0).collect();
    assert_eq!(after, [vec![1, 3, 2], vec![1, 3], vec![1, 3, 2], vec![1, 3]]);
}

#[test]
fn case_104_removing() {
    let mut t = Numbered::new(1 << 20, &[4, 8]);
    for _ in 0..4 {
        t.round(0);
    }
    assert!(t.table.remove(t.ids[0]));
    assert!(!t.table.remove(t.ids[0]), "a second time does nothing");
    for _ in 0..4 {
        assert_eq!(t.round(0), (vec![2], 8));
    }
}

#[test]
fn a_missed_run_is_caught_up_without_sleep() {
    let mut t = Numbered::new(64, &[10]);
    assert_eq!(t.round(25), (vec![1], 10));
    assert_eq!((t.due(), t.sleep()), (vec![1], 0));
    assert_eq!((t.due(), t.sleep()), (vec![1], 0));
    assert_eq!((t.due(), t.sleep()), (vec![1], 5), "the third run is that of tick 30");
    t.table.advance(1000);
    assert_eq!(t.sleep(), 0, "many turns of the counter");
}

#[test]
fn intervals_that_do_not_fit_are_refused() {
    let mut table = Timetable::<2>::new(100);
    assert_eq!(table.add(0), Err(ScheduleError::IntervalTooShort));
    assert_eq!(table.add(100), Err(ScheduleError::IntervalTooLong));
    assert_eq!(table.sleep(), None);
    table.add(99).unwrap();
    table.add(1).unwrap();
    assert_eq!(table.add(1), Err(ScheduleError::Full));
    assert_eq!(table.len(), 2);

    let (mut a, mut b) = (count().connect(call(drop)), count().connect(call(drop)));
    let mut scheduler = Scheduler::<1>::new();
    assert_eq!(scheduler.schedule_periodic(&mut a, MS(4)), Err(ScheduleError::IntervalTooShort));
    assert_eq!(scheduler.run_due(0).unwrap(), None);
    assert_eq!(scheduler.run_forever(&mut Slept::default()).unwrap_err().to_string(), "nothing is scheduled");
    scheduler.schedule_periodic(&mut b, MS(5)).unwrap();
    assert_eq!(scheduler.len(), 1);
}

/// Counts from 1 on.
fn count() -> Flow<FromIter<std::ops::RangeFrom<i32>>> {
    from_iter(1..)
}

/// A filter that asks for the end of the run at the third event.
struct StopAtThree;

impl Filter<i32> for StopAtThree {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        if event == 3 {
            out.context().stop();
        }
        out.next(event)
    }
}

#[test]
fn a_thing_may_stop_the_run_which_can_go_on_later() {
    let log = Rc::default();
    let mut a = from_iter(1..=4).pipe(StopAtThree).connect(note(&log, "a"));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut a, MS(10)).unwrap();
    scheduler.run_forever(&mut Slept::default()).unwrap();
    assert_eq!(log.borrow().join(" "), "a1@0 a2@10 a3@20", "no notice of completion");
    assert_eq!(scheduler.run_due(1).unwrap(), Some(1));
    assert_eq!(log.borrow().last().unwrap(), "a4@30");
}

/// A delay that takes no time and adds up what it was asked for.
#[derive(Default)]
struct Slept {
    nanos: u64,
}

impl DelayNs for Slept {
    fn delay_ns(&mut self, ns: u32) {
        self.nanos += u64::from(ns);
    }
}

/// A sink that writes its name and the event, with the time in milliseconds.
fn note(log: &Rc<RefCell<Vec<String>>>, name: &'static str) -> impl InputThing<i32> + 'static {
    struct Note(Rc<RefCell<Vec<String>>>, &'static str);
    impl Sink for Note {
        type Event = i32;
        fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
            let at = cx.now().since(Instant::ZERO).as_millis();
            self.0.borrow_mut().push(format!("{}{event}@{at}", self.1));
            Ok(Demand::More)
        }
        fn on_completed(&mut self, _: &mut Context<'_>) -> Result<(), FatalError> {
            self.0.borrow_mut().push(format!("{}|", self.1));
            Ok(())
        }
        fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Result<(), FatalError> {
            self.0.borrow_mut().push(format!("{}!{error}", self.1));
            Ok(())
        }
    }
    Note(log.clone(), name)
}

#[test]
fn tasks_share_wake_ups_and_end_by_themselves() {
    let log = Rc::default();
    let mut a = from_iter(1..=3).connect(note(&log, "a"));
    let mut b = from_iter(1..=1).connect(note(&log, "b"));
    let (mut delay, mut scheduler) = (Slept::default(), Scheduler::<2>::new());
    scheduler.schedule_periodic(&mut b, MS(20)).unwrap();
    scheduler.schedule_periodic(&mut a, MS(10)).unwrap();
    scheduler.run_forever(&mut delay).unwrap();
    assert_eq!(log.borrow().join(" "), "a1@0 b1@0 a2@10 a3@20 b| a|");
    assert_eq!(delay.nanos, 30_000_000);
}

#[test]
fn work_shortens_the_sleep() {
    let log = Rc::default();
    let mut a = from_iter(1..=3).connect(note(&log, "a"));
    let mut scheduler = Scheduler::<1>::with_tick(MS(1)).wrap_at(16);
    scheduler.schedule_periodic(&mut a, MS(10)).unwrap();
    // Each reading of the counter is a tick later than the last one; what is slept passes as well.
    struct Counter<'a>(&'a RefCell<u64>);
    impl DelayNs for Counter<'_> {
        fn delay_ns(&mut self, ns: u32) {
            *self.0.borrow_mut() += u64::from(ns);
        }
    }
    let clock = RefCell::new(5_000_000);
    let read = || {
        *clock.borrow_mut() += 1_000_000;
        (*clock.borrow() / 1_000_000 % 16) as u32
    };
    scheduler.run_by_counter(&mut Counter(&clock), read).unwrap();
    assert_eq!(log.borrow().join(" "), "a1@1 a2@11 a3@21 a|");
}

/// A filter that sends an event 25 ms after it came.
struct Later(Option<(Instant, i32)>);

impl Filter<i32> for Later {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let due = out.now() + MS(25);
        self.0 = Some((due, event));
        out.wake_at(due);
        Ok(Demand::More)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        match self.0.take() {
            Some((due, event)) if due <= out.now() => out.next(event),
            waiting => {
                self.0 = waiting;
                if let Some((due, _)) = waiting {
                    out.wake_at(due);
                }
                Ok(Demand::More)
            }
        }
    }
}

#[test]
fn wishes_for_a_wake_up_are_honoured() {
    let log = Rc::default();
    let mut a = count().pipe(Later(None)).connect(note(&log, "a"));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut a, MS(100)).unwrap();
    let mut elapsed = 0;
    let sleeps: Vec<u32> = (0..5)
        .map(|_| {
            elapsed = scheduler.run_due(elapsed).unwrap().unwrap();
            elapsed
        })
        .collect();
    assert_eq!(sleeps, [3, 7, 3, 7, 3], "25 ms are over at the third tick");
    assert_eq!(log.borrow().join(" "), "a1@30 a2@130");
}

/// A sensor whose second sampling fails.
struct Flaky(u8);

impl Sensor for Flaky {
    type Reading = u8;
    type Error = StreamError;
    fn id(&self) -> SensorId {
        "flaky".into()
    }
    fn sample(&mut self) -> Result<u8, SampleError<StreamError>> {
        self.0 += 1;
        if self.0 == 2 { Err(StreamError::new("no answer").into()) } else { Ok(self.0) }
    }
}

#[test]
fn a_missing_reading_ends_the_task_or_is_skipped() {
    let (log, skipped) = (Rc::default(), Rc::default());
    let flow = |log| Flow::new(Sampled::new(Flaky(0))).map(|e| i32::from(e.val)).connect(note(log, ""));
    let (mut stops, mut skips) = (flow(&log), flow(&skipped));
    let mut scheduler = Scheduler::<2>::new();
    scheduler.schedule_periodic(&mut stops, MS(10)).unwrap();
    scheduler.schedule_periodic_with(&mut skips, MS(10), OnFailure::Skip).unwrap();
    for _ in 0..3 {
        scheduler.run_due(1).unwrap();
    }
    assert_eq!((scheduler.len(), scheduler.reports()), (1, 1));
    let error = log.borrow()[1].clone();
    assert!(error.starts_with("!the sensor gave no reading"), "{error}");
    assert_eq!(skipped.borrow().join(" "), "1@10 3@30");
}

#[test]
fn a_sensor_and_its_sinks_in_one_call() {
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    let (seen, at) = (log.clone(), log.clone());
    let mut place = None;
    let mut scheduler = Scheduler::<1>::new();
    scheduler.set_time(Timestamp::from_secs(100));
    let value = call(move |e: SensorEvent<u8>| seen.borrow_mut().push(e.val.to_string()));
    let stamp = call(move |e: SensorEvent<u8>| at.borrow_mut().push(e.ts.to_string()));
    let id = scheduler.schedule_sensor(&mut place, Flaky(2), MS(500), tee((value, stamp))).unwrap();
    assert_eq!(scheduler.run_due(0).unwrap(), Some(50));
    scheduler.run_due(50).unwrap();
    assert!(scheduler.cancel(id) && scheduler.is_empty());
    assert_eq!(*log.borrow(), ["3", "1970-01-01T00:01:40Z", "4", "1970-01-01T00:01:40.500Z"]);
}

#[test]
fn a_sink_that_wants_no_more_ends_the_task_and_a_fatal_error_the_run() {
    let mut two = 0;
    let mut taken = count().connect(call_with(|_, cx| Err(cx.fatal("the disk is full"))));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut taken, MS(10)).unwrap();
    let error = scheduler.run_due(0).unwrap_err().to_string();
    assert!(error.ends_with("the disk is full"), "{error}");

    let mut taken = count().connect(call_with(|event, cx| {
        cx.call_again();
        Ok(if event == 2 { Demand::Done } else { Demand::More })
    }));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut taken, MS(10)).unwrap();
    while let Some(ticks) = scheduler.run_due(0).unwrap() {
        assert_eq!(ticks, 0, "it has asked to be called again at once");
        two += 1;
    }
    assert_eq!(two, 1);
}

#[test]
#[cfg(feature = "alloc")]
fn ports_work_where_there_is_an_allocator() {
    let log = Rc::default();
    let port = Port::new();
    port.pipe(Later(None)).connect(note(&log, "late"));
    port.connect(note(&log, "now"));
    let mut flow = from_iter(1..=2).connect(port);
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut flow, MS(50)).unwrap();
    let mut elapsed = 0;
    while let Some(ticks) = scheduler.run_due(elapsed).unwrap() {
        elapsed = ticks;
    }
    assert_eq!(log.borrow().join(" "), "now1@0 late1@30 now2@50 late2@80 late| now|");
}

#[test]
fn f26_a_short_task_does_not_wait_for_a_long_relative() {
    let mut t = Numbered::new(1 << 30, &[86_400]);
    assert_eq!(t.due(), [1]);
    t.table.advance(100);
    t.add(60);
    assert_eq!(t.sleep(), 20, "on the beat of the other: 86,400 is a multiple of 60");
    t.table.advance(20);
    assert_eq!(t.due(), [2]);
}

#[cfg(feature = "alloc")]
#[test]
fn f25_a_source_pauses_while_a_stage_is_full() -> Result<(), Box<dyn std::error::Error>> {
    let seen = Recorder::new();
    let mut flow = from_iter(1..=5).pace_of::<1>(MS(50)).connect(seen.clone());
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut flow, MS(10))?;
    let mut sleep = scheduler.run_due(0)?;
    for _ in 0..200 {
        let Some(ticks) = sleep else { break };
        sleep = scheduler.run_due(ticks)?;
    }
    assert_eq!(seen.events(), [1, 2, 3, 4, 5]);
    Ok(())
}

#[cfg(feature = "alloc")]
#[test]
fn a_source_goes_on_when_who_has_paused_it_wants_no_more() {
    let log = Rc::default();
    let mut flow = from_iter(1..=3).also_to(TakesAll(Leaves(MS(25)))).connect(note(&log, "a"));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut flow, MS(10)).unwrap();
    scheduler.run_forever(&mut Slept::default()).unwrap();
    assert_eq!(log.borrow().join(" "), "a1@0 a2@40 a3@50 a|");
}
