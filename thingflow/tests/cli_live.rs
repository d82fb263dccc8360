//! The command-line tool, on a running program.
#![cfg(all(feature = "cli", feature = "page"))]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use thingflow::adapters::recording::{CommitWindow, Options, Recording};
use thingflow::page;
use thingflow::prelude::*;
use thingflow::testing::ListSensor;

type Done<T = ()> = Result<T, Box<dyn Error>>;

const MILLI: Duration = Duration::from_millis(1);

/// A program whose page is at a socket, until `work` is done.
fn beside<T: Send + 'static>(work: impl FnOnce(&Path) -> T + Send + 'static) -> Done<T> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("greenhouse.sock");
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_sensor(ListSensor::new("lux", vec![21.5; 1_000_000]), MILLI, |lux| {
        let lux = lux.map(|event| event.val).probe("values");
        lux.delay(Duration::from_secs(9), Limit::drop_oldest(8)).running_avg(5).for_each(drop);
    })?;
    let evil = from_iter(0..)
        .named("odd \u{1b}[1J")
        .map(|_| "red \u{1b}[31m\n".to_owned())
        .probe("evil \u{1b}[2J")
        .connect(call(drop));
    scheduler.schedule_periodic(evil, MILLI)?;
    let _page = page::Options::default().title("Greenhouse").serve_unix(&scheduler, &path)?;
    let stopper = scheduler.stopper();
    let client = thread::spawn(move || {
        let result = work(&path);
        stopper.stop();
        result
    });
    scheduler.run_forever()?;
    client.join().map_err(|_| "the client has panicked".into())
}

fn command(words: &[&str], socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thingflow"));
    command.args(words).arg("--socket").arg(socket);
    command
}

fn run(words: &[&str], socket: &Path) -> Output {
    command(words, socket).output().expect("the tool starts")
}

fn told(output: &Output) -> (Option<i32>, String) {
    let both = [&*output.stdout, &*output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&both).into_owned())
}

#[test]
fn top_shows_rates_queues_and_drops_without_a_terminal() -> Done {
    let output = beside(|path| run(&["top", "--every", "0.2"], path))?;
    let (code, text) = told(&output);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("Greenhouse  ") && text.contains("drops events"), "{text}");
    let words = |name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let lux = words("lux ");
    assert_eq!(lux[1..4], ["every", "1ms", "running"], "{text}");
    assert!(lux[4].parse::<u64>()? > 100 && lux[5].parse::<f64>()? > 100.0, "{text}");
    assert!(words("values").get(1).is_some_and(|id| id.starts_with('n')), "what can be tapped, with its id: {text}");
    assert!(text.contains("8 of 8"), "the full buffer: {text}");
    assert!(!text.contains('\u{1b}') && text.contains("odd \\u{1b}[1J"), "nothing commands the terminal: {text}");
    Ok(())
}

#[test]
fn tap_shows_the_events_of_a_place_by_name_and_by_id() -> Done {
    let outputs = beside(|path| {
        ["values", "evil \u{1b}[2J"]
            .map(|place| run(&["tap", place, "-n", "2"], path))
            .into_iter()
            .chain([
                run(&["tap", "values", "-n", "1", "--json"], path),
                run(&["tap", "nothing"], path),
                run(&["tap", "running_avg", "-n", "1"], path),
            ])
            .collect::<Vec<_>>()
    })?;
    let told: Vec<_> = outputs.iter().map(told).collect();
    let lines: Vec<_> = told[0].1.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line.ends_with("Z 21.5")), "{told:?}");
    assert!(told[1].1.lines().all(|line| line.contains("red ") && !line.contains('\u{1b}')), "{told:?}");
    let json: serde_json::Value = serde_json::from_str(&told[2].1)?;
    assert_eq!(json["text"], "21.5");
    assert!(told[3].0 == Some(3) && told[3].1.contains("unknown place \"nothing\": there are lux ("), "{told:?}");
    assert!(told[4].0 == Some(3) && told[4].1.contains("put a `.probe(..)` behind it"), "{told:?}");
    Ok(())
}

#[test]
fn tap_ends_with_the_program() -> Done {
    let mut child = beside(|path| {
        let mut child = command(&["tap", "values"], path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?; // it is listening; nobody reads what follows
        Ok::<_, Box<dyn Error + Send + Sync>>(child)
    })?
    .map_err(|error| error.to_string())?;
    let code = child.wait()?.code();
    let mut said = String::new();
    child.stderr.take().ok_or("a pipe")?.read_to_string(&mut said)?;
    assert!(code == Some(0) || said.contains("ended"), "{code:?} {said}");
    Ok(())
}

#[test]
fn graph_is_drawn_as_text_and_as_a_picture() -> Done {
    let outputs = beside(|path| {
        let picture = path.with_file_name("flow.svg");
        let drawn = run(&["graph", "--svg", "-o", &picture.to_string_lossy()], path);
        let svg = std::fs::read_to_string(picture).unwrap_or_default();
        (run(&["graph"], path), drawn, svg, run(&["graph", "--dot"], path))
    })?;
    let (text, drawn, svg, dot) = outputs;
    assert!(told(&text).1.contains("lux -> map -> values -> delay -> running_avg -> call"), "{text:?}");
    assert_eq!(told(&drawn), (Some(0), String::new()));
    assert!(svg.starts_with("<svg") && svg.contains("running_avg"), "{svg}");
    assert!(told(&dot).1.starts_with("digraph"), "{dot:?}");
    Ok(())
}

#[test]
fn a_program_that_is_not_there_hangs_up_or_is_another_one_is_told() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("none.sock");
    let (code, text) = told(&run(&["top"], &path));
    assert!(code == Some(3) && text.contains("page::serve_unix"), "{text}");

    let answers: [&[u8]; 6] = [
        b"",
        b"HTTP/1.0 200 OK\r\n\r\nno JSON",
        b"SSH-2.0-OpenSSH\r\n",
        &[b'x'; 100_000],
        b"HTTP/1.0 200 OK\r\n\r\n{\"title\":\"Greenh",
        b"HTTP/1.1 503 Service Unavailable\r\n\r\nno answer \x1b[2Jfrom the scheduler",
    ];
    let listener = UnixListener::bind(&path)?;
    let server = thread::spawn(move || {
        for answer in answers {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let _ = socket.read(&mut [0; 1024]);
            let _ = socket.write_all(answer); // the tool may have gone
        }
    });
    for answer in answers {
        let (code, text) = told(&run(&["top"], &path));
        assert!(
            code == Some(3) && text.starts_with("thingflow: ") && !text.contains('\u{1b}'),
            "{answer:?}: {code:?} {text}"
        );
    }
    server.join().map_err(|_| "the server has panicked")?;
    Ok(())
}

#[test]
fn the_only_program_of_a_user_is_found() -> Done {
    let folder = tempfile::tempdir()?;
    let sockets = folder.path().join("thingflow");
    std::fs::create_dir(&sockets)?;
    let find = || -> Done<String> {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_thingflow"));
        let output = tool.arg("graph").env("XDG_RUNTIME_DIR", folder.path()).env_remove("THINGFLOW_SOCKET").output()?;
        Ok(told(&output).1)
    };
    let _one = UnixListener::bind(sockets.join("one.sock"))?;
    let _two = UnixListener::bind(sockets.join("two.sock"))?;
    let several = find()?;
    assert!(several.contains("one.sock") && several.contains("two.sock"), "{several}");
    Ok(())
}

#[test]
fn the_last_minutes_are_recorded_at_the_press_of_a_button_and_read_by_the_tool() -> Done {
    let folder = tempfile::tempdir()?;
    let (path, kept) = (folder.path().join("freezer.sock"), folder.path().join("recording"));
    let mut scheduler = Scheduler::new()?;
    let recording = Recording::open(&kept, Options::new(1 << 20, CommitWindow::default()))?;
    let recording = recording.around(Duration::from_secs(60), Duration::ZERO, 4096); // some sixty events
    let (remote, presses) = scheduler.remote::<()>(Limit::drop_newest(1))?;
    presses.connect(recording.trigger());
    let lux = SensorOutput::new(ListSensor::new("lux", (0..1_000_000).map(f64::from).collect::<Vec<_>>()));
    lux.connect(recording.stream("lux")?);
    let passed = lux.port().clone();
    scheduler.schedule_periodic(lux, MILLI)?;
    scheduler.schedule_on_main_event_loop(recording)?;
    let options = page::Options::default().button("record the last minute", move || {
        let _ = remote.post(());
    });
    let _page = options.serve_unix(&scheduler, &path)?;
    let stopper = scheduler.stopper();
    let client = thread::spawn(move || -> std::io::Result<String> {
        let (shown, mut answer) = (run(&["tap", "lux", "-n", "4"], &path), String::new());
        let mut socket = std::os::unix::net::UnixStream::connect(&path)?;
        let press = "POST /api/press?name=record%20the%20last%20minute HTTP/1.1";
        write!(socket, "{press}\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        socket.read_to_string(&mut answer)?;
        let _ = run(&["tap", "lux", "-n", "2"], &path); // the press has come to the reactor by then
        stopper.stop();
        Ok(answer + &told(&shown).1)
    });
    scheduler.run_forever()?;
    let answer = client.join().map_err(|_| "the client has panicked")??;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    drop(scheduler);

    let tool = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_thingflow")).args(words).arg(&kept).output();
    let (code, info) = told(&tool(&["record", "info"])?);
    assert!(code == Some(0) && info.contains("lux"), "{info}");
    let (code, events) = told(&tool(&["record", "replay"])?);
    let shown = events.lines().filter(|line| line.contains("lux")).count() as u64;
    assert!(code == Some(0) && (10..=150).contains(&shown) && shown < passed.events(), "{shown}: {events}");
    Ok(())
}
