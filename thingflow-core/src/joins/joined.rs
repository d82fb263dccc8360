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
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

use super::body::{Body, Notice};
use super::rule::{Index, Rule, Takes};
use crate::clock::Instant;
use crate::context::Context;
use crate::error::StreamError;
use crate::port::{Alarm, Connection, Held, Hub};
use crate::thing::{Closed, Demand, Emitter, InputThing, Receipt};
use crate::visit::{Visitor, short_name};

/// A connected join: a rule and what follows it, as its inputs share it.
pub struct Joined<R, N> {
    /// Borrowed while it is called, empty when the join has ended.
    body: RefCell<Option<Body<R, N>>>,
    /// Something is to be done after the call in progress.
    pending: Cell<bool>,
    leaving: Cell<bool>,
    /// The inputs that have a notice waiting, in order of arrival.
    waiting: RefCell<VecDeque<Rc<dyn Deliver<R, N>>>>,
    connections: RefCell<Vec<Connection>>,
    /// The inputs that had ended before they were connected.
    absent: RefCell<Vec<usize>>,
    /// When the scheduler will wake the join.
    alarm: Alarm,
    /// What follows, while the join has ended and that still sends what it holds; empty while it is being woken.
    draining: RefCell<Option<N>>,
    is_draining: Cell<bool>,
    /// The number of its last connection, for the order in which Things are closed.
    created: Cell<usize>,
    me: Weak<Self>,
}

impl<R: Rule + 'static, N: InputThing<R::Out> + 'static> Joined<R, N> {
    pub(super) fn new(rule: R, next: N) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            body: RefCell::new(Some(Body::new(rule, next))),
            pending: Cell::new(false),
            leaving: Cell::new(false),
            waiting: RefCell::default(),
            connections: RefCell::default(),
            absent: RefCell::default(),
            alarm: Alarm::default(),
            draining: RefCell::new(None),
            is_draining: Cell::new(false),
            created: Cell::new(0),
            me: me.clone(),
        })
    }

    pub(super) fn connected(&self, connections: Vec<Connection>) {
        let absent = connections.iter().enumerate().filter(|(_, connection)| !connection.is_connected());
        self.absent.replace(absent.map(|(input, _)| input).collect());
        self.with_rule(|rule| rule.connected(&connections));
        self.created.set(connections.iter().map(Connection::id).max().unwrap_or(0));
        self.connections.replace(connections);
    }

    /// Changes the rule, before the join is started.
    pub(super) fn with_rule(&self, change: impl FnOnce(&mut R)) {
        if let Some(body) = &mut *self.body.borrow_mut() {
            change(&mut body.rule);
        }
    }

    /// Makes the call, unless another one is in progress, and does what came up meanwhile.
    fn serve(&self, cx: &mut Context<'_>, call: impl FnOnce(&mut Body<R, N>, &mut Context<'_>) -> Receipt) -> Receipt {
        let Ok(mut body) = self.body.try_borrow_mut() else { return Ok(Demand::More) };
        let Some(open) = &mut *body else { return Ok(Demand::Done) };
        let receipt = call(open, cx);
        drop(body);
        self.settle(receipt, cx)
    }

    /// Does what came up in a call: wishes for a wake-up, notices that came meanwhile, the end of the join.
    #[cold]
    #[inline(never)]
    fn settle(&self, receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        let mut demand = receipt?;
        while demand != Demand::Done && !self.leaving.get() {
            let Some(way) = self.waiting.borrow_mut().pop_front() else {
                self.pending.set(false);
                self.alarm.set(&self.me, cx);
                return Ok(demand);
            };
            let mut body = self.body.borrow_mut();
            let Some(open) = &mut *body else { return Ok(Demand::Done) };
            demand = demand.and(way.deliver(open, cx)?);
        }
        if let Some(Body { next, .. }) = self.end().filter(|body| body.next.is_draining() && !self.leaving.get())
            && let Some(me) = self.me.upgrade()
        {
            self.draining.replace(Some(next));
            self.is_draining.set(true);
            cx.host().linger(me);
            self.alarm.set(&self.me, cx);
        }
        Ok(Demand::Done)
    }

    /// Wakes what follows a join that has ended.
    fn wake_draining(&self, cx: &mut Context<'_>) -> Receipt {
        let Some(mut next) = self.draining.take() else { return Ok(Demand::Done) };
        let receipt = next.on_wake(cx);
        self.alarm.set(&self.me, cx);
        if self.is_draining.get() && (receipt.is_err() || next.is_draining()) {
            self.draining.replace(Some(next)); // after a fatal error it is closed with all the others
        } else {
            self.is_draining.set(false);
        }
        receipt
    }

    fn wake(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.answer(cx);
        if self.is_draining.get() {
            return self.wake_draining(cx);
        }
        self.serve(cx, Body::wake)
    }

    /// The scheduler hears of an error in a wake-up from the join itself.
    fn named(receipt: Receipt, cx: &mut Context<'_>) -> Receipt {
        if receipt.is_err() {
            cx.name_failed(|| short_name::<R>().into());
        }
        receipt
    }

    /// Lets the inputs go, and drops what waits.
    fn end(&self) -> Option<Body<R, N>> {
        let (body, waiting) = (self.body.take(), self.waiting.take());
        for connection in self.connections.take() {
            connection.disconnect();
        }
        drop(waiting); // only now: its `Drop` may be user code, as that of the body
        body
    }

    fn id(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

impl<R: Rule + 'static, N: InputThing<R::Out> + 'static> Hub for Joined<R, N> {
    fn wake(&self, _: bool, cx: &mut Context<'_>) -> Receipt {
        if !self.alarm.is_due(cx) {
            return Ok(Demand::More); // an earlier wish, which has been answered
        }
        Self::named(self.wake(cx), cx)
    }

    fn resumed(&self, cx: &mut Context<'_>) -> Receipt {
        self.alarm.resumed();
        Self::named(self.wake(cx), cx)
    }

    fn leave(&self, _: usize) {
        self.leaving.set(true);
        self.is_draining.set(false);
        drop(self.draining.take());
        if self.body.try_borrow_mut().is_ok() {
            drop(self.end());
        } else {
            self.pending.set(true);
        }
    }

    fn is_joined(&self, _: usize) -> bool {
        self.is_draining.get() || self.body.try_borrow().map_or(!self.leaving.get(), |body| body.is_some())
    }

    fn is_draining(&self) -> bool {
        self.is_draining.get() && self.draining.borrow().as_ref().is_none_or(InputThing::is_open)
    }

    fn describe(&self, visitor: &mut dyn Visitor) {
        if let Some(next) = &*self.draining.borrow() {
            next.describe(visitor);
        }
    }

    fn close_draining(self: Rc<Self>, held: &mut Vec<(usize, Box<dyn Held>)>) {
        if let Some(next) = self.draining.take() {
            held.push((self.created.get(), Box::new(next)));
        }
    }
}

impl<R, N> fmt::Debug for Joined<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joined({})", short_name::<R>())
    }
}

/// One input of a connected join.
pub(super) struct JoinInput<I, T, R, N> {
    join: Rc<Joined<R, N>>,
    index: I,
    way: Rc<Way<I, T>>,
}

/// The notices of one input that came while the join was being called.
struct Way<I, T> {
    index: I,
    notices: RefCell<VecDeque<Notice<T>>>,
}

/// An input with a notice that waits, without the type of its events.
trait Deliver<R, N> {
    fn deliver(&self, body: &mut Body<R, N>, cx: &mut Context<'_>) -> Receipt;
}

impl<I: Index, T, R: Takes<I, T>, N: InputThing<R::Out>> Deliver<R, N> for Way<I, T> {
    fn deliver(&self, body: &mut Body<R, N>, cx: &mut Context<'_>) -> Receipt {
        let notice = self.notices.borrow_mut().pop_front();
        notice.map_or(Ok(Demand::More), |notice| body.take(self.index, notice, cx))
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
        Self { join: join.clone(), index, way: Rc::new(Way { index, notices: RefCell::default() }) }
    }

    #[cold]
    fn wait(&self, notice: Notice<T>) -> Receipt {
        self.way.notices.borrow_mut().push_back(notice);
        self.join.waiting.borrow_mut().push_back(self.way.clone());
        self.join.pending.set(true);
        Ok(Demand::More)
    }

    fn end(&self, notice: Notice<T>, cx: &mut Context<'_>) -> Closed {
        if self.join.body.try_borrow_mut().is_err() {
            self.wait(notice)?;
        } else {
            self.join.serve(cx, |body, cx| body.take(self.index, notice, cx))?;
        }
        Ok(())
    }
}

impl<I, T, R, N> InputThing<T> for JoinInput<I, T, R, N>
where
    I: Index,
    T: 'static,
    R: Takes<I, T> + 'static,
    N: InputThing<R::Out> + 'static,
{
    #[inline]
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let join = &*self.join;
        let Ok(mut body) = join.body.try_borrow_mut() else { return self.wait(Notice::Next(event)) };
        let Some(Body { rule, next, .. }) = &mut *body else { return Ok(Demand::Done) };
        let receipt = rule.on_next(self.index, event, &mut Emitter::new(next, cx));
        drop(body);
        if !matches!(receipt, Ok(Demand::More)) || join.pending.get() || cx.due != Instant::NEVER {
            return join.settle(receipt, cx);
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.end(Notice::Completed, cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.end(Notice::Error(error), cx)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.join.serve(cx, |body, cx| body.start(self.join.absent.take(), cx))
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.join.wake(cx)
    }
    fn is_open(&self) -> bool {
        // Empty-handed on the way round a loop: a loop alone does not listen to itself.
        let body = self.join.body.try_borrow_mut();
        body.is_ok_and(|body| body.as_ref().is_some_and(|open| open.next.is_open()))
    }
    fn has_room(&self) -> bool {
        self.join.body.try_borrow().map_or(true, |body| body.as_ref().is_none_or(|open| open.has_room(self.index)))
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        let Ok(body) = self.join.body.try_borrow() else { return visitor.sink(short_name::<R>()) };
        if let Some(open) = &*body
            && visitor.join(open.rule.name(), self.join.id())
        {
            open.next.describe(visitor);
        }
    }
}
