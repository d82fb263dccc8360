//! A board on a serial line that is unplugged and plugged in again, played by pseudo terminals.
#![cfg(all(feature = "tty", target_os = "linux"))]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{ControlModes, LocalModes, tcgetattr};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::serial::{CsvLines, Framed, SerialEvents, Tty, TtyError};

/// Whether terminals can be set up here. The emulator of a foreign processor hands on nearly every call to the kernel, but
/// none of these.
fn has_terminals() -> bool {
    let emulated = std::env::var_os("THINGFLOW_TEST_RUNNER").is_some();
    if emulated {
        eprintln!("NOT CHECKED: qemu-user cannot set up terminals");
    }
    !emulated
}

/// A board with a name that stays, as in `/dev/serial/by-id`.
#[derive(Clone)]
struct Board {
    plugged_in: Rc<RefCell<Option<File>>>,
    folder: Rc<tempfile::TempDir>,
}

impl Board {
    fn new() -> Self {
        let board = Self { plugged_in: Rc::default(), folder: Rc::new(tempfile::tempdir().unwrap()) };
        board.plug_in();
        board
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("board")
    }
    fn plug_in(&self) {
        let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&end).unwrap();
        unlockpt(&end).unwrap();
        symlink(ptsname(&end, Vec::new()).unwrap().to_str().unwrap(), self.path()).unwrap();
        *self.plugged_in.borrow_mut() = Some(end.into());
    }
    fn unplug(&self) {
        std::fs::remove_file(self.path()).unwrap();
        *self.plugged_in.borrow_mut() = None;
    }
    fn print(&self, text: &str) {
        self.plugged_in.borrow_mut().as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }
    /// Opens its line; like an Arduino it starts anew then, and prints.
    fn open(&self, text: &str) -> Result<Tty, TtyError> {
        let line = Tty::open(self.path(), 115_200)?;
        self.print(text);
        Ok(line)
    }
}

#[test]
fn an_unplugged_board_fails_and_comes_back() {
    if !has_terminals() {
        return;
    }
    let (board, mut next) = (Board::new(), 1);
    let opened = board.clone();
    let open = move || {
        let line = opened.open(&format!("boot\n{next}\n{}\n", next + 1))?;
        next += 2;
        Ok::<_, TtyError>(line)
    };
    let sensor = Framed::opening("board", open, CsvLines::<1>::new());
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let (seen, reports) = (Recorder::new(), Recorder::new());
    let readings = SensorOutput::new(sensor);
    readings.map(|e| e.val[0]).connect(seen.clone());
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
    let retry = OnFailure::Retry { backoff, attempts: u32::MAX };
    scheduler.schedule_periodic(readings, Periodic::every(Duration::from_secs(1)).on_failure(retry)).unwrap();
    scheduler.run_for(Duration::from_millis(2050)).unwrap();
    board.unplug();
    scheduler.run_for(Duration::from_millis(1200)).unwrap(); // it fails at 3 s, 3.1 s
    board.plug_in();
    scheduler.run_for(Duration::from_millis(1000)).unwrap();
    assert_eq!(seen.timed_text(), "1.0@1 2.0@2 3.0@3.3 4.0@4");
    let reports = reports.events();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].contains("/board has hung up; check that its device is plugged in"), "{reports:?}");
    assert!(reports[1].contains("/board is not there; `ls /dev/serial/by-id"), "{reports:?}");
}

#[test]
fn bytes_come_as_they_are() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let mut line = board.open("\r\n\u{3}\u{4}\u{11}\u{13}\u{1a}").unwrap();
    let mut bytes = [0; 7];
    line.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"\r\n\x03\x04\x11\x13\x1a");
    let how = tcgetattr(board.plugged_in.borrow().as_ref().unwrap()).unwrap();
    assert_eq!(how.input_speed(), 115_200);
    assert!(!how.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    assert_eq!(how.control_modes & (ControlModes::CSIZE | ControlModes::CSTOPB), ControlModes::CS8);
}

#[test]
fn silence_is_a_failure_that_loses_nothing() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let mut line = board.open("").unwrap().timeout(Duration::from_millis(1));
    let error = line.read(&mut [0; 9]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().ends_with("/board was silent for 1ms; check its speed and its wires"), "{error}");
    let mut line = line.timeout(Duration::MAX);
    board.print("7\n");
    line.read_exact(&mut [0; 2]).unwrap();
}

#[test]
fn who_waits_is_woken_when_the_board_is_unplugged() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let mut line = board.open("").unwrap();
    let waiting = std::thread::spawn(move || line.read(&mut [0; 9]).unwrap_err().kind());
    board.unplug();
    assert_eq!(waiting.join().unwrap(), ErrorKind::NotConnected);
}

#[test]
fn what_cannot_be_had_is_told() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Tty::open(file.path(), 9_600).unwrap_err().to_string();
    let advice = "`ls /dev/serial/by-id /dev/tty[ASU]*` shows which there are";
    assert_eq!(error, format!("{} is not a serial line; {advice}", file.path().display()));
    let error = Tty::open(board.path(), 0).unwrap_err().to_string();
    assert_eq!(error, format!("{} does not know this speed", board.path().display()));
}

#[test]
fn f85_a_line_can_be_written_to() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let mut line = board.open("").unwrap();
    line.try_clone().unwrap().write_all(b"led on\r\n\x03").unwrap();
    line.flush().unwrap();
    let mut heard = [0; 9];
    board.plugged_in.borrow_mut().as_mut().unwrap().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"led on\r\n\x03");
    board.unplug();
    assert_eq!(line.write(b"led off").unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn f85_a_line_is_a_source_of_the_main_event_loop() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let line = board.open("7\n1\noops\n").unwrap();
    let readings = SerialEvents::new("board", line, CsvLines::<1>::new());
    let (seen, reports) = (Recorder::new(), Recorder::new());
    readings.port().map(|e| e.val[0]).connect(seen.clone());
    let told = board.clone();
    readings.port().for_each(move |e| match e.val[0] as u32 {
        1 => told.print("2\n"),
        _ => told.unplug(),
    });
    let mut scheduler = Scheduler::new().unwrap();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    scheduler.schedule_on_main_event_loop(readings).unwrap();
    scheduler.run_forever().unwrap();
    assert!(seen.text().starts_with("1.0 2.0 !"), "{}", seen.text());
    assert!(seen.error().unwrap().contains("has hung up; check that its device is plugged in"), "{:?}", seen.error());
    assert!(
        reports.events()[0].starts_with("board: a reading is lost: a frame is malformed"),
        "{:?}",
        reports.events()
    );
}

#[test]
fn f85_reports_of_a_line_with_a_number_name_it_as_those_of_other_sensors() {
    if !has_terminals() {
        return;
    }
    let board = Board::new();
    let readings = SerialEvents::new(7, board.open("boot\noops\n").unwrap(), CsvLines::<1>::new());
    readings.port().for_each(drop);
    let mut scheduler = Scheduler::new().unwrap();
    let reports = Recorder::new();
    let mut plugged_in = Some(board.clone()); // the end is reported, too
    let report = scheduler.reports().map(|report| report.to_string());
    report.inspect(move |_| plugged_in.take().iter().for_each(Board::unplug)).connect(reports.clone());
    scheduler.schedule_on_main_event_loop(readings).unwrap();
    scheduler.run_forever().unwrap();
    let reports = reports.events();
    assert!(reports[0].starts_with("sensor 7: a reading is lost: "), "{reports:?}");
}
