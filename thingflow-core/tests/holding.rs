//! No stage that holds events lets a watermark overtake them: random graphs of such stages on the virtual clock.
#![cfg(feature = "std")]

mod support {
    pub(crate) mod words;
}

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::flow::ErrorPolicy;
use thingflow_core::prelude::*;
use thingflow_core::timing::{Debounce, Delay, Throttle, ThrottleBy};
use thingflow_core::{Limit, joins};

use support::words::Word::{Completed, Event, Flush, Watermark};
use support::words::{self, script};

/// When it was measured, and which one it is.
type Reading = (i64, u32);
type Word = words::Word<Reading>;
type Heard = words::Heard<Reading>;

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn room() -> Limit {
    Limit::block(64)
}

/// A stage between two ports.
type Stage = fn(&Scheduler, &Port<Reading>, Port<Reading>);

fn key(event: &Reading) -> u32 {
    event.1 % 3
}

fn halves(port: &Port<Reading>) -> [Port<Reading>; 2] {
    let (odd, even) = port.partition(|(_, number)| number % 2 == 1);
    [odd, even]
}

const STAGES: [(&str, Stage); 24] = [
    ("delay", |_, p, next| drop(p.delay(secs(2.5), room()).connect(next))),
    ("delay that drops", |_, p, next| drop(p.pipe(Delay::new(secs(4.5), Limit::drop_oldest(2))).connect(next))),
    ("delay that drops the newest", |_, p, next| drop(p.delay(secs(4.5), Limit::drop_newest(2)).connect(next))),
    ("delay_of", |_, p, next| drop(p.delay_of::<64>(secs(1.5)).connect(next))),
    ("pace", |_, p, next| drop(p.pace(secs(1.5), room()).connect(next))),
    ("pace_of", |_, p, next| drop(p.pace_of::<64>(secs(0.5)).connect(next))),
    ("buffer", |_, p, next| drop(p.buffer(room()).pace(secs(1.2), Limit::block(1)).connect(next))),
    ("buffer that drops", |_, p, next| {
        drop(p.buffer(Limit::drop_oldest(2)).pace(secs(2.2), Limit::block(1)).connect(next));
    }),
    ("latest", |_, p, next| drop(p.latest().pace(secs(2.2), Limit::block(1)).connect(next))),
    ("debounce", |_, p, next| drop(p.debounce(secs(1.5)).connect(next))),
    ("debounce of the first too", |_, p, next| drop(p.pipe(Debounce::new(secs(1.5)).leading()).connect(next))),
    ("sample_every", |_, p, next| drop(p.sample_every(secs(2.5)).connect(next))),
    ("throttle", |_, p, next| drop(p.throttle(secs(2.5)).connect(next))),
    ("throttle of the last", |_, p, next| drop(p.pipe(Throttle::trailing(secs(2.5))).connect(next))),
    ("throttle_by", |_, p, next| drop(p.throttle_by(secs(3.5), 2, key).connect(next))),
    ("coalesce", |_, p, next| drop(p.coalesce().connect(next))),
    ("skip_last", |_, p, next| drop(p.skip_last(2).connect(next))),
    ("try_map_with", |_, p, next| {
        let mut tries = 0;
        let fails = move |event: &Reading| {
            tries += 1;
            if tries % 3 == 0 { Err("no answer") } else { Ok(*event) }
        };
        drop(p.try_map_with(ErrorPolicy::skip().retry(9, Backoff::constant(secs(1.5))), fails).connect(next));
    }),
    ("merge", |_, p, next| drop(joins::merge(halves(p).each_ref()).connect(next))),
    ("merge_by_time", |_, p, next| {
        drop(joins::merge_by_time(halves(p).each_ref(), |(at, _)| *at, room()).connect(next));
    }),
    ("merge_by_time that drops", |_, p, next| {
        drop(joins::merge_by_time(halves(p).each_ref(), |(at, _)| *at, Limit::drop_oldest(2)).connect(next));
    }),
    ("sample", |_, p, next| drop(p.sample(&p.filter(|(_, number)| number % 3 == 0).to_port()).connect(next))),
    ("buffer_until", |_, p, next| {
        let trigger = p.filter(|(_, number)| number % 3 == 0).to_port();
        drop(p.buffer_until(&trigger, room()).flatten().connect(next));
    }),
    ("map_on_pool", |scheduler, p, next| {
        let (jobs, results) = scheduler.map_on_pool(2, |event: Reading| event).expect("threads");
        p.connect(jobs);
        results.connect(next);
    }),
];

/// Stages that send at the end only, so that no watermark comes once they hold an event.
const LAST: [(&str, Stage); 4] = [
    ("take_last", |_, p, next| drop(p.take_last(3).connect(next))),
    ("last", |_, p, next| drop(p.last_or((0, 0)).connect(next))),
    ("max", |_, p, next| drop(p.max().catch_with(|_| []).connect(next))),
    ("concat", |_, p, next| drop(joins::concat(halves(p).each_ref(), room()).connect(next))),
];

/// A chain that ends in a port.
trait ToPort {
    fn to_port(self) -> Port<Reading>;
}

impl<C: Chain<Item = Reading>> ToPort for C {
    fn to_port(self) -> Port<Reading> {
        let port = Port::new();
        let _ = self.connect(port.clone());
        port
    }
}

fn run(words: &[Word], stages: &[Stage]) -> Vec<Word> {
    let mut scheduler = Scheduler::virtual_time().expect("a scheduler");
    let (first, heard) = (Port::new(), Heard::default());
    let last = stages.iter().fold(first.clone(), |before, stage| {
        let next = Port::new();
        stage(&scheduler, &before, next.clone());
        next
    });
    last.connect(heard.clone());
    scheduler.schedule_periodic(script(words, first), secs(1.0)).expect("a schedule");
    drop(last);
    scheduler.run_forever().expect("no fatal error");
    heard.words()
}

/// The events that came behind a watermark of a later time.
fn late(words: &[Word]) -> Vec<Reading> {
    let (mut watermark, mut late) = (i64::MIN, Vec::new());
    for word in words {
        match word {
            Watermark(at) => watermark = watermark.max(*at),
            Event(event) if event.0 < watermark => late.push(*event),
            _ => {}
        }
    }
    late
}

fn highest(words: &[Word]) -> Option<i64> {
    words.iter().filter_map(|word| if let Watermark(at) = word { Some(*at) } else { None }).max()
}

/// Times that rise, but not always; watermarks that promise too much now and then.
fn scripts() -> impl Strategy<Value = Vec<Word>> {
    let word = prop_oneof![
        5 => (-3..4_i64).prop_map(|off| Event((off, 0))),
        3 => (-4..2_i64).prop_map(Watermark),
        1 => Just(Flush)
    ];
    prop::collection::vec(word, 0..16).prop_map(|words| {
        let (mut highest, mut number, mut script) = (i64::MIN, 0, Vec::new());
        for (at, word) in (0..).step_by(3).zip(words) {
            match word {
                Event((off, _)) => {
                    number += 1;
                    script.push(Event((at + off, number)));
                }
                Watermark(off) if at + off > highest => {
                    highest = at + off;
                    script.push(Watermark(highest));
                }
                Watermark(_) => {}
                word => script.push(word),
            }
        }
        script
    })
}

fn check(words: &[Word], stages: &[(&str, Stage)], all_arrive: bool) -> Result<(), TestCaseError> {
    let names: Vec<_> = stages.iter().map(|(name, _)| *name).collect();
    let heard = run(words, &stages.iter().map(|(_, stage)| *stage).collect::<Vec<_>>());
    let (before, behind) = (late(words), late(&heard));
    let new: Vec<_> = behind.iter().filter(|event| !before.contains(event)).collect();
    prop_assert!(new.is_empty(), "{new:?} came too late behind {names:?}: {heard:?}");
    prop_assert_eq!(heard.last(), Some(&Completed), "{:?}", names);
    if all_arrive {
        prop_assert_eq!(highest(&heard), highest(words), "{:?}: {:?}", names, heard);
    }
    Ok(())
}

fn any_of(stages: &'static [(&'static str, Stage)]) -> impl Strategy<Value = (&'static str, Stage)> {
    (0..stages.len()).prop_map(|at| stages[at])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_watermark_overtakes_an_event_that_is_held(
        words in scripts(),
        stages in prop::collection::vec(any_of(&STAGES), 1..4),
        last in prop::option::weighted(0.2, any_of(&LAST)),
    ) {
        let all_arrive = last.is_none() && stages.iter().all(|(name, _)| *name != "skip_last");
        let stages: Vec<_> = stages.into_iter().chain(last).collect();
        check(&words, &stages, all_arrive)?;
    }
}

#[test]
fn each_stage_alone() -> Result<(), TestCaseError> {
    // Each event with the watermark behind it that it allows.
    let words: Vec<Word> = (1..9).flat_map(|n| [Event((i64::from(n), n)), Watermark(i64::from(n) + 1)]).collect();
    for stage in STAGES {
        check(&words, &[stage], stage.0 != "skip_last")?;
    }
    for stage in LAST {
        check(&words, &[stage], false)?;
    }
    Ok(())
}

#[test]
fn a_watermark_goes_on_as_soon_as_the_events_before_it() {
    let words = [Event((1, 1)), Watermark(2), Event((3, 2)), Watermark(4), Event((5, 3)), Watermark(6)];
    let expected = [&words[..], &[Completed]].concat();
    for stage in [STAGES[0].1, STAGES[3].1, STAGES[4].1] {
        assert_eq!(run(&words, &[stage]), expected);
    }
}

#[test]
fn a_flush_sends_what_waits_for_time_and_the_watermark_behind_it() {
    let words = [Event((1, 1)), Watermark(2), Flush];
    let expected = [&words[..], &[Completed]].concat();
    let stages: [Stage; 4] = [
        |_, p, next| drop(p.debounce(secs(9.0)).connect(next)),
        |_, p, next| drop(p.sample_every(secs(9.0)).connect(next)),
        |_, p, next| drop(p.pipe(Throttle::trailing(secs(9.0))).connect(next)),
        |_, p, next| drop(p.pipe(ThrottleBy::trailing(secs(9.0), 2, key)).connect(next)),
    ];
    for stage in stages {
        assert_eq!(run(&words, &[stage]), expected);
    }
    let gathers: Stage =
        |_, p, next| drop(p.buffer_until(&p.filter(|_| false).to_port(), room()).flatten().connect(next));
    let by_both_inputs = [&words[..], &[Flush, Completed]].concat();
    assert_eq!(run(&words, &[gathers]), by_both_inputs);
}
