//! [`Subscriptions`]: what is asked of the broker, what it has granted, and where its messages go.

use thingflow_core::tracking::Tracked;
use thingflow_core::{Instant, PortRef};

use super::message::{Qos, Received};
use super::outbound::{Outbound, Use};
use super::outlet::Outlet;
use super::topic;
use super::wire::{Asked, Publish, Writer};

/// Where the messages of a subscription go.
pub(super) enum Feed {
    Plain(Box<dyn Outlet<Received>>),
    Tracked(Box<dyn Outlet<Tracked<Received>>>),
    /// To the client itself.
    Birth,
}

impl Feed {
    pub(super) fn port(&self) -> Option<PortRef> {
        match self {
            Self::Plain(port) => Some(port.reference()),
            Self::Tracked(port) => Some(port.reference()),
            Self::Birth => None,
        }
    }
}

/// One subscription.
pub(super) struct Subscription {
    pub(super) filter: String,
    pub(super) qos: Qos,
    pub(super) feed: Feed,
    state: State,
    /// Its port has been told that the graph runs.
    pub(super) started: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Wanted,
    Asked(u16, Instant),
    Made,
    /// Nobody listens any more.
    Unwanted,
    Gone,
}

impl Subscription {
    pub(super) fn new(filter: String, qos: Qos, feed: Feed) -> Self {
        Self { filter, qos, feed, state: State::Wanted, started: false }
    }

    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, State::Unwanted | State::Gone)
    }
}

/// All subscriptions of a client, by their number.
#[derive(Default)]
pub(super) struct Subscriptions {
    all: Vec<Subscription>,
    /// Some may have to be told to the broker.
    changed: bool,
}

impl Subscriptions {
    pub(super) fn add(&mut self, subscription: Subscription) {
        self.all.push(subscription);
        self.changed = true;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.all.iter_mut()
    }

    pub(super) fn get(&self, number: usize) -> Option<&Subscription> {
        self.all.get(number)
    }

    /// The broker remembers those that it had granted, or none.
    pub(super) fn restart(&mut self, remembered: bool) {
        self.changed = true;
        for subscription in &mut self.all {
            subscription.state = match subscription.state {
                State::Made if remembered => State::Made,
                State::Unwanted if remembered => State::Unwanted,
                State::Unwanted | State::Gone => State::Gone,
                _ => State::Wanted,
            };
        }
    }

    /// Nobody listens to it any more.
    pub(super) fn leave(&mut self, number: usize) {
        if let Some(subscription) = self.all.get_mut(number)
            && !subscription.is_gone()
        {
            subscription.state = State::Unwanted;
            self.changed = true;
        }
    }

    /// Tells the broker what has changed.
    pub(super) fn send(&mut self, out: &mut Vec<u8>, writer: &Writer, ids: &mut Outbound, names: bool, now: Instant) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        for number in 0..self.all.len() {
            let name = self.name(&self.all[number].filter);
            let shared = self.all.iter().filter(|other| other.filter == self.all[number].filter && !other.is_gone());
            let best = shared.map(|other| other.qos).max(); // the broker has one subscription for a filter
            let subscription = &mut self.all[number];
            match subscription.state {
                State::Wanted => {
                    let Ok(id) = ids.take_id(Use::Subscribe(number as u32)) else {
                        self.changed = true; // an id is free again some time
                        continue;
                    };
                    let asked = Asked {
                        filter: &subscription.filter,
                        qos: best.unwrap_or(subscription.qos),
                        number: name.filter(|_| names),
                        only_new: false,
                    };
                    let _ = writer.subscribe(out, id, &asked); // the filter was checked
                    subscription.state = State::Asked(id, now);
                }
                State::Unwanted => {
                    subscription.state = State::Gone;
                    if best.is_none()
                        && let Ok(id) = ids.take_id(Use::Unsubscribe)
                    {
                        let _ = writer.unsubscribe(out, id, &subscription.filter);
                    }
                }
                State::Asked(..) | State::Made | State::Gone => {}
            }
        }
    }

    /// The number by which the broker names all subscriptions of a filter.
    fn name(&self, filter: &str) -> Option<u32> {
        let first = self.all.iter().position(|other| other.filter == filter)?;
        u32::try_from(first).ok()?.checked_add(1)
    }

    /// The broker has answered. The filter, if it refuses.
    pub(super) fn answered(&mut self, number: u32, id: u16, granted: bool) -> Option<&str> {
        let subscription = self.all.get_mut(number as usize)?;
        if !matches!(subscription.state, State::Asked(asked, _) if asked == id) {
            return None;
        }
        subscription.state = State::Made; // also one that is refused: asking again changes nothing before the next connection
        (!granted).then_some(subscription.filter.as_str())
    }

    /// Since when the broker owes an answer.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let since = |subscription: &Subscription| match subscription.state {
            State::Asked(_, since) => Some(since),
            _ => None,
        };
        self.all.iter().filter_map(since).min()
    }

    /// Those that a message is for.
    pub(super) fn of<'a>(&'a self, publish: &'a Publish) -> impl Iterator<Item = usize> + 'a {
        let named = &publish.subscriptions;
        let is_for = move |subscription: &Subscription| {
            if named.is_empty() {
                topic::matches(&subscription.filter, &publish.topic)
            } else {
                self.name(&subscription.filter).is_some_and(|name| named.contains(&name))
            }
        };
        let all = self.all.iter().enumerate();
        all.filter(move |(_, it)| !it.is_gone() && is_for(it)).map(|(number, _)| number)
    }
}
