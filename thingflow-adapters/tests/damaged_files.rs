//! Every reader and every writer of files, on every kind of damage that a file suffers.
#![cfg(all(feature = "csv", feature = "lines"))]

use std::env;
use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thingflow_adapters::{csv, lines};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

/// What became of a file: the texts of its events, and of its errors.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    events: Vec<String>,
    errors: Vec<String>,
}

fn number(event: &SensorEvent<f64>) -> String {
    event.val.to_string()
}

/// Pulls to the end, through all failures.
fn pull_all<S: Source>(mut source: S, text: impl Fn(&S::Item) -> String) -> Seen {
    let (cx, mut seen) = (&mut Context::detached(Instant::ZERO), Seen::default());
    for _ in 0..100_000 {
        match source.pull(cx) {
            Ok(Some(event)) => seen.events.push(text(&event)),
            Ok(None) => return seen,
            Err(Failure::Sample(error)) => seen.errors.push(error.to_string()),
            Err(Failure::NotYet) => return seen,
            Err(Failure::Fatal(token)) => {
                seen.errors.push(cx.take_error(token).to_string());
                return seen;
            }
        }
    }
    panic!("a reader that never ends")
}

/// What comes of a flow in a run, with what is reported.
fn run(build: impl FnOnce(&Scheduler, Recorder<String>)) -> Seen {
    let (seen, reports) = (Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    scheduler.reports().map(|report| report.error.to_string()).connect(reports.clone());
    build(&scheduler, seen.clone());
    let ended = scheduler.run_for(Duration::from_secs(10));
    let errors = reports.events().into_iter().chain(seen.error()).chain(ended.err().map(|error| error.to_string()));
    Seen { events: seen.events(), errors: errors.collect() }
}

/// Keeps apart, where the tests are threads of one process, what starts a child and what locks a file: until it is
/// another program, a child holds the files of all threads, and with them their locks.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader by its name, and what it makes of a file.
struct Named {
    name: &'static str,
    reads_csv: bool,
    read: fn(&Path) -> Seen,
}

const READERS: [Named; 7] = [
    Named {
        name: "csv::read",
        reads_csv: true,
        read: |path| pull_all(csv::open::<f64>(path).expect("a file"), number),
    },
    Named {
        name: "csv::open, skipping",
        reads_csv: true,
        read: |path| {
            let reader = csv::open::<f64>(path).expect("a file").skip_bad_rows();
            run(|scheduler, seen| {
                let rows = reader.flow().map(|event| number(&event)).connect(seen);
                scheduler.schedule_recurring(rows).expect("a schedule");
            })
        },
    },
    Named {
        name: "csv::Reader of a list",
        reads_csv: true,
        read: |path| {
            #[derive(serde::Deserialize)]
            struct Row {
                value: f64,
            }
            pull_all(csv::Reader::<Row>::open(path).expect("a file"), |row| row.value.to_string())
        },
    },
    Named {
        name: "lines::read",
        reads_csv: false,
        read: |path| pull_all(lines::Reader::new(path, fs::File::open(path).expect("a file")), Clone::clone),
    },
    Named {
        name: "lines::read, skipping",
        reads_csv: false,
        read: |path| {
            let reader = lines::Reader::new(path, fs::File::open(path).expect("a file")).skip_bad_lines();
            run(|scheduler, seen| drop(scheduler.schedule_recurring(reader.flow().connect(seen)).expect("a schedule")))
        },
    },
    Named {
        name: "lines::follow",
        reads_csv: false,
        read: |path| {
            let tail = lines::Tail::open(path).expect("a file");
            let reader = lines::Reader::new(path, tail).follow(Duration::from_secs(1)).skip_bad_lines();
            run(|scheduler, seen| drop(scheduler.schedule_recurring(reader.flow().connect(seen)).expect("a schedule")))
        },
    },
    Named {
        name: "lines::Reader::events",
        reads_csv: false,
        read: |path| {
            let reader = lines::Reader::new(path, fs::File::open(path).expect("a file")).skip_bad_lines().events();
            run(|scheduler, seen| {
                reader.port().connect(seen);
                drop(scheduler.schedule_on_main_event_loop(reader).expect("a schedule"));
            })
        },
    },
];

const HEADER: &str = "timestamp,datetime,sensor_id,value\n";

/// A file, with the events that it holds and where each of them ends.
struct Whole {
    text: String,
    events: Vec<String>,
    ends: Vec<usize>,
}

fn whole(reads_csv: bool) -> Whole {
    let mut whole = Whole { text: String::new(), events: Vec::new(), ends: Vec::new() };
    if reads_csv {
        whole.text.push_str(HEADER);
    }
    for value in ["1234", "20.75", "5678"] {
        let row = if reads_csv { format!("1,,\"a, b\",{value}\n") } else { format!("{value}\n") };
        whole.text.push_str(&row);
        whole.events.push(value.to_owned());
        whole.ends.push(whole.text.len());
    }
    whole
}

/// A damaged file, and how many of the first events are still in it, at least.
fn damages(whole: &Whole) -> Vec<(String, Vec<u8>, usize)> {
    let bytes = whole.text.as_bytes();
    let left = |len: usize| whole.ends.iter().filter(|end| **end <= len).count();
    let all = whole.events.len();
    let mut damages: Vec<(String, Vec<u8>, usize)> = Vec::new();
    for at in 0..=bytes.len() {
        let zeros = |n: usize| [&bytes[..at], &vec![0; n][..]].concat();
        damages.push((format!("cut at {at}"), bytes[..at].to_vec(), left(at)));
        damages.push((format!("a zero from {at} on"), zeros(1), left(at)));
        damages.push((format!("a block of zeros from {at} on"), zeros(4096), left(at)));
        damages.push((format!("zeros to the end of a line from {at} on"), [&zeros(9)[..], b"\n"].concat(), left(at)));
        damages.push((format!("another encoding at {at}"), [&bytes[..at], b"\xFC\n"].concat(), left(at)));
    }
    let marked = ["\u{FEFF}".as_bytes(), bytes].concat();
    damages.push(("a byte order mark".into(), marked, all));
    damages.push(("ends of lines of Windows".into(), whole.text.replace('\n', "\r\n").into_bytes(), all));
    let huge = |fill: &str| [bytes, fill.repeat(3 << 20).as_bytes(), b"\n"].concat();
    damages.push(("a huge line".into(), huge("7"), all));
    damages.push(("a huge line of zeros".into(), huge("\0"), all));
    damages.push((
        "control characters".into(),
        [bytes, "\u{1b}[2J\u{7}\u{8}\r".repeat(99).as_bytes(), b"\n"].concat(),
        all,
    ));
    damages.push(("a file of zeros only".into(), vec![0; 8192], 0));
    damages
}

fn check_errors(errors: &[String], what: &str) {
    for error in errors {
        assert!(error.len() < 800, "{what}: a long text: {error}");
        assert!(error.chars().all(|char| !char.is_control()), "{what}: control characters: {error:?}");
    }
}

#[test]
fn every_reader_gives_what_is_whole_and_nothing_else() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    for Named { name, reads_csv, read } in READERS {
        let whole = whole(reads_csv);
        for (damage, bytes, left) in damages(&whole) {
            fs::write(&path, bytes)?;
            let seen = read(&path);
            let what = format!("{name}, {damage}");
            check_errors(&seen.errors, &what);
            assert!(seen.events.starts_with(&whole.events[..left]), "{what}: {seen:?}");
            // Lines have no form by which to tell a bad one.
            let known =
                |event: &String| whole.events.contains(event) || !reads_csv && event.starts_with(['7', '\u{1b}']);
            assert!(seen.events.iter().all(known), "{what}: {seen:?}");
            if damage.starts_with("cut") {
                assert_eq!(seen.events.len(), left, "{what}: {seen:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_directory_and_what_is_not_there_are_errors_and_no_more() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (events, error) = csv::read::<f64>(folder.path())?.try_collect_now();
    assert!(events.is_empty() && error.is_some_and(|error| error.to_string().contains("name a file, not a directory")));
    let (events, error) = lines::read(folder.path())?.try_collect_now();
    assert!(events.is_empty() && error.is_some_and(|error| error.to_string().contains("name a file, not a directory")));
    let gone = folder.path().join("none");
    let errors = [
        csv::read::<f64>(&gone).map(drop).unwrap_err().to_string(),
        lines::read(&gone).map(drop).unwrap_err().to_string(),
        lines::follow(&gone, Duration::from_secs(1)).map(drop).unwrap_err().to_string(),
    ];
    assert!(
        errors.iter().all(|error| error.contains("No such file") && error.ends_with("check the name")),
        "{errors:?}"
    );
    Ok(())
}

/// Gives a few bytes at a time, and fails in between by all errors that pass.
struct Troubled<'a>(&'a [u8], usize);

impl Read for Troubled<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let errors =
            [ErrorKind::Interrupted, ErrorKind::PermissionDenied, ErrorKind::Other, ErrorKind::StaleNetworkFileHandle];
        self.1 += 1;
        let most = into.len().min(5);
        match errors.get(self.1 % (errors.len() + 1)) {
            Some(kind) => Err((*kind).into()),
            None => self.0.read(&mut into[..most]),
        }
    }
}

#[test]
fn every_reader_goes_on_behind_an_error_that_passes() {
    for reads_csv in [true, false] {
        let whole = whole(reads_csv);
        let troubled = Troubled(whole.text.as_bytes(), 0);
        let seen = if reads_csv {
            pull_all(csv::Reader::<SensorEvent<f64>, _>::new("file", troubled), number)
        } else {
            pull_all(lines::Reader::new("file", troubled), Clone::clone)
        };
        assert_eq!(seen.events, whole.events);
        assert!(seen.errors.iter().all(|error| error.contains("cannot read file: ")), "{seen:?}");
        check_errors(&seen.errors, "passing errors");
    }
}

type Write = fn(&Path, &[f64]) -> Result<(), String>;

/// A writer by its name.
struct Writer {
    name: &'static str,
    appends: bool,
    writes_csv: bool,
    write: Write,
}

fn event(value: f64) -> SensorEvent<f64> {
    SensorEvent::new(1, Timestamp::UNIX_EPOCH, value)
}

fn feed<N: InputThing<SensorEvent<f64>>, E: Error>(writer: Result<N, E>, values: &[f64]) -> Result<(), String> {
    let writer = writer.map_err(|error| error.to_string())?;
    pipe().to(writer).feed(values.iter().copied().map(event)).map_err(|error| error.to_string())
}

fn feed_lines<N: InputThing<f64>, E: Error>(writer: Result<N, E>, values: &[f64]) -> Result<(), String> {
    let writer = writer.map_err(|error| error.to_string())?;
    pipe().to(writer).feed(values.iter().copied()).map_err(|error| error.to_string())
}

const WRITERS: [Writer; 8] = [
    Writer {
        name: "csv::write",
        appends: false,
        writes_csv: true,
        write: |path, values| feed(csv::write(path), values),
    },
    Writer {
        name: "csv::append",
        appends: true,
        writes_csv: true,
        write: |path, values| feed(csv::append(path), values),
    },
    Writer {
        name: "csv::append, buffered",
        appends: true,
        writes_csv: true,
        write: |path, values| feed(csv::append(path).map(csv::Writer::buffered), values),
    },
    Writer {
        name: "csv::append, synced",
        appends: true,
        writes_csv: true,
        write: |path, values| feed(csv::append(path).map(|writer| writer.sync_every(Duration::ZERO)), values),
    },
    Writer {
        name: "csv::write_daily",
        appends: true,
        writes_csv: true,
        write: |path, values| {
            let base = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let daily = base.trim_end_matches("-1970-01-01");
            feed(csv::write_daily(path.parent().unwrap_or(Path::new(".")), daily), values)
        },
    },
    Writer {
        name: "lines::write",
        appends: false,
        writes_csv: false,
        write: |path, values| feed_lines(lines::write(path), values),
    },
    Writer {
        name: "lines::append",
        appends: true,
        writes_csv: false,
        write: |path, values| feed_lines(lines::append(path), values),
    },
    Writer {
        name: "lines::append, synced",
        appends: true,
        writes_csv: false,
        write: |path, values| feed_lines(lines::append(path).map(|writer| writer.sync_every(Duration::ZERO)), values),
    },
];

/// As every writer is told to call it.
fn file_in(folder: &Path) -> PathBuf {
    folder.join("file-1970-01-01.csv")
}

/// What a strict reader, which takes nothing that is damaged, makes of a file.
fn strictly(path: &Path, csv: bool) -> Seen {
    (READERS[if csv { 0 } else { 3 }].read)(path)
}

#[test]
fn every_writer_goes_on_behind_what_is_whole() -> Result<(), Box<dyn Error>> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let path = file_in(folder.path());
    for Writer { name, appends, writes_csv, write } in WRITERS {
        let whole = whole(writes_csv);
        let torn =
            |damage: &str| damage.starts_with("cut") || damage.starts_with("a zero") || damage.contains("zeros from");
        for (damage, bytes, left) in damages(&whole).into_iter().filter(|(damage, ..)| torn(damage)) {
            let what = format!("{name}, {damage}");
            fs::write(&path, &bytes)?;
            write(&path, &[1.5, 2.5]).map_err(|error| format!("{what}: {error}"))?;
            let mut expected = whole.events[..if appends { left } else { 0 }].to_vec();
            expected.extend(["1.5".to_owned(), "2.5".to_owned()]);
            let seen = strictly(&path, writes_csv);
            assert_eq!(seen, Seen { events: expected, errors: Vec::new() }, "{what}");
        }
    }
    Ok(())
}

#[test]
fn every_writer_says_that_the_disk_is_full() {
    let _alone = alone();
    for Writer { name, write, .. } in WRITERS.iter().filter(|writer| writer.name != "csv::write_daily") {
        let error = write(Path::new("/dev/full"), &[1.0]).expect_err(name);
        assert!(error.contains("cannot write to /dev/full: No space left on device"), "{name}: {error}");
        assert!(error.ends_with("the disk is full: remove old files, or choose another place"), "{name}: {error}");
    }
}

#[test]
fn every_writer_says_which_directory_is_missing() -> Result<(), Box<dyn Error>> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let gone = folder.path().join("gone");
    for Writer { name, write, .. } in WRITERS {
        let error = write(&file_in(&gone), &[1.0]).expect_err(name);
        assert!(error.ends_with(&format!("create the directory: mkdir -p {}", gone.display())), "{name}: {error}");
    }
    Ok(())
}

#[test]
fn every_writer_leaves_the_file_of_another_alone() -> Result<(), Box<dyn Error>> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let path = file_in(folder.path());
    for Writer { name, write, .. } in WRITERS {
        fs::write(&path, "")?;
        let other = lines::append::<f64>(&path)?;
        let error = write(&path, &[1.0]).expect_err(name);
        assert!(error.contains("another writer has locked it"), "{name}: {error}");
        drop(other);
        write(&path, &[1.0]).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

const CHILD: &str = "THINGFLOW_TEST_WRITER";

/// In a process of its own, whose files may not become longer than a block: what a full disk does in the middle of a row.
#[test]
fn a_child_that_fills_its_disk() {
    let Some((writer, path)) =
        env::var(CHILD).ok().and_then(|it| it.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())))
    else {
        return;
    };
    let writer = WRITERS.iter().find(|it| it.name == writer).expect("one of the list");
    let values: Vec<f64> = (0..2000).map(|n| f64::from(n) + 0.125).collect();
    println!("error: {}", (writer.write)(Path::new(&path), &values).expect_err("its file may not become so long"));
}

#[test]
fn every_writer_stops_at_a_disk_that_fills_up_and_loses_no_whole_row() -> Result<(), Box<dyn Error>> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let path = file_in(folder.path());
    for Writer { name, writes_csv, write, appends, .. } in WRITERS {
        fs::write(&path, "")?;
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f 3; exec \"$0\" \"$@\""])
            .args(env::var("THINGFLOW_TEST_RUNNER").unwrap_or_default().split_whitespace()) // of an emulated processor
            .arg(env::current_exe()?)
            .args(["--exact", "a_child_that_fills_its_disk", "--nocapture"])
            .env(CHILD, format!("{name}={}", path.display()))
            .output()?;
        let text = String::from_utf8_lossy(&child.stdout);
        assert!(text.contains("error: cannot write to"), "{name}: {text} {}", String::from_utf8_lossy(&child.stderr));
        let full = fs::read(&path)?;
        assert!(!full.is_empty() && full.len() <= 3 * 1024, "{name}: {}", full.len());
        let before = strictly(&path, writes_csv);
        let rows: Vec<String> = (0..before.events.len()).map(|n| format!("{n}.125")).collect();
        assert_eq!(before.events, rows, "{name}");
        assert!(before.errors.len() <= 1, "{name}: {:?}", before.errors);
        if appends {
            write(&path, &[0.5])?;
            let after = strictly(&path, writes_csv);
            let expected: Vec<String> = rows.into_iter().chain(["0.5".to_owned()]).collect();
            assert_eq!(after, Seen { events: expected, errors: Vec::new() }, "{name}");
        }
    }
    Ok(())
}

#[test]
fn a_file_that_vanishes_or_is_replaced_while_it_is_written_is_begun_anew() -> Result<(), Box<dyn Error>> {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let path = file_in(folder.path());
    let moved = path.with_extension("old");
    let cx = &mut Context::detached(Instant::ZERO);
    let mut open: [(&str, bool, Box<dyn Sink<Event = f64>>); 2] = [
        ("csv", true, Box::new(Mapped(csv::append(&path)?))),
        ("lines", false, Box::new(lines::append(path.with_extension("txt"))?)),
    ];
    for (name, is_csv, writer) in &mut open {
        let path = if *is_csv { path.clone() } else { path.with_extension("txt") };
        let mut write = |value| writer.on_next(value, cx).map(drop).map_err(|token| cx.take_error(token).to_string());
        write(1.0)?;
        fs::remove_file(&path)?;
        write(2.0)?;
        assert_eq!(strictly(&path, *is_csv).events, ["2"], "{name}");
        fs::rename(&path, &moved)?;
        fs::write(&path, "")?;
        write(3.0)?;
        assert_eq!(strictly(&path, *is_csv).events, ["3"], "{name}");
        assert_eq!(strictly(&moved, *is_csv).events, ["2"], "{name}");
        OpenOptions::new().write(true).open(&path)?.set_len(0)?;
        write(4.0)?;
        assert_eq!(strictly(&path, *is_csv).events, ["4"], "{name}");
    }
    Ok(())
}

/// Makes events of numbers.
struct Mapped(csv::Writer<SensorEvent<f64>>);

impl Sink for Mapped {
    type Event = f64;
    fn on_next(&mut self, value: f64, cx: &mut Context<'_>) -> Receipt {
        self.0.on_next(event(value), cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.0.on_completed(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.0.on_error(error, cx)
    }
}
