//! [`Shared`]: a Thing with several inputs, each of its own type of events.
//!
//! Invariants: one method of the Thing runs at a time; a notice that comes while one runs (the Thing's output leads
//! back to it) waits and is delivered right after, in order of arrival. Waiting costs no allocation once the queues
//! have grown. The Thing is woken by the scheduler, not through the input that had asked: that one may have ended.

mod scheduled;

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use core::cell::{Cell, OnceCell, RefCell};
use core::fmt;

use crate::arrivals::Arrivals;
use crate::clock::Timestamp;
use crate::context::Context;
use crate::error::StreamError;
use crate::identity::next_number;
use crate::notice::{Arrival, Notice, Question};
use crate::output::Ports;
use crate::port::{Alarm, Hub, in_a_call};
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::{Visitor, short_name};
use crate::watermarks::Watermarks;

/// A Thing that hands out inputs, bound to its methods. Clones are the same Thing.
///
/// It shows its output ports by [`Ports`], so that they start, flush, close and are drawn with the graph.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_core::{PortRef, Shared};
/// /// Switches a pump between two levels.
/// struct Controller { pump: Port<bool> }
/// impl Ports for Controller {
///     fn ports(&self, see: &mut dyn FnMut(PortRef)) {
///         see(self.pump.as_ref());
///     }
/// }
/// impl Controller {
///     fn on_low(&mut self, _litres: f64, cx: &mut Context<'_>) -> Receipt {
///         self.pump.emit(true, cx)
///     }
///     fn on_full(&mut self, _alarm: &'static str, cx: &mut Context<'_>) -> Receipt {
///         self.pump.emit(false, cx)
///     }
/// }
/// # use thingflow_core::testing::Recorder;
/// let (level, alarm, pump) = (Port::new(), Port::new(), Port::new());
/// let switched = Recorder::new();
/// pump.connect(switched.clone());
/// let controller = Shared::new(Controller { pump });
/// level.connect(controller.input(Controller::on_low));
/// alarm.connect(controller.input(Controller::on_full));
/// let cx = &mut Context::detached(Instant::ZERO);
/// level.emit(0.2, cx)?;
/// alarm.emit("full", cx)?;
/// assert_eq!(switched.text(), "true false");
/// # Ok::<(), FatalError>(())
/// ```
pub struct Shared<S> {
    inner: Rc<Inner<S>>,
}

struct Inner<S> {
    thing: RefCell<S>,
    /// Its name, if it has one besides that of its type.
    name: OnceCell<Box<str>>,
    ports: fn(&S) -> &dyn Ports,
    /// The inputs that have a notice waiting, in order of arrival.
    queue: Arrivals<Rc<dyn Waiting<S>>>,
    wake: OnceCell<Handler<S, Receipt>>,
    has_room: OnceCell<Asked<S>>,
    alarm: Alarm,
    /// An input has ended while a wake-up was asked for, which has not come yet.
    is_draining: Cell<bool>,
    /// A wake-up was answered by `Done`: all inputs hear it at their next event.
    is_done: Cell<bool>,
    marks: RefCell<Watermarks>,
    /// The number of the next input that is started.
    inputs: Cell<usize>,
    /// What tells it from joins and ports.
    number: usize,
    me: Weak<Self>,
}

type Asked<S> = Box<dyn Fn(&S) -> bool>;
type Handler<S, R> = Box<dyn Fn(&mut S, &mut Context<'_>) -> R>;
type ErrorHandler<S> = Box<dyn Fn(&mut S, StreamError, &mut Context<'_>) -> Closed>;

impl<S: 'static> Shared<S> {
    /// A Thing of which inputs can be made, with its output ports.
    pub fn new(thing: S) -> Self
    where
        S: Ports,
    {
        Self::of(thing, |thing| thing)
    }

    /// A Thing of which inputs can be made, and which has no output ports.
    ///
    /// ```
    /// use thingflow_core::Shared;
    /// use thingflow_core::prelude::*;
    /// let total = Shared::without_ports(0);
    /// let mut add = total.input(|total: &mut u32, n: u32, _| {
    ///     *total += n;
    ///     Ok(Demand::More)
    /// });
    /// add.next(3, &mut Context::detached(Instant::ZERO))?;
    /// assert_eq!(total.with(|total| *total), 3);
    /// # Ok::<(), FatalError>(())
    /// ```
    pub fn without_ports(thing: S) -> Self {
        Self::of(thing, |_| &())
    }

    fn of(thing: S, ports: fn(&S) -> &dyn Ports) -> Self {
        let inner = Rc::new_cyclic(|me| Inner {
            thing: RefCell::new(thing),
            name: OnceCell::new(),
            ports,
            queue: Arrivals::default(),
            wake: OnceCell::new(),
            has_room: OnceCell::new(),
            alarm: Alarm::default(),
            is_draining: Cell::new(false),
            is_done: Cell::new(false),
            marks: RefCell::default(),
            inputs: Cell::new(0),
            number: next_number(),
            me: me.clone(),
        });
        Self { inner }
    }

    /// Names the Thing in drawings and reports. Without that it has the name of its type, or its own one as an
    /// [`OutputThing`](crate::OutputThing) once it is scheduled.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        let _ = self.inner.name.set(name.into().into());
        self
    }

    /// Has the Thing woken when one of its methods has asked for it by [`Context::wake_at`]. As with every wake-up, it
    /// acts only if its time has come, and asks again if it still waits.
    ///
    /// A wake-up that was asked for before an input ended still comes, and the run goes on until then. What the Thing
    /// asks for after its last input has ended does not keep it. If `wake` answers [`Demand::Done`], the Thing wants no
    /// more of any input.
    #[must_use]
    pub fn on_wake(self, wake: impl Fn(&mut S, &mut Context<'_>) -> Receipt + 'static) -> Self {
        let _ = self.inner.wake.set(Box::new(wake));
        self
    }

    /// Has the Thing asked whether it has room again, for one whose methods answer [`Demand::Full`]: sources that were told
    /// to pause do not go on before it says so, whoever calls [`Context::resume`], see [`Question::Room`]. The Thing
    /// itself calls that when it has room.
    #[must_use]
    pub fn has_room(self, has_room: impl Fn(&S) -> bool + 'static) -> Self {
        let _ = self.inner.has_room.set(Box::new(has_room));
        self
    }

    /// An input whose events go to `next`, to be connected once.
    pub fn input<E, F>(&self, next: F) -> SharedInput<S, E, F>
    where
        F: Fn(&mut S, E, &mut Context<'_>) -> Receipt + 'static,
        E: 'static,
    {
        let input = Input {
            next,
            ports: self.inner.ports,
            completed: OnceCell::new(),
            failed: OnceCell::new(),
            waiting: Arrivals::default(),
            done: Cell::new(false),
        };
        SharedInput { shared: self.inner.clone(), input: Rc::new(input), ended: false, number: None }
    }

    /// Looks at the Thing, or changes it, from outside of the graph.
    ///
    /// # Panics
    /// If it is called by a method of the Thing itself, which has it in hand.
    #[track_caller]
    pub fn with<R>(&self, see: impl FnOnce(&mut S) -> R) -> R {
        see(&mut self.inner.thing.borrow_mut())
    }
}

impl<S: 'static> Inner<S> {
    /// Wakes the Thing, unless it is being called.
    fn wake(&self, cx: &mut Context<'_>) -> Receipt {
        let (Some(wake), Ok(mut thing)) = (self.wake.get(), self.thing.try_borrow_mut()) else {
            return Ok(Demand::More);
        };
        self.alarm.answer(cx);
        self.is_draining.set(false);
        let demand = wake(&mut thing, cx)?;
        drop(thing);
        if demand == Demand::Done {
            self.is_done.set(true);
        }
        self.drain(cx)?;
        self.note_wishes(cx);
        Ok(demand)
    }

    fn note_wishes(&self, cx: &mut Context<'_>) {
        if self.wake.get().is_some() {
            self.alarm.set(&self.me, cx);
        }
    }

    fn id(&self) -> usize {
        self.number
    }

    /// Asks the Thing, and what is connected to its ports; one that is being called is not in the way.
    fn ask(&self, mut question: Question<'_>) -> bool {
        let Ok(thing) = self.thing.try_borrow() else { return question.asks_all() };
        if matches!(question, Question::Room) && self.has_room.get().is_some_and(|has_room| !has_room(&thing)) {
            return false;
        }
        (self.ports)(&thing).ask_ports(question.reborrow())
    }

    /// Shows the Thing as a join if it has ports, else as the end of the chain.
    fn describe(&self, visitor: &mut dyn Visitor) {
        let name = self.name();
        let Ok(thing) = self.thing.try_borrow() else { return visitor.sink(name) };
        let mut any = false;
        let ports = (self.ports)(&thing);
        ports.ports(&mut |_| any = true);
        if !any {
            visitor.shared_sink(name, self.id());
        } else if visitor.join(name, self.id()) {
            ports.ports(&mut |port| visitor.port(port, false));
        }
    }

    /// Delivers what came in the meantime.
    fn drain(&self, cx: &mut Context<'_>) -> Closed {
        loop {
            let Some(input) = self.queue.pop() else { return Ok(()) };
            let Ok(mut thing) = self.thing.try_borrow_mut() else { return Ok(()) };
            input.deliver(&mut thing, self.name(), cx)?;
        }
    }
}

impl<S> Inner<S> {
    fn name(&self) -> &str {
        self.name.get().map_or(short_name::<S>(), |name| name)
    }
}

impl<S: 'static> Hub for Inner<S> {
    fn wake(&self, _: bool, cx: &mut Context<'_>) -> Receipt {
        if self.alarm.is_due(cx) { Self::wake(self, cx) } else { Ok(Demand::More) }
    }
    fn resumed(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.resumed();
        Self::wake(self, cx)
    }
    fn leave(&self, _: usize) {}
    fn is_joined(&self, _: usize) -> bool {
        true
    }
    fn is_draining(&self) -> bool {
        self.is_draining.get()
    }
    fn is_holding(&self) -> bool {
        self.is_draining.get()
    }
    #[cfg(feature = "std")]
    fn forget_wishes(&self) {
        self.alarm.forget();
    }
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<S> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({})", self.inner.name())
    }
}

/// One input of a [`Shared`] Thing. Unless told otherwise it ignores the end of its stream and reports an error of it.
#[must_use = "an input does nothing until it is connected"]
pub struct SharedInput<S, E, F> {
    shared: Rc<Inner<S>>,
    input: Rc<Input<S, E, F>>,
    ended: bool,
    /// Its number among those that have been started.
    number: Option<usize>,
}

struct Input<S, E, F> {
    next: F,
    ports: fn(&S) -> &dyn Ports,
    completed: OnceCell<Handler<S, Closed>>,
    failed: OnceCell<ErrorHandler<S>>,
    waiting: Arrivals<Arrival<E>>,
    /// A notice that had waited was answered by `Done`: the source hears it at its next event.
    done: Cell<bool>,
}

impl<S: 'static, E: 'static, F> SharedInput<S, E, F>
where
    F: Fn(&mut S, E, &mut Context<'_>) -> Receipt + 'static,
{
    /// Calls `completed` when the stream of this input has ended as it should.
    pub fn on_completed(self, completed: impl Fn(&mut S, &mut Context<'_>) -> Closed + 'static) -> Self {
        let _ = self.input.completed.set(Box::new(completed));
        self
    }

    /// Calls `failed` when the stream of this input has ended by an error.
    pub fn on_error(self, failed: impl Fn(&mut S, StreamError, &mut Context<'_>) -> Closed + 'static) -> Self {
        let _ = self.input.failed.set(Box::new(failed));
        self
    }

    fn take(&self, arrival: Arrival<E>, cx: &mut Context<'_>) -> Receipt {
        if self.is_done() {
            return Ok(Demand::Done);
        }
        let demand = match self.shared.thing.try_borrow_mut() {
            Ok(mut thing) => self.input.handle(arrival, &mut thing, self.shared.name(), cx)?,
            Err(_) => return self.wait(arrival, cx),
        };
        self.shared.drain(cx)?;
        self.shared.note_wishes(cx);
        Ok(if self.is_done() { Demand::Done } else { demand })
    }

    fn is_done(&self) -> bool {
        self.input.done.get() || self.shared.is_done.get()
    }

    fn end(&mut self, notice: Notice<'static>, cx: &mut Context<'_>) -> Receipt {
        let _ = self.take(Arrival::Notice(notice), cx)?;
        self.ended = true;
        if let Some(due) = self.shared.alarm.due() {
            self.shared.is_draining.set(true);
            cx.wake_at(due);
        }
        let risen = self.number.and_then(|number| self.shared.marks.borrow_mut().leave(number));
        self.risen(risen, cx)?;
        Ok(Demand::Done)
    }

    /// Starts the ports of the Thing, which is begun by the first input.
    fn start(&mut self, cx: &mut Context<'_>) -> Receipt {
        let number = *self.number.get_or_insert_with(|| self.shared.inputs.replace(self.shared.inputs.get() + 1));
        self.shared.marks.borrow_mut().join(number);
        let Ok(thing) = self.shared.thing.try_borrow() else { return Ok(Demand::More) };
        (self.shared.ports)(&thing).tell_ports(Notice::Start, cx)?;
        drop(thing);
        self.shared.drain(cx)?; // what a stage behind its ports sends at the start may lead back to it
        Ok(Demand::More)
    }

    fn risen(&self, least: Option<Timestamp>, cx: &mut Context<'_>) -> Receipt {
        least.map_or(Ok(Demand::More), |least| self.take(Arrival::Notice(Notice::Watermark(least)), cx))
    }

    fn wait(&self, arrival: Arrival<E>, cx: &mut Context<'_>) -> Receipt {
        if matches!(arrival, Arrival::Notice(Notice::Flush)) {
            return Ok(Demand::More); // it has come round a loop, and need not go round again
        }
        let name = || self.shared.name().into();
        self.input.waiting.push(arrival, name, cx)?;
        self.shared.queue.push(self.input.clone(), name, cx)?;
        Ok(Demand::More)
    }
}

/// An input with a notice that waits, without the type of its events.
trait Waiting<S> {
    fn deliver(&self, thing: &mut S, name: &str, cx: &mut Context<'_>) -> Closed;
}

impl<S, E, F: Fn(&mut S, E, &mut Context<'_>) -> Receipt> Waiting<S> for Input<S, E, F> {
    fn deliver(&self, thing: &mut S, name: &str, cx: &mut Context<'_>) -> Closed {
        let arrival = self.waiting.pop();
        if let Some(arrival) = arrival
            && !self.done.get()
            && self.handle(arrival, thing, name, cx)? == Demand::Done
        {
            self.done.set(true);
        }
        Ok(())
    }
}

impl<S, E, F: Fn(&mut S, E, &mut Context<'_>) -> Receipt> Input<S, E, F> {
    fn handle(&self, arrival: Arrival<E>, thing: &mut S, name: &str, cx: &mut Context<'_>) -> Receipt {
        match arrival {
            Arrival::Next(event) => return (self.next)(thing, event, cx),
            Arrival::Notice(Notice::Completed) => {
                self.completed.get().map_or(Ok(()), |completed| completed(thing, cx))?;
            }
            Arrival::Notice(Notice::Error(error)) => match self.failed.get() {
                Some(failed) => failed(thing, error, cx)?,
                None => cx.report(name, &error),
            },
            Arrival::Notice(notice) => {
                (self.ports)(thing).tell_ports(notice, cx)?; // what its ports want does not say what the Thing wants
                return Ok(Demand::More);
            }
        }
        Ok(Demand::Done)
    }
}

impl<S: 'static, E: 'static, F> InputThing<E> for SharedInput<S, E, F>
where
    F: Fn(&mut S, E, &mut Context<'_>) -> Receipt + 'static,
{
    fn next(&mut self, event: E, cx: &mut Context<'_>) -> Receipt {
        self.take(Arrival::Next(event), cx)
    }
    fn next_ref(&mut self, event: &E, cx: &mut Context<'_>) -> Receipt
    where
        E: Clone,
    {
        self.next(event.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => self.start(cx),
            Notice::Wake => {
                let demand = self.shared.wake(cx)?;
                let over = self.is_done() || self.ended && !self.shared.is_draining.get();
                Ok(if over { Demand::Done } else { demand })
            }
            Notice::Watermark(time) => {
                let number = self.number.unwrap_or_default();
                let risen = self.shared.marks.borrow_mut().rise(number, time);
                self.risen(risen, cx)
            }
            Notice::State(visitor) => {
                let first = visitor.enter(self.shared.id());
                let Ok(thing) = self.shared.thing.try_borrow() else {
                    return if first {
                        Err(cx.fatal(in_a_call("Thing", self.shared.name())))
                    } else {
                        Ok(Demand::More)
                    };
                };
                let ports = (self.shared.ports)(&thing);
                if first { ports.tell_ports(Notice::State(visitor), cx) } else { Ok(Demand::More) }
            }
            notice if notice.is_end() => notice.keep().map_or(Ok(Demand::Done), |notice| self.end(notice, cx)),
            notice => notice.keep().map_or(Ok(Demand::More), |notice| self.take(Arrival::Notice(notice), cx)),
        }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Open => !self.is_done(),
            Question::Draining | Question::Holding => self.shared.is_draining.get(),
            Question::Describe(visitor) => {
                self.shared.describe(visitor);
                true
            }
            question => self.shared.ask(question),
        }
    }
}

/// An input that is taken off its port holds no watermark back any more.
impl<S, E, F> Drop for SharedInput<S, E, F> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.marks.borrow_mut().forget(number);
        }
    }
}

impl<S, E, F> fmt::Debug for SharedInput<S, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedInput({})", self.shared.name())
    }
}
