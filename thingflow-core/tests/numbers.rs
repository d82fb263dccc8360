//! Numbers that are missing, huge, or close together: what operators over numbers make of them.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod given;
}

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{
    Aggregate, Assigner, Autocorrelation, Correlation, Count, Covariance, Derivative, Describe, ExactMean, ExactSum,
    Increase, Max, Mean, Median, MedianOf, Merge, Min, OrNone, Quantile, StdDev, Sum, Trend, Values, Variance,
};

use support::given::Given;

const NAN: f64 = f64::NAN;

/// The results of one aggregate in a window over some values.
fn results<W, A>(values: &[f64], window: W, aggregate: A) -> Vec<A::Out>
where
    A: Aggregate<f64> + Clone + 'static,
    W: Assigner<f64, Values<A>, Filter: Filter<f64, Out = A::Out> + 'static>,
{
    from_iter(values.to_vec()).aggregate(window, aggregate).collect_now()
}

#[test]
fn f60_a_nan_is_left_out_everywhere() {
    let e = [10.0, 20.0, 30.0, NAN, NAN];
    let last = |window: usize| {
        let all =
            (Sum::new(), Mean::new(), (Min::new(), Max::new()), (Median::new(), Quantile::at(0.5)), Variance::new());
        results(&e, Window::sliding(window).partial(), all).pop()
    };
    assert_eq!(last(5), Some((60.0, 20.0, (10.0, 30.0), (20.0, 20.0), 100.0)));
    let whole = (ExactSum::new(), ExactMean::new(), (Min::new(), Max::new()), MedianOf::<_, 5>::new(), StdDev::new());
    assert_eq!(results(&e, Window::tumbling(5), whole), [(60.0, 20.0, (10.0, 30.0), 20.0, 10.0)]);
    assert_eq!(from_iter(e).chunk_median(5).collect_now(), [20.0]);
    assert_eq!(from_iter(e).running_avg(5).collect_now(), [10.0, 15.0, 20.0, 20.0, 20.0]);
    assert_eq!(from_iter(e).running_avg(2).collect_now()[..4], [10.0, 15.0, 25.0, 30.0]);
    assert_eq!(from_iter(e).ewma(0.5).collect_now(), [10.0, 15.0, 22.5, 22.5, 22.5]);
    assert_eq!((from_iter(e).max().collect_now(), from_iter(e).min().collect_now()), (vec![30.0], vec![10.0]));
    assert_eq!(from_iter(e).top_k(9).last().collect_now(), [[30.0, 20.0, 10.0]]);
    assert_eq!(results(&e, Window::cumulative(), Max::new()), [10.0, 20.0, 30.0, 30.0, 30.0]);
    assert_eq!(results(&e, Window::tumbling(5), Count::new()), [5]); // of events
}

#[test]
fn f60_nothing_but_nan_is_nothing() {
    let e = [NAN, NAN];
    assert_eq!(results(&e, Window::tumbling(2), Mean::new()), []);
    assert_eq!(results(&e, Window::tumbling(2), OrNone((Min::new(), Median::new()))), [None]);
    assert_eq!(results(&e, Window::sliding(2), Sum::new()), [0.0]);
    assert!(from_iter(e).running_avg(2).collect_now().iter().all(|mean| mean.is_nan()));
    assert!(from_iter(e).ewma(0.5).collect_now().iter().all(|mean| mean.is_nan()));
    assert_eq!(from_iter(e).max().try_collect_now().1.map(|error| error.to_string()).as_deref(), Some("no elements"));
}

#[test]
fn f47_memory_grows_with_what_is_held() {
    let huge = 1_usize << 40;
    assert_eq!(from_iter([1.0, 2.0]).running_avg(huge).collect_now(), [1.0, 1.5]);
    assert_eq!(from_iter([1.0, 2.0]).chunk_median(huge).collect_now(), [1.5]);
    assert_eq!(from_iter([1, 2]).chunks(huge).collect_now(), [[1, 2]]);
    assert_eq!(from_iter([1, 2]).sliding(huge).collect_now(), [[0; 0]; 0]);
    assert_eq!(from_iter([1, 2]).chunks_by(huge, huge, |x| *x).collect_now(), [[1], [2]]);
    assert_eq!(from_iter([1, 2]).skip_last(huge).collect_now(), []);
    assert_eq!(from_iter([1, 2]).take_last(huge).collect_now(), [1, 2]);
    assert_eq!(from_iter([1.0, 2.0]).aggregate(Window::sliding(huge).partial(), Variance::new()).collect_now(), [0.5]);
}

#[test]
fn f47_extremes_do_not_poison_an_average() {
    let e = [1.0, f64::MAX, -f64::MAX, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, NAN, 1.0];
    for corrected in [false, true] {
        let all = from_iter(e.into_iter().chain([4.0; 5000]).collect::<Vec<_>>());
        let seen = if corrected { all.ewma_corrected(0.5).collect_now() } else { all.ewma(0.5).collect_now() };
        assert!(seen.iter().all(|average| average.is_finite()), "{seen:?}");
        assert_eq!(seen.last(), Some(&4.0));
    }
}

#[test]
fn f94_ewma_with_and_without_correction() {
    assert_eq!(from_iter([1.0, 2.0, 3.0]).ewma(0.5).collect_now(), [1.0, 1.5, 2.25]); // pandas: adjust=False
    assert_eq!(from_iter([1.0, 2.0, 3.0]).ewma_corrected(0.5).collect_now(), [1.0, 5.0 / 3.0, 17.0 / 7.0]); // adjust=True
    assert_eq!(from_iter([7.0; 9]).ewma_corrected(0.3).collect_now(), [7.0; 9]);
}

proptest! {
    #[test]
    fn f94_the_corrected_average_by_its_definition(e in prop::collection::vec(-1e3..1e3_f64, 1..50), alpha in 0.01..1.0_f64) {
        let seen = from_iter(e.clone()).ewma_corrected(alpha).collect_now();
        for (to, average) in (1..).zip(seen) {
            let weights = (0..to).map(|age| (1.0 - alpha).powi(age as i32));
            let sum: f64 = weights.clone().zip(e[..to].iter().rev()).map(|(weight, x)| weight * x).sum();
            prop_assert!((average - sum / weights.sum::<f64>()).abs() < 1e-9);
        }
    }

    /// The mean of the numbers among the last `n`, whatever stands between them.
    #[test]
    fn f60_running_averages_over_gaps(e in prop::collection::vec(prop_oneof![Just(NAN), -1e3..1e3_f64], 0..80), n in 1_usize..9) {
        let fixed: Vec<f64> = { let seen = Recorder::new(); pipe().running_avg_of::<4>().to(seen.clone()).feed(e.clone())?; seen.events() };
        for (seen, n) in [(from_iter(e.clone()).running_avg(n).collect_now(), n), (fixed, 4)] {
            prop_assert_eq!(seen.len(), e.len());
            for (to, mean) in (1..).zip(seen) {
                let window: Vec<f64> = e[usize::saturating_sub(to, n)..to].iter().copied().filter(|x| !x.is_nan()).collect();
                let expected = window.iter().sum::<f64>() / window.len() as f64;
                prop_assert!((mean - expected).abs() < 1e-9 || mean.is_nan() && expected.is_nan(), "{mean} is not {expected}");
            }
        }
    }

    /// The sum, in the same way.
    #[test]
    fn running_sums_over_gaps_and_spikes(
        e in prop::collection::vec(prop_oneof![1 => Just(NAN), 1 => Just(1e17), 1 => Just(f64::INFINITY), 9 => -1e3..1e3_f64], 0..80), n in 1_usize..9,
    ) {
        let fixed: Vec<f64> = { let seen = Recorder::new(); pipe().running_sum_of::<4>().to(seen.clone()).feed(e.clone())?; seen.events() };
        for (seen, n) in [(from_iter(e.clone()).running_sum(n).collect_now(), n), (fixed, 4)] {
            prop_assert_eq!(seen.len(), e.len());
            for (to, sum) in (1..).zip(seen) {
                let window = e[usize::saturating_sub(to, n)..to].iter().copied().filter(|x| !x.is_nan());
                let (expected, size) = window.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + f64::abs(x)));
                prop_assert!(sum == expected || (sum - expected).abs() <= 1e-14 * size, "{sum} is not {expected}");
            }
        }
    }

    /// B-01, B-03, B-04, B-05, B-07, B-10 on series that are made of what costs digits: an offset, steps, values that stay the same, spikes,
    /// gaps and infinities, in windows that are shorter and longer than what is made anew after.
    #[test]
    fn b10_variances_of_rough_series(
        e in prop::collection::vec((prop_oneof![
            3 => (-9..9).prop_map(f64::from), 3 => -1.0..1.0_f64, 3 => Just(0.5), 1 => (-300..300).prop_map(|p| 10_f64.powi(p)),
            1 => prop_oneof![Just(NAN), Just(f64::INFINITY), Just(-f64::INFINITY), Just(f64::MAX), Just(1e17), Just(-1e17)],
        ], 1_usize..30), 0..20),
        n in prop_oneof![2_usize..9, 60_usize..70, 90_usize..200],
        far in prop_oneof![Just(0.0), Just(1e9), Just(-1e15)],
    ) {
        let e: Vec<f64> = e.into_iter().flat_map(|(x, times)| std::iter::repeat_n(x + far, times)).collect();
        let seen = results(&e, Window::sliding(n).partial(), OrNone(Variance::new()));
        let running = from_iter(e.clone()).running_variance(n).map(|variance| Some(variance).filter(|x| !x.is_nan())).collect_now();
        for (to, variance) in (1..=e.len()).chain(1..).zip(seen.into_iter().chain(running)) {
            let window: Vec<f64> = e[usize::saturating_sub(to, n)..to].iter().copied().filter(|x| !x.is_nan()).collect();
            if window.len() < 2 {
                prop_assert_eq!(variance, None);
                continue;
            }
            let count = window.len() as f64;
            let from = window[0];
            let mean = window.iter().map(|x| (x - from) / count).sum::<f64>();
            let exact = window.iter().map(|x| (x - from - mean) * (x - from - mean)).sum::<f64>() / (count - 1.0);
            let variance = variance.expect("two values");
            let same = variance == exact || (variance - exact).abs() <= 1e-11 * exact + 1e-300;
            // The squares of some values are beyond the range of a float, though those of their distances may not be.
            let is_beyond = !exact.is_finite() || window.iter().any(|x| x.abs() > 1e150);
            prop_assert!(same || is_beyond && variance == f64::INFINITY, "{variance} is not {exact} of {window:?}");
        }
    }

    /// Values of which each can be squared, but not all of them together: they leave nothing behind.
    #[test]
    fn b10_squares_that_are_too_large_together_leave_nothing(large in prop::collection::vec(prop::sample::select(vec![0.0, 1e154, -1e154, f64::MAX, NAN]), 0..12), n in 2_usize..5) {
        let small = [1.0, 2.0, 4.0, 8.0, 16.0];
        let e: Vec<f64> = small.into_iter().cycle().take(9).chain(large).chain(small).collect();
        let running = from_iter(e.clone()).running_variance(n).collect_now();
        let sliding = results(&e, Window::sliding(n), Variance::new());
        let exact = from_iter(small).running_variance(n).collect_now()[4];
        for seen in [running.last(), sliding.last()] {
            prop_assert!(seen.is_some_and(|seen| (seen - exact).abs() <= 1e-11 * exact), "{seen:?} is not {exact}");
        }
    }

    /// In rolling and in whole forms, against the numbers sorted by hand.
    #[test]
    fn b09_medians_and_quantiles(e in prop::collection::vec(prop_oneof![Just(NAN), (-9..9).prop_map(f64::from)], 0..60),
        n in 1_usize..9, q in 0.0..1.0_f64) {
        let by_hand = |window: &[f64], q: f64| {
            let mut sorted: Vec<f64> = window.iter().copied().filter(|x| !x.is_nan()).collect();
            sorted.sort_by(f64::total_cmp);
            let place = q * sorted.len().checked_sub(1)? as f64;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            Some(low + (high - low) * place.fract())
        };
        let all = || OrNone((Median::new(), Quantile::at(q), Quantile::at(0.0), Quantile::at(1.0)));
        let expected = |w: &[f64]| Some((by_hand(w, 0.5)?, by_hand(w, q)?, by_hand(w, 0.0)?, by_hand(w, 1.0)?));
        let rolling = results(&e, Window::sliding(n), all());
        let whole = results(&e, Window::tumbling(n), all());
        for (seen, w) in rolling.iter().zip(e.windows(n)).chain(whole.iter().zip(e.chunks(n))) {
            let flat = |x: &Option<(f64, f64, f64, f64)>| x.map(|(a, b, c, d)| [a, b, c, d]);
            let near = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
            match (flat(seen), flat(&expected(w))) {
                (Some(a), Some(b)) => prop_assert!(near(a, b), "{a:?} is not {b:?} in {w:?}"),
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }
}

/// Mean, variance and deviation over windows of `n`, from a first value on.
fn spread(e: &[f64], n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let window = || Window::sliding(n).partial();
    (results(e, window(), Mean::new()), results(e, window(), Variance::new()), results(e, window(), StdDev::new()))
}

#[test]
fn b01_nothing_is_left_of_what_has_gone() {
    let (_, variances, deviations) = spread(&[1.0, 1e-7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 5);
    assert_eq!(variances[5..], [0.0; 4]); // there is none of the first event alone
    assert!(variances.iter().all(|v| *v >= 0.0) && deviations.iter().all(|d| !d.is_nan()));
}

#[test]
fn b02_a_gap_in_a_window_after_a_large_value() {
    let (.., deviations) = spread(&[9.54e8, 0.6225, NAN, 0.0, 1.14, 0.0], 5);
    let last = deviations.last().copied().unwrap_or(NAN);
    assert!((last - 0.551).abs() < 5e-4, "{last}");
}

#[test]
fn b03_three_equal_values_after_others() {
    let mut e: Vec<f64> = vec![3.0, 1e12, -7.5, 0.25, 2_820_375_999.0];
    e.extend([2_820_376_000.0; 3]);
    assert_eq!(spread(&e, 3).2.last(), Some(&0.0));
}

#[test]
fn b04_values_that_stay_the_same() {
    assert_eq!(spread(&[36743.6; 10], 12).1, [0.0; 9]);
    assert!(spread(&[36743.6; 10], 12).0.iter().all(|mean| *mean == 36743.6));
}

#[test]
fn b05_over_eleven_orders_of_magnitude() {
    let e: Vec<f64> =
        (0..=1100).map(|i| 10_f64.powf(1.0 - f64::from(i) / 100.0)).map(|x| x.sin() * (-x).exp()).collect();
    let reversed: Vec<f64> = e.iter().rev().copied().collect();
    for e in [e, reversed] {
        let means = results(&e, Window::sliding(50), (Mean::new(), Sum::new(), Variance::new()));
        for ((mean, sum, variance), w) in means.into_iter().zip(e.windows(50)) {
            let exact = w.iter().sum::<f64>() / 50.0;
            let squares = w.iter().map(|x| (x - exact) * (x - exact)).sum::<f64>() / 49.0;
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
            assert!(
                near(mean, exact) && near(sum, exact * 50.0) && near(variance, squares),
                "{mean} {variance} of {exact} {squares}"
            );
        }
        let averages = from_iter(e.clone()).running_avg(50).collect_now();
        for (average, w) in averages[49..].iter().zip(e.windows(50)) {
            assert!((average - w.iter().sum::<f64>() / 50.0).abs() <= 1e-9 * average.abs());
        }
    }
}

#[test]
fn b07_far_from_zero() {
    let e = [4.0, 7.0, 13.0, 16.0].map(|x| x + 1e9);
    assert_eq!(results(&e, Window::sliding(4), Variance::new()), [30.0]);
    assert_eq!(results(&e, Window::tumbling(4), Variance::new()), [30.0]);
    assert_eq!(results(&e, Window::cumulative(), Variance::new()).last(), Some(&30.0));
}

#[test]
fn b08_reference_sets_of_nist() {
    // NumAcc1 to NumAcc4: mean and deviation are certified.
    let swinging = |middle: f64, step: f64| {
        let mut e = vec![middle];
        (0..500).for_each(|_| e.extend([middle - step, middle + step]));
        e
    };
    let sets = [
        (vec![10_000_001.0, 10_000_003.0, 10_000_002.0], 10_000_002.0, 1.0),
        (swinging(1.2, 0.1), 1.2, 0.1),
        (swinging(1_000_000.2, 0.1), 1_000_000.2, 0.1),
        (swinging(10_000_000.2, 0.1), 10_000_000.2, 0.1),
    ];
    for (e, mean, deviation) in sets {
        let (seen_mean, seen) = results(&e, Window::tumbling(e.len()), (Mean::new(), StdDev::new()))[0];
        assert!((seen_mean - mean).abs() <= 1e-13 * mean, "{seen_mean} is not {mean}");
        assert!((seen - deviation).abs() <= 1e-8 * deviation, "{seen} is not {deviation}");
    }
}

#[test]
fn b09_a_gap_under_all_aggregates() {
    let e = [1.0, 2.0, 3.0, NAN, 5.0, 6.0, 7.0];
    let all = || (Min::new(), Max::new(), Median::new(), Quantile::at(0.25));
    assert_eq!(
        results(&e, Window::sliding(3), all())[1..5],
        [(2.0, 3.0, 2.5, 2.25), (3.0, 5.0, 4.0, 3.5), (5.0, 6.0, 5.5, 5.25), (5.0, 7.0, 6.0, 5.5)]
    );
    assert_eq!(results(&e, Window::tumbling(7), all()), [(1.0, 7.0, 4.0, 2.25)]);
}

#[test]
fn b10_what_has_left_leaves_no_trace() {
    for rough in [NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -f64::MAX, 1e300] {
        let e = [1.0, rough, rough, 2.0, 4.0, 6.0];
        let all = (Mean::new(), ExactMean::new(), (Min::new(), Max::new()), Median::new(), Variance::new());
        let seen = results(&e, Window::sliding(3), OrNone(all));
        assert_eq!(seen.last(), Some(&Some((4.0, 4.0, (2.0, 6.0), 4.0, 4.0))), "after {rough}");
        assert_eq!(from_iter(e).running_avg(3).collect_now().last(), Some(&4.0), "after {rough}");
    }
}

#[test]
fn averages_that_fade_forget_what_was_too_large() {
    for rough in [NAN, f64::INFINITY, f64::MAX, -f64::MAX, 1e200, 5e-324] {
        let e = [1.0, rough, -rough, rough].into_iter().chain((0..3_000).map(|n| f64::from(n % 2))).collect::<Vec<_>>();
        let last = |seen: Vec<f64>| seen.last().copied().unwrap_or(NAN);
        assert!((last(from_iter(e.clone()).ewm_variance(0.1).collect_now()) - 0.26).abs() < 0.1, "after {rough}");
        for mean in
            [from_iter(e.clone()).ewma(0.5).collect_now(), from_iter(e.clone()).ewma_corrected(0.5).collect_now()]
        {
            assert!((0.0..=1.0).contains(&last(mean)), "after {rough}");
        }
    }
}

#[test]
fn averages_that_fade_outlive_a_forged_state() {
    fn last<F: Filter<f64, Out = f64>>(filter: Pipe<f64, F>, bits: u64) -> f64 {
        let mut last = NAN;
        let mut chain = filter.to(call(|made| last = made));
        let cx = &mut Context::detached(Instant::ZERO);
        chain.notice(Notice::State(&mut Given(std::iter::repeat(bits))), cx).expect("no fatal error");
        for n in 0..3_000 {
            let _ = chain.next(f64::from(n % 2), cx).expect("no fatal error");
        }
        drop(chain);
        last
    }
    for bits in [NAN, f64::INFINITY, -1.0, f64::MAX, 0.0].map(f64::to_bits).into_iter().chain([1, u64::MAX]) {
        assert!((0.0..=1.0).contains(&last(pipe().ewma(0.5), bits)), "{bits:x}");
        assert!((0.0..=1.0).contains(&last(pipe().ewma_corrected(0.5), bits)), "{bits:x}");
        assert!(last(pipe().ewm_variance(0.1), bits).is_finite(), "{bits:x}");
        let by_time = |_: &f64| Timestamp::UNIX_EPOCH;
        let _ = last(pipe().ewma_by_time(std::time::Duration::from_secs(1), by_time), bits); // no panic
    }
}

#[test]
fn b11_degrees_of_freedom_are_said() {
    assert_eq!(results(&[2.0, 4.0], Window::tumbling(2), (Variance::new(), Variance::new().of_all())), [(2.0, 1.0)]);
}

#[test]
fn sums_are_small_unless_they_are_to_be_exact() {
    assert!(size_of::<Sum<f32>>() <= 24 && size_of::<Mean<f32>>() <= 32);
    assert!(size_of::<ExactSum<f64>>() >= 320);
    let rough = [1e300, 0.5, 1e-300, -1e300, -0.5];
    assert_eq!(results(&rough, Window::tumbling(5), ExactSum::new()), [1e-300]);
}

/// Mean and variance after very many updates around a large offset, in a running and in a sliding window: how many digits are right.
fn digits_after(updates: u64, offset: f64) -> [f64; 4] {
    // Residues of a full cycle modulo a prime: their mean and variance are known exactly.
    const CYCLE: u64 = 1009;
    let value = |n: u64| offset + (n * 367 % CYCLE) as f64;
    let cycle = CYCLE as f64;
    let updates = updates - updates % CYCLE; // whole cycles
    let mean = offset + (cycle - 1.0) / 2.0;
    let variance = |n: f64| (cycle * cycle - 1.0) / 12.0 * n / (n - 1.0);
    let n = updates as f64;

    let mut running = (Mean::new(), Variance::new());
    let (mut sliding_mean, mut sliding_variance, mut held) =
        (Mean::new(), Variance::new(), std::collections::VecDeque::new());
    for n in 0..updates {
        let x = value(n);
        running.absorb(&x);
        if held.len() == CYCLE as usize
            && let Some(oldest) = held.pop_front()
        {
            sliding_mean.remove(&oldest);
            sliding_variance.remove(&oldest);
            assert!(!sliding_mean.is_stale(), "these values fit in the digits of a sum");
            if sliding_variance.is_stale() {
                sliding_variance = Variance::new();
                held.iter().for_each(|x| sliding_variance.add(x));
            }
        }
        held.push_back(x);
        sliding_mean.add(&x);
        sliding_variance.add(&x);
    }
    let (running_mean, running_variance) = running.value().expect("values");
    let digits = |seen: f64, exact: f64| if seen == exact { 17.0 } else { -((seen - exact) / exact).abs().log10() };
    [
        digits(running_mean, mean),
        digits(running_variance, variance(n)),
        digits(sliding_mean.value().expect("values"), mean),
        digits(sliding_variance.value().expect("values"), variance(cycle)),
    ]
}

#[test]
fn mean_and_variance_keep_ten_digits_after_very_many_updates() {
    let digits = digits_after(1_000_000, 1e9);
    assert!(digits.iter().all(|digits| *digits >= 10.0), "{digits:?}");
}

/// By hand, in release: `cargo test --release -p thingflow-core --test numbers -- --exact a_billion_updates --nocapture`, with
/// `THINGFLOW_UPDATES=1000000000` in its environment. Without that it is the test above, of fewer.
#[test]
fn a_billion_updates() {
    let updates = std::env::var("THINGFLOW_UPDATES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let digits = digits_after(updates, 1e9);
    println!("{updates} updates around 1e9: digits of the running mean and variance, the sliding ones: {digits:.1?}");
    assert!(digits.iter().all(|digits| *digits >= 10.0), "{digits:?}");
}

/// Where the first values are far from the later ones, or the values wander, the mean goes away from where distances are counted from.
#[test]
fn a_beginning_far_away_costs_no_digits() {
    let noise = |n: u32| f64::from(n * 367 % 1009) / 1009.0;
    let far_away = std::iter::once(1e6).chain((0..200_000).map(noise));
    let wandering = (0..200_000).map(|n| f64::from(n) / 10.0 + noise(n));
    for e in [far_away.collect::<Vec<f64>>(), wandering.collect()] {
        let count = e.len() as f64;
        let mean = e.iter().sum::<f64>() / count;
        let exact = e.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0);
        let described =
            from_iter(e).aggregate(Window::cumulative(), Describe::new()).collect_now().pop().expect("values");
        assert!((described.variance.expect("two") / exact - 1.0).abs() < 1e-11, "{described:?}, {exact}");
        assert!((described.mean / mean - 1.0).abs() < 1e-12, "{described:?}, {mean}");
    }
}

/// What is made of pairs far from 0 has its digits, too.
#[test]
fn covariance_trend_and_autocorrelation_far_from_zero() {
    let wave = |n: i32| f64::from(n * 367 % 1009);
    let near = |far: f64| {
        let pairs = (0..5000).map(move |n| (far + wave(n), far + 3.0 * wave(n) + f64::from(n % 7)));
        let sums = (Covariance::new(), Correlation::new(), Trend::new());
        let (covariance, correlation, line) =
            from_iter(pairs).aggregate(Window::sliding(4000), sums).collect_now()[999];
        let series =
            from_iter((0..5000).map(move |n| far + wave(n))).aggregate(Window::sliding(4000), Autocorrelation::new());
        [covariance, correlation, line.slope, series.collect_now()[999]]
    };
    for (at_zero, far) in near(0.0).into_iter().zip(near(1e9)) {
        assert!(((at_zero - far) / at_zero).abs() < 1e-10, "{far} is not {at_zero}");
    }
}

/// A number to compare, where NaNs are one.
fn plain(value: f64) -> String {
    if value.is_nan() { "NaN".into() } else { value.to_string() }
}

#[test]
fn an_infinity_is_in_the_mean_of_a_description_wherever_it_stands() {
    let (inf, n) = (f64::INFINITY, 3);
    for values in
        [[-inf, 1.0, 2.0], [1.0, -inf, 2.0], [1.0, 2.0, -inf], [inf, 1.0, -inf], [inf, inf, 1e300], [1e200, inf, 1.0]]
    {
        let [(described, mean)] = results(&values, Window::tumbling(n), (Describe::new(), Mean::new()))[..] else {
            panic!("one result")
        };
        assert_eq!(plain(described.mean), plain(mean), "{values:?}");
        assert_eq!(described.variance, Some(inf), "{values:?}");
    }
    // Until it has left the window, and no longer.
    let values = [inf, 4.0, 7.0, 10.0, -inf, 1.0, 3.0, 5.0];
    let means = results(&values, Window::sliding(n), (Describe::new(), Mean::new()));
    let means = means.iter().map(|(described, mean)| (plain(described.mean), plain(*mean)));
    assert!(means.clone().all(|(described, mean)| described == mean), "{:?}", means.collect::<Vec<_>>());
    // Two parts of a session, of which one has it.
    let described = |values: &[f64]| {
        let mut described = Describe::new();
        values.iter().for_each(|value| described.absorb(value));
        described
    };
    for (one, other, mean) in
        [([inf, 1.0], [2.0, 3.0], "inf"), ([1.0, 2.0], [3.0, -inf], "-inf"), ([1.0, inf], [-inf, 2.0], "NaN")]
    {
        let mut both = described(&one);
        both.merge(described(&other));
        assert_eq!(both.value().map(|both| plain(both.mean)), Some(mean.into()));
    }
}

#[test]
fn changes_of_integers_are_exact_over_their_whole_range() {
    let at = |second: i64| Timestamp::from_secs(second);
    let slope = |a: i8, b: i8| {
        from_iter([(at(0), a), (at(1), b)]).aggregate(Window::sliding(2), Derivative::new()).collect_now()
    };
    assert_eq!((slope(-100, 100), slope(100, -100)), (vec![200.0], vec![-200.0]));
    let ends = [(at(0), i64::MIN), (at(1), i64::MAX)];
    assert_eq!(from_iter(ends).aggregate(Window::sliding(2), Increase::new()).collect_now(), [2_f64.powi(64)]);
    assert_eq!(from_iter(ends).aggregate(Window::sliding(2), Derivative::new()).collect_now(), [2_f64.powi(64)]);
    // As an operator, by the clock: a second from one to the next.
    let seen = Recorder::new();
    let mut chain = pipe::<i16>().derivative().to(seen.clone());
    for (second, value) in [(0, -20_000_i16), (1, 20_000), (2, -20_000)] {
        let _ = chain.next(value, &mut Context::detached(Instant::from_nanos(second * 1_000_000_000)));
    }
    assert_eq!(seen.events(), [40_000.0, -40_000.0]);
    // The same float, and yet a fall.
    let seen = Recorder::new();
    let mut chain = pipe::<i64>().derivative().to(seen.clone());
    for (second, value) in [(0, (1_i64 << 60) + 1), (1, 1 << 60)] {
        let _ = chain.next(value, &mut Context::detached(Instant::from_nanos(second * 1_000_000_000)));
    }
    assert_eq!(seen.events(), [-1.0]);
}

#[test]
fn quantiles_of_infinities() {
    let inf = f64::INFINITY;
    let quantiles = (Quantile::at(0.0), Quantile::at(0.25), Quantile::at(0.5), Quantile::at(1.0));
    let of = |values: &[f64]| {
        let [(a, b, c, d)] = results(values, Window::tumbling(values.len()), quantiles.clone())[..] else {
            panic!("one result")
        };
        [a, b, c, d].map(plain).join(" ")
    };
    assert_eq!(of(&[1.0, inf]), "1 inf inf inf");
    assert_eq!(of(&[inf, inf]), "inf inf inf inf");
    assert_eq!(of(&[-inf, 1.0, 2.0]), "-inf -inf 1 2");
    assert_eq!(of(&[1.0, 2.0, inf]), "1 1.5 2 inf");
    assert_eq!(of(&[-inf, inf]), "-inf NaN NaN inf"); // between them lies no number
}

#[test]
fn averages_by_time_of_readings_at_one_time_and_of_earlier_ones() {
    let at = |(second, value): (i64, f64)| SensorEvent::new(1, Timestamp::from_secs(second), value);
    let rows = || from_iter([(0, 1.0), (10, 2.0), (10, 100.0), (5, 50.0), (20, 2.0)].map(at));
    let ten = std::time::Duration::from_secs(10);
    let smooth = rows().ewma_by_time(ten, |event| event.ts).map(|event| event.val).collect_now();
    assert_eq!(smooth, [1.0, 1.5, 1.5, 1.5, 1.75]); // no time has passed for which the third and the fourth would count
    let corrected = rows().ewma_by_time_corrected(ten, |event| event.ts).map(|event| event.val).collect_now();
    let (third, fourth) = ((0.5 + 2.0 + 100.0) / 2.5, (0.5 + 2.0 + 100.0 + 50.0) / 3.5);
    assert!((corrected[2] - third).abs() < 1e-12 && (corrected[3] - fourth).abs() < 1e-12, "{corrected:?}");
}
