//! Which readings are trusted.
#![cfg(feature = "alloc")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::windows::Carrier;
use thingflow_signals::fusion::{middle, vote, weighted};
use thingflow_signals::prelude::*;
use thingflow_signals::quality::{Check, FlatLine, Hampel, KSigma, Quality, Range, RateOfChange};

use Quality::{Bad, Good, Missing, Suspect};

fn marks<C: Check + 'static>(
    check: C,
    readings: impl IntoIterator<Item = (u64, f64), IntoIter: 'static>,
) -> Vec<Quality> {
    let timed = |(secs, val): (u64, f64)| SensorEvent::new("t", Timestamp::from_secs(secs.cast_signed()), val);
    from_iter(readings.into_iter().map(timed)).qualify(check).map(|event| event.quality).collect_now()
}

fn each_second(values: impl IntoIterator<Item = f64, IntoIter: 'static>) -> impl Iterator<Item = (u64, f64)> + 'static {
    (0..).zip(values)
}

#[test]
fn what_is_no_number_is_missing_and_changes_no_check() {
    let readings = [(0, 20.0), (1, f64::NAN), (2, f64::INFINITY), (3, 21.0), (4, 23.0)];
    assert_eq!(marks(RateOfChange::new(0.5), readings), [Good, Missing, Missing, Good, Suspect]);
}

#[test]
fn the_worst_mark_counts_and_all_checks_see_each_reading() {
    let checks = || (Range::new(0.0..=100.0), RateOfChange::new(1.0));
    assert_eq!(marks(checks(), each_second([5.0, 200.0, 200.5, 199.9, 5.0])), [Good, Bad, Bad, Bad, Suspect]);
}

#[test]
fn a_time_that_goes_back_is_no_rate() {
    assert_eq!(marks(RateOfChange::new(1.0), [(100, 0.0), (50, 90.0), (51, 90.5)]), [Good, Good, Good]);
    assert_eq!(marks(RateOfChange::new(1.0), [(7, 0.0), (7, 0.1)]), [Good, Suspect], "twice at once");
}

#[test]
fn a_sensor_that_is_stuck_is_found_and_one_that_wakes_is_good() {
    let secs = Duration::from_secs;
    let stuck = || FlatLine::new(0.0, secs(3), secs(5));
    let seen = marks(stuck(), each_second([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0]));
    assert_eq!(seen, [Good, Good, Good, Suspect, Suspect, Bad, Good, Good]);
    // A drift that is slower than the tolerance a step, but not over the whole time.
    let drift = each_second((0..20).map(|n| f64::from(n) * 0.4));
    assert!(marks(FlatLine::new(1.0, secs(3), secs(5)), drift).iter().all(|mark| *mark == Good));
}

#[test]
fn outliers_among_equal_values_and_new_levels() {
    let spike = [7.0, 7.0, 7.0, 7.0, 7.0, 8.0, 7.0];
    assert_eq!(marks(Hampel::<5>::new(3.0), each_second(spike)), [Good, Good, Good, Good, Good, Bad, Good]);
    let step = each_second((0..400).map(|n| f64::from(n % 7) + if n < 200 { 0.0 } else { 50.0 }));
    let seen = marks(KSigma::new(3.0, 0.1, 20), step);
    assert_eq!(seen[200], Bad);
    assert!(seen[300..].iter().all(|mark| *mark == Good), "the new level has become usual");
}

#[test]
fn a_new_level_after_a_flat_line_is_taken_for_good_after_a_while() {
    // Flat from the start, and flat for so long that the spread of before is lost in the digits of the mean.
    for begin in [20.0, 20.1] {
        let step = (0..4_000).map(move |n| {
            if n >= 3_000 {
                21.0
            } else if n % 2 == 0 && n < 50 {
                begin
            } else {
                20.0
            }
        });
        let seen = marks(KSigma::new(3.0, 0.1, 20), each_second(step));
        assert_eq!(seen[3_000], Bad);
        assert!(seen[3_200..].iter().all(|mark| *mark == Good), "the new level has become usual");
    }
    let spike = (0..400).map(|n| if n == 300 { 90.0 } else { 20.0 });
    let seen = marks(KSigma::new(3.0, 0.1, 20), each_second(spike));
    assert_eq!(seen.iter().filter(|mark| **mark == Bad).count(), 1);
}

#[test]
fn a_mark_travels_through_operators_of_numbers() {
    let marked = from_iter([1.0, 50.0, 3.0]).qualify(Range::new(0.0..=10.0)).deadband(1.0).running_avg(2).collect_now();
    assert_eq!(
        marked.iter().map(|event| (event.event, event.quality)).collect::<Vec<_>>(),
        [(1.0, Good), (25.5, Bad), (26.5, Good)]
    );
    let events = [1.0, 99.0].map(|val| SensorEvent::new("t", Timestamp::UNIX_EPOCH, val));
    let kept = from_iter(events).qualify(Range::new(0.0..=10.0)).hysteresis(0.0, 5.0).or_missing().collect_now();
    assert_eq!(kept.iter().map(|event| event.val).collect::<Vec<_>>(), [Some(false), None]);
    assert!(kept.iter().all(|event| event.sensor_id == "t"));
}

proptest! {
    #[test]
    fn a_voter_is_right_whatever_one_of_three_says(truth in -100.0..100.0, liar in 0..3_usize, lie: f64) {
        let mut readings = [truth, truth + 0.01, truth - 0.01];
        readings[liar] = lie;
        let seen = middle(&readings).expect("two are finite");
        prop_assert!((seen - truth).abs() <= 0.0101);
        let marks = vote(readings, 0.1);
        let others = (0..3).filter(|n| *n != liar);
        prop_assert!(others.clone().all(|n| marks[n] == Quality::Good));
    }

    #[test]
    fn the_middle_is_the_median(readings in prop::collection::vec(any::<f64>(), 0..8)) {
        let mut finite: Vec<f64> = readings.iter().copied().filter(|reading| reading.is_finite()).collect();
        finite.sort_by(f64::total_cmp);
        let seen = middle(&readings);
        prop_assert_eq!(seen.is_some(), !finite.is_empty());
        if let Some(seen) = seen {
            prop_assert!(finite.iter().filter(|value| **value <= seen).count() * 2 >= finite.len());
            prop_assert!(finite.iter().filter(|value| **value >= seen).count() * 2 >= finite.len());
        }
    }

    #[test]
    fn no_check_panics_and_none_hides_a_value(values in prop::collection::vec(any::<f64>(), 0..60)) {
        let secs = Duration::from_secs;
        let checks = (
            Range::new(-10.0..=10.0).usual(0.0..=1.0),
            RateOfChange::new(1.0),
            FlatLine::new(0.1, secs(2), secs(4)),
            Hampel::<5>::new(3.0),
            KSigma::new(3.0, 0.2, 5),
        );
        let seen = from_iter(values.clone()).qualify(checks).collect_now();
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        prop_assert!(seen.len() == values.len() && seen.iter().zip(&values).all(|(event, value)| same(event.event, *value)));
        for event in seen {
            let (value, _) = event.part();
            prop_assert_eq!(event.quality == Quality::Missing, !value.is_finite());
        }
    }
}

#[test]
fn sensors_that_are_all_silent_and_readings_at_the_ends_of_the_range() {
    let none = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!((middle(&[]), middle(&none)), (None, None));
    assert_eq!(vote(none, 1.0), [Missing; 3]);
    assert_eq!((weighted(&[]), weighted(&[(f64::NAN, 1.0), (20.0, 0.0), (20.0, f64::INFINITY)])), (None, None));
    assert_eq!(middle(&[f64::MAX, -f64::MAX]), Some(0.0));
    for scale in [1e-200, 1.0, 1e200] {
        let (value, deviation) = weighted(&[(20.0, 3.0 * scale), (30.0, 4.0 * scale)]).expect("two readings");
        assert!((value - 23.6).abs() < 1e-12 && (deviation / scale - 2.4).abs() < 1e-12, "{value} {deviation}");
    }
}
