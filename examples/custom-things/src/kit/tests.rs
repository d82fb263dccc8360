//! The operators of this folder do as those of the library do, whatever comes and whenever it ends.

use std::time::Duration;

use proptest::prelude::*;
use thingflow::joins::join;
use thingflow::prelude::*;
use thingflow::testing::{Recorder, check_filter, timed};

use super::buffer::Buffer;
use super::delay::Delay;
use super::group_by::GroupBy;
use super::zip::Zip;

/// Waits, in tenths of a second, before each event, and whether the stream ends by an error.
fn stream() -> impl Strategy<Value = (Vec<u8>, bool)> {
    (prop::collection::vec(0_u8..12, 0..24), any::<bool>())
}

fn source((waits, fails): &(Vec<u8>, bool)) -> Flow<impl Source<Item = i32> + use<>> {
    let mut at = 0.0;
    let last = waits.len();
    let fails = *fails;
    let events: Vec<(f64, i32)> = waits
        .iter()
        .enumerate()
        .map(|(n, wait)| {
            at += f64::from(*wait) / 10.0;
            (at, n as i32)
        })
        .collect();
    struct Failing<S>(Flow<S>, usize, bool);
    impl<S: Source<Item = i32>> Source for Failing<S> {
        type Item = i32;
        fn pull(&mut self, cx: &mut Context<'_>) -> Result<Option<i32>, Failure> {
            if self.2 && self.1 == 0 {
                return Err(StreamError::new("a hole").into());
            }
            self.1 = self.1.saturating_sub(1);
            self.0.pull(cx)
        }
        fn due(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
            self.0.due(cx)
        }
    }
    Flow::new(Failing(timed(events), last, fails))
}

fn limits(kind: u8, n: usize) -> Limit {
    match kind {
        0 => Limit::block(n),
        1 => Limit::drop_oldest(n),
        2 => Limit::drop_newest(n),
        _ => Limit::keep_latest(),
    }
}

fn run(connect: impl FnOnce(&Scheduler, Recorder<String>)) -> String {
    let (mut scheduler, seen) = (Scheduler::virtual_time().expect("a scheduler"), Recorder::new());
    connect(&scheduler, seen.clone());
    let ended = scheduler.run_for(Duration::from_secs(600));
    format!("{} {:?}", seen.timed_text(), ended.map_err(|error| error.to_string()))
}

proptest! {
    #[test]
    fn delay_is_that_of_the_library(events in stream(), kind in 0_u8..4, n in 1_usize..5, by in 0_u64..2000, slow in 0_u64..900) {
        let (by, slow) = (Duration::from_millis(by), Duration::from_millis(slow));
        let ours = run(|scheduler, seen| {
            let flow = source(&events).pipe(Delay::new(by, limits(kind, n))).pace(slow, Limit::block(2));
            scheduler.schedule_recurring(flow.map(|n| n.to_string()).connect(seen)).expect("a source");
        });
        let theirs = run(|scheduler, seen| {
            let flow = source(&events).delay(by, limits(kind, n)).pace(slow, Limit::block(2));
            scheduler.schedule_recurring(flow.map(|n| n.to_string()).connect(seen)).expect("a source");
        });
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn buffer_is_that_of_the_library(events in stream(), kind in 0_u8..4, n in 1_usize..5, slow in 0_u64..900) {
        let slow = Duration::from_millis(slow);
        let ours = run(|scheduler, seen| {
            let flow = source(&events).pipe(Buffer::new(limits(kind, n))).pace(slow, Limit::block(1));
            scheduler.schedule_recurring(flow.map(|n| n.to_string()).connect(seen)).expect("a source");
        });
        let theirs = run(|scheduler, seen| {
            let flow = source(&events).buffer(limits(kind, n)).pace(slow, Limit::block(1));
            scheduler.schedule_recurring(flow.map(|n| n.to_string()).connect(seen)).expect("a source");
        });
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn zip_is_that_of_the_library(a in stream(), b in stream(), kind in 0_u8..4, n in 1_usize..5) {
        let ours = run(|scheduler, seen| {
            let (left, right) = (source(&a).output(), source(&b).output());
            join((&left, &right), Zip::new(&limits(kind, n))).map(|pair| format!("{pair:?}")).connect(seen);
            scheduler.schedule_recurring(left).expect("a source");
            scheduler.schedule_recurring(right).expect("a source");
        });
        let theirs = run(|scheduler, seen| {
            let (left, right) = (source(&a).output(), source(&b).output());
            left.zip(&right, limits(kind, n)).map(|pair| format!("{pair:?}")).connect(seen);
            scheduler.schedule_recurring(left).expect("a source");
            scheduler.schedule_recurring(right).expect("a source");
        });
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn group_by_is_that_of_the_library(events in stream(), keys in 1_i32..6, most in 1_usize..4) {
        let follow = |groups: &Port<(i32, Port<i32>)>, seen: &Recorder<String>| {
            let seen = seen.clone();
            groups.for_each(move |(key, port)| {
                port.take(3).map(move |n| format!("{key}:{n}")).connect(seen.clone());
            });
        };
        let ours = run(|scheduler, seen| {
            let grouped = GroupBy::new(most, move |n: &i32| n % keys);
            follow(grouped.groups(), &seen);
            scheduler.schedule_recurring(source(&events).connect(grouped)).expect("a source");
        });
        let theirs = run(|scheduler, seen| {
            let grouped = thingflow::splitting::GroupBy::new(move |n: &i32| n % keys).max_keys(most);
            follow(grouped.groups(), &seen);
            scheduler.schedule_recurring(source(&events).connect(grouped)).expect("a source");
        });
        prop_assert_eq!(ours, theirs);
    }
}

#[test]
fn the_filters_keep_their_promises() {
    check_filter(|| Delay::new(Duration::from_millis(1500), Limit::block(8)), [1, 2, 3]);
    check_filter(|| Buffer::new(Limit::block(8)), [1, 2, 3]);
}
