//! The names in the folder: as the process sees them, and as the disk has them.

use std::collections::BTreeMap;

use super::draw::Draw;

/// Bytes of a block on the disk.
pub(super) const BLOCK: u64 = 4096;

/// Names and the inodes that they stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    live: BTreeMap<String, u64>,
    synced: BTreeMap<String, u64>,
    /// What each name has stood for since the last sync.
    since: BTreeMap<String, Vec<Option<u64>>>,
}

impl Names {
    pub(super) fn live(&self) -> &BTreeMap<String, u64> {
        &self.live
    }

    pub(super) fn set(&mut self, name: &str, inode: Option<u64>) {
        match inode {
            Some(inode) => self.live.insert(name.into(), inode),
            None => self.live.remove(name),
        };
        self.since.entry(name.into()).or_default().push(inode);
    }

    pub(super) fn sync(&mut self) {
        self.synced.clone_from(&self.live);
        self.since.clear();
    }

    /// Each name stands for what it stood for at the sync, or at any time since.
    pub(super) fn cut_power(&mut self, draw: &mut Draw) {
        for (name, versions) in std::mem::take(&mut self.since) {
            let Some(chosen) = draw.below(versions.len() as u64 + 1).checked_sub(1) else { continue };
            match versions[chosen as usize] {
                Some(inode) => self.synced.insert(name, inode),
                None => self.synced.remove(&name),
            };
        }
        self.live.clone_from(&self.synced);
    }
}
