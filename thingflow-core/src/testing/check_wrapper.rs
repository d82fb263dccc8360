//! [`check_wrapper`]: whether a Thing that holds another one passes everything on to it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::clock::{Instant, Timestamp};
use crate::context::Context;
use crate::error::StreamError;
use crate::notice::{Notice, Question};
use crate::state::StateVisitor;
use crate::thing::{Demand, InputThing, Receipt};
use crate::visit::{Visitor, short_name};

/// Looks whether a Thing that holds another one and stands for it hands on to it what it is told and asked, and the answers
/// back. A wrapper that leaves a method of [`InputThing`] out does not compile; one that keeps something to itself compiles,
/// and is wrong without a word under timed operators, back-pressure, or in a drawing.
///
/// `wrap` makes the Thing around the one that it is given; `event` is sent to it several times.
///
/// ```should_panic
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::check_wrapper;
/// use thingflow_core::{Notice, Question};
/// struct Logged<N>(N);
/// impl<N: InputThing<i32>> InputThing<i32> for Logged<N> {
///     fn next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
///         self.0.next(event, cx)
///     }
///     fn next_ref(&mut self, event: &i32, cx: &mut Context<'_>) -> Receipt {
///         self.0.next_ref(event, cx)
///     }
///     fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
///         if notice.is_end() { self.0.notice(notice, cx) } else { Ok(Demand::More) }
///     }
///     fn ask(&self, _: Question<'_>) -> bool {
///         true
///     }
/// }
/// check_wrapper(1, Logged); // `Logged` does not pass on: Start, Wake, Watermark, Flush, State, Open, Room ...
/// ```
///
/// # Panics
/// If something is not passed on; the text says what.
#[track_caller]
pub fn check_wrapper<T: Clone, U, W: InputThing<T>>(event: T, wrap: impl Fn(Inner<U>) -> W) {
    let wrapper = Wrapper { wrap: &|| wrapped(&wrap), event };
    let calls = [
        ("next", wrapper.calls("next", InputThing::next)),
        ("Start", wrapper.calls("Start", |thing, _, cx| thing.notice(Notice::Start, cx))),
        ("Wake", wrapper.calls("Wake", |thing, _, cx| thing.notice(Notice::Wake, cx))),
        ("Watermark", wrapper.hears("Watermark", || Notice::Watermark(Timestamp::UNIX_EPOCH))),
        ("Flush", wrapper.hears("Flush", || Notice::Flush)),
        ("Completed", wrapper.hears("Completed", || Notice::Completed)),
        ("Error", wrapper.hears("Error", || Notice::Error(StreamError::new("an error")))),
        ("State", wrapper.is_visited()),
        ("Open", wrapper.asks(|| Question::Open)),
        ("Room", wrapper.asks(|| Question::Room)),
        ("Draining", wrapper.lets_drain()),
        ("Holding", wrapper.asks(|| Question::Holding)),
        ("Describe", wrapper.is_drawn()),
    ];
    let missing: Vec<_> = calls.iter().filter(|(_, passes)| !passes).map(|(name, _)| *name).collect();
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
    heard: RefCell<Vec<String>>,
    answer: Cell<Option<Demand>>,
    /// What it says to every question.
    says_no: Cell<bool>,
    /// It was called by [`Context::without_draining`].
    sends_at_once: Cell<bool>,
}

impl State {
    fn hear(&self, what: &str) -> Receipt {
        self.heard.borrow_mut().push(what.into());
        Ok(self.answer.get().unwrap_or(Demand::More))
    }
    fn has_heard(&self, what: &str) -> bool {
        self.heard.borrow().iter().any(|heard| heard.starts_with(what))
    }
}

impl<U> InputThing<U> for Inner<U> {
    fn next(&mut self, _: U, cx: &mut Context<'_>) -> Receipt {
        self.state.sends_at_once.set(cx.is_at_once());
        self.state.hear("next")
    }
    fn next_ref(&mut self, _: &U, cx: &mut Context<'_>) -> Receipt {
        self.state.sends_at_once.set(cx.is_at_once());
        self.state.hear("next")
    }
    fn notice(&mut self, notice: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        self.state.hear(&format!("{notice:?}"))
    }
    fn ask(&self, question: Question<'_>) -> bool {
        match question {
            Question::Describe(visitor) => {
                visitor.sink(NAME);
                true
            }
            _ => !self.state.says_no.get(),
        }
    }
}

const NAME: &str = "the Thing inside";

struct Wrapper<'a, T, W> {
    wrap: &'a dyn Fn() -> (W, Rc<State>),
    event: T,
}

impl<T: Clone, W: InputThing<T>> Wrapper<'_, T, W> {
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
    fn hears(&self, what: &str, notice: impl Fn() -> Notice<'static>) -> bool {
        let (mut thing, state) = (self.wrap)();
        let told = thing.notice(notice(), &mut Context::detached(Instant::ZERO));
        told.is_ok() && state.has_heard(what)
    }

    fn is_visited(&self) -> bool {
        struct Nothing;
        impl StateVisitor for Nothing {
            fn integer(&mut self, _: &str, _: &mut u64) {}
            fn float(&mut self, _: &str, _: &mut f64) {}
        }
        let (mut thing, state) = (self.wrap)();
        let told = thing.notice(Notice::State(&mut Nothing), &mut Context::detached(Instant::ZERO));
        told.is_ok() && state.has_heard("State")
    }

    /// Whether the answer depends on the Thing inside.
    fn asks(&self, question: impl Fn() -> Question<'static>) -> bool {
        let (thing, state) = (self.wrap)();
        let yes = thing.ask(question());
        state.says_no.set(true);
        yes != thing.ask(question())
    }

    /// Whether the one inside is asked if it still sends, or has been told that it will not be.
    fn lets_drain(&self) -> bool {
        let (mut thing, state) = (self.wrap)();
        let _ = thing.next(self.event.clone(), &mut Context::detached(Instant::ZERO));
        state.sends_at_once.get() || self.asks(|| Question::Draining)
    }

    fn is_drawn(&self) -> bool {
        let (thing, _) = (self.wrap)();
        let mut names = Names::default();
        thing.ask(Question::Describe(&mut names));
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
