//! `thingflow-safe-lines LINE=LEVEL ...`: takes lines over and sets them, after a program was killed that drove them.
//!
//! A process that is killed, by SIGKILL or for want of memory, writes nothing any more: its lines stay as they are. Who is
//! still there is the service manager. In the unit of the program:
//!
//! ```ini
//! ExecStopPost=/usr/local/bin/thingflow-safe-lines GPIO17=low /dev/gpiochip0:27=high
//! ```
//!
//! It runs after each end of the program, sets what it can, says what it cannot, and fails if that is anything.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use thingflow_adapters::gpio::chardev::LineLevel;

    const USAGE: &str = "usage: thingflow-safe-lines LINE=low|high ...   LINE: GPIO17, or /dev/gpiochip0:17";
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if matches!(words.as_slice(), [word] if word == "--help" || word == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if words.is_empty() {
        eprintln!("no line to set; {USAGE}");
        return ExitCode::FAILURE;
    }
    let set = |word: &String| -> Result<(), Box<dyn std::error::Error>> { Ok(word.parse::<LineLevel>()?.set()?) };
    // All of them, whatever becomes of one.
    let failed = words.iter().filter(|word| set(word).inspect_err(|error| eprintln!("{error}")).is_err()).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("GPIO lines are there on Linux only");
    ExitCode::FAILURE
}
