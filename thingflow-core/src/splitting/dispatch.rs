//! `dispatch()`: sends each event to the port of the first rule that matches it, else to the default port.
//!
//! Holds nothing.
//!
//! Invariants: rules are asked in the order in which they were written; every port is told the end; a wrong key is an
//! error when the graph is wired, never an event that is silently lost.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug};

use super::outputs::all_to_ports;
use crate::chain::Chain;
use crate::context::Context;
use crate::notice::{Notice, Question};
use crate::output::Ports;
use crate::port::{Branch, Port};
use crate::thing::{InputThing, Receipt};

/// A routing table that is being written. Made by [`dispatch`](super::Splitting::dispatch): rules follow, in order, then
/// [`build`](Self::build).
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// #[derive(Debug, PartialEq)]
/// enum Room { Dining, Living }
/// let port = Port::<(&str, i32)>::new();
/// let routes = port
///     .dispatch()
///     .rule(Room::Dining, |(room, _)| *room == "dining")
///     .rule(Room::Living, |(room, _)| *room == "living")
///     .build();
/// let (dining, others) = (Recorder::new(), Recorder::new());
/// routes.port(Room::Dining)?.connect(dining.clone());
/// routes.default_port().connect(others.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// for event in [("dining", 1), ("garage", 2), ("dining", 3)] {
///     port.emit(event, cx).map_err(|error| cx.take_error(error))?;
/// }
/// assert_eq!(dining.text(), r#"("dining", 1) ("dining", 3)"#);
/// assert_eq!(others.text(), r#"("garage", 2)"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # When nobody listens to a port
/// An event for a port without connections is lost, and that is no reason to stop the source: it hears `Done` when
/// no port has a connection any more.
#[must_use = "a routing table does nothing until it is built"]
pub struct Routing<C: Chain, K> {
    chain: C,
    rules: Vec<(K, Predicate<C::Item>)>,
}

type Predicate<T> = Box<dyn FnMut(&T) -> bool>;

impl<C: Chain, K> Routing<C, K> {
    pub(super) fn new(chain: C) -> Self {
        Self { chain, rules: Vec::new() }
    }
}

impl<C: Chain, K: PartialEq + Debug + 'static> Routing<C, K>
where
    C::Item: Clone + 'static,
{
    /// Sends to the port `key` what `matches` holds for, unless an earlier rule did. Several rules may share a key.
    pub fn rule(mut self, key: K, matches: impl FnMut(&C::Item) -> bool + 'static) -> Self {
        self.rules.push((key, Box::new(matches)));
        self
    }

    /// Ends the table and connects it. For a [`Flow`](crate::Flow), which needs to be scheduled afterwards, use
    /// [`build_with_end`](Self::build_with_end).
    pub fn build(self) -> Routes<K, C::Item>
    where
        C: Branch,
    {
        self.build_with_end().0
    }

    /// Ends the table, connects it, and gives back what comes of connecting the chain: a connection, or a flow.
    #[allow(clippy::type_complexity)] // two things, whose types are the chain's
    pub fn build_with_end(self) -> (Routes<K, C::Item>, C::Ended<Dispatcher<C::Item>>) {
        let mut routes = Routes { ports: Vec::new(), default: Port::new().named("default") };
        let mut ports = Vec::from([routes.default.clone()]);
        let mut rules = Vec::new();
        for (key, matches) in self.rules {
            let at = routes.ports.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                let port = Port::new().named(plain(&key));
                ports.push(port.clone());
                routes.ports.push((key, port));
                routes.ports.len() - 1
            });
            rules.push((at + 1, matches));
        }
        (routes, self.chain.connect(Dispatcher { rules, ports }))
    }
}

impl<C: Chain, K: Debug> Debug for Routing<C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|(key, _)| key)).finish()
    }
}

/// The ports of a routing table, by key.
pub struct Routes<K, T> {
    ports: Vec<(K, Port<T>)>,
    default: Port<T>,
}

impl<K: PartialEq + Debug, T: Clone + 'static> Routes<K, T> {
    /// The port of the rules with this key.
    ///
    /// # Errors
    /// If no rule has the key; the error lists those that there are.
    pub fn port<Q>(&self, key: Q) -> Result<&Port<T>, UnknownPort>
    where
        K: PartialEq<Q>,
        Q: Debug,
    {
        let found = self.ports.iter().find(|(known, _)| *known == key);
        found.map(|(_, port)| port).ok_or_else(|| UnknownPort {
            key: format!("{key:?}"),
            known: self.ports.iter().map(|(known, _)| format!("{known:?}")).collect(),
        })
    }

    /// The port for events that no rule matches.
    pub fn default_port(&self) -> &Port<T> {
        &self.default
    }

    /// The keys with their ports, in the order of their first rules.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Port<T>)> {
        self.ports.iter().map(|(key, port)| (key, port))
    }
}

impl<K: Debug, T> Debug for Routes<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ports.iter().map(|(key, _)| key)).finish()
    }
}

/// No rule of a routing table has this key.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownPort {
    key: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no port {}; there are ", self.key)?;
        for key in &self.known {
            write!(f, "{key}, ")?;
        }
        f.write_str("and the default port")
    }
}

/// As `Display`.
impl Debug for UnknownPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for UnknownPort {}

/// The Thing that routes. Made by [`Routing::build_with_end`].
pub struct Dispatcher<T> {
    rules: Vec<(usize, Predicate<T>)>,
    /// The default port, then those of the keys.
    ports: Vec<Port<T>>,
}

impl<T: Clone + 'static> Dispatcher<T> {
    fn route(&mut self, event: &T) -> usize {
        self.rules.iter_mut().find_map(|(port, matches)| matches(event).then_some(*port)).unwrap_or(0)
    }
}

impl<T: Clone + 'static> InputThing<T> for Dispatcher<T> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let port = self.route(&event);
        let demand = self.ports[port].emit(event, cx)?;
        Ok(self.ports.receipt_of(demand.into()))
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let port = self.route(event);
        let demand = self.ports[port].next_ref(event, cx)?;
        Ok(self.ports.receipt_of(demand.into()))
    }
    all_to_ports!("dispatch", ports);
}

impl<T> Debug for Dispatcher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

/// A key as a port's name: text without its quotation marks.
fn plain(key: &impl Debug) -> String {
    let text = format!("{key:?}");
    String::from(text.trim_matches('"'))
}
