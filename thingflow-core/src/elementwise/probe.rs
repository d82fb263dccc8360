//! `probe(name)`: a named place of the chain that can be watched while the program runs.
//!
//! Holds, while it is watched, the text of the last event.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt::{self, Debug};
use core::time::Duration;

use crate::context::Context;
use crate::tap::{Shown, Tapping, text};
use crate::thing::{Emitter, Filter, InputThing, Receipt};
use crate::visit::Visitor;

/// Made by [`probe`](super::Elementwise::probe).
pub struct Probe {
    name: &'static str,
    /// While it is watched.
    watch: Cell<Option<Box<Watch>>>,
}

#[derive(Default)]
struct Watch {
    /// Not only taps look at it.
    measures: bool,
    /// When the event that is on its way behind the probe got there.
    begun: Option<Begun>,
    state: ProbeState,
    taps: Vec<Box<dyn Tapping>>,
}

/// What a probe has seen since it was switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ProbeState {
    /// How many events have passed.
    pub events: u64,
    /// How long what follows in the chain has taken with them, in real time; zero where there is no `std`.
    pub spent: Duration,
    /// The longest that one of them has taken.
    pub longest: Duration,
    /// The last event as a text, by its `Debug`, at most about a thousand characters of it.
    pub last: Option<String>,
}

impl Probe {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, watch: Cell::new(None) }
    }

    #[inline]
    fn is_watched(&mut self) -> bool {
        self.watch.get_mut().is_some()
    }

    /// Takes note of an event on its way.
    #[cold]
    #[inline(never)]
    fn see(&mut self, event: &Shown<'_>, cx: &Context<'_>) {
        if let Some(watch) = self.watch.get_mut() {
            watch.taps.retain_mut(|tap| tap.see(event, cx));
            watch.state.events += 1;
            if watch.measures {
                watch.state.last = Some(text(event));
            } else if watch.taps.is_empty() {
                self.watch.set(None); // nobody watches any more
                return;
            }
            watch.begun = Some(Begun::now());
        }
    }

    #[cold]
    #[inline(never)]
    fn passed(&mut self) {
        if let Some(watch) = self.watch.get_mut()
            && let Some(begun) = watch.begun.take()
        {
            let spent = begun.elapsed();
            watch.state.spent += spent;
            watch.state.longest = watch.state.longest.max(spent);
        }
    }
}

impl<T: Debug> Filter<T> for Probe {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        if self.is_watched() {
            self.see(&|f| write!(f, "{event:?}"), out.context());
        }
        let receipt = out.next(event);
        if self.is_watched() {
            self.passed();
        }
        receipt
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.filter(self.name);
        visitor.probe(ProbeRef(self));
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.name).finish()
    }
}

/// A probe, while a walk over the graph looks at it.
#[derive(Clone, Copy, Debug)]
pub struct ProbeRef<'p>(&'p Probe);

impl ProbeRef<'_> {
    /// The name of the place.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// What has been seen since it was switched on; `None` while it is off.
    pub fn state(&self) -> Option<ProbeState> {
        self.with(|watch| watch.measures.then(|| watch.state.clone())).flatten()
    }

    /// Switches it on, which begins at zero, or off. What is on already goes on.
    pub fn switch(&self, on: bool) {
        let mut watch = self.0.watch.take().unwrap_or_default();
        if on != watch.measures {
            (watch.measures, watch.state) = (on, ProbeState::default());
        }
        self.0.watch.set(Some(watch).filter(|watch| watch.measures || !watch.taps.is_empty()));
    }

    #[cfg(feature = "std")]
    pub(crate) fn tap(&self, tap: Box<dyn Tapping>) {
        let mut watch = self.0.watch.take().unwrap_or_default();
        watch.taps.push(tap);
        self.0.watch.set(Some(watch));
    }

    fn with<R>(&self, see: impl FnOnce(&Watch) -> R) -> Option<R> {
        let watch = self.0.watch.take()?;
        let seen = see(&watch);
        self.0.watch.set(Some(watch));
        Some(seen)
    }
}

/// When an event began to pass what follows.
struct Begun(#[cfg(feature = "std")] std::time::Instant);

impl Begun {
    fn now() -> Self {
        Self(
            #[cfg(feature = "std")]
            std::time::Instant::now(),
        )
    }

    fn elapsed(&self) -> Duration {
        #[cfg(feature = "std")]
        return self.0.elapsed();
        #[cfg(not(feature = "std"))]
        Duration::ZERO
    }
}
