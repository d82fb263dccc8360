//! [`Joined`]: a connected join, and [`JoinInput`], what its inputs' ports hold of it.
//!
//! Invariants:
//! - One method of the rule runs at a time. A notice that comes while one runs waits, and is delivered right after, in
//!   order of arrival, by whoever made the call in progress: no recursion, no panic.
//! - The inputs hold the join, the join does not hold its inputs' ports: without inputs it is dropped.
//! - A join that has ended has dropped its rule and what follows, and has no inputs. If what follows still sends what it
//!   holds, the scheduler keeps the join, and the join keeps that, until it has drained.
//! - Wake-ups come from the scheduler, not through an input: the one through which a wish came may end before it is due.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use super::body::Body;
use super::rule::{Index, Rule, Takes};
use crate::arrivals::Arrivals;
use crate::context::Context;
use crate::diagram::called;
use crate::identity::next_number;
use crate::lent::Place;
use crate::notice::{Arrival, Notice, Question};
use crate::port::{Alarm, Connection, Held, Hub, RunOf, in_a_call};
use crate::thing::{Closed, Demand, Emitter, InputThing, Receipt};
use crate::visit::{Visitor, short_name};
use crate::watermarks::Watermarks;

/// A connected join: a rule and what follows it, as its inputs share it.
pub struct Joined<R, N> {
    body: Place<Body<R, N>>,
    /// Its rule and what follows are gone for good.
    ended: Cell<bool>,
    /// Something is to be done after the call in progress.
    pending: Cell<bool>,
    leaving: Cell<bool>,
    /// The inputs that have a notice waiting, in order of arrival.
    waiting: Arrivals<Rc<dyn Deliver<R, N>>>,
    /// Those of the inputs that go on, each with the number of its input.
    connections: RefCell<Vec<(usize, Connection)>>,
    /// The inputs that had ended before they were connected.
    absent: RefCell<Vec<usize>>,
    marks: RefCell<Watermarks>,
    /// The run is being stopped, and the join has not been: then it passes a flush on.
    awaits_stop: Cell<bool>,
    /// When the scheduler will wake the join.
    alarm: Alarm,
    /// What follows, while the join has ended and that still sends what it holds; empty while it is being woken.
    draining: Place<N>,
    is_draining: Cell<bool>,
    /// The number of its last connection, for the order in which Things are closed.
    created: Cell<usize>,
    /// What tells it from other joins and ports.
    number: usize,
    /// The inputs that have gone without an end, of which the rule has not been told.
    gone: RefCell<VecDeque<usize>>,
    /// What comes, if its inputs may come and go.
    changes: RefCell<Option<Changes>>,
    run: RunOf,
    me: Weak<Self>,
}

impl<R: Rule + 'static, N: InputThing<R::Out> + 'static> Joined<R, N> {
    pub(super) fn new(rule: R, next: N) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            body: Place::new(Body::new(rule, next)),
            ended: Cell::new(false),
            pending: Cell::new(false),
            leaving: Cell::new(false),
            waiting: Arrivals::default(),
            connections: RefCell::default(),
            absent: RefCell::default(),
            marks: RefCell::default(),
            awaits_stop: Cell::new(false),
            alarm: Alarm::default(),
            draining: Place::default(),
            is_draining: Cell::new(false),
            created: Cell::new(0),
            number: next_number(),
            gone: RefCell::default(),
            changes: RefCell::default(),
            run: RunOf::default(),
            me: me.clone(),
        })
    }

    pub(super) fn connected(&self, connections: Vec<Connection>) {
        let absent = connections.iter().enumerate().filter(|(_, connection)| !connection.is_connected());
        self.absent.replace(absent.map(|(input, _)| input).collect());
        (0..connections.len()).for_each(|input| self.marks.borrow_mut().join(input));
        for input in &*self.absent.borrow() {
            let _ = self.marks.borrow_mut().leave(*input); // nobody has said anything yet
        }
        self.gone.take(); // who is absent is told so at the start
        if let Some(changes) = &mut *self.changes.borrow_mut() {
            *changes = Changes { next: connections.len(), ..Changes::default() };
        }
        self.with_rule(|rule| rule.connected(&connections));
        self.created.set(connections.iter().map(Connection::id).max().unwrap_or(0));
        self.connections.replace(connections.into_iter().enumerate().collect());
    }

    /// Changes the rule, before the join is started.
    pub(super) fn with_rule(&self, change: impl FnOnce(&mut R)) {
        if let Some(mut body) = self.body.lend() {
            change(&mut body.rule);
        }
    }

    /// Lets inputs come and go.
    pub(super) fn make_dynamic(&self) {
        self.changes.replace(Some(Changes::default()));
    }

    /// Makes room for an input: its number. `None` if the join has ended.
    pub(super) fn add_input(&self) -> Option<(usize, Rc<Self>)> {
        let number = {
            let mut changes = self.changes.borrow_mut();
            let changes = changes.as_mut()?;
            let number = changes.next;
            changes.next += 1;
            changes.added.push_back(number);
            number
        };
        if self.ended.get() {
            return None;
        }
        match self.body.lend() {
            Some(mut body) => self.admit(&mut body.rule),
            None if self.leaving.get() => return None,
            None => self.pending.set(true), // after the call in progress
        }
        self.marks.borrow_mut().join(number);
        Some((number, self.me.upgrade()?))
    }

    /// Notes which run wakes the join.
    fn belong(&self, cx: &Context<'_>) {
        if let Some(link) = cx.host().link()
            && self.run.going_on().is_none_or(|run| !Rc::ptr_eq(&run, &link))
        {
            self.run.set(&link);
            self.awaits_stop.set(false);
            link.note_join(self.me.clone());
        }
    }

    fn admit(&self, rule: &mut R) {
        while let Some(number) = self.changes.borrow_mut().as_mut().and_then(|changes| changes.added.pop_front()) {
            rule.on_added(number);
        }
    }

    pub(super) fn input_connected(&self, input: usize, connection: Connection) {
        self.created.set(self.created.get().max(connection.id()));
        if connection.is_connected() {
            self.connections.borrow_mut().push((input, connection));
        }
    }

    pub(super) fn remove_input(&self, connection: &Connection, cx: &mut Context<'_>) -> Closed {
        let is_mine = self.connections.borrow().iter().any(|(_, mine)| mine.id() == connection.id());
        if !is_mine {
            return Ok(());
        }
        connection.disconnect(); // a port that is dispatching drops it after that
        self.connections.borrow_mut().retain(|(_, mine)| mine.id() != connection.id());
        self.serve(cx, |_, _| Ok(Demand::More)).map(drop)
    }

    /// Makes the call, unless another one is in progress, and does what came up meanwhile.
    fn serve(&self, cx: &mut Context<'_>, call: impl FnOnce(&mut Body<R, N>, &mut Context<'_>) -> Receipt) -> Receipt {
        let Some(mut body) = self.body.lend() else {
            return Ok(if self.ended.get() { Demand::Done } else { Demand::More });
        };
        let receipt = call(&mut body, cx);
        drop(body);
        self.settle(receipt, cx)
    }

    /// Does what came up in a call: wishes for a wake-up, notices that came meanwhile, the end of the join.
    #[cold]
    #[inline(never)]
    fn settle(&self, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        let mut demand = receipt?;
        while demand != Demand::Done && !self.leaving.get() {
            self.with_rule(|rule| self.admit(rule));
            let Some(way) = self.waiting.pop() else {
                let gone = self.gone.borrow_mut().pop_front();
                if let Some(input) = gone {
                    demand = demand.and(self.part(input, cx)?);
                    continue;
                }
                self.pending.set(false);
                self.alarm.set(&self.me, cx);
                return Ok(demand);
            };
            let Some(mut body) = self.body.lend() else { return Ok(Demand::Done) };
            demand = demand.and(way.deliver(&mut body, cx)?);
        }
        if let Some(body) = self.end().filter(|body| body.next.ask(Question::Draining) && !self.leaving.get())
            && let Some(me) = self.me.upgrade()
        {
            self.draining.fill(Box::new(body.next));
            self.is_draining.set(true);
            cx.host().linger(me);
            self.alarm.set(&self.me, cx);
        }
        Ok(Demand::Done)
    }

    /// Goes on without an input that is gone: that has been taken off where inputs come and go.
    fn part(&self, input: usize, cx: &mut Context<'_>) -> Receipt {
        let risen = self.marks.borrow_mut().leave(input);
        let Some(mut body) = self.body.lend() else { return Ok(Demand::Done) };
        let Body { rule, next, .. } = &mut *body;
        let out = &mut Emitter::new(next, cx);
        let is_dynamic = self.changes.borrow().is_some();
        let demand = if is_dynamic { rule.on_removed(input, out)? } else { rule.on_gone(input, out)? };
        match risen {
            Some(least) if demand != Demand::Done => Ok(demand.and(rule.on_notice(Notice::Watermark(least), out)?)),
            _ => Ok(demand),
        }
    }

    /// Wakes what follows a join that has ended.
    fn wake_draining(&self, cx: &mut Context<'_>) -> Receipt {
        let woken = self.with_draining(|next| {
            let receipt = next.notice(Notice::Wake, cx);
            self.alarm.set(&self.me, cx);
            // After a fatal error it is closed with all the others.
            let goes_on = self.is_draining.get() && (receipt.is_err() || next.ask(Question::Draining));
            self.is_draining.set(goes_on);
            receipt
        });
        woken.unwrap_or(Ok(Demand::Done))
    }

    /// Calls what drains, which may be user code that disconnects the join: then it is dropped after the call.
    fn with_draining<T>(&self, call: impl FnOnce(&mut N) -> T) -> Option<T> {
        let called = self.draining.lend().map(|mut next| call(&mut next));
        if !self.is_draining.get() {
            drop(self.draining.take());
        }
        called
    }

    fn wake(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.answer(cx);
        if self.is_draining.get() {
            return self.wake_draining(cx);
        }
        self.serve(cx, Body::wake)
    }

    /// The scheduler hears of an error in a wake-up from the join itself.
    fn named(&self, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        if receipt.is_err() {
            #[cfg(feature = "std")]
            cx.name_failed_in(|visitor| {
                if let Some(body) = self.body.lend() {
                    body.next.ask(Question::Describe(visitor));
                }
            });
            cx.name_failed(called_rule::<R>);
        }
        receipt
    }

    /// Lets the inputs go, and drops what waits.
    fn end(&self) -> Option<Box<Body<R, N>>> {
        self.ended.set(true);
        let (body, waiting) = (self.body.take(), self.waiting.take());
        for (_, connection) in self.connections.take() {
            connection.disconnect();
        }
        drop(waiting); // only now: its `Drop` may be user code, as that of the body
        body
    }

    fn id(&self) -> usize {
        self.number
    }
}

impl<R: Rule + 'static, N: InputThing<R::Out> + 'static> Hub for Joined<R, N> {
    fn wake(&self, _: bool, cx: &mut Context<'_>) -> Receipt {
        if !self.alarm.is_due(cx) {
            return Ok(Demand::More); // an earlier wish, which has been answered
        }
        self.named(self.wake(cx), cx)
    }

    fn resumed(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.resumed();
        self.named(self.wake(cx), cx)
    }

    fn leave(&self, _: usize) {
        self.leaving.set(true);
        self.is_draining.set(false);
        drop(self.draining.take());
        if self.ended.get() || self.body.is_filled() {
            drop(self.end());
        } else {
            self.pending.set(true);
        }
    }

    fn is_joined(&self, _: usize) -> bool {
        self.is_draining.get() || !self.ended.get() && (!self.leaving.get() || self.body.is_filled())
    }

    fn is_holding(&self) -> bool {
        self.is_draining() || self.body.lend().is_some_and(|body| body.ask(0, Question::Holding))
    }

    /// Without a reader it waits for one: those who come learn that the source was let go, and not that all has ended.
    #[cfg(feature = "std")]
    fn unfed(&self, cx: &mut Context<'_>) -> Receipt {
        let is_read = |body: &mut Body<R, N>| body.next.ask(Question::Open);
        if self.body.lend().is_some_and(|mut body| !is_read(&mut body)) {
            return Ok(Demand::More);
        }
        self.named(self.serve(cx, |_, _| Ok(Demand::More)), cx)
    }

    #[cfg(feature = "std")]
    fn join(&self) -> Option<usize> {
        Some(self.number)
    }

    #[cfg(feature = "std")]
    fn await_stop(&self) {
        self.awaits_stop.set(true);
    }

    #[cfg(feature = "std")]
    fn stop(&self, cx: &mut Context<'_>) -> Receipt {
        self.awaits_stop.set(false);
        self.named(self.serve(cx, Body::stop), cx)
    }

    #[cfg(feature = "std")]
    fn forget_wishes(&self) {
        self.alarm.forget();
    }

    fn is_draining(&self) -> bool {
        self.is_draining.get() && self.with_draining(|next| next.ask(Question::Open)) != Some(false)
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        self.with_draining(|next| next.ask(Question::Describe(visitor)));
    }

    fn close_draining(self: Rc<Self>, held: &mut Vec<(usize, Box<dyn Held>)>) {
        if let Some(next) = self.draining.take() {
            held.push((self.created.get(), next));
        }
    }
}

impl<R, N> fmt::Debug for Joined<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joined({})", short_name::<R>())
    }
}

/// How the method is called that makes a join of this rule.
fn called_rule<R>() -> String {
    called(short_name::<R>())
}

/// One input of a connected join.
pub(super) struct JoinInput<I, T, R, N>
where
    I: Index,
    R: Rule + 'static,
    N: InputThing<R::Out> + 'static,
{
    join: Rc<Joined<R, N>>,
    index: I,
    way: Rc<Way<I, T>>,
    /// The stream has ended, of which the rule has been told.
    ended: bool,
}

/// The notices of one input that came while the join was being called.
struct Way<I, T> {
    index: I,
    arrivals: Arrivals<Arrival<T>>,
}

/// An input with a notice that waits, without the type of its events.
trait Deliver<R, N> {
    fn deliver(&self, body: &mut Body<R, N>, cx: &mut Context<'_>) -> Receipt;
}

impl<I: Index, T, R: Takes<I, T>, N: InputThing<R::Out>> Deliver<R, N> for Way<I, T> {
    fn deliver(&self, body: &mut Body<R, N>, cx: &mut Context<'_>) -> Receipt {
        match self.arrivals.pop() {
            Some(Arrival::Next(event)) => body.take(self.index, event, cx),
            Some(Arrival::Notice(notice)) => body.tell(self.index.number(), notice, cx),
            None => Ok(Demand::More),
        }
    }
}

impl<I, T, R, N> JoinInput<I, T, R, N>
where
    I: Index,
    T: 'static,
    R: Takes<I, T> + 'static,
    N: InputThing<R::Out> + 'static,
{
    pub(super) fn new(join: &Rc<Joined<R, N>>, index: I) -> Self {
        Self { join: join.clone(), index, way: Rc::new(Way { index, arrivals: Arrivals::default() }), ended: false }
    }

    /// Hands an event to the rule. It is made where it is used: a clone that is made beforehand is copied whole, also where the rule
    /// looks at a part of it, and a copy of what has just been written piece by piece waits for the memory.
    #[inline(always)]
    fn next_made<E>(&self, event: E, make: impl Fn(E) -> T, cx: &mut Context<'_>) -> Receipt {
        let join = &*self.join;
        let Some(mut body) = join.body.lend() else { return self.wait(Arrival::Next(make(event)), cx) };
        let receipt = body.take(self.index, make(event), cx);
        drop(body);
        if !matches!(receipt, Ok(Demand::More)) || u64::from(join.pending.get()) | cx.urgency() != 0 {
            return join.settle(receipt, cx);
        }
        Ok(Demand::More)
    }

    #[cold]
    fn wait(&self, arrival: Arrival<T>, cx: &mut Context<'_>) -> Receipt {
        if self.join.ended.get() {
            return Ok(Demand::Done);
        }
        if matches!(arrival, Arrival::Notice(Notice::Flush)) {
            return Ok(Demand::More); // it has come round a loop, and need not go round again
        }
        let name = called_rule::<R>;
        self.way.arrivals.push(arrival, name, cx)?;
        self.join.waiting.push(self.way.clone(), name, cx)?;
        self.join.pending.set(true);
        Ok(Demand::More)
    }

    /// Hands a notice to the rule, now or after the call in progress.
    fn take(&self, notice: Notice<'static>, cx: &mut Context<'_>) -> Receipt {
        if !self.join.ended.get() && !self.join.body.is_filled() {
            return self.wait(Arrival::Notice(notice), cx);
        }
        self.join.serve(cx, |body, cx| body.tell(self.index.number(), notice, cx))
    }

    /// The end of the input. It holds the watermark of the join back no longer.
    fn end(&self, notice: Notice<'static>, cx: &mut Context<'_>) -> Receipt {
        let risen = self.join.marks.borrow_mut().leave(self.index.number());
        let demand = self.take(notice, cx)?;
        match risen {
            Some(least) if demand != Demand::Done => self.take(Notice::Watermark(least), cx),
            _ => Ok(demand),
        }
    }
}

impl<I, T, R, N> InputThing<T> for JoinInput<I, T, R, N>
where
    I: Index,
    T: 'static,
    R: Takes<I, T> + 'static,
    N: InputThing<R::Out> + 'static,
{
    #[inline(always)] // what stands before the join has a frame on the stack already
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        self.next_made(event, |event| event, cx)
    }
    #[inline]
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt
    where
        T: Clone,
    {
        self.next_made(event, T::clone, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Start => {
                self.join.belong(cx);
                self.join.marks.borrow_mut().join(self.index.number());
                self.join.serve(cx, |body, cx| body.start(self.join.absent.take(), cx))
            }
            Notice::Wake => {
                self.join.belong(cx); // so a run wakes what an earlier one has started
                self.join.wake(cx)
            }
            Notice::State(visitor) => {
                if !visitor.enter(self.join.id()) {
                    return Ok(Demand::More);
                }
                if !self.join.ended.get() && !self.join.body.is_filled() {
                    return Err(cx.fatal(in_a_call("join", &called_rule::<R>())));
                }
                self.join.marks.borrow_mut().on_state(visitor);
                self.join.serve(cx, |body, cx| body.visit(visitor, cx))
            }
            Notice::Watermark(time) => {
                let risen = self.join.marks.borrow_mut().rise(self.index.number(), time);
                risen.map_or(Ok(Demand::More), |least| self.take(Notice::Watermark(least), cx))
            }
            Notice::Flush if self.join.awaits_stop.get() => Ok(Demand::More),
            notice if notice.is_end() => {
                self.ended = true;
                notice.keep().map_or(Ok(Demand::Done), |notice| self.end(notice, cx))
            }
            notice => notice.keep().map_or(Ok(Demand::More), |notice| self.take(notice, cx)),
        }
    }
    fn ask(&self, question: Question<'_>) -> bool {
        // Empty-handed on the way round a loop: a loop alone does not listen to itself, nor is it full.
        let Some(open) = self.join.body.lend() else {
            return if self.join.ended.get() { question.asks_all() } else { self.busy(question) };
        };
        match question {
            Question::Describe(visitor) => {
                if visitor.join(open.rule.name(), self.join.id()) {
                    open.rule.queues(&mut |queue| visitor.queue(queue));
                    open.next.ask(Question::Describe(visitor));
                }
                true
            }
            Question::Draining => false, // the scheduler keeps a join, and asks it
            question => open.ask(self.index.number(), question),
        }
    }
}

/// An input that is taken off its port holds no watermark back any more, nor anything else: the join hears of it in the next
/// turn, if not before.
impl<I, T, R, N> Drop for JoinInput<I, T, R, N>
where
    I: Index,
    R: Rule + 'static,
    N: InputThing<R::Out> + 'static,
{
    fn drop(&mut self) {
        let (join, number) = (&self.join, self.index.number());
        join.marks.borrow_mut().forget(number);
        join.connections.borrow_mut().retain(|(of, _)| *of != number); // in its place there may be another Thing
        if self.ended || join.ended.get() || join.leaving.get() {
            return;
        }
        join.gone.borrow_mut().push_back(number);
        join.pending.set(true);
        if let Some(link) = join.run.going_on() {
            link.tell_unfed(join.clone());
        }
    }
}

/// Inputs that come.
#[derive(Debug, Default)]
struct Changes {
    /// The number of the next input.
    next: usize,
    /// Those that the rule has not been told of yet.
    added: VecDeque<usize>,
}

impl<I, T, R, N> JoinInput<I, T, R, N>
where
    I: Index,
    R: Rule + 'static,
    N: InputThing<R::Out> + 'static,
{
    /// The answer of a join that is being called.
    fn busy(&self, question: Question<'_>) -> bool {
        match question {
            Question::Describe(visitor) => visitor.sink_type(short_name::<R>()),
            question => return question.asks_all(),
        }
        true
    }
}
