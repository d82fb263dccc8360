//! Cases of graphs in several threads.

use std::sync::mpsc;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{PostError, Remote};

type Failed = Box<dyn std::error::Error>;

/// A graph that runs in a thread of its own, by what `build` makes of its scheduler; gives back what it has built from outside.
fn in_a_thread<R: Send + 'static>(
    build: impl FnOnce(&Scheduler) -> Result<(R, Recorder<i32>), Failed> + Send + 'static,
) -> Result<(R, std::thread::JoinHandle<Result<String, String>>), Failed> {
    let (ready, built) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut scheduler = Scheduler::new().map_err(|error| error.to_string())?;
        let (handle, seen) = build(&scheduler).map_err(|error| error.to_string())?;
        ready.send(handle).map_err(|error| error.to_string())?;
        scheduler.run_forever().map_err(|error| error.to_string())?;
        Ok(seen.text()) // `|` is the marker that it has finished
    });
    Ok((built.recv()?, thread))
}

fn extend(stream: Remote<i32>, events: impl IntoIterator<Item = i32>) -> Result<(), PostError<i32>> {
    events.into_iter().try_for_each(|event| stream.post(event))?;
    drop(stream); // it has finished
    Ok(())
}

#[test]
fn case_222_one_thread() -> Result<(), Failed> {
    let (x, thread) = in_a_thread(|scheduler| {
        let ((x, events), seen) = (scheduler.remote(Limit::block(2))?, Recorder::new());
        events.connect(seen.clone());
        Ok((x, seen))
    })?;
    extend(x, 0..5)?;
    assert_eq!(thread.join().map_err(|_| "panicked")??, "0 1 2 3 4 |");
    Ok(())
}

#[test]
fn case_223_two_threads() -> Result<(), Failed> {
    let (inputs, zipping) = in_a_thread(|scheduler| {
        let ((x, xs), (y, ys), seen) =
            (scheduler.remote(Limit::block(8))?, scheduler.remote(Limit::block(8))?, Recorder::new());
        xs.zip(&ys, Limit::block(8)).flat_map(|(x, y)| [x, y]).connect(seen.clone());
        Ok(((x, y), seen))
    })?;
    let (a, doubling) = in_a_thread(|scheduler| {
        let ((a, events), seen) = (scheduler.remote(Limit::block(8))?, Recorder::new());
        events.map(|a| 2 * a).connect(seen.clone());
        Ok((a, seen))
    })?;
    extend(inputs.0, 0..5)?;
    extend(inputs.1, 100..105)?;
    extend(a, 1000..1008)?;
    assert_eq!(zipping.join().map_err(|_| "panicked")??, "0 100 1 101 2 102 3 103 4 104 |");
    assert_eq!(doubling.join().map_err(|_| "panicked")??, "2000 2002 2004 2006 2008 2010 2012 2014 |");
    Ok(())
}
