//! A whole flow through an outbox, killed at random points: what upstream was told is there comes out, in order.
#![cfg(feature = "outbox")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use thingflow_adapters::outbox::{CommitWindow, Options, Outbox, Outlet, Stored};
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Tracked, Tracker, Tracking};
use thingflow_core::{Backoff, Batch, Delivery, Limit, Refusal, StreamError};
use thingflow_journal::model::Draw;

type Reading = SensorEvent<u64>;

const FOLDER: &str = "THINGFLOW_OUTBOX_FOLDER";
const FIRST: &str = "THINGFLOW_OUTBOX_FIRST";

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The program that is killed. It says `a` for each reading that it acknowledges upstream, and `g` for each that its writer
/// has delivered, with a star if it is marked. Without a first reading it only delivers, and ends.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    println!(); // what the test runner has begun to say ends here
    let window = CommitWindow::every(Duration::from_millis(3));
    let options = Options::new(8 << 20, window).segment_bytes(8192);
    let mut outbox = Outbox::<Reading>::open(Path::new(&folder), options).unwrap();
    let first = number_from(FIRST, 0);
    let mut draw = Draw::new(first);
    let writer = move |batch: &mut Batch<Tracked<Reading, Stored>>| {
        while let Some(event) = batch.first() {
            if first > 0 && draw.once_in(10) {
                return Err(Refusal::Peer(StreamError::new("reset by peer")));
            }
            let mark = if event.metadata().any(|stored| stored.resent) { "*" } else { "" };
            println!("g {}{mark}", event.value.val);
            batch.done(1);
        }
        Ok(())
    };
    let mut scheduler = Scheduler::new().unwrap();
    let delivery = Delivery::within(Limit::block(64)).batches_of(16_usize);
    let delivery = delivery.retry(Backoff::constant(Duration::from_millis(2)));
    let (sink, refused) = scheduler.worker("server", writer, delivery).unwrap();
    outbox.port("server", Outlet::default()).unwrap().connect(sink);
    refused.connect(outbox.dead_letters());
    if first > 0 {
        let upstream = Tracker::new(|settled: thingflow_core::tracking::Settled<u64>, _| {
            if settled.outcome == Outcome::Done {
                println!("a {}", settled.meta);
            }
            Ok(())
        });
        let readings = from_iter(first..).map(|n| SensorEvent::new("count", Timestamp::from_secs(7), n));
        let readings = readings.track_by(&upstream, |event| event.val).connect(outbox.tracked_input());
        scheduler.schedule_periodic(readings, Duration::from_micros(200)).unwrap();
    }
    scheduler.schedule_on_main_event_loop(outbox).unwrap();
    scheduler.run_forever().unwrap();
}

/// What the program must not have forgotten.
#[derive(Default)]
struct Oracle {
    acknowledged: BTreeSet<u64>,
    got: BTreeSet<u64>,
    most_again: usize,
}

impl Oracle {
    fn hear(&mut self, lines: &[String]) {
        let (mut last, mut again) = (0, 0);
        for line in lines {
            let Some((kind, number)) = line.split_once(' ') else { continue };
            let (number, marked) = (number.trim_end_matches('*').parse::<u64>(), number.ends_with('*'));
            let (Ok(number), "a" | "g") = (number, kind) else { continue };
            if kind == "a" {
                self.acknowledged.insert(number);
                continue;
            }
            assert!(number > last, "{number} comes behind {last}");
            last = number;
            if !self.got.insert(number) {
                assert!(marked, "{number} comes again without a mark");
                again += 1;
            }
        }
        self.most_again = self.most_again.max(again);
    }
}

#[test]
fn a01_a10_a34_a_flow_killed_at_random_points_delivers_all_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut draw = Draw::new(number_from("THINGFLOW_KILL_SEED", 1));
    let mut oracle = Oracle::default();
    let runs = number_from("THINGFLOW_KILL_RUNS", 25);
    for run in 1..=runs {
        oracle.hear(&run_child(folder.path(), run * 1_000_000, Some((draw.below(400) as usize, Signal::KILL))));
    }
    oracle.hear(&run_child(folder.path(), 0, None));
    assert!(oracle.acknowledged.len() as u64 > runs, "the child did something");
    let lost: Vec<_> = oracle.acknowledged.difference(&oracle.got).collect();
    assert!(lost.is_empty(), "{lost:?} were acknowledged and never delivered");
    assert!(oracle.most_again <= 1024, "{} came twice", oracle.most_again);
}

/// SIGTERM at any moment, also while what a kill has left is mended and damage is stepped over: the program ends by itself, and
/// what is not damaged is delivered.
#[test]
fn a06_sigterm_ends_the_program_at_any_moment_also_during_repair() {
    let folder = tempfile::tempdir().unwrap();
    let (mut draw, mut oracle) = (Draw::new(6), Oracle::default());
    for run in 1..=8 {
        let lines = draw.below(if run % 3 == 0 { 3 } else { 300 }) as usize;
        let signal = if run % 4 == 0 { Signal::KILL } else { Signal::TERM };
        oracle.hear(&run_child(folder.path(), run * 1_000_000, Some((lines, signal))));
        if run % 2 == 0 {
            damage(folder.path(), &mut draw);
        }
    }
    oracle.hear(&run_child(folder.path(), 0, None));
    let lost = oracle.acknowledged.difference(&oracle.got).count();
    // A damaged byte costs one record; one in a header or a length at most those of a segment of 8 KiB.
    assert!(lost <= 4 * 8192 / 40, "{lost} of {} are lost", oracle.acknowledged.len());
    assert!(oracle.acknowledged.len() > 100, "the child did something");
}

/// Turns a byte over somewhere in one of the segments.
fn damage(folder: &Path, draw: &mut Draw) {
    let mut segments: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    segments.sort();
    let Some(at) = draw.index(segments.len()) else { return };
    let mut bytes = std::fs::read(&segments[at]).unwrap();
    if let Some(at) = draw.index(bytes.len()) {
        bytes[at] ^= 0x55;
    }
    std::fs::write(&segments[at], bytes).unwrap();
}

/// Runs the child, and sends it a signal after it has said so many lines; gives all that it said.
fn run_child(folder: &Path, first: u64, end: Option<(usize, Signal)>) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = end.map_or(usize::MAX, |(lines, _)| lines);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = output.by_ref().take(lines).map_while(Result::ok).collect();
    if let Some((_, signal)) = end {
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
    }
    // What was said before the end, and was still in the pipe.
    said.extend(output.map_while(Result::ok));
    let status = child.wait().unwrap();
    match end {
        None => assert!(status.success(), "{status}"),
        // Before the run has begun nobody holds the signal back.
        Some((_, Signal::TERM)) => assert!(status.success() || status.signal() == Some(15), "{status}"),
        Some(_) => {}
    }
    said
}
