//! A ring on a model of flash whose power is cut at every write.

use std::cell::RefCell;
use std::time::Duration;

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};
use thingflow_core::prelude::*;
use thingflow_core::testing::ListSensor;
use thingflow_core::{Sampled, bare};
use thingflow_flash::{FlashError, FlashRing, Keep};

const PAGE: usize = 128;
const PAGES: usize = 5;
const RANGE: std::ops::Range<u32> = 0..(PAGE * PAGES) as u32;

/// Flash in memory. After so many words and erasures its power is gone, in the middle of one.
#[derive(Clone)]
struct Model {
    bytes: Vec<u8>,
    erased: Vec<u32>,
    /// Words and erasures done.
    done: usize,
    cut_at: usize,
    /// What is left of a word or a page that was cut.
    torn: u8,
}

#[derive(Debug, PartialEq)]
enum Failed {
    PowerCut,
    Misused(NorFlashErrorKind),
}

impl NorFlashError for Failed {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Model {
    fn new() -> Self {
        Self { bytes: vec![0xff; PAGE * PAGES], erased: vec![0; PAGES], done: 0, cut_at: usize::MAX, torn: 0 }
    }

    /// The power is back.
    fn again(mut self) -> Self {
        self.cut_at = usize::MAX;
        self
    }

    /// Whether there is power for another step; once it is gone it stays so.
    fn step(&mut self) -> Result<bool, Failed> {
        self.done += 1;
        if self.done > self.cut_at { Err(Failed::PowerCut) } else { Ok(self.done < self.cut_at) }
    }
}

impl ErrorType for Model {
    type Error = Failed;
}

impl ReadNorFlash for Model {
    const READ_SIZE: usize = 1;
    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failed> {
        check_read(self, offset, bytes.len()).map_err(Failed::Misused)?;
        if self.done >= self.cut_at {
            return Err(Failed::PowerCut);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }
    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Model {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Failed> {
        check_erase(self, from, to).map_err(Failed::Misused)?;
        for page in from as usize / PAGE..to as usize / PAGE {
            let whole = self.step()?;
            self.erased[page] += 1;
            let bytes = &mut self.bytes[page * PAGE..][..PAGE];
            let part = if whole { PAGE } else { PAGE * usize::from(self.torn) / 3 };
            bytes[..part].fill(0xff);
            if !whole {
                return Err(Failed::PowerCut);
            }
        }
        Ok(())
    }
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        check_write(self, offset, bytes.len()).map_err(Failed::Misused)?;
        for (at, word) in (offset as usize..).step_by(4).zip(bytes.chunks(4)) {
            let whole = self.step()?;
            for (byte, (cell, bits)) in self.bytes[at..at + 4].iter_mut().zip(word).enumerate() {
                let torn = !whole && byte >= usize::from(self.torn);
                *cell &= if torn { 0xff } else { *bits };
            }
            if !whole {
                return Err(Failed::PowerCut);
            }
        }
        Ok(())
    }
}

impl MultiwriteNorFlash for Model {}

type Ring = FlashRing<Model, 32>;

fn record(number: u32) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(4 + number as usize % 13, number as u8); // of different lengths
    bytes
}

fn number_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().expect("a record has four bytes at least"))
}

fn numbers(ring: &mut Ring) -> Vec<u32> {
    let mut numbers = Vec::new();
    ring.for_each(|bytes| {
        let number = number_of(bytes);
        assert_eq!(bytes, record(number), "a record is whole or is not there");
        numbers.push(number);
    })
    .expect("the flash is fine");
    numbers
}

/// What a program does, until the power is cut: what was pushed, what was acknowledged, and whether it got to the end.
fn run(ring: &mut Ring, from: u32, to: u32) -> (u32, u32, bool) {
    let (mut pushed, mut acknowledged) = (from, from);
    for number in from..to {
        if ring.push(&record(number)).is_err() {
            return (pushed, acknowledged, false);
        }
        pushed = number + 1;
        if number % 4 == 3 {
            let Ok(Some(oldest)) = ring.oldest() else { return (pushed, acknowledged, false) };
            let oldest = number_of(oldest);
            if ring.acknowledge().is_err() {
                return (pushed, acknowledged, false);
            }
            acknowledged = oldest + 1;
        }
    }
    (pushed, acknowledged, true)
}

/// So many of the latest records are there in any case: those that fill all pages but two.
const SURELY: u32 = 9;

#[test]
fn whatever_write_is_cut_each_record_is_there_whole_or_not_at_all() {
    let mut whole = Ring::open(Model::new(), RANGE).unwrap();
    assert!(run(&mut whole, 0, 60).2);
    let steps = whole.into_flash().done;
    assert!(steps > 300, "{steps}");
    for cut_at in 1..=steps {
        for torn in 0..4 {
            let model = Model { cut_at, torn, ..Model::new() };
            let mut ring = Ring::open(model, RANGE).unwrap();
            let (pushed, acknowledged, _) = run(&mut ring, 0, 60);

            let mut ring = Ring::open(ring.into_flash().again(), RANGE).unwrap();
            let kept = numbers(&mut ring);
            let place =
                format!("cut at {cut_at}, torn {torn}: pushed {pushed}, acknowledged {acknowledged}, kept {kept:?}");
            assert!(kept.windows(2).all(|two| two[1] == two[0] + 1), "a gap: {place}");
            // The record being pushed may be there, the one being acknowledged may be gone.
            let newest = kept.last().map_or(acknowledged, |last| last + 1);
            assert!(
                newest == pushed || newest == pushed + 1 || kept.is_empty() && pushed <= acknowledged + 1,
                "lost: {place}"
            );
            let oldest = kept.first().copied().unwrap_or(pushed);
            assert!(oldest >= acknowledged, "again: {place}");
            assert!(oldest <= (acknowledged + 1).max(pushed.saturating_sub(SURELY)), "lost: {place}");

            // And the ring goes on.
            assert!(run(&mut ring, 100, 130).2, "{place}");
            assert_eq!(numbers(&mut ring).last(), Some(&129), "{place}");
        }
    }
}

#[test]
fn all_pages_wear_alike() {
    let mut ring = Ring::open(Model::new(), RANGE).unwrap();
    for number in 0..2_000 {
        ring.push(&record(number)).unwrap();
    }
    assert!(numbers(&mut ring).len() >= SURELY as usize);
    let erased = ring.into_flash().erased;
    let (least, most) = (erased.iter().min().unwrap(), erased.iter().max().unwrap());
    assert!(*least > 50 && most - least <= 1, "{erased:?}");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    assert_eq!(Ring::open(Model::new(), 0..PAGE as u32).unwrap_err(), FlashError::Range);
    assert_eq!(Ring::open(Model::new(), 1..RANGE.end).unwrap_err(), FlashError::Range);
    assert_eq!(Ring::open(Model::new(), 0..RANGE.end * 2).unwrap_err(), FlashError::Range);
    let mut ring = Ring::open(Model::new(), RANGE).unwrap();
    assert_eq!(ring.push(&[0; 33]), Err(FlashError::TooLarge));
    assert_eq!(ring.oldest(), Ok(None));
    assert_eq!(ring.acknowledge(), Ok(false));
    ring.push(&record(7)).unwrap();
    ring.erase().unwrap();
    assert_eq!(numbers(&mut ring), []);
}

#[test]
fn readings_wait_in_flash_until_the_host_is_there() {
    let ring = RefCell::new(FlashRing::<_, 64>::open(Model::new(), RANGE).unwrap());
    let encode = |event: &SensorEvent<u16>, buffer: &mut [u8]| {
        postcard::to_slice(&(event.ts, event.val), buffer).ok().map(|bytes| bytes.len())
    };
    let mut lux = Flow::new(Sampled::new(ListSensor::new("lux", [20u16, 24, 31]))).to(Keep::new(&ring, encode));
    let mut scheduler = bare::Scheduler::<1>::with_tick(Duration::from_secs(1));
    scheduler.schedule_periodic(&mut lux, Duration::from_secs(1)).unwrap();
    scheduler.run_due(0).unwrap();
    while let Some(ticks) = scheduler.run_due(1).unwrap() {
        assert!(ticks <= 1);
    }
    let mut sent = Vec::new();
    let mut ring = ring.borrow_mut();
    while let Some(record) = ring.oldest().unwrap() {
        sent.push(postcard::from_bytes::<(Timestamp, u16)>(record).unwrap()); // here: over the serial line
        ring.acknowledge().unwrap();
    }
    assert_eq!(sent, [(0, 20), (1, 24), (2, 31)].map(|(second, lux)| (Timestamp::from_secs(second), lux)));
}
