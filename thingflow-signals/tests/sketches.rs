//! Sketches within their published errors, and what a state that is forged makes of them.
#![cfg(feature = "sketches")]

#[path = "../../thingflow-core/tests/support/given.rs"]
mod given;
#[path = "../../thingflow-core/tests/support/taken.rs"]
mod taken;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Aggregate, Merge};
use thingflow_core::{Notice, SavedEvents, SavedState, Saving, StateVisitor};
use thingflow_signals::sketches::{Distinct, Frequency, Frequent, NotSeen, Quantiles};

use given::Given;
use taken::Taken;

/// A state that is forged: it may end too early.
fn forged_of(words: Vec<u64>) -> Given<impl Iterator<Item = u64>> {
    Given(words.into_iter().chain(std::iter::repeat(0)))
}

/// Numbers that look random, from 0 to 1.
fn uniform(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

fn of<V, A: Aggregate<V>>(mut aggregate: A, values: impl IntoIterator<Item = V>) -> A {
    values.into_iter().for_each(|value| aggregate.absorb(&value));
    aggregate
}

#[test]
fn quantiles_are_within_their_error() {
    const SHARES: [f64; 7] = [0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999];
    for (seed, shape) in
        [(1, (|x| x) as fn(f64) -> f64), (2, |x| (-(1.0 - x).ln()).powi(3)), (3, |x| (20.0 * x).floor())]
    {
        let mut values: Vec<f64> = uniform(seed).take(50_000).map(shape).collect();
        let whole = of(Quantiles::at(SHARES), values.iter().copied());
        let mut parts = of(Quantiles::at(SHARES), values[..20_000].iter().copied());
        parts.merge(of(Quantiles::at(SHARES), values[20_000..].iter().copied()));
        values.sort_by(f64::total_cmp);
        for sketch in [whole, parts] {
            let found = Aggregate::<f64>::value(&sketch).expect("values");
            for (share, quantile) in SHARES.into_iter().zip(found) {
                // The share that lies below, of several equal values whichever is nearest.
                let below = values.partition_point(|value| *value < quantile) as f64 / 50_000.0;
                let up_to = values.partition_point(|value| *value <= quantile) as f64 / 50_000.0;
                let error = (below - share).max(share - up_to).max(0.0);
                let most = 0.0005 + 0.018 * share * (1.0 - share);
                assert!(error <= most, "{share} of shape {seed} is off by {error}");
            }
        }
    }
    let odd = of(Quantiles::at([0.0, 1.0]), [f64::NAN, f64::INFINITY, 3.0, f64::NEG_INFINITY, 1.0]);
    assert_eq!(Aggregate::<f64>::value(&odd), Some([1.0, 3.0]));
    assert_eq!(Aggregate::<f64>::value(&Quantiles::at([0.5])), None);
}

#[test]
fn distinct_values_are_within_three_deviations() {
    let most = 3.0 * 0.013;
    for n in [0_u32, 1, 10, 100, 1_000, 10_000, 100_000] {
        let sketch = of(Distinct::new(), (0..n).chain(0..n / 2));
        let estimate = Aggregate::<u32>::value(&sketch).expect("a number");
        assert!((estimate - f64::from(n)).abs() <= most * f64::from(n), "{n}: {estimate}");
        if n <= 10 {
            assert!((estimate - f64::from(n)).abs() < 1e-3, "{n}: {estimate}");
        }
        let mut parts = of(Distinct::new(), 0..n / 2);
        parts.merge(of(Distinct::new(), n / 3..n));
        let estimate = Aggregate::<u32>::value(&parts).expect("a number");
        assert!((estimate - f64::from(n)).abs() <= 1.5 * most * f64::from(n), "{n} in parts: {estimate}"); // parts have no history
    }
}

#[test]
fn frequent_values_are_all_there_within_their_error() {
    const SIZE: usize = 128;
    // Value v comes in proportion to 1 / (v + 1).
    let values: Vec<u64> = uniform(4).take(40_000).map(|x| (2_000_f64.powf(x) - 1.0) as u64).collect();
    let mut counts = std::collections::BTreeMap::<u64, u64>::new();
    values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
    let whole = of(Frequent::new(SIZE), values.iter().copied());
    let mut parts = of(Frequent::new(SIZE), values[..15_000].iter().copied());
    parts.merge(of(Frequent::new(SIZE), values[15_000..].iter().copied()));
    let error = (3.5 / SIZE as f64 * 40_000.0) as u64;
    for sketch in [whole, parts] {
        let found = sketch.value().expect("a list");
        for row in &found {
            assert!(
                (row.at_least..=row.at_most).contains(&counts[&row.value]) && row.at_most - row.at_least <= error,
                "{row:?}"
            );
        }
        for (value, count) in counts.iter().filter(|(_, count)| **count > error) {
            assert!(found.iter().any(|row| row.value == *value), "{value} came {count} times and is not there");
        }
        assert!(found.windows(2).all(|two| two[0].at_most >= two[1].at_most));
    }
}

#[test]
fn what_comes_again_never_passes_and_little_is_lost() {
    let keys = || 0..20_000_u32;
    let twice = from_iter(keys().chain(keys())).pipe(NotSeen::by(20_000, 0.01, |key: &u32| *key)).collect_now();
    let lost = 20_000 - twice.len();
    assert!(twice.windows(2).all(|two| two[0] < two[1]), "an event has passed twice");
    assert!(lost <= 200, "{lost} of 20,000 new ones were lost");
}

#[test]
fn sketches_in_windows_and_sessions() {
    let readings = || from_iter((0..1000).map(|n| (n % 300, f64::from(n % 100))));
    let distinct = thingflow_core::windows::Of(|reading: &(i32, f64)| reading.0, Distinct::new());
    let median = thingflow_core::windows::Of(|reading: &(i32, f64)| reading.1, Quantiles::at([0.5]));
    let seen = readings().aggregate(Window::tumbling(500), (distinct, median)).collect_now();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|(distinct, [median])| (distinct - 300.0).abs() < 10.0 && (median - 49.5).abs() < 2.0),
        "{seen:?}"
    );
    let at = |n: &i32| Timestamp::from_secs(i64::from(*n));
    let session = Window::session(core::time::Duration::from_secs(5), at);
    let of = from_iter([1, 2, 3, 50, 9, 6])
        .watermarks(at, core::time::Duration::from_secs(60))
        .aggregate(session, Distinct::new());
    assert_eq!(of.map(|window| window.value.round()).collect_now(), [5.0, 1.0]);
}

fn in_groups<A>(aggregate: A) -> impl InputThing<f64>
where
    A: Aggregate<f64, Out: Debug + 'static> + Clone + 'static,
{
    pipe::<f64>().aggregate(Window::tumbling(1_000_000), aggregate).to(call(drop))
}

/// A sketch that is a part of a window, saved and restored, goes on as before.
fn goes_on<A>(make: impl Fn() -> A)
where
    A: Aggregate<f64, Out: Debug + 'static> + Clone + 'static,
{
    for n in [0, 1, 20, 5_000] {
        let cx = &mut Context::detached(Instant::ZERO);
        let seen = [Recorder::new(), Recorder::new()];
        let [mut whole, mut again] =
            seen.each_ref().map(|seen| pipe::<f64>().aggregate(Window::tumbling(1_000_000), make()).to(seen.clone()));
        uniform(7).take(n).for_each(|x| assert!(whole.next(x, cx).is_ok()));
        let saved = SavedState::of(&mut whole, cx).expect("no fatal error");
        saved.restore(&mut again, cx).expect("the same kind");
        for chain in [&mut whole, &mut again] {
            uniform(8).take(500).for_each(|x| assert!(chain.next(x, cx).is_ok()));
            assert!(chain.notice(Notice::Completed, cx).is_ok());
        }
        // Alike, not the same: what is written down is put together anew.
        let numbers =
            |text: &str| text.split(|c: char| !c.is_ascii_digit() && c != '.').filter_map(|x| x.parse().ok()).collect();
        let [whole, again]: [Vec<f64>; 2] = seen.map(|seen| numbers(&seen.text()));
        let alike = |(a, b): (&f64, &f64)| (a - b).abs() <= 0.002 * a.abs().max(1.0);
        assert!(!whole.is_empty() && whole.len() == again.len(), "{again:?} is not {whole:?}");
        assert!(whole.iter().zip(&again).all(alike), "{again:?} is not {whole:?}");
    }
}

/// Every float as its bits, so that it can be hashed.
#[derive(Clone, Debug)]
struct Bits(Distinct);

impl Aggregate<f64> for Bits {
    type Out = f64;
    fn add(&mut self, value: &f64) {
        self.0.add(&value.to_bits());
    }
    fn remove(&mut self, _: &f64) {}
    fn value(&self) -> Option<f64> {
        Aggregate::<u64>::value(&self.0)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        Aggregate::<u64>::on_state(&mut self.0, state);
    }
}

#[test]
fn state_of_sketches() {
    goes_on(|| Quantiles::at([0.1, 0.5]));
    goes_on(|| Bits(Distinct::new()));
    let cx = &mut Context::detached(Instant::ZERO);
    let chain = || pipe().pipe(NotSeen::by(100, 0.01, |key: &u32| *key)).to(call(drop));
    let (mut whole, mut again) = (chain(), chain());
    (0..50).for_each(|key| assert!(whole.next(key, cx).is_ok()));
    let saved = SavedState::of(&mut whole, cx).expect("no fatal error");
    saved.restore(&mut again, cx).expect("the same kind");
    assert_eq!(SavedState::of(&mut again, cx).expect("no fatal error"), saved);
    let mut larger = pipe().pipe(NotSeen::by(1000, 0.01, |key: &u32| *key)).to(call(drop));
    assert!(saved.restore(&mut larger, cx).is_err());
}

/// A filter that was forged to be empty and of 16 GiB is refused before there is room for it: in a process that may not take as much.
#[test]
fn e05_a_filter_that_says_it_is_enormous_is_refused() {
    const LIMITED: &str = "THINGFLOW_TEST_LIMITED";
    if std::env::var_os(LIMITED).is_none() {
        let this = std::env::current_exe().expect("the path of this test");
        let mut again = std::process::Command::new("sh");
        again.args(["-c", "ulimit -v 4000000 && exec \"$0\" e05_a_filter_that_says"]).arg(this).env(LIMITED, "1");
        assert!(again.status().expect("a shell").success());
        return;
    }
    let cx = &mut Context::detached(Instant::ZERO);
    let chain = || pipe().pipe(NotSeen::by(100, 0.01, |key: &u32| *key)).to(call(drop));
    let mut shown = Taken::default();
    assert!(InputThing::<u32>::notice(&mut chain(), Notice::State(&mut shown), cx).is_ok());
    assert!(shown.0.len() < 9, "an empty filter, with its size in the fifth word: {shown:?}");
    shown.0[4] = i32::MAX as u64;
    assert!(InputThing::<u32>::notice(&mut chain(), Notice::State(&mut Given(shown.0.into_iter())), cx).is_ok());
}

/// The bounds hold over a restart, in the middle of more different values than the sketch has room for.
#[test]
fn e02_frequent_values_are_saved() {
    const SIZE: usize = 64;
    let values: Vec<u64> = uniform(5).take(20_000).map(|x| (2_000_f64.powf(x) - 1.0) as u64).collect();
    let seen = Recorder::new();
    let chain = |seen: &Recorder<String>| {
        let often = pipe::<u64>().aggregate(Window::tumbling(20_000), Frequent::new(SIZE));
        pipe::<u64>().pipe(Saving(often)).map(|rows| format!("{}", Rows(rows))).to(seen.clone())
    };
    let cx = &mut Context::detached(Instant::ZERO);
    let mut now = chain(&seen);
    for (n, value) in values.iter().enumerate() {
        if n % 7_000 == 50 {
            let saved = SavedState::of(&mut now, cx).expect("no fatal error");
            assert!(saved.unsaved().is_empty());
            now = chain(&seen);
            saved.restore(&mut now, cx).expect("the same kind");
        }
        assert!(now.next(*value, cx).is_ok());
    }
    let rows = seen.events().remove(0);
    let rows =
        rows.split(' ').map(|row| row.split(',').map(|x| x.parse::<u64>().expect("a number")).collect::<Vec<_>>());
    let count = |value: u64| values.iter().filter(|one| **one == value).count() as u64;
    let rows: Vec<_> = rows.collect();
    assert!(rows.iter().all(|row| (row[1]..=row[2]).contains(&count(row[0]))), "{rows:?}");
    let error = (3.5 / SIZE as f64 * 20_000.0) as u64;
    assert!(rows.iter().all(|row| row[2] - row[1] <= error) && rows.iter().any(|row| row[1] > 0), "{rows:?}");
    let often = (0..2_000).filter(|value| count(*value) > error);
    assert!(often.into_iter().all(|value| rows.iter().any(|row| row[0] == value)), "{rows:?}");
}

/// Each value with the bounds of its number.
struct Rows(Vec<Frequency<u64>>);

impl std::fmt::Display for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows: Vec<_> = self.0.iter().map(|row| format!("{},{},{}", row.value, row.at_least, row.at_most)).collect();
        f.write_str(&rows.join(" "))
    }
}

#[test]
fn a_forged_state_of_frequent_values_is_refused_and_counts_on() {
    for words in
        [vec![u64::MAX; 9], vec![0, 3, 1, u64::MAX, 2, u64::MAX, 3, 5], vec![1 << 61, 2, 7, 1 << 61, 8, 1 << 62]]
    {
        let mut frequent = Frequent::<u64>::new(8);
        frequent.on_events(&mut forged_of(words));
        (0..100).for_each(|n| frequent.add(&(n % 3)));
        let mut twice = frequent.clone();
        twice.merge(frequent);
        assert!(twice.value().is_some_and(|rows| rows.iter().all(|row| row.at_least <= row.at_most)));
    }
}

/// A bit of what was saved is another one: it is refused, or counts on, near to what there is.
#[test]
fn e05_a_forged_state_of_distinct_values_counts_no_nonsense() {
    for count in [50, 2_000, 100_000_u64] {
        let mut distinct = Distinct::new();
        (0..count).for_each(|n| distinct.add(&n));
        let mut shown = Taken::default();
        Aggregate::<u64>::on_state(&mut distinct, &mut shown);
        for at in 0..shown.0.len() {
            for bit in [0, 4, 13, 27, 33, 50, 58, 62] {
                let mut words = shown.0.clone();
                words[at] ^= 1 << bit;
                let mut forged = Distinct::new();
                Aggregate::<u64>::on_state(&mut forged, &mut forged_of(words));
                (0..100).for_each(|n| forged.add(&(count + n)));
                let seen = Aggregate::<u64>::value(&forged).expect("a number");
                let most = 2.0 * (count + 100) as f64;
                assert!((90.0..most).contains(&seen), "{seen} of {count}: bit {bit} of word {at}");
            }
        }
        distinct.merge(distinct.clone());
    }
}

/// Few values, which the library would believe in a form that it never writes: as a list that is full, or says that it has room, or as
/// one that will have other registers, or with the same value twice.
#[test]
fn a_forged_list_of_distinct_values_is_refused() {
    let shown = |distinct: &mut Distinct| {
        let mut shown = Taken::default();
        Aggregate::<u64>::on_state(distinct, &mut shown);
        shown.0
    };
    let mut few = Distinct::new();
    (0..7_u64).for_each(|n| few.add(&n));
    let [length, words, preamble, coupons @ ..] = &shown(&mut few)[..] else { panic!("a list has coupons") };
    assert_eq!((*length, *words), (36, 5)); // eight bytes, and seven coupons of four
    let another = coupons[0] << 32 | 0xffff_ffff;
    let forged = [
        vec![40, 5, preamble + (1 << 48), coupons[0], coupons[1], coupons[2], coupons[3] | another],
        vec![40, 5, preamble & !(8 << 40) & !(6 << 48), coupons[0], coupons[1], coupons[2], coupons[3] | another],
        vec![36, 5, preamble | 4 << 56, coupons[0], coupons[1], coupons[2], coupons[3]],
        vec![36, 5, *preamble, coupons[0], coupons[0], coupons[0], coupons[3]],
        vec![36, 5, *preamble, 0, 0, 0, 0],
    ];
    for (at, words) in forged.into_iter().enumerate() {
        let (mut again, mut refused) = (Distinct::new(), forged_of(words));
        Aggregate::<u64>::on_state(&mut again, &mut refused);
        assert!(Aggregate::<u64>::value(&again) == Some(0.0), "list {at} was believed");
        (0..5_000_u64).for_each(|n| again.add(&n));
        let estimate = Aggregate::<u64>::value(&again).expect("a number");
        assert!((4_700.0..5_300.0).contains(&estimate), "list {at}: {estimate}");
    }
    let (mut again, words) = (Distinct::new(), shown(&mut few));
    Aggregate::<u64>::on_state(&mut again, &mut Given(words.clone().into_iter()));
    assert_eq!(shown(&mut again), words);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Some bits of a saved state are turned: it is refused, or is a sketch that works.
    #[test]
    fn e05_a_forged_sketch_is_refused_or_works(n in prop::sample::select(vec![0_usize, 3, 300, 6_000]), turned in prop::collection::vec((any::<prop::sample::Index>(), 0_u32..64), 1..6)) {
        let cx = &mut Context::detached(Instant::ZERO);
        fn check(mut whole: impl InputThing<f64>, mut forged: impl InputThing<f64>, n: usize, turned: &[(prop::sample::Index, u32)], cx: &mut Context<'_>) {
            uniform(9).take(n).for_each(|x| assert!(whole.next(x, cx).is_ok()));
            let mut words = SavedState::of(&mut whole, cx).expect("no fatal error").into_words();
            words.truncate(words.len() - 2); // the sums
            for (at, bit) in turned {
                let at = at.index(words.len());
                words[at] ^= 1 << bit;
            }
            assert!(forged.notice(Notice::State(&mut forged_of(words)), cx).is_ok());
            uniform(8).take(300).for_each(|x| assert!(forged.next(x, cx).is_ok()));
            assert!(forged.notice(Notice::Completed, cx).is_ok());
        }
        let alive = catch_unwind(AssertUnwindSafe(|| {
            check(in_groups(Quantiles::at([0.5])), in_groups(Quantiles::at([0.5])), n, &turned, cx);
            check(in_groups(Bits(Distinct::new())), in_groups(Bits(Distinct::new())), n, &turned, cx);
            let seen = || pipe().pipe(NotSeen::by(1000, 0.01, |x: &f64| x.to_bits())).to(call(drop));
            check(seen(), seen(), n, &turned, cx);
        }));
        prop_assert!(alive.is_ok());
    }
}
