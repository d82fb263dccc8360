//! Random graphs whose user code calls back into the engine from every hook: when it is started, called, woken, told the end,
//! asked a question, dropped. And random graphs whose sinks are full again and again.
//!
//! `THINGFLOW_GRAPHS=100000 cargo test --release -p thingflow-core --test graphs` looks at more of them.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod takes_all;
}

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::diagram::Graph;
use thingflow_core::prelude::*;
use thingflow_core::splitting::GroupBy;
use thingflow_core::windows::Last;
use thingflow_core::{Visitor, joins};

use support::takes_all::{Quirk, TakesAll};

fn cases(few: u32) -> ProptestConfig {
    let cases = std::env::var("THINGFLOW_GRAPHS").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases.unwrap_or(few)) }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How often it may still go round a loop, and whose it is.
type Event = (u8, u32);

/// What user code does in one of its hooks. Numbers choose one of what there is.
#[derive(Clone, Copy, Debug)]
enum Act {
    Nothing,
    Emit(u8),
    EmitLater(u8),
    Connect(u8, u8),
    Disconnect(u8),
    Complete(u8),
    Fail(u8),
    Join(u8, u8, u8),
    Schedule(u8),
    Cancel(u8),
    End(u8),
    Pause(u8),
    Unpause(u8),
    Defer,
    Wake(u8),
    Look(u8),
    Resume,
    Answer(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let n = any::<u8>;
    prop_oneof![
        4 => Just(Act::Nothing),
        3 => n().prop_map(Act::Emit),
        2 => n().prop_map(Act::EmitLater),
        4 => (n(), n()).prop_map(|(port, stage)| Act::Connect(port, stage)),
        3 => n().prop_map(Act::Disconnect),
        1 => n().prop_map(Act::Complete),
        1 => n().prop_map(Act::Fail),
        2 => (n(), n(), n()).prop_map(|(a, b, kind)| Act::Join(a, b, kind)),
        1 => n().prop_map(Act::Schedule),
        1 => n().prop_map(Act::Cancel),
        1 => n().prop_map(Act::End),
        1 => n().prop_map(Act::Pause),
        1 => n().prop_map(Act::Unpause),
        1 => Just(Act::Defer),
        2 => n().prop_map(Act::Wake),
        2 => n().prop_map(Act::Look),
        1 => Just(Act::Resume),
        3 => n().prop_map(Act::Answer),
    ]
}

/// What all user code of a graph shares. Nothing of it is borrowed while the library is called.
#[derive(Default)]
struct World {
    ports: Vec<Port<Event>>,
    connections: RefCell<Vec<Connection>>,
    handles: RefCell<Vec<ScheduleHandle>>,
    script: RefCell<VecDeque<Act>>,
    /// What the sinks have seen, in order.
    log: RefCell<Vec<String>>,
    /// Promises that were broken.
    broken: RefCell<Vec<String>>,
    made: Cell<u32>,
    alive: Rc<()>,
}

/// It is reached by what hangs on its own ports, so these do not keep it.
#[derive(Clone)]
struct Reach(Weak<World>);

impl Reach {
    /// Does the next act of the script. The answer of a call, if the act is to give one.
    fn act(&self, cx: Option<&mut Context<'_>>) -> Demand {
        let Some(world) = self.0.upgrade() else { return Demand::More };
        let act = world.script.borrow_mut().pop_front().unwrap_or(Act::Nothing);
        match act {
            Act::Answer(n) => return [Demand::Full, Demand::Done, Demand::More][usize::from(n % 3)],
            Act::Wake(n) => drop(cx.map(|cx| cx.wake_at(cx.now() + ms(u64::from(n % 5) * 250)))),
            Act::Nothing => {}
            act => self.without_answer(&world, act, cx),
        }
        Demand::More
    }

    fn without_answer(&self, world: &World, act: Act, cx: Option<&mut Context<'_>>) {
        let port = |n: u8| &world.ports[usize::from(n) % world.ports.len()];
        match act {
            Act::Connect(n, stage) => self.connect(world, port(n), stage),
            Act::Join(a, b, kind) => self.join(world, port(a), port(b), kind),
            Act::Disconnect(n) => drop(pick(&world.connections, n).map(|connection| connection.disconnect())),
            Act::Cancel(n) => drop(pick(&world.handles, n).map(|handle| handle.cancel())),
            Act::End(n) => drop(pick(&world.handles, n).map(|handle| handle.end())),
            Act::Pause(n) => drop(pick(&world.handles, n).map(|handle| handle.pause())),
            Act::Unpause(n) => drop(pick(&world.handles, n).map(|handle| handle.resume())),
            Act::Look(n) => {
                let _ = (Graph::of(port(n)).to_string(), port(n).is_listened(), port(n).events());
            }
            act => drop(cx.map(|cx| self.with_context(port, act, cx))),
        }
    }

    fn with_context<'p>(&self, port: impl Fn(u8) -> &'p Port<Event>, act: Act, cx: &mut Context<'_>) {
        let done = match act {
            Act::Emit(n) => port(n).emit((n % 3, u32::from(n)), cx).map(drop),
            Act::EmitLater(n) => port(n).emit_later((n % 3, u32::from(n)), cx),
            Act::Complete(n) => port(n).complete(cx),
            Act::Fail(n) => port(n).fail(StreamError::new("on purpose"), cx),
            Act::Schedule(n) => self.schedule(port(n), n, cx),
            Act::Defer => {
                let reach = self.clone();
                cx.defer(move |cx| {
                    reach.act(Some(cx));
                    Ok(())
                });
                Ok(())
            }
            _ => {
                cx.resume();
                Ok(())
            }
        };
        self.check(done.is_ok(), || format!("{act:?} was fatal"));
    }

    fn schedule(&self, port: &Port<Event>, n: u8, cx: &mut Context<'_>) -> Closed {
        let flow = from_iter((0..2).map(move |x| (n % 2, x))).connect(port.clone());
        let handle = match n % 3 {
            0 => cx.schedule_recurring(flow),
            1 => cx.schedule_later_one_time(flow, ms(250)),
            _ => cx.schedule_periodic(flow, ms(500)),
        };
        let handle = handle.map_err(|error| cx.fatal(error))?;
        self.0.upgrade().inspect(|world| world.handles.borrow_mut().push(handle));
        Ok(())
    }

    fn connect(&self, world: &World, port: &Port<Event>, stage: u8) {
        let to = &world.ports[usize::from(stage / 16) % world.ports.len()];
        let around = || pipe().filter(|(round, _): &Event| *round > 0).map(|(round, x)| (round - 1, x));
        let connection = match stage % 10 {
            0 => port.delay(ms(250), Limit::block(2)).connect(self.sink()),
            1 => port.buffer(Limit::block(1)).connect(self.sink()),
            2 => port.debounce(ms(250)).connect(self.sink()),
            3 => port.take(2).connect(self.sink()),
            4 => port.chunks_within(3, ms(500)).flatten().connect(self.sink()),
            5 => port.pipe(around()).feedback(to),
            6 => port.pipe(around()).connect(to.downgrade()),
            7 => port.timeout(ms(750)).connect(self.sink()),
            8 => port.pipe(self.filter()).pace(ms(250), Limit::drop_oldest(2)).connect(self.sink()),
            _ => port.pipe(self.filter()).connect(self.sink()),
        };
        world.connections.borrow_mut().push(connection);
    }

    fn join(&self, world: &World, a: &Port<Event>, b: &Port<Event>, kind: u8) {
        let connection = match kind % 7 {
            0 => a.merge(b).connect(self.sink()),
            1 => a.zip(b, Limit::drop_oldest(2)).map(|(a, _)| a).connect(self.sink()),
            2 => a.combine_latest(b).map(|(a, _)| a).connect(self.sink()),
            3 => joins::concat([a, b], Limit::drop_oldest(2)).pipe(self.filter()).connect(self.sink()),
            4 => a.sample(b).connect(self.sink()),
            5 => {
                let ports = [a.downgrade(), b.downgrade()];
                let of = move |(_, x): Event| ports[x as usize % 2].upgrade();
                b.filter_map(of).switch().connect(self.sink())
            }
            _ => {
                let hub = Shared::without_ports(self.clone());
                let input = hub.input(|reach: &mut Self, _: Event, cx: &mut Context<'_>| Ok(reach.act(Some(cx))));
                b.connect(input);
                a.connect(hub.input(|reach: &mut Self, _: Event, cx: &mut Context<'_>| Ok(reach.act(Some(cx)))))
            }
        };
        world.connections.borrow_mut().push(connection);
    }

    fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && let Some(world) = self.0.upgrade() {
            world.broken.borrow_mut().push(what());
        }
    }

    fn number(&self) -> (u32, Option<Rc<()>>) {
        let world = self.0.upgrade();
        let number = world.as_ref().map_or(0, |world| world.made.replace(world.made.get() + 1));
        (number, world.map(|world| world.alive.clone()))
    }

    fn sink(&self) -> Meddler {
        let (number, alive) = self.number();
        Meddler { reach: self.clone(), number, end: Cell::new(None), _alive: alive }
    }

    fn filter(&self) -> Meddling {
        Meddling { reach: self.clone(), _alive: self.number().1 }
    }
}

fn pick<T: Clone>(from: &RefCell<Vec<T>>, n: u8) -> Option<T> {
    let from = from.borrow();
    from.get(usize::from(n).checked_rem(from.len())?).cloned()
}

/// A sink that meddles.
struct Meddler {
    reach: Reach,
    number: u32,
    /// After which nothing may come.
    end: Cell<Option<&'static str>>,
    _alive: Option<Rc<()>>,
}

impl Meddler {
    fn note(&self, what: &str) {
        let after = self.end.get();
        self.reach.check(after.is_none(), || format!("{}: {what} after {}", self.number, after.unwrap_or_default()));
        self.reach.0.upgrade().inspect(|world| world.log.borrow_mut().push(format!("{}: {what}", self.number)));
    }

    fn called(&self, cx: &mut Context<'_>) -> Receipt {
        let demand = self.reach.act(Some(cx));
        if demand == Demand::Full {
            cx.defer(|cx| {
                cx.resume();
                Ok(())
            });
        }
        self.end.set((demand == Demand::Done).then_some("Done").or(self.end.get()));
        Ok(demand)
    }
}

impl Sink for Meddler {
    type Event = Event;
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.note("started");
        self.called(cx)
    }
    fn on_next(&mut self, (round, x): Event, cx: &mut Context<'_>) -> Receipt {
        self.note(&format!("{round} {x} at {:?}", cx.now()));
        self.called(cx)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.called(cx)
    }
    fn on_flush(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.called(cx)
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.note("completed");
        self.end.set(Some("completed"));
        self.reach.act(Some(cx));
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, cx: &mut Context<'_>) -> Closed {
        self.note("error");
        self.end.set(Some("error"));
        self.reach.act(Some(cx));
        Ok(())
    }
    fn is_open(&self) -> bool {
        self.reach.act(None);
        self.end.get().is_none()
    }
    fn has_room(&self) -> bool {
        self.reach.act(None) != Demand::Full
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.reach.act(None);
        visitor.sink("meddler");
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.reach.act(None);
    }
}

/// A filter that meddles, and passes all on.
struct Meddling {
    reach: Reach,
    _alive: Option<Rc<()>>,
}

impl Filter<Event> for Meddling {
    type Out = Event;
    fn on_next(&mut self, event: Event, out: &mut Emitter<'_, '_, impl InputThing<Event>>) -> Receipt {
        self.reach.act(Some(out.context()));
        out.next(event)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Event>>) -> Receipt {
        self.reach.act(Some(out.context()));
        Ok(Demand::More)
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<Event>>) -> Closed {
        self.reach.act(Some(out.context()));
        out.completed()
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<Event>>) -> Closed {
        self.reach.act(Some(out.context()));
        out.error(error)
    }
    fn is_holding(&self) -> bool {
        self.reach.act(None);
        false
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.reach.act(None);
        visitor.filter("meddling");
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        self.reach.act(None);
    }
}

/// Runs a graph of `first`, in which the script goes on: what was seen, which promises were broken, how much is left of it.
fn run(ports: usize, first: &[Act], script: &[Act]) -> (Vec<String>, Vec<String>, usize) {
    let world = Rc::new(World { ports: (0..ports).map(|_| Port::new()).collect(), ..World::default() });
    let reach = Reach(Rc::downgrade(&world));
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    for (n, port) in world.ports.iter().enumerate() {
        let events = from_iter((0..4).map(move |x| (1, x + 10 * n as u32)));
        let handle = scheduler.schedule_periodic(events.connect(port.clone()), ms(250 * (n as u64 + 1)));
        world.handles.borrow_mut().push(handle.expect("a schedule"));
    }
    first.iter().for_each(|act| reach.without_answer(&world, *act, None));
    world.script.borrow_mut().extend(script);
    let ended = scheduler.run_for(ms(20_000)).and_then(|()| scheduler.run_for(ms(20_000)));
    reach.check(ended.is_ok(), || format!("the run: {ended:?}"));
    drop(scheduler);
    let (log, broken, alive) = (world.log.take(), world.broken.take(), world.alive.clone());
    drop(world);
    (log, broken, Rc::strong_count(&alive) - 1)
}

proptest! {
    #![proptest_config(cases(400))]
    #[test]
    fn a_graph_that_meddles_with_itself_keeps_its_promises(
        ports in 1_usize..4,
        first in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<bool>()), 1..7),
        script in prop::collection::vec(act(), 0..60),
    ) {
        let first: Vec<_> = first
            .into_iter()
            .map(|(a, b, kind, joins)| if joins { Act::Join(a, b, kind) } else { Act::Connect(a, b) })
            .collect();
        let (log, broken, left) = run(ports, &first, &script);
        prop_assert!(broken.is_empty(), "{broken:?}\n{log:#?}");
        prop_assert_eq!(left, 0, "user code that is kept though the graph is gone: {} {:?} {:?}\n{:#?}", ports, first, script, log);
        prop_assert_eq!(&run(ports, &first, &script).0, &log, "one script, one run");
    }
}

// ---- back-pressure ----

/// A sink that is full as its script says, and has room again after a while.
#[derive(Default)]
struct Choosy {
    full: Vec<u8>,
    seen: Rc<RefCell<Vec<u32>>>,
    completed: Rc<Cell<bool>>,
    room_at: Instant,
}

impl Sink for Choosy {
    type Event = u32;
    fn on_next(&mut self, event: u32, cx: &mut Context<'_>) -> Receipt {
        let at = self.seen.borrow().len();
        self.seen.borrow_mut().push(event);
        let wait = self.full.get(at % (self.full.len() + 1)).copied().unwrap_or(0);
        if wait == 0 {
            return Ok(Demand::More);
        }
        self.room_at = cx.now() + ms(u64::from(wait) * 10);
        cx.wake_at(self.room_at);
        Ok(Demand::Full)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if self.room_at > cx.now() {
            cx.wake_at(self.room_at);
            return Ok(Demand::Full);
        }
        if self.room_at > Instant::ZERO {
            self.room_at = Instant::ZERO;
            cx.resume();
        }
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.completed.set(true);
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn has_room(&self) -> bool {
        self.room_at == Instant::ZERO
    }
}

/// A stage that holds events back, or copies of them, and loses none, with a limit that pauses the source. One with two branches may
/// hold them in both, each of which keeps its order.
fn lossless(port: &Port<u32>, (kind, n): (u8, u8), holds_in_branches: bool) -> Port<u32> {
    let (limit, wait, next) = (Limit::block(usize::from(n % 3) + 1), ms(u64::from(n % 7) * 5 + 5), Port::new());
    let (keys, key) = (usize::from(n % 2) + 1, move |x: &u32| x / 2 % 3);
    match kind % 11 {
        0 => port.buffer(limit).connect(next.clone()),
        1 => port.delay(wait, limit).connect(next.clone()),
        2 => port.pace(wait, limit).connect(next.clone()),
        3 => port.chunks(usize::from(n % 3) + 1).flatten().connect(next.clone()),
        4 => {
            let (even, odd) = port.partition(|x| x % 2 == 0);
            if holds_in_branches && n % 2 == 1 {
                even.delay(wait, limit.clone()).merge(odd.delay(2 * wait, limit)).connect(next.clone())
            } else {
                even.merge(&odd).connect(next.clone())
            }
        }
        5 => port.zip(&port.map(|x| x).share(), limit).map(|(x, _)| x).connect(next.clone()),
        6 => port.chunks_within(usize::from(n % 3) + 1, wait).flatten().connect(next.clone()),
        7 => port.aggregate(Window::last(wait, limit), Last::new()).connect(next.clone()),
        8 => port.aggregate(Window::last(wait, limit).by_key(keys, key), Last::new()).connect(next.clone()),
        9 => {
            let by_key = GroupBy::new(key).max_keys(keys);
            let last = move |(_, group): (u32, Port<u32>)| {
                group.aggregate(Window::last(wait, limit.clone()), Last::new()).share()
            };
            by_key.groups().map(last).merge_all().connect(next.clone());
            port.connect(by_key)
        }
        _ => port.try_map_with(ErrorPolicy::fail().limit(limit), |x: &u32| Ok::<_, &str>(*x)).connect(next.clone()),
    };
    next
}

/// Stages between ports, each behind one of those before it, and sinks behind ports, some of which leave after a few events.
#[derive(Clone, Debug)]
struct Pressed {
    stages: Vec<(u8, (u8, u8))>,
    sinks: Vec<(u8, Vec<u8>)>,
    leaving: Vec<(u8, usize, Vec<u8>)>,
}

fn pressed() -> impl Strategy<Value = Pressed> {
    let full = || prop::collection::vec(0_u8..5, 0..6);
    let stages = prop::collection::vec((any::<u8>(), (any::<u8>(), any::<u8>())), 0..6);
    let sinks = prop::collection::vec((any::<u8>(), full()), 1..4);
    let leaving = prop::collection::vec((any::<u8>(), 1_usize..9, full()), 0..3);
    (stages, sinks, leaving).prop_map(|(stages, sinks, leaving)| Pressed { stages, sinks, leaving })
}

impl Pressed {
    /// What the sinks that stay have seen, once all sources have been served, which send at once or once in a period.
    fn run<const N: usize>(
        &self,
        first: Port<u32>,
        sources: [(impl OutputThing + 'static, u64); N],
    ) -> Result<Vec<Vec<u32>>, TestCaseError> {
        let mut ports = vec![first];
        for (from, stage) in &self.stages {
            let next = lossless(&ports[usize::from(*from) % ports.len()], *stage, N > 1);
            ports.push(next);
        }
        let choosy = |full: &[u8]| Choosy { full: full.to_vec(), ..Choosy::default() };
        for (from, most, full) in &self.leaving {
            ports[usize::from(*from) % ports.len()].take(*most).connect(choosy(full));
        }
        let mut ends = Vec::new();
        for (from, full) in &self.sinks {
            let sink = choosy(full);
            ends.push((sink.seen.clone(), sink.completed.clone()));
            ports[usize::from(*from) % ports.len()].connect(sink);
        }
        let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
        for (source, period) in sources {
            match period {
                0 => scheduler.schedule_recurring(source),
                n => scheduler.schedule_periodic(source, ms(n * 5)),
            }
            .expect("a schedule");
        }
        let ended = scheduler.run_for(ms(3_600_000));
        prop_assert!(ended.is_ok(), "{ended:?}");
        prop_assert!(ends.iter().all(|(_, completed)| completed.get()), "it is told the end");
        Ok(ends.into_iter().map(|(seen, _)| seen.take()).collect())
    }
}

proptest! {
    #![proptest_config(cases(500))]
    #[test]
    fn under_back_pressure_each_event_arrives_once_and_in_order(graph in pressed(), events in 0_u32..24, period in 0_u64..4) {
        let source = from_iter(0..events).output();
        for seen in graph.run(source.port().clone(), [(source, period)])? {
            prop_assert_eq!(seen, (0..events).collect::<Vec<_>>());
        }
    }

    /// Each of two sources keeps its order, and so does each branch of those that hold events.
    #[test]
    fn under_back_pressure_so_does_each_event_of_two_sources(graph in pressed(), events in 0_u32..24, periods in (0_u64..4, 0_u64..4)) {
        let [even, odd] = [0, 1].map(|first| from_iter((first..events).step_by(2)).output());
        let first = even.merge(&odd).map(|x| x).share();
        for seen in graph.run(first, [(even, periods.0), (odd, periods.1)])? {
            let (even, odd): (Vec<u32>, Vec<u32>) = seen.iter().partition(|x| *x % 2 == 0);
            prop_assert_eq!(even, (0..events).step_by(2).collect::<Vec<_>>());
            prop_assert_eq!(odd, (1..events).step_by(2).collect::<Vec<_>>());
        }
    }
}

#[test]
fn f36_a_question_may_disconnect_what_drains() {
    let script = [Act::Schedule(0), Act::Cancel(29), Act::End(19), Act::Disconnect(0)];
    let (log, broken, left) = run(3, &[Act::Connect(79, 50)], &script);
    assert!(broken.is_empty() && left == 0, "{broken:?} {log:?}");
}

/// A sink that uses the handle of its own schedule when it is asked what it is, or whether it listens.
struct Asked(Rc<RefCell<Option<ScheduleHandle>>>, fn(&ScheduleHandle));

impl Quirk for Asked {
    type Event = i32;
    fn is_open(&self) -> bool {
        self.0.borrow().as_ref().inspect(|handle| (self.1)(handle));
        true
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.0.borrow().as_ref().inspect(|handle| (self.1)(handle));
        visitor.sink("asked");
    }
}

#[test]
fn f36_a_question_may_use_the_handle_of_the_schedule_that_is_asked() {
    let uses: [fn(&ScheduleHandle); 4] =
        [ScheduleHandle::pause, ScheduleHandle::resume, ScheduleHandle::end, ScheduleHandle::cancel];
    for use_handle in uses {
        let (mut scheduler, handle) = (Scheduler::virtual_time().expect("a scheduler"), Rc::new(RefCell::new(None)));
        let output = from_iter(0..9).output();
        output.connect(TakesAll(Asked(handle.clone(), use_handle)));
        output.take(2).connect(call(drop)); // whose end has the sources asked who listens to them
        let scheduled = scheduler.schedule_periodic(output, ms(250)).expect("a schedule");
        handle.replace(Some(scheduled));
        let _ = (scheduler.graph(), scheduler.active(), scheduler.snapshot());
        assert!(scheduler.run_for(ms(5_000)).is_ok());
        let _ = (scheduler.graph(), scheduler.active(), scheduler.snapshot());
        assert!(scheduler.run_forever().is_ok());
    }
}
