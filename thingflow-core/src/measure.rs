//! What numeric operators work on: [`Measured`] values, and the [`Float`]s they are made of.

use core::fmt::Debug;
use core::ops::{Add, Div, Mul, Sub};

use crate::event::SensorEvent;

/// A floating-point number: `f32` or `f64`.
pub trait Float:
    Copy + Debug + Default + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The float nearest to a count.
    fn from_count(n: usize) -> Self;
    /// The order of IEEE 754's `totalOrder`, where a NaN has its place.
    fn total_cmp(&self, other: &Self) -> core::cmp::Ordering;
}

macro_rules! float {
    ($float:ty) => {
        impl Float for $float {
            #[inline]
            #[allow(clippy::cast_precision_loss)] // a count of 2^24 events in a window is nearest enough
            fn from_count(n: usize) -> Self {
                n as Self
            }
            fn total_cmp(&self, other: &Self) -> core::cmp::Ordering {
                <$float>::total_cmp(self, other)
            }
        }
        impl Measured for $float {
            type Value = Self;
            #[inline]
            fn value(&self) -> Self {
                *self
            }
            #[inline]
            fn with_value(self, value: Self) -> Self {
                value
            }
        }
    };
}
float!(f32);
float!(f64);

/// An event with a number in it: a float, or a [`SensorEvent`] of one, which keeps its id and time.
///
/// ```
/// use thingflow_core::{Measured, SensorEvent, Timestamp};
/// let e = SensorEvent::new("lux", Timestamp::UNIX_EPOCH, 3.0);
/// assert_eq!(e.with_value(4.0).sensor_id, "lux");
/// ```
pub trait Measured: Sized {
    /// The kind of number.
    type Value: Float;
    /// The number.
    fn value(&self) -> Self::Value;
    /// The same event with another number.
    #[must_use]
    fn with_value(self, value: Self::Value) -> Self;
}

impl<T: Measured> Measured for SensorEvent<T> {
    type Value = T::Value;
    #[inline]
    fn value(&self) -> T::Value {
        self.val.value()
    }
    #[inline]
    fn with_value(self, value: T::Value) -> Self {
        self.map(|val| val.with_value(value))
    }
}
