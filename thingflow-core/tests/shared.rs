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
    let _ = input.on_next("a", &mut at(0)).unwrap();
    for secs in [0, 1, 2] {
        let _ = input.on_wake(&mut at(secs)).unwrap();
    }
    assert_eq!(notes(&hub), "a alarm");
}
