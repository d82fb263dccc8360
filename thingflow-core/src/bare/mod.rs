//! The scheduler for microcontrollers: no operating system, no allocator, no clock of its own.
//!
//! A program owns its Things and lends them to a [`Scheduler`] of fixed size. Time is counted in ticks, which the
//! caller supplies: from a timer's counter, or from the delays between the rounds. Between two rounds the processor may
//! sleep as long as the last round said. The pure table behind it, which knows no Things, is [`Timetable`].
//!
//! - Tasks of equal interval run together, in the order of addition; those of different intervals in ascending order.
//! - A new task joins the phase of a task whose interval divides its own or is a multiple of it, so that wake-ups
//!   coincide. A task without such a relative is due at once (the scheduler of Linux waits one interval first).
//! - The rate is fixed: lateness shortens the next sleep, and a run that was missed is caught up.
//!
//! ```
//! use core::time::Duration;
//! use thingflow_core::prelude::*;
//! use thingflow_core::{Sampled, SensorId, bare};
//! struct Lux(f32);
//! impl Sensor for Lux {
//!     type Reading = f32;
//!     type Error = core::convert::Infallible;
//!     fn id(&self) -> SensorId {
//!         "lux".into()
//!     }
//!     fn sample(&mut self) -> Result<f32, SampleError<Self::Error>> {
//!         self.0 += 10.0;
//!         Ok(self.0)
//!     }
//! }
//! # static LIGHT: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);
//! # fn set_led(on: bool) { LIGHT.store(on, core::sync::atomic::Ordering::Relaxed) }
//! let mut lamp = Flow::new(Sampled::new(Lux(0.0)))
//!     .map(|e: SensorEvent<f32>| e.val)
//!     .running_avg_of::<3>()
//!     .map(|lux| lux < 25.0)
//!     .connect(call(set_led));
//! let mut scheduler = bare::Scheduler::<4>::new();
//! scheduler.schedule_periodic(&mut lamp, Duration::from_millis(500))?;
//! let mut sleep = scheduler.run_due(0)?;
//! for _ in 0..3 {
//!     let ticks = sleep.expect("the sensor never ends"); // 50 ticks of 10 ms: sleep that long, then
//!     sleep = scheduler.run_due(ticks)?;
//! }
//! # assert!(!LIGHT.load(core::sync::atomic::Ordering::Relaxed)); // the mean of 20, 30, 40 is 30
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod host;
mod scheduler;
mod timetable;

pub use error::ScheduleError;
pub use scheduler::{OnFailure, Scheduler, SensorFlow};
pub use timetable::{TaskId, Timetable};
