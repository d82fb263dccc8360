//! MQTT 3.1.1 on a blocking socket: as much of it as the workload needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;
use crate::child::Readings;
use crate::feeding::{INPUT, OUTPUT, Sent};
use crate::machine::cpu_time;

/// What comes, but for what is answered without a word.
#[derive(Debug)]
pub enum Packet<'a> {
    /// The payload of a message.
    Message(&'a [u8]),
    /// The other side has a message of ours.
    Acknowledged,
}

/// A connection to a broker.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
    /// How far `input` is filled.
    filled: usize,
    output: Vec<u8>,
    id: u16,
}

impl Wire {
    /// Connects, with a clean session.
    pub fn connect(broker: SocketAddr, id: &str) -> Result<Self> {
        let stream = TcpStream::connect(broker)?;
        stream.set_nodelay(true)?;
        let mut wire = Self { stream, input: vec![0; 65_536], filled: 0, output: Vec::new(), id: 0 };
        let mut body = b"\x00\x04MQTT\x04\x02\x00\x3c".to_vec();
        put_text(&mut body, id);
        wire.put(0x10, &body);
        wire.flush()?;
        wire.expect(0x20)?;
        Ok(wire)
    }

    /// Subscribes, and waits until that is so.
    pub fn subscribe(&mut self, topic: &str, qos: u8) -> Result<()> {
        let mut body = vec![0, 1];
        put_text(&mut body, topic);
        body.push(qos);
        self.put(0x82, &body);
        self.flush()?;
        self.expect(0x90)
    }

    /// How long a read may wait.
    pub fn set_patience(&self, patience: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(patience))?)
    }

    /// Puts a message behind what is to be sent.
    pub fn publish(&mut self, topic: &str, payload: &[u8], qos: u8) {
        let length = 2 + topic.len() + if qos > 0 { 2 } else { 0 } + payload.len();
        self.output.push(0x30 | qos << 1);
        put_length(&mut self.output, length);
        put_text(&mut self.output, topic);
        if qos > 0 {
            self.id = if self.id == u16::MAX { 1 } else { self.id + 1 };
            self.output.extend_from_slice(&self.id.to_be_bytes());
        }
        self.output.extend_from_slice(payload);
    }

    /// Sends what is to be sent.
    pub fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.output)?;
        self.output.clear();
        Ok(())
    }

    /// Reads once, and hands out what is whole; messages of QoS 1 are acknowledged with the next flush.
    pub fn read(&mut self, mut each: impl FnMut(Packet<'_>) -> Result<()>) -> Result<()> {
        let n = self.stream.read(&mut self.input[self.filled..])?;
        if n == 0 {
            return Err("the broker hangs up".into());
        }
        self.filled += n;
        let mut at = 0;
        while let Some((first, body, end)) = packet(&self.input[at..self.filled]) {
            let body = &self.input[at + body..at + end];
            match first >> 4 {
                3 => {
                    let mut start = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
                    if first >> 1 & 3 == 1 {
                        self.output.extend_from_slice(&[0x40, 2, body[start], body[start + 1]]);
                        start += 2;
                    }
                    each(Packet::Message(&body[start..]))?;
                }
                4 => each(Packet::Acknowledged)?,
                _ => {}
            }
            at += end;
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }

    fn expect(&mut self, kind: u8) -> Result<()> {
        loop {
            let n = self.stream.read(&mut self.input[self.filled..])?;
            self.filled += n;
            if let Some((first, _, end)) = packet(&self.input[..self.filled]) {
                self.input.copy_within(end..self.filled, 0);
                self.filled -= end;
                return if first == kind { Ok(()) } else { Err(format!("the broker says {first:#x}").into()) };
            }
            if n == 0 {
                return Err("the broker hangs up".into());
            }
        }
    }

    fn put(&mut self, first: u8, body: &[u8]) {
        self.output.push(first);
        put_length(&mut self.output, body.len());
        self.output.extend_from_slice(body);
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u16).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length > 127 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

/// The first byte, where the body begins, where the packet ends; nothing unless it is whole.
fn packet(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (mut length, mut at) = (0, 1);
    loop {
        let digit = *bytes.get(at)?;
        length |= usize::from(digit & 0x7f) << (7 * (at - 1));
        at += 1;
        if digit < 0x80 {
            break;
        }
    }
    (bytes.len() >= at + length).then_some((bytes[0], at, at + length))
}

/// Reads `n` readings, publishes the results, and waits until all is acknowledged.
pub fn run(broker: SocketAddr, qos: u8, n: u64) -> Result<Readings> {
    let mut wire = Wire::connect(broker, "hand")?;
    wire.subscribe(INPUT, qos)?;
    let (mut begin, mut sum, mut last, mut open) = (None, 0.0, 0, 0_u64);
    let mut results: Vec<Vec<u8>> = Vec::new();
    while last < n || open > 0 {
        wire.read(|packet| {
            let Packet::Message(payload) = packet else {
                open -= 1;
                return Ok(());
            };
            let reading: Sent = serde_json::from_slice(payload)?;
            last = reading.n;
            if last == 1 {
                begin = Some(cpu_time());
            }
            if reading.is_kept() {
                let result = reading.mapped();
                sum += if last > 0 { result.lux } else { 0.0 };
                results.push(serde_json::to_vec(&result)?);
            }
            Ok(())
        })?;
        open += if qos > 0 { results.len() as u64 } else { 0 };
        for result in results.drain(..) {
            wire.publish(OUTPUT, &result, qos);
        }
        wire.flush()?;
    }
    let cost = cpu_time().saturating_sub(begin.unwrap_or_default());
    Ok(Readings::default().with("us", cost.as_secs_f64() * 1e6 / n as f64).with("result", sum))
}
