//! The layout of a drawing, after Sugiyama: columns, an order in each that avoids crossings, then straight rows.
//!
//! A line takes a place of its own in every column that it passes, and so does its label; between two columns a line only
//! goes from one place to another. So nothing lies on anything else, and two lines cross only where their order changes.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::mem;

use super::order;

/// Between the columns.
pub(super) const GAP: f64 = 34.0;
/// Above and below each place.
const SPACE: f64 = 7.0;
/// Between the parts of the graph that nothing joins.
const APART: f64 = 20.0;
/// For a way back, below the box where it begins or ends.
pub(super) const STRIP: f64 = 18.0;
/// From the corner of a box to where a way back leaves or arrives.
const FOOT: f64 = 12.0;
/// From a label to its line.
const ABOVE: f64 = 4.0;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) size: Size,
}

/// What is asked for: a line between two boxes, with the size of its label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Option<Size>,
}

/// A line as the points that it passes. It runs straight through columns and as a curve between them.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) label: Option<Area>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pub(super) boxes: Vec<Area>,
    pub(super) lines: Vec<Line>,
    pub(super) size: Size,
}

/// A place in a column: of a box, or of a line that passes.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    column: usize,
    /// So far it reaches above and below the line that passes it.
    up: f64,
    down: f64,
    width: f64,
    part: usize,
    y: f64,
}

/// A line with the places that it passes, from the left to the right.
struct Route {
    places: Vec<usize>,
    /// Where it runs from the right to the left: how far below its boxes it leaves and arrives.
    back: Option<(f64, f64)>,
    labelled: Option<usize>,
}

/// What a place would like to be level with, or so far below.
#[derive(Clone, Copy)]
struct Near {
    to: usize,
    weight: f64,
    below: f64,
}

struct Plan {
    places: Vec<Place>,
    routes: Vec<Route>,
    columns: Vec<Vec<usize>>,
}

/// Where each box and each line goes.
pub(super) fn layout(boxes: &[Size], links: &[Link]) -> Layout {
    let boxes = widened(boxes, links);
    let mut plan = Plan::new(&boxes, links);
    plan.order();
    plan.rows();
    plan.draw(&boxes, links)
}

/// The boxes, as wide as the ways to themselves below them need.
fn widened(boxes: &[Size], links: &[Link]) -> Vec<Size> {
    let mut boxes = boxes.to_vec();
    for (at, size) in boxes.iter_mut().enumerate() {
        if let Some(half) = (0..links.len()).filter_map(|link| half_of_loop(links, link, at)).reduce(f64::max) {
            size.width = size.width.max(2.0 * (half + FOOT + STRIP / 2.0));
        }
    }
    boxes
}

/// How far a way from a box to itself reaches to each side of its middle: each farther than those before it.
fn half_of_loop(links: &[Link], at: usize, of: usize) -> Option<f64> {
    let is_loop = |link: &&Link| link.from == of && link.to == of;
    is_loop(&&links[at]).then_some(())?;
    let width = |link: &Link| link.label.map_or(0.0, |size| size.width / 2.0);
    let widest = links.iter().filter(is_loop).map(width).fold(0.0, f64::max);
    let before = links[..at].iter().filter(is_loop).count();
    Some(widest + (0..=before).map(|_| STRIP / 3.0).sum::<f64>())
}

/// The links that close a loop, as a walk in the order of the boxes meets them.
fn back_links(boxes: usize, links: &[Link]) -> Vec<bool> {
    let mut after = alloc::vec![Vec::new(); boxes];
    links.iter().enumerate().for_each(|(at, link)| after[link.from].push(at));
    let led_to = |start: &usize| links.iter().any(|link| link.to == *start && link.from != *start);
    let (inner, roots): (Vec<usize>, Vec<usize>) = (0..boxes).partition(led_to);
    let (mut open, mut seen) = (alloc::vec![false; boxes], alloc::vec![false; boxes]);
    let mut back = alloc::vec![false; links.len()];
    for start in roots.into_iter().chain(inner) {
        let mut way = Vec::new();
        if !mem::replace(&mut seen[start], true) {
            open[start] = true;
            way.push((start, 0));
        }
        while let Some((node, next)) = way.last_mut() {
            let Some(link) = after[*node].get(*next).copied() else {
                open[*node] = false;
                way.pop();
                continue;
            };
            *next += 1;
            let to = links[link].to;
            back[link] = open[to];
            if !mem::replace(&mut seen[to], true) {
                open[to] = true;
                way.push((to, 0));
            }
        }
    }
    back
}

/// The farthest way from a beginning, in links that lead on.
fn ranks(boxes: usize, links: &[Link], back: &[bool]) -> Vec<usize> {
    let mut ranks = alloc::vec![0; boxes];
    let mut moved = true;
    while mem::take(&mut moved) {
        for (link, _) in links.iter().zip(back).filter(|(_, back)| !**back) {
            if ranks[link.to] <= ranks[link.from] {
                ranks[link.to] = ranks[link.from] + 1;
                moved = true;
            }
        }
    }
    ranks
}

/// Which of the boxes are joined by links, as the number of the first of them.
fn parts(boxes: usize, links: &[Link]) -> Vec<usize> {
    let mut parts: Vec<usize> = (0..boxes).collect();
    let mut moved = true;
    while mem::take(&mut moved) {
        for link in links {
            let first = parts[link.from].min(parts[link.to]);
            moved |= parts[link.from] != first || parts[link.to] != first;
            (parts[link.from], parts[link.to]) = (first, first);
        }
    }
    parts
}

impl Plan {
    fn new(boxes: &[Size], links: &[Link]) -> Self {
        let back = back_links(boxes.len(), links);
        let ranks = ranks(boxes.len(), links, &back);
        let parts = parts(boxes.len(), links);
        // A label stands in a column of its own, between those of the boxes.
        let mut wide = alloc::vec![0; ranks.iter().max().map_or(0, |last| last + 1) + 1];
        for (link, back) in links.iter().zip(&back).filter(|(link, _)| link.label.is_some() && link.from != link.to) {
            wide[if *back { ranks[link.from] } else { ranks[link.from] + 1 }] = 1;
        }
        let column = |rank: usize| rank + wide[..=rank].iter().sum::<usize>();
        let place = |(at, size): (usize, &Size)| Place {
            column: column(ranks[at]),
            up: size.height / 2.0,
            down: size.height / 2.0,
            width: size.width,
            part: parts[at],
            y: 0.0,
        };
        let places = boxes.iter().enumerate().map(place).collect();
        let mut plan = Self { places, routes: Vec::new(), columns: Vec::new() };
        // Ways of a box to itself are the nearest below it.
        let is_loop = |at: &usize| links[*at].from == links[*at].to;
        let (loops, others): (Vec<usize>, Vec<usize>) = (0..links.len()).partition(is_loop);
        let order = || loops.iter().chain(&others).copied();
        let mut routes: Vec<_> = order().map(|at| (at, plan.route(&links[at], back[at]))).collect();
        routes.sort_unstable_by_key(|(at, _)| *at);
        plan.routes = routes.into_iter().map(|(_, route)| route).collect();
        plan
    }

    /// Gives a line its places, and room below its boxes if it leads back.
    fn route(&mut self, link: &Link, back: bool) -> Route {
        let (left, right) = if back { (link.to, link.from) } else { (link.from, link.to) };
        let mut places = alloc::vec![left];
        for column in self.places[left].column + 1..self.places[right].column {
            places.push(self.places.len());
            let part = self.places[left].part;
            self.places.push(Place { column, up: 2.0, down: 2.0, width: 0.0, part, y: 0.0 });
        }
        places.push(right);
        let label = link.label.unwrap_or_default();
        let labelled = link.label.map(|_| if back { places.len() - 2 } else { 1 });
        let below = if left == right { STRIP + label.height } else { STRIP };
        let strip = |places: &mut [Place], at: usize| {
            places[at].down += below;
            places[at].down - if left == right { label.height } else { 0.0 }
        };
        let back = back.then(|| {
            let from = strip(&mut self.places, right);
            (from, if left == right { from } else { strip(&mut self.places, left) })
        });
        if let Some(at) = labelled.filter(|_| left != right) {
            let place = &mut self.places[places[at]];
            (place.up, place.width) = (label.height + ABOVE, label.width);
        }
        Route { places, back, labelled }
    }

    fn order(&mut self) {
        let last = self.places.iter().map(|place| place.column).max().unwrap_or(0);
        let columns: Vec<_> = self.places.iter().map(|place| place.column).collect();
        let mut steps: Vec<_> = Vec::new();
        for route in &self.routes {
            for (at, step) in route.places.windows(2).enumerate() {
                // A way back leaves and arrives below all others.
                let low = |end: bool| if route.back.is_some() && end { 0.4 } else { 0.0 };
                let ends = (low(at == 0), low(at + 2 == route.places.len()));
                steps.push(order::Step { left: step[0], right: step[1], offsets: ends });
            }
        }
        self.columns = order::order(&columns, last + 1, &steps);
        for column in &mut self.columns {
            column.sort_by_key(|at| self.places[*at].part); // stable, so the order within a part stays
        }
    }

    /// The rows: everything as near as it can be to what it is joined with.
    fn rows(&mut self) {
        let mut near: Vec<Vec<Near>> = alloc::vec![Vec::new(); self.places.len()];
        for route in &self.routes {
            let last = route.places.len() - 1;
            for (at, step) in route.places.windows(2).enumerate() {
                let (first, end) = (at == 0, at + 1 == last);
                // What lies on a line is held straighter than boxes; a way back does not move its boxes.
                let weight = if first && end { 1.0 } else { 3.0 };
                let (from, to) = route
                    .back
                    .map_or((0.0, 0.0), |(from, to)| (if end { from } else { 0.0 }, if first { to } else { 0.0 }));
                if route.back.is_none() || !first {
                    near[step[0]].push(Near { to: step[1], weight, below: from });
                }
                if route.back.is_none() || !end {
                    near[step[1]].push(Near { to: step[0], weight, below: to });
                }
            }
        }
        for _ in 0..24 {
            let (forth, back) = (0..self.columns.len(), (0..self.columns.len()).rev());
            forth.chain(back).for_each(|column| self.settle(column, &near));
        }
        self.pack();
    }

    fn settle(&mut self, column: usize, near: &[Vec<Near>]) {
        let wish = |at: &usize| {
            let weight: f64 = near[*at].iter().map(|near| near.weight).sum();
            let sum: f64 = near[*at].iter().map(|near| (self.places[near.to].y + near.below) * near.weight).sum();
            if weight > 0.0 { (sum / weight, weight) } else { (self.places[*at].y, 0.01) }
        };
        let wishes: Vec<_> = self.columns[column].iter().map(wish).collect();
        // Less the room that those above need, the places only have to stay in order: pools of those that would not.
        let (mut room, mut rooms, mut pools) = (0.0, Vec::new(), Vec::<(f64, f64, usize)>::new());
        let mut above: Option<Place> = None;
        for (at, (y, weight)) in self.columns[column].iter().zip(wishes) {
            let place = self.places[*at];
            room += above.map_or(0.0, |above| distance(&above, &place));
            above = Some(place);
            rooms.push(room);
            let mut pool = (y - room, weight, 1);
            while let Some(last) = pools.pop_if(|last| last.0 > pool.0) {
                let both = last.1 + pool.1;
                pool = ((last.0 * last.1 + pool.0 * pool.1) / both, both, last.2 + pool.2);
            }
            pools.push(pool);
        }
        let ys = pools.iter().flat_map(|(y, _, n)| core::iter::repeat_n(*y, *n));
        for ((at, y), room) in self.columns[column].iter().zip(ys).zip(rooms) {
            self.places[*at].y = y + room;
        }
    }

    /// The parts one below the other, from the top.
    fn pack(&mut self) {
        let mut parts: Vec<usize> = self.places.iter().map(|place| place.part).collect();
        parts.sort_unstable();
        parts.dedup();
        let mut top = GAP / 2.0;
        for part in parts {
            let of_part = |place: &&mut Place| place.part == part;
            let (mut first, mut last) = (f64::MAX, f64::MIN);
            self.places.iter_mut().filter(of_part).for_each(|place| {
                first = first.min(place.y - place.up);
                last = last.max(place.y + place.down);
            });
            self.places.iter_mut().filter(of_part).for_each(|place| place.y += top - first);
            top += last - first + APART;
        }
    }

    fn draw(&self, boxes: &[Size], links: &[Link]) -> Layout {
        let mut x = GAP / 2.0;
        let mut columns = Vec::new();
        for column in &self.columns {
            let width = column.iter().map(|at| self.places[*at].width).fold(0.0, f64::max);
            columns.push((x, x + width));
            x += width + GAP;
        }
        let area = |(place, size): (&Place, &Size)| Area {
            x: columns[place.column].0,
            y: place.y - size.height / 2.0,
            size: *size,
        };
        let drawn: Vec<Area> = self.places.iter().zip(boxes).map(area).collect();
        let line = |at: usize| self.line(at, links, &columns, &drawn);
        let lines = (0..links.len()).map(line).collect();
        let bottom = self.places.iter().map(|place| place.y + place.down).fold(0.0, f64::max);
        Layout { boxes: drawn, lines, size: Size { width: x - GAP / 2.0, height: bottom + GAP / 2.0 } }
    }

    fn line(&self, at: usize, links: &[Link], columns: &[(f64, f64)], drawn: &[Area]) -> Line {
        let (route, link) = (&self.routes[at], &links[at]);
        let (first, last) = (route.places[0], route.places[route.places.len() - 1]);
        let mut points = Vec::new();
        let label = |at: usize| {
            let (place, size) = (&self.places[route.places[at]], link.label?);
            let (left, right) = columns[place.column];
            Some(Area { x: left + (right - left - size.width) / 2.0, y: place.y - ABOVE - size.height, size })
        };
        if first == last {
            let half = half_of_loop(links, at, first).unwrap_or_default();
            let below = self.places[first].y + route.back.map_or(0.0, |back| back.0);
            return loop_of(&drawn[first], half, below, link.label);
        }
        for at in &route.places {
            let place = &self.places[*at];
            let (mut left, mut right, mut y) = (columns[place.column].0, columns[place.column].1, place.y);
            match route.back {
                Some((below, _)) if *at == last => (y, right) = (y + below, left + FOOT),
                Some((_, below)) if *at == first => (y, left) = (y + below, left + drawn[*at].size.width - FOOT),
                None if *at == first => left += drawn[*at].size.width,
                None if *at == last => right = left,
                _ => {}
            }
            points.extend([(left, y), (right, y)]);
        }
        if route.back.is_some() {
            let foot = |at: usize, x: f64| (x, drawn[at].y + drawn[at].size.height);
            points.insert(0, foot(first, points[0].0));
            points.push(foot(last, points[points.len() - 1].0));
            points.reverse();
        }
        points.dedup();
        Line { points, label: route.labelled.and_then(label) }
    }
}

/// Of a box to itself: round below it, with the label beneath.
fn loop_of(area: &Area, half: f64, y: f64, label: Option<Size>) -> Line {
    let middle = area.x + area.size.width / 2.0;
    let (left, right) = (middle - half, middle + half);
    let foot = area.y + area.size.height;
    let beneath = |size: Size| Area { x: area.x + (area.size.width - size.width) / 2.0, y: y + 1.0, size };
    Line { points: alloc::vec![(right, foot), (right, y), (left, y), (left, foot)], label: label.map(beneath) }
}

fn distance(above: &Place, below: &Place) -> f64 {
    let apart = if above.part.cmp(&below.part) == Ordering::Equal { 2.0 * SPACE } else { 2.0 * SPACE + APART };
    above.down + apart + below.up
}
