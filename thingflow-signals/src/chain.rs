//! [`Signals`] and [`DataQuality`]: the methods that this crate adds to every chain.

use core::time::Duration;

use thingflow_core::windows::{Carrier, Number};
use thingflow_core::{Chain, Saved, SensorEvent};

use crate::edges::{Crossings, Edges};
use crate::gaps::{Hold, Interpolation, MarkGaps, Resample};
use crate::processor::{Process, Processor};
use crate::quality::{Check, GoodOnly, OrMissing, Qualified, Qualify, Requalify};
use crate::time::Timed;

/// Signal processing, as methods of every [`Chain`].
pub trait Signals: Chain {
    /// Lets a [`Processor`] make something of each number: a filter, an estimator, a controller. A NaN or an infinity is left
    /// out.
    ///
    /// Holds what the processor holds. Sends `T::With<P::Out>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{filters::Fir, prelude::*};
    /// let steps = from_iter([0.0, 4.0, 4.0, f64::NAN, 4.0]).process(Fir::new([0.25, 0.5, 0.25])).collect_now();
    /// assert_eq!(steps, [3.0, 4.0]); // from the third number on
    /// ```
    fn process<P>(self, processor: P) -> Self::Piped<Process<P>>
    where
        Self::Item: Timed + Carrier<Value: Number>,
        P: Processor + 'static,
    {
        self.pipe(Process(processor))
    }

    /// Sends an [`Edge`](crate::edges::Edge) whenever a flag changes. The first flag makes none.
    ///
    /// Holds one flag. Sends `T::With<Edge>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{edges::Edge, prelude::*};
    /// let edges = from_iter([false, false, true, true, false]).edges().collect_now();
    /// assert_eq!(edges, [Edge::Rising, Edge::Falling]);
    /// ```
    fn edges(self) -> Self::Piped<Edges>
    where
        Self::Item: Carrier<Value = bool>,
    {
        self.pipe(Edges::default())
    }

    /// Sends an [`Edge`](crate::edges::Edge) whenever a number passes `level`: rising from below it to the level or above,
    /// falling from there to below. A number that is noisy needs two levels: see
    /// [`hysteresis`](thingflow_core::Elementwise::hysteresis), then [`edges`](Self::edges).
    ///
    /// Holds one flag. Sends `T::With<Edge>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{edges::Edge, prelude::*};
    /// let passed = from_iter([18.0, 20.0, f64::NAN, 21.0, 19.5]).crossings(20.0).collect_now();
    /// assert_eq!(passed, [Edge::Rising, Edge::Falling]);
    /// ```
    ///
    /// # Panics
    /// If the level is a NaN.
    #[track_caller]
    fn crossings(self, level: f64) -> Self::Piped<Crossings>
    where
        Self::Item: Carrier<Value: Number>,
    {
        self.pipe(Crossings::new(level))
    }
}

impl<C: Chain> Signals for C {}

/// What is known of readings besides their value: whether to trust them, and when they are missing; as methods of every
/// [`Chain`].
pub trait DataQuality: Chain {
    /// Marks each event with what a [`Check`], or a tuple of several, says of its value. The mark travels with the event:
    /// operators that keep a sensor's id and time keep it, too. A NaN or an infinity is
    /// [`Missing`](crate::quality::Quality::Missing) and is shown to no check.
    ///
    /// Holds what the checks hold. Sends `Qualified<T>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::prelude::*;
    /// use thingflow_signals::quality::{Quality, Range};
    /// let celsius = from_iter([21.5, 85.0, 48.0, f64::NAN]);
    /// let marks = celsius.qualify(Range::new(-40.0..=60.0).usual(0.0..=45.0)).map(|event| event.quality).collect_now();
    /// assert_eq!(marks, [Quality::Good, Quality::Bad, Quality::Suspect, Quality::Missing]);
    /// ```
    fn qualify<C>(self, check: C) -> Self::Piped<Qualify<C>>
    where
        Self::Item: Timed + Carrier<Value: Number + Copy>,
        C: Check + 'static,
    {
        self.pipe(Qualify(check))
    }

    /// As [`qualify`](Self::qualify), of events that have a mark: the worse mark stays.
    ///
    /// Holds what the checks hold. Sends `Qualified<T>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::prelude::*;
    /// use thingflow_signals::quality::{Quality, Range};
    /// let marks = from_iter([5.0, 11.0]).qualify(Range::new(0.0..=10.0)).requalify(Range::new(6.0..=20.0));
    /// assert_eq!(marks.map(|event| event.quality).collect_now(), [Quality::Bad, Quality::Bad]);
    /// ```
    fn requalify<E, C>(self, check: C) -> Self::Piped<Requalify<C>>
    where
        Self: Chain<Item = Qualified<E>>,
        E: Timed + Carrier<Value: Number + Copy>,
        C: Check + 'static,
    {
        self.pipe(Requalify(check))
    }

    /// Passes the events that are marked as good, without the mark.
    ///
    /// Holds nothing. Sends `E`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{prelude::*, quality::Range};
    /// assert_eq!(from_iter([1, 99, 3]).qualify(Range::new(0.0..=10.0)).good_only().collect_now(), [1, 3]);
    /// ```
    fn good_only<E>(self) -> Self::Piped<GoodOnly>
    where
        Self: Chain<Item = Qualified<E>>,
        E: Carrier,
    {
        self.pipe(GoodOnly)
    }

    /// Sends the values that are marked as good, and `None` for each other one: the gap stays visible.
    ///
    /// Holds nothing. Sends `E::With<Option<_>>`.
    ///
    /// ```
    /// use thingflow_core::prelude::*;
    /// use thingflow_signals::{prelude::*, quality::Range};
    /// let readings = from_iter([1, 99, 3]).qualify(Range::new(0.0..=10.0)).or_missing().collect_now();
    /// assert_eq!(readings, [Some(1), None, Some(3)]);
    /// ```
    fn or_missing<E>(self) -> Self::Piped<OrMissing>
    where
        Self: Chain<Item = Qualified<E>>,
        E: Carrier,
    {
        self.pipe(OrMissing)
    }

    /// Marks the places where a sensor that ought to send each `period` has been silent: sends each value as `Some`, and one
    /// `None` for each gap, `period` after the last reading. A gap begins when 1.5 periods have passed, by the times of the
    /// readings or, while nothing comes, by the scheduler's clock.
    ///
    /// Holds the id and the time of one event. Sends `SensorEvent<Option<V>>`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_core::{Timestamp, prelude::*};
    /// use thingflow_signals::prelude::*;
    /// let readings = [0, 1, 5].map(|secs| SensorEvent::new("lux", Timestamp::from_secs(secs), secs));
    /// let marked = from_iter(readings).mark_gaps(Duration::from_secs(1)).map(|event| event.val).collect_now();
    /// assert_eq!(marked, [Some(0), Some(1), None, Some(5)]);
    /// ```
    ///
    /// # Panics
    /// If the period is zero.
    #[track_caller]
    fn mark_gaps<V>(self, period: Duration) -> Self::Piped<MarkGaps>
    where
        Self: Chain<Item = SensorEvent<V>>,
    {
        self.pipe(MarkGaps::new(period, true))
    }

    /// As [`mark_gaps`](Self::mark_gaps), by the times of the readings alone: a gap is seen when the next reading, or a watermark, is 1.5
    /// periods behind the last one, however late they come. So a replay gives what the live run gave, and what comes in bursts or behind
    /// a stage that holds it back has no gaps but its own. A silence that lasts is seen only where there are
    /// [watermarks](thingflow_core::Timing::watermarks) that go on without this sensor.
    ///
    /// Holds the id and the time of one event. Sends `SensorEvent<Option<V>>`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_core::{Notice, Timestamp, prelude::*, testing::Recorder};
    /// use thingflow_signals::prelude::*;
    /// let (seen, cx) = (Recorder::new(), &mut Context::detached(Instant::ZERO));
    /// let mut chain = pipe().mark_gaps_by_time(Duration::from_secs(1)).map(|event| event.val).to(seen.clone());
    /// for secs in [0, 1] {
    ///     chain.next(SensorEvent::new("lux", Timestamp::from_secs(secs), secs), cx)?;
    /// }
    /// InputThing::<SensorEvent<i64>>::notice(&mut chain, Notice::Watermark(Timestamp::from_secs(3)), cx)?;
    /// assert_eq!(seen.events(), [Some(0), Some(1), None]); // nothing can come for second 2 any more
    /// # Ok::<(), FatalError>(())
    /// ```
    ///
    /// # Panics
    /// If the period is zero.
    #[track_caller]
    fn mark_gaps_by_time<V>(self, period: Duration) -> Self::Piped<MarkGaps>
    where
        Self: Chain<Item = SensorEvent<V>>,
    {
        self.pipe(MarkGaps::new(period, false))
    }

    /// Sends the latest value each `interval`, from the first one on, as a [`Held`](crate::gaps::Held) value that says how
    /// old it is, and that it is stale when it is older than `max_age`: for outputs, alarms and plots, which must see that.
    /// Time is the scheduler's. In a state that is restored the age goes on, over a reboot too; where nobody knows how long the machine
    /// was off, the value is stale.
    ///
    /// Holds one event. Sends `T::With<Held<T::Value>>`.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use std::time::Duration;
    /// use thingflow_core::{prelude::*, testing::Recorder};
    /// use thingflow_signals::prelude::*;
    /// let secs = Duration::from_secs;
    /// let seen = Recorder::new();
    /// let shown = interval(secs(10)).hold(secs(2), secs(3)).map(|held| held.fresh().is_some());
    /// let mut scheduler = Scheduler::virtual_time()?;
    /// scheduler.schedule_recurring(shown.connect(seen.clone()))?;
    /// scheduler.run_for(secs(17))?;
    /// assert_eq!(seen.timed_text(), "true@10 true@12 false@14 false@16");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If the interval is zero.
    #[track_caller]
    fn hold<V, R>(self, interval: Duration, max_age: Duration) -> Self::Piped<Hold<V, R>>
    where
        Self::Item: Carrier<Value = V, Rest = R>,
        V: Clone + Saved + 'static,
        R: Clone + 'static,
    {
        self.pipe(Hold::new(interval, max_age))
    }

    /// Sends values at the multiples of `step` (since 1970), out of readings at any times: each is computed from the readings
    /// around it, see [`Interpolation`]. A silence that is longer than `longest_gap` is not filled, not even in part, and
    /// nothing is sent behind the last reading. Several sensors that are resampled by the same step stand on one grid:
    /// [`timed_zip`](thingflow_core::Joins::timed_zip) puts them into rows.
    ///
    /// Readings that are not later than the one before are left out, and so are NaNs and infinities.
    ///
    /// Holds up to three readings. Sends `SensorEvent<f64>`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_core::{Timestamp, prelude::*};
    /// use thingflow_signals::{gaps::Interpolation, prelude::*};
    /// let reading = |millis, val| SensorEvent::new("lux", Timestamp::from_millis(millis), val);
    /// let uneven = [reading(0, 0.0), reading(1_500, 3.0), reading(9_000, 0.0), reading(10_500, 1.5)];
    /// let even = from_iter(uneven).resample(Duration::from_secs(1), Interpolation::Linear, Duration::from_secs(2));
    /// let even = even.map(|event| (event.ts.as_secs_f64(), event.val)).collect_now();
    /// assert_eq!(even, [(0.0, 0.0), (1.0, 2.0), (9.0, 0.0), (10.0, 1.0)]);
    /// ```
    ///
    /// Where readings come faster than the step, what is faster than half the grid's rate would show on it as something slow: an
    /// alias. A low pass before it takes that away; [`Decimate`](crate::filters::Decimate) does both for a whole factor.
    ///
    /// ```
    /// use std::time::Duration;
    /// use thingflow_core::{Timestamp, prelude::*};
    /// use thingflow_signals::{filters::Butterworth, gaps::Interpolation, prelude::*};
    /// // A pump shakes the level 1.1 times a second; ten readings a second, one value a second is wanted.
    /// let level = |n: i64| 50.0 + 3.0 * (std::f64::consts::TAU * 0.11 * n as f64).sin();
    /// let readings = || from_iter((0..900).map(move |n| SensorEvent::new("level", Timestamp::from_millis(100 * n), level(n))));
    /// let second = Duration::from_secs(1);
    /// let spread = |values: Vec<SensorEvent<f64>>| {
    ///     let settled = values.iter().skip(30).map(|event| event.val);
    ///     settled.clone().fold(f64::MIN, f64::max) - settled.fold(f64::MAX, f64::min)
    /// };
    /// let aliases = readings().resample(second, Interpolation::Linear, second).collect_now();
    /// assert!(spread(aliases) > 5.0); // a wave of ten seconds that is not there
    /// let low_pass = Butterworth::low_pass(4, 0.4, 10.0); // below half of one a second
    /// let clean = readings().process(low_pass).resample(second, Interpolation::Linear, second).collect_now();
    /// assert!(spread(clean) < 0.2);
    /// ```
    ///
    /// # Panics
    /// If the step is zero, or the longest gap holds more than a million steps.
    #[track_caller]
    fn resample<V: Number>(
        self,
        step: Duration,
        interpolation: Interpolation,
        longest_gap: Duration,
    ) -> Self::Piped<Resample>
    where
        Self: Chain<Item = SensorEvent<V>>,
    {
        self.pipe(Resample::new(step, interpolation, longest_gap))
    }
}

impl<C: Chain> DataQuality for C {}
