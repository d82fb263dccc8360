//! `journal`: records onto a disk and off it, synced, beside the plainest append and databases.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Group, names, number, subject, word};
use crate::child::{Readings, ask};
use crate::device::{self, Device};
use crate::event::Events;
use crate::figure::{Bound, OURS};
use crate::report::{Report, Values, value_of};
use crate::sampling::in_turns;

use crate::subjects::journal::{Fjall, Plain, Queue, Redb, Segments, Sqlite, packed};
use crate::subjects::thingflow;
use crate::{Result, args, counter, machine};

pub const GROUP: Group =
    Group { name: "journal", about: "synced pushes, an opening, an outbox, a replay", counts: false, measure, child };

type Subject = (Pushing, Pushing, Filling, Opening);
type Pushing = fn(&Path, &str, usize, usize) -> Result<Readings>;
type Filling = fn(&Path, usize) -> Result<Readings>;
type Opening = fn(&Path, usize) -> Result<Readings>;

macro_rules! queue {
    ($queue:ty) => {
        (
            pushed::<$queue> as Pushing,
            kept_empty::<$queue> as Pushing,
            filled::<$queue> as Filling,
            opened::<$queue> as Opening,
        )
    };
}

const HAND: &str = "hand, append";

const SUBJECTS: &[(&str, Subject)] = &[
    (OURS, queue!(Segments)),
    (HAND, queue!(Plain)),
    ("redb", queue!(Redb)),
    ("sqlite", queue!(Sqlite)),
    ("fjall", queue!(Fjall)),
];

/// What part of the plain append's rate ours has to reach.
const RATE_SHARE: f64 = 0.8;

/// What part of the plain append's bytes on the device ours may take, at 50 a commit: while a backlog grows into new
/// segments, and when segments are used again.
const WEAR_SHARES: [(&str, f64); 2] = [("push", 0.8), ("queue", 0.6)];

/// Opening an empty one and any backlog, in milliseconds, and what it may take, in KiB.
const STARTING: f64 = 5.0;
const OPENING: f64 = 1_000.0;
const MEMORY: f64 = 8.0 * 1024.0;

const PAYLOAD: usize = 120;
const TURNS: usize = 3;

/// Records a commit, and how many commits are measured.
const SIZES: [(usize, usize); 3] = [(1, 2_000), (50, 1_000), (1_000, 100)];

/// Events through an outbox whose allocations are counted, and how many each may have: its payload off the disk, and its tracking.
const EVENTS: u64 = 100_000;
const ALLOCATIONS: f64 = 2.1;

/// What each sync takes beside which ticks are watched, in milliseconds; for how long; and by how much more than twice as late they
/// may come then, in microseconds.
const SLOW: u64 = 500;
const WATCHED: Duration = Duration::from_secs(5);
const LATE: f64 = 1_000.0;

/// The recorded day, and what its replay may take, in milliseconds.
const SENSORS: u32 = 10;
const SECONDS: u32 = 86_400;
const REPLAY: f64 = 1_000.0;

/// Size of the backlog that is opened, unless `THINGFLOW_BENCH_BACKLOG` says otherwise, in MiB.
const BACKLOG: u64 = 1_024;

fn measure(report: &mut Report) {
    for (size, commits) in SIZES {
        rates(report, "push", size, commits, &format!("push, {size} a commit"));
    }
    rates(report, "queue", 50, 1_000, "push and acknowledge 50, nothing left");
    opening(report, "open an empty one", 0, STARTING);
    let size = std::env::var("THINGFLOW_BENCH_BACKLOG").ok().and_then(|size| size.parse().ok()).unwrap_or(BACKLOG);
    opening(report, &format!("open {size} MiB of backlog"), size, OPENING);
    flow(report);
    late(report);
    day(report);
}

/// How late a tick comes beside an outbox whose every commit takes so long.
fn late(report: &mut Report) {
    let once = |sync: u64| ask(args![GROUP.name, "late", sync]).and_then(|said| said.get("p99_us"));
    let late = |sync: u64| (1..TURNS).try_fold(once(sync)?, |least, _| Ok(once(sync)?.min(least))); // the rest is the machine's
    let name = |sync: u64| format!("a tick of 10 ms, late beside commits of {sync} ms, p99");
    eprintln!("  {}", name(SLOW));
    let (quick, slow) = (vec![(OURS, late(0))], vec![(OURS, late(SLOW))]);
    let most = value_of(&quick, OURS).map(|quick| Bound::AtMost(2.0 * quick + LATE));
    report.add(GROUP.name, &name(0), "us", quick, None);
    report.add(GROUP.name, &name(SLOW), "us", slow, most);
}

/// What an outbox costs an event on its way: written, synced, read again, delivered, acknowledged; on all threads together.
fn flow(report: &mut Report) {
    let name = "a flow through an outbox";
    eprintln!("  {name}");
    let counted = |subject: &'static str| (subject, counter::per_event(args![GROUP.name, "flow", subject], 20_000));
    report.add(GROUP.name, &format!("{name}, an event"), "instr", vec![counted(OURS), counted(HAND)], None);
    let said = ask(args![GROUP.name, "allocations", EVENTS]).and_then(|said| said.get("allocations"));
    let limit = Some(Bound::AtMost(ALLOCATIONS));
    report.add(GROUP.name, &format!("{name}, allocations an event"), "allocs", vec![(OURS, said)], limit);
}

/// A day of ten sensors at 1 Hz: recorded, then replayed into the same averages, whose bits have to be the same.
fn day(report: &mut Report) {
    let name = "replay a day of 10 sensors at 1 Hz";
    eprintln!("  {name}");
    let replayed = |subject: &'static str| -> Result<f64> {
        let folder = tempfile::tempdir()?;
        let live = ask(args![GROUP.name, "record", subject, folder.path().display()])?.get("result")?;
        let rows = in_turns(
            &[subject],
            TURNS,
            |subject| ask(args![GROUP.name, "replay", subject, folder.path().display()]),
            &["cpu", "result"],
        );
        let [(_, row)] = &rows[..] else { return Err("no reading".into()) };
        match row.as_ref().map_err(ToString::to_string)?[..] {
            [cpu, result] if result == live => Ok(cpu),
            _ => Err("the replay gave other results than the live run".into()),
        }
    };
    let values = [OURS, HAND].map(|subject| (subject, replayed(subject))).into();
    report.add(GROUP.name, &format!("{name}, CPU"), "ms", values, Some(Bound::AtMost(REPLAY)));
}

/// Rates, processor time and wear of one kind of work. Each subject gets a new disk each time.
fn rates(report: &mut Report, kind: &str, size: usize, commits: usize, name: &str) {
    eprintln!("  {name}");
    let readings = ["rate", "cpu", "device"];
    let ask = |subject: &'static str| {
        let disk = Device::new(1_024)?;
        ask(args![GROUP.name, kind, subject, disk.root().display(), disk.name(), size, commits])
    };
    let rows = in_turns(&names(SUBJECTS), TURNS, ask, &readings);
    let column = |at: usize| -> Values {
        let value = |row: &Result<Vec<f64>>| row.as_ref().map(|row| row[at]).map_err(|error| error.to_string().into());
        rows.iter().map(|(subject, row)| (*subject, value(row))).collect()
    };
    let (rate, device) = (column(0), column(2));
    let least = value_of(&rate, HAND).map(|hand| Bound::AtLeast(RATE_SHARE * hand));
    let share = WEAR_SHARES.iter().find(|(of, _)| size == 50 && *of == kind).map(|(_, share)| share);
    let most = value_of(&device, HAND).zip(share).map(|(hand, share)| Bound::AtMost(share * hand));
    report.add(GROUP.name, &format!("{name}, records"), "k/s", rate, least);
    report.add(GROUP.name, &format!("{name}, CPU a record"), "us", column(1), None);
    report.add(GROUP.name, &format!("{name}, on the device"), "B/byte", device, most);
}

/// A process that was killed has left a backlog of so many MiB; another opens it.
fn opening(report: &mut Report, name: &str, size: u64, limit: f64) {
    eprintln!("  {name}");
    let (mut times, mut memory) = (Values::new(), Values::new());
    for subject in names(SUBJECTS) {
        let opened = tempfile::tempdir().map_err(Into::into).and_then(|folder| {
            ask(args![GROUP.name, "fill", subject, folder.path().display(), (size << 20) as usize / PAYLOAD])?;
            ask(args![GROUP.name, "open", subject, folder.path().display(), if size == 0 { 0 } else { PAYLOAD }])
        });
        let value = |reading: &str| -> Result<f64> {
            opened.as_ref().map_err(|error| error.to_string().into()).and_then(|opened| opened.get(reading))
        };
        times.push((subject, value("ms")));
        memory.push((subject, value("memory")));
    }
    report.add(GROUP.name, name, "ms", times, Some(Bound::AtMost(limit)));
    report.add(GROUP.name, &format!("{name}, memory"), "KiB", memory, Some(Bound::AtMost(MEMORY)));
}

/// `push|queue SUBJECT FOLDER DEVICE SIZE COMMITS`, `fill SUBJECT FOLDER RECORDS`, `open SUBJECT FOLDER BYTES`, and as [`stored`] has it
fn child(args: &[String]) -> Result<Readings> {
    if let Some(readings) = stored(args) {
        return readings;
    }
    let (kind, (push, queue, fill, open)) = (word(args, 0)?, subject(SUBJECTS, word(args, 1)?)?);
    let folder = Path::new(word(args, 2)?);
    match kind {
        "push" => push(folder, word(args, 3)?, number(args, 4)?, number(args, 5)?),
        "queue" => queue(folder, word(args, 3)?, number(args, 4)?, number(args, 5)?),
        "fill" => fill(folder, number(args, 3)?),
        "open" => open(folder, number(args, 3)?),
        other => Err(format!("no {other} here").into()),
    }
}

/// `flow SUBJECT EVENTS`, `allocations EVENTS`, `late MILLISECONDS`, `record|replay SUBJECT FOLDER`
fn stored(args: &[String]) -> Option<Result<Readings>> {
    let ours = word(args, 1).is_ok_and(|subject| subject == OURS);
    let folder = || word(args, 2).map(Path::new);
    let result = |result: u64| Readings::default().with("result", (result >> 12) as f64); // as many bits as a number of JSON has
    Some(match word(args, 0).ok()? {
        "flow" => number(args, 2).and_then(|events| {
            let events = Events::new(events, Events::SEED);
            if ours { thingflow::storing::outbox(events) } else { packed::outbox(events) }.map(result)
        }),
        "allocations" => number(args, 1).and_then(|events| {
            let count = thingflow::storing::outbox_allocations(events)?;
            Ok(Readings::default().with("allocations", count as f64 / events as f64))
        }),
        "late" => number(args, 1).and_then(|sync: u64| {
            let late = thingflow::slow::p99_lateness(Duration::from_millis(sync), WATCHED)?;
            Ok(Readings::default().with("p99_us", late))
        }),
        "record" => folder().and_then(|folder| {
            if ours {
                return thingflow::storing::record_day(folder, SENSORS, SECONDS).map(result);
            }
            packed::record_day(folder, SENSORS, SECONDS)?;
            packed::replay_day(folder, SENSORS).map(result)
        }),
        "replay" => folder().and_then(|folder| {
            let cpu = machine::cpu_time();
            let sum = if ours {
                thingflow::storing::replay_day(folder, SENSORS)
            } else {
                packed::replay_day(folder, SENSORS)
            };
            let cpu = machine::cpu_time() - cpu;
            sum.map(|sum| result(sum).with("cpu", cpu.as_secs_f64() * 1e3))
        }),
        _ => return None,
    })
}

/// Records that do not compress away, the same for all.
fn records(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut state = seed | 1;
    let mut byte = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| (0..PAYLOAD).map(|_| byte()).collect()).collect()
}

fn pushed<Q: Queue>(folder: &Path, device: &str, size: usize, commits: usize) -> Result<Readings> {
    timed::<Q>(folder, device, size, commits, |_, _| Ok(()))
}

fn kept_empty<Q: Queue>(folder: &Path, device: &str, size: usize, commits: usize) -> Result<Readings> {
    timed::<Q>(folder, device, size, commits, |queue, size| match queue.take(size)? {
        taken if taken == size * PAYLOAD => Ok(()),
        taken => Err(format!("{taken} bytes were taken, not {}", size * PAYLOAD).into()),
    })
}

/// A tenth of the work first, then the rest under the clock.
fn timed<Q: Queue>(
    folder: &Path,
    device: &str,
    size: usize,
    commits: usize,
    then: impl Fn(&mut Q, usize) -> Result<()>,
) -> Result<Readings> {
    let mut queue = Q::open(folder)?;
    let mut turn = |seed: usize| -> Result<()> {
        queue.push(&records(size, seed as u64))?;
        then(&mut queue, size)
    };
    (0..commits / 10).try_for_each(&mut turn)?;
    let (bytes, cpu, start) = (device::bytes_written(device, folder)?, machine::cpu_time(), Instant::now());
    (0..commits).try_for_each(&mut turn)?;
    let (time, cpu) = (start.elapsed(), machine::cpu_time() - cpu);
    let bytes = device::bytes_written(device, folder)? - bytes;
    let all = (size * commits) as f64;
    let readings = Readings::default().with("rate", all / time.as_secs_f64() / 1e3);
    let readings = readings.with("cpu", cpu.as_secs_f64() * 1e6 / all);
    Ok(readings.with("device", bytes as f64 / (all * PAYLOAD as f64)))
}

/// Leaves the queue as a killed process would.
fn filled<Q: Queue>(folder: &Path, count: usize) -> Result<Readings> {
    let mut queue = Q::open(folder)?;
    let batch = records(5_000, 1);
    for _ in 0..count.div_ceil(batch.len()) {
        queue.push(&batch)?;
    }
    std::mem::forget(queue);
    Ok(Readings::default())
}

/// Its first record has to be of so many bytes, none for none.
fn opened<Q: Queue>(folder: &Path, bytes: usize) -> Result<Readings> {
    let before = machine::peak_memory(std::process::id())?;
    let start = Instant::now();
    let mut queue = Q::open(folder)?;
    let time = start.elapsed();
    let memory = machine::peak_memory(std::process::id())? - before;
    if queue.take(1)? != bytes {
        return Err("the first record is not as it was".into());
    }
    Ok(Readings::default().with("ms", time.as_secs_f64() * 1e3).with("memory", memory as f64))
}
