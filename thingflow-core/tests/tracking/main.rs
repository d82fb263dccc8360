//! Tracked events: each is settled once, in every way an event can end.
#![cfg(feature = "std")]

mod any_graph;
mod fates;
mod runs;

use std::cell::RefCell;
use std::rc::Rc;

use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Tracker};

type Log = Rc<RefCell<Vec<String>>>;

fn text(log: &Log) -> String {
    log.borrow().join(" ")
}

/// A tracker that logs `0 done`, `1 failed: why` and the like.
fn logging() -> (Tracker, Log) {
    let log = Log::default();
    let notes = log.clone();
    let tracker = Tracker::new(move |settled, _| {
        let outcome = match settled.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Failed(error) => format!("failed({error})"),
            other => format!("{other:?}").to_lowercase(),
        };
        notes.borrow_mut().push(format!("{}:{outcome}", settled.index));
        Ok(())
    });
    (tracker, log)
}

fn context() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

/// A sink that keeps what it gets, and a hand on what it keeps.
type Kept<T> = Rc<RefCell<Vec<T>>>;

fn keep<T: 'static>() -> (Kept<T>, impl InputThing<T> + 'static) {
    let kept = Kept::default();
    let inner = kept.clone();
    (kept, call(move |event| inner.borrow_mut().push(event)))
}
