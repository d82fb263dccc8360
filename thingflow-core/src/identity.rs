//! [`NodeId`]: what tells a node of a graph from all others, now and later.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::sync::atomic::{AtomicUsize, Ordering};

static LAST: AtomicUsize = AtomicUsize::new(0);

/// A number that nothing else in the program has had, on whatever thread: one atomic step.
#[cfg(target_has_atomic = "ptr")]
pub(crate) fn next_number() -> usize {
    LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
}

/// On a microcontroller that has no such step nothing else takes numbers meanwhile: it has one thread.
#[cfg(not(target_has_atomic = "ptr"))]
pub(crate) fn next_number() -> usize {
    let number = LAST.load(Ordering::Relaxed).wrapping_add(1);
    LAST.store(number, Ordering::Relaxed);
    number
}

/// The last number that was taken: while it stays, nothing has been connected.
#[cfg(feature = "std")]
pub(crate) fn last_number() -> usize {
    LAST.load(Ordering::Relaxed)
}

/// So many steps lead from a connection to its nodes at most: a place in the chain, and two for each side branch.
const DEPTH: usize = 8;

/// Tells a node of a graph from all others: it stays the same while the node lives, and no later node of the program has it.
///
/// As a text it is short and fits into an address or a label: `s1-4` is what was scheduled as the fourth with scheduler 1,
/// `n17` a port or a join, `n18.2` the second stage behind connection 18, `n18.2.1.1` the first Thing in a side branch of that.
/// A number after `~` counts how often the Thing behind the connection has been [replaced](crate::Port::replace). What is
/// nested in more than three side branches shares the id of the third.
///
/// ```
/// use thingflow_core::NodeId;
/// let id: NodeId = "n18.2".parse()?;
/// assert_eq!(id.to_string(), "n18.2");
/// assert!("18.2".parse::<NodeId>().is_err());
/// # Ok::<(), thingflow_core::UnknownNodeId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    of: Owner,
    /// How often the Thing behind a connection was replaced.
    generation: u32,
    /// The way from there, each step counted from 1 on; 0 behind the last one.
    path: [u16; DEPTH],
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Owner {
    /// The numbers of the scheduler and of the schedule.
    Schedule(u64, u32),
    /// That of a connection, a port or a join.
    Number(u64),
}

impl NodeId {
    pub(crate) fn of(number: usize, generation: u32) -> Self {
        Self { of: Owner::Number(number as u64), generation, path: [0; DEPTH] }
    }

    #[cfg(feature = "std")]
    pub(crate) fn schedule(scheduler: usize, serial: u32) -> Self {
        Self { of: Owner::Schedule(scheduler as u64, serial), generation: 0, path: [0; DEPTH] }
    }

    fn step(mut self, depth: usize, step: u16) -> Self {
        if let Some(place) = self.path.get_mut(depth) {
            *place = step;
        }
        self
    }
}

/// A walk along a connection: where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Where the way began, unless that has no id.
    base: Option<NodeId>,
    depth: usize,
    last: u16,
    branches: u16,
}

impl Place {
    pub(crate) fn behind(base: Option<NodeId>) -> Self {
        Self { base, ..Self::default() }
    }

    /// The next node of the chain.
    pub(crate) fn next(&mut self) -> Option<NodeId> {
        self.last = self.last.saturating_add(1);
        self.branches = 0;
        self.base.map(|base| base.step(self.depth, self.last))
    }

    /// The next side branch of the node met last. One that is gone is counted all the same.
    pub(crate) fn branch(&mut self) -> Self {
        self.branches = self.branches.saturating_add(1);
        let base = self.base.map(|base| base.step(self.depth, self.last).step(self.depth + 1, self.branches));
        Self { base, depth: self.depth + 2, last: 0, branches: 0 }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Owner::Schedule(scheduler, serial) => write!(f, "s{scheduler}-{serial}")?,
            Owner::Number(number) => write!(f, "n{number}")?,
        }
        if self.generation > 0 {
            write!(f, "~{}", self.generation)?;
        }
        self.path.iter().take_while(|step| **step > 0).try_for_each(|step| write!(f, ".{step}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NodeId {
    type Err = UnknownNodeId;
    fn from_str(text: &str) -> Result<Self, UnknownNodeId> {
        parse(text).ok_or_else(|| UnknownNodeId(text.into()))
    }
}

fn parse(text: &str) -> Option<NodeId> {
    let (owner, way) = text.split_once('.').map_or((text, None), |(owner, way)| (owner, Some(way)));
    let (owner, generation) = owner.split_once('~').unwrap_or((owner, "0"));
    let of = match owner.split_once('-') {
        Some((scheduler, serial)) => Owner::Schedule(scheduler.strip_prefix('s')?.parse().ok()?, serial.parse().ok()?),
        None => Owner::Number(owner.strip_prefix('n')?.parse().ok()?),
    };
    let mut path = [0; DEPTH];
    for (depth, step) in way.into_iter().flat_map(|way| way.split('.')).enumerate() {
        *path.get_mut(depth)? = step.parse().ok().filter(|step| *step > 0)?;
    }
    Some(NodeId { of, generation: generation.parse().ok()?, path })
}

/// As its text.
#[cfg(feature = "serde")]
impl serde::Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for NodeId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no [`NodeId`].
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownNodeId(String);

impl fmt::Display for UnknownNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid id of a node: {:?}; expected a form such as s1-4, n17 or n18.2", self.0)
    }
}

impl fmt::Debug for UnknownNodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for UnknownNodeId {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_read_back_from_its_text(
            schedule in any::<Option<(u64, u32)>>(), number in any::<u64>(), generation in any::<u32>(),
            steps in proptest::collection::vec(1_u16.., 0..=DEPTH)
        ) {
            let of = schedule.map_or(Owner::Number(number), |(scheduler, serial)| Owner::Schedule(scheduler, serial));
            let mut path = [0; DEPTH];
            path[..steps.len()].copy_from_slice(&steps);
            let id = NodeId { of, generation, path };
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn any_text_is_an_id_or_an_error(text in "[sn0-9~.-]{0,12}") {
            if let Ok(id) = text.parse::<NodeId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }
    }

    #[test]
    fn nodes_beside_a_branch_that_is_gone_keep_their_ids() {
        let mut place = Place::behind(Some(NodeId::of(7, 0)));
        let mut ids = alloc::vec![place.next()];
        ids.extend([place.branch().next(), place.branch().next(), place.next()]);
        let texts: alloc::vec::Vec<_> = ids.into_iter().flatten().map(|id| id.to_string()).collect();
        assert_eq!(texts, ["n7.1", "n7.1.1.1", "n7.1.2.1", "n7.2"]);
    }
}
