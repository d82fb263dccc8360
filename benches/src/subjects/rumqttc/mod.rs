//! `rumqttc`, by its blocking client.

use std::net::SocketAddr;

use rumqttc::{Client, Event, Incoming, MqttOptions, QoS};

use crate::Result;
use crate::child::Readings;
use crate::feeding::{INPUT, OUTPUT, Sent};
use crate::machine::cpu_time;

/// Reads `n` readings, publishes the results, and waits until all is acknowledged.
pub fn run(broker: SocketAddr, qos: u8, n: u64) -> Result<Readings> {
    let qos = if qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let mut options = MqttOptions::new("rumqttc", broker.ip().to_string(), broker.port());
    options.set_inflight(1000);
    let (client, mut connection) = Client::new(options, 10_000);
    client.subscribe(INPUT, qos)?;
    let (mut begin, mut sum, mut last, mut open) = (None, 0.0, 0, 0_u64);
    for event in connection.iter() {
        match event? {
            Event::Incoming(Incoming::Publish(message)) => {
                let reading: Sent = serde_json::from_slice(&message.payload)?;
                last = reading.n;
                if last == 1 {
                    begin = Some(cpu_time());
                }
                if reading.is_kept() {
                    let result = reading.mapped();
                    sum += if last > 0 { result.lux } else { 0.0 };
                    client.try_publish(OUTPUT, qos, false, serde_json::to_vec(&result)?)?;
                    open += 1;
                }
            }
            Event::Incoming(Incoming::PubAck(_)) => open -= 1,
            Event::Outgoing(rumqttc::Outgoing::Publish(_)) if qos == QoS::AtMostOnce => open -= 1,
            _ => {}
        }
        if last == n && open == 0 {
            break;
        }
    }
    let cost = cpu_time().saturating_sub(begin.unwrap_or_default());
    Ok(Readings::default().with("us", cost.as_secs_f64() * 1e6 / n as f64).with("result", sum))
}
