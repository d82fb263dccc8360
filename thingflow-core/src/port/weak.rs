//! [`WeakPort`]: a port that is not kept alive, for the end of a loop.

use alloc::rc::{Rc, Weak};
use core::cell::Cell;
use core::fmt;

use super::{Inner, Port};
use crate::clock::Timestamp;
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// Made by [`Port::downgrade`]. Events go into the port while it lives, in the same dispatch: right after the one in
/// progress.
///
/// The end of the stream is that of the loop and not of the port; an error is reported. A loop alone does not count as a
/// listener. A watermark goes round once, and so does a flush, until the next event does: what comes round behind a watermark
/// may be of an earlier time.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// let (doubled, seen) = (Port::<u32>::new(), Recorder::new());
/// doubled.map(|n| 2 * n).filter(|n| *n < 20).connect(doubled.downgrade());
/// doubled.connect(seen.clone());
/// doubled.emit(3, &mut Context::detached(Instant::ZERO))?;
/// assert_eq!(seen.events(), [3, 6, 12]);
/// # Ok::<(), FatalError>(())
/// ```
pub struct WeakPort<T> {
    /// It counts the ends of loops.
    port: Weak<Inner<T>>,
    /// The last watermark that went round.
    watermark: Cell<Option<Timestamp>>,
    /// A flush has gone round, and no event since.
    flushed: Cell<bool>,
}

impl<T> WeakPort<T> {
    pub(super) fn new(inner: &Rc<Inner<T>>) -> Self {
        let port = Rc::downgrade(inner);
        inner.loops.set(inner.loops.get() + 1);
        Self { port, watermark: Cell::new(None), flushed: Cell::new(false) }
    }

    /// The port, if it still lives.
    pub fn upgrade(&self) -> Option<Port<T>> {
        self.port.upgrade().map(|inner| Port { inner })
    }
}

impl<T: Clone + 'static> WeakPort<T> {
    /// The port, for an event that goes round.
    #[inline]
    pub(crate) fn lead(&self) -> Option<Port<T>> {
        self.flushed.set(false);
        self.upgrade()
    }

    /// Whether a notice has been round already.
    fn has_led(&self, notice: &Notice<'_>) -> bool {
        match notice {
            Notice::Watermark(watermark) => {
                let before = self.watermark.replace(Some(*watermark));
                self.watermark.set(before.max(Some(*watermark)));
                before >= Some(*watermark)
            }
            Notice::Flush => self.flushed.replace(true),
            _ => false,
        }
    }

    /// Tells the port what concerns the loop, and keeps the end of the loop from it.
    pub(crate) fn tell(&self, notice: Notice<'_>, name: &str, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Completed => Ok(Demand::Done),
            Notice::Error(error) => {
                cx.report(name, &error);
                Ok(Demand::Done)
            }
            notice if self.has_led(&notice) => Ok(Demand::More),
            notice => self.upgrade().map_or(Ok(Demand::Done), |mut port| port.notice(notice, cx)),
        }
    }

    pub(crate) fn answer(&self, question: Question<'_>, name: &str) -> bool {
        match (question, self.upgrade()) {
            (Question::Describe(visitor), Some(port)) => visitor.port(port.as_ref(), true),
            (Question::Describe(visitor), None) => visitor.sink(name),
            (question, Some(port)) => return port.ask(question),
            (question, None) => return question.asks_all(),
        }
        true
    }
}

impl<T: Clone + 'static> InputThing<T> for WeakPort<T> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.lead().map_or(Ok(Demand::Done), |port| port.emit(event, cx))
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.lead().map_or(Ok(Demand::Done), |mut port| port.next_ref(event, cx))
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.tell(notice, "loop", cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.answer(question, "loop")
    }
}

impl<T> Clone for WeakPort<T> {
    fn clone(&self) -> Self {
        if let Some(inner) = self.port.upgrade() {
            inner.loops.set(inner.loops.get() + 1);
        }
        Self { port: self.port.clone(), watermark: self.watermark.clone(), flushed: self.flushed.clone() }
    }
}

impl<T> Drop for WeakPort<T> {
    fn drop(&mut self) {
        if let Some(inner) = self.port.upgrade() {
            inner.loops.set(inner.loops.get() - 1);
        }
    }
}

impl<T> fmt::Debug for WeakPort<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WeakPort")
    }
}
