//! How a walk sees the graph: each Thing shows itself, and what stands behind it, to a [`Visitor`].

use core::any::type_name;

#[cfg(feature = "alloc")]
use crate::elementwise::ProbeRef;
use crate::limit::QueueState;
#[cfg(feature = "alloc")]
use crate::port::PortRef;
#[cfg(feature = "alloc")]
use alloc::{collections::BTreeSet, vec::Vec};

/// Receives what a chain is made of, from its source to its end.
pub trait Visitor {
    /// A filter in the chain.
    fn filter(&mut self, name: &str);
    /// The source itself, before what follows it, if it has no name but that of its type.
    fn source_type(&mut self, _name: &'static str) {}
    /// The source itself, before what follows it, if it sends on what a join with this `id` takes: a pool, for example.
    fn origin(&mut self, _id: usize) {}
    /// A filter without a name of its own, by the name of its type. A drawing may show it as the method that makes it:
    /// `RunningAvg` as `running_avg`.
    fn filter_type(&mut self, name: &'static str) {
        self.filter(name);
    }
    /// A name given to this place of the chain by `.named(..)`. A drawing may show it with the filter before it.
    fn place(&mut self, name: &str) {
        self.filter(name);
    }
    /// A branch that leaves the chain here, behind the filter shown last: `describe` shows it from its beginning to its
    /// end, and nothing if it is gone. The chain itself goes on, or ends in branches only.
    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor));
    /// Several chains meet in a join, which `id` tells from others. It may be shown as a filter. The answer is whether to
    /// show what follows, too: no, if that has been done on the way from another of its inputs.
    fn join(&mut self, name: &str, _id: usize) -> bool {
        self.filter(name);
        true
    }
    /// The Thing that ends the chain.
    fn sink(&mut self, name: &str);
    /// A Thing that ends this chain, and may end others or begin one: an edge sink, whose dead letters come out at an
    /// [`origin`](Self::origin) of the same `id`; a Thing with several inputs.
    fn shared_sink(&mut self, name: &str, _id: usize) {
        self.sink(name);
    }
    /// A queue of the Thing shown last.
    fn queue(&mut self, _queue: QueueState) {}
    /// A probe at the place shown last, see [`Elementwise::probe`](crate::Elementwise::probe).
    #[cfg(feature = "alloc")]
    fn probe(&mut self, _probe: ProbeRef<'_>) {}
    /// A Thing without a name of its own that ends the chain, by the name of its type.
    fn sink_type(&mut self, name: &'static str) {
        self.sink(name);
    }
    /// The chain ends in a port; `feedback` if only a later turn delivers to it.
    #[cfg(feature = "alloc")]
    fn port(&mut self, port: PortRef, feedback: bool);
}

/// How the name of a [`Saving`](crate::Saving) begins.
const SAVING: &str = concat!(env!("CARGO_CRATE_NAME"), "::saving::Saving<");

/// The name of a type without its path and parameters; of a [`Saving`](crate::Saving) that of what is in it.
pub fn short_name<T: ?Sized>() -> &'static str {
    let name = type_name::<T>();
    let name = name.strip_prefix(SAVING).unwrap_or(name);
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// Shows a source by its type, unless it has another name.
#[cfg(feature = "alloc")]
pub(crate) fn show_type<S: ?Sized>(name: &str, visitor: &mut dyn Visitor) {
    if name == short_name::<S>() {
        visitor.source_type(short_name::<S>());
    }
}

/// Whether there is anything that `describe` shows.
#[cfg(feature = "std")]
pub(crate) fn shows_anything(describe: impl FnOnce(&mut dyn Visitor)) -> bool {
    struct Any(bool);
    impl Visitor for Any {
        fn filter(&mut self, _: &str) {
            self.0 = true;
        }
        fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
            describe(self); // one that is gone shows nothing
        }
        fn sink(&mut self, _: &str) {
            self.0 = true;
        }
        fn port(&mut self, _: PortRef, _: bool) {
            self.0 = true;
        }
    }
    let mut any = Any(false);
    describe(&mut any);
    any.0
}

/// All ports that can be reached from what `describe` shows, each once.
#[cfg(feature = "alloc")]
pub(crate) fn ports_behind(describe: impl FnOnce(&mut dyn Visitor)) -> Vec<PortRef> {
    let (mut found, mut ports) = (Ports::default(), Vec::new());
    describe(&mut found);
    while let Some(port) = found.waiting.pop() {
        port.connections(&mut |connection| connection.describe(&mut found));
        ports.push(port);
    }
    ports
}

#[cfg(feature = "alloc")]
#[derive(Default)]
struct Ports {
    seen: BTreeSet<usize>,
    waiting: Vec<PortRef>,
}

#[cfg(feature = "alloc")]
impl Visitor for Ports {
    fn filter(&mut self, _: &str) {}
    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
        describe(self);
    }
    fn sink(&mut self, _: &str) {}
    fn port(&mut self, port: PortRef, _: bool) {
        if self.seen.insert(port.id()) {
            self.waiting.push(port);
        }
    }
}
