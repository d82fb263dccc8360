//! What an outbox keeps, published by MQTT to the broker of the host: the broker goes away and comes back, the program is killed,
//! and each number that was kept arrives, in order. And a program as it is deployed, connected: its memory, its last words.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;
use std::{env, fs};

use thingflow_adapters::mqtt::{Client, Message, Options};
use thingflow_adapters::outbox::{self, CommitWindow, Outbox, Outlet};
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Settled};

use crate::checks::Checks;
use crate::deployed::Service;
use crate::{Result, host};

/// So many numbers more are kept before each end.
const SOME: u32 = 100;
/// Between two numbers.
const PERIOD: Duration = Duration::from_millis(5);
/// The memory that a program may take which is connected, in KiB.
const LIMIT: u32 = 3 * 1024;

pub(crate) fn check(checks: &mut Checks) {
    checks.run("what an outbox keeps reaches a broker that goes away, from a program that is killed", || {
        let broker = host::ask("broker start")?;
        let mut station = Setup { broker, folder: env::temp_dir().join("outbox").display().to_string(), kept: 0 };
        let _ = fs::remove_dir_all(&station.folder);
        station.kill_after_some()?;
        host::ask("broker stop")?;
        station.kill_after_some()?;
        let waiting = station.start(u32::MAX)?;
        host::ask("broker start")?;
        station.kept = waiting.kill_at(station.kept + SOME)?;
        let (last, before) = (station.kept + SOME, station.kept);
        let (status, kept) = station.start(last)?.run_to_its_end()?;
        if !status.success() || kept != last {
            return Err(format!("{status} after {kept}, {before} kept before, {last} wanted").into());
        }
        host::ask(&format!("broker heard {} {last}", topic()))?;
        let heard = host::ask(&format!("broker numbers {}", topic()))?;
        all_up_to(last, &heard)?;
        Ok(format!("{last} kept, three kills, an outage; heard: {heard}"))
    });
}

pub(crate) fn check_connected(checks: &mut Checks, program: &str) {
    checks.run(&format!("{program} is connected: small, says that it comes and goes"), || {
        let broker = host::ask("broker start")?;
        let mut service = Service::start(program, &[("LUX_LED_BROKER", &broker)])?;
        host::ask("broker heard lux-led/status online")?;
        host::ask("broker heard lux-led/lux 50.0")?;
        let resident = service.resident()?.ok_or("it has gone")?;
        let status = service.end()?;
        host::ask("broker heard lux-led/status offline")?;
        let seen = format!("{resident} KiB resident, {status}");
        if status.success() && resident < LIMIT { Ok(seen) } else { Err(seen.into()) }
    });
}

/// Where this processor's numbers go.
fn topic() -> String {
    format!("station/{}", env::consts::ARCH)
}

/// No number is missing, up to `last`, and none overtakes another, in runs such as `1-20 15-30`.
fn all_up_to(last: u32, heard: &str) -> Result {
    let mut next = 1;
    for run in heard.split_whitespace() {
        let (first, end) = run.split_once('-').ok_or_else(|| format!("`{run}` is no run of numbers"))?;
        let (first, end): (u32, u32) = (first.parse()?, end.parse()?);
        if first > next {
            return Err(format!("{next} is missing: {heard}").into());
        }
        next = next.max(end + 1);
    }
    if next == last + 1 { Ok(()) } else { Err(format!("{next} is not there, and {last} is the last: {heard}").into()) }
}

/// What each run of the station is told.
struct Setup {
    broker: String,
    folder: String,
    /// The last number that a run has said to be kept.
    kept: u32,
}

impl Setup {
    fn start(&self, last: u32) -> Result<Station> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["station", &self.broker, &self.folder, &(self.kept + 1).to_string(), &last.to_string()]);
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let said = BufReader::new(program.stdout.take().ok_or("no output")?);
        Ok(Station { program, said, kept: self.kept })
    }

    fn kill_after_some(&mut self) -> Result {
        self.kept = self.start(u32::MAX)?.kill_at(self.kept + SOME)?;
        Ok(())
    }
}

/// A run of the station. Killed when dropped.
struct Station {
    program: Child,
    said: BufReader<ChildStdout>,
    kept: u32,
}

impl Station {
    /// Kills it when it has kept that number. Gives the last that it said it had kept.
    fn kill_at(mut self, number: u32) -> Result<u32> {
        while self.kept < number {
            if !self.hear()? {
                return Err(format!("it ended at {}: {}", self.kept, self.program.wait()?).into());
            }
        }
        self.program.kill()?;
        while self.hear()? {} // what it had said by then
        Ok(self.kept)
    }

    fn run_to_its_end(mut self) -> Result<(ExitStatus, u32)> {
        while self.hear()? {}
        Ok((self.program.wait()?, self.kept))
    }

    /// Hears of a number. False if it says no more.
    fn hear(&mut self) -> Result<bool> {
        let mut line = String::new();
        if self.said.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Ok(false);
        }
        self.kept = line.trim().parse()?;
        Ok(true)
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        drop(self.program.kill());
        drop(self.program.wait());
    }
}

/// Counts, keeps the numbers in an outbox, says which are on the disk, and publishes them.
pub(crate) fn station(broker: &str, folder: &str, first: &str, last: &str) -> ExitCode {
    match publish(broker, folder, first, last) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("station: {error}");
            ExitCode::FAILURE
        }
    }
}

fn publish(broker: &str, folder: &str, first: &str, last: &str) -> Result {
    let numbers = first.parse::<u32>()?..=last.parse()?;
    let mut scheduler = Scheduler::new()?;
    let client = Client::new(Options::new(broker)?);
    scheduler.schedule_on_main_event_loop(client.thing())?;
    let mut outbox = Outbox::<u32>::open(folder, outbox::Options::new(1 << 20, CommitWindow::default()))?;
    let stored = outbox.port("broker", Outlet::default())?;
    stored.map_value(|number| Message::new(topic(), number.to_string())).connect(client.publisher());
    let tracker = Tracker::new(|settled: Settled<u32>, _| {
        if settled.outcome == Outcome::Done {
            println!("{}", settled.meta);
        }
        Ok(())
    });
    let numbers = from_iter(numbers).track_by(&tracker, |number| *number).connect(outbox.tracked_input());
    scheduler.schedule_periodic(numbers, PERIOD)?;
    scheduler.schedule_on_main_event_loop(outbox)?;
    scheduler.run_forever()?; // until all is acknowledged
    Ok(())
}
