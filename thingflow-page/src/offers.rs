//! What a program offers to those who look, beside its graph: sliders, buttons, and what has become of the events of its outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use thingflow_core::{DeliveryStats, Timestamp};

use crate::slider::{Slider, SliderState};

type Press = dyn Fn() + Send + Sync;
type Read = dyn Fn() -> DeliveryStats + Send + Sync;

/// All that a program offers.
#[derive(Clone, Default)]
pub(crate) struct Offers {
    pub(crate) sliders: Vec<Slider>,
    buttons: BTreeMap<String, Arc<Press>>,
    outputs: BTreeMap<String, Arc<Read>>,
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
}

impl Offers {
    pub(crate) fn add_button(&mut self, name: String, press: impl Fn() + Send + Sync + 'static) {
        self.buttons.insert(name, Arc::new(press));
    }

    pub(crate) fn add_output(&mut self, name: String, read: impl Fn() -> DeliveryStats + Send + Sync + 'static) {
        self.outputs.insert(name, Arc::new(read));
    }

    pub(crate) fn buttons(&self) -> Vec<String> {
        self.buttons.keys().cloned().collect()
    }

    /// Presses a button: whether there is one of this name. What it does is user code.
    pub(crate) fn press(&self, name: &str) -> bool {
        self.buttons.get(name).map(|press| press()).is_some()
    }

    /// Moves a slider: whether that is within its range, if there is one of this name.
    pub(crate) fn set(&self, name: &str, value: f64) -> Option<bool> {
        self.sliders.iter().find(|slider| slider.name() == name).map(|slider| slider.set(value))
    }

    pub(crate) fn sliders(&self) -> Vec<SliderState<'_>> {
        self.sliders.iter().map(Slider::state).collect()
    }

    /// The counts of all outputs as they are now, but for those that cannot be read. What reads them is user code.
    pub(crate) fn outputs(&self, now: Timestamp) -> Vec<Output> {
        let read = |(name, read): (&String, &Arc<Read>)| {
            let Ok(stats) = catch_unwind(AssertUnwindSafe(|| read())) else {
                log::error!("the counts of the output {name} have panicked");
                return None;
            };
            let DeliveryStats { posted: taken, delivered, waiting, dropped, dead, lost, oldest, .. } = stats;
            let oldest = oldest.map(|oldest| (now - oldest).as_secs_f64());
            Some(Output { name: name.clone(), taken, delivered, waiting, dropped, dead, lost, oldest })
        };
        self.outputs.iter().filter_map(read).collect()
    }
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outputs: Vec<_> = self.outputs.keys().collect();
        let (sliders, buttons) = (&self.sliders, self.buttons());
        f.debug_struct("Offers")
            .field("sliders", sliders)
            .field("buttons", &buttons)
            .field("outputs", &outputs)
            .finish()
    }
}
