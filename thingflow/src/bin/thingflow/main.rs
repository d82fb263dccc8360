//! The command-line tool: looks at running programs, and at outboxes and recordings on disk without the program that made them.

mod failure;
mod feed;
mod graph;
mod live;
mod output;
mod people;
mod queue;
mod record;
mod records;
mod tap;
mod test_file;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Looks at ThingFlow's programs, outboxes and recordings.
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
    /// What flows in a running program, how fast, what waits, what is dropped, what is wrong
    Top(top::Top),
    /// The events of a place of a running program, ten a second at most
    Tap(tap::Tap),
    /// The graph of a running program, as text or as a drawing
    Graph(graph::Draw),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Queue(command) => queue::run(command),
        Command::Record(command) => record::run(command),
        Command::Top(top) => top::run(&top),
        Command::Tap(tap) => tap::run(&tap),
        Command::Graph(draw) => graph::run(&draw),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.code()
        }
    }
}
