//! Random schedules with crashes on the model file system.

mod oracle;

use oracle::{Oracle, SEGMENT, Setting, Step, Verdict, schedule};
use proptest::prelude::*;
use thingflow_journal::{Policy, SyncPoint};

const STEPS: usize = 80;

/// A setting drawn from a seed, so that all kinds come.
fn setting(seed: u64) -> Setting {
    let plain = Setting { consumers: (seed % 3) as usize, ..Setting::default() };
    match seed / 3 % 6 {
        0 | 1 => plain,
        2 => Setting { short: 4, ..plain },
        3 => Setting { policy: Policy::DropOldest, ..plain },
        4 => Setting { failing: 30, short: 9, ..plain },
        _ => Setting { capacity: Some(6 * SEGMENT), ..plain },
    }
}

fn run(seed: u64, setting: Setting) -> Verdict {
    Oracle::new(seed, setting).run(&schedule(seed, STEPS)).map_err(|what| format!("seed {seed}: {what}"))
}

#[test]
fn a01_no_acknowledged_record_is_lost_in_ten_thousand_crashes() {
    let mut crashes = 0;
    for seed in 0.. {
        let mut oracle = Oracle::new(seed, setting(seed));
        if let Err(what) = oracle.go(&schedule(seed, STEPS)) {
            panic!("seed {seed}: {what}");
        }
        crashes += oracle.crashes;
        if crashes >= 10_000 {
            break;
        }
    }
}
