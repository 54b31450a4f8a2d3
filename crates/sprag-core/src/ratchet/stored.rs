//! A session as it is stored: what every message rewrites, what stays as it is for many, and the skipped keys in blocks.

use alloc::vec::Vec;

use super::braid::Braid;
use super::chain::Chain;
use super::closed::ClosedChains;
use super::double::Session;
use super::epochs::Epochs;
use super::freshness::{Freshness, Steps};
use super::header::COUNTER_MAX;
use super::resume::Resumptions;
use super::root::Root;
use super::skipped::SkippedKeys;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::error::{Error, Result};
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Reader, Writer};

/// The format of the encoding.
const FORMAT: u64 = 1;

/// No session lives to count this far; what claims to have is damaged, and could be counted on no further.
const COUNTS: u64 = u64::MAX >> 1;

impl Session {
    /// What every message changes: under 1,900 bytes.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(19).uint(FORMAT).uint(self.generation).uint(self.turns);
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
        self.epochs.write(&mut writer);
        self.braid.write(&mut writer);
        let Freshness { epoch: _, since_turn, since_epoch, turns_in_epoch } = self.freshness;
        [since_turn, since_epoch, turns_in_epoch].into_iter().for_each(|count| {
            writer.uint(count.into());
        });
        writer.uint(self.steps.day).uint(self.steps.made.into());
        self.closed.write(&mut writer);
        writer.finish_secret()
    }

    /// What stays as it is for many messages: who the session is with, and what half an epoch of the braid works on. Under
    /// 2,700 bytes.
    #[must_use]
    pub fn encode_cold(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(5).uint(FORMAT).bytes(&self.transcript);
        self.resumptions.write(&mut writer);
        self.braid.write_cold(&mut writer);
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

    /// Reads what [`Self::encode`], [`Self::encode_cold`] and [`Self::encode_skipped`] wrote, the blocks in any order.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`] for another format, [`Error::BadKey`].
    pub fn decode<'a>(hot: &[u8], cold: &[u8], skipped: impl IntoIterator<Item = &'a [u8]>) -> Result<Self> {
        let (hot, cold) = (&mut Reader::new(hot), &mut Reader::new(cold));
        hot.array_of(19)?;
        cold.array_of(5)?;
        if hot.uint()? != FORMAT || cold.uint()? != FORMAT {
            return Err(Error::Unsupported);
        }
        let (generation, turns) = (hot.uint_max(COUNTS)?, hot.uint_max(COUNTS)?);
        let (root, ours) = (Root(secret(hot)?), DhSecret::from_secret(secret(hot)?));
        let theirs = optional(hot, |reader| DhPublic::from_bytes(reader.fixed()?))?;
        let (sending, receiving) = (optional(hot, chain)?, optional(hot, chain)?);
        let (next_sending, next_receiving) = (secret(hot)?, secret(hot)?);
        let previous = u32::try_from(hot.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)?;
        let transcript = cold.fixed()?;
        let epochs = Epochs::read(hot)?;
        let resumptions = Resumptions::read(cold, epochs.newest())?;
        let braid = Braid::read(hot, cold)?;
        let (since_turn, since_epoch, turns_in_epoch) = (count(hot)?, count(hot)?, count(hot)?);
        let steps = Steps { day: hot.uint_max(COUNTS)?, made: count(hot)? };
        let closed = ClosedChains::read(hot)?;
        hot.end()?;
        cold.end()?;
        // The braid works on the epoch after the newest one, or has the key of its own already.
        if !braid.follows(epochs.newest()) {
            return Err(Error::Malformed);
        }
        let freshness = Freshness { epoch: braid.epoch() - 1, since_turn, since_epoch, turns_in_epoch };
        let skipped = SkippedKeys::decode(skipped.into_iter())?;
        Ok(Self {
            transcript,
            generation,
            turns,
            root,
            ours,
            theirs,
            sending,
            receiving,
            next_sending,
            next_receiving,
            previous,
            resumptions,
            skipped,
            closed,
            braid,
            epochs,
            freshness,
            steps,
        })
    }
}

fn count(reader: &mut Reader<'_>) -> Result<u32> {
    u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)
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
