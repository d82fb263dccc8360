//! Random schedules with crashes on the model file system, and what each sync is there for.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod oracle;

use oracle::{LIMIT, Oracle, SEGMENT, Setting, Step, Verdict, restless, schedule, tight};
use proptest::prelude::*;
use thingflow_journal::model::{Draw, Model};
use thingflow_journal::{BootClock, CommitWindow, Options, Policy, Store, SyncPoint};

const STEPS: usize = 80;

/// A setting drawn from a seed, so that all kinds come.
fn setting(seed: u64) -> Setting {
    let plain = Setting { consumers: (seed % 3) as usize, ..Setting::default() };
    match seed / 3 % 7 {
        0 | 1 => plain,
        2 => Setting { short: 4, ..plain },
        3 => Setting { policy: Policy::DropOldest, ..plain },
        4 => Setting { failing: 30, short: 9, ..plain },
        5 => Setting { policy: Policy::DropNewest, ..plain },
        _ => Setting { capacity: Some(6 * SEGMENT), ..plain },
    }
}

fn run(seed: u64, setting: Setting) -> Verdict {
    Oracle::new(seed, setting).run(&schedule(seed, STEPS)).map_err(|what| format!("seed {seed}: {what}"))
}

#[test]
fn a01_no_acknowledged_record_is_lost_in_ten_thousand_crashes() {
    let least = std::env::var("THINGFLOW_JOURNAL_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let mut crashes = 0;
    for seed in 0.. {
        let mut oracle = Oracle::new(seed, setting(seed));
        if let Err(what) = oracle.go(&schedule(seed, STEPS)) {
            panic!("seed {seed}: {what}");
        }
        crashes += oracle.crashes;
        if crashes >= least {
            break;
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u16..3000).prop_map(Step::Push),
        3 => Just(Step::Commit),
        4 => (0_u8..2, 0_u16..6000).prop_map(|(consumer, bytes)| Step::Read(consumer, bytes)),
        3 => (0_u8..2, any::<u8>()).prop_map(|(consumer, share)| Step::Acknowledge(consumer, share)),
        1 => Just(Step::SyncPositions),
        1 => Just(Step::Close),
        1 => (0_u8..24, any::<bool>()).prop_map(|(after, cut)| Step::Crash(after, cut)),
        1 => Just(Step::OpenTwice),
    ];
    prop::collection::vec(step, 0..60)
}

fn settings() -> impl Strategy<Value = Setting> {
    let policies = prop_oneof![Just(Policy::Block), Just(Policy::DropOldest), Just(Policy::DropNewest)];
    let capacity = prop::option::of((5 * SEGMENT)..LIMIT);
    let records = prop::option::of(1_u64..20);
    (
        0_usize..3,
        policies,
        records,
        prop_oneof![2 => Just(0), 1 => 10_u64..60],
        prop_oneof![Just(0), Just(4_u64)],
        capacity,
    )
        .prop_map(|(consumers, policy, max_records, failing, short, capacity)| Setting {
            consumers,
            policy,
            max_records,
            failing,
            short,
            capacity,
            ignored: None,
            limit: LIMIT,
            segment: SEGMENT,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn any_schedule_under_any_setting_keeps_what_it_must(seed in any::<u64>(), steps in steps(), setting in settings()) {
        let verdict = Oracle::new(seed, setting).run(&steps);
        prop_assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
    }
}

/// A small journal whose limit is always reached.
fn tight_setting(ignored: Option<SyncPoint>) -> Setting {
    let (segment, limit) = (2 * SEGMENT, 16 * SEGMENT + 4096);
    Setting { policy: Policy::DropOldest, consumers: 0, segment, limit, ignored, ..Setting::default() }
}

fn run_tight(seed: u64, ignored: Option<SyncPoint>) -> Verdict {
    let run = Oracle::new(seed, tight_setting(ignored)).run(&tight(seed, 150));
    run.map_err(|what| format!("seed {seed}: {what}"))
}

fn run_restless(seed: u64, ignored: Option<SyncPoint>) -> Verdict {
    let run = Oracle::new(seed, Setting { ignored, ..Setting::default() }).run(&restless(seed, 60));
    run.map_err(|what| format!("seed {seed}: {what}"))
}

#[test]
fn a01_nothing_is_delivered_that_a_power_cut_after_a_kill_could_lose() {
    for seed in 0..500 {
        if let Err(what) = run_restless(seed, None) {
            panic!("{what}");
        }
    }
}

#[test]
fn a08_the_limit_is_kept_in_a_loop_of_crashes() {
    for seed in 0..500 {
        if let Err(what) = run_tight(seed, None) {
            panic!("{what}");
        }
    }
}

/// In longer segments commits begin with a block of the disk where they then write fewer of them.
#[test]
fn a01_commits_that_leave_out_the_end_of_a_block_lose_nothing() {
    for seed in 0..400 {
        let setting = Setting { segment: 4 * SEGMENT, limit: 36 * SEGMENT, ..setting(seed) };
        let setting = Setting { capacity: setting.capacity.map(|capacity| 4 * capacity), ..setting };
        let schedule = if seed % 2 == 0 { schedule(seed, STEPS) } else { restless(seed, 60) };
        if let Err(what) = Oracle::new(seed, setting).run(&schedule) {
            panic!("seed {seed}: {what}");
        }
    }
}

/// Notes one boot after the other, with a power cut at some operation: what a note has returned for is known from then on.
fn run_clocks(seed: u64, ignored: Option<SyncPoint>) -> Verdict {
    let disk = Model::new(seed);
    disk.faults(|faults| faults.ignored = ignored);
    let options = || Options::new(128 << 10, CommitWindow::default()).segment_bytes(8192);
    let open = || Store::open(disk.clone(), options());
    drop(open());
    let (mut draw, mut noted) = (Draw::new(seed), Vec::new());
    for boot in 1..=8 {
        disk.stop_after(5 + draw.below(30));
        let note = BootClock { boot, monotonic: seed, time: (boot % 3 > 0).then_some(7) };
        if open().is_ok_and(|mut store| store.note_clock(note).is_ok()) {
            noted.push(note);
        }
        disk.cut_power();
        let store = open().map_err(|error| format!("seed {seed}: {error:?}"))?;
        let lost = noted.iter().find(|note| !store.clocks().contains(note));
        if let Some(lost) = lost {
            return Err(format!("seed {seed}: {lost:?} is lost, there is {:?}", store.clocks()));
        }
    }
    Ok(())
}

#[test]
fn a25_what_was_noted_of_a_clock_survives_power_cuts() {
    for seed in 0..500 {
        if let Err(what) = run_clocks(seed, None) {
            panic!("{what}");
        }
    }
}

/// Without this sync some schedule must break a promise; gives which.
fn broken_without(point: SyncPoint) -> Option<String> {
    (0..3_000).find_map(|seed| {
        let any = run(seed, Setting { ignored: Some(point), ..setting(seed) });
        let any = any.and_then(|()| run_tight(seed, Some(point))).and_then(|()| run_restless(seed, Some(point)));
        any.and_then(|()| run_clocks(seed, Some(point))).err()
    })
}

macro_rules! each_sync_is_needed {
    ($($test:ident: $point:ident;)+) => {
        $(
            #[test]
            fn $test() {
                let broken = broken_without(SyncPoint::$point);
                assert!(broken.is_some(), "nothing breaks without {:?}", SyncPoint::$point);
            }
        )+

        #[test]
        fn each_sync_has_such_a_test() {
            let tested = [$(SyncPoint::$point),+];
            assert!(SyncPoint::ALL.iter().all(|point| tested.contains(point)));
        }
    };
}

each_sync_is_needed! {
    a01_the_sync_of_a_batch_is_needed: Batch;
    a01_the_sync_of_a_new_segment_is_needed: NewSegment;
    the_sync_before_a_reuse_is_needed: Reuse;
    a08_the_sync_of_a_cut_is_needed: Cut;
    the_sync_before_a_removal_is_needed: Retire;
    a10_the_sync_of_a_position_is_needed: Position;
    a10_the_sync_before_the_first_delivery_is_needed: Reach;
    a10_the_sync_of_a_new_position_is_needed: NewPosition;
    a10_the_sync_of_the_name_of_a_position_is_needed: PositionName;
    a25_the_sync_of_new_clocks_is_needed: NewClocks;
    a25_the_sync_of_the_name_of_new_clocks_is_needed: ClocksName;
    what_a_killed_process_has_left_is_synced: Recover;
    the_names_that_a_killed_process_has_left_are_synced: RecoverNames;
    the_positions_that_a_killed_process_has_left_are_synced: RecoverPosition;
}
