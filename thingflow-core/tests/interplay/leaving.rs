//! Who is let go when a reader leaves.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use thingflow_core::prelude::*;
use thingflow_core::testing::timed;
use thingflow_core::{Limit, PortRef, Question};

use super::Sent;
use super::clockwork::{Result, S, clockwork};

/// A source that is always listened to, and counts how often it is asked.
struct Listened(Rc<Cell<usize>>);

impl Ports for Listened {
    fn ports(&self, _: &mut dyn FnMut(PortRef)) {}
}

impl PortSource for Listened {
    fn send(&mut self, _: &mut Context<'_>) -> Sent {
        Ok(Demand::More)
    }
    fn answer(&self, question: Question<'_>) -> bool {
        self.0.set(self.0.get() + usize::from(matches!(question, Question::Open)));
        true
    }
}

#[test]
fn a_reader_that_leaves_has_few_others_asked_in_a_turn() -> Result {
    let (mut scheduler, asked, port) = (Scheduler::virtual_time()?, Rc::new(Cell::new(0)), Port::<i32>::new());
    for _ in 0..5000 {
        scheduler.schedule_periodic(Listened(asked.clone()), 3600 * S)?;
    }
    let (numbers, last) = (from_iter(1..).connect(port.clone()), port.for_each(drop));
    let handle = scheduler.schedule_periodic(numbers, 3600 * S)?;
    clockwork(&scheduler)?;
    scheduler.run_for(S)?;
    asked.set(0);
    for _ in 0..10 {
        port.for_each(drop).disconnect(); // another still listens
        scheduler.run_for(S)?;
    }
    assert_eq!(asked.get(), 0);
    last.disconnect();
    let mut turns = 0;
    while handle.is_active() {
        let before = asked.get();
        scheduler.turn(Some(Duration::ZERO))?;
        turns += 1;
        assert!(asked.get() - before <= 1024 && turns < 100);
    }
    Ok(())
}

#[test]
fn a_source_is_let_go_when_the_thread_that_takes_its_events_wants_no_more() -> Result {
    let mut scheduler = Scheduler::virtual_time()?;
    let sink = scheduler.edge_sink("first", pipe().take(1).to(call(|_: char| {})), Limit::default())?;
    let port = Port::new();
    port.connect(sink);
    scheduler.schedule_recurring(timed([(1.0, 'a'), (3600.0, 'b')]).connect(port))?;
    scheduler.run_forever()?;
    assert_eq!(scheduler.now(), Instant::ZERO + S);
    Ok(())
}

#[test]
fn a_source_is_let_go_when_the_results_of_the_pool_that_it_feeds_are_not_wanted() -> Result {
    let mut scheduler = Scheduler::new()?;
    let (remote, numbers) = scheduler.remote(Limit::default())?;
    let (jobs, squares) = scheduler.map_on_pool(1, |n: i32| n * n)?;
    numbers.connect(jobs);
    let reader = squares.for_each(drop);
    clockwork(&scheduler)?;
    scheduler.turn(Some(Duration::ZERO))?;
    reader.disconnect();
    for _ in 0..3 {
        scheduler.turn(Some(Duration::ZERO))?;
    }
    assert!(remote.post(2).is_err(), "nobody receives any more");
    Ok(())
}
