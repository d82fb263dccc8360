//! [`Graph`]: the graph as data, found by a walk from its sources or ports.
//!
//! A port is walked once, however many ways lead to it, so a loop ends the walk where it closes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::clean::called;
use crate::output::OutputThing;
use crate::port::PortRef;
use crate::visit::Visitor;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A Thing that a scheduler drives.
    Source,
    /// A filter in a chain.
    Filter,
    /// A port, where branches begin.
    Port,
    /// The Thing at the end of a chain.
    Sink,
}

/// A Thing or a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The source, filter or sink as it is called, where `name` was given to it by `.named(..)`.
    pub operator: Option<String>,
    /// How many events it has sent, where that is counted: in ports.
    pub events: Option<u64>,
}

/// A way from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The index of the node it leaves.
    pub from: usize,
    /// The index of the node it leads to.
    pub to: usize,
    /// How many events have gone this way, where that is counted: at the connections of ports.
    pub events: Option<u64>,
    /// Whether what goes this way arrives in a later turn.
    pub feedback: bool,
}

/// The nodes in the order in which a walk meets them, and the edges in the order of connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The Things and ports.
    pub nodes: Vec<Node>,
    /// The ways between them.
    pub edges: Vec<Edge>,
    /// The ports and joins that have been walked, by their number, with the index of their node.
    ports: Vec<(usize, usize)>,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands behind one source.
    pub fn of(source: &dyn OutputThing) -> Self {
        let mut graph = Self::new();
        graph.add(source);
        graph
    }

    /// Adds a source and what stands behind it.
    pub fn add(&mut self, source: &dyn OutputThing) {
        let at = self.node(source.name(), NodeKind::Source);
        source.describe(&mut Walk { graph: self, at, events: None, given: None });
    }

    /// Adds a port and what stands behind it: `graph.add_port(&port.as_ref())`.
    pub fn add_port(&mut self, port: &PortRef) {
        self.walk_port(port, None);
    }

    /// The edges that leave a node.
    pub fn from(&self, node: usize) -> impl Iterator<Item = &Edge> {
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
            self.from(node).for_each(|edge| self.reach(edge.to, reached));
        }
    }

    fn node(&mut self, name: &str, kind: NodeKind) -> usize {
        self.nodes.push(Node { name: name.to_string(), kind, operator: None, events: None });
        self.nodes.len() - 1
    }

    /// The node of a port. `as_source` is a source whose only port it may be, nameless or of its name: both are then one node.
    fn walk_port(&mut self, port: &PortRef, as_source: Option<usize>) -> usize {
        if let Some((_, node)) = self.ports.iter().find(|(id, _)| *id == port.id()) {
            return *node;
        }
        let own = as_source.filter(|source| {
            self.nodes[*source].kind == NodeKind::Source
                && self.nodes[*source].events.is_none()
                && self.from(*source).next().is_none()
                && (port.name() == "port" || port.name() == self.nodes[*source].name)
        });
        let at = own.unwrap_or_else(|| self.node(&port.name(), NodeKind::Port));
        self.ports.push((port.id(), at));
        self.nodes[at].events = Some(port.events());
        port.connections(&mut |connection| {
            connection.describe(&mut Walk { graph: self, at, events: Some(connection.delivered), given: None });
        });
        at
    }
}

/// A walk along one connection.
struct Walk<'g> {
    graph: &'g mut Graph,
    /// Where the next node is attached. An end does not move it, so that a Thing may show several.
    at: usize,
    events: Option<u64>,
    /// A name for the place where no filter is yet: for the next one, or for the end.
    given: Option<String>,
}

impl Walk<'_> {
    fn attach(&mut self, called: &str, kind: NodeKind) -> usize {
        let given = self.given.take();
        let to = self.graph.node(given.as_deref().unwrap_or(called), kind);
        self.graph.nodes[to].operator = given.map(|_| called.to_string());
        self.edge(to, false);
        to
    }

    fn edge(&mut self, to: usize, feedback: bool) {
        self.graph.edges.push(Edge { from: self.at, to, events: self.events, feedback });
    }
}

impl Visitor for Walk<'_> {
    fn filter(&mut self, name: &str) {
        self.at = self.attach(name, NodeKind::Filter);
        self.events = None; // counted at ports only
    }

    fn source_type(&mut self, name: &'static str) {
        self.graph.nodes[self.at].name = called(name);
    }

    /// Events that a join takes come out of it at a source: one node for both.
    fn origin(&mut self, id: usize) {
        let Some((_, taken)) = self.graph.ports.iter().find(|(known, _)| *known == id) else {
            return self.graph.ports.push((id, self.at));
        };
        // The walk has just met the source, so that it is the last node and has no edges yet.
        let own = core::mem::replace(&mut self.at, *taken);
        self.graph.nodes.truncate(own);
        self.graph.nodes[self.at].kind = NodeKind::Source;
    }

    fn filter_type(&mut self, name: &'static str) {
        self.filter(&called(name));
    }

    fn place(&mut self, name: &str) {
        let is_first = self.graph.from(self.at).next().is_none();
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
        describe(&mut Walk { graph: self.graph, at: self.at, events: self.events, given: None });
    }

    fn join(&mut self, name: &str, id: usize) -> bool {
        let known = self.graph.ports.iter().find(|(known, _)| *known == id).map(|(_, node)| *node);
        let Some(to) = known else {
            let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
            self.filter(&if is_type { called(name) } else { name.to_string() });
            self.graph.ports.push((id, self.at));
            return true;
        };
        self.edge(to, false);
        false
    }

    fn sink(&mut self, name: &str) {
        self.attach(name, NodeKind::Sink);
    }

    fn sink_type(&mut self, name: &'static str) {
        self.sink(&called(name));
    }

    fn port(&mut self, port: PortRef, feedback: bool) {
        if let Some(given) = self.given.take() {
            self.filter(&given); // there is nothing else to bear it
        }
        let to = self.graph.walk_port(&port, Some(self.at));
        if to != self.at || self.graph.nodes[to].kind != NodeKind::Source {
            self.edge(to, feedback);
        }
    }
}
