//! `fatal_errors()`: ends the run by an error that ends the stream.
//!
//! Holds nothing.

use crate::error::StreamError;
use crate::thing::{Closed, Emitter, Filter, InputThing, Receipt};

/// Made by [`fatal_errors`](super::FlowControl::fatal_errors).
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "std")] {
/// let mut scheduler = Scheduler::virtual_time()?;
/// let readings = try_from_iter([Ok(1), Err("the sensor is gone")]);
/// scheduler.schedule_recurring(readings.fatal_errors().for_each(drop))?;
/// assert!(scheduler.run_forever().unwrap_err().to_string().ends_with("the sensor is gone"));
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FatalErrors;

impl<T> Filter<T> for FatalErrors {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        out.next(event)
    }
    #[cfg(feature = "alloc")]
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        Err(out.context().fatal(error))
    }
    #[cfg(not(feature = "alloc"))]
    fn on_error(&mut self, _: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        Err(out.context().fatal("a stream ended by an error"))
    }
}
