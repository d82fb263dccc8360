//! What stages remember is taken out in the middle and put back into others like them, which go on as if nothing had been;
//! a state that is none does no harm.
#![cfg(feature = "std")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Connected, SavedState};
use thingflow_signals::gaps::Interpolation;
use thingflow_signals::models::{HalfSpaceTrees, IncrementalPca, KMeans, Learning, Model};
use thingflow_signals::prelude::*;
use thingflow_signals::quality::{self, FlatLine, KSigma, RateOfChange};

const SECOND: Duration = Duration::from_secs(1);

/// What a chain sends for some events, as text: before and after it is cut, where the second half runs in another chain that
/// has been given the state of the first.
fn cut<T: Clone + 'static, F: Filter<T, Out: std::fmt::Debug + Clone + 'static>>(
    make: impl Fn() -> Pipe<T, F>,
    events: &[T],
    at: usize,
) -> [Vec<String>; 2] {
    let text = |seen: &Recorder<F::Out>| seen.events().iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
    let feed = |chain: &mut Connected<F, Recorder<F::Out>>, events: &[T]| {
        for event in events {
            let _ = chain.next(event.clone(), &mut Context::detached(Instant::ZERO)).expect("no fatal error");
        }
    };
    let (whole, first, second) = (Recorder::new(), Recorder::new(), Recorder::new());
    feed(&mut make().to(whole.clone()), events);
    let (before, after) = events.split_at(at.min(events.len()));
    let mut one = make().to(first.clone());
    feed(&mut one, before);
    let cx = &mut Context::detached(Instant::ZERO);
    let saved = SavedState::of(&mut one, cx).expect("no fatal error");
    let mut other = make().to(second.clone());
    saved.restore(&mut other, cx).expect("the same stages");
    feed(&mut other, after);
    [text(&whole), [text(&first), text(&second)].concat()]
}

fn lux(values: &[f64]) -> Vec<SensorEvent<f64>> {
    let at = |n: usize| Timestamp::from_nanos(i64::try_from(n).unwrap_or(0) * 700_000_000);
    values.iter().enumerate().map(|(n, value)| SensorEvent::new("lux", at(n), *value)).collect()
}

macro_rules! same {
    ($make:expr, $events:expr, $at:expr) => {{
        let [whole, cut] = cut($make, &$events, $at);
        prop_assert_eq!(whole, cut, "{}", stringify!($make));
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_stage_goes_on_where_another_was(values in prop::collection::vec(-9.0..9.0_f64, 0..40), at in 0_usize..40) {
        let flags: Vec<bool> = values.iter().map(|value| *value > 0.0).collect();
        let pairs: Vec<[f64; 2]> = values.windows(2).map(|two| [two[0], two[0] + two[1]]).collect();
        let timed = lux(&values);
        same!(|| pipe::<bool>().edges(), flags, at);
        same!(|| pipe::<f64>().crossings(1.0), values, at);
        same!(|| pipe::<f64>().qualify(quality::Hampel::<5>::new(2.0)), values, at);
        same!(|| pipe::<f64>().qualify((KSigma::new(2.0, 0.1, 3), quality::Range::new(-5.0..=5.0))), values, at);
        for way in [Interpolation::Previous, Interpolation::Linear, Interpolation::Cubic] {
            same!(|| pipe::<SensorEvent<f64>>().resample(SECOND / 4, way, SECOND), timed, at);
        }
        same!(|| pipe::<[f64; 2]>().pipe(Learning(KMeans::<2, 3>::new(10))), pairs, at);
        same!(|| pipe::<[f64; 2]>().pipe(Learning(IncrementalPca::<2, 2>::new(10))), pairs, at);
        let trees = || pipe::<[f64; 2]>().pipe(Learning(HalfSpaceTrees::new(&[-9.0..=9.0, -18.0..=18.0], 8, 1)));
        same!(trees, pairs, at);
    }

    #[test]
    fn whatever_is_restored_the_models_go_on(
        forged in prop::collection::vec(any::<u64>(), 1..9),
        samples in prop::collection::vec([any::<f64>(), any::<f64>()], 1..30),
    ) {
        fn on<M: Model<[f64; 2]>>(mut model: M, forged: &[u64], samples: &[[f64; 2]]) -> M {
            struct Forge<'a>(std::iter::Cycle<std::slice::Iter<'a, u64>>);
            impl thingflow_core::StateVisitor for Forge<'_> {
                fn integer(&mut self, _: &str, value: &mut u64) {
                    *value = self.0.next().copied().unwrap_or_default();
                }
                fn float(&mut self, _: &str, value: &mut f64) {
                    *value = f64::from_bits(self.0.next().copied().unwrap_or_default());
                }
            }
            model.state(&mut Forge(forged.iter().cycle()));
            samples.iter().for_each(|sample| {
                model.predict(sample);
                model.learn(sample);
            });
            model
        }
        let kinds = on(KMeans::<2, 3>::new(u64::MAX), &forged, &samples);
        prop_assert!(kinds.means().iter().flatten().all(|mean| mean.is_finite()));
        let pca = on(IncrementalPca::<2, 2>::new(u64::MAX), &forged, &samples);
        prop_assert!(pca.components().iter().flatten().all(|part| part.is_finite() && part.abs() <= 1.0 + 1e-9));
        let score = on(HalfSpaceTrees::new(&[-1.0..=1.0, -1.0..=1.0], 4, 1), &forged, &samples).predict(&[0.0, 0.0]);
        prop_assert!((0.0..=1.0).contains(&score));
    }

    #[test]
    fn components_are_those_of_the_covariance(angle in 0.1..1.4_f64, strong in 3.0..9.0_f64) {
        // Two independent directions, the one `strong` times as strong as the other, turned by an angle.
        let mut random = 1_u64;
        let mut uniform = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        let mut pca = IncrementalPca::<2, 2>::new(u64::MAX);
        for _ in 0..4_000 {
            let (along, across) = (strong * uniform(), uniform());
            pca.learn(&[along * angle.cos() - across * angle.sin() + 100.0, along * angle.sin() + across * angle.cos() - 7.0]);
        }
        let [first, second] = pca.components();
        prop_assert!((first[0] * angle.cos() + first[1] * angle.sin()).abs() > 0.999, "{:?}", first);
        prop_assert!((first[0] * second[0] + first[1] * second[1]).abs() < 0.05);
        let [variance, other] = pca.variances();
        prop_assert!((variance / (strong * strong / 12.0) - 1.0).abs() < 0.1 && (other / (1.0 / 12.0) - 1.0).abs() < 0.15);
    }
}

#[test]
fn times_at_both_ends_of_their_range_are_no_gap_to_fill() {
    let days = Duration::from_secs(48 * 3600);
    for way in [Interpolation::Previous, Interpolation::Linear, Interpolation::Cubic] {
        let ends = [i64::MIN, -1, i64::MAX].map(|nanos| SensorEvent::new("t", Timestamp::from_nanos(nanos), 1.0));
        let filled = from_iter(ends).resample(days, way, Duration::MAX).collect_now();
        assert!(filled.len() > 50_000 && filled.iter().all(|event| (event.val - 1.0).abs() < 1e-9), "{way:?}");
    }
}

#[test]
fn checks_go_on_by_what_they_were() {
    let values: Vec<f64> = (0..9).map(f64::from).collect();
    let make = || pipe::<f64>().qualify((RateOfChange::new(1.0), FlatLine::new(0.1, SECOND, SECOND)));
    let [whole, cut] = cut(make, &values, 4);
    assert_eq!(whole.len(), cut.len());
}
