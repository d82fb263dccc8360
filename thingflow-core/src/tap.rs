//! [`Tapping`]: who looks at the events of a port or a probe for a while; and [`PortTap`], its connection to a port.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use core::fmt::{self, Write};

use crate::context::Context;
use crate::diagram::Shows;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// Writes an event as a text.
pub(crate) type Shown<'e> = dyn Fn(&mut dyn Write) -> fmt::Result + 'e;

/// Looks at events for a while.
pub(crate) trait Tapping {
    /// Takes note of an event; the text is made only if it is wanted. False if no more are.
    fn see(&mut self, event: &Shown<'_>, cx: &Context<'_>) -> bool;
}

/// A connection that looks at what a port sends. It is no listener: nothing is sampled for it, and no drawing shows it.
pub(crate) struct PortTap {
    tapping: Box<dyn Tapping>,
    shows: Rc<Shows>,
}

impl PortTap {
    pub(crate) fn new(tapping: Box<dyn Tapping>, shows: Rc<Shows>) -> Self {
        Self { tapping, shows }
    }
}

impl<T: 'static> InputThing<T> for PortTap {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.look(&event, cx)
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.look(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(if notice.is_end() { Demand::Done } else { Demand::More })
    }
    fn ask(&self, question: Question<'_>) -> bool {
        question.asks_all()
    }
}

impl PortTap {
    fn look<T: 'static>(&mut self, event: &T, cx: &Context<'_>) -> Receipt {
        let wanted = self.tapping.see(&|f| self.shows.write(event, f), cx);
        Ok(if wanted { Demand::More } else { Demand::Done })
    }
}

/// A text of an event has so many bytes at most.
const LONGEST: usize = 1024;

/// The text of an event, cut off where it is too long: then it ends in `…`.
pub(crate) fn text(event: &Shown<'_>) -> String {
    struct Bounded(String);
    impl Write for Bounded {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            let room = LONGEST - self.0.len();
            if part.len() <= room {
                self.0.push_str(part);
                return Ok(());
            }
            let end = (0..=room).rev().find(|end| part.is_char_boundary(*end));
            self.0.push_str(&part[..end.unwrap_or(0)]);
            Err(fmt::Error)
        }
    }
    let mut text = Bounded(String::new());
    if event(&mut text).is_err() {
        text.0.push('…');
    }
    text.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_event_is_cut_off_between_two_characters() {
        let long = "ä".repeat(10_000);
        let shown = text(&|f| write!(f, "x{long}"));
        assert!(shown.len() <= LONGEST + '…'.len_utf8() && shown.ends_with("ä…"), "{}", shown.len());
        assert_eq!(text(&|f| f.write_str("short")), "short");
    }
}
