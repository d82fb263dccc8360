//! Things replaced in place, and joins whose inputs come and go, while the graph runs: against naive models, and in runs.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod call_with;
}

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::joins::{self, DynamicInputs};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use support::call_with::call_with;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

// ---- a port whose connections come, go and are replaced ----

#[derive(Clone, Copy, Debug)]
enum Change {
    Connect,
    Disconnect(usize),
    Replace(usize),
    /// The connection that is being called wants no more.
    SayDone,
}

/// What is done outside of a dispatch, or by the nth connection that is called in it.
#[derive(Clone, Debug)]
enum Step {
    Outside(Change),
    Emit(Vec<(usize, Change)>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Connect),
        1 => (0_usize..6).prop_map(Change::Disconnect),
        3 => (0_usize..6).prop_map(Change::Replace),
        1 => Just(Change::SayDone),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let inside = prop::collection::vec((0_usize..4, change()), 0..4).prop_map(Step::Emit);
    prop::collection::vec(prop_oneof![1 => change().prop_map(Step::Outside), 2 => inside], 0..24)
}

/// What a test and its sinks share.
struct Stage {
    port: Port<u32>,
    connections: RefCell<Vec<Connection>>,
    /// What the connections do that are called in this dispatch.
    plan: RefCell<Vec<(usize, Change)>>,
    calls: RefCell<usize>,
    log: RefCell<Vec<(u32, u32)>>,
    last_tag: RefCell<u32>,
}

impl Stage {
    fn sink(self: &Rc<Self>) -> impl InputThing<u32> + 'static {
        let tag = {
            let mut last = self.last_tag.borrow_mut();
            *last += 1;
            *last
        };
        let stage = self.clone();
        call_with(move |event, _| {
            stage.log.borrow_mut().push((tag, event));
            let nth = stage.calls.replace_with(|calls| *calls + 1);
            let mine: Vec<_> = stage.plan.borrow().iter().filter(|(of, _)| *of == nth).map(|(_, what)| *what).collect();
            let mut demand = Demand::More;
            for what in mine {
                match what {
                    Change::SayDone => demand = Demand::Done,
                    what => stage.change(what),
                }
            }
            Ok(demand)
        })
    }

    fn change(self: &Rc<Self>, what: Change) {
        let connection = |at: usize| self.connections.borrow().get(at).cloned();
        match what {
            Change::Connect => {
                let connected = self.port.connect(self.sink());
                self.connections.borrow_mut().push(connected);
            }
            Change::Disconnect(at) => connection(at).iter().for_each(Connection::disconnect),
            Change::Replace(at) => {
                if let Some(connection) = connection(at) {
                    let _ = self.port.replace(&connection, self.sink()); // it may be gone: the model knows
                }
            }
            Change::SayDone => {}
        }
    }
}

/// The connections that were ever made, with their tags and whether they are still there.
#[derive(Default)]
struct Model {
    all: Vec<(u32, bool)>,
    last_tag: u32,
    log: Vec<(u32, u32)>,
}

impl Model {
    fn change(&mut self, what: Change) {
        match what {
            Change::Connect => {
                self.last_tag += 1;
                self.all.push((self.last_tag, true));
            }
            Change::Disconnect(at) => self.all.iter_mut().skip(at).take(1).for_each(|one| one.1 = false),
            Change::Replace(at) if at < self.all.len() => {
                self.last_tag += 1; // also where it is refused: the sink has been made
                if self.all[at].1 {
                    self.all[at].0 = self.last_tag;
                }
            }
            Change::Replace(_) | Change::SayDone => {}
        }
    }

    fn emit(&mut self, event: u32, plan: &[(usize, Change)]) {
        let called: Vec<_> =
            self.all.iter().enumerate().filter(|(_, one)| one.1).map(|(at, one)| (at, one.0)).collect();
        let mut done = Vec::new();
        for (nth, (at, tag)) in called.into_iter().enumerate() {
            self.log.push((tag, event));
            for (_, what) in plan.iter().filter(|(of, _)| *of == nth) {
                match what {
                    Change::SayDone => done.push((at, tag)),
                    what => self.change(*what),
                }
            }
        }
        // Whoever was replaced meanwhile leaves its place to its successor.
        for (at, tag) in done {
            self.all[at].1 &= self.all[at].0 != tag;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn things_are_replaced_in_place_and_order(steps in steps()) {
        let stage = Rc::new(Stage {
            port: Port::new().keep_running(),
            connections: RefCell::default(),
            plan: RefCell::default(),
            calls: RefCell::default(),
            log: RefCell::default(),
            last_tag: RefCell::default(),
        });
        let mut model = Model::default();
        let cx = &mut context();
        for (event, step) in (0..).zip(steps) {
            match step {
                Step::Outside(what) => {
                    stage.change(what);
                    model.change(what);
                }
                Step::Emit(plan) => {
                    stage.plan.replace(plan.clone());
                    stage.calls.replace(0);
                    prop_assert!(stage.port.emit(event, cx).is_ok());
                    model.emit(event, &plan);
                }
            }
            prop_assert_eq!(&*stage.log.borrow(), &model.log);
            let there: Vec<_> = stage.connections.borrow().iter().map(Connection::is_connected).collect();
            prop_assert_eq!(there, model.all.iter().map(|one| one.1).collect::<Vec<_>>());
        }
        stage.connections.borrow_mut().clear();
    }
}

#[test]
fn a_replaced_thing_is_dropped_without_a_notice_and_its_successor_is_started() -> Result {
    let (mut scheduler, old, new) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let numbers = from_iter(1..).output();
    let port = numbers.port().clone();
    let connection = port.delay(10 * SECOND, Limit::default()).connect(old.clone());
    scheduler.schedule_periodic(numbers, SECOND)?;
    scheduler.run_for(2 * SECOND)?;
    let before = scheduler.snapshot();
    let averaged = pipe().chunks_within(2, 10 * SECOND).to(new.clone());
    assert!(port.replace(&connection, averaged).is_ok());
    scheduler.run_for(5 * SECOND)?;
    assert_eq!((old.timed_text().as_str(), new.timed_text().as_str()), ("", "[3, 4]@4 [5, 6]@6"));
    assert!(connection.is_connected());
    let after = scheduler.snapshot();
    assert_eq!(before.graph.nodes[0].id, after.graph.nodes[0].id);
    assert_ne!(before.graph.nodes[1].id, after.graph.nodes[1].id, "{:?}", after.graph);
    assert_eq!(after.graph.edges[0].events, Some(5), "those of its own time");
    // A timer of its own begins when it comes: the last list is not full.
    scheduler.stopper().stop();
    scheduler.run_forever()?;
    assert_eq!(new.timed_text(), "[3, 4]@4 [5, 6]@6 [7]@7");
    Ok(())
}

#[test]
fn a_thing_hands_its_place_over_in_its_own_call_and_what_it_holds_is_sent() -> Result {
    let (mut scheduler, seen, held) = (Scheduler::virtual_time()?, Recorder::new(), Recorder::new());
    let numbers = from_iter(1..=4).output();
    let (port, own) = (numbers.port().clone(), Rc::new(RefCell::new(None::<Connection>)));
    let (from, me, next) = (port.clone(), own.clone(), seen.clone());
    let first = port.inspect(move |n| {
        if *n == 2
            && let Some(me) = &*me.borrow()
        {
            assert!(from.replace(me, pipe().map(|n| n * 100).to(next.clone())).is_ok());
        }
    });
    *own.borrow_mut() = Some(first.take(2).delay(5 * SECOND, Limit::default()).connect(held.clone()));
    port.map(|n| n * 10).connect(seen.clone());
    scheduler.schedule_periodic(numbers, SECOND)?;
    scheduler.run_forever()?;
    // `take` has said that it wants no more; the delay still sends what it holds.
    assert_eq!(seen.timed_text(), "10@1 20@2 300@3 30@3 400@4 40@4 |@5");
    assert_eq!(held.timed_text(), "1@6 2@7 |@7");
    own.borrow_mut().take();
    Ok(())
}

#[test]
fn only_a_connection_of_the_port_can_be_replaced() {
    let (port, other) = (Port::<i32>::new(), Port::<i32>::new());
    let (gone, foreign) = (port.connect(call(drop)), other.connect(call(drop)));
    let kept = port.connect(call(drop));
    gone.disconnect();
    for connection in [&gone, &foreign] {
        assert!(port.replace(connection, Recorder::new()).is_err());
    }
    assert!(port.replace(&kept, Recorder::new()).is_ok());
    port.complete(&mut context()).expect("no fatal error");
    assert!(port.replace(&kept, Recorder::new()).is_err());
}

#[test]
fn a_source_that_waited_for_the_old_thing_goes_on() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let numbers = from_iter(1..=3).output();
    let port = numbers.port().clone();
    let stuck = port.connect(call_with(|_, _| Ok(Demand::Full)));
    scheduler.schedule_recurring(numbers)?;
    scheduler.run_for(SECOND)?;
    assert!(port.replace(&stuck, seen.clone()).is_ok());
    scheduler.run_forever()?;
    assert_eq!(seen.text(), "2 3 |");
    Ok(())
}

// ---- joins ----

/// Notes events and watermarks, in order.
#[derive(Clone, Default)]
struct Noted(Rc<RefCell<Vec<String>>>);

impl Sink for Noted {
    type Event = Vec<i32>;
    fn on_next(&mut self, event: Vec<i32>, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push(format!("{event:?}"));
        Ok(Demand::More)
    }
    fn on_watermark(&mut self, watermark: Timestamp, _: &mut Context<'_>) -> Receipt {
        self.0.borrow_mut().push(format!("w{}", watermark.as_nanos()));
        Ok(Demand::More)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        self.0.borrow_mut().push("|".to_owned());
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, _: &mut Context<'_>) -> Closed {
        self.0.borrow_mut().push(format!("! {error}"));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Merge,
    CombineLatest,
    Zip,
    /// The events are their times.
    MergeByTime,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Remove(usize),
    Emit(usize, i32),
    Complete(usize),
    Watermark(usize, i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Add),
        2 => (0_usize..6).prop_map(Act::Remove),
        8 => (0_usize..6, 0..9).prop_map(|(at, x)| Act::Emit(at, x)),
        1 => (0_usize..6).prop_map(Act::Complete),
        3 => (0_usize..6, 0_i64..9).prop_map(|(at, t)| Act::Watermark(at, t)),
    ];
    prop::collection::vec(act, 0..40)
}

/// An input as the model sees it, by the number of its port.
#[derive(Default)]
struct Input {
    waits: VecDeque<i32>,
    latest: Option<i32>,
    newest: Option<i32>,
    ended: bool,
    mark: Option<i64>,
}

struct Naive {
    kind: Kind,
    inputs: BTreeMap<usize, Input>,
    sent: Option<i64>,
    last: Option<i32>,
    log: Vec<String>,
}

impl Naive {
    fn is_over(&self) -> bool {
        self.log.last().is_some_and(|last| last == "|")
    }

    fn rows(&mut self) {
        while self.kind == Kind::Zip && !self.inputs.is_empty() && self.inputs.values().all(|one| !one.waits.is_empty())
        {
            let row: Vec<_> = self.inputs.values_mut().filter_map(|one| one.waits.pop_front()).collect();
            self.log.push(format!("{row:?}"));
            self.end_if_over();
        }
    }

    /// Sends events in the order of their times, as far as every input has shown one as late.
    fn in_order(&mut self) {
        loop {
            let fronts = self.inputs.iter().filter_map(|(at, one)| Some((*one.waits.front()?, *at)));
            let Some((x, at)) = fronts.min() else { return };
            if !self.inputs.values().all(|one| one.ended || one.newest >= Some(x)) {
                return;
            }
            self.inputs.entry(at).or_default().waits.pop_front();
            self.last = Some(x);
            self.log.push(format!("[{x}]"));
        }
    }

    fn end_if_over(&mut self) {
        if self.kind == Kind::MergeByTime {
            self.in_order();
        }
        let over = match self.kind {
            Kind::Zip => self.inputs.is_empty() || self.inputs.values().any(|one| one.ended && one.waits.is_empty()),
            _ => self.inputs.values().all(|one| one.ended),
        };
        if over && !self.is_over() {
            self.log.push("|".to_owned());
        }
    }

    fn least(&mut self) {
        let least = self.inputs.values().filter(|one| !one.ended).map(|one| one.mark).min().flatten();
        if least > self.sent && !self.is_over() {
            self.sent = least;
            self.log.push(format!("w{}", least.unwrap_or_default()));
        }
    }

    fn act(&mut self, act: Act) {
        if self.is_over() {
            return;
        }
        match act {
            Act::Add => _ = self.inputs.insert(self.inputs.keys().max().map_or(0, |last| last + 1), Input::default()),
            Act::Remove(at) if self.inputs.get(&at).is_some_and(|one| !one.ended) => {
                self.inputs.remove(&at);
                self.end_if_over();
                if !self.is_over() {
                    self.rows();
                }
                self.least();
            }
            Act::Emit(at, x) => {
                let Some(one) = self.inputs.get_mut(&at).filter(|one| !one.ended) else { return };
                if self.kind == Kind::MergeByTime && self.last.is_some_and(|last| x < last) {
                    return; // too late
                }
                one.latest = Some(x);
                one.newest = one.newest.max(Some(x));
                one.waits.push_back(x);
                match self.kind {
                    Kind::Merge => self.log.push(format!("[{x}]")),
                    Kind::Zip => self.rows(),
                    Kind::MergeByTime => {
                        one.waits.make_contiguous().sort_unstable();
                        self.in_order();
                    }
                    Kind::CombineLatest => {
                        let row: Option<Vec<_>> = self.inputs.values().map(|one| one.latest).collect();
                        self.log.extend(row.map(|row| format!("{row:?}")));
                    }
                }
            }
            Act::Complete(at) => {
                let Some(one) = self.inputs.get_mut(&at).filter(|one| !one.ended) else { return };
                one.ended = true;
                let never = one.latest.is_none() && self.kind == Kind::CombineLatest;
                self.end_if_over();
                if never && !self.is_over() {
                    self.log.push("|".to_owned());
                }
                self.least();
            }
            Act::Watermark(at, time) => {
                let Some(one) = self.inputs.get_mut(&at).filter(|one| !one.ended) else { return };
                one.mark = one.mark.max(Some(time));
                self.least();
            }
            Act::Remove(_) => {}
        }
    }
}

fn connect(kind: Kind, ports: &[Port<i32>], seen: Noted) -> DynamicInputs<i32> {
    let ports: Vec<_> = ports.iter().collect();
    match kind {
        Kind::Merge => joins::merge(ports).map(|x| vec![x]).connect_dynamic(seen),
        Kind::CombineLatest => joins::combine_latest(ports).connect_dynamic(seen),
        Kind::Zip => joins::zip(ports, Limit::block(1000)).connect_dynamic(seen),
        Kind::MergeByTime => {
            joins::merge_by_time(ports, |x| *x, Limit::block(1000)).map(|x| vec![x]).connect_dynamic(seen)
        }
    }
}

/// Does the same to a join and to its model; after each act both have sent the same. Watermarks are left out where a rule
/// holds them back behind events.
fn compare(kind: Kind, acts: &[Act]) -> std::result::Result<(), TestCaseError> {
    let cx = &mut context();
    let mut ports = vec![Port::<i32>::new(), Port::new()];
    let seen = Noted::default();
    let inputs = connect(kind, &ports, seen.clone());
    let start = |port: &Port<i32>, cx: &mut Context<'_>| port.clone().notice(Notice::Start, cx).is_ok();
    ports.iter().for_each(|port| assert!(start(port, cx)));
    let mut connections: Vec<Option<Connection>> = vec![None, None];
    let mut model = Naive { kind, inputs: BTreeMap::new(), sent: None, last: None, log: Vec::new() };
    (0..2).for_each(|_| model.act(Act::Add));
    for act in acts {
        match *act {
            Act::Add if model.is_over() => prop_assert!(inputs.add(&Port::new()).is_err()),
            Act::Add => {
                // The model counts from the last one that is left.
                let at = model.inputs.keys().max().map_or(0, |last| last + 1);
                let port = Port::new();
                let added = inputs.add(&port).ok();
                prop_assert!(start(&port, cx) && added.is_some());
                ports.truncate(at);
                connections.truncate(at);
                ports.push(port);
                connections.push(added);
            }
            Act::Remove(at) => match connections.get(at) {
                Some(Some(connection)) => prop_assert!(inputs.remove(connection, cx).is_ok()),
                _ => continue, // one of the first two, whose connections nobody has
            },
            Act::Emit(at, x) if at < ports.len() => prop_assert!(ports[at].emit(x, cx).is_ok()),
            Act::Complete(at) if at < ports.len() => prop_assert!(ports[at].complete(cx).is_ok()),
            Act::Watermark(at, time) if at < ports.len() => {
                prop_assert!(ports[at].clone().notice(Notice::Watermark(Timestamp::from_nanos(time)), cx).is_ok());
            }
            _ => {}
        }
        model.act(*act);
        let plain = |log: &[String]| -> Vec<String> {
            let holds = matches!(kind, Kind::Zip | Kind::MergeByTime);
            let keeps = |word: &&String| !holds || !word.starts_with('w');
            log.iter().filter(keeps).cloned().collect()
        };
        prop_assert_eq!(plain(&seen.0.borrow()), plain(&model.log), "after {:?}", act);
        prop_assert_eq!(inputs.connection().is_connected(), !model.is_over());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn f98_the_inputs_of_a_merge_come_and_go(acts in acts()) {
        compare(Kind::Merge, &acts)?;
    }

    #[test]
    fn f98_the_inputs_of_a_combine_latest_come_and_go(acts in acts()) {
        compare(Kind::CombineLatest, &acts)?;
    }

    #[test]
    fn f98_the_inputs_of_a_zip_come_and_go(acts in acts()) {
        compare(Kind::Zip, &acts)?;
    }

    #[test]
    fn f98_the_inputs_of_a_merge_by_time_come_and_go(acts in acts()) {
        compare(Kind::MergeByTime, &acts)?;
    }
}

#[test]
fn f98_an_input_is_added_and_removed_from_inside_of_calls() -> Result {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    let (steady, rare) = (from_iter(1..=6).output(), Port::<i32>::new());
    let (adds, joined) = (Rc::new(RefCell::new(None::<DynamicInputs<i32>>)), Rc::new(RefCell::new(None)));
    let (grows, connection, other) = (adds.clone(), joined.clone(), rare.clone());
    // What follows the join changes the join, in the middle of its own call.
    let change = filter_fn(move |n: i32, out: &mut DynEmitter<'_, '_, '_, i32>| {
        let inputs = grows.borrow().clone().expect("it is connected");
        match n {
            2 => *connection.borrow_mut() = inputs.add(&other).ok(),
            3 => _ = other.emit(30, out.context())?,
            4 => inputs.remove(connection.borrow().as_ref().expect("it was added"), out.context())?,
            5 => _ = other.emit(50, out.context())?,
            _ => {}
        }
        out.next(n)
    });
    let changes = joins::merge(vec![steady.port()]).pipe(change);
    *adds.borrow_mut() = Some(changes.connect_dynamic(seen.clone()));
    scheduler.schedule_periodic(steady, SECOND)?;
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), "1@1 2@2 3@3 30@3 4@4 5@5 6@6 |@7");
    adds.borrow_mut().take();
    Ok(())
}
