//! Serial lines, on pairs of pseudo-terminals: the test is the board at the other end.
#![cfg(all(feature = "uart", target_os = "linux"))]
#![allow(clippy::unwrap_used)] // of what the test itself has made

mod support;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use support::bounded::new_scheduler;
use thingflow_adapters::framing::LengthPrefixed;
use thingflow_adapters::uart::{self, Options, Status};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Whether terminals can be set up here. The emulator of a foreign processor hands on nearly every call to the kernel, but
/// none of these.
fn has_terminals() -> bool {
    let emulated = std::env::var_os("THINGFLOW_TEST_RUNNER").is_some();
    if emulated {
        eprintln!("NOT CHECKED: qemu-user cannot set up terminals");
    }
    !emulated
}

/// A board, and the path of the line to it.
fn board() -> (File, PathBuf) {
    let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&end).unwrap();
    unlockpt(&end).unwrap();
    let path = ptsname(&end, Vec::new()).unwrap();
    rustix::io::ioctl_fionbio(&end, true).unwrap();
    (File::from(end), PathBuf::from(path.to_str().unwrap()))
}

/// What a board has got and not read yet.
fn heard(mut board: &File) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = board.read(&mut piece) {
        all.extend_from_slice(&piece[..n]);
    }
    String::from_utf8(all).unwrap()
}

fn short() -> Backoff {
    Backoff::constant(Duration::from_millis(10))
}

#[test]
fn lines_come_and_go_as_they_are() -> Result {
    if !has_terminals() {
        return Ok(());
    }
    let (board, path) = board();
    let mut scheduler = new_scheduler();
    let line = uart::connect(&path, 115_200)?;
    let (seen, stopper, looked_at) = (Recorder::new(), scheduler.stopper(), line.clone());
    line.received().connect(seen.clone());
    let look =
        interval(Duration::from_millis(2)).filter(move |_| looked_at.stats().sent + looked_at.stats().received == 6);
    scheduler.schedule_recurring(look.take(1).for_each(move |_| stopper.stop()))?;
    let mut there = board.try_clone()?;
    line.status().for_each(move |status| {
        assert_eq!(status, Status::Connected);
        there.write_all(b"3.4\n25.5\n\x03\x11 lux\x7f\nend\n").unwrap(); // what a terminal would take for commands
    });
    let orders = from_iter(["lamp on", "\x04\r", "lamp off"]).map(str::to_owned);
    scheduler.schedule_recurring(orders.connect(line.sender()))?;
    scheduler.schedule_on_main_event_loop(line.thing())?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), ["25.5", "\x03\x11 lux\x7f", "end"]);
    assert_eq!(heard(&board), "lamp on\n\x04\r\nlamp off\n");
    let stats = line.stats();
    assert_eq!((stats.sent, stats.received, stats.connections), (3, 3, 1));
    Ok(())
}

#[test]
fn a_board_that_is_pulled_out_and_plugged_in_anew_is_heard_again() -> Result {
    if !has_terminals() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("board");
    let plugged_in = Rc::new(RefCell::new(None));
    let (there, name) = (plugged_in.clone(), path.clone());
    let plug_in = move || {
        let (board, line) = board();
        symlink(line, &name).unwrap();
        *there.borrow_mut() = Some(board);
    };
    plug_in();
    let mut scheduler = new_scheduler();
    let line = Options::new(&path, 9600)?.retry(short()).connect();
    let (there, name, troubles) = (plugged_in.clone(), path.clone(), Rc::new(RefCell::new(Vec::new())));
    let kept = troubles.clone();
    let orders = line.status().filter_map(move |status| {
        let n = kept.borrow().len();
        match (status, n) {
            (Status::Connected, 0) => {
                std::fs::remove_file(&name).unwrap();
                *there.borrow_mut() = None;
                None
            }
            (Status::Disconnected { error, .. }, n) => {
                kept.borrow_mut().push(format!("{error:?}"));
                (n == 1).then(&plug_in).map(|()| "hello".to_owned())
            }
            _ => {
                there.borrow_mut().as_mut().unwrap().write_all(b"ck\nback\n").unwrap();
                None
            }
        }
    });
    orders.connect(line.sender());
    let stopper = scheduler.stopper();
    line.received().for_each(move |text| {
        assert_eq!(text, "back");
        stopper.stop();
    });
    scheduler.schedule_on_main_event_loop(line.thing())?;
    scheduler.run_forever()?;
    let troubles = troubles.borrow();
    assert!(troubles[0].contains("board has hung up; check that its device is plugged in"), "{troubles:?}");
    assert!(troubles[1].contains("board is not there; `ls /dev/serial/by-id"), "{troubles:?}");
    assert_eq!(heard(plugged_in.borrow().as_ref().unwrap()), "hello\n");
    assert_eq!(line.stats().connections, 2);
    Ok(())
}

#[test]
fn what_cannot_be_opened_says_how_to_mend_it_and_is_tried_again() -> Result {
    let folder = tempfile::tempdir()?;
    let plain = folder.path().join("file");
    std::fs::write(&plain, "")?;
    for (path, expected) in [
        (Path::new("/dev/ttyNOBODY"), "is not there; `ls /dev/serial/by-id"),
        (&plain, "is not a serial line; `ls /dev/serial/by-id"),
    ] {
        let mut scheduler = new_scheduler();
        let line = Options::new(path, 9600)?.retry(short()).connect();
        let (seen, stopper) = (Recorder::new(), scheduler.stopper());
        let mut times = 0;
        line.status().also_to(seen.clone()).for_each(move |_| {
            times += 1;
            if times == 3 {
                stopper.stop();
            }
        });
        line.received().for_each(drop);
        scheduler.schedule_on_main_event_loop(line.thing())?;
        scheduler.run_forever()?;
        for status in seen.events() {
            let Status::Disconnected { error, .. } = status else { panic!("{status:?}") };
            assert!(format!("{error:?}").contains(expected), "{error:?}");
        }
    }
    let error = Options::new("/dev/ttyUSB0", 0).unwrap_err().to_string();
    assert!(error.contains("0 bits a second"), "{error}");
    Ok(())
}

#[test]
fn a_board_that_does_not_read_holds_nobody_up() -> Result {
    if !has_terminals() {
        return Ok(());
    }
    let (_board, path) = board();
    let mut scheduler = new_scheduler();
    let line = Options::new(&path, 9600)?.framed(LengthPrefixed::default()).queue(Limit::drop_oldest(4)).connect();
    line.received().for_each(drop);
    let frames = from_iter((0..200).map(|n| vec![n as u8; 1000])).connect(line.sender());
    scheduler.schedule_periodic(frames, Duration::from_millis(1))?;
    let (ticks, stopper) = (Rc::new(Cell::new(0)), scheduler.stopper());
    let counts = ticks.clone();
    let beside = interval(Duration::from_millis(1)).for_each(move |_| {
        counts.set(counts.get() + 1);
        if counts.get() == 300 {
            stopper.stop();
        }
    });
    scheduler.schedule_recurring(beside)?;
    scheduler.stop_within(Duration::ZERO);
    scheduler.schedule_on_main_event_loop(line.thing())?;
    scheduler.run_forever()?;
    let stats = line.stats();
    assert_eq!((ticks.get(), stats.posted), (300, 200));
    assert!(stats.dropped > 100 && stats.posted == stats.sent + stats.dropped + stats.waiting, "{stats:?}");
    Ok(())
}
