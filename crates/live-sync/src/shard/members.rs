//! The members of a shard, where they lie.

use slab::Slab;

/// Values by their keys, in rows. Who is reached one after the other lies one behind the other in memory, which a processor fetches ahead;
/// and a row that is full does not move when others come.
#[derive(Debug)]
pub(super) struct Members<T> {
    rows: Vec<Slab<T>>,
}

const ROW: usize = 64;

impl<T> Members<T> {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds the value that `make` makes of its key.
    pub(super) fn insert(&mut self, make: impl FnOnce(usize) -> T) {
        let place = self.rows.iter().position(|row| row.len() < ROW).unwrap_or(self.rows.len());
        if place == self.rows.len() {
            // It grows as it is filled: most pages have few readers.
            self.rows.push(Slab::new());
        }
        let entry = self.rows[place].vacant_entry();
        let value = make(place * ROW + entry.key());
        entry.insert(value);
    }

    pub(super) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        self.rows.get_mut(key / ROW)?.get_mut(key % ROW)
    }

    /// Takes out whoever is there.
    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        let row = self.rows.get_mut(key / ROW)?;
        let value = row.try_remove(key % ROW);
        if row.is_empty() {
            *row = Slab::new();
        }
        value
    }

    pub(super) fn contains(&self, key: usize) -> bool {
        self.rows.get(key / ROW).is_some_and(|row| row.contains(key % ROW))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(Slab::is_empty)
    }

    /// Above all keys.
    pub(super) fn end(&self) -> usize {
        self.rows.len() * ROW
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again_whoever_comes_and_goes() {
        let mut members = Members::new();
        (0..3 * ROW).for_each(|_| members.insert(|key| key));
        let leaving: Vec<_> = (0..3 * ROW).filter(|key| key % 3 == 0 || *key < ROW).collect();
        for key in &leaving {
            assert_eq!(members.remove(*key), Some(*key));
            assert_eq!((members.contains(*key), members.remove(*key)), (false, None));
        }
        (0..2 * ROW).for_each(|_| members.insert(|key| key));
        let end = members.end();
        let there: Vec<_> = (0..end).filter(|key| members.contains(*key)).collect();
        assert!(there.iter().all(|key| members.get_mut(*key).copied() == Some(*key)));
        assert_eq!(there.len(), 3 * ROW - leaving.len() + 2 * ROW);
        for key in there {
            members.remove(key);
        }
        assert!(members.is_empty());
    }

    #[test]
    fn a_full_row_has_no_room_to_spare() {
        let mut members = Members::new();
        (0..10 * ROW).for_each(|_| members.insert(|key| key));
        assert_eq!(members.end(), 10 * ROW);
        assert!(members.rows.iter().all(|row| row.len() == ROW && row.capacity() == ROW));
    }
}
