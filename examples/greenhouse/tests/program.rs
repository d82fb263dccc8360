//! The program as a user starts it: without a broker, killed, started again.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mosquitto::Mosquitto;
use thingflow::adapters::mqtt::{Client, Options, Qos};
use thingflow::adapters::sqlite;
use thingflow::prelude::*;
use thingflow::testing::Recorder;

#[allow(dead_code)] // it serves other tests too
#[path = "../../../thingflow-adapters/tests/support/mosquitto.rs"]
mod mosquitto;

type Reading = SensorEvent<f64>;

/// The readings that the program has printed.
type Printed = Vec<String>;

fn start(folder: &Path, broker: &str, more: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greenhouse"));
    command.arg("--folder").arg(folder).args(["--broker", broker, "--every", "2"]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts")
}

/// Kills it when it has printed `n` readings; what it has printed until then.
fn kill_after(n: usize, mut child: Child) -> Printed {
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let mut lines = lines.enumerate();
    let mut printed: Printed = lines.by_ref().take(n).map(|(_, line)| line).collect();
    child.kill().expect("it runs");
    printed.extend(lines.map(|(_, line)| line));
    let _ = child.wait();
    printed
}

/// Waits for its end. The readings that it has printed, and what it says of them at the end.
fn ended(child: Child) -> (Printed, Vec<String>) {
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    let (summary, printed) = lines.into_iter().partition(|line: &String| line.contains(" taken = "));
    (printed, summary)
}

/// The rows of the database: their numbers in the outbox, and the readings as the program prints them.
fn rows(folder: &Path) -> Vec<String> {
    let rows = sqlite::Reader::<Reading>::open(folder.join("readings.db"), "readings").expect("it is there");
    rows.flow().map(|row| row.record.to_string()).collect_now()
}

/// Whether what a run has printed is stored, but for the last that it was killed with; how many are.
#[track_caller]
fn stored_of(printed: &Printed, rows: &[String]) -> usize {
    let known = |line: &&String| rows.contains(line);
    let stored = printed.iter().take_while(known).count();
    assert_eq!(stored, printed.iter().filter(known).count(), "a gap in what is stored of {printed:?}");
    stored
}

#[test]
fn a_greenhouse_without_a_broker_and_killed_twice_loses_nothing_that_was_stored() {
    let folder = tempfile::tempdir().expect("there is room");
    let folder = folder.path();
    let nobody = format!("mqtt://{}", mosquitto::free_port());
    let first = kill_after(60, start(folder, &nobody, &[]));

    let broker = Mosquitto::start();
    let url = format!("mqtt://{}", broker.address());
    let mut scheduler = Scheduler::new().expect("a descriptor is free");
    let client = Client::new(Options::new(&url).expect("it is an address"));
    let seen = Recorder::new();
    let heard = client.subscribe("greenhouse/+", Qos::AtLeastOnce).expect("it is a filter");
    heard.filter(|message| message.topic != "greenhouse/status").connect(seen.clone());
    scheduler.schedule_on_main_event_loop(client.thing()).expect("it is this scheduler's");
    scheduler.run_for(Duration::from_millis(100)).expect("nothing fails");

    let second = kill_after(60, start(folder, &url, &[]));
    let (last, summary) = ended(start(folder, &url, &["--ticks", "60"]));
    for meter in &summary {
        assert!(meter.contains(" + 0 waiting + 0 dropped + 0 dead + 0 lost"), "{meter}");
    }
    let rows = rows(folder);
    let stored = [&first, &second, &last].map(|printed| stored_of(printed, &rows));
    assert_eq!((summary.len(), stored[2], stored.iter().sum::<usize>()), (2, last.len(), rows.len()));
    assert!(stored.iter().all(|stored| *stored > 0), "{stored:?}");

    let mut published = BTreeMap::new();
    for _ in 0..100 {
        scheduler.run_for(Duration::from_millis(50)).expect("nothing fails");
        published = seen.events().iter().map(|message| (message.json::<Reading>().unwrap().to_string(), ())).collect();
        if published.len() == rows.len() {
            break;
        }
    }
    assert!(rows.iter().all(|row| published.contains_key(row)) && published.len() == rows.len(), "{}", published.len());
}

#[test]
fn help_and_errors_are_text() {
    let run = |word| Command::new(env!("CARGO_BIN_EXE_greenhouse")).arg(word).output().expect("it starts");
    assert!(run("--help").stdout.starts_with(b"A greenhouse: three sensors"));
    let error = run("--brocker");
    assert!(
        !error.status.success() && String::from_utf8_lossy(&error.stderr).contains("] invalid argument \"--brocker\""),
        "{error:?}"
    );
}

/// What the page says at an address without a token.
fn ask(page: &str, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(page)?;
    write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn s11_the_page_is_ready_with_the_reason_while_the_broker_is_away() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut child = start(folder.path(), "mqtt://127.0.0.1:1", &["--page", "127.0.0.1:0"]);
    let printed = child.stdout.take().into_iter();
    let mut lines = printed.flat_map(|out| BufReader::new(out).lines().map_while(Result::ok));
    let page = lines.find_map(|line| Some(line.strip_prefix("the page is at http://")?.split_once('/')?.0.to_owned()));
    let mut said = lines.map_while(|_| Some(ask(page.as_ref()?, "/ready")));
    let ready = said.find(|said| said.as_ref().map_or(true, |said| said.contains("keeps")));
    let _ = child.kill();
    let _ = child.wait();
    let ready = ready.ok_or("the program has ended, or has no page")??;
    assert!(ready.starts_with("HTTP/1.0 200") && ready.contains("output 1 of 2 on the page keeps"), "{ready}");
    Ok(())
}
