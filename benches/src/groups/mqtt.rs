//! `mqtt`: JSON in, parsed, half of it kept, mapped, published; processor time a message and messages a second of a burst, with
//! mosquitto on loopback.

use std::env;
use std::net::SocketAddr;
use std::thread;

use super::{Group, names, number, subject, word};
use crate::child::{self, Readings};
use crate::feeding::feed;
use crate::figure::{Bound, OURS};
use crate::report::{Report, Values};
use crate::sampling::in_turns;
use crate::servers::mosquitto::Mosquitto;
use crate::subjects::{hand, mqttjs, rumqttc, thingflow};
use crate::{Result, args};

pub const GROUP: Group =
    Group { name: "mqtt", about: "JSON in, half of it out, through a broker", counts: false, measure, child };

type Subject = fn(SocketAddr, u8, u64) -> Result<Readings>;

const SUBJECTS: &[(&str, Subject)] = &[
    (OURS, thingflow::mqtt::run),
    ("hand, socket", hand::mqtt::run),
    ("rumqttc", rumqttc::run),
    (MQTT_JS, mqttjs::run),
];
const MQTT_JS: &str = "mqtt.js";

const TURNS: usize = 5;

/// A name, the quality of service, how many messages, how many a second, and what one may take in microseconds.
const WORK: [(&str, u8, u64, Option<u32>, f64); 3] = [
    ("1,000 messages a second, QoS 0, a message", 0, 4_000, Some(1_000), 25.0),
    ("burst, QoS 0, a message", 0, 200_000, None, 8.0),
    ("burst, QoS 1, a message", 1, 100_000, None, 10.0),
];

/// The broker drops nothing.
const BROKER: &str = "allow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n";

fn measure(report: &mut Report) {
    let has_node = env::var_os(mqttjs::MODULES).is_some();
    let subjects: Vec<&'static str> = names(SUBJECTS).into_iter().filter(|name| has_node || *name != MQTT_JS).collect();
    for (name, qos, n, rate, most) in WORK {
        eprintln!("  {name}");
        let fed = |subject: &'static str| -> Result<Readings> {
            let broker = Mosquitto::with(BROKER);
            let address = broker.address();
            thread::scope(|scope| {
                let feeder = scope.spawn(move || feed(address, qos, n, rate).map_err(|error| error.to_string()));
                let said = child::ask(args![GROUP.name, subject, address, qos, n])?;
                let took = feeder.join().map_err(|_| "the feeder has panicked")??;
                Ok(said.with("rate", n as f64 / took.as_secs_f64()))
            })
        };
        let medians = in_turns(&subjects, TURNS, fed, &["us", "result", "rate"]);
        let expected = medians.iter().find_map(|(_, row)| Some(row.as_ref().ok()?[1]));
        let judge = |row: Vec<f64>| -> Result<[f64; 2]> {
            match row[..] {
                [us, result, rate] if Some(result) == expected => Ok([us, rate / 1e3]),
                _ => Err("it found something else than the others".into()),
            }
        };
        let (mut times, mut rates) = (Values::new(), Values::new());
        for (subject, row) in medians {
            match row.and_then(judge) {
                Ok([us, thousands]) => {
                    times.push((subject, Ok(us)));
                    rates.push((subject, Ok(thousands)));
                }
                Err(error) => times.push((subject, Err(error))),
            }
        }
        report.add(GROUP.name, name, "us", times, Some(Bound::AtMost(most)));
        if rate.is_none() {
            let of_node =
                rates.iter().find_map(|(name, rate)| rate.as_ref().ok().filter(|_| *name == MQTT_JS).copied());
            report.add(GROUP.name, &format!("{name}, a second"), "k", rates, of_node.map(Bound::AtLeast));
        }
    }
}

/// `SUBJECT BROKER QOS MESSAGES`
fn child(args: &[String]) -> Result<Readings> {
    subject(SUBJECTS, word(args, 0)?)?(number(args, 1)?, number(args, 2)?, number(args, 3)?)
}
