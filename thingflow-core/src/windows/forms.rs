//! Names for the filters that short methods make: [`Lists`] for `chunks`, and so on.

use super::{Bare, Groups, MedianOf, Values};
use crate::measure::{Carrier, Measured};

#[cfg(feature = "alloc")]
use {
    super::{Grown, Keyed, KeyedBy, List, Median, Recent, Sliding, Unlimited},
    crate::storage::OnHeap,
};

/// Where a window of `N` events keeps its values without an allocator.
pub type Fixed<T, const N: usize> = [<T as Measured>::Value; N];
/// Where a window keeps its values when its size is known at run time only.
#[cfg(feature = "alloc")]
pub type Boxed<T> = Grown<<T as Measured>::Value>;
/// The filter that sends lists of windows that stand side by side.
#[cfg(feature = "alloc")]
pub type Lists<T, L = Unlimited> = Groups<T, List<T, L>, Bare>;
/// The filter that sends lists of windows that overlap.
#[cfg(feature = "alloc")]
pub type SlidingLists<T> = Sliding<T, List<T>, Bare, OnHeap>;
/// The filter that sends lists of the events of the last `span`.
#[cfg(feature = "alloc")]
pub type RecentLists<T> = Recent<T, List<T>, Bare, OnHeap>;
/// The filter that sends lists of windows by key.
#[cfg(feature = "alloc")]
pub type KeyedLists<T, F> = Keyed<T, KeyedBy<F>, List<T>, Bare>;
/// The filter that sends the median of each group.
#[cfg(feature = "alloc")]
pub type Medians<T> = Groups<T, Values<Median<<T as Carrier>::Value>>, Bare>;
/// The filter that sends the median of each group, without an allocator.
pub type MediansOf<T, const N: usize> = Groups<T, Values<MedianOf<<T as Carrier>::Value, N>>, Bare>;
