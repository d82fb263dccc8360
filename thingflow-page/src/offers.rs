//! What a program offers to those who look, beside its graph: sliders, buttons, and its outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::outputs::Outputs;
use crate::slider::{Slider, SliderState};

type Press = dyn Fn() + Send + Sync;

/// All that a program offers.
#[derive(Clone, Default)]
pub(crate) struct Offers {
    pub(crate) sliders: Vec<Slider>,
    buttons: BTreeMap<String, Arc<Press>>,
    pub(crate) outputs: Outputs,
}

impl Offers {
    pub(crate) fn add_button(&mut self, name: String, press: impl Fn() + Send + Sync + 'static) {
        self.buttons.insert(name, Arc::new(press));
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
}

impl fmt::Debug for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sliders, buttons) = (&self.sliders, self.buttons());
        f.debug_struct("Offers")
            .field("sliders", sliders)
            .field("buttons", &buttons)
            .field("outputs", &self.outputs)
            .finish()
    }
}
