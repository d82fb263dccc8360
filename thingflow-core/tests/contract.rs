//! What a run goes on for, what it starts and closes, and what happens at the edges of calls: faults that users found.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
    pub(crate) mod takes_all;
}

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::Sum;
use thingflow_core::{Shared, Visitor};

use support::call_with::call_with;
use support::takes_all::{Quirk, TakesAll};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const S: Duration = Duration::from_secs(1);

/// Runs what is sent into a port that stays open at 0 s and at 10 s.
fn at_0_and_10<T: Clone + std::fmt::Debug + 'static>(stage: impl FnOnce(&Port<i32>) -> Port<T>) -> Result<String> {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    stage(&port).connect(seen.clone());
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), Duration::ZERO)?;
    scheduler.schedule_later_one_time(from_iter([2]).connect(port.clone()), 10 * S)?;
    scheduler.run_forever()?;
    Ok(seen.timed_text())
}

#[test]
fn f01_what_a_timed_stage_holds_keeps_the_run_going() -> Result {
    assert_eq!(at_0_and_10(|port| port.delay(S, Limit::default()).share())?, "1@1 2@11");
    assert_eq!(at_0_and_10(|port| port.debounce(S).share())?, "1@1 2@11");
    assert_eq!(at_0_and_10(|port| port.coalesce().share())?, "1@0 2@10");
    assert_eq!(at_0_and_10(|port| port.aggregate(Window::each(3 * S), Sum::new()).share())?, "1@3 2@13");
    assert_eq!(at_0_and_10(|port| port.chunks_timeout(4 * S, Limit::default()).share())?, "[1]@4 [2]@12");
    assert_eq!(at_0_and_10(|port| port.chunks_within(2, 5 * S).share())?, "[1]@5 [2]@15");
    assert_eq!(at_0_and_10(|port| port.sample_every(4 * S).share())?, "1@4 2@12");
    assert_eq!(
        at_0_and_10(|port| port.delay(S, Limit::default()).share().delay(S, Limit::default()).share())?,
        "1@2 2@12"
    );
    let joined =
        |port: &Port<i32>| port.merge(&port.delay(S, Limit::default()).share()).delay(S, Limit::default()).share();
    assert_eq!(at_0_and_10(joined)?, "1@1 1@2 2@11 2@12");
    Ok(())
}

#[test]
fn f01_a_stage_that_only_watches_the_time_does_not() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.timeout(100 * S).connect(seen.clone());
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1");
    Ok(())
}

#[test]
fn f01_a_loop_with_a_delay_goes_round() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.connect(seen.clone());
    port.filter(|n| *n < 5).map(|n| n + 1).delay(S, Limit::default()).feedback(&port);
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 4@4 5@5");
    Ok(())
}

#[test]
fn f02_a_port_that_only_the_end_of_a_loop_leads_to_starts_with_the_graph() -> Result {
    for weak in [false, true] {
        let (mut scheduler, seen, back) = (Scheduler::virtual_time()?, Recorder::new(), Port::new());
        let x = from_iter([1, 2, 3]).output();
        let sums = x.zip_with(back.start_with([0]), Limit::default(), |a, b| a + b).share();
        sums.connect(seen.clone());
        if weak {
            sums.connect(back.downgrade());
        } else {
            sums.feedback(&back);
        }
        scheduler.schedule_recurring(x)?;
        scheduler.run_forever()?;
        assert_eq!(seen.events(), [1, 3, 6]);
    }
    Ok(())
}

/// Passes numbers on.
struct Relay(Port<i32>);

impl Ports for Relay {
    fn ports(&self, see: &mut dyn FnMut(thingflow_core::PortRef)) {
        see(self.0.as_ref());
    }
}

impl Relay {
    fn on_number(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        self.0.emit(n, cx)
    }
}

#[test]
fn f02_the_output_of_a_shared_thing_starts_with_the_graph() -> Result {
    let run = |stage: fn(&Port<i32>) -> Port<Vec<i32>>| -> Result<String> {
        let (mut scheduler, seen, out) = (Scheduler::virtual_time()?, Recorder::new(), Port::new());
        stage(&out).connect(seen.clone());
        let relay = Shared::new(Relay(out));
        scheduler.schedule_recurring(timed([(5.0, 1), (6.0, 2)]).connect(relay.input(Relay::on_number)))?;
        scheduler.run_for(20 * S)?;
        Ok(seen.timed_text())
    };
    assert_eq!(run(|out| out.timeout(2 * S).map(|n| vec![n]).share())?, "!@2 no event for 2s");
    assert_eq!(run(|out| out.chunks_timeout(4 * S, Limit::default()).share())?, "[1, 2]@8");
    Ok(())
}

#[test]
fn f15_an_event_before_the_run_does_not_stop_the_stages_behind_a_port() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.debounce(2 * S).connect(seen.clone());
    port.timeout(20 * S).connect(seen.clone());
    let _ = port.emit(7, &mut Context::detached(Instant::ZERO))?;
    scheduler.schedule_recurring(timed([(3.0, 1), (8.0, 2)]).chain_never().connect(port.clone()))?;
    scheduler.run_for(60 * S)?;
    assert_eq!(seen.timed_text(), "7@0 7@2 1@3 1@5 2@8 2@10 !@28 no event for 20s");
    Ok(())
}

trait ChainNever: Sized {
    fn chain_never(self) -> Flow<impl Source<Item = i32>>;
}

/// A source that goes on without events after its last one.
impl<S: Source<Item = i32>> ChainNever for Flow<S> {
    fn chain_never(self) -> Flow<impl Source<Item = i32>> {
        struct Open<S>(Flow<S>, bool);
        impl<S: Source<Item = i32>> Source for Open<S> {
            type Item = i32;
            fn pull(&mut self, cx: &mut Context<'_>) -> std::result::Result<Option<i32>, Failure> {
                match self.0.pull(cx)? {
                    Some(n) => Ok(Some(n)),
                    None => {
                        self.1 = true;
                        Err(Failure::NotYet)
                    }
                }
            }
            fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
                if self.1 { Some(Instant::NEVER) } else { self.0.due(cx) }
            }
        }
        Flow::new(Open(self, false))
    }
}

#[test]
fn f15_a_wish_belongs_to_a_run() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.delay(5 * S, Limit::default()).connect(seen.clone());
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    scheduler.run_for(2 * S)?;
    scheduler.run_for(20 * S)?;
    assert_eq!(seen.timed_text(), "1@6");
    Ok(())
}

/// Notes when it is closed, which is when it is dropped.
struct Pin(Rc<Cell<bool>>);

impl Quirk for Pin {
    type Event = i32;
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        self.0.set(true);
        Ok(Demand::More)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

#[test]
fn f16_a_pin_behind_a_port_that_no_walk_sees_is_closed_with_the_run() -> Result {
    let (mut scheduler, on, hidden) = (Scheduler::virtual_time()?, Rc::new(Cell::new(false)), Port::new());
    hidden.connect(TakesAll(Pin(on.clone())));
    let kept = hidden.clone();
    let lit = on.clone();
    let sends = call_with(move |n, cx| {
        let _ = hidden.emit(n, cx)?;
        assert!(lit.get());
        Ok(Demand::More)
    });
    scheduler.schedule_recurring(from_iter([1]).connect(sends))?;
    scheduler.run_forever()?;
    assert_eq!((on.get(), kept.is_closed()), (false, true));

    let (mut scheduler, on, fed) = (Scheduler::virtual_time()?, Rc::new(Cell::new(false)), Port::new());
    fed.connect(TakesAll(Pin(on.clone())));
    let port = fed.clone();
    scheduler.with_context(move |cx| port.emit(1, cx).map(drop))?;
    scheduler.schedule_recurring(from_iter([1]).connect(call(drop)))?;
    assert!(on.get());
    scheduler.run_forever()?;
    assert!(!on.get());
    Ok(())
}

/// Panics when it is dropped, or when it is asked to show itself.
struct Fragile {
    in_drop: bool,
    in_describe: bool,
}

impl Quirk for Fragile {
    type Event = i32;
    fn describe(&self, _: &mut dyn Visitor) {
        assert!(!self.in_describe, "no picture, please");
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.in_drop, "not in this mood");
    }
}

#[test]
fn f18_a_panic_and_a_drop_that_panics_still_make_a_pin_safe() -> Result {
    for (in_drop, in_describe) in [(true, false), (false, true), (true, true)] {
        let (mut scheduler, on, port) = (Scheduler::virtual_time()?, Rc::new(Cell::new(false)), Port::new());
        port.connect(TakesAll(Pin(on.clone())));
        port.connect(TakesAll(Fragile { in_drop, in_describe }));
        port.map(|n| 10 / n).connect(TakesAll(Fragile { in_drop, in_describe }));
        scheduler.schedule_recurring(from_iter([1, 0]).connect(port.clone()))?;
        let error = scheduler.run_forever().expect_err("it divides by zero").to_string();
        assert!(error.contains("divide by zero"), "{error}");
        assert!(!on.get(), "the pin is still on");
    }
    Ok(())
}

#[test]
fn f29_a_port_that_sends_itself_more_than_it_delivers_ends_the_run() -> Result {
    let (mut scheduler, port) = (Scheduler::virtual_time()?, Port::<u32>::new().named("flood"));
    port.connect(call(drop));
    port.flat_map(|n| [n, n]).connect(port.downgrade());
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    let error = scheduler.run_forever().expect_err("it grows without end").to_string();
    assert!(error.contains("flood: 65536 events wait"), "{error}");

    let (mut scheduler, port) = (Scheduler::virtual_time()?, Port::<u32>::new().named("tide"));
    port.connect(call(drop));
    port.flat_map(|n| [n, n]).feedback(&port);
    scheduler.schedule_later_one_time(from_iter([1]).connect(port.clone()), S)?;
    let error = scheduler.run_forever().expect_err("it grows without end").to_string();
    assert!(error.contains("tide: 65536 events wait"), "{error}");
    Ok(())
}

/// Disconnects what it is told to when it is asked anything.
struct Leaves(Rc<RefCell<Option<thingflow_core::Connection>>>);

impl InputThing<i32> for Leaves {
    fn next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn next_ref(&mut self, _: &i32, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn notice(&mut self, _: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        if let Some(connection) = self.0.borrow_mut().take() {
            connection.disconnect();
        }
        matches!(question, Question::Open | Question::Room)
    }
}

#[test]
fn f36_a_question_may_disconnect_who_is_asked() -> Result {
    let (port, own) = (Port::<i32>::new(), Rc::default());
    let connection = port.connect(Leaves(Rc::clone(&own)));
    *own.borrow_mut() = Some(connection);
    let _ = port.is_listened();
    let _ = port.emit(1, &mut Context::detached(Instant::ZERO))?;
    assert!(!port.is_listened());

    let (mut scheduler, port, own) = (Scheduler::virtual_time()?, Port::<i32>::new(), Rc::default());
    let connection = port.delay(S, Limit::default()).connect(Leaves(Rc::clone(&own)));
    *own.borrow_mut() = Some(connection);
    scheduler.schedule_recurring(from_iter([1]).connect(port))?;
    scheduler.run_forever()?;
    Ok(())
}

#[test]
fn f91_the_stage_that_holds_keeps_full_from_the_source() -> Result {
    let (mut scheduler, seen, asked) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let flow = from_iter(1..=5).inspect({
        let asked = asked.clone();
        move |n| asked.clone().next(*n, &mut Context::detached(Instant::ZERO)).map(drop).unwrap_or_default()
    });
    let slow = flow.latest().pace(Duration::from_millis(1500), Limit::block(1));
    scheduler.schedule_periodic(slow.connect(seen.clone()), S)?;
    scheduler.run_forever()?;
    assert_eq!(asked.events(), [1, 2, 3, 4, 5]);
    assert_eq!(
        scheduler.now().since(Instant::ZERO).as_secs(),
        seen.ended_at().map_or(0, |at| at.since(Instant::ZERO).as_secs())
    );
    Ok(())
}

#[test]
fn f95_a_finite_source_does_not_end_a_loop_that_is_under_way() -> Result {
    let (mut scheduler, port, seen) = (Scheduler::virtual_time()?, Port::new(), Recorder::new());
    port.connect(seen.clone());
    port.filter(|n| *n < 4).map(|n| n + 1).delay(S, Limit::default()).feedback(&port);
    scheduler.schedule_recurring(from_iter([1]).connect(port.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@0 2@1 3@2 4@3 |@3");
    Ok(())
}

/// Notes its start, and each wake-up.
struct Starts(Rc<RefCell<Vec<&'static str>>>);

impl Quirk for Starts {
    type Event = i32;
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push("start");
        Ok(Demand::More)
    }
    fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push("wake");
        Ok(Demand::More)
    }
    fn on_next(&mut self, _: i32, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push("next");
        Ok(Demand::More)
    }
}

/// A neighbour's wish is due in the turn in which it is connected.
#[test]
fn who_is_connected_is_started_before_it_is_woken() -> Result {
    let (mut scheduler, port, heard) = (Scheduler::virtual_time()?, Port::new(), Rc::new(RefCell::new(Vec::new())));
    let (joins, late) = (port.clone(), TakesAll(Starts(heard.clone())));
    let mut late = Some(late);
    let connects = from_iter([()]).for_each(move |()| {
        late.take().map(|late| joins.connect(late));
    });
    scheduler.schedule_later_one_time(connects, S)?;
    port.delay(S, Limit::default()).for_each(drop);
    scheduler.schedule_recurring(timed([(0.0, 1), (2.0, 2)]).connect(port))?;
    scheduler.run_forever()?;
    assert_eq!(*heard.borrow(), ["start", "wake", "next"]);
    Ok(())
}
