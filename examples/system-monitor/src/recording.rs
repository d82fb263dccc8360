//! A recording: the readings, as a CSV file, and the findings, a line each; and how it is run once more.

use std::cell::RefCell;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use thingflow::adapters::{csv, lines};
use thingflow::prelude::*;

use crate::flow::{Finding, watch};

/// The files of a recording.
struct Files {
    readings: PathBuf,
    findings: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Self {
        Self { readings: folder.join("readings.csv"), findings: folder.join("findings.txt") }
    }
}

/// Writes what these ports send into a new folder, or one without a recording.
pub(crate) fn record(
    folder: &Path,
    readings: &Port<SensorEvent<f64>>,
    findings: &Port<Finding>,
) -> Result<(), Box<dyn Error>> {
    let files = Files::of(folder);
    if files.readings.exists() || files.findings.exists() {
        return Err(format!("{} already holds a recording; name another folder", folder.display()).into());
    }
    fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    readings.connect(csv::write(files.readings)?);
    findings.connect(lines::write(files.findings)?);
    Ok(())
}

/// Runs the readings of a recording through the flow on the virtual clock; says how that compares with what was found then.
///
/// # Errors
/// If anything else comes out.
pub(crate) fn replay(folder: &Path) -> Result<String, Box<dyn Error>> {
    let files = Files::of(folder);
    let recorded = fs::read_to_string(&files.findings)
        .map_err(|error| format!("cannot read {}: {error}; record with --csv FOLDER", files.findings.display()))?;
    let start = Instant::now();
    let (replayed, span) = run(&files.readings)?;
    let count = compare(&recorded, &replayed)?;
    let took = start.elapsed().as_secs_f64() * 1000.0;
    Ok(format!(
        "{}: {count} findings of {:.0} s, replayed in {took:.1} ms; all are equal to those recorded",
        folder.display(),
        span.as_secs_f64()
    ))
}

/// What the flow finds in a file, and how much time that spans.
fn run(readings: &Path) -> Result<(Vec<String>, std::time::Duration), Box<dyn Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let (port, found) = (Port::new(), Rc::new(RefCell::new(Vec::new())));
    let to = Rc::clone(&found);
    watch(&port).for_each(move |finding| to.borrow_mut().push(finding.to_string()));
    scheduler.schedule_recurring(csv::read::<f64>(readings)?.as_recorded().connect(port))?;
    scheduler.run_forever()?;
    let span = scheduler.now().since(thingflow::Instant::ZERO);
    Ok((found.take(), span))
}

/// The number of findings, if all are equal.
fn compare(recorded: &str, replayed: &[String]) -> Result<usize, String> {
    let recorded: Vec<&str> = recorded.lines().collect();
    let differs = recorded.iter().zip(replayed).position(|(then, now)| then != now);
    match differs {
        Some(at) => Err(format!("line {} differs; recorded: {}; replayed: {}", at + 1, recorded[at], replayed[at])),
        None if recorded.len() == replayed.len() => Ok(recorded.len()),
        None => Err(format!("{} findings were recorded, {} came of the replay", recorded.len(), replayed.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use thingflow::joins::merge;
    use thingflow::testing::ListSensor;

    fn readings(of: impl Fn(i32) -> f64) -> Vec<f64> {
        (0..90).map(of).collect()
    }

    /// Records two sensors in virtual time.
    fn recorded(folder: &Path) -> Result<(), Box<dyn Error>> {
        let mut scheduler = Scheduler::virtual_time()?;
        let cpu = SensorOutput::new(ListSensor::new("cpu", readings(|n| f64::from(n * 7 % 101))));
        let network = SensorOutput::new(ListSensor::new("eth0 in", readings(|n| f64::from(n).sqrt() * 1e3)));
        let readings = merge([cpu.port(), network.port()]).share();
        record(folder, &readings, &watch(&readings))?;
        scheduler.schedule_periodic(cpu, Duration::from_secs(1))?;
        scheduler.schedule_periodic(network, Duration::from_secs(1))?;
        Ok(scheduler.run_forever()?)
    }

    #[test]
    fn a_recording_gives_the_same_once_more() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        recorded(folder.path())?;
        let said = replay(folder.path())?;
        assert!(said.contains(": 180 findings of 89 s, replayed in "), "{said}");
        assert!(said.ends_with(" ms; all are equal to those recorded"), "{said}");
        Ok(())
    }

    #[test]
    fn what_differs_is_an_error_that_shows_it() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        recorded(folder.path())?;
        let file = Files::of(folder.path()).readings;
        let text = fs::read_to_string(&file)?;
        fs::write(&file, text.replacen(",cpu,7\n", ",cpu,8\n", 1))?;
        let error = replay(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("line 3 differs; recorded: ") && error.contains("now 8"), "{error}");

        fs::write(&file, text.lines().take(5).map(|line| line.to_owned() + "\n").collect::<String>())?;
        let error = replay(folder.path()).unwrap_err().to_string();
        assert_eq!(error, "180 findings were recorded, 4 came of the replay");
        Ok(())
    }

    #[test]
    fn f81_a_recording_is_not_overwritten_and_a_missing_one_is_named() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        recorded(folder.path())?;
        assert!(
            recorded(folder.path())
                .unwrap_err()
                .to_string()
                .ends_with("already holds a recording; name another folder")
        );
        let error = replay(&folder.path().join("other")).unwrap_err().to_string();
        assert!(
            error.contains("other/findings.txt: No such file") && error.ends_with("record with --csv FOLDER"),
            "{error}"
        );
        Ok(())
    }
}
