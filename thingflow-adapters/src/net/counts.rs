//! [`Counts`]: what a connection counts, on the thread of the scheduler, for those who look from any other.

use std::sync::{Arc, Mutex, PoisonError};

use thingflow_core::{DeliveryMeter, DeliveryStats};

/// Counts that are read and changed as one.
#[derive(Debug, Default)]
pub(crate) struct Counts<S>(Arc<Mutex<S>>);

impl<S: Copy + Into<DeliveryStats> + Send + 'static> Counts<S> {
    pub(crate) fn get(&self) -> S {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// As the counts of every other output, from any thread, also when the connection is no more.
    pub(crate) fn meter(&self) -> DeliveryMeter {
        let counts = Self(self.0.clone());
        DeliveryMeter::new(move || counts.get().into())
    }
}
