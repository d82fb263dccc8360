//! Cases of graphs in several threads.

use std::fmt::Debug;
use std::sync::mpsc;

use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Max, Mean};
use thingflow_core::{PostError, Remote};

type Failed = Box<dyn std::error::Error>;

/// A graph that runs in a thread of its own, by what `build` makes of its scheduler; gives back what it has built from outside.
fn in_a_thread<R: Send + 'static, T: Debug + 'static>(
    build: impl FnOnce(&Scheduler) -> Result<(R, Recorder<T>), Failed> + Send + 'static,
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

fn extend<T>(stream: Remote<T>, events: impl IntoIterator<Item = T>) -> Result<(), PostError<T>> {
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

/// What a graph of a thread makes of the events that another one sends it.
type Stage<T> = fn(&Port<T>, Port<T>);

/// What comes out of stages in a row, each with a scheduler in a thread of its own, and the marker that the last has finished. The source is
/// a thread, too.
fn in_a_row<T: Clone + Debug + Send + 'static>(pieces: Vec<Vec<T>>, stages: &[Stage<T>]) -> Result<String, Failed> {
    let (mut threads, mut next) = (Vec::new(), None::<Remote<T>>);
    for stage in stages.iter().rev().copied() {
        let after = next.take();
        let (input, thread) = in_a_thread(move |scheduler| {
            let ((input, events), out, seen) = (scheduler.remote(Limit::block(2))?, Port::new(), Recorder::new());
            out.connect(seen.clone());
            after.into_iter().for_each(|after| drop(out.connect(after)));
            stage(&events, out);
            Ok((input, seen))
        })?;
        threads.push(thread);
        next = Some(input);
    }
    let first = next.ok_or("no stages")?;
    let source =
        std::thread::spawn(move || pieces.into_iter().try_for_each(|piece| extend(first.clone(), piece)).is_ok());
    assert!(source.join().map_err(|_| "panicked")?);
    let texts: Result<Vec<_>, _> = threads.into_iter().map(|thread| thread.join().map_err(|_| "panicked")?).collect();
    let texts = texts?;
    assert!(texts.iter().all(|text| text.ends_with('|'))); // all have ended by themselves
    Ok(texts.into_iter().next().unwrap_or_default())
}

// Where the original has a process, there is a thread with a scheduler.
#[test]
fn case_224_two_processes_in_a_row() -> Result<(), Failed> {
    let pieces = vec![vec![0, 1], vec![2, 3], vec![4, 5]];
    let stages: [Stage<i32>; 2] =
        [|x, out| drop(x.map(|v| v + 100).connect(out)), |x, out| drop(x.map(|v| 2 * v).connect(out))];
    assert_eq!(in_a_row(pieces, &stages)?, "200 202 204 206 208 210 |");
    Ok(())
}

#[test]
fn case_225_three_in_a_row() -> Result<(), Failed> {
    let pieces = vec![vec![0, 1], vec![2, 3], vec![4, 5]];
    let stages: [Stage<i32>; 3] = [
        |x, out| drop(x.map(|v| v + 100).connect(out)),
        |x, out| drop(x.map(|v| 2 * v).connect(out)),
        |x, out| drop(x.map(|v| 3 * v).connect(out)),
    ];
    assert_eq!(in_a_row(pieces, &stages)?, "600 606 612 618 624 630 |");
    Ok(())
}

#[test]
fn case_226_windows_across_processes() -> Result<(), Failed> {
    let pieces = [0..10, 10..20, 20..30].map(|piece| piece.map(f64::from).collect()).to_vec();
    let stages: [Stage<f64>; 2] = [
        |x, out| drop(x.aggregate(Window::tumbling(2), Mean::new()).connect(out)),
        |x, out| drop(x.aggregate(Window::tumbling(2), Max::new()).connect(out)),
    ];
    // The fifteenth mean waits for a partner until the end.
    assert_eq!(in_a_row(pieces, &stages)?, "2.5 6.5 10.5 14.5 18.5 22.5 26.5 28.5 |");
    Ok(())
}
