//! `thingflow graph`: the drawing of a running program's graph.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Done;
use crate::live::{Which, plain};
use crate::output::Lines;

#[derive(Args)]
pub(crate) struct Draw {
    /// As a picture
    #[arg(long)]
    svg: bool,
    /// For Graphviz
    #[arg(long, conflicts_with = "svg")]
    dot: bool,
    /// For Markdown
    #[arg(long, conflicts_with_all = ["svg", "dot"])]
    mermaid: bool,
    /// Into this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

pub(crate) fn run(draw: &Draw) -> Done {
    let graph = draw.which.program()?.snapshot()?.graph;
    let text = match (draw.svg, draw.dot, draw.mermaid) {
        (true, ..) => graph.svg(),
        (_, true, _) => graph.dot(),
        (.., true) => graph.mermaid(),
        _ => graph.to_string().lines().map(|line| plain(line) + "\n").collect(),
    };
    let mut lines = Lines::to(draw.output.as_deref())?;
    lines.line(text.trim_end())?;
    lines.end()
}
