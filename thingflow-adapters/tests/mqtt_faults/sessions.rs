//! Being taken over, saying goodbye, and what is said again in each connection.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_adapters::mqtt::testing::Broker;
use thingflow_adapters::mqtt::{Client, Message, Options, Qos, Status, Version};
use thingflow_core::StreamError;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use super::HOUR;
use super::support::bounded::new_scheduler;
use super::support::mosquitto::Mosquitto;
use super::support::mqtt::{after, collect, options, publish, schedule, texts, when};
use super::support::proxy::Proxy;

/// Connects later.
struct Late<T>(Option<T>);

impl<T: EventThing + 'static> Sink for Late<T> {
    type Event = ();
    fn on_next(&mut self, (): (), cx: &mut Context<'_>) -> Receipt {
        if let Some(thing) = self.0.take() {
            cx.schedule_on_main_event_loop(thing).map_err(|refused| cx.fatal(refused.error))?;
        }
        Ok(Demand::Done)
    }
    fn on_completed(&mut self, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
    fn on_error(&mut self, _: StreamError, _: &mut Context<'_>) -> Closed {
        Ok(())
    }
}

#[test]
fn a20_who_is_taken_over_stops_and_reports() {
    let broker = Broker::start().unwrap(); // mosquitto of Debian 12 only hangs up
    let retry = thingflow_core::Backoff::constant(Duration::from_millis(10));
    let same = || Options::new(&broker.address()).unwrap().client_id("same").retry(retry);
    let mut scheduler = new_scheduler();
    let first = schedule(&scheduler, same());
    let reports = Recorder::new();
    scheduler.reports().map(|report| report.to_string()).connect(reports.clone());
    let (seen, stopper) = (Recorder::new(), scheduler.stopper());
    first.status().connect(seen.clone());
    first.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let second = Client::new(same());
    second.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let there = Recorder::new();
    second.status().connect(there.clone());
    first.status().map(drop).connect(Late(Some(second.thing())));
    after(&scheduler, Duration::from_millis(300), move || stopper.stop());
    scheduler.run_forever().unwrap();
    let stopped = |status: &Status| matches!(status, Status::Stopped { .. });
    assert!(matches!(&seen.events()[..], [Status::Connected { .. }, last] if stopped(last)), "{:?}", seen.events());
    assert!(matches!(there.events()[..], [Status::Connected { .. }]), "{:?}", there.events());
    assert!(reports.events()[0].contains("client id of its own"), "{:?}", reports.events());
}

#[test]
fn a21_a_clean_stop_says_goodbye_and_a_crash_sends_the_will_once() {
    for version in [Version::V3_1_1, Version::V5] {
        let broker = Rc::new(Mosquitto::start());
        let proxy = Rc::new(Proxy::new(broker.address()));
        let mut scheduler = new_scheduler();
        let watcher = schedule(&scheduler, options(broker.address()));
        let wills = collect(&scheduler, &watcher.subscribe("will", Qos::AtLeastOnce).unwrap(), usize::MAX);

        // Both have ended in the run: one is cut off, and does not come back; one is stopped.
        let lost =
            options(proxy.address()).version(version).client_id("lost").will(Message::new("will", "lost")).unwrap();
        let lost = schedule(&scheduler, lost.retry(thingflow_core::Backoff::constant(HOUR)));
        lost.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
        let clean = options(broker.address()).version(version).client_id("clean");
        let clean = Client::new(clean.will(Message::new("will", "clean")).unwrap());
        clean.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
        let handle = scheduler.schedule_on_main_event_loop(clean.thing()).unwrap();
        let here = Rc::new(Cell::new(0));
        for client in [&watcher, &lost, &clean] {
            let here = here.clone();
            client.status().for_each(move |status| {
                here.set(here.get() + u32::from(matches!(status, Status::Connected { .. })));
            });
        }
        let there = proxy.clone();
        when(
            &scheduler,
            move || here.get() == 3,
            move || {
                there.cut();
                handle.cancel();
            },
        );
        let (log, had, stopper) = (broker.clone(), wills.clone(), scheduler.stopper());
        let over = move || had.borrow().len() == 1 && log.log().contains("Received DISCONNECT from clean");
        when(&scheduler, over, move || stopper.stop());
        scheduler.run_forever().unwrap();
        assert_eq!(texts(&wills), ["lost"], "{version:?}");
    }
}

#[test]
fn a21_a_clean_stop_keeps_the_subscriptions_of_a_kept_session() {
    let broker = Rc::new(Mosquitto::start());
    for version in [Version::V3_1_1, Version::V5] {
        let id = format!("kept-{version:?}").replace('_', "-");
        let kept = || options(broker.address()).version(version).keep_session(HOUR).client_id(&id);
        let mut first = new_scheduler();
        let client = schedule(&first, kept());
        client.subscribe("news", Qos::AtLeastOnce).unwrap().for_each(drop);
        let (stopper, log, answer) = (first.stopper(), broker.clone(), format!("Sending SUBACK to {id}"));
        when(&first, move || log.log().contains(&answer), move || stopper.stop());
        first.run_forever().unwrap();

        let mut meanwhile = new_scheduler();
        let other = schedule(&meanwhile, options(broker.address()));
        publish(&meanwhile, &other, "news", 0, 3, Qos::AtLeastOnce);
        meanwhile.run_forever().unwrap();

        let mut second = new_scheduler();
        let client = schedule(&second, kept());
        let seen = collect(&second, &client.subscribe("news", Qos::AtLeastOnce).unwrap(), 3);
        second.run_forever().unwrap();
        assert_eq!(texts(&seen), ["0", "1", "2"], "{version:?}");
    }
}

#[test]
fn a22_availability_and_announcements_come_again_after_each_connection_and_at_a_birth() {
    let broker = Broker::start().unwrap();
    let mut scheduler = new_scheduler();
    let announced = Options::new(&broker.address()).unwrap().availability("lamp/status").unwrap();
    let announced = announced.announce(Message::new("homeassistant/lamp/config", "{}").retained()).unwrap();
    let announced = announced.announce_on("homeassistant/status", "online").unwrap();
    let client = schedule(&scheduler, announced.retry(thingflow_core::Backoff::constant(Duration::from_millis(10))));
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    let broker = Rc::new(broker);
    let (there, stopper) = (broker.clone(), scheduler.stopper());
    let mut step = 0;
    let watch = interval(Duration::from_millis(5)).connect(call(move |_| {
        let said = there.published("homeassistant/lamp/config").len();
        match (step, said) {
            (0, 1) => there.cut(),
            (1, 2) => there.publish(Message::new("homeassistant/status", "offline")),
            (2, 2) => there.publish(Message::new("homeassistant/status", "online")),
            (3, 3) => stopper.stop(),
            _ => return,
        }
        step += 1;
    }));
    scheduler.schedule_recurring(watch).unwrap();
    scheduler.run_forever().unwrap();
    assert!(
        broker
            .wait_until(Duration::from_secs(5), |broker| broker.retained("lamp/status").as_deref() == Some("offline"))
    );
    let said = broker.published("lamp/status");
    assert_eq!(said.iter().filter(|said| *said == "online").count(), 3, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("offline"));
}

#[test]
fn a22_discovery_and_the_last_state_come_again_after_each_connection_and_at_the_birth_of_home_assistant() {
    use thingflow_adapters::mqtt::Device;
    let broker = Rc::new(Broker::start().unwrap());
    let mut scheduler = new_scheduler();
    let device = Device::new("lab", "Lab").entities("lab/lux", &20.5).unwrap();
    let options = Options::new(&broker.address()).unwrap().availability("lab/status").unwrap();
    let options =
        options.discovery(&device).unwrap().retry(thingflow_core::Backoff::constant(Duration::from_millis(10)));
    let client = schedule(&scheduler, options);
    client.subscribe("x", Qos::AtMostOnce).unwrap().for_each(drop);
    publish(&scheduler, &client, "lab/lux", 1, 3, Qos::AtLeastOnce);
    let config = "homeassistant/sensor/lab/lux/config";
    let said = |broker: &Rc<Broker>, topic: &'static str, n: usize| {
        let broker = broker.clone();
        move || broker.published(topic).len() == n
    };
    let there = broker.clone();
    when(&scheduler, said(&broker, "lab/lux", 3), move || there.cut());
    let there = broker.clone();
    when(&scheduler, said(&broker, "lab/lux", 4), move || {
        there.publish(Message::new("homeassistant/status", "online"));
    });
    let stopper = scheduler.stopper();
    when(&scheduler, said(&broker, "lab/lux", 5), move || stopper.stop());
    scheduler.run_forever().unwrap();
    assert_eq!(broker.published("lab/lux"), ["1", "2", "3", "3", "3"]);
    assert_eq!(broker.published(config).len(), 3);
    let config = broker.retained(config).unwrap();
    for part in [r#""availability_topic":"lab/status""#, r#""unit_of_measurement":"lx""#, r#""state_topic":"lab/lux""#]
    {
        assert!(config.contains(part), "{part} in {config}");
    }
}
