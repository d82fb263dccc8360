//! Collects the figures, prints them as one table, writes them as JSON lines.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::figure::{Bound, Figure, OURS};
use crate::{Result, counter, machine};

/// What each subject measured, or why it did not.
pub type Values = Vec<(&'static str, Result<f64>)>;

/// The number of one subject, if there is one.
pub fn value_of(values: &Values, subject: &str) -> Option<f64> {
    values.iter().find(|(name, _)| *name == subject).and_then(|(_, value)| value.as_ref().ok().copied())
}

/// All figures so far.
#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one figure for each subject; the bound is for ours.
    pub fn add(&mut self, group: &'static str, name: &str, unit: &'static str, values: Values, bound: Option<Bound>) {
        for (subject, value) in values {
            let value = value.inspect_err(|error| eprintln!("not measured: {group}, {name}, {subject}: {error}")).ok();
            let bound = bound.filter(|_| subject == OURS && !counter::is_emulated()); // the limits are for this machine
            self.figures.push(Figure { group, name: name.into(), subject, value, unit, bound });
        }
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("{}", machine::described());
        println!("{:<12} {:<44} {:<22} {:>10} {:<9} {:>10}", "group", "figure", "subject", "value", "unit", "bound");
        for figure in &self.figures {
            let value = figure.value.map_or("-".into(), rounded);
            let verdict = match (figure.value, figure.holds()) {
                (None, _) => "NOT MEASURED",
                (_, Some(true)) => "holds",
                (_, Some(false)) => "BROKEN",
                (_, None) => "",
            };
            let line = format!(
                "{:<12} {:<44} {:<22} {value:>10} {:<9} {:>10} {verdict}",
                figure.group,
                figure.name,
                figure.subject,
                figure.unit,
                figure.bound.map_or(String::new(), shown),
            );
            println!("{}", line.trim_end());
        }
    }

    /// Writes one object to a line.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        for figure in &self.figures {
            writeln!(file, "{}", figure.to_json())?;
        }
        Ok(file.flush()?)
    }

    /// A failure if a figure is missing or a limit is broken.
    pub fn verdict(&self) -> ExitCode {
        let missing = self.figures.iter().filter(|figure| figure.value.is_none()).count();
        let broken = self.figures.iter().filter(|figure| figure.holds() == Some(false)).count();
        if missing + broken == 0 {
            return ExitCode::SUCCESS;
        }
        eprintln!("{missing} not measured, {broken} limits broken");
        ExitCode::FAILURE
    }
}

fn shown(bound: Bound) -> String {
    let sign = match bound {
        Bound::AtMost(_) => "<=",
        Bound::AtLeast(_) => ">=",
    };
    format!("{sign} {}", rounded(bound.limit()))
}

/// Three or four digits are what a measurement is worth.
fn rounded(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
