//! [`Slider`]: a number that whoever looks at the page may change.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;
use thingflow_core::{SampleError, Sensor, SensorId};

/// A number that whoever looks at the page may change: a parameter of the program, or a simulated sensor. Clones are the same
/// slider; any thread may read it.
///
/// ```
/// use std::time::Duration;
/// use thingflow_core::prelude::*;
/// use thingflow_page::{Options, Slider};
///
/// let mut scheduler = Scheduler::new()?;
/// let lux = Slider::new("lux", 0.0..=100.0, 40.0); // a sensor that one drags
/// let threshold = Slider::new("threshold", 0.0..=100.0, 25.0);
/// let page = Options::new("127.0.0.1:0").slider(&lux).slider(&threshold).serve(&scheduler)?;
/// scheduler.schedule_sensor(lux, Duration::from_millis(100), |lux| {
///     lux.map(move |event| event.val < threshold.value()).probe("lamp").for_each(drop);
/// })?;
/// # drop(page);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Slider {
    id: SensorId,
    name: String,
    range: RangeInclusive<f64>,
    /// The bits of the number.
    value: Arc<AtomicU64>,
}

impl Slider {
    /// A slider from one end of the range to the other, which stands at `start`.
    ///
    /// # Panics
    /// If an end is no finite number, the range is empty, or `start` lies outside of it.
    #[track_caller]
    pub fn new(name: impl Into<SensorId>, range: RangeInclusive<f64>, start: f64) -> Self {
        assert!(range.start().is_finite() && range.end().is_finite(), "invalid range of a slider: {range:?}");
        assert!(range.contains(&start), "invalid start of a slider: {start} is not in {range:?}");
        let id = name.into();
        Self { id, name: id.to_string(), range, value: Arc::new(AtomicU64::new(start.to_bits())) }
    }

    /// Where it stands.
    pub fn value(&self) -> f64 {
        f64::from_bits(self.value.load(Relaxed))
    }

    /// Moves it, if that is within its range: whether it was.
    pub fn set(&self, value: f64) -> bool {
        let fits = self.range.contains(&value);
        if fits {
            self.value.store(value.to_bits(), Relaxed);
        }
        fits
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn state(&self) -> SliderState<'_> {
        SliderState { name: self.name(), least: *self.range.start(), greatest: *self.range.end(), value: self.value() }
    }
}

/// As the page shows it.
#[derive(Serialize)]
pub(crate) struct SliderState<'s> {
    name: &'s str,
    least: f64,
    greatest: f64,
    value: f64,
}

/// A sensor whose reading is where the slider stands.
impl Sensor for Slider {
    type Reading = f64;
    type Error = Infallible;

    fn id(&self) -> SensorId {
        self.id
    }

    fn sample(&mut self) -> Result<f64, SampleError<Infallible>> {
        Ok(self.value())
    }
}
