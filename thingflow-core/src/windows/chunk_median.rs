//! `chunk_median(n)`, `chunk_median_of::<N>()`: send one median for every `n` events.
//!
//! Holds up to `n` values.

use crate::error::StreamError;
use crate::measure::{Float, Measured};
use crate::thing::{Closed, Demand, Emitter, Filter, InputThing, Receipt};

/// Made by [`chunk_median`](super::Windows::chunk_median) and [`chunk_median_of`](super::Windows::chunk_median_of).
///
/// A sensor event keeps the id and time of the last one of its group. A group of an even size gives the mean of the
/// middle two. What is left over at the end gives the median of fewer, also before an error.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # #[cfg(feature = "alloc")]
/// assert_eq!(from_iter([9.0, 1.0, 2.0, 4.0, 7.0]).chunk_median(3).collect_now(), [2.0, 5.5]);
/// ```
#[derive(Clone, Debug)]
pub struct ChunkMedian<T, B> {
    group: B,
    len: usize,
    last: Option<T>,
}

impl<T: Measured, B: AsMut<[T::Value]>> ChunkMedian<T, B> {
    pub(super) fn new(group: B) -> Self {
        Self { group, len: 0, last: None }
    }

    /// The median of the group, on its last event, and an empty group.
    fn median(&mut self) -> Option<T> {
        let last = self.last.take()?;
        let group = &mut self.group.as_mut()[..core::mem::take(&mut self.len)];
        group.sort_unstable_by(Float::total_cmp);
        let (low, high) = (group[(group.len() - 1) / 2], group[group.len() / 2]);
        let odd = group.len() % 2 == 1;
        Some(last.with_value(if odd { high } else { (low + high) / T::Value::from_count(2) }))
    }
}

impl<T: Measured, B: AsMut<[T::Value]>> Filter<T> for ChunkMedian<T, B> {
    type Out = T;
    #[inline]
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let group = self.group.as_mut();
        group[self.len] = event.value();
        self.len += 1;
        let full = self.len == group.len();
        self.last = Some(event);
        match if full { self.median() } else { None } {
            Some(median) => out.next(median),
            None => Ok(Demand::More),
        }
    }
    fn on_completed(&mut self, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush(self.median())
    }
    fn on_error(&mut self, error: StreamError, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Closed {
        out.flush_error(self.median(), error)
    }
}
