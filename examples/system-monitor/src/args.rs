//! [`Args`]: what the words of the command line ask for.

use std::path::PathBuf;

pub(crate) const HELP: &str = "\
This machine on one screen: load, memory, disks, network, temperatures, alarms.

usage: system-monitor [--csv FOLDER] [--page ADDRESS] [--ticks N]
       system-monitor --replay FOLDER

  --csv FOLDER     write all readings and findings into a new folder
  --page ADDRESS   serve a live page, at 127.0.0.1:8080 for example
  --ticks N        end after N readings of each sensor, one a second; without it, Ctrl-C ends the program
  --replay FOLDER  run such readings through the same flow, in virtual time, and compare what it finds
  --help           show this

Where the output is no terminal, it is a line a second.";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Help,
    Watch(Options),
    Replay(PathBuf),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where to record.
    pub(crate) csv: Option<PathBuf>,
    /// Where to serve the page.
    pub(crate) page: Option<String>,
    /// How many readings of each sensor; no end if none.
    pub(crate) ticks: Option<usize>,
}

impl Args {
    /// # Errors
    /// A sentence that says which word is wrong.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Options::default();
        let mut replay = None;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| format!("invalid arguments: {word} needs a value; see --help"));
            match word.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--csv" => options.csv = Some(value()?.into()),
                "--page" => options.page = Some(value()?),
                "--ticks" => options.ticks = Some(number(&value()?)?),
                "--replay" => replay = Some(value()?.into()),
                _ => return Err(format!("invalid argument \"{}\"; see --help", word.escape_debug())),
            }
        }
        match replay {
            None => Ok(Self::Watch(options)),
            Some(folder) if options == Options::default() => Ok(Self::Replay(folder)),
            Some(_) => Err("invalid arguments: --replay takes no other option; see --help".to_owned()),
        }
    }
}

fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("invalid number of ticks \"{}\"; it is a whole number from 1", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_say_what_to_do() {
        assert_eq!(parse(""), Ok(Args::Watch(Options::default())));
        let options = Options { csv: Some("a".into()), page: Some("b".into()), ticks: Some(10) };
        assert_eq!(parse("--csv a --ticks 10 --page b"), Ok(Args::Watch(options)));
        assert_eq!(parse("--replay a"), Ok(Args::Replay("a".into())));
        assert_eq!(parse("--ticks 10 --help"), Ok(Args::Help));
    }

    #[test]
    fn f81_a_wrong_word_is_explained() {
        for (line, expected) in [
            ("--tick 1", "invalid argument \"--tick\"; see --help"),
            ("--csv", "invalid arguments: --csv needs a value; see --help"),
            ("--ticks ten", "invalid number of ticks \"ten\"; it is a whole number from 1"),
            ("--ticks 0", "invalid number of ticks \"0\"; it is a whole number from 1"),
            ("--replay a --csv b", "invalid arguments: --replay takes no other option; see --help"),
        ] {
            assert_eq!(parse(line).unwrap_err(), expected);
        }
    }
}
