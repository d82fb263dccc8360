//! What a place has sent before the page was opened: read in pieces, thinned out for a plot, with silences as gaps.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use thingflow_core::Timestamp;
use thingflow_core::history::Kept;

/// So many pieces are read one after the other: no more than one of them is in memory.
const PIECES: i64 = 256;
/// A silence of so many usual intervals is a gap, if it is as long as [`SHORTEST_GAP`].
const GAP: f64 = 5.0;
/// Nanoseconds.
const SHORTEST_GAP: f64 = 3e9;

/// Why a past cannot be read.
pub(crate) type Unreadable = Box<dyn Error + Send + Sync>;

type Read = dyn Fn(Range<Timestamp>) -> Result<Vec<(i64, f64)>, Unreadable> + Send + Sync;

/// The pasts that a program offers, by the names of their places.
#[derive(Clone, Default)]
pub(crate) struct Pasts(BTreeMap<String, Arc<Read>>);

impl Pasts {
    pub(crate) fn add<T: Into<f64>>(
        &mut self,
        place: String,
        read: impl Fn(Range<Timestamp>) -> Result<Vec<Kept<T>>, Unreadable> + Send + Sync + 'static,
    ) {
        let numbers = move |span| {
            let kept = read(span)?;
            Ok(kept.into_iter().map(|kept| (kept.time.as_nanos(), kept.event.into())).collect())
        };
        self.0.insert(place, Arc::new(numbers));
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// What a place has sent in a span, as a line that looks like all of it; `None` if nothing is known of the place.
    pub(crate) fn line(&self, place: &str, span: &Range<Timestamp>) -> Option<Result<Line, Unreadable>> {
        self.0.get(place).map(|read| line(&**read, span))
    }
}

impl fmt::Debug for Pasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.places()).finish()
    }
}

/// Points with rising times, in milliseconds since 1970; a value that is missing is a gap.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Line {
    times: Vec<f64>,
    values: Vec<Option<f64>>,
}

impl Line {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of today are exact to less than a microsecond")]
    fn push(&mut self, nanos: i64, value: Option<f64>) {
        self.times.push(nanos as f64 / 1e6);
        self.values.push(value.filter(|value| value.is_finite()));
    }
}

fn line(read: &Read, span: &Range<Timestamp>) -> Result<Line, Unreadable> {
    let (start, end) = (span.start.as_nanos(), span.end.as_nanos());
    let step = (end.saturating_sub(start) / PIECES).max(1);
    let mut drawn = Drawn::default();
    let mut from = start;
    while from < end {
        let until = from.saturating_add(step).min(end);
        for (time, value) in read(Timestamp::from_nanos(from)..Timestamp::from_nanos(until))? {
            drawn.add(time, value);
        }
        drawn.end_piece();
        from = until;
    }
    Ok(drawn.line)
}

/// A line while it is being drawn: of each piece the first, the least, the greatest and the last value are kept.
#[derive(Default)]
struct Drawn {
    line: Line,
    last: Option<i64>,
    /// The usual time between two values.
    usual: Option<f64>,
    piece: Option<[(i64, f64); 4]>,
}

impl Drawn {
    fn add(&mut self, time: i64, value: f64) {
        if let Some(last) = self.last {
            if time <= last {
                return; // the clock has been set back
            }
            self.see(last, time);
        }
        self.last = Some(time);
        let [_, least, greatest, latest] = self.piece.get_or_insert([(time, value); 4]);
        if value < least.1 || least.1.is_nan() {
            *least = (time, value);
        }
        if value > greatest.1 || greatest.1.is_nan() {
            *greatest = (time, value);
        }
        *latest = (time, value);
    }

    #[expect(clippy::cast_precision_loss, reason = "an interval is compared roughly")]
    fn see(&mut self, last: i64, time: i64) {
        let interval = time.saturating_sub(last) as f64;
        let usual = *self.usual.get_or_insert(interval);
        if interval > SHORTEST_GAP && interval > GAP * usual {
            self.end_piece();
            self.line.push(last + 1, None);
        } else {
            self.usual = Some(usual + (interval - usual) / 8.0);
        }
    }

    fn end_piece(&mut self) {
        let Some(mut points) = self.piece.take() else { return };
        points.sort_by_key(|(time, _)| *time);
        let mut before = None;
        for (time, value) in points {
            if before != Some(time) {
                self.line.push(time, Some(value));
            }
            before = Some(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    fn drawn(events: Vec<(i64, f64)>, span: Range<i64>) -> Line {
        let read = move |asked: Range<Timestamp>| {
            let asked = asked.start.as_nanos()..asked.end.as_nanos();
            let at = |time| events.partition_point(|(of, _)| *of < time);
            Ok(events[at(asked.start)..at(asked.end)].to_vec())
        };
        line(&read, &(Timestamp::from_nanos(span.start)..Timestamp::from_nanos(span.end))).unwrap()
    }

    #[test]
    fn silences_are_gaps_and_slow_sensors_are_not() {
        let slow: Vec<_> = (0..60).map(|n| (n * 60 * SECOND, 1.0)).collect();
        assert_eq!(drawn(slow.clone(), 0..3600 * SECOND).values, vec![Some(1.0); 60]);
        let silent: Vec<_> = slow.into_iter().filter(|(time, _)| !(600..1200).contains(&(time / SECOND))).collect();
        let line = drawn(silent, 0..3600 * SECOND);
        assert_eq!(line.values.iter().filter(|value| value.is_none()).count(), 1);
        assert_eq!(line.times[10], 540_000.0 + 1e-6, "just behind the last value");
    }

    #[test]
    fn a_day_of_ten_a_second_becomes_some_hundred_points() {
        let day: Vec<_> = (0..864_000).map(|n| (n * SECOND / 10, (n as f64 / 1e4).sin())).collect();
        let line = drawn(day, 0..86_400 * SECOND);
        assert!((500..1100).contains(&line.times.len()), "{}", line.times.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_line_is_bounded_rises_and_has_the_extremes(
            steps in prop::collection::vec((1..10 * SECOND, prop::num::f64::ANY), 0..200),
            span in 1..2_000 * SECOND,
        ) {
            let mut time = 0;
            let events: Vec<_> = steps.into_iter().map(|(step, value)| { time += step; (time, value) }).collect();
            let line = drawn(events.clone(), 0..span);
            prop_assert!(line.times.len() == line.values.len() && line.times.is_sorted_by(|a, b| a < b));
            prop_assert!(line.values.len() <= 4 * PIECES as usize + 2 * events.len());
            let seen: Vec<f64> = events.iter().filter(|(at, value)| *at < span && value.is_finite()).map(|it| it.1).collect();
            let drawn: Vec<f64> = line.values.iter().copied().flatten().collect();
            if events.iter().all(|(_, value)| value.is_finite()) {
                let ends = |all: &[f64]| (all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(f64::MIN, f64::max));
                prop_assert_eq!(ends(&seen), ends(&drawn));
            }
            prop_assert!(drawn.iter().all(|value| seen.contains(value)));
        }
    }
}
