//! Whether those downstream take events: shut by `Full`, opened by the next resume.

use crate::thing::{Demand, Emitter, InputThing, Receipt};

/// Kept by a stage that holds events back while downstream is full: shut by a receipt of [`Demand::Full`], open again
/// when there is room.
///
/// ```
/// # #[cfg(feature = "std")] {
/// use thingflow_core::kit::Gate;
/// use thingflow_core::prelude::*;
/// /// Leaves out what comes while those downstream are full.
/// #[derive(Default)]
/// struct LeaveOut(Gate);
/// impl<T> Filter<T> for LeaveOut {
///     type Out = T;
///     fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
///         if self.0.is_open(out) { self.0.send(event, out) } else { Ok(Demand::More) }
///     }
///     fn has_room(&self, _: bool) -> bool {
///         true
///     }
/// }
/// assert_eq!(from_iter(1..=3).pipe(LeaveOut::default()).collect_now(), [1, 2, 3]); // nobody is full
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    /// The count of resumes when the receipt was `Full`.
    shut: Option<u64>,
}

impl Gate {
    /// Whether an event may go on. A resume may have been meant for others, so downstream is asked.
    #[inline]
    pub fn is_open<T>(&mut self, out: &Emitter<'_, '_, impl InputThing<T>>) -> bool {
        self.shut.is_none() || self.opens(out)
    }

    #[cold]
    fn opens<T>(&mut self, out: &Emitter<'_, '_, impl InputThing<T>>) -> bool {
        let resumes = out.cx.resumes();
        if self.shut != resumes {
            self.shut = resumes.filter(|_| !out.has_room());
        }
        self.shut.is_none()
    }

    /// Sends an event. `Full` shuts the gate and is not passed on, unless nobody would ever open it again.
    ///
    /// # Errors
    /// The fatal error of a Thing downstream.
    pub fn send<T>(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let before = out.context().resumes();
        let demand = out.next(event)?;
        if demand != Demand::Full || before.is_none() {
            return Ok(demand);
        }
        let resumes = out.context().resumes();
        if resumes == before || !out.has_room() {
            self.shut = resumes;
            out.context().wake_on_resume();
        }
        Ok(Demand::More)
    }

    /// Lets upstream go on. The gate itself stays as it is.
    pub fn resume<T>(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) {
        let open = self.is_open(out);
        out.cx.resume();
        if !open {
            self.shut = out.cx.resumes();
        }
    }
}
