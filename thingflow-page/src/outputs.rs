//! [`Outputs`]: what has become of the events of outputs, and whether these are usable, by what has changed since they were looked at before.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use thingflow_core::{DeliveryMeter, DeliveryStats, Timestamp};

/// An output whose events wait so long, and that delivers none, has a peer that is away.
const AWAY: Duration = Duration::from_secs(10);
/// One that is full is not, if it delivers within this.
const FULL: Duration = Duration::from_secs(1);
/// So long an output is not ready after it was seen to have lost or dropped events.
const RECENT: Duration = Duration::from_secs(60);

/// The outputs that a program has told of, by their names.
#[derive(Clone, Default)]
pub(crate) struct Outputs {
    meters: BTreeMap<String, DeliveryMeter>,
    /// What all who look have seen.
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
}

/// What has become of the events that an output was given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) taken: u64,
    pub(crate) delivered: u64,
    pub(crate) waiting: u64,
    pub(crate) dropped: u64,
    pub(crate) dead: u64,
    pub(crate) lost: u64,
    /// Seconds since the oldest of those that wait was taken, where that is known.
    pub(crate) oldest: Option<f64>,
    pub(crate) disk_bytes: Option<u64>,
    /// What these bytes are those of: outputs may share it.
    pub(crate) store: Option<String>,
    pub(crate) state: State,
    /// What is said of a state that is not the usual one, without the output's name.
    pub(crate) why: Option<String>,
}

/// What an output is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Usable,
    /// Its peer is away, and it keeps what it is given.
    Storing,
    /// Its peer is away, and there is no room for one more.
    Full,
    /// It has dropped or lost events lately.
    Dropping,
}

impl State {
    /// Whether what the output is given is delivered or kept.
    pub(crate) fn is_ready(self) -> bool {
        matches!(self, Self::Usable | Self::Storing)
    }
}

/// What is remembered of an output. Its counts began at zero.
#[derive(Clone, Copy)]
struct Seen {
    delivered: u64,
    /// Since when it has delivered nothing although events wait.
    since: Timestamp,
    gone: u64,
    /// When events were last seen to be gone, and how many had not been within the time that counts as recent.
    fell: Option<(Timestamp, u64)>,
}

impl Outputs {
    pub(crate) fn add(&mut self, name: String, meter: DeliveryMeter) {
        self.meters.insert(name, meter);
    }

    pub(crate) fn len(&self) -> usize {
        self.meters.len()
    }

    /// All outputs as they are now, but for those that cannot be read. What reads them is user code.
    pub(crate) fn look(&self, now: Timestamp) -> Vec<Output> {
        self.meters.iter().filter_map(|(name, meter)| self.look_at(name, meter, now)).collect()
    }

    fn look_at(&self, name: &str, meter: &DeliveryMeter, now: Timestamp) -> Option<Output> {
        let Ok(stats) = catch_unwind(AssertUnwindSafe(|| meter.stats())) else {
            log::error!("the counts of the output {name} have panicked");
            return None;
        };
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(name.to_owned()).or_insert_with(|| Seen::new(&stats, now));
        let (state, why) = seen.again(&stats, now);
        let DeliveryStats { posted: taken, delivered, waiting, dropped, dead, lost, oldest, disk_bytes, .. } = stats;
        let oldest = oldest.map(|oldest| (now - oldest).as_secs_f64());
        let (name, store) = (name.to_owned(), meter.store().map(str::to_owned));
        Some(Output { name, store, taken, delivered, waiting, dropped, dead, lost, oldest, disk_bytes, state, why })
    }
}

impl Seen {
    /// Whether it has delivered any since the oldest came that waits, the first look cannot know.
    fn new(stats: &DeliveryStats, now: Timestamp) -> Self {
        let since = stats.oldest.filter(|_| stats.waiting > 0).map_or(now, |oldest| oldest.min(now));
        Self { delivered: stats.delivered, since, gone: 0, fell: None }
    }

    /// Looks at the output again.
    fn again(&mut self, stats: &DeliveryStats, now: Timestamp) -> (State, Option<String>) {
        if stats.delivered != self.delivered || stats.waiting == 0 || now < self.since {
            (self.delivered, self.since) = (stats.delivered, now);
        }
        let gone = stats.dropped.saturating_add(stats.lost);
        self.fell = self.fell.filter(|(at, _)| *at <= now && now - *at < RECENT);
        if gone > self.gone {
            let before = self.fell.map_or(self.gone, |(_, before)| before);
            self.fell = Some((now, before));
        }
        self.gone = gone;
        if let Some((_, before)) = self.fell {
            let lately = gone.saturating_sub(before);
            return (State::Dropping, Some(format!("has dropped or lost {} lately", events(lately))));
        }
        let quiet = now - self.since;
        if stats.is_full && quiet >= FULL {
            return (State::Full, Some(format!("is full: {}", waiting(stats, now, quiet))));
        }
        if stats.waiting > 0 && quiet >= AWAY {
            return (
                State::Storing,
                Some(format!("keeps what its peer does not take: {}", waiting(stats, now, quiet))),
            );
        }
        (State::Usable, None)
    }
}

/// How many events wait, and how long.
fn waiting(stats: &DeliveryStats, now: Timestamp, quiet: Duration) -> String {
    let all = events(stats.waiting);
    match stats.oldest {
        Some(oldest) => format!("{all} waiting, the oldest for {}", span(now - oldest)),
        None => format!("{all} waiting, and none delivered for {}", span(quiet)),
    }
}

fn events(n: u64) -> String {
    if n == 1 { "1 event".to_owned() } else { format!("{n} events") }
}

/// In the largest unit of which there are two.
fn span(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s @ 7200..172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.meters.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: i64 = 1_000;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_secs(START + i64::try_from(second).unwrap())
    }

    fn stats(delivered: u64, waiting: u64, dropped: u64) -> DeliveryStats {
        let mut stats = DeliveryStats::default();
        (stats.posted, stats.delivered) = (delivered + waiting + dropped, delivered);
        (stats.waiting, stats.dropped) = (waiting, dropped);
        stats
    }

    /// What is said of an output at each second of a list.
    fn states(looks: &[(u64, DeliveryStats)]) -> Vec<State> {
        let mut seen = Seen::new(&looks[0].1, at(looks[0].0));
        looks.iter().map(|(second, stats)| seen.again(stats, at(*second)).0).collect()
    }

    #[test]
    fn an_output_whose_peer_is_away_stores_until_it_delivers() {
        use State::{Storing, Usable};
        let looks =
            [(0, stats(5, 0, 0)), (5, stats(5, 2, 0)), (9, stats(5, 2, 0)), (15, stats(5, 9, 0)), (16, stats(6, 8, 0))];
        assert_eq!(states(&looks), [Usable, Usable, Usable, Storing, Usable]);
        let mut old = stats(0, 1, 0);
        old.oldest = Some(at(0));
        assert_eq!(states(&[(70, old)]), [Storing], "what is on the disk is known to be old at the first look");
        let (mut first, mut next) = (stats(0, 900, 0), stats(100, 800, 0));
        (first.oldest, next.oldest) = (Some(at(0)), Some(at(1)));
        assert_eq!(states(&[(70, first), (71, next)]), [Storing, Usable], "a backlog that drains is none that stays");
        old.oldest = Some(at(500));
        assert_eq!(states(&[(70, old)]), [Usable], "by a clock that was ahead");
    }

    #[test]
    fn an_output_that_drops_is_not_ready_for_a_minute() {
        use State::{Dropping, Usable};
        let looks = [(0, stats(0, 4, 1)), (50, stats(9, 4, 2)), (109, stats(99, 4, 2)), (110, stats(120, 4, 2))];
        assert_eq!(states(&looks), [Dropping, Dropping, Dropping, Usable]);
        let mut lost = stats(0, 0, 0);
        (lost.posted, lost.lost) = (3, 3);
        assert_eq!(states(&[(0, stats(0, 3, 0)), (1, lost)]), [Usable, Dropping]);
    }

    #[test]
    fn a_full_output_is_not_ready_unless_it_delivers() {
        let full = |delivered| with_full(stats(delivered, 4, 0));
        let looks = [(0, full(0)), (1, full(1)), (2, full(2)), (3, full(2)), (4, full(3))];
        assert_eq!(states(&looks), [State::Usable, State::Usable, State::Usable, State::Full, State::Usable]);
    }

    fn with_full(mut stats: DeliveryStats) -> DeliveryStats {
        stats.is_full = true;
        stats
    }

    proptest! {
        #[test]
        fn no_counts_and_no_clock_panic(looks in proptest::collection::vec(any::<(i64, u64, u64, u64, Option<i64>, bool)>(), 1..20)) {
            let mut seen: Option<Seen> = None;
            for (now, delivered, waiting, gone, oldest, is_full) in looks {
                let now = Timestamp::from_nanos(now);
                let mut stats = DeliveryStats::default();
                (stats.delivered, stats.waiting, stats.dropped, stats.lost) = (delivered, waiting, gone, gone);
                (stats.oldest, stats.is_full) = (oldest.map(Timestamp::from_nanos), is_full);
                let seen = seen.get_or_insert_with(|| Seen::new(&stats, now));
                let (state, why) = seen.again(&stats, now);
                prop_assert_eq!(why.is_none(), state == State::Usable);
            }
        }
    }
}
