//! [`Args`]: what the words of the command line ask for.

use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HELP: &str = "\
A greenhouse: three sensors, a pump, a database on the board, Home Assistant.

usage: greenhouse [--folder FOLDER] [--broker URL] [--page ADDRESS] [--every MS] [--ticks N]

  --folder FOLDER  where readings are kept, a temporary folder unless told otherwise
  --broker URL     the MQTT broker, mqtt://localhost unless told otherwise
  --page ADDRESS   serve a live page, at 127.0.0.1:8080 for example
  --every MS       milliseconds from reading to reading, 5000 unless told otherwise; twelve of them are a minute
  --ticks N        end after N readings of each sensor, when all is delivered; without it, Ctrl-C ends the program
  --help           show this";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Help,
    Run(Options),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) broker: String,
    pub(crate) page: Option<String>,
    /// From reading to reading.
    pub(crate) every: Duration,
    /// How many readings of each sensor.
    pub(crate) ticks: usize,
}

impl Default for Options {
    fn default() -> Self {
        let (broker, every) = ("mqtt://localhost".to_owned(), Duration::from_secs(5));
        Self { folder: None, broker, page: None, every, ticks: usize::MAX }
    }
}

impl Args {
    /// # Errors
    /// A sentence that says which word is wrong.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Options::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| format!("invalid arguments: {word} needs a value; see --help"));
            match word.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--folder" => options.folder = Some(value()?.into()),
                "--broker" => options.broker = value()?,
                "--page" => options.page = Some(value()?),
                "--every" => options.every = Duration::from_millis(number("--every", &value()?)?),
                "--ticks" => options.ticks = usize::try_from(number("--ticks", &value()?)?).unwrap_or(usize::MAX),
                _ => return Err(format!("invalid argument \"{}\"; see --help", word.escape_debug())),
            }
        }
        Ok(Self::Run(options))
    }
}

fn number(word: &str, text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .ok_or_else(|| format!("invalid number \"{}\" after {word}; it is a whole number from 1", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_say_what_to_do() {
        assert_eq!(parse(""), Ok(Args::Run(Options::default())));
        let (broker, page) = ("mqtt://b".to_owned(), Some("c".to_owned()));
        let options = Options { folder: Some("a".into()), broker, page, every: Duration::from_millis(20), ticks: 7 };
        assert_eq!(parse("--folder a --broker mqtt://b --page c --every 20 --ticks 7"), Ok(Args::Run(options)));
        assert_eq!(parse("--ticks 7 --help"), Ok(Args::Help));
    }

    #[test]
    fn a_wrong_word_is_explained() {
        for (line, expected) in [
            ("--tick 1", "invalid argument \"--tick\"; see --help"),
            ("--ticks 20ms", "invalid number \"20ms\" after --ticks; it is a whole number from 1"),
            ("--folder", "invalid arguments: --folder needs a value; see --help"),
            ("--every 0", "invalid number \"0\" after --every; it is a whole number from 1"),
        ] {
            assert_eq!(parse(line).unwrap_err(), expected);
        }
    }
}
