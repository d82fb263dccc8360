//! Operators with time against a naive model.

use std::time::Duration;

use proptest::prelude::*;
use thingflow_core::prelude::*;
use thingflow_core::timing::{ChunksTimeout, Repeat};

use crate::{end, line, slots, timed};

proptest! {
    #[test]
    fn debounce(e in slots(), end in end(), quiet in 1_u64..5, awake: bool) {
        // An event goes out if none follows in the `quiet - 1` seconds after it, or if it is the last of all.
        let quiet_after = |i: usize| e[i + 1..].iter().take(quiet as usize - 1).all(Option::is_none);
        let sent = (0..e.len()).filter(|i| quiet_after(*i)).filter_map(|i| e[i]);
        prop_assert_eq!(timed(&e, end, awake, pipe().debounce(Duration::from_secs(quiet)), false), line(sent, end));
    }

    #[test]
    fn time_groups(e in slots(), end in end(), interval in 1_u64..5, awake: bool) {
        // The event of second t is in the interval t / interval, for an interval includes its start.
        let mut groups = vec![Vec::new(); e.len() / interval as usize + 1];
        for (i, event) in e.iter().enumerate() {
            groups[(i + 1) / interval as usize].extend(*event);
        }
        let filled = groups.iter().filter(|g| !g.is_empty());
        let interval = Duration::from_secs(interval);
        prop_assert_eq!(timed(&e, end, awake, pipe().chunks_timeout(interval), false), line(filled, end));
        if groups.last().is_some_and(Vec::is_empty) {
            groups.pop();
        }
        let all = pipe().pipe(ChunksTimeout::new(interval).send_empty());
        prop_assert_eq!(timed(&e, end, true, all, false), line(groups, end));
    }

    #[test]
    fn limited_groups(e in slots(), end in end(), n in 1_usize..5, limit in 1_u64..5, awake: bool) {
        let mut groups: Vec<(u64, Vec<i32>)> = Vec::new();
        for (t, event) in (1_u64..).zip(&e) {
            let Some(event) = *event else { continue };
            match groups.last_mut() {
                Some((since, group)) if group.len() < n && t < *since + limit => group.push(event),
                _ => groups.push((t, vec![event])),
            }
        }
        let filter = pipe().chunks_within(n, Duration::from_secs(limit));
        prop_assert_eq!(timed(&e, end, awake, filter, false), line(groups.iter().map(|(_, g)| g), end));
    }

    #[test]
    fn timeouts(e in slots(), end in end(), interval in 1_u64..5) {
        let (mut last, mut due, mut sent) = (None, interval, Vec::new());
        for (t, event) in (1_u64..).zip(&e) {
            if t == due {
                sent.extend(last); // the wake-up comes first
                due = t + interval;
            }
            if let Some(event) = *event {
                sent.push(event);
                (last, due) = (Some(event), t + interval);
            }
        }
        let filter = pipe().on_timeout(Duration::from_secs(interval), Repeat::last());
        prop_assert_eq!(timed(&e, end, true, filter, false), line(sent, end));
    }
}

#[test]
fn substitutes_come_at_their_time() {
    let e = [Some(1), None, None, None, Some(2), None];
    let filter = pipe().on_timeout(Duration::from_secs(2), || Some(0));
    assert_eq!(timed(&e, None, true, filter, true), "1@1 0@3 0@5 2@5 |@6");
    let filter = pipe().debounce(Duration::from_secs(2));
    assert_eq!(timed(&e, None, true, filter, true), "1@3 2@6 |@6");
}
