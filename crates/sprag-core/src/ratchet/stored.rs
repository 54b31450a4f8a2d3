//! A session as it is stored: a small part that every message rewrites, and the skipped keys in blocks beside it.

use alloc::vec::Vec;

use super::chain::Chain;
use super::double::Session;
use super::header::COUNTER_MAX;
use super::root::Root;
use super::skipped::SkippedKeys;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::error::{Error, Result};
use crate::handshake::Resumption;
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Reader, Writer};

/// The format of the encoding.
const FORMAT: u64 = 1;

/// No session lives to count this far; what claims to have is damaged, and could be counted on no further.
const COUNTS: u64 = u64::MAX >> 1;

impl Session {
    /// All but the skipped keys: under 500 bytes.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(13).uint(FORMAT).bytes(&self.transcript).uint(self.generation).uint(self.turns);
        writer.bytes(self.root.0.expose_secret()).bytes(self.ours.expose_secret());
        match &self.theirs {
            Some(theirs) => writer.bytes(theirs.as_bytes()),
            None => writer.null(),
        };
        [&self.sending, &self.receiving].into_iter().for_each(|chain| match chain {
            Some(chain) => chain.write(writer.array(3)),
            None => {
                writer.null();
            }
        });
        writer.bytes(self.next_sending.expose_secret()).bytes(self.next_receiving.expose_secret());
        writer.uint(self.previous.into());
        match &self.resumption {
            Some(resumption) => writer.bytes(resumption.secret().expose_secret()),
            None => writer.null(),
        };
        writer.finish_secret()
    }

    /// The skipped keys, in blocks of at most [`BLOCK`](super::BLOCK), in order of the blocks' ids.
    #[must_use]
    pub fn encode_skipped(&self) -> Vec<SecretBytes> {
        self.skipped.encode().into_values().collect()
    }

    /// The blocks of skipped keys that are not as [`Self::decode`] read them: the id of each, below
    /// [`BLOCK_IDS`](super::BLOCK_IDS), and its bytes, or `None` where it is gone. Which keys are in which block never
    /// changes: a key that comes or goes changes one block, and the end of a chain those of this chain.
    #[must_use]
    pub fn changed_skipped(&self) -> Vec<(u32, Option<SecretBytes>)> {
        self.skipped.changed()
    }

    /// Reads what [`Self::encode`] and [`Self::encode_skipped`] wrote, the blocks in any order.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`] for another format, [`Error::BadKey`].
    pub fn decode<'a>(bytes: &[u8], skipped: impl IntoIterator<Item = &'a [u8]>) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(13)?;
        if reader.uint()? != FORMAT {
            return Err(Error::Unsupported);
        }
        let session = Self {
            transcript: reader.fixed()?,
            generation: reader.uint_max(COUNTS)?,
            turns: reader.uint_max(COUNTS)?,
            root: Root(secret(&mut reader)?),
            ours: DhSecret::from_secret(secret(&mut reader)?),
            theirs: optional(&mut reader, |reader| DhPublic::from_bytes(reader.fixed()?))?,
            sending: optional(&mut reader, chain)?,
            receiving: optional(&mut reader, chain)?,
            next_sending: secret(&mut reader)?,
            next_receiving: secret(&mut reader)?,
            previous: u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)?,
            resumption: optional(&mut reader, |reader| Ok(Resumption::from_secret(secret(reader)?)))?,
            skipped: SkippedKeys::decode(skipped.into_iter())?,
        };
        reader.end()?;
        Ok(session)
    }
}

fn secret(reader: &mut Reader<'_>) -> Result<Secret<32>> {
    Secret::from_slice(reader.bytes()?)
}

fn chain(reader: &mut Reader<'_>) -> Result<Chain> {
    reader.array_of(3)?;
    Chain::read(reader)
}

fn optional<T>(reader: &mut Reader<'_>, read: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<Option<T>> {
    if reader.take_null() { Ok(None) } else { read(reader).map(Some) }
}
