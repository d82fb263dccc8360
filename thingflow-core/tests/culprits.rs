//! Who is named when a run ends: the stage of a chain that failed, by the name that was given to it.
#![cfg(feature = "std")]

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use thingflow_core::diagram::Graph;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Limit, Pipe};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECOND: Duration = Duration::from_secs(1);

/// Runs what `build` makes: a source, scheduled each second.
fn ends_by(build: impl FnOnce(&Scheduler) -> Result) -> String {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    build(&scheduler).expect("a graph");
    let ended = catch_unwind(AssertUnwindSafe(|| scheduler.run_forever())).expect("it unwinds out of the run");
    ended.expect_err("it fails").to_string()
}

/// Fused behind the source.
fn in_a_flow<F: Filter<i32, Out = i32> + 'static>(chain: Pipe<i32, F>) -> String {
    ends_by(|scheduler| {
        scheduler.schedule_periodic(from_iter([2, 1, 0]).pipe(chain).connect(Recorder::new()), SECOND)?;
        Ok(())
    })
}

/// Fused behind a port, beside another connection if `shared`.
fn behind_a_port<F: Filter<i32, Out = i32> + 'static>(chain: Pipe<i32, F>, shared: bool) -> String {
    ends_by(|scheduler| {
        let source = from_iter([2, 1, 0]).output();
        if shared {
            source.connect(Recorder::new());
        }
        source.port().pipe(chain).connect(Recorder::new());
        scheduler.schedule_periodic(source, SECOND)?;
        Ok(())
    })
}

fn everywhere<F: Filter<i32, Out = i32> + Clone + 'static>(chain: Pipe<i32, F>, text: &str) {
    assert_eq!(in_a_flow(chain.clone()), text);
    assert_eq!(behind_a_port(chain.clone(), false), text);
    assert_eq!(behind_a_port(chain, true), text);
}

fn divide(x: i32) -> i32 {
    6 / x
}

const BY_ZERO: &str = "panicked: attempt to divide by zero";

#[test]
fn f10_a_panic_is_that_of_its_filter() {
    let pass = |x: &i32| *x < 9;
    everywhere(pipe().map(divide), &format!("map: {BY_ZERO}"));
    everywhere(pipe().filter(pass).map(divide).filter(pass).map(|x| x + 1), &format!("map: {BY_ZERO}"));
    everywhere(pipe().filter(|x| 6 / x > 0).map(|x| x + 1), &format!("filter: {BY_ZERO}"));
    everywhere(pipe().scan(0, |sum, x| sum + 6 / x), &format!("scan: {BY_ZERO}"));
    everywhere(pipe().take(9).pipe(pipe().skip(0).inspect(|x| assert!(6 / x < 9))), &format!("inspect: {BY_ZERO}"));
}

#[test]
fn f10_a_given_name_reaches_the_error() {
    everywhere(pipe().map(divide).named("ratio"), &format!("ratio: {BY_ZERO}"));
    everywhere(pipe().map(|x| x).map(divide).named("ratio").map(|x| x + 1), &format!("ratio: {BY_ZERO}"));
    everywhere(pipe().map(divide).filter(|x| *x > 0).named("warm"), &format!("map before warm: {BY_ZERO}"));
    everywhere(pipe().named("other").map(divide).named("ratio"), &format!("ratio: {BY_ZERO}"));
}

/// Fails in one of its calls, by a panic or a fatal error.
#[derive(Clone)]
struct Fails {
    at: &'static str,
    panics: bool,
}

impl Fails {
    fn at(&self, at: &str, cx: &mut Context<'_>) -> Receipt {
        match () {
            () if at != self.at => Ok(Demand::More),
            () if self.panics => panic!("no more"),
            () => Err(cx.fatal("no more")),
        }
    }
}

impl Filter<i32> for Fails {
    type Out = i32;
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        out.context().wake_at(Instant::ZERO + SECOND / 2);
        self.at("start", out.context())
    }
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        self.at("next", out.context())?;
        out.next(event)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        self.at("wake", out.context())
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Closed {
        self.at("completed", out.context())?;
        out.completed()
    }
}

#[test]
fn f97_a_port_and_a_place_behind_it_each_have_their_name() {
    let calibrated = |port: &Port<i32>| port.map(divide).named("calibrated").connect(Recorder::new());
    let port = Port::new().named("lux");
    calibrated(&port);
    assert_eq!(port.as_ref().name(), "lux");
    let cx = &mut Context::detached(Instant::ZERO);
    let drawn = Graph::of(&port).to_string();
    assert!(drawn.contains("lux") && drawn.contains("calibrated"), "{drawn}");
    assert!(port.emit(1, cx).is_ok());
    let source = from_iter([1, 0]).output().named("lux");
    calibrated(source.port());
    assert_eq!(source.port().as_ref().name(), "lux");
    let ended = ends_by(|scheduler| {
        scheduler.schedule_periodic(source, SECOND)?;
        Ok(())
    });
    assert_eq!(ended, format!("calibrated: {BY_ZERO}"));
}

#[test]
fn f10_whatever_call_of_a_filter_fails_names_it() {
    for at in ["start", "next", "wake", "completed"] {
        for (panics, what) in [(true, "panicked: no more"), (false, "no more")] {
            let fails = Fails { at, panics };
            let pass = |x: &i32| *x < 9;
            let chain = pipe().filter(pass).skip(0).map(|x| x).pipe(fails.clone()).filter(pass).take(9);
            everywhere(chain.clone(), &format!("fails: {what}"));
            everywhere(chain.named("mine"), &format!("fails before mine: {what}"));
            everywhere(pipe().pipe(fails).named("mine"), &format!("mine: {what}"));
        }
    }
}

#[test]
fn f10_the_end_of_a_chain_is_named_and_not_what_stands_before_it() {
    let full = || try_call(|x: i32| if x > 1 { Ok(()) } else { Err("the disk is full") });
    let flow = |scheduler: &Scheduler| {
        scheduler.schedule_periodic(from_iter([2, 1]).map(|x| x).connect(full()), SECOND)?;
        Ok(())
    };
    assert_eq!(ends_by(flow), "TryCall: the disk is full");
    let named = |scheduler: &Scheduler| {
        scheduler.schedule_periodic(from_iter([2, 1]).map(|x| x).named("store").connect(full()), SECOND)?;
        Ok(())
    };
    assert_eq!(ends_by(named), "store: the disk is full");
    let panics = |scheduler: &Scheduler| {
        let source = from_iter([2, 1, 0]).output();
        source.connect(pipe().named("Alarm").to(call(|x| assert!(divide(x) < 9))));
        scheduler.schedule_periodic(source, SECOND)?;
        Ok(())
    };
    assert_eq!(ends_by(panics), format!("Alarm: {BY_ZERO}"));
}

#[test]
fn f10_a_source_bears_the_name_that_its_chain_gives_to_it() {
    let fails = |scheduler: &Scheduler| {
        let mut left = 3;
        let source = from_fn(move || {
            left -= 1;
            Some(divide(left))
        });
        scheduler.schedule_periodic(source.named("meter").map(|x| x).connect(call(drop)), SECOND)?;
        Ok(())
    };
    assert_eq!(ends_by(fails), format!("meter: {BY_ZERO}"));
}

#[test]
fn f11_a_sensor_whose_id_is_a_number_is_told_apart_from_others() {
    use thingflow_core::testing::FlakySensor;
    let reports = Recorder::new();
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    for id in [17, 18] {
        let sensor = SensorOutput::new(FlakySensor::new(id, [Ok(1.0), Err("no answer")]));
        sensor.connect(call(drop));
        scheduler.schedule_periodic(sensor, Periodic::every(SECOND).on_failure(OnFailure::Skip)).expect("a schedule");
    }
    scheduler.run_forever().expect("it ends");
    let said = reports.events().join("\n");
    assert!(["sensor 17", "sensor 18"].iter().all(|name| said.contains(name)), "{said}");
}

#[test]
fn f10_a_join_and_what_follows_it_are_told_apart() {
    let joined = |joins: bool| {
        ends_by(|scheduler| {
            let (left, right) = (from_iter([2, 1, 0]).output(), from_iter([1, 1, 1]).output());
            let zipped =
                left.map(|x| x).zip_with(right.port(), Limit::default(), move |a, b| if joins { b / a } else { a });
            zipped.map(move |x| if joins { x } else { divide(x) }).connect(Recorder::new());
            scheduler.schedule_periodic(left, SECOND)?;
            scheduler.schedule_periodic(right, SECOND)?;
            Ok(())
        })
    };
    assert_eq!(joined(true), format!("zip_with: {BY_ZERO}"));
    assert_eq!(joined(false), format!("map: {BY_ZERO}"));
}

#[test]
fn f10_what_is_held_fails_in_the_name_of_who_takes_it() {
    let late = |scheduler: &Scheduler| {
        let held = from_iter([0]).delay(SECOND * 5, Limit::default()).map(divide).named("late");
        scheduler.schedule_periodic(held.connect(call(drop)), SECOND)?;
        Ok(())
    };
    assert_eq!(ends_by(late), format!("late: {BY_ZERO}"));
}

#[test]
fn f10_without_a_scheduler_the_stage_is_named_too() {
    let failing = |panics| Fails { at: "next", panics };
    let error = pipe().map(|x: i32| x).pipe(failing(false)).named("mine").to(call(drop)).feed([1]).expect_err("fatal");
    assert_eq!((error.thing(), error.to_string().as_str()), (Some("mine"), "mine: no more"));
}
