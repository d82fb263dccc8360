//! Readings on disk by hand: MessagePack in the plainest append, and the averages of a recorded day.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Plain, Queue};
use crate::Result;
use crate::event::Events;

/// Readings that are synced together.
const AT_ONCE: usize = 256;

#[derive(Debug, Serialize, Deserialize)]
struct Reading {
    sensor: u32,
    ts: i64,
    val: f64,
}

/// Each reading onto a file and off it, over 64 or not, counted.
pub fn outbox(events: Events) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let (mut queue, mut batch, mut over) = (Plain::open(folder.path())?, Vec::new(), 0);
    let mut events = events.peekable();
    while let Some(event) = events.next() {
        let reading = Reading { sensor: event.id, ts: event.ts.cast_signed(), val: event.val };
        batch.push(rmp_serde::to_vec_named(&reading)?);
        if batch.len() == AT_ONCE || events.peek().is_none() {
            queue.push(&batch)?;
            queue.take(batch.len())?;
            for bytes in batch.drain(..) {
                over += u64::from(rmp_serde::from_slice::<Reading>(&bytes)?.val > 64.0);
            }
        }
    }
    Ok(over)
}

/// Writes the readings of sensors, one a second each, one after the other.
pub fn record_day(folder: &Path, sensors: u32, seconds: u32) -> Result<()> {
    let mut bytes = Vec::new();
    for second in 0..seconds {
        for sensor in 0..sensors {
            let ts = i64::from(second + 1) * 1_000_000_000;
            let reading = rmp_serde::to_vec_named(&Reading { sensor, ts, val: super::reading(sensor, second) })?;
            bytes.extend((reading.len() as u32).to_le_bytes());
            bytes.extend(crc32c::crc32c(&reading).to_le_bytes());
            bytes.extend(reading);
        }
    }
    Ok(fs::write(folder.join("day"), bytes)?)
}

/// The averages of the last sixty readings of each sensor; their bits, summed up.
pub fn replay_day(folder: &Path, sensors: u32) -> Result<u64> {
    let bytes = fs::read(folder.join("day"))?;
    let mut rest = &bytes[..];
    let mut averages: Vec<_> = (0..sensors).map(|_| super::Sixty::default()).collect();
    let mut sum = 0_u64;
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (reading, behind) = behind.split_at_checked(word(0) as usize).ok_or("the file is cut")?;
        if crc32c::crc32c(reading) != word(4) {
            return Err("the file is damaged".into());
        }
        let reading: Reading = rmp_serde::from_slice(reading)?;
        let average = averages.get_mut(reading.sensor as usize).ok_or("no such sensor")?;
        sum = sum.wrapping_add(average.push(reading.val).to_bits());
        rest = behind;
    }
    Ok(sum)
}
