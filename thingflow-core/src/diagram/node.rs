//! [`Node`] and [`Edge`]: what a graph consists of.

use alloc::string::String;
use alloc::vec::Vec;

use crate::elementwise::ProbeState;
use crate::identity::NodeId;
use crate::limit::QueueState;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum NodeKind {
    /// A Thing that a scheduler drives.
    Source,
    /// A filter in a chain.
    Filter,
    /// A port, where branches begin.
    Port,
    /// The Thing at the end of a chain.
    Sink,
}

/// A Thing or a port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Node {
    /// What tells it from all others while it lives; `None` for a source that has not been scheduled, and the chain behind it.
    pub id: Option<NodeId>,
    /// Its name: the one that it was given, else that of the method that makes it.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The source, filter or sink as it is called, where `name` was given to it by `.named(..)`.
    pub operator: Option<String>,
    /// How many events it has sent, where that is counted: in ports.
    pub events: Option<u64>,
    /// The queues in which it holds events.
    pub queues: Vec<QueueState>,
    /// Whether its events can be looked at by a tap: in ports and probes.
    pub tappable: bool,
    /// What its probe has seen since that was switched on.
    pub probe: Option<ProbeState>,
}

impl Node {
    pub(super) fn new(id: Option<NodeId>, name: &str, kind: NodeKind) -> Self {
        Self {
            id,
            name: name.into(),
            kind,
            operator: None,
            events: None,
            queues: Vec::new(),
            tappable: false,
            probe: None,
        }
    }
}

/// A way from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Edge {
    /// The index of the node it leaves.
    pub from: usize,
    /// The index of the node it leads to.
    pub to: usize,
    /// How many events have gone this way, where that is counted: at the connections of ports.
    pub events: Option<u64>,
    /// Whether what goes this way arrives in a later turn.
    pub feedback: bool,
}
