//! One stream through filters: 111 to 125, 192 to 201, 271 to 279, 402; then what no case settles.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::{Result, cx, emit, runs};

#[test]
fn case_111_map_in_several_runs() {
    let x = [&[0, 1, 2][..], &[10, 20, 30], &[0, -10]];
    assert_eq!(runs(&x, pipe().map(|v| 2 * v)), "0 2 4 20 40 60 0 -20");
}

#[test]
fn case_112_filter() {
    assert_eq!(runs(&[&[0, 1, 2, 3, 4]], pipe().filter(|v| *v < 3)), "0 1 2");
}

/// Two streams in a loop: y goes by a Fibonacci step into x, and what `divisor` does not divide of x back into y.
fn fibonacci(divisor: impl Fn() -> u32 + 'static) -> (Port<u32>, Recorder<u32>) {
    let (x, y, seen) = (Port::new(), Port::new(), Recorder::new());
    x.connect(seen.clone());
    let step = |state: &mut (u32, u32), _| {
        *state = (state.1, state.0 + state.1);
        state.0
    };
    y.map_with((0, 1), step).connect(x.clone());
    x.filter(move |v| v % divisor() != 0).connect(y.clone());
    (y, seen)
}

#[test]
fn case_113_feedback_to_a_fixed_point() -> Result {
    let (y, seen) = fibonacci(|| 4);
    emit(&y, [0])?;
    assert_eq!(seen.text(), "1 1 2 3 5 8");
    emit(&y, [0])?;
    assert_eq!(seen.text(), "1 1 2 3 5 8 13 21 34 55 89 144");
    y.complete(&mut cx()) // takes the loop apart
}

#[test]
fn case_114_changing_a_parameter_between_runs() -> Result {
    let divisor = Rc::new(Cell::new(4));
    let read = divisor.clone();
    let (y, seen) = fibonacci(move || read.get());
    emit(&y, [0])?;
    divisor.set(2);
    emit(&y, [0])?;
    assert_eq!(seen.text(), "1 1 2 3 5 8 13 21 34");
    y.complete(&mut cx())
}

#[test]
fn case_115_state_in_an_object() {
    struct State {
        last: u32,
        next: u32,
    }
    let filter = pipe().map_with(State { last: 0, next: 1 }, |s, _: u32| {
        let sent = s.last;
        *s = State { last: s.next, next: s.last + s.next };
        sent
    });
    assert_eq!(from_iter(0..10).pipe(filter).collect_now(), [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]);
}

#[test]
fn case_116_constant_arguments() {
    let scale = |factor: i32, offset: i32| pipe().map(move |v| factor * v + offset);
    assert_eq!(runs(&[&[0, 1, 2, 3, 4]], scale(2, 10)), "10 12 14 16 18");
}

#[test]
fn case_117_no_value() {
    assert_eq!(from_iter(0..20).filter_map(|v| (v < 5).then_some(v)).collect_now(), [0, 1, 2, 3, 4]);
}

#[test]
fn case_118_several_values_from_one() {
    let pairs = [(10, 10), (2, 20), (30, 3), (4, 4), (1, 3), (60, 70)];
    let spread = from_iter(pairs).emit_with(|(a, b), emit| {
        if a > 5 {
            emit(a);
        }
        if b > 5 {
            emit(b);
        }
    });
    assert_eq!(spread.collect_now(), [10, 10, 20, 30, 60, 70]);
}

#[test]
fn case_119_values_as_a_group_stay_one() {
    assert_eq!(from_iter([1]).map(|v| [v, v]).collect_now(), [[1, 1]]);
}

fn add_and_count(state: &mut i32, v: i32) -> i32 {
    let sum = v + *state;
    *state += 2;
    sum
}

#[test]
fn case_120_map_with_state() {
    assert_eq!(runs(&[&[0, 1, 2], &[3, 4]], pipe().map_with(0, add_and_count)), "0 3 6 9 12");
}

#[test]
fn case_121_batch_pulled_by_a_call_stream() -> Result {
    let (x, w, seen) = (Port::new(), Port::new(), Recorder::new());
    x.buffer_until(&w, Limit::default()).flatten().map_with(10, add_and_count).connect(seen.clone());
    emit(&x, [0, 1, 2])?;
    emit(&x, [3, 4])?;
    assert_eq!(seen.text(), "");
    emit(&w, ["now"])?;
    assert_eq!(seen.text(), "10 13 16 19 22");
    Ok(())
}

#[test]
fn case_122_state_argument_and_order() {
    let filter = |offset: i32| pipe().map(move |v: i32| 2 * v + offset).map_with(0, add_and_count);
    assert_eq!(runs(&[&[0, 1, 2, 3, 4]], filter(10)), "10 14 18 22 26");
}

#[test]
fn case_123_filter_with_a_moving_bound() {
    let filter = pipe().filter_with(0, |bound, v| {
        let keep = *v <= *bound;
        *bound += 1;
        keep
    });
    assert_eq!(runs(&[&[0, 1, 3, 3, 6, 8]], filter), "0 1 3");
}

#[test]
fn case_124_cycle_with_a_filter() -> Result {
    let (n, o) = (Port::new(), Port::new());
    let (seen_n, seen_o) = (Recorder::new(), Recorder::new());
    n.connect(seen_n.clone());
    o.connect(seen_o.clone());
    o.filter(|v| *v <= 5).connect(n.clone());
    n.map(|v: i32| v + 2).connect(o.clone());
    emit(&n, [0])?;
    assert_eq!([seen_n.text(), seen_o.text()], ["0 2 4", "2 4 6"]);
    n.complete(&mut cx())
}

#[test]
fn case_125_keep_while_decreasing() {
    let filter = pipe().filter_with(0, |last, v| *v < std::mem::replace(last, *v));
    assert_eq!(runs(&[&[10, 9, 5, 7, 8, 12, 11, 3, 6, 9]], filter), "9 5 11 3");
}

#[test]
fn case_192_sink_with_state() -> Result {
    let (x, lines) = (Port::new(), Rc::new(RefCell::new(Vec::new())));
    let (list, mut n) = (lines.clone(), 0);
    x.for_each(move |v: i32| {
        list.borrow_mut().push(format!("{n}:{v}"));
        n += 1;
    });
    emit(&x, 100..103)?;
    emit(&x, 200..203)?;
    assert_eq!(*lines.borrow(), ["0:100", "1:101", "2:102", "3:200", "4:201", "5:202"]);
    Ok(())
}

#[test]
fn cases_193_and_194_to_a_list_with_state() -> Result {
    let f = |s: &mut i32, v: i32| {
        let sent = 2 * v + 100 + *s;
        *s += v;
        sent
    };
    for (events, expected) in
        [(vec![3, 23, 14], vec![106, 149, 154]), (vec![0, 1, 2, 3, 4], vec![100, 102, 105, 109, 114])]
    {
        let (x, list) = (Port::new(), Rc::default());
        x.map_with(0, f).collect_into(&list);
        emit(&x, events)?;
        assert_eq!(*list.borrow(), expected);
    }
    Ok(())
}

#[test]
fn case_195_running_sum_and_running_product_with_sum() {
    assert_eq!(from_iter(0..5).scan(0, |s, v| s + v).collect_now(), [0, 1, 3, 6, 10]);
    let products = from_iter(0..5).map_with(0, |s, v| {
        let sent = v * *s;
        *s += v;
        sent
    });
    assert_eq!(products.collect_now(), [0, 0, 2, 9, 24]);
}

#[test]
fn case_199_sink_of_windows() -> Result {
    let (x, list) = (Port::new(), Rc::default());
    x.sliding(4).step_by(2).flatten().collect_into(&list);
    emit(&x, 0..10)?;
    assert_eq!(*list.borrow(), [0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9]);
    Ok(())
}

#[test]
fn case_200_sink_until_false() -> Result {
    let (x, list) = (Port::new(), Rc::new(RefCell::new(Vec::new())));
    let seen = list.clone();
    x.for_each_while(move |v: i32| {
        seen.borrow_mut().push(v);
        v < 3
    });
    emit(&x, [1, 2, 3, 4, 1])?;
    assert_eq!(*list.borrow(), [1, 2, 3]);
    assert!(!x.is_listened());
    Ok(())
}

#[test]
fn case_201_sink_with_a_state_that_adds() -> Result {
    let (x, list) = (Port::new(), Rc::default());
    x.map_with(0, |s: &mut i32, v: i32| {
        *s += 10;
        v + *s - 10
    })
    .collect_into(&list);
    emit(&x, 0..5)?;
    assert_eq!(*list.borrow(), [0, 11, 22, 33, 44]);
    Ok(())
}

#[test]
fn case_271_scan_with_state_and_output() {
    let filter = pipe().map_with(0, |acc: &mut i32, i: i32| {
        *acc += i;
        *acc
    });
    assert_eq!(runs(&[&[0, 1, 2]], filter), "0 1 3");
}

#[test]
fn case_272_scan_with_a_constant() {
    assert_eq!(runs(&[&[0, 1, 2]], pipe().accumulate(|acc, x| acc + x + 10)), "0 11 23");
}

#[test]
fn case_273_scan_with_start() {
    assert_eq!(runs(&[&[1, 2, 3]], pipe().scan(10, |acc, x| acc + x)), "11 13 16");
    let both = pipe().scan(0, |acc, x| acc + x).map(|sum: i32| (sum, sum));
    assert_eq!(runs(&[&[1, 2, 3]], both), "(1, 1) (3, 3) (6, 6)");
}

#[test]
fn case_274_scan_that_fails_keeps_its_state() {
    let add = || {
        let mut sum = 0;
        move |x: &i32| {
            if *x == 2 {
                return Err("two");
            }
            sum += x;
            Ok(sum)
        }
    };
    assert_eq!(from_iter([1, 2, 3]).try_map_with(ErrorPolicy::skip(), add()).collect_now(), [1, 4]);
    let mut ending = add();
    let (seen, error) = from_iter([1, 2, 3]).try_map(move |x| ending(&x)).try_collect_now();
    assert_eq!((seen, error), (vec![1], Some(StreamError::new("two"))));
}

#[test]
fn case_275_filter() {
    let divisible = |by: i32| from_iter(0..10).filter(move |x| x % by == 0);
    assert_eq!(divisible(2).collect_now(), [0, 2, 4, 6, 8]);
}

#[test]
fn case_276_filter_by_truth() {
    assert_eq!(from_iter(0..10).map(|n| n % 3).filter(|n| *n != 0).collect_now(), [1, 2, 1, 2, 1, 2]);
}

#[test]
fn case_277_map_with_constants_and_starmap() {
    let add = |n: i32| pipe().map(move |x| x + n);
    assert_eq!(runs(&[&[1]], add(10)), "11");
    assert_eq!(runs(&[&[(1, 10)]], pipe().map(|(a, b)| a + b)), "11");
}

#[test]
fn case_278_map_keeps_none() {
    assert_eq!(runs(&[&[1]], pipe().map(|_| None::<i32>)), "None");
}

#[test]
fn case_279_remove() {
    assert_eq!(from_iter(0..10).filter(|x| x % 2 != 0).collect_now(), [1, 3, 5, 7, 9]);
}

#[test]
fn case_402_value_counts_run_on() {
    let counts = from_iter([["a", "b", "a"], ["a", "b", "a"]]).flatten().counts(10).collect_now();
    assert_eq!(*counts[2], BTreeMap::from([("a", 2), ("b", 1)]));
    assert_eq!(*counts[5], BTreeMap::from([("a", 4), ("b", 2)]));
}

#[test]
fn caught_errors_of_a_second_stream_are_final() -> Result {
    let (main, spare) = (Port::<i32>::new(), Port::new());
    let (seen, ended) = (Recorder::new(), Recorder::new());
    let instead = spare.clone();
    main.catch(move |_| instead).connect(seen.clone());
    main.catch(|_| {
        let closed = Port::new();
        closed.complete(&mut cx()).expect("no fatal error");
        closed
    })
    .connect(ended.clone());
    emit(&main, [1])?;
    main.fail(StreamError::new("first"), &mut cx())?;
    emit(&spare, [2])?;
    spare.fail(StreamError::new("second"), &mut cx())?;
    assert_eq!([seen.text(), ended.text()], ["1 2 ! second", "1 |"]);
    Ok(())
}

#[test]
fn a_source_is_opened_again_with_a_wait_that_grows() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let mut opened = 0;
    let source = retry(1, move || {
        opened += 1;
        if opened < 4 { Err("no such device") } else { Ok(from_iter(opened..6)) }
    });
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(9));
    let on_failure = OnFailure::Retry { backoff, attempts: 5 };
    let timing = Periodic::every(Duration::from_secs(1)).starting_now().on_failure(on_failure);
    scheduler.schedule_periodic(source.connect(seen.clone()), timing)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "4@0.7 5@1 |@2");
    Ok(())
}

#[test]
fn intervals_are_those_of_the_schedulers_clock() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let timing = Periodic::every(Duration::from_secs(2)).first_after(Duration::from_secs(5));
    let flow = from_iter(0..3).time_interval().map(|(since, x)| (since.as_secs(), x));
    scheduler.schedule_periodic(flow.connect(seen.clone()), timing)?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [(5, 0), (2, 1), (2, 2)]);
    Ok(())
}

#[test]
fn what_cannot_be_compared_is_passed_over() {
    let nan = f64::NAN;
    assert_eq!(from_iter([nan, 2.0, nan, 1.0]).min().collect_now(), [1.0]);
    assert_eq!(from_iter([nan, 2.0, nan, 1.0]).max().collect_now(), [2.0]);
    assert_eq!(from_iter([nan]).max().try_collect_now().1, Some(StreamError::new("no elements")));
    assert_eq!(from_iter([nan, 2.0, nan, 1.0]).top_k(3).last().collect_now(), [[2.0, 1.0]]);
}
