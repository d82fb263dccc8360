//! Every operator that keeps something, against a naive model of it: the events, and how the stream ends.
#![cfg(feature = "alloc")]

use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::timing::{ChunksTimeout, Repeat};
use thingflow_core::windows::{Chunks, Sliding};

/// How a stream ends.
type End = Option<&'static str>;

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(None), Just(Some("oh no"))]
}

fn events() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(-4..5, 0..24)
}

/// The line that a `Recorder` would show.
fn line<T: Debug>(events: impl IntoIterator<Item = T>, end: Option<&str>) -> String {
    let mut words: Vec<_> = events.into_iter().map(|e| format!("{e:?}")).collect();
    words.push(end.map_or("|".into(), |why| format!("! {why}")));
    words.join(" ")
}

/// The line that the filter gives for events one second apart, from second 1 on, as the scheduler would call it: woken each
/// second after the event, if `awake`, and never after it is done. `None` in `events` is a second without an event.
fn timed<F: Filter<i32>>(events: &[Option<i32>], end: End, awake: bool, filter: Pipe<i32, F>, times: bool) -> String
where
    F::Out: Debug + 'static,
{
    let seen = Recorder::new();
    let mut chain = filter.to(seen.clone());
    let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    let mut demand = chain.on_start(&mut at(0)).expect("no fatal error");
    let mut now = 0;
    for event in events {
        now += 1;
        if awake && demand != Demand::Done {
            demand = chain.on_wake(&mut at(now)).expect("no fatal error");
        }
        if let (Some(event), true) = (event, demand != Demand::Done) {
            demand = chain.on_next(*event, &mut at(now)).expect("no fatal error");
        }
    }
    if demand != Demand::Done {
        match end {
            None => chain.on_completed(&mut at(now)).expect("no fatal error"),
            Some(why) => chain.on_error(StreamError::new(why), &mut at(now)).expect("no fatal error"),
        }
    }
    assert_eq!(seen.after_end(), 0, "something came after the end");
    if times { seen.timed_text() } else { seen.text() }
}

fn run<F: Filter<i32>>(events: &[i32], end: End, filter: Pipe<i32, F>) -> String
where
    F::Out: Debug + 'static,
{
    let events: Vec<_> = events.iter().copied().map(Some).collect();
    timed(&events, end, false, filter, false)
}

/// A final value: only a stream that completes has one.
fn at_completion<T: Debug>(value: impl IntoIterator<Item = T>, end: End) -> String {
    line(value.into_iter().filter(|_| end.is_none()), end)
}

proptest! {
    #[test]
    fn take_and_skip(e in events(), end in end(), n in 0_usize..30) {
        let ends = if n <= e.len() { None } else { end };
        // A stream of exactly n events is complete with the last of them.
        prop_assert_eq!(run(&e, end, pipe().take(n)), line(e.iter().take(n), ends));
        prop_assert_eq!(run(&e, end, pipe().skip(n)), line(e.iter().skip(n), end));
        let m = n / 2;
        prop_assert_eq!(run(&e, end, pipe().skip(m).take(n)), line(e.iter().skip(m).take(n),
            if n == 0 || e.len() >= m + n { None } else { end }));
    }

    #[test]
    fn take_while_and_skip_while(e in events(), end in end(), limit in -4..5) {
        let p = move |x: &i32| *x < limit;
        let ends = if e.iter().all(p) { end } else { None };
        prop_assert_eq!(run(&e, end, pipe().take_while(p)), line(e.iter().copied().take_while(p), ends));
        prop_assert_eq!(run(&e, end, pipe().skip_while(p)), line(e.iter().copied().skip_while(p), end));
    }

    #[test]
    fn last_ones(e in events(), end in end(), n in 0_usize..30) {
        prop_assert_eq!(run(&e, end, pipe().take_last(n)), at_completion(&e[e.len().saturating_sub(n)..], end));
        prop_assert_eq!(run(&e, end, pipe().last_or(7)), at_completion([e.last().unwrap_or(&7)], end));
        let empty = end.or(e.is_empty().then_some("no elements"));
        prop_assert_eq!(run(&e, end, pipe().last()), at_completion(e.last(), empty));
    }

    #[test]
    fn running_results(e in events(), end in end(), seed in -4..5) {
        let sums = |from: i32| e.iter().scan(from, |s, x| { *s += x; Some(*s) }).collect::<Vec<_>>();
        prop_assert_eq!(run(&e, end, pipe().scan(seed, |s, x| s + x)), line(sums(seed), end));
        prop_assert_eq!(run(&e, end, pipe().accumulate(|s, x| s + x)), line(sums(0), end));
        let total = e.iter().sum::<i32>();
        prop_assert_eq!(run(&e, end, pipe().fold(seed, |s, x| s + x)), at_completion([total + seed], end));
        let empty = end.or(e.is_empty().then_some("no elements"));
        prop_assert_eq!(run(&e, end, pipe().reduce(|s, x| s + x)), at_completion([total], empty));
        prop_assert_eq!(run(&e, end, pipe().count()), at_completion([e.len()], end));
    }

    #[test]
    fn any(e in events(), end in end(), limit in -4..6) {
        let found = e.iter().any(|x| *x > limit);
        let expected = if found { line([true], None) } else { at_completion([false], end) };
        prop_assert_eq!(run(&e, end, pipe().any(move |x| x > limit)), expected);
    }

    #[test]
    fn neighbours(e in events(), end in end()) {
        let mut without = e.clone();
        without.dedup();
        prop_assert_eq!(run(&e, end, pipe().dedup()), line(without, end));
        prop_assert_eq!(run(&e, end, pipe().pairwise()), line(e.windows(2).map(|w| (w[0], w[1])), end));
        prop_assert_eq!(run(&e, end, pipe().enumerate()), line(e.iter().enumerate(), end));
    }

    #[test]
    fn own_events(e in events(), end in end(), own in events(), n in 1_usize..30) {
        let all = || own.iter().chain(&e);
        prop_assert_eq!(run(&e, end, pipe().start_with(own.clone())), line(all(), end));
        let ends = if all().count() >= n { None } else { end };
        prop_assert_eq!(run(&e, end, pipe().start_with(own.clone()).take(n)), line(all().take(n), ends));
        let default = if e.is_empty() && end.is_none() { vec![7] } else { e.clone() };
        prop_assert_eq!(run(&e, end, pipe().default_if_empty(7)), line(default, end));
        let copies = || e.iter().flat_map(|x| vec![*x; x.unsigned_abs() as usize]);
        let ends = if copies().count() >= n { None } else { end };
        let filter = pipe().flat_map(|x: i32| vec![x; x.unsigned_abs() as usize]).take(n);
        prop_assert_eq!(run(&e, end, filter), line(copies().take(n), ends));
    }

    #[test]
    fn groups(e in events(), end in end(), n in 1_usize..7) {
        prop_assert_eq!(run(&e, end, pipe().chunks(n)), line(e.chunks(n), end));
        let kept = if end.is_some() { &e[..e.len() / n * n] } else { &e[..] };
        prop_assert_eq!(run(&e, end, pipe().pipe(Chunks::new(n).drop_on_error())), line(kept.chunks(n), end));
        prop_assert_eq!(run(&e, end, pipe().sliding(n)), line(e.windows(n), end));
        let partial = (1..=e.len()).map(|to| &e[to.saturating_sub(n)..to]);
        prop_assert_eq!(run(&e, end, pipe().pipe(Sliding::new(n).partial())), line(partial, end));
        let medians = e.chunks(n).map(|group| {
            let mut group: Vec<_> = group.iter().copied().map(f64::from).collect();
            group.sort_by(f64::total_cmp);
            (group[(group.len() - 1) / 2] + group[group.len() / 2]) / 2.0
        });
        prop_assert_eq!(run(&e, end, pipe().map(f64::from).chunk_median(n)), line(medians, end));
        let means = (1..=e.len()).map(|to| {
            let window = &e[to.saturating_sub(n)..to];
            f64::from(window.iter().sum::<i32>()) / window.len() as f64
        });
        prop_assert_eq!(run(&e, end, pipe().map(f64::from).running_avg(n)), line(means, end));
    }

    #[test]
    fn debounce(e in slots(), end in end(), quiet in 1_u64..5, awake: bool) {
        // An event goes out if none follows in the `quiet - 1` seconds after it, or if it is the last of all.
        let quiet_after = |i: usize| e[i + 1..].iter().take(quiet as usize - 1).all(Option::is_none);
        let sent = (0..e.len()).filter(|i| quiet_after(*i)).filter_map(|i| e[i]);
        prop_assert_eq!(timed(&e, end, awake, pipe().debounce(Duration::from_secs(quiet)), false), line(sent, end));
    }

    #[test]
    fn time_groups(e in slots(), end in end(), interval in 1_u64..5, awake: bool) {
        // The event of second t is in the interval t / interval, for an interval includes its start.
        let mut groups = vec![Vec::new(); e.len() / interval as usize + 1];
        for (i, event) in e.iter().enumerate() {
            groups[(i + 1) / interval as usize].extend(*event);
        }
        let filled = groups.iter().filter(|g| !g.is_empty());
        let interval = Duration::from_secs(interval);
        prop_assert_eq!(timed(&e, end, awake, pipe().chunks_timeout(interval), false), line(filled, end));
        if groups.last().is_some_and(Vec::is_empty) {
            groups.pop();
        }
        let all = pipe().pipe(ChunksTimeout::new(interval).send_empty());
        prop_assert_eq!(timed(&e, end, true, all, false), line(groups, end));
    }

    #[test]
    fn limited_groups(e in slots(), end in end(), n in 1_usize..5, limit in 1_u64..5, awake: bool) {
        let mut groups: Vec<(u64, Vec<i32>)> = Vec::new();
        for (t, event) in (1_u64..).zip(&e) {
            let Some(event) = *event else { continue };
            match groups.last_mut() {
                Some((since, group)) if group.len() < n && t < *since + limit => group.push(event),
                _ => groups.push((t, vec![event])),
            }
        }
        let filter = pipe().chunks_within(n, Duration::from_secs(limit));
        prop_assert_eq!(timed(&e, end, awake, filter, false), line(groups.iter().map(|(_, g)| g), end));
    }

    #[test]
    fn timeouts(e in slots(), end in end(), interval in 1_u64..5) {
        let (mut last, mut due, mut sent) = (None, interval, Vec::new());
        for (t, event) in (1_u64..).zip(&e) {
            if t == due {
                sent.extend(last); // the wake-up comes first
                due = t + interval;
            }
            if let Some(event) = *event {
                sent.push(event);
                (last, due) = (Some(event), t + interval);
            }
        }
        let filter = pipe().on_timeout(Duration::from_secs(interval), Repeat::last());
        prop_assert_eq!(timed(&e, end, true, filter, false), line(sent, end));
    }

    #[test]
    fn running_avg_of_rough_values(e in prop::collection::vec(-1e6..1e6_f64, 0..200), n in 1_usize..20) {
        let means = from_iter(e.clone()).running_avg(n).collect_now();
        prop_assert_eq!(means.len(), e.len());
        for (to, mean) in (1..).zip(means) {
            let window = &e[usize::saturating_sub(to, n)..to];
            let exact = window.iter().sum::<f64>() / window.len() as f64;
            prop_assert!((mean - exact).abs() < 1e-8, "{} is not {}", mean, exact);
        }
    }
}

/// A second each, with an event or without.
fn slots() -> impl Strategy<Value = Vec<Option<i32>>> {
    prop::collection::vec(prop::option::of(-4..5), 0..24)
}

#[test]
fn substitutes_come_at_their_time() {
    let e = [Some(1), None, None, None, Some(2), None];
    let filter = pipe().on_timeout(Duration::from_secs(2), || Some(0));
    assert_eq!(timed(&e, None, true, filter, true), "1@1 0@3 0@5 2@5 |@6");
    let filter = pipe().debounce(Duration::from_secs(2));
    assert_eq!(timed(&e, None, true, filter, true), "1@3 2@6 |@6");
}
