//! The check of readers finds what it says: readers that lose, repeat, swap, read what is not theirs, or hold up the run.
#![cfg(feature = "std")]

use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::{Feed, Weather, check_reader};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Loses,
    Repeats,
    Swaps,
    LosesWhatIsOnItsWay,
    StopsAfterTrouble,
    ReadsAnyway,
}

struct There {
    rows: Vec<u64>,
    read: usize,
    weather: Weather,
    was_cut: bool,
    has_repeated: bool,
}

/// A list whose reader has a fault.
#[derive(Clone)]
struct List {
    there: Rc<RefCell<There>>,
    fault: Fault,
    acknowledges: bool,
}

impl List {
    fn new(fault: Fault, acknowledges: bool) -> Self {
        let there = There { rows: Vec::new(), read: 0, weather: Weather::Calm, was_cut: false, has_repeated: false };
        Self { there: Rc::new(RefCell::new(there)), fault, acknowledges }
    }

    fn next(&self) -> Option<u64> {
        let mut there = self.there.borrow_mut();
        if there.weather != Weather::Calm || (there.was_cut && self.fault == Fault::StopsAfterTrouble) {
            return None;
        }
        let at = there.read;
        let row = there.rows.get(at).copied()?;
        there.read += 1;
        match (self.fault, at) {
            (Fault::Loses, 30) => None,
            (Fault::Repeats, 30) if !std::mem::replace(&mut there.has_repeated, true) => {
                there.read = 30;
                there.rows.get(29).copied()
            }
            (Fault::Swaps, 30) => there.rows.get(31).copied(),
            (Fault::Swaps, 31) => there.rows.get(30).copied(),
            _ => Some(row),
        }
    }
}

impl Feed for List {
    type Event = u64;

    fn start(&mut self, scheduler: &Scheduler) -> Port<u64> {
        let (list, port) = (self.clone(), Port::new());
        let rows = from_fn(move || Some(list.next())).filter_map(|row| row).connect(port.clone());
        scheduler.schedule_periodic(rows, Duration::from_micros(300)).expect("it is this scheduler's");
        port
    }
    fn start_wrong(&mut self, scheduler: &Scheduler) -> Option<Port<u64>> {
        (self.fault == Fault::ReadsAnyway).then(|| self.start(scheduler))
    }
    fn number(&self, row: &u64) -> u64 {
        *row
    }
    fn offer(&mut self, numbers: Range<u64>) {
        self.there.borrow_mut().rows.extend(numbers);
    }
    fn disturb(&mut self, weather: Weather) {
        let mut there = self.there.borrow_mut();
        there.weather = weather;
        if weather == Weather::Away {
            there.was_cut = true;
            if self.fault == Fault::LosesWhatIsOnItsWay && there.rows.len() > there.read {
                there.read += 1;
            }
        }
    }
    fn is_acknowledged(&self) -> bool {
        self.acknowledges
    }
}

fn complaint(fault: Fault, acknowledges: bool) -> Option<String> {
    let checked = catch_unwind(AssertUnwindSafe(|| check_reader(move || List::new(fault, acknowledges))));
    checked.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_reader_without_a_fault_passes() {
    assert_eq!(complaint(Fault::None, true), None);
    assert_eq!(complaint(Fault::None, false), None);
}

#[test]
fn what_is_on_its_way_may_be_lost_by_those_who_do_not_acknowledge() {
    assert_eq!(complaint(Fault::LosesWhatIsOnItsWay, false), None);
}

#[test]
fn each_fault_is_found_by_its_name() {
    let cases = [
        (Fault::Swaps, true, "in order: false"),
        (Fault::ReadsAnyway, true, "nothing is to be read"),
        (Fault::Repeats, false, "more than once"),
        (Fault::Loses, false, "it takes too long, or has lost something"),
        (Fault::LosesWhatIsOnItsWay, true, "the other side dies: it takes too long, or has lost something"),
        (Fault::StopsAfterTrouble, true, "the other side is away: it takes too long"),
    ];
    thread::scope(|all| {
        for (fault, acknowledges, why) in cases {
            all.spawn(move || {
                let said = complaint(fault, acknowledges).unwrap_or_default();
                assert!(said.contains(why), "{fault:?}: {said}");
            });
        }
    });
}
