//! [`ByKey`]: windows of each key on their own, of any kind that goes by the arrival of events; [`Keying`]: what says the key.

use super::aggregates::Aggregate;
use super::bounds::Stamp;
use super::cumulative::Cumulative;
use super::gather::{Gather, Limited, Values};
use super::keyed::Keyed;
use super::per_key::{Overlapping, PerKey};
use super::window::{
    Assigner, AtMost, CountWindow, CumulativeWindow, EachWindow, TimeWindow, TumblingWindow, WithBounds,
};
use crate::measure::Carrier;
use crate::size::Size;
use crate::state::{Saved, StateVisitor};

/// Windows of each key on its own, made by `by_key` and `by_saved_key` of each kind of window.
///
/// Of windows that overlap, and of cumulative ones, up to `keys` keys are known: of more, the one without an event for longest is forgotten,
/// and begins anew.
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_core::windows::Sum;
/// let at = |id, euros| SensorEvent::new(id, Timestamp::UNIX_EPOCH, euros);
/// let spent = from_iter([at("Ann", 50), at("Tom", 100), at("Ann", 7)]);
/// let by_name = Window::cumulative().by_key(100, |event: &SensorEvent<i32>| event.sensor_id);
/// assert_eq!(spent.aggregate(by_name, Sum::new()).map(|event| event.val).collect_now(), [50, 100, 57]);
/// ```
///
/// Of windows that stand side by side, those of up to `keys` keys are open: when there would be more, the one that began first ends
/// early. A key without events has no window, so none is empty.
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_core::windows::Sum;
/// let at = |id, litres| SensorEvent::new(id, Timestamp::UNIX_EPOCH, litres);
/// let used = from_iter([at("hall", 1), at("attic", 10), at("hall", 2), at("attic", 20), at("hall", 3)]);
/// let pairs = Window::tumbling(2).by_key(100, |event: &SensorEvent<i32>| event.sensor_id);
/// let sums = used.aggregate(pairs, Sum::new()).map(|event| (event.sensor_id.to_string(), event.val));
/// assert_eq!(sums.collect_now(), [("hall".into(), 3), ("attic".into(), 30), ("hall".into(), 3)]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByKey<W, Q> {
    window: W,
    keys: usize,
    key: Q,
}

impl<W, Q> ByKey<W, Q> {
    /// Has results carry the start and the end of their window, and the number of its events, as
    /// [`Windowed`](super::Windowed).
    #[must_use]
    pub fn bounds(self) -> WithBounds<Self> {
        WithBounds::of(self)
    }
}

macro_rules! by_key {
    ($([$($param:tt)*] $window:ty)*) => {$(
        impl<$($param)*> $window {
            /// Makes windows for each key on its own, of up to `keys` keys: see [`ByKey`].
            #[doc(alias = "group_by")]
            #[doc(alias = "partition")]
            #[track_caller]
            pub fn by_key<T, K, F: FnMut(&T) -> K>(self, keys: impl Into<Size>, key: F) -> ByKey<Self, KeyedBy<F>> {
                ByKey { window: self, keys: keys.into().get(), key: KeyedBy(key) }
            }

            /// As [`by_key`](Self::by_key), by a key that can be saved, a number or a [`SensorId`](crate::SensorId): a walk that saves the
            /// state of the graph saves what is in the windows, too.
            #[track_caller]
            pub fn by_saved_key<T, K: Saved, F: FnMut(&T) -> K>(
                self,
                keys: impl Into<Size>,
                key: F,
            ) -> ByKey<Self, SavedKey<F>> {
                ByKey { window: self, keys: keys.into().get(), key: SavedKey(key) }
            }
        }
    )*};
}
by_key! { [] CumulativeWindow [] TumblingWindow [M] EachWindow<M> [R] CountWindow<R> [R] TimeWindow<R> }

macro_rules! overlapping {
    ($([$($param:tt)*] $window:ty)*) => {$(
        impl<T, Q, G, S, $($param)*> Assigner<T, G, S> for ByKey<$window, Q>
        where
            Q: Keying<T>,
            G: Gather<T> + 'static,
            $window: Assigner<T, G, S, Filter: Overlapping<T>> + Clone + 'static,
        {
            type Filter = PerKey<T, Q, <$window as Assigner<T, G, S>>::Filter>;
            #[track_caller]
            fn assign(self, gather: G) -> Self::Filter {
                let Self { window, keys, key } = self;
                drop(window.clone().assign(gather.fresh())); // refuses an aggregate without room now, and not with the first event
                PerKey::new(Size::from(keys), key, move |_| window.clone().assign(gather.fresh()))
            }
        }
    )*};
}
overlapping! { [] CumulativeWindow [R] CountWindow<R> [R] TimeWindow<R> }

macro_rules! keyed {
    ($($window:ty, $gather:path;)*) => {$(
        impl<T, Q, G, S> Assigner<T, G, S> for ByKey<$window, Q>
        where
            Q: Keying<T>,
            G: Gather<T> + $gather,
            S: Stamp,
        {
            type Filter = Keyed<T, Q, G, S>;
            fn assign(self, gather: G) -> Self::Filter {
                Keyed::new(self.window.rule(), self.keys, self.key, gather)
            }
        }
    )*};
}
keyed! { TumblingWindow, Sized; EachWindow, Limited; EachWindow<AtMost>, Sized; }

/// Cumulative windows by key of which each begins as a function says. Made by [`ByKey::starting`].
#[derive(Clone, Copy, Debug)]
pub struct Starting<Q, B> {
    keys: usize,
    key: Q,
    begin: B,
}

impl<Q> ByKey<CumulativeWindow, Q> {
    /// Has the window of each key begin with an aggregate that goes on from an earlier run.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// use thingflow_core::windows::Sum;
    /// let at = |id, euros| SensorEvent::new(id, Timestamp::UNIX_EPOCH, euros);
    /// let by_name = Window::cumulative().by_key(100, |event: &SensorEvent<i32>| event.sensor_id);
    /// let from = by_name.starting(|name| if *name == "Ann" { Sum::starting_at(50) } else { Sum::new() });
    /// let sums = from_iter([at("Ann", 50), at("Tom", 200)]).aggregate(from, Sum::new()).map(|event| event.val);
    /// assert_eq!(sums.collect_now(), [100, 200]);
    /// ```
    pub fn starting<K, A, B: FnMut(&K) -> A>(self, begin: B) -> Starting<Q, B> {
        Starting { keys: self.keys, key: self.key, begin }
    }
}

impl<T, Q, A, B, S> Assigner<T, Values<A>, S> for Starting<Q, B>
where
    T: Carrier,
    Q: Keying<T>,
    A: Aggregate<T::Value> + Clone,
    B: FnMut(&Q::Key) -> A + 'static,
    S: Stamp,
{
    type Filter = PerKey<T, Q, Cumulative<Values<A>, S>>;
    fn assign(self, _: Values<A>) -> Self::Filter {
        let mut begin = self.begin;
        PerKey::new(Size::from(self.keys), self.key, move |key| Cumulative::new(Values::new(begin(key))))
    }
}

/// What an event belongs to: windows of each key stand on their own, and groups.
pub trait Keying<T> {
    /// The key.
    type Key: Ord + Clone;
    /// The key of an event.
    fn key(&mut self, event: &T) -> Self::Key;
    /// Shows a key to a walk that saves or restores windows. `None` is one that is to be restored; what stays `None` is not saved.
    fn on_key(key: &mut Option<Self::Key>, state: &mut dyn StateVisitor);
    /// Whether windows are saved.
    const IS_SAVED: bool;
}

/// All events together.
#[derive(Clone, Copy, Debug)]
pub struct Unkeyed;

impl<T> Keying<T> for Unkeyed {
    type Key = ();
    fn key(&mut self, _: &T) {}
    fn on_key(key: &mut Option<()>, _: &mut dyn StateVisitor) {
        *key = Some(());
    }
    const IS_SAVED: bool = true;
}

/// By a key of any type. Made by `by_key` of all windows.
#[derive(Clone, Copy, Debug)]
pub struct KeyedBy<Q>(pub(crate) Q);

impl<T, K: Ord + Clone, Q: FnMut(&T) -> K> Keying<T> for KeyedBy<Q> {
    type Key = K;
    fn key(&mut self, event: &T) -> K {
        (self.0)(event)
    }
    fn on_key(_: &mut Option<K>, _: &mut dyn StateVisitor) {}
    const IS_SAVED: bool = false;
}

/// By a key that is saved with what belongs to it. Made by `by_saved_key` of all windows.
#[derive(Clone, Copy, Debug)]
pub struct SavedKey<Q>(pub(crate) Q);

impl<T, K: Ord + Clone + Saved, Q: FnMut(&T) -> K> Keying<T> for SavedKey<Q> {
    type Key = K;
    fn key(&mut self, event: &T) -> K {
        (self.0)(event)
    }
    fn on_key(key: &mut Option<K>, state: &mut dyn StateVisitor) {
        key_on_state(key, state);
    }
    const IS_SAVED: bool = true;
}

/// Shows a key that can be saved. `None` is one that is to be restored.
pub(super) fn key_on_state<K: Saved>(key: &mut Option<K>, state: &mut dyn StateVisitor) {
    key.get_or_insert_with(K::blank).on_state("key", state);
}
