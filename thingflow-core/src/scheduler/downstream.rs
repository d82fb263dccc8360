//! How far downstream joins lie: in a stop those further up send what they hold first, for it may come to one further down.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::engine::{Engine, log_failed};
use crate::port::{AnyPort, Hub, PortRef};
use crate::visit::Visitor;

/// What a run has started, in the direction of its events.
pub(super) struct Downstream {
    /// The ports that nothing of the graph feeds.
    pub(super) begins: Vec<Rc<dyn AnyPort>>,
    /// The joins, by how many others lie before each at most. Those that no walk sees are the last.
    pub(super) joins: Vec<Vec<Rc<dyn Hub>>>,
}

impl Engine {
    pub(super) fn downstream(&self) -> Downstream {
        let mut joins: BTreeMap<usize, Rc<dyn Hub>> =
            self.link.started().into_iter().filter_map(|hub| Some((hub.join()?, hub))).collect();
        if joins.is_empty() {
            return Downstream { begins: Vec::new(), joins: Vec::new() };
        }
        let ways = self.ways();
        let depths = ways.depths(|node| joins.contains_key(&node));
        let mut by_depth: BTreeMap<usize, Vec<Rc<dyn Hub>>> = BTreeMap::new();
        while let Some((number, join)) = joins.pop_first() {
            by_depth.entry(depths.get(&number).copied().unwrap_or(usize::MAX)).or_default().push(join);
        }
        let fed: BTreeSet<usize> = ways.all.iter().map(|(_, to)| *to).collect();
        let begins = self.link.ports().into_iter().filter(|port| !fed.contains(&port.id())).collect();
        Downstream { begins, joins: by_depth.into_values().collect() }
    }

    fn ways(&self) -> Ways {
        let mut ways = Ways::default();
        log_failed(self.discard(|_| {
            for id in self.ids() {
                ways.at = SOURCE;
                self.look_at(id, |thing| thing.describe(&mut ways));
            }
            ways.unseen.extend(self.link.ports().into_iter().map(PortRef::new));
            while let Some(port) = ways.unseen.pop() {
                if ways.seen.insert(port.id()) {
                    port.connections(&mut |connection| {
                        ways.at = port.id();
                        connection.describe(&mut ways);
                    });
                }
            }
        }));
        ways
    }
}

/// The number that no port and no join has: all sources are one.
const SOURCE: usize = 0;

/// Where events go: from ports, joins and sources to ports and joins, each known by its number. An event that goes round a loop is
/// none of them.
#[derive(Default)]
struct Ways {
    all: BTreeSet<(usize, usize)>,
    /// Where what is being shown comes from.
    at: usize,
    unseen: Vec<PortRef>,
    /// The ports and joins behind which all has been shown.
    seen: BTreeSet<usize>,
}

impl Ways {
    /// How many nodes that count lie before each.
    fn depths(&self, counts: impl Fn(usize) -> bool) -> BTreeMap<usize, usize> {
        let (mut depths, mut before) = (BTreeMap::from([(SOURCE, 0)]), BTreeMap::<usize, usize>::new());
        for (from, to) in &self.all {
            before.entry(*from).or_default();
            *before.entry(*to).or_default() += 1;
        }
        let mut ready: Vec<usize> = before.iter().filter(|(_, n)| **n == 0).map(|(node, _)| *node).collect();
        while let Some(node) = ready.pop() {
            let depth = depths.get(&node).copied().unwrap_or(0);
            depths.insert(node, depth);
            for (_, next) in self.all.range((node, 0)..=(node, usize::MAX)) {
                let least = depth + usize::from(counts(node));
                depths.entry(*next).and_modify(|depth| *depth = least.max(*depth)).or_insert(least);
                if let Some(n) = before.get_mut(next) {
                    *n -= 1;
                    if *n == 0 {
                        ready.push(*next);
                    }
                }
            }
        }
        depths
    }
}

impl Visitor for Ways {
    fn filter(&mut self, _: &str) {}
    fn origin(&mut self, id: usize) {
        self.at = id;
    }
    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
        let at = self.at;
        describe(self);
        self.at = at;
    }
    fn join(&mut self, _: &str, id: usize) -> bool {
        self.all.insert((self.at, id));
        self.at = id;
        self.seen.insert(id)
    }
    fn sink(&mut self, _: &str) {}
    fn shared_sink(&mut self, _: &str, id: usize) {
        self.all.insert((self.at, id));
    }
    fn port(&mut self, port: PortRef, feedback: bool) {
        if !feedback {
            self.all.insert((self.at, port.id()));
        }
        self.unseen.push(port);
    }
}
