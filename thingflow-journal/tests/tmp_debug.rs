//! Temporary.
mod oracle;
use oracle::*;
use thingflow_journal::Policy;
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
#[test]
fn debug() {
    let from: u64 = std::env::var("FROM").ok().and_then(|v| v.parse().ok()).unwrap_or(0);
    let to: u64 = std::env::var("TO").ok().and_then(|v| v.parse().ok()).unwrap_or(1000);
    let mut bad = 0;
    for seed in from..to {
        let steps = schedule(seed, 80);
        let mut o = Oracle::new(seed, setting(seed));
        if let Err(e) = o.go(&steps) {
            // shrink
            let mut steps = steps;
            let mut i = 0;
            while i < steps.len() {
                let mut s = steps.clone(); s.remove(i);
                if Oracle::new(seed, setting(seed)).go(&s).is_err() { steps = s; } else { i += 1; }
            }
            let e2 = Oracle::new(seed, setting(seed)).go(&steps).unwrap_err();
            eprintln!("seed {seed} {:?}\n   {e}\n   {e2}\n   {steps:?}", setting(seed));
            bad += 1;
            if bad > 5 { break; }
        }
    }
    assert_eq!(bad, 0);
}
