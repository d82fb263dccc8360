//! Mermaid, which many viewers of Markdown draw.

use alloc::string::String;
use core::fmt::Write;

use super::clean::codes;
use super::{Graph, NodeKind};

impl Graph {
    /// The graph as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.kind {
                NodeKind::Source => ("([", "])"),
                NodeKind::Filter => ("[", "]"),
                NodeKind::Port => ("((", "))"),
                NodeKind::Sink => ("[[", "]]"),
            };
            let name = codes(&node.name);
            let _ = writeln!(text, "  n{at}{open}\"{name}\"{close}"); // a string takes all
        }
        for edge in &self.edges {
            let arrow = if edge.feedback { "-.->" } else { "-->" };
            let label = edge.events.map(|events| alloc::format!("|{events}|")).unwrap_or_default();
            let _ = writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to);
        }
        text
    }
}
