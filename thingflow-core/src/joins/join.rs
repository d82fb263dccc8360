//! [`Join`]: a join that has not been connected yet, and what follows it.

use core::fmt;

use super::inputs::Wire;
use super::rule::Rule;
use crate::chain::{Chain, Identity, Then};
use crate::port::Branch;
use crate::port::{Connection, Port};
use crate::saving::Saving;
use crate::state::SavedEvents;
use crate::thing::{Filter, InputThing};
use crate::visit::short_name;

/// A chain that begins at several ports. As every chain it does nothing until it is connected, and what follows the join
/// is one compiled unit with it.
///
/// The [`Connection`] disconnects it from all its inputs. The join does so itself when it ends, or when those behind it
/// want no more, so that its sources are let go at once.
#[must_use = "a chain does nothing until it is connected"]
pub struct Join<I, R, F = Identity> {
    pub(super) inputs: I,
    pub(super) rule: R,
    pub(super) filter: F,
}

/// Joins `inputs` by a [`Rule`] of your own.
pub fn join<I: Wire<R>, R: Rule>(inputs: I, rule: R) -> Join<I, R> {
    Join::of(inputs, rule)
}

impl<I, R> Join<I, R> {
    pub(super) fn of(inputs: I, rule: R) -> Self {
        Self { inputs, rule, filter: Identity }
    }

    /// Has the events that the join holds be part of the [state](crate::SavedState) of the graph, where they can be saved: as a
    /// [`Saving`](crate::Saving) does for a stage. To be called after the options of the join, and before what follows it.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use thingflow_core::{SavedState, prelude::*, testing::Recorder};
    /// let cx = &mut Context::detached(Instant::ZERO);
    /// let mut ports = || (Port::<i32>::new(), Port::<i32>::new(), Recorder::new());
    /// let (mut a, b, seen) = ports();
    /// a.zip(&b, Limit::block(9)).saving().connect(seen.clone());
    /// a.emit(1, cx)?;
    /// let state = SavedState::of(&mut a, cx)?;
    /// assert!(state.unsaved().is_empty());
    ///
    /// let (mut a, b, seen) = ports(); // in the program that runs next
    /// a.zip(&b, Limit::block(9)).saving().connect(seen.clone());
    /// state.restore(&mut a, cx)?;
    /// b.emit(10, cx)?;
    /// assert_eq!(seen.events(), [(1, 10)]);
    /// # }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn saving(self) -> Join<I, Saving<R>>
    where
        R: Rule + SavedEvents,
    {
        Join::of(self.inputs, Saving(self.rule))
    }

    /// The same join with a changed rule: how its options are set.
    pub(super) fn with(self, change: impl FnOnce(R) -> R) -> Self {
        Self { rule: change(self.rule), ..self }
    }
}

impl<I: Wire<R>, R: Rule + 'static, F: Filter<R::Out> + 'static> Join<I, R, F>
where
    F::Out: Clone + 'static,
{
    /// Ends the chain in a port of its own, so that any number of branches can begin there.
    #[doc(alias = "publish")]
    pub fn share(self) -> Port<F::Out> {
        let port = Port::new();
        self.attach(port.clone());
        port
    }
}

impl<I: Wire<R>, R: Rule + 'static, F: Filter<R::Out> + 'static> Chain for Join<I, R, F> {
    type Item = F::Out;
    type Piped<G: Filter<F::Out> + 'static> = Join<I, R, Then<F, G>>;
    type Ended<N: InputThing<F::Out> + 'static> = Connection;

    fn pipe<G: Filter<F::Out> + 'static>(self, filter: G) -> Self::Piped<G> {
        Join { inputs: self.inputs, rule: self.rule, filter: Then::new(self.filter, filter) }
    }
    fn connect<N: InputThing<F::Out> + 'static>(self, thing: N) -> Connection {
        self.attach(thing)
    }
}

impl<I, R, F> fmt::Debug for Join<I, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Join({})", short_name::<R>())
    }
}
