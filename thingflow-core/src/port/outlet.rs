//! [`Outlet`]: what a port sends to, either [one Thing](One) or a [fan](Fan) of several. So a port has one connection in any
//! case, and need not ask how many there are.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Slot;
use super::any::{Held, culprit};
use super::dispatch::Witness;
use super::slots::state;
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::thing::{Demand, InputThing, Receipt};

/// What a port sends to, and what is held of it when the port is closed.
pub(super) trait Outlet<T>: InputThing<T> + Held {
    /// The connections, if there are several behind it.
    fn fan(&mut self) -> Option<&mut Vec<Slot<T>>> {
        None
    }
}

/// A Thing that has a connection of its own.
pub(super) struct One<N>(pub(super) N);

impl<T, N: InputThing<T>> InputThing<T> for One<N> {
    #[inline]
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.0.next(event, cx)
    }
    #[inline]
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.0.next_ref(event, cx)
    }
    #[inline]
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.notice(notice, cx)
    }
    #[inline]
    fn ask(&self, question: Question<'_>) -> bool {
        self.0.ask(question)
    }
}

impl<T, N: InputThing<T>> Outlet<T> for One<N> {}

/// Several connections, in order. Those that want no more are marked, and taken off by the port.
pub(super) struct Fan<T>(pub(super) Vec<Slot<T>>);

impl<T: Clone + 'static> InputThing<T> for Fan<T> {
    /// If the event is dear to clone, the last connection gets the event itself.
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let mut left = self.0.len();
        let mut event = Some(event);
        each(&mut self.0, cx, |slot, cx| {
            left -= 1;
            match if left == 0 { event.take() } else { event.clone() } {
                Some(event) => slot.thing.next(event, cx),
                None => Ok(Demand::More),
            }
        })
    }

    #[inline]
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        // By twos, and the odd one: the loop's own bookkeeping is paid once for both.
        let (twos, odd) = self.0.as_chunks_mut::<2>();
        let (receipt, served) = 'all: {
            for two in twos {
                for slot in two {
                    let receipt = slot.next_ref(event, cx);
                    if !matches!(receipt, Ok(Demand::More)) {
                        break 'all (receipt, slot.id);
                    }
                }
            }
            if let [slot] = odd {
                let receipt = slot.next_ref(event, cx);
                if !matches!(receipt, Ok(Demand::More)) {
                    break 'all (receipt, slot.id);
                }
            }
            return Ok(Demand::More);
        };
        Self::next_to_rest(receipt, self, served, event, cx)
    }

    fn notice(&mut self, mut notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        each(&mut self.0, cx, |slot, cx| slot.thing.notice(notice.reborrow(), cx))
    }

    fn ask(&self, question: Question<'_>) -> bool {
        question.of_all(&self.0, |slot, question| slot.thing.ask(question))
    }
}

impl<T: Clone + 'static> Outlet<T> for Fan<T> {
    fn fan(&mut self) -> Option<&mut Vec<Slot<T>>> {
        Some(&mut self.0)
    }
}

impl<T: Clone + 'static> Fan<T> {
    /// Goes on with an event for which a connection, that with the id, has answered something else than `More`. Those
    /// behind it have not had the event yet; those before it have smaller ids. The receipt is the first argument: it is
    /// where the connection has left it.
    #[cold]
    #[inline(never)]
    fn next_to_rest(receipt: Receipt, fan: &mut Self, served: usize, event: &T, cx: &mut Context<'_>) -> Receipt {
        let mut receipt = Some(receipt);
        each(&mut fan.0, cx, |slot, cx| match slot.id.cmp(&served) {
            Ordering::Less => Ok(Demand::More),
            Ordering::Equal => receipt.take().unwrap_or(Ok(Demand::More)),
            Ordering::Greater => slot.thing.next_ref(event, cx),
        })
    }
}

/// Calls every connection, marks those that want no more, and sums up the receipts: `Full` before `Done`, which the marks
/// say as well. A fatal error ends the round.
pub(super) fn each<T>(
    slots: &mut [Slot<T>],
    cx: &mut Context<'_>,
    mut call: impl FnMut(&mut Slot<T>, &mut Context<'_>) -> Receipt,
) -> Receipt {
    let mut demand = Demand::More;
    for slot in slots {
        let witness = Witness { culprit: slot, cx };
        let receipt = call(witness.culprit, witness.cx);
        core::mem::forget(witness);
        match receipt {
            Ok(Demand::More) => {}
            Ok(Demand::Full) => demand = Demand::Full,
            Ok(Demand::Done) => {
                slot.state |= state::DONE;
                if demand == Demand::More {
                    demand = Demand::Done;
                }
            }
            Err(error) => {
                cx.name_failed(|| culprit(&*slot.thing));
                return Err(error);
            }
        }
    }
    Ok(demand)
}
