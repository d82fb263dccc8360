//! Things with several outputs, and groups: 181 to 186, 269, 270; then what no case settles.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::splitting::{GroupBy, Split};
use thingflow_core::testing::Recorder;

use super::{Result, cx, emit};
use crate::call_with::call_with;

/// What two ports have seen.
pub(super) fn two<A: Clone + Debug + 'static, B: Clone + Debug + 'static>(
    ports: &(Port<A>, Port<B>),
) -> impl Fn() -> [String; 2] + use<A, B> {
    let seen = (Recorder::new(), Recorder::new());
    ports.0.connect(seen.0.clone());
    ports.1.connect(seen.1.clone());
    move || [seen.0.text(), seen.1.text()]
}

#[test]
fn case_181_split_an_element() -> Result {
    let x = Port::new();
    let seen = two(&x.split(|v: i32| (Some(v + 1), Some(2 * v))));
    emit(&x, 0..5)?;
    emit(&x, [10])?;
    emit(&x, [20, 100])?;
    assert_eq!(seen(), ["1 2 3 4 5 11 21 101", "0 2 4 6 8 20 40 200"]);
    Ok(())
}

fn split_counting(step: i32, runs: &[&[i32]]) -> [String; 2] {
    let (x, mut s) = (Port::new(), 0);
    let seen = two(&x.split(move |v: i32| {
        let now = s;
        s += step;
        (Some(v + now), Some(v * now))
    }));
    runs.iter().for_each(|run| emit(&x, run.to_vec()).expect("no fatal error"));
    seen()
}

#[test]
fn case_182_split_with_state() {
    let seen = split_counting(1, &[&[0, 1, 2, 3, 4], &[20], &[44, 93]]);
    assert_eq!(seen, ["0 2 4 6 8 25 50 100", "0 1 4 9 16 100 264 651"]);
}

#[test]
fn case_183_split_with_state_and_increment() {
    assert_eq!(split_counting(10, &[&[0, 1, 2, 3, 4]]), ["0 11 22 33 44", "0 10 40 90 160"]);
}

#[test]
fn case_184_unzip() -> Result {
    let pairs = Port::new();
    let seen = two(&pairs.unzip());
    emit(&pairs, [(1, 10), (2, 15), (3, 18)])?;
    emit(&pairs, [(37, 96)])?;
    assert_eq!(seen(), ["1 2 3 37", "10 15 18 96"]);
    Ok(())
}

#[test]
fn case_185_separate_by_index() -> Result {
    let pairs = Port::new();
    let [a, b] = pairs.route_by_index();
    let seen = two(&(a, b));
    emit(&pairs, [(0, 10), (1, 15), (0, 20)])?;
    assert_eq!(seen(), ["10 20", "15"]);
    emit(&pairs, [(1, 96)])?;
    assert_eq!(seen(), ["10 20", "15 96"]);
    Ok(())
}

#[test]
fn case_186_separate_with_a_bad_index() -> Result {
    let pairs = Port::new();
    let [a, b] = pairs.route_by_index();
    let seen = two(&(a, b));
    emit(&pairs, [(0, 1)])?;
    assert_eq!(pairs.emit((5, 2), &mut cx())?, Demand::Done);
    let error = "! route_by_index: there is no port 5; there are 2, the first is 0";
    assert_eq!(seen(), [format!("1 {error}"), error.to_owned()]);
    assert!(!pairs.is_listened());
    Ok(())
}

#[test]
fn case_269_two_branches_and_a_scan() -> Result {
    let source = Port::new();
    let (sums, doubled) = (Recorder::new(), Recorder::new());
    source.map(|x: i32| x + 1).accumulate(|s, x| s + x).connect(sums.clone());
    source.map(|x| x * 2).connect(doubled.clone());
    emit(&source, 0..4)?;
    assert_eq!([sums.text(), doubled.text()], ["1 3 6 10", "0 2 4 6"]);
    Ok(())
}

#[test]
fn case_270_emit_to_nobody() -> Result {
    emit(&Port::new(), [1])
}

#[test]
fn a_group_may_feed_the_stream_that_it_comes_from() -> Result {
    let (numbers, seen) = (Port::<u32>::new(), Recorder::new());
    let (again, sink) = (numbers.clone(), seen.clone());
    numbers.group_by(|x| x % 2).for_each(move |(odd, group)| {
        let halves = group.filter(|x| *x > 1).map(move |x| if odd == 0 { x / 2 } else { x - 1 }).share();
        halves.connect(again.clone());
        group.map(move |x| (odd, x)).connect(sink.clone());
    });
    emit(&numbers, [6])?;
    assert_eq!(seen.events(), [(0, 6), (1, 3), (0, 2), (1, 1)]);
    numbers.complete(&mut cx())
}

/// Counts what is dropped.
#[derive(Clone)]
struct Alive(Rc<()>);

#[test]
fn a_group_that_is_evicted_completes_and_lets_go_of_everything() -> Result {
    let alive = Rc::new(());
    let words = Port::<u32>::new();
    let by_tens = GroupBy::new(|x: &u32| x / 10).max_keys(2);
    let held = Alive(alive.clone());
    by_tens.groups().for_each(move |(_, group)| {
        let held = held.clone();
        group.for_each(move |_| assert!(Rc::strong_count(&held.0) > 1));
    });
    words.connect(by_tens);
    emit(&words, 0..1000)?;
    assert_eq!(Rc::strong_count(&alive), 1 + 1 + 2, "this one, that of the callback, and those of two groups");
    words.complete(&mut cx())?;
    assert_eq!(Rc::strong_count(&alive), 1);
    Ok(())
}

#[test]
fn the_source_of_groups_ends_with_the_last_that_listens() -> Result {
    let numbers = Port::<u32>::new();
    let connections = Rc::new(RefCell::new(Vec::new()));
    let list = connections.clone();
    let announced = numbers.group_by(|x| x % 2).for_each(move |(_, group)| {
        list.borrow_mut().push(group.for_each(drop));
    });
    emit(&numbers, 0..4)?;
    announced.disconnect();
    assert!(numbers.is_listened(), "two groups are");
    connections.borrow().iter().for_each(Connection::disconnect);
    assert!(!numbers.is_listened());
    assert_eq!(numbers.emit(1, &mut cx())?, Demand::Done);
    Ok(())
}

#[test]
fn timers_of_a_group_begin_with_its_first_event() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let source = from_iter([1, 2, 11, 3]).output();
    let sink = seen.clone();
    (&source).group_by(|x| x / 10).for_each(move |(_, group)| {
        group.chunks_within(9, Duration::from_millis(1500)).connect(sink.clone());
    });
    scheduler.schedule_periodic(source, Duration::from_secs(1))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "[1, 2]@2.5 [11]@4.5 [3]@5 |@5");
    Ok(())
}

#[test]
fn a_port_without_listeners_is_no_reason_to_stop() -> Result {
    let numbers = Port::<i32>::new();
    let (even, odd) = numbers.partition(|x| x % 2 == 0);
    let seen = Recorder::new();
    even.connect(seen.clone());
    emit(&numbers, 0..5)?;
    assert_eq!(numbers.emit(5, &mut cx())?, Demand::More);
    odd.take(1).connect(seen.clone());
    emit(&numbers, [7, 9])?;
    assert_eq!(seen.events(), [0, 2, 4, 7]);
    Ok(())
}

#[test]
fn a_branch_that_is_full_pauses_the_source() -> Result {
    let answering = |demand| call_with(move |_: i32, _| Ok(demand));
    let numbers = Port::<i32>::new();
    let (first, second) = numbers.split(|x| (Some(x), (x > 2).then_some(x)));
    first.connect(answering(Demand::More));
    second.connect(answering(Demand::Full));
    assert_eq!(numbers.emit(1, &mut cx())?, Demand::More);
    assert_eq!(numbers.emit(3, &mut cx())?, Demand::Full);
    let groups = numbers.group_by(|x| *x);
    groups.connect(pipe().map(|(key, _)| key).to(answering(Demand::Full)));
    assert_eq!(numbers.emit(1, &mut cx())?, Demand::Full, "who hears of the new group is busy");
    assert_eq!(numbers.emit(1, &mut cx())?, Demand::More);
    Ok(())
}

#[test]
fn emitting_remembers_that_somebody_was_full() -> Result {
    let mut answers = [Demand::More, Demand::Full, Demand::More].into_iter();
    let busy = move |_: i32, out: &mut DynEmitter<'_, '_, '_, i32>| answers.next().map_or_else(|| out.finish(), Ok);
    let mut chain = pipe().emit_with(|n: i32, emit| (0..n).for_each(emit)).pipe(filter_fn(busy)).to(call(drop));
    assert_eq!(chain.next(3, &mut cx())?, Demand::Full);
    assert_eq!(chain.next(3, &mut cx())?, Demand::Done);
    Ok(())
}

#[test]
fn a_flow_is_split_by_the_thing_itself() -> Result {
    let split = Split::new(|x: i32| (Some(x), Some(x.to_string())));
    let seen = two(&split.ports());
    from_iter([1, 2]).connect(split).run(&mut cx())?;
    assert_eq!(seen(), ["1 2 |", "\"1\" \"2\" |"]);
    Ok(())
}
