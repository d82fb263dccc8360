//! A serial line whose device is unplugged and plugged in again: a pseudo terminal, which emulators of processors cannot set
//! up, so that it is checked on a kernel of its own.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::rc::Rc;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_sensors::serial::{CsvLines, Framed, Tty};

use crate::Result;
use crate::checks::{Checks, expect};

const PATH: &str = "/tmp/board";

pub(crate) fn check(checks: &mut Checks) {
    checks.run("a serial line is opened once more when its device is back", unplugged);
}

/// The device's end of the line.
type Device = Rc<RefCell<Option<File>>>;

fn plug_in(device: &Device) -> Result {
    let end = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&end)?;
    unlockpt(&end)?;
    symlink(ptsname(&end, Vec::new())?.to_str()?, PATH)?;
    device.replace(Some(end.into()));
    Ok(())
}

fn unplug(device: &Device) -> Result {
    fs::remove_file(PATH)?;
    device.replace(None);
    Ok(())
}

fn unplugged() -> Result<String> {
    let device = Device::default();
    plug_in(&device)?;
    let (board, mut next) = (device.clone(), 1);
    let open = move || {
        let line = Tty::open(PATH, 115_200).map_err(io::Error::other)?;
        if let Some(board) = &mut *board.borrow_mut() {
            // It starts anew when it is opened, and prints two readings.
            write!(board, "boot\n{next}\n{}\n", next + 1)?;
        }
        next += 2;
        Ok::<_, io::Error>(line)
    };
    let (seen, reports) = (Recorder::new(), Recorder::new());
    let readings = SensorOutput::new(Framed::opening("board", open, CsvLines::<1>::new()));
    readings.map(|event| event.val[0]).connect(seen.clone());

    let mut scheduler = Scheduler::virtual_time()?; // the line is real
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let retry = OnFailure::Retry {
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(1)),
        attempts: u32::MAX,
    };
    scheduler.schedule_periodic(readings, Periodic::every(Duration::from_secs(1)).on_failure(retry))?;
    scheduler.run_for(Duration::from_millis(2050))?;
    unplug(&device)?;
    scheduler.run_for(Duration::from_millis(1200))?; // fails at 3 s and 3.1 s
    plug_in(&device)?;
    scheduler.run_for(Duration::from_secs(1))?;
    unplug(&device)?;
    let reported = reports.events().len();
    expect("readings and failures", &(seen.timed_text(), reported), &("1.0@1 2.0@2 3.0@3.3 4.0@4".to_owned(), 2))
}
