//! Routing by rules: case 88 without its files, then the ends, the receipts and wrong keys.
#![cfg(feature = "alloc")]

mod support {
    pub(crate) mod call_with;
}

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

use support::call_with::call_with;

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn event(room: &'static str, val: i32) -> SensorEvent<i32> {
    SensorEvent { sensor_id: room.into(), ts: Timestamp::from_secs(i64::from(val)), val }
}

#[test]
fn case_88_by_sensor() {
    let port = Port::new();
    let routes = port
        .dispatch()
        .rule("dining-room", |e: &SensorEvent<i32>| e.sensor_id == "dining-room")
        .rule("living-room", |e| e.sensor_id == "living-room")
        .build();
    let (dining, living, others) = (Recorder::new(), Recorder::new(), Recorder::new());
    routes.port("dining-room").unwrap().map(|e| e.val).connect(dining.clone());
    routes.port("living-room").unwrap().map(|e| e.val).connect(living.clone());
    routes.default_port().map(|e| e.val).connect(others.clone());
    let cx = &mut context();
    for (room, val) in [("dining-room", 1), ("living-room", 2), ("living-room", 3), ("dining-room", 4)] {
        assert_eq!(port.emit(event(room, val), cx).unwrap(), Demand::More);
    }
    port.complete(cx).unwrap();
    assert_eq!([dining.text(), living.text(), others.text()], ["1 4 |", "2 3 |", "|"]);
}

#[test]
fn the_first_match_wins_and_rules_may_share_a_key() {
    let port = Port::<i32>::new();
    let routes =
        port.dispatch().rule("small", |x| *x < 3).rule("even", |x| x % 2 == 0).rule("small", |x| *x == 5).build();
    let (small, even, others) = (Recorder::new(), Recorder::new(), Recorder::new());
    routes.port("small").unwrap().connect(small.clone());
    routes.port("even").unwrap().connect(even.clone());
    routes.default_port().connect(others.clone());
    for x in 0..8 {
        let _ = port.emit(x, &mut context()).unwrap();
    }
    assert_eq!([small.text(), even.text(), others.text()], ["0 1 2 5", "4 6", "3 7"]);
    assert_eq!(routes.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["small", "even"]);
}

#[test]
fn case_13_a_wrong_key_is_refused_and_the_known_ones_are_listed() {
    let port = Port::<i32>::new();
    let routes = port.dispatch().rule("a", |_| true).rule("b", |_| true).build();
    let error = routes.port("nope").unwrap_err().to_string();
    assert_eq!(error, r#"there is no port "nope"; there are "a", "b", and the default port"#);
}

#[test]
fn an_error_goes_to_every_port() {
    let port = Port::<i32>::new();
    let routes = port.dispatch().rule("a", |_| true).build();
    let (a, others) = (Recorder::new(), Recorder::new());
    routes.port("a").unwrap().connect(a.clone());
    routes.default_port().connect(others.clone());
    port.fail(StreamError::new("broken"), &mut context()).unwrap();
    assert_eq!([a.text(), others.text()], ["! broken", "! broken"]);
}

/// Answers the same to every event.
fn answering(demand: Demand) -> impl InputThing<i32> + 'static {
    call_with(move |_, _| Ok(demand))
}

#[test]
fn the_source_is_done_when_no_port_is_listened_to() {
    let port = Port::<i32>::new();
    let routes = port.map(|x| x).dispatch().rule("even", |x| x % 2 == 0).rule("big", |x| *x > 9).build();
    routes.port("even").unwrap().connect(answering(Demand::Done));
    routes.port("big").unwrap().connect(answering(Demand::Full));
    let one = routes.default_port().connect(answering(Demand::More));
    let cx = &mut context();
    assert_eq!(port.emit(1, cx).unwrap(), Demand::More);
    assert_eq!(port.emit(11, cx).unwrap(), Demand::Full);
    one.disconnect();
    assert_eq!(port.emit(1, cx).unwrap(), Demand::More, "nobody hears it, but others listen");
    assert_eq!(port.emit(2, cx).unwrap(), Demand::More);
    assert_eq!(port.emit(4, cx).unwrap(), Demand::More, "the listener has gone, the rule stays");
    routes.port("big").unwrap().connect(answering(Demand::Done));
    assert!(port.is_listened());
}

#[test]
fn a_flow_is_given_back_to_be_scheduled() {
    let seen = Recorder::new();
    let (routes, mut flow) = from_iter(1..=4).dispatch().rule(true, |x| x % 2 == 0).build_with_end();
    routes.port(true).unwrap().connect(seen.clone());
    flow.run(&mut context()).unwrap();
    assert_eq!(seen.text(), "2 4 |");
}
