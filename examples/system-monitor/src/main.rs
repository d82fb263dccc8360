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
use std::io::{self, Write};
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

/// What went wrong, and why, in one line; a cause that has been said is not said again.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn run() -> Result<(), Box<dyn Error>> {
    match Args::parse(std::env::args().skip(1))? {
        Args::Help => say(args::HELP)?,
        Args::Watch(options) => say(live::run(&options)?.trim_end())?,
        Args::Replay(folder) => say(&recording::replay(&folder)?)?,
    }
    Ok(())
}

/// Says a line. An output that nobody reads any more, as of `system-monitor | head`, is no failure.
fn say(line: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}
