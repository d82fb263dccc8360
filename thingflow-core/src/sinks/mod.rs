//! Things that end a chain.

mod call;
mod call_while;
#[cfg(feature = "alloc")]
mod collect;
#[cfg(feature = "alloc")]
mod feedback;
#[cfg(feature = "std")]
mod print;
#[cfg(feature = "alloc")]
mod ring;
mod tee;
mod try_call;

pub use call::{Call, call};
pub use call_while::{CallWhile, call_while};
#[cfg(feature = "alloc")]
pub use collect::{CollectInto, collect_into};
#[cfg(feature = "alloc")]
pub use feedback::{Feedback, feedback};
#[cfg(feature = "std")]
pub use print::{Print, WriteTo, print, print_debug, write_to};
#[cfg(feature = "alloc")]
pub use ring::Ring;
pub use tee::{Branches, Tee, tee};
pub use try_call::{TryCall, try_call};

use crate::chain::Chain;
use crate::error::Cause;

#[cfg(feature = "alloc")]
use {
    crate::history::{History, Keeper},
    crate::port::Port,
    alloc::{rc::Rc, vec::Vec},
    core::cell::RefCell,
};

/// The ends of a chain as methods of every [`Chain`]: each connects it.
pub trait Sinks: Chain {
    /// Calls `f` with each event. An error of the stream is reported.
    #[doc(alias = "subscribe")]
    #[doc(alias = "sink")]
    fn for_each<F: FnMut(Self::Item) + 'static>(self, f: F) -> Self::Ended<Call<Self::Item, F>>
    where
        Self::Item: 'static,
    {
        self.connect(call(f))
    }

    /// Calls `f` with each event until it answers `false`. An error of the stream is reported.
    #[doc(alias = "sink_conditional")]
    fn for_each_while<F: FnMut(Self::Item) -> bool + 'static>(self, f: F) -> Self::Ended<CallWhile<Self::Item, F>>
    where
        Self::Item: 'static,
    {
        self.connect(call_while(f))
    }

    /// Calls `f` with each event; its error is fatal and ends the run.
    fn try_for_each<E, F>(self, f: F) -> Self::Ended<TryCall<Self::Item, F>>
    where
        Self::Item: 'static,
        E: Into<Cause>,
        F: FnMut(Self::Item) -> Result<(), E> + 'static,
    {
        self.connect(try_call(f))
    }

    /// Prints each event on a line of standard output, as `{}` does. To print and go on: `also_to(print())`.
    #[cfg(feature = "std")]
    #[doc(alias = "output")]
    fn print(self) -> Self::Ended<Print<Self::Item>>
    where
        Self::Item: core::fmt::Display + 'static,
    {
        self.connect(print())
    }

    /// Prints each event on a line of standard output, as `{:?}` does: for lists, and for readings that have no text.
    #[cfg(feature = "std")]
    #[doc(alias = "output")]
    fn print_debug(self) -> Self::Ended<Print<Self::Item>>
    where
        Self::Item: core::fmt::Debug + 'static,
    {
        self.connect(print_debug())
    }

    /// Writes each event to `writer`, a line each, as `{}` does.
    #[cfg(feature = "std")]
    #[doc(alias = "output")]
    fn write_to<W: std::io::Write + 'static>(self, writer: W) -> Self::Ended<WriteTo<Self::Item, W>>
    where
        Self::Item: core::fmt::Display + 'static,
    {
        self.connect(write_to(writer))
    }

    /// Keeps each event in `list`.
    #[cfg(feature = "alloc")]
    #[doc(alias = "sink_to_list")]
    fn collect_into(self, list: &Rc<RefCell<Vec<Self::Item>>>) -> Self::Ended<CollectInto<Self::Item>>
    where
        Self::Item: 'static,
    {
        self.connect(collect_into(list))
    }

    /// Keeps each event in `history`, where readers find it: see [`history`](crate::history). To keep and go on:
    /// `also_to(history.keeper())`.
    #[cfg(feature = "alloc")]
    #[doc(alias = "record")]
    #[doc(alias = "replay_subject")]
    fn keep<K: Ord + Clone + 'static>(self, history: &History<Self::Item, K>) -> Self::Ended<Keeper<Self::Item, K>>
    where
        Self::Item: 'static,
    {
        self.connect(history.keeper())
    }

    /// Sends each event into `port` in the next turn of the scheduler.
    #[cfg(feature = "alloc")]
    fn feedback(self, port: &Port<Self::Item>) -> Self::Ended<Feedback<Self::Item>>
    where
        Self::Item: Clone + 'static,
    {
        self.connect(feedback(port))
    }
}

impl<C: Chain> Sinks for C {}
