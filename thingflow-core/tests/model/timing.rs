//! Operators with time against a naive model.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::timing::{Debounce, Delay, Repeat, Throttle};
use thingflow_core::windows::{DistinctList, List};

use crate::{End, end, line, slots, timed};

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// The events with their seconds.
fn events(e: &[Option<i32>]) -> impl Iterator<Item = (u64, i32)> {
    (1..).zip(e).filter_map(|(t, event)| event.map(|event| (t, event)))
}

/// The line that a `Recorder` would show with the times. What is due after the end was flushed there.
fn at_times<T: Debug>(e: &[Option<i32>], sent: impl IntoIterator<Item = (u64, T)>, end: End) -> String {
    let over = e.len() as u64;
    let mut words: Vec<_> = sent.into_iter().map(|(t, event)| format!("{event:?}@{}", t.min(over))).collect();
    words.push(end.map_or(format!("|@{over}"), |why| format!("!@{over} {why}")));
    words.join(" ")
}

/// Checks the filter that `make` makes against what is to be sent and when, woken in time and late, with and without a
/// `take(n)` behind it.
fn check<F, T>(e: &[Option<i32>], end: End, n: usize, make: impl Fn() -> Pipe<i32, F>, sent: &[(u64, T)])
where
    F: Filter<i32, Out = T> + 'static,
    T: Debug + 'static,
{
    let plain = || sent.iter().map(|(_, event)| event);
    assert_eq!(timed(e, end, true, make(), true), at_times(e, sent.iter().map(|(t, event)| (*t, event)), end));
    assert_eq!(timed(e, end, false, make(), false), line(plain(), end));
    let end = if n <= sent.len() { None } else { end };
    for awake in [true, false] {
        assert_eq!(timed(e, end, awake, pipe().pipe(make()).take(n), false), line(plain().take(n), end));
    }
}

type Make = fn(Duration) -> Throttle<i32>;

/// What a throttle sends, second by second, and what it drops.
fn throttled(e: &[Option<i32>], window: u64, leading: bool, trailing: bool) -> (Vec<(u64, i32)>, Vec<i32>) {
    let (mut sent, mut dropped, mut held, mut until) = (Vec::new(), Vec::new(), None, 0);
    for (t, event) in (1..).zip(e) {
        if t == until
            && let Some(event) = held.take()
        {
            sent.push((t, event));
            until = if leading { t + window } else { t };
        }
        match *event {
            Some(event) if t >= until => {
                until = t + window;
                if leading { sent.push((t, event)) } else { held = Some(event) }
            }
            Some(event) if trailing => dropped.extend(held.replace(event)),
            Some(event) => dropped.push(event),
            None => {}
        }
    }
    sent.extend(held.map(|event| (until, event)));
    (sent, dropped)
}

/// The groups of a `chunks_within`, each with the second and the kind of its end (0 its time, 1 its last event).
fn groups(e: impl Iterator<Item = (u64, i32)>, n: usize, limit: u64) -> Vec<((u64, u8), u64, Vec<i32>)> {
    let mut groups: Vec<((u64, u8), u64, Vec<i32>)> = Vec::new();
    for (t, event) in e {
        match groups.last_mut() {
            Some((ends, begun, group)) if group.len() < n && t < *begun + limit => {
                group.push(event);
                if group.len() == n {
                    *ends = (t, 1);
                }
            }
            _ => groups.push((if n == 1 { (t, 1) } else { (t + limit, 0) }, t, vec![event])),
        }
    }
    groups
}

proptest! {
    #[test]
    fn delay(e in slots(), end in end(), by in 0_u64..5, n in 1_usize..9) {
        // A delay of nothing waits for the next wake-up, as every other does.
        let sent: Vec<_> = events(&e).map(|(t, event)| (t + by.max(1), event)).collect();
        check(&e, end, n, || pipe().delay(secs(by), Limit::block(3)), &sent);
        check(&e, end, n, || pipe().delay_of::<32>(secs(by)), &sent);
        let dropping = || pipe().pipe(Delay::new(secs(by), Limit::default()).drop_on_error());
        let over = e.len() as u64;
        let sent_in_time = sent.iter().filter(|(t, _)| end.is_none() || *t <= over).map(|(t, event)| (*t, *event));
        prop_assert_eq!(timed(&e, end, true, dropping(), true), at_times(&e, sent_in_time, end));
    }

    #[test]
    fn pace(e in slots(), end in end(), gap in 0_u64..5, n in 1_usize..9) {
        let mut free = 0;
        let sent: Vec<_> = events(&e).map(|(t, event)| {
            let at = t.max(free);
            free = at + gap;
            (at, event)
        }).collect();
        check(&e, end, n, || pipe().pace(secs(gap), Limit::block(1)), &sent);
        check(&e, end, n, || pipe().pace_of::<32>(secs(gap)), &sent);
    }

    #[test]
    fn throttle(e in slots(), end in end(), window in 1_u64..5, n in 1_usize..9) {
        let makes: [(bool, bool, Make); 3] =
            [(true, true, Throttle::both), (true, false, Throttle::leading), (false, true, Throttle::trailing)];
        for (leading, trailing, make) in makes {
            let (sent, dropped) = throttled(&e, window, leading, trailing);
            check(&e, end, n, || pipe().pipe(make(secs(window))), &sent);
            let seen = Rc::new(RefCell::new(Vec::new()));
            let sink = seen.clone();
            let metered = make(secs(window)).on_dropped(move |event| sink.borrow_mut().push(event));
            timed(&e, end, true, pipe().pipe(metered), false);
            prop_assert_eq!(&*seen.borrow(), &dropped);
            prop_assert!(sent.windows(2).all(|w| !leading || w[1].0 - w[0].0 >= window));
            prop_assert_eq!(sent.len() + dropped.len(), events(&e).count());
        }
    }

    #[test]
    fn throttle_by_key(e in slots(), end in end(), window in 1_u64..5, awake: bool) {
        for key in -1..2 {
            let of_key = move |x: &i32| x % 2 == key;
            let all = pipe().throttle_by(secs(window), 100, |x: &i32| x % 2).filter(of_key);
            let alone = pipe().filter(of_key).throttle(secs(window));
            // Late wake-ups come with the events, so they come at other times without those of the other keys.
            prop_assert_eq!(timed(&e, end, awake, all, awake), timed(&e, end, awake, alone, awake));
        }
    }

    #[test]
    fn sample_every(e in slots(), end in end(), interval in 1_u64..5, n in 1_usize..9) {
        let mut sent: Vec<(u64, i32)> = Vec::new();
        for (t, event) in events(&e) {
            let ends = (t / interval + 1) * interval;
            sent.retain(|(t, _)| *t != ends);
            sent.push((ends, event));
        }
        check(&e, end, n, || pipe().sample_every(secs(interval)), &sent);
    }

    #[test]
    fn debounce_leading(e in slots(), end in end(), quiet in 1_u64..5, n in 1_usize..9) {
        let mut bursts: Vec<Vec<(u64, i32)>> = Vec::new();
        for (t, event) in events(&e) {
            match bursts.last_mut() {
                Some(burst) if burst.last().is_some_and(|(last, _)| t < last + quiet) => burst.push((t, event)),
                _ => bursts.push(vec![(t, event)]),
            }
        }
        let last = |burst: &[(u64, i32)]| burst[1..].last().map(|(t, event)| (t + quiet, *event));
        let sent: Vec<_> = bursts.iter().flat_map(|burst| [Some(burst[0]), last(burst)]).flatten().collect();
        check(&e, end, n, || pipe().pipe(Debounce::new(secs(quiet)).leading()), &sent);
    }

    #[test]
    fn timeout(e in slots(), end in end(), limit in 1_u64..5) {
        let error = format!("no event for {limit}s");
        // In time, the first silent stretch of `limit` ends it; late, the event after it finds that out.
        let mut due = limit;
        let in_time: Vec<_> = events(&e).take_while(|(t, _)| *t < due && { due = t + limit; true }).collect();
        let fails = due <= e.len() as u64;
        let expected = if fails {
            let mut words: Vec<_> = in_time.iter().map(|(t, event)| format!("{event}@{t}")).collect();
            words.push(format!("!@{due} {error}"));
            words.join(" ")
        } else {
            at_times(&e, in_time.clone(), end)
        };
        prop_assert_eq!(timed(&e, end, true, pipe().timeout(secs(limit)), true), expected);
        let found = events(&e).count() > in_time.len();
        let events = in_time.iter().map(|(_, event)| event);
        let ends = if found { Some(error.as_str()) } else { end };
        prop_assert_eq!(timed(&e, end, false, pipe().timeout(secs(limit)), false), line(events, ends));
    }

    #[test]
    fn heartbeat(e in slots(), end in end(), interval in 1_u64..5, awake: bool) {
        let (mut sent, mut latest, mut due) = (Vec::new(), None, u64::MAX);
        for (t, event) in (1..).zip(&e) {
            if let (Some(event), true) = (latest, t == due) {
                sent.push((t, event));
                due = t + interval;
            }
            if let Some(event) = *event
                && latest.replace(event) != Some(event)
            {
                sent.push((t, event));
                due = t + interval;
            }
        }
        prop_assert_eq!(timed(&e, end, true, pipe().heartbeat(secs(interval)), true), at_times(&e, sent, end));
        // Without its beats it only leaves out repetitions.
        let changes = timed(&e, end, awake, pipe().heartbeat(secs(interval)).dedup(), false);
        prop_assert_eq!(changes, timed(&e, end, awake, pipe().dedup(), false));
    }

    #[test]
    fn coalesce(e in slots(), end in end()) {
        // One event a second: each goes out with the next wake-up.
        let sent = events(&e).map(|(t, event)| (t + 1, event));
        prop_assert_eq!(timed(&e, end, true, pipe().coalesce(), true), at_times(&e, sent, end));
        prop_assert_eq!(timed(&e, end, false, pipe().coalesce(), false), line(events(&e).last().map(|(_, x)| x), end));
    }

    #[test]
    fn time_to_live_of_what_was_held(e in slots(), end in end(), by in 1_u64..5, limit in 1_u64..5) {
        let over = e.len() as u64;
        let held = events(&e).map(|(t, event)| (t, (t + by).min(over), event));
        let alive = held.filter(|(t, sent, _)| sent - t < limit).map(|(_, sent, event)| (sent, event));
        let filter = pipe().stamped().delay(secs(by), Limit::default()).time_to_live(secs(limit)).map(|e| e.event);
        prop_assert_eq!(timed(&e, end, true, filter, true), at_times(&e, alive, end));
    }

    #[test]
    fn distinct_time_groups(e in slots(), end in end(), interval in 1_u64..5, n in 1_usize..9) {
        let mut sent: Vec<(u64, Vec<i32>)> = Vec::new();
        for (t, event) in events(&e) {
            let ends = (t / interval + 1) * interval;
            match sent.last_mut() {
                Some((at, group)) if *at == ends => group.push(event),
                _ => sent.push((ends, vec![event])),
            }
        }
        let (mut first, mut last) = (sent.clone(), sent);
        for (_, group) in &mut first {
            let mut seen = Vec::new();
            group.retain(|x| !seen.contains(&(x % 2)) && { seen.push(x % 2); true });
        }
        for (_, group) in &mut last {
            let is_last = |i: &usize| group[i + 1..].iter().all(|x| x % 2 != group[*i] % 2);
            *group = (0..group.len()).filter(is_last).map(|i| group[i]).collect();
        }
        check(&e, end, n, || pipe().chunks_timeout_distinct(secs(interval), Limit::default(), |x| x % 2), &first);
        let keep_last = || DistinctList::within(Limit::default(), |x: &i32| x % 2).keep_last();
        check(&e, end, n, || pipe().window(Window::each(secs(interval)).from_start(), keep_last()), &last);
    }

    #[test]
    fn limited_groups_by_key(e in slots(), end in end(), size in 1_usize..5, limit in 1_u64..5, n in 1_usize..9) {
        let of_key = |k| groups(events(&e).filter(move |(_, x)| x % 2 == k), size, limit);
        let mut all: Vec<_> = (-1..2).flat_map(of_key).collect();
        // What is due after the end goes out there, in the order in which it was begun.
        let at_end = |at: u64| at > e.len() as u64;
        all.sort_by_key(|((at, kind), begun, _)| if at_end(*at) { (u64::MAX, 0, *begun) } else { (*at, *kind, *begun) });
        let sent: Vec<_> = all.into_iter().map(|((at, _), _, group)| (at, group)).collect();
        check(&e, end, n, || pipe().chunks_within_by(size, secs(limit), 100, |x: &i32| x % 2), &sent);
    }

    #[test]
    fn two_timers_in_one_chain(e in slots(), end in end(), by in 1_u64..5, quiet in 1_u64..5) {
        // Each is woken for the other, too, and must not take that for its own time.
        let settled = |e: &[(u64, i32)]| -> Vec<_> {
            let last = |i: usize| e.get(i + 1).is_none_or(|(next, _)| *next >= e[i].0 + quiet);
            (0..e.len()).filter(|i| last(*i)).map(|i| (e[i].0 + quiet, e[i].1)).collect()
        };
        let over = e.len() as u64;
        let delayed = |e: Vec<(u64, i32)>| -> Vec<_> { e.iter().map(|(t, x)| ((t + by).min(over), *x)).collect() };
        let delay_first = pipe().delay(secs(by), Limit::default()).debounce(secs(quiet));
        let expected = settled(&delayed(events(&e).collect()));
        prop_assert_eq!(timed(&e, end, true, delay_first, true), at_times(&e, expected, end));
        let delay_last = pipe().debounce(secs(quiet)).delay(secs(by), Limit::default());
        let expected = delayed(settled(&events(&e).collect::<Vec<_>>()));
        prop_assert_eq!(timed(&e, end, true, delay_last, true), at_times(&e, expected, end));
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
        prop_assert_eq!(timed(&e, end, awake, pipe().chunks_timeout(interval, Limit::default()), false), line(filled, end));
        if groups.last().is_some_and(Vec::is_empty) {
            groups.pop();
        }
        let all = pipe().window(Window::each(interval).from_start().send_empty(), List::within(Limit::default()));
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
}

#[test]
fn substitutes_come_at_their_time() {
    let e = [Some(1), None, None, None, Some(2), None];
    let filter = pipe().on_timeout(Duration::from_secs(2), || Some(0));
    assert_eq!(timed(&e, None, true, filter, true), "1@1 0@3 0@5 2@5 |@6");
    // An event that comes when the time is over comes after its substitute, also when the wake-up is late.
    let filter = || pipe().on_timeout(Duration::from_secs(2), || Some(0));
    assert_eq!(timed(&[Some(1), None, Some(2)], None, true, filter(), true), "1@1 0@3 2@3 |@3");
    assert_eq!(timed(&[Some(1), None, Some(2)], None, false, filter(), true), "1@1 0@3 2@3 |@3");
    let filter = pipe().debounce(Duration::from_secs(2));
    assert_eq!(timed(&e, None, true, filter, true), "1@3 2@6 |@6");
}
