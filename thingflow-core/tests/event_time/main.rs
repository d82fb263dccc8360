//! Windows by the time that stands in the events: watermarks, late and future events, idle inputs, corrections.
#![cfg(feature = "std")]

mod beam;
mod cases;
#[path = "../support/given.rs"]
mod given;
mod properties;
#[path = "../support/taken.rs"]
mod taken;

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Assigner, EventWindow, Pane, Parts, Periods, Sessions, Summary, Windowed};

use given::Given;
use taken::Taken;

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// The time of an event that is its own second.
fn own(second: &i64) -> Timestamp {
    at(*second)
}

/// The values of a window, in the order in which they came.
#[derive(Clone, Default)]
struct All;

impl Summary<i64> for All {
    type Part = ([i64; 12], u64);
    type Out = Vec<i64>;
    fn part(&self, value: &i64) -> Option<Self::Part> {
        let mut row = [0; 12];
        row[0] = *value;
        Some((row, 1))
    }
    fn join(&self, (mut a, n): Self::Part, (b, m): Self::Part) -> Self::Part {
        a[n as usize..(n + m) as usize].copy_from_slice(&b[..m as usize]);
        (a, n + m)
    }
    fn value(&self, (row, n): Self::Part) -> Option<Vec<i64>> {
        Some(row[..n as usize].to_vec())
    }
}

type Values = Parts<i64, thingflow_core::storage::OnHeap, All>;

/// A window in short: its first and its last second, its values.
fn short(window: &Windowed<Vec<i64>>) -> (i64, i64, Vec<i64>) {
    let second = |at: Timestamp| at.as_nanos() / 1_000_000_000;
    (second(window.start), second(window.end) - 1, window.value.clone())
}

/// A window in short, and what its result says of it.
type Shown = (i64, i64, Vec<i64>, Pane);

/// What comes to a chain, in the manner of Beam's transcripts.
enum Step {
    Input(&'static [i64]),
    Watermark(i64),
    Early,
}

/// What comes out after each step.
fn transcript<F>(window: F, steps: &[Step]) -> Vec<Vec<Shown>>
where
    F: Filter<i64, Out = Windowed<Vec<i64>>> + 'static,
{
    let seen = Recorder::new();
    let mut chain = pipe().pipe(window).to(seen.clone());
    let mut came = 0;
    let mut out = Vec::new();
    for (now, step) in steps.iter().enumerate() {
        let cx = &mut Context::detached(Instant::ZERO + secs(now as u64));
        match step {
            Step::Input(events) => events.iter().for_each(|event| assert!(chain.next(*event, cx).is_ok())),
            Step::Watermark(second) => assert!(chain.notice(Notice::Watermark(at(*second)), cx).is_ok()),
            Step::Early => assert!(chain.notice(Notice::Wake, cx).is_ok()),
        }
        let events: Vec<Windowed<Vec<i64>>> = seen.events();
        out.push(
            events[came..]
                .iter()
                .map(|w| {
                    let (a, b, c) = short(w);
                    (a, b, c, w.pane)
                })
                .collect(),
        );
        came = events.len();
    }
    out
}

fn tens() -> EventWindow<i64, fn(&i64) -> Timestamp, Periods> {
    Window::event_time(secs(10), own as fn(&i64) -> Timestamp)
}

fn values<W: Assigner<i64, thingflow_core::windows::Values<Values>>>(
    window: W,
) -> impl Filter<i64, Out = <W::Filter as Filter<i64>>::Out>
where
    W::Filter: 'static,
{
    pipe::<i64>().aggregate(window, Values::new())
}

fn sessions() -> EventWindow<i64, fn(&i64) -> Timestamp, Sessions> {
    Window::session(secs(10), own as fn(&i64) -> Timestamp)
}

/// What a chain sends if it is taken apart in the middle, and built again from what was saved. An event comes each second.
fn saved<F: Filter<i64, Out: Clone + 'static> + 'static>(make: impl Fn() -> F, e: &[i64], at: usize) -> Vec<F::Out> {
    let (seen, mut saved) = (Recorder::new(), Taken::default());
    let (before, after) = e.split_at(at.min(e.len()));
    let mut clock = (0..).map(|second| Instant::ZERO + secs(second));
    let cx = &mut Context::detached(Instant::ZERO);
    for (part, last) in [(before, false), (after, true)] {
        let mut chain = pipe().watermarks(own, secs(5)).pipe(make()).to(seen.clone());
        if last {
            assert!(chain.notice(Notice::State(&mut Given(saved.0.iter().copied())), cx).is_ok());
        }
        for (second, now) in part.iter().zip(&mut clock) {
            let cx = &mut Context::detached(now);
            assert!(chain.notice(Notice::Wake, cx).is_ok() && chain.next(*second, cx).is_ok());
        }
        let end = if last { Notice::Completed } else { Notice::State(&mut saved) };
        assert!(chain.notice(end, cx).is_ok());
    }
    seen.events()
}
