//! What a saved state knows of times is right in the program that runs next: on the same boot, after a reboot, and on a board
//! whose clock nobody has set.
#![cfg(feature = "std")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{Recorder, timed};
use thingflow_core::windows::{Sum, Windowed};
use thingflow_core::{BootId, Pipe, SavedState, VirtualClock};
use thingflow_signals::estimate::{AlphaBeta, ConstantRate};
use thingflow_signals::prelude::*;
use thingflow_signals::quality::{FlatLine, Quality};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A clock of a boot, which has run for so long and shows this time.
fn clock(boot: u128, uptime: u64, wall: i64) -> VirtualClock {
    let clock = VirtualClock::starting_at(Timestamp::UNIX_EPOCH).in_boot(BootId::from_u128(boot));
    clock.advance(secs(uptime));
    clock.slew(Timestamp::from_secs(wall));
    clock
}

/// What one program has saved after it saw a value 5, on one clock; how old it was then.
fn saved<F: Filter<f64, Out: Clone + 'static>>(
    make: &impl Fn() -> Pipe<f64, F>,
    clock: &VirtualClock,
    age: u64,
) -> SavedState {
    let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
    let mut chain = make().to(Recorder::new());
    scheduler.with_context(|cx| chain.next(5.0, cx)).expect("goes on");
    clock.advance(secs(age));
    scheduler.with_context(|cx| SavedState::of(&mut chain, cx)).expect("is saved")
}

/// What another sends that has been given the state, on another clock, until `run` seconds have passed.
fn goes_on<F: Filter<f64, Out: Clone + std::fmt::Debug + 'static> + 'static>(
    make: &impl Fn() -> Pipe<f64, F>,
    state: SavedState,
    clock: &VirtualClock,
    events: impl IntoIterator<Item = (f64, f64)>,
    run: u64,
) -> Vec<F::Out> {
    let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
    let (seen, state) = (Recorder::new(), SavedState::from_words(state.into_words()).expect("whole"));
    let mut chain = make().to(seen.clone());
    scheduler.with_context(|cx| Ok(state.restore(&mut chain, cx))).expect("goes on").expect("the same stages");
    let source = timed(events.into_iter().chain([(1e6, 0.0)]));
    scheduler.schedule_recurring(source.connect(chain)).expect("is scheduled");
    scheduler.run_for(secs(run)).expect("runs");
    seen.events()
}

fn ages(uptime: u64, wall: i64, boot: u128, is_set: bool) -> Vec<(u64, bool)> {
    let make = || pipe::<f64>().hold(secs(10), secs(100));
    let state = saved(&make, &clock(1, 50, 1_000_050), 20);
    let after = clock(boot, uptime, wall);
    let after = if is_set { after } else { after.unset() };
    let sent = goes_on(&make, state, &after, [], 11);
    sent.into_iter().map(|held| (held.age.as_secs(), held.is_stale)).collect()
}

#[test]
fn m02_the_age_of_a_value_is_right_after_a_reboot_however_long_the_machine_is_up() {
    // It was saved 20 s after it came, at 70 s of uptime, at 1,000,070 s of the wall clock.
    assert_eq!(ages(75, 1_000_075, 1, true), [(25, false), (30, false)], "in the same boot the clock goes on");
    for uptime in [0, 3, 69, 70, 71, 5_000] {
        assert_eq!(
            ages(uptime, 1_000_100, 2, true),
            [(50, false), (60, false)],
            "30 s later, {uptime} s after the boot"
        );
        assert_eq!(
            ages(uptime, 1_000_200, 2, true),
            [(150, true), (160, true)],
            "130 s later, {uptime} s after the boot"
        );
    }
}

#[test]
fn m02_a_value_of_which_nobody_knows_how_old_it_is_is_stale() {
    for uptime in [0, 70, 71, 5_000] {
        let sent = ages(uptime, 12, 2, false);
        assert!(sent.len() == 2 && sent.iter().all(|(age, is_stale)| *is_stale && *age > 365 * 86_400), "{sent:?}");
    }
}

#[test]
fn m02_a_wall_clock_that_went_back_makes_nothing_younger_than_it_was() {
    assert_eq!(ages(3, 999_000, 2, true), [(20, false), (30, false)]);
}

#[test]
fn a_silence_of_which_nobody_knows_how_long_it_was_makes_no_event_late() {
    let time = |second: &f64| Timestamp::from_nanos((second * 1e9) as i64);
    let window = || Window::event_time(secs(10), time);
    let make = || pipe::<f64>().watermarks_or_idle(time, Duration::ZERO, secs(60)).aggregate(window(), Sum::new());
    let sums = |after: VirtualClock, run| {
        let state = saved(&make, &clock(1, 50, 1_000_050), 20);
        let sums = goes_on(&make, state, &after, [(5.0, 7.0), (30.0, 12.0)], run);
        sums.iter().map(|w: &Windowed<f64>| (w.count, w.value)).collect::<Vec<_>>()
    };
    for uptime in [0, 70, 5_000] {
        assert_eq!(sums(clock(2, uptime, 12).unset(), 80), [(2, 12.0)], "{uptime} s after the boot");
        assert_eq!(
            sums(clock(2, uptime, 12).unset(), 95),
            [(2, 12.0), (1, 12.0)],
            "a silence of a minute is one again"
        );
        assert_eq!(sums(clock(2, uptime, 1_000_100), 40), [(2, 12.0)], "30 s later");
        assert_eq!(sums(clock(2, uptime, 1_000_200), 40)[..1], [(1, 5.0)], "130 s later");
    }
}

#[test]
fn a_window_that_is_open_ends_when_it_would_have_and_begins_when_it_did() {
    let make = || pipe::<f64>().aggregate(Window::each(secs(60)).bounds(), Sum::new());
    let at = Timestamp::from_secs;
    for uptime in [0, 40, 5_000] {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        let sums = goes_on(&make, state, &clock(2, uptime, 1_000_130), [(10.0, 7.0), (90.0, 1.0)], 40);
        let shown: Vec<_> = sums.iter().map(|w: &Windowed<f64>| (w.start, w.end, w.count, w.value)).collect();
        assert_eq!(shown, [(at(1_000_100), at(1_000_160), 2, 12.0)], "{uptime} s after the boot");
    }
}

#[test]
fn the_last_minute_is_that_of_the_day_and_not_of_the_boot() {
    let make = || pipe::<f64>().aggregate(Window::last(secs(60), Limit::drop_oldest(9)), Sum::new());
    for (off, sum) in [(10, 12.0), (30, 12.0), (50, 7.0), (5_000, 7.0)] {
        for uptime in [0, 200, 9_999] {
            let state = saved(&make, &clock(1, 100, 1_000_100), 20);
            let after = clock(2, uptime, 1_000_120 + off);
            let sums = goes_on(&make, state, &after, [(1.0, 7.0)], 2);
            assert_eq!(sums, [sum], "off for {off} s, {uptime} s after the boot");
        }
    }
}

#[test]
fn a_sliding_window_begins_with_its_oldest_event_also_before_the_boot() {
    let make = || pipe::<f64>().aggregate(Window::sliding(2).bounds(), Sum::new());
    for uptime in [0, 5_000] {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        let sums = goes_on(&make, state, &clock(2, uptime, 1_000_150), [(1.0, 7.0)], 2);
        let [window] = &sums[..] else { panic!("one window") };
        assert_eq!((window.start, window.end), (Timestamp::from_secs(1_000_100), Timestamp::from_secs(1_000_151)));
    }
}

/// What the filter says of a rise by 10 in 100 s: where its rate is not known at all, 3/2 of the quotient.
const OVER_100_S: f64 = 0.15;

#[test]
fn a_rate_is_that_over_the_time_that_the_machine_was_off() {
    let make = || pipe::<f64>().process(ConstantRate::new(1e9, 1e-9));
    for uptime in [0, 5_000] {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        let rates = goes_on(&make, state, &clock(2, uptime, 1_000_150), [(50.0, 15.0)], 51);
        let [rate] = &rates[..] else { panic!("one estimate") };
        assert!((rate.rate - OVER_100_S).abs() < 1e-3, "10 in 100 s, and not {}", rate.rate);
    }
}

#[test]
fn over_a_time_that_nobody_knows_there_is_no_rate() {
    let make = || pipe::<f64>().derivative();
    let rates = |after: VirtualClock| {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        goes_on(&make, state, &after, [(50.0, 15.0), (51.0, 16.0)], 52)
    };
    assert_eq!(rates(clock(2, 7, 1_000_150)), [0.1, 1.0]);
    assert_eq!(rates(clock(2, 5_000, 12).unset()), [1.0]);
}

#[test]
fn over_a_time_that_nobody_knows_nothing_goes_on_as_it_did() {
    let make = || pipe::<f64>().process(AlphaBeta::new(0.5, 0.1));
    let before = clock(1, 100, 1_000_100);
    let mut scheduler = Scheduler::with_clock(before.clone()).expect("a scheduler");
    let mut chain = make().to(Recorder::new());
    for value in [5.0, 6.0, 7.0] {
        scheduler.with_context(|cx| chain.next(value, cx)).expect("goes on");
        before.advance(secs(1));
    }
    let state = scheduler.with_context(|cx| SavedState::of::<f64>(&mut chain, cx)).expect("is saved");
    let sent = goes_on(&make, state, &clock(2, 5_000, 12).unset(), [(1.0, 7.0)], 2);
    let [estimate] = &sent[..] else { panic!("one estimate") };
    assert!((5.0..9.0).contains(&estimate.value), "{estimate:?}");
}

#[test]
fn no_sensor_is_stuck_because_nobody_knows_how_long_the_machine_was_off() {
    let make = || pipe::<f64>().qualify(FlatLine::new(0.1, secs(60), secs(300))).map(|event| event.quality);
    let marks = |after: VirtualClock| {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        goes_on(&make, state, &after, [(1.0, 5.0), (70.0, 5.0)], 71)
    };
    for uptime in [0, 200, 5_000] {
        assert_eq!(marks(clock(2, uptime, 12).unset()), [Quality::Good, Quality::Suspect], "{uptime} s after the boot");
        assert_eq!(marks(clock(2, uptime, 1_000_400)), [Quality::Bad, Quality::Bad], "off for 280 s");
    }
}

#[test]
fn a_sensor_is_not_late_because_the_machine_was_off() {
    let make = || pipe::<f64>().on_timeout(secs(30), || Some(99.0));
    for (off, sent) in [(5, vec![99.0, 7.0]), (130, vec![7.0])] {
        let state = saved(&make, &clock(1, 100, 1_000_100), 20);
        let after = clock(2, 5_000, 1_000_120 + off);
        assert_eq!(goes_on(&make, state, &after, [(6.0, 7.0)], 7), sent, "off for {off} s");
    }
}

/// The times of sensor events are those of the day in any boot.
#[test]
fn the_time_of_an_event_is_not_moved() {
    let make = || pipe::<SensorEvent<f64>>().process(ConstantRate::new(1e9, 1e-9));
    let (seen, at) = (Recorder::new(), |secs, val| SensorEvent::new("t", Timestamp::from_secs(secs), val));
    let (before, after) = (clock(1, 100, 1_000_100), clock(2, 7, 1_000_150));
    let [mut before, mut after] = [before, after].map(|clock| Scheduler::with_clock(clock).expect("a scheduler"));
    let (mut one, mut other) = (make().to(Recorder::new()), make().to(seen.clone()));
    before.with_context(|cx| one.next(at(50, 5.0), cx)).expect("goes on");
    let state = before.with_context(|cx| SavedState::of::<SensorEvent<f64>>(&mut one, cx)).expect("is saved");
    after
        .with_context(|cx| Ok(state.restore::<SensorEvent<f64>>(&mut other, cx)))
        .expect("goes on")
        .expect("the same stages");
    after.with_context(|cx| other.next(at(150, 15.0), cx)).expect("goes on");
    assert!((seen.events()[0].val.rate - OVER_100_S).abs() < 1e-3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn saved_again_in_each_of_many_boots_an_age_is_that_of_the_wall_clock(
        boots in prop::collection::vec((0_u64..100_000, 0_u64..10_000, 0_u64..10_000), 1..6),
    ) {
        let make = || pipe::<f64>().hold(secs(1), secs(1_000_000));
        let (mut state, mut age) = (saved(&make, &clock(1, 7, 1_000_000), 20), 20);
        for (boot, (uptime, off, on)) in (2..).zip(boots) {
            age += off;
            let clock = clock(boot, uptime, 1_000_000 + i64::try_from(age).unwrap());
            let mut scheduler = Scheduler::with_clock(clock.clone()).unwrap();
            let mut chain = make().to(Recorder::new());
            scheduler.with_context(|cx| Ok(state.restore::<f64>(&mut chain, cx))).unwrap().unwrap();
            clock.advance(secs(on));
            age += on;
            state = scheduler.with_context(|cx| SavedState::of::<f64>(&mut chain, cx)).unwrap();
        }
        let held = goes_on(&make, state, &clock(99, 3, 1_000_000 + i64::try_from(age).unwrap()), [], 1);
        prop_assert_eq!(held[0].age, secs(age));
    }
}
