//! Filters against a naive model.

mod branches;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use thingflow_core::elementwise::{Hysteresis, SlidingHooks, SlidingTransducer};
use thingflow_core::ends::Notification;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use crate::{End, at_completion, end, events, line, run};

/// What the first `n` of some events look like, if the receiver wants no more than that.
fn cut(events: impl IntoIterator<Item: std::fmt::Debug>, n: usize, end: End) -> String {
    let events: Vec<_> = events.into_iter().collect();
    let ends = if events.len() < n { end } else { None };
    line(events.iter().take(n), ends)
}

/// What a filter gives behind a port into which the sink sends half of everything that it gets, if that is not 0; and
/// what a model of the filter gives, one event at a time.
fn looped<F>(e: &[i32], filter: Pipe<i32, F>, mut model: impl FnMut(i32) -> Vec<i32>) -> (Vec<i32>, Vec<i32>)
where
    F: Filter<i32, Out = i32> + 'static,
{
    let (port, seen) = (Port::new(), Recorder::new());
    let again = port.clone();
    port.pipe(filter).also_to(seen.clone()).map(|y| y / 2).filter(|y| *y != 0).connect(again);
    let mut expected = Vec::new();
    for x in e {
        let receipt = port.emit(*x, &mut Context::detached(Instant::ZERO)).expect("no fatal error");
        assert_eq!(receipt, Demand::More);
        let mut queue = VecDeque::from([*x]);
        while let Some(x) = queue.pop_front() {
            let sent = model(x);
            queue.extend(sent.iter().map(|y| y / 2).filter(|y| *y != 0));
            expected.extend(sent);
        }
    }
    port.complete(&mut Context::detached(Instant::ZERO)).expect("no fatal error"); // takes the loop apart
    (seen.events(), expected)
}

/// A bound that some inputs break: what comes before the first that is too much, and how it ends.
fn bounded<T>(
    e: &[i32],
    end: End,
    max: usize,
    operator: &str,
    step: impl FnMut(&[i32]) -> T,
) -> (Vec<T>, Option<String>) {
    let different = |to: usize| e[..to].iter().collect::<BTreeSet<_>>().len();
    let fits = (0..=e.len()).rev().find(|to| different(*to) <= max).unwrap_or_default();
    let error = format!("{operator} may remember {max} different events, and here is one more: allow it more");
    let end = if fits < e.len() { Some(error) } else { end.map(String::from) };
    ((1..=fits).map(|to| &e[..to]).map(step).collect(), end)
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
}

proptest! {
    #[test]
    fn by_number(e in events(), end in end(), from in 0_usize..10, len in 0_usize..10, step in 1_usize..5, n in 1_usize..30) {
        prop_assert_eq!(run(&e, end, pipe().step_by(step)), line(e.iter().step_by(step), end));
        prop_assert_eq!(run(&e, end, pipe().step_by(step).take(n)), cut(e.iter().step_by(step), n, end));
        let sliced = || e.iter().skip(from).step_by(step);
        prop_assert_eq!(run(&e, end, pipe().slice(from.., step)), line(sliced(), end));
        // It completes with the last event that can come.
        let wanted = len.div_ceil(step);
        let ends = if sliced().count() >= wanted { None } else { end };
        prop_assert_eq!(run(&e, end, pipe().slice(from..from + len, step)), line(sliced().take(wanted), ends));
        prop_assert_eq!(run(&e, end, pipe().slice(from..from + len, step).take(n)), cut(sliced().take(wanted), n, ends));
        let found = e.get(from).map(|x| line([x], None));
        let none = at_completion([0; 0], end.or(Some("too few elements")));
        prop_assert_eq!(run(&e, end, pipe().element_at(from)), found.clone().unwrap_or(none));
        prop_assert_eq!(run(&e, end, pipe().element_at_or(from, 7)), found.unwrap_or(at_completion([7], end)));
    }

    #[test]
    fn questions(e in events(), end in end(), v in -4..6, other in events()) {
        let answer = |known: bool, early: bool| if known { line([early], None) } else { at_completion([!early], end) };
        prop_assert_eq!(run(&e, end, pipe().all(move |x| x < v)), answer(!e.iter().all(|x| *x < v), false));
        prop_assert_eq!(run(&e, end, pipe().contains(v)), answer(e.contains(&v), true));
        let unlike = e.iter().enumerate().any(|(i, x)| other.get(i) != Some(x));
        let equal = if unlike { line([false], None) } else { at_completion([e == other], end) };
        prop_assert_eq!(run(&e, end, pipe().sequence_equal(other.clone())), equal);
        prop_assert_eq!(run(&e, end, pipe().sequence_equal(e.clone())), at_completion([true], end));
        prop_assert_eq!(run(&e, end, pipe().ignore_elements()), line([0; 0], end));
    }

    #[test]
    fn smallest_and_largest(e in events(), end in end(), k in 1_usize..6, n in 1_usize..30) {
        let empty = end.or(e.is_empty().then_some("no elements"));
        let key = |x: &i32| x.abs();
        prop_assert_eq!(run(&e, end, pipe().min()), at_completion(e.iter().min(), empty));
        prop_assert_eq!(run(&e, end, pipe().max()), at_completion(e.iter().max(), empty));
        prop_assert_eq!(run(&e, end, pipe().min_by_key(key)), at_completion(e.iter().min_by_key(|x| key(x)), empty));
        prop_assert_eq!(run(&e, end, pipe().max_by_key(key)), at_completion(e.iter().max_by_key(|x| key(x)), empty));
        let ranked = |k: usize, key: fn(&i32) -> i32| {
            let mut lists: Vec<Vec<i32>> = (0..=e.len()).map(|to| {
                let mut list = e[..to].iter().copied().enumerate().collect::<Vec<_>>();
                list.sort_by_key(|(i, x)| (std::cmp::Reverse(key(x)), *i));
                list.truncate(k);
                // Equal events are told apart by their place, so that a list that only looks the same is not sent again.
                list.into_iter().map(|(i, x)| (i as i32) << 8 | (x + 8)).collect()
            }).collect();
            lists.dedup();
            lists.into_iter().skip(1).map(|list| list.into_iter().map(|x| (x & 255) - 8).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(&e, end, pipe().top_k(k)), line(ranked(k, |x| *x), end));
        prop_assert_eq!(run(&e, end, pipe().top_k(k).take(n)), cut(ranked(k, |x| *x), n, end));
        prop_assert_eq!(run(&e, end, pipe().top_k_by_key(k, key)), line(ranked(k, |x| x.abs()), end));
        prop_assert_eq!(run(&e, end, pipe().top_k_of::<3>()), line(ranked(3, |x| *x), end));
        prop_assert_eq!(run(&e, end, pipe().take_last_of::<3>()), run(&e, end, pipe().take_last(3)));
    }

    #[test]
    fn different_ones(e in events(), end in end(), max in 1_usize..10, n in 1_usize..30) {
        let news = |seen: &[i32]| seen.split_last().filter(|(x, before)| !before.contains(x)).map(|(x, _)| *x);
        let (sent, ends) = bounded(&e, end, max, "distinct", news);
        prop_assert_eq!(run(&e, end, pipe().distinct(max)), line(sent.into_iter().flatten(), ends.as_deref()));
        let twice: Vec<_> = e.iter().map(|x| x.div_euclid(2)).collect();
        let keys: Vec<_> = (0..e.len()).filter(|i| !twice[..*i].contains(&twice[*i])).map(|i| e[i]).collect();
        prop_assert_eq!(run(&e, end, pipe().distinct_by_key(9, |x: &i32| x.div_euclid(2))), line(&keys, end));
        prop_assert_eq!(run(&e, end, pipe().distinct_by_key(9, |x: &i32| x.div_euclid(2)).take(n)), cut(&keys, n, end));
    }

    #[test]
    fn recently_different_ones(e in events(), end in end(), max in 1_usize..6, n in 1_usize..30) {
        let recent = |max: usize, key: fn(i32) -> i32| {
            let (mut seen, mut sent) = (Vec::new(), Vec::new());
            for x in &e {
                let known = seen.iter().position(|k| *k == key(*x)).map(|at| seen.remove(at));
                seen.push(key(*x));
                if known.is_none() {
                    sent.push(*x);
                    seen.drain(..seen.len().saturating_sub(max));
                }
            }
            sent
        };
        prop_assert_eq!(run(&e, end, pipe().distinct_recent(max)), line(recent(max, |x| x), end));
        prop_assert_eq!(run(&e, end, pipe().distinct_recent(max).take(n)), cut(recent(max, |x| x), n, end));
        let by_key = pipe().distinct_recent_by_key(max, |x: &i32| x.div_euclid(2));
        prop_assert_eq!(run(&e, end, by_key), line(recent(max, |x| x.div_euclid(2)), end));
        prop_assert_eq!(run(&e, end, pipe().distinct_recent_of::<3>()), line(recent(3, |x| x), end));
    }

    #[test]
    fn frequencies(e in events(), end in end(), max in 1_usize..10, n in 1_usize..30) {
        let count = |seen: &[i32]| {
            let mut counts = BTreeMap::new();
            seen.iter().for_each(|x| *counts.entry(*x).or_insert(0) += 1);
            counts
        };
        let (counts, ends) = bounded(&e, end, max, "counts", count);
        prop_assert_eq!(run(&e, end, pipe().counts(max)), line(counts, ends.as_deref()));
        let (counts, _) = bounded(&e, end, 9, "counts", count);
        prop_assert_eq!(run(&e, end, pipe().counts(9).take(n)), cut(counts, n, end));
        let (_, ends) = bounded(&e, end, max, "final_counts", count);
        let total = Some(count(&e)).filter(|_| ends.is_none());
        prop_assert_eq!(run(&e, end, pipe().final_counts(max)), line(total, ends.as_deref()));
    }

    #[test]
    fn states(e in events(), end in end(), n in 1_usize..30) {
        let sums: Vec<_> = e.iter().scan(0, |s, x| { *s += x; Some(*s * 10 + x) }).collect();
        let add = |s: &mut i32, x: i32| { *s += x; *s * 10 + x };
        prop_assert_eq!(run(&e, end, pipe().map_with(0, add)), line(&sums, end));
        prop_assert_eq!(run(&e, end, pipe().map_with(0, add).take(n)), cut(&sums, n, end));
        let rising = (0..e.len()).filter(|i| *i == 0 || e[*i] > e[i - 1]).map(|i| e[i]);
        let rises = |last: &mut i32, x: &i32| *x > std::mem::replace(last, *x);
        prop_assert_eq!(run(&e, end, pipe().filter_with(i32::MIN, rises)), line(rising, end));
        let copies = || e.iter().flat_map(|x| vec![*x; x.unsigned_abs() as usize]);
        let emitting = || pipe().emit_with(|x: i32, emit| (0..x.abs()).for_each(|_| emit(x)));
        prop_assert_eq!(run(&e, end, emitting()), line(copies(), end));
        prop_assert_eq!(run(&e, end, emitting().take(n)), cut(copies(), n, end));
        let lists = pipe().map(|x: i32| vec![x; x.unsigned_abs() as usize]).flatten();
        prop_assert_eq!(run(&e, end, lists.take(n)), cut(copies(), n, end));
    }

    #[test]
    fn ends_as_events(e in events(), end in end(), own in events(), n in 1_usize..30) {
        prop_assert_eq!(run(&e, end, pipe().materialize().dematerialize()), line(&e, end));
        let last = end.map_or(Notification::Completed, |why| Notification::Error(StreamError::new(why)));
        let all = || e.iter().copied().map(Notification::Next).chain([last.clone()]);
        prop_assert_eq!(run(&e, end, pipe().materialize()), line(all(), None));
        prop_assert_eq!(run(&e, end, pipe().materialize().take(n)), line(all().take(n), None));
        prop_assert_eq!(run(&e, end, pipe().materialize().take(n).dematerialize()), cut(&e, n, end.filter(|_| n > e.len())));
        let (instead, again) = (own.clone(), own.clone());
        let caught: Vec<_> = e.iter().chain(own.iter().filter(|_| end.is_some())).collect();
        prop_assert_eq!(run(&e, end, pipe().catch_with(move |_| instead.clone())), line(&caught, None));
        prop_assert_eq!(run(&e, end, pipe().catch_with(move |_| again.clone()).take(n)), line(caught.iter().take(n), None));
    }

    #[test]
    fn sliding_sums(e in events(), end in end(), n in 1_usize..6, m in 1_usize..30) {
        /// The event that was the first, the sum of the window, its length.
        #[derive(Default)]
        struct Sum(i32, i32);
        impl SlidingHooks<i32> for Sum {
            type Out = (i32, i32, usize);
            fn first(&mut self, event: &i32) {
                self.0 = *event;
                self.add(event);
            }
            fn add(&mut self, event: &i32) {
                self.1 += event;
            }
            fn remove(&mut self, event: i32) {
                self.1 -= event;
            }
            fn result(&mut self, newest: &i32, len: usize) -> Option<Self::Out> {
                (*newest != 0).then_some((self.0, self.1, len))
            }
        }
        let sums = (0..e.len()).filter(|i| e[*i] != 0).map(|i| {
            let window = &e[(i + 1).saturating_sub(n)..=i];
            (e[0], window.iter().sum::<i32>(), window.len())
        });
        let filter = pipe().transduce(SlidingTransducer::new(n, Sum::default())).take(m);
        prop_assert_eq!(run(&e, end, filter), cut(sums, m, end));
    }

    #[test]
    fn in_a_loop(e in prop::collection::vec(-20..20, 0..12), n in 1_usize..5) {
        let mut recent = Vec::new();
        let (seen, expected) = looped(&e, pipe().distinct_recent(n), |x| {
            let known = recent.iter().position(|k| *k == x).map(|at| recent.remove(at));
            recent.push(x);
            recent.drain(..recent.len().saturating_sub(n));
            if known.is_some() { vec![] } else { vec![x] }
        });
        prop_assert_eq!(seen, expected);
        let mut count = 0;
        let (seen, expected) = looped(&e, pipe().step_by(n), |x| {
            count += 1;
            if (count - 1) % n == 0 { vec![x] } else { vec![] }
        });
        prop_assert_eq!(seen, expected);
        let copies = pipe().emit_with(move |x, emit| (0..n).for_each(|_| emit(x)));
        let (seen, expected) = looped(&e, copies, |x| vec![x; n]);
        prop_assert_eq!(seen, expected);
        let mut largest = Vec::new();
        let least = pipe().top_k(n).map(|list| list.last().copied().unwrap_or_default());
        let (seen, expected) = looped(&e, least, |x| {
            if largest.len() == n && largest.last() >= Some(&x) {
                return vec![];
            }
            largest.push(x);
            largest.sort_by_key(|x| -x);
            largest.truncate(n);
            largest.last().copied().into_iter().collect()
        });
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn sources_made_anew(scripts in prop::collection::vec(prop::collection::vec(prop::option::of(0..9), 0..5), 0..6), attempts in 1_usize..4) {
        // `None` in a script is a failure. A script that is missing cannot be opened.
        let script = |script: &Vec<Option<i32>>| try_from_iter(script.clone().into_iter().map(|e| e.ok_or("failed")));
        let (mut sent, mut failed, mut at, mut end) = (Vec::new(), 0, 0, Some("missing"));
        'sources: while failed < attempts {
            let Some(script) = scripts.get(at) else {
                end = Some("missing");
                failed += 1;
                continue;
            };
            at += 1;
            for event in script {
                let Some(event) = event else {
                    end = Some("failed");
                    failed += 1;
                    continue 'sources;
                };
                sent.push(*event);
                // Once it runs, a failure is followed by so many attempts again.
                failed = 0;
            }
            end = None;
            break;
        }
        let opened = scripts.clone();
        let mut n = 0..;
        let source = retry(attempts, move || {
            n.next().and_then(|n: usize| opened.get(n)).map(&script).ok_or("missing")
        });
        let (events, error) = source.try_collect_now();
        prop_assert_eq!(line(events, error.map(|e| e.to_string()).as_deref()), line(sent, end));

        let mut n = 0..;
        let (all, times) = (scripts.concat(), scripts.len());
        let (events, error) = repeat_n(times, move || script(&scripts[n.next().unwrap_or(0)])).try_collect_now();
        let good = || all.iter().copied().map_while(|event| event);
        let end = if good().count() < all.len() { Some("failed") } else { None };
        prop_assert_eq!(line(events, error.map(|e| e.to_string()).as_deref()), line(good(), end));
    }
}

proptest! {
    #[test]
    fn a_schmitt_trigger(e in events(), end in end(), low in -4..5, over in 0..4, first: bool, n in 0_usize..6) {
        let (high, mut is_high) = (low + over, first);
        let all: Vec<_> = e.iter().map(|x| {
            is_high = if is_high { *x >= low } else { *x > high };
            is_high
        }).collect();
        let trigger = || Hysteresis::new(low, high).initially(first);
        prop_assert_eq!(run(&e, end, pipe().pipe(trigger())), line(&all, end));
        let ends = if all.len() >= n { None } else { end };
        prop_assert_eq!(run(&e, end, pipe().pipe(trigger()).take(n)), line(all.into_iter().take(n), ends));
    }

    #[test]
    fn a_deadband(e in events(), end in end(), delta in 0..5) {
        let mut last = None;
        let all: Vec<_> = e.iter().filter(|x| {
            let passes = last.is_none_or(|last: i32| (**x - last).abs() >= delta);
            if passes { last = Some(**x); }
            passes
        }).collect();
        prop_assert_eq!(run(&e, end, pipe().deadband(delta)), line(&all, end));
        let floats = pipe().map(f64::from).deadband(f64::from(delta)).map(|x| x as i32);
        prop_assert_eq!(run(&e, end, floats), line(&all, end));
    }
}

proptest! {
    #[test]
    fn f65_what_is_left_out_and_added(e in events(), end in end(), n in 0_usize..9, limit in -4..5, take in 0_usize..9) {
        let kept = &e[..e.len().saturating_sub(n)];
        prop_assert_eq!(run(&e, end, pipe().skip_last(n)), line(kept, end));
        prop_assert_eq!(run(&e, end, pipe().skip_last_of::<3>()), line(&e[..e.len().saturating_sub(3)], end));
        prop_assert_eq!(run(&e, end, pipe().skip_last(n).take(take)), cut(kept, take, end));

        let p = move |x: &i32| *x < limit;
        let to = e.iter().position(|x| !p(x)).map_or(e.len(), |at| at + 1);
        let ends = if e.iter().all(p) { end } else { None };
        prop_assert_eq!(run(&e, end, pipe().take_while_inclusive(p)), line(&e[..to], ends));

        let last = if end.is_none() { vec![7, 8] } else { vec![] };
        let all: Vec<i32> = e.iter().copied().chain(last).collect();
        prop_assert_eq!(run(&e, end, pipe().end_with([7, 8])), line(&all, end));
        prop_assert_eq!(run(&e, end, pipe().end_with([7, 8]).take(take)), cut(&all, take, end));
        prop_assert_eq!(run(&e, end, pipe().finalize(|| ())), line(&e, end));
    }

    #[test]
    fn f65_repetitions_by_key_and_by_a_function(e in events(), end in end(), band in 1..4) {
        let mut sent: Vec<i32> = Vec::new();
        for x in &e {
            if sent.last().is_none_or(|last| (x - last).abs() >= band) { sent.push(*x); }
        }
        prop_assert_eq!(run(&e, end, pipe().dedup_by(move |a: &i32, b: &i32| (a - b).abs() < band)), line(&sent, end));
        let mut keyed = e.clone();
        keyed.dedup_by_key(|x| x.rem_euclid(2));
        prop_assert_eq!(run(&e, end, pipe().dedup_by_key(|x: &i32| x.rem_euclid(2))), line(&keyed, end));
    }
}
