//! Every notice and every question goes through every operator and every wrapper. The operators are those of the book's
//! list, the wrappers those of the sources: one that is added there and not here fails the test, and the reverse.
#![cfg(feature = "std")]
#![allow(clippy::redundant_closure_for_method_calls)] // all rows of a table read alike

mod operators;
mod wrappers;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::{Identity, Notice, Question, StateVisitor, Visitor};

const SECOND: Duration = Duration::from_secs(1);
const NAME: &str = "the probe";

// What stands at the end, and notes what it hears.

#[derive(Default)]
struct Heard {
    words: RefCell<Vec<String>>,
    says_no: Cell<bool>,
}

/// The end of each chain: notes what it hears, and says to every question what it is set to.
#[derive(Clone, Default)]
struct Probe(Rc<Heard>);

impl Probe {
    fn hears(&self, word: String) -> Receipt {
        self.0.words.borrow_mut().push(word);
        Ok(Demand::More)
    }
    fn count(&self, word: &str) -> usize {
        self.0.words.borrow().iter().filter(|heard| heard.starts_with(word)).count()
    }
    fn is_last(&self, words: [&str; 2]) -> bool {
        self.0.words.borrow().last().is_some_and(|last| words.iter().any(|word| last.starts_with(word)))
    }
}

impl<T> InputThing<T> for Probe {
    fn next(&mut self, _: T, _: &mut Context<'_>) -> Receipt {
        self.hears("next".into())
    }
    fn next_ref(&mut self, _: &T, _: &mut Context<'_>) -> Receipt {
        self.hears("next".into())
    }
    fn notice(&mut self, notice: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        self.hears(format!("{notice:?}"))
    }
    fn ask(&self, question: Question<'_>) -> bool {
        if let Question::Describe(visitor) = question {
            visitor.sink(NAME);
            return true;
        }
        !self.0.says_no.get()
    }
}

/// An input without the type of its events, which has an event at hand.
trait Told {
    fn next(&mut self, cx: &mut Context<'_>) -> Receipt;
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt;
    fn ask(&self, question: Question<'_>) -> bool;
}

struct Input<T, N>(T, N);

impl<T: Clone, N: InputThing<T>> Told for Input<T, N> {
    fn next(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.1.next(self.0.clone(), cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.1.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.1.ask(question)
    }
}

/// A source with what follows it.
struct From<O>(O);

impl<O: OutputThing> Told for From<O> {
    fn next(&mut self, cx: &mut Context<'_>) -> Receipt {
        match self.0.produce(cx) {
            Ok(demand) => Ok(demand),
            Err(Failure::Fatal(error)) => Err(error),
            Err(_) => Ok(Demand::More),
        }
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.0.ask(question)
    }
}

type Inputs = Vec<Box<dyn Told>>;

fn input<T: Clone + 'static>(event: T, thing: impl InputThing<T> + 'static) -> Box<dyn Told> {
    Box::new(Input(event, thing))
}

// The rows of the tables.

/// An operator, and how it stands before the probe.
struct Row {
    name: &'static str,
    build: Box<dyn Fn(Probe) -> Inputs>,
    /// How often the probe is connected.
    branches: usize,
    /// What it holds of an event goes on at a flush.
    collects: bool,
    /// A watermark waits behind an event that it holds: see `holding.rs`.
    holds: bool,
    /// What does not get through, and why.
    own: Vec<(&'static str, &'static str)>,
}

const BY_THE_SCHEDULER: [(&str, &str); 3] = [
    ("Wake", "a port is woken by the scheduler"),
    ("Draining", "a port is kept by the scheduler, which asks it"),
    ("Holding", "a port is kept by the scheduler, which asks it"),
];
const ONLY_IN_A_RUN: &str = "an event outside of a run is a fatal error, after which nothing is told";
const SENT_AT_ONCE: &str = "a side branch is told to send what it holds before its end returns";
const ROOM_OF_ITS_OWN: (&str, &str) = ("Room", "holds events while those behind it are full");

impl Row {
    fn new(name: &'static str, build: impl Fn(Probe) -> Inputs + 'static) -> Self {
        Self { name, build: Box::new(build), branches: 1, collects: false, holds: false, own: Vec::new() }
    }
    fn own(mut self, what: &'static str, why: &'static str) -> Self {
        self.own.push((what, why));
        self
    }
    fn has_room(self) -> Self {
        self.own(ROOM_OF_ITS_OWN.0, ROOM_OF_ITS_OWN.1)
    }
    fn collects(self) -> Self {
        Self { collects: true, ..self }
    }
    fn holds(self) -> Self {
        Self { holds: true, ..self }
    }
    fn branches(self, branches: usize) -> Self {
        Self { branches, ..self }
    }
}

/// A row for an operator of a chain.
fn chain<T: Clone + 'static, F: Filter<T> + 'static>(
    name: &'static str,
    event: T,
    build: impl Fn(Pipe<T, Identity>) -> Pipe<T, F> + 'static,
) -> Row {
    Row::new(name, move |probe| vec![input(event.clone(), build(pipe()).to(probe))])
}

/// A row for an operator of chains that begin at a port.
fn port<T: Clone + 'static, R>(name: &'static str, event: T, build: impl Fn(&Port<T>, Probe) -> R + 'static) -> Row {
    let row = Row::new(name, move |probe| {
        let port = Port::new();
        build(&port, probe);
        vec![input(event.clone(), port)]
    });
    Row { own: BY_THE_SCHEDULER.into(), ..row }
}

/// A row for a join of two ports.
fn join<A: Clone + 'static, B: Clone + 'static, R>(
    name: &'static str,
    (a, b): (A, B),
    build: impl Fn(&Port<A>, &Port<B>, Probe) -> R + 'static,
) -> Row {
    let row = Row::new(name, move |probe| {
        let (one, other) = (Port::new(), Port::new());
        build(&one, &other, probe);
        vec![input(a.clone(), one), input(b.clone(), other)]
    });
    Row { own: BY_THE_SCHEDULER.into(), ..row }
}

fn source<S: Source + 'static>(name: &'static str, make: impl Fn() -> Flow<S> + 'static) -> Row {
    Row::new(name, move |probe| vec![Box::new(From(make().to(probe)))])
}

// What is looked at.

/// The inputs of a row, started, and the probe behind them.
struct Stand {
    inputs: Inputs,
    /// Which inputs have not answered `Done`.
    open: Vec<bool>,
    /// The fatal error, if there was one.
    failed: Option<String>,
    probe: Probe,
}

impl Stand {
    fn of(row: &Row) -> Self {
        let probe = Probe::default();
        let inputs = (row.build)(probe.clone());
        let mut stand = Self { open: vec![true; inputs.len()], inputs, failed: None, probe };
        stand.tell_all(|| Notice::Start);
        stand
    }

    fn call(&mut self, input: usize, call: impl FnOnce(&mut dyn Told, &mut Context<'_>) -> Receipt) {
        if self.open[input] {
            let cx = &mut Context::detached(Instant::ZERO);
            let demand = call(&mut *self.inputs[input], cx);
            self.open[input] = match demand {
                Ok(demand) => demand != Demand::Done,
                Err(error) => {
                    self.failed = Some(cx.take_error(error).to_string());
                    false
                }
            };
        }
    }

    fn tell(&mut self, input: usize, notice: Notice<'_>) {
        self.call(input, |thing, cx| thing.notice(notice, cx));
    }

    fn tell_all(&mut self, notice: impl Fn() -> Notice<'static>) {
        (0..self.inputs.len()).for_each(|input| self.tell(input, notice()));
    }

    fn feed(&mut self) {
        (0..self.inputs.len()).for_each(|input| self.call(input, |thing, cx| thing.next(cx)));
    }

    fn goes_on(&self) -> bool {
        self.open.iter().all(|open| *open)
    }

    /// Whether all inputs answer as the probe does.
    fn asks(&self, question: impl Fn() -> Question<'static>) -> bool {
        [false, true].into_iter().all(|no| {
            self.probe.0.says_no.set(no);
            self.inputs.iter().all(|input| input.ask(question()) != no)
        })
    }

    fn shows(&self) -> bool {
        self.inputs.iter().all(|input| {
            let mut walk = Walk::default();
            input.ask(Question::Describe(&mut walk));
            walk.go_behind_ports();
            walk.text.contains(NAME)
        })
    }

    fn visits(&mut self) {
        let mut visitor = Visit::default();
        for input in 0..self.inputs.len() {
            self.tell(input, Notice::State(&mut visitor));
        }
    }
}

/// Whether the watermark comes, as the least of those of the inputs, once for each, whether or not an event came before.
fn passes_watermarks(row: &Row) -> bool {
    [false, true].into_iter().all(|fed| {
        let mut stand = Stand::of(row);
        if fed {
            stand.feed();
            if !stand.goes_on() {
                return true;
            }
            if row.holds {
                return holds_watermarks(stand);
            }
        }
        let at = |secs| Notice::Watermark(Timestamp::from_secs(secs));
        let mark = |secs| format!("{:?}", at(secs));
        for input in (0..stand.inputs.len()).rev() {
            if stand.probe.count("Watermark") > 0 {
                return false; // before the last input has said anything
            }
            stand.tell(input, at(10 + input as i64));
        }
        let first = stand.probe.count(&mark(10)) == row.branches && stand.probe.count("Watermark") == row.branches;
        (0..stand.inputs.len()).for_each(|input| stand.tell(input, at(20)));
        first && stand.probe.count(&mark(20)) == row.branches
    })
}

/// Whether no watermark comes until the event does that is held.
fn holds_watermarks(mut stand: Stand) -> bool {
    stand.tell_all(|| Notice::Watermark(Timestamp::from_secs(10)));
    let waits = stand.probe.count("Watermark") == 0;
    stand.tell_all(|| Notice::Completed);
    let words = stand.probe.0.words.borrow();
    let last = |what: &str| words.iter().rposition(|word| word.starts_with(what));
    waits && last("Watermark").is_none_or(|watermark| Some(watermark) > last("next"))
}

/// Whether the flush of an input comes, once, behind what it sets free.
fn passes_flushes(row: &Row) -> bool {
    [false, true].into_iter().all(|fed| {
        let mut stand = Stand::of(row);
        if fed {
            stand.call(0, |thing, cx| thing.next(cx));
            if !stand.goes_on() {
                return true;
            }
        }
        let before = stand.probe.count("next");
        stand.tell(0, Notice::Flush);
        let comes = stand.probe.count("Flush") == row.branches && stand.probe.is_last(["Flush", "Flush"]);
        comes && (!fed || !row.collects || stand.probe.count("next") > before)
    })
}

/// Whether one end comes, last, however far the stream was.
fn ends_once(row: &Row, notice: fn() -> Notice<'static>) -> bool {
    [false, true].into_iter().all(|fed| {
        let mut stand = Stand::of(row);
        if fed {
            stand.feed();
        }
        stand.tell_all(notice);
        let ends = stand.probe.count("Completed") + stand.probe.count("Error");
        stand.failed.is_none() && ends == row.branches && stand.probe.is_last(["Completed", "Error"])
    })
}

/// The notices and questions that do not get through.
fn kept_back(row: &Row) -> BTreeSet<&'static str> {
    let stand = Stand::of(row);
    let started = stand.probe.count("Start");
    let mut woken = Stand::of(row);
    woken.tell_all(|| Notice::Wake);
    let mut visited = Stand::of(row);
    visited.visits();
    let found = [
        ("Start", started == row.branches),
        ("Wake", woken.probe.count("Wake") >= row.branches),
        ("Watermark", passes_watermarks(row)),
        ("Flush", passes_flushes(row)),
        ("State", visited.probe.count("State") == row.branches),
        ("Completed", ends_once(row, || Notice::Completed)),
        ("Error", ends_once(row, || Notice::Error(StreamError::new("an error")))),
        ("Open", stand.asks(|| Question::Open)),
        ("Room", stand.asks(|| Question::Room)),
        ("Draining", stand.asks(|| Question::Draining)),
        ("Holding", stand.asks(|| Question::Holding)),
        ("Describe", stand.shows()),
    ];
    found.into_iter().filter(|(_, passes)| !passes).map(|(what, _)| what).collect()
}

/// What the rows keep back against their table, or let through although the table says that they do not.
fn mistakes(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let (own, kept) = (row.own.iter().map(|(what, _)| *what).collect::<BTreeSet<_>>(), kept_back(row));
        if own != kept {
            let _ = writeln!(text, "{}: keeps back {kept:?}, by the table {own:?}", row.name);
        }
    }
    text
}

/// A walk over the graph that goes on behind ports.
#[derive(Default)]
struct Walk {
    text: String,
    seen: BTreeSet<usize>,
    ports: Vec<PortRef>,
}

impl Walk {
    fn go_behind_ports(&mut self) {
        while let Some(port) = self.ports.pop() {
            if self.seen.insert(port.id()) {
                port.connections(&mut |connection| connection.describe(self));
            }
        }
    }
}

impl Visitor for Walk {
    fn filter(&mut self, _: &str) {}
    fn branch(&mut self, describe: &dyn Fn(&mut dyn Visitor)) {
        describe(self);
    }
    fn sink(&mut self, name: &str) {
        self.text.push_str(name);
    }
    fn port(&mut self, port: PortRef, _: bool) {
        self.ports.push(port);
    }
}

/// A walk over the state that enters each place once.
#[derive(Default)]
struct Visit(BTreeSet<usize>);

impl StateVisitor for Visit {
    fn integer(&mut self, _: &str, _: &mut u64) {}
    fn float(&mut self, _: &str, _: &mut f64) {}
    fn enter(&mut self, id: usize) -> bool {
        self.0.insert(id)
    }
}
