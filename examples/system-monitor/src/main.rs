//! This machine on one screen of the terminal: load, memory, disks, network, temperatures and the busiest process, each with
//! its mean, least and greatest value of the last minute, and alarms. Plain lines where the output is no terminal.
//!
//! ```sh
//! cargo run --release -p system-monitor                          # until Ctrl-C
//! cargo run --release -p system-monitor -- --page 127.0.0.1:8080 # a live page too
//! cargo run --release -p system-monitor -- --csv /tmp/day        # records what it reads and finds
//! cargo run --release -p system-monitor -- --replay /tmp/day     # the recording once more, in no time
//! ```

mod args;
mod flow;
mod live;
mod machine;
mod recording;
mod row;
mod screen;
mod terminal;

use std::error::Error;
use std::process::ExitCode;

use args::Args;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("system-monitor: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, and why, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

fn run() -> Result<(), Box<dyn Error>> {
    match Args::parse(std::env::args().skip(1))? {
        Args::Help => println!("{}", args::HELP),
        Args::Watch(options) => print!("{}", live::run(&options)?),
        Args::Replay(folder) => println!("{}", recording::replay(&folder)?),
    }
    Ok(())
}
