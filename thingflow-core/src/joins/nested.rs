//! Streams of ports: what `switch`, `exhaust` and `merge_all` have in common.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::inputs::Wire;
use super::joined::{JoinInput, Joined};
use super::rule::{At, Rule, Takes};
use crate::port::Branch;
use crate::port::{Connection, Port};
use crate::state::StateVisitor;
use crate::thing::InputThing;

/// The input of a join of the ports that come as its events: the ports are inputs, too, numbered from 1 on as they come.
pub struct PortsOf<C>(pub(super) C);

impl<C> fmt::Debug for PortsOf<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortsOf")
    }
}

/// A rule that connects the ports which come as events.
pub trait Nests<T>: Rule {
    /// The ports that are connected.
    fn ports(&mut self) -> &mut Nested<T>;
}

impl<T, C, R> Wire<R> for PortsOf<C>
where
    T: Clone + 'static,
    C: Branch<Item = Port<T>>,
    R: Nests<T> + Takes<At<0>, Port<T>> + Takes<usize, T> + 'static,
{
    fn wire<N: InputThing<R::Out> + 'static>(self, join: &Rc<Joined<R, N>>) -> Vec<Connection> {
        let weak = Rc::downgrade(join);
        let connect =
            move |port: &Port<T>, number: usize| weak.upgrade().map(|join| port.connect(JoinInput::new(&join, number)));
        join.with_rule(|rule| rule.ports().connect = Some(Box::new(connect)));
        vec![self.0.attach(JoinInput::new(join, At::<0>))]
    }
}

type Connect<T> = Box<dyn Fn(&Port<T>, usize) -> Option<Connection>>;

/// The ports that a join has connected by itself.
pub struct Nested<T> {
    connect: Option<Connect<T>>,
    open: Vec<(usize, Connection)>,
    last: usize,
    /// The stream of the ports has ended.
    pub(super) ended: bool,
}

impl<T> Default for Nested<T> {
    fn default() -> Self {
        Self { connect: None, open: Vec::new(), last: 0, ended: false }
    }
}

impl<T> Nested<T> {
    /// Connects a port. One that has ended already is left out.
    pub(super) fn add(&mut self, port: &Port<T>) {
        self.last += 1;
        let connection = self.connect.as_ref().and_then(|connect| connect(port, self.last));
        self.open.extend(connection.filter(Connection::is_connected).map(|connection| (self.last, connection)));
    }

    /// How many ports are connected. One that is gone is not.
    pub(super) fn count(&mut self) -> usize {
        self.open.retain(|(_, connection)| connection.is_connected());
        self.open.len()
    }

    /// Lets all ports go.
    pub(super) fn clear(&mut self) {
        for (_, connection) in core::mem::take(&mut self.open) {
            connection.disconnect();
        }
    }

    /// Whether a port is among those that are connected.
    pub(super) fn has(&self, number: usize) -> bool {
        self.open.iter().any(|(open, _)| *open == number)
    }

    /// Notes the end of a port, or of the stream of ports. A port that is gone has ended, too.
    pub(super) fn end(&mut self, number: usize) {
        self.ended |= number == 0;
        self.open.retain(|(open, connection)| *open != number && connection.is_connected());
    }

    /// A port that is followed is a part of the graph and no data, so a walk over the state is told that it is not in there.
    pub(super) fn on_state(&mut self, name: &str, state: &mut dyn StateVisitor) {
        if self.count() > 0 {
            state.unsaved(name);
        }
    }

    /// Whether nothing can come any more.
    pub(super) fn is_over(&self) -> bool {
        self.ended && self.open.is_empty()
    }
}

/// A join that has ended lets its ports go.
impl<T> Drop for Nested<T> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<T> fmt::Debug for Nested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nested").field("open", &self.open.len()).field("ended", &self.ended).finish_non_exhaustive()
    }
}
