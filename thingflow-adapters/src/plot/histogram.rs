//! [`Histogram`]: how often which numbers have come.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::rc::Rc;

use thingflow_core::{Size, Timestamp};

use super::drawing;
use super::series::{Data, Plotted, Series, Sheet, look};

/// A picture of how often which numbers have come, a file of SVG. See the [module](super) for when it is written.
///
/// The range is cut into bins of the same width; what lies outside is counted, and said in the legend. A number at the border of two
/// bins is in the upper one, the end of the range in the last.
pub struct Histogram {
    sheet: Rc<RefCell<Sheet<Bins>>>,
    range: RangeInclusive<f64>,
    bins: usize,
}

impl Histogram {
    /// A picture in a file, which is made anew, of so many bins over a range.
    ///
    /// # Panics
    /// If an end of the range is no finite number, or the range is empty.
    #[track_caller]
    pub fn new(path: impl Into<PathBuf>, range: RangeInclusive<f64>, bins: impl Into<Size>) -> Self {
        let width = range.end() - range.start();
        assert!(width.is_finite() && width > 0.0, "invalid range of a histogram: {range:?}");
        let bins = bins.into().get().min(10_000);
        Self { sheet: Rc::new(RefCell::new(Sheet::new(path.into(), drawing::histogram))), range, bins }
    }

    look!();

    /// A series of the picture: what comes is counted.
    pub fn series<E: Plotted>(&self, name: &str) -> Series<E> {
        let bins = Bins { low: *self.range.start(), high: *self.range.end(), counts: vec![0; self.bins], outside: 0 };
        Series::new(&self.sheet, name, bins)
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram").field("range", &self.range).field("bins", &self.bins).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Bins {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) counts: Vec<u64>,
    pub(super) outside: u64,
}

impl Data for Bins {
    fn add(&mut self, _: Timestamp, number: Option<f64>) {
        let Some(number) = number.filter(|number| !number.is_nan()) else { return };
        match (self.low..=self.high).contains(&number) {
            true => {
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let bin = ((number - self.low) / (self.high - self.low) * self.counts.len() as f64) as usize;
                let last = self.counts.len() - 1;
                self.counts[bin.min(last)] += 1;
            }
            false => self.outside += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_a_border_is_in_the_upper_bin_and_the_end_in_the_last() {
        let mut bins = Bins { low: 0.0, high: 4.0, counts: vec![0; 4], outside: 0 };
        for number in [0.0, 0.5, 1.0, 3.999, 4.0, -0.1, 4.1, f64::INFINITY, f64::NAN] {
            bins.add(Timestamp::from_secs(0), Some(number));
        }
        assert_eq!((&*bins.counts, bins.outside), (&[2, 1, 0, 2][..], 3));
    }
}
