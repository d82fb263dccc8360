//! What all processors have in common, and how controllers behave.
#![cfg(feature = "alloc")]

#[path = "../../thingflow-core/tests/support/given.rs"]
mod given;
#[path = "../../thingflow-core/tests/support/taken.rs"]
mod taken;

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::{Notice, StateVisitor};
use thingflow_signals::control::Pid;
use thingflow_signals::convert::platinum;
use thingflow_signals::estimate::{AlphaBeta, ConstantRate, Kalman, MovingVariance};
use thingflow_signals::filters::{BandPass, Butterworth, Decimate, Envelope, Fir, Hampel, Notch, Peaks, SavitzkyGolay};
use thingflow_signals::prelude::*;
use thingflow_signals::spectrum::{Goertzel, Taper};

use given::Given;
use taken::Taken;

fn at(secs: f64) -> Instant {
    Instant::from_nanos((secs * 1e9) as u64)
}

/// Each kind of processor, as what makes numbers of numbers.
fn all() -> Vec<(&'static str, Box<dyn Processor<Out = f64>>)> {
    struct Value<P>(P);
    impl<P: Processor<Out = thingflow_signals::estimate::ValueAndRate>> Processor for Value<P> {
        type Out = f64;
        fn process(&mut self, value: f64, at: Instant) -> Option<f64> {
            self.0.process(value, at).map(|made| made.value + made.rate)
        }
        fn state(&mut self, state: &mut dyn StateVisitor) {
            self.0.state(state);
        }
    }
    let boxed: [(&'static str, Box<dyn Processor<Out = f64>>); 14] = [
        ("hampel", Box::new(Hampel::<5>::new(3.0))),
        ("butterworth", Box::new(Butterworth::low_pass(5, 10.0, 100.0))),
        ("high pass", Box::new(Butterworth::high_pass(2, 1.0, 100.0))),
        ("notch", Box::new(Notch::new(25.0, 2.0, 100.0))),
        ("band pass", Box::new(BandPass::new(25.0, 2.0, 100.0))),
        ("fir", Box::new(Fir::<9>::low_pass(10.0, 100.0, Taper::Hann))),
        ("savitzky golay", Box::new(SavitzkyGolay::<7>::smooth())),
        ("envelope", Box::new(Envelope::new(Duration::from_millis(100), Duration::from_millis(500), 100.0))),
        ("decimate", Box::new(Decimate::new(3))),
        ("goertzel", Box::new(Goertzel::new(10.0, 100.0, 7))),
        ("moving variance", Box::new(MovingVariance::new(0.3))),
        ("kalman", Box::new(Kalman::new(0.1, 0.5))),
        ("alpha beta", Box::new(Value(AlphaBeta::new(0.5, 0.1)))),
        ("constant rate", Box::new(Value(ConstantRate::new(0.1, 0.5)))),
    ];
    boxed.into()
}

proptest! {
    #[test]
    fn a_forged_state_heals(
        forged in prop::collection::vec(prop_oneof![any::<u64>(), any::<f64>().prop_map(f64::to_bits), 0_u64..9], 1..20),
        values in prop::collection::vec(-100.0..100.0_f64, 40..60),
    ) {
        for (name, mut processor) in all() {
            processor.state(&mut Given(forged.iter().copied().cycle()));
            let made = values.iter().filter_map(|value| processor.process(*value, Instant::ZERO));
            let finite = made.filter(|made| made.is_finite()).count();
            prop_assert!(finite > 0 || values.len() < 40, "{} makes no number any more", name);
        }
    }

    #[test]
    fn what_is_beyond_the_range_of_a_float_is_soon_forgotten(
        huge in prop::collection::vec(prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(1e300), Just(-1e300), Just(5e-324)], 1..20),
        steps in prop::collection::vec(0_u64..3, 20),
    ) {
        for (name, mut processor) in all() {
            let mut time = 0;
            for (value, step) in huge.iter().zip(steps.iter().cycle()) {
                time += step;
                processor.process(*value, at(time as f64));
            }
            let made = (0..2_000).filter_map(|n| processor.process(f64::from(n % 2), at((time + n as u64) as f64)));
            prop_assert!(made.last().is_some_and(f64::is_finite), "{} makes no number any more", name);
        }
        let mut pid = Pid::new(2.0, 1.0, 1.0, -1.0..=2.0).setpoint(1.0);
        for (n, value) in huge.iter().enumerate() {
            let output = pid.process(*value, at(n as f64));
            prop_assert!(output.is_none_or(|output| (-1.0..=2.0).contains(&output)), "{:?}", output);
            pid.follow(f64::NAN, *value, at(n as f64));
        }
        let output = (0..50).filter_map(|n| pid.process(1.0, at(f64::from(n + 30)))).last();
        prop_assert!(output.is_some_and(|output| (-1.0..=2.0).contains(&output)));
    }

    #[test]
    fn a_state_that_is_taken_out_goes_on_elsewhere(
        before in prop::collection::vec(-100.0..100.0, 0..30),
        after in prop::collection::vec(-100.0..100.0_f64, 1..30),
    ) {
        let run = |processor: &mut Box<dyn Processor<Out = f64>>, from: usize, values: &[f64]| -> Vec<Option<f64>> {
            (from..).zip(values).map(|(n, value)| processor.process(*value, at(0.7 * n as f64))).collect()
        };
        for ((name, mut first), (_, mut second)) in all().into_iter().zip(all()) {
            run(&mut first, 0, &before);
            let mut saved = Taken::default();
            first.state(&mut saved);
            let mut restore = Given(saved.0.into_iter());
            second.state(&mut restore);
            prop_assert_eq!(restore.0.len(), 0);
            let from = before.len();
            prop_assert_eq!(run(&mut first, from, &after), run(&mut second, from, &after), "{}", name);
        }
    }

    #[test]
    fn whatever_comes_is_left_out_if_it_is_no_number(values in prop::collection::vec(any::<f64>(), 0..40)) {
        let clean: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let seen = from_iter(values).process(Butterworth::low_pass(2, 10.0, 100.0)).collect_now();
        let expected = from_iter(clean).process(Butterworth::low_pass(2, 10.0, 100.0)).collect_now();
        let bits = |numbers: Vec<f64>| numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(seen), bits(expected));
    }

    #[test]
    fn peaks_are_those_that_stand_out_on_both_sides(
        values in prop::collection::vec(-9.0..9.0_f64, 0..60), prominence in 0.1..12.0_f64, height in -9.0..9.0_f64,
    ) {
        // How far the signal falls on the way to something higher, or to its end.
        fn fall(way: impl Iterator<Item = f64>, top: f64) -> f64 {
            top - way.take_while(|value| *value <= top).fold(top, f64::min)
        }
        let stands_out = |n: &usize| {
            let (before, top, after) = (values[..*n].iter().rev().copied(), values[*n], values[n + 1..].iter().copied());
            top >= height && fall(before, top).min(fall(after, top)) >= prominence
        };
        let expected: Vec<usize> = (0..values.len()).filter(stands_out).collect();
        let mut peaks = Peaks::new(prominence).height(height);
        let mut seen = Vec::new();
        for (n, value) in values.iter().enumerate() {
            if let Some(peak) = peaks.process(*value, at(n as f64)) {
                let top = n - usize::try_from(peak.samples_ago).expect("is small");
                prop_assert_eq!((peak.value, peak.ago.as_secs() as usize), (values[top], n - top));
                seen.push(top);
            }
        }
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn a_controller_stays_within_its_limits(
        inputs in prop::collection::vec((any::<f64>(), 0.0..10.0), 1..50), gains in [-50.0..50.0, -5.0..5.0, -5.0..5.0]
    ) {
        let mut pid = Pid::new(gains[0], gains[1], gains[2], -1.0..=2.0).setpoint(1.0).smoothing(Duration::from_millis(500));
        let mut time = 0.0;
        for (measured, step) in inputs {
            time += step;
            let measured = if measured.is_finite() { measured % 1e6 } else { 0.0 };
            let output = pid.process(measured, at(time)).expect("an output for each sample");
            prop_assert!((-1.0..=2.0).contains(&output), "{}", output);
        }
    }

    #[test]
    fn platinum_there_and_back(celsius in -200.0..850.0) {
        let ohms = platinum::ohms(celsius, 1000.0).expect("is in range");
        prop_assert!((platinum::celsius(ohms, 1000.0).expect("is in range") - celsius).abs() < 1e-9);
    }
}

#[test]
fn a_chain_saves_what_its_processors_remember() {
    let mut chain = pipe::<f64>().process(Butterworth::low_pass(2, 10.0, 100.0)).to(call(drop::<f64>));
    let first: &mut dyn InputThing<f64> = &mut chain;
    let mut saved = Taken::default();
    let cx = &mut Context::detached(Instant::ZERO);
    first.next(1.0, cx).expect("takes it");
    first.notice(Notice::State(&mut saved), cx).expect("shows it");
    assert!(saved.0.len() == 2 && saved.0.iter().all(|delay| f64::from_bits(*delay) != 0.0));
}

/// A thing with a delay of one step that warms up by the output.
fn room(pid: &mut Pid, steps: u32, from: f64, first: u32) -> Vec<f64> {
    let mut temperature = from;
    let step = |n: u32| {
        let output = pid.process(temperature, at(f64::from(first + n))).expect("an output");
        temperature += 0.02 * output - 0.05 * (temperature - 10.0);
        output
    };
    (0..steps).map(step).collect()
}

#[test]
fn a_controller_that_was_at_its_limit_leaves_it_at_once() {
    let mut pid = Pid::new(1.0, 1.0, 0.0, 0.0..=10.0).setpoint(100.0);
    let full = room(&mut pid, 500, 10.0, 0); // 100 cannot be reached
    assert!(full.iter().all(|output| *output == 10.0));
    pid.set(5.0); // below what is measured
    assert!(room(&mut pid, 2, 14.0, 500)[0] < 10.0, "the sum has not grown without end");
}

#[test]
fn a_change_from_hand_to_controller_makes_no_bump() {
    let mut pid = Pid::new(2.0, 0.5, 0.3, 0.0..=100.0).setpoint(30.0);
    for n in 0..20 {
        pid.follow(42.0, 25.0, at(f64::from(n)));
    }
    let first = pid.process(25.0, at(20.0)).expect("an output");
    assert!((first - 42.0 - 0.5 * 5.0).abs() < 1e-9, "42 and what one second has added: {first}");
}

#[test]
fn a_new_setpoint_makes_no_kick_of_the_slope() {
    let outputs = |derivative| {
        let mut pid = Pid::new(1.0, 0.0, derivative, -1000.0..=1000.0);
        pid.process(5.0, at(0.0));
        pid.set(50.0);
        pid.process(5.0, at(1.0))
    };
    assert_eq!(outputs(100.0), outputs(0.0));
}

#[test]
fn a_long_silence_and_a_clock_that_is_set_back_are_not_summed_up() {
    let mut pid = Pid::new(0.0, 1.0, 1.0, -1e9..=1e9).setpoint(1.0).longest_gap(std::time::Duration::from_secs(5));
    let sums = [0.0, 1.0, 100.0, 50.0, 51.0].map(|secs| pid.process(0.0, at(secs)));
    assert_eq!(sums, [0.0, 1.0, 1.0, 1.0, 2.0].map(Some));
}

#[test]
#[should_panic(expected = "between 0 and half the rate")]
fn a_corner_beyond_half_the_rate_is_refused() {
    let _ = Butterworth::low_pass(2, 50.0, 100.0);
}
