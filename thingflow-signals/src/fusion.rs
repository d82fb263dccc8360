//! One value of several sensors that measure the same thing.
//!
//! The readings come from a join, [`combine_latest`](thingflow_core::Joins::combine_latest) or
//! [`timed_zip`](thingflow_core::Joins::timed_zip), and these functions go into its [`map`](thingflow_core::Elementwise::map).
//!
//! ```
//! use thingflow_signals::fusion::middle;
//! // Of three sensors one may lie, and one may be away.
//! assert_eq!(middle(&[20.1, 85.0, 20.3]), Some(20.3));
//! assert_eq!(middle(&[20.0, f64::NAN, 21.0]), Some(20.5));
//! ```

use crate::quality::Quality;
use crate::recent::median;

/// The median of up to eight redundant readings: of three the one in the middle, so that one that is wrong by any amount
/// moves the result by no more than the other two differ. Of an even number the mean of the two in the middle. NaNs and
/// infinities are left out; `None` if nothing else is there, or if there are more than eight.
pub fn middle(readings: &[f64]) -> Option<f64> {
    let mut finite: heapless::Vec<f64, 8> = heapless::Vec::new();
    for reading in readings.iter().filter(|reading| reading.is_finite()) {
        finite.push(*reading).ok()?;
    }
    median(&mut finite)
}

/// The mean of readings of different precision: each weighs as the inverse of its variance, which makes the result's own
/// variance the least. Readings are (value, standard deviation); those that are not finite, or whose deviation is not
/// positive, are left out. `None` if nothing else is there.
///
/// The result is the value and its standard deviation, provided that the errors are independent.
///
/// ```
/// use thingflow_signals::fusion::weighted;
/// let (value, deviation) = weighted(&[(20.0, 0.1), (21.0, 0.2)]).unwrap();
/// assert!((value - 20.2).abs() < 1e-12 && (deviation - 0.0894).abs() < 1e-4);
/// ```
pub fn weighted(readings: &[(f64, f64)]) -> Option<(f64, f64)> {
    let usable =
        || readings.iter().filter(|(value, deviation)| value.is_finite() && *deviation > 0.0 && deviation.is_finite());
    let least = usable().map(|(_, deviation)| *deviation).min_by(f64::total_cmp)?; // its share is 1: no square is beyond the range
    let (total, weight) = usable().fold((0.0, 0.0), |(total, weight), (value, deviation)| {
        let share = (least / deviation) * (least / deviation);
        (total + share * value, weight + share)
    });
    Some((total / weight, least / libm::sqrt(weight)))
}

/// Each reading's mark by those of the others: suspect if it is further than `tolerance` from the [`middle`] of all, missing
/// if it is not finite. Of two that differ nobody knows which is wrong, so both are suspect.
///
/// ```
/// use thingflow_signals::fusion::vote;
/// use thingflow_signals::quality::Quality::{Good, Missing, Suspect};
/// assert_eq!(vote([20.1, 85.0, 20.3], 0.5), [Good, Suspect, Good]);
/// assert_eq!(vote([20.1, 85.0, f64::NAN], 0.5), [Suspect, Suspect, Missing]);
/// ```
pub fn vote<const N: usize>(readings: [f64; N], tolerance: f64) -> [Quality; N] {
    let middle = middle(&readings);
    readings.map(|reading| match middle {
        Some(middle) if reading.is_finite() => {
            if libm::fabs(reading - middle) <= tolerance {
                Quality::Good
            } else {
                Quality::Suspect
            }
        }
        _ => Quality::Missing,
    })
}
