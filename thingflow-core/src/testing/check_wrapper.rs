//! [`check_wrapper`]: whether a Thing that holds another one passes everything on to it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::clock::Instant;
use crate::context::Context;
use crate::error::StreamError;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::{Visitor, short_name};

/// Looks whether a Thing that holds another one and stands for it passes on to it what it is told and asked, and the answers
/// back. The methods of [`InputThing`] that need not be written answer for a Thing with nothing behind it: a wrapper that
/// leaves one out is wrong without a word, under timed operators, back-pressure, or in a drawing.
///
/// `wrap` makes the Thing around the one that it is given; `event` is sent to it several times.
///
/// ```should_panic
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::check_wrapper;
/// struct Logged<N>(N);
/// impl<N: InputThing<i32>> InputThing<i32> for Logged<N> {
///     fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
///         self.0.on_next(event, cx)
///     }
///     fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
///         self.0.on_completed(cx)
///     }
///     fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
///         self.0.on_error(error, cx)
///     }
/// }
/// check_wrapper(1, Logged); // `Logged` does not pass on: on_start, on_wake, is_open, has_room, is_draining, describe
/// ```
///
/// # Panics
/// If something is not passed on; the text says what.
#[track_caller]
pub fn check_wrapper<T: Clone, U, W: InputThing<T>>(event: T, wrap: impl Fn(Inner<U>) -> W) {
    let wrapper = Wrapper { wrap: &|| wrapped(&wrap), event };
    let checks = [
        ("on_next", wrapper.passes_events()),
        ("on_completed", wrapper.tells("completed", |thing, _, cx| thing.on_completed(cx))),
        ("on_error", wrapper.tells("error", |thing, _, cx| thing.on_error(StreamError::new("an error"), cx))),
        ("on_start", wrapper.calls("start", |thing, _, cx| thing.on_start(cx))),
        ("on_wake", wrapper.calls("wake", |thing, _, cx| thing.on_wake(cx))),
        ("is_open", wrapper.asks(InputThing::is_open)),
        ("has_room", wrapper.asks(InputThing::has_room)),
        ("is_draining", wrapper.lets_drain()),
        ("describe", wrapper.is_drawn()),
    ];
    let missing: Vec<_> = checks.iter().filter(|(_, passes)| !passes).map(|(name, _)| *name).collect();
    assert!(missing.is_empty(), "`{}` does not pass on: {}", short_name::<W>(), missing.join(", "));
}

fn wrapped<U, W>(wrap: &impl Fn(Inner<U>) -> W) -> (W, Rc<State>) {
    let state = Rc::new(State::default());
    (wrap(Inner { state: state.clone(), events: core::marker::PhantomData }), state)
}

/// The Thing that [`check_wrapper`] gives to be wrapped.
#[derive(Debug)]
pub struct Inner<U> {
    state: Rc<State>,
    events: core::marker::PhantomData<fn(U)>,
}

/// What it has heard, and what it answers.
#[derive(Debug, Default)]
struct State {
    heard: RefCell<Vec<&'static str>>,
    answer: Cell<Option<Demand>>,
    is_closed: Cell<bool>,
    /// It was called by [`Context::without_draining`].
    sends_at_once: Cell<bool>,
}

impl State {
    fn hear(&self, what: &'static str) -> Receipt {
        self.heard.borrow_mut().push(what);
        Ok(self.answer.get().unwrap_or(Demand::More))
    }
    fn has_heard(&self, what: &str) -> bool {
        self.heard.borrow().contains(&what)
    }
}

impl<U> InputThing<U> for Inner<U> {
    fn on_next(&mut self, _: U, cx: &mut Context<'_>) -> Receipt {
        self.state.sends_at_once.set(cx.is_at_once());
        self.state.hear("next")
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.state.hear("completed").map(|_| ())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        self.state.hear("error").map(|_| ())
    }
    fn on_start(&mut self, _: &mut Context<'_>) -> Receipt {
        self.state.hear("start")
    }
    fn on_wake(&mut self, _: &mut Context<'_>) -> Receipt {
        self.state.hear("wake")
    }
    fn is_open(&self) -> bool {
        !self.state.is_closed.get()
    }
    fn has_room(&self) -> bool {
        !self.state.is_closed.get()
    }
    fn is_draining(&self) -> bool {
        self.state.is_closed.get()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.sink(NAME);
    }
}

const NAME: &str = "the Thing inside";

struct Wrapper<'a, T, W> {
    wrap: &'a dyn Fn() -> (W, Rc<State>),
    event: T,
}

impl<T: Clone, W: InputThing<T>> Wrapper<'_, T, W> {
    fn passes_events(&self) -> bool {
        self.calls("next", InputThing::on_next)
    }

    /// Whether a call gets through, and its receipt back.
    fn calls(&self, what: &str, call: impl Fn(&mut W, T, &mut Context<'_>) -> Receipt) -> bool {
        [Demand::More, Demand::Full, Demand::Done].into_iter().all(|answer| {
            let (mut thing, state) = (self.wrap)();
            state.answer.set(Some(answer));
            let receipt = call(&mut thing, self.event.clone(), &mut Context::detached(Instant::ZERO));
            state.has_heard(what) && matches!(receipt, Ok(demand) if demand == answer)
        })
    }

    /// Whether a notice gets through.
    fn tells(&self, what: &str, tell: impl Fn(&mut W, T, &mut Context<'_>) -> Closed) -> bool {
        let (mut thing, state) = (self.wrap)();
        let told = tell(&mut thing, self.event.clone(), &mut Context::detached(Instant::ZERO));
        told.is_ok() && state.has_heard(what)
    }

    /// Whether the answer depends on the Thing inside.
    fn asks(&self, ask: impl Fn(&W) -> bool) -> bool {
        let (thing, state) = (self.wrap)();
        let open = ask(&thing);
        state.is_closed.set(true);
        open != ask(&thing)
    }

    /// Whether the one inside is asked if it still sends, or has been told that it will not be.
    fn lets_drain(&self) -> bool {
        let (mut thing, state) = (self.wrap)();
        let _ = thing.on_next(self.event.clone(), &mut Context::detached(Instant::ZERO));
        state.sends_at_once.get() || self.asks(InputThing::is_draining)
    }

    fn is_drawn(&self) -> bool {
        let (thing, _) = (self.wrap)();
        let mut names = Names::default();
        thing.describe(&mut names);
        names.0.contains(NAME)
    }
}

#[derive(Default)]
struct Names(String);

impl Visitor for Names {
    fn filter(&mut self, name: &str) {
        self.sink(name);
    }
    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
        describe(self);
    }
    fn sink(&mut self, name: &str) {
        self.0 += &format!("{name}\n");
    }
    fn port(&mut self, _: crate::port::PortRef, _: bool) {}
}
