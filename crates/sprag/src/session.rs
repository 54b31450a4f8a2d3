//! The rows of a session: its ratchet, and until it is answered the handshake that its messages repeat.
//!
//! It does not know whom the session is with.

use sprag_core::handshake::Fields;
use sprag_core::ratchet::Session;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok, read_list};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};

/// A session as it is stored.
pub(crate) struct Stored {
    pub(crate) session: Session,
    /// Ours, and not answered yet: these go with every message.
    pub(crate) fields: Option<Fields>,
}

impl Stored {
    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        let hot = snapshot.require(Table::Session, row)?;
        let skipped: Vec<Vec<u8>> = match snapshot.get(Table::Skipped, row)? {
            Some(blocks) => read_list(&mut Reader::new(blocks.expose_secret()))?,
            None => Vec::new(),
        };
        let mut reader = Reader::new(hot.expose_secret());
        ok(reader.array_of(2))?;
        let session = ok(Session::decode(ok(reader.bytes())?, skipped.iter().map(Vec::as_slice)))?;
        let fields = if reader.take_null() { None } else { Some(read_fields(&mut reader)?) };
        ok(reader.end())?;
        Ok(Self { session, fields })
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        let mut writer = Writer::new();
        writer.array(2).bytes(self.session.encode().expose_secret());
        match &self.fields {
            Some(fields) => fields.write(writer.array(5)),
            None => {
                writer.null();
            }
        }
        tx.put(Table::Session, row, writer.finish_secret().expose_secret())?;
        if self.session.skipped() == 0 {
            tx.delete(Table::Skipped, row)?;
            return Ok(());
        }
        let blocks = self.session.encode_skipped();
        let mut writer = Writer::new();
        writer.array(blocks.len());
        blocks.iter().for_each(|block: &SecretBytes| {
            writer.bytes(block.expose_secret());
        });
        Ok(tx.put(Table::Skipped, row, writer.finish_secret().expose_secret())?)
    }

    pub(crate) fn delete(tx: &Tx<'_>, row: i64) -> Result<()> {
        tx.delete(Table::Session, row)?;
        tx.delete(Table::Skipped, row)?;
        Ok(())
    }
}

fn read_fields(reader: &mut Reader<'_>) -> Result<Fields> {
    ok(reader.array_of(5))?;
    ok(Fields::read(reader))
}

/// Commitments of envelopes that were opened, or our own, in blocks: what makes a repeat a duplicate.
pub(crate) struct Seen;

/// Commitments in a block.
const BLOCK: usize = 128;

/// Blocks that are kept: the last 4,096 commitments.
const BLOCKS: usize = 32;

struct Block(Vec<Vec<u8>>);

impl Row for Block {
    fn write(&self, writer: &mut Writer) {
        codec::write_list(writer, &self.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        read_list(reader).map(Self)
    }
}

impl Seen {
    fn key(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> Vec<u8> {
        snapshot.keyed_hash("seen", commitment)[..8].to_vec()
    }

    fn blocks(snapshot: &Snapshot<'_>, contact: i64) -> Result<Vec<(i64, Block)>> {
        let first = contact * 65_536;
        let rows = snapshot.scan(Table::Seen, first, BLOCKS + 1)?;
        let own = rows.into_iter().take_while(|(id, _)| *id < first + 65_536);
        own.map(|(id, row)| Ok((id, codec::decode(row.expose_secret())?))).collect()
    }

    /// Whether a commitment is known with this contact; 0 is ourselves.
    pub(crate) fn has(snapshot: &Snapshot<'_>, contact: i64, commitment: &[u8; 32]) -> Result<bool> {
        let key = Self::key(snapshot, commitment);
        Ok(Self::blocks(snapshot, contact)?.iter().any(|(_, block)| block.0.contains(&key)))
    }

    /// Remembers a commitment.
    pub(crate) fn add(tx: &Tx<'_>, contact: i64, commitment: &[u8; 32]) -> Result<()> {
        let key = Self::key(tx, commitment);
        let mut blocks = Self::blocks(tx, contact)?;
        let first = contact * 65_536;
        let (id, mut block) = match blocks.pop() {
            Some((id, block)) if block.0.len() < BLOCK => (id, block),
            // After eight million messages the numbers are at their end: begin again, with what was seen last kept.
            Some((id, block)) if id == first + 65_535 => {
                for (old, _) in &blocks {
                    tx.delete(Table::Seen, *old)?;
                }
                tx.delete(Table::Seen, id)?;
                tx.put(Table::Seen, first + 1, codec::encode(&block).expose_secret())?;
                (first + 2, Block(Vec::new()))
            }
            Some((id, _)) => (id + 1, Block(Vec::new())),
            None => (first + 1, Block(Vec::new())),
        };
        block.0.push(key);
        let full = block.0.len() == 1 && blocks.len() + 1 >= BLOCKS;
        if let Some((oldest, _)) = blocks.first().filter(|_| full) {
            tx.delete(Table::Seen, *oldest)?;
        }
        Ok(tx.put(Table::Seen, id, codec::encode(&block).expose_secret())?)
    }
}
