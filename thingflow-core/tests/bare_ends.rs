//! When a run of the scheduler for microcontrollers is over, and when it is not yet.

mod support {
    pub(crate) mod call_with;
    pub(crate) mod takes_all;
}

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::bare::Scheduler;
use thingflow_core::prelude::*;

use support::call_with::call_with;
use support::takes_all::{Quirk, TakesAll};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// A sink that asks for the end of the run with its first event.
#[derive(Clone)]
struct Stops;

impl Quirk for Stops {
    type Event = i32;
    fn on_next(&mut self, _: i32, cx: &mut Context<'_>) -> Receipt {
        cx.stop();
        Ok(Demand::Done)
    }
}

#[test]
fn a_wish_to_stop_is_not_for_a_later_run() {
    let (mut stops, seen) = (from_iter(1..).connect(TakesAll(Stops)), Cell::new(0));
    let mut counts = from_iter(1..=3).to(call(|n| seen.set(n)));
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(&mut stops, MS(10)).unwrap();
    assert_eq!(scheduler.run_due(0).unwrap(), None, "it has ended, and asked to stop");
    scheduler.schedule_periodic(&mut counts, MS(10)).unwrap();
    assert_eq!(scheduler.run_due(0).unwrap(), Some(1));
    drop(scheduler);
    assert_eq!(seen.get(), 1);
}

#[test]
fn nor_is_one_of_a_round_that_failed() {
    let fails = call_with(|n, cx| if n == 1 { Err(cx.fatal("no")) } else { Ok(Demand::More) });
    let mut stops = from_iter(1..).connect(tee((TakesAll(Stops), fails)));
    let mut counts = from_iter(1..=3).connect(call(drop));
    let mut scheduler = Scheduler::<2>::new();
    scheduler.schedule_periodic(&mut stops, MS(10)).unwrap();
    assert!(scheduler.run_due(0).is_err());
    scheduler.schedule_periodic(&mut counts, MS(10)).unwrap();
    assert_eq!(scheduler.run_due(1).err().map(|error| error.to_string()), None);
}

/// A sink that has room or not.
struct Tight(Rc<Cell<bool>>);

impl Quirk for Tight {
    type Event = i32;
    fn has_room(&self) -> bool {
        self.0.get()
    }
}

#[test]
fn two_branches_have_room_if_both_have() {
    let room = Rc::new(Cell::new(false));
    for thing in [
        &mut tee((TakesAll(Tight(room.clone())), call(drop))) as &mut dyn InputThing<i32>,
        &mut tee((call(drop), TakesAll(Tight(room.clone())))),
    ] {
        room.set(false);
        assert!(!thing.ask(Question::Room));
        room.set(true);
        assert!(thing.ask(Question::Room));
        let _ = thing.next(1, &mut Context::detached(Instant::ZERO));
    }
    room.set(false);
    let mut branches = tee((TakesAll(Stops), TakesAll(Tight(room.clone()))));
    assert!(matches!(branches.next(1, &mut Context::detached(Instant::ZERO)), Ok(Demand::More)));
    assert!(!branches.ask(Question::Room));
}

/// Says what comes.
#[derive(Clone, Default)]
struct Seen(Rc<RefCell<String>>);

impl Seen {
    fn say(&self, what: impl std::fmt::Display) {
        *self.0.borrow_mut() += &format!("{what} ");
    }
}

impl Sink for Seen {
    type Event = i32;
    fn on_next(&mut self, n: i32, _: &mut Context<'_>) -> Receipt {
        self.say(n);
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.say("|");
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.say(error);
        Ok(())
    }
}

/// What comes within so many ticks of 10 ms when the flow runs at each of them.
fn seen_of(flow: &mut dyn OutputThing, seen: &Seen, ticks: u32) -> String {
    let mut scheduler = Scheduler::<1>::new();
    scheduler.schedule_periodic(flow, MS(10)).expect("a run");
    let (mut sleep, mut gone) = (scheduler.run_due(0).expect("a run"), 0);
    while let Some(ticks) = sleep.filter(|sleep| gone + sleep <= ticks) {
        gone += ticks;
        sleep = scheduler.run_due(ticks).expect("a run");
    }
    seen.0.take()
}

#[test]
fn a_chain_that_ends_sends_all_it_holds_through_stages_that_have_less_room() {
    let seen = Seen::default();
    let held = || from_iter(1..=4).delay_of::<6>(MS(1000)).pace_of::<1>(MS(1000)).delay_of::<2>(MS(1000));
    assert_eq!(seen_of(&mut held().connect(seen.clone()), &seen, 90), "1 2 3 4 | ");
    let fails = from_iter(1..).try_map(|n| if n > 4 { Err("no more") } else { Ok(n) });
    let fails = fails.delay_of::<6>(MS(1000)).pace_of::<1>(MS(1000)).delay_of::<2>(MS(1000));
    let all = seen_of(&mut fails.connect(seen.clone()), &seen, 90);
    assert!(all.starts_with("1 2 3 4 ") && all.contains("no more") && !all.contains("full"), "{all}");
    let bursts = held().flat_map(|n| [n, n, n]).delay_of::<1>(MS(1000)).connect(seen.clone());
    let all = seen_of(&mut { bursts }, &seen, 90);
    assert!(all.starts_with("1 1 1 2 2 2 3 3 3 4 4 4 | "), "{all}");
}

#[test]
fn who_goes_on_at_its_end_is_still_asked_to_stop() {
    let seen = Seen::default();
    let flow = from_iter(1..=4).delay_of::<6>(MS(1000)).delay_of::<2>(MS(1000)).take(3);
    assert_eq!(seen_of(&mut flow.connect(seen.clone()), &seen, 90), "1 2 3 | ");
}

#[test]
fn a_burst_beyond_the_room_is_an_error_while_the_stream_goes_on() {
    let seen = Seen::default();
    let flow = from_iter(1..).flat_map(|n| [n, n]).delay_of::<1>(MS(1000)).connect(seen.clone());
    let all = seen_of(&mut { flow }, &seen, 3);
    assert!(all.starts_with("1 ") && all.contains("full"), "{all}");
}

/// Room that comes a moment after somebody has said so is used at the next tick.
#[test]
fn a_source_that_pauses_is_asked_at_each_tick_whether_there_is_room() {
    let seen = Seen::default();
    let flow = from_iter(1..=8).pace_of::<3>(MS(11)).pace_of::<1>(MS(60)).connect(seen.clone());
    assert_eq!(seen_of(&mut { flow }, &seen, 25), "1 2 3 4 5 6 7 8 | ", "in 25 ticks");
}

#[test]
fn what_a_start_sends_is_of_one_instant_with_the_first_event() {
    let seen = Seen::default();
    let flow = from_iter(1..=2).start_with([-2, -1]).coalesce().connect(seen.clone());
    assert_eq!(seen_of(&mut { flow }, &seen, 9), "1 2 | ");
}

#[cfg(feature = "alloc")]
mod ports {
    use super::*;

    /// Sends what it got 30 ms later.
    struct Late(Option<(i32, Instant)>);

    impl Filter<i32> for Late {
        type Out = i32;
        fn on_next(&mut self, n: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
            let due = out.now() + MS(30);
            self.0 = Some((n, due));
            out.wake_at(due);
            Ok(Demand::More)
        }
        fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
            match self.0.take_if(|(_, due)| *due <= out.now()) {
                Some((n, _)) => out.next(n),
                None => Ok(Demand::More),
            }
        }
    }

    #[test]
    fn a_run_goes_on_while_a_port_waits() {
        let (port, seen) = (Port::new(), Rc::new(Cell::new(0)));
        let last = seen.clone();
        port.pipe(Late(None)).for_each(move |n| last.set(n));
        let mut flow = from_iter(1..).connect(port.clone());
        let mut scheduler = Scheduler::<1>::new();
        let task = scheduler.schedule_periodic(&mut flow, MS(10)).unwrap();
        assert_eq!(scheduler.run_due(0).unwrap(), Some(1));
        assert!(scheduler.cancel(task));
        assert_eq!(scheduler.run_due(1).unwrap(), Some(2), "what was held is due in 20 ms");
        assert_eq!(scheduler.run_due(2).unwrap(), None);
        assert_eq!(seen.get(), 1);
        drop(port);
    }

    #[test]
    fn and_while_a_job_or_an_event_for_a_later_turn_waits() {
        let (port, seen) = (Port::new(), Rc::new(Cell::new(0)));
        let last = seen.clone();
        port.for_each(move |n| last.set(n));
        let mut flow = from_iter(7..).connect(call_with(move |n, cx| {
            let port = port.clone();
            cx.defer(move |cx| {
                port.emit_later(n, cx)?;
                Ok(())
            });
            Ok(Demand::Done)
        }));
        let mut scheduler = Scheduler::<1>::new();
        scheduler.schedule_periodic(&mut flow, MS(10)).unwrap();
        let mut rounds = 0;
        while let Some(ticks) = scheduler.run_due(0).unwrap() {
            assert_eq!(ticks, 0);
            rounds += 1;
        }
        assert_eq!((seen.get(), scheduler.len(), rounds), (7, 0, 1));
    }
}
