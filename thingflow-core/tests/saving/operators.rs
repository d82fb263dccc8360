//! Every operator that remembers something, in a chain that is cut at any event.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::prelude::*;
use thingflow_core::elementwise::{SlidingHooks, SlidingTransducer};
use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Count, DistinctList, Grouped, List, Max, Sum, UtcMonths, ValueCounts, Variance};
use thingflow_core::{Connected, Notice, Saved, SavedState, Saving, StateVisitor};

use super::given::Given;
use super::joins::{At, each_join};
use super::{FORGED, SECOND, at, stamp};

type Fed<F> = Connected<F, Recorder<<F as Filter<i32>>::Out>>;

/// Whether it wants more.
fn feed<F: Filter<i32, Out: Clone + 'static>>(
    chain: &mut Fed<F>,
    from: usize,
    events: &[Option<i32>],
    ends: bool,
) -> bool {
    let is_done = |receipt: Receipt| receipt.expect("no fatal error") == Demand::Done;
    if is_done(chain.notice(Notice::Start, &mut at(from))) {
        return false;
    }
    for (second, event) in (from..).zip(events) {
        if is_done(chain.notice(Notice::Wake, &mut at(second))) {
            return false;
        }
        if event.is_some_and(|event| is_done(chain.next(event, &mut at(second)))) {
            return false;
        }
    }
    if ends {
        let _ = chain.notice(Notice::Completed, &mut at(from + events.len())).expect("no fatal error");
    }
    true
}

/// What is sent as a whole; what is sent by two, the second with the state of the first; and which stages said that it is not whole.
pub(super) fn cut<F: Filter<i32, Out: Clone + Debug + 'static>>(
    make: impl Fn() -> Pipe<i32, F>,
    events: &[Option<i32>],
    cut: usize,
) -> (String, String, BTreeSet<String>) {
    let (whole, first, last) = (Recorder::new(), Recorder::new(), Recorder::new());
    feed(&mut make().to(whole.clone()), 0, events, true);
    let (mut one, mut other) = (make().to(first.clone()), make().to(last.clone()));
    let goes_on = feed(&mut one, 0, &events[..cut], false);
    let state = SavedState::of::<i32>(&mut one, &mut at(cut)).expect("no fatal error");
    assert_eq!(
        SavedState::of::<i32>(&mut one, &mut at(cut)).expect("no fatal error"),
        state,
        "looking changes nothing"
    );
    let unsaved = state.unsaved().clone();
    let state = SavedState::from_words(state.into_words()).expect("whole");
    state.restore::<i32>(&mut other, &mut at(cut)).expect("the same stages");
    if goes_on {
        feed(&mut other, cut, &events[cut..], true);
    }
    goes_on_with_nonsense(make().to(Recorder::new()), events);
    let parts = [first.text(), last.text()].join(" ");
    (whole.text(), parts.trim().into(), unsaved)
}

fn sensed(x: i32) -> SensorEvent<f64> {
    SensorEvent::new("t", stamp(&x), f64::from(x))
}

/// Whatever a stage is made to remember, it takes what comes then, within its bounds, and does not panic.
fn goes_on_with_nonsense<F: Filter<i32, Out: Clone + 'static>>(mut chain: Fed<F>, events: &[Option<i32>]) {
    let words = FORGED.with_borrow(Vec::clone);
    let _ = chain.notice(Notice::State(&mut Given(words.iter().copied().cycle())), &mut at(0)).expect("no fatal error");
    feed(&mut chain, 1_000, events, true);
}

thread_local! {
    /// The operators that were tried.
    static SEEN: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Each operator with what it is made by, as it is; then those that need it within a `Saving`.
pub(super) fn each(events: &[Option<i32>], at: usize) -> Result<(), TestCaseError> {
    macro_rules! is_whole {
        ($($name:literal: $chain:expr),* $(,)?) => {$(
            SEEN.with_borrow_mut(|seen| seen.insert($name));
            let (whole, parts, unsaved) = cut(|| $chain, events, at);
            prop_assert!(unsaved.is_empty(), "{}: {:?}", $name, unsaved);
            prop_assert_eq!(&whole, &parts, "{}", $name);
        )*};
    }
    macro_rules! says_so {
        ($($name:literal: $chain:expr),* $(,)?) => {$(
            SEEN.with_borrow_mut(|seen| seen.insert($name));
            let (whole, parts, unsaved) = cut(|| $chain, events, at);
            prop_assert!(!unsaved.is_empty() || whole == parts, "{} loses `{}`: `{}`", $name, whole, parts);
            let (whole, parts, unsaved) = cut(|| pipe().pipe(Saving($chain)), events, at);
            prop_assert!(unsaved.is_empty(), "{}, wrapped: {:?}", $name, unsaved);
            prop_assert_eq!(&whole, &parts, "{}, wrapped", $name);
        )*};
    }
    let p = pipe::<i32>;
    let by_time = || Window::event_time(4 * SECOND, stamp);
    let limit = || Limit::drop_oldest(4);
    is_whole! {
        "enumerate": p().enumerate(), "time_interval": p().time_interval(), "derivative": p().derivative(), "rate": p().rate(),
        "hysteresis": p().hysteresis(-2, 2), "take": p().take(5), "first": p().first(), "element_at": p().element_at(4),
        "element_at_or": p().element_at_or(4, 7), "skip": p().skip(4), "skip_while": p().skip_while(|x| *x < 3),
        "step_by": p().step_by(3), "slice": p().slice(2..9, 2), "deadband": p().deadband(3), "count": p().count(),
        "any": p().any(|x| x > 7), "all": p().all(|x| x < 7), "contains": p().contains(7), "aggregate": p().aggregate(Window::tumbling(3), Sum::new()),
        "running_avg": p().map(f64::from).running_avg(3), "running_avg_of": p().map(f64::from).running_avg_of::<3>(),
        "running_sum": p().map(f64::from).running_sum(3), "running_sum_of": p().map(f64::from).running_sum_of::<3>(),
        "running_variance": p().map(f64::from).running_variance(4).map(|x: f64| (x * 1e6).round()), "running_variance_of": p().map(f64::from).running_variance_of::<4>().map(|x: f64| (x * 1e6).round()),
        "ewma": p().map(f64::from).ewma(0.5), "ewma_corrected": p().map(f64::from).ewma_corrected(0.5),
        "ewm_variance": p().map(f64::from).ewm_variance(0.5), "timeout": p().timeout(4 * SECOND),
        "on_timeout": p().on_timeout(2 * SECOND, || Some(77)),
        "default_if_empty": p().default_if_empty(3),
        "once_a_batch": p().map(|x| [x, x + 1]).once_a_batch(pipe().aggregate(Window::sliding(3), Sum::new())),
        "each_batch": p().map(|x| [x, x + 1]).each_batch(pipe().aggregate(Window::tumbling(3), Sum::new())),
        "start_with": p().start_with([1, 2]), "ewma_by_time": p().map(sensed).ewma_by_time(SECOND, |e| e.ts),
        "ewma_by_time_corrected": p().map(sensed).ewma_by_time_corrected(SECOND, |e| e.ts),
        "watermarks": p().watermarks(stamp, SECOND), "watermarks_or_idle": p().watermarks_or_idle(stamp, SECOND, 3 * SECOND),
        "Window::cumulative": p().aggregate(Window::cumulative(), Sum::new()), "Window::tumbling": p().aggregate(Window::tumbling(3), Sum::new()),
        "Window::sliding": p().aggregate(Window::sliding(3).bounds(), Sum::new()), "Window::sliding_of": p().aggregate(Window::sliding_of::<3>(), Sum::new()),
        "Window::every": p().aggregate(Window::every(4, 2), Sum::new()), "Window::every_of": p().aggregate(Window::every_of::<4>(2), Sum::new()),
        "Window::event_time": p().watermarks(stamp, 2 * SECOND).aggregate(by_time(), Sum::new()),
        "Window::event_time": p().watermarks(stamp, 2 * SECOND).aggregate(by_time().every(2 * SECOND).by_saved_key(|x| x % 2), Sum::new()),
        "Window::session": p().watermarks(stamp, 2 * SECOND).aggregate(Window::session(2 * SECOND, stamp), Sum::new()),
        "Window::calendar": p().watermarks(stamp, 2 * SECOND).aggregate(Window::calendar(UtcMonths, stamp), Sum::new()),
        "Window::last_of": p().aggregate(Window::last_of::<4>(3 * SECOND), Sum::new()),
        "Window::last": p().aggregate(Window::last(3 * SECOND, limit()).bounds(), Sum::new()),
        "Window::each": p().aggregate(Window::each(3 * SECOND).aligned(), Max::new()),
        "aggregate": p().aggregate(Window::each(3 * SECOND).from_start().send_empty().bounds(), Count::new()),
        "aggregate": p().aggregate(Window::last(3 * SECOND, limit()), Max::new()),
        "aggregate": p().aggregate(Window::tumbling(2).by_saved_key(2, |x| x % 3).bounds(), Sum::new()),
        "aggregate": p().aggregate(Window::each(3 * SECOND).by_saved_key(2, |x| x % 3), Sum::new()),
        "aggregate": p().aggregate(Window::cumulative().by_saved_key(2, |x| x % 3), Sum::new()),
        "aggregate": p().aggregate(Window::sliding(3).by_saved_key(2, |x| x % 3).bounds(), Sum::new()),
        "aggregate": p().aggregate(Window::last(4 * SECOND, limit()).by_saved_key(2, |x| x % 3), Variance::new()).map(|x: f64| (x * 1e6).round()),
        "aggregate": p().aggregate(Window::tumbling(5), Grouped::by_saved_key(|x: &i32| x % 3, Sum::new())),
        "aggregate": p().aggregate(Window::sliding(4), Grouped::by_saved_key(|x: &i32| x % 3, Sum::new())),
        "chunk_median": p().chunk_median(3), "chunk_median_of": p().chunk_median_of::<3>(),
        "sequence_equal": p().sequence_equal([1, 2, 1, 2]), "sequence_equal": p().sequence_equal(std::iter::repeat(1)),
    }
    says_so! {
        "scan": p().scan(0, |sum, x| sum + x), "accumulate": p().accumulate(|a, b| a - b), "pairwise": p().pairwise(),
        "map_with": p().map_with(0, |sum, x| { *sum += x; *sum }), "filter_with": p().filter_with(0, |last, x| { let is = *last < *x; *last = *x; is }),
        "skip_last": p().skip_last(3), "skip_last_of": p().skip_last_of::<3>(), "take_last": p().take_last(3),
        "take_last_of": p().take_last_of::<3>(), "last": p().last(), "last_or": p().last_or(9), "dedup": p().dedup(),
        "dedup_by_key": p().dedup_by_key(|x| x / 2), "dedup_by": p().dedup_by(|a, b| a == b), "distinct": p().distinct(99), "distinct_by_key": p().distinct_by_key(99, |x| x % 4),
        "distinct_recent": p().distinct_recent(3), "distinct_recent_by_key": p().distinct_recent_by_key(2, |x| x % 4),
        "distinct_recent_of": p().distinct_recent_of::<3>(), "fold": p().fold(0, |sum, x| sum + x),
        "reduce": p().reduce(|a, b| a - b), "min": p().min(), "max": p().max(), "min_by_key": p().min_by_key(|x| x % 4),
        "max_by_key": p().max_by_key(|x| x % 4), "top_k": p().top_k(3), "top_k_by_key": p().top_k_by_key(3, |x| x % 4),
        "top_k_of": p().top_k_of::<3>(), "counts": p().counts(99), "final_counts": p().final_counts(99),
        "window": p().window(Window::tumbling(4), List::new()), "chunks": p().chunks(3), "sliding": p().sliding(3), "windows": p().windows(4, 2),
        "sliding_time": p().sliding_time(3 * SECOND, limit()), "chunks_timeout": p().chunks_timeout(3 * SECOND, limit()),
        "chunks_within": p().chunks_within(3, 4 * SECOND), "aggregate": p().aggregate(Window::sliding(3), Count::new()),
        "delay": p().delay(3 * SECOND, limit()), "delay_of": p().delay_of::<9>(3 * SECOND), "pace": p().pace(2 * SECOND, limit()),
        "pace_of": p().pace_of::<9>(2 * SECOND), "throttle": p().throttle(3 * SECOND),
        "throttle_by": p().throttle_by(3 * SECOND, 9, |x| x % 3), "debounce": p().debounce(2 * SECOND),
        "sample_every": p().sample_every(3 * SECOND), "heartbeat": p().heartbeat(2 * SECOND),
        "heartbeat_by": p().heartbeat_by(2 * SECOND, |a, b| a == b),
        "coalesce": p().coalesce(), "buffer": p().buffer(limit()), "latest": p().latest(),
        "try_map_with": p().try_map_with(ErrorPolicy::skip().retry(3, Backoff::constant(SECOND)), |x: &i32| if x % 3 == 0 { Err("no") } else { Ok(*x) }),
    }
    says_so! {
        "aggregate": p().aggregate(Window::tumbling(5), ValueCounts::new()),
        "chunks_by": p().chunks_by(2, 2, |x| x % 3), "chunks_within_by": p().chunks_within_by(2, 3 * SECOND, 2, |x| x % 3),
        "window": p().window(Window::sliding(2).by_key(2, |x| x % 3), List::new()),
        "chunks_distinct": p().chunks_distinct(3, |x| x % 5), "chunks_timeout_distinct": p().chunks_timeout_distinct(3 * SECOND, limit(), |x| x % 5),
        "window": p().window(Window::tumbling(3), DistinctList::by(|x| x % 5).keep_last()),
        "transduce": p().transduce(SlidingTransducer::new(3, Sums(0))),
        "hold_until_clock_is_set": p().hold_until_clock_is_set(3 * SECOND, limit()),
    }
    Ok(())
}

/// A sum of a sliding window.
struct Sums(i32);

impl SlidingHooks<i32> for Sums {
    type Out = i32;
    fn first(&mut self, event: &i32) {
        self.0 = *event;
    }
    fn add(&mut self, event: &i32) {
        self.0 = self.0.wrapping_add(*event); // a state may be forged
    }
    fn remove(&mut self, event: i32) {
        self.0 = self.0.wrapping_sub(event);
    }
    fn result(&mut self, _: &i32, _: usize) -> Option<i32> {
        Some(self.0)
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.0.on_state("sum", state);
    }
}

/// What these hold never changes, or is shown to nobody but who watches.
const CONSTANT: [&str; 3] = ["end_with", "finalize", "probe"];

#[test]
fn a_timeout_that_passed_while_the_program_was_down_does_not_end_the_stream() {
    let make = |seen: Recorder<i32>| pipe::<i32>().timeout(4 * SECOND).to(seen);
    let (seen, mut one) = (Recorder::new(), make(Recorder::new()));
    feed(&mut one, 0, &[Some(1)], false);
    let state = SavedState::of::<i32>(&mut one, &mut at(1)).expect("no fatal error");
    let mut other = make(seen.clone());
    state.restore::<i32>(&mut other, &mut at(100)).expect("the same stage");
    assert!(feed(&mut other, 100, &[None, None, None, Some(2)], false));
    assert_eq!(seen.text(), "2");
    assert!(!feed(&mut other, 200, &[None; 5], false), "four seconds without an event");
}

/// In the book's table of all operators, those that hold something; each of them is tried above.
#[test]
fn e02_no_operator_that_remembers_something_is_left_out() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/filters.md");
    let table = std::fs::read_to_string(table).expect("the book stands beside the library");
    let chains = ["Elementwise", "Select", "Reduce", "Ends", "Windows", "Timing", "Flow"];
    let sections = table.split("\n## ").filter(|section| chains.iter().any(|name| section.starts_with(name)));
    let rows = sections.flat_map(str::lines).filter_map(|line| line.strip_prefix("| `"));
    let holds = |row: &&str| row.replace("\\|", "").split(" | ").nth(3).is_some_and(|holds| holds != "nothing");
    let names: Vec<&str> = rows
        .filter(holds)
        .filter_map(|row| row.split(['(', '<']).next())
        .map(|name| name.trim_end_matches("::"))
        .collect();
    each(&[Some(1), None, Some(2)], 1).expect("as before");
    let left_out: Vec<_> = SEEN
        .with_borrow(|seen| names.iter().filter(|name| !seen.contains(*name) && !CONSTANT.contains(name)).collect());
    assert!(names.len() > 60 && left_out.is_empty(), "{left_out:?} of {}", names.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn e02_what_an_operator_remembers_is_taken_out_and_put_back(
        events in prop::collection::vec(prop::option::weighted(0.7, -9..9_i32), 0..20), at in 0_usize..20,
        forged in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..5, Just(u64::MAX), any::<f64>().prop_map(f64::to_bits)], 1..20),
    ) {
        FORGED.set(forged);
        each(&events, at.min(events.len()))?;
        let for_two: Vec<At> = events.iter().flatten().map(|x| (x.rem_euclid(3) < 2, *x)).collect();
        each_join(&for_two, at.min(for_two.len())).expect("no fatal error, and a state that fits");
    }
}
