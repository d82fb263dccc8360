//! A plot of several streams over time, as SVG: a line for each, with a gap where nothing came for a while.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use thingflow::prelude::*;

const SIZE: (f64, f64) = (900.0, 320.0);
const COLORS: [&str; 3] = ["#bbb", "#16c", "#d60"];
/// A longer silence breaks the line.
const BREAK: Duration = Duration::from_secs(15 * 60);

type Points = Rc<RefCell<Vec<(Timestamp, f64)>>>;

/// What has come so far.
pub(crate) struct Picture(Vec<(&'static str, Points)>);

impl Picture {
    /// Listens to the ports.
    pub(crate) fn of<const N: usize>(streams: [(&'static str, Port<SensorEvent<f64>>); N]) -> Self {
        let listen = |(name, port): (&'static str, Port<SensorEvent<f64>>)| {
            let points = Points::default();
            let seen = points.clone();
            port.for_each(move |event| seen.borrow_mut().push((event.ts, event.val)));
            (name, points)
        };
        Self(streams.into_iter().map(listen).collect())
    }

    pub(crate) fn svg(&self) -> String {
        let all: Vec<_> = self.0.iter().flat_map(|(_, points)| points.borrow().clone()).collect();
        let times = all.iter().map(|point| point.0.as_secs_f64());
        let (first, last) = (times.clone().fold(f64::MAX, f64::min), times.fold(f64::MIN, f64::max));
        let (low, high) =
            all.iter().fold((f64::MAX, f64::MIN), |(low, high), point| (low.min(point.1), high.max(point.1)));
        let place = |&(at, value): &(Timestamp, f64)| {
            let x = (at.as_secs_f64() - first) / (last - first).max(1.0) * SIZE.0;
            (x, SIZE.1 - (value - low) / (high - low).max(1.0) * SIZE.1)
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-10 -30 {} {}\">\n",
            SIZE.0 + 20.0,
            SIZE.1 + 40.0
        );
        for (n, (name, points)) in self.0.iter().enumerate() {
            let color = COLORS[n % COLORS.len()];
            let (line, x) = (path(&points.borrow(), place), 220 * n);
            let _ = writeln!(svg, "<path d=\"{line}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"-10\" fill=\"{color}\" font-family=\"sans-serif\" font-size=\"14\">{name}</text>"
            );
        }
        svg + "</svg>\n"
    }
}

/// The line through the points.
fn path(points: &[(Timestamp, f64)], place: impl Fn(&(Timestamp, f64)) -> (f64, f64)) -> String {
    let mut line = String::new();
    let mut before: Option<Timestamp> = None;
    for point in points {
        let is_joined = before.replace(point.0).is_some_and(|before| point.0 - before <= BREAK);
        let (x, y) = place(point);
        let _ = write!(line, "{}{x:.1} {y:.1}", if is_joined { 'L' } else { 'M' });
    }
    line
}
