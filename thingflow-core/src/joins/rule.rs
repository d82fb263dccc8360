//! [`Rule`]: what the author of a join writes.

use crate::error::StreamError;
use crate::limit::QueueState;
use crate::notice::Notice;
#[cfg(doc)]
use crate::notice::Question;
use crate::state::StateVisitor;
use crate::thing::{Emitter, InputThing, Receipt};
use crate::visit::short_name;

#[cfg(feature = "alloc")]
use crate::port::Connection;

/// What happens at a join: a filter with several inputs. Write it together with [`Takes`] for each input, and hand it to
/// [`join`](super::join).
///
/// One method runs at a time; a notice that comes meanwhile (the output leads back to an input) is delivered right after.
/// A method that answers [`Demand::Done`](crate::Demand::Done) ends the join: all inputs are disconnected. As a filter it
/// has then told those behind it, if they had to know.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use thingflow_core::joins::{At, Rule, Takes, join};
/// use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// /// Passes events of input 0 while the last event of input 1 was `true`.
/// struct Gate { open: bool }
/// impl Rule for Gate {
///     type Out = i32;
///     fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
///         if input == 0 { out.finish() } else { Ok(Demand::More) }
///     }
/// }
/// impl Takes<At<0>, i32> for Gate {
///     fn on_next(&mut self, _: At<0>, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
///         if self.open { out.next(event) } else { Ok(Demand::More) }
///     }
/// }
/// impl Takes<At<1>, bool> for Gate {
///     fn on_next(&mut self, _: At<1>, open: bool, _: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
///         self.open = open;
///         Ok(Demand::More)
///     }
/// }
/// let (numbers, gate, seen) = (Port::new(), Port::new(), Recorder::new());
/// join((&numbers, &gate), Gate { open: true }).map(|x| x * 10).connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// numbers.emit(1, cx)?;
/// gate.emit(false, cx)?;
/// numbers.emit(2, cx)?;
/// assert_eq!(seen.text(), "10");
/// # }
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
pub trait Rule {
    /// What the join sends on.
    type Out;

    /// The stream of `input` has completed.
    ///
    /// # Errors
    /// A fatal one: that of `out`, or one made by [`Context::fatal`](crate::Context::fatal).
    fn on_completed(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt;

    /// `input` is gone without an end, because its source was cancelled or its connection disconnected: a run says so in the
    /// next turn, else it is said before the next event. By default its stream has completed by that.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    #[cfg(feature = "alloc")]
    fn on_gone(&mut self, input: usize, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        self.on_completed(input, out)
    }

    /// The stream of `input` has ended with an error. By default that ends the join.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    fn on_error(
        &mut self,
        _input: usize,
        error: StreamError,
        out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>,
    ) -> Receipt {
        out.fail(error)
    }

    /// Called once, before anything else, after everything behind the join has been started.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    fn on_start(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(crate::Demand::More)
    }

    /// Called at a time asked for by [`Emitter::wake_at`], or earlier, see [`Filter::on_wake`](crate::Filter::on_wake).
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    fn on_wake(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(crate::Demand::More)
    }

    /// Takes a notice that is none of the above: a flush of one of the inputs, or a watermark, which is the least of all
    /// inputs. By default it is passed on.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    fn on_notice(&mut self, notice: Notice<'_>, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.notice(notice)
    }

    /// The run is [being stopped](crate::Scheduler#the-order-of-a-stop), and no input sends anything any more: what waits for one of
    /// them, and can go on without it, is to be sent. Joins further up have sent what they held. Then a flush follows. By default
    /// nothing is sent.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    #[cfg(feature = "alloc")]
    fn on_stop(&mut self, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(crate::Demand::More)
    }

    /// Shows what the rule remembers to a walk that saves or restores it. Whether an input has ended is none of it: the program that
    /// runs next sees what its own inputs do.
    fn on_state(&mut self, _state: &mut dyn StateVisitor) {}

    /// Whether [`on_state`](Self::on_state) shows the events that wait, too. A walk says of a rule that does not, and holds some, that
    /// these are unsaved.
    const SHOWS_EVENTS: bool = false;

    /// Whether the rule holds an event that is to go on at a time that it has asked for, see [`Question::Holding`].
    fn is_holding(&self) -> bool {
        false
    }

    /// Whether there is room for another event of `input`, see [`Question::Room`]; `behind` says so of what follows.
    /// By default that is the answer.
    fn has_room(&self, _input: usize, behind: bool) -> bool {
        behind
    }

    /// An input has come in the middle of a run, which has this number: see [`Join::connect_dynamic`](super::Join).
    #[cfg(feature = "alloc")]
    fn on_added(&mut self, _input: usize) {}

    /// An input has been taken away that had not ended. What waited for it may go on.
    ///
    /// # Errors
    /// As [`on_completed`](Self::on_completed).
    #[cfg(feature = "alloc")]
    fn on_removed(&mut self, _input: usize, _out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        Ok(crate::Demand::More)
    }

    /// Called when the inputs have been connected, with the connection of each: for a rule that lets go of some of them.
    #[cfg(feature = "alloc")]
    fn connected(&mut self, _inputs: &[Connection]) {}

    /// Shows the queues in which events of the inputs wait, to a walk over the graph.
    fn queues(&self, _see: &mut dyn FnMut(QueueState)) {}

    /// The name in drawings. By default that of the type.
    fn name(&self) -> &'static str {
        short_name::<Self>()
    }
}

/// A rule takes events of type `T` at the inputs `I`: [`At<0>`](At), `At<1>` … for the inputs of a tuple, `usize` for
/// those of a list. One implementation for every [`Index`] serves both.
pub trait Takes<I, T>: Rule {
    /// Takes the next event of an input.
    ///
    /// # Errors
    /// A fatal one: that of `out`, or one made by [`Context::fatal`](crate::Context::fatal).
    fn on_next(&mut self, input: I, event: T, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt;
}

/// The number of an input that is known to the compiler: each may have its own type of events.
#[derive(Clone, Copy, Debug)]
pub struct At<const I: usize>;

/// The number of an input: [`At`], or a `usize`.
pub trait Index: Copy + 'static {
    /// The number, from 0 on.
    fn number(self) -> usize;
}

impl<const I: usize> Index for At<I> {
    #[inline]
    fn number(self) -> usize {
        I
    }
}

impl Index for usize {
    #[inline]
    fn number(self) -> usize {
        self
    }
}
