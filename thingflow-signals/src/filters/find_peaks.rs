//! [`FindPeaks`]: the peaks of a piece of a signal, by height, distance and prominence.

use alloc::vec;
use alloc::vec::Vec;

use thingflow_core::{Emitter, Filter, InputThing, Receipt};

/// Finds the peaks of a list of samples, which are those of SciPy's `find_peaks(x, height, distance, prominence)`: samples that are higher
/// than both neighbours, of a flat top the one in the middle. It is a stage that makes of each list the list of its peaks, to be
/// given to [`pipe`](thingflow_core::Chain::pipe); by hand it is called by [`find`](Self::find).
///
/// Of a signal that does not come in pieces, [`Peaks`](super::Peaks) finds the peaks while it comes, without a distance. A peak at the
/// border of two pieces is in none of them: let them [overlap](thingflow_core::Windows::windows) where that matters.
///
/// A NaN is never a peak, and ends the search for the foot of one. Of peaks of equal height that are too close the last stays, which
/// SciPy leaves open.
///
/// ```
/// use thingflow_core::prelude::*;
/// use thingflow_signals::filters::FindPeaks;
/// let pulse = [0.0, 1.0, 0.9, 3.0, 2.8, 2.9, 1.0, 5.0, 0.0];
/// let peaks = FindPeaks::new().prominence(0.5).find(&pulse);
/// assert_eq!(peaks.iter().map(|peak| (peak.index, peak.value)).collect::<Vec<_>>(), [(3, 3.0), (7, 5.0)]);
/// assert_eq!((peaks[0].prominence, peaks[1].prominence), (2.0, 5.0));
///
/// let beats = from_iter(pulse.repeat(3)).chunks(9).pipe(FindPeaks::new().height(0.5).distance(3)).map(|beat| beat.len());
/// assert_eq!(beats.collect_now(), [2, 2, 2]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FindPeaks {
    height: f64,
    distance: usize,
    prominence: f64,
}

/// A peak in a list of samples. Made by [`FindPeaks`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeakAt {
    /// Its place in the list, from 0 on.
    pub index: usize,
    /// How high it is.
    pub value: f64,
    /// How far the signal falls from it on both sides before it is higher again or the list ends: the lesser of both.
    pub prominence: f64,
}

impl FindPeaks {
    /// All peaks.
    pub const fn new() -> Self {
        Self { height: f64::NEG_INFINITY, distance: 1, prominence: 0.0 }
    }

    /// Only peaks that are as high as this or higher, in the unit of the samples.
    #[must_use]
    pub const fn height(self, height: f64) -> Self {
        Self { height, ..self }
    }

    /// Only peaks that are so many samples apart: of those that are closer the highest stays.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn distance(self, samples: usize) -> Self {
        assert!(samples > 0, "FindPeaks::distance(0): peaks are a sample or more apart");
        Self { distance: samples, ..self }
    }

    /// Only peaks of this prominence or more, in the unit of the samples; it is computed after close peaks have been left out.
    #[must_use]
    pub const fn prominence(self, prominence: f64) -> Self {
        Self { prominence, ..self }
    }

    /// The peaks of these samples, in their order.
    ///
    /// It takes time in proportion to the samples, and for each peak to the samples up to the next higher one.
    pub fn find(&self, samples: &[f64]) -> Vec<PeakAt> {
        let high = tops(samples).filter(|top| samples[*top] >= self.height).collect();
        let apart = self.apart(samples, high).into_iter();
        let found = apart.map(|index| PeakAt { index, value: samples[index], prominence: prominence(samples, index) });
        found.filter(|peak| peak.prominence >= self.prominence).collect()
    }

    /// Leaves out tops that are too close to a higher one.
    fn apart(&self, samples: &[f64], tops: Vec<usize>) -> Vec<usize> {
        if self.distance == 1 {
            return tops;
        }
        let mut by_height: Vec<usize> = (0..tops.len()).collect();
        by_height.sort_by(|a, b| samples[tops[*a]].total_cmp(&samples[tops[*b]]));
        let mut stays = vec![true; tops.len()];
        for at in by_height.into_iter().rev() {
            if !stays[at] {
                continue;
            }
            let is_close = |other: &usize| tops[*other].abs_diff(tops[at]) < self.distance;
            (0..at).rev().take_while(is_close).for_each(|other| stays[other] = false);
            (at + 1..tops.len()).take_while(is_close).for_each(|other| stays[other] = false);
        }
        tops.into_iter().zip(stays).filter_map(|(top, stays)| stays.then_some(top)).collect()
    }
}

impl Default for FindPeaks {
    fn default() -> Self {
        Self::new()
    }
}

/// The samples that are higher than their neighbours, of a flat top the one in the middle.
fn tops(samples: &[f64]) -> impl Iterator<Item = usize> + '_ {
    let mut from = 1;
    core::iter::from_fn(move || {
        while from + 1 < samples.len() {
            let (left, value) = (from, samples[from]);
            let flat = samples[left..].iter().take_while(|sample| **sample == value).count().max(1);
            from = left + flat;
            let is_top = samples[left - 1] < value && samples.get(from).is_some_and(|next| *next < value);
            if is_top {
                return Some(left + (flat - 1) / 2);
            }
        }
        None
    })
}

/// How far the signal falls on both sides of a peak.
fn prominence(samples: &[f64], peak: usize) -> f64 {
    let top = samples[peak];
    let foot =
        |side: &mut dyn Iterator<Item = &f64>| side.take_while(|sample| **sample <= top).fold(top, |a, b| a.min(*b));
    let (before, after) = (foot(&mut samples[..peak].iter().rev()), foot(&mut samples[peak..].iter()));
    top - before.max(after)
}

impl<B: AsRef<[f64]>> Filter<B> for FindPeaks {
    type Out = Vec<PeakAt>;
    const TRANSPARENT: bool = true;
    fn on_next(&mut self, samples: B, out: &mut Emitter<'_, '_, impl InputThing<Self::Out>>) -> Receipt {
        out.next(self.find(samples.as_ref()))
    }
}
