//! The pictures themselves.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::error::PlotError;
use super::histogram::Bins;
use super::lines::Points;
use super::series::Look;
use super::ticks::{self, Mark};

/// Colours that those who see fewer of them tell apart too (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(80, 80, 80),
];
/// The room of a mark at the axes, in pixels.
const ACROSS: u32 = 80;
const DOWN: u32 = 40;

type Drawn<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn colour(n: usize) -> RGBColor {
    COLOURS[n % COLOURS.len()]
}

/// An axis with its marks.
struct Axis {
    range: Range<f64>,
    marks: Vec<Mark>,
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        // Halves, since the width of the range may be more than a number holds.
        let part = (value / 2.0 - self.range.start / 2.0) / (self.range.end / 2.0 - self.range.start / 2.0);
        #[allow(clippy::cast_possible_truncation, reason = "it is clamped")]
        let place = (part.clamp(-1.0, 2.0) * f64::from(limit.1 - limit.0)).round() as i32;
        limit.0 + place
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.iter().map(|mark| mark.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        self.marks.iter().find(|mark| mark.0.total_cmp(value).is_eq()).map(|mark| mark.1.clone()).unwrap_or_default()
    }
}

/// The least and the greatest of some numbers; somewhat more, where that is none or a single one.
fn span(numbers: impl Iterator<Item = f64>, least: f64) -> Range<f64> {
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
    if low > high {
        return 0.0..least;
    }
    let widest = (high.abs().max(low.abs()) * 1e-9).max(least);
    if high / 2.0 - low / 2.0 >= widest / 2.0 { low..high } else { low - widest / 2.0..high + widest / 2.0 }
}

/// With some room at both ends.
fn with_room(range: Range<f64>) -> Range<f64> {
    let room = (range.end / 20.0 - range.start / 20.0).abs();
    (range.start - room).max(f64::MIN)..(range.end + room).min(f64::MAX)
}

fn marked(range: Range<f64>, pixels: u32, each: u32) -> Axis {
    let marks = ticks::numbers(range.start, range.end, (pixels / each).max(2) as usize);
    Axis { range, marks }
}

/// A picture of this look, by what draws on it.
fn picture(look: &Look, draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, look.size).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area));
        drawn.and_then(|()| Ok(area.present()?)).map_err(PlotError::Draw)?;
    }
    Ok(svg)
}

/// Lines over time.
pub(super) fn lines(look: &Look, series: &[(String, Points)]) -> Result<String, PlotError> {
    let points = || series.iter().flat_map(|(_, points)| points.pieces()).flatten();
    let times = span(points().map(|point| point.0), 1.0);
    let marks = look.times.marks(times.start, times.end, (look.size.0 / ACROSS).max(2) as usize);
    let days = (look.times.day(times.start), look.times.day(times.end));
    let when = if days.0 == days.1 { days.0 } else { format!("{} to {}", days.0, days.1) };
    let across = Axis { range: times, marks };
    let down = marked(with_room(span(points().map(|point| point.1), 1e-9)), look.size.1, DOWN);
    picture(look, |area| {
        let mut chart = base(look, area).build_cartesian_2d(across, down)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT).x_labels(1000).y_labels(1000);
        mesh.x_desc(format!("{when}, {}", look.times.name)).y_desc(&*look.unit).draw()?;
        for (n, (name, points)) in series.iter().enumerate() {
            let colour = colour(n);
            for piece in points.pieces() {
                match piece {
                    [point] => drop(chart.draw_series([Circle::new(*point, 2, colour.filled())])?),
                    _ => drop(chart.draw_series(LineSeries::new(piece.iter().copied(), colour.stroke_width(2)))?),
                }
            }
            chart
                .draw_series(LineSeries::new([], colour.stroke_width(2)))?
                .label(name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        }
        legend(&mut chart)
    })
}

/// How often which numbers have come.
pub(super) fn histogram(look: &Look, series: &[(String, Bins)]) -> Result<String, PlotError> {
    let range = series.first().map_or(0.0..1.0, |(_, bins)| bins.low..bins.high);
    let across = marked(range, look.size.0, ACROSS);
    #[allow(clippy::cast_precision_loss, reason = "no picture is so exact")]
    let most = series.iter().flat_map(|(_, bins)| &bins.counts).max().map_or(1.0, |most| (*most).max(1) as f64);
    let down = marked(0.0..most * 1.05, look.size.1, DOWN);
    picture(look, |area| {
        let mut chart = base(look, area).build_cartesian_2d(across, down)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh().light_line_style(TRANSPARENT).x_labels(1000).y_labels(1000);
        mesh.x_desc(&*look.unit).y_desc("how often").draw()?;
        for (n, (name, bins)) in series.iter().enumerate() {
            let colour = colour(n);
            let outside = if bins.outside == 0 { String::new() } else { format!(", {} outside", bins.outside) };
            chart
                .draw_series(bars(bins).map(|corners| Rectangle::new(corners, colour.mix(0.5).filled())))?
                .label(format!("{name}{outside}"))
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], colour.mix(0.5).filled()));
        }
        legend(&mut chart)
    })
}

fn bars(bins: &Bins) -> impl Iterator<Item = [(f64, f64); 2]> {
    #[allow(clippy::cast_precision_loss, reason = "no picture is so exact")]
    let edge = |n: usize| bins.low + (bins.high - bins.low) * (n as f64 / bins.counts.len() as f64);
    #[allow(clippy::cast_precision_loss, reason = "no picture is so exact")]
    let bar = move |(n, count): (usize, &u64)| [(edge(n), 0.0), (edge(n + 1), *count as f64)];
    bins.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(bar)
}

fn base<'a, 'b>(look: &Look, area: &'a DrawingArea<SVGBackend<'b>, Shift>) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.margin(8).x_label_area_size(44).y_label_area_size(64);
    if !look.title.is_empty() {
        chart.caption(&look.title, ("sans-serif", 18));
    }
    chart
}

fn legend<'a, 'b: 'a>(chart: &mut ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>) -> Drawn {
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).label_font(("sans-serif", 13));
    Ok(labels.draw()?)
}
