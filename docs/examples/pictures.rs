//! Draws the graphs and some of the plots that the README and the book show: `cargo xtask pictures`. The first word is the folder.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use thingflow::adapters::gpio::{SimulatedPin, pin_out};
use thingflow::adapters::plot::Plot;
use thingflow::prelude::*;
use thingflow::testing::ListSensor;
use thingflow::windows::{Count, Mean, Median, Variance};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name the folder for the pictures")?);
    fs::write(folder.join("lamp.svg"), lamp()?)?;
    fs::write(folder.join("greenhouse.svg"), greenhouse()?)?;
    averages(&Plot::new(folder.join("averages.svg")).title("A spike of ten degrees").unit("°C"))?;
    windows(&Plot::new(folder.join("windows.svg")).title("Means of a restless level").unit("mm"))?;
    digits(&Plot::new(folder.join("digits.svg")).title("Digits of a variance that are right").unit("digits"))?;
    lateness(
        &Plot::new(folder.join("lateness.svg")).title("Readings in each minute that were counted").unit("readings"),
    )
}

/// A spike and a step, as averages of five readings see them.
fn averages(plot: &Plot) -> Result<(), Box<dyn Error>> {
    let celsius = |second: u32| match second {
        20 => 30.0,
        40.. => 24.0 + 0.2 * f64::from(second % 2),
        _ => 20.0 + 0.2 * f64::from(second % 2),
    };
    let sensor = ListSensor::new("room", (0..60).map(celsius).collect::<Vec<_>>());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(sensor, Duration::from_secs(1), |room| {
        room.connect(plot.series("readings"));
        room.running_avg(5).connect(plot.series("mean of 5"));
        room.aggregate(Window::sliding(5), Median::new()).connect(plot.series("median of 5"));
        room.ewma(1.0 / 3.0).connect(plot.series("ewma, span 5"));
    })?;
    Ok(scheduler.run_forever()?)
}

/// The means of windows that overlap, stand side by side, and never end.
fn windows(plot: &Plot) -> Result<(), Box<dyn Error>> {
    let level = |second: u32| 50.0 + 20.0 * f64::from(second / 40) + f64::from(second * 37 % 23);
    let sensor = ListSensor::new("level", (0..80).map(level).collect::<Vec<_>>());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_sensor(sensor, Duration::from_secs(1), |level| {
        level.connect(plot.series("readings"));
        level.aggregate(Window::sliding(10), Mean::new()).connect(plot.series("sliding(10)"));
        level.aggregate(Window::tumbling(10), Mean::new()).connect(plot.series("tumbling(10)"));
        level.aggregate(Window::cumulative(), Mean::new()).connect(plot.series("cumulative()"));
    })?;
    Ok(scheduler.run_forever()?)
}

/// The variance of the last hundred readings around a million, with a single spike of 10^11 at second 400: by the sum of the squares, by
/// Welford's updates there and back, and ours.
fn digits(plot: &Plot) -> Result<(), Box<dyn Error>> {
    const SIZE: usize = 100;
    let reading = |second: usize| if second == 400 { 1e11 } else { 1e6 + (second * 367 % 1009) as f64 / 1009.0 };
    let readings: Vec<f64> = (0..1_000).map(reading).collect();
    let right = |seen: f64, window: &[f64]| {
        let mean = window.iter().map(|x| x - window[0]).sum::<f64>() / SIZE as f64;
        let exact = window.iter().map(|x| (x - window[0] - mean).powi(2)).sum::<f64>() / (SIZE - 1) as f64;
        (-((seen - exact) / exact).abs().max(1e-16).log10()).max(0.0)
    };
    let ours = from_iter(readings.clone()).aggregate(Window::sliding(SIZE), Variance::new()).collect_now();
    let (mut sum, mut of_squares, mut n, mut mean, mut squares) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut digits: [Vec<_>; 3] = Default::default();
    for (second, new) in readings.iter().enumerate() {
        (sum, of_squares, n) = (sum + new, of_squares + new * new, n + 1.0);
        let distance = new - mean;
        mean += distance / n;
        squares += distance * (new - mean);
        if let Some(old) = second.checked_sub(SIZE).map(|at| readings[at]) {
            (sum, of_squares, n) = (sum - old, of_squares - old * old, n - 1.0);
            let distance = old - mean;
            mean -= distance / n;
            squares -= distance * (old - mean);
        }
        let Some(window) = (second + 1).checked_sub(SIZE).map(|from| &readings[from..=second]) else { continue };
        let variances = [(of_squares - sum * sum / n) / (n - 1.0), squares / (n - 1.0), ours[second + 1 - SIZE]];
        for (digits, variance) in digits.iter_mut().zip(variances) {
            digits.push(SensorEvent::new("digits", Timestamp::from_secs(second as i64), right(variance, window)));
        }
    }
    for (name, digits) in ["sums of squares", "Welford, there and back", "Variance"].into_iter().zip(digits) {
        from_iter(digits).connect(plot.series(name)).run(&mut Context::detached(Instant::ZERO))?;
    }
    Ok(())
}

/// A reading a second, on its way for up to 90 seconds, counted by minutes with three bounds of lateness.
fn lateness(plot: &Plot) -> Result<(), Box<dyn Error>> {
    let mut arrivals: Vec<(i64, i64)> = (0..1_200).map(|second| (second + second * 37 % 90, second)).collect();
    arrivals.sort_unstable();
    let reads =
        || from_iter(arrivals.clone()).map(|(_, second)| SensorEvent::new("radio", Timestamp::from_secs(second), 1.0));
    for (name, bound) in [("lateness 0 s", 0), ("lateness 30 s", 30), ("lateness 90 s", 90)] {
        let minutes = Window::event_time(Duration::from_secs(60), |event: &SensorEvent<f64>| event.ts);
        let counts = reads().watermarks(|event| event.ts, Duration::from_secs(bound)).aggregate(minutes, Count::new());
        let points = counts.map(|event| SensorEvent::new("count", event.val.start, event.val.value as f64));
        points.connect(plot.series(name)).run(&mut Context::detached(Instant::ZERO))?;
    }
    Ok(())
}

/// The program of the README, as it is after an hour.
fn lamp() -> Result<String, Box<dyn Error>> {
    let lux = SensorOutput::new(ListSensor::new("lux", vec![40.0; 100])).named("lux");
    lux.for_each(|_| ());
    lux.map(|event| event.val).running_avg(3).map(|lux| lux < 30.0).connect(pin_out("lamp", SimulatedPin::new()));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(lux, Duration::from_secs(60))?;
    scheduler.run_for(Duration::from_secs(3600))?;
    Ok(scheduler.graph().svg())
}

/// Two sensors that decide together, a loop, and names given to chains, as they are after a day.
fn greenhouse() -> Result<String, Box<dyn Error>> {
    let air = SensorOutput::new(ListSensor::new("bme280", vec![21.0; 2000])).named("air");
    let soil = SensorOutput::new(ListSensor::new("ads1115", vec![0.3; 2000])).named("soil");
    let warm = air.map(|event| event.val).running_avg(5).named("mean of 5 min").map(|t| t > 20.0).share().named("warm");
    let dry = soil.map(|event| event.val).running_avg(5).map(|v| v < 0.4).named("below 40 %").share().named("dry");
    air.for_each(|_| ());
    soil.for_each(|_| ());
    warm.combine_latest(&dry).map(|(warm, dry)| warm && dry).dedup().connect(pin_out("valve", SimulatedPin::new()));
    warm.connect(pin_out("fan", SimulatedPin::new()));
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_periodic(air, Duration::from_secs(60))?;
    scheduler.schedule_periodic(soil, Duration::from_secs(60))?;
    scheduler.run_for(Duration::from_secs(24 * 3600))?;
    Ok(scheduler.graph().svg())
}
