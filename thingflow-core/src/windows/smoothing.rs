//! [`Smoothing`]: averages in which events count the less the older they are.

use super::{EwmVariance, Ewma};
use crate::chain::Chain;
use crate::measure::Measured;

#[cfg(any(feature = "std", feature = "libm"))]
use super::EwmaByTime;

/// Averages that fade, as methods of every [`Chain`].
pub trait Smoothing: Chain {
    /// Sends an average in which the newest event has the share `alpha` and all before it the rest: exponential smoothing.
    ///
    /// The first event is the first average, so that it counts for more than its share for a while. That is what a low-pass filter
    /// does, and `pandas` with `adjust=False`; see [`ewma_corrected`](Self::ewma_corrected) for the other one. A NaN or an
    /// infinity is left out: for it the average is sent again. Before any number there is no average, and it is a NaN.
    ///
    /// Holds two values. Sends events as they came, with the average in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([8.0, 16.0, 0.0, 0.0]).ewma(0.5).collect_now(), [8.0, 12.0, 6.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If `alpha` is not above 0, or above 1.
    #[doc(alias = "exponential_smoothing")]
    #[doc(alias = "low_pass")]
    #[doc(alias = "ema")]
    #[track_caller]
    fn ewma(self, alpha: <Self::Item as Measured>::Value) -> Self::Piped<Ewma<<Self::Item as Measured>::Value>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
    {
        self.pipe(Ewma::new(alpha, false))
    }

    /// As [`ewma`](Self::ewma), corrected for the bias towards the first event: each event counts `1 - alpha` times as much as the
    /// one after it, also the first.
    ///
    /// That is what `pandas` does unless told otherwise, `ewm(alpha=…).mean()`. After some `3 / alpha` events the two are the same.
    ///
    /// Holds two values. Sends events as they came, with the average in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(from_iter([1.0, 2.0, 3.0]).ewma_corrected(0.5).collect_now(), [1.0, 5.0 / 3.0, 17.0 / 7.0]);
    /// ```
    ///
    /// # Panics
    /// If `alpha` is not above 0, or above 1.
    #[doc(alias = "ewm")]
    #[doc(alias = "adjust")]
    #[track_caller]
    fn ewma_corrected(
        self,
        alpha: <Self::Item as Measured>::Value,
    ) -> Self::Piped<Ewma<<Self::Item as Measured>::Value>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
    {
        self.pipe(Ewma::new(alpha, true))
    }

    /// Sends an average in which an event counts half as much after each `half_life`, by the time that `time` reads from it: for readings
    /// that do not come evenly. The first event is the first average, as with [`ewma`](Self::ewma).
    ///
    /// An event of an earlier time counts as one of the latest so far. One at the time of the event before it changes nothing, since no
    /// time has passed for which it would count; in [the corrected form](Self::ewma_by_time_corrected) both count alike. A NaN or an
    /// infinity is left out: for it the average is sent again. Before any number there is no average, and it is a NaN.
    ///
    /// Holds three values. Sends events as they came, with the average in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// let at = |secs, celsius| SensorEvent::new("tank", Timestamp::from_secs(secs), celsius);
    /// let tank = from_iter([at(0, 20.0), at(60, 28.0), at(180, 28.0)]);
    /// let smooth = tank.ewma_by_time(Duration::from_secs(60), |event| event.ts).map(|event| event.val);
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(smooth.collect_now(), [20.0, 24.0, 27.0]); // after two half-lives three quarters of the way
    /// ```
    ///
    /// # Panics
    /// If the half-life is zero.
    #[cfg(any(feature = "std", feature = "libm"))]
    #[doc(alias = "exponential_smoothing")]
    #[track_caller]
    fn ewma_by_time<F>(
        self,
        half_life: core::time::Duration,
        time: F,
    ) -> Self::Piped<EwmaByTime<<Self::Item as Measured>::Value, F>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
        F: FnMut(&Self::Item) -> crate::Timestamp + 'static,
    {
        self.pipe(EwmaByTime::new(half_life, time, false))
    }

    /// As [`ewma_by_time`](Self::ewma_by_time), corrected for the bias towards the first event: that of all events which count half as
    /// much for each half-life, also the first. As `pandas` has it, `ewm(halflife=…, times=…).mean()`.
    ///
    /// Holds three values. Sends events as they came, with the average in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # use core::time::Duration;
    /// let at = |secs, celsius| SensorEvent::new("tank", Timestamp::from_secs(secs), celsius);
    /// let tank = from_iter([at(0, 20.0), at(60, 26.0)]);
    /// let smooth = tank.ewma_by_time_corrected(Duration::from_secs(60), |event| event.ts).map(|event| event.val);
    /// # #[cfg(feature = "alloc")]
    /// assert_eq!(smooth.collect_now(), [20.0, 24.0]); // (20 / 2 + 26) / 1.5
    /// ```
    ///
    /// # Panics
    /// If the half-life is zero.
    #[cfg(any(feature = "std", feature = "libm"))]
    #[doc(alias = "ewm")]
    #[track_caller]
    fn ewma_by_time_corrected<F>(
        self,
        half_life: core::time::Duration,
        time: F,
    ) -> Self::Piped<EwmaByTime<<Self::Item as Measured>::Value, F>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
        F: FnMut(&Self::Item) -> crate::Timestamp + 'static,
    {
        self.pipe(EwmaByTime::new(half_life, time, true))
    }

    /// Sends the variance of all events so far where each counts `1 - alpha` times as much as the one after it: how restless a value
    /// has been of late. [`Alpha`](super::Alpha) gives `alpha` by a span or a half-life.
    ///
    /// It is that of a sample, without bias, as `pandas` has it, `ewm(alpha=…).var()`. Of fewer than two numbers there is none, and it is
    /// a NaN. A NaN or an infinity is left out: for it the variance is sent again.
    ///
    /// Holds four values. Sends events as they came, with the variance in place of their value.
    ///
    /// ```
    /// # use thingflow_core::prelude::*;
    /// # #[cfg(feature = "alloc")] {
    /// let restless = from_iter([1.0_f64, 3.0, 3.0]).ewm_variance(0.5).collect_now();
    /// assert!(restless[0].is_nan());
    /// assert!((restless[1] - 2.0).abs() < 1e-12 && (restless[2] - 0.857_142_857).abs() < 1e-9);
    /// # }
    /// ```
    ///
    /// # Panics
    /// If `alpha` is not above 0, or above 1.
    #[doc(alias = "ewmvar")]
    #[track_caller]
    fn ewm_variance(
        self,
        alpha: <Self::Item as Measured>::Value,
    ) -> Self::Piped<EwmVariance<<Self::Item as Measured>::Value>>
    where
        Self::Item: Measured<Value: 'static> + 'static,
    {
        self.pipe(EwmVariance::new(alpha))
    }
}

impl<C: Chain> Smoothing for C {}
