//! Graphs that go on in another run: what was held, what was due, and when there is no state to be had.

use std::cell::RefCell;
use std::error::Error;

use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::Sum;
use thingflow_core::{Notice, Saved, SavedState, Saving, Shared, StateVisitor, joins};

use super::call_with::call_with;
use super::{SECOND, at};

/// What is sent by a chain that holds `events`, is saved, and goes on; and what by another one with its state.
fn sent_by_both<F: Filter<i32, Out = i32>>(make: impl Fn() -> Pipe<i32, F>, events: i32, until: usize) -> [String; 2] {
    let (here, there) = (Recorder::new(), Recorder::new());
    let (mut one, mut other) = (make().to(here.clone()), make().to(there.clone()));
    let cx = &mut at(0);
    one.notice(Notice::Start, cx).expect("no fatal error");
    for event in 0..events {
        one.next(event, cx).expect("no fatal error");
    }
    let state = SavedState::of(&mut one, cx).expect("no fatal error");
    assert!(state.unsaved().is_empty());
    state.restore(&mut other, cx).expect("no fatal error");
    for chain in [&mut one, &mut other] {
        for second in 0..=until {
            chain.notice(Notice::Wake, &mut at(second)).expect("no fatal error");
        }
        chain.notice(Notice::Completed, &mut at(until)).expect("no fatal error");
    }
    [here.text(), there.text()]
}

#[test]
fn what_is_held_beyond_the_limit_while_the_source_is_asked_to_pause_is_saved_and_stays() {
    let delayed = || pipe().pipe(Saving(pipe::<i32>().delay(5 * SECOND, Limit::block(4))));
    let all = "0 1 2 3 4 5 6 7 8 9 |";
    assert_eq!(sent_by_both(delayed, 10, 6), [all; 2]);
    let paced = || pipe().pipe(Saving(pipe::<i32>().pace(SECOND, Limit::block(4))));
    let [here, there] = sent_by_both(paced, 10, 20);
    assert_eq!(here, all);
    assert!(all.ends_with(&there), "{there}"); // without what had been sent before
}

/// Events each second into a stage that tries a failure again after ten, for so long.
fn retried(
    events: std::ops::Range<i32>,
    fails: bool,
    secs: u32,
    saved: Option<SavedState>,
) -> Result<(Vec<i32>, SavedState), Box<dyn std::error::Error>> {
    let (mut input, seen) = (Port::new(), Recorder::new());
    let policy = ErrorPolicy::skip().retry(9, Backoff::constant(10 * SECOND)).limit(Limit::block(1));
    let check = move |x: &i32| if fails { Err("no") } else { Ok(*x) };
    input.pipe(Saving(pipe::<i32>().try_map_with(policy, check))).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    if let Some(saved) = saved {
        scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
    }
    scheduler.schedule_periodic(from_iter(events).connect(input.clone()), SECOND)?;
    scheduler.run_for(secs * SECOND)?;
    let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
    Ok((seen.events(), saved))
}

#[test]
fn a_retry_that_is_restored_has_its_source_go_on_when_it_is_done() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, saved) = retried(0..100, true, 3, None)?;
    assert!(seen.is_empty() && saved.unsaved().is_empty());
    let (seen, _) = retried(10..20, false, 60, Some(saved))?;
    assert_eq!(seen.iter().filter(|event| **event >= 10).count(), 10, "{seen:?}");
    assert!(seen.contains(&0), "{seen:?}");
    Ok(())
}

/// Sends its last event again each ten seconds; asks for a time only when it is called.
struct Repeated {
    last: Option<i32>,
    due: Instant,
}

impl Filter<i32> for Repeated {
    type Out = i32;
    fn on_next(&mut self, event: i32, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        (self.last, self.due) = (Some(event), out.now() + 10 * SECOND);
        out.wake_at(self.due);
        out.next(event)
    }
    fn on_wake(&mut self, out: &mut Emitter<'_, '_, impl InputThing<i32>>) -> Receipt {
        let is_due = self.due <= out.now();
        if is_due {
            self.due = out.now() + 10 * SECOND;
        }
        out.wake_at(self.due);
        self.last.filter(|_| is_due).map_or(Ok(Demand::More), |last| out.next(last))
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        self.last.on_state("last", state);
        self.due.on_state("due", state);
    }
}

/// What is sent within 25 s, and then within 100 s by another program that has its state.
fn over_a_restart(
    connect: impl Fn(&Port<i32>, Recorder<String>),
    scheduled_first: bool,
) -> Result<[String; 2], Box<dyn std::error::Error>> {
    let mut saved: Option<SavedState> = None;
    let mut texts = [(); 2].map(|()| String::new());
    for (text, (events, seconds)) in texts.iter_mut().zip([(vec![(2.0, 7), (3.0, 8)], 25), (vec![], 100)]) {
        let (mut input, seen) = (Port::new(), Recorder::new());
        connect(&input, seen.clone());
        let mut scheduler = Scheduler::virtual_time()?;
        let source = timed(events.into_iter().chain([(1e6, 0)])).connect(input.clone());
        let source =
            if scheduled_first { scheduler.schedule_recurring(source).map(|_| None) } else { Ok(Some(source)) }?;
        if let Some(saved) = saved.take() {
            scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx)))??;
        }
        source.map_or(Ok(()), |source| scheduler.schedule_recurring(source).map(drop))?;
        scheduler.run_for(SECOND * seconds)?;
        saved = Some(scheduler.with_context(|cx| SavedState::of(&mut input, cx))?);
        *text = seen.timed_text();
    }
    Ok(texts)
}

#[test]
fn e02_a_state_that_is_put_back_after_the_start_has_its_times_too() -> Result<(), Box<dyn std::error::Error>> {
    for scheduled_first in [false, true] {
        let both = |connect: &dyn Fn(&Port<i32>, Recorder<String>)| over_a_restart(connect, scheduled_first);
        let text = |x: i32| x.to_string();
        let means = both(&|port, seen| {
            let window = Window::each(30 * SECOND);
            drop(port.aggregate(window, Sum::new()).map(text).connect(seen));
        })?;
        assert_eq!(means, ["", r#""15"@7"#], "scheduled first: {scheduled_first}");
        let held = both(&|port, seen| {
            let stage = Saving(pipe().debounce(30 * SECOND));
            drop(port.pipe(stage).map(text).connect(seen));
        })?;
        assert_eq!(held, ["", r#""8"@8"#], "scheduled first: {scheduled_first}");
        let joined = both(&|port, seen| {
            let other = Port::<i32>::new();
            let window = Window::each(30 * SECOND);
            drop(thingflow_core::joins::merge([port, &other]).aggregate(window, Sum::new()).map(text).connect(seen));
        })?;
        assert_eq!(joined, ["", r#""15"@7"#], "scheduled first: {scheduled_first}");
        let own =
            both(&|port, seen| drop(port.pipe(Repeated { last: None, due: Instant::NEVER }).map(text).connect(seen)))?;
        assert!(own[1].starts_with(r#""8"@8 "8"@18 "8"@28"#), "scheduled first: {scheduled_first}: {own:?}");
    }
    Ok(())
}

#[test]
fn what_is_being_called_cannot_be_saved_which_is_an_error_and_no_empty_state() -> Result<(), Box<dyn std::error::Error>>
{
    type Wire = fn(&Port<i32>, &Port<i32>) -> Port<Vec<i32>>;
    let wires: [(Wire, &str); 3] = [
        (|port, _| port.chunks(3).share(), "`level`"),
        (|port, other| joins::merge([port, other]).chunks(3).share(), "`merge`"),
        (
            |port, other| {
                let (hub, lists) = (Port::new(), Port::new());
                let shared = Shared::new(hub.clone()).named("hub");
                for port in [port, other] {
                    port.connect(shared.input(|hub: &mut Port<i32>, n, cx| hub.emit(n, cx)));
                }
                hub.chunks(3).connect(lists.clone());
                lists
            },
            "`hub`",
        ),
    ];
    for (wire, named) in wires {
        let (port, other) = (Port::new().named("level"), Port::new().named("other"));
        let saved = RefCell::new(None);
        let lists = wire(&port, &other);
        let mut asked = if named == "`level`" { port.clone() } else { other.clone() };
        lists.connect(call_with(move |_, cx: &mut Context<'_>| {
            saved.replace(Some(SavedState::of(&mut asked, cx)?));
            Ok(Demand::More)
        }));
        let mut scheduler = Scheduler::virtual_time()?;
        scheduler.schedule_periodic(from_iter(1..).connect(port), SECOND)?;
        let error = scheduler.run_for(9 * SECOND).expect_err("it is in a call").to_string();
        assert!(error.contains(named) && error.contains("it is being called"), "{error}");
    }
    Ok(())
}

#[test]
fn when_its_run_has_ended_a_graph_has_no_state_which_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
    let (mut input, mut other, seen) = (Port::new().named("level"), Port::<i32>::new(), Recorder::new());
    input.aggregate(Window::each(30 * SECOND), Sum::new()).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_recurring(timed([(1.0, 7), (99.0, 8)]).connect(input.clone()))?;
    scheduler.run_for(9 * SECOND)?;
    let saved = scheduler.with_context(|cx| SavedState::of(&mut input, cx))?;
    scheduler.stopper().stop();
    scheduler.run_forever()?;
    let error = scheduler.with_context(|cx| SavedState::of(&mut input, cx)).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("`level`: its run has ended")));
    assert!(scheduler.with_context(|cx| Ok(saved.restore(&mut input, cx).is_err()))?);
    assert!(scheduler.with_context(|cx| SavedState::of(&mut other, cx)).is_ok(), "it has not begun");
    Ok(())
}

#[test]
fn a_state_in_a_file_is_whole_or_the_one_before() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("thingflow-saving-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (path, cx) = (folder.join("state"), &mut Context::detached(Instant::ZERO));
    let mut chain = pipe::<i32>().skip(9).to(call(drop));
    assert_eq!(SavedState::read_from(&path)?, None);
    let first = SavedState::of(&mut chain, cx)?;
    first.write_to(&path)?;
    chain.next(1, cx)?;
    let second = SavedState::of(&mut chain, cx)?;
    std::fs::create_dir(folder.join("state.partial"))?; // stands in the way, as a full disk would
    let failed = second.write_to(&path).expect_err("nothing to write to");
    assert_eq!(failed.to_string(), format!("cannot write the state `{}`", path.display()));
    assert!(failed.source().is_some());
    assert_eq!(SavedState::read_from(&path)?, Some(first));
    std::fs::remove_dir(folder.join("state.partial"))?;
    std::fs::write(folder.join("state.partial"), "cut off by a power cut")?;
    second.write_to(&path)?;
    assert_eq!(SavedState::read_from(&path)?, Some(second));
    assert_eq!(std::fs::read_dir(&folder)?.count(), 1); // nothing is left beside it
    for damaged in [&b""[..], b"1234567", b"12345678"] {
        std::fs::write(&path, damaged)?;
        assert!(SavedState::read_from(&path).is_err());
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
