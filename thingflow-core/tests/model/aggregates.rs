//! Aggregates against naive models, in every kind of window; and with their state taken out and put back on the way.

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{
    Aggregate, Autocorrelation, Bins, Correlation, Count, Covariance, Derivative, Describe, ExactMean, ExactSum, First,
    Histogram, Increase, Integral, Last, Max, Mean, Median, Merge, Min, Mode, Of, OrNone, Quantile, Rate, Reservoir,
    StdDev, Sum, TimeMean, Trend, ValueCounts, Variance,
};
use thingflow_core::{SavedState, StateVisitor};

use super::given::Given;
use super::taken::Taken;

const NAN: f64 = f64::NAN;
const INFINITY: f64 = f64::INFINITY;

/// A number of a few, a gap, or a number that is too large or too small for others.
fn value() -> impl Strategy<Value = f64> {
    let rare = prop::sample::select(vec![INFINITY, 1e300, -0.0, 5e-324]);
    prop_oneof![8 => (-9..9).prop_map(|x| f64::from(x) / 4.0), 2 => Just(NAN), 3 => rare]
}

fn small() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (-9..9).prop_map(|x| f64::from(x) / 4.0), 2 => Just(NAN)]
}

/// Times that are equal now and then, and go back.
fn at_times() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((-2_i32..5, small()), 0..40).prop_map(|steps| {
        let mut now = 0;
        steps
            .into_iter()
            .map(|(step, x)| {
                now += step;
                (f64::from(now), x)
            })
            .collect()
    })
}

/// The windows of a stream: sliding, partial, tumbling, and all so far.
fn check<V, A, N>(e: &[V], n: usize, aggregate: &A, naive: N) -> Result<(), TestCaseError>
where
    V: thingflow_core::windows::Carrier<Value = V, Rest = (), With<Option<A::Out>> = Option<A::Out>>
        + Clone
        + std::fmt::Debug
        + 'static,
    A: Aggregate<V, Out: std::fmt::Debug + Clone> + Clone + 'static,
    N: Fn(&[V], Option<A::Out>) -> bool,
{
    let all = |to: usize| &e[..to];
    let sliding = from_iter(e.to_vec()).aggregate(Window::sliding(n), OrNone(aggregate.clone())).collect_now();
    let partial =
        from_iter(e.to_vec()).aggregate(Window::sliding(n).partial(), OrNone(aggregate.clone())).collect_now();
    let whole = from_iter(e.to_vec()).aggregate(Window::tumbling(n), OrNone(aggregate.clone())).collect_now();
    let running = from_iter(e.to_vec()).aggregate(Window::cumulative(), OrNone(aggregate.clone())).collect_now();
    prop_assert_eq!(sliding.len(), e.windows(n).len());
    prop_assert_eq!((partial.len(), running.len(), whole.len()), (e.len(), e.len(), e.chunks(n).len()));
    let windows = sliding.into_iter().zip(e.windows(n));
    let windows = windows.chain(partial.into_iter().zip((1..=e.len()).map(|to| &e[to.saturating_sub(n)..to])));
    let windows = windows.chain(whole.into_iter().zip(e.chunks(n)));
    for (seen, window) in windows.chain(running.into_iter().zip((1..=e.len()).map(all))) {
        prop_assert!(naive(window, seen.clone()), "{seen:?} of {window:?}");
    }
    Ok(())
}

fn numbers(window: &[f64]) -> Vec<f64> {
    window.iter().copied().filter(|x| !x.is_nan()).collect()
}

/// Pairs in which nothing is missing.
fn whole(window: &[(f64, f64)]) -> Vec<(f64, f64)> {
    window.iter().copied().filter(|(x, y)| !x.is_nan() && !y.is_nan()).collect()
}

fn near(seen: Option<f64>, expected: Option<f64>) -> bool {
    match (seen, expected) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0) || a.is_nan() && b.is_nan() || a == b,
        (a, b) => a.is_none() == b.is_none(),
    }
}

fn mean(e: impl ExactSizeIterator<Item = f64>) -> f64 {
    let len = e.len() as f64;
    e.sum::<f64>() / len
}

/// The sums of the products of distances, by hand: of x with x, of y with y, of x with y.
fn sums(pairs: &[(f64, f64)]) -> [f64; 3] {
    let (mx, my) = (mean(pairs.iter().map(|p| p.0)), mean(pairs.iter().map(|p| p.1)));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| f(x - mx, y - my)).sum();
    [sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn first_last_mode_and_histogram(e in prop::collection::vec(value(), 0..40), n in 1_usize..9) {
        check(&e, n, &First::new(), |w, seen| near(seen, numbers(w).first().copied()))?;
        check(&e, n, &Last::new(), |w, seen| near(seen, numbers(w).last().copied()))?;
        check(&e, n, &Mode::new(), |w, seen| {
            let w = numbers(w);
            let often = |x: &f64| w.iter().filter(|y| *y == x).count();
            let most = w.iter().map(often).max();
            near(seen, w.iter().copied().filter(|x| Some(often(x)) == most).reduce(f64::min))
        })?;
        check(&e, n, &Histogram::new([-1.0, 0.0, 2.0]), |w, seen: Option<Bins<3>>| {
            let within = |from: f64, to: f64| w.iter().filter(|x| **x >= from && **x < to).count() as u64;
            let seen = seen.expect("always");
            let above = w.iter().filter(|x| **x >= 2.0).count() as u64;
            seen.counts() == [within(-1.0, 0.0), within(0.0, 2.0)] && (seen.below, seen.above) == (within(-INFINITY, -1.0), above)
        })?;
    }

    #[test]
    fn value_counts(e in prop::collection::vec(0_u8..5, 0..40), n in 1_usize..9) {
        check(&e, n, &ValueCounts::new(), |w, seen| {
            let mut counts: Vec<(u8, u64)> = (0..5).map(|x| (x, w.iter().filter(|y| **y == x).count() as u64)).collect();
            counts.retain(|(_, count)| *count > 0);
            counts.sort_by(|(_, a), (_, b)| b.cmp(a));
            seen == Some(counts)
        })?;
    }

    #[test]
    fn b09_ranks_of_rough_values(e in prop::collection::vec(value(), 0..60), n in 1_usize..20, q in prop_oneof![0.0..=1.0_f64, Just(0.0), Just(1.0)]) {
        for share in [q, 0.5] {
            check(&e, n, &Quantile::at(share), |w, seen| {
                let mut w = numbers(w);
                w.sort_by(f64::total_cmp);
                let Some(last) = w.len().checked_sub(1) else { return seen.is_none() };
                let place = share * last as f64;
                let (low, high, into) = (w[place.floor() as usize], w[place.ceil() as usize], place.fract());
                near(seen, Some(if into == 0.0 { low } else { low * (1.0 - into) + high * into }))
            })?;
        }
        let medians = |e: &[f64]| from_iter(e.to_vec()).aggregate(Window::sliding(n), OrNone(Median::new())).collect_now();
        let halves = from_iter(e.clone()).aggregate(Window::sliding(n), OrNone(Quantile::at(0.5))).collect_now();
        prop_assert_eq!(format!("{:?}", medians(&e)), format!("{halves:?}"));
    }

    #[test]
    fn b06_pairs(e in prop::collection::vec((small(), small()), 0..40), n in 1_usize..9) {
        check(&e, n, &(Covariance::new()), |w, seen| {
            let w = whole(w);
            near(seen, (w.len() > 1).then(|| sums(&w)[2] / (w.len() - 1) as f64))
        })?;
        check(&e, n, &Covariance::new().of_all(), |w, seen| {
            let w = whole(w);
            near(seen, (!w.is_empty()).then(|| sums(&w)[2] / w.len() as f64))
        })?;
        check(&e, n, &Correlation::new(), |w, seen| {
            let w = whole(w);
            let differ = |part: fn(&(f64, f64)) -> f64| w.iter().any(|pair| part(pair) != part(&w[0]));
            let expected = (w.len() > 1 && differ(|p| p.0) && differ(|p| p.1)).then(|| sums(&w)).map(|[xx, yy, xy]| xy / (xx * yy).sqrt());
            near(seen, expected) && seen.is_none_or(|r| (-1.0..=1.0).contains(&r))
        })?;
    }

    #[test]
    fn b06_no_correlation_is_beyond_one(e in prop::collection::vec((any::<f64>(), any::<f64>()), 0..30), n in 2_usize..6) {
        for r in from_iter(e).aggregate(Window::sliding(n), Correlation::new()).collect_now() {
            prop_assert!((-1.0..=1.0).contains(&r) || r.is_nan(), "{r}");
        }
    }

    #[test]
    fn autocorrelations(e in prop::collection::vec(small(), 0..40), n in 1_usize..9) {
        check(&e, n, &Autocorrelation::new(), |w, seen| {
            let w = numbers(w);
            if w.iter().all(|x| *x == w[0]) {
                return seen.is_none();
            }
            let m = mean(w.iter().copied());
            let all: f64 = w.iter().map(|x| (x - m) * (x - m)).sum();
            near(seen, Some(w.windows(2).map(|x| (x[0] - m) * (x[1] - m)).sum::<f64>() / all))
        })?;
    }

    #[test]
    fn trends(e in at_times(), n in 1_usize..9) {
        check(&e, n, &Trend::new(), |w, seen| {
            let w = whole(w);
            if w.len() < 2 || w.iter().all(|(t, _)| *t == w[0].0) {
                return seen.is_none();
            }
            let Some(seen) = seen else { return false };
            let [xx, yy, xy] = sums(&w);
            let (slope, (mx, my)) = (xy / xx, (mean(w.iter().map(|p| p.0)), mean(w.iter().map(|p| p.1))));
            let left = (yy - slope * xy).max(0.0);
            let error = (w.len() > 2).then(|| left / (w.len() - 2) as f64 / xx);
            let same = error.zip(seen.slope_variance).is_none_or(|(a, b)| (a - b).abs() < 1e-9);
            same && near(Some(seen.slope), Some(slope)) && near(Some(seen.at(mx)), Some(my)) && seen.count == w.len() as u64
        })?;
    }

    #[test]
    fn over_time(e in at_times(), n in 1_usize..9) {
        let segments = |w: &[(f64, f64)], gap: f64| -> Vec<(f64, f64)> {
            let all = whole(w);
            let both = all.windows(2).map(|p| (p[1].0 - p[0].0, (p[0].1 + p[1].1) / 2.0));
            both.filter(|(secs, _)| *secs <= gap).collect()
        };
        let area = |segments: &[(f64, f64)]| segments.iter().map(|(secs, level)| secs * level).sum::<f64>();
        check(&e, n, &Integral::new(), |w, seen| near(seen, (!whole(w).is_empty()).then(|| area(&segments(w, INFINITY)))))?;
        check(&e, n, &Integral::new().longest_gap(Duration::from_secs(2)), |w, seen| {
            near(seen, (!whole(w).is_empty()).then(|| area(&segments(w, 2.0))))
        })?;
        check(&e, n, &TimeMean::new(), |w, seen| {
            let (parts, secs) = (segments(w, INFINITY), segments(w, INFINITY).iter().map(|p| p.0).sum::<f64>());
            near(seen, (secs > 0.0).then(|| area(&parts) / secs))
        })?;
        check(&e, n, &Derivative::new(), |w, seen| {
            let w = whole(w);
            let ends = w.first().copied().zip(w.last().copied()).filter(|(a, b)| b.0 > a.0);
            near(seen, ends.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)))
        })?;
    }

    #[test]
    fn m04_counters(e in prop::collection::vec((0_u32..4, 0_u64..9), 0..40), n in 1_usize..9, end in 9_u64..20) {
        let mut now = 0.0;
        let e: Vec<(f64, u64)> = e.into_iter().map(|(step, x)| { now += f64::from(step); (now, x) }).collect();
        let risen = |w: &[(f64, u64)], end: Option<u64>| {
            w.windows(2).map(|p| if p[1].1 >= p[0].1 { p[1].1 - p[0].1 } else { end.map_or(0, |end| end - p[0].1) + p[1].1 }).sum::<u64>() as f64
        };
        check(&e, n, &Increase::new(), |w, seen| near(seen, (!w.is_empty()).then(|| risen(w, None))))?;
        check(&e, n, &Rate::new().rolls_over_at(end), |w, seen| {
            let secs = w[w.len() - 1].0 - w[0].0;
            near(seen, (secs > 0.0).then(|| risen(w, Some(end)) / secs))
        })?;
    }
}

/// What a filter sends for events a second apart, its state taken out after `at` of them and put into a new one.
fn restored<T: Clone, F: Filter<T, Out: std::fmt::Debug + 'static> + 'static>(
    make: impl Fn() -> F,
    e: &[T],
    at: Option<usize>,
) -> String {
    let seen = Recorder::new();
    let chain = || pipe::<T>().pipe(make()).to(seen.clone());
    let mut running = chain();
    let when = |secs: usize| Context::detached(Instant::ZERO + Duration::from_secs(secs as u64));
    running.notice(Notice::Start, &mut when(0)).expect("no fatal error");
    for (now, event) in e.iter().enumerate() {
        if at == Some(now) {
            let mut saved = Taken::default();
            running.notice(Notice::State(&mut saved), &mut when(now)).expect("no fatal error");
            running = chain();
            running.notice(Notice::Start, &mut when(now)).expect("no fatal error");
            let mut state = Given(saved.0.into_iter());
            running.notice(Notice::State(&mut state), &mut when(now)).expect("no fatal error");
            assert_eq!(state.0.len(), 0, "something was not restored");
        }
        running.next(event.clone(), &mut when(now)).expect("no fatal error");
    }
    running.notice(Notice::Completed, &mut when(e.len())).expect("no fatal error");
    seen.text()
}

/// The same as if nothing had happened.
macro_rules! same_again {
    ($e:expr, $at:expr, $($window:expr),* ; $aggregate:expr) => {$({
        let make = || pipe().aggregate($window, $aggregate.clone());
        let (seen, expected) = (restored(make, $e, Some($at.min($e.len()))), restored(make, $e, None));
        assert!(is_alike(&seen, &expected), "{seen} is not {expected}");
    })*};
}

/// Whether two texts are the same, but for the last digits of numbers: parts of a window are put together in another order.
fn is_alike(a: &str, b: &str) -> bool {
    let words = |text: &str| text.split([' ', '(', ')', ',']).map(str::to_string).collect::<Vec<_>>();
    let (a, b) = (words(a), words(b));
    let near = |(a, b): (&String, &String)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() < 1e-9 || a.is_nan() && b.is_nan() || a == b,
        _ => a == b,
    };
    a.len() == b.len() && a.iter().zip(&b).all(near)
}

fn in_all_windows<T, A>(e: &[T], at: usize, n: usize, aggregate: &A)
where
    T: Clone + thingflow_core::windows::Carrier<Value = T, With<A::Out>: std::fmt::Debug> + 'static,
    A: Aggregate<T, Out: std::fmt::Debug> + Clone + 'static,
    T::With<A::Out>: 'static,
    T::With<thingflow_core::windows::Windowed<A::Out>>: std::fmt::Debug + 'static,
{
    let span = Duration::from_secs(n as u64);
    same_again!(e, at, Window::cumulative(), Window::tumbling(n), Window::each(span), Window::sliding(n),
        Window::every(n, 2).bounds(), Window::last(span, Limit::drop_oldest(5)); aggregate);
}

fn merged<V, A>(older: &[V], newer: &[V], aggregate: &A)
where
    A: Aggregate<V, Out: std::fmt::Debug> + Merge + Clone,
{
    let of = |values: &mut dyn Iterator<Item = &V>| {
        let mut part = aggregate.clone();
        values.for_each(|value| part.absorb(value));
        part
    };
    let (mut both, whole) = (of(&mut older.iter()), of(&mut older.iter().chain(newer)));
    both.merge(of(&mut newer.iter()));
    let (both, whole) = (format!("{:?}", both.value()), format!("{:?}", whole.value()));
    assert!(is_alike(&both, &whole), "{both} is not {whole}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn state_is_taken_out_and_put_back(e in prop::collection::vec(small(), 0..30), at in 0_usize..30, n in 1_usize..7) {
        in_all_windows(&e, at, n, &OrNone((Sum::new(), Mean::new(), Min::new(), Max::new())));
        in_all_windows(&e, at, n, &OrNone((ExactSum::new(), ExactMean::new(), Count::new(), First::new(), Last::new())));
        in_all_windows(&e, at, n, &OrNone((Median::new(), Quantile::at(0.3), Mode::new(), Histogram::new([0.0, 1.0]))));
        in_all_windows(&e, at, n, &OrNone(Variance::new()));
        in_all_windows(&e, at, n, &OrNone((StdDev::new(), Autocorrelation::new())));
        in_all_windows(&e, at, n, &OrNone(Describe::new()));
        let at = at.min(e.len());
        macro_rules! as_before {
            ($($stage:expr),*) => {$(prop_assert_eq!(restored(|| $stage, &e, Some(at)), restored(|| $stage, &e, None));)*};
        }
        as_before!(pipe().ewma(0.3), pipe().ewma_corrected(0.3), pipe().ewm_variance(0.2));
        as_before!(pipe().running_avg(n), pipe().running_avg_of::<4>());
        let time = |x: &f64| Timestamp::from_secs(if x.is_nan() { 0 } else { (4.0 * x) as i64 });
        let half_life = Duration::from_secs(3);
        as_before!(pipe().ewma_by_time(half_life, time), pipe().ewma_by_time_corrected(half_life, time));
    }

    #[test]
    fn state_of_samples(e in prop::collection::vec(small(), 0..30), at in 0_usize..30, n in 1_usize..7) {
        same_again!(&e, at, Window::cumulative(), Window::tumbling(n); Reservoir::new(3, 7));
    }

    #[test]
    fn state_of_pairs(e in at_times(), at in 0_usize..30, n in 1_usize..7) {
        in_all_windows(&e, at, n, &OrNone((Covariance::new(), Correlation::new())));
        in_all_windows(&e, at, n, &OrNone(Trend::new()));
        in_all_windows(&e, at, n, &OrNone((Rate::new(), Increase::new(), Derivative::new(), Integral::new(), TimeMean::new())));
    }

    #[test]
    fn a_description_says_what_its_parts_say(e in prop::collection::vec(small(), 0..40), n in 1_usize..7) {
        macro_rules! in_window {
            ($window:expr) => {
                let described = from_iter(e.clone()).aggregate($window, OrNone(Describe::new())).collect_now();
                let parts = (OrNone((Min::new(), Max::new(), Mean::new())), OrNone(Variance::new()));
                let parts = from_iter(e.clone()).aggregate($window, parts).collect_now();
                prop_assert_eq!(described.len(), parts.len());
                for (described, (extremes, variance)) in described.into_iter().zip(parts) {
                    prop_assert_eq!(described.map(|all| (all.min, all.max)), extremes.map(|(min, max, _)| (min, max)));
                    let close = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(a == b, |(a, b)| (a - b).abs() < 1e-12);
                    prop_assert!(close(described.map(|all| all.mean), extremes.map(|(.., mean)| mean)));
                    prop_assert!(close(described.and_then(|all| all.variance), variance));
                }
            };
        }
        in_window!(Window::sliding(n).partial());
        in_window!(Window::tumbling(n));
        in_window!(Window::cumulative());
        let counted = from_iter(e.clone()).aggregate(Window::cumulative(), Describe::new()).collect_now();
        prop_assert_eq!(counted.last().map_or(0, |all| all.count), e.iter().filter(|x| !x.is_nan()).count() as u64);
    }

    /// Two parts of a window put together are as the whole.
    #[test]
    fn parts_that_are_merged(e in prop::collection::vec(value(), 0..30), at in 0_usize..30) {
        let (a, b) = e.split_at(at.min(e.len()));
        merged(a, b, &(Sum::new(), OrNone(Mean::new()), OrNone(Min::new()), OrNone(Max::new())));
        merged(a, b, &(ExactSum::new(), OrNone(ExactMean::new()), Count::new(), OrNone(First::new()), OrNone(Last::new())));
        merged(a, b, &OrNone((Median::new(), Quantile::at(0.3), Mode::new(), Histogram::new([0.0, 1.0]))));
        merged(a, b, &[OrNone(Mode::new())].map(|mode| Of(|x: &f64| *x, mode))[0]);
        let small: Vec<f64> = e.iter().copied().filter(|x| x.is_finite() && x.abs() < 1e9).collect();
        let (a, b) = small.split_at(at.min(small.len()));
        merged(a, b, &OrNone((StdDev::new(), Autocorrelation::new())));
        merged(a, b, &OrNone(Describe::new()));
        let whole = |x: &f64| (4.0 * x) as i32;
        let (a, b): (Vec<i32>, Vec<i32>) = (a.iter().map(whole).collect(), b.iter().map(whole).collect());
        merged(&a, &b, &(Sum::new(), Mean::new(), ValueCounts::new()));
    }

    /// What comes from outside may be anything: a walk that restores nonsense breaks nothing.
    #[test]
    fn nonsense_is_no_panic(state in prop::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), 0_u64..9], 200), e in prop::collection::vec(small(), 0..12)) {
        let all = ((Mean::new(), Max::new(), Count::new()), (StdDev::new(), Describe::new()), Histogram::new([1.0]), Autocorrelation::new());
        let mut chains: Vec<Box<dyn InputThing<f64>>> = vec![
            Box::new(pipe().aggregate(Window::sliding(3), (all.clone(), Median::new())).to(call(drop))),
            Box::new(pipe().aggregate(Window::each(Duration::from_secs(3)), all).to(call(drop))),
            Box::new(pipe().running_avg(3).to(call(drop))),
            Box::new(pipe::<f64>().aggregate(Window::cumulative(), ExactSum::new()).to(call(drop))),
            Box::new(pipe::<f64>().aggregate(Window::tumbling(3), (Median::new(), Mode::new(), Quantile::at(0.1))).to(call(drop))),
            Box::new(pipe::<f64>().aggregate(Window::tumbling(3), (First::new(), Last::new(), Min::new(), Sum::new())).to(call(drop))),
            Box::new(pipe().map(|x: f64| x as i16).aggregate(Window::tumbling(3), (Sum::new(), ExactMean::new())).to(call(drop))),
            Box::new(pipe().map(|x: f64| x as u64).aggregate(Window::cumulative(), (Sum::new(), Mean::new(), Max::new())).to(call(drop))),
            Box::new(pipe().map(|x: f64| (x, x)).aggregate(Window::cumulative(), (Correlation::new(), Trend::new(), Rate::new(), TimeMean::new())).to(call(drop))),
            Box::new(pipe::<f64>().aggregate(Window::last(Duration::from_secs(1 << 40), Limit::drop_oldest(1 << 40)), Mean::new()).to(call(drop))),
            Box::new(pipe::<f64>().aggregate(Window::sliding(1_usize << 40).partial(), Mean::new()).to(call(drop))),
        ];
        let cx = &mut Context::detached(Instant::ZERO);
        for chain in &mut chains {
            chain.notice(Notice::State(&mut Given(state.iter().copied().cycle())), cx)?;
            for x in &e {
                chain.next(*x, cx)?;
            }
        }
    }
}

/// Shows the same number wherever one is asked for, and hears whether it was refused.
struct Always(u64, bool);

impl StateVisitor for Always {
    fn integer(&mut self, _: &str, value: &mut u64) {
        *value = self.0;
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        *value = 1.0;
    }
    fn refuse(&mut self, _: &str) {
        self.1 = true;
    }
}

#[test]
fn e05_a_length_that_is_forged_is_refused_and_costs_nothing() {
    fn refuses(mut chain: impl InputThing<f64>) {
        for length in [u64::from(u32::MAX), u64::MAX, 1 << 40] {
            let mut forged = Always(length, false);
            assert!(chain.notice(Notice::State(&mut forged), &mut Context::detached(Instant::ZERO)).is_ok());
            assert!(forged.1, "a length of {length} was not refused");
        }
    }
    refuses(pipe::<f64>().aggregate(Window::tumbling(3), Median::new()).to(call(drop)));
    refuses(pipe::<f64>().aggregate(Window::cumulative(), Quantile::at(0.9)).to(call(drop)));
    refuses(pipe::<f64>().aggregate(Window::each(Duration::from_secs(3)), Mode::new()).to(call(drop)));
    refuses(pipe::<f64>().aggregate(Window::tumbling(3), Reservoir::new(3, 1)).to(call(drop)));
    refuses(pipe::<f64>().aggregate(Window::sliding(3), Median::new()).to(call(drop)));
    refuses(
        pipe::<f64>()
            .aggregate(Window::last(Duration::from_secs(1), Limit::drop_oldest(9)), Mean::new())
            .to(call(drop)),
    );
}

#[test]
fn e05_a_state_that_is_damaged_or_of_another_chain_is_an_error() {
    let cx = &mut Context::detached(Instant::ZERO);
    let chain = || pipe::<f64>().aggregate(Window::tumbling(1000), (Median::new(), Mean::new())).to(call(drop));
    let mut full = chain();
    (0..700).for_each(|x| assert!(full.next(f64::from(x % 50), cx).is_ok()));
    let saved = SavedState::of(&mut full, cx).expect("no fatal error");
    let mut again = chain();
    saved.restore(&mut again, cx).expect("the same");
    assert_eq!(SavedState::of(&mut again, cx).expect("no fatal error"), saved);

    let words = saved.clone().into_words();
    assert_eq!(SavedState::from_words(words.clone()).expect("whole"), saved);
    for at in 0..words.len() {
        let mut damaged = words.clone();
        damaged[at] ^= 1 << (at % 64);
        assert!(SavedState::from_words(damaged).is_err(), "word {at}");
        assert!(SavedState::from_words(words[..at].to_vec()).is_err(), "cut at {at}");
    }
    let mut other = pipe::<f64>().aggregate(Window::tumbling(1000), Mean::new()).to(call(drop));
    let error = saved.restore(&mut other, cx).expect_err("another chain");
    assert!(error.to_string().starts_with("invalid state: "), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_sample_has_each_value_as_often_as_any_other() {
    let (mut drawn, mut merged) = ([0_u32; 40], [0_u32; 40]);
    for seed in 0..8_000 {
        let sample = |range: std::ops::Range<i64>| {
            let mut sample = Reservoir::new(8, seed);
            range.for_each(|value| sample.absorb(&value));
            sample
        };
        let (all, mut both) = (sample(0..40), sample(0..10));
        both.merge(sample(10..40)); // of parts that are not of the same size
        all.value().into_iter().flatten().for_each(|value| drawn[value as usize] += 1);
        both.value().into_iter().flatten().for_each(|value| merged[value as usize] += 1);
    }
    // 8 of 40 are 1,600 of 8,000 draws; five deviations are 179.
    for times in drawn.into_iter().chain(merged) {
        assert!((1_421..1_779).contains(&times), "{drawn:?} {merged:?}");
    }
    let few = from_iter([3, 1, 2]).aggregate(Window::tumbling(3), Reservoir::new(8, 1));
    assert_eq!(few.collect_now(), [[3, 1, 2]]);
}

/// What is too large to be squared gives no result that looks like one: neither no correlation nor a level line.
#[test]
fn what_is_beyond_the_range_of_the_float_is_no_number() {
    for large in [1e200, -1e250, INFINITY] {
        let pairs = [(large, 1.0), (2.0 * large, 2.0), (3.0 * large, 3.0)];
        let swapped = pairs.map(|(x, y)| (y, x));
        let of = |e: [(f64, f64); 3]| from_iter(e).aggregate(Window::tumbling(3), Correlation::new()).collect_now();
        assert!(of(pairs)[0].is_nan() && of(swapped)[0].is_nan(), "{large}");
        let trend = from_iter(pairs).aggregate(Window::tumbling(3), Trend::new()).collect_now()[0];
        assert!(trend.slope.is_nan() && trend.at(0.0).is_nan(), "{trend:?}");
        let swings = from_iter([large, 0.0, 0.0]).aggregate(Window::tumbling(3), Autocorrelation::new()).collect_now();
        assert!(swings[0].is_nan(), "{swings:?}");
    }
}

/// How far counts are from being equal: of `n` that are, it is about `n`, and hardly ever more than `n + 5 sqrt(2 n)`.
fn chi_squared(counts: &[u32]) -> f64 {
    let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|count| (f64::from(*count) - mean).powi(2) / mean).sum()
}

/// The places of a window from which values are drawn, over many windows of one seed: with a restart now and then, and by a program that
/// asks for more values, or for fewer, than the one before.
#[test]
fn a_sample_prefers_no_place_of_a_window() {
    const LENGTH: usize = 40;
    let value = |n: usize| (n % LENGTH, (n * 7919 % 10_007) as f64);
    let drawn = |window: usize, sizes: [usize; 2], cut: Option<usize>| {
        let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
        let chain = |size: usize| pipe().aggregate(Window::tumbling(LENGTH), Reservoir::new(size, 7)).to(seen.clone());
        let (mut now, mut drawn) = (chain(sizes[0]), [0; LENGTH]);
        for n in window * LENGTH..(window + 1) * LENGTH {
            if cut.is_some_and(|cut| n % LENGTH == cut) {
                let saved = SavedState::of(&mut now, cx).expect("no fatal error");
                now = chain(sizes[1]);
                saved.restore(&mut now, cx).expect("the same kind");
            }
            assert!(now.next(value(n), cx).is_ok());
        }
        let sample = seen.events().remove(0);
        sample.iter().for_each(|(place, _)| drawn[*place] += 1);
        (drawn, sample.len())
    };
    for (sizes, size, cut) in [([5, 5], 5, None), ([5, 5], 5, Some(23)), ([4, 9], 4, Some(20)), ([9, 4], 4, Some(20))] {
        let mut all = [0; LENGTH];
        for window in 0..2_000 {
            let (drawn, len) = drawn(window, sizes, cut);
            assert_eq!(len, size);
            all.iter_mut().zip(drawn).for_each(|(all, drawn)| *all += drawn);
        }
        assert!(chi_squared(&all) < 85.0, "{sizes:?} {cut:?}: {all:?}");
    }
    // A sample that is not full yet has room for more.
    assert_eq!(drawn(0, [4, 9], Some(3)).1, 9);
}

#[test]
#[should_panic(expected = "for an aggregate with room for 0")]
fn a_sample_of_windows_that_overlap_is_refused() {
    let _ = from_iter([3, 1, 2]).aggregate(Window::sliding(2), Reservoir::new(8, 1));
}
