//! Locks between the connections on one database: on its file, and the eight of the shared memory beside it.
//!
//! Nobody waits here: a lock is given or refused.

use std::collections::BTreeMap;

/// How far a connection has locked the database file, in SQLite's own numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    #[default]
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Level {
    pub(super) const fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Shared,
            2 => Self::Reserved,
            3 => Self::Pending,
            4 => Self::Exclusive,
            _ => Self::None,
        }
    }
}

/// What one connection holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    file: Level,
    /// One bit for each of the eight locks.
    shared: u8,
    exclusive: u8,
}

/// All locks on one database.
#[derive(Debug, Default)]
pub(super) struct Locks(BTreeMap<u64, Held>);

impl Locks {
    fn others(&self, connection: u64) -> impl Iterator<Item = &Held> {
        self.0.iter().filter(move |(other, _)| **other != connection).map(|(_, held)| held)
    }

    /// Raises a connection's lock on the file. A refused exclusive lock stays pending: nobody new may come.
    pub(super) fn raise(&mut self, connection: u64, wanted: Level) -> bool {
        let highest = self.others(connection).map(|held| held.file).max().unwrap_or_default();
        let held = self.0.entry(connection).or_default();
        if held.file >= wanted {
            return true;
        }
        let free = match wanted {
            Level::None => true,
            Level::Shared => highest < Level::Pending,
            Level::Reserved | Level::Pending => highest < Level::Reserved,
            Level::Exclusive => highest == Level::None,
        };
        if free {
            held.file = wanted;
        } else if wanted == Level::Exclusive && highest < Level::Reserved {
            held.file = Level::Pending;
        }
        free
    }

    pub(super) fn lower(&mut self, connection: u64, to: Level) {
        let held = self.0.entry(connection).or_default();
        held.file = held.file.min(to);
    }

    /// Whether anybody is about to write the file.
    pub(super) fn reserved(&self) -> bool {
        self.0.values().any(|held| held.file >= Level::Reserved)
    }

    pub(super) fn take(&mut self, connection: u64, mask: u8, exclusive: bool) -> bool {
        let taken = self.others(connection).any(|held| {
            let others = if exclusive { held.shared | held.exclusive } else { held.exclusive };
            others & mask != 0
        });
        if taken {
            return false;
        }
        let held = self.0.entry(connection).or_default();
        if exclusive {
            held.exclusive |= mask;
        } else {
            held.shared |= mask;
        }
        true
    }

    pub(super) fn release(&mut self, connection: u64, mask: u8) {
        let held = self.0.entry(connection).or_default();
        held.shared &= !mask;
        held.exclusive &= !mask;
    }

    /// Everything that a connection held is free again.
    pub(super) fn forget(&mut self, connection: u64) {
        self.0.remove(&connection);
    }

    pub(super) fn forget_all(&mut self, gone: impl Fn(&u64) -> bool) {
        self.0.retain(|connection, _| !gone(connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_and_writers_do_not() {
        let mut locks = Locks::default();
        assert!(locks.raise(1, Level::Shared) && locks.raise(2, Level::Shared));
        assert!(locks.raise(1, Level::Reserved) && !locks.raise(2, Level::Reserved) && locks.reserved());
        assert!(!locks.raise(1, Level::Exclusive));
        locks.lower(1, Level::Shared);
        assert!(!locks.raise(2, Level::Exclusive), "one still reads");
        assert!(!locks.raise(3, Level::Shared), "one waits to write");
        locks.forget(1);
        assert!(locks.raise(2, Level::Exclusive));
    }

    #[test]
    fn the_eight_locks_are_apart() {
        let mut locks = Locks::default();
        assert!(locks.take(1, 0b1, true) && locks.take(2, 0b10, true));
        assert!(!locks.take(2, 0b1, false) && !locks.take(1, 0b11, true));
        assert!(locks.take(1, 0b100, false) && locks.take(2, 0b100, false) && !locks.take(2, 0b100, true));
        locks.release(1, 0b101);
        assert!(locks.take(2, 0b101, true));
    }
}
