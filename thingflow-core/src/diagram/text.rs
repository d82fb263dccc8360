//! Text: every way from a source to an end, or every port with its connections.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::clean::clean;
use super::{Edge, Graph, NodeKind};

/// Every way from a source to an end, a line each.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.paths() {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl Graph {
    /// Every way from a source to an end. One that comes back to where it has been stops there: `(again)`.
    #[doc(alias = "print_downstream")]
    pub fn paths(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for root in self.roots() {
            self.paths_from(root, &mut Vec::new(), clean(&self.nodes[root].name), &mut lines);
        }
        lines
    }

    fn paths_from(&self, node: usize, been: &mut Vec<usize>, line: String, lines: &mut Vec<String>) {
        if self.edges_from(node).next().is_none() {
            return lines.push(line);
        }
        been.push(node);
        for edge in self.edges_from(node) {
            let arrow = if edge.feedback { "~>" } else { "->" };
            let line = alloc::format!("{line} {arrow} {}", clean(&self.nodes[edge.to].name));
            if been.contains(&edge.to) {
                lines.push(line + " (again)");
            } else {
                self.paths_from(edge.to, been, line, lines);
            }
        }
        been.pop();
    }

    /// Every source and port with its connections, and how many events it and each of them has had.
    ///
    /// ```
    /// use thingflow_core::diagram::Graph;
    /// use thingflow_core::prelude::*;
    /// let port = Port::new().named("lux");
    /// port.emit(1, &mut Context::detached(Instant::ZERO))?;
    /// port.map(|x: i32| x * 2).connect(call(drop));
    /// port.emit(2, &mut Context::detached(Instant::ZERO))?;
    /// let mut graph = Graph::new();
    /// graph.add_port(&port.as_ref());
    /// assert_eq!(graph.connections(), "lux (2 events)\n  -> map -> call (1)\n");
    /// # Ok::<(), thingflow_core::FatalError>(())
    /// ```
    #[doc(alias = "pp_connections")]
    pub fn connections(&self) -> String {
        let mut text = String::new();
        let begins = |kind| matches!(kind, NodeKind::Source | NodeKind::Port);
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, node)| begins(node.kind)) {
            text.push_str(&clean(&node.name));
            if let Some(events) = node.events {
                let what = if events == 1 { "event" } else { "events" };
                let _ = write!(text, " ({events} {what})"); // a string takes all
            }
            text.push('\n');
            for edge in self.edges_from(at) {
                self.chains(&mut text, " ", edge, edge.events);
            }
        }
        text
    }

    /// A connection as a line, as far as the next port; a line for each of its branches.
    fn chains(&self, text: &mut String, line: &str, edge: &Edge, events: Option<u64>) {
        let node = &self.nodes[edge.to];
        let arrow = if edge.feedback { "~>" } else { "->" };
        let line = alloc::format!("{line} {arrow} {}", clean(&node.name));
        let mut after = self.edges_from(edge.to).filter(|_| node.kind == NodeKind::Filter).peekable();
        if after.peek().is_none() {
            let events = events.map(|events| alloc::format!(" ({events})")).unwrap_or_default();
            text.push_str(&(line + &events + "\n"));
            return;
        }
        after.for_each(|next| self.chains(text, &line, next, events));
    }
}
