//! Every notice and every question goes through every operator and every wrapper. The operators are those of the book's
//! list, the wrappers those of the sources: one that is added there and not here fails the test, and the reverse.
#![cfg(feature = "std")]
#![allow(clippy::redundant_closure_for_method_calls)] // all rows of a table read alike

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::joins::{Junction, Merge, Reach};
use thingflow_core::prelude::*;
use thingflow_core::windows::{List, Sum, UtcMonths};
use thingflow_core::{Identity, Notice, Question, StateVisitor, Visitor};

const LIST: &str = include_str!("../../docs/src/filters.md");
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

// The operators.

fn elementwise() -> Vec<Row> {
    struct Same;
    impl Transducer<i32> for Same {
        type Out = i32;
        fn step(&mut self, event: i32) -> Option<i32> {
            Some(event)
        }
    }
    vec![
        chain("map", 1, |p| p.map(|x| x)),
        chain("begin_each", 1, |p| p.begin_each(|x| from_iter([x])))
            .own("Completed", ONLY_IN_A_RUN)
            .own("Error", ONLY_IN_A_RUN),
        chain("map_with", 1, |p| p.map_with(0, |_, x| x)),
        chain("try_map", 1, |p| p.try_map(Ok::<i32, &str>)),
        chain("filter_map", 1, |p| p.filter_map(Some)),
        chain("flat_map", 1, |p| p.flat_map(|x| [x, x])),
        chain("flatten", [1, 2], |p| p.flatten()),
        chain("each_batch", vec![1], |p| p.each_batch(pipe().map(|x: i32| x))),
        chain("once_a_batch", vec![1], |p| p.once_a_batch(pipe().map(|x: i32| x))),
        chain("emit_with", 1, |p| p.emit_with(|x: i32, emit: &mut dyn FnMut(i32)| emit(x))),
        chain("scan", 1, |p| p.scan(0, |sum, x| sum + x)),
        chain("accumulate", 1, |p| p.accumulate(|sum, x| sum + x)),
        chain("inspect", 1, |p| p.inspect(|_| ())),
        chain("also_to", 1, |p| p.also_to(call(drop))),
        chain("transduce", 1, |p| p.transduce(Same)),
        chain("enumerate", 1, |p| p.enumerate()),
        chain("timestamp", 1, |p| p.timestamp()),
        chain("time_interval", 1, |p| p.time_interval()),
        chain("derivative", 1.0, |p| p.derivative()),
        chain("rate", 1.0, |p| p.rate()),
        chain("round", 1.0, |p| p.round(1)),
        chain("hysteresis", 1, |p| p.hysteresis(1, 3)),
        chain("pairwise", 1, |p| p.pairwise()),
        chain("named", 1, |p| p.named("a place")),
        chain("probe", 1, |p| p.probe("a place")),
    ]
}

fn select() -> Vec<Row> {
    vec![
        chain("filter", 1, |p| p.filter(|_| true)),
        chain("filter_with", 1, |p| p.filter_with(0, |_, _| true)),
        chain("try_filter", 1, |p| p.try_filter(|_| Ok::<_, &str>(true))),
        chain("take", 1, |p| p.take(9)),
        chain("first", 1, |p| p.first()),
        chain("element_at", 1, |p| p.element_at(3)),
        chain("element_at_or", 1, |p| p.element_at_or(3, 0)),
        chain("take_while", 1, |p| p.take_while(|_| true)),
        chain("take_while_inclusive", 1, |p| p.take_while_inclusive(|_| true)),
        chain("skip", 1, |p| p.skip(2)),
        chain("skip_last", 1, |p| p.skip_last(2)).holds(),
        chain("skip_last_of", 1, |p| p.skip_last_of::<2>()).holds(),
        chain("skip_while", 1, |p| p.skip_while(|_| true)),
        chain("step_by", 1, |p| p.step_by(2)),
        chain("slice", 1, |p| p.slice(1..9, 2)),
        chain("ignore_elements", 1, |p| p.ignore_elements()),
        chain("take_last", 1, |p| p.take_last(2)).holds(),
        chain("take_last_of", 1, |p| p.take_last_of::<2>()).holds(),
        chain("last", 1, |p| p.last()).holds(),
        chain("last_or", 1, |p| p.last_or(0)).own("Watermark", "the default is held from the start"),
        chain("dedup", 1, |p| p.dedup()),
        chain("dedup_by_key", 1, |p| p.dedup_by_key(|x| *x)),
        chain("dedup_by", 1, |p| p.dedup_by(|a, b| a == b)),
        chain("deadband", 1, |p| p.deadband(2)),
        chain("distinct", 1, |p| p.distinct(9)),
        chain("distinct_by_key", 1, |p| p.distinct_by_key(9, |x| *x)),
        chain("distinct_recent", 1, |p| p.distinct_recent(9)),
        chain("distinct_recent_by_key", 1, |p| p.distinct_recent_by_key(9, |x| *x)),
        chain("distinct_recent_of", 1, |p| p.distinct_recent_of::<9>()),
    ]
}

fn reduce() -> Vec<Row> {
    vec![
        chain("fold", 1, |p| p.fold(0, |sum, x| sum + x)),
        chain("reduce", 1, |p| p.reduce(|sum, x| sum + x)),
        chain("min", 1, |p| p.min()).holds(),
        chain("max", 1, |p| p.max()).holds(),
        chain("min_by_key", 1, |p| p.min_by_key(|x| *x)).holds(),
        chain("max_by_key", 1, |p| p.max_by_key(|x| *x)).holds(),
        chain("top_k", 1, |p| p.top_k(2)),
        chain("top_k_by_key", 1, |p| p.top_k_by_key(2, |x| *x)),
        chain("top_k_of", 1, |p| p.top_k_of::<2>()),
        chain("counts", 1, |p| p.counts(9)),
        chain("final_counts", 1, |p| p.final_counts(9)),
        chain("any", 1, |p| p.any(|x| x > 1)),
        chain("all", 1, |p| p.all(|x| x == 1)),
        chain("contains", 1, |p| p.contains(7)),
        chain("sequence_equal", 1, |p| p.sequence_equal([1, 2])),
        chain("count", 1, |p| p.count()),
    ]
}

fn ends() -> Vec<Row> {
    vec![
        chain("materialize", 1, |p| p.materialize()),
        chain("dematerialize", 1, |p| p.materialize().dematerialize()),
        chain("catch_with", 1, |p| p.catch_with(|_| [3])),
        port("catch", 1, |p, probe| p.catch(|_| ended()).connect(probe)),
        chain("start_with", 1, |p| p.start_with([3])),
        chain("end_with", 1, |p| p.end_with([3])),
        chain("finalize", 1, |p| p.finalize(|| ())),
        chain("default_if_empty", 1, |p| p.default_if_empty(3)),
    ]
}

fn windows() -> Vec<Row> {
    let limit = Limit::block(9);
    let [a, b, c] = [(); 3].map(|()| limit.clone());
    vec![
        chain("aggregate", 1, |p| p.aggregate(Window::tumbling(3).by_key(4, |x| *x), Sum::new())).collects(),
        chain("window", 1, |p| p.window(Window::tumbling(3).bounds(), List::new())).collects(),
        chain("running_avg", 1.0, |p| p.running_avg(3)),
        chain("running_avg_of", 1.0, |p| p.running_avg_of::<3>()),
        chain("running_sum", 1.0, |p| p.running_sum(3)),
        chain("running_sum_of", 1.0, |p| p.running_sum_of::<3>()),
        chain("running_variance", 1.0, |p| p.running_variance(3)),
        chain("running_variance_of", 1.0, |p| p.running_variance_of::<3>()),
        chain("ewma", 1.0, |p| p.ewma(0.5)),
        chain("ewma_corrected", 1.0, |p| p.ewma_corrected(0.5)),
        chain("ewma_by_time", 1.0, |p| p.ewma_by_time(SECOND, |_| Timestamp::UNIX_EPOCH)),
        chain("ewma_by_time_corrected", 1.0, |p| p.ewma_by_time_corrected(SECOND, |_| Timestamp::UNIX_EPOCH)),
        chain("ewm_variance", 1.0, |p| p.ewm_variance(0.5)),
        chain("chunks", 1, |p| p.chunks(3)).collects(),
        chain("sliding", 1, |p| p.sliding(3)),
        chain("windows", 1, |p| p.windows(3, 2)),
        chain("sliding_time", 1, move |p| p.sliding_time(SECOND, a.clone())),
        chain("chunks_by", 1, |p| p.chunks_by(3, 4, |x| *x)).collects(),
        chain("chunks_distinct", 1, |p| p.chunks_distinct(3, |x| *x)).collects(),
        chain("chunks_timeout", 1, move |p| p.chunks_timeout(SECOND, b.clone())).collects(),
        chain("chunks_timeout_distinct", 1, move |p| p.chunks_timeout_distinct(SECOND, c.clone(), |x| *x)).collects(),
        chain("chunks_within", 1, |p| p.chunks_within(3, SECOND)).collects(),
        chain("chunks_within_by", 1, |p| p.chunks_within_by(3, SECOND, 4, |x| *x)).collects(),
        chain("chunk_median", 1.0, |p| p.chunk_median(3)).collects(),
        chain("chunk_median_of", 1.0, |p| p.chunk_median_of::<3>()).collects(),
        chain("Window::cumulative", 1, |p| p.aggregate(Window::cumulative(), Sum::new())),
        chain("Window::tumbling", 1, |p| p.aggregate(Window::tumbling(3), Sum::new())).collects(),
        chain("Window::each", 1, |p| p.aggregate(Window::each(SECOND), Sum::new())).collects(),
        chain("Window::sliding", 1, |p| p.aggregate(Window::sliding(3), Sum::new())),
        chain("Window::sliding_of", 1, |p| p.aggregate(Window::sliding_of::<3>(), Sum::new())),
        chain("Window::every", 1, |p| p.aggregate(Window::every(3, 2), Sum::new())),
        chain("Window::every_of", 1, |p| p.aggregate(Window::every_of::<3>(2), Sum::new())),
        chain("Window::last", 1, move |p| p.aggregate(Window::last(SECOND, limit.clone()), Sum::new())),
        chain("Window::event_time", 1, |p| {
            p.aggregate(Window::event_time(SECOND, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        }),
        chain("Window::calendar", 1, |p| {
            p.aggregate(Window::calendar(UtcMonths, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        })
        .own("Watermark", "it goes on as far as no window that is held begins earlier"),
        chain("Window::session", 1, |p| {
            p.aggregate(Window::session(SECOND, |_: &i32| Timestamp::UNIX_EPOCH), Sum::new())
        }),
        chain("Window::last_of", 1, |p| p.aggregate(Window::last_of::<3>(SECOND), Sum::new())),
    ]
}

fn timing() -> Vec<Row> {
    let limit = || Limit::block(9);
    vec![
        chain("delay", 1, move |p| p.delay(SECOND, limit())).has_room().holds(),
        chain("delay_of", 1, |p| p.delay_of::<9>(SECOND)).has_room().holds(),
        chain("pace", 1, move |p| p.pace(SECOND, limit())).has_room(),
        chain("pace_of", 1, |p| p.pace_of::<9>(SECOND)).has_room(),
        chain("throttle", 1, |p| p.throttle(SECOND)),
        chain("throttle_by", 1, |p| p.throttle_by(SECOND, 4, |x| *x)),
        chain("watermarks", 1, |p| p.watermarks(|_| Timestamp::UNIX_EPOCH, SECOND))
            .own("Watermark", "its own follow from the times of the events"),
        chain("watermarks_or_idle", 1, |p| p.watermarks_or_idle(|_| Timestamp::UNIX_EPOCH, SECOND, SECOND))
            .own("Watermark", "its own follow from the times of the events"),
        chain("future_to", 1, |p| p.future_to(|_| Timestamp::UNIX_EPOCH, SECOND, call(drop))),
        chain("debounce", 1, |p| p.debounce(SECOND)).collects().holds(),
        chain("sample_every", 1, |p| p.sample_every(SECOND)).collects().holds(),
        chain("heartbeat", 1, |p| p.heartbeat(SECOND)),
        chain("heartbeat_by", 1, |p| p.heartbeat_by(SECOND, |a, b| a == b)),
        chain("coalesce", 1, |p| p.coalesce()).collects().holds(),
        chain("time_to_live", 1, |p| p.stamped().time_to_live(SECOND)),
        chain("stamped", 1, |p| p.stamped()),
        chain("dated", 1, |p| p.dated()),
        chain("hold_until_clock_is_set", 1, move |p| p.hold_until_clock_is_set(SECOND, limit())).has_room(),
        chain("timeout", 1, |p| p.timeout(SECOND)),
        chain("on_timeout", 1, |p| p.on_timeout(SECOND, || Some(3))),
    ]
}

const ONE_INPUT: &str = "of an input nothing is sent when an event comes: it is held, or is a trigger";

fn ended<T: Clone + 'static>() -> Port<T> {
    let port = Port::new();
    port.complete(&mut Context::detached(Instant::ZERO)).expect("no fatal error");
    port
}

fn joins() -> Vec<Row> {
    let limit = || Limit::block(9);
    let epoch = |_: &i32| Timestamp::UNIX_EPOCH;
    let timed = || ((1, 'a'), (1, 'b'));
    vec![
        join("buffer_until", (1, ()), move |a, b, probe| a.buffer_until(b, limit()).connect(probe))
            .collects()
            .own("Room", ONE_INPUT),
        join("combine_latest", (1, 'a'), |a, b, probe| a.combine_latest(b).connect(probe)),
        join("concat", (1, 2), move |a, b, probe| a.concat(b, limit()).connect(probe)).holds().own("Room", ONE_INPUT),
        port("exhaust", ended::<i32>(), |p, probe| p.exhaust().connect(probe)).own("Room", ONE_INPUT),
        join("interval_join", (1, 2), move |a, b, probe| {
            a.interval_join(b, Reach::within(SECOND), (epoch, epoch), Limit::fail(9)).connect(probe)
        }),
        join("join_within", timed(), move |a, b, probe| a.join_within(b, 5, limit()).connect(probe)),
        join("merge", (1, 2), |a, b, probe| a.merge(b).connect(probe)),
        port("merge_all", ended::<i32>(), |p, probe| p.merge_all().connect(probe)).own("Room", ONE_INPUT),
        join("merge_by_time", (1, 2), move |a, b, probe| a.merge_by_time(b, |x| *x, limit()).connect(probe)).holds(),
        join("merge_tagged", (1, 2), |a, b, probe| a.merge_tagged(b).connect(probe)),
        join("race", (1, 2), |a, b, probe| a.race(b).connect(probe)),
        join("sample", (1, ()), |a, b, probe| a.sample(b).connect(probe)).own("Room", ONE_INPUT),
        join("sequence_equal_to", (1, 1), move |a, b, probe| a.sequence_equal_to(b, limit()).connect(probe))
            .own("Room", ONE_INPUT),
        join("skip_until", (1, ()), |a, b, probe| a.skip_until(b).connect(probe)).own("Room", ONE_INPUT),
        port("switch", ended::<i32>(), |p, probe| p.switch().connect(probe)).own("Room", ONE_INPUT),
        join("take_until", (1, ()), |a, b, probe| a.take_until(b).connect(probe)).own("Room", ONE_INPUT),
        port("timed_unzip", (1, (Some('a'), Some('b'))), |p, probe| {
            let (a, b) = p.timed_unzip();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        join("timed_zip", timed(), move |a, b, probe| a.timed_zip(b, limit()).connect(probe)),
        join("with_latest_at", (1, 2), move |a, b, probe| {
            a.with_latest_at(b, SECOND, (epoch, epoch), Limit::fail(9)).connect(probe)
        })
        .holds()
        .own("Watermark", "an event behind it is late"),
        join("with_latest_from", (1, 'a'), |a, b, probe| a.with_latest_from(b).connect(probe)).own("Room", ONE_INPUT),
        join("zip", (1, 'a'), move |a, b, probe| a.zip(b, limit()).connect(probe)),
        join("zip_latest", (1, 'a'), move |a, b, probe| a.zip_latest(b, limit()).connect(probe)),
        join("zip_with", (1, 2), move |a, b, probe| a.zip_with(b, limit(), |a, b| a + b).connect(probe)),
    ]
}

fn splitting() -> Vec<Row> {
    vec![
        port("dispatch", 1, |p, probe| {
            let routes = p.dispatch().rule("one", |x| *x == 1).build();
            routes.port("one").expect("a port").connect(probe.clone());
            routes.default_port().connect(probe)
        })
        .branches(2),
        port("group_by", 1, |p, probe| p.group_by(|x| *x).connect(probe)),
        port("partition", 1, |p, probe| {
            let (a, b) = p.partition(|x| *x == 1);
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("route_by_index", (0, 1), |p, probe| {
            let [a, b] = p.route_by_index();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("split", 1, |p, probe| {
            let (a, b): (Port<i32>, Port<i32>) = p.split(|x| (Some(x), Some(x)));
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
        port("unzip", (1, 'a'), |p, probe| {
            let (a, b) = p.unzip();
            a.connect(probe.clone());
            b.connect(probe)
        })
        .branches(2),
    ]
}

fn flow() -> Vec<Row> {
    let letters = || ErrorPolicy::dead_letter(call(drop)).retry(3, SECOND, SECOND);
    vec![
        chain("buffer", 1, |p| p.buffer(Limit::block(9))).has_room(),
        chain("fatal_errors", 1, |p| p.fatal_errors()).own("Error", "it ends the run"),
        chain("latest", 1, |p| p.latest()).has_room(),
        chain("try_map_with", 1, move |p| p.try_map_with(letters(), |x| Ok::<_, &str>(*x))),
        chain("try_filter_with", 1, move |p| p.try_filter_with(letters(), |_| Ok::<_, &str>(true))),
    ]
}

fn tracking() -> Vec<Row> {
    let tracker = || Tracker::new(|_, _| Closed::Ok(()));
    vec![
        chain("acknowledge", 1, |p| p.track(drop).acknowledge()),
        chain("filter_value", 1, |p| p.track(drop).filter_value(|_| true)),
        chain("flatten_value", [1, 2], |p| p.track(drop).flatten_value()),
        chain("gather", 1, |p| p.track(drop).map(|event| [event]).gather()),
        chain("map_value", 1, |p| p.track(drop).map_value(|x| x)),
        chain("track", 1, |p| p.track(drop)),
        chain("track_by", 1, move |p| p.track_by(&tracker(), |x| *x)),
        chain("try_map_value", 1, |p| p.track(drop).try_map_value(Ok::<i32, &str>)),
    ]
}

fn sources() -> Vec<Row> {
    vec![
        source("at_times", || from_iter([1, 2]).at_times(|_| Timestamp::UNIX_EPOCH)),
        source("as_recorded", || from_iter([SensorEvent::new("t", Timestamp::UNIX_EPOCH, 1)]).as_recorded()),
        source("from_fn", || from_fn(|| Some(1))),
        source("from_iter", || from_iter([1, 2])),
        source("try_from_iter", || try_from_iter([Ok::<_, &str>(1), Ok(2)])),
        source("interval", || interval(SECOND)),
        source("never", never::<i32>),
        source("repeat", || repeat(|| from_iter([1, 2]))),
        source("repeat_n", || repeat_n(2, || from_iter([1, 2]))),
        source("retry", || retry(2, || Ok::<_, StreamError>(from_iter([1, 2])))),
        source("retry_after", || retry_after(2, |_| SECOND, || Ok::<_, StreamError>(from_iter([1, 2])))),
        source("skip_failures", || from_iter([1, 2]).skip_failures()),
        source("timer", || timer(SECOND)),
        source("unfold", || unfold(0, |_| true, |n| n + 1, |n| *n)),
    ]
}

fn operators() -> Vec<Row> {
    let groups = [elementwise, select, reduce, ends, windows, timing, joins, splitting, flow, tracking, sources, sinks];
    groups.into_iter().flat_map(|group| group()).collect()
}

/// The sinks that hold other Things.
fn sinks() -> Vec<Row> {
    vec![
        Row::new("tee", |probe| vec![input(1, tee((probe.clone(), probe)))]).branches(2).own("Draining", SENT_AT_ONCE),
        by_port("feedback", |port| input(1, feedback(port))).own("Completed", LOOP).own("Error", LOOP),
    ]
}

const LOOP: &str = "a loop does not end the port that it leads back to";

/// A row for what leads to a port that it does not keep alive.
fn by_port(name: &'static str, build: impl Fn(&Port<i32>) -> Box<dyn Told> + 'static) -> Row {
    let row = Row::new(name, move |probe| {
        let port = Port::new();
        port.connect(probe);
        let thing = build(&port);
        vec![Box::new(Keeps(thing, port))]
    });
    Row { own: BY_THE_SCHEDULER.into(), ..row }
}

struct Keeps(Box<dyn Told>, #[expect(dead_code, reason = "it is kept")] Port<i32>);

impl Told for Keeps {
    fn next(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.0.next(cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        self.0.notice(notice, cx)
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.0.ask(question)
    }
}

/// What the book lists and nothing stands behind.
const ENDS: [&str; 12] = [
    "call",
    "call_while",
    "collect_into",
    "for_each",
    "for_each_while",
    "print",
    "print_debug",
    "Ring::new",
    "try_call",
    "try_for_each",
    "try_for_each_with",
    "write_to",
];

/// The operators that the book lists.
fn listed() -> BTreeSet<&'static str> {
    let cells = LIST.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|line| line.split(" | ").next());
    let calls = cells.flat_map(|cell| cell.split(", `"));
    calls.filter_map(|call| call.split(['(', '`']).next()).filter_map(|call| call.split("::<").next()).collect()
}

#[test]
fn every_operator_of_the_list_is_in_the_table() {
    let rows = operators();
    let mut table: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(table.len(), rows.len(), "an operator is in the table twice");
    table.extend(ENDS);
    assert_eq!(table.len(), rows.len() + ENDS.len(), "a row of the table is also said to be an end");
    assert!(table.len() > 150, "the list was not read");
    let missing: Vec<_> = listed().difference(&table).copied().collect();
    let unknown: Vec<_> = table.difference(&listed()).copied().collect();
    assert_eq!((missing, unknown), (vec![], vec![]), "(not in the table, not in the list)");
}

#[test]
fn every_operator_passes_every_notice() {
    assert_eq!(mistakes(&operators()), "");
}

// The wrappers.

struct Relay(Port<i32>);

impl Ports for Relay {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.0.as_ref());
    }
}

impl Relay {
    fn on_number(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        self.0.emit(n, cx)
    }
}

const THE_THING: &str = "the Thing says whether its ports end, by `on_completed` and `on_error`";
const SENT_AT_ONCE: &str = "a side branch is told to send what it holds before its end returns";

/// For each wrapper a row, by the type that implements [`InputThing`], or [`Filter`] over another Thing.
fn wrappers() -> Vec<Row> {
    vec![
        Row::new("Box", |probe| vec![input(1, Box::new(probe) as Box<dyn InputThing<i32>>)]),
        Row::new("&mut", |probe| vec![input(1, Box::leak(Box::new(probe)) as &mut dyn InputThing<i32>)]),
        chain("Connected", 1, |p| p),
        chain("Then", 1, |p| p.map(|x| x).map(|x| x)),
        chain("Pipe", 1, |p| p.pipe(pipe().map(|x| x).chunks(3))).collects(),
        port("Port", 1, |p, probe| p.connect(probe)),
        port("Fan", 1, |p, probe| {
            p.connect(probe);
            p.connect(call(drop));
        })
        .own("Open", "the other connection listens"),
        port("Hop", 1, |p, probe| {
            p.connect(probe);
            thingflow_core::diagram::Trace::new().downstream_of(&p.as_ref());
        }),
        Row {
            own: BY_THE_SCHEDULER.into(),
            ..Row::new("Output", |probe| {
                let output = from_iter([1, 2]).output();
                output.connect(probe);
                vec![Box::new(From(output))]
            })
        },
        by_port("WeakPort", |port| input(1, port.downgrade())).own("Completed", LOOP).own("Error", LOOP),
        join("SharedInput", (1, 2), |a, b, probe| {
            let out = Port::new();
            out.connect(probe);
            let relay = Shared::new(Relay(out));
            a.connect(relay.input(Relay::on_number));
            b.connect(relay.input(Relay::on_number))
        })
        .own("Completed", THE_THING)
        .own("Error", THE_THING)
        .own("Open", "the Thing may want events without sending any"),
        Row::new("JunctionInput", |probe| {
            let junction = Box::leak(Box::new(Junction::new(Merge::<i32>::of(2), probe)));
            vec![input(1, junction.input::<0>()), input(2, junction.input::<1>())]
        })
        .own("Watermark", "without an allocator there is no place for those of the inputs"),
        Row::new("AlsoTo", |probe| vec![input(1, pipe().also_to(probe).to(call(drop)))])
            .own("Open", "the branch alone is no reason to go on")
            .own("Draining", SENT_AT_ONCE),
        Row::new("TryWith", |probe| {
            let policy = ErrorPolicy::dead_letter(probe);
            vec![input(1, pipe().try_map_with(policy, |x| Ok::<i32, &str>(*x)).to(call(drop)))]
        })
        .own("Open", "the branch alone is no reason to go on")
        .own("Draining", SENT_AT_ONCE),
    ]
}

/// The types that need no row: they are private to what a row is about, or nothing stands behind them.
const ELSEWHERE: [(&str, &str); 17] = [
    ("Catch", "the operator `catch`"),
    ("Collected", "the operators `each_batch` and `once_a_batch`"),
    ("Dispatcher", "the operator `dispatch`"),
    ("Feedback", "the sink `feedback`"),
    ("Feeder", "the row `Port`, but for its end, which waits for all that feed the port"),
    ("Following", "`Then`"),
    ("GroupBy", "the operator `group_by`"),
    ("Inner", "stands at the end, in `check_wrapper`"),
    ("JoinInput", "the joins"),
    ("Receiver", "stands at the end, in `check_filter`"),
    ("RouteByIndex", "the operator `route_by_index`"),
    ("Nobody", "a vacant place of a port, which is never told of anything"),
    ("One", "the row `Port`"),
    ("PortTap", "an end that is no listener, see `tests/inspection.rs`"),
    ("S", "every sink: an end"),
    ("Split", "the operators `split`, `unzip` and `partition`"),
    ("TimedUnzip", "the operator `timed_unzip`"),
];

/// The texts of the core's sources.
fn texts() -> Vec<String> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                texts.push(std::fs::read_to_string(&entry).expect("a source"));
            }
        }
    }
    texts
}

/// The types of the core that implement [`InputThing`], and those that are given another Thing and are filters.
fn implemented() -> BTreeSet<String> {
    let mut types = BTreeSet::from(["AlsoTo", "Output", "Pipe", "Then", "TryWith"].map(String::from)); // by another trait
    for text in texts() {
        let code: Vec<_> = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
        types.extend(code.join(" ").split("impl").filter_map(implementor).map(String::from));
    }
    types
}

/// The type that an implementation of `InputThing` is for: of `<T> InputThing<T> for a::Port<T> {` it is `Port`.
fn implementor(code: &str) -> Option<&str> {
    let (head, of) = code.split(" {").next()?.split_once(" for ")?;
    let mut depth = 0;
    let arguments = head.strip_suffix('>')?.rfind(|c| {
        depth += i32::from(c == '>') - i32::from(c == '<');
        depth < 0
    })?;
    if !head[..arguments].ends_with(" InputThing") {
        return None;
    }
    if of.starts_with("&mut") {
        return Some("&mut");
    }
    of.split(['<', ' ']).next()?.rsplit("::").next()
}

#[test]
fn every_wrapper_of_the_sources_is_in_the_table() {
    let rows = wrappers();
    let mut table: BTreeSet<_> = rows.iter().map(|row| row.name.to_owned()).collect();
    table.extend(sinks().iter().filter(|row| row.name == "tee").map(|_| "Tee".to_owned()));
    table.extend(ELSEWHERE.map(|(name, _)| name.to_owned()));
    assert_eq!(table.len(), rows.len() + 1 + ELSEWHERE.len(), "a wrapper is in the table twice");
    let found = implemented();
    let missing: Vec<_> = found.difference(&table).collect();
    let unknown: Vec<_> = table.difference(&found).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not in the table: {missing:?}, not in the sources: {unknown:?}");
}

/// What stands between the braces of each implementation of `Filter` that says it is transparent, and whose it is.
fn transparent() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for text in texts() {
        for part in text.split("\nimpl").skip(1) {
            let body = part.split("\n}\n").next().unwrap_or_default();
            if body.contains("const TRANSPARENT: bool = true;") {
                found.push((body.lines().next().unwrap_or_default().to_owned(), body.to_owned()));
            }
        }
    }
    found
}

#[test]
fn a_transparent_filter_overrides_nothing_that_a_chain_leads_past_it() {
    let filters = transparent();
    assert!(filters.len() > 30, "the sources were not read");
    for (of, body) in filters {
        let methods = body.lines().filter_map(|line| line.strip_prefix("    fn ")?.split(['(', '<']).next());
        let others: Vec<_> = methods.filter(|name| !["on_next", "on_state", "describe"].contains(name)).collect();
        assert!(others.is_empty(), "impl{of}: nobody calls {others:?}");
    }
}

/// A filter that holds another one, and calls the method of each notice.
struct ByMethod<F>(F);

impl<T, F: Filter<T>> Filter<T> for ByMethod<F> {
    type Out = F::Out;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_next(event, out)
    }
    fn on_watermark(&mut self, time: Timestamp, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_watermark(time, out)
    }
    fn on_flush(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Receipt {
        self.0.on_flush(out)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<F::Out>>) -> Closed {
        self.0.on_completed(out)
    }
}

#[test]
fn a_pipe_passes_every_notice_when_it_is_called_by_method() {
    let rows = [
        chain("a pipe", 1, |p| p.pipe(ByMethod(pipe().map(|x| x).chunks(3)))).collects(),
        chain("two filters", 1, |p| p.pipe(ByMethod(pipe().chunks(3).map(|x| x)))).collects(),
    ];
    assert_eq!(mistakes(&rows), "");
}

#[test]
fn a_group_hears_what_its_source_is_told() -> Result<(), FatalError> {
    type Groups = Port<(i32, Port<i32>)>;
    type Makes<'a> = &'a dyn Fn(&Port<i32>) -> Groups;
    let by_saved_key = |numbers: &Port<i32>| -> Groups {
        let group_by = thingflow_core::splitting::GroupBy::by_saved_key(|x: &i32| *x);
        let groups = group_by.groups().clone();
        numbers.connect(group_by);
        groups
    };
    let by_key = |numbers: &Port<i32>| -> Groups { numbers.group_by(|x| *x) };
    let makes: [(Makes<'_>, usize); 2] = [(&by_saved_key, 1), (&by_key, 0)];
    for (make, states) in makes {
        let (mut numbers, probe) = (Port::new(), Probe::default());
        let group = probe.clone();
        make(&numbers).connect(call(move |(_, port): (i32, Port<i32>)| drop(port.connect(group.clone()))));
        let cx = &mut Context::detached(Instant::ZERO);
        numbers.emit(1, cx)?;
        let time = Timestamp::from_secs(3);
        for notice in [Notice::Watermark(time), Notice::Flush, Notice::State(&mut Visit::default()), Notice::Completed]
        {
            numbers.notice(notice, cx)?;
        }
        let heard = ["Start", "next", "Watermark", "Flush", "Completed", "State"].map(|word| probe.count(word));
        assert_eq!(heard, [1, 1, 1, 1, 1, states], "what follows a key that is not saved is in no state");
    }
    Ok(())
}

#[test]
fn every_wrapper_passes_every_notice() {
    assert_eq!(mistakes(&wrappers()), "");
}

// Not in these tables: the borders of threads, which `borders.rs` has.
