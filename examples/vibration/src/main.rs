//! An accelerometer on a pump, read in batches → spectra → how strong it shakes in two bands → an alarm before the bearing fails.
//!
//! ```sh
//! cargo run -p vibration
//! ```

mod pump;

use std::error::Error;
use std::ops::RangeInclusive;
use std::time::Duration;

use thingflow::prelude::*;
use thingflow::signals::edges::Edge;
use thingflow::signals::spectrum::{Spectra, Spectrum};

use pump::{BATCH, Pump, RATE};

/// Around the rotation, 25 Hz: an imbalance, m/s².
const ROTATION: RangeInclusive<f64> = 20.0..=30.0;
/// Where the balls of the bearing meet a crack, 3.6 times a turn.
const BEARING: RangeInclusive<f64> = 85.0..=95.0;
/// The alarm begins here and ends there, in m/s² of effective value.
const ALARM: (f64, f64) = (0.4, 0.5);

/// The effective values in both bands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bands {
    rotation: f64,
    bearing: f64,
}

fn bands(spectrum: &Spectrum) -> Bands {
    let effective = |band: RangeInclusive<f64>| spectrum.band_power(band).sqrt();
    Bands { rotation: effective(ROTATION), bearing: effective(BEARING) }
}

/// Connects and schedules the pump; the ports are those of the bands and of the alarm.
fn watch(scheduler: &Scheduler) -> Result<(Port<Bands>, Port<bool>), Box<dyn Error>> {
    let (shaking, alarm) = (Port::new().named("bands"), Port::new().named("alarm"));
    // The driver empties the queue of the sensor ten times a second: an event is a batch.
    let samples = Flow::new(Pump::new()).flatten();
    let spectra = samples.process(Spectra::new(1024, RATE).overlapping(512));
    let pump = spectra.map(|spectrum| bands(&spectrum)).connect(shaking.clone());
    shaking
        .map(|bands| bands.bearing)
        .hysteresis(ALARM.0, ALARM.1)
        .edges()
        .map(|edge| edge == Edge::Rising)
        .connect(alarm.clone());
    scheduler.schedule_periodic(pump, Duration::from_secs_f64(BATCH as f64 / RATE))?;
    Ok((shaking, alarm))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let (shaking, alarm) = watch(&scheduler)?;
    shaking.sample_every(Duration::from_secs(2)).for_each(|Bands { rotation, bearing }| {
        println!("rotation {rotation:.2} m/s², bearing {bearing:.2} m/s²");
    });
    alarm.for_each(|is_on| println!("{}", if is_on { "ALARM: have a look at the bearing" } else { "calm again" }));
    scheduler.run_forever()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use thingflow::testing::Recorder;

    #[test]
    fn the_alarm_comes_while_the_crack_is_small_and_an_imbalance_is_none() -> Result<(), Box<dyn Error>> {
        let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
        let (shaking, alarm) = watch(&scheduler)?;
        let all = Recorder::new();
        shaking.connect(all.clone());
        alarm.connect(seen.clone());
        scheduler.run_forever()?;
        let bands: Vec<Bands> = all.events();
        assert!(bands.iter().all(|bands| (1.3..1.5).contains(&bands.rotation)), "2 m/s² at 25 Hz are 1.41 effective");
        assert!(bands[..5].iter().all(|bands| bands.bearing < 0.1));
        assert_eq!(seen.events(), [true]);
        let times = seen.timed_text();
        let at: f64 = times.trim_start_matches("true@").split(' ').next().unwrap_or("").parse()?;
        assert!((12.0..16.0).contains(&at), "the crack begins at 10 s and has its full size at 20 s: {times}");
        Ok(())
    }
}
