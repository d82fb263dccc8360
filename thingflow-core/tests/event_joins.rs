//! Joins by the time that stands in the events: intervals, the latest at a time, merging by watermarks.
#![cfg(feature = "std")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::joins::{self, Reach};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Branch, QueueMeter, Timestamp};

type Event = (i64, usize);
type Result = std::result::Result<(), Box<dyn std::error::Error>>;

fn time((second, _): &Event) -> Timestamp {
    Timestamp::from_secs(*second)
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Two inputs with watermarks.
struct Inputs {
    ports: [Port<Event>; 2],
    lateness: u64,
}

impl Inputs {
    fn new(lateness: u64) -> Self {
        Self { ports: [Port::new(), Port::new()], lateness }
    }

    fn marked(&self, input: usize) -> impl Branch<Item = Event> + use<> {
        self.ports[input].clone().watermarks(time, secs(self.lateness))
    }

    /// Sends events to one or the other, numbers them, and completes both.
    fn feed(&self, steps: &[(usize, i64)]) {
        let cx = &mut Context::detached(Instant::ZERO);
        for (n, (input, second)) in steps.iter().enumerate() {
            assert!(self.ports[*input].emit((*second, n), cx).is_ok());
        }
        self.ports.iter().for_each(|port| assert!(port.complete(cx).is_ok()));
    }
}

/// What of two inputs is not late: by the least of their watermarks.
fn in_time(steps: &[(usize, i64)], lateness: u64) -> ([Vec<Event>; 2], [Vec<Event>; 2]) {
    let (mut taken, mut late, mut latest) = ([vec![], vec![]], [vec![], vec![]], [None::<i64>; 2]);
    for (n, (input, second)) in steps.iter().enumerate() {
        let watermark = latest[0].min(latest[1]).map(|latest| latest - lateness as i64);
        let to = if watermark.is_some_and(|watermark| *second < watermark) { &mut late } else { &mut taken };
        to[*input].push((*second, n));
        latest[*input] = latest[*input].max(Some(*second));
    }
    (taken, late)
}

fn steps() -> impl Strategy<Value = Vec<(usize, i64)>> {
    prop::collection::vec((0_usize..2, 0_i64..40), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn interval_joins_against_a_naive_model(steps in steps(), lateness in 0_u64..40, before in 0_u64..9, after in 0_u64..9, keys in 1_usize..3) {
        let inputs = Inputs::new(lateness);
        let (seen, alone, late_a, late_b) = (Recorder::new(), Recorder::new(), Recorder::new(), Recorder::new());
        let reach = Reach::new(secs(before), secs(after));
        let join = inputs.marked(0).interval_join(inputs.marked(1), reach, (time, time), Limit::fail(1000));
        let by_key = join.by_key(move |e: &Event| e.0 as usize % keys, move |e: &Event| e.0 as usize % keys);
        by_key.late_to(late_a.clone(), late_b.clone()).unpaired_to(alone.clone()).connect(seen.clone());
        inputs.feed(&steps);

        let ([a, b], late) = in_time(&steps, lateness);
        let fits = |a: &Event, b: &Event| {
            b.0 >= a.0 - before as i64 && b.0 <= a.0 + after as i64 && a.0 as usize % keys == b.0 as usize % keys
        };
        let mut pairs: Vec<(Event, Event)> = a.iter().flat_map(|a| b.iter().filter(|b| fits(a, b)).map(|b| (*a, *b))).collect();
        let mut single: Vec<Event> = a.iter().filter(|a| !b.iter().any(|b| fits(a, b))).copied().collect();
        let (mut seen, mut unpaired): (Vec<(Event, Event)>, Vec<Event>) = (seen.events(), alone.events());
        [&mut pairs, &mut seen].into_iter().for_each(|pairs| pairs.sort_unstable());
        [&mut single, &mut unpaired].into_iter().for_each(|events| events.sort_unstable());
        prop_assert_eq!(seen, pairs);
        prop_assert_eq!(unpaired, single);
        prop_assert_eq!([late_a.events(), late_b.events()], late);
        prop_assert!(alone.text().ends_with('|'));
    }

    #[test]
    fn the_latest_at_a_time_against_a_naive_model(steps in steps(), lateness in 0_u64..40, oldest in 0_u64..20, keys in 1_i64..3) {
        let inputs = Inputs::new(lateness);
        let (seen, late_a, late_b) = (Recorder::new(), Recorder::new(), Recorder::new());
        let join = inputs.marked(0).with_latest_at(inputs.marked(1), secs(oldest), (time, time), Limit::fail(1000));
        let by_key = join.by_key(move |e: &Event| e.0 % keys, move |e: &Event| e.0 % keys);
        by_key.late_to(late_a.clone(), late_b.clone()).connect(seen.clone());
        inputs.feed(&steps);

        let ([mut a, b], late) = in_time(&steps, lateness);
        a.sort_by_key(|event| event.0); // stable: in the order of arrival where times are equal
        let fits = |a: &Event, b: &Event| b.0 <= a.0 && b.0 >= a.0 - oldest as i64 && b.0 % keys == a.0 % keys;
        let expected: Vec<(Event, Option<Event>)> = a.iter().map(|a| (*a, b.iter().filter(|b| fits(a, b)).max().copied())).collect();
        prop_assert_eq!(seen.events(), expected);
        prop_assert_eq!([late_a.events(), late_b.events()], late);
        prop_assert!(seen.text().ends_with('|'));
    }

    /// All that is in time comes in the order of its time, across inputs and within one.
    #[test]
    fn merging_by_watermarks_against_a_naive_model(steps in steps(), lateness in 0_u64..40) {
        let inputs = Inputs::new(lateness);
        let (seen, late) = (Recorder::new(), Recorder::new());
        let marked = [inputs.marked(0), inputs.marked(1)];
        let merged = joins::merge_by_time(marked, time, Limit::fail(1000)).by_watermarks();
        merged.late_to(late.clone()).connect(seen.clone());
        inputs.feed(&steps);

        let ([a, b], [late_a, late_b]) = in_time(&steps, lateness);
        let mut expected: Vec<(i64, usize, usize)> = a.iter().map(|(t, n)| (*t, 0, *n)).chain(b.iter().map(|(t, n)| (*t, 1, *n))).collect();
        expected.sort_unstable();
        prop_assert_eq!(seen.events(), expected.into_iter().map(|(t, _, n)| (t, n)).collect::<Vec<_>>());
        let mut expected = [late_a, late_b].concat();
        expected.sort_by_key(|event| event.1);
        prop_assert_eq!(late.events(), expected);
    }
}

#[test]
fn e02_an_idle_input_holds_no_merge_back() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let ports = [Port::<i64>::new(), Port::<i64>::new()];
    let own = |second: &i64| Timestamp::from_secs(*second);
    let marked = ports.each_ref().map(|port| port.clone().watermarks_or_idle(own, Duration::ZERO, secs(5)));
    joins::merge_by_time(marked, own, Limit::drop_newest(100)).by_watermarks().connect(seen.clone());
    let [a, b] = ports;
    scheduler.schedule_recurring(thingflow_core::testing::timed((1..40).map(|s| (s as f64, s))).connect(a))?;
    scheduler.schedule_recurring(thingflow_core::testing::timed([(2.0, 2), (60.0, 60)]).connect(b))?;
    scheduler.run_for(secs(30))?;
    assert!(seen.events().contains(&20), "{:?}", seen.text());
    Ok(())
}

#[test]
fn e05_what_waits_in_a_join_by_event_time_is_bounded() {
    let (inputs, meter, seen, alone) = (Inputs::new(1000), QueueMeter::default(), Recorder::new(), Recorder::new());
    let limit = Limit::drop_oldest(2).metered(&meter);
    let join = inputs.marked(0).interval_join(inputs.marked(1), Reach::within(secs(100)), (time, time), limit);
    join.unpaired_to(alone.clone()).connect(seen.clone());
    inputs.feed(&[(0, 3), (0, 1), (0, 2), (1, 5)]);
    assert_eq!(seen.events(), [((2, 2), (5, 3)), ((3, 0), (5, 3))]);
    assert_eq!((alone.events(), meter.stats().dropped), (vec![(1, 1)], 1));

    let (inputs, seen) = (Inputs::new(1000), Recorder::new());
    let join = inputs.marked(0).with_latest_at(inputs.marked(1), secs(100), (time, time), Limit::fail(1));
    join.connect(seen.clone());
    inputs.feed(&[(1, 1), (0, 2), (0, 3)]);
    assert_eq!(seen.events(), [((2, 1), Some((1, 0)))]); // what is held goes out before the error
    assert!(seen.text().contains("with_latest_at holds 1 events and is full"), "{}", seen.text());
}

#[test]
fn a_watermark_behind_a_join_is_no_later_than_what_it_may_still_send() {
    let inputs = Inputs::new(0);
    let counted = Recorder::new();
    let join =
        inputs.marked(0).interval_join(inputs.marked(1), Reach::within(secs(20)), (time, time), Limit::fail(100));
    let window = Window::event_time(secs(10), |(a, _): &(Event, Event)| time(a));
    join.window(window, thingflow_core::windows::List::within(Limit::fail(100)))
        .map(|w| w.value.len())
        .connect(counted.clone());
    // A partner of the event of second 5 comes at 25, and is counted in its window.
    inputs.feed(&[(0, 5), (1, 6), (0, 24), (1, 25), (0, 60), (1, 60)]);
    assert_eq!(counted.events().iter().sum::<usize>(), 5);
}

#[test]
fn e05_a_source_that_would_wait_for_its_own_watermark_is_refused() {
    let refused = |join: fn(&Inputs)| std::panic::catch_unwind(|| join(&Inputs::new(1))).is_err();
    assert!(refused(|inputs| {
        let _ = inputs.marked(0).interval_join(inputs.marked(1), Reach::within(secs(1)), (time, time), Limit::block(9));
    }));
    assert!(refused(|inputs| {
        let _ = inputs.marked(0).with_latest_at(inputs.marked(1), secs(1), (time, time), Limit::block(9));
    }));
    assert!(refused(|inputs| {
        let marked = [inputs.marked(0), inputs.marked(1)];
        let _ = joins::merge_by_time(marked, time, Limit::block(9)).by_watermarks();
    }));
}
