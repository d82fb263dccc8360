//! Programs of the system as sources and as filters.
#![cfg(feature = "process")]

mod support;

use std::process::Command;
use std::time::Duration;

use support::bounded::new_scheduler;
use thingflow_adapters::framing::Lines;
use thingflow_adapters::process::{self, Options, Program};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Done = Result<(), Box<dyn std::error::Error>>;

fn shell(script: &str) -> impl FnMut() -> Command + 'static {
    let script = script.to_owned();
    move || {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]);
        shell
    }
}

/// The output, the errors and the ends of a program that runs to its end.
fn run(program: &Program<Lines>) -> Result<[String; 3], Box<dyn std::error::Error>> {
    let (output, errors, exits) = (Recorder::new(), Recorder::new(), Recorder::new());
    program.output().connect(output.clone());
    program.stderr().connect(errors.clone());
    program.exits().map(|exit| exit.status.code()).connect(exits.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    Ok([output.text(), errors.text(), exits.text()])
}

#[test]
fn sz45_lines_of_a_program_and_of_its_errors() -> Done {
    let [output, errors, exits] = run(&process::run("sh", shell("echo one; echo oops >&2; echo two; printf three")))?;
    assert_eq!((output.as_str(), errors.as_str(), exits.as_str()), (r#""one" "two" |"#, r#""oops" |"#, "Some(0) |"));
    let lines = Lines::default().allow_unterminated();
    let whole = Options::new("sh", shell("echo one; printf three")).framed(lines).run();
    assert_eq!(run(&whole)?[0], r#""one" "three" |"#);
    Ok(())
}

#[test]
fn a_flood_of_errors_does_not_hold_the_output_up() -> Done {
    let program = process::run("sh", shell("yes oops >&2 & echo one; echo two; wait"));
    program.stderr().for_each(drop);
    let mut scheduler = new_scheduler();
    let (output, stopper) = (Recorder::new(), scheduler.stopper());
    program.output().also_to(output.clone()).skip(1).for_each(move |_| stopper.stop());
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert_eq!(output.events(), ["one", "two"]);
    Ok(())
}

/// Here it goes on when the program has ended, and writes to its pipes as fast as they are read.
#[test]
fn what_a_program_has_started_does_not_hide_that_it_has_ended() -> Done {
    for script in ["echo one; yes & exit 0", "echo one; yes >&2 & exit 0"] {
        let program = process::run("sh", shell(script));
        let (first, exits) = (Recorder::new(), Recorder::new());
        program.output().take(1).connect(first.clone());
        program.output().for_each(drop);
        program.stderr().for_each(drop);
        program.exits().map(|exit| exit.status.code()).connect(exits.clone());
        let mut scheduler = new_scheduler();
        scheduler.schedule_on_main_event_loop(program.thing())?;
        scheduler.run_forever()?;
        assert_eq!((first.events(), exits.text().as_str()), (vec!["one".to_owned()], "Some(0) |"), "{script}");
    }
    Ok(())
}

#[test]
fn sz45_much_that_is_written_just_before_the_end_is_not_lost() -> Done {
    let program = process::run("seq", || {
        let mut seq = Command::new("seq");
        seq.arg("5000");
        seq
    });
    let count = Recorder::new();
    program.output().count().connect(count.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert_eq!(count.events(), [5000]);
    Ok(())
}

#[test]
fn a_program_that_fails_ends_the_stream_by_an_error_that_names_it() -> Done {
    let program = process::run("probe", shell("echo half; exit 3"));
    let seen = Recorder::new();
    program.output().connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    let _ = scheduler.run_forever();
    assert_eq!(seen.events(), ["half"]);
    let error = seen.error().ok_or("an error")?;
    assert!(error.contains("`probe` has failed") && error.contains('3'), "{error}");
    Ok(())
}

#[test]
fn a_program_that_is_not_there_is_an_error_that_says_so() -> Done {
    let program = process::run("probe", || Command::new("/no/such/program"));
    let seen = Recorder::new();
    program.output().connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    let _ = scheduler.run_forever();
    assert!(seen.error().is_some_and(|error| error.contains("cannot start the program `")), "{:?}", seen.error());
    Ok(())
}

#[test]
fn a_program_that_ends_is_started_again() -> Done {
    let again = Options::new("sh", shell("echo up; exit 1")).restart(Backoff::constant(Duration::from_millis(1))).run();
    let (seen, exits) = (Recorder::new(), Recorder::new());
    let mut scheduler = Scheduler::new()?;
    let stopper = scheduler.stopper();
    again.output().also_to(seen.clone()).skip(2).for_each(move |_| stopper.stop());
    again.exits().map(|exit| exit.restarts).connect(exits.clone());
    scheduler.schedule_on_main_event_loop(again.thing())?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), ["up", "up", "up"]);
    // The third may have ended before the run.
    assert!(matches!(exits.events()[..], [true, true] | [true, true, true]), "{:?}", exits.events());
    Ok(())
}

#[test]
fn a_filter_that_is_slow_pauses_its_source_and_loses_nothing() -> Done {
    // More than a pipe and the limit hold.
    let program = Options::new("cat", || Command::new("cat")).max_unsent(1000).run();
    let count = Recorder::new();
    program.output().fold(0, |sum, line: String| sum + line.len()).connect(count.clone());
    let mut scheduler = Scheduler::new()?;
    let lines = (0..300).map(|n| format!("{n:01000}"));
    scheduler.schedule_recurring(from_iter(lines).connect(program.input()))?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert_eq!(count.events(), [300_000]);
    Ok(())
}

/// It goes on without reading: its sources must not wait for it for ever.
#[test]
fn a_program_that_closes_its_input_ends_what_is_sent_to_it_and_says_what_is_lost() -> Done {
    let program = process::run("deaf", shell("exec 0<&-; echo closed; exec sleep 1000"));
    let (closed, reports) = (Recorder::new(), Recorder::new());
    program.output().connect(closed.clone());
    let mut scheduler = Scheduler::new()?;
    let stopper = scheduler.stopper();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let lines = interval(Duration::from_millis(1)).filter(move |_| !closed.events().is_empty());
    let lines = lines.map(|_| "x".repeat(1000)).connect(program.input());
    let handle = scheduler.schedule_recurring(lines)?;
    scheduler.schedule_recurring(interval(Duration::from_millis(2)).for_each(move |_| {
        if !handle.is_active() {
            stopper.stop();
        }
    }))?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert_eq!(reports.events().len(), 1, "{:?}", reports.events());
    assert!(reports.events()[0].starts_with("deaf: 1001 bytes are lost, since the program"), "{:?}", reports.events());
    Ok(())
}

#[test]
fn what_a_program_has_not_read_when_it_ends_is_reported() -> Done {
    let program = Options::new("head", shell("exec head -n 1")).max_unsent(1 << 20).run();
    let (seen, reports) = (Recorder::new(), Recorder::new());
    program.output().map(|line| line.len()).connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    scheduler.schedule_recurring(from_iter([vec!["x".repeat(1000); 500]]).flatten().connect(program.input()))?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert_eq!(seen.events(), [1000]);
    assert!(reports.events().iter().any(|text| text.contains("bytes are lost, since")), "{:?}", reports.events());
    Ok(())
}

#[test]
fn a_program_is_killed_with_its_thing() -> Done {
    let program = process::run("sh", shell("echo $$; exec sleep 1000"));
    let seen = Recorder::new();
    let mut scheduler = Scheduler::new()?;
    let stopper = scheduler.stopper();
    program.output().also_to(seen.clone()).for_each(move |_| stopper.stop());
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    let pid = seen.events().first().ok_or("a line")?.clone();
    drop((scheduler, program));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "it still runs, as {pid}");
    Ok(())
}

#[test]
fn a_program_that_is_only_written_to_runs_although_nobody_listens() -> Done {
    let folder = tempfile::tempdir()?;
    let kept = folder.path().join("kept");
    let program = process::run("tee", {
        let kept = kept.clone();
        move || {
            let mut tee = Command::new("tee");
            tee.arg(&kept);
            tee
        }
    });
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    let lines = from_iter(0..2000).map(|n| n.to_string()).connect(program.input());
    scheduler.schedule_recurring(lines)?;
    scheduler.run_forever()?;
    let expected: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    assert_eq!(std::fs::read_to_string(kept)?.lines().collect::<Vec<_>>(), expected);
    Ok(())
}

#[test]
fn a_filter_whose_reader_has_left_ends_its_source() -> Done {
    let program = process::run("cat", || Command::new("cat"));
    let seen = Recorder::new();
    program.output().take(1).connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.schedule_recurring(from_fn(|| Some("a line".to_owned())).connect(program.input()))?;
    scheduler.run_forever()?;
    assert_eq!(seen.text(), r#""a line" |"#);
    Ok(())
}

#[test]
fn a_program_that_nobody_reads_runs_to_its_end() -> Done {
    let folder = tempfile::tempdir()?;
    let done = folder.path().join("done");
    let program = process::run("job", shell(&format!("yes | head -c 1000000; touch {}", done.display())));
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(program.thing())?;
    scheduler.run_forever()?;
    assert!(done.exists());
    Ok(())
}
