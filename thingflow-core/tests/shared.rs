//! Things with several inputs.
#![cfg(feature = "alloc")]

use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

/// Notes what it gets. An event below ten is sent on, ten times as large; an output may lead back to an input.
struct Hub {
    notes: Vec<String>,
    out: Port<i32>,
    alarm_at: Instant,
}

impl Ports for Hub {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.out.as_ref());
    }
}

impl Hub {
    fn new() -> (Shared<Self>, Port<i32>) {
        let out = Port::new();
        (Shared::new(Self { notes: Vec::new(), out: out.clone(), alarm_at: Instant::NEVER }), out)
    }

    fn on_number(&mut self, n: i32, cx: &mut Context<'_>) -> Receipt {
        self.notes.push(n.to_string());
        if n < 10 { self.out.emit(n * 10, cx) } else { Ok(Demand::More) }
    }

    fn on_text(&mut self, text: &'static str, cx: &mut Context<'_>) -> Receipt {
        self.notes.push(text.into());
        self.alarm_at = cx.now() + Duration::from_secs(1);
        cx.wake_at(self.alarm_at);
        Ok(if text == "enough" { Demand::Done } else { Demand::More })
    }

    fn on_completed(&mut self, _: &mut Context<'_>) -> Result<(), FatalError> {
        self.notes.push("|".into());
        Ok(())
    }

    #[allow(clippy::needless_pass_by_value)] // the form of an error handler
    fn on_failed(&mut self, error: StreamError, _: &mut Context<'_>) -> Result<(), FatalError> {
        self.notes.push(format!("!{error}"));
        Ok(())
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if cx.now() >= self.alarm_at {
            self.alarm_at = Instant::NEVER;
            self.notes.push("alarm".into());
        } else {
            cx.wake_at(self.alarm_at);
        }
        Ok(Demand::More)
    }
}

fn notes(hub: &Shared<Hub>) -> String {
    hub.with(|hub| hub.notes.join(" "))
}

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

#[test]
fn inputs_of_different_types_reach_one_state() {
    let (hub, out) = Hub::new();
    let (numbers, texts, seen) = (Port::new(), Port::new(), Recorder::new());
    out.connect(seen.clone());
    numbers.connect(hub.input(Hub::on_number).on_completed(Hub::on_completed));
    texts.connect(hub.input(Hub::on_text).on_error(Hub::on_failed));
    let cx = &mut context();
    assert_eq!(numbers.emit(1, cx).unwrap(), Demand::More);
    assert_eq!(texts.emit("a", cx).unwrap(), Demand::More);
    assert_eq!(numbers.emit(2, cx).unwrap(), Demand::More);
    numbers.complete(cx).unwrap();
    texts.fail(StreamError::new("broken"), cx).unwrap();
    assert_eq!(notes(&hub), "1 a 2 | !broken");
    assert_eq!(seen.text(), "10 20");
}

#[test]
fn what_comes_back_waits_and_is_delivered_right_after() {
    let (hub, out) = Hub::new();
    let numbers = Port::new();
    out.connect(hub.input(Hub::on_number));
    out.map(|_| "again").connect(hub.input(Hub::on_text));
    out.connect(hub.input(Hub::on_number));
    numbers.connect(hub.input(Hub::on_number));
    let cx = &mut context();
    for n in [1, 2] {
        let _ = numbers.emit(n, cx).unwrap();
    }
    assert_eq!(notes(&hub), "1 10 again 10 2 20 again 20");
}

#[test]
fn an_end_that_comes_back_waits_too() {
    let (hub, out) = Hub::new();
    out.take_one().connect(hub.input(Hub::on_number).on_completed(Hub::on_completed));
    let _ = hub.clone();
    let numbers = Port::new();
    out.connect(call(drop));
    numbers.connect(hub.input(Hub::on_number));
    for n in [1, 2] {
        let _ = numbers.emit(n, &mut context()).unwrap();
    }
    assert_eq!(notes(&hub), "1 10 | 2");
}

/// Passes one event, then ends.
struct One;

impl Filter<i32> for One {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let _ = out.next(event)?;
        out.finish()
    }
}

trait TakeOne: Chain<Item = i32> {
    fn take_one(self) -> Self::Piped<One> {
        self.pipe(One)
    }
}

impl<C: Chain<Item = i32>> TakeOne for C {}

#[test]
fn the_receipt_travels_back_also_of_an_event_that_waited() {
    let (hub, out) = Hub::new();
    let texts = Port::new();
    texts.connect(hub.input(Hub::on_text));
    assert_eq!(texts.emit("enough", &mut context()).unwrap(), Demand::Done);
    assert!(!texts.is_listened());

    out.map(|_| "enough").connect(hub.input(Hub::on_text));
    let numbers = Port::new();
    numbers.connect(hub.input(Hub::on_number));
    let cx = &mut context();
    assert_eq!(numbers.emit(1, cx).unwrap(), Demand::More);
    assert!(!out.is_listened(), "it has been answered by now");
    assert_eq!(
        numbers.emit(2, cx).unwrap(),
        Demand::Done,
        "the output has no listener left, which the Thing passes on"
    );
    assert_eq!(notes(&hub), "enough 1 enough 2");
}

#[test]
fn the_thing_is_woken() {
    let (hub, _) = Hub::new();
    let hub = hub.on_wake(Hub::on_wake);
    let mut input = hub.input(Hub::on_text);
    let at = |secs| Context::detached(Instant::ZERO + Duration::from_secs(secs));
    let _ = input.next("a", &mut at(0)).unwrap();
    for secs in [0, 1, 2] {
        let _ = input.notice(Notice::Wake, &mut at(secs)).unwrap();
    }
    assert_eq!(notes(&hub), "a alarm");
}

/// On for five seconds after the last press.
#[cfg(feature = "std")]
fn light_behind(
    wire: impl FnOnce(&Scheduler, Shared<Light>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<String, Box<dyn std::error::Error>> {
    let (out, seen) = (Port::new(), Recorder::new());
    out.connect(seen.clone());
    let light = Shared::new(Light { out, off_at: Instant::NEVER }).on_wake(Light::on_wake);
    let mut scheduler = Scheduler::virtual_time()?;
    wire(&scheduler, light)?;
    scheduler.run_forever()?;
    Ok(seen.timed_text())
}

#[cfg(feature = "std")]
struct Light {
    out: Port<bool>,
    off_at: Instant,
}

#[cfg(feature = "std")]
impl Ports for Light {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.out.as_ref());
    }
}

#[cfg(feature = "std")]
impl Light {
    fn on_press(&mut self, seconds: u64, cx: &mut Context<'_>) -> Receipt {
        self.off_at = cx.now() + Duration::from_secs(seconds);
        cx.wake_at(self.off_at);
        self.out.emit(true, cx)
    }

    fn on_wake(&mut self, cx: &mut Context<'_>) -> Receipt {
        if cx.now() < self.off_at {
            cx.wake_at(self.off_at);
            return Ok(Demand::More);
        }
        self.off_at = cx.now() + Duration::from_secs(1); // like one that blinks for ever
        cx.wake_at(self.off_at);
        self.out.emit(false, cx)
    }
}

#[cfg(feature = "std")]
#[test]
fn a_wake_up_comes_although_the_input_that_asked_has_ended() -> Result<(), Box<dyn std::error::Error>> {
    let press = |seconds: u64| timer(Duration::from_secs(2)).map(move |_| seconds);
    let alone = light_behind(|scheduler, light| {
        scheduler.schedule_recurring(press(5).connect(light.input(Light::on_press)))?;
        Ok(())
    })?;
    assert_eq!(alone, "true@2 false@7", "what it asked for after its end does not keep it");

    let beside_another = light_behind(|scheduler, light| {
        scheduler.schedule_recurring(press(2).connect(light.input(Light::on_press)))?;
        let never = from_iter([0]).filter(|_| false).connect(light.input(|_: &mut Light, _: u64, _| Ok(Demand::More)));
        scheduler.schedule_periodic(never, Duration::from_millis(5500))?;
        Ok(())
    })?;
    assert_eq!(beside_another, "true@2 false@4 false@5 false@6 false@7 false@8 false@9 false@10 false@11");
    Ok(())
}

#[cfg(feature = "std")]
#[test]
fn a_wake_up_comes_although_the_input_that_asked_was_cancelled() -> Result<(), Box<dyn std::error::Error>> {
    let seen = light_behind(|scheduler, light| {
        let pressing = from_iter([5, 9, 9]).connect(light.input(Light::on_press));
        let handle = scheduler.schedule_periodic(pressing, Duration::from_secs(1))?;
        let other = light.input(move |_: &mut Light, _: usize, _| {
            handle.cancel();
            Ok(Demand::More)
        });
        scheduler.schedule_periodic(from_iter(0..5).connect(other), Duration::from_millis(1500))?;
        Ok(())
    })?;
    assert_eq!(seen, "true@1 false@6 false@7 false@8 false@9");
    Ok(())
}

#[cfg(feature = "std")]
#[test]
fn done_at_a_wake_up_is_for_all_inputs() -> Result<(), Box<dyn std::error::Error>> {
    let shared = Shared::without_ports(0).on_wake(|_, _| Ok(Demand::Done));
    let input = |shared: &Shared<u32>| {
        shared.input(|count: &mut u32, _: u64, cx: &mut Context<'_>| {
            *count += 1;
            cx.wake_at(Instant::ZERO + Duration::from_millis(2500));
            Ok(Demand::More)
        })
    };
    let mut scheduler = Scheduler::virtual_time()?;
    for _ in 0..2 {
        let endless = from_iter(0..).connect(input(&shared));
        scheduler.schedule_periodic(endless, Duration::from_secs(1))?;
    }
    scheduler.run_forever()?;
    assert_eq!(shared.with(|count| *count), 4, "two of each at 1 s and 2 s; the next finds that nobody listens");
    Ok(())
}

/// Takes work until it is told to rest, and sends it on when it is told to go on.
#[cfg(feature = "std")]
#[derive(Default)]
struct Worker {
    waiting: Vec<u32>,
    done: Vec<u32>,
}

#[cfg(feature = "std")]
impl Worker {
    fn on_work(&mut self, work: u32, _: &mut Context<'_>) -> Receipt {
        self.waiting.push(work);
        Ok(if self.has_room() { Demand::More } else { Demand::Full })
    }
    fn on_go(&mut self, _: u64, cx: &mut Context<'_>) -> Receipt {
        self.done.append(&mut self.waiting);
        cx.resume();
        Ok(Demand::More)
    }
    fn has_room(&self) -> bool {
        self.waiting.len() < 2
    }
}

#[cfg(feature = "std")]
#[test]
fn a_source_waits_for_the_room_of_a_shared_thing() -> Result<(), Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::virtual_time()?;
    let worker = Shared::without_ports(Worker::default()).has_room(Worker::has_room);
    let most = std::rc::Rc::new(std::cell::Cell::new(0));
    let (watched, seen) = (worker.clone(), most.clone());
    scheduler.schedule_recurring(from_iter(0..8).connect(worker.input(Worker::on_work)))?;
    // Others have room again all the time.
    let others = filter_fn(move |_: u64, out: &mut DynEmitter<'_, '_, '_, u64>| {
        seen.set(seen.get().max(watched.with(|worker| worker.waiting.len())));
        out.context().resume();
        Ok(Demand::More)
    });
    scheduler.schedule_recurring(interval(Duration::from_secs(1)).take(60).pipe(others).connect(call(drop)))?;
    scheduler.schedule_recurring(interval(Duration::from_secs(10)).take(5).connect(worker.input(Worker::on_go)))?;
    scheduler.run_forever()?;
    assert_eq!(worker.with(|worker| worker.done.clone()), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(most.get(), 2, "it was given more than it has room for");
    Ok(())
}

/// Has a name of its own.
#[cfg(feature = "std")]
struct Valve(Port<bool>);

#[cfg(feature = "std")]
impl Ports for Valve {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        see(self.0.as_ref());
    }
}

#[cfg(feature = "std")]
impl PortSource for Valve {
    fn send(&mut self, _: &mut Context<'_>) -> std::result::Result<Demand, Failure> {
        Ok(Demand::More)
    }
    fn name(&self) -> &'static str {
        "valve 7"
    }
}

#[cfg(feature = "std")]
#[test]
fn it_is_drawn_and_reported_by_its_own_name() -> Result<(), Box<dyn std::error::Error>> {
    let (mut scheduler, reports) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.reports().map(|report| report.thing.to_string()).connect(reports.clone());
    let moved = Port::new().named("moved");
    moved.connect(call(drop));
    let (valve, counter) = (Shared::new(Valve(moved)), Shared::without_ports(0).named("counter"));
    let turn = |_: &mut Valve, _: i32, _: &mut Context<'_>| Ok(Demand::More);
    let fails = from_iter([1]).try_map(|_| Err::<i32, _>("on purpose"));
    scheduler.schedule_periodic(fails.connect(valve.input(turn)), Duration::from_secs(1))?;
    let count = |_: &mut u32, _: i32, _: &mut Context<'_>| Ok(Demand::More);
    scheduler.schedule_periodic(from_iter([1]).connect(counter.input(count)), Duration::from_secs(1))?;
    scheduler.schedule_periodic(valve, Duration::from_secs(1))?;
    let drawn = scheduler.graph().to_string();
    assert!(drawn.contains("try_map -> valve 7 -> moved") && drawn.contains("\nvalve 7 -> moved"), "{drawn}");
    assert!(drawn.contains("-> counter\n"), "{drawn}");
    scheduler.run_for(Duration::from_secs(2))?;
    assert_eq!(reports.events(), ["valve 7"]);
    Ok(())
}

#[cfg(feature = "std")]
#[test]
fn what_comes_back_to_it_while_it_is_started_is_not_left_waiting() -> Result<(), Box<dyn std::error::Error>> {
    let (hub, out) = Hub::new();
    out.start_with([7]).connect(hub.input(Hub::on_number));
    let mut scheduler = Scheduler::virtual_time()?;
    let silent = Duration::from_secs(3600);
    scheduler.schedule_periodic(from_iter(["a"]).connect(hub.input(Hub::on_text)), silent)?;
    scheduler.run_for(Duration::from_secs(1))?;
    assert_eq!(notes(&hub), "7 70");
    Ok(())
}
