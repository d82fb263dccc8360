//! What stages remember is taken out in the middle and put back into others like them, which go on as if nothing had been;
//! a state that is none does no harm.
#![cfg(feature = "std")]

#[path = "../../thingflow-core/tests/support/given.rs"]
mod given;

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Connected, Notice, Saved, SavedState, windows};
use thingflow_signals::estimate::{AlphaBeta, ConstantRate, Kalman};
use thingflow_signals::filters::Peaks;
use thingflow_signals::gaps::Interpolation;
use thingflow_signals::models::{HalfSpaceTrees, IncrementalPca, KMeans, Learning, Model};
use thingflow_signals::prelude::*;
use thingflow_signals::quality::{self, FlatLine, KSigma, RateOfChange};

use given::Given;

const SECOND: Duration = Duration::from_secs(1);

fn second(n: usize) -> Instant {
    Instant::from_nanos(n as u64 * 1_000_000_000)
}

/// What a chain sends for what comes at each second, an event or nothing, as text: as a whole and cut, where the second half
/// runs in another chain that has been given the state of the first.
fn cut_by_the_second<T: Clone + 'static, F: Filter<T, Out: std::fmt::Debug + Clone + 'static>>(
    make: impl Fn() -> Pipe<T, F>,
    events: &[Option<T>],
    at: usize,
) -> [Vec<String>; 2] {
    let text = |seen: &Recorder<F::Out>| seen.events().iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
    let feed = |chain: &mut Connected<F, Recorder<F::Out>>, from: usize, events: &[Option<T>]| {
        let _ = chain.notice(Notice::Start, &mut Context::detached(second(from))).expect("no fatal error");
        for (n, event) in (from..).zip(events) {
            let cx = &mut Context::detached(second(n));
            let _ = match event.clone() {
                Some(event) => chain.next(event, cx).expect("no fatal error"),
                None => chain.notice(Notice::Wake, cx).expect("no fatal error"),
            };
        }
    };
    let (whole, first, last) = (Recorder::new(), Recorder::new(), Recorder::new());
    feed(&mut make().to(whole.clone()), 0, events);
    let at = at.min(events.len());
    let mut one = make().to(first.clone());
    feed(&mut one, 0, &events[..at]);
    let cx = &mut Context::detached(second(at));
    let saved = SavedState::of(&mut one, cx).expect("no fatal error");
    assert_eq!(SavedState::of(&mut one, cx).expect("no fatal error"), saved, "looking changes nothing");
    let mut other = make().to(last.clone());
    saved.restore(&mut other, cx).expect("the same stages");
    feed(&mut other, at, &events[at..]);
    [text(&whole), [text(&first), text(&last)].concat()]
}

/// As [`cut_by_the_second`], with an event in each.
fn cut<T: Clone + 'static, F: Filter<T, Out: std::fmt::Debug + Clone + 'static>>(
    make: impl Fn() -> Pipe<T, F>,
    events: &[T],
    at: usize,
) -> [Vec<String>; 2] {
    let events: Vec<Option<T>> = events.iter().cloned().map(Some).collect();
    cut_by_the_second(make, &events, at)
}

/// What is sent each second by a chain whose state is forged, when it has begun to send something for each event again.
fn forged<T: 'static, F: Filter<T, Out: Clone + 'static>>(
    chain: Pipe<T, F>,
    forged: &[u64],
    events: impl IntoIterator<Item = T>,
) -> Vec<F::Out> {
    let seen = Recorder::new();
    let mut chain = chain.to(seen.clone());
    let now = second(1_000);
    let _ = chain
        .notice(Notice::State(&mut Given(forged.iter().copied().cycle())), &mut Context::detached(now))
        .expect("goes on");
    let _ = chain.notice(Notice::Start, &mut Context::detached(now)).expect("goes on");
    for (n, event) in (1_000..).zip(events) {
        let _ = chain.notice(Notice::Wake, &mut Context::detached(second(n))).expect("goes on");
        let _ = chain.next(event, &mut Context::detached(second(n))).expect("goes on");
    }
    seen.events()
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
    fn what_looks_at_the_time_goes_on_where_another_was(
        values in prop::collection::vec(prop::option::weighted(0.6, -9.0..9.0_f64), 0..40), at in 0_usize..40,
    ) {
        let plain: Vec<f64> = values.iter().flatten().copied().collect();
        let timed = lux(&plain);
        let checks = || (RateOfChange::new(5.0), FlatLine::new(6.0, SECOND, 2 * SECOND));
        same!(|| pipe::<SensorEvent<f64>>().qualify(checks()), timed, at);
        same!(|| pipe::<f64>().qualify(checks()), plain, at);
        same!(|| pipe::<SensorEvent<f64>>().process(Kalman::new(0.5, 1.0)), timed, at);
        same!(|| pipe::<SensorEvent<f64>>().process(Peaks::new(2.0).height(1.0)), timed, at);
        same!(|| pipe::<SensorEvent<f64>>().process(ConstantRate::new(0.5, 1.0)), timed, at);
        same!(|| pipe::<f64>().process(AlphaBeta::new(0.5, 0.1)), plain, at);
        let [whole, cut] = cut_by_the_second(|| pipe::<f64>().hold(2 * SECOND, 3 * SECOND), &values, at);
        prop_assert_eq!(whole, cut);
        let read = |n: usize, value: f64| SensorEvent::new("lux", Timestamp::UNIX_EPOCH + second(n).since(Instant::ZERO), value);
        let reads: Vec<_> = values.iter().enumerate().map(|(n, value)| value.map(|value| read(n, value))).collect();
        let [whole, cut] = cut_by_the_second(|| pipe::<SensorEvent<f64>>().mark_gaps(2 * SECOND), &reads, at);
        prop_assert_eq!(whole, cut);
        let marked = || pipe::<SensorEvent<f64>>().qualify(quality::Range::new(-5.0..=5.0)).hold(3 * SECOND, SECOND);
        let [whole, cut] = cut_by_the_second(marked, &reads, at);
        prop_assert_eq!(whole, cut, "with the mark of the event");
    }

    #[test]
    fn whatever_is_restored_what_looks_at_the_time_goes_on(
        words in prop::collection::vec(prop_oneof![any::<u64>(), any::<f64>().prop_map(f64::to_bits), 0_u64..9], 1..20),
    ) {
        let values = || (0..40).map(|n| f64::from(n % 7));
        let events = || (0..40_usize).zip(values()).map(|(n, val)| SensorEvent::new("t", Timestamp::from_secs(n as i64), val));
        let marks = forged(pipe::<f64>().qualify((RateOfChange::new(9.0), FlatLine::new(0.5, SECOND, SECOND * 9))), &words, values());
        prop_assert_eq!(marks.len(), 40);
        prop_assert!(marks[20..].iter().all(|mark| mark.quality == quality::Quality::Good));
        let peaks = forged(pipe::<f64>().process(Peaks::new(3.0)), &words, values());
        prop_assert!(peaks.len() >= 4 && peaks[1..].iter().all(|peak| (peak.value, peak.samples_ago) == (6.0, 1)), "{peaks:?}");
        let held = forged(pipe::<f64>().hold(SECOND, SECOND), &words, values());
        prop_assert!(held.len() >= 39, "{} of 40", held.len());
        prop_assert!(held[20..].iter().all(|held| held.age <= SECOND && !held.is_stale));
        let marked = forged(pipe::<SensorEvent<f64>>().mark_gaps(SECOND), &words, events());
        let whole = marked.iter().filter(|event| event.val.is_some()).count();
        prop_assert!(whole == 40 && marked.len() <= 41, "{} marks", marked.len() - whole);
        #[cfg(feature = "kalman")]
        {
            let cart = || pipe::<[f64; 1]>().pipe(cart());
            let states = forged(cart(), &words, (0..200).map(|n| [f64::from(n)]));
            prop_assert!(states.iter().flatten().all(|state| state.is_finite()));
        }
    }

    #[cfg(feature = "kalman")]
    #[test]
    fn a_filter_of_several_states_goes_on_where_another_was(
        readings in prop::collection::vec([prop_oneof![9 => -9.0..9.0_f64, 1 => Just(f64::NAN)]], 0..40), at in 0_usize..40,
    ) {
        same!(|| pipe::<[f64; 1]>().pipe(cart()), readings, at);
    }

    #[test]
    fn whatever_is_restored_the_models_go_on(
        forged in prop::collection::vec(any::<u64>(), 1..9),
        samples in prop::collection::vec([any::<f64>(), any::<f64>()], 1..30),
    ) {
        fn on<M: Model<[f64; 2]>>(mut model: M, forged: &[u64], samples: &[[f64; 2]]) -> M {
            model.state(&mut Given(forged.iter().copied().cycle()));
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

/// A cart on a rail: position and speed, of which the first is measured.
#[cfg(feature = "kalman")]
fn cart() -> thingflow_signals::estimate::LinearKalman<2, 1> {
    let (f, q) = ([[1.0, 1.0], [0.0, 1.0]], [[0.3, 0.5], [0.5, 1.0]]);
    thingflow_signals::estimate::LinearKalman::new(f, q, [[1.0, 0.0]], [[0.25]])
}

/// A chain whose state is that of one that saw a value at a second.
fn restored<F, M>(
    make: impl Fn() -> Pipe<SensorEvent<f64>, F>,
    at: usize,
    seen: Recorder<M>,
) -> Connected<F, Recorder<M>>
where
    F: Filter<SensorEvent<f64>, Out = M>,
    M: Clone + 'static,
{
    let cx = &mut Context::detached(second(at));
    let mut one = make().to(Recorder::new());
    let _ = one.next(SensorEvent::new("lux", Timestamp::from_secs(0), 7.0), cx).expect("no fatal error");
    let saved = SavedState::of(&mut one, cx).expect("no fatal error");
    let mut other = make().to(seen);
    saved.restore(&mut other, cx).expect("the same stages");
    other
}

#[test]
fn a_silence_that_began_before_a_restart_is_marked_without_another_reading() {
    for clock in [0, 3_600] {
        let seen = Recorder::new();
        let chain = restored(|| pipe::<SensorEvent<f64>>().mark_gaps(2 * SECOND), clock, seen.clone());
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        let silent = interval(100 * SECOND).map(|_| SensorEvent::new("lux", Timestamp::from_secs(100), 1.0));
        scheduler.schedule_recurring(silent.connect(chain)).expect("is scheduled");
        scheduler.run_for(50 * SECOND).expect("runs");
        let marks: Vec<_> = seen.events().iter().map(|mark| (mark.ts, mark.val)).collect();
        assert_eq!(marks, [(Timestamp::from_secs(2), None)], "saved at second {clock} of its clock");
        assert!(seen.timed_text().ends_with("@3"), "{}", seen.timed_text());
    }
}

#[test]
fn a_value_that_is_held_goes_on_after_a_restart_unless_its_age_is_not_known() {
    let sent = |clock| {
        let seen = Recorder::new();
        let chain = restored(|| pipe::<SensorEvent<f64>>().hold(2 * SECOND, 3 * SECOND), clock, seen.clone());
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        let silent = interval(100 * SECOND).map(|_| SensorEvent::new("lux", Timestamp::from_secs(100), 1.0));
        scheduler.schedule_recurring(silent.connect(chain)).expect("is scheduled");
        scheduler.run_for(5 * SECOND).expect("runs");
        seen.events().into_iter().map(|event| (event.val.age.as_secs(), event.val.is_stale)).collect::<Vec<_>>()
    };
    assert_eq!(sent(0), [(2, false), (4, true)]);
    assert_eq!(sent(3_600), []);
}

#[test]
fn a_window_that_is_restored_has_the_mark_of_its_last_event() {
    fn make(seen: Recorder<quality::Qualified<f64>>) -> impl InputThing<f64> {
        pipe::<f64>()
            .qualify(quality::Range::new(-5.0..=5.0))
            .aggregate(Window::tumbling(9), windows::Sum::new())
            .to(seen)
    }
    let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
    let (mut one, mut other) = (make(Recorder::new()), make(seen.clone()));
    let _ = one.next(7.0, cx).expect("no fatal error");
    SavedState::of(&mut one, cx).expect("no fatal error").restore(&mut other, cx).expect("the same stages");
    let _ = other.notice(Notice::Completed, cx).expect("no fatal error");
    assert_eq!(seen.events(), [quality::Qualified { event: 7.0, quality: quality::Quality::Bad }]);
    let mut mark = quality::Quality::Suspect;
    Saved::on_state(&mut mark, "quality", &mut Given(std::iter::repeat(7)));
    assert_eq!(mark, quality::Quality::Suspect, "there is no mark of that number");
}

#[test]
fn text_is_saved_and_what_is_no_text_refused() {
    let held = || pipe::<String>().hold(SECOND, SECOND);
    for text in ["", "a", "twelve bytes", "Küche 21 °C"] {
        let events = [Some(text.to_string()), None, None];
        let [whole, cut] = cut_by_the_second(held, &events, 1);
        assert_eq!(whole, cut);
    }
    for words in [[u64::MAX; 3], [1, 1, 0xff], [9, 1, 0], [3, 0, 0]] {
        let mut text = String::from("before");
        Saved::on_state(&mut text, "text", &mut Given(words.iter().copied().cycle()));
        assert_eq!(text, "");
    }
}

#[test]
fn e05_a_length_that_is_forged_in_a_whole_state_is_refused_at_once() {
    let held =
        || -> Box<dyn InputThing<String>> { Box::new(pipe::<String>().hold(SECOND, SECOND).to(Recorder::new())) };
    let cx = &mut Context::detached(Instant::ZERO);
    let mut one = held();
    let _ = one.next("twelve bytes".to_string(), cx).expect("no fatal error");
    let words = SavedState::of(&mut one, cx).expect("no fatal error").into_words();
    assert_eq!(words[..3], [1, 12, 2], "there is one, its bytes, its words");
    for (at, length) in [(1, u64::MAX), (2, 1 << 40), (2, u64::MAX)] {
        let mut forged = words.clone();
        forged.pop();
        forged[at] = length;
        let sum = forged
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, word| (sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17));
        forged.push(sum);
        let forged = SavedState::from_words(forged).expect("its sum is right");
        assert!(forged.restore(&mut held(), cx).is_err(), "word {at} is {length}");
    }
}
