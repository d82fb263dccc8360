//! [`NotSeen`]: events whose key has not been there before.

use core::hash::Hash;
use core::ops::Range;

use datasketches::bloom::{BloomFilter, BloomFilterBuilder};
use thingflow_core::{Demand, Emitter, Filter, InputThing, Receipt, StateVisitor};

use super::state;

/// Passes an event if its key has not been there before, by a Bloom filter: messages that are delivered twice, in memory that does not
/// grow. An event that comes again never passes. Of those that are new a small share does not pass either: up to `wrongly` while there
/// have been no more than `keys` different keys, more from then on.
///
/// It takes 1.44 log2(1 / `wrongly`) bits a key: 1.2 MB for a million keys and 1 % (B. H. Bloom, *Space/Time Trade-offs in Hash Coding
/// with Allowable Errors*, 1970). Where all keys fit in memory there is the exact
/// [`distinct_by_key`](thingflow_core::Selecting::distinct_by_key).
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::sketches::NotSeen;
/// let messages = [("m-1", 20.0), ("m-2", 21.0), ("m-1", 20.0), ("m-3", 22.0)];
/// let once = from_iter(messages).pipe(NotSeen::by(1000, 0.001, |message: &(&'static str, f64)| message.0));
/// assert_eq!(once.map(|message| message.1).collect_now(), [20.0, 21.0, 22.0]);
/// ```
#[derive(Clone, Debug)]
pub struct NotSeen<F> {
    key: F,
    seen: BloomFilter,
}

impl<F> NotSeen<F> {
    /// For so many different keys, of which `key` gives that of an event; `wrongly` is the share of new ones that may be lost.
    ///
    /// # Panics
    /// If there are no keys, or the share is not between 0 and 1.
    #[track_caller]
    pub fn by(keys: u64, wrongly: f64, key: F) -> Self {
        match BloomFilterBuilder::with_accuracy(keys, wrongly).seed(SEED).build() {
            Ok(seen) if keys > 0 && wrongly > 0.0 && wrongly < 1.0 => Self { key, seen },
            _ => panic!("NotSeen::by({keys}, {wrongly}, ..): use one key or more, and a share between 0 and 1"),
        }
    }

    /// How many different keys there have been, by the bits that are set.
    #[allow(clippy::cast_precision_loss)] // an estimate
    pub fn estimate(&self) -> f64 {
        let (bits, hashes) = (self.seen.capacity() as f64, f64::from(self.seen.num_hashes()));
        -bits / hashes * (-self.seen.load_factor()).ln_1p()
    }
}

/// Where a filter that is written down says how it was made: the number of hashes, the seed, the size.
const HEADER: Range<usize> = 4..24;

/// The same in each run, so that a run can be repeated.
const SEED: u64 = 0x5eed;

impl<T, K: Hash, F: FnMut(&T) -> K> Filter<T> for NotSeen<F> {
    type Out = T;
    fn on_next(&mut self, event: T, out: &mut Emitter<'_, '_, impl InputThing<T>>) -> Receipt {
        let key = (self.key)(&event);
        if self.seen.contains_and_insert(&key) { Ok(Demand::More) } else { out.next(event) }
    }
    fn on_state(&mut self, state: &mut dyn StateVisitor) {
        let known = self.seen.serialize();
        let Some(bytes) = state::bytes("keys", &known, state) else { return };
        // Its size is looked at before room is made for it: an empty filter may say that it is of any.
        let is_alike = bytes.get(HEADER).is_some_and(|header| Some(header) == known.get(HEADER));
        match BloomFilter::deserialize(if is_alike { &bytes } else { &[] }) {
            Ok(seen) if seen.is_compatible(&self.seen) => self.seen = seen,
            _ => state.refuse("keys"),
        }
    }
}
