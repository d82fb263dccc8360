//! A lamp that is lit while it is dark, for a microcontroller: no operating system, no allocator. The board lends its
//! sensor, its pin and its delay, all by the traits of `embedded-hal`; nothing here knows which board it is.
//!
//! On a board, `main` makes the three and calls [`run`]. The program beside this library does the same on a laptop.
#![no_std]

use core::time::Duration;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use thingflow_core::prelude::*;
use thingflow_core::{Chain, Sampled, bare};

/// Below this average of three readings, in lux, the lamp is lit.
pub const DARK: f32 = 25.0;

/// How often the light is measured.
pub const PERIOD: Duration = Duration::from_millis(500);

/// Runs the lamp until the sensor has no more readings; on a board it always has.
///
/// # Errors
/// The fatal error of the pin.
pub fn run<S, P>(lux: S, lamp: P, delay: &mut impl DelayNs) -> Result<(), RunError>
where
    S: Sensor<Reading = f32>,
    P: OutputPin + 'static,
{
    let mut flow = Flow::new(Sampled::new(lux))
        .map(|e: SensorEvent<f32>| e.val)
        .running_avg_of::<3>()
        .map(|lux| lux < DARK)
        .connect(Lamp(lamp));
    let mut scheduler = bare::Scheduler::<4>::new();
    scheduler.schedule_periodic(&mut flow, PERIOD).map_err(|_| RunError::new("the table of tasks is too small"))?;
    scheduler.run_forever(delay)
}

/// A pin as a sink, off at the end.
struct Lamp<P>(P);

impl<P: OutputPin> InputThing<bool> for Lamp<P> {
    fn on_next(&mut self, on: bool, cx: &mut Context<'_>) -> Receipt {
        self.0.set_state(on.into()).map(|()| Demand::More).map_err(|_| cx.fatal("the pin of the lamp does not answer"))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.0.set_low().map_err(|_| cx.fatal("the pin of the lamp does not answer"))
    }
    fn on_error(&mut self, _: StreamError, cx: &mut Context<'_>) -> Closed {
        self.on_completed(cx)
    }
}
