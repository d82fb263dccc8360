//! Holding back and routing, as they are written into a loop.

use std::collections::{BTreeMap, VecDeque};

use crate::event::Events;

/// Each event through a queue of 1024, over 64 or not, counted.
pub fn buffer(events: Events) -> u64 {
    let (mut queue, mut count) = (VecDeque::with_capacity(1024), 0);
    for event in events {
        queue.push_back(event);
        while let Some(event) = queue.pop_front() {
            count += u64::from(event.val > 64.0);
        }
    }
    count
}

/// Lists of ten, their first over 64 or not, counted.
pub fn chunks(events: Events) -> u64 {
    let (mut list, mut count) = (Vec::with_capacity(10), 0);
    for event in events {
        list.push(event);
        if list.len() == 10 {
            let list = std::mem::replace(&mut list, Vec::with_capacity(10));
            count += u64::from(list[0].val > 64.0);
        }
    }
    count
}

/// A count for each of eight keys, of readings over 64; their sum.
pub fn group_by(events: Events) -> u64 {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event.id).or_insert(0) += u64::from(event.val > 64.0);
    }
    counts.values().sum()
}
