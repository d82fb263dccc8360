//! `cargo xtask`: the repository's own chores. Without a command it lists them.

mod bare;
mod bench;
mod board;
mod book;
mod ci;
mod clean;
mod costs;
mod cross;
mod deploy;
mod docs;
mod examples;
mod feature_index;
mod features;
mod filter_index;
mod lowest;
mod model;
mod name;
mod new;
mod operators;
mod package;
mod pictures;
mod process;
mod setup;
mod summary;
mod test;
mod tidy;
mod tree;

use std::env;
use std::error::Error;
use std::process::ExitCode;

/// What a chore comes to: done, or the reason why not.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A chore, given the words that follow its name.
type Chore = fn(&[String]) -> Result;

struct Command {
    name: &'static str,
    help: &'static str,
    run: Chore,
}

const COMMANDS: [Command; 19] = [
    Command {
        name: "setup",
        help: "install what the tests need; --bare, --bench, --cross, --board, --deploy, --servers: what these need too",
        run: setup::run,
    },
    Command {
        name: "test",
        help: "every test, in every feature set; further words go to `cargo test`",
        run: test::run,
    },
    Command { name: "model", help: "the queues between threads, in all orders of their steps", run: model::run },
    Command { name: "tidy", help: "check the repository's own rules; all, or those that are named", run: tidy::run },
    Command { name: "features", help: "lint each crate with each of its features alone", run: features::run },
    Command { name: "docs", help: "the pages of cargo doc, linked to each other", run: docs::run },
    Command {
        name: "examples",
        help: "run each example for a moment; it must leave nothing behind",
        run: examples::run,
    },
    Command { name: "package", help: "pack the crates as crates.io would get them", run: package::run },
    Command {
        name: "lowest",
        help: "check with the lowest versions of all dependencies, some minutes; or only what is named, as `-p thingflow-core`",
        run: lowest::run,
    },
    Command { name: "bare", help: "build for Cortex-M, and run the example on an emulated board", run: bare::run },
    Command {
        name: "cross",
        help: "the examples for ARM boards, and the libraries' tests on an emulated processor",
        run: cross::run,
    },
    Command {
        name: "board",
        help: "boot ARM boards in an emulator, with programs of ours on real pins",
        run: board::run,
    },
    Command { name: "new", help: "make a folder for your own program, a copy of template/", run: new::run },
    Command { name: "deploy", help: "install a program on a board over ssh, as a service", run: deploy::run },
    Command {
        name: "book",
        help: "regenerate the tables of operators and features; with mdbook installed, build the book",
        run: book::run,
    },
    Command { name: "pictures", help: "make the pictures of the README and the book anew", run: pictures::run },
    Command {
        name: "bench",
        help: "run the benches, e.g. `bench --only GROUP --json FILE`, `bench --target aarch64`",
        run: bench::run,
    },
    Command { name: "operators", help: "measure what each operator costs, for the book's list", run: costs::run },
    Command {
        name: "ci",
        help: "the whole gate: all of the above but lowest, new, deploy, pictures, bench and operators, and format, lints",
        run: ci::run,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some(command) = words.first().and_then(|name| find(name)) else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(&words[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {}: {error}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for command in &COMMANDS {
        text += &format!("  {:9} {}\n", command.name, command.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_lists_every_command_once() {
        for command in &COMMANDS {
            assert_eq!(usage().matches(&format!("\n  {} ", command.name)).count(), 1, "{}", command.name);
        }
    }

    #[test]
    fn an_unknown_command_is_not_found() {
        assert!(find("tidy").is_some());
        assert!(find("tiddy").is_none());
    }
}
