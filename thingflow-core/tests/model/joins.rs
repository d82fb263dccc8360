//! Joins against a naive model: every interleaving of inputs that end in any way and at any time.

use std::fmt::Debug;
use std::rc::Rc;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;
use thingflow_core::{Branch, joins};
use thingflow_core::{Identity, PortChain};

/// What an input does next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Next(i32),
    Completed,
    Failed,
}
use Step::{Completed, Failed, Next};

/// What the inputs do, in this order. What an input does after its end does not count.
fn script(inputs: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![12 => (0..9).prop_map(Next), 2 => Just(Completed), 1 => Just(Failed)];
    prop::collection::vec((0..inputs, step), 0..24).prop_map(move |steps| {
        let mut ended = vec![false; inputs];
        let counts = |(input, step): &(usize, Step)| {
            let open = !ended[*input];
            ended[*input] |= !matches!(step, Next(_));
            open
        };
        steps.into_iter().filter(counts).collect()
    })
}

fn cx() -> Context<'static> {
    Context::detached(Instant::ZERO)
}

fn connections(port: &Port<i32>) -> usize {
    let mut count = 0;
    port.as_ref().connections(&mut |_| count += 1);
    count
}

/// A chain without filters, which owns its port.
type Input = PortChain<i32, Identity>;

/// What comes out when the inputs of a join do what the script says, and those behind it take `take` events.
fn play<const N: usize, B: Branch>(script: &[(usize, Step)], take: usize, make: impl FnOnce([Input; N]) -> B) -> String
where
    B::Item: Debug,
{
    play_ports(script, take, |ports| make(ports.map(|port| port.pipe(Identity))))
}

fn play_ports<const N: usize, B: Branch>(
    script: &[(usize, Step)],
    take: usize,
    make: impl FnOnce([Port<i32>; N]) -> B,
) -> String
where
    B::Item: Debug,
{
    let ports: [Port<i32>; N] = std::array::from_fn(|_| Port::new());
    let (seen, alive) = (Recorder::new(), Rc::new(()));
    let held = alive.clone();
    let sink = pipe().take(take).inspect(move |_| _ = &held).to(seen.clone());
    let connection = make(ports.clone()).attach(sink);
    for (input, step) in script {
        let port = &ports[*input];
        match step {
            Next(event) => assert!(port.emit(*event, &mut cx()).is_ok()),
            Completed => assert!(port.complete(&mut cx()).is_ok()),
            Failed => assert!(port.fail(StreamError::new("oh no"), &mut cx()).is_ok()),
        }
        if seen.ended_at().is_some() {
            // It lets go of all its inputs at once, and of what it holds.
            assert!(ports.iter().all(|port| connections(port) == 0), "an input is still connected");
            assert!(!connection.is_connected());
            assert_eq!(Rc::strong_count(&alive), 1, "something is still held");
        }
    }
    assert_eq!(seen.after_end(), 0, "something came after the end");
    connection.disconnect();
    assert!(ports.iter().all(|port| connections(port) == 0), "an input is still connected");
    assert_eq!(Rc::strong_count(&alive), 1, "something is still held");
    seen.text()
}

/// The line for what a model says: the events after each prefix of the script, and how it has ended, if it has.
fn expect<T: Debug>(
    script: &[(usize, Step)],
    take: usize,
    model: impl Fn(&[(usize, Step)]) -> (Vec<T>, bool),
) -> String {
    if take == 0 {
        return if script.is_empty() { String::new() } else { "|".into() };
    }
    let line = |sent: &[T], end: &[&str]| {
        let words = sent.iter().take(take).map(|event| format!("{event:?}"));
        words.chain(end.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ")
    };
    for n in 0..=script.len() {
        let (sent, over) = model(&script[..n]);
        let failed = n > 0 && script[n - 1].1 == Failed;
        if sent.len() >= take || over && !failed {
            return line(&sent, &["|"]);
        }
        if failed {
            return line(&sent, &["! oh no"]);
        }
    }
    line(&model(script).0, &[])
}

/// The events of one input.
fn of(script: &[(usize, Step)], input: usize) -> Vec<i32> {
    let event = |(i, step): &(usize, Step)| if let Next(event) = step { (*i == input).then_some(*event) } else { None };
    script.iter().filter_map(event).collect()
}

fn has_ended(script: &[(usize, Step)], input: usize) -> bool {
    script.iter().any(|(i, step)| *i == input && !matches!(step, Next(_)))
}

fn count_ended(script: &[(usize, Step)]) -> usize {
    script.iter().filter(|(_, step)| !matches!(step, Next(_))).count()
}

/// All events, each with its input and its place in the script.
fn all(script: &[(usize, Step)]) -> impl Iterator<Item = (usize, usize, i32)> {
    let event = |(at, (input, step)): (usize, &(usize, Step))| {
        if let Next(event) = step { Some((at, *input, *event)) } else { None }
    };
    script.iter().enumerate().filter_map(event)
}

/// The input that an event of input 0 stands for, unless it has ended.
fn chosen(before: &[(usize, Step)], event: i32) -> Option<usize> {
    Some(if event % 2 == 0 { 1 } else { 2 }).filter(|input| !has_ended(before, *input))
}

fn choice([choice, one, two]: [Port<i32>; 3]) -> impl Branch<Item = Port<i32>> {
    choice.map(move |event| if event % 2 == 0 { one.clone() } else { two.clone() })
}

const BIG: usize = 1000;

fn room() -> Limit {
    Limit::block(BIG)
}

fn take() -> impl Strategy<Value = usize> {
    prop_oneof![Just(BIG), 0_usize..5]
}

/// What has been sent after a script, and whether all is over.
trait Model: Fn(&[(usize, Step)]) -> (Vec<i32>, bool) {}
impl<F: Fn(&[(usize, Step)]) -> (Vec<i32>, bool)> Model for F {}

/// Input 0 chooses by its numbers among the inputs 1 and 2; a choice counts if it `may` be made while one is followed. The
/// script without the errors of inputs that are not followed, which do not count, and the model.
fn following(s: &[(usize, Step)], may: fn(Option<usize>) -> bool) -> (Vec<(usize, Step)>, impl Model) {
    let follow = move |s: &[(usize, Step)], followed: Option<usize>| match s.split_last() {
        Some(((0, Next(event)), before)) if may(followed) => chosen(before, *event),
        Some(((input, Completed | Failed), _)) if followed == Some(*input) => None,
        _ => followed,
    };
    let (mut followed, mut counting) = (None, Vec::new());
    for (at, (input, step)) in s.iter().enumerate() {
        let counts = *step != Failed || *input == 0 || followed == Some(*input);
        counting.push((*input, if counts { *step } else { Completed }));
        followed = follow(&s[..=at], followed);
    }
    let model = move |s: &[(usize, Step)]| {
        let (mut sent, mut followed, mut over) = (Vec::new(), None, false);
        for (at, (input, step)) in s.iter().enumerate() {
            if let Next(event) = step
                && followed == Some(*input)
            {
                sent.push(*event);
            }
            followed = follow(&s[..=at], followed);
            over = over || has_ended(&s[..=at], 0) && followed.is_none();
        }
        (sent, over)
    };
    (counting, model)
}

proptest! {
    #[test]
    fn zip(s in script(3), take in take()) {
        let model = |inputs: usize| move |s: &[(usize, Step)]| {
            let events: Vec<_> = (0..inputs).map(|i| of(s, i)).collect();
            let rows = events.iter().map(Vec::len).min().unwrap_or(0);
            let over = (0..inputs).any(|i| has_ended(s, i) && events[i].len() == rows);
            ((0..rows).map(|row| events.iter().map(|e| e[row]).collect::<Vec<_>>()).collect::<Vec<_>>(), over)
        };
        prop_assert_eq!(play(&s, take, |ports: [_; 3]| joins::zip(ports, room())), expect(&s, take, model(3)));
        let tuple = play(&s, take, |[a, b, c]| joins::zip((a, b, c), room()).map(|(a, b, c)| vec![a, b, c]));
        prop_assert_eq!(tuple, expect(&s, take, model(3)));
    }

    #[test]
    fn merge(s in script(3), take in take()) {
        let model = |s: &[(usize, Step)]| (all(s).map(|(_, _, event)| event).collect::<Vec<_>>(), count_ended(s) == 3);
        prop_assert_eq!(play(&s, take, |[a, b, c]| a.merge(b.merge(c))), expect(&s, take, model));
        prop_assert_eq!(play(&s, take, |ports: [_; 3]| joins::merge(ports)), expect(&s, take, model));
        let model = |s: &[(usize, Step)]| (all(s).map(|(_, i, event)| (i, event)).collect::<Vec<_>>(), count_ended(s) == 3);
        prop_assert_eq!(play(&s, take, |[a, b, c]| joins::merge_tagged((a, b, c))), expect(&s, take, model));
    }

    #[test]
    fn combine_latest(s in script(3), take in take(), chosen in prop::collection::btree_set(0_usize..3, 1..4)) {
        let latest = |s: &[(usize, Step)]| (0..3).map(|i| of(s, i).last().copied()).collect::<Option<Vec<_>>>();
        let hopeless = |s: &[(usize, Step)]| (0..3).any(|i| has_ended(s, i) && of(s, i).is_empty());
        let model = |s: &[(usize, Step)]| {
            let sent = all(s).filter(|(_, i, _)| chosen.contains(i)).filter_map(|(at, _, _)| latest(&s[..=at]));
            (sent.collect::<Vec<_>>(), hopeless(s) || chosen.iter().all(|i| has_ended(s, *i)))
        };
        let list = |ports: [_; 3]| joins::combine_latest(ports).emit_on(chosen.iter().copied());
        prop_assert_eq!(play(&s, take, list), expect(&s, take, model));
        let tuple = |[a, b, c]: [_; 3]| {
            joins::combine_latest((a, b, c)).emit_on(chosen.iter().copied()).map(|(a, b, c)| vec![a, b, c])
        };
        prop_assert_eq!(play(&s, take, tuple), expect(&s, take, model));
    }

    #[test]
    fn zip_latest(s in script(3), take in take()) {
        let model = |s: &[(usize, Step)]| {
            // The others have all had an event by `since`: what the first sent before waits until then.
            let since = (0..s.len()).find(|at| (1..3).all(|i| !of(&s[..=*at], i).is_empty()));
            let row = |(at, _, event): (usize, usize, i32)| {
                let seen = &s[..=at.max(since?)];
                Some(vec![event, *of(seen, 1).last()?, *of(seen, 2).last()?])
            };
            let sent: Vec<_> = all(s).filter(|(_, i, _)| *i == 0).filter_map(row).collect();
            let nothing_waits = sent.len() == of(s, 0).len();
            let hopeless = (1..3).any(|i| has_ended(s, i) && of(s, i).is_empty());
            (sent, hopeless || has_ended(s, 0) && nothing_waits)
        };
        let tuple = |[a, b, c]: [_; 3]| joins::zip_latest((a, b, c), room()).map(|(a, b, c)| vec![a, b, c]);
        prop_assert_eq!(play(&s, take, tuple), expect(&s, take, model));
        prop_assert_eq!(play(&s, take, |ports: [_; 3]| joins::zip_latest(ports, room())), expect(&s, take, model));
    }

    #[test]
    fn sample_and_buffer(s in script(2), take in take()) {
        // The events between triggers, which are those of input 1; the end, of either input, is one as well.
        let groups = |s: &[(usize, Step)]| {
            let mut groups = vec![Vec::new()];
            for (input, step) in s {
                match (input, step) {
                    (0, Next(event)) => groups.last_mut().expect("there is one").push(*event),
                    _ => groups.push(Vec::new()),
                }
            }
            groups.pop();
            groups.retain(|group| !group.is_empty());
            groups
        };
        let samples = |s: &[(usize, Step)]| {
            (groups(s).iter().filter_map(|group| group.last().copied()).collect::<Vec<_>>(), count_ended(s) > 0)
        };
        prop_assert_eq!(play(&s, take, |[a, b]| a.sample(b)), expect(&s, take, samples));
        let buffers = |s: &[(usize, Step)]| (groups(s), count_ended(s) > 0);
        prop_assert_eq!(play(&s, take, |[a, b]| a.buffer_until(b, room())), expect(&s, take, buffers));
    }

    #[test]
    fn race(s in script(3), take in take()) {
        let model = |s: &[(usize, Step)]| {
            let Some((winner, _)) = s.first() else { return (Vec::new(), false) };
            (of(s, *winner), has_ended(s, *winner))
        };
        // Only the error of the winner counts.
        let counts = |(input, step): &(usize, Step)| *step != Failed || s.first().is_some_and(|(winner, _)| winner == input);
        let counting: Vec<_> = s.iter().copied().filter(counts).collect();
        prop_assert_eq!(play(&s, take, |ports: [_; 3]| joins::race(ports)), expect(&counting, take, model));
    }

    #[test]
    fn concat(s in script(3), take in take()) {
        // As if the inputs had come one after the other, each as far as it had come when its turn began.
        let mut turns = Vec::new();
        let mut turn = 0;
        let mut waiting: Vec<Vec<(usize, Step)>> = vec![Vec::new(); 3];
        for step in &s {
            if step.0 != turn {
                waiting[step.0].push(*step);
                continue;
            }
            turns.push(vec![*step]);
            let mut ended = step.1 == Completed;
            while ended && turn < 2 {
                turn += 1;
                let held = std::mem::take(&mut waiting[turn]);
                ended = held.last().is_some_and(|(_, step)| *step == Completed);
                turns.last_mut().expect("the step").extend(held);
            }
        }
        let s_in_turn: Vec<_> = turns.concat();
        let model = |s: &[(usize, Step)]| {
            (all(s).map(|(_, _, event)| event).collect::<Vec<_>>(), has_ended(s, 2))
        };
        // With `take(0)` any first step ends it.
        let script = if take == 0 { &s } else { &s_in_turn };
        prop_assert_eq!(play(&s, take, |ports: [_; 3]| joins::concat(ports, room())), expect(script, take, model));
        prop_assert_eq!(play(&s, take, |[a, b, c]| joins::concat((a, b, c), room())), expect(script, take, model));
    }

    #[test]
    fn sequence_equal_to(s in script(2), take in take()) {
        let model = |s: &[(usize, Step)]| {
            let (a, b) = (of(s, 0), of(s, 1));
            let differs = a.iter().zip(&b).any(|(a, b)| a != b)
                || has_ended(s, 0) && b.len() > a.len()
                || has_ended(s, 1) && a.len() > b.len();
            let answer = if differs { Some(false) } else { (count_ended(s) == 2).then_some(true) };
            let failed = s.last().is_some_and(|(_, step)| *step == Failed);
            (answer.into_iter().filter(|_| !failed).collect::<Vec<_>>(), answer.is_some())
        };
        prop_assert_eq!(play(&s, take, |[a, b]| a.sequence_equal_to(b, room())), expect(&s, take, model));
    }

    #[test]
    fn switch(s in script(3), take in 1_usize..9) {
        let (counting, model) = following(&s, |_| true);
        prop_assert_eq!(play_ports(&s, take, |ports| choice(ports).switch()), expect(&counting, take, model));
    }

    #[test]
    fn exhaust(s in script(3), take in 1_usize..9) {
        let (counting, model) = following(&s, |followed| followed.is_none());
        prop_assert_eq!(play_ports(&s, take, |ports| choice(ports).exhaust()), expect(&counting, take, model));
    }

    #[test]
    fn merge_all_with_room_for_all(s in script(3), take in 1_usize..9) {
        let free = play_ports(&s, take, |ports| choice(ports).merge_all());
        prop_assert_eq!(play_ports(&s, take, |ports| choice(ports).merge_all().at_most(99, Limit::fail(1))), free);
    }

    #[test]
    fn merge_all(s in script(3), take in 1_usize..9) {
        let connected = |s: &[(usize, Step)], input: usize| {
            let comes = |at: &usize| matches!(s[*at], (0, Next(event)) if chosen(&s[..*at], event) == Some(input));
            (0..s.len()).filter(comes).count()
        };
        let mut counting = s.clone();
        for at in 0..s.len() {
            if s[at].0 != 0 && s[at].1 == Failed && connected(&s[..at], s[at].0) == 0 {
                counting[at].1 = Completed; // it was not connected
            }
        }
        let model = |s: &[(usize, Step)]| {
            let times = |(at, input, event)| vec![event; if input == 0 { 0 } else { connected(&s[..at], input) }];
            let is_out = |input| has_ended(s, input) || connected(s, input) == 0;
            (all(s).flat_map(times).collect::<Vec<_>>(), has_ended(s, 0) && is_out(1) && is_out(2))
        };
        prop_assert_eq!(play_ports(&s, take, |ports| choice(ports).merge_all()), expect(&counting, take, model));
    }

    #[test]
    fn merge_by_time(s in script(3), ahead in prop::option::of(0..4), take in take()) {
        // Events of each input in the order of their times.
        let mut newest = [0; 3];
        let s: Vec<_> = s.into_iter().map(|(input, step)| {
            let Next(event) = step else { return (input, step) };
            newest[input] += event;
            (input, Next(newest[input]))
        }).collect();
        let model = |s: &[(usize, Step)]| {
            let (mut sent, mut waiting): (Vec<i32>, Vec<(i32, usize)>) = (Vec::new(), Vec::new());
            for (at, (input, step)) in s.iter().enumerate() {
                if let Next(time) = step && sent.last().is_none_or(|sent| time >= sent) {
                    waiting.push((*time, *input));
                }
                let seen = &s[..=at];
                let shown = |i: usize, t: i32| of(seen, i).last().is_some_and(|newest| *newest >= t);
                waiting.sort_by_key(|(time, input)| (*time, *input));
                while let Some((time, _)) = waiting.first() {
                    let settled = (0..3).all(|i| has_ended(seen, i) || shown(i, *time));
                    let reached = ahead.is_some_and(|ahead| (0..3).any(|i| shown(i, time + ahead)));
                    if !settled && !reached && *step != Failed {
                        break;
                    }
                    sent.push(waiting.remove(0).0);
                }
            }
            (sent, count_ended(s) == 3)
        };
        let make = |ports: [_; 3]| {
            let join = joins::merge_by_time(ports, |time| *time, room());
            match ahead {
                None => join,
                Some(ahead) => join.lookahead(ahead),
            }
        };
        prop_assert_eq!(play(&s, take, make), expect(&s, take, model));
    }

    #[test]
    fn timed_zip(s in script(2), take in take()) {
        let mut newest = [0; 2];
        let s: Vec<_> = s.into_iter().map(|(input, step)| {
            let Next(event) = step else { return (input, step) };
            newest[input] += 1 + event / 3; // a time comes once in an input
            (input, Next(newest[input]))
        }).collect();
        let model = |s: &[(usize, Step)]| {
            let (a, b) = (of(s, 0), of(s, 1));
            let failed = s.last().is_some_and(|(_, step)| *step == Failed);
            let settled = |i: usize, events: &[i32], t: i32| {
                failed || has_ended(s, i) || events.last().is_some_and(|newest| *newest >= t)
            };
            let times: std::collections::BTreeSet<_> = a.iter().chain(&b).copied().collect();
            let rows = times.into_iter().filter(|t| settled(0, &a, *t) && settled(1, &b, *t));
            let slot = |events: &[i32], t: i32| events.contains(&t).then_some(t * 10);
            (rows.map(|t| (t, (slot(&a, t), slot(&b, t)))).collect::<Vec<_>>(), count_ended(s) == 2)
        };
        let make = |[a, b]: [Input; 2]| a.map(|t| (t, t * 10)).timed_zip(b.map(|t| (t, t * 10)), room());
        prop_assert_eq!(play(&s, take, make), expect(&s, take, model));
    }

    #[test]
    fn join_within(s in script(2), tolerance in 0..4, take in take()) {
        let mut newest = [0; 2];
        let s: Vec<_> = s.into_iter().map(|(input, step)| {
            let Next(event) = step else { return (input, step) };
            newest[input] += event / 2;
            (input, Next(newest[input]))
        }).collect();
        let model = |s: &[(usize, Step)]| {
            let (mut sent, mut over) = (Vec::new(), false);
            let events: Vec<_> = all(s).collect();
            for (n, (at, input, t)) in events.iter().enumerate() {
                let partners = events[..n].iter().filter(|(_, i, u)| i != input && (u - t).abs() <= tolerance);
                sent.extend(partners.map(|(before, _, u)| if *input == 0 { (*t, *u, *at) } else { (*u, *t, *before) }));
            }
            for n in 0..=s.len() {
                // Over when an input has ended and the other is beyond the reach of all it has sent.
                let s = &s[..n];
                over = over || (0..2).any(|i| {
                    let reach = of(s, i).last().map(|last| last + tolerance);
                    has_ended(s, i) && (has_ended(s, 1 - i) || reach.is_none_or(|reach| of(s, 1 - i).last() > Some(&reach)))
                });
            }
            (sent.into_iter().map(|(a, b, _)| ((a, ()), (b, ()))).collect::<Vec<_>>(), over)
        };
        let make = |[a, b]: [Input; 2]| a.map(|t| (t, ())).join_within(b.map(|t| (t, ())), tolerance, room());
        prop_assert_eq!(play(&s, take, make), expect(&s, take, model));
    }

    #[test]
    fn loops(s in script(2), limit in 0..40) {
        // What goes round comes right after what caused it, before what comes next; nothing recurses or is lost.
        let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
        let back = b.clone();
        a.merge(&b).also_to(seen.clone()).filter(move |x| *x < limit).map(|x| x + 7).connect(back);
        let (mut expected, mut b_open, mut open) = (Vec::new(), true, true);
        for (input, step) in &s {
            let Next(event) = *step else {
                if *input == 1 {
                    assert!(b.complete(&mut cx()).is_ok());
                    b_open = false;
                }
                continue;
            };
            let port = if *input == 0 { &a } else { &b };
            assert!(port.emit(event, &mut cx()).is_ok());
            if open && (*input == 0 || b_open) {
                expected.push(event);
                let mut event = event;
                while event < limit && b_open {
                    event += 7;
                    expected.push(event);
                }
                open = event >= limit; // else it has found the end of the loop closed
            }
        }
        prop_assert_eq!(seen.events(), expected);
    }

    #[test]
    fn bounded_zip(s in script(2), n in 1_usize..5) {
        // Each policy at its work: what is dropped, and what is asked of the source.
        let zip = |limit: Limit| play(&s, BIG, move |[a, b]| a.zip(b, limit));
        let unlimited = play(&s, BIG, |[a, b]| a.zip(b, room()));
        prop_assert_eq!(zip(Limit::block(n)), &*unlimited); // a source that does not listen loses nothing
        let ahead = (0..=s.len()).find(|k| of(&s[..*k], 0).len().abs_diff(of(&s[..*k], 1).len()) > n);
        let failed = zip(Limit::fail(n));
        match ahead {
            Some(_) if failed.contains("zip holds") => {}
            _ => prop_assert_eq!(failed, unlimited),
        }
    }
}

#[test]
fn who_is_ahead_is_paused_and_goes_on_when_there_is_room() {
    let (a, b) = (Port::new(), Port::new());
    a.zip(&b, Limit::block(2)).connect(call(drop));
    let demands = [1, 2].map(|event| a.emit(event, &mut cx()).expect("no fatal error"));
    assert_eq!(demands, [Demand::More, Demand::Full]);
    assert_eq!(b.emit(1, &mut cx()).expect("no fatal error"), Demand::More);
    assert_eq!(a.emit(3, &mut cx()).expect("no fatal error"), Demand::Full);
}

#[test]
fn an_input_that_has_ended_before_counts_as_ended() {
    let (a, b, seen) = (Port::<i32>::new(), Port::new(), Recorder::new());
    assert!(a.complete(&mut cx()).is_ok());
    a.merge(&b).connect(seen.clone());
    assert!(b.emit(1, &mut cx()).is_ok());
    assert!(b.complete(&mut cx()).is_ok());
    assert_eq!(seen.text(), "1 |");
}

#[test]
fn a_sink_may_disconnect_the_join_it_belongs_to() {
    let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
    let mine = Rc::new(std::cell::OnceCell::<Connection>::new());
    let handle = mine.clone();
    let leave = move |_: &i32| handle.get().expect("it is set").disconnect();
    let connection = a.merge(&b).inspect(leave).connect(seen.clone());
    assert!(mine.set(connection).is_ok());
    assert_eq!(a.emit(1, &mut cx()).expect("no fatal error"), Demand::Done);
    assert!(b.emit(2, &mut cx()).is_ok());
    assert_eq!(seen.text(), "1");
    assert!(!b.is_listened());
}

type Bounded = fn(&Port<i32>, &Port<i32>, Limit, Recorder<String>) -> Connection;

/// The operators that hold events, so connected that those of the first port wait for the second.
const BOUNDED: [(&str, Bounded); 8] = [
    ("zip", |a, b, limit, seen| a.zip(b, limit).map(text).connect(seen)),
    ("zip_latest", |a, b, limit, seen| a.zip_latest(b, limit).map(text).connect(seen)),
    ("buffer_until", |a, b, limit, seen| a.buffer_until(b, limit).map(text).connect(seen)),
    ("concat", |a, b, limit, seen| b.concat(a, limit).map(text).connect(seen)),
    ("timed_zip", |a, b, limit, seen| a.map(timed).timed_zip(b.map(timed), limit).map(text).connect(seen)),
    ("merge_by_time", |a, b, limit, seen| a.merge_by_time(b, |time| *time, limit).map(text).connect(seen)),
    ("join_within", |a, b, limit, seen| a.map(timed).join_within(b.map(timed), 9, limit).map(text).connect(seen)),
    ("sequence_equal_to", |a, b, limit, seen| a.sequence_equal_to(b, limit).map(text).connect(seen)),
];

fn text<T: Debug>(event: T) -> String {
    format!("{event:?}")
}

fn timed(time: i32) -> (i32, ()) {
    (time, ())
}

#[test]
fn what_is_full_pauses_its_source_or_fails_by_name() {
    for (name, connect) in BOUNDED {
        let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
        connect(&a, &b, Limit::block(2), seen.clone());
        let demands = [1, 2, 3].map(|event| a.emit(event, &mut cx()).expect("no fatal error"));
        assert_eq!(demands, [Demand::More, Demand::Full, Demand::Full], "{name}");
        assert!(!a.ask(Question::Room) && b.ask(Question::Room), "{name}");
        assert_eq!(seen.text(), "", "{name}");

        let (a, b, seen) = (Port::new(), Port::new(), Recorder::new());
        connect(&a, &b, Limit::fail(2), seen.clone());
        let demands = [1, 2, 3].map(|event| a.emit(event, &mut cx()).expect("no fatal error"));
        assert_eq!(demands, [Demand::More, Demand::More, Demand::Done], "{name}");
        let error = seen.error().expect("an error");
        assert!(error.starts_with(&format!("{name} holds 2 events and is full")), "{name}: {error}");
        assert!(!b.is_listened(), "{name}");
    }
}
