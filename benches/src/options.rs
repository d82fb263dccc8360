//! The command line of the parent: `[--only GROUP]… [--json FILE]`.

use std::path::PathBuf;

use crate::{Result, groups};

/// What was asked for.
#[derive(Debug, Default)]
pub struct Options {
    only: Vec<String>,
    /// Where to write the figures, one JSON object to a line.
    pub json: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value\n{}", usage()));
            match arg.as_str() {
                "--only" => options.only.push(known_group(value()?)?),
                "--json" => options.json = Some(value()?.into()),
                _ => return Err(usage().into()),
            }
        }
        Ok(options)
    }

    /// Whether that group is to be measured.
    pub fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == group)
    }
}

fn known_group(name: &str) -> Result<String> {
    if groups::find(name).is_some() { Ok(name.into()) } else { Err(usage().into()) }
}

fn usage() -> String {
    let names: Vec<&str> = groups::ALL.iter().map(|group| group.name).collect();
    format!("usage: thingflow-benches [--only GROUP]... [--json FILE]\ngroups: {}", names.join(", "))
}
