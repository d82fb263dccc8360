//! Each event is settled once, in whatever graph.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::tracking::{Outcome, Tracked, Tracker};

use super::context;

/// One step of a graph through which tracked events go.
#[derive(Clone, Copy, Debug)]
enum Step {
    Filter(i32),
    Fail(i32),
    Chunks(usize),
    Sliding(usize),
    Parts(usize),
    Last,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..5).prop_map(Step::Filter),
        (1..5).prop_map(Step::Fail),
        (1_usize..6).prop_map(Step::Chunks),
        (1_usize..6).prop_map(Step::Sliding),
        (0_usize..4).prop_map(Step::Parts),
        Just(Step::Last),
    ]
}

/// Connects `step` to `port`; what comes of it, with the values summed.
fn connect(port: &Port<Tracked<i32>>, step: Step) -> Port<Tracked<i32>> {
    let next = Port::new();
    let sum = |values: Vec<i32>| values.into_iter().fold(0, i32::wrapping_add);
    match step {
        Step::Filter(m) => port.filter_value(move |n| n % m == 0).connect(next.clone()),
        Step::Fail(m) => port.try_map_value(move |n| if n % m == 1 { Err("no") } else { Ok(n) }).connect(next.clone()),
        Step::Chunks(n) => port.chunks(n).gather().map_value(sum).connect(next.clone()),
        Step::Sliding(n) => port.sliding(n).gather().map_value(sum).connect(next.clone()),
        Step::Parts(n) => port.map_value(move |x| vec![x; n]).flatten_value().connect(next.clone()),
        Step::Last => port.last().connect(next.clone()),
    };
    next
}

proptest! {
    #[test]
    fn each_event_is_settled_once_in_any_graph(
        steps in proptest::collection::vec(step(), 0..4),
        side in proptest::collection::vec(step(), 0..3),
        events in 0..40_u64,
        take in 0..40_usize,
        broken in any::<bool>(),
    ) {
        let told = Rc::new(RefCell::new(vec![0; 40]));
        let (notes, failed) = (told.clone(), Rc::new(Cell::new(0)));
        let fails = failed.clone();
        let tracker = Tracker::new(move |settled, _| {
            notes.borrow_mut()[usize::try_from(settled.index).unwrap()] += 1;
            fails.set(fails.get() + u64::from(settled.outcome != Outcome::Done));
            Ok(())
        });
        let cx = &mut context();
        let (source, root) = (Port::new(), Port::new());
        source.track_by(&tracker, |_| ()).connect(root.clone());
        let end = steps.iter().fold(root.clone(), |port, step| connect(&port, *step));
        end.take(take.max(1)).acknowledge().connect(call(drop));
        side.iter().fold(root.clone(), |port, step| connect(&port, *step)).connect(call(drop));
        let mut sent = 0;
        for n in 0..events {
            let demand = source.emit(i32::try_from(n).unwrap(), cx).unwrap();
            sent += 1;
            if demand == Demand::Done {
                break;
            }
        }
        if broken {
            source.fail(StreamError::new("broken"), cx).unwrap();
        } else {
            source.complete(cx).unwrap();
        }
        drop((source, root, end));
        tracker.settle(cx).unwrap();
        prop_assert_eq!(tracker.in_flight(), 0);
        prop_assert!(told.borrow()[..sent].iter().all(|times| *times == 1));
        if failed.get() == 0 {
            prop_assert_eq!(tracker.committed(), sent as u64);
        }
    }
}
