//! [`Port`]: a multicast point, the one place where the graph can change while it runs.
//!
//! Invariants:
//! - Dispatch is synchronous, depth first, in the order of connection, over a snapshot: who joins during a dispatch gets
//!   the next event, who leaves still gets this one.
//! - A port sends nothing after completed or error; a Thing that answered `Done` is dropped at once.
//! - An event emitted into a port that is dispatching is queued and delivered right after: no recursion, no panic.
//! - While a port dispatches, its connections are out of its cell (`None`). So nothing is borrowed while user code runs.

mod alarm;
mod any;
mod branch;
mod chain;
mod connection;
mod dispatch;
mod draining;
mod feeder;
#[cfg(feature = "std")]
mod on_demand;
mod outlet;
mod pending;
mod rare;
mod replace;
mod run;
mod slots;
mod waking;
mod weak;

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use core::cell::{Cell, OnceCell};
use core::fmt;

use crate::context::Context;
use crate::error::StreamError;
use crate::identity::next_number;
use crate::notice::{Arrival, Notice, Question};
use crate::thing::{Closed, Demand, InputThing, Receipt};

pub(crate) use alarm::Alarm;
pub(crate) use any::{AnyPort, Held, Hub, in_a_call};
pub use any::{ConnectionInfo, PortRef};
pub use branch::Branch;
pub use chain::PortChain;
pub use connection::Connection;
pub use feeder::Feeder;
#[cfg(feature = "std")]
pub(crate) use on_demand::OnDemand;
use outlet::{One, Outlet};
use pending::Pending;
use rare::Rare;
pub(crate) use run::{RunLink, RunOf};
use slots::{Slot, Slots};
pub use weak::WeakPort;

/// A multicast point of events of type `T`, cheap to clone: all clones are the same port.
///
/// A port is a Thing's output, a place to branch, and an [`InputThing`] itself, so that one port can feed another. What
/// feeds a port keeps it; a chain that leads back to its own port ends in [`downgrade`](Self::downgrade), or nothing would
/// ever drop it.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::Recorder;
/// let (port, seen) = (Port::new(), Recorder::new());
/// port.map(|x: i32| x * 10).connect(seen.clone());
/// let direct = port.connect(seen.clone());
/// let cx = &mut Context::detached(Instant::ZERO);
/// port.emit(1, cx)?;
/// direct.disconnect();
/// port.emit(2, cx)?;
/// port.complete(cx)?;
/// assert_eq!(seen.text(), "10 1 20 |");
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
#[doc(alias = "share")]
#[doc(alias = "Subject")]
pub struct Port<T> {
    inner: Rc<Inner<T>>,
}

struct Inner<T> {
    /// The connections, while the port is idle and they do not lie in `body`. While one of them is being called, both are
    /// `None`.
    parked: Cell<Option<Box<Body<T>>>>,
    /// How many events were sent. Beside `body`, so that one instruction writes both.
    events: Cell<u64>,
    /// The connections, while there are any, the port is idle and nothing is pending. `None` sends an event another way.
    body: Cell<Option<Box<Body<T>>>>,
    pending: Pending,
    /// When the scheduler will wake the connections.
    alarm: Alarm,
    rare: OnceCell<Box<Rare<T>>>,
    running: Cell<bool>,
    keep_running: Cell<bool>,
    /// A source of it was let go because nobody listened, and nobody has been told yet.
    deserted: Cell<bool>,
    /// The run that has started the port.
    run: RunOf,
    number: usize,
    /// How many ends of loops lead here.
    loops: Cell<u32>,
    feeders: Cell<u32>,
    me: Weak<Inner<T>>,
}

struct Body<T> {
    slots: Slots<T>,
    /// Whose it is.
    port: Weak<Inner<T>>,
}

/// It goes before its port only if a panic passes through a dispatch. Nothing can be sent then any more. The connections go
/// back, for a `Drop` that panics too would end the process: they are dropped when the run is closed, each by itself.
impl<T> Drop for Body<T> {
    fn drop(&mut self) {
        if let Some(port) = self.port.upgrade() {
            port.pending.close();
            let slots = core::mem::take(&mut self.slots);
            port.parked.set(Some(Box::new(Self { slots, port: Weak::new() })));
        }
    }
}

impl<T: Clone + 'static> Port<T> {
    /// A port without connections.
    pub fn new() -> Self {
        let inner = Rc::new_cyclic(|me| Inner {
            body: Cell::new(None),
            parked: Cell::new(Some(Box::new(Body { slots: Slots::default(), port: me.clone() }))),
            events: Cell::new(0),
            pending: Pending::default(),
            alarm: Alarm::default(),
            rare: OnceCell::new(),
            running: Cell::new(false),
            keep_running: Cell::new(false),
            deserted: Cell::new(false),
            run: RunOf::default(),
            number: next_number(),
            loops: Cell::new(0),
            feeders: Cell::new(0),
            me: me.clone(),
        });
        Self { inner }
    }

    /// Names the port in drawings, traces and errors.
    ///
    /// It stands before [`Elementwise::named`](crate::Elementwise::named), which names a place of a chain: `port.named("lux")`
    /// is the port, `port.map(f).named("calibrated")` the stage behind `map`.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        self.inner.rare().name.set(Some(name.into().into()));
        self
    }

    /// Keeps the source running although nobody listens. Without it, a port that nobody listens to any more answers
    /// `Done`: its source is descheduled, so that a sensor is not sampled for nothing. A source that nobody has listened
    /// to yet waits for its first reader, and begins then. When a Thing is connected after the source has been let go,
    /// the log says so.
    #[must_use]
    pub fn keep_running(self) -> Self {
        self.inner.keep_running.set(true);
        self
    }

    /// Connects a Thing after those that are already connected. If the port has ended, the Thing is dropped.
    pub fn connect<N: InputThing<T> + 'static>(&self, thing: N) -> Connection {
        self.inner.join(Box::new(One(thing)))
    }

    /// Sends an event to all connections.
    ///
    /// # Errors
    /// The fatal error of a connected Thing. The run cannot go on, the rest of the connections miss the event.
    #[inline(always)]
    pub fn emit(&self, event: T, cx: &mut Context<'_>) -> Receipt {
        if core::mem::needs_drop::<T>() { self.inner.next_owned(event, cx) } else { self.emit_ref(&event, cx) }
    }

    /// Sends an event in the next turn of the scheduler: for loops that must not starve the rest. Needs a scheduler. If the port
    /// ends before that, the event comes right before the end.
    ///
    /// # Errors
    /// If more than 65,536 events wait for a later turn: the loop sends more than it takes.
    pub fn emit_later(&self, event: T, cx: &mut Context<'_>) -> Closed {
        self.inner.put_off(Arrival::Next(event), cx)
    }

    /// Ends the stream: the connections are told and dropped. A source that one of them has asked to pause goes on, for others.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    pub fn complete(&self, cx: &mut Context<'_>) -> Closed {
        self.cut(Notice::Completed, cx)
    }

    /// Ends the stream with an error: the connections are told and dropped. A source that one of them has asked to pause goes on, for
    /// others.
    ///
    /// # Errors
    /// The fatal error of a connected Thing.
    pub fn fail(&self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.cut(Notice::Error(error), cx)
    }

    /// Whoever ends the stream of its own accord may have others who still want events of the same source.
    fn cut(&self, end: Notice<'_>, cx: &mut Context<'_>) -> Closed {
        self.inner.end(end, cx)?;
        cx.resume();
        Ok(())
    }

    /// Whether anything that still wants events is connected, here or further downstream.
    pub fn is_listened(&self) -> bool {
        self.ask(Question::Open)
    }

    /// Whether the stream has ended.
    pub fn is_closed(&self) -> bool {
        self.inner.pending.is_closed()
    }

    /// How many events the port has sent.
    pub fn events(&self) -> u64 {
        AnyPort::events(&*self.inner)
    }

    /// The port without its type, as a walk over the graph sees it.
    pub fn as_ref(&self) -> PortRef {
        PortRef::new(self.inner.clone())
    }

    #[cfg(feature = "std")]
    pub(crate) fn has_connections(&self) -> bool {
        self.inner.has_connections()
    }

    /// The same port, for the end of a loop, which must not keep it alive. To deliver in a later turn, see
    /// [`feedback`](crate::sinks::feedback()).
    pub fn downgrade(&self) -> WeakPort<T> {
        WeakPort::new(&self.inner)
    }
}

impl<T> Clone for Port<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<T: Clone + 'static> Default for Port<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Port<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("name", &self.inner.given_name())
            .field("closed", &self.inner.pending.is_closed())
            .finish()
    }
}

/// One port may feed another.
impl<T: Clone + 'static> InputThing<T> for Port<T> {
    #[inline]
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.emit(event, cx)
    }
    #[inline]
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        self.emit_ref(event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Completed if cx.host().spares(AnyPort::id(&*self.inner)) => Ok(Demand::More),
            Notice::Wake => Ok(Demand::More), // it is woken by the scheduler
            Notice::Start => {
                self.inner.deserted.set(false);
                AnyPort::notice(&*self.inner, notice, cx)
            }
            notice => AnyPort::notice(&*self.inner, notice, cx),
        }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Describe(visitor) => {
                visitor.port(self.as_ref(), false);
                true
            }
            // The scheduler keeps the port, and asks it.
            Question::Draining | Question::Holding => false,
            question => AnyPort::ask(&*self.inner, question),
        }
    }
}

impl<T> Inner<T> {
    fn given_name(&self) -> Option<Box<str>> {
        let rare = self.rare.get()?;
        let name = rare.name.take();
        rare.name.set(name.clone());
        name
    }
}

impl<T: Clone + 'static> Inner<T> {
    fn join(&self, thing: Box<dyn Outlet<T>>) -> Connection {
        let id = next_number();
        if self.pending.is_closed() {
            return Connection::new(Weak::<Self>::new(), id); // it never was connected, also while the end is being told
        }
        let mut slot = Slot { thing, id, state: 0, generation: 0, joined_at: 0 };
        if let Some(mut body) = self.take_body() {
            slot.joined_at = self.events.get();
            body.slots.push(slot);
            self.note(pending::START);
            self.put_back(body);
            self.start_in_run();
        } else {
            self.rare().joined.borrow_mut().push(slot);
            self.note(pending::JOINED);
            self.start_in_run(); // perhaps it is only being asked, and no event comes
        }
        Connection::new(self.me.clone(), id)
    }

    fn leave(&self, id: usize) {
        drop(self.rare.get().and_then(|rare| rare.draining.leave(id)));
        let Some(mut body) = self.take_body() else {
            self.rare().left.borrow_mut().push(id);
            self.note(pending::LEFT);
            self.start_in_run(); // perhaps it is only being asked, and no event comes
            return;
        };
        let gone = body.slots.take(|slot| slot.id == id);
        self.put_back(body);
        drop(gone); // only now: its `Drop` may be user code that uses this port
        self.note_left();
    }

    /// Has the run start what is new, and see to all else that is pending.
    fn start_in_run(&self) {
        if self.running.get()
            && let Some(link) = self.run.link()
        {
            link.start_soon(self.me.clone());
        }
    }

    /// Has the run see whether a source waits, or works, for one that is gone.
    fn note_left(&self) {
        if let Some(link) = self.run.link() {
            link.note_left(self.me.clone());
        }
    }

    fn note(&self, bit: u8) {
        self.pending.note(bit);
        if let Some(body) = self.body.take() {
            self.put_back(body); // parks it
        }
    }

    /// The connections, unless one of them is being called.
    fn take_body(&self) -> Option<Box<Body<T>>> {
        self.body.take().or_else(|| self.parked.take())
    }

    fn put_back(&self, body: Box<Body<T>>) {
        if self.pending.is_usual() && !body.slots.is_empty() {
            self.put_back_usual(body);
        } else {
            self.park(body);
        }
    }

    #[inline]
    fn put_back_usual(&self, body: Box<Body<T>>) {
        Self::refill(&self.body, body);
    }

    #[inline]
    fn park(&self, body: Box<Body<T>>) {
        Self::refill(&self.parked, body);
    }

    #[inline]
    fn refill(place: &Cell<Option<Box<Body<T>>>>, body: Box<Body<T>>) {
        let none = place.replace(Some(body));
        debug_assert!(none.is_none(), "who calls connections holds the only body");
        core::mem::forget(none); // it is `None`: nothing to drop, and the compiler need not ask
    }

    fn has_connections(&self) -> bool {
        self.look(|body| !body.slots.is_empty()).unwrap_or(true)
    }

    /// Looks at the connections, unless one of them is being called.
    fn look<R>(&self, see: impl FnOnce(&mut Body<T>) -> R) -> Option<R> {
        let mut body = self.take_body()?;
        let seen = see(&mut body);
        self.put_back(body);
        Some(seen)
    }

    /// Lets the scheduler look for sources that nobody listens to any more.
    fn note_unlistened(&self) {
        if let Some(link) = self.run.link() {
            link.note_unlistened(self.me.clone());
        }
    }

    fn display_name(&self) -> String {
        self.given_name().map_or_else(|| String::from("port"), String::from)
    }
}
