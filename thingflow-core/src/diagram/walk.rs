//! [`Graph`]: the graph as data, found by a walk from its sources or ports.
//!
//! A port is walked once, however many ways lead to it, so a loop ends the walk where it closes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::clean::called;
use super::node::{Edge, Node, NodeKind};
use crate::elementwise::ProbeRef;
use crate::identity::{NodeId, Place};
use crate::limit::QueueState;
use crate::output::OutputThing;
use crate::port::{Port, PortRef};
use crate::visit::Visitor;

/// The nodes in the order in which a walk meets them, and the edges in the order of connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Graph {
    /// The Things and ports.
    pub nodes: Vec<Node>,
    /// The ways between them.
    pub edges: Vec<Edge>,
    /// The ports and joins that have been walked, by their number, with the index of their node.
    #[cfg_attr(feature = "serde", serde(skip))]
    met: BTreeMap<usize, usize>,
    /// The nodes that an edge leaves.
    #[cfg_attr(feature = "serde", serde(skip))]
    leads_on: BTreeSet<usize>,
}

/// What a walk has come to that is more than data.
pub(crate) enum Met<'w> {
    Port(&'w PortRef),
    Probe(ProbeRef<'w>),
}

/// Who looks at what a walk comes to; the number is the index of the node.
type See<'s> = dyn FnMut(usize, Met<'_>) + 's;

/// What a graph can be drawn from: any [`OutputThing`], a port, a list of these.
pub trait Root {
    /// Adds itself and what stands behind it.
    fn add_to(&self, graph: &mut Graph);
}

impl<S: OutputThing> Root for S {
    fn add_to(&self, graph: &mut Graph) {
        graph.add(self);
    }
}

impl Root for dyn OutputThing + '_ {
    fn add_to(&self, graph: &mut Graph) {
        graph.add(self);
    }
}

impl<T: Clone + 'static> Root for Port<T> {
    fn add_to(&self, graph: &mut Graph) {
        graph.add_port(&self.as_ref());
    }
}

impl Root for PortRef {
    fn add_to(&self, graph: &mut Graph) {
        graph.add_port(self);
    }
}

impl<R: Root> Root for [R] {
    fn add_to(&self, graph: &mut Graph) {
        self.iter().for_each(|root| root.add_to(graph));
    }
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands behind one source, or behind one port.
    ///
    /// ```
    /// use thingflow_core::diagram::Graph;
    /// use thingflow_core::prelude::*;
    /// let lux = Port::<f64>::new().named("lux");
    /// lux.map(|lux| lux < 25.0).connect(call(drop));
    /// assert_eq!(Graph::of(&lux).paths(), ["lux -> map -> call"]);
    /// ```
    pub fn of<R: Root + ?Sized>(root: &R) -> Self {
        let mut graph = Self::new();
        root.add_to(&mut graph);
        graph
    }

    /// Adds a source and what stands behind it.
    pub fn add(&mut self, source: &dyn OutputThing) {
        self.add_as(source, None, &mut |_, _| {});
    }

    /// Adds a source that is known by `id`, and shows what stands behind it. The index of its node.
    pub(crate) fn add_as(&mut self, source: &dyn OutputThing, id: Option<NodeId>, see: &mut See<'_>) -> usize {
        let at = self.node(Node::new(id, source.name(), NodeKind::Source));
        let mut walk = Walk::along(self, see, at, Place::behind(id));
        source.describe(&mut walk);
        walk.source
    }

    /// Adds a port and what stands behind it: `graph.add_port(&port.as_ref())`.
    pub fn add_port(&mut self, port: &PortRef) {
        self.walk_port(port, None, &mut |_, _| {});
    }

    /// As [`add_port`](Self::add_port), and shows what stands behind it.
    #[cfg(feature = "std")]
    pub(crate) fn add_port_and_see(&mut self, port: &PortRef, see: &mut See<'_>) {
        self.walk_port(port, None, see);
    }

    /// The same graph without what only a walk needs.
    #[cfg(feature = "std")]
    pub(crate) fn walked(self) -> Self {
        Self { met: BTreeMap::new(), leads_on: BTreeSet::new(), ..self }
    }

    /// The edges that leave a node.
    pub fn edges_from(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }

    /// Where to begin, so as to reach every node: the nodes to which nothing leads, and one of each loop without such.
    pub fn roots(&self) -> Vec<usize> {
        let led_to = |node: &usize| self.edges.iter().any(|edge| edge.to == *node);
        let (inner, mut roots): (Vec<_>, Vec<_>) = (0..self.nodes.len()).partition(led_to);
        let mut reached = alloc::vec![false; self.nodes.len()];
        roots.iter().for_each(|root| self.reach(*root, &mut reached));
        for node in inner {
            if !reached[node] {
                roots.push(node);
                self.reach(node, &mut reached);
            }
        }
        roots
    }

    fn reach(&self, node: usize, reached: &mut [bool]) {
        if !core::mem::replace(&mut reached[node], true) {
            self.edges_from(node).for_each(|edge| self.reach(edge.to, reached));
        }
    }

    fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// The node of a port. `as_source` is a source whose only port it may be, nameless or of its name: both are then one node.
    fn walk_port(&mut self, port: &PortRef, as_source: Option<usize>, see: &mut See<'_>) -> usize {
        if let Some(node) = self.met.get(&port.id()) {
            return *node;
        }
        let own = as_source.filter(|source| {
            let node = &self.nodes[*source];
            node.kind == NodeKind::Source
                && node.events.is_none()
                && !self.leads_on.contains(source)
                && (port.name() == "port" || port.name() == node.name)
        });
        let at = own.unwrap_or_else(|| self.node(Node::new(Some(port.node()), &port.name(), NodeKind::Port)));
        self.met.insert(port.id(), at);
        self.nodes[at].events = Some(port.events());
        self.nodes[at].tappable = true;
        see(at, Met::Port(port));
        port.connections(&mut |connection| {
            let place = Place::behind(Some(connection.id));
            let walk = Walk::along(self, see, at, place);
            connection.describe(&mut Walk { events: Some(connection.delivered), ..walk });
        });
        at
    }
}

/// A walk along one connection.
struct Walk<'g, 's> {
    graph: &'g mut Graph,
    see: &'g mut See<'s>,
    /// Where it began.
    source: usize,
    /// Where the next node is attached. An end does not move it, so that a Thing may show several.
    at: usize,
    /// The node met last.
    last: usize,
    place: Place,
    events: Option<u64>,
    /// A name for the place where no filter is yet: for the next one, or for the end.
    given: Option<String>,
}

impl<'g, 's> Walk<'g, 's> {
    fn along(graph: &'g mut Graph, see: &'g mut See<'s>, at: usize, place: Place) -> Self {
        Self { graph, see, source: at, at, last: at, place, events: None, given: None }
    }
}

impl Walk<'_, '_> {
    fn attach(&mut self, called: &str, kind: NodeKind) -> usize {
        let given = self.given.take();
        let node = Node::new(self.place.next(), given.as_deref().unwrap_or(called), kind);
        let to = self.graph.node(Node { operator: given.map(|_| called.to_string()), ..node });
        self.edge(to, false);
        self.last = to;
        to
    }

    fn edge(&mut self, to: usize, feedback: bool) {
        self.graph.edges.push(Edge { from: self.at, to, events: self.events, feedback });
        self.graph.leads_on.insert(self.at);
    }

    /// Whether the Thing with this number has been met on another way, which this one then leads to.
    fn meets(&mut self, id: usize) -> bool {
        let Some(known) = self.graph.met.get(&id).copied() else { return false };
        self.edge(known, false);
        self.last = known;
        true
    }

    /// The node met last has this number, by which it is known from all ways that lead to it.
    fn number(&mut self, id: usize) {
        self.graph.met.insert(id, self.last);
        self.graph.nodes[self.last].id = Some(NodeId::of(id, 0));
        self.place = Place::behind(Some(NodeId::of(id, 0)));
    }
}

impl Visitor for Walk<'_, '_> {
    fn filter(&mut self, name: &str) {
        self.at = self.attach(name, NodeKind::Filter);
        self.events = None; // counted at ports only
    }

    fn source_type(&mut self, name: &'static str) {
        self.graph.nodes[self.at].name = called(name);
    }

    /// What a Thing takes comes out of it at a source: one node for both.
    fn origin(&mut self, id: usize) {
        if let Some(taken) = self.graph.met.get(&id).copied() {
            // The walk has just met the source, so that it is the last node and has no edges yet.
            let own = core::mem::replace(&mut self.at, taken);
            self.graph.nodes.truncate(own);
            self.graph.nodes[taken].kind = NodeKind::Source;
            (self.source, self.last) = (taken, taken);
        }
        self.number(id);
    }

    fn filter_type(&mut self, name: &'static str) {
        self.filter(&called(name));
    }

    fn place(&mut self, name: &str) {
        let is_first = !self.graph.leads_on.contains(&self.at);
        let node = &mut self.graph.nodes[self.at];
        // The name is that of the filter before it; of the next one, where branches leave or the chain begins.
        if node.kind == NodeKind::Filter && node.operator.is_none() && is_first {
            node.operator = Some(core::mem::replace(&mut node.name, name.to_string()));
        } else if node.kind == NodeKind::Source && self.events.is_none() && is_first {
            let own = core::mem::replace(&mut node.name, name.to_string());
            node.operator = Some(own).filter(|own| own != name);
        } else {
            self.given = Some(name.to_string());
        }
    }

    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
        let place = self.place.branch();
        let walk = Walk::along(self.graph, self.see, self.at, place);
        describe(&mut Walk { events: self.events, ..walk });
    }

    fn join(&mut self, name: &str, id: usize) -> bool {
        if self.meets(id) {
            return false;
        }
        let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
        self.filter(&if is_type { called(name) } else { name.to_string() });
        self.number(id);
        true
    }

    fn sink(&mut self, name: &str) {
        self.attach(name, NodeKind::Sink);
    }

    fn shared_sink(&mut self, name: &str, id: usize) {
        if !self.meets(id) {
            self.sink(name);
            let place = self.place;
            self.number(id);
            self.place = place; // the chain may show another end
        }
    }

    fn sink_type(&mut self, name: &'static str) {
        self.sink(&called(name));
    }

    fn queue(&mut self, queue: QueueState) {
        self.graph.nodes[self.last].queues.push(queue);
    }

    fn probe(&mut self, probe: ProbeRef<'_>) {
        let node = &mut self.graph.nodes[self.last];
        (node.tappable, node.probe) = (true, probe.state());
        (self.see)(self.last, Met::Probe(probe));
    }

    fn port(&mut self, port: PortRef, feedback: bool) {
        if let Some(given) = self.given.take() {
            self.filter(&given); // there is nothing else to bear it
        }
        let to = self.graph.walk_port(&port, Some(self.at), self.see);
        if to != self.at || self.graph.nodes[to].kind != NodeKind::Source {
            self.edge(to, feedback);
        }
    }
}
