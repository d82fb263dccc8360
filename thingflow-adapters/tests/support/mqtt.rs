//! What the tests of the MQTT client share.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::proxy::{Proxy, Way};
use thingflow_adapters::mqtt::{Client, Message, Options, Qos, Received};
use thingflow_core::Backoff;
use thingflow_core::prelude::*;

/// A client of a broker, with short waits.
pub(crate) fn options(broker: SocketAddr) -> Options {
    let options = Options::new(&format!("mqtt://{broker}")).expect("it is an address");
    options.retry(Backoff::constant(Duration::from_millis(20)))
}

/// Calls `act` once, when so much time has passed.
pub(crate) fn after(scheduler: &Scheduler, d: Duration, mut act: impl FnMut() + 'static) {
    let late = from_iter([()]).map(move |()| act()).connect(call(drop));
    scheduler.schedule_later_one_time(late, d).expect("it is this scheduler's");
}

/// Calls `act` once, as soon as something holds.
pub(crate) fn when(scheduler: &Scheduler, mut holds: impl FnMut() -> bool + 'static, act: impl FnOnce() + 'static) {
    let mut act = Some(act);
    let look = call_while(move |_| {
        let now = holds();
        if now && let Some(act) = act.take() {
            act();
        }
        !now
    });
    scheduler.schedule_recurring(interval(Duration::from_millis(2)).connect(look)).expect("it is this scheduler's");
}

/// Publishes numbered messages to `topic` from the moment on that `begins` says so.
pub(crate) fn publish_when(
    scheduler: &Scheduler,
    client: &Client,
    begins: impl Fn() -> bool + 'static,
    messages: impl Iterator<Item = Message> + 'static,
) {
    let mut messages = messages.fuse();
    let source = interval(Duration::from_millis(1)).filter(move |_| begins());
    let source = source.map(move |_| messages.next()).take_while(Option::is_some).filter_map(|message| message);
    scheduler.schedule_recurring(source.connect(client.publisher())).expect("it is this scheduler's");
}

/// How many packets of a kind went by.
pub(crate) fn count(proxy: &Proxy, way: Way, kind: u8) -> usize {
    packets(&proxy.seen(way)).iter().filter(|packet| packet.kind == kind).count()
}

/// Kinds of packets.
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const SUBACK: u8 = 9;

/// What is received by a subscription; the run stops at the `n`th message.
pub(crate) fn collect(scheduler: &Scheduler, port: &Port<Received>, n: usize) -> Rc<RefCell<Vec<Received>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (kept, stopper) = (seen.clone(), scheduler.stopper());
    port.for_each(move |message| {
        kept.borrow_mut().push(message);
        if kept.borrow().len() == n {
            stopper.stop();
        }
    });
    seen
}

/// The payloads as text.
pub(crate) fn texts(seen: &RefCell<Vec<Received>>) -> Vec<String> {
    seen.borrow().iter().map(|message| message.text().into_owned()).collect()
}

/// Publishes numbered messages to `topic`, one every few milliseconds, from `first` on.
pub(crate) fn publish(scheduler: &Scheduler, client: &Client, topic: &'static str, first: usize, n: usize, qos: Qos) {
    let messages = (first..first + n).map(move |n| Message::new(topic, n.to_string()).qos(qos));
    let source = from_iter(messages).connect(client.publisher());
    scheduler.schedule_periodic(source, Duration::from_millis(2)).expect("it is this scheduler's");
}

/// A client that is connected for as long as the run takes.
pub(crate) fn schedule(scheduler: &Scheduler, options: Options) -> Client {
    let client = Client::new(options);
    scheduler.schedule_on_main_event_loop(client.thing()).expect("it is this scheduler's");
    client
}

/// A packet of MQTT as it was seen on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The upper half of the first byte: 1 is CONNECT, 3 PUBLISH, 14 DISCONNECT.
    pub(crate) kind: u8,
    pub(crate) dup: bool,
    /// Of a PUBLISH of QoS 1 or 2, and of what answers one.
    pub(crate) id: Option<u16>,
    /// Of a PUBLISH by MQTT 3.1.1.
    pub(crate) payload: String,
}

/// Reads the packets of MQTT 3.1.1 in bytes that went over a wire; the last one may be cut.
pub(crate) fn packets(mut bytes: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some((packet, rest)) = packet(bytes) {
        seen.push(packet);
        bytes = rest;
    }
    seen
}

fn packet(bytes: &[u8]) -> Option<(Seen, &[u8])> {
    let (&first, mut rest) = bytes.split_first()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let (&digit, others) = rest.split_first()?;
        rest = others;
        length |= usize::from(digit & 0x7f) << shift;
        shift += 7;
        if digit < 0x80 {
            break;
        }
    }
    let (body, rest) = (rest.get(..length)?, &rest[length..]);
    let number = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let (kind, dup, qos) = (first >> 4, first & 8 != 0, first >> 1 & 3);
    let (mut id, mut payload) = (None, String::new());
    if kind == 3 {
        let mut at = 2 + usize::from(number(0)?);
        if qos > 0 {
            id = number(at);
            at += 2;
        }
        payload = String::from_utf8_lossy(body.get(at..)?).into_owned();
    } else if (4..=7).contains(&kind) {
        id = number(0);
    }
    Some((Seen { kind, dup, id, payload }, rest))
}
