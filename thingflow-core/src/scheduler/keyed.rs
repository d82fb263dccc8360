//! [`Keyed`]: a table whose keys are never mistaken for those of an entry that was there before.

use slab::Slab;

/// Names an entry. What comes late, a timer or the news of a thread, finds nobody else in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(super) key: u32,
    serial: u32,
}

impl Id {
    /// No entry has this name.
    pub(super) const NOBODY: Self = Self { key: u32::MAX, serial: 0 };

    /// The number of the entry, from 1 on.
    pub(super) fn serial(self) -> u32 {
        self.serial
    }

    /// The older the entry, the less.
    pub(super) fn age(self) -> u64 {
        self.serial.into()
    }

    #[cfg(test)]
    pub(super) const fn of(key: u32) -> Self {
        Self { key, serial: key }
    }
}

/// A table with a place for each entry. Places are used again, names are not.
pub(super) struct Keyed<V> {
    slab: Slab<(u32, V)>,
    /// That of the last entry.
    serial: u32,
}

impl<V> Default for Keyed<V> {
    fn default() -> Self {
        Self { slab: Slab::new(), serial: 0 }
    }
}

impl<V> Keyed<V> {
    /// The name of the next entry.
    pub(super) fn next_id(&self) -> Id {
        Id { key: index(self.slab.vacant_key()), serial: self.serial.wrapping_add(1) }
    }

    pub(super) fn insert(&mut self, entry: V) -> Id {
        let id = self.next_id();
        self.serial = id.serial;
        self.slab.insert((id.serial, entry));
        id
    }

    #[inline]
    pub(super) fn get(&self, id: Id) -> Option<&V> {
        let (serial, entry) = self.slab.get(id.key as usize)?;
        (*serial == id.serial).then_some(entry)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut V> {
        let (serial, entry) = self.slab.get_mut(id.key as usize)?;
        (*serial == id.serial).then_some(entry)
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<V> {
        self.get(id)?;
        self.slab.try_remove(id.key as usize).map(|(_, entry)| entry)
    }

    /// Lets go of entries.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.slab.retain(|_, (_, entry)| keep(entry));
    }

    /// The name of the entry that has this place now.
    pub(super) fn at(&self, key: usize) -> Option<Id> {
        self.slab.get(key).map(|(serial, _)| Id { key: index(key), serial: *serial })
    }

    /// So many places there are, some of them empty.
    pub(super) fn places(&self) -> usize {
        self.slab.capacity()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &V> {
        self.slab.iter().map(|(_, (_, entry))| entry)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (Id, &V)> {
        self.slab.iter().map(|(key, (serial, entry))| (Id { key: index(key), serial: *serial }, entry))
    }

    pub(super) fn ids_mut(&mut self) -> impl Iterator<Item = (Id, &mut V)> {
        self.slab.iter_mut().map(|(key, (serial, entry))| (Id { key: index(key), serial: *serial }, entry))
    }

    /// Takes all entries out. Later ones get other names all the same.
    pub(super) fn take_all(&mut self) -> Self {
        let slab = std::mem::take(&mut self.slab);
        Self { slab, serial: self.serial }
    }
}

#[allow(clippy::cast_possible_truncation)] // four billion entries do not fit into memory
fn index(key: usize) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_in_the_place_of_another_has_a_name_of_its_own() {
        let mut table = Keyed::default();
        let (a, foreseen) = (table.insert('a'), table.next_id());
        let b = table.insert('b');
        assert_eq!(foreseen, b);
        assert_eq!(table.remove(a), Some('a'));
        let c = table.insert('c');
        assert_eq!((a.key, table.at(0)), (c.key, Some(c)));
        assert_eq!(table.get_mut(a), None);
        assert_eq!((table.remove(a), table.get(c)), (None, Some(&'c')));
        drop(table.take_all());
        assert_eq!((table.insert('d').key, table.get(c), table.get(a), table.get(b)), (0, None, None, None));
    }
}
