//! Stages that hold events in time go on sending when their stream has completed, and pass the end on after that.
#![cfg(feature = "std")]

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::Shared;
use thingflow_core::diagram::Trace;
use thingflow_core::flow::{DeadLetter, ErrorPolicy};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::tracking::{Outcome, Tracker, Tracking};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// The second at which a scheduler stands.
fn now(scheduler: &Scheduler) -> f64 {
    scheduler.now().since(Instant::ZERO).as_secs_f64()
}

/// A delay of `s` seconds.
fn delay<T: 'static>(s: u64) -> Pipe<T, impl Filter<T, Out = T> + 'static> {
    pipe().delay(secs(s), Limit::block(8))
}

/// At most one event in `s` seconds.
fn pace<T: 'static>(s: u64) -> Pipe<T, impl Filter<T, Out = T> + 'static> {
    pipe().pace(secs(s), Limit::block(8))
}

/// What `make` makes of 0, 1, 2 … `n`, which come a second apart and then end, in a flow and behind a port. The run ends
/// with the stream, and nothing is left.
#[track_caller]
fn run<F>(n: i32, make: impl Fn() -> Pipe<i32, F>) -> String
where
    F: Filter<i32> + 'static,
    F::Out: Debug + Clone + 'static,
{
    let text = |port: bool, traced: bool| {
        let (mut scheduler, seen, token) = (Scheduler::virtual_time()?, Recorder::new(), Rc::new(()));
        let held = token.clone();
        let hold = pipe().inspect(move |_| drop(held.clone())).to(seen.clone());
        if port {
            let numbers = from_iter(0..n).output();
            numbers.pipe(make()).connect(hold);
            if traced {
                Trace::new().downstream(&numbers);
            }
            scheduler.schedule_periodic(numbers, secs(1))?;
        } else {
            scheduler.schedule_periodic(from_iter(0..n).pipe(make()).connect(hold), secs(1))?;
        }
        scheduler.run_forever()?;
        assert_eq!(seen.after_end(), 0, "nothing comes after the end");
        assert!(seen.timed_text().ends_with(&format!("|@{}", now(&scheduler))), "the run ends with the stream");
        assert!(!scheduler.turn(None)?, "nothing is left to run for");
        assert_eq!(Rc::strong_count(&token), 1, "nothing is kept");
        Result::Ok(seen.timed_text())
    };
    let flow = text(false, false).expect("a run of a flow");
    assert_eq!(text(true, false).expect("a run behind a port"), flow);
    assert_eq!(text(true, true).expect("a run behind a port that is traced"), flow);
    flow
}

#[test]
fn what_is_held_is_sent_in_its_time() {
    assert_eq!(run(3, || delay(5)), "0@6 1@7 2@8 |@8");
    assert_eq!(run(3, || pipe().delay_of::<4>(secs(5))), "0@6 1@7 2@8 |@8");
    assert_eq!(run(3, || pace(4)), "0@1 1@5 2@9 |@9");
    assert_eq!(run(4, || pipe().buffer(Limit::block(8)).pace(secs(4), Limit::block(1))), "0@1 1@5 2@9 3@13 |@13");
    assert_eq!(run(4, || pipe().latest().pace(secs(4), Limit::block(1))), "0@1 1@5 3@9 |@9");
}

#[test]
fn nothing_held_nothing_to_wait_for() {
    assert_eq!(run(0, || delay(5)), "|@1");
    assert_eq!(run(2, || delay(0)), "0@1 1@2 |@3");
    assert_eq!(run(2, || pipe().buffer(Limit::block(8))), "0@1 1@2 |@3");
}

#[test]
fn a_retry_is_decided_before_the_end() {
    let failing = |times: u32| {
        let mut failures = 0;
        let work = move |n: &i32| {
            failures += u32::from(*n == 1);
            if *n == 1 && failures <= times { Err("not yet") } else { Ok(n * 10) }
        };
        pipe().try_map_with(ErrorPolicy::skip().retry(3, Backoff::new(secs(2), secs(60))), work)
    };
    let last = |times| run(9, move || pipe().take(2).pipe(failing(times)));
    assert_eq!([last(0), last(1), last(2)], ["0@1 10@2 |@2", "0@1 10@4 |@4", "0@1 10@8 |@8"]);
    assert_eq!(last(3), "0@1 |@8", "given up");
    assert_eq!(run(9, || pipe().take(1).flat_map(|_| 0..4).pipe(failing(1))), "0@1 10@3 20@3 30@3 |@3");
    assert_eq!(run(9, || pipe().take(2).pipe(failing(1)).pipe(delay(5))), "0@6 10@9 |@9");
}

#[test]
fn one_stage_drains_into_the_next() {
    assert_eq!(run(3, || delay(5).pipe(pace(3))), "0@6 1@9 2@12 |@12");
    assert_eq!(run(3, || pace(3).pipe(delay(5))), "0@6 1@9 2@12 |@12");
    assert_eq!(run(3, || delay(2).pipe(delay(3).map(|n: i32| -n))), "0@6 -1@7 -2@8 |@8");
    assert_eq!(run(4, || delay(2).take(3).pipe(delay(5))), "0@8 1@9 2@10 |@10");
    assert_eq!(run(4, || delay(2).take(3).pipe(pace(4))), "0@3 1@7 2@11 |@11");
    assert_eq!(run(4, || delay(6).chunks(3)), "[0, 1, 2]@9 [3]@10 |@10");
}

#[test]
fn a_stage_behind_a_filter_that_ends_drains_and_the_source_is_free() -> Result {
    assert_eq!(run(100, || pipe().take(2).pipe(delay(5))), "0@6 1@7 |@7");
    assert_eq!(run(100, || pipe().take(3).pipe(pace(4)).take(2)), "0@1 1@5 |@5");
    let (mut scheduler, seen, asked) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let numbers = from_iter(0..).output();
    let ended = numbers.also_to(asked.clone()).take(2).pipe(delay(5)).connect(seen.clone());
    let name = numbers.port().as_ref();
    let handle = scheduler.schedule_periodic(numbers, secs(1))?;
    scheduler.run_for(secs(3))?;
    assert!(!handle.is_active() && !name.is_listened(), "who drains does not listen");
    assert!(ended.is_connected());
    scheduler.run_forever()?;
    assert_eq!((seen.timed_text(), asked.text()), ("0@6 1@7 |@7".into(), "0 1 |".into()));
    assert!(!ended.is_connected());
    Ok(())
}

#[test]
fn others_on_the_port_go_on_meanwhile() -> Result {
    let (mut scheduler, a, b) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let numbers = from_iter(0..5).output();
    numbers.take(2).pipe(delay(2)).connect(a.clone());
    numbers.pipe(delay(1)).connect(b.clone());
    scheduler.schedule_periodic(numbers, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(a.timed_text(), "0@3 1@4 |@4");
    assert_eq!(b.timed_text(), "0@2 1@3 2@4 3@5 4@6 |@6");
    Ok(())
}

#[test]
fn behind_a_join_and_in_front_of_one() -> Result {
    let (mut scheduler, behind, before) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let (a, b) = (from_iter(0..3).output(), from_iter(10..12).output());
    let merged = a.merge(&b).pipe(delay(5)).connect(behind.clone());
    a.pipe(delay(3)).zip(&b, Limit::block(8)).pipe(pace(4)).connect(before.clone());
    scheduler.schedule_periodic(a, secs(1))?;
    scheduler.schedule_periodic(b, secs(1))?;
    scheduler.run_for(secs(5))?;
    assert!(merged.is_connected(), "the join has ended, but what follows drains");
    scheduler.run_forever()?;
    assert_eq!(behind.timed_text(), "0@6 10@6 1@7 11@7 2@8 |@8");
    assert_eq!(before.timed_text(), "(0, 10)@4 (1, 11)@8 |@8");
    assert!(!merged.is_connected());
    assert_eq!(now(&scheduler), 8.0);
    Ok(())
}

#[test]
fn a_port_behind_a_stage_that_drains() -> Result {
    let (mut scheduler, late, even) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let numbers = from_iter(0..3).output();
    let later = numbers.pipe(delay(5)).share();
    later.pipe(delay(2)).connect(late.clone());
    later.filter(|n| n % 2 == 0).connect(even.clone());
    drop(later);
    scheduler.schedule_periodic(numbers, secs(1))?;
    scheduler.run_forever()?;
    assert_eq!((late.timed_text(), even.timed_text()), ("0@8 1@9 2@10 |@10".into(), "0@6 2@8 |@8".into()));
    Ok(())
}

#[test]
fn side_branches_send_at_once_what_they_hold() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, [(); 6].map(|()| Recorder::new()));
    let branch = |at: usize| delay(9).to(seen[at].clone());
    let policy = ErrorPolicy::dead_letter(pipe().map(|dead: DeadLetter<i32>| dead.event).take(1).to(branch(4)));
    let numbers = from_iter(0..2).output();
    numbers.connect(tee((branch(0), branch(1))));
    numbers.also_to(branch(2)).for_each(drop);
    numbers.connect(tee((branch(3), call(drop))));
    numbers.try_map_with(policy, |_| Err::<i32, _>("no")).for_each(drop);
    numbers.also_to(call(drop)).pipe(delay(9)).connect(seen[5].clone());
    scheduler.schedule_periodic(numbers, secs(1))?;
    scheduler.run_forever()?;
    for (at, branch) in seen[..4].iter().enumerate() {
        assert_eq!(branch.timed_text(), "0@3 1@3 |@3", "branch {at}");
    }
    assert_eq!(seen[4].timed_text(), "0@1 |@1");
    assert_eq!(seen[5].timed_text(), "0@10 1@11 |@11", "the chain itself is no side branch");
    Ok(())
}

#[test]
fn an_error_waits_for_nothing() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let numbers = from_iter(0..3).try_map(|n| if n == 2 { Err("two") } else { Ok(n) });
    scheduler.schedule_periodic(numbers.pipe(delay(5)).pipe(pace(5)).connect(seen.clone()), secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "0@3 1@3 !@3 two");
    Ok(())
}

#[test]
fn what_is_disconnected_while_it_drains_is_dropped() -> Result {
    for join in [false, true] {
        let (mut scheduler, seen, token) = (Scheduler::virtual_time()?, Recorder::new(), Rc::new(()));
        let numbers = from_iter(0..3).output();
        let held = token.clone();
        let stage = delay(5).inspect(move |_| drop(held.clone()));
        let connection = if join {
            numbers.merge(&Port::<i32>::new()).take(3).pipe(stage).connect(seen.clone())
        } else {
            numbers.pipe(stage).connect(seen.clone())
        };
        scheduler.schedule_periodic(numbers, secs(1))?;
        scheduler.run_for(secs(7))?;
        assert!(connection.is_connected());
        connection.disconnect();
        assert!(!connection.is_connected());
        assert_eq!(Rc::strong_count(&token), 1, "dropped at once");
        scheduler.run_forever()?;
        assert_eq!((seen.timed_text().as_str(), now(&scheduler)), ("0@6 1@7", 7.0));
    }
    Ok(())
}

#[test]
fn a_sink_may_disconnect_itself_while_it_drains() -> Result {
    for join in [false, true] {
        let (mut scheduler, seen, own) = (Scheduler::virtual_time()?, Recorder::new(), Rc::new(RefCell::new(None)));
        let numbers = from_iter(0..3).output();
        let mine: Rc<RefCell<Option<Connection>>> = own.clone();
        let stage = delay(5).inspect(move |n| {
            if let (1, Some(connection)) = (*n, &*mine.borrow()) {
                connection.disconnect();
                assert!(!connection.is_connected());
            }
        });
        let connection = if join {
            numbers.merge(&Port::<i32>::new()).take(3).pipe(stage).connect(seen.clone())
        } else {
            numbers.pipe(stage).connect(seen.clone())
        };
        own.replace(Some(connection));
        scheduler.schedule_periodic(numbers, secs(1))?;
        scheduler.run_forever()?;
        assert_eq!((seen.timed_text().as_str(), now(&scheduler)), ("0@6 1@7", 7.0));
    }
    Ok(())
}

/// Logs its number when it is dropped.
struct Closes(u32, Rc<RefCell<Vec<u32>>>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0);
    }
}

#[test]
fn a_stop_closes_what_drains_in_reverse_order_of_creation() -> Result {
    for fatal in [false, true] {
        let (mut scheduler, seen, closed) = (Scheduler::virtual_time()?, Recorder::new(), Rc::default());
        scheduler.stop_within(Duration::ZERO);
        let end = |number| {
            let closes = Closes(number, Rc::clone(&closed));
            pipe()
                .inspect(move |_| {
                    let _ = &closes;
                })
                .to(seen.clone())
        };
        let (numbers, ticks) = (from_iter(0..3).output(), interval(secs(1)).output());
        ticks.map(|_| -1).filter(|_| false).connect(end(1));
        numbers.pipe(delay(7)).connect(end(2));
        numbers.merge(&Port::<i32>::new()).take(2).pipe(delay(7)).connect(end(3));
        let behind = numbers.pipe(delay(7)).share();
        behind.connect(end(4));
        drop(behind);
        ticks.map(|_| -1).filter(|_| false).connect(end(5));
        scheduler.schedule_periodic(numbers, secs(1))?;
        scheduler.schedule_recurring(ticks)?;
        let stopper = scheduler.stopper();
        let stop = from_iter([6]).try_for_each(move |_| {
            stopper.stop();
            if fatal { Err("enough") } else { Ok(()) }
        });
        scheduler.schedule_later_one_time(stop, secs(6))?;
        assert_eq!(scheduler.run_forever().is_err(), fatal);
        assert_eq!(*closed.borrow(), [5, 4, 3, 2, 1]);
        assert_eq!((seen.text().as_str(), now(&scheduler)), ("", 6.0), "nothing further is sent");
        assert!(!scheduler.turn(None)?);
    }
    Ok(())
}

#[test]
fn a_fatal_error_of_what_drains_ends_the_run() -> Result {
    for join in [false, true] {
        let mut scheduler = Scheduler::virtual_time()?;
        let numbers = from_iter(0..3).output();
        let fails = delay(7).try_map(|n: i32| if n == 1 { Err("one is too much") } else { Ok(n) });
        let fails = fails.fatal_errors();
        if join {
            numbers.merge(&Port::<i32>::new()).take(3).pipe(fails).connect(call(drop));
        } else {
            numbers.pipe(fails).connect(call(drop));
        }
        scheduler.schedule_periodic(numbers, secs(1))?;
        let error = scheduler.run_forever().expect_err("a fatal error").to_string();
        assert!(error.contains("one is too much"), "{error}");
        assert_eq!(now(&scheduler), 9.0);
        assert!(!scheduler.turn(None)?, "all is closed");
    }
    Ok(())
}

#[test]
fn a_flow_that_drains_can_be_cancelled_and_is_not_called() -> Result {
    let (mut scheduler, seen, pulled) = (Scheduler::virtual_time()?, Recorder::new(), Rc::new(RefCell::new(0)));
    let count = pulled.clone();
    let numbers = from_fn(move || {
        *count.borrow_mut() += 1;
        Some(*count.borrow())
    });
    let handle = scheduler.schedule_periodic(numbers.take(2).pipe(delay(5)).connect(seen.clone()), secs(1))?;
    scheduler.run_for(secs(6))?;
    assert_eq!((handle.is_active(), *pulled.borrow()), (true, 2));
    handle.cancel();
    scheduler.run_forever()?;
    assert_eq!((seen.timed_text().as_str(), now(&scheduler)), ("1@6", 6.0));
    Ok(())
}

#[test]
fn who_wants_no_more_ends_what_drains() {
    assert_eq!(run(4, || delay(9).take(2)), "0@10 1@11 |@11");
    assert_eq!(run(4, || pace(9).take_while(|n| *n < 1)), "0@1 |@10");
}

#[test]
fn tracked_events_that_a_stop_finds_are_abandoned() -> Result {
    for port in [false, true] {
        let (mut scheduler, outcomes) = (Scheduler::virtual_time()?, Rc::new(RefCell::new(Vec::new())));
        let notes = outcomes.clone();
        let tracker = Tracker::new(move |settled, _| {
            notes.borrow_mut().push((settled.index, settled.outcome == Outcome::Done));
            Ok(())
        });
        let stage = delay(5).acknowledge();
        let tracked = from_iter(0..3).track_by(&tracker, |_| ());
        if port {
            let start = Port::new();
            start.pipe(stage).connect(call(drop));
            scheduler.schedule_periodic(tracked.connect(start), secs(1))?;
        } else {
            scheduler.schedule_periodic(tracked.pipe(stage).connect(call(drop)), secs(1))?;
        }
        scheduler.run_for(secs(7))?;
        assert_eq!(*outcomes.borrow(), [(0, true), (1, true)]);
        scheduler.stop_within(Duration::ZERO);
        scheduler.stopper().stop();
        scheduler.run_forever()?;
        assert_eq!(*outcomes.borrow(), [(0, true), (1, true), (2, false)]);
    }
    Ok(())
}

#[test]
fn outside_of_a_scheduler_nothing_waits() {
    assert_eq!(from_iter(0..3).pipe(delay(5)).pipe(pace(5)).collect_now(), [0, 1, 2]);
    let cx = Context::detached(Instant::ZERO);
    assert!(!cx.drains());
}

#[test]
fn a_flow_that_is_run_on_the_spot_sends_at_once_what_it_holds() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let inner = seen.clone();
    let port = Port::new();
    port.connect(Shared::without_ports(()).input(move |(), n: i32, cx| {
        from_iter(n..n + 2).pipe(delay(5)).connect(inner.clone()).run(cx)?;
        Ok(Demand::Done)
    }));
    scheduler.schedule_periodic(from_iter([1]).connect(port), secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@1 |@1");
    Ok(())
}

#[test]
fn what_ends_at_its_start_drains_too() -> Result {
    for port in [false, true] {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let chain = || Begins.then(delay(5));
        if port {
            let numbers = from_iter(0..9).output();
            numbers.pipe(chain()).connect(seen.clone());
            scheduler.schedule_periodic(numbers, secs(1))?;
        } else {
            scheduler.schedule_periodic(from_iter(0..9).pipe(chain()).connect(seen.clone()), secs(1))?;
        }
        scheduler.run_forever()?;
        assert_eq!(seen.timed_text(), "7@5 |@5");
    }
    Ok(())
}

/// Sends one event at the start, and ends.
struct Begins;

impl Begins {
    fn then<F: Filter<i32> + 'static>(
        self,
        stage: Pipe<i32, F>,
    ) -> Pipe<i32, impl Filter<i32, Out = F::Out> + 'static> {
        pipe().pipe(self).pipe(stage)
    }
}

impl Filter<i32> for Begins {
    type Out = i32;
    fn on_next(&mut self, _: i32, _: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        Ok(Demand::Done)
    }
    fn on_start(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let _ = out.next(7)?;
        out.finish()
    }
}

#[test]
fn nothing_is_waited_for_that_nobody_listens_to() -> Result {
    for join in [false, true] {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let numbers = from_iter(0..3).output();
        let later = if join {
            numbers.merge(&Port::<i32>::new()).take(3).pipe(delay(5)).share()
        } else {
            numbers.pipe(delay(5)).share()
        };
        let listener = later.connect(seen.clone());
        scheduler.schedule_periodic(numbers, secs(1))?;
        scheduler.run_for(secs(7))?;
        listener.disconnect();
        scheduler.run_forever()?;
        assert_eq!((seen.timed_text().as_str(), now(&scheduler)), ("0@6 1@7", 7.0));
    }
    Ok(())
}

#[test]
fn a_panic_closes_what_drains() -> Result {
    let (mut scheduler, closed) = (Scheduler::virtual_time()?, Rc::default());
    let end = |number| {
        let closes = Closes(number, Rc::clone(&closed));
        pipe().inspect(move |_| {
            let _ = &closes;
        })
    };
    let numbers = from_iter(0..3).output();
    numbers.pipe(delay(7)).pipe(end(1)).for_each(drop);
    numbers.pipe(delay(5)).pipe(end(2)).for_each(|n| assert!(n != 1, "one is too much"));
    numbers.pipe(delay(7)).pipe(end(3)).for_each(drop);
    scheduler.schedule_periodic(numbers, secs(1))?;
    let error = scheduler.run_forever().expect_err("a panic").to_string();
    assert!(error.contains("one is too much"), "{error}");
    assert_eq!((closed.borrow().as_slice(), now(&scheduler)), ([3, 2, 1].as_slice(), 7.0));
    Ok(())
}

#[test]
fn what_is_held_goes_nowhere_once_those_behind_have_ended() -> Result {
    let secs = Duration::from_secs;
    for shared in [false, true] {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let numbers = thingflow_core::testing::timed([(0.0, 1), (0.5, 2), (9.0, 3)]);
        let limit = Limit::default;
        // At 5 s the second delay hears of the end and keeps 1 until 8 s; at 6 s the timeout ends the stream.
        let late = pipe().delay(secs(5), limit()).take(1).delay(secs(3), limit()).timeout(secs(6));
        if shared {
            let output = numbers.output();
            output.pipe(late).connect(seen.clone());
            scheduler.schedule_recurring(output)?;
        } else {
            scheduler.schedule_recurring(numbers.pipe(late).connect(seen.clone()))?;
        }
        scheduler.run_forever()?;
        assert_eq!(seen.timed_text(), "!@6 no event for 6s");
        assert_eq!(seen.after_end(), 0);
    }
    Ok(())
}
