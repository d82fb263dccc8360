//! Aggregates of very many readings of 24 bits: what is added up after days still counts.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod given;
    pub(crate) mod taken;
}

use thingflow_core::SavedState;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{
    Aggregate, Covariance, Describe, Integral, IntegralOf, Merge, Of, StdDev, TimeMean, Trend, Variance, Window,
};

use support::given::Given;
use support::taken::Taken;

/// Residues of a full cycle modulo a prime, between 19 and 21: their mean and variance are known.
const CYCLE: u32 = 1_009;

fn reading(n: u32) -> f32 {
    19.0 + (n % CYCLE * 367 % CYCLE) as f32 / 512.0
}

fn second(n: u32) -> (f64, f32) {
    (f64::from(n), reading(n))
}

fn near(seen: impl Into<f64>, exact: f64) {
    let seen = seen.into();
    assert!(((seen - exact) / exact).abs() < 5e-6, "{seen} is not {exact}");
}

#[test]
fn readings_of_24_bits_count_also_after_millions_of_others() {
    let mut spread = (Variance::new(), Describe::new(), Covariance::new());
    let mut levels = (Integral::new(), TimeMean::new(), Trend::new());
    let count = CYCLE * 2_500; // 2.5 million, one a second for 29 days
    for n in 0..count {
        let value = reading(n);
        spread.0.absorb(&value);
        spread.1.absorb(&value);
        spread.2.absorb(&(value, 2.0 * value));
        levels.absorb(&second(n));
    }
    let (cycle, n) = (f64::from(CYCLE), f64::from(count));
    let mean = 19.0 + (cycle - 1.0) / 2.0 / 512.0;
    let variance = (cycle * cycle - 1.0) / 12.0 / (512.0 * 512.0) * n / (n - 1.0);
    let described = spread.1.value().expect("values");
    near(spread.0.value().expect("values"), variance);
    near(described.mean, mean);
    near(described.variance.expect("values"), variance);
    near(spread.2.value().expect("values"), 2.0 * variance);
    let (integral, time_mean, trend) = levels.value().expect("values");
    let area = mean * n - f64::from(reading(0) + reading(count - 1)) / 2.0;
    near(integral, area);
    near(time_mean, area / (n - 1.0));
    near(trend.start, mean);
}

#[test]
fn a_spread_is_found_where_the_first_reading_was_far_off() {
    let far_off = core::iter::once(22.0).chain((0..CYCLE * 1_000).map(reading));
    let (mut short, mut long) = (Variance::new(), Variance::new());
    for value in far_off {
        short.absorb(&value);
        long.absorb(&f64::from(value));
    }
    near(short.value().expect("values"), long.value().expect("values"));
}

#[test]
fn an_infinity_among_very_many_stays_one() {
    for at in [0, 5_000] {
        let mut all = (Variance::new(), TimeMean::new());
        for n in 0..10_000 {
            let value = if n == at { f32::INFINITY } else { reading(n) };
            all.0.absorb(&value);
            all.1.absorb(&(f64::from(n), value));
        }
        assert_eq!((all.0.value(), all.1.value()), (Some(f32::INFINITY), Some(f32::INFINITY)), "{at}");
    }
}

/// Takes `count` values in, in two programs of which the second goes on with the state of the first, and in one.
fn over_a_restart<A: Aggregate<(f64, f32), Out: Clone + core::fmt::Debug + PartialEq + 'static> + Clone + 'static>(
    aggregate: &A,
    count: u32,
    cut: u32,
) {
    let chain = || {
        let seen = Recorder::new();
        (pipe::<(f64, f32)>().aggregate(Window::cumulative(), aggregate.clone()).to(seen.clone()), seen)
    };
    let mut cx = Context::detached(Instant::ZERO);
    let ((mut whole, all), (mut first, _), (mut second_run, seen)) = (chain(), chain(), chain());
    for n in 0..count {
        let _ = whole.next(second(n), &mut cx);
        let _ = if n < cut { first.next(second(n), &mut cx) } else { Ok(Demand::More) };
    }
    let state = SavedState::of::<(f64, f32)>(&mut first, &mut cx).expect("no fatal error");
    assert!(state.unsaved().is_empty());
    let state = SavedState::from_words(state.into_words()).expect("whole");
    state.restore::<(f64, f32)>(&mut second_run, &mut cx).expect("the same stages");
    (cut..count).for_each(|n| drop(second_run.next(second(n), &mut cx)));
    let (seen, all) = (seen.events(), all.events());
    let differs = seen.iter().rev().zip(all.iter().rev()).find(|(seen, whole)| seen != whole);
    assert!(seen.len() == (count - cut) as usize && differs.is_none(), "cut at {cut}: {differs:?}");
}

#[test]
fn a_run_over_a_restart_goes_on_to_the_last_digit() {
    for cut in [1, 4_095, 4_096, 4_097, 9_000] {
        over_a_restart(&(Integral::new(), Trend::new()), 13_000, cut);
        over_a_restart(&IntegralOf::<f64, f32, 1>::new(), 13_000, cut); // with one place for what is complete
        over_a_restart(&Of(|row: &(f64, f32)| row.1, StdDev::new()), 13_000, cut);
    }
}

#[test]
fn long_parts_that_are_put_together_are_one() {
    for lengths in [[10, 9_000], [9_000, 10], [9_000, 9_000], [4_096, 8_192]] {
        let (mut first, mut later, mut whole) = (Integral::new(), Integral::new(), Integral::new());
        (0..lengths[0]).for_each(|n| first.absorb(&second(n)));
        (lengths[0]..lengths[0] + lengths[1]).for_each(|n| later.absorb(&second(n)));
        (0..lengths[0] + lengths[1]).for_each(|n| whole.absorb(&second(n)));
        first.merge(later);
        near(first.value().expect("values"), f64::from(whole.value().expect("values")));
    }
}

#[test]
fn fifty_million_readings_are_added_up_and_saved() {
    let mut part = Covariance::new();
    (0..CYCLE * 5).for_each(|n| part.absorb(&(reading(n), 2.0 * reading(n))));
    // 10,000 parts of two blocks, as sessions are put together, are more than two rows.
    let mut all = part.clone();
    (0..10_000).for_each(|_| all.merge(part.clone()));
    let variance = (f64::from(CYCLE).powi(2) - 1.0) / 12.0 / (512.0 * 512.0);
    // Parts that are the same to the last bit are all rounded to the same side.
    let seen = f64::from(all.value().expect("values"));
    assert!((seen / (2.0 * variance) - 1.0).abs() < 3e-4, "{seen}");

    let mut words = Taken::default();
    all.on_state(&mut words);
    let mut restored = Covariance::new();
    restored.on_state(&mut Given(words.0.into_iter()));
    for n in 0..5_000 {
        let pair = (reading(n), reading(n + 1));
        all.absorb(&pair);
        restored.absorb(&pair);
        assert_eq!(restored.value(), all.value(), "{n} readings later");
    }
    for bits in [1, u64::MAX] {
        restored.on_state(&mut Given(std::iter::repeat(bits))); // forged
        (0..10_000).for_each(|n| restored.absorb(&(reading(n), 1.0)));
        restored.merge(part.clone());
    }
}
