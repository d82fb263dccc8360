//! `group_by(f)`: makes a port for each key when the key is first seen.
//!
//! Holds a key and a port for each key, up to 1024 or what `max_keys` says.

use core::fmt;

use crate::context::Context;
use crate::error::FatalError;
use crate::kit::Recent;
use crate::notice::{Notice, Question, Receipts};
use crate::output::{Ports, TellEach};
use crate::port::{Port, PortRef};
use crate::size::Size;
use crate::state::{Saved, SavedItems, StateVisitor};
use crate::thing::{Demand, InputThing, Receipt};
use crate::windows::{KeyedBy, Keying, SavedKey};

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
pub struct GroupBy<T, K, Q> {
    key: Q,
    known: Recent<K, Port<T>>,
    groups: Port<(K, Port<T>)>,
    is_started: bool,
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, F: FnMut(&T) -> K> GroupBy<T, K, KeyedBy<F>> {
    /// The Thing, to be connected. What follows in the groups is no part of the state that a walk saves; see
    /// [`by_saved_key`](GroupBy::by_saved_key).
    pub fn new(key: F) -> Self {
        Self::by(KeyedBy(key))
    }
}

impl<T: Clone + 'static, K: Ord + Clone + Saved + 'static, F: FnMut(&T) -> K> GroupBy<T, K, SavedKey<F>> {
    /// As [`new`](GroupBy::new), by a key that can be saved, a number or a [`SensorId`](crate::SensorId): a walk that saves the state of
    /// the graph saves the keys, and what follows in each group. A state that is restored announces its groups, so what is to be
    /// connected to them has to be there before.
    pub fn by_saved_key(key: F) -> Self {
        Self::by(SavedKey(key))
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, Q: Keying<T, Key = K>> GroupBy<T, K, Q> {
    fn by(key: Q) -> Self {
        let (known, groups) = (Recent::new(Size::from(1024)), Port::new().named("groups"));
        Self { key, known, groups, is_started: false }
    }

    /// Shows each key and what follows in its group, the one that was silent for longest first.
    fn on_state(&mut self, state: &mut dyn StateVisitor, cx: &mut Context<'_>) -> Receipt {
        if !Q::IS_SAVED {
            if self.known.keys().next().is_some() {
                state.unsaved("group_by");
            }
            return self.groups.notice(Notice::State(state), cx);
        }
        let mut held = self.known.take_all().into_iter();
        let mut items = SavedItems::of("groups", held.len(), state);
        while items.another(state) {
            let (mut key, port) = held.next().unzip();
            Q::on_key(&mut key, state);
            let Some(key) = key.filter(|key| !self.known.is_full() && self.known.touch(key).is_none()) else {
                state.refuse("group_by");
                break;
            };
            let mut port = match port {
                Some(port) => port,
                None => self.announce(&key, cx)?,
            };
            self.known.insert(key, port.clone());
            let _ = port.notice(Notice::State(state), cx)?;
        }
        for (_, port) in held {
            port.complete(cx)?; // there is no such group in the state that was restored
        }
        self.groups.notice(Notice::State(state), cx)
    }

    /// Makes the port of a key that a state has, and announces it.
    fn announce(&mut self, key: &K, cx: &mut Context<'_>) -> Result<Port<T>, FatalError> {
        let mut port = Port::new();
        let _ = self.groups.emit((key.clone(), port.clone()), cx)?;
        if self.is_started {
            let _ = port.notice(Notice::Start, cx)?;
        }
        Ok(port)
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
        let mut receipts = Receipts::default();
        if self.groups.is_listened() {
            let mut port = Port::new();
            if let Some((_, silent)) = self.known.insert(key.clone(), port.clone()) {
                silent.complete(cx)?;
            }
            receipts.add(self.groups.emit((key, port.clone()), cx)?);
            receipts.add(port.notice(Notice::Start, cx)?);
            receipts.add(port.emit(event, cx)?);
        } else {
            receipts.add(Demand::Done); // nobody wants new groups: the old ones keep their places
        }
        Ok(self.receipt_of(receipts))
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, Q> Ports for GroupBy<T, K, Q> {
    fn ports(&self, see: &mut dyn FnMut(PortRef)) {
        self.known.values().for_each(|port| see(port.as_ref()));
        see(self.groups.as_ref());
    }
}

impl<T: Clone + 'static, K: Ord + Clone + 'static, Q: Keying<T, Key = K>> InputThing<T> for GroupBy<T, K, Q> {
    fn next(&mut self, event: T, cx: &mut Context<'_>) -> Receipt {
        let key = self.key.key(&event);
        let Some(port) = self.known.touch(&key) else { return self.open(key, event, cx) };
        let demand = port.emit(event, cx)?;
        Ok(self.receipt_of(demand.into()))
    }
    fn next_ref(&mut self, event: &T, cx: &mut Context<'_>) -> Receipt {
        let key = self.key.key(event);
        let Some(port) = self.known.touch(&key) else { return self.open(key, event.clone(), cx) };
        let demand = port.next_ref(event, cx)?;
        Ok(self.receipt_of(demand.into()))
    }
    fn notice(&mut self, notice: Notice<'_>, cx: &mut Context<'_>) -> Receipt {
        match notice {
            Notice::Wake => Ok(Demand::More), // ports are woken by the scheduler
            Notice::State(state) => self.on_state(state, cx),
            notice => {
                self.is_started |= matches!(notice, Notice::Start);
                self.tell_each(notice, cx)
            }
        }
    }
    fn ask(&self, mut question: Question<'_>) -> bool {
        if let Question::Describe(visitor) = &mut question {
            visitor.filter("group_by");
        }
        self.ask_ports(question)
    }
}

impl<T, K, Q> fmt::Debug for GroupBy<T, K, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBy").finish_non_exhaustive()
    }
}
