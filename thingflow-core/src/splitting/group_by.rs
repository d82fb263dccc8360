//! `group_by(f)`: a port for each key, made when the key is first seen.
//!
//! Holds a key and a port for each key, up to 1024 or what `max_keys` says.

use core::fmt;

use super::outputs::{Outlet, Outlets, Sum};
use crate::context::Context;
use crate::error::StreamError;
use crate::filters::distinct_recent::Recent;
use crate::port::Port;
use crate::size::Size;
use crate::thing::{Closed, Demand, InputThing, Receipt};
use crate::visit::Visitor;

/// The Thing that groups. [`group_by`](super::Splitting::group_by) connects one and gives back the port of its groups; make
/// it yourself for the options, or where the chain is a flow, which is still to be scheduled.
///
/// A key that is new is announced, together with a port: connect there what the group needs, the first event follows. The
/// number of keys is bounded. A key beyond it takes the place of the one that was silent for longest, whose port
/// completes; that one is announced anew if it comes back. At the end the groups end first, the one that was silent for
/// longest at first, then the port of the groups.
///
/// A group that nobody listens to is no reason to stop the source: it hears `Done` when nobody listens to any group, nor
/// waits for new ones. While nobody waits for new ones, events with a new key are dropped.
///
/// ```
/// # use thingflow_core::prelude::*;
/// # use thingflow_core::testing::Recorder;
/// let (words, seen) = (Port::new(), Recorder::new());
/// let sink = seen.clone();
/// words.group_by(|word: &&str| word.len()).for_each(move |(len, group)| {
///     group.count().map(move |n| (len, n)).connect(sink.clone());
/// });
/// let cx = &mut Context::detached(Instant::ZERO);
/// for word in ["to", "be", "or", "not"] {
///     words.emit(word, cx)?;
/// }
/// words.complete(cx)?;
/// assert_eq!(seen.events(), [(2, 3), (3, 1)]);
/// # Ok::<(), thingflow_core::FatalError>(())
/// ```
///
/// With an option:
///
/// ```
/// # use thingflow_core::prelude::*;
/// use thingflow_core::splitting::GroupBy;
/// let readings = Port::<SensorEvent<f64>>::new();
/// let by_sensor = GroupBy::new(|e: &SensorEvent<f64>| e.sensor_id).max_keys(100);
/// by_sensor.groups().for_each(|(id, group)| {
///     group.map(|e| e.val).running_avg(5).for_each(move |avg| println!("{id}: {avg}"));
/// });
/// readings.connect(by_sensor);
/// assert!(readings.is_listened());
/// ```
pub struct GroupBy<T, K, F> {
    key: F,
    known: Recent<K, Port<T>>,
    groups: Port<(K, Port<T>)>,
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K> GroupBy<T, K, F> {
    /// The Thing, to be connected.
    pub fn new(key: F) -> Self {
        Self { key, known: Recent::new(Size::from(1024)), groups: Port::new().named("groups") }
    }

    /// At most so many keys at once, by default 1024.
    #[must_use]
    #[track_caller]
    pub fn max_keys(self, max: impl Into<Size>) -> Self {
        Self { known: Recent::new(max.into()), ..self }
    }

    /// The port that announces each new key, with the port of its events.
    pub fn groups(&self) -> &Port<(K, Port<T>)> {
        &self.groups
    }

    /// Takes the first event of a new key: makes its port, announces it, and sends the event there.
    fn open(&mut self, key: K, event: T, cx: &mut Context<'_>) -> Receipt {
        let mut sum = Sum::default();
        if self.groups.is_listened() {
            let port = Port::new();
            if let Some((_, silent)) = self.known.insert(key.clone(), port.clone()) {
                silent.complete(cx)?;
            }
            sum.add(self.groups.emit((key, port.clone()), cx)?);
            sum.add(port.start(cx)?);
            sum.add(port.emit(event, cx)?);
        } else {
            sum.add(Demand::Done); // nobody wants new groups: the old ones keep their places
        }
        Ok(self.receipt(sum))
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F> Outlets for GroupBy<T, K, F> {
    fn outlets(&self) -> impl Iterator<Item = &dyn Outlet> {
        let groups = self.known.values().map(|port| port as &dyn Outlet);
        groups.chain([&self.groups as &dyn Outlet])
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K> InputThing<T> for GroupBy<T, K, F> {
    fn on_next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let key = (self.key)(&event);
        let Some(port) = self.known.touch(&key) else { return self.open(key, event, cx) };
        let demand = port.emit(event, cx)?;
        Ok(self.receipt(demand.into()))
    }
    fn on_next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let key = (self.key)(event);
        let Some(port) = self.known.touch(&key) else { return self.open(key, event.clone(), cx) };
        let demand = port.on_next_ref(event, cx)?;
        Ok(self.receipt(demand.into()))
    }
    fn on_completed(&mut self, cx: &mut Context<'_>) -> Closed {
        self.complete_all(cx)
    }
    fn on_error(&mut self, error: StreamError, cx: &mut Context<'_>) -> Closed {
        self.fail_all(&error, cx)
    }
    fn on_start(&mut self, cx: &mut Context<'_>) -> Receipt {
        self.start_all(cx)
    }
    fn is_open(&self) -> bool {
        self.any_listened()
    }
    fn has_room(&self) -> bool {
        self.all_have_room()
    }
    fn describe(&self, visitor: &mut dyn Visitor) {
        self.show("group_by", visitor);
    }
}

impl<T, K, F> fmt::Debug for GroupBy<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBy").finish_non_exhaustive()
    }
}
