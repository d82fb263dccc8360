//! The command-line tool: looks at outboxes and recordings on disk, without the program that made them.

mod failure;
mod feed;
mod output;
mod queue;
mod record;
mod records;
mod test_file;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks at ThingFlow's outboxes and recordings.
///
/// Exit codes: 0 done; 1 something is damaged, or a record could not be read; 2 wrong usage; 3 it could not be done.
#[derive(Parser)]
#[command(name = "thingflow", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Outboxes, and their dead letters in the folder `dead`.
    #[command(subcommand)]
    Queue(queue::Command),
    /// Recordings.
    #[command(subcommand)]
    Record(record::Command),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Queue(command) => queue::run(command),
        Command::Record(command) => record::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.code()
        }
    }
}
