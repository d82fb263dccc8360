//! Aggregates in windows of the last `n` events, a result for each event; spectra and filters.

use std::cell::Cell;
use std::rc::Rc;

use thingflow_core::windows::{
    Aggregate, Carrier, Correlation, Count, Covariance, Describe, Description, ExactSum, First, Histogram, Integral,
    Last, Max, Mean, Median, Min, Quantile, Rate, StdDev, Sum, Trend, Variance, Window,
};
use thingflow_core::{Chain, Context, Elementwise, Instant, Windows, call, from_iter};
use thingflow_signals::filters::{Fir, Notch};
use thingflow_signals::prelude::*;
use thingflow_signals::spectrum::{Spectra, Taper};

use super::NEVER_FAILS;
use crate::event::{Event, Events};

/// What a result has to be above to be counted: near the middle of what comes, so that the branch is none that can be guessed.
pub const MIDDLE: f64 = 64.0;
/// Of a variance.
pub const SPREAD: f64 = 1365.0;
/// Of a smallest and of a largest value in windows of 1,000.
pub const LOW: f64 = 0.09;
/// As [`LOW`].
pub const HIGH: f64 = 127.91;

/// Samples in a spectrum, and a second.
pub const PIECE: usize = 1024;
/// The weights of the filter of finite response.
pub const TAPS: usize = 31;

/// Whether the results of all values so far are high.
pub fn high_of_all(&(min, max, mean, deviation): &(f64, f64, f64, f64)) -> bool {
    min >= 0.0 && max > MIDDLE && mean > MIDDLE && deviation > 30.0
}

fn value(event: Event) -> f64 {
    event.val
}

/// Each value with its time, in seconds: ten a second.
fn timed() -> impl FnMut(Event) -> (f64, f64) {
    let mut tick = 0.0;
    move |event| {
        tick += 1.0;
        (tick * 0.1, event.val)
    }
}

/// Counts the results that are high.
fn high<T, A>(
    events: Events,
    of: impl FnMut(Event) -> T + 'static,
    size: usize,
    aggregate: A,
    is_high: impl Fn(T::With<A::Out>) -> bool + 'static,
) -> u64
where
    T: Carrier<Value: Clone, Rest: Clone + 'static> + 'static,
    A: Aggregate<T::Value> + Clone + 'static,
    T::With<A::Out>: 'static,
{
    let (count, end) = counter(is_high);
    let mut flow = from_iter(events).map(of).aggregate(Window::sliding(size).partial(), aggregate).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// A number, and what adds one to it for each result that is high.
fn counter<U: 'static>(is_high: impl Fn(U) -> bool + 'static) -> (Rc<Cell<u64>>, impl FnMut(U) + 'static) {
    let count = Rc::new(Cell::new(0));
    let seen = count.clone();
    (count, move |result| seen.set(seen.get() + u64::from(is_high(result))))
}

/// A subject that gathers values, or values with their times.
macro_rules! aggregates {
    ($($(#[$doc:meta])* $name:ident: $of:expr, $aggregate:expr, |$size:ident| $is_high:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(events: Events, $size: usize) -> u64 {
            high(events, $of, $size, $aggregate, $is_high)
        }
    )*};
}

aggregates! {
    /// The mean, by its own operator's rival: the general window.
    mean: value, Mean::new(), |size| |mean| mean > MIDDLE;
    /// The sum.
    sum: value, Sum::new(), |size| move |sum| sum > MIDDLE * size as f64;
    /// The sum without any rounding.
    exact_sum: value, ExactSum::new(), |size| move |sum| sum > MIDDLE * size as f64;
    /// The variance.
    variance: value, Variance::new(), |size| |variance| variance > SPREAD;
    /// Its root.
    deviation: value, StdDev::new(), |size| |deviation| deviation > 37.0;
    /// The smallest value.
    min: value, Min::new(), |size| |min| min > LOW;
    /// The largest value.
    max: value, Max::new(), |size| |max| max > HIGH;
    /// The oldest value.
    first: value, First::new(), |size| |first| first > MIDDLE;
    /// The newest value.
    last: value, Last::new(), |size| |last| last > MIDDLE;
    /// The number of values.
    count: value, Count::new(), |size| move |count| count == size as u64;
    /// How many values lie in each bin between four edges.
    histogram: value, Histogram::new([16.0, 32.0, 64.0, 96.0]), |size| |bins| bins.counts().first() > bins.counts().get(1);
    /// How fast a counter grows.
    rate: timed(), Rate::new(), |size| |rate| rate > MIDDLE;
    /// The area.
    integral: timed(), Integral::new(), |size| move |area| area > MIDDLE * 0.1 * size as f64;
    /// The line through the values.
    trend: timed(), Trend::new(), |size| |line| line.slope > 0.0;
    /// How values go together.
    covariance: timed(), Covariance::new(), |size| |together| together > 0.0;
    /// As a share.
    correlation: timed(), Correlation::new(), |size| |together| together > 0.0;
    /// The value in the middle.
    median: value, Median::new(), |size| |median| median > MIDDLE;
    /// The value that nine of ten do not pass.
    quantile: value, Quantile::at(0.9), |size| |quantile| quantile > 115.2;
}

/// The mean by its own operator.
pub fn running_avg(events: Events, size: usize) -> u64 {
    let (count, end) = counter(|mean| mean > MIDDLE);
    let mut flow = from_iter(events).map(value).running_avg(size).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// The sum by its own operator.
pub fn running_sum(events: Events, size: usize) -> u64 {
    let (count, end) = counter(move |sum| sum > MIDDLE * size as f64);
    let mut flow = from_iter(events).map(value).running_sum(size).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// The variance by its own operator.
pub fn running_variance(events: Events, size: usize) -> u64 {
    let (count, end) = counter(|variance| variance > SPREAD);
    let mut flow = from_iter(events).map(value).running_variance(size).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// The variance of the last of many windows, of values around a billion: its digits that are right.
pub fn digits_far_from_zero() -> f64 {
    let mut last = 0.0;
    let values = far_from_zero();
    let windows = from_iter(values.clone()).aggregate(Window::sliding(1_000), Variance::new());
    windows.to(call(|variance| last = variance)).run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    digits(last, &values, |window| of_squares(window) / 999.0)
}

/// The mean of the last of many windows, long after one value that was too large: its digits that are right.
pub fn digits_after_a_spike() -> f64 {
    let mut last = 0.0;
    let values = with_a_spike();
    let windows = from_iter(values.clone()).running_avg(1_000);
    windows.to(call(|mean| last = mean)).run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    digits(last, &values, |window| window.iter().sum::<f64>() / 1_000.0)
}

/// A million values around a billion.
pub fn far_from_zero() -> Vec<f64> {
    Events::new(1_000_000, Events::SEED).map(|event| event.val + 1e9).collect()
}

/// Ten thousand values, of which one at the beginning is too large.
pub fn with_a_spike() -> Vec<f64> {
    Events::new(10_000, Events::SEED).enumerate().map(|(n, event)| if n == 10 { 1e17 } else { event.val }).collect()
}

/// The sum of the squares of the distances from the mean, in two passes.
pub fn of_squares(window: &[f64]) -> f64 {
    let mean = window.iter().sum::<f64>() / window.len() as f64;
    window.iter().map(|value| (value - mean) * (value - mean)).sum()
}

/// How many decimal digits of a result are those of the last thousand values.
pub fn digits(result: f64, values: &[f64], of_window: impl Fn(&[f64]) -> f64) -> f64 {
    let exact = of_window(&values[values.len() - 1_000..]);
    -((result - exact) / exact).abs().max(f64::EPSILON).log10()
}

/// Four results of all values so far.
pub fn of_all(events: Events, _: usize) -> u64 {
    let (count, end) = counter(|all: Description<f64, f64>| {
        high_of_all(&(all.min, all.max, all.mean, all.std_dev().unwrap_or_default()))
    });
    let mut flow = from_iter(events).map(value).aggregate(Window::cumulative(), Describe::new()).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// The density at the fourth frequency of each piece.
pub fn spectra(events: Events, _: usize) -> u64 {
    let (count, end) = counter(|density| density > 1.0);
    let fourth = |spectrum: thingflow_signals::spectrum::Spectrum| spectrum.densities().nth(3).map_or(0.0, |(_, d)| d);
    let spectra = Spectra::new(PIECE, PIECE as f64);
    let mut flow = from_iter(events).map(value).process(spectra).map(fourth).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// A low pass of finite response.
pub fn fir(events: Events, _: usize) -> u64 {
    let (count, end) = counter(|level| level > MIDDLE);
    let filter = Fir::<TAPS>::low_pass(10.0, 100.0, Taper::Hamming);
    let mut flow = from_iter(events).map(value).process(filter).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}

/// A filter of the second order.
pub fn biquad(events: Events, _: usize) -> u64 {
    let (count, end) = counter(|level| level > MIDDLE);
    let mut flow = from_iter(events).map(value).process(Notch::new(20.0, 5.0, 100.0)).connect(call(end));
    flow.run(&mut Context::detached(Instant::ZERO)).expect(NEVER_FAILS);
    count.get()
}
