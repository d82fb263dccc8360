//! DOT, the language of Graphviz.

use alloc::string::String;
use core::fmt::Write;

use super::clean::entities;
use super::{Graph, NodeKind};

impl Graph {
    /// The graph in DOT: `dot -Tsvg` draws it.
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph thingflow {\n  rankdir=LR;\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                NodeKind::Source => "ellipse",
                NodeKind::Filter => "box",
                NodeKind::Port => "circle",
                NodeKind::Sink => "box3d",
            };
            let name = entities(&node.name).replace('\\', "\\\\");
            let _ = writeln!(text, "  n{at} [label=\"{name}\", shape={shape}];"); // a string takes all
        }
        for edge in &self.edges {
            let style = if edge.feedback { "style=dashed" } else { "" };
            let label = edge.events.map(|events| alloc::format!("label={events}")).unwrap_or_default();
            let comma = if style.is_empty() || label.is_empty() { "" } else { ", " };
            let _ = writeln!(text, "  n{} -> n{} [{label}{comma}{style}];", edge.from, edge.to);
        }
        text.replace(" [];", ";") + "}\n"
    }
}
