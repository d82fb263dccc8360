//! Every operator of the book's list, each alone, driven with small events: what it adds to handing the event straight on.

pub mod fixed;
mod growing;
mod ports;

use std::hint::black_box;

use thingflow_core::prelude::*;

use crate::Result;
use crate::child::Readings;
use crate::counting::Live;

/// What measurements are made of.
type Real = f64;

/// Who is shown each operator.
pub trait Gauge {
    /// An operator of a chain, by the events that it takes.
    fn chain<T: 'static, F: Filter<T> + 'static>(&mut self, name: &'static str, event: fn(u32) -> T, with: Pipe<T, F>);
    /// One that goes after others: with them alone, and with it.
    fn after<T: 'static, E: Filter<T> + 'static, F: Filter<T> + 'static>(
        &mut self,
        name: &'static str,
        event: fn(u32) -> T,
        without: Pipe<T, E>,
        with: Pipe<T, F>,
    );
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq)]
enum Task {
    /// Nothing but noting the names.
    List,
    /// Run without the operator.
    Without,
    /// Run with it.
    With,
}

struct Bench<'a> {
    task: Task,
    wanted: &'a str,
    events: u32,
    names: Vec<&'static str>,
    /// The bytes in place and on the heap.
    bytes: Option<[i64; 2]>,
}

/// The end of each chain.
#[derive(Clone, Copy)]
struct End;

impl<T> InputThing<T> for End {
    #[inline(never)]
    fn next(&mut self, event: T, _: &mut Context<'_>) -> Receipt {
        drop(black_box(event));
        Ok(Demand::More)
    }
    #[inline(never)]
    fn next_ref(&mut self, event: &T, _: &mut Context<'_>) -> Receipt {
        black_box(event);
        Ok(Demand::More)
    }
    fn notice(&mut self, _: Notice<'_>, _: &mut Context<'_>) -> Receipt {
        Ok(Demand::More)
    }
    fn ask(&self, _: Question<'_>) -> bool {
        true
    }
}

/// A context at which a tenth of a second has passed with each event.
fn at(n: u32) -> Context<'static> {
    Context::detached(Instant::from_nanos(u64::from(n) * 100_000_000))
}

/// Hands events to a Thing, one by one. What it answers is none of the figure: what has had enough is told nevertheless.
#[inline(never)]
fn drive<T>(mut thing: impl InputThing<T>, event: fn(u32) -> T, events: u32) -> impl InputThing<T> {
    let _ = black_box(thing.notice(Notice::Start, &mut at(0)));
    for n in 0..events {
        let _ = black_box(thing.next(event(black_box(n)), &mut at(n)));
    }
    thing
}

impl Bench<'_> {
    fn wants(&mut self, name: &'static str) -> bool {
        self.names.push(name);
        self.task != Task::List && name == self.wanted
    }

    /// What a run has left on the heap, with a Thing that is kept until it has been looked at, and bytes in place.
    fn note<K>(&mut self, in_place: usize, run: impl FnOnce() -> K) {
        let live = Live::start();
        let kept = run();
        self.bytes = Some([in_place as i64, live.bytes()]);
        drop(kept);
    }

    /// Which of two is asked for.
    fn either<K, L>(&mut self, in_place: usize, without: impl FnOnce() -> K, with: impl FnOnce() -> L) {
        match self.task {
            Task::Without => self.note(0, without),
            _ => self.note(in_place, with),
        }
    }
}

impl Gauge for Bench<'_> {
    fn chain<T: 'static, F: Filter<T> + 'static>(&mut self, name: &'static str, event: fn(u32) -> T, with: Pipe<T, F>) {
        self.after(name, event, pipe::<T>(), with);
    }
    fn after<T: 'static, E: Filter<T> + 'static, F: Filter<T> + 'static>(
        &mut self,
        name: &'static str,
        event: fn(u32) -> T,
        without: Pipe<T, E>,
        with: Pipe<T, F>,
    ) {
        if self.wants(name) {
            let (events, in_place) = (self.events, size_of::<F>() - size_of::<E>());
            self.either(in_place, || drive(without.to(End), event, events), || drive(with.to(End), event, events));
        }
    }
}

fn show(bench: &mut Bench<'_>) {
    fixed::rows(bench);
    growing::rows(bench);
    ports::rows(bench);
}

/// The names of all that are measured.
pub fn names() -> Vec<&'static str> {
    let mut bench = Bench { task: Task::List, wanted: "", events: 0, names: Vec::new(), bytes: None };
    show(&mut bench);
    bench.names
}

/// Runs `events` events through the operator of that name, or past it; says how many bytes it holds then.
///
/// # Errors
/// There is none of that name.
pub fn run(name: &str, is_with: bool, events: u32) -> Result<Readings> {
    let task = if is_with { Task::With } else { Task::Without };
    let mut bench = Bench { task, wanted: name, events, names: Vec::new(), bytes: None };
    show(&mut bench);
    let [in_place, heap] = bench.bytes.ok_or_else(|| format!("no operator {name}"))?;
    Ok(Readings::default().with("bytes", in_place as f64).with("heap", heap as f64))
}
