//! [`OutletMeter`]: where all events are that an outlet is to deliver, at every moment.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thingflow_core::{DeliveryMeter, DeliveryStats, Timestamp};
use thingflow_journal::{Counts, Dropped, Meter, Wear};

use crate::journaling::inlet::Count;

/// Where the events are that an outlet is to deliver, since it was opened.
///
/// At every moment `taken == delivered + waiting + dropped() + dead + lost`. Its text is one line of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutletStats {
    /// Events that were given to the outbox since the outlet was opened, and those that waited for it then.
    pub taken: u64,
    /// Events that whoever took them is done with.
    pub delivered: u64,
    /// Events on disk, in memory, or on their way.
    pub waiting: u64,
    /// Events that a limit has taken away, by the limit.
    pub limits: Dropped,
    /// Events that could not be stored, since they cannot be encoded or are longer than a segment.
    pub unfit: u64,
    /// Events that were refused for good and are dead letters.
    pub dead: u64,
    /// Events that damage to the files has made unreadable.
    pub lost: u64,
    /// Events that were handed out with the mark that they may have been before.
    pub resent: u64,
    /// When the oldest event that waits on disk or is on its way was taken, by the wall clock of that time.
    pub oldest: Option<Timestamp>,
    /// Whether an event has found no room, and there is none yet: the policy of the [`Options`](super::Options) decides what
    /// becomes of the next.
    pub is_full: bool,
    /// Bytes that the outbox takes on the disk, for all its outlets together.
    pub disk_bytes: u64,
}

impl OutletStats {
    /// Events that were dropped, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.limits.total() + self.unfit
    }

    /// Whether every event is accounted for. It always is; tests and monitors ask.
    pub fn is_conserved(&self) -> bool {
        self.taken == self.delivered + self.waiting + self.dropped() + self.dead + self.lost
    }
}

/// As the counts of every other output: those that go by a limit and those that cannot be stored are dropped.
impl From<OutletStats> for DeliveryStats {
    fn from(stats: OutletStats) -> Self {
        let mut all = Self::default();
        (all.posted, all.delivered, all.waiting) = (stats.taken, stats.delivered, stats.waiting);
        (all.dropped, all.dead, all.lost) = (stats.dropped(), stats.dead, stats.lost);
        (all.oldest, all.is_full, all.disk_bytes) = (stats.oldest, stats.is_full, Some(stats.disk_bytes));
        all
    }
}

impl fmt::Display for OutletStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, delivered, waiting, limits, unfit, dead, lost, .. } = self;
        write!(f, "{taken} taken = {delivered} delivered + {waiting} waiting + {} dropped", self.dropped())?;
        let reasons = [
            ("bytes", limits.bytes),
            ("records", limits.records),
            ("age", limits.age),
            ("disk", limits.disk),
            ("buffer", limits.buffer),
            ("cut", limits.cut),
            ("unfit", *unfit),
        ];
        let mut sign = " (";
        for (reason, n) in reasons.into_iter().filter(|(_, n)| *n > 0) {
            write!(f, "{sign}{reason} {n}")?;
            sign = ", ";
        }
        if sign == ", " {
            f.write_str(")")?;
        }
        write!(f, " + {dead} dead + {lost} lost")
    }
}

/// Shows from any thread where the events of an outlet are, see [`Outbox::meter`](super::Outbox::meter).
#[derive(Clone, Debug)]
pub struct OutletMeter {
    name: String,
    tally: Tally,
}

impl OutletMeter {
    pub(super) fn new(name: &str, tally: &Tally) -> Self {
        Self { name: name.into(), tally: tally.clone() }
    }

    /// The outlet's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The counts as they are now, all of one moment. After the end of the run they stay as they were.
    pub fn stats(&self) -> OutletStats {
        self.tally.stats(&self.name)
    }

    /// What the disk was given for what the outbox stores, all of it, since it was opened: what its
    /// [window](super::Options::new) costs a card.
    pub fn wear(&self) -> Wear {
        self.tally.outlets().get(&self.name).map(|settled| settled.meter.wear()).unwrap_or_default()
    }
}

/// As that of every other output; its store is the outbox, by its folder, which all its outlets share.
impl From<OutletMeter> for DeliveryMeter {
    fn from(meter: OutletMeter) -> Self {
        let store = meter.tally.store.clone();
        Self::new(move || meter.stats().into()).stored_in(store)
    }
}

/// What the outbox counts beside its journal.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// What the outbox is called, by its folder.
    store: Arc<str>,
    count: Arc<Count>,
    outlets: Arc<Mutex<BTreeMap<String, Settled>>>,
}

#[derive(Debug)]
struct Settled {
    meter: Meter,
    /// The journal's counts when the outlet was closed.
    last: Option<Counts>,
    delivered: u64,
    dead: u64,
    resent: u64,
    /// The time of the oldest event that is on its way.
    on_its_way: Option<Timestamp>,
    /// What could not be stored before the outlet was opened.
    unfit_before: u64,
}

impl Tally {
    pub(super) fn new(store: &str, count: Arc<Count>) -> Self {
        Self { store: store.into(), count, outlets: Arc::default() }
    }

    fn outlets(&self) -> MutexGuard<'_, BTreeMap<String, Settled>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, name: &str, meter: Meter) {
        let unfit_before = self.count.unfit.get();
        let settled = Settled { meter, last: None, delivered: 0, dead: 0, resent: 0, on_its_way: None, unfit_before };
        self.outlets().insert(name.into(), settled);
    }

    pub(super) fn close(&self, name: &str) {
        if let Some(settled) = self.outlets().get_mut(name) {
            settled.last = Some(settled.meter.counts());
        }
    }

    pub(super) fn delivered(&self, name: &str) {
        self.count(name, |settled| settled.delivered += 1);
    }

    pub(super) fn dead(&self, name: &str) {
        self.count(name, |settled| settled.dead += 1);
    }

    pub(super) fn resent(&self, name: &str) {
        self.count(name, |settled| settled.resent += 1);
    }

    /// Takes note of the oldest event that is on its way.
    pub(super) fn on_its_way(&self, name: &str, oldest: Option<Timestamp>) {
        self.count(name, |settled| settled.on_its_way = oldest);
    }

    fn count(&self, name: &str, count: impl FnOnce(&mut Settled)) {
        if let Some(settled) = self.outlets().get_mut(name) {
            count(settled);
        }
    }

    /// The journal counts an event as delivered a while after it has been settled here, and never before. So with the lock
    /// held, what it has not counted yet is among those that wait there.
    fn stats(&self, name: &str) -> OutletStats {
        let outlets = self.outlets();
        let Some(settled) = outlets.get(name) else { return OutletStats::default() };
        let counts = settled.last.unwrap_or_else(|| settled.meter.counts());
        let (pending, unfit) = (self.count.pending.get(), self.count.unfit.get() - settled.unfit_before);
        let known = (settled.delivered + settled.dead).saturating_sub(counts.delivered).min(counts.waiting);
        let dead = settled.dead.min(counts.delivered + known);
        let waiting = counts.waiting - known + pending;
        let next = || settled.meter.next_time().map(Timestamp::from_nanos);
        OutletStats {
            taken: counts.pushed + pending + unfit,
            // But for events that were sent ahead and then dropped from the backlog, this is what was settled here.
            delivered: counts.delivered + known - dead,
            waiting,
            limits: counts.dropped,
            unfit,
            dead,
            lost: counts.lost,
            resent: settled.resent,
            oldest: settled.on_its_way.or_else(next).filter(|_| waiting > 0),
            is_full: settled.last.is_none() && settled.meter.is_full(),
            disk_bytes: settled.meter.disk_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_delivery_stats_every_event_is_still_accounted_for() {
        let limits = Dropped { bytes: 3, age: 1, ..Dropped::default() };
        let stats = OutletStats {
            taken: 30,
            delivered: 9,
            waiting: 8,
            limits,
            unfit: 2,
            dead: 4,
            lost: 3,
            resent: 7,
            disk_bytes: 4096,
            ..OutletStats::default()
        };
        let all = DeliveryStats::from(stats);
        assert!(stats.is_conserved() && all.dropped == 6 && all.disk_bytes == Some(4096));
        assert_eq!(all.posted, all.delivered + all.waiting + all.dropped + all.dead + all.lost);
    }
}
