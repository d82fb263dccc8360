//! Joins as they are written into a loop: a slot for each side.

use std::collections::VecDeque;

use crate::event::Events;

/// Sums of pairs, the first with the first, over 128 or not, counted.
pub fn zip(events: Events) -> u64 {
    let (mut left, mut right, mut count) = (VecDeque::new(), VecDeque::new(), 0);
    for (at, event) in (0_u64..).zip(events) {
        if at & 1 == 0 {
            left.push_back(event.val);
        } else {
            right.push_back(event.val);
        }
        if !left.is_empty()
            && !right.is_empty()
            && let (Some(a), Some(b)) = (left.pop_front(), right.pop_front())
        {
            count += u64::from(a + b > 128.0);
        }
    }
    count
}

/// Readings of both sides as they come, over 64 or not, counted.
pub fn merge(events: Events) -> u64 {
    let mut count = 0;
    for event in events {
        count += u64::from(event.val > 64.0);
    }
    count
}

/// Sums of the latest of each side, over 128 or not, counted.
pub fn combine_latest(events: Events) -> u64 {
    let (mut left, mut right, mut count) = (None, None, 0);
    for (at, event) in (0_u64..).zip(events) {
        if at & 1 == 0 {
            left = Some(event.val);
        } else {
            right = Some(event.val);
        }
        if let (Some(a), Some(b)) = (left, right) {
            count += u64::from(a + b > 128.0);
        }
    }
    count
}
