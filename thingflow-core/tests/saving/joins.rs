//! Every join that holds events which may be saved, and what of joins and groups may not.

use std::collections::BTreeSet;

use thingflow_core::prelude::*;
use thingflow_core::splitting::GroupBy;
use thingflow_core::testing::Recorder;
use thingflow_core::windows::{Max, Sum};
use thingflow_core::{Notice, PortChain, SavedState, joins};

use super::given::Given;
use super::{FORGED, SECOND, at, stamp};

/// What a join has at one of its inputs: an event, and whether it is for the first.
pub(super) type At = (bool, i32);

fn side(root: &Port<At>, first: bool) -> PortChain<At, impl Filter<At, Out = i32> + 'static + use<>> {
    root.filter_map(move |(is_first, x)| (is_first == first).then_some(x))
}

/// As of a chain, of what `connect` makes of a port whose events are for two inputs.
fn cut_join(
    connect: &dyn Fn(&Port<At>, Recorder<String>),
    events: &[At],
    cut: usize,
) -> Result<(String, String, BTreeSet<String>), Box<dyn std::error::Error>> {
    let run = |events: &[At], saved: Option<SavedState>, ends: bool| {
        let (mut root, seen, cx) = (Port::new(), Recorder::new(), &mut at(0));
        connect(&root, seen.clone());
        let _ = InputThing::<At>::notice(&mut root, Notice::Start, cx)?;
        saved.map_or(Ok(()), |saved| saved.restore(&mut root, cx))?;
        for event in events {
            let _ = root.emit(*event, cx)?;
        }
        let state = SavedState::of(&mut root, cx).ok();
        if ends {
            root.complete(cx)?;
        }
        Ok::<_, Box<dyn std::error::Error>>((
            seen.events().concat() + if seen.ended_at().is_some() { "!" } else { "" },
            state,
        ))
    };
    let (whole, _) = run(events, None, true)?;
    let (first, state) = run(&events[..cut], None, false)?;
    let Some(state) = state.filter(|_| !first.ends_with('!')) else {
        return Ok((whole.clone(), whole, BTreeSet::new()));
    };
    let unsaved = state.unsaved().clone();
    let (last, _) = run(&events[cut..], Some(SavedState::from_words(state.into_words())?), true)?;
    let (mut forged, words) = (Port::new(), FORGED.with_borrow(Vec::clone));
    connect(&forged, Recorder::new());
    let _ =
        InputThing::<At>::notice(&mut forged, Notice::State(&mut Given(words.iter().copied().cycle())), &mut at(0))?;
    for event in events {
        let _ = forged.emit(*event, &mut at(0))?; // it goes on, and does not panic
    }
    Ok((whole, first + &last, unsaved))
}

/// Each join that holds events which may be saved.
pub(super) fn each_join(events: &[At], at: usize) -> Result<(), Box<dyn std::error::Error>> {
    macro_rules! is_whole {
        ($($name:literal: |$a:ident, $b:ident| $join:expr),* $(,)?) => {$(
            let connect = |root: &Port<At>, seen: Recorder<String>| {
                let ($a, $b) = (side(root, true), side(root, false));
                $join.map(|x| format!("{x:?} ")).connect(seen);
            };
            let (whole, parts, unsaved) = cut_join(&connect, events, at)?;
            assert!(unsaved.is_empty(), "{}: {unsaved:?}", $name);
            assert_eq!(whole, parts, "{}", $name);
        )*};
    }
    let limit = || Limit::drop_oldest(5);
    let late = 2 * SECOND;
    let times = (stamp, stamp);
    let reach = joins::Reach::new(SECOND, 2 * SECOND);
    is_whole! {
        "zip": |a, b| a.zip(b, limit()).saving(), "zip of a list": |a, b| joins::zip([a, b], limit()).saving(),
        "zip, blocking": |a, b| a.zip(b, Limit::block(2)).saving(),
        "combine_latest": |a, b| a.combine_latest(b).saving(), "emit_on": |a, b| a.combine_latest(b).emit_on([1]).saving(),
        "combine_latest of a list": |a, b| joins::combine_latest([a, b]).saving(),
        "with_latest_from": |a, b| a.with_latest_from(b).saving(), "zip_latest": |a, b| a.zip_latest(b, limit()).saving(),
        "merge_by_time": |a, b| a.merge_by_time(b, |x| *x, limit()).saving(),
        "lookahead": |a, b| a.merge_by_time(b, |x| *x, limit()).lookahead(3).saving(),
        "by_watermarks": |a, b| a.watermarks(stamp, late).merge_by_time(b.watermarks(stamp, late), stamp, limit()).by_watermarks().saving(),
        "timed_zip": |a, b| a.map(|x| (x / 4, x)).timed_zip(b.map(|x| (x / 4, x)), limit()).saving(),
        "join_within": |a, b| a.map(|x| (x, x)).join_within(b.map(|x| (x, x)), 2, limit()).saving(),
        "interval_join": |a, b| a.watermarks(stamp, late).interval_join(b.watermarks(stamp, late), reach, times, limit()).saving(),
        "interval_join by key": |a, b| a.watermarks(stamp, late).interval_join(b.watermarks(stamp, late), reach, times, limit()).by_key(|x| x % 2, |x| x % 2).saving(),
        "with_latest_at": |a, b| a.watermarks(stamp, late).with_latest_at(b.watermarks(stamp, late), 3 * SECOND, times, limit()).saving(),
        "buffer_until": |a, b| a.buffer_until(b, limit()).saving(), "concat": |a, b| a.concat(b, limit()).saving(),
        "sample": |a, b| a.sample(b).saving(), "sequence_equal_to": |a, b| a.sequence_equal_to(b, limit()).saving(),
        "race": |a, b| a.race(b), "skip_until": |a, b| a.skip_until(b), "merge": |a, b| a.merge(b),
        "a join of joins": |a, b| a.zip(b, limit()).saving().map(|(a, b)| a.wrapping_add(b)).aggregate(Window::sliding(2), Max::new()),
    }
    Ok(())
}

#[test]
fn inputs_that_come_and_go_are_saved_with_what_waits_for_them() -> Result<(), Box<dyn std::error::Error>> {
    let cx = &mut at(0);
    let mut saved: Option<SavedState> = None;
    let seen = Recorder::new();
    for event in [1, 2] {
        let (mut hall, attic, cellar) = (Port::new(), Port::new(), Port::new());
        let rooms = joins::zip(vec![&hall, &attic], Limit::block(9)).saving().connect_dynamic(seen.clone());
        assert!(rooms.add(&cellar).is_ok());
        saved.take().map_or(Ok(()), |saved| saved.restore(&mut hall, cx))?;
        match event {
            1 => drop((hall.emit(event, cx)?, cellar.emit(10 * event, cx)?)),
            _ => drop(attic.emit(event, cx)?),
        }
        saved = Some(SavedState::of(&mut hall, cx)?);
        assert!(saved.as_ref().is_some_and(|saved| saved.unsaved().is_empty()));
    }
    assert_eq!(seen.events(), [[1, 2, 10]]);
    Ok(())
}

#[test]
fn a_concat_does_not_send_again_what_had_its_turn() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = |seen: &Recorder<i32>| {
        let (stored, live) = (Port::new(), Port::new());
        joins::concat([&stored, &live], Limit::drop_oldest(9)).connect(seen.clone());
        (stored, live)
    };
    let (stored, mut live) = connect(&seen);
    let _ = stored.emit(1, cx)?;
    stored.complete(cx)?;
    let state = SavedState::of(&mut live, cx)?;
    let (stored, mut live) = connect(&seen);
    state.restore(&mut live, cx)?;
    let _ = (stored.emit(1, cx)?, live.emit(2, cx)?);
    stored.complete(cx)?;
    let _ = live.emit(3, cx)?;
    live.complete(cx)?;
    assert_eq!(seen.text(), "1 2 3 |");
    Ok(())
}

#[test]
fn a_winner_of_a_race_that_is_not_there_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let cx = &mut at(0);
    let connect = |inputs: usize| {
        let (ports, seen): (Vec<Port<i32>>, _) = ((0..inputs).map(|_| Port::new()).collect(), Recorder::new());
        joins::race(ports.iter().collect::<Vec<_>>()).connect(seen.clone());
        (ports, seen)
    };
    let (mut ports, _) = connect(3);
    let _ = ports[2].emit(1, cx)?;
    let state = SavedState::of(&mut ports[2], cx)?;
    let (mut ports, seen) = connect(2);
    assert!(state.restore(&mut ports[0], cx).is_err_and(|error| error.to_string().contains("`race`")));
    let _ = ports[0].emit(5, cx)?;
    assert_eq!(seen.text(), "5");
    Ok(())
}

#[test]
fn what_joins_hold_and_cannot_show_is_named_as_they_are_called() -> Result<(), Box<dyn std::error::Error>> {
    let (mut a, b, cx) = (Port::new(), Port::new(), &mut Context::detached(Instant::ZERO));
    let limit = || Limit::block(9);
    joins::merge_by_time([&a, &b], |n: &i32| *n, limit()).for_each(drop);
    joins::combine_latest((&a, &b)).for_each(drop);
    joins::zip_latest((&b, &a), limit()).for_each(drop);
    joins::race([&a, &b]).for_each(drop);
    a.sample(&b).for_each(drop);
    a.take_until(&b).for_each(drop);
    assert!(SavedState::of(&mut a, cx)?.unsaved().is_empty());
    a.emit(1, cx)?;
    let unsaved = SavedState::of(&mut a, cx)?;
    let named = ["combine_latest", "merge_by_time", "sample", "zip_latest"];
    assert!(unsaved.unsaved().iter().eq(named), "{:?}", unsaved.unsaved());
    Ok(())
}

#[test]
fn groups_go_on_after_a_restart_each_with_what_followed_in_it() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = || {
        let (numbers, seen) = (Port::new(), seen.clone());
        let by_rest = GroupBy::by_saved_key(|n: &i32| n % 3).max_keys(2);
        by_rest.groups().for_each(move |(rest, group): (i32, Port<i32>)| {
            let sums = group.aggregate(Window::tumbling(2), Sum::new());
            drop(sums.map(move |sum| (rest, sum)).connect(seen.clone()));
        });
        numbers.connect(by_rest);
        numbers
    };
    let mut numbers = connect();
    for n in [3, 1, 4, 7] {
        let _ = numbers.emit(n, cx)?;
    }
    let state = SavedState::of(&mut numbers, cx)?;
    assert!(state.unsaved().is_empty());
    assert_eq!(SavedState::of(&mut numbers, cx)?, state, "looking changes nothing");
    let state = SavedState::from_words(state.into_words())?;
    let mut numbers = connect();
    state.restore(&mut numbers, cx)?;
    for n in [6, 10, 2, 5, 9, 9] {
        let _ = numbers.emit(n, cx)?; // 2 takes the place of the rest 0, which begins anew
    }
    assert_eq!(seen.events(), [(1, 5), (0, 9), (1, 17), (2, 7), (0, 18)]);
    Ok(())
}

#[test]
fn groups_by_a_key_that_cannot_be_saved_say_so_and_hinder_no_other_stage() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut at(0));
    let connect = || {
        let numbers = Port::new();
        numbers.skip(2).connect(seen.clone());
        numbers.group_by(|n: &i32| n % 3).for_each(|(_, group)| drop(group.take_last(9).for_each(drop)));
        numbers
    };
    let mut numbers = connect();
    let _ = numbers.emit(1, cx)?;
    let state = SavedState::of(&mut numbers, cx)?;
    assert!(state.unsaved().iter().eq(["group_by"]), "{:?}", state.unsaved());
    let mut numbers = connect();
    state.restore(&mut numbers, cx)?;
    for n in [2, 3] {
        let _ = numbers.emit(n, cx)?;
    }
    assert_eq!(seen.events(), [3]);
    Ok(())
}

#[test]
fn a_join_that_follows_ports_says_so() -> Result<(), Box<dyn std::error::Error>> {
    let (mut choice, inner, cx) = (Port::new(), Port::<i32>::new(), &mut at(0));
    choice.switch().for_each(drop);
    choice.exhaust().for_each(drop);
    choice.merge_all().for_each(drop);
    assert!(SavedState::of(&mut choice, cx)?.unsaved().is_empty());
    let _ = choice.emit(inner.clone(), cx)?;
    let state = SavedState::of(&mut choice, cx)?;
    assert!(state.unsaved().iter().eq(["exhaust", "merge_all", "switch"]), "{:?}", state.unsaved());
    Ok(())
}

#[test]
fn what_was_let_in_by_its_trigger_goes_on_after_a_restart() -> Result<(), Box<dyn std::error::Error>> {
    let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
    let mut saved: Option<SavedState> = None;
    for n in [1, 2] {
        let (mut levels, ready) = (Port::new(), Port::new());
        levels.skip_until(&ready).connect(seen.clone());
        match saved.take() {
            Some(saved) => saved.restore(&mut levels, cx)?,
            None => drop(ready.emit((), cx)?),
        }
        levels.emit(n, cx)?;
        saved = Some(SavedState::of(&mut levels, cx)?);
    }
    assert_eq!(seen.events(), [1, 2]);
    Ok(())
}
