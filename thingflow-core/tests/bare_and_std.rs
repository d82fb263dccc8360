//! The scheduler for microcontrollers beside the one for Linux: random chains of operators that need no allocator, behind random
//! sensors, give the same events at the same times under both, and end in the same way.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::windows::{Count, Sum};
use thingflow_core::{Limit, Notice, Periodic, Question, Sampled, SensorId, bare};

const SECOND: u64 = 1_000_000;

/// A stage of a chain. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Map(i32),
    Filter(i32),
    Twice,
    Sum,
    Take(usize),
    Skip(usize),
    StepBy(usize),
    TakeWhile(i32),
    Dedup,
    Deadband(i32),
    Pairwise,
    Last,
    TakeLast,
    SkipLast,
    StartWith(i32),
    EndWith(i32),
    Count,
    Mean,
    Tumbling(usize),
    EachTime(u64),
    Fails(i32),
    Throttle(u64),
    Debounce(u64),
    SampleEvery(u64),
    Heartbeat(u64),
    Timeout(u64),
    OnTimeout(u64),
    Gaps,
    Port,
    Coalesce,
    Delay(u64, usize),
    Pace(u64, usize),
    DelayOf(u64),
    PaceOf(u64),
    DropOldest(u64, usize),
    DropNewest(u64, usize),
}

/// Sensors are sampled at whole seconds, and stages act off them: what is to happen first at one instant is not promised.
fn time() -> impl Strategy<Value = u64> {
    (prop_oneof![0..6_u64, 6..30_u64], 1..1000_u64).prop_map(|(seconds, off)| seconds.max(1) * SECOND + off)
}

/// Stages that end no stream.
fn stage() -> impl Strategy<Value = Stage> {
    let size = || 1..5_usize;
    prop_oneof![
        4 => plain(),
        1 => size().prop_map(Stage::Skip),
        1 => size().prop_map(Stage::StepBy),
        1 => size().prop_map(Stage::Tumbling),
        1 => time().prop_map(Stage::EachTime),
        1 => time().prop_map(Stage::Throttle),
        1 => time().prop_map(Stage::Debounce),
        1 => time().prop_map(Stage::SampleEvery),
        1 => time().prop_map(Stage::Heartbeat),
        1 => time().prop_map(Stage::OnTimeout),
        1 => (time(), size()).prop_map(|(time, size)| Stage::Delay(time, size)),
        1 => (time(), size()).prop_map(|(time, size)| Stage::Pace(time, size)),
        1 => time().prop_map(Stage::DelayOf),
        1 => time().prop_map(Stage::PaceOf),
        1 => (time(), size()).prop_map(|(time, size)| Stage::DropOldest(time, size)),
        1 => (time(), size()).prop_map(|(time, size)| Stage::DropNewest(time, size)),
    ]
}

/// Stages that may end a stream before its source does.
fn ending() -> impl Strategy<Value = Stage> {
    prop_oneof![
        (1..5_usize).prop_map(Stage::Take),
        (1..5_i32).prop_map(Stage::TakeWhile),
        (1..5_i32).prop_map(Stage::Fails),
        time().prop_map(Stage::Timeout),
    ]
}

/// The stages without a time or a size.
fn plain() -> impl Strategy<Value = Stage> {
    let number = || 1..5_i32;
    prop_oneof![
        number().prop_map(Stage::Map),
        number().prop_map(Stage::Filter),
        number().prop_map(Stage::Deadband),
        number().prop_map(Stage::StartWith),
        number().prop_map(Stage::EndWith),
        proptest::sample::select(vec![
            Stage::Twice,
            Stage::Sum,
            Stage::Dedup,
            Stage::Pairwise,
            Stage::Last,
            Stage::TakeLast,
            Stage::SkipLast,
            Stage::Count,
            Stage::Mean,
            Stage::Gaps,
            Stage::Port,
            Stage::Coalesce,
        ]),
    ]
}

type Next = Box<dyn InputThing<i32>>;

/// The stage in front of what follows.
fn before(stage: Stage, next: Next) -> Next {
    let values = || pipe::<i32>();
    match stage {
        Stage::Map(n) => Box::new(values().map(move |x| x.wrapping_mul(n)).to(next)),
        Stage::Filter(n) => Box::new(values().filter(move |x| x % n == 0).to(next)),
        Stage::Twice => Box::new(values().flat_map(|x| [x, x]).to(next)),
        Stage::Sum => Box::new(values().scan(0, |sum: i32, x| sum.wrapping_add(x)).to(next)),
        Stage::Take(n) => Box::new(values().take(n).to(next)),
        Stage::Skip(n) => Box::new(values().skip(n).to(next)),
        Stage::StepBy(n) => Box::new(values().step_by(n).to(next)),
        Stage::TakeWhile(n) => Box::new(values().take_while(move |x| x % 7 != n).to(next)),
        Stage::Dedup => Box::new(values().dedup().to(next)),
        Stage::Deadband(n) => Box::new(values().deadband(n).to(next)),
        Stage::Pairwise => Box::new(values().pairwise().map(|(a, b)| a.wrapping_sub(b)).to(next)),
        Stage::Last => Box::new(values().last().to(next)),
        Stage::TakeLast => Box::new(values().take_last_of::<3>().to(next)),
        Stage::SkipLast => Box::new(values().skip_last_of::<2>().to(next)),
        Stage::StartWith(n) => Box::new(values().start_with([n, -n]).to(next)),
        Stage::EndWith(n) => Box::new(values().end_with([n, -n]).to(next)),
        Stage::Count => Box::new(values().count().map(|n| n as i32).to(next)),
        Stage::Fails(n) => Box::new(values().try_map(move |x| if x % 11 == n { Err("no") } else { Ok(x) }).to(next)),
        Stage::Gaps => Box::new(values().time_interval().map(|(gap, _)| gap.as_millis() as i32).to(next)),
        Stage::Port => {
            let port = Port::new();
            port.connect(AtOnce(next)); // the scheduler wakes a port by itself
            Box::new(port)
        }
        other => timed(other, next),
    }
}

/// The stages that gather or look at the time.
fn timed(stage: Stage, next: Next) -> Next {
    let (values, micros) = (|| pipe::<i32>(), Duration::from_micros);
    match stage {
        Stage::Mean => Box::new(values().map(f64::from).running_avg_of::<3>().map(|x| (x * 8.0) as i32).to(next)),
        Stage::Tumbling(n) => Box::new(values().aggregate(Window::tumbling(n), Sum::new()).to(next)),
        Stage::EachTime(n) => {
            Box::new(values().aggregate(Window::each(micros(n)), Count::new()).map(|n| n as i32).to(next))
        }
        Stage::Throttle(n) => Box::new(values().throttle(micros(n)).to(next)),
        Stage::Debounce(n) => Box::new(values().debounce(micros(n)).to(next)),
        Stage::SampleEvery(n) => Box::new(values().sample_every(micros(n)).to(next)),
        Stage::Heartbeat(n) => Box::new(values().heartbeat(micros(n)).to(next)),
        Stage::Timeout(n) => Box::new(values().timeout(micros(n)).to(next)),
        Stage::OnTimeout(n) => Box::new(values().on_timeout(micros(n), || Some(-1)).to(next)),
        Stage::Coalesce => Box::new(values().coalesce().to(next)),
        Stage::Delay(n, most) => Box::new(values().delay(micros(n), Limit::block(most)).to(next)),
        Stage::Pace(n, most) => Box::new(values().pace(micros(n), Limit::block(most)).to(next)),
        Stage::DelayOf(n) => Box::new(values().delay_of::<2>(micros(n)).to(next)),
        Stage::PaceOf(n) => Box::new(values().pace_of::<3>(micros(n)).to(next)),
        Stage::DropOldest(n, most) => Box::new(values().delay(micros(n), Limit::drop_oldest(most)).to(next)),
        Stage::DropNewest(n, most) => Box::new(values().pace(micros(n), Limit::drop_newest(most)).to(next)),
        other => unreachable!("{other:?} has no time"),
    }
}

/// A sensor that tells what it is given, and fails in between.
struct Given(std::vec::IntoIter<Option<i32>>);

impl Sensor for Given {
    type Reading = i32;
    type Error = StreamError;
    fn id(&self) -> SensorId {
        "given".into()
    }
    fn sample(&mut self) -> Result<i32, SampleError<StreamError>> {
        let reading = self.0.next().ok_or(SampleError::Ended)?;
        Ok(reading.ok_or_else(|| StreamError::new("the bus is busy"))?)
    }
}

/// What came, and at which microsecond.
type Noted = (u64, String);
type Log = Rc<RefCell<Vec<Noted>>>;

/// Notes what comes, and when. It rests for so many microseconds after each event, if at all, and asks for a pause then.
struct Notes {
    log: Log,
    rest: Option<u64>,
    until: Option<Instant>,
}

impl Notes {
    fn note(&self, what: impl std::fmt::Display, cx: &Context<'_>) {
        self.log.borrow_mut().push((cx.now().as_nanos() / 1_000, what.to_string()));
    }
}

impl Sink for Notes {
    type Event = i32;
    fn on_next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        self.note(event, cx);
        let Some(rest) = self.rest else { return Ok(Demand::More) };
        let until = cx.now() + Duration::from_micros(rest);
        self.until = Some(until);
        cx.wake_at(until);
        Ok(Demand::Full)
    }
    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if self.until.take_if(|until| *until <= cx.now()).is_some() {
            cx.resume();
        } else if let Some(until) = self.until {
            cx.wake_at(until);
        }
        Ok(Demand::More)
    }
    fn has_room(&self) -> bool {
        self.until.is_none()
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Result<(), FatalError> {
        self.note("completed", cx);
        Ok(())
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Result<(), FatalError> {
        self.note(error, cx);
        Ok(())
    }
}

/// A chain that sends at once at its end what it holds, as all do on a board.
struct AtOnce(Next);

impl InputThing<i32> for AtOnce {
    fn next(&mut self, event: i32, cx: &mut Context<'_>) -> Receipt {
        cx.without_draining(|cx| self.0.next(event, cx))
    }
    fn next_ref(&mut self, event: &i32, cx: &mut Context<'_>) -> Receipt {
        self.next(*event, cx)
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        cx.without_draining(|cx| self.0.notice(notice, cx))
    }
    fn ask(&self, question: Question<'_>) -> bool {
        self.0.ask(question)
    }
}

/// A sensor, how often it is sampled, what a failure means, and the chain behind it.
#[derive(Clone, Debug)]
struct Task {
    readings: Vec<Option<i32>>,
    period: u64,
    skips: bool,
    rest: Option<u64>,
    stages: Vec<Stage>,
}

fn task() -> impl Strategy<Value = Task> {
    let reading = prop_oneof![9 => (-20..20_i32).prop_map(Some), 1 => Just(None)];
    let stages = proptest::collection::vec(prop_oneof![4 => stage(), 1 => ending()], 0..6);
    let rest = proptest::option::weighted(0.3, time());
    (proptest::collection::vec(reading, 0..25), 1..12_u64, any::<bool>(), rest, stages)
        .prop_map(|(readings, period, skips, rest, stages)| Task { readings, period, skips, rest, stages })
}

impl Task {
    fn period(&self) -> Duration {
        Duration::from_secs(self.period)
    }

    fn flow(&self, log: &Log) -> impl OutputThing + 'static {
        let last: Next = Box::new(Notes { log: log.clone(), rest: self.rest, until: None });
        let chain = AtOnce(self.stages.iter().rev().fold(last, |next, stage| before(*stage, next)));
        Flow::new(Sampled::new(Given(self.readings.clone().into_iter())))
            .map(|event: SensorEvent<i32>| event.val)
            .connect(chain)
    }
}

/// What each task has sent, and whether the run has come to its end.
type Seen = (Vec<Vec<Noted>>, bool);

/// Later than the last reading. A few chains go on for ever: a heartbeat faster than the `pace` behind it fills the room of that, so
/// that the sensor is never asked again.
const HORIZON: Duration = Duration::from_millis(400_500);

/// What is seen under the scheduler for microcontrollers.
fn on_a_board(tasks: &[Task]) -> Seen {
    let logs: Vec<Log> = tasks.iter().map(|_| Log::default()).collect();
    let mut flows: Vec<_> = tasks.iter().zip(&logs).map(|(task, log)| task.flow(log)).collect();
    let mut scheduler = bare::Scheduler::<4>::with_tick(Duration::from_micros(1)).wrap_at(1 << 31);
    for (task, flow) in tasks.iter().zip(&mut flows) {
        let on_failure = if task.skips { bare::OnFailure::Skip } else { bare::OnFailure::Stop };
        scheduler.schedule_periodic_with(flow, task.period(), on_failure).unwrap();
    }
    let (mut sleep, mut rounds) = (scheduler.run_due(0).unwrap(), 0);
    while let Some(ticks) = sleep
        && scheduler.now() + Duration::from_micros(ticks.into()) < Instant::ZERO + HORIZON
    {
        rounds += 1;
        assert!(rounds < 50_000, "a board that calls in vain: {scheduler:?}");
        sleep = scheduler.run_due(ticks).unwrap();
    }
    drop(scheduler);
    drop(flows);
    (logs.iter().map(|log| log.take()).collect(), sleep.is_none())
}

/// The same under the one for Linux.
fn on_linux(tasks: &[Task]) -> Seen {
    let mut scheduler = Scheduler::virtual_time().unwrap();
    let logs: Vec<Log> = tasks.iter().map(|_| Log::default()).collect();
    for (task, log) in tasks.iter().zip(&logs) {
        let on_failure = if task.skips { OnFailure::Skip } else { OnFailure::Stop };
        let timing = Periodic::every(task.period()).starting_now().on_failure(on_failure);
        scheduler.schedule_periodic(task.flow(log), timing).unwrap();
    }
    scheduler.run_for(HORIZON).unwrap();
    (logs.iter().map(|log| log.take()).collect(), scheduler.active().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn chains_are_the_same_on_a_board_and_on_linux(tasks in proptest::collection::vec(task(), 1..4)) {
        prop_assert_eq!(on_a_board(&tasks), on_linux(&tasks));
    }
}
