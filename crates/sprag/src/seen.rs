//! Which envelopes were seen: what makes a repeat a duplicate, and an own message an echo.
//!
//! It does not know what was in them. Keyed hashes of commitments, in blocks: 4,096 for each contact, and as many of our
//! own.

use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};

/// Bytes that are kept of a commitment.
const LENGTH: usize = 8;

/// Commitments in a block.
const BLOCK: usize = 128;

/// Commitments that are put into a block at once.
const RECENT: usize = 8;

/// Blocks that are kept.
const BLOCKS: usize = 32;

/// Numbers that a contact's blocks can have.
const NUMBERS: i64 = 65_536;

/// Whose envelopes: a contact's row, or 0 for our own.
pub(crate) const OWN: i64 = 0;

struct Block(Vec<u8>);

impl Row for Block {
    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let block = Self(Row::read(reader)?);
        if block.0.len().is_multiple_of(LENGTH) { Ok(block) } else { Err(CORRUPT) }
    }
}

impl Block {
    fn load(snapshot: &Snapshot<'_>, id: i64) -> Result<Self> {
        codec::decode(snapshot.require(Table::Seen, id)?.expose_secret())
    }

    fn is_full(&self) -> bool {
        self.0.len() >= BLOCK * LENGTH
    }
}

fn key(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> [u8; LENGTH] {
    let hash = snapshot.keyed_hash("seen", commitment);
    hash.first_chunk().copied().unwrap_or_default()
}

/// The numbers of somebody's blocks, oldest first.
fn blocks(snapshot: &Snapshot<'_>, whose: i64) -> Result<Vec<i64>> {
    let first = whose * NUMBERS;
    let mut ids = snapshot.ids(Table::Seen, first, BLOCKS + 1)?;
    ids.retain(|id| *id < first + NUMBERS);
    Ok(ids)
}

/// Whether an envelope with this commitment was seen.
pub(crate) fn has(snapshot: &Snapshot<'_>, whose: i64, commitment: &[u8; 32]) -> Result<bool> {
    let key = key(snapshot, commitment);
    for id in blocks(snapshot, whose)?.into_iter().rev() {
        if Block::load(snapshot, id)?.0.chunks_exact(LENGTH).any(|known| known == key) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Remembers one commitment.
pub(crate) fn add_one(tx: &Tx<'_>, whose: i64, commitment: &[u8; 32]) -> Result<()> {
    let mut one = Recent::NONE;
    one.add(tx, commitment);
    add(tx, whose, one.take())
}

/// Remembers commitments, and forgets the oldest block for them where there are too many.
pub(crate) fn add(tx: &Tx<'_>, whose: i64, keys: Keys) -> Result<()> {
    if keys.0.is_empty() {
        return Ok(());
    }
    let first = whose * NUMBERS;
    let ids = blocks(tx, whose)?;
    let (id, mut block) = match ids.last() {
        None => (first + 1, Block(Vec::new())),
        Some(id) => match Block::load(tx, *id)? {
            block if !block.is_full() => (*id, block),
            // After eight million messages the numbers are at their end: begin again, with what was seen last kept.
            block if *id == first + NUMBERS - 1 => {
                for old in &ids {
                    tx.delete(Table::Seen, *old)?;
                }
                tx.put(Table::Seen, first + 1, codec::encode(&block).expose_secret())?;
                (first + 2, Block(Vec::new()))
            }
            _ => (id + 1, Block(Vec::new())),
        },
    };
    if let Some(oldest) = ids.first().filter(|_| block.0.is_empty() && ids.len() >= BLOCKS) {
        tx.delete(Table::Seen, *oldest)?;
    }
    block.0.extend_from_slice(&keys.0);
    Ok(tx.put(Table::Seen, id, codec::encode(&block).expose_secret())?)
}

/// Commitments that are to be put into a block.
pub(crate) struct Keys(Vec<u8>);

/// The last few commitments, kept elsewhere until there are enough of them for a block to be rewritten.
pub(crate) struct Recent(Vec<u8>);

impl Recent {
    /// None.
    pub(crate) const NONE: Self = Self(Vec::new());

    pub(crate) fn add(&mut self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) {
        self.0.extend_from_slice(&key(snapshot, commitment));
    }

    pub(crate) fn has(&self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> bool {
        let key = key(snapshot, commitment);
        self.0.chunks_exact(LENGTH).any(|known| known == key)
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.0.len() >= RECENT * LENGTH
    }

    pub(crate) fn take(&mut self) -> Keys {
        Keys(core::mem::take(&mut self.0))
    }
}

impl Row for Recent {
    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let recent = Self(Row::read(reader)?);
        if recent.0.len().is_multiple_of(LENGTH) { Ok(recent) } else { Err(CORRUPT) }
    }
}
