//! [`Check`]: what says how much a reading is to be trusted.

use thingflow_core::{Instant, StateVisitor};

use super::Quality;

/// Says how much a reading is to be trusted. Several checks are one as a tuple: all of them see each reading, and the worst
/// mark counts.
///
/// ```
/// use thingflow_core::{Instant, prelude::*};
/// use thingflow_signals::prelude::*;
/// use thingflow_signals::quality::{Check, Quality, Range};
/// /// A sensor that says exactly 85 °C when it has not measured yet, as the DS18B20 does.
/// struct PowerOn;
/// impl Check for PowerOn {
///     fn check(&mut self, value: f64, _: Instant) -> Quality {
///         if value == 85.0 { Quality::Bad } else { Quality::Good }
///     }
/// }
/// let checks = (PowerOn, Range::new(-55.0..=125.0));
/// assert_eq!(from_iter([20.0, 85.0, 130.0]).qualify(checks).good_only().collect_now(), [20.0]);
/// ```
pub trait Check {
    /// Marks a reading, which is finite, with its time.
    fn check(&mut self, value: f64, at: Instant) -> Quality;

    /// Shows what it remembers to a walk that saves or restores it.
    fn state(&mut self, _state: &mut dyn StateVisitor) {}
}

macro_rules! tuples {
    ($(($($check:ident $at:tt)+))+) => {$(
        impl<$($check: Check),+> Check for ($($check,)+) {
            fn check(&mut self, value: f64, at: Instant) -> Quality {
                let mut worst = Quality::Good;
                $(worst = worst.max(self.$at.check(value, at));)+
                worst
            }
            fn state(&mut self, state: &mut dyn StateVisitor) {
                $(self.$at.state(state);)+
            }
        }
    )+};
}
tuples! {
    (A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 E 4) (A 0 B 1 C 2 D 3 E 4 F 5)
}
