//! What a disk keeps when the power goes: changes, which of them were made durable, and what can be left of the rest.
//!
//! It knows no SQLite and no locks. Names are changed in order, as by a file system with a journal; the contents of
//! files are not.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::random::Dice;

/// Bytes that a disk writes at once.
const SECTOR: usize = 512;

/// The files that SQLite keeps for one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The database.
    Main,
    /// The write-ahead log.
    Wal,
    /// The rollback journal, before the write-ahead log is turned on.
    Journal,
}

/// One change, in the order in which SQLite made it.
#[derive(Clone, Debug)]
pub enum Change {
    /// A name begins to name a new, empty file.
    Create {
        /// The name.
        name: Name,
        /// The number of the file.
        file: u64,
    },
    /// A name names nothing any more.
    Remove {
        /// The name.
        name: Name,
    },
    /// Bytes were written.
    Write {
        /// The number of the file.
        file: u64,
        /// Where.
        offset: usize,
        /// What.
        data: Arc<[u8]>,
    },
    /// A file was cut or filled up with zeros.
    Truncate {
        /// The number of the file.
        file: u64,
        /// Its new length.
        length: usize,
    },
    /// What was written to a file before is durable, and its name.
    Sync {
        /// The number of the file.
        file: u64,
    },
    /// All names are durable.
    SyncNames,
}

/// What power loss does to changes that were not made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of them are kept: a killed process.
    Nothing,
    /// All of them are lost.
    Unsynced,
    /// The last write came only in part: some of its sectors. The number decides which.
    Torn(u64),
    /// Any of them may be kept, whatever their order, and some in part. The number decides which.
    Reordered(u64),
}

/// The names and contents of files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Image {
    names: BTreeMap<Name, u64>,
    files: BTreeMap<u64, Vec<u8>>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.names.iter().map(|(name, file)| (name, self.of(*file).len()))).finish()
    }
}

impl Image {
    /// The contents under a name, if it names something.
    #[must_use]
    pub fn contents(&self, name: Name) -> Option<&[u8]> {
        self.file(name).and_then(|file| self.files.get(&file)).map(Vec::as_slice)
    }

    /// All names that name something.
    pub fn names(&self) -> impl Iterator<Item = Name> + '_ {
        self.names.keys().copied()
    }

    /// Flips one bit, if the file has it: damage.
    pub fn flip(&mut self, name: Name, bit: usize) {
        if let Some(byte) = self.file(name).and_then(|file| self.files.get_mut(&file)?.get_mut(bit / 8)) {
            *byte ^= 1 << (bit % 8);
        }
    }

    pub(super) fn file(&self, name: Name) -> Option<u64> {
        self.names.get(&name).copied()
    }

    pub(super) fn last_file(&self) -> u64 {
        self.files.keys().copied().max().unwrap_or(0)
    }

    pub(super) fn of(&self, file: u64) -> &[u8] {
        self.files.get(&file).map_or(&[], Vec::as_slice)
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Create { name, file } => {
                self.names.insert(*name, *file);
                self.files.entry(*file).or_default();
            }
            Change::Remove { name } => {
                self.names.remove(name);
            }
            Change::Write { file, offset, data } => self.write(*file, *offset, data),
            Change::Truncate { file, length } => self.files.entry(*file).or_default().resize(*length, 0),
            Change::Sync { .. } | Change::SyncNames => {}
        }
    }

    fn write(&mut self, file: u64, offset: usize, data: &[u8]) {
        let contents = self.files.entry(file).or_default();
        let end = offset + data.len();
        if contents.len() < end {
            contents.resize(end, 0);
        }
        contents[offset..end].copy_from_slice(data);
    }

    /// Forgets files that no name names. Only where no connection has one of them open.
    pub(super) fn tidy(mut self) -> Self {
        let named: Vec<u64> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file));
        self
    }

    /// Writes some sectors of a write.
    fn tear(&mut self, file: u64, offset: usize, data: &[u8], dice: &mut Dice) {
        // Mostly a first part or a last part, sometimes any.
        let sectors = (offset + data.len()).div_ceil(SECTOR) - offset / SECTOR;
        let cut = dice.below(sectors + 1);
        let how = dice.below(3);
        for sector in 0..sectors {
            let kept = match how {
                0 => sector < cut,
                1 => sector >= cut,
                _ => dice.below(2) == 0,
            };
            let from = ((offset / SECTOR + sector) * SECTOR).max(offset);
            let to = ((offset / SECTOR + sector + 1) * SECTOR).min(offset + data.len());
            if kept {
                self.write(file, from, &data[from - offset..to - offset]);
            }
        }
    }
}

/// A disk's contents: what is durable, and what is not yet.
#[derive(Clone, Debug, Default)]
pub struct Medium {
    durable: Image,
    pending: Vec<Change>,
}

impl Medium {
    /// Everything in the image is durable.
    #[must_use]
    pub const fn new(image: Image) -> Self {
        Self { durable: image, pending: Vec::new() }
    }

    /// Makes a change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Sync { file } => {
                // A file that was just made is synced together with its name, and so with what the names were before.
                let made = self.pending.iter().rposition(|c| matches!(c, Change::Create { file: f, .. } if *f == file));
                self.settle(|at, change| match change {
                    Change::Create { .. } | Change::Remove { .. } => made.is_some_and(|made| at <= made),
                    Change::Write { file: f, .. } | Change::Truncate { file: f, .. } => *f == file,
                    Change::Sync { .. } | Change::SyncNames => true,
                });
            }
            Change::SyncNames => {
                self.settle(|_, change| matches!(change, Change::Create { .. } | Change::Remove { .. }));
            }
            change => self.pending.push(change),
        }
    }

    fn settle(&mut self, durable: impl Fn(usize, &Change) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        for (at, change) in pending.into_iter().enumerate() {
            if durable(at, &change) {
                self.durable.apply(&change);
            } else {
                self.pending.push(change);
            }
        }
    }

    /// Whether everything is durable, so that every loss is the same.
    #[must_use]
    pub const fn settled(&self) -> bool {
        self.pending.is_empty()
    }

    /// What is left when the power goes now.
    #[must_use]
    pub fn cut(&self, loss: Loss) -> Image {
        let mut image = self.durable.clone();
        match loss {
            Loss::Nothing => self.pending.iter().for_each(|change| image.apply(change)),
            Loss::Unsynced => {}
            Loss::Torn(number) => {
                let last = self.pending.len().saturating_sub(1);
                for (at, change) in self.pending.iter().enumerate() {
                    match change {
                        Change::Write { file, offset, data } if at == last => {
                            image.tear(*file, *offset, data, &mut Dice::new(number));
                        }
                        change => image.apply(change),
                    }
                }
            }
            Loss::Reordered(number) => self.reorder(&mut image, &mut Dice::new(number)),
        }
        image.tidy()
    }

    fn reorder(&self, image: &mut Image, dice: &mut Dice) {
        let named = |change: &Change| matches!(change, Change::Create { .. } | Change::Remove { .. });
        let names = dice.below(self.pending.iter().filter(|change| named(change)).count() + 1);
        let mut seen = 0;
        for change in &self.pending {
            match change {
                change if named(change) => {
                    seen += 1;
                    if seen <= names {
                        image.apply(change);
                    }
                }
                Change::Write { file, offset, data } if dice.below(8) == 0 => image.tear(*file, *offset, data, dice),
                change if dice.below(2) == 0 => image.apply(change),
                _ => {}
            }
        }
    }
}
