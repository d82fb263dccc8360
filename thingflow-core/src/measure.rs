//! What operators over numbers work on: the value that an event carries ([`Carrier`], [`Measured`]), and [`Number`]s.

use core::cmp::Ordering;
use core::fmt::Debug;
use core::ops::{Add, Div, Mul, Sub};

use crate::clock::Timestamp;
use crate::event::{SensorEvent, SensorId};
use crate::state::{Saved, StateVisitor};
use crate::windows::{FixedPointSum, IntegerSum, PairSum, Total};

/// A floating-point number: `f32` or `f64`.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Saved
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// What is larger than any number.
    const INFINITY: Self;
    /// What is no number.
    const NAN: Self;
    /// Whether its digits, 24 bits, are too few for a sum over days: one that has added up 2^24 numbers takes none of their size in any more.
    /// What adds up many then carries what is rounded away.
    const IS_SHORT: bool;
    /// The float nearest to a count.
    fn from_count(n: usize) -> Self;
    /// The float nearest to a number.
    fn from_f64(x: f64) -> Self;
    /// The number.
    fn to_f64(self) -> f64;
    /// Whether it is neither infinite nor a NaN.
    fn is_finite(self) -> bool;
    /// The order of IEEE 754's `totalOrder`, where a NaN has its place.
    fn total_cmp(&self, other: &Self) -> core::cmp::Ordering;
    /// The square root; of less than 0 there is none, and it is a NaN.
    #[cfg(any(feature = "std", feature = "libm"))]
    #[must_use]
    fn sqrt(self) -> Self;
}

macro_rules! float {
    ($float:ty, $root:ident) => {
        impl Float for $float {
            const INFINITY: Self = <$float>::INFINITY;
            const NAN: Self = <$float>::NAN;
            const IS_SHORT: bool = <$float>::MANTISSA_DIGITS < 32;
            #[inline]
            #[allow(clippy::cast_possible_truncation)] // the nearest float is meant
            fn from_f64(x: f64) -> Self {
                x as Self
            }
            #[inline]
            #[allow(clippy::cast_lossless)] // of `f32` exact
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            #[inline]
            #[allow(clippy::cast_precision_loss)] // a count of 2^24 events in a window is nearest enough
            fn from_count(n: usize) -> Self {
                n as Self
            }
            fn total_cmp(&self, other: &Self) -> core::cmp::Ordering {
                <$float>::total_cmp(self, other)
            }
            #[cfg(feature = "std")]
            #[inline]
            fn sqrt(self) -> Self {
                self.sqrt()
            }
            #[cfg(all(feature = "libm", not(feature = "std")))]
            #[inline]
            fn sqrt(self) -> Self {
                libm::$root(self)
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
float!(f32, sqrtf);
float!(f64, sqrt);

/// An event with a number in it: a float, or a [`SensorEvent`] of one, which keeps its id and time.
///
/// ```
/// use thingflow_core::{Measured, SensorEvent, Timestamp};
/// let e = SensorEvent::new("lux", Timestamp::UNIX_EPOCH, 3.0);
/// assert_eq!(e.with_value(4.0).sensor_id, "lux");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no float in it",
    label = "this operator works on `f32`, `f64` and sensor events of them",
    note = "for numbers of any kind there is `.aggregate(Window::sliding(n), Mean::new())`",
    note = "of readings with several values take one: `.map(|event| event.map(|reading| reading.lux))`"
)]
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

/// An event that carries a value: a [`SensorEvent`] carries its reading, a plain value is all that there is.
///
/// Windows look at the value, and what they make of it travels on with the rest: the id and the time of the event.
///
/// For an event type of your own that has no such rest, the implementation is this:
///
/// ```
/// use thingflow_core::windows::Carrier;
/// struct Position { x: f32, y: f32 }
/// impl Carrier for Position {
///     type Value = Self;
///     type Rest = ();
///     type With<U> = U;
///     fn part(self) -> (Self, ()) {
///         (self, ())
///     }
///     fn carry<U>((): (), value: U) -> U {
///         value
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` carries no value that an aggregate could look at",
    note = "`.map(..)` takes the value out of an event; for an event type of your own implement `Carrier`"
)]
pub trait Carrier {
    /// The value.
    type Value;
    /// What the event has besides its value.
    type Rest: Clone;
    /// An event of the same kind that carries something else.
    type With<U>;
    /// The rest of an event that there never was, for the result of a window without events: `None` if an event cannot do
    /// without one of its own.
    const NO_REST: Option<Self::Rest> = None;
    /// The value and the rest.
    fn part(self) -> (Self::Value, Self::Rest);
    /// An event again, with another value.
    fn carry<U>(rest: Self::Rest, value: U) -> Self::With<U>;
    /// Shows a rest that a window keeps to a walk that saves or restores it; without it, by default, the window is restored
    /// without.
    fn on_rest(_rest: &mut Option<Self::Rest>, _state: &mut dyn StateVisitor) {}
}

impl<T> Carrier for SensorEvent<T> {
    type Value = T;
    type Rest = (SensorId, Timestamp);
    type With<U> = SensorEvent<U>;
    #[inline]
    fn part(self) -> (T, Self::Rest) {
        (self.val, (self.sensor_id, self.ts))
    }
    #[inline]
    fn carry<U>((sensor_id, ts): Self::Rest, val: U) -> SensorEvent<U> {
        SensorEvent { sensor_id, ts, val }
    }
    fn on_rest(rest: &mut Option<Self::Rest>, state: &mut dyn StateVisitor) {
        rest.on_state("event", state);
    }
}

macro_rules! plain {
    ($([$($param:tt)*] $plain:ty;)*) => {$(
        impl<$($param)*> Carrier for $plain {
            type Value = Self;
            type Rest = ();
            type With<U> = U;
            const NO_REST: Option<()> = Some(());
            #[inline]
            fn part(self) -> (Self, ()) {
                (self, ())
            }
            #[inline]
            fn carry<U>((): (), value: U) -> U {
                value
            }
            fn on_rest(rest: &mut Option<()>, state: &mut dyn StateVisitor) {
                rest.on_state("rest", state);
            }
        }
    )*};
}
plain! {
    [] f32; [] f64; [] i8; [] i16; [] i32; [] i64; [] i128; [] isize; [] u8; [] u16; [] u32; [] u64; [] u128; [] usize;
    [] bool; [] char; [] (); [] crate::Instant; [] Timestamp; [] core::time::Duration; [] SensorId;
    [T: ?Sized] &T; [T] Option<T>; [T, E] Result<T, E>; [T, const N: usize] [T; N];
    [A, B] (A, B); [A, B, C] (A, B, C); [A, B, C, D] (A, B, C, D);
}
#[cfg(feature = "alloc")]
plain! {
    [] alloc::string::String; [T] alloc::vec::Vec<T>; [T: ?Sized] alloc::boxed::Box<T>; [T: ?Sized] alloc::rc::Rc<T>;
}

/// A number that aggregates work on: a float, or an integer of up to 64 bits.
pub trait Number: Copy + Debug + PartialEq + Saved {
    /// A total of such numbers, fast and small.
    type Total: Total<Self> + Clone + Debug + Default + Saved;
    /// A total of such numbers that is exact.
    type Exact: Total<Self> + Clone + Debug + Default + Saved;
    /// What their mean is: `f32` for `f32`, otherwise `f64`.
    type Mean: Float;
    /// The number as a mean: the nearest float.
    fn to_mean(self) -> Self::Mean;
    /// How far it is from another number; of integers at most their largest one.
    #[must_use]
    fn distance(&self, other: &Self) -> Self;
    /// How much it has changed since it was `before`: of integers exact but for the rounding to a float, however far apart they are.
    fn change_from(&self, before: &Self) -> Self::Mean;
    /// Whether it is a NaN: a reading that is missing, which aggregates leave out.
    fn is_nan(&self) -> bool;
    /// The order of all values; that of floats is IEEE 754's `totalOrder`, in which a (positive) NaN is the largest.
    fn order(&self, other: &Self) -> Ordering;
}

macro_rules! numbers {
    ($mean:ty, $total:ty, $exact:ty, $order:ident, $minus:ident, $apart:ident: $($number:ty)*) => {$(
        impl Number for $number {
            type Total = $total;
            type Exact = $exact;
            type Mean = $mean;
            #[inline]
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless)] // the nearest float is meant
            fn to_mean(self) -> $mean {
                self as $mean
            }
            #[inline]
            fn distance(&self, other: &Self) -> Self {
                if self.$order(other).is_gt() { self.$minus(*other) } else { other.$minus(*self) }
            }
            #[inline]
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless)] // the nearest float is meant
            fn change_from(&self, before: &Self) -> $mean {
                match self.$order(before) {
                    Ordering::Less => -(before.$apart(*self) as $mean),
                    _ => self.$apart(*before) as $mean,
                }
            }
            #[inline]
            #[allow(clippy::eq_op)] // a NaN alone differs from itself
            fn is_nan(&self) -> bool {
                self != self
            }
            #[inline]
            fn order(&self, other: &Self) -> Ordering {
                self.$order(other)
            }
        }
    )*};
}
numbers!(f32, PairSum<f32>, FixedPointSum<f32, 6>, total_cmp, sub, sub: f32);
numbers!(f64, PairSum<f64>, FixedPointSum<f64, 34>, total_cmp, sub, sub: f64);
numbers!(f64, IntegerSum<i64>, IntegerSum<i64>, cmp, saturating_sub, abs_diff: i8 i16 u8 u16);
numbers!(f64, IntegerSum<i128>, IntegerSum<i128>, cmp, saturating_sub, abs_diff: i32 i64 isize u32 u64 usize);
