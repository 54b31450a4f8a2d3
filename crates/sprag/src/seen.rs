//! Which envelopes were opened and which messages shown: what makes a repeat a duplicate.
//!
//! It does not know what was in them. Keyed hashes of commitments and of messages' ids, in blocks: 4,096 for each contact.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};

/// Bytes that are kept of a commitment.
const LENGTH: usize = 8;

/// Commitments in a block.
const BLOCK: usize = 128;

/// Names that are put into a block at once: of six messages.
const RECENT: usize = 12;

/// Blocks that are looked through for a message that was sealed anew.
const NEAR: usize = 4;

/// Blocks that are kept.
const BLOCKS: usize = 32;

/// Numbers that a contact's blocks can have.
const NUMBERS: i64 = 65_536;

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

/// What is kept of a commitment or an id.
pub(crate) type Name = [u8; LENGTH];

fn key(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> Name {
    snapshot.keyed_hash("seen", commitment).first_chunk().copied().unwrap_or_default()
}

/// What is kept of a message's id, which is unique among those of one account key.
pub(crate) fn message_key(snapshot: &Snapshot<'_>, sender: &VerifyKey, id: &[u8]) -> Name {
    let named = [sender.as_bytes(), id].concat();
    snapshot.keyed_hash("shown", &named).first_chunk().copied().unwrap_or_default()
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
    is_among(snapshot, whose, &key(snapshot, commitment), BLOCKS)
}

/// Whether a message of this name was shown, among the last few hundred.
pub(crate) fn has_shown(snapshot: &Snapshot<'_>, whose: i64, name: &Name) -> Result<bool> {
    is_among(snapshot, whose, name, NEAR)
}

fn is_among(snapshot: &Snapshot<'_>, whose: i64, name: &Name, latest: usize) -> Result<bool> {
    for id in blocks(snapshot, whose)?.into_iter().rev().take(latest) {
        if Block::load(snapshot, id)?.0.chunks_exact(LENGTH).any(|known| known == name) {
            return Ok(true);
        }
    }
    Ok(false)
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

    pub(crate) fn add_name(&mut self, name: &Name) {
        self.0.extend_from_slice(name);
    }

    pub(crate) fn has(&self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> bool {
        self.has_name(&key(snapshot, commitment))
    }

    pub(crate) fn has_name(&self, name: &Name) -> bool {
        self.0.chunks_exact(LENGTH).any(|known| known == name)
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
