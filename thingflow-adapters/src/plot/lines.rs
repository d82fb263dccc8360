//! [`Plot`]: lines over time.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::tz::TimeZone;
use thingflow_core::Timestamp;

use super::drawing;
use super::error::PlotError;
use super::series::{Data, Plotted, Series, Sheet, look};
use super::ticks::{Times, seconds};

/// So many points a series has at most: then each four become two, the lowest and the highest of them.
const MOST: usize = 16_384;

/// A picture of lines over time, a file of SVG. See the [module](super) for when it is written.
///
/// A series is drawn as a line, in the order of time. It is broken where a number is missing (`None`, `NaN`), and after a
/// [silence](Self::gap). Of more than some ten thousand points the extremes are kept.
pub struct Plot {
    sheet: Rc<RefCell<Sheet<Points>>>,
    gap: Duration,
}

impl Plot {
    /// A picture in a file, which is made anew.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { sheet: Rc::new(RefCell::new(Sheet::new(path.into(), drawing::lines))), gap: Duration::MAX }
    }

    look!();

    /// The time zone of the axis, such as `Europe/Berlin`; UTC, if nothing is said.
    ///
    /// # Errors
    /// If the system knows no such zone.
    pub fn zone(self, name: &str) -> Result<Self, PlotError> {
        let zone = TimeZone::get(name).map_err(|error| PlotError::Zone(name.into(), error.into()))?;
        self.sheet.borrow_mut().look.times = Times { zone, name: name.into() };
        Ok(self)
    }

    /// A longer silence breaks the lines of the series that are made from now on.
    #[must_use]
    pub fn gap(self, gap: Duration) -> Self {
        Self { gap, ..self }
    }

    /// A line of the picture.
    pub fn series<E: Plotted>(&self, name: &str) -> Series<E> {
        Series::new(&self.sheet, name, Points { gap: self.gap.as_secs_f64(), ..Points::default() })
    }
}

impl fmt::Debug for Plot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plot").field("gap", &self.gap).finish_non_exhaustive()
    }
}

/// A line, in seconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// Where the line is broken, there is a `NaN`; never two in a row.
    all: Vec<(f64, f64)>,
    gap: f64,
}

impl Data for Points {
    fn add(&mut self, at: Timestamp, number: Option<f64>) {
        let at = seconds(at);
        let number = number.filter(|number| number.is_finite());
        let last = self.all.last().copied();
        let is_broken = last.is_none_or(|(_, last)| last.is_nan());
        if !is_broken && (number.is_none() || last.is_some_and(|(last, _)| at - last > self.gap)) {
            self.all.push((at, f64::NAN));
        }
        if let Some(number) = number {
            self.all.push((at, number));
        }
        if self.all.len() >= MOST {
            self.thin_out();
        }
    }
}

impl Points {
    /// The pieces of the line.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[(f64, f64)]> + Clone {
        self.all.split(|(_, value)| value.is_nan()).filter(|piece| !piece.is_empty())
    }

    fn thin_out(&mut self) {
        let mut fewer = Vec::with_capacity(MOST);
        for piece in self.pieces() {
            if !fewer.is_empty() {
                fewer.push((piece[0].0, f64::NAN));
            }
            piece.chunks(4).for_each(|four| fewer.extend(extremes(four)));
        }
        // Where there are so many short pieces, nobody sees the gaps between them.
        if fewer.len() > MOST / 4 * 3 {
            let values: Vec<_> = fewer.into_iter().filter(|(_, value)| !value.is_nan()).collect();
            fewer = values.chunks(4).flat_map(extremes).collect();
        }
        self.all = fewer;
    }
}

/// The lowest and the highest of some points, in their order.
fn extremes(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let by_value = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
    let (low, high) = (points.iter().min_by(by_value), points.iter().max_by(by_value));
    let (first, second) = if low.map(|it| it.0) <= high.map(|it| it.0) { (low, high) } else { (high, low) };
    let is_one = first.map(std::ptr::from_ref) == second.map(std::ptr::from_ref);
    first.into_iter().chain(second.filter(|_| !is_one)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn of_ever_so_many_points_there_are_the_extremes_in_bounded_room(
            count in 1_u32..100_000,
            spike in 0.0_f64..1.0,
            missing in prop_oneof![Just(2_u32), Just(7), Just(1000), Just(u32::MAX)],
        ) {
            let mut points = Points { gap: f64::INFINITY, ..Points::default() };
            let at_spike = (f64::from(count - 1) * spike) as u32;
            for n in 0..count {
                let value = if n == at_spike { 1000.0 } else { f64::from(n % 10) };
                points.add(Timestamp::from_secs(n.into()), Some(value).filter(|_| n % missing != 1));
                prop_assert!(points.all.len() < MOST);
            }
            prop_assert!(points.all.windows(2).all(|two| two[0].0 <= two[1].0));
            prop_assert!(points.all.windows(2).all(|two| !(two[0].1.is_nan() && two[1].1.is_nan())));
            if at_spike % missing != 1 {
                prop_assert!(points.all.contains(&(f64::from(at_spike), 1000.0)));
            }
        }
    }
}
