//! A port without its type: what the scheduler and a walk over the graph need of it.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::outlet::One;
#[cfg(feature = "std")]
use super::{Connection, RunLink};
use super::{Inner, Port, Slot};
use crate::context::Context;
use crate::diagram::{Hop, Shows};
use crate::identity::NodeId;
use crate::notice::{Notice, Question};
#[cfg(feature = "std")]
use crate::tap::PortTap;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// What is held until a graph is closed; dropping it closes it.
pub(crate) trait Held {}
impl<T> Held for T {}

/// What a connection leads to, and what a scheduler wakes: a port or a join.
pub(crate) trait Hub {
    /// Wakes the connections, or delivers what was emitted for a later turn.
    fn wake(&self, later: bool, cx: &mut Context<'_>) -> Receipt;
    /// Wakes the connections: a stage downstream has room again.
    fn resumed(&self, cx: &mut Context<'_>) -> Receipt;
    fn leave(&self, connection: usize);
    fn is_joined(&self, connection: usize) -> bool;
    /// Whether it still sends what is held behind it, although that has been told the end, and somebody listens.
    fn is_draining(&self) -> bool;
    /// Whether an event is held behind it that is to go on at a time that was asked for.
    fn is_holding(&self) -> bool;
    /// What has fed it, or one input of it, is gone without an end.
    #[cfg(feature = "std")]
    fn unfed(&self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    /// Its number, if it is a join.
    #[cfg(feature = "std")]
    fn join(&self) -> Option<usize> {
        None
    }
    /// A join passes no flush on before its [`stop`](Self::stop), with which one comes.
    #[cfg(feature = "std")]
    fn await_stop(&self) {}
    /// The run is being stopped: a join sends what waits for an input, of which nothing comes any more.
    #[cfg(feature = "std")]
    fn stop(&self, _cx: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    /// Forgets the wishes for a wake-up: they belong to a run, which is over.
    #[cfg(feature = "std")]
    fn forget_wishes(&self);
    /// Shows what it keeps although it is no port, for a walk over what is to be closed.
    fn describe(&self, _visitor: &mut dyn Visitor) {}
    /// Hands out what it keeps although it is no port, as [`AnyPort::close`] does.
    fn close_draining(self: Rc<Self>, _held: &mut Vec<(usize, Box<dyn Held>)>) {}
    /// Itself, if it is a port.
    fn as_port(self: Rc<Self>) -> Option<Rc<dyn AnyPort>> {
        None
    }
}

pub(crate) trait AnyPort: Hub {
    fn id(&self) -> usize;
    fn name(&self) -> String;
    fn events(&self) -> u64;
    fn is_closed(&self) -> bool;
    /// Whether it belongs to another scheduler that is still there.
    #[cfg(feature = "std")]
    fn is_of_another(&self, link: &Rc<RunLink>) -> bool;
    fn notice(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt;
    /// Whether the end of a loop leads here.
    fn is_looped(&self) -> bool;
    /// Whether events wait for a later turn.
    fn has_later(&self) -> bool;
    /// Ends the stream, whatever is on its way.
    fn complete(&self, cx: &mut Context<'_>) -> Closed;
    /// Notes that a source of the port is let go because nobody listens: who listens later is told.
    #[cfg(feature = "std")]
    fn desert(&self);
    fn ask(&self, question: Question<'_>) -> bool;
    fn connections(&self, see: &mut dyn FnMut(ConnectionInfo<'_>));
    /// Puts a wrapper around every Thing that is connected, which logs what passes, with `name` for the port.
    fn trace(&self, name: &str, shows: &Rc<Shows>);
    /// Connects who looks at what is sent.
    #[cfg(feature = "std")]
    fn tap(&self, tap: PortTap) -> Connection;
    /// Takes all Things off the port, each with the number of its creation.
    fn close(&self, held: &mut Vec<(usize, Box<dyn Held>)>);
}

impl<T: Clone + 'static> Hub for Inner<T> {
    fn wake(&self, later: bool, cx: &mut Context<'_>) -> Receipt {
        if later { self.deliver_later(cx) } else { self.wake_due(cx) }
    }

    fn resumed(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.resumed();
        self.wake_all(cx)
    }

    fn leave(&self, connection: usize) {
        Inner::leave(self, connection);
    }

    fn is_joined(&self, connection: usize) -> bool {
        self.look(|body| body.slots.all().iter().any(|slot| slot.id == connection))
            .unwrap_or_else(|| !self.rarely(|rare| rare.left.borrow().contains(&connection)))
            || self.rarely(|rare| rare.draining.has(connection))
    }

    fn is_draining(&self) -> bool {
        self.rarely(|rare| rare.draining.is_any())
    }

    fn is_holding(&self) -> bool {
        self.is_draining() || AnyPort::ask(self, Question::Holding)
    }

    #[cfg(feature = "std")]
    fn unfed(&self, cx: &mut Context<'_>) -> Receipt {
        AnyPort::notice(self, Notice::Completed, cx)
    }

    #[cfg(feature = "std")]
    fn forget_wishes(&self) {
        self.alarm.forget();
    }

    fn as_port(self: Rc<Self>) -> Option<Rc<dyn AnyPort>> {
        Some(self)
    }
}

impl<T: Clone + 'static> AnyPort for Inner<T> {
    fn id(&self) -> usize {
        self.number
    }

    fn name(&self) -> String {
        self.display_name()
    }

    fn events(&self) -> u64 {
        self.events.get()
    }

    fn notice(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => {
                self.note(super::pending::START);
                self.settle_if_idle(Demand::More, cx)
            }
            Notice::State(_) if self.is_closed() && self.run.is_over() => {
                Err(cx.fatal(gone_with_its_run(&self.display_name())))
            }
            Notice::State(visitor) => match visitor.enter(self.id()) {
                true if self.look(|_| ()).is_none() => Err(cx.fatal(in_a_call("port", &self.display_name()))),
                true => self.tell(Notice::State(visitor), cx),
                false => Ok(Demand::More),
            },
            // A loop that leads here goes on until nothing is on its way any more.
            Notice::Completed if self.is_looped() && self.ends_at_rest(cx) => Ok(Demand::Done),
            notice => self.tell(notice, cx),
        }
    }

    fn is_closed(&self) -> bool {
        self.pending.is_closed()
    }

    #[cfg(feature = "std")]
    fn is_of_another(&self, link: &Rc<RunLink>) -> bool {
        self.run.link().is_some_and(|of| !Rc::ptr_eq(&of, link))
    }

    fn is_looped(&self) -> bool {
        self.loops.get() > 0
    }

    fn has_later(&self) -> bool {
        self.rarely(|rare| !rare.later.is_empty())
    }

    fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open if self.pending.is_closed() => false,
            Question::Open if self.keep_running.get() => true,
            // Empty-handed on the way round a loop: a loop alone does not listen to itself, nor is it full.
            question => {
                let empty_handed = question.asks_all();
                self.look(|body| body.slots.only.thing.ask(question)).unwrap_or(empty_handed)
            }
        }
    }

    fn complete(&self, cx: &mut Context<'_>) -> Closed {
        self.end(Notice::Completed, cx)
    }

    #[cfg(feature = "std")]
    fn desert(&self) {
        self.deserted.set(!self.pending.is_closed());
    }

    fn connections(&self, see: &mut dyn FnMut(ConnectionInfo<'_>)) {
        self.look(|body| {
            for slot in body.slots.all() {
                let delivered = self.events.get() - slot.joined_at;
                let id = NodeId::of(slot.id, slot.generation);
                see(ConnectionInfo { id, delivered, ask: &|question| slot.thing.ask(question) });
            }
        });
        if let Some(rare) = self.rare.get() {
            rare.draining.show(see);
        }
    }

    fn trace(&self, name: &str, shows: &Rc<Shows>) {
        if let Some(mut body) = self.take_body() {
            let wrap = |slot: Slot<T>| Slot { thing: Box::new(One(Hop::new(name, slot.thing, shows.clone()))), ..slot };
            body.slots.map(wrap);
            self.put_back(body);
        }
    }

    #[cfg(feature = "std")]
    fn tap(&self, tap: PortTap) -> Connection {
        self.join(Box::new(One(tap)))
    }

    fn close(&self, held: &mut Vec<(usize, Box<dyn Held>)>) {
        self.pending.close();
        for slot in self.take_slots(|_| true) {
            held.push((slot.id, slot.thing));
        }
        if let Some(rare) = self.rare.get() {
            rare.draining.close(held);
        }
    }
}

#[cold]
fn gone_with_its_run(port: &str) -> String {
    format!(
        "cannot save or restore a state behind the port `{port}`: its run has ended, and all that followed was dropped; save while \
         the run goes on, and restore into a new graph"
    )
}

/// Why the state of something, and of what follows it, cannot be had now.
#[cold]
pub(crate) fn in_a_call(what: &str, name: &str) -> String {
    format!(
        "cannot save or restore a state behind the {what} `{name}`: it is being called; do so in a call that has not come through it, \
         such as one of another schedule, or between two runs"
    )
}

impl<T> Port<T> {
    pub(crate) fn given_name(&self) -> Option<String> {
        self.inner.given_name().map(String::from)
    }

    /// Whether something is connected, although the port was never started.
    pub(crate) fn waits_in_vain(&self) -> bool {
        let Some(body) = self.inner.parked.take() else { return false };
        let waits = !self.inner.running.get() && !body.slots.is_empty();
        self.inner.parked.set(Some(body));
        waits
    }
}

/// A port without its type, as a walk over the graph sees it.
#[derive(Clone)]
pub struct PortRef(Rc<dyn AnyPort>);

impl PortRef {
    pub(crate) fn new(port: Rc<dyn AnyPort>) -> Self {
        Self(port)
    }

    pub(crate) fn port(&self) -> &dyn AnyPort {
        &*self.0
    }

    /// Whether nobody has the port but what feeds it.
    #[cfg(feature = "std")]
    pub(crate) fn is_forsaken(&self) -> bool {
        Rc::strong_count(&self.0) == 2 // what feeds it, and this
    }

    /// The port's number, which no other port, connection or join of the program has had.
    pub fn id(&self) -> usize {
        self.0.id()
    }

    /// The port as a node of the graph.
    pub fn node(&self) -> NodeId {
        NodeId::of(self.id(), 0)
    }

    /// The port's name, `port` if it was given none.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// How many events the port has sent.
    pub fn events(&self) -> u64 {
        self.0.events()
    }

    /// Whether anything that still wants events is connected, here or further downstream.
    pub fn is_listened(&self) -> bool {
        self.ask(Question::Open)
    }

    /// Notifies everything that is connected, see [`InputThing::notice`].
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    pub fn notice(&self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.notice(notice, cx)
    }

    /// Asks everything that is connected, see [`Question::of_all`]. Asked to describe itself, the port shows just that it
    /// is there.
    pub fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Describe(visitor) => {
                visitor.port(self.clone(), false);
                true
            }
            question => self.0.ask(question),
        }
    }

    /// Shows every connection, in order. Nothing while the port is dispatching.
    pub fn connections(&self, see: &mut dyn FnMut(ConnectionInfo<'_>)) {
        self.0.connections(see);
    }
}

impl fmt::Debug for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PortRef({})", self.name())
    }
}

/// One connection of a port, while a walk looks at it.
pub struct ConnectionInfo<'a> {
    /// Its id, which no other connection has. The nodes behind it have ids that begin with it.
    pub id: NodeId,
    /// How many events went to this connection.
    pub delivered: u64,
    pub(super) ask: &'a dyn Fn(Question<'_>) -> bool,
}

impl ConnectionInfo<'_> {
    /// Shows the chain behind the connection.
    pub fn describe(&self, visitor: &mut dyn Visitor) {
        (self.ask)(Question::Describe(visitor));
    }
}

impl fmt::Debug for ConnectionInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionInfo").field("delivered", &self.delivered).finish_non_exhaustive()
    }
}

/// The name of who has failed in a chain, for error messages: of the stage, or of the Thing at the end.
pub(super) fn culprit<T>(thing: &dyn InputThing<T>) -> String {
    #[cfg(feature = "std")]
    if let Some(stage) = crate::witness::culprit_in(|visitor| _ = thing.ask(Question::Describe(visitor))) {
        return stage;
    }
    end_of(thing)
}

/// The name of the Thing at the end of a chain, for error messages: if there are several, that of the place where they
/// part. An end that has no name but that of its type is known by the last `.named(..)` before it.
fn end_of<T>(thing: &dyn InputThing<T>) -> String {
    struct End {
        name: String,
        /// The last name in the chain that was given by the user.
        given: Option<String>,
    }
    impl Visitor for End {
        fn filter(&mut self, name: &str) {
            self.name = name.to_string();
        }
        fn place(&mut self, name: &str) {
            self.given = Some(name.to_string());
        }
        fn branch(&mut self, _: &dyn Fn(&mut dyn Visitor)) {}
        fn sink(&mut self, name: &str) {
            self.name = name.to_string();
        }
        fn sink_type(&mut self, name: &'static str) {
            self.name = self.given.clone().unwrap_or_else(|| name.to_string());
        }
        fn port(&mut self, port: PortRef, _: bool) {
            self.name = port.name();
        }
    }
    let mut end = End { name: String::new(), given: None };
    thing.ask(Question::Describe(&mut end));
    end.name
}
