//! The control of a greenhouse for a microcontroller: no operating system, no allocator.
//!
//! ```text
//! light ───────► average of 3 ─┬─► dark? ──────► lamp
//!                              ├─► serial line
//!                              └─► combine_latest ─► sunny and warm? ──► blind
//! temperature ─► average of 2 ─┬─► ▲
//!                              └─► serial line
//! ```
//!
//! The board lends its sensors, its pins and its serial line, all by the traits of `embedded-hal` and `embedded-io`;
//! nothing here knows which board it is. `firmware/` runs it on a Cortex-M, the program beside this library on a laptop.
//! What the board sends, the program `listen` reads on Linux, as a sensor.
#![no_std]

pub mod message;
mod pin;
mod report;
pub mod simulated;

use core::cell::RefCell;
use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_io::Write;
use pin::Pin;
use report::Report;
use thingflow::joins::{CombineLatest, Junction};
use thingflow::prelude::*;
use thingflow::{Sampled, bare};

/// Below this average of three readings, in lux, the lamp is lit.
pub const DARK: f32 = 25.0;
/// Above this average, in lux, the blind comes down if it is warm as well.
pub const SUNNY: f32 = 400.0;
/// Above this average of two readings, in degrees Celsius, it is warm.
pub const WARM: f32 = 26.0;

/// The clock of the scheduler: what the board's timer counts.
pub const TICK: Duration = Duration::from_millis(10);
/// How often the light is measured.
pub const LIGHT_PERIOD: Duration = Duration::from_millis(500);
/// How often the temperature is measured.
pub const TEMPERATURE_PERIOD: Duration = Duration::from_secs(1);

/// What a board lends.
#[derive(Debug)]
pub struct Board<L, T, P, Q, W> {
    /// A sensor for the light, in lux.
    pub light: L,
    /// A sensor for the temperature, in degrees Celsius.
    pub temperature: T,
    /// The pin of the lamp.
    pub lamp: P,
    /// The pin of the blind: high is down.
    pub blind: Q,
    /// The serial line to the Linux side.
    pub line: W,
}

impl<L, T, P, Q, W> Board<L, T, P, Q, W>
where
    L: Sensor<Reading = f32>,
    T: Sensor<Reading = f32>,
    P: OutputPin,
    Q: OutputPin,
    W: Write,
{
    /// Runs until the sensors have no more readings; on a board they always have. A reading that fails is left out.
    ///
    /// `delay` is where the processor sleeps; `counter` reads the ticks of the board's timer, which goes on meanwhile.
    ///
    /// # Errors
    /// The fatal error of a pin.
    pub fn run(self, delay: &mut impl DelayNs, counter: impl FnMut() -> u32) -> Result<(), RunError> {
        let line = RefCell::new(self.line);

        let lamp = pipe()
            .map(|lux| lux < DARK)
            .dedup()
            .to(tee((Pin::new(self.lamp, "the pin of the lamp does not answer"), Report::new(message::LAMP, &line))));
        let blind = pipe().map(|(lux, celsius)| lux > SUNNY && celsius > WARM).dedup().to(tee((
            Pin::new(self.blind, "the pin of the blind does not answer"),
            Report::new(message::BLIND, &line),
        )));
        let sun = Junction::new(CombineLatest::<(Option<f32>, Option<f32>)>::default(), blind);

        let mut light = Flow::new(Sampled::new(self.light))
            .map(|event: SensorEvent<f32>| event.val)
            .running_avg_of::<3>()
            .to(tee((Report::new(message::LIGHT, &line), lamp, sun.input::<0>())));
        let mut temperature = Flow::new(Sampled::new(self.temperature))
            .map(|event: SensorEvent<f32>| event.val)
            .running_avg_of::<2>()
            .to(tee((Report::new(message::TEMPERATURE, &line), sun.input::<1>())));

        let mut scheduler = bare::Scheduler::<2>::with_tick(TICK);
        for (flow, period) in
            [(&mut light as &mut dyn OutputThing, LIGHT_PERIOD), (&mut temperature, TEMPERATURE_PERIOD)]
        {
            scheduler
                .schedule_periodic_with(flow, period, bare::OnFailure::Skip)
                .map_err(|_| RunError::new("the table of tasks is too small"))?;
        }
        scheduler.run_by_counter(delay, counter)
    }
}
