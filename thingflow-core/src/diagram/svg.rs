//! SVG, laid out in columns: a node stands right of all that leads to it, loops aside.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::{Graph, NodeKind};

const COLUMN: usize = 170;
const ROW: usize = 60;
const WIDTH: usize = 120;
const HEIGHT: usize = 36;
/// So many fit into a node; a longer name is made narrower.
const LETTERS: usize = 17;
const SQUEEZED: &str = " textLength=\"112\" lengthAdjust=\"spacingAndGlyphs\"";

impl Graph {
    /// The graph as an SVG image.
    pub fn svg(&self) -> String {
        let places = self.places();
        let right = places.iter().map(|(x, _)| x + WIDTH).max().unwrap_or(0) + 10;
        let bottom = places.iter().map(|(_, y)| y + HEIGHT).max().unwrap_or(0) + 10;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right}\" height=\"{bottom}\" \
             font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">\n\
             <defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" \
             refX=\"8\" refY=\"4\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>"
        ); // a string takes all
        self.draw_edges(&mut text, &places);
        self.draw_nodes(&mut text, &places);
        text + "</svg>\n"
    }

    fn draw_edges(&self, text: &mut String, places: &[(usize, usize)]) {
        for edge in &self.edges {
            let ((x1, y1), (x2, y2)) = (places[edge.from], places[edge.to]);
            let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
            let dashes = if edge.feedback { " stroke-dasharray=\"4\"" } else { "" };
            // A way back goes round below.
            let path = if x2 > x1 {
                alloc::format!("M{x1} {y1}L{x2} {y2}")
            } else {
                let below = y1.max(y2) + ROW;
                alloc::format!("M{x1} {y1}C{} {below} {} {below} {x2} {y2}", x1 + ROW, x2.saturating_sub(ROW))
            };
            let _ =
                writeln!(text, "<path d=\"{path}\" fill=\"none\" stroke=\"black\" marker-end=\"url(#tip)\"{dashes}/>");
            if let Some(events) = edge.events {
                let (x, y) = (x1.midpoint(x2), y1.midpoint(y2).saturating_sub(4));
                let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\">{events}</text>");
            }
        }
    }

    fn draw_nodes(&self, text: &mut String, places: &[(usize, usize)]) {
        for (node, (x, y)) in self.nodes.iter().zip(places) {
            let (round, fill) = match node.kind {
                NodeKind::Source => (HEIGHT / 2, "#d8ecd0"),
                NodeKind::Filter => (2, "#ffffff"),
                NodeKind::Port => (HEIGHT / 2, "#fff2cc"),
                NodeKind::Sink => (2, "#d6e4f5"),
            };
            let name = node.name.replace('&', "&amp;").replace('<', "&lt;");
            let _ = writeln!(
                text,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" \
                 stroke=\"black\"/>\n<text x=\"{}\" y=\"{}\"{}>{name}</text>",
                x + WIDTH / 2,
                y + HEIGHT / 2 + 4,
                if node.name.chars().count() > LETTERS { SQUEEZED } else { "" },
            );
        }
    }

    /// The upper left corner of each node.
    fn places(&self) -> Vec<(usize, usize)> {
        let columns = self.columns();
        let mut rows = alloc::vec![0; self.nodes.len() + 1];
        let place = |column: &usize| {
            let row = &mut rows[*column];
            *row += 1;
            (10 + column * COLUMN, 10 + (*row - 1) * ROW)
        };
        columns.iter().map(place).collect()
    }

    /// One column more than the farthest of the nodes that lead here. A walk meets a node after the first of those, so
    /// an edge to an earlier node closes a loop or joins a branch; as many rounds as there are nodes are enough.
    fn columns(&self) -> Vec<usize> {
        let mut columns = alloc::vec![0; self.nodes.len()];
        for _ in 0..self.nodes.len() {
            for edge in self.edges.iter().filter(|edge| !edge.feedback && edge.to > edge.from) {
                columns[edge.to] = columns[edge.to].max(columns[edge.from] + 1);
            }
        }
        columns
    }
}
