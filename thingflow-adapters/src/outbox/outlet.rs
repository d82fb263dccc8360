//! [`Outlet`]: how events leave an outbox by one of its ports.

use std::time::Duration;

use thingflow_core::{Backoff, Size};
use thingflow_journal::Start;

/// How events leave an outbox by one of its ports: how many at once, and in which order.
///
/// ```
/// use thingflow_adapters::outbox::Outlet;
/// let outlet = Outlet::default().in_flight(100).newest_one_in(4);
/// # let _ = outlet;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Outlet {
    pub(super) in_flight: usize,
    pub(super) share: Option<u32>,
    pub(super) retry: Backoff,
    pub(super) start: Start,
    pub(super) hold: Duration,
}

impl Default for Outlet {
    /// At most 1,024 events on their way; the oldest first; a new outlet begins at the oldest event that is kept; what a
    /// reader abandons is sent again after a second, later after up to a minute; nothing waits for the wall clock to be set.
    fn default() -> Self {
        let retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        Self { in_flight: 1024, share: None, retry, start: Start::Oldest, hold: Duration::ZERO }
    }
}

impl Outlet {
    /// At most so many events are on their way: sent, and not done. It must be more than what the operators behind the port
    /// hold back together, or they wait for events that never come.
    #[track_caller]
    pub fn in_flight(self, events: impl Into<Size>) -> Self {
        Self { in_flight: events.into().get(), ..self }
    }

    /// While there is a backlog, one event in `n` is of the newest ones, so that live values are seen although much has to be
    /// sent first; zero and one count as two. The others follow in their order, and what was sent ahead is not sent again: but
    /// after an end of the program that came before the backlog had come to it, it is, with the mark.
    ///
    /// Without it all events keep their order.
    pub fn newest_one_in(self, n: u32) -> Self {
        Self { share: Some(n.max(2)), ..self }
    }

    /// How long to wait before what a reader has [abandoned](thingflow_core::tracking::Tracked::abandon) is sent again.
    pub fn retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// Events that were taken in this boot, before the wall clock had been set, wait until it is set, so that they go out with
    /// their right time: from the first of them on at most so long in a run. Then they go, with the mark that their
    /// [time is not known](super::Stored::is_time_known). What comes behind them waits, too.
    ///
    /// A board without a battery-backed clock wants this: its network may be there some seconds before its clock is set.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_adapters::outbox::Outlet;
    /// let outlet = Outlet::default().hold_until_clock_is_set(Duration::from_secs(300));
    /// # let _ = outlet;
    /// ```
    pub fn hold_until_clock_is_set(self, longest: Duration) -> Self {
        Self { hold: longest, ..self }
    }

    /// Where it begins if the outbox does not know it yet.
    pub fn start(self, start: Start) -> Self {
        Self { start, ..self }
    }
}
