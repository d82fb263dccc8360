//! The monitor on readings that are given, in virtual time.

use super::*;
use thingflow::testing::{ListSensor, Recorder};

#[test]
fn readings_average_and_alarm() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("load.csv");
    let (averages, alarms) = (Recorder::new(), Recorder::new());
    let load = SensorOutput::new(ListSensor::new("cpu", [50.0, 100.0, 100.0, 100.0, 100.0, 100.0, 50.0, 0.0, 100.0]));
    let average = watch(&load, &file, 8)?;
    average.connect(averages.clone());
    average.pipe(alarm()).connect(alarms.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(load, Duration::from_secs(1))?;
    scheduler.run_forever()?;

    assert_eq!(averages.text(), "50.0 75.0 83.33333333333333 87.5 90.0 100.0 90.0 70.0 |");
    assert_eq!(alarms.timed_text(), "true@6 |@8", "once, although the load stays high for a while");
    let text = std::fs::read_to_string(&file)?;
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 9, "a header and eight readings: {text}");
    assert_eq!(rows[1], "1,1970-01-01T00:00:01Z,cpu,50");
    Ok(())
}

#[test]
fn an_alarm_comes_again_after_the_load_was_low() {
    assert_eq!(from_iter([91.0, 95.0, 20.0, 90.0, 90.5]).pipe(alarm()).collect_now(), [true, true]);
}

#[test]
fn this_machine_has_a_load() -> Result<(), Box<dyn Error>> {
    let load = CpuLoad::new("cpu")?.sample()?;
    assert!((0.0..=100.0).contains(&load), "{load}");
    Ok(())
}

#[test]
fn a_wrong_argument_is_explained() {
    let args = |text: &str| ticks(text.split_whitespace().map(str::to_owned));
    assert_eq!(args(""), Ok(usize::MAX));
    assert_eq!(args("--ticks 10"), Ok(10));
    assert!(args("--ticks ten").unwrap_err().contains("whole number"));
    assert!(args("--help").unwrap_err().contains("usage"));
}
