//! Which envelopes were opened, where in their chains, and which messages shown: what makes a repeat a duplicate, and a
//! second message in one place the trace of a copied phone.
//!
//! It does not know what was in them. Keyed hashes of commitments and of messages' ids, and names of positions, each after
//! the commitment that was opened there, in blocks: 6,144 for each contact, of 2,048 messages.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::ratchet::Position;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};

/// Bytes that are kept of a commitment.
const LENGTH: usize = 8;

/// Commitments in a block.
const BLOCK: usize = 128;

/// Names that are put into a block at once: of six messages.
const RECENT: usize = 18;

/// Blocks that are looked through for a message that was sealed anew.
const NEAR: usize = 6;

/// Blocks that are kept.
const BLOCKS: usize = 48;

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

/// Whether another envelope than the one with this commitment was opened at a position.
pub(crate) fn has_another(snapshot: &Snapshot<'_>, whose: i64, at: Position, commitment: &[u8; 32]) -> Result<bool> {
    let key = key(snapshot, commitment);
    for id in blocks(snapshot, whose)?.into_iter().rev() {
        if let Some(opened) = opened_at(&Block::load(snapshot, id)?.0, at) {
            return Ok(opened != key);
        }
    }
    Ok(false)
}

/// The commitment, among such names, of the envelope that was opened at a position.
fn opened_at(names: &[u8], at: Position) -> Option<Name> {
    let pairs = names.chunks_exact(LENGTH).zip(names.chunks_exact(LENGTH).skip(1));
    let (commitment, _) = pairs.into_iter().find(|(_, position)| *position == at.0)?;
    commitment.try_into().ok()
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

    pub(crate) fn add(&mut self, snapshot: &Snapshot<'_>, commitment: &[u8; 32], at: Position) {
        self.0.extend_from_slice(&key(snapshot, commitment));
        self.0.extend_from_slice(&at.0);
    }

    /// Whether another envelope than the one with this commitment was opened at a position; `None` if none of these was.
    pub(crate) fn has_another(&self, snapshot: &Snapshot<'_>, at: Position, commitment: &[u8; 32]) -> Option<bool> {
        opened_at(&self.0, at).map(|opened| opened != key(snapshot, commitment))
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
