//! The program itself, as a user starts it.

use std::fs;
use std::process::{Command, Output, Stdio};

fn run(words: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let output = Command::new(env!("CARGO_BIN_EXE_system-monitor")).args(words).current_dir(folder.path()).output();
    let left = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(left, 0, "it leaves nothing where it is started");
    output.expect("it starts")
}

#[test]
fn f81_readings_are_lines_where_there_is_no_terminal_and_a_recording_is_equal() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let recording = folder.path().join("day").display().to_string();
    let output = run(&["--ticks", "1", "--csv", &recording]);
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.starts_with("cpu ") && text.contains(", memory ") && text.contains("\nevents on each connection:\n"),
        "{text}"
    );
    assert!(!text.contains('\x1b'), "no escape sequences: {text:?}");

    let output = run(&["--replay", &recording]);
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert!(output.status.success() && text.ends_with("all are equal to those recorded\n"), "{text}");
}

#[test]
fn f81_help_and_errors_are_text() {
    let output = run(&["--help"]);
    assert!(output.status.success() && output.stdout.starts_with(b"This machine on one screen"));
    let output = run(&["--fast"]);
    assert_eq!(output.stderr, b"system-monitor: invalid argument \"--fast\"; see --help\n");
    assert!(!output.status.success());
}

/// As `system-monitor | head -1` does it.
#[test]
fn f81_an_output_that_nobody_reads_ends_the_program_without_a_complaint() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_system-monitor"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends by itself");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn f81_the_graph_at_the_end_has_the_counts_of_all_ports() {
    let output = run(&["--ticks", "1"]);
    let text = String::from_utf8(output.stdout).expect("it is text");
    let news = text.split("\nnews (").nth(1).unwrap_or_default();
    assert!(!news.starts_with('0') && news.contains("\n  -> try_call ("), "{text}");
}
