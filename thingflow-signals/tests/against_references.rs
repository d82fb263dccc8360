//! The same numbers as SciPy, pandas and FilterPy, which `reference/make.py` has written down.
#![cfg(feature = "alloc")]

use std::collections::BTreeMap;

use thingflow_core::prelude::*;
use thingflow_signals::estimate::{ConstantRate, Kalman, MovingVariance};
use thingflow_signals::filters::{Butterworth, FindPeaks, Fir, Hampel, PeakAt, SavitzkyGolay};
use thingflow_signals::gaps::Interpolation;
use thingflow_signals::prelude::*;
use thingflow_signals::spectrum::Taper;

type Columns = BTreeMap<String, Vec<f64>>;

fn columns(text: &str) -> Columns {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a line of names").split(',').collect();
    let rows: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect()).collect();
    let column = |n| rows.iter().map(|row| row[n]).collect();
    names.iter().enumerate().map(|(n, name)| ((*name).to_string(), column(n))).collect()
}

fn signals() -> Columns {
    columns(include_str!("reference/signals.csv"))
}

#[track_caller]
fn assert_near(seen: &[f64], expected: &[f64]) {
    assert_eq!(seen.len(), expected.len());
    for (n, (seen, expected)) in seen.iter().zip(expected).enumerate() {
        let error = (seen - expected).abs();
        assert!(error <= 1e-9 * expected.abs().max(1.0), "number {n}: {seen}, expected {expected}");
    }
}

/// A reading each hundredth of a second.
fn readings(values: &[f64]) -> impl Iterator<Item = SensorEvent<f64>> + 'static {
    let values = values.to_vec();
    (0..).zip(values).map(|(n, value)| SensorEvent::new("x", Timestamp::from_millis(n * 10), value))
}

fn made_by<P: Processor<Out = f64> + 'static>(processor: P, values: &[f64]) -> Vec<f64> {
    from_iter(readings(values)).process(processor).map(|event| event.val).collect_now()
}

#[test]
fn butterworth_is_that_of_scipy() {
    let all = signals();
    let x = &all["x"];
    assert_near(&made_by(Butterworth::low_pass(1, 10.0, 100.0), x), &all["butter_low_1"]);
    assert_near(&made_by(Butterworth::low_pass(2, 10.0, 100.0), x), &all["butter_low_2"]);
    assert_near(&made_by(Butterworth::low_pass(5, 10.0, 100.0), x), &all["butter_low_5"]);
    assert_near(&made_by(Butterworth::high_pass(4, 2.0, 100.0), x), &all["butter_high_4"]);
}

#[test]
fn firwin_is_that_of_scipy() {
    let all = signals();
    let seen = made_by(Fir::<31>::low_pass(10.0, 100.0, Taper::Hamming), &all["x"]);
    assert_near(&seen, &all["firwin"][30..]);
}

#[test]
fn savitzky_golay_is_that_of_scipy() {
    let all = signals();
    let inner = 5..all["x"].len() - 5; // at the ends SciPy has other rules
    assert_near(&made_by(SavitzkyGolay::<11>::smooth(), &all["x"]), &all["savgol"][inner.clone()]);
    assert_near(&made_by(SavitzkyGolay::<11>::slope(100.0), &all["x"]), &all["savgol_slope"][inner]);
}

#[test]
fn a_hampel_filter_of_zero_is_a_median() {
    let all = signals();
    assert_near(&made_by(Hampel::<5>::new(0.0), &all["x"]), &all["medfilt"][2..all["x"].len() - 2]);
}

#[test]
fn kalman_filters_are_those_of_filterpy() {
    let all = signals();
    assert_near(&made_by(Kalman::new(0.5, 0.8), &all["x"]), &all["kalman_walk"]);
    let steady =
        from_iter(readings(&all["x"])).process(ConstantRate::new(2.0, 0.8)).map(|event| event.val).collect_now();
    let close = |seen: Vec<f64>, expected: &[f64]| {
        for (n, (seen, expected)) in seen.iter().zip(expected).enumerate() {
            assert!(
                (seen - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "number {n}: {seen}, expected {expected}"
            );
        }
    };
    close(steady.iter().map(|it| it.value).collect(), &all["kalman_steady"]);
    close(steady.iter().map(|it| it.rate).collect(), &all["kalman_rate"]);
}

#[cfg(feature = "kalman")]
#[test]
fn the_linear_kalman_filter_is_that_of_filterpy() {
    let (all, t, q) = (signals(), 0.01, 4.0);
    let model = [[1.0, t], [0.0, 1.0]];
    let noise = [[q * t * t * t / 3.0, q * t * t / 2.0], [q * t * t / 2.0, q * t]];
    let filter = thingflow_signals::estimate::LinearKalman::<2, 1>::new(model, noise, [[1.0, 0.0]], [[0.64]]);
    let mut filter = filter.starting([all["x"][0], 0.0], [[0.64, 0.0], [0.0, 0.64e6]]);
    for (n, x) in all["x"].iter().enumerate().skip(1) {
        let [value, rate] = filter.update([*x]);
        assert!((value - all["kalman_steady"][n]).abs() < 1e-6, "number {n}: {value}");
        assert!((rate - all["kalman_rate"][n]).abs() < 1e-6 * rate.abs().max(1.0), "number {n}: {rate}");
    }
}

#[test]
fn moving_variance_is_that_of_pandas() {
    let all = signals();
    let mut moving = MovingVariance::new(0.1);
    let (means, variances): (Vec<f64>, Vec<f64>) = all["x"]
        .iter()
        .map(|x| {
            moving.push(*x);
            (moving.mean(), moving.variance())
        })
        .unzip();
    assert_near(&means, &all["ewm_mean"]);
    assert_near(&variances, &all["ewm_var"]);
}

#[cfg(feature = "fft")]
#[test]
fn spectra_are_those_of_scipy() {
    use thingflow_signals::spectrum::Spectra;
    let (all, expected) = (signals(), columns(include_str!("reference/spectrum.csv")));
    let tapers = [
        ("boxcar", Taper::Rectangular),
        ("hann", Taper::Hann),
        ("hamming", Taper::Hamming),
        ("blackman", Taper::Blackman),
        ("flattop", Taper::FlatTop),
    ];
    for (name, taper) in tapers {
        let spectra = from_iter(all["x"].clone()).process(Spectra::new(200, 100.0).taper(taper)).collect_now();
        let (hertz, densities): (Vec<f64>, Vec<f64>) = spectra[0].densities().unzip();
        assert_near(&hertz, &expected["hertz"]);
        assert_near(&densities, &expected[name]);
    }
}

#[test]
fn peaks_are_those_of_scipy() {
    let x = signals()["x"].clone();
    let rough: Vec<f64> = x.iter().map(|x| (x * 10.0).round_ties_even() / 10.0).collect();
    let mut expected: BTreeMap<Vec<&str>, (Vec<usize>, Vec<f64>)> = BTreeMap::new();
    for line in include_str!("reference/peaks.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (places, about) = expected.entry(cells[..4].to_vec()).or_default();
        places.push(cells[4].parse().expect("a place"));
        about.push(cells[5].parse().expect("a number"));
    }
    assert_eq!(expected.len(), 24);
    for (options, (places, about)) in expected {
        let [series, height, distance, prominence] = options[..] else { panic!("four options") };
        let mut finder = FindPeaks::new().prominence(prominence.parse().expect("a number"));
        finder = height.parse().map_or(finder, |height| finder.height(height));
        finder = distance.parse().map_or(finder, |distance| finder.distance(distance));
        let samples = if series == "x" { &x } else { &rough };
        let found = from_iter([samples.clone()]).pipe(finder).collect_now().remove(0);
        assert_eq!(found.iter().map(|peak| peak.index).collect::<Vec<_>>(), places, "{options:?}");
        assert_near(&found.iter().map(|peak| peak.prominence).collect::<Vec<_>>(), &about);
    }
}

#[test]
fn peaks_of_little_and_of_what_is_no_number() {
    let find = |samples: &[f64]| {
        FindPeaks::new().distance(usize::MAX).find(samples).iter().map(|peak| peak.index).collect::<Vec<_>>()
    };
    for none in
        [&[][..], &[1.0], &[1.0, 2.0], &[1.0, 1.0, 1.0], &[f64::NAN; 5], &[0.0, f64::NAN, 0.0], &[2.0, 2.0, 1.0]]
    {
        assert_eq!(find(none), [0_usize; 0], "{none:?}");
    }
    let far = [0.0, f64::INFINITY, 0.0, 1.0, 0.0, f64::NAN, 2.0, 1.0];
    assert_eq!(find(&far), [1]);
    assert_eq!(FindPeaks::new().find(&far)[1], PeakAt { index: 3, value: 1.0, prominence: 1.0 });
    assert_eq!(find(&[-0.0, 0.0, -0.0]), [0_usize; 0], "they are equal");
}

#[test]
fn the_monotone_cubic_is_that_of_scipy() {
    let expected = columns(include_str!("reference/pchip.csv"));
    let points = [(0, 1.0), (700, 4.0), (1100, 4.5), (2600, 4.5), (3000, 2.0), (4900, 9.0), (5200, 8.0), (7400, 8.5)];
    let readings = points.map(|(millis, value)| SensorEvent::new("x", Timestamp::from_millis(millis), value));
    let seconds = std::time::Duration::from_secs;
    let even = from_iter(readings).resample(seconds(1) / 2, Interpolation::Cubic, seconds(10)).collect_now();
    assert_near(&even.iter().map(|event| event.ts.as_secs_f64()).collect::<Vec<_>>(), &expected["seconds"]);
    assert_near(&even.iter().map(|event| event.val).collect::<Vec<_>>(), &expected["value"]);
}
