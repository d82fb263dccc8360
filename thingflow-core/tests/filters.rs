//! The acceptance cases of the filters, by their numbers. `|` is the completion, `! why` the error.
#![cfg(feature = "alloc")]

use std::fmt::Debug;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Identity, OutputThing};

/// What comes out of `filter` for `events`, which end by an error if one is among them. Counts how many were taken.
fn run<T: 'static, F: Filter<T>>(
    events: impl IntoIterator<Item = Result<T, &'static str>>,
    filter: Pipe<T, F>,
) -> (String, usize)
where
    F::Out: Debug,
{
    let seen = Recorder::new();
    let mut chain = filter.to(seen.clone());
    let cx = &mut Context::detached(Instant::ZERO);
    let mut taken = 0;
    let mut demand = chain.notice(Notice::Start, cx).expect("no fatal error");
    let mut events = events.into_iter();
    while demand != Demand::Done {
        let Some(event) = events.next() else {
            chain.notice(Notice::Completed, cx).expect("no fatal error");
            break;
        };
        taken += 1;
        match event {
            Ok(event) => demand = chain.next(event, cx).expect("no fatal error"),
            Err(why) => {
                chain.notice(Notice::Error(StreamError::new(why)), cx).expect("no fatal error");
                break;
            }
        }
    }
    assert_eq!(seen.after_end(), 0);
    (seen.text(), taken)
}

fn check<F: Filter<i32>>(events: impl IntoIterator<Item = i32>, filter: Pipe<i32, F>, expected: &str)
where
    F::Out: Debug,
{
    assert_eq!(run(events.into_iter().map(Ok), filter).0, expected);
}

fn check_error<F: Filter<i32>>(events: impl IntoIterator<Item = i32>, filter: Pipe<i32, F>, expected: &str)
where
    F::Out: Debug,
{
    assert_eq!(run(events.into_iter().map(Ok).chain([Err("oh no")]), filter).0, expected);
}

fn p() -> Pipe<i32, Identity> {
    pipe()
}

#[test]
fn case_35_first() {
    assert_eq!(run((1..=6).map(Ok), p().first()), ("1 |".into(), 1));
}

#[test]
fn case_36_first_of_nothing() {
    check([], p().first(), "|");
}

#[test]
fn case_37_take_ends_the_source() {
    assert_eq!(run((1..=4).map(Ok), p().take(2)), ("1 2 |".into(), 2));
    // Also with filters before and behind it.
    assert_eq!(run((1..=4).map(Ok), p().map(|x| x).take(2).map(|x| x)), ("1 2 |".into(), 2));
}

#[test]
fn case_38_take_on_one_of_two_branches() {
    let mut output = from_iter(1..=4).output();
    let (a, b) = (Recorder::new(), Recorder::new());
    output.take(2).connect(a.clone());
    output.connect(b.clone());
    let ended_after = drive(&mut output);
    assert_eq!((a.text(), b.text(), ended_after), ("1 2 |".into(), "1 2 3 4 |".into(), 5));
}

/// Samples until there is nothing more to do, and says how often.
fn drive(output: &mut impl OutputThing) -> usize {
    let cx = &mut Context::detached(Instant::ZERO);
    let mut demand = output.notice(Notice::Start, cx).expect("no fatal error");
    let mut runs = 0;
    while demand != Demand::Done {
        runs += 1;
        demand = match output.produce(cx) {
            Ok(demand) => demand,
            Err(Failure::Sample(error)) => {
                let _ = output.notice(Notice::Error(error), cx).expect("no fatal error");
                Demand::Done
            }
            Err(Failure::NotYet) => panic!("each call has an event"),
            Err(Failure::Fatal(error)) => panic!("{}", cx.take_error(error)),
        };
    }
    runs
}

#[test]
fn case_39_take_more_than_there_is() {
    check(1..=3, p().take(5), "1 2 3 |");
}

#[test]
fn case_40_take_nothing() {
    assert_eq!(run((1..=3).map(Ok), p().take(0)), ("|".into(), 0));
    assert_eq!(run((1..=3).map(Ok), p().map(|x| x).take(0).take(2)), ("|".into(), 0));
}

#[test]
fn case_41_skip() {
    check(1..=4, p().skip(2), "3 4 |");
}

#[test]
fn case_42_skip_more_than_there_is() {
    check(1..=4, p().skip(9), "|");
}

#[test]
fn case_43_take_last() {
    check(1..=3, p().take_last(2), "2 3 |");
}

#[test]
fn case_44_take_last_short_input_and_zero() {
    check(1..=3, p().take_last(5), "1 2 3 |");
    check(1..=3, p().take_last(0), "|");
}

#[test]
fn case_45_take_last_on_error() {
    check_error(1..=3, p().take_last(2), "! oh no");
}

#[test]
fn case_46_last() {
    check(1..=3, p().last(), "3 |");
}

#[test]
fn case_47_last_of_nothing() {
    check([], p().last(), "! no elements");
    check([], p().last_or(7), "7 |");
}

#[test]
fn case_48_last_on_error() {
    check_error(1..=2, p().last(), "! oh no");
    check_error(1..=2, p().last_or(7), "! oh no");
}

#[test]
fn case_49_some_found() {
    assert_eq!(run((1..=3).map(Ok), p().any(|x| x > 1)), ("true |".into(), 2));
}

#[test]
fn case_50_some_not_found_and_empty() {
    check(1..=3, p().any(|x| x > 9), "false |");
    check([], p().any(|x| x > 9), "false |");
}

#[test]
fn case_51_some_on_error() {
    check_error([1], p().any(|x| x > 9), "! oh no");
}

#[test]
fn case_52_scan_without_seed() {
    check(1..=3, p().accumulate(|a, b| a + b), "1 3 6 |");
}

#[test]
fn case_53_scan_with_seed() {
    check(1..=3, p().scan(10, |a, b| a + b), "11 13 16 |");
    check(1..=3, p().scan(0, |a, b| a + b), "1 3 6 |");
}

#[test]
fn case_54_reduce() {
    check(1..=3, p().fold(0, |a, b| a + b), "6 |");
    check(1..=3, p().reduce(|a, b| a + b), "6 |");
}

#[test]
fn case_55_reduce_of_nothing() {
    check([], p().fold(0, |a, b| a + b), "0 |");
    check([], p().reduce(|a, b| a + b), "! no elements");
}

#[test]
fn case_56_take_last_then_scan() {
    check(1..=5, p().take_last(3).scan(0, |a, b| a + b), "3 7 12 |");
}

fn divide(x: i32) -> Result<i32, &'static str> {
    1_i32.checked_div(x - 2).ok_or("division by zero")
}

#[test]
fn case_57_map_that_fails() {
    let mut output = from_iter(1..=3).output();
    let (a, b) = (Recorder::new(), Recorder::new());
    output.try_map(divide).connect(a.clone());
    output.connect(b.clone());
    drive(&mut output);
    assert_eq!((a.text(), b.text()), ("-1 ! division by zero".into(), "1 2 3 |".into()));
}

#[test]
fn case_58_filter_that_fails() {
    let keep = |x: &i32| divide(*x).map(|y| y != 0);
    assert_eq!(run((1..=3).map(Ok), p().try_filter(keep)), ("1 ! division by zero".into(), 2));
}

#[test]
fn case_59_filter_map_drops_nothing_values() {
    check(1..=3, p().filter_map(|x| (x != 2).then_some(x)), "1 3 |");
}

#[test]
fn windows_flush_what_they_hold_and_nothing_else() {
    check(1..=4, p().chunks(2), "[1, 2] [3, 4] |");
    check([], p().chunks(2), "|");
    check_error(1..=3, p().chunks(2), "[1, 2] [3] ! oh no");
    check(1..=2, p().sliding(3), "|");
    let halves = p().map(f64::from).chunk_median_of::<2>();
    check_error([1, 2, 5], halves, "1.5 5.0 ! oh no");
}

#[test]
fn a_median_has_the_time_of_the_last_event() {
    let event = |secs, val| Ok(SensorEvent::new("t", Timestamp::from_secs(secs), val));
    let medians = pipe::<SensorEvent<f64>>().chunk_median(2).map(|e| e.to_string());
    let seen = run([event(1, 9.0), event(2, 1.0), event(3, 2.0)], medians);
    assert_eq!(seen.0, r#""t 1970-01-01T00:00:02Z 5" "t 1970-01-01T00:00:03Z 2" |"#);
}

#[test]
fn nothing_follows_when_the_receiver_is_done() {
    check(1..=4, p().chunks(3).take(1), "[1, 2, 3] |");
    check(1..=4, p().flat_map(|x| [x, x, x]).take(4), "1 1 1 2 |");
    check(1..=4, p().start_with([8, 9]).take(1), "8 |");
    check(1..=4, p().take(2).take(2), "1 2 |");
    check(1..=4, p().any(|x| x == 1).take(1), "true |");
    check([], p().default_if_empty(1).take(1), "1 |");
    check_error(1..=2, p().chunks(9).take(1), "[1, 2] |");
    check(1..=9, p().take_last(5).take(2), "5 6 |");
}

#[test]
fn a_tap_sees_events_and_the_end_first() {
    let (side, rest) = (Recorder::new(), Recorder::new());
    let mut chain = p().also_to(side.clone()).to(rest.clone());
    chain.feed([1, 2]).expect("no fatal error");
    assert_eq!((side.text(), rest.text()), ("1 2 |".into(), "1 2 |".into()));

    let side = Recorder::new();
    check_error(1..=2, p().also_to(side.clone()), "1 2 ! oh no");
    assert_eq!(side.text(), "1 2 ! oh no");

    let side = Recorder::new();
    check(1..=4, p().also_to(pipe().take(1).to(side.clone())), "1 2 3 4 |"); // the branch is done, the rest goes on
    assert_eq!(side.text(), "1 |");

    let side = Recorder::new();
    check(1..=4, p().also_to(side.clone()).take(2), "1 2 |"); // the rest is done, so the branch is told
    assert_eq!((side.text(), side.after_end()), ("1 2 |".into(), 0));
}

#[test]
fn a_tee_serves_its_branches_in_order_until_each_is_done() {
    let (a, b, c) = (Recorder::new(), Recorder::new(), Recorder::new());
    let ends = tee((pipe().take(1).to(a.clone()), b.clone(), pipe().take(3).to(c.clone())));
    p().to(ends).feed(1..=4).expect("no fatal error");
    assert_eq!([a.text(), b.text(), c.text()], ["1 |", "1 2 3 4 |", "1 2 3 |"]);
    assert_eq!(a.after_end() + b.after_end() + c.after_end(), 0);

    let mut taken = 0;
    let counted = (1..9).inspect(|_| taken += 1);
    p().to(tee((pipe().take(1).to(a), pipe().take(2).to(b)))).feed(counted).expect("no fatal error");
    assert_eq!(taken, 2); // all are done, so the source is not asked for more
}

#[test]
fn a_function_filter_sees_everything() {
    type Out<'e, 'c, 'n> = DynEmitter<'e, 'c, 'n, i32>;
    let twice = || {
        filter_fn(|x: i32, out: &mut Out<'_, '_, '_>| out.send_all([x, x]))
            .on_completed(|out: &mut Out<'_, '_, '_>| out.flush([0]))
            .on_error(|error, out: &mut Out<'_, '_, '_>| out.flush_error([-1], error))
    };
    check(1..=2, p().pipe(twice()), "1 1 2 2 0 |");
    check_error(1..=2, p().pipe(twice()), "1 1 2 2 -1 ! oh no");
}

#[cfg(feature = "std")]
#[test]
fn a_writer_that_fails_ends_the_run() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let error = p().to(write_to(Full)).feed([1]).expect_err("the writer fails");
    assert_eq!(error.to_string(), "the disk is full");
    let mut text = Vec::new();
    p().try_map(divide).to(write_to(&mut text)).feed([1, 2]).expect("no fatal error");
    assert_eq!(String::from_utf8_lossy(&text), "-1\n", "the error is reported, and not written among the events");
}

#[cfg(feature = "std")]
#[test]
fn f83_texts_are_written_as_they_are_and_nothing_else() {
    let mut text = Vec::new();
    pipe::<&str>().to(write_to(&mut text)).feed(["warm \"up\"", "cold"]).expect("no fatal error");
    assert_eq!(String::from_utf8_lossy(&text), "warm \"up\"\ncold\n");
}

/// The operators with time, on the scheduler's virtual clock.
#[cfg(feature = "std")]
mod timed {
    use super::*;
    use std::time::Duration;
    use thingflow_core::timing::Repeat;
    use thingflow_core::windows::List;

    /// What comes out of `filter` for an event every 2 s, from second 2 on.
    fn every_2_s<F: Filter<i32> + 'static>(events: std::ops::RangeInclusive<i32>, filter: Pipe<i32, F>) -> String
    where
        F::Out: Debug + 'static,
    {
        let seen = Recorder::new();
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        let flow = from_iter(events).pipe(filter).connect(seen.clone());
        scheduler.schedule_periodic(flow, Duration::from_secs(2)).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(seen.after_end(), 0);
        seen.timed_text()
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn debounce_waits_until_it_is_quiet() {
        assert_eq!(every_2_s(1..=3, pipe().debounce(secs(1))), "1@3 2@5 3@7 |@8");
        assert_eq!(every_2_s(1..=3, pipe().debounce(secs(3))), "3@8 |@8");
        assert_eq!(every_2_s(1..=3, pipe().debounce(secs(1)).take(1)), "1@3 |@3");
    }

    #[test]
    fn intervals_begin_with_the_run() {
        assert_eq!(every_2_s(1..=4, pipe().chunks_timeout(secs(5), Limit::default())), "[1, 2]@5 [3, 4]@10 |@10");
        assert_eq!(
            every_2_s(
                1..=2,
                pipe().window(Window::each(secs(1)).from_start().send_empty(), List::within(Limit::default()))
            ),
            "[]@1 []@2 [1]@3 []@4 [2]@5 |@6"
        );
        assert_eq!(every_2_s(1..=4, pipe().chunks_timeout(secs(5), Limit::default()).take(1)), "[1, 2]@5 |@5");
    }

    #[test]
    fn a_limited_group_begins_with_its_first_event() {
        assert_eq!(every_2_s(1..=4, pipe().chunks_within(3, secs(5))), "[1, 2, 3]@6 [4]@10 |@10");
        assert_eq!(every_2_s(1..=4, pipe().chunks_within(3, secs(3))), "[1, 2]@5 [3, 4]@9 |@10");
    }

    #[test]
    fn a_timeout_repeats_until_an_event_comes() {
        assert_eq!(
            every_2_s(1..=2, pipe().on_timeout(Duration::from_millis(1500), || Some(0))),
            "0@1.5 1@2 0@3.5 2@4 0@5.5 |@6"
        );
        assert_eq!(
            every_2_s(1..=2, pipe().on_timeout(Duration::from_millis(1500), Repeat::last())),
            "1@2 1@3.5 2@4 2@5.5 |@6"
        );
    }

    #[test]
    fn timers_run_on_both_sides_of_a_port_and_in_a_tap() {
        let (side, seen) = (Recorder::new(), Recorder::new());
        let output = from_iter(1..=3).output();
        let port = output.also_to(pipe().debounce(secs(1)).to(side.clone())).chunks_within(2, secs(3)).share();
        port.debounce(Duration::from_millis(500)).connect(seen.clone());
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        scheduler.schedule_periodic(output, secs(2)).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(side.timed_text(), "1@3 2@5 3@7 |@8");
        assert_eq!(seen.timed_text(), "[1, 2]@4.5 [3]@8 |@8");
    }

    #[test]
    fn a_loop_goes_round_once_a_turn_and_does_not_keep_itself_alive() {
        let (output, seen) = (from_iter([3]).output(), Recorder::new());
        let numbers = output.port().clone();
        numbers.connect(seen.clone());
        numbers.filter(|n| *n > 1).map(|n| n - 1).feedback(&numbers);
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        scheduler.schedule_periodic(output, secs(2)).expect("a schedule");
        scheduler.run_forever().expect("no fatal error");
        assert_eq!(seen.timed_text(), "3@2 2@2 1@2 |@4");
    }
}
