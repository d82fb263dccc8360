//! What watermill has for windows: what can be reverted, rolled; and its sorted windows.

use watermill::maximum::RollingMax;
use watermill::mean::Mean;
use watermill::minimum::RollingMin;
use watermill::quantile::RollingQuantile;
use watermill::rolling::Rolling;
use watermill::stats::{RollableUnivariate, Univariate};
use watermill::sum::Sum;
use watermill::variance::Variance;

use crate::event::Events;
use crate::subjects::thingflow::windows::{HIGH, LOW, MIDDLE, SPREAD, digits, far_from_zero, of_squares, with_a_spike};

fn count(events: Events, mut statistic: impl Univariate<f64>, above: f64) -> u64 {
    let results = events.map(|event| {
        statistic.update(event.val);
        statistic.get()
    });
    results.filter(|result| *result > above).count() as u64
}

fn rolled(events: Events, window: usize, mut statistic: impl RollableUnivariate<f64>, above: f64) -> u64 {
    let rolling = Rolling::new(&mut statistic, window);
    rolling.map_or(0, |rolling| count(events, rolling, above))
}

/// Means that are high.
pub fn mean(events: Events, window: usize) -> u64 {
    rolled(events, window, Mean::new(), MIDDLE)
}

/// Sums that are high.
pub fn sum(events: Events, window: usize) -> u64 {
    rolled(events, window, Sum::new(), MIDDLE * window as f64)
}

/// Variances that are high.
pub fn variance(events: Events, window: usize) -> u64 {
    rolled(events, window, Variance::new(1), SPREAD)
}

/// Smallest values that are high.
pub fn min(events: Events, window: usize) -> u64 {
    count(events, RollingMin::new(window), LOW)
}

/// Largest values that are high.
pub fn max(events: Events, window: usize) -> u64 {
    count(events, RollingMax::new(window), HIGH)
}

/// Medians that are high.
pub fn median(events: Events, window: usize) -> u64 {
    let median = RollingQuantile::new(0.5, window);
    median.map_or(0, |median| count(events, median, MIDDLE))
}

fn last(values: &[f64], mut statistic: impl RollableUnivariate<f64>) -> f64 {
    let Ok(mut rolling) = Rolling::new(&mut statistic, 1_000) else { return f64::NAN };
    values.iter().for_each(|value| rolling.update(*value));
    rolling.get()
}

/// As ours.
pub fn digits_far_from_zero() -> f64 {
    let values = far_from_zero();
    digits(last(&values, Variance::new(1)), &values, |window| of_squares(window) / 999.0)
}

/// As ours.
pub fn digits_after_a_spike() -> f64 {
    let values = with_a_spike();
    digits(last(&values, Mean::new()), &values, |window| window.iter().sum::<f64>() / 1_000.0)
}
