//! Cases of joins: 152, 164 to 172, 293 to 299, 436, 446 to 451; then joins under a scheduler.

use std::rc::Rc;
use std::time::Duration;

use thingflow_core::diagram::Graph;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{FatalError, QueueMeter, RunError, joins};

type Result<T = ()> = std::result::Result<T, FatalError>;

fn cx() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn emit<T: Clone + 'static>(port: &Port<T>, events: impl IntoIterator<Item = T>) -> Result {
    events.into_iter().try_for_each(|event| port.emit(event, &mut cx()).map(drop))
}

fn ports<A: Clone + 'static, B: Clone + 'static, T>() -> (Port<A>, Port<B>, Recorder<T>) {
    (Port::new(), Port::new(), Recorder::new())
}

#[test]
fn case_152_windows_of_two_inputs() -> Result {
    let (r, w, seen) = ports::<i32, i32, _>();
    r.chunks(3)
        .zip(w.chunks(3), Limit::default())
        .map(|(a, b)| [a, b].concat().iter().sum::<i32>())
        .connect(seen.clone());
    emit(&r, 0..16)?;
    assert_eq!(seen.text(), "");
    emit(&w, [10, 12, 14, 16, 18])?;
    assert_eq!(seen.text(), "39");
    emit(&w, [20])?;
    assert_eq!(seen.text(), "39 66");
    Ok(())
}

#[test]
fn case_164_zip_and_sum() -> Result {
    let (x, u, seen) = ports::<i32, i32, _>();
    let sums = Recorder::new();
    x.zip(&u, Limit::default()).connect(seen.clone());
    x.zip_with(&u, Limit::default(), |x, u| x + u).connect(sums.clone());
    emit(&x, [0, 1, 2])?;
    emit(&u, [10, 15, 18, 37])?;
    emit(&x, [3, 4])?;
    emit(&u, [96, 95])?;
    assert_eq!(seen.text(), "(0, 10) (1, 15) (2, 18) (3, 37) (4, 96)");
    assert_eq!(sums.text(), "10 16 20 40 100");
    Ok(())
}

#[test]
fn case_165_zip_with_leftovers_on_both_sides() -> Result {
    let (x, y, seen) = ports::<i32, i32, _>();
    x.zip_with(&y, Limit::default(), |x, y| 2 * (x + y)).connect(seen.clone());
    emit(&x, 0..4)?;
    emit(&y, [10, 12, 14, 16, 18])?;
    assert_eq!(seen.text(), "20 26 32 38");
    emit(&x, [82, 10])?;
    emit(&y, [-10, 200, 300])?;
    assert_eq!(seen.text(), "20 26 32 38 200 0");
    emit(&x, [-200, -300])?;
    assert_eq!(seen.text(), "20 26 32 38 200 0 0 0");
    Ok(())
}

#[test]
fn case_166_magnitude_of_pairs() -> Result {
    let (x, u, seen) = ports::<f64, f64, _>();
    x.zip_with(&u, Limit::default(), f64::hypot).map(|m| format!("{m:.4}")).connect(seen.clone());
    emit(&x, [0.0, 1.0, 2.0, 3.0])?;
    emit(&u, [10.0, 15.0, 18.0, 37.0])?;
    assert_eq!(seen.events(), ["10.0000", "15.0333", "18.1108", "37.1214"]);
    Ok(())
}

#[test]
fn case_167_merge_with_origin() -> Result {
    let (x, y, seen) = ports(); // the values of one type, as the events of a list
    x.merge_tagged(&y).connect(seen.clone());
    emit(&x, ["10"])?;
    emit(&y, ["A", "B"])?;
    emit(&x, ["20"])?;
    assert_eq!(seen.text(), r#"(0, "10") (1, "A") (1, "B") (0, "20")"#);
    Ok(())
}

#[test]
fn case_168_merge_by_origin() -> Result {
    let (x, y, seen) = ports::<i32, &str, _>();
    x.map(|x| (x * 10).to_string()).merge(y.map(|y| y.repeat(2))).connect(seen.clone());
    emit(&x, [10])?;
    emit(&y, ["A", "B"])?;
    emit(&x, [20])?;
    assert_eq!(seen.events(), ["100", "AA", "BB", "200"]);
    Ok(())
}

#[test]
fn case_169_two_units_into_one() -> Result {
    let (fahrenheit, celsius, seen) = ports::<i32, i32, _>();
    let from = |(origin, degrees)| if origin == 0 { (degrees - 32) * 5 / 9 } else { degrees };
    fahrenheit.merge_tagged(&celsius).map(from).connect(seen.clone());
    emit(&fahrenheit, [32, 50, 68])?;
    emit(&celsius, [-10])?;
    assert_eq!(seen.text(), "0 10 20 -10");
    Ok(())
}

#[test]
fn case_170_blend() -> Result {
    let (x, y, seen) = ports::<i32, i32, _>();
    x.merge(&y).map(|v| v * 2).connect(seen.clone());
    emit(&x, [1, 2, 3])?;
    emit(&y, [100, 101])?;
    emit(&x, [10, 20])?;
    assert_eq!(seen.text(), "2 4 6 200 202 20 40");
    Ok(())
}

#[test]
fn case_171_arrival_order_inside_one_run() -> Result {
    let (x, y, seen) = ports::<&str, &str, _>();
    joins::merge([&x, &y]).connect(seen.clone());
    emit(&y, ["A", "B"])?;
    emit(&x, ["1", "2"])?;
    assert_eq!(seen.events(), ["A", "B", "1", "2"]);
    Ok(())
}

#[test]
fn case_172_align_by_time() -> Result {
    let (x, y, seen) = ports();
    x.timed_zip(&y, Limit::default()).connect(seen.clone());
    emit(&x, [(1, 'a'), (3, 'b'), (10, 'd'), (15, 'e'), (17, 'f')])?;
    emit(&y, [(2, 'A'), (3, 'B'), (9, 'D'), (20, 'E')])?;
    let (one, two) = (|a| (Some(a), None), |b| (None, Some(b)));
    let rows = [(1, one('a')), (2, two('A')), (3, (Some('b'), Some('B'))), (9, two('D'))];
    assert_eq!(seen.events()[..4], rows);
    assert_eq!(seen.events()[4..], [(10, one('d')), (15, one('e')), (17, one('f'))]); // (20, E) waits
    x.complete(&mut cx())?;
    assert_eq!(seen.events()[7..], [(20, two('E'))]);
    Ok(())
}

#[test]
fn case_293_zip() -> Result {
    let (a, b, seen) = ports();
    a.zip(&b, Limit::default()).connect(seen.clone());
    emit(&a, [1])?;
    emit(&b, ['a'])?;
    emit(&a, [2])?;
    emit(&b, ['b'])?;
    assert_eq!(seen.events(), [(1, 'a'), (2, 'b')]);
    Ok(())
}

#[test]
fn case_294_zip_of_three() -> Result {
    let (a, b, seen) = ports();
    let d = Port::new();
    joins::zip((&a, &b, &d), Limit::default()).connect(seen.clone());
    emit(&a, [1])?;
    emit(&b, [2])?;
    emit(&d, [3])?;
    assert_eq!(seen.events(), [(1, 2, 3)]);
    Ok(())
}

#[test]
fn case_295_zip_with_a_constant() -> Result {
    let (a, b, seen) = ports();
    a.zip_with(&b, Limit::default(), |a, b| (a, 123, b)).connect(seen.clone());
    emit(&a, [1])?;
    emit(&b, [2])?;
    emit(&a, [4])?;
    emit(&b, [5])?;
    assert_eq!(seen.events(), [(1, 123, 2), (4, 123, 5)]);
    Ok(())
}

#[test]
fn case_296_zip_with_itself() -> Result {
    let (a, seen) = (Port::new(), Recorder::new());
    a.zip(&a, Limit::default()).connect(seen.clone());
    emit(&a, [1, 2])?;
    assert_eq!(seen.events(), [(1, 1), (2, 2)]);
    Ok(())
}

#[test]
fn case_297_combine_latest() -> Result {
    let (a, b, seen) = ports();
    let named = Recorder::new();
    a.combine_latest(&b).connect(seen.clone());
    a.combine_latest(&b).emit_on([0, 1]).connect(named.clone());
    emit(&a, [1, 2])?;
    emit(&b, ['a'])?;
    emit(&a, [3])?;
    emit(&b, ['b'])?;
    assert_eq!(seen.events(), [(2, 'a'), (3, 'a'), (3, 'b')]);
    assert_eq!(named.events(), seen.events());
    Ok(())
}

#[test]
fn case_298_combine_latest_with_one_trigger() -> Result {
    let (a, b, seen) = ports();
    let with_latest = Recorder::new();
    a.combine_latest(&b).emit_on([0]).connect(seen.clone());
    a.with_latest_from(&b).connect(with_latest.clone());
    emit(&a, [1])?;
    emit(&b, ['a'])?;
    emit(&a, [2, 3])?;
    emit(&b, ['b'])?;
    emit(&a, [4])?;
    assert_eq!(seen.events(), [(2, 'a'), (3, 'a'), (4, 'b')]);
    assert_eq!(with_latest.events(), seen.events());
    Ok(())
}

#[test]
fn case_299_combine_latest_on_the_second() -> Result {
    let (a, b, seen) = ports();
    a.combine_latest(&b).emit_on([1]).connect(seen.clone());
    emit(&a, [1])?;
    emit(&b, ['a'])?;
    emit(&a, [2])?;
    emit(&b, ['b'])?;
    assert_eq!(seen.events(), [(1, 'a'), (2, 'b')]);
    Ok(())
}

/// A source of an event a second.
fn every_second<I: IntoIterator>(scheduler: &Scheduler, events: I) -> Port<I::Item>
where
    I::Item: Clone + 'static,
    I::IntoIter: 'static,
{
    let output = from_iter(events).output();
    let port = output.port().clone();
    scheduler.schedule_periodic(output, Duration::from_secs(1)).expect("a period");
    port
}

type Timed = std::result::Result<(), RunError>;

#[test]
fn case_446_zip_ends_when_no_pair_can_follow() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let (a, b) = (every_second(&scheduler, [1, 2]), every_second(&scheduler, (10..).step_by(10)));
    let seen = Recorder::new();
    a.zip(&b, Limit::default()).connect(seen.clone());
    scheduler.run_forever()?; // it returns because b is released
    assert_eq!(seen.timed_text(), "(1, 10)@1 (2, 20)@2 |@3");
    assert_eq!(scheduler.now(), Instant::ZERO + Duration::from_secs(3));
    Ok(())
}

#[test]
fn case_446_zip_completes_with_the_last_pair() -> Result {
    let (a, b, seen) = ports();
    a.zip(&b, Limit::default()).connect(seen.clone());
    emit(&a, [1, 2])?;
    emit(&b, [10])?;
    a.complete(&mut cx())?;
    assert_eq!(b.emit(20, &mut cx())?, Demand::Done);
    assert_eq!(seen.text(), "(1, 10) (2, 20) |");
    assert!(!b.is_listened());
    Ok(())
}

#[test]
fn case_447_zip_ends_late_when_something_waits() -> Result {
    let (a, b, seen) = ports();
    a.zip(&b, Limit::default()).connect(seen.clone());
    emit(&a, [1, 2])?;
    a.complete(&mut cx())?;
    emit(&b, [10])?;
    assert_eq!(seen.text(), "(1, 10)");
    emit(&b, [20])?;
    assert_eq!(seen.text(), "(1, 10) (2, 20) |");
    Ok(())
}

#[test]
fn case_448_combine_latest_ends_with_the_last() -> Result {
    let (a, b, seen) = ports();
    a.combine_latest(&b).connect(seen.clone());
    emit(&a, [1])?;
    a.complete(&mut cx())?;
    emit(&b, [10, 20])?;
    assert_eq!(seen.text(), "(1, 10) (1, 20)");
    b.complete(&mut cx())?;
    assert_eq!(seen.text(), "(1, 10) (1, 20) |");
    Ok(())
}

#[test]
fn case_449_combine_latest_ends_early_when_hopeless() -> Result {
    let (a, b, seen) = ports::<i32, _, _>();
    a.combine_latest(&b).connect(seen.clone());
    a.complete(&mut cx())?;
    assert_eq!(seen.text(), "|");
    emit(&b, [10, 20])?;
    assert_eq!(seen.text(), "|");
    Ok(())
}

#[test]
fn case_450_merge_ends_with_the_last_input() -> Result {
    let (a, b, seen) = ports();
    a.merge(&b).connect(seen.clone());
    emit(&a, [1])?;
    a.complete(&mut cx())?;
    emit(&b, [2])?;
    assert_eq!(seen.text(), "1 2");
    b.complete(&mut cx())?;
    assert_eq!(seen.text(), "1 2 |");
    Ok(())
}

#[test]
fn case_451_merge_stops_at_the_first_error() -> Result {
    let (a, b, seen) = ports();
    a.merge(&b).connect(seen.clone());
    emit(&a, [1])?;
    a.fail(StreamError::new("oh no"), &mut cx())?;
    emit(&b, [2, 3])?;
    assert_eq!(seen.text(), "1 ! oh no");
    assert!(!b.is_listened());
    Ok(())
}

#[test]
fn a_loop_through_a_join_is_no_recursion() -> Result {
    // As the graph of case 436: a zip, a map, and a sink that emits to the first source.
    let (a, b, seen) = ports();
    a.zip(&b, Limit::default()).map(|(a, b)| a + b).also_to(seen.clone()).connect(a.clone());
    emit(&b, 1..=4)?;
    emit(&a, [0])?;
    assert_eq!(seen.text(), "1 3 6 10");
    Ok(())
}

#[test]
fn case_436_a_graph_with_a_join() {
    let (a, b) = (Port::<i32>::new().named("source1"), Port::<i32>::new().named("source2"));
    a.zip(&b, Limit::default()).map(|(a, b)| a + b).for_each(drop);
    let mut graph = Graph::new();
    graph.add_port(&a.as_ref());
    graph.add_port(&b.as_ref());
    assert_eq!(graph.nodes.len(), 5);
    assert_eq!(graph.to_string(), "source1 -> zip -> map -> call\nsource2 -> zip -> map -> call\n");
}

#[test]
fn a_join_that_ends_lets_both_sources_go() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let (a, b) = (every_second(&scheduler, 0..), every_second(&scheduler, (0..).map(|n| n * 10)));
    a.combine_latest(b.map(|b| b + 1)).take(3).connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "(0, 1)@1 (1, 1)@2 (1, 11)@2 |@2");
    assert_eq!(scheduler.now(), Instant::ZERO + Duration::from_secs(2));
    Ok(())
}

#[test]
fn who_loses_the_race_is_not_sampled_any_more() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let slow = from_iter(0..).output();
    let (slow_port, fast) = (slow.port().clone(), every_second(&scheduler, [1, 2, 3]));
    let handle = scheduler.schedule_periodic(slow, Duration::from_millis(1500)).expect("a period");
    slow_port.race(&fast).connect(seen.clone());
    scheduler.run_for(Duration::from_secs(2))?;
    assert!(!handle.is_active());
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 |@4");
    Ok(())
}

#[test]
fn a_timer_behind_a_join_outlives_the_input_that_set_it() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let slow = from_iter([5]).output();
    let (slow_port, fast) = (slow.port().clone(), every_second(&scheduler, [1]));
    scheduler.schedule_periodic(slow, Duration::from_secs(10)).expect("a period");
    fast.merge(&slow_port).debounce(Duration::from_secs(3)).connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@4 5@13 |@20"); // the fast one ended at 2
    Ok(())
}

/// Takes an event, and another one two seconds later.
struct Slow {
    seen: Recorder<i32>,
    free_at: Option<Instant>,
}

impl Sink for Slow {
    type Event = i32;
    fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        self.seen.next(event, cx)?;
        let free_at = cx.now() + Duration::from_secs(2);
        self.free_at = Some(free_at);
        cx.wake_at(free_at);
        Ok(Demand::Full)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.seen.notice(Notice::Completed, cx).map(drop)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.seen.notice(Notice::Error(error), cx).map(drop)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        match self.free_at {
            Some(free_at) if free_at <= cx.now() => {
                self.free_at = None;
                cx.resume();
            }
            Some(free_at) => cx.wake_at(free_at),
            None => {}
        }
        Ok(Demand::More)
    }
    fn has_room(&self) -> bool {
        self.free_at.is_none()
    }
}

#[test]
fn a_stage_behind_a_join_goes_on_after_the_input_has_ended_that_filled_it() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let slow = from_iter([4]).output();
    let (slow_port, fast) = (slow.port().clone(), every_second(&scheduler, [1, 2, 3]));
    scheduler.schedule_periodic(slow, Duration::from_secs(10)).expect("a period");
    let seen = Recorder::new();
    fast.merge(&slow_port).buffer(Limit::block(10)).connect(Slow { seen: seen.clone(), free_at: None });
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@3 3@5 4@10 |@20"); // the fast one ended at 4
    Ok(())
}

#[test]
fn the_faster_source_is_paused_and_loses_nothing() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let (seen, fast_seen) = (Recorder::new(), Recorder::new());
    let slow = from_iter(0..3).output();
    let (slow_port, fast) = (slow.port().clone(), every_second(&scheduler, 0..));
    scheduler.schedule_periodic(slow, Duration::from_millis(4400)).expect("a period");
    fast.also_to(fast_seen.clone()).zip(&slow_port, Limit::block(2)).connect(seen.clone());
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "(0, 0)@4.4 (1, 1)@8.8 (2, 2)@13.2 |@17.6");
    assert_eq!(fast_seen.timed_text(), "0@1 1@2 2@5 3@9 4@14");
    Ok(())
}

#[test]
fn a_join_may_be_connected_in_a_running_graph() -> Timed {
    let mut scheduler = Scheduler::virtual_time()?;
    let seen = Recorder::new();
    let (a, b) = (every_second(&scheduler, 0..), every_second(&scheduler, 10..));
    let (a, b) = (a.keep_running(), b.keep_running());
    scheduler.run_for(Duration::from_millis(1500))?;
    let connection = a.zip(&b, Limit::default()).start_with([(7, 7)]).connect(seen.clone());
    scheduler.run_for(Duration::from_secs(2))?;
    connection.disconnect();
    scheduler.run_for(Duration::from_secs(2))?;
    assert_eq!(seen.timed_text(), "(7, 7)@1.5 (1, 11)@2 (2, 12)@3");
    Ok(())
}

#[test]
fn what_is_held_goes_out_before_an_error_unless_told_otherwise() -> Result {
    let (a, b, seen) = ports::<i32, (), _>();
    let (dropped, lists) = (Recorder::new(), Recorder::new());
    a.sample(&b).connect(seen.clone());
    a.sample(&b).drop_on_error().connect(dropped.clone());
    a.buffer_until(&b, Limit::default()).send_empty().connect(lists.clone());
    emit(&b, [()])?;
    emit(&a, [1, 2])?;
    b.fail(StreamError::new("oh no"), &mut cx())?;
    assert_eq!((seen.text(), dropped.text()), ("2 ! oh no".into(), "! oh no".into()));
    assert_eq!(lists.text(), "[] [1, 2] ! oh no");
    Ok(())
}

#[test]
fn late_events_go_where_they_are_sent() -> Result {
    let (a, b, seen) = ports::<i32, i32, _>();
    let late = Recorder::new();
    a.merge_by_time(&b, |t| *t, Limit::default()).lookahead(5).late_to(late.clone()).connect(seen.clone());
    emit(&a, [1, 3, 2, 7])?; // 1 and 2 are settled by the 7
    emit(&b, [1, 4])?;
    a.complete(&mut cx())?;
    b.complete(&mut cx())?;
    assert_eq!((seen.text(), late.text()), ("1 2 3 4 7 |".into(), "1 |".into()));
    Ok(())
}

#[test]
fn a_full_join_fails_or_drops_as_told() -> Result {
    let (a, b, failing) = ports::<i32, i32, _>();
    let oldest = Recorder::new();
    let meter = QueueMeter::default();
    a.zip(&b, Limit::fail(2)).connect(failing.clone());
    a.zip(&b, Limit::drop_oldest(2).metered(&meter)).connect(oldest.clone());
    emit(&a, [1, 2, 3])?;
    emit(&b, [10, 20])?;
    assert_eq!(failing.text(), "! zip holds 2 events and is full: give it more room or another policy");
    assert_eq!(oldest.text(), "(2, 10) (3, 20)");
    assert_eq!(meter.stats().dropped, 1);
    Ok(())
}

#[test]
fn a_loop_through_a_join_is_freed_with_its_scheduler() -> Timed {
    let alive = Rc::new(());
    let mut scheduler = Scheduler::virtual_time()?;
    let (source, back) = (every_second(&scheduler, 0..), Port::new());
    let held = alive.clone();
    let total = source.zip_with(back.start_with([0]), Limit::default(), |a, b| a + b).share();
    total.inspect(move |_| _ = &held).connect(back);
    let seen = Recorder::new();
    total.connect(seen.clone());
    scheduler.run_for(Duration::from_secs(4))?;
    assert_eq!(seen.text(), "0 1 3 6");
    drop(scheduler);
    assert_eq!(Rc::strong_count(&alive), 1);
    Ok(())
}

#[test]
#[should_panic(expected = "emit_on(2): one of 2 inputs can be chosen, the first is 0")]
fn only_an_input_can_be_chosen() {
    let (a, b) = (Port::<i32>::new(), Port::<i32>::new());
    let _ = a.combine_latest(&b).emit_on([2]);
}
