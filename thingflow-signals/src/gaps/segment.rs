//! Values between readings: the pieces of a curve.

/// How values between two readings are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// The reading before. For switches, counters and states.
    Previous,
    /// On a straight line from one reading to the next.
    Linear,
    /// On a curve through the readings that never goes beyond them: a monotone cubic (F. N. Fritsch and J. Butland, *A method
    /// for constructing local monotone piecewise cubic interpolants*, 1984; `PchipInterpolator` of SciPy). A value is known
    /// one reading later than by the other ways.
    Cubic,
}

/// A reading: seconds from a start, and the value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The piece of the curve between two readings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment {
    Previous(Point),
    Linear(Point, Point),
    /// The slopes are those of values counted in `unit`.
    Cubic {
        from: Point,
        to: Point,
        slopes: [f64; 2],
        unit: f64,
    },
}

impl Segment {
    pub(crate) fn at(&self, x: f64) -> f64 {
        match *self {
            Self::Previous(from) => from.y,
            Self::Linear(from, to) => {
                let (t, apart) = ((x - from.x) / (to.x - from.x), to.y - from.y);
                // Readings may be further apart than floats go: then by halves.
                if apart.is_finite() {
                    from.y + apart * t
                } else {
                    2.0 * (0.5 * from.y + (0.5 * to.y - 0.5 * from.y) * t)
                }
            }
            Self::Cubic { from, to, slopes: [start, end], unit } => {
                let h = to.x - from.x;
                let t = (x - from.x) / h;
                let (t2, rest) = (t * t, 1.0 - t);
                let hermite = rest * rest * ((1.0 + 2.0 * t) * (from.y / unit) + t * h * start);
                let y = hermite + t2 * ((3.0 - 2.0 * t) * (to.y / unit) - rest * h * end);
                (y * unit).clamp(from.y.min(to.y), from.y.max(to.y)) // not even by rounding beyond the readings
            }
        }
    }
}

/// A monotone cubic piece between `from` and `to`, with the readings around them where there are such.
pub(crate) fn cubic(before: Option<Point>, from: Point, to: Point, after: Option<Point>) -> Segment {
    let unit = unit([before, Some(from), Some(to), after]);
    let counted = |point: Point| Point { y: point.y / unit, ..point };
    let (start, end) = (from, to);
    let (before, from, to, after) = (before.map(counted), counted(from), counted(to), after.map(counted));
    let slope_at = |outer: Option<Point>, inner: Point, other: Point, is_start: bool| match outer {
        Some(outer) if is_start => inner_slope(outer, inner, other),
        Some(outer) => inner_slope(other, inner, outer),
        None => slope(from, to),
    };
    let slopes = match (before, after) {
        (None, Some(after)) => [end_slope(from, to, after), slope_at(Some(after), to, from, false)],
        (Some(before), None) => [slope_at(Some(before), from, to, true), end_slope(to, from, before)],
        _ => [slope_at(before, from, to, true), slope_at(after, to, from, false)],
    };
    Segment::Cubic { from: start, to: end, slopes, unit }
}

/// A power of two in which values can be counted so that no slope between them leaves what floats can hold.
fn unit(points: [Option<Point>; 4]) -> f64 {
    const LARGE: f64 = 6.668_014_432_879_854e240; // 2^800
    const UNIT: f64 = 2.582_249_878_086_908_6e120; // 2^400
    if points.iter().flatten().any(|point| libm::fabs(point.y) > LARGE) { UNIT } else { 1.0 }
}

/// Whether both rise or both fall. Their product may be too small for a float.
fn agree(a: f64, b: f64) -> bool {
    a > 0.0 && b > 0.0 || a < 0.0 && b < 0.0
}

fn slope(from: Point, to: Point) -> f64 {
    (to.y - from.y) / (to.x - from.x)
}

/// The slope at a reading with others on both sides: the weighted harmonic mean of the two slopes, 0 at a turning point.
fn inner_slope(before: Point, at: Point, after: Point) -> f64 {
    let (h0, h1) = (at.x - before.x, after.x - at.x);
    let (d0, d1) = (slope(before, at), slope(at, after));
    if !agree(d0, d1) {
        return 0.0;
    }
    let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
    (w0 + w1) / (w0 / d0 + w1 / d1)
}

/// The slope at the first or last reading, by three of them, held within what keeps the curve monotone.
fn end_slope(at: Point, next: Point, third: Point) -> f64 {
    let (h0, h1) = (next.x - at.x, third.x - next.x);
    let (d0, d1) = (slope(at, next), slope(next, third));
    let steep = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if !agree(steep, d0) {
        0.0
    } else if !agree(d0, d1) && libm::fabs(steep) > 3.0 * libm::fabs(d0) {
        3.0 * d0
    } else {
        steep
    }
}
