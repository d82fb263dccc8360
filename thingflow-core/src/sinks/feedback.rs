//! `feedback(&port)`: sends the events back to a port upstream, in a later turn.
//!
//! Holds nothing; the events of a turn wait for the next one.

use core::fmt;

use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::port::{Port, WeakPort};
use crate::thing::{Demand, InputThing, Receipt};

/// Sends each event into `port` in the next turn of the scheduler, so that a loop cannot starve the rest.
///
/// A loop lives as long as something can happen in it: while an event is on its way, while a source is connected to its
/// port (by a clone of it), or while you hold the port. The loop itself does not keep it, nor count as a listener, so
/// nothing leaks. Completion ends the loop and not the port; so does an error, which is reported. A watermark follows the
/// events that wait for the next turn, and goes round once; so does a flush, until the next event does.
///
/// ```
/// # use core::time::Duration;
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// # #[cfg(feature = "std")] {
/// let (countdown, seen) = (Port::<u32>::new(), Recorder::new());
/// countdown.filter(|n| *n > 0).map(|n| n - 1).feedback(&countdown);
/// countdown.connect(seen.clone());
/// let mut scheduler = Scheduler::virtual_time()?;
/// scheduler.schedule_later_one_time(from_iter([3]).connect(countdown), Duration::from_secs(1))?;
/// scheduler.run_forever()?;
/// assert_eq!(seen.text(), "3 2 1 0");
/// # }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[doc(alias = "loop")]
pub fn feedback<T: Clone + 'static>(port: &Port<T>) -> Feedback<T> {
    Feedback { port: port.downgrade() }
}

/// Made by [`feedback`].
pub struct Feedback<T> {
    port: WeakPort<T>,
}

impl<T: Clone + 'static> InputThing<T> for Feedback<T> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let Some(port) = self.port.lead().filter(|port| !port.is_closed()) else { return Ok(Demand::Done) };
        port.emit_later(event, cx)?;
        Ok(Demand::More)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.port.tell(notice, "feedback", cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.port.answer(question, "Feedback")
    }
}

impl<T> fmt::Debug for Feedback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feedback")
    }
}
