//! The program itself, as a user starts it.

use std::fs;
use std::process::{Command, Output};

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
