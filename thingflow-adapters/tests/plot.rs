//! Pictures as files: what is on them, when they are written, and that nothing that comes spoils them.
#![cfg(feature = "plot")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use thingflow_adapters::plot::{Histogram, Plot, PlotError};
use thingflow_core::OutputThing;
use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;

type Done<T = ()> = Result<T, Box<dyn Error>>;

/// The texts of a picture, by a parser of XML, which refuses what is none.
fn texts(svg: &str) -> Done<Vec<String>> {
    let read = "import sys, xml.etree.ElementTree as x\nfor it in x.fromstring(sys.stdin.buffer.read()).iter():\n  if it.tag.endswith('text'): print((it.text or '').strip())";
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", read])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("a pipe")?.write_all(svg.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{}\n{svg}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Runs a source to its end.
fn run(source: impl OutputThing + 'static) -> Done {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(source)?;
    Ok(scheduler.run_forever()?)
}

/// Draws values that come each so often.
fn drawn(path: &Path, plot: &Plot, values: Vec<f64>, every: Duration) -> Done<String> {
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(ListSensor::new("lux", values), every, |lux| {
        lux.connect(plot.series("lux"));
    })?;
    scheduler.run_forever()?;
    Ok(fs::read_to_string(path)?)
}

#[test]
fn a_picture_has_its_series_in_a_legend_with_units_and_times_of_the_zone() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("day.svg");
    let plot = Plot::new(&path).title("The <cellar> & the attic").unit("°C").zone("Europe/Berlin")?;
    // The clocks are set from 2 to 3 in that night: 2026-03-29, 01:00 UTC.
    let begin = "2026-03-28T22:00:00Z".parse::<Timestamp>()?;
    let events = |height: f64| {
        (0..12).map(move |n| SensorEvent::new("t", begin + Duration::from_secs(3600 * n), height + n as f64))
    };
    run(from_iter(events(1.0)).connect(plot.series("cellar")))?;
    assert!(!path.exists() || fs::read_to_string(&path)?.contains("cellar"));
    run(from_iter(events(11.0)).connect(plot.series("\u{1b}[31mattic\0")))?;
    let texts = texts(&fs::read_to_string(&path)?)?;
    for text in ["The <cellar> & the attic", "°C", "cellar", "\\u{1b}[31mattic\\0", "23:00", "01:00", "03:00", "06:00"]
    {
        assert!(texts.iter().any(|it| it == text), "{text} in {texts:?}");
    }
    assert!(texts.iter().any(|it| it == "2026-03-28 to 2026-03-29, Europe/Berlin"), "{texts:?}");
    assert!(!texts.iter().any(|it| it == "02:00"), "there is none in that night: {texts:?}");
    Ok(())
}

#[test]
fn it_is_written_whole_at_each_flush_and_at_the_end() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lux.svg");
    let plot = Plot::new(&path);
    let mut scheduler = Scheduler::virtual_time()?;
    let lux = SensorOutput::new(ListSensor::new("lux", [1.0, 2.0, 3.0]));
    lux.connect(plot.series("lux"));
    lux.map(|event| event.val).connect(plot.series("the same"));
    scheduler.schedule_periodic(lux, Duration::from_secs(1))?;
    scheduler.run_for(Duration::from_millis(2500))?;
    assert!(!path.exists());
    scheduler.stopper().stop();
    scheduler.run_forever()?;
    let stopped = fs::read_to_string(&path)?;
    assert!(stopped.ends_with("</svg>\n") && texts(&stopped)?.contains(&"the same".into()));
    assert_eq!(fs::read_dir(folder.path())?.count(), 1, "nothing is left beside it");
    Ok(())
}

#[test]
fn a_gap_and_a_missing_number_break_the_line() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gaps.svg");
    let plot = Plot::new(&path).gap(Duration::from_secs(10));
    let at = |second: i64| Timestamp::from_secs(second);
    let events = [(0, 1.0), (1, 2.0), (2, f64::NAN), (3, 3.0), (4, 2.0), (30, 1.0), (31, 1.5)];
    let events = events.map(|(second, value)| SensorEvent::new("t", at(second), value));
    run(from_iter(events).connect(plot.series("t")))?;
    let svg = fs::read_to_string(&path)?;
    let lines = svg.lines().filter(|line| line.starts_with("<polyline") && line.contains("stroke-width=\"2\""));
    assert!(lines.count() >= 3, "{svg}");
    Ok(())
}

#[test]
fn a_histogram_counts_and_says_what_lies_outside() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("spread.svg");
    let spread = Histogram::new(&path, 0.0..=10.0, 10_usize).title("Spread").unit("mm");
    run(from_iter([0.5, 0.7, 5.5, 10.0, 11.0, -1.0]).connect(spread.series("width")))?;
    let svg = fs::read_to_string(&path)?;
    let texts = texts(&svg)?;
    for text in ["Spread", "mm", "how often", "width, 2 outside"] {
        assert!(texts.iter().any(|it| it == text), "{text} in {texts:?}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_written_ends_the_run_and_says_where() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("missing/lux.svg");
    let error = drawn(&path, &Plot::new(&path), vec![1.0, 2.0], Duration::from_secs(1)).err().ok_or("an error")?;
    assert!(error.to_string().contains("cannot write the picture") && error.to_string().contains("lux.svg"), "{error}");
    assert!(matches!(Plot::new("x.svg").zone("Middle/Earth"), Err(PlotError::Zone(zone, _)) if zone == "Middle/Earth"));
    Ok(())
}

#[test]
fn what_was_there_before_stays_if_the_new_picture_cannot_be_written() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("lux.svg");
    drawn(&path, &Plot::new(&path), vec![1.0, 2.0], Duration::from_secs(1))?;
    let before = fs::read(&path)?;
    fs::create_dir(folder.path().join("lux.svg.part"))?;
    assert!(drawn(&path, &Plot::new(&path), vec![5.0], Duration::from_secs(1)).is_err());
    assert_eq!(fs::read(&path)?, before);
    Ok(())
}

#[test]
fn an_empty_picture_is_one() -> Done {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("empty.svg");
    let svg = drawn(&path, &Plot::new(&path).size(1, 1), Vec::new(), Duration::from_secs(1))?;
    assert!(svg.ends_with("</svg>\n"), "{svg}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_numbers_and_times_spoil_a_picture(
        points in prop::collection::vec((any::<i64>(), prop_oneof![any::<f64>(), -10.0..10.0_f64, Just(f64::MAX), Just(f64::MIN), Just(5e-324)]), 0..40),
        width in 0_u32..500,
        near in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.svg");
        let plot = Plot::new(&path).size(width, 200).zone("America/New_York").unwrap();
        let time = |nanos: i64| Timestamp::from_nanos(if near { nanos % 1_000_000_000 } else { nanos });
        let events: Vec<_> = points.iter().map(|(at, value)| SensorEvent::new("t", time(*at), *value)).collect();
        run(from_iter(events).connect(plot.series("t"))).unwrap();
        let svg = fs::read_to_string(&path).unwrap();
        prop_assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        prop_assert!(svg.len() < 100_000 && !svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
    }
}
