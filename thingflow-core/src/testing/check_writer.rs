//! [`check_writer`]: whether a writer to another side keeps what a [`Worker`] promises.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use super::Recorder;
use crate::backoff::Backoff;
use crate::chain::Chain;
use crate::flow::DeadLetter;
use crate::limit::Limit;
use crate::port::Port;
use crate::scheduler::{Delivery, DeliveryMeter, DeliveryStats, OnSetup, Scheduler, Worker};
use crate::select::Selecting;
use crate::sinks::call;
use crate::sources::{from_iter, interval};
use crate::visit::short_name;

/// A writer that is to be checked, and the other side of it, which the check disturbs: a server that the test has started, a
/// file that it locks.
pub trait Store {
    /// What is written.
    type Event: Clone + Debug + Send + 'static;
    /// The writer.
    type Writer: Worker<Self::Event> + 'static;

    /// A writer as a program makes it, with a time limit of half a second or so. Each program run has a new one.
    fn writer(&mut self) -> Self::Writer;

    /// A writer with a wrong password, for a table that does not exist, or whatever else makes its set-up wrong. `None` if
    /// nothing does.
    fn wrong_writer(&mut self) -> Option<Self::Writer>;

    /// Event number `number`.
    fn event(&self, number: u64) -> Self::Event;

    /// An event that is refused for good. `None` if there is no such.
    fn poison(&self) -> Option<Self::Event>;

    /// What the other side does from now on.
    fn disturb(&mut self, weather: Weather);

    /// The numbers of the events that the other side has, in the order in which it got them.
    fn stored(&mut self) -> Vec<u64>;

    /// Whether an event that is sent again is stored once, by its key or its time.
    fn is_idempotent(&self) -> bool {
        true
    }
}

/// What the other side of a writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// All is well.
    Calm,
    /// It is away: connections are refused and broken off, a file is locked.
    Away,
    /// It accepts and does not answer, so that only a time limit helps.
    Silent,
}

/// Runs a writer through what happens to it in the field:
///
/// - events that are refused for good, the first, the last, several in a row: they are dead letters with a reason, and all
///   others are stored
/// - another side that is away, falls silent, comes back, several times: nothing is lost, and the order stays
/// - a wrong set-up: it is told apart ([`Refusal::Setup`](crate::Refusal::Setup)), and nothing counts as stored
/// - a stop while the other side is away, and a second run, which sends all from the first event that has not been
///   acknowledged on; a writer that is idempotent is sent everything again
///
/// All the while the counts have to sum up: what came in has been delivered, waits, is dropped, dead or lost. `make` makes
/// an empty store each time. Time is virtual, but the writer's own time limits are not.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use thingflow_core::testing::{Store, Weather, check_writer};
/// use thingflow_core::{Batch, Refusal, StreamError};
/// #[derive(Clone)]
/// struct List { rows: Arc<Mutex<Vec<u64>>>, weather: Arc<Mutex<Weather>> }
/// type Writer = Box<dyn FnMut(&mut Batch<u64>) -> Result<(), Refusal> + Send>;
/// impl Store for List {
///     type Event = u64;
///     type Writer = Writer;
///     fn writer(&mut self) -> Writer {
///         let store = self.clone();
///         Box::new(move |batch| {
///             while let Some(row) = batch.first().copied() {
///                 if *store.weather.lock().unwrap() != Weather::Calm {
///                     return Err(Refusal::Peer(StreamError::new("the list is away")));
///                 }
///                 if row == 666 {
///                     return Err(Refusal::Event { index: 0, error: StreamError::new("unlucky") });
///                 }
///                 let mut rows = store.rows.lock().unwrap();
///                 if !rows.contains(&row) { rows.push(row); }
///                 batch.done(1);
///             }
///             Ok(())
///         })
///     }
///     fn wrong_writer(&mut self) -> Option<Writer> { None }
///     fn event(&self, number: u64) -> u64 { number }
///     fn poison(&self) -> Option<u64> { Some(666) }
///     fn disturb(&mut self, weather: Weather) { *self.weather.lock().unwrap() = weather; }
///     fn stored(&mut self) -> Vec<u64> { self.rows.lock().unwrap().clone() }
/// }
/// check_writer(|| List { rows: Arc::default(), weather: Arc::new(Mutex::new(Weather::Calm)) });
/// ```
///
/// # Panics
/// If the writer breaks a promise; the text says which, and in which scenario.
#[track_caller]
pub fn check_writer<S: Store + 'static>(make: impl Fn() -> S) {
    let checked = [
        ("refused events", refused_events(make())),
        ("the other side is away", away(make())),
        ("a wrong set-up", wrong_set_up(make())),
        ("a stop", stop(make())),
    ];
    for (scenario, result) in checked {
        if let Err(what) = result {
            panic!("`{}`, {scenario}: {what}", short_name::<S::Writer>());
        }
    }
}

/// Events are 10 ms apart.
const APART: Duration = Duration::from_millis(10);
const EVENTS: u64 = 300;
const SECOND: Duration = Duration::from_secs(1);

/// How a run has ended.
struct Ran<E> {
    result: Result<(), String>,
    stats: DeliveryStats,
    dead: Vec<DeadLetter<E>>,
}

/// A run of a program: events through a writer, while the weather changes.
struct Program<S: Store> {
    store: Rc<RefCell<S>>,
    scheduler: Scheduler,
    sums: Rc<RefCell<Result<(), String>>>,
}

impl<S: Store + 'static> Program<S> {
    fn new(store: &Rc<RefCell<S>>) -> Result<Self, String> {
        let scheduler = Scheduler::virtual_time().map_err(|error| error.to_string())?;
        Ok(Self { store: store.clone(), scheduler, sums: Rc::new(RefCell::new(Ok(()))) })
    }

    fn at(&self, time: Duration, mut act: impl FnMut(&mut S) + 'static) -> Result<(), String> {
        let store = self.store.clone();
        let chain = from_iter([()]).connect(call(move |()| act(&mut store.borrow_mut())));
        self.scheduler.schedule_later_one_time(chain, time).map(drop).map_err(|error| error.to_string())
    }

    fn run(mut self, writer: S::Writer, events: Vec<S::Event>) -> Result<Ran<S::Event>, String> {
        let retry = Backoff::constant(10 * SECOND);
        let delivery = Delivery::within(Limit::block(1000)).batches_of(64).retry(retry).on_setup(OnSetup::End);
        let started = self.scheduler.worker("writer", writer, delivery);
        let (sink, refused) = started.map_err(|error| error.to_string())?;
        let (meter, dead): (_, Recorder<DeadLetter<S::Event>>) = (sink.meter(), Recorder::new());
        listen(&refused, &dead);
        self.watch(&meter)?;
        let fed = self.scheduler.schedule_periodic(from_iter(events).connect(sink), APART);
        fed.map_err(|error| error.to_string())?;
        let result = self.scheduler.run_forever().map_err(|error| error.to_string());
        let stats = meter.stats();
        sum_up(stats)?;
        self.sums.replace(Ok(()))?;
        if dead.events().len() as u64 != stats.dead {
            return Err(format!("{} dead letters were sent, and {stats:?} counted", dead.events().len()));
        }
        Ok(Ran { result, stats, dead: dead.events() })
    }

    /// Looks each second whether the counts sum up.
    fn watch(&self, meter: &DeliveryMeter) -> Result<(), String> {
        let (meter, sums) = (meter.clone(), self.sums.clone());
        let looks = interval(SECOND).take(60).connect(call(move |_| {
            if let Err(what) = sum_up(meter.stats()) {
                *sums.borrow_mut() = Err(what);
            }
        }));
        self.scheduler.schedule_recurring(looks).map(drop).map_err(|error| error.to_string())
    }
}

fn listen<E: Clone + Send + 'static>(refused: &Port<DeadLetter<E>>, dead: &Recorder<DeadLetter<E>>) {
    refused.connect(dead.clone());
}

fn sum_up(stats: DeliveryStats) -> Result<(), String> {
    if stats.posted == stats.delivered + stats.waiting + stats.dropped + stats.dead + stats.lost {
        return Ok(());
    }
    Err(format!("the counts do not sum up: {stats:?}"))
}

/// What is stored has to be these events, each once and in their order, unless the store cannot know what it has.
fn has<S: Store>(store: &mut S, expected: impl IntoIterator<Item = u64>) -> Result<(), String> {
    let (mut stored, expected): (Vec<u64>, Vec<u64>) = (store.stored(), expected.into_iter().collect());
    if !store.is_idempotent() {
        let mut seen = BTreeSet::new();
        stored.retain(|number| seen.insert(*number));
    }
    if stored == expected {
        return Ok(());
    }
    let lost: Vec<&u64> = expected.iter().filter(|number| !stored.contains(number)).collect();
    let (all, distinct) = (stored.len(), stored.iter().collect::<BTreeSet<_>>().len());
    Err(format!(
        "{} events should be stored, {all} are, {distinct} different ones; missing: {lost:?}; in order: {}",
        expected.len(),
        stored.is_sorted()
    ))
}

fn ended_well<E>(ran: &Ran<E>, delivered: u64) -> Result<(), String> {
    ran.result.clone()?;
    if ran.stats.delivered != delivered {
        return Err(format!("{delivered} events should count as delivered: {:?}", ran.stats));
    }
    Ok(())
}

fn refused_events<S: Store + 'static>(store: S) -> Result<(), String> {
    let places = [0, 100, 101, 102, EVENTS - 1];
    let Some(poison) = store.poison() else { return Ok(()) };
    let event = |number| if places.contains(&number) { poison.clone() } else { store.event(number) };
    let events = (0..EVENTS).map(event).collect();
    let store = Rc::new(RefCell::new(store));
    let writer = store.borrow_mut().writer();
    let ran = Program::new(&store)?.run(writer, events)?;
    ended_well(&ran, EVENTS - places.len() as u64)?;
    if ran.dead.len() != places.len() || ran.dead.iter().any(|letter| letter.error.to_string().is_empty()) {
        return Err(format!("{} events should be dead letters, with a reason: {:?}", places.len(), ran.dead));
    }
    has(&mut *store.borrow_mut(), (0..EVENTS).filter(|number| !places.contains(number)))
}

fn away<S: Store + 'static>(store: S) -> Result<(), String> {
    let events = (0..EVENTS).map(|number| store.event(number)).collect();
    let store = Rc::new(RefCell::new(store));
    let program = Program::new(&store)?;
    let changes = [(0, Weather::Away), (500, Weather::Calm), (1005, Weather::Away), (25_000, Weather::Silent)];
    let again = [(35_000, Weather::Calm), (35_100, Weather::Away), (60_000, Weather::Calm)];
    for (millis, weather) in changes.into_iter().chain(again) {
        program.at(Duration::from_millis(millis), move |store| store.disturb(weather))?;
    }
    let writer = store.borrow_mut().writer();
    let ran = program.run(writer, events)?;
    ended_well(&ran, EVENTS)?;
    if !ran.dead.is_empty() {
        return Err(format!("no event is to blame, but these are dead letters: {:?}", ran.dead));
    }
    has(&mut *store.borrow_mut(), 0..EVENTS)
}

fn wrong_set_up<S: Store + 'static>(mut store: S) -> Result<(), String> {
    let Some(writer) = store.wrong_writer() else { return Ok(()) };
    let events = (0..EVENTS).map(|number| store.event(number)).collect();
    let store = Rc::new(RefCell::new(store));
    let Ran { result, stats, dead } = Program::new(&store)?.run(writer, events)?;
    if result.is_ok() {
        return Err("it should be refused, by `Refusal::Setup`, so that the run can be ended by it".to_owned());
    }
    if stats.delivered > 0 || !dead.is_empty() {
        return Err(format!("nothing is delivered, and no event is to blame: {stats:?}"));
    }
    has(&mut *store.borrow_mut(), [])
}

fn stop<S: Store + 'static>(store: S) -> Result<(), String> {
    let events: Vec<S::Event> = (0..EVENTS).map(|number| store.event(number)).collect();
    let store = Rc::new(RefCell::new(store));
    let program = Program::new(&store)?;
    program.at(SECOND, |store| store.disturb(Weather::Away))?;
    let stopper = program.scheduler.stopper();
    program.at(2 * SECOND, move |_| stopper.stop())?;
    let writer = store.borrow_mut().writer();
    let ran = program.run(writer, events.clone())?;
    ran.result?;
    let DeliveryStats { posted, delivered, waiting, lost, .. } = ran.stats;
    if waiting > 0 || lost == 0 || delivered == 0 || delivered + lost != posted {
        return Err(format!("what has not been stored before the stop is lost, and no more: {:?}", ran.stats));
    }
    store.borrow_mut().disturb(Weather::Calm);
    let first = if store.borrow().is_idempotent() { 0 } else { delivered };
    let again = events.into_iter().skip(usize::try_from(first).unwrap_or(usize::MAX)).collect();
    let writer = store.borrow_mut().writer();
    let ran = Program::new(&store)?.run(writer, again)?;
    ended_well(&ran, EVENTS - first)?;
    has(&mut *store.borrow_mut(), 0..EVENTS)
}
