//! Every operator that remembers something: its state is taken out in the middle and put back into another like it, which goes on as
//! if nothing had been; or the state says that it is not whole.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::elementwise::{SlidingHooks, SlidingTransducer};
use thingflow_core::flow::ErrorPolicy;
use thingflow_core::joins;
use thingflow_core::prelude::*;
use thingflow_core::splitting::GroupBy;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{
    Aggregate, Count, Describe, DistinctList, ExactMean, ExactSum, Grouped, List, Max, Pane, Sum, UtcMonths,
    ValueCounts, Variance,
};
use thingflow_core::{Connected, Notice, PortChain, Saved, SavedState, Saving, Shared, StateVisitor, VirtualClock};

const SECOND: Duration = Duration::from_secs(1);

fn at(second: usize) -> Context<'static> {
    Context::detached(Instant::from_nanos(second as u64 * 1_000_000_000))
}

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
fn cut<F: Filter<i32, Out: Clone + Debug + 'static>>(
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

#[allow(clippy::trivially_copy_pass_by_ref)] // as `watermarks` asks for it
fn stamp(x: &i32) -> Timestamp {
    Timestamp::from_secs(i64::from(*x) + 20)
}

fn sensed(x: i32) -> SensorEvent<f64> {
    SensorEvent::new("t", stamp(&x), f64::from(x))
}

/// Restores whatever comes next of what it was given, over and over.
struct Forge<'a>(std::iter::Cycle<std::slice::Iter<'a, u64>>);
impl StateVisitor for Forge<'_> {
    fn integer(&mut self, _: &str, value: &mut u64) {
        *value = self.0.next().copied().unwrap_or_default();
    }
    fn float(&mut self, _: &str, value: &mut f64) {
        *value = f64::from_bits(self.0.next().copied().unwrap_or_default());
    }
}

/// Whatever a stage is made to remember, it takes what comes then, within its bounds, and does not panic.
fn goes_on_with_nonsense<F: Filter<i32, Out: Clone + 'static>>(mut chain: Fed<F>, events: &[Option<i32>]) {
    let words = FORGED.with_borrow(Vec::clone);
    let _ = chain.notice(Notice::State(&mut Forge(words.iter().cycle())), &mut at(0)).expect("no fatal error");
    feed(&mut chain, 1_000, events, true);
}

thread_local! {
    static FORGED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static SEEN: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Each operator with what it is made by, as it is; then those that need it within a `Saving`.
fn each(events: &[Option<i32>], at: usize) -> Result<(), TestCaseError> {
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
        "try_map_with": p().try_map_with(ErrorPolicy::skip().retry(3, SECOND, SECOND), |x: &i32| if x % 3 == 0 { Err("no") } else { Ok(*x) }),
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

/// What is sent by a chain that holds `events`, is saved, and goes on; and what by another one with its state.
fn sent_by_both<F: Filter<i32, Out = i32>>(make: impl Fn() -> Pipe<i32, F>, events: i32, until: usize) -> [String; 2] {
    let (here, there) = (Recorder::new(), Recorder::new());
    let (mut one, mut other) = (make().to(here.clone()), make().to(there.clone()));
    let cx = &mut at(0);
    one.notice(Notice::Start, cx).expect("no fatal error");
    for event in 0..events {
        one.next(event, cx).expect("no fatal error");
    }
    let state = SavedState::of(&mut one, cx).expect("no fatal error");
    assert!(state.unsaved().is_empty());
    state.restore(&mut other, cx).expect("no fatal error");
    for chain in [&mut one, &mut other] {
        for second in 0..=until {
            chain.notice(Notice::Wake, &mut at(second)).expect("no fatal error");
        }
        chain.notice(Notice::Completed, &mut at(until)).expect("no fatal error");
    }
    [here.text(), there.text()]
}

#[test]
fn what_is_held_beyond_the_limit_while_the_source_is_asked_to_pause_is_saved_and_stays() {
    let delayed = || pipe().pipe(Saving(pipe::<i32>().delay(5 * SECOND, Limit::block(4))));
    let all = "0 1 2 3 4 5 6 7 8 9 |";
    assert_eq!(sent_by_both(delayed, 10, 6), [all; 2]);
    let paced = || pipe().pipe(Saving(pipe::<i32>().pace(SECOND, Limit::block(4))));
    let [here, there] = sent_by_both(paced, 10, 20);
    assert_eq!(here, all);
    assert!(all.ends_with(&there), "{there}"); // without what had been sent before
}

/// Events each second into a stage that tries a failure again after ten, for so long.
fn retried(
    events: std::ops::Range<i32>,
    fails: bool,
    secs: u32,
    saved: Option<SavedState>,
) -> Result<(Vec<i32>, SavedState), Box<dyn std::error::Error>> {
    let (mut input, seen) = (Port::new(), Recorder::new());
    let policy = ErrorPolicy::skip().retry(9, 10 * SECOND, 10 * SECOND).limit(Limit::block(1));
    let check = move |x: &i32| if fails { Err("no") } else { Ok(*x) };
    input.pipe(Saving(pipe::<i32>().try_map_with(policy, check))).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    if let Some(saved) = saved {
        scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
    }
    scheduler.schedule_periodic(from_iter(events).connect(input.clone()), SECOND)?;
    scheduler.run_for(secs * SECOND)?;
    let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
    Ok((seen.events(), saved))
}

#[test]
fn a_retry_that_is_restored_has_its_source_go_on_when_it_is_done() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, saved) = retried(0..100, true, 3, None)?;
    assert!(seen.is_empty() && saved.unsaved().is_empty());
    let (seen, _) = retried(10..20, false, 60, Some(saved))?;
    assert_eq!(seen.iter().filter(|event| **event >= 10).count(), 10, "{seen:?}");
    assert!(seen.contains(&0), "{seen:?}");
    Ok(())
}

/// Sends its last event again each ten seconds; asks for a time only when it is called.
struct Repeated {
    last: Option<i32>,
    due: Instant,
}

impl Filter<i32> for Repeated {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        (self.last, self.due) = (Some(event), out.now() + 10 * SECOND);
        out.wake_at(self.due);
        out.next(event)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let is_due = self.due <= out.now();
        if is_due {
            self.due = out.now() + 10 * SECOND;
        }
        out.wake_at(self.due);
        self.last.filter(|_| is_due).map_or(Ok(Demand::More), |last| out.next(last))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
        self.due.on_state("due", state);
    }
}

/// What is sent within 25 s, and then within 100 s by another program that has its state.
fn over_a_restart(
    connect: impl Fn(&Port<i32>, Recorder<String>),
    scheduled_first: bool,
) -> Result<[String; 2], Box<dyn std::error::Error>> {
    let mut saved: Option<SavedState> = None;
    let mut texts = [(); 2].map(|()| String::new());
    for (text, (events, seconds)) in texts.iter_mut().zip([(vec![(2.0, 7), (3.0, 8)], 25), (vec![], 100)]) {
        let (mut input, seen) = (Port::new(), Recorder::new());
        connect(&input, seen.clone());
        let mut scheduler = Scheduler::virtual_time()?;
        let source = timed(events.into_iter().chain([(1e6, 0)])).connect(input.clone());
        let source =
            if scheduled_first { scheduler.schedule_recurring(source).map(|_| None) } else { Ok(Some(source)) }?;
        if let Some(saved) = saved.take() {
            scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
        }
        source.map_or(Ok(()), |source| scheduler.schedule_recurring(source).map(drop))?;
        scheduler.run_for(SECOND * seconds)?;
        saved = Some(scheduler.with_context(|cx| SavedState::of(&mut input, cx))?);
        *text = seen.timed_text();
    }
    Ok(texts)
}

#[test]
fn e02_a_state_that_is_put_back_after_the_start_has_its_times_too() -> Result<(), Box<dyn std::error::Error>> {
    for scheduled_first in [false, true] {
        let both = |connect: &dyn Fn(&Port<i32>, Recorder<String>)| over_a_restart(connect, scheduled_first);
        let text = |x: i32| x.to_string();
        let means = both(&|port, seen| {
            let window = Window::each(30 * SECOND);
            drop(port.aggregate(window, Sum::new()).map(text).connect(seen));
        })?;
        assert_eq!(means, ["", r#""15"@7"#], "scheduled first: {scheduled_first}");
        let held = both(&|port, seen| {
            let stage = Saving(pipe().debounce(30 * SECOND));
            drop(port.pipe(stage).map(text).connect(seen));
        })?;
        assert_eq!(held, ["", r#""8"@8"#], "scheduled first: {scheduled_first}");
        let joined = both(&|port, seen| {
            let other = Port::<i32>::new();
            let window = Window::each(30 * SECOND);
            drop(thingflow_core::joins::merge([port, &other]).aggregate(window, Sum::new()).map(text).connect(seen));
        })?;
        assert_eq!(joined, ["", r#""15"@7"#], "scheduled first: {scheduled_first}");
        let own =
            both(&|port, seen| drop(port.pipe(Repeated { last: None, due: Instant::NEVER }).map(text).connect(seen)))?;
        assert!(own[1].starts_with(r#""8"@8 "8"@18 "8"@28"#), "scheduled first: {scheduled_first}: {own:?}");
    }
    Ok(())
}

#[test]
fn what_is_being_called_cannot_be_saved_which_is_an_error_and_no_empty_state() -> Result<(), Box<dyn std::error::Error>>
{
    type Wire = fn(&Port<i32>, &Port<i32>) -> Port<Vec<i32>>;
    let wires: [(Wire, &str); 3] = [
        (|port, _| port.chunks(3).share(), "`level`"),
        (|port, other| joins::merge([port, other]).chunks(3).share(), "`merge`"),
        (
            |port, other| {
                let (hub, lists) = (Port::new(), Port::new());
                let shared = Shared::new(hub.clone()).named("hub");
                for port in [port, other] {
                    port.connect(shared.input(|hub: &mut Port<i32>, n, cx| hub.emit(n, cx)));
                }
                hub.chunks(3).connect(lists.clone());
                lists
            },
            "`hub`",
        ),
    ];
    for (wire, named) in wires {
        let (port, other) = (Port::new().named("level"), Port::new().named("other"));
        let saved = RefCell::new(None);
        let lists = wire(&port, &other);
        let mut asked = if named == "`level`" { port.clone() } else { other.clone() };
        lists.connect(support::call_with::call_with(move |_, cx: &mut Context<'_>| {
            saved.replace(Some(SavedState::of(&mut asked, cx)?));
            Ok(Demand::More)
        }));
        let mut scheduler = Scheduler::virtual_time()?;
        scheduler.schedule_periodic(from_iter(1..).connect(port), SECOND)?;
        let error = scheduler.run_for(9 * SECOND).expect_err("it is in a call").to_string();
        assert!(error.contains(named) && error.contains("it is being called"), "{error}");
    }
    Ok(())
}

#[test]
fn when_its_run_has_ended_a_graph_has_no_state_which_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
    let (mut input, mut other, seen) = (Port::new().named("level"), Port::<i32>::new(), Recorder::new());
    input.aggregate(Window::each(30 * SECOND), Sum::new()).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(timed([(1.0, 7), (99.0, 8)]).connect(input.clone()))?;
    scheduler.run_for(9 * SECOND)?;
    let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
    scheduler.stopper().stop();
    scheduler.run_forever()?;
    let error = scheduler.with_context(|cx| SavedState::of(&mut input, cx)).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("`level`: its run has ended")));
    assert!(scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx).is_err()))?);
    assert!(scheduler.with_context(|cx| SavedState::of(&mut other, cx)).is_ok(), "it has not begun");
    Ok(())
}

/// What a join has at one of its inputs: an event, and whether it is for the first.
type At = (bool, i32);

fn side(root: &Port<At>, first: bool) -> PortChain<At, impl Filter<At, Out = i32> + 'static + use<>> {
    root.filter_map(move |(is_first, x)| (is_first == first).then_some(x))
}

/// As `cut`, of what `connect` makes of a port whose events are for two inputs.
fn cut_join(
    connect: &dyn Fn(&Port<At>, Recorder<String>),
    events: &[At],
    cut: usize,
) -> Result<(String, String, BTreeSet<String>), Box<dyn std::error::Error>> {
    let run = |events: &[At], saved: Option<SavedState>, ends: bool| {
        let (mut root, seen, cx) = (Port::new(), Recorder::new(), &mut at(0));
        connect(&root, seen.clone());
        let _ = InputThing::<At>::notice(&mut root, Notice::Start, cx)?;
        saved.map_or(Ok(()), |saved| saved.restore(&mut root, cx))?;
        for event in events {
            let _ = root.emit(*event, cx)?;
        }
        let state = SavedState::of(&mut root, cx).ok();
        if ends {
            root.complete(cx)?;
        }
        Ok::<_, Box<dyn std::error::Error>>((
            seen.events().concat() + if seen.ended_at().is_some() { "!" } else { "" },
            state,
        ))
    };
    let (whole, _) = run(events, None, true)?;
    let (first, state) = run(&events[..cut], None, false)?;
    let Some(state) = state.filter(|_| !first.ends_with('!')) else {
        return Ok((whole.clone(), whole, BTreeSet::new()));
    };
    let unsaved = state.unsaved().clone();
    let (last, _) = run(&events[cut..], Some(SavedState::from_words(state.into_words())?), true)?;
    let (mut forged, words) = (Port::new(), FORGED.with_borrow(Vec::clone));
    connect(&forged, Recorder::new());
    let _ = InputThing::<At>::notice(&mut forged, Notice::State(&mut Forge(words.iter().cycle())), &mut at(0))?;
    for event in events {
        let _ = forged.emit(*event, &mut at(0))?; // it goes on, and does not panic
    }
    Ok((whole, first + &last, unsaved))
}

/// Each join that holds events which may be saved.
fn each_join(events: &[At], at: usize) -> Result<(), Box<dyn std::error::Error>> {
    macro_rules! is_whole {
        ($($name:literal: |$a:ident, $b:ident| $join:expr),* $(,)?) => {$(
            let connect = |root: &Port<At>, seen: Recorder<String>| {
                let ($a, $b) = (side(root, true), side(root, false));
                $join.map(|x| format!("{x:?} ")).connect(seen);
            };
            let (whole, parts, unsaved) = cut_join(&connect, events, at)?;
            assert!(unsaved.is_empty(), "{}: {unsaved:?}", $name);
            assert_eq!(whole, parts, "{}", $name);
        )*};
    }
    let limit = || Limit::drop_oldest(5);
    let late = 2 * SECOND;
    let times = (stamp, stamp);
    let reach = joins::Reach::new(SECOND, 2 * SECOND);
    is_whole! {
        "zip": |a, b| a.zip(b, limit()).saving(), "zip of a list": |a, b| joins::zip([a, b], limit()).saving(),
        "zip, blocking": |a, b| a.zip(b, Limit::block(2)).saving(),
        "combine_latest": |a, b| a.combine_latest(b).saving(), "emit_on": |a, b| a.combine_latest(b).emit_on([1]).saving(),
        "combine_latest of a list": |a, b| joins::combine_latest([a, b]).saving(),
        "with_latest_from": |a, b| a.with_latest_from(b).saving(), "zip_latest": |a, b| a.zip_latest(b, limit()).saving(),
        "merge_by_time": |a, b| a.merge_by_time(b, |x| *x, limit()).saving(),
        "lookahead": |a, b| a.merge_by_time(b, |x| *x, limit()).lookahead(3).saving(),
        "by_watermarks": |a, b| a.watermarks(stamp, late).merge_by_time(b.watermarks(stamp, late), stamp, limit()).by_watermarks().saving(),
        "timed_zip": |a, b| a.map(|x| (x / 4, x)).timed_zip(b.map(|x| (x / 4, x)), limit()).saving(),
        "join_within": |a, b| a.map(|x| (x, x)).join_within(b.map(|x| (x, x)), 2, limit()).saving(),
        "interval_join": |a, b| a.watermarks(stamp, late).interval_join(b.watermarks(stamp, late), reach, times, limit()).saving(),
        "interval_join by key": |a, b| a.watermarks(stamp, late).interval_join(b.watermarks(stamp, late), reach, times, limit()).by_key(|x| x % 2, |x| x % 2).saving(),
        "with_latest_at": |a, b| a.watermarks(stamp, late).with_latest_at(b.watermarks(stamp, late), 3 * SECOND, times, limit()).saving(),
        "buffer_until": |a, b| a.buffer_until(b, limit()).saving(), "concat": |a, b| a.concat(b, limit()).saving(),
        "sample": |a, b| a.sample(b).saving(), "sequence_equal_to": |a, b| a.sequence_equal_to(b, limit()).saving(),
        "race": |a, b| a.race(b), "skip_until": |a, b| a.skip_until(b), "merge": |a, b| a.merge(b),
        "a join of joins": |a, b| a.zip(b, limit()).saving().map(|(a, b)| a.wrapping_add(b)).aggregate(Window::sliding(2), Max::new()),
    }
    Ok(())
}

#[test]
fn inputs_that_come_and_go_are_saved_with_what_waits_for_them() -> Result<(), Box<dyn std::error::Error>> {
    let cx = &mut at(0);
    let mut saved: Option<SavedState> = None;
    let seen = Recorder::new();
    for event in [1, 2] {
        let (mut hall, attic, cellar) = (Port::new(), Port::new(), Port::new());
        let rooms = joins::zip(vec![&hall, &attic], Limit::block(9)).saving().connect_dynamic(seen.clone());
        assert!(rooms.add(&cellar).is_ok());
        saved.take().map_or(Ok(()), |saved| saved.restore(&mut hall, cx))?;
        match event {
            1 => drop((hall.emit(event, cx)?, cellar.emit(10 * event, cx)?)),
            _ => drop(attic.emit(event, cx)?),
        }
        saved = Some(SavedState::of(&mut hall, cx)?);
        assert!(saved.as_ref().is_some_and(|saved| saved.unsaved().is_empty()));
    }
    assert_eq!(seen.events(), [[1, 2, 10]]);
    Ok(())
}

#[test]
fn a_concat_does_not_send_again_what_had_its_turn() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = |seen: &Recorder<i32>| {
        let (stored, live) = (Port::new(), Port::new());
        joins::concat([&stored, &live], Limit::drop_oldest(9)).connect(seen.clone());
        (stored, live)
    };
    let (stored, mut live) = connect(&seen);
    let _ = stored.emit(1, cx)?;
    stored.complete(cx)?;
    let state = SavedState::of(&mut live, cx)?;
    let (stored, mut live) = connect(&seen);
    state.restore(&mut live, cx)?;
    let _ = (stored.emit(1, cx)?, live.emit(2, cx)?);
    stored.complete(cx)?;
    let _ = live.emit(3, cx)?;
    live.complete(cx)?;
    assert_eq!(seen.text(), "1 2 3 |");
    Ok(())
}

#[test]
fn a_winner_of_a_race_that_is_not_there_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let cx = &mut at(0);
    let connect = |inputs: usize| {
        let (ports, seen): (Vec<Port<i32>>, _) = ((0..inputs).map(|_| Port::new()).collect(), Recorder::new());
        joins::race(ports.iter().collect::<Vec<_>>()).connect(seen.clone());
        (ports, seen)
    };
    let (mut ports, _) = connect(3);
    let _ = ports[2].emit(1, cx)?;
    let state = SavedState::of(&mut ports[2], cx)?;
    let (mut ports, seen) = connect(2);
    assert!(state.restore(&mut ports[0], cx).is_err_and(|error| error.to_string().contains("`race`")));
    let _ = ports[0].emit(5, cx)?;
    assert_eq!(seen.text(), "5");
    Ok(())
}

#[test]
fn what_joins_hold_and_cannot_show_is_named_as_they_are_called() -> Result<(), Box<dyn std::error::Error>> {
    let (mut a, b, cx) = (Port::new(), Port::new(), &mut Context::detached(Instant::ZERO));
    let limit = || Limit::block(9);
    joins::merge_by_time([&a, &b], |n: &i32| *n, limit()).for_each(drop);
    joins::combine_latest((&a, &b)).for_each(drop);
    joins::zip_latest((&b, &a), limit()).for_each(drop);
    joins::race([&a, &b]).for_each(drop);
    a.sample(&b).for_each(drop);
    a.take_until(&b).for_each(drop);
    assert!(SavedState::of(&mut a, cx)?.unsaved().is_empty());
    a.emit(1, cx)?;
    let unsaved = SavedState::of(&mut a, cx)?;
    let named = ["combine_latest", "merge_by_time", "sample", "zip_latest"];
    assert!(unsaved.unsaved().iter().eq(named), "{:?}", unsaved.unsaved());
    Ok(())
}

#[test]
fn groups_go_on_after_a_restart_each_with_what_followed_in_it() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = || {
        let (numbers, seen) = (Port::new(), seen.clone());
        let by_rest = GroupBy::by_saved_key(|n: &i32| n % 3).max_keys(2);
        by_rest.groups().for_each(move |(rest, group): (i32, Port<i32>)| {
            let sums = group.aggregate(Window::tumbling(2), Sum::new());
            drop(sums.map(move |sum| (rest, sum)).connect(seen.clone()));
        });
        numbers.connect(by_rest);
        numbers
    };
    let mut numbers = connect();
    for n in [3, 1, 4, 7] {
        let _ = numbers.emit(n, cx)?;
    }
    let state = SavedState::of(&mut numbers, cx)?;
    assert!(state.unsaved().is_empty());
    assert_eq!(SavedState::of(&mut numbers, cx)?, state, "looking changes nothing");
    let state = SavedState::from_words(state.into_words())?;
    let mut numbers = connect();
    state.restore(&mut numbers, cx)?;
    for n in [6, 10, 2, 5, 9, 9] {
        let _ = numbers.emit(n, cx)?; // 2 takes the place of the rest 0, which begins anew
    }
    assert_eq!(seen.events(), [(1, 5), (0, 9), (1, 17), (2, 7), (0, 18)]);
    Ok(())
}

#[test]
fn groups_by_a_key_that_cannot_be_saved_say_so_and_hinder_no_other_stage() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = || {
        let numbers = Port::new();
        numbers.skip(2).connect(seen.clone());
        numbers.group_by(|n: &i32| n % 3).for_each(|(_, group)| drop(group.take_last(9).for_each(drop)));
        numbers
    };
    let mut numbers = connect();
    let _ = numbers.emit(1, cx)?;
    let state = SavedState::of(&mut numbers, cx)?;
    assert!(state.unsaved().iter().eq(["group_by"]), "{:?}", state.unsaved());
    let mut numbers = connect();
    state.restore(&mut numbers, cx)?;
    for n in [2, 3] {
        let _ = numbers.emit(n, cx)?;
    }
    assert_eq!(seen.events(), [3]);
    Ok(())
}

#[test]
fn a_join_that_follows_ports_says_so() -> Result<(), Box<dyn std::error::Error>> {
    let (mut choice, inner, cx) = (Port::new(), Port::<i32>::new(), &mut at(0));
    choice.switch().for_each(drop);
    choice.exhaust().for_each(drop);
    choice.merge_all().for_each(drop);
    assert!(SavedState::of(&mut choice, cx)?.unsaved().is_empty());
    let _ = choice.emit(inner.clone(), cx)?;
    let state = SavedState::of(&mut choice, cx)?;
    assert!(state.unsaved().iter().eq(["exhaust", "merge_all", "switch"]), "{:?}", state.unsaved());
    Ok(())
}

#[test]
fn what_was_let_in_by_its_trigger_goes_on_after_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
    let mut saved: Option<SavedState> = None;
    for n in [1, 2] {
        let (mut levels, ready) = (Port::new(), Port::new());
        levels.skip_until(&ready).connect(seen.clone());
        match saved.take() {
            Some(saved) => saved.restore(&mut levels, cx)?,
            None => drop(ready.emit((), cx)?),
        }
        levels.emit(n, cx)?;
        saved = Some(SavedState::of(&mut levels, cx)?);
    }
    assert_eq!(seen.events(), [1, 2]);
    Ok(())
}

#[test]
fn windows_of_keys_that_cannot_be_saved_are_named() -> Result<(), Box<dyn std::error::Error>> {
    let (mut levels, cx) = (Port::new(), &mut Context::detached(Instant::ZERO));
    let minutes = Window::event_time(60 * SECOND, |n: &i64| Timestamp::from_secs(*n)).by_key(|n| n % 2);
    levels.aggregate(minutes, Count::new()).for_each(drop);
    assert!(SavedState::of(&mut levels, cx)?.unsaved().is_empty());
    levels.emit(1, cx)?;
    assert!(SavedState::of(&mut levels, cx)?.unsaved().contains("windows by key"));
    Ok(())
}

type Event = SensorEvent<f64>;

/// What one graph sends, what two send of which the second goes on with the state of the first, and what of that was not saved.
type Compared<T> = (Vec<T>, Vec<T>, BTreeSet<String>);

/// Lets the events of `rows`, which come at the seconds that they carry, through one graph, and through two.
fn in_two<T: Clone + Debug + 'static>(
    connect: impl Fn(&Port<Event>, Recorder<T>),
    rows: &[(f64, f64)],
    until: f64,
) -> Result<Compared<T>, Box<dyn std::error::Error>> {
    let run = |from: f64, to: f64, saved: Option<SavedState>| -> Result<_, Box<dyn std::error::Error>> {
        let (mut input, seen) = (Port::new(), Recorder::new());
        connect(&input, seen.clone());
        let begin = Timestamp::UNIX_EPOCH + Duration::from_secs_f64(from);
        let mut scheduler = Scheduler::with_clock(VirtualClock::starting_at(begin))?;
        if let Some(saved) = saved {
            scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
        }
        let rows = rows.iter().filter(|(at, _)| (from..to).contains(at));
        let events = rows.map(|&(at, value)| (at - from, SensorEvent::new("t", stamp_of(value), value)));
        scheduler.schedule_recurring(
            timed(events.chain([(1e6, SensorEvent::new("t", stamp_of(1e6), 0.0))]).collect::<Vec<_>>())
                .connect(input.clone()),
        )?;
        scheduler.run_for(Duration::from_secs_f64(to - from))?;
        let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
        Ok((seen.events(), saved))
    };
    let (whole, _) = run(0.0, 1_000.0, None)?;
    let (first, saved) = run(0.0, until, None)?;
    let unsaved = saved.unsaved().clone();
    let (second, _) = run(until, 1_000.0, Some(SavedState::from_words(saved.into_words())?))?;
    Ok((whole, [first, second].concat(), unsaved))
}

fn stamp_of(second: f64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs_f64(second)
}

#[test]
fn early_results_keep_their_times_over_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<(Timestamp, u64, Pane)>| {
        let windows = Window::event_time(60 * SECOND, |event: &Event| event.ts).early(20 * SECOND);
        let early = input.watermarks(|event| event.ts, 5 * SECOND).aggregate(windows, Count::new());
        early.timestamp().map(|(now, event)| (now, event.val.value, event.val.pane)).connect(seen);
    };
    let rows = [1.0, 8.0, 15.0, 24.0, 30.0, 70.0].map(|second| (second, second));
    let (whole, parts, unsaved) = in_two(connect, &rows, 16.0)?;
    assert_eq!(whole[0], (stamp_of(21.0), 3, Pane::Early));
    assert_eq!(parts, whole);
    assert!(unsaved.is_empty());
    Ok(())
}

#[test]
fn sensor_events_that_wait_to_be_put_in_order_are_saved() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<Event>| {
        let marked = input.watermarks(|event| event.ts, 10 * SECOND);
        joins::merge_by_time([marked], |event: &Event| event.ts, Limit::drop_oldest(9))
            .by_watermarks()
            .saving()
            .connect(seen);
    };
    let rows = [(5.0, 5.0), (6.0, 2.0), (7.0, 7.0), (8.0, 3.0), (30.0, 30.0), (50.0, 50.0)];
    let (whole, parts, unsaved) = in_two(connect, &rows, 7.5)?;
    assert_eq!(whole.iter().map(|event| event.val).collect::<Vec<_>>(), [2.0, 3.0, 5.0, 7.0, 30.0]);
    assert_eq!(parts, whole);
    assert!(unsaved.is_empty());
    Ok(())
}

#[test]
fn a_sensor_with_a_long_name_keeps_it_over_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let make = || pipe().aggregate(Window::tumbling(2), Sum::new());
    let last = |name: &'static str| -> Result<String, Box<dyn std::error::Error>> {
        let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
        let (mut before, mut after) = (make().to(call(drop)), make().to(seen.clone()));
        before.next(SensorEvent::new(name, stamp_of(1.0), 2.0), cx)?;
        SavedState::of(&mut before, cx)?.restore(&mut after, cx)?;
        InputThing::<Event>::notice(&mut after, Notice::Completed, cx)?;
        let [event] = &seen.events()[..] else { return Err("one window".into()) };
        assert_eq!(event.val, 2.0);
        Ok(event.sensor_id.to_string())
    };
    for length in [0, 1, 7, 8, 255, 256, 257, 2048, 2049, 100_000] {
        let name: &'static str = "ü123-567".repeat(length).leak();
        let name = name.get(..length).unwrap_or(name);
        assert_eq!(last(name)?, name);
    }
    let endless: &'static str = "x".repeat(SensorId::MAX_NAME_BYTES + 1).leak();
    let refused = last(endless).expect_err("as many bytes of names are kept as from files");
    assert!(refused.to_string().starts_with("invalid state: "), "{refused}");
    Ok(())
}

#[test]
fn a_window_of_time_goes_on_with_the_last_digit_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<String>| {
        let windows = Window::event_time(60 * SECOND, |event: &Event| event.ts);
        let marked = input.watermarks(|event| event.ts, SECOND);
        marked
            .aggregate(windows, (Variance::new(), Describe::new()))
            .map(|event| format!("{:?}", event.val))
            .connect(seen);
    };
    let rows: Vec<_> = (0..50).map(|n| f64::from(n * n % 37).mul_add(0.013, f64::from(n))).map(|x| (x, x)).collect();
    for until in 1..50 {
        let (whole, parts, _) = in_two(connect, &rows, f64::from(until) + 0.5)?;
        assert_eq!(parts, whole, "{until}");
    }
    Ok(())
}

/// Windows that overlap add up anew what they hold when they are saved: exact sums show nothing of it.
#[test]
fn exact_sums_of_windows_that_overlap_go_on_to_the_last_digit() -> Result<(), Box<dyn std::error::Error>> {
    let connect = |input: &Port<Event>, seen: Recorder<String>| {
        let sizes = [0.1, 1e16, -3e-9, 7e8];
        let sized = move || pipe().map(move |event: Event| event.map(|n| n * sizes[n as usize % 4]));
        let exact = || (ExactSum::new(), ExactMean::new());
        let by_number = sized().aggregate(Window::sliding(7), exact());
        input.pipe(by_number).map(|event| format!("{:?}", event.val)).connect(seen.clone());
        let by_time = sized().aggregate(Window::last(9 * SECOND, Limit::drop_oldest(99)), exact());
        input.pipe(by_time).map(|event| format!("{:?}", event.val)).connect(seen);
    };
    let rows: Vec<_> = (1..40).map(|n| (f64::from(n), f64::from(n * n % 37))).collect();
    for until in 1..40 {
        let (whole, parts, unsaved) = in_two(connect, &rows, f64::from(until) + 0.5)?;
        assert!(parts == whole && unsaved.is_empty(), "{until}: {parts:?} is not {whole:?}");
    }
    Ok(())
}

/// The sum of the squares, which its author has not thought of saving.
#[derive(Clone, Default)]
struct Squares(f64);

impl Aggregate<f64> for Squares {
    type Out = f64;
    fn add(&mut self, value: &f64) {
        self.0 += value * value;
    }
    fn remove(&mut self, value: &f64) {
        self.0 -= value * value;
    }
    fn value(&self) -> Option<f64> {
        Some(self.0)
    }
}

#[test]
fn an_aggregate_that_shows_nothing_is_named_in_every_window() -> Result<(), FatalError> {
    let unsaved = |connect: &dyn Fn(&Port<Event>)| {
        let (mut input, cx) = (Port::new(), &mut Context::detached(Instant::ZERO));
        connect(&input);
        input.emit(SensorEvent::new("t", stamp_of(1.0), 2.0), cx)?;
        Ok::<_, FatalError>(SavedState::of(&mut input, cx)?.unsaved().iter().cloned().collect::<Vec<_>>())
    };
    let time = |event: &Event| event.ts;
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::tumbling(3), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::cumulative(), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    assert_eq!(
        unsaved(&|input| drop(input.aggregate(Window::sliding(3), Squares::default()).for_each(drop)))?,
        ["window"]
    );
    let by_time = || Window::event_time(SECOND, time);
    assert_eq!(unsaved(&|input| drop(input.aggregate(by_time(), Squares::default()).for_each(drop)))?, ["window"]);
    let both = || (Sum::new(), Squares::default());
    assert_eq!(unsaved(&|input| drop(input.aggregate(Window::tumbling(3), both()).for_each(drop)))?, ["aggregate"]);
    assert!(unsaved(&|input| drop(input.aggregate(Window::tumbling(3), Sum::new()).for_each(drop)))?.is_empty());
    Ok(())
}

#[test]
fn a_state_in_a_file_is_whole_or_the_one_before() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("thingflow-saving-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (path, cx) = (folder.join("state"), &mut Context::detached(Instant::ZERO));
    let mut chain = pipe::<i32>().skip(9).to(call(drop));
    assert_eq!(SavedState::read_from(&path)?, None);
    let first = SavedState::of(&mut chain, cx)?;
    first.write_to(&path)?;
    chain.next(1, cx)?;
    let second = SavedState::of(&mut chain, cx)?;
    std::fs::create_dir(folder.join("state.partial"))?; // stands in the way, as a full disk would
    let failed = second.write_to(&path).expect_err("nothing to write to");
    assert_eq!(failed.to_string(), format!("cannot write the state `{}`", path.display()));
    assert!(failed.source().is_some());
    assert_eq!(SavedState::read_from(&path)?, Some(first));
    std::fs::remove_dir(folder.join("state.partial"))?;
    std::fs::write(folder.join("state.partial"), "cut off by a power cut")?;
    second.write_to(&path)?;
    assert_eq!(SavedState::read_from(&path)?, Some(second));
    assert_eq!(std::fs::read_dir(&folder)?.count(), 1); // nothing is left beside it
    for damaged in [&b""[..], b"1234567", b"12345678"] {
        std::fs::write(&path, damaged)?;
        assert!(SavedState::read_from(&path).is_err());
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
