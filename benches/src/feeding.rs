//! The other side of the group `mqtt`: who publishes what the subjects read, and hears what they publish.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Result;
use crate::event::Events;
use crate::subjects::hand::mqtt::{Packet, Wire};

/// Where readings come from, and where results go.
pub const INPUT: &str = "bench/in";
/// Where results go.
pub const OUTPUT: &str = "bench/out";

/// Messages that are sent at once, and how many of them may be under way.
const CHUNK: usize = 250;
const UNDER_WAY: usize = 4 * CHUNK;

/// How long the subject may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reading as it is sent: what every subject parses.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Sent {
    /// Its number, from 1; 0 asks whether anybody is there.
    pub n: u64,
    /// Which sensor.
    pub id: u32,
    /// The reading.
    pub lux: f64,
}

impl Sent {
    /// Whether it is kept: half of them are.
    pub fn is_kept(&self) -> bool {
        self.lux < 64.0
    }

    /// What is made of it.
    pub fn mapped(self) -> Self {
        Self { lux: self.lux * 0.5 + 1.0, ..self }
    }
}

/// Publishes `n` readings, as fast as they are dealt with, or at so many a second; until the results are there. How long that
/// took.
pub fn feed(broker: SocketAddr, qos: u8, n: u64, rate: Option<u32>) -> Result<Duration> {
    let mut wire = Wire::connect(broker, "feeder")?;
    wire.subscribe(OUTPUT, qos)?;
    wait_for_the_subject(&mut wire)?;
    let start = Instant::now();
    let readings = Events::new(n, Events::SEED).zip(1_u64..).map(|(event, n)| Sent { n, id: event.id, lux: event.val });
    let (mut sent, mut expected, mut heard) = (0_u64, 0, 0);
    for reading in readings {
        expected += usize::from(reading.is_kept());
        wire.publish(INPUT, &serde_json::to_vec(&reading)?, qos);
        sent += 1;
        match rate {
            Some(rate) => {
                wire.flush()?;
                let due = start + Duration::from_secs(sent) / rate;
                while Instant::now() < due {
                    heard += take(&mut wire, due)?;
                }
            }
            None if sent % CHUNK as u64 == 0 => {
                wire.flush()?;
                let deadline = Instant::now() + PATIENCE;
                while expected - heard > UNDER_WAY / 2 {
                    heard += take(&mut wire, deadline)?;
                    late(deadline)?;
                }
            }
            None => {}
        }
    }
    wire.flush()?;
    let deadline = Instant::now() + PATIENCE;
    while heard < expected {
        heard += take(&mut wire, deadline)?;
        late(deadline)?;
    }
    Ok(start.elapsed())
}

/// Knocks until an answer comes, and no more.
fn wait_for_the_subject(wire: &mut Wire) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut answers = 0;
    while answers == 0 {
        wire.publish(INPUT, &serde_json::to_vec(&Sent { n: 0, id: 0, lux: 0.0 })?, 0);
        wire.flush()?;
        answers = take(wire, Instant::now() + Duration::from_millis(50))?;
        late(deadline)?;
    }
    while take(wire, Instant::now() + Duration::from_millis(200))? > 0 {}
    Ok(())
}

fn late(deadline: Instant) -> Result<()> {
    if Instant::now() < deadline { Ok(()) } else { Err("the subject does not answer".into()) }
}

/// How many results have come; waits for some until then.
fn take(wire: &mut Wire, until: Instant) -> Result<usize> {
    let patience = until.saturating_duration_since(Instant::now()).max(Duration::from_micros(20));
    wire.set_patience(patience)?;
    let mut results = 0;
    match wire.read(|packet| {
        results += usize::from(matches!(packet, Packet::Message(_)));
        Ok(())
    }) {
        Ok(()) => {}
        Err(error) => match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return Err(error),
        },
    }
    wire.flush()?;
    Ok(results)
}
