//! One file: as the process sees it, and what of it is on the disk.

use std::collections::BTreeMap;

use super::draw::Draw;
use super::folder::BLOCK;

/// What a power cut leaves whole, in bytes.
pub(super) const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

/// Length and reserved space, in bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    len: usize,
    reserved: u64,
}

/// Contents of a file.
#[derive(Debug, Default)]
pub(super) struct Inode {
    live: Vec<u8>,
    size: Size,
    synced: Vec<u8>,
    synced_size: Size,
    /// Versions of sectors since the last sync.
    sectors: BTreeMap<usize, Vec<Sector>>,
    /// Sizes since the last sync.
    sizes: Vec<Size>,
}

impl Inode {
    pub(super) fn of(contents: &[u8]) -> Self {
        let mut inode = Self::default();
        inode.write(contents, 0);
        inode.sync();
        inode
    }

    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    pub(super) fn allocated(&self) -> u64 {
        self.size.reserved
    }

    /// Bytes that would be reserved if the file were that long.
    pub(super) fn reserved_for(&self, len: usize) -> u64 {
        self.size.reserved.max((len as u64).next_multiple_of(BLOCK))
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if end > self.live.len() {
            self.resize(end, self.reserved_for(end));
        }
        self.live[offset..end].copy_from_slice(bytes);
        for index in offset / SECTOR..end.div_ceil(SECTOR) {
            let sector = sector(&self.live, index);
            self.sectors.entry(index).or_default().push(sector);
        }
    }

    pub(super) fn resize(&mut self, len: usize, reserved: u64) {
        self.live.resize(len, 0);
        self.size = Size { len, reserved };
        self.sizes.push(self.size);
    }

    pub(super) fn sync(&mut self) {
        self.synced.clone_from(&self.live);
        self.synced_size = self.size;
        self.sectors.clear();
        self.sizes.clear();
    }

    /// Some of what was written reaches the disk, the rest never will. The process may see either.
    pub(super) fn fail_sync(&mut self, draw: &mut Draw) {
        self.tear(draw);
        if draw.once_in(2) {
            self.live.clone_from(&self.synced);
            self.size = self.synced_size;
        } else {
            self.synced_size = self.size;
            self.synced.resize(self.size.len, 0);
        }
    }

    pub(super) fn cut_power(&mut self, draw: &mut Draw) {
        self.tear(draw);
        self.live.clone_from(&self.synced);
        self.size = self.synced_size;
    }

    fn tear(&mut self, draw: &mut Draw) {
        let sizes = std::mem::take(&mut self.sizes);
        if let Some(chosen) = draw.below(sizes.len() as u64 + 1).checked_sub(1) {
            self.synced_size = sizes[chosen as usize];
        }
        let len = self.synced_size.len;
        self.synced.resize(len, 0);
        for (index, versions) in std::mem::take(&mut self.sectors) {
            let Some(chosen) = draw.below(versions.len() as u64 + 1).checked_sub(1) else { continue };
            let start = (index * SECTOR).min(len);
            let end = (start + SECTOR).min(len);
            self.synced[start..end].copy_from_slice(&versions[chosen as usize][..end - start]);
        }
    }

    pub(super) fn damage(&mut self, offset: usize, mask: u8) {
        for bytes in [&mut self.live, &mut self.synced] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= mask;
            }
        }
    }
}

fn sector(bytes: &[u8], index: usize) -> Sector {
    let mut sector = [0; SECTOR];
    let part = &bytes[index * SECTOR..((index + 1) * SECTOR).min(bytes.len())];
    sector[..part.len()].copy_from_slice(part);
    sector
}
