//! Measures ThingFlow beside its neighbours and beside loops written by hand; prints one table of all figures.
//! See `README.md` for the groups and how each is measured.

mod child;
mod counter;
mod counting;
mod device;
mod event;
mod feeding;
mod figure;
mod groups;
mod machine;
mod options;
mod posting;
mod report;
mod running_avg;
mod sampling;
mod servers;
mod sink;
mod subjects;
mod ticking;

use std::process::ExitCode;

use options::Options;
use report::Report;

/// What went wrong, for a person to read.
type Error = Box<dyn std::error::Error>;

/// A value, or why there is none.
type Result<T> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((first, rest)) if first == child::COMMAND => child::answer(rest).map(|()| ExitCode::SUCCESS),
        _ => Options::parse(&args).and_then(|options| measure(&options)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// Measures the chosen groups, one after the other, and reports.
fn measure(options: &Options) -> Result<ExitCode> {
    let mut report = Report::new();
    if let Err(error) = counter::available() {
        eprintln!("{error}\n");
    }
    let can_measure = |group: &groups::Group| group.counts || !counter::is_emulated();
    for group in groups::ALL.iter().filter(|group| options.wants(group.name) && can_measure(group)) {
        eprintln!("measuring {} ({})", group.name, group.about);
        (group.measure)(&mut report);
    }
    report.print();
    if let Some(path) = &options.json {
        report.write_json(path)?;
    }
    Ok(report.verdict())
}
