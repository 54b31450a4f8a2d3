//! Keys of messages that have not come yet: bounded, in order of age, oldest out first (Double Ratchet, section 2.6).
//!
//! A chain whose keys are all used or gone is forgotten with its header key.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::header::COUNTER_MAX;
use super::message::{MessageKey, Slot};
use crate::error::{Error, Result};
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Reader, Writer};

/// Skipped message keys that a session keeps at most.
pub const MAX_SKIPPED: usize = 2_000;

/// Chains with missing messages that a session keeps at most.
pub const MAX_CHAINS: usize = 64;

/// Seconds after which a skipped key is dropped: 30 days.
pub const SKIPPED_LIFETIME: u64 = 30 * 86_400;

/// Skipped keys in one stored block.
pub const BLOCK: usize = 32;

struct Skipped {
    n: u32,
    at: u64,
    key: MessageKey,
}

struct Missing {
    header_key: Secret<32>,
    /// The chain's final length, once it is closed. A later number in it is impossible.
    length: Option<u32>,
    keys: VecDeque<Skipped>,
}

/// All skipped keys of a session, the oldest chain first.
#[derive(Default)]
pub(super) struct SkippedKeys {
    chains: VecDeque<Missing>,
}

/// Where a slot was found among the skipped keys.
pub(super) struct Place {
    chain: usize,
    key: usize,
}

impl SkippedKeys {
    pub(super) fn len(&self) -> usize {
        self.chains.iter().map(|chain| chain.keys.len()).sum()
    }

    /// Finds the slot's header among old chains. `None`: under none of their header keys.
    ///
    /// # Errors
    /// [`Error::KeyGone`] if its key was used or dropped, [`Error::Evidence`] for a number beyond a closed chain.
    pub(super) fn find(&self, slot: &Slot<'_>) -> Option<Result<(super::header::Header, Place)>> {
        self.chains.iter().enumerate().rev().find_map(|(at, chain)| {
            let header = match slot.header(&chain.header_key)? {
                Ok(header) => header,
                Err(error) => return Some(Err(error)),
            };
            if chain.length.is_some_and(|length| header.n >= length) {
                return Some(Err(Error::Evidence));
            }
            let key = chain.keys.iter().position(|skipped| skipped.n == header.n);
            // In a chain that is still open, a number without a skipped key is for the chain itself to judge.
            match key {
                Some(key) => Some(Ok((header, Place { chain: at, key }))),
                None if chain.length.is_none() => None,
                None => Some(Err(Error::KeyGone)),
            }
        })
    }

    /// A copy of the key at a place that [`Self::find`] gave.
    pub(super) fn key(&self, place: &Place) -> Result<MessageKey> {
        let chain = self.chains.get(place.chain).ok_or(Error::KeyGone)?;
        chain.keys.get(place.key).map(|skipped| MessageKey(skipped.key.0.duplicate())).ok_or(Error::KeyGone)
    }

    pub(super) fn remove(&mut self, place: &Place) {
        if let Some(chain) = self.chains.get_mut(place.chain) {
            chain.keys.remove(place.key);
        }
        self.tidy();
    }

    /// Adds the keys of one chain, numbered on from `first`.
    pub(super) fn add(&mut self, header_key: &Secret<32>, first: u32, keys: VecDeque<MessageKey>, now: u64) {
        if keys.is_empty() {
            return;
        }
        let known = self.chains.iter().position(|chain| chain.header_key.ct_eq(header_key));
        let chain = match known.and_then(|at| self.chains.get_mut(at)) {
            Some(chain) => chain,
            None => {
                let missing = Missing { header_key: header_key.duplicate(), length: None, keys: VecDeque::new() };
                self.chains.push_back(missing);
                match self.chains.back_mut() {
                    Some(chain) => chain,
                    None => return,
                }
            }
        };
        chain.keys.extend((first..).zip(keys).map(|(n, key)| Skipped { n, at: now, key }));
    }

    /// Notes that a chain is closed at `length`.
    pub(super) fn close(&mut self, header_key: &Secret<32>, length: u32) {
        if let Some(chain) = self.chains.iter_mut().find(|chain| chain.header_key.ct_eq(header_key)) {
            chain.length = Some(length);
        }
    }

    /// Enforces the bounds: what is too old, then the oldest of what is too many.
    pub(super) fn bound(&mut self, now: u64) {
        for chain in &mut self.chains {
            chain.keys.retain(|skipped| skipped.at.saturating_add(SKIPPED_LIFETIME) > now);
        }
        self.tidy();
        let mut surplus = self.len().saturating_sub(MAX_SKIPPED);
        for chain in &mut self.chains {
            let out = surplus.min(chain.keys.len());
            chain.keys.drain(..out);
            surplus -= out;
        }
        self.tidy();
        while self.chains.len() > MAX_CHAINS {
            self.chains.pop_front();
        }
    }

    fn tidy(&mut self) {
        self.chains.retain(|chain| !chain.keys.is_empty());
    }

    /// The keys in blocks of at most [`BLOCK`], each to be stored in a row of its own.
    pub(super) fn encode(&self) -> Vec<SecretBytes> {
        let mut blocks = Vec::new();
        for chain in &self.chains {
            let mut keys = chain.keys.iter().peekable();
            while keys.peek().is_some() {
                let block: Vec<&Skipped> = keys.by_ref().take(BLOCK).collect();
                let mut writer = Writer::new();
                writer.array(3).bytes(chain.header_key.expose_secret());
                match chain.length {
                    Some(length) => writer.uint(length.into()),
                    None => writer.null(),
                };
                writer.array(block.len());
                for skipped in block {
                    writer.array(3).uint(skipped.n.into()).uint(skipped.at).bytes(skipped.key.0.expose_secret());
                }
                blocks.push(writer.finish_secret());
            }
        }
        blocks
    }

    /// Reads blocks in the order in which they were written.
    pub(super) fn decode<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        let mut all = Self::default();
        for block in blocks {
            let mut reader = Reader::new(block);
            reader.array_of(3)?;
            let header_key: Secret<32> = Secret::from_slice(reader.bytes()?)?;
            let length = if reader.take_null() { None } else { Some(counter(&mut reader)?) };
            let count = reader.array()?;
            if count == 0 || count > BLOCK {
                return Err(Error::Malformed);
            }
            let mut keys = VecDeque::with_capacity(count);
            for _ in 0..count {
                reader.array_of(3)?;
                let (n, at) = (counter(&mut reader)?, reader.uint()?);
                keys.push_back(Skipped { n, at, key: MessageKey(Secret::from_slice(reader.bytes()?)?) });
            }
            reader.end()?;
            match all.chains.back_mut() {
                Some(last) if last.header_key.ct_eq(&header_key) => last.keys.extend(keys),
                _ => all.chains.push_back(Missing { header_key, length, keys }),
            }
        }
        if all.len() > MAX_SKIPPED || all.chains.len() > MAX_CHAINS { Err(Error::Malformed) } else { Ok(all) }
    }
}

fn counter(reader: &mut Reader<'_>) -> Result<u32> {
    u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)
}
