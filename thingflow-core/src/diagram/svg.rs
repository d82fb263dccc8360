//! SVG, from the [`layout`]: a chain of filters is one box, the numbers stand above their lines.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::clean::{clean, entities};
use super::layout::{Area, GAP, Layout, Line, Link, Size, layout};
use super::{Graph, Node, NodeKind};

/// Of a character, of the widest of the common monospaced fonts at 12 pixels and a little more.
const CHARACTER: f64 = 7.5;
const LINE: f64 = 17.0;
const PADDING: f64 = 10.0;
/// The roundest corner.
const ROUND: f64 = 20.0;
/// The narrowest box.
const NARROW: f64 = 48.0;

/// Light, or dark where its reader's screen is.
const HEAD: &str = "<style>\
.thingflow text{font:12px ui-monospace,Menlo,\"DejaVu Sans Mono\",monospace;fill:#1f2328;text-anchor:middle;white-space:pre}\
.thingflow .given{font-weight:bold}.thingflow .count{fill:#59636e}\
.thingflow .paper{fill:#ffffff;stroke:none}.thingflow rect{stroke:#59636e}\
.thingflow .line{fill:none;stroke:#59636e;stroke-width:1.3}.thingflow .later{stroke-dasharray:5 4}.thingflow .tip{fill:#59636e}\
.thingflow .source{fill:#dafbe1}.thingflow .filter{fill:#f6f8fa}.thingflow .port{fill:#fff8c5}.thingflow .sink{fill:#ddf4ff}\
@media(prefers-color-scheme:dark){.thingflow text{fill:#e6edf3}.thingflow .count{fill:#9198a1}\
.thingflow .paper{fill:#0d1117}.thingflow rect{stroke:#9198a1}.thingflow .line{stroke:#9198a1}.thingflow .tip{fill:#9198a1}\
.thingflow .source{fill:#12361f}.thingflow .filter{fill:#212830}.thingflow .port{fill:#3b2f0b}.thingflow .sink{fill:#0c2d52}}\
</style>\n\
<defs><marker id=\"thingflow-tip\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" refY=\"4\" orient=\"auto\" \
markerUnits=\"userSpaceOnUse\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

/// What [notes](Note) look like, where there are any.
const NOTED: &str = "<style>.thingflow .note{fill:#59636e}.thingflow .bad{fill:#cf222e;font-weight:bold}\
.thingflow rect.ill{stroke:#cf222e;stroke-width:2.5}\
@media(prefers-color-scheme:dark){.thingflow .note{fill:#9198a1}.thingflow .bad{fill:#ff7b72}.thingflow rect.ill{stroke:#ff7b72}}\
</style>\n";

/// A line about a node, below its name: see [`Graph::svg_with`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it says.
    pub text: String,
    /// Whether something is wrong: then it is red, with a mark before it for those who do not see that, and so is its box.
    pub is_bad: bool,
}

/// What is drawn as one box: a node, or filters of which each leads to the next only.
struct Group {
    nodes: Vec<usize>,
    /// What stands in it, and how: as a class of the style.
    lines: Vec<(String, &'static str)>,
}

/// A name that was given to filters; what is said of a node; what is wrong with it.
const GIVEN: &str = "given";
const SAID: &str = "note";
const BAD: &str = "bad";

impl Graph {
    /// The graph as an SVG image. Filters that follow each other are one box; a name given to them stands first in it.
    ///
    /// Its colours are light or dark as those of the reader's screen.
    pub fn svg(&self) -> String {
        self.svg_with(|_| Vec::new())
    }

    /// The same with lines about each node below its name, such as how many events a second it sends, and what is wrong with it.
    ///
    /// ```
    /// use thingflow_core::diagram::{Graph, Note};
    /// use thingflow_core::prelude::*;
    /// let lux = from_iter(0..4).buffer(Limit::block(8)).connect(call(drop));
    /// let svg = Graph::of(&lux).svg_with(|node| {
    ///     let waiting = node.queues.iter().map(|queue| queue.waiting);
    ///     waiting.map(|n| Note { text: format!("{n} waiting"), is_bad: n == 8 }).collect()
    /// });
    /// assert!(svg.contains(">0 waiting</text>"));
    /// ```
    pub fn svg_with(&self, notes: impl Fn(&Node) -> Vec<Note>) -> String {
        let groups = self.groups(&notes);
        let sizes: Vec<Size> = groups.iter().map(Group::size).collect();
        let mut group_of = alloc::vec![0; self.nodes.len()];
        groups.iter().enumerate().for_each(|(at, group)| group.nodes.iter().for_each(|node| group_of[*node] = at));
        let mut edges = Vec::new();
        let mut links = Vec::new();
        for edge in &self.edges {
            let (from, to) = (group_of[edge.from], group_of[edge.to]);
            let inside = groups[from].nodes.windows(2).any(|two| two == [edge.from, edge.to]);
            if !inside {
                let label = edge.events.map(|events| size([alloc::format!("{events}").as_str()]));
                edges.push(edge);
                links.push(Link { from, to, label });
            }
        }
        let Layout { boxes, lines, size } = layout(&sizes, &links);
        let mut text = String::new();
        let Size { width, height } = size;
        // A string takes all that is written into it.
        let _ = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"thingflow\" viewBox=\"0 0 {width:.1} {height:.1}\" \
             width=\"{width:.1}\" height=\"{height:.1}\">\n{HEAD}\
             <rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n"
        );
        let is_note = |(_, class): &(String, &str)| *class == SAID || *class == BAD;
        if groups.iter().flat_map(|group| &group.lines).any(is_note) {
            text += NOTED;
        }
        for (edge, line) in edges.into_iter().zip(&lines) {
            draw_line(&mut text, line, edge.feedback, edge.events);
        }
        groups.iter().zip(&boxes).for_each(|(group, area)| self.draw_box(&mut text, group, area));
        text + "</svg>\n"
    }

    fn groups(&self, notes: &impl Fn(&Node) -> Vec<Note>) -> Vec<Group> {
        let mut arriving = alloc::vec![0; self.nodes.len()];
        self.edges.iter().for_each(|edge| arriving[edge.to] += 1);
        let is_filter = |node: usize| self.nodes[node].kind == NodeKind::Filter;
        // The filter that alone follows, unless a name ends the box here.
        let after = |node: usize| {
            let mut leaving = self.edges_from(node);
            let edge = leaving.next().filter(|_| is_filter(node) && leaving.next().is_none())?;
            let fuses = is_filter(edge.to) && arriving[edge.to] == 1 && !edge.feedback && edge.events.is_none();
            Some(edge.to).filter(|to| fuses && *to != node && self.nodes[node].operator.is_none())
        };
        let after: Vec<Option<usize>> = (0..self.nodes.len()).map(after).collect();
        let mut inner = alloc::vec![false; self.nodes.len()];
        after.iter().flatten().for_each(|node| inner[*node] = true);
        let (mut seen, mut groups) = (alloc::vec![false; self.nodes.len()], Vec::new());
        // Those in the middle come last: they are left only where filters lead to each other in a ring.
        for inside in [false, true] {
            for first in (0..self.nodes.len()).filter(|node| inner[*node] == inside) {
                let all = core::iter::successors(Some(first), |node| after[*node]);
                let nodes: Vec<usize> = all.take_while(|node| !core::mem::replace(&mut seen[*node], true)).collect();
                if !nodes.is_empty() {
                    groups.push(Group { lines: self.lines(&nodes, notes), nodes });
                }
            }
        }
        groups.sort_by_key(|group| group.nodes[0]); // as a walk meets them
        groups
    }

    fn lines(&self, nodes: &[usize], notes: &impl Fn(&Node) -> Vec<Note>) -> Vec<(String, &'static str)> {
        let nodes = || nodes.iter().map(|node| &self.nodes[*node]);
        let given = nodes().filter(|node| node.operator.is_some()).map(|node| (clean(&node.name), GIVEN));
        let names = nodes().map(|node| (clean(node.operator.as_ref().unwrap_or(&node.name)), ""));
        let noted = nodes().flat_map(notes).map(|note| match note.is_bad {
            true => (alloc::format!("▲ {}", clean(&note.text)), BAD),
            false => (clean(&note.text), SAID),
        });
        given.chain(names).chain(noted).collect()
    }

    fn draw_box(&self, text: &mut String, group: &Group, area: &Area) {
        let Area { x, y, size: Size { width, height } } = *area;
        let half = (height / 2.0).min(ROUND);
        let (round, class) = match self.nodes[group.nodes[0]].kind {
            NodeKind::Source => (half, "source"),
            NodeKind::Filter => (3.0, "filter"),
            NodeKind::Port => (half, "port"),
            NodeKind::Sink => (3.0, "sink"),
        };
        let ill = if group.lines.iter().any(|line| line.1 == BAD) { " ill" } else { "" };
        let _ = writeln!(
            text,
            "<rect class=\"{class}{ill}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        );
        for (at, (name, class)) in (0_u32..).zip(&group.lines) {
            let y = y + PADDING / 2.0 + LINE * f64::from(at) + 16.0;
            let class = if class.is_empty() { String::new() } else { alloc::format!(" class=\"{class}\"") };
            let _ = writeln!(text, "<text{class} x=\"{:.1}\" y=\"{y:.1}\">{}</text>", x + width / 2.0, entities(name));
        }
    }
}

impl Group {
    fn size(&self) -> Size {
        let text = size(self.lines.iter().map(|(name, _)| name.as_str()));
        let height = text.height + 1.4 * PADDING;
        Size { width: (text.width + 2.0 * PADDING).max(NARROW), height }
    }
}

/// Of lines of text.
fn size<'a>(lines: impl IntoIterator<Item = &'a str>) -> Size {
    let of = |c: char| if u32::from(c) < 0x1100 { CHARACTER } else { 2.0 * CHARACTER };
    let add = |size: Size, line: &str| {
        let width = line.chars().map(of).sum::<f64>();
        Size { width: size.width.max(width), height: size.height + LINE }
    };
    lines.into_iter().fold(Size::default(), add)
}

fn draw_line(text: &mut String, line: &Line, later: bool, events: Option<u64>) {
    let mut path = String::new();
    let mut last: Option<(f64, f64)> = None;
    for (x, y) in line.points.iter().copied() {
        let _ = match last {
            None => write!(path, "M{x:.1} {y:.1}"),
            // From one column to the next, with the middle steep.
            Some((x0, y0)) if y != y0 && ((x - x0).abs() - GAP).abs() < 0.5 => {
                let middle = x0.midpoint(x);
                write!(path, "C{middle:.1} {y0:.1} {middle:.1} {y:.1} {x:.1} {y:.1}")
            }
            Some(_) => write!(path, "L{x:.1} {y:.1}"),
        };
        last = Some((x, y));
    }
    let later = if later { " later" } else { "" };
    let _ = writeln!(text, "<path class=\"line{later}\" d=\"{path}\" marker-end=\"url(#thingflow-tip)\"/>");
    if let (Some(area), Some(events)) = (line.label, events) {
        let (x, y) = (area.x + area.size.width / 2.0, area.y + 13.0);
        let _ = writeln!(text, "<text class=\"count\" x=\"{x:.1}\" y=\"{y:.1}\">{events}</text>");
    }
}
