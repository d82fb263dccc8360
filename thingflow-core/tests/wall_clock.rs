//! The wall clock of a board that boots in the past: what is known of it, its steps, and events that wait for it.
#![cfg(feature = "std")]

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::testing::{ListSensor, Recorder, Timed, timed};
use thingflow_core::timing::{Repeat, Throttle};
use thingflow_core::windows::Count;
use thingflow_core::{BootId, Clock, Dated, Moment, SystemClock, VirtualClock, WallClock, bare};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Does something to the clock at given seconds of the run.
fn script(scheduler: &Scheduler, steps: Vec<(u64, Box<dyn Fn()>)>) {
    for (second, step) in steps {
        let once = from_iter([()]).for_each(move |()| step());
        scheduler.schedule_later_one_time(once, secs(second)).expect("it can be scheduled");
    }
}

fn set(clock: &VirtualClock, second: i64) -> Box<dyn Fn()> {
    let clock = clock.clone();
    Box::new(move || clock.set(Timestamp::from_secs(second)))
}

/// The second by the wall clock, `?` if it is not known.
fn time<T>(dated: &Dated<T>) -> String {
    dated.moment.time().map_or("?".into(), |time| (time.as_nanos() / 1_000_000_000).to_string())
}

#[test]
fn a25_records_made_before_the_clock_is_set_get_their_wall_time() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::new().unset();
    let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    let numbers = from_iter(1..=5).hold_until_clock_is_set(secs(1000), Limit::default());
    let flow = numbers.map(|dated| format!("{} at {}", dated.event, time(&dated))).connect(seen.clone());
    scheduler.schedule_periodic(flow, secs(10))?;
    script(&scheduler, vec![(35, set(&clock, 5035))]);
    scheduler.run_for(secs(34))?;
    assert!(seen.events().is_empty());
    scheduler.run_forever()?;
    assert_eq!(seen.events(), ["1 at 5010", "2 at 5020", "3 at 5030", "4 at 5040", "5 at 5050"]);
    Ok(())
}

#[test]
fn a25_a_clock_that_is_never_set_leaves_a_mark_after_the_longest_wait() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::new().unset();
    let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    let numbers = from_iter(1..=4).hold_until_clock_is_set(secs(15), Limit::default());
    scheduler.schedule_periodic(numbers.map(|dated| time(&dated)).connect(seen.clone()), secs(10))?;
    script(&scheduler, vec![(35, set(&clock, 5035))]);
    scheduler.run_forever()?;
    assert_eq!(seen.timed_text(), r#""?"@25 "?"@25 "?"@30 "5040"@40 |@50"#);
    Ok(())
}

#[test]
fn a25_in_another_boot_a_time_stays_unknown() {
    let mut clock = WallClock::unknown(Instant::from_nanos(50), Timestamp::from_nanos(50));
    clock.boot = BootId::from_u128(7);
    let before = Moment::of(&clock);
    (clock.is_set, clock.time) = (true, Timestamp::from_secs(9));
    assert_eq!(before.settled(&clock).time(), Some(Timestamp::from_secs(9)));
    for boot in [BootId::from_u128(8), BootId::UNKNOWN] {
        clock.boot = boot;
        assert_eq!(before.settled(&clock), before);
        assert_eq!((before.is_known(), before.shown()), (false, Timestamp::from_nanos(50)));
    }
    let nowhere = Moment::of(&WallClock::unknown(Instant::ZERO, Timestamp::UNIX_EPOCH));
    clock.boot = BootId::UNKNOWN;
    assert!(!nowhere.settled(&clock).is_known()); // no boot is the same as one that is not known
}

#[test]
fn the_end_waits_with_the_events_and_an_error_does_not() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::new().unset();
    let (mut scheduler, completed, failed) = (Scheduler::with_clock(clock.clone())?, Recorder::new(), Recorder::new());
    let hold = |flow: Flow<_>| flow.hold_until_clock_is_set(secs(100), Limit::default()).map(|dated| time(&dated));
    scheduler.schedule_recurring(hold(timed([(1.0, ()), (2.0, ())])).connect(completed.clone()))?;
    let flaky = Port::new();
    let dated = flaky.hold_until_clock_is_set(secs(100), Limit::default()).map(|dated: Dated<()>| time(&dated));
    dated.connect(failed.clone());
    scheduler.with_context(|cx| {
        flaky.emit((), cx)?;
        flaky.fail(StreamError::new("gone"), cx)
    })?;
    script(&scheduler, vec![(8, set(&clock, 1008))]);
    scheduler.run_forever()?;
    assert_eq!(completed.timed_text(), r#""1001"@8 "1002"@8 |@8"#);
    assert_eq!(failed.timed_text(), r#""?"@0 !@0 gone"#);
    Ok(())
}

#[test]
fn what_is_too_much_to_hold_goes_by_the_limit() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::new().unset();
    let (mut scheduler, dropping, pausing) = (Scheduler::with_clock(clock.clone())?, Recorder::new(), Recorder::new());
    let flow = from_iter(1..=5).hold_until_clock_is_set(secs(100), Limit::drop_oldest(2)).map(|dated| dated.event);
    scheduler.schedule_periodic(flow.connect(dropping.clone()), secs(1))?;
    let flow = from_iter(1..=5).hold_until_clock_is_set(secs(100), Limit::block(2)).map(|dated| dated.event);
    scheduler.schedule_periodic(flow.connect(pausing.clone()), secs(1))?;
    script(&scheduler, vec![(20, set(&clock, 1000))]);
    scheduler.run_forever()?;
    assert_eq!(dropping.text(), "4 5 |");
    assert_eq!(pausing.text(), "1 2 3 4 5 |");
    Ok(())
}

#[test]
fn nothing_is_held_where_the_clock_is_set_or_nobody_wakes() {
    let hold = || from_iter(1..=3).hold_until_clock_is_set(secs(100), Limit::default());
    let alone = hold().collect_now();
    assert_eq!(
        alone.iter().map(|dated| (dated.event, dated.moment.is_known())).collect::<Vec<_>>(),
        [(1, false), (2, false), (3, false)]
    );
    let (mut scheduler, seen) = (Scheduler::virtual_time().unwrap(), Recorder::new());
    scheduler.schedule_periodic(hold().map(|dated| time(&dated)).connect(seen.clone()), secs(1)).unwrap();
    scheduler.run_forever().unwrap();
    assert_eq!(seen.timed_text(), r#""1"@1 "2"@2 "3"@3 |@4"#);
}

#[test]
fn each_step_is_reported_once_and_in_both_directions() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::new().unset();
    let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    let change = |change: thingflow_core::ClockChange| {
        let second = |time: Timestamp| time.as_nanos() / 1_000_000_000;
        (second(change.before), second(change.after), change.is_set)
    };
    scheduler.clock_changes().map(change).connect(seen.clone());
    scheduler.schedule_periodic(from_iter(0..).for_each(drop), secs(1))?;
    let synchronized = clock.clone();
    let steps: Vec<(u64, Box<dyn Fn()>)> =
        vec![(5, Box::new(move || synchronized.synchronize())), (10, set(&clock, 1000)), (20, set(&clock, 500))];
    script(&scheduler, steps);
    scheduler.run_for(secs(30))?;
    assert_eq!(seen.events(), [(6, 6, true), (11, 1001, true), (1011, 501, true)]);
    let wall = scheduler.with_context(|cx| Ok(cx.wall_clock()))?;
    assert_eq!((wall.steps, wall.time, wall.is_set), (2, Timestamp::from_secs(510), true));
    Ok(())
}

#[test]
fn a_clock_that_is_set_from_the_start_is_told_once() -> Result<(), Box<dyn std::error::Error>> {
    let (mut scheduler, seen) = (Scheduler::virtual_time()?, Recorder::new());
    scheduler.clock_changes().connect(seen.clone());
    scheduler.schedule_periodic(from_iter(1..=3).for_each(drop), secs(1))?;
    scheduler.run_forever()?;
    let told: Vec<_> = seen.events().iter().map(|change| (change.before == change.after, change.is_set)).collect();
    assert_eq!(told, [(true, true)]);
    Ok(())
}

#[test]
fn a_board_with_a_battery_may_be_trusted() -> Result<(), Box<dyn std::error::Error>> {
    let clock = VirtualClock::starting_at(Timestamp::from_secs(100)).unset();
    let mut scheduler = Scheduler::with_clock(clock)?;
    assert_eq!(scheduler.with_context(|cx| Ok(cx.moment().time()))?, None);
    scheduler.trust_wall_clock();
    assert_eq!(scheduler.with_context(|cx| Ok(cx.moment().time()))?, Some(Timestamp::from_secs(100)));
    Ok(())
}

/// What a place of a graph has seen in the end, as text.
type Seen = Box<dyn Fn() -> String>;

/// Records what comes out of each chain, with its name.
macro_rules! seen {
    ($lines:ident: $($chain:expr),+ $(,)?) => { $({
        let seen = Recorder::new();
        $chain.connect(seen.clone());
        $lines.push(Box::new(move || format!("{}: {}", stringify!($chain).replace('\n', " "), seen.timed_text())));
    })+ };
}

fn timing(source: &Output<Timed<i32>>, lines: &mut Vec<Seen>) {
    seen!(lines:
        source.delay(secs(2), Limit::default()),
        source.delay_of::<8>(secs(2)),
        source.debounce(secs(1)),
        source.throttle(secs(3)),
        source.pipe(Throttle::leading(secs(3))),
        source.pipe(Throttle::trailing(secs(3))),
        source.pipe(Throttle::both(secs(3))),
        source.throttle_by(secs(3), 2, |n| n % 2),
        source.pace(secs(2), Limit::default()),
        source.pace_of::<8>(secs(2)),
        source.time_interval(),
        source.stamped(),
        source.stamped().delay(secs(3), Limit::default()).pace(secs(2), Limit::default()).time_to_live(secs(4)),
        source.timeout(secs(20)),
        source.timeout(secs(3)),
        source.on_timeout(secs(2), Repeat::last()),
        source.on_timeout(secs(3), || Some(0)),
        source.sample_every(secs(2)),
        source.heartbeat(secs(3)),
        source.heartbeat_by(secs(3), |one, other| one / 3 == other / 3),
        source.coalesce(),
        source.map(f64::from).stamped().map(|stamped| stamped.at),
        source.map(f64::from).derivative(),
        source.map(f64::from).rate(),
    );
}

fn windows(source: &Output<Timed<i32>>, lines: &mut Vec<Seen>) {
    let threes = || Window::each(secs(3));
    seen!(lines:
        source.aggregate(threes(), Count::new()),
        source.aggregate(threes().from_start(), Count::new()),
        source.aggregate(threes().send_empty(), Count::new()),
        source.aggregate(threes().from_start().send_empty(), Count::new()),
        source.aggregate(threes().at_most(2), Count::new()),
        source.aggregate(threes().by_key(2, |n| n % 2), Count::new()),
        source.aggregate(Window::last(secs(4), Limit::default()), Count::new()),
        source.aggregate(Window::last_of::<8>(secs(4)), Count::new()),
        source.sliding_time(secs(4), Limit::default()),
        source.chunks_timeout(secs(3), Limit::default()),
        source.chunks_timeout_distinct(secs(3), Limit::default(), |n| n % 2),
        source.chunks_within(2, secs(3)),
        source.chunks_within_by(2, secs(3), 2, |n| n % 2),
    );
}

/// All that comes out of operators with time, and when; and of sources with a timetable.
fn measured(steps: &[(u64, i64)]) -> String {
    let clock = VirtualClock::starting_at(Timestamp::from_secs(1_000_000));
    let mut scheduler = Scheduler::with_clock(clock.clone()).expect("a scheduler");
    let mut lines: Vec<Seen> = Vec::new();
    let source = timed([(1.0, 1), (1.5, 2), (4.0, 3), (4.2, 4), (9.0, 5), (9.1, 6), (15.0, 7)]).output();
    timing(&source, &mut lines);
    windows(&source, &mut lines);
    scheduler.schedule_recurring(source).expect("it can be scheduled");
    let (numbers, once) = (interval(secs(4)).output(), timer(secs(7)).output());
    seen!(lines: numbers, once);
    scheduler.schedule_recurring(numbers).expect("it can be scheduled");
    scheduler.schedule_recurring(once).expect("it can be scheduled");
    script(&scheduler, steps.iter().map(|(second, to)| (*second, set(&clock, *to))).collect());
    scheduler.run_for(secs(30)).expect("nothing is fatal");
    lines.iter().map(|line| line()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a25_nothing_that_measures_a_duration_changes_at_a_step() {
    let calm = measured(&[]);
    assert!(calm.contains("7@17"), "{calm}"); // the delay
    assert!(calm.lines().all(|line| line.contains('@')), "{calm}");
    assert_eq!(measured(&[(2, 2_000_000), (5, 0), (9, 999), (12, 3_000_000)]), calm);
}

#[test]
fn a_system_clock_says_what_the_kernel_knows() -> Result<(), Box<dyn std::error::Error>> {
    let mut scheduler = Scheduler::new()?;
    let seen = Recorder::new();
    scheduler.clock_changes().connect(seen.clone());
    let wall = scheduler.with_context(|cx| Ok(cx.wall_clock()))?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    assert_eq!(wall.boot.to_string(), boot.trim());
    let kernel = thingflow_clock::kernel_clock().is_ok_and(|clock| clock.synchronized);
    assert_eq!((wall.is_set, wall.steps), (kernel, 0));
    let now = SystemClock.timestamp().as_nanos();
    assert!(now.abs_diff(wall.time.as_nanos()) < 600_000_000_000);
    scheduler.schedule_periodic(from_iter(1..=3).for_each(drop), Duration::from_millis(1))?;
    scheduler.run_forever()?;
    assert!(seen.events().len() <= 1, "{:?}", seen.events()); // at most, that it is set
    Ok(())
}

#[test]
fn a_microcontroller_knows_its_time_once_it_has_been_told() {
    let seen = Recorder::new();
    let mut flow = Flow::new(thingflow_core::Sampled::new(ListSensor::new("lux", [1, 2, 3])))
        .dated()
        .map(|dated| time(&dated))
        .connect(seen.clone());
    let mut scheduler = bare::Scheduler::<1>::with_tick(secs(1));
    scheduler.schedule_periodic(&mut flow, secs(1)).unwrap();
    scheduler.run_due(0).unwrap();
    scheduler.set_time(Timestamp::from_secs(700));
    scheduler.run_due(1).unwrap();
    assert_eq!(seen.text(), r#""?" "701""#);
}

#[test]
fn a_boot_id_is_a_uuid() {
    let text = "00112233-4455-6677-8899-aAbBcCdDeEfF\n";
    let boot: BootId = text.parse().unwrap();
    assert_eq!(boot.as_u128(), 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
    assert_eq!(boot.to_string(), text.trim().to_lowercase());
    for wrong in [
        "",
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeefg",
        "+0112233-4455-6677-8899-aabbccddeeff",
        "é0112233-4455-6677-8899-aabbccddeef",
    ] {
        assert!(wrong.parse::<BootId>().is_err(), "{wrong}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_moment_is_a_record() -> Result<(), Box<dyn std::error::Error>> {
    let mut clock = WallClock::unknown(Instant::from_nanos(5), Timestamp::from_secs(60));
    clock.boot = "f47ac10b-58cc-4372-a567-0e02b2c3d479".parse()?;
    let dated = Dated::new(Moment::of(&clock), 7u8);
    let json = serde_json::to_string(&dated.moment)?;
    assert_eq!(
        json,
        r#"{"boot":"f47ac10b-58cc-4372-a567-0e02b2c3d479","at":5,"shown":"1970-01-01T00:01:00Z","known":false}"#
    );
    assert_eq!(serde_json::from_str::<Moment>(&json)?, dated.moment);
    let bytes = postcard::to_allocvec(&dated)?;
    assert_eq!(postcard::from_bytes::<Dated<u8>>(&bytes)?, dated);
    assert!(serde_json::from_str::<BootId>("\"not one\"").is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to the clock, events keep their order and their distances, and those with a known time have the one
    /// that the clock would have shown.
    #[test]
    fn a25_no_step_inverts_the_order_of_what_was_held(
        gaps in prop::collection::vec(1..20u64, 1..20),
        first_set in 1..200u64,
        second in -1_000_000..2_000_000_000i64,
        longest in 1..300u64,
    ) {
        let clock = VirtualClock::new().unset();
        let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone()).unwrap(), Recorder::new());
        let arrivals: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
        let source = timed(arrivals.iter().map(|at| (*at as f64, *at)).collect::<Vec<_>>());
        scheduler.schedule_recurring(source.hold_until_clock_is_set(secs(longest), Limit::default()).connect(seen.clone())).unwrap();
        script(&scheduler, vec![(first_set, set(&clock, second))]);
        scheduler.run_forever().unwrap();
        let all = seen.events();
        prop_assert_eq!(all.iter().map(|dated| dated.event).collect::<Vec<_>>(), arrivals.clone());
        for dated in &all {
            let arrived = dated.event;
            prop_assert_eq!(dated.moment.at(), Instant::ZERO + secs(arrived));
            // It has waited no longer than it should, and had its time if the clock was set by then.
            let until = arrivals[0] + longest;
            let expected = second + arrived as i64 - first_set as i64;
            if first_set < until.max(arrived) {
                prop_assert_eq!(dated.moment.time(), Some(Timestamp::from_secs(expected)));
            } else if first_set > until.max(arrived) + 1 {
                prop_assert_eq!(dated.moment.time(), None);
            }
        }
        let known: Vec<_> = all.iter().filter_map(|dated| dated.moment.time()).collect();
        prop_assert!(known.is_sorted());
    }
}

#[test]
fn a_window_of_a_key_ends_in_time_although_one_began_before_the_clock_was_set() -> Result<(), Box<dyn std::error::Error>>
{
    let clock = VirtualClock::starting_at(Timestamp::from_secs(10)); // its minute ends in 50 s
    let (mut scheduler, seen) = (Scheduler::with_clock(clock.clone())?, Recorder::new());
    let aligned = Window::each(secs(60)).aligned().by_key(9, |n: &i32| n % 2);
    let source = timed([(1.0, 1), (12.0, 2), (30.0, 4), (90.0, 6)]);
    scheduler.schedule_recurring(source.aggregate(aligned, Count::new()).connect(seen.clone()))?;
    script(&scheduler, vec![(10, set(&clock, 5_090))]); // the next full minute is 5,100, at second 20
    scheduler.run_for(secs(100))?;
    assert_eq!(seen.timed_text(), "1@20 1@50 1@80 1@90 |@90");
    Ok(())
}
