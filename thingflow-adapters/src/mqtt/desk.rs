//! [`Desk`]: where the handles of a client leave what they want of it, also while it is being called.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use thingflow_core::{DeadLetter, DeliveryStats, Registry};

use super::inbound::End;
use super::message::Message;
use super::outlet::OnDemand;
use super::status::Status;
use super::subscriptions::Subscription;
use crate::net::Counts;

/// Shared by the handles of a client and its connection.
#[derive(Default)]
pub(super) struct Desk {
    registry: OnceCell<Registry>,
    pub(super) subscriptions: RefCell<Vec<Subscription>>,
    pub(super) settled: RefCell<Vec<(u64, End)>>,
    publishers: Cell<usize>,
    pub(super) reconnects: Cell<bool>,
    pub(super) stats: Counts<DeliveryStats>,
    pub(super) status: OnDemand<Status>,
    pub(super) refused: OnDemand<DeadLetter<Message>>,
}

impl Desk {
    pub(super) fn open(&self, registry: &Registry) {
        let _ = self.registry.set(registry.clone());
    }

    pub(super) fn registry(&self) -> Option<&Registry> {
        self.registry.get()
    }

    /// Has the connection called in the next turn.
    pub(super) fn ring(&self) {
        if let Some(registry) = self.registry.get() {
            registry.call_soon();
        }
    }

    pub(super) fn has_publishers(&self) -> bool {
        self.publishers.get() > 0
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut DeliveryStats)) {
        self.stats.change(|stats| {
            change(stats);
            stats.waiting = stats.posted - stats.delivered - stats.dropped - stats.dead - stats.lost;
        });
    }
}

/// While it lives, somebody may publish.
pub(super) struct Pass(Rc<Desk>);

impl Pass {
    pub(super) fn new(desk: &Rc<Desk>) -> Self {
        desk.publishers.set(desk.publishers.get() + 1);
        Self(desk.clone())
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.publishers.set(self.0.publishers.get() - 1);
        self.0.ring();
    }
}
