//! Windows against a naive model.

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{
    Count, DistinctList, ExactSum, List, Max, MaxOf, Mean, Median, Min, MinOf, OrNone, Sum, Variance, Window,
};

use crate::{End, end, events, line, run, slots, timed};

proptest! {
    #[test]
    fn groups(e in events(), end in end(), n in 1_usize..7) {
        prop_assert_eq!(run(&e, end, pipe().chunks(n)), line(e.chunks(n), end));
        let kept = if end.is_some() { &e[..e.len() / n * n] } else { &e[..] };
        prop_assert_eq!(run(&e, end, pipe().window(Window::tumbling(n).drop_on_error(), List::new())), line(kept.chunks(n), end));
        prop_assert_eq!(run(&e, end, pipe().sliding(n)), line(e.windows(n), end));
        let partial = (1..=e.len()).map(|to| &e[to.saturating_sub(n)..to]);
        prop_assert_eq!(run(&e, end, pipe().window(Window::sliding(n).partial(), List::new())), line(partial, end));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Gaps, and infinities of both signs: what is in the window counts, and nothing else.
    #[test]
    fn running_averages_of_gaps_and_infinities(e in prop::collection::vec(prop::sample::select(vec![1.0, 2.0, 4.0, -8.0, f64::NAN, f64::INFINITY, -f64::INFINITY]), 0..40), n in 1_usize..6) {
        let both = from_iter(e.clone()).running_avg(n).collect_now().into_iter().zip(from_iter(e.clone()).running_sum(n).collect_now());
        for (to, (mean, sum)) in (1..).zip(both) {
            let numbers: Vec<f64> = e[usize::saturating_sub(to, n)..to].iter().copied().filter(|x| !x.is_nan()).collect();
            let exact = numbers.iter().sum::<f64>();
            let is_like = |seen: f64, expected: f64| seen == expected || !(seen.is_finite() || expected.is_finite());
            prop_assert!(is_like(sum, exact) && is_like(mean, exact / numbers.len() as f64), "{sum} and {mean} of {numbers:?}");
        }
    }
}

/// The windows of `size` every `step`, and what is left over of one at the end.
fn stepped(e: &[i32], size: usize, step: usize, partial: bool) -> (Vec<Vec<i32>>, Option<Vec<i32>>) {
    let overlap = step < size;
    let first = if overlap && partial { step } else { size };
    let ends = (first..=e.len()).step_by(step);
    let lists: Vec<_> = ends.map(|to| e[to.saturating_sub(size)..to].to_vec()).collect();
    let next = lists.len() * step;
    (lists, e.get(next..).filter(|rest| !overlap && !rest.is_empty()).map(<[i32]>::to_vec))
}

/// As `line`, of a chain that ends with `take(n)`.
fn taken<T: std::fmt::Debug>(all: Vec<T>, n: usize, end: End) -> String {
    let ends = if all.len() >= n { None } else { end };
    line(all.into_iter().take(n), ends)
}

proptest! {
    #[test]
    fn lists(e in events(), end in end(), size in 1_usize..6, step in 1_usize..8, partial: bool, n in 0_usize..6) {
        let (lists, rest) = stepped(&e, size, step, partial);
        let window = || if partial { Window::every(size, step).partial() } else { Window::every(size, step) };
        let all: Vec<_> = lists.iter().cloned().chain(rest).collect();
        prop_assert_eq!(run(&e, end, pipe().window(window(), List::new())), line(&all, end));
        let kept = if end.is_some() { &lists } else { &all };
        prop_assert_eq!(run(&e, end, pipe().window(window().drop_on_error(), List::new())), line(kept, end));
        prop_assert_eq!(run(&e, end, pipe().window(window(), List::new()).take(n)), taken(all, n, end));
    }

    #[test]
    fn aggregates_by_count(e in events(), end in end(), size in 1_usize..6, step in 1_usize..8, partial: bool) {
        let (lists, rest) = stepped(&e, size, step, partial);
        let of = |w: &Vec<i32>| {
            let sum: i32 = w.iter().sum();
            (sum, *w.iter().min().unwrap_or(&0), *w.iter().max().unwrap_or(&0), w.len() as u64, f64::from(sum) / w.len() as f64)
        };
        let five = || (Sum::new(), Min::new(), Max::new(), Count::new(), Mean::new());
        let window = || {
            let window = Window::every(size, step);
            if partial { window.partial() } else { window }
        };
        let all: Vec<_> = lists.iter().chain(&rest).map(of).collect();
        prop_assert_eq!(run(&e, end, pipe().aggregate(window(), five())), line(&all, end));
        let kept = if end.is_some() { &all[..lists.len()] } else { &all };
        let dropping = pipe().aggregate(window().drop_on_error(), five());
        prop_assert_eq!(run(&e, end, dropping), line(kept, end));
        prop_assert_eq!(run(&e, end, pipe().aggregate(window(), five()).take(2)), taken(all, 2, end));

        let fixed = Window::every_of::<4>(step);
        let fixed = if partial { fixed.partial() } else { fixed };
        let (lists, rest) = stepped(&e, 4, step, partial);
        let all = lists.iter().chain(&rest).map(|w| (w.iter().min().copied(), w.iter().max().copied()));
        let extremes = pipe().aggregate(fixed, (MinOf::<_, 4>::new(), MaxOf::<_, 4>::new())).map(|(a, b)| (Some(a), Some(b)));
        prop_assert_eq!(run(&e, end, extremes), line(all, end));
    }

    #[test]
    fn running(e in events(), end in end(), start in -4..5) {
        let so_far = || (1..=e.len()).map(|to| &e[..to]);
        let sums = so_far().map(|w| (w.iter().sum::<i32>() + start, w.len() as u64 + 2));
        let sum = pipe().aggregate(Window::cumulative(), (Sum::starting_at(start), Count::starting_at(2)));
        prop_assert_eq!(run(&e, end, sum), line(sums, end));
        let extremes = so_far().map(|w| (w.iter().min().map(|x| *x.min(&start)), w.iter().max().copied()));
        let extreme = pipe().aggregate(Window::cumulative(), (Min::starting_at(start), Max::new()));
        prop_assert_eq!(run(&e, end, extreme.map(|(min, max)| (Some(min), Some(max)))), line(extremes, end));
    }

    #[test]
    fn time_windows(e in slots(), end in end(), span in 1_usize..6, cap in 1_usize..5, awake: bool, n in 0_usize..9) {
        let d = Duration::from_secs(span as u64);
        // The window of the event of second `t` goes back to, and not as far as, `t - span`.
        let windows: Vec<Vec<i32>> = (0..e.len())
            .filter(|t| e[*t].is_some())
            .map(|t| e[(t + 1).saturating_sub(span)..=t].iter().copied().flatten().collect())
            .collect();
        let max = |w: &Vec<i32>| w.iter().max().copied().unwrap_or(0);
        let lists = |limit| pipe().sliding_time(d, limit);
        let maxima = |limit| pipe().aggregate(Window::last(d, limit), Max::new());
        for roomy in [Limit::default(), Limit::drop_oldest(24), Limit::fail(24), Limit::drop_newest(24)] {
            prop_assert_eq!(timed(&e, end, awake, lists(roomy.clone()), false), line(&windows, end));
            prop_assert_eq!(timed(&e, end, awake, maxima(roomy), false), line(windows.iter().map(max), end));
        }
        // Nothing is lost with a source that does not listen when it is told to pause.
        prop_assert_eq!(timed(&e, end, awake, lists(Limit::block(cap)), false), line(&windows, end));
        prop_assert_eq!(timed(&e, end, awake, maxima(Limit::block(cap)), false), line(windows.iter().map(max), end));
        prop_assert_eq!(timed(&e, end, awake, lists(Limit::block(cap)).take(n), false),
            taken(windows.clone(), n, end));

        let cut: Vec<_> = windows.iter().map(|w| w[w.len().saturating_sub(cap)..].to_vec()).collect();
        prop_assert_eq!(timed(&e, end, awake, lists(Limit::drop_oldest(cap)), false), line(&cut, end));
        prop_assert_eq!(timed(&e, end, awake, maxima(Limit::drop_oldest(cap)), false), line(cut.iter().map(max), end));
        let fixed = pipe().aggregate(Window::last_of::<3>(d), (MaxOf::<_, 3>::new(), Sum::new()));
        let cut = windows.iter().map(|w| w[w.len().saturating_sub(3)..].to_vec()).map(|w| (max(&w), w.iter().sum::<i32>()));
        prop_assert_eq!(timed(&e, end, awake, fixed, false), line(cut, end));
    }

    #[test]
    fn groups_by_key(e in events(), end in end(), n in 1_usize..5, keys in 1_usize..5, take in 0_usize..9) {
        let (mut waiting, mut lists): (Vec<Vec<i32>>, Vec<_>) = Default::default();
        let key = |x: &i32| x.rem_euclid(4);
        for x in &e {
            match waiting.iter().position(|group| key(&group[0]) == key(x)) {
                Some(at) => {
                    waiting[at].push(*x);
                    if waiting[at].len() == n { lists.push(waiting.remove(at)); }
                }
                None if n == 1 => lists.push(vec![*x]),
                None => {
                    if waiting.len() == keys { lists.push(waiting.remove(0)); }
                    waiting.push(vec![*x]);
                }
            }
        }
        let all: Vec<_> = lists.iter().cloned().chain(waiting).collect();
        prop_assert_eq!(run(&e, end, pipe().chunks_by(n, keys, key)), line(&all, end));
        let dropping = pipe().window(Window::tumbling(n).drop_on_error().by_key(keys, key), List::new());
        prop_assert_eq!(run(&e, end, dropping), line(if end.is_some() { &lists } else { &all }, end));
        prop_assert_eq!(run(&e, end, pipe().chunks_by(n, keys, key).take(take)), taken(all, take, end));
    }

    #[test]
    fn groups_of_distinct_keys(e in events(), end in end(), n in 1_usize..5, last: bool, take in 0_usize..9) {
        let key = |x: &i32| x.rem_euclid(5);
        let mut lists: Vec<Vec<i32>> = vec![vec![]];
        for x in &e {
            let Some(list) = lists.last_mut() else { continue };
            let repeated = list.iter().position(|y| key(y) == key(x));
            match repeated {
                Some(at) if last => { list.remove(at); list.push(*x); }
                Some(_) => {}
                None => list.push(*x),
            }
            if list.len() == n { lists.push(vec![]); }
        }
        let rest = lists.pop().filter(|rest| !rest.is_empty());
        let all: Vec<_> = lists.iter().cloned().chain(rest).collect();
        let list = || {
            let list = DistinctList::by(key);
            if last { list.keep_last() } else { list }
        };
        prop_assert_eq!(run(&e, end, pipe().window(Window::tumbling(n), list())), line(&all, end));
        let dropping = pipe().window(Window::tumbling(n).drop_on_error(), list());
        prop_assert_eq!(run(&e, end, dropping), line(if end.is_some() { &lists } else { &all }, end));
        prop_assert_eq!(run(&e, end, pipe().window(Window::tumbling(n), list()).take(take)), taken(all, take, end));
    }
}

/// The variance, by its definition.
fn variance(window: &[f64], of_all: bool) -> Option<f64> {
    let n = window.len() as f64;
    let mean = window.iter().sum::<f64>() / n;
    let squares: f64 = window.iter().map(|x| (x - mean) * (x - mean)).sum();
    let divisor = if of_all { n } else { n - 1.0 };
    (divisor > 0.0).then(|| squares / divisor)
}

proptest! {
    #[test]
    fn variances(e in prop::collection::vec(-1e3..1e3_f64, 0..60), n in 1_usize..9, far in -1e9..1e9_f64, of_all: bool) {
        let close = |a: &f64, b: &f64| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        let spread = || if of_all { Variance::new().of_all() } else { Variance::new() };
        let e: Vec<f64> = e.iter().map(|x| x + far).collect();
        let expected: Vec<_> = e.windows(n).filter_map(|w| variance(w, of_all)).collect();
        let sliding = from_iter(e.clone()).aggregate(Window::sliding(n), spread()).collect_now();
        prop_assert!(sliding.len() == expected.len() && sliding.iter().zip(&expected).all(|(a, b)| close(a, b)), "{sliding:?} is not {expected:?}");
        let chunks = from_iter(e.clone()).aggregate(Window::tumbling(n), spread()).collect_now();
        let expected: Vec<_> = e.chunks(n).filter_map(|w| variance(w, of_all)).collect();
        prop_assert!(chunks.len() == expected.len() && chunks.iter().zip(&expected).all(|(a, b)| close(a, b)), "{chunks:?} is not {expected:?}");
        let fixed = from_iter(e.clone()).aggregate(Window::sliding_of::<4>(), Variance::new()).collect_now();
        let same = from_iter(e.clone()).aggregate(Window::sliding(4), Variance::new()).collect_now();
        prop_assert_eq!(&fixed, &same);
        #[cfg(feature = "std")]
        {
            let std_dev = from_iter(e).aggregate(Window::sliding(4), thingflow_core::windows::StdDev::new()).collect_now();
            prop_assert_eq!(fixed.iter().map(|x| x.sqrt()).collect::<Vec<_>>(), std_dev);
        }
    }

    #[test]
    fn smoothing(e in events(), end in end(), tenths in 1..11) {
        let (alpha, mut average) = (f64::from(tenths) / 10.0, None);
        let all: Vec<f64> = e.iter().map(|x| {
            let x = f64::from(*x);
            let next = average.map_or(x, |average: f64| average + alpha * (x - average));
            *average.insert(next)
        }).collect();
        prop_assert_eq!(run(&e, end, pipe().map(f64::from).ewma(alpha)), line(all, end));
    }
}

#[test]
fn a_variance_forgets_what_has_left() {
    let rough = [f64::NAN, 1.0, 1e300, 2.0, 4.0, f64::INFINITY, 1.0, 1.0, 3.0];
    let seen = from_iter(rough).aggregate(Window::sliding(2), Variance::new()).collect_now();
    assert_eq!((seen.len(), seen[2], seen[5], seen[6]), (7, 2.0, 0.0, 2.0)); // of one value alone there is none
}

/// The sums of one window of `d` seconds after the other, each with the second in which it goes out, and that of the window
/// that is open at the end.
fn tumbling(e: &[Option<i32>], d: u64, aligned: bool) -> (Vec<(u64, i32)>, Option<i32>) {
    let (mut sums, mut open): (Vec<_>, Option<(u64, i32)>) = Default::default();
    for (second, event) in (1..).zip(e) {
        if let Some((_, sum)) = open.take_if(|(ends, _)| *ends <= second) {
            sums.push((second, sum));
        }
        if let Some(event) = event {
            let (_, sum) = open.get_or_insert((if aligned { second / d * d + d } else { second + d }, 0));
            *sum += event;
        }
    }
    (sums, open.map(|(_, sum)| sum))
}

proptest! {
    #[test]
    fn windows_of_time(e in slots(), end in end(), d in 1_u64..6, aligned: bool, awake: bool, n in 0_usize..5) {
        let window = || {
            let window = Window::each(Duration::from_secs(d));
            if aligned { window.aligned() } else { window }
        };
        let (sums, rest) = tumbling(&e, d, aligned);
        let all: Vec<_> = sums.iter().map(|(_, sum)| *sum).chain(rest).collect();
        prop_assert_eq!(timed(&e, end, true, pipe().aggregate(window(), Sum::new()), false), line(&all, end));
        // Late, an event sends what should have gone before it; a window that nobody ends goes out at the end.
        prop_assert_eq!(timed(&e, end, awake, pipe().aggregate(window(), Sum::new()), false), line(&all, end));
        let kept = if end.is_some() && awake { &all[..sums.len()] } else { &all };
        if awake || end.is_none() {
            let dropping = pipe().aggregate(window().drop_on_error(), Sum::new());
            prop_assert_eq!(timed(&e, end, awake, dropping, false), line(kept, end));
        }
        let few = pipe().aggregate(window(), Sum::new()).take(n);
        prop_assert_eq!(timed(&e, end, awake, few, false), taken(all, n, end));
        let on_time = timed(&e, end, true, pipe().aggregate(window(), Sum::new()), true);
        let expected: String = sums.iter().map(|(second, sum)| format!("{sum}@{second} ")).collect();
        prop_assert!(on_time.starts_with(&expected), "{on_time} does not begin with {expected}");
    }
}

#[cfg(feature = "std")]
#[test]
fn a_window_of_an_hour_ends_at_the_full_hour_of_the_wall_clock() -> Result<(), Box<dyn std::error::Error>> {
    let clock = thingflow_core::VirtualClock::starting_at(Timestamp::from_secs(1_420_110_000 + 2_400)); // 11:40
    let mut scheduler = Scheduler::with_clock(clock)?;
    let seen = Recorder::new();
    let rain = thingflow_core::testing::timed([(600.0, 1), (1199.0, 2), (1200.0, 4), (9_000.0, 8)]);
    let hours = rain.aggregate(Window::each(Duration::from_secs(3600)).aligned(), Sum::new());
    scheduler.schedule_recurring(hours.connect(seen.clone()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "3@1200 4@4800 8@9000 |@9000");
    Ok(())
}

/// Floats of all sizes, and those that are no numbers.
fn rough() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => any::<f64>(),
        8 => -1e3..1e3_f64,
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(f64::MIN_POSITIVE / 8.0),
        1 => Just(f64::MAX),
        1 => Just(f64::NAN),
    ]
}

/// The float nearest to a sum of integers times 2^-40, which fit in an `i128`.
fn nearest(sum: i128) -> f64 {
    sum as f64 / (1_u64 << 40) as f64
}

proptest! {
    #[test]
    fn sums_forget_what_has_left(e in prop::collection::vec(rough(), 0..60), n in 1_usize..9) {
        let middle = || (OrNone(Mean::new()), OrNone(Median::new()));
        let all = || (Sum::new(), ExactSum::new(), middle(), OrNone(Min::new()), OrNone(Max::new()));
        let sliding = from_iter(e.clone()).aggregate(Window::sliding(n), all()).collect_now();
        let fresh = e.windows(n).map(|w| from_iter(w.to_vec()).aggregate(Window::tumbling(n), all()).collect_now()[0]);
        // Of a NaN the sign may differ, and is not shown.
        prop_assert_eq!(format!("{sliding:?}"), format!("{:?}", fresh.collect::<Vec<_>>()));
    }

    #[test]
    fn sums_are_the_nearest_float(e in prop::collection::vec(any::<(i64, u8)>(), 0..60), n in 1_usize..9) {
        // Floats that are whole numbers of 2^-40, so that an i128 holds their sum.
        let whole = |(x, shift): &(i64, u8)| (x >> 11 << (shift % 11)) >> (shift % 60);
        let e: Vec<i64> = e.iter().map(whole).collect();
        let floats: Vec<f64> = e.iter().map(|x| nearest(i128::from(*x))).collect();
        let sums = from_iter(floats).aggregate(Window::sliding(n), Sum::new()).collect_now();
        let expected: Vec<f64> = e.windows(n).map(|w| nearest(w.iter().map(|x| i128::from(*x)).sum())).collect();
        prop_assert_eq!(sums, expected);
    }

    #[test]
    fn two_floats_add_as_the_machine_adds_them(a: f64, b: f64, c: f32, d: f32) {
        let sum = from_iter([a, b]).aggregate(Window::tumbling(2), Sum::new()).collect_now();
        prop_assert!(sum == [a + b] || (a + b).is_nan() && sum[0].is_nan(), "{a:e} + {b:e} is not {sum:?}");
        let sum = from_iter([c, d]).aggregate(Window::tumbling(2), Sum::new()).collect_now();
        prop_assert!(sum == [c + d] || (c + d).is_nan() && sum[0].is_nan(), "{c:e} + {d:e} is not {sum:?}");
    }
}

#[test]
fn a_full_window_pauses_its_source_until_half_of_it_has_left() {
    let seen = Recorder::new();
    let window = Window::last(Duration::from_secs(10), Limit::block(2));
    let mut chain = pipe().aggregate(window, Count::new()).to(seen.clone());
    let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    let demands: Vec<_> = [1, 2, 3, 13].map(|t| chain.next((), &mut at(t)).expect("no fatal error")).into();
    assert_eq!(demands, [Demand::More, Demand::Full, Demand::Full, Demand::More]);
    assert_eq!(seen.text(), "1 2 3 1");
}

#[test]
fn a_full_window_fails_or_leaves_out_the_new_event() {
    let e = [Some(3), Some(2), Some(1)];
    let d = Duration::from_secs(9);
    let of = |limit| timed(&e, None, true, pipe().aggregate(Window::last(d, limit), Sum::new()), false);
    assert_eq!(of(Limit::drop_newest(2)), "3 5 |");
    assert_eq!(of(Limit::fail(2)), "3 5 ! window holds 2 events and is full: give it more room or another policy");
}

#[test]
fn a_sensor_event_keeps_its_id_and_time() {
    let event = |secs, val| SensorEvent::new("lux", Timestamp::from_secs(secs), val);
    let seen = from_iter([event(1, 3.0), event(2, 9.0), event(3, 6.0)]).aggregate(Window::tumbling(2), Mean::new());
    assert_eq!(seen.collect_now(), [event(2, 6.0), event(3, 6.0)]);
}

#[test]
#[should_panic(expected = "a window of 5 values for an aggregate with room for 3")]
fn an_aggregate_must_have_room_for_its_window() {
    let _ = pipe::<i32>().aggregate(Window::sliding(5), MinOf::<_, 3>::new());
}
