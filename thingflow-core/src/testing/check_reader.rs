//! [`check_reader`]: whether a reader of another side hands on what is there, each once and in order, whatever happens.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use super::{Recorder, Weather};
use crate::chain::Chain;
use crate::elementwise::Elementwise;
use crate::limit::Limit;
use crate::port::Port;
use crate::scheduler::Scheduler;
use crate::sinks::call;
use crate::sources::interval;
use crate::timing::Timing;
use crate::visit::short_name;

/// A reader that is to be checked, and the other side of it, which the check disturbs: a server that the test has started, a table
/// that it fills.
pub trait Feed {
    /// What is read.
    type Event: Clone + Debug + 'static;

    /// Makes a reader as a program does, which tries again after some milliseconds, and schedules it. The port of what it reads.
    fn start(&mut self, scheduler: &Scheduler) -> Port<Self::Event>;

    /// As [`start`](Self::start), with a wrong password, for a table that does not exist, or whatever else makes the set-up wrong.
    /// `None` if nothing does.
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<Self::Event>>;

    /// The number of an event.
    fn number(&self, event: &Self::Event) -> u64;

    /// The other side has events of these numbers from now on. They wait there while nobody asks for them.
    fn offer(&mut self, numbers: Range<u64>);

    /// What the other side does from now on.
    fn disturb(&mut self, weather: Weather);

    /// Whether the other side is told what has been dealt with. Then nothing is lost with a connection, or with the program, and some
    /// may come twice. Otherwise what is on its way then may be missing, and nothing comes twice.
    fn is_acknowledged(&self) -> bool;
}

/// Runs a reader through what happens to it in the field:
///
/// - everything is well: each event comes, once, in order; and so through a graph that is slower than the other side
/// - another side that is away at the start, falls silent, and comes back: what it has then comes
/// - another side that dies while events are on their way: nothing is lost if it is told what has been dealt with
/// - a stop while events are on their way, and a second run
/// - a wrong set-up: nothing is read, and the run goes on
///
/// `make` makes a feed that has nothing each time. Time is real, since the
/// other side is: a scenario in which nothing comes for three seconds has failed.
///
/// ```
/// use std::{cell::RefCell, ops::Range, rc::Rc, time::Duration};
/// use thingflow_core::prelude::*;
/// use thingflow_core::testing::{Feed, Weather, check_reader};
/// #[derive(Clone)]
/// struct List(Rc<RefCell<(Vec<u64>, usize, Weather)>>); // the rows, how many have been read, whether it can be read
/// impl Feed for List {
///     type Event = u64;
///     fn start(&mut self, scheduler: &Scheduler) -> Port<u64> {
///         let (list, port) = (self.clone(), Port::new());
///         let rows = from_fn(move || {
///             let (rows, read, weather) = &mut *list.0.borrow_mut();
///             let row = rows.get(*read).copied().filter(|_| *weather == Weather::Calm);
///             *read += usize::from(row.is_some());
///             Some(row)
///         });
///         scheduler.schedule_periodic(rows.filter_map(|row| row).connect(port.clone()), Duration::from_micros(200)).unwrap();
///         port
///     }
///     fn start_wrong(&mut self, _: &Scheduler) -> Option<Port<u64>> { None }
///     fn number(&self, row: &u64) -> u64 { *row }
///     fn offer(&mut self, numbers: Range<u64>) { self.0.borrow_mut().0.extend(numbers); }
///     fn disturb(&mut self, weather: Weather) { self.0.borrow_mut().2 = weather; }
///     fn is_acknowledged(&self) -> bool { false }
/// }
/// check_reader(|| List(Rc::new(RefCell::new((Vec::new(), 0, Weather::Calm)))));
/// ```
///
/// # Panics
/// If the reader breaks a promise; the text says which, and in which scenario.
#[track_caller]
pub fn check_reader<F: Feed + 'static>(make: impl Fn() -> F) {
    let well = |gap| all_is_well(make(), gap).map_err(|what| ("all is well", what));
    let slow = |what: (_, String)| ("a slow graph", what.1);
    let checked = well(None)
        .and_then(|()| well(Some(TICK)).map_err(slow))
        .and_then(|()| away(make()).map_err(|what| ("the other side is away", what)))
        .and_then(|()| dies(make()).map_err(|what| ("the other side dies", what)))
        .and_then(|()| stop(make()).map_err(|what| ("a stop", what)))
        .and_then(|()| wrong_set_up(make()).map_err(|what| ("a wrong set-up", what)));
    if let Err((scenario, what)) = checked {
        panic!("the reader of `{}`, {scenario}: {what}", short_name::<F>());
    }
}

/// How often the check looks.
const TICK: Duration = Duration::from_millis(1);
/// A scenario has failed when nothing has come for so many ticks.
const MOST_TICKS: usize = 3000;
const EVENTS: u64 = 200;

enum Step<F> {
    /// Goes on when so many different events have come.
    Until(u64),
    /// Waits for so many ticks.
    Pause(usize),
    Do(Box<dyn Fn(&mut F)>),
}

fn act<F>(act: impl Fn(&mut F) + 'static) -> Step<F> {
    Step::Do(Box::new(act))
}

fn disturb<F: Feed>(weather: Weather) -> Step<F> {
    act(move |feed: &mut F| feed.disturb(weather))
}

fn offer<F: Feed>(numbers: Range<u64>) -> Step<F> {
    act(move |feed: &mut F| feed.offer(numbers.clone()))
}

type Started<F> = fn(&mut F, &Scheduler) -> Option<Port<<F as Feed>::Event>>;

/// A run that takes these steps, and what has come in it. `None` if there is nothing to start.
fn run<F: Feed + 'static>(
    feed: &Rc<RefCell<F>>,
    start: Started<F>,
    gap: Option<Duration>,
    steps: impl IntoIterator<Item = Step<F>>,
) -> Result<Option<Vec<u64>>, String> {
    let mut scheduler = Scheduler::new().map_err(|error| error.to_string())?;
    let Some(port) = start(&mut feed.borrow_mut(), &scheduler) else { return Ok(None) };
    let (seen, there) = (Recorder::new(), feed.clone());
    let numbers = port.map(move |event| there.borrow().number(&event));
    match gap {
        Some(gap) => drop(numbers.pace(gap, Limit::block(4)).connect(seen.clone())),
        None => drop(numbers.connect(seen.clone())),
    }
    let failed = drive(&scheduler, feed, &seen, steps.into_iter().collect())?;
    scheduler.run_forever().map_err(|error| error.to_string())?;
    if failed.replace(false) {
        return Err(format!("it takes too long, or has lost something; it has read {:?}", seen.events()));
    }
    if seen.after_end() > 0 {
        return Err("what is connected to it is told something after the end".to_owned());
    }
    Ok(Some(seen.events()))
}

/// Takes one step after the other in the run, and stops it. True in the cell: there was no time for all of them.
fn drive<F: Feed + 'static>(
    scheduler: &Scheduler,
    feed: &Rc<RefCell<F>>,
    seen: &Recorder<u64>,
    mut steps: VecDeque<Step<F>>,
) -> Result<Rc<RefCell<bool>>, String> {
    let (feed, seen, stopper) = (feed.clone(), seen.clone(), scheduler.stopper());
    let failed = Rc::new(RefCell::new(false));
    let (too_late, mut ticks, mut paused, mut before) = (failed.clone(), 0, 0, 0);
    let looks = interval(TICK).connect(call(move |_| {
        let all = distinct(&seen.events()).len() as u64;
        ticks = if std::mem::replace(&mut before, all) == all { ticks + 1 } else { 0 };
        loop {
            match steps.front() {
                Some(Step::Until(n)) if all >= *n => {}
                Some(Step::Pause(n)) if paused >= *n => paused = 0,
                Some(Step::Do(act)) => act(&mut feed.borrow_mut()),
                Some(Step::Until(_)) => break,
                Some(Step::Pause(_)) => {
                    paused += 1;
                    break;
                }
                None => {
                    stopper.stop();
                    return;
                }
            }
            steps.pop_front();
        }
        if ticks > MOST_TICKS {
            too_late.replace(true);
            stopper.stop();
        }
    }));
    scheduler.schedule_recurring(looks).map(drop).map_err(|error| error.to_string())?;
    Ok(failed)
}

fn started<F: Feed>(feed: &mut F, scheduler: &Scheduler) -> Option<Port<F::Event>> {
    Some(feed.start(scheduler))
}

/// Each once, where it came first.
fn distinct(numbers: &[u64]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    numbers.iter().copied().filter(|number| seen.insert(*number)).collect()
}

/// What has come has to be this, each once unless it may come again, and in order.
fn is_whole(seen: Option<Vec<u64>>, expected: Range<u64>, repeats: bool) -> Result<(), String> {
    let seen = seen.unwrap_or_default();
    let firsts = distinct(&seen);
    if !repeats && firsts.len() != seen.len() {
        return Err(format!("{} events have come more than once: {seen:?}", seen.len() - firsts.len()));
    }
    if firsts.iter().copied().eq(expected.clone()) {
        return Ok(());
    }
    let lost: Vec<u64> = expected.filter(|number| !firsts.contains(number)).collect();
    Err(format!("missing: {lost:?}; in order: {}", firsts.is_sorted()))
}

fn all_is_well<F: Feed + 'static>(feed: F, gap: Option<Duration>) -> Result<(), String> {
    let feed = Rc::new(RefCell::new(feed));
    let steps = [offer(0..EVENTS / 2), Step::Until(EVENTS / 2), offer(EVENTS / 2..EVENTS), Step::Until(EVENTS)];
    is_whole(run(&feed, started, gap, steps.into_iter().chain([Step::Pause(10)]))?, 0..EVENTS, false)
}

fn away<F: Feed + 'static>(mut feed: F) -> Result<(), String> {
    feed.disturb(Weather::Away);
    let repeats = feed.is_acknowledged();
    let feed = Rc::new(RefCell::new(feed));
    let first = [Step::Pause(20), disturb(Weather::Calm), offer(0..50), Step::Until(50)];
    let silent = [disturb(Weather::Silent), Step::Pause(20), disturb(Weather::Away), Step::Pause(20)];
    let again = [disturb(Weather::Calm), offer(50..EVENTS), Step::Until(EVENTS), Step::Pause(10)];
    is_whole(run(&feed, started, None, first.into_iter().chain(silent).chain(again))?, 0..EVENTS, repeats)
}

fn dies<F: Feed + 'static>(feed: F) -> Result<(), String> {
    let is_acknowledged = feed.is_acknowledged();
    let feed = Rc::new(RefCell::new(feed));
    let cut = [offer(0..EVENTS), Step::Until(10), disturb(Weather::Away), Step::Pause(20), disturb(Weather::Calm)];
    if is_acknowledged {
        let seen = run(&feed, started, Some(TICK), cut.into_iter().chain([Step::Until(EVENTS)]))?;
        return is_whole(seen, 0..EVENTS, true);
    }
    let last = EVENTS; // it comes by the next connection
    let steps = cut.into_iter().chain([Step::Pause(20), offer(last..last + 1), Step::Pause(300)]);
    let seen = run(&feed, started, None, steps)?.unwrap_or_default();
    if distinct(&seen).len() != seen.len() || !seen.is_sorted() || seen.last() != Some(&last) {
        return Err(format!("each comes once at most, in order, and those of the next connection do: {seen:?}"));
    }
    Ok(())
}

fn stop<F: Feed + 'static>(feed: F) -> Result<(), String> {
    let is_acknowledged = feed.is_acknowledged();
    let feed = Rc::new(RefCell::new(feed));
    let before = run(&feed, started, Some(TICK), [offer(0..EVENTS), Step::Until(10)])?.unwrap_or_default();
    if !before.is_sorted() {
        return Err(format!("out of order: {before:?}"));
    }
    if !is_acknowledged {
        return Ok(());
    }
    let missing = EVENTS - distinct(&before).len() as u64;
    let after = run(&feed, started, None, [Step::Until(missing)])?.unwrap_or_default();
    let all: BTreeSet<u64> = before.into_iter().chain(after).collect();
    is_whole(Some(all.into_iter().collect()), 0..EVENTS, true)
}

fn wrong_set_up<F: Feed + 'static>(feed: F) -> Result<(), String> {
    let feed = Rc::new(RefCell::new(feed));
    match run(&feed, Feed::start_wrong, None, [offer(0..10), Step::Pause(50)])? {
        Some(seen) if !seen.is_empty() => Err(format!("nothing is to be read: {seen:?}")),
        _ => Ok(()),
    }
}
