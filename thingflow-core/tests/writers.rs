//! `check_writer`: it passes a good writer, and finds what is wrong with the others.
#![cfg(feature = "std")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thingflow_core::testing::{Store, Weather, check_writer};
use thingflow_core::{Batch, Refusal, StreamError, Worker};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// Says that all is done when half of it is.
    Loses,
    /// A connection that breaks off loses what it was given.
    DropsWhenAway,
    /// Sends again what is done, and stores it again.
    Doubles,
    Reorders,
    HidesPoison,
    BlamesEvents,
    BlamesThePeer,
    NoReason,
}

#[derive(Clone)]
struct List {
    flaw: Flaw,
    state: Arc<Mutex<(Vec<u64>, bool)>>,
}

struct Writer {
    list: List,
    wrong: bool,
}

const POISON: u64 = 1 << 40;

impl List {
    fn state(&self) -> MutexGuard<'_, (Vec<u64>, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn away() -> Refusal {
    Refusal::Peer(StreamError::new("away"))
}

impl Worker<u64> for Writer {
    fn connect(&mut self) -> Result<(), Refusal> {
        match self.wrong {
            true if self.list.flaw == Flaw::BlamesThePeer => Ok(()),
            true => Err(Refusal::Setup(StreamError::new("wrong password"))),
            false => Ok(()),
        }
    }
    fn work(&mut self, batch: &mut Batch<u64>) -> Result<(), Refusal> {
        let flaw = self.list.flaw;
        let mut state = self.list.state();
        if flaw == Flaw::Reorders && !state.1 {
            let rows: Vec<u64> = batch.iter().copied().collect();
            if !rows.contains(&POISON) {
                state.0.extend(rows.into_iter().rev());
                return Ok(());
            }
        }
        while let Some(row) = batch.first().copied() {
            if state.1 {
                if flaw == Flaw::DropsWhenAway {
                    batch.done(1);
                }
                let blames = flaw == Flaw::BlamesEvents && !batch.is_empty();
                return Err(if blames { Refusal::Event { index: 0, error: StreamError::new("?") } } else { away() });
            }
            if row == POISON {
                if flaw == Flaw::HidesPoison {
                    batch.done(1);
                    continue;
                }
                let reason = if flaw == Flaw::NoReason { "" } else { "poison" };
                return Err(Refusal::Event { index: 0, error: StreamError::new(reason) });
            }
            let lost = flaw == Flaw::Loses && row % 50 == 7;
            if !lost && (flaw == Flaw::Doubles || !state.0.contains(&row)) {
                state.0.push(row);
            }
            batch.done(1);
        }
        Ok(())
    }
}

impl Store for List {
    type Event = u64;
    type Writer = Writer;
    fn writer(&mut self) -> Writer {
        Writer { list: self.clone(), wrong: false }
    }
    fn wrong_writer(&mut self) -> Option<Writer> {
        Some(Writer { list: self.clone(), wrong: true })
    }
    fn event(&self, number: u64) -> u64 {
        number
    }
    fn poison(&self) -> Option<u64> {
        Some(POISON)
    }
    fn disturb(&mut self, weather: Weather) {
        self.state().1 = weather != Weather::Calm;
    }
    fn stored(&mut self) -> Vec<u64> {
        self.state().0.clone()
    }
}

fn check(flaw: Flaw) -> Result<(), String> {
    let checked = catch_unwind(AssertUnwindSafe(|| check_writer(|| List { flaw, state: Arc::default() })));
    checked.map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_good_writer_passes() {
    assert_eq!(check(Flaw::None), Ok(()));
}

#[test]
fn a34_each_flaw_is_found_and_named() {
    let flaws = [
        (Flaw::Loses, "missing: [7, 57"),
        (Flaw::DropsWhenAway, "should be stored"),
        (Flaw::Doubles, "should be stored"),
        (Flaw::Reorders, "in order: false"),
        (Flaw::HidesPoison, "should count as delivered"),
        (Flaw::BlamesEvents, "should count as delivered"),
        (Flaw::BlamesThePeer, "`Refusal::Setup`"),
        (Flaw::NoReason, "with a reason"),
    ];
    for (flaw, part) in flaws {
        let found = check(flaw);
        assert!(found.as_ref().is_err_and(|text| text.contains(part)), "{flaw:?}: {found:?}");
    }
}
