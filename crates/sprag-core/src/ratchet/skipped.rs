//! Keys of messages that have not come yet: bounded, in order of age, oldest out first (Double Ratchet, section 2.6).
//!
//! A chain whose keys are all used or gone is forgotten with its header key.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::closed::Position;
use super::header::{COUNTER_MAX, EpochPlace};
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

/// When a key was skipped that no clock saw: always in the future.
const UNDATED: u64 = u64::MAX >> 1;

/// Seconds by which a time may be ahead of the clock.
const TOLERANCE: u64 = 86_400;

/// Skipped keys in one stored block, at most: those whose numbers differ in the last five bits only.
pub const BLOCK: usize = 32;

/// Ids of stored blocks are below this: a store can put its own number for the session above them.
pub const BLOCK_IDS: u32 = 1 << (PLACE_BITS + PLACES_BITS);

const BLOCK_BITS: u32 = BLOCK.ilog2();
const PLACE_BITS: u32 = COUNTER_MAX.count_ones() - BLOCK_BITS;
/// Twice as many as there are numbers of chains.
const PLACES_BITS: u32 = MAX_CHAINS.ilog2() + 1;

/// A key passed over.
pub(super) struct Passed {
    /// Where its message stands in the post-quantum ratchet, which its header must say too.
    pub(super) place: EpochPlace,
    pub(super) key: MessageKey,
}

struct Skipped {
    n: u32,
    at: u64,
    passed: Passed,
}

struct Missing {
    /// The lowest number that no other chain had when this one came: small, and its own for as long as it is kept.
    number: u32,
    /// Ascends from chain to chain in order of age.
    age: u64,
    header_key: Secret<32>,
    /// The chain's final length, once it is closed. A later number in it is impossible.
    length: Option<u32>,
    /// In order of numbers.
    keys: VecDeque<Skipped>,
}

impl Missing {
    /// The id of the block that the key with number `n` is stored in. It depends on nothing else, so that no other key
    /// that comes or goes moves this one to another block.
    const fn block(&self, n: u32) -> u32 {
        self.number << PLACE_BITS | n >> BLOCK_BITS
    }
}

/// All skipped keys of a session, the oldest chain first.
#[derive(Default)]
pub(super) struct SkippedKeys {
    chains: VecDeque<Missing>,
    /// The ids of blocks that are not as they were read.
    changed: BTreeSet<u32>,
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
    /// [`Error::KeyGone`] if its key was used or dropped, [`Error::Evidence`] for a number beyond a closed chain, or a place
    /// in the post-quantum ratchet that is not the one that was passed over.
    pub(super) fn find(&self, slot: &Slot<'_>) -> Option<Result<(super::header::Header, Place)>> {
        self.chains.iter().enumerate().rev().find_map(|(at, chain)| {
            let header = match slot.header(&chain.header_key)? {
                Ok(header) => header,
                Err(error) => return Some(Err(error)),
            };
            if chain.length.is_some_and(|length| header.n >= length) {
                return Some(Err(Error::Evidence));
            }
            let key = chain.keys.binary_search_by_key(&header.n, |skipped| skipped.n).ok();
            match key.and_then(|key| Some((key, chain.keys.get(key)?))) {
                // Else chunks of a later epoch would come in under keys of an old one.
                Some((_, skipped)) if skipped.passed.place != header.place() && !broken!("evidence-ignored") => {
                    Some(Err(Error::Evidence))
                }
                Some((key, _)) => Some(Ok((header, Place { chain: at, key }))),
                // In a chain that is still open, a number without a skipped key is for the chain itself to judge.
                None if chain.length.is_none() => None,
                None => Some(Err(Error::KeyGone)),
            }
        })
    }

    pub(super) fn header_keys(&self) -> impl Iterator<Item = &Secret<32>> {
        self.chains.iter().map(|chain| &chain.header_key)
    }

    /// Where the message stands whose key is at a place that [`Self::find`] gave.
    pub(super) fn position(&self, place: &Place, n: u32) -> Result<Position> {
        self.chains.get(place.chain).map(|chain| Position::new(&chain.header_key, n)).ok_or(Error::KeyGone)
    }

    /// A copy of the key at a place that [`Self::find`] gave.
    pub(super) fn key(&self, place: &Place) -> Result<MessageKey> {
        let chain = self.chains.get(place.chain).ok_or(Error::KeyGone)?;
        chain.keys.get(place.key).map(|skipped| MessageKey(skipped.passed.key.0.duplicate())).ok_or(Error::KeyGone)
    }

    pub(super) fn remove(&mut self, place: &Place) {
        let Some(chain) = self.chains.get_mut(place.chain) else { return };
        if broken!("skipped-keys-kept") {
            return;
        }
        if let Some(skipped) = chain.keys.remove(place.key) {
            self.changed.insert(chain.block(skipped.n));
        }
        self.tidy();
    }

    /// Adds the keys of one chain, numbered on from `first`. Without a clock, their age begins when one is there.
    pub(super) fn add(&mut self, header_key: &Secret<32>, first: u32, keys: VecDeque<Passed>, now: Option<u64>) {
        if keys.is_empty() {
            return;
        }
        if !self.chains.iter().any(|chain| chain.header_key.ct_eq(header_key)) {
            // One message may bring two chains: room is made before each, so that no number is ever beyond the bound.
            while self.chains.len() >= MAX_CHAINS && !broken!("skipped-without-end") {
                self.forget_oldest();
            }
            let missing = self.missing(header_key.duplicate());
            self.chains.push_back(missing);
        }
        let Some(chain) = self.chains.iter_mut().find(|chain| chain.header_key.ct_eq(header_key)) else { return };
        for (n, passed) in (first..).zip(keys) {
            self.changed.insert(chain.block(n));
            chain.keys.push_back(Skipped { n, at: now.unwrap_or(UNDATED), passed });
        }
    }

    /// A chain that nothing is kept of yet.
    fn missing(&self, header_key: Secret<32>) -> Missing {
        let free = |number: &u32| self.chains.iter().all(|chain| chain.number != *number);
        let number = (0..).find(free).unwrap_or_default();
        let age = self.chains.back().map_or(0, |chain| chain.age + 1);
        Missing { number, age, header_key, length: None, keys: VecDeque::new() }
    }

    /// Notes that a chain is closed at `length`.
    pub(super) fn close(&mut self, header_key: &Secret<32>, length: u32) {
        if let Some(chain) = self.chains.iter_mut().find(|chain| chain.header_key.ct_eq(header_key)) {
            chain.length = Some(length);
            self.changed.extend(chain.keys.iter().map(|skipped| chain.block(skipped.n)));
        }
    }

    /// Drops what is too old, and counts the age of what is of the future from now on; whether there was either.
    pub(super) fn expire(&mut self, now: u64) -> bool {
        if broken!("skipped-without-end") {
            return false;
        }
        let is_old = |skipped: &Skipped| now.saturating_sub(skipped.at) >= SKIPPED_LIFETIME;
        let mut changes = false;
        for chain in &mut self.chains {
            for at in 0..chain.keys.len() {
                let Some(skipped) = chain.keys.get_mut(at) else { continue };
                // A clock that goes back a little each day would have every key written again.
                let is_ahead = skipped.at > now.saturating_add(TOLERANCE);
                if is_ahead {
                    skipped.at = now;
                }
                if is_ahead || is_old(skipped) {
                    changes = true;
                    let n = skipped.n;
                    self.changed.insert(chain.block(n));
                }
            }
            chain.keys.retain(|skipped| !is_old(skipped));
        }
        self.tidy();
        changes
    }

    /// Drops the oldest of what is too many.
    pub(super) fn bound(&mut self) {
        if broken!("skipped-without-end") {
            return;
        }
        let mut surplus = self.len().saturating_sub(MAX_SKIPPED);
        for chain in &mut self.chains {
            let out = surplus.min(chain.keys.len());
            self.changed.extend(chain.keys.iter().take(out).map(|skipped| chain.block(skipped.n)));
            chain.keys.drain(..out);
            surplus -= out;
        }
        self.tidy();
    }

    fn forget_oldest(&mut self) {
        let oldest = self.chains.pop_front();
        self.changed.extend(oldest.iter().flat_map(|chain| chain.keys.iter().map(|skipped| chain.block(skipped.n))));
    }

    fn tidy(&mut self) {
        self.chains.retain(|chain| !chain.keys.is_empty());
    }

    /// The keys in blocks of at most [`BLOCK`] with their ids, each to be stored in a row of its own.
    pub(super) fn encode(&self) -> BTreeMap<u32, SecretBytes> {
        let mut blocks = BTreeMap::new();
        for chain in &self.chains {
            let keys: Vec<&Skipped> = chain.keys.iter().collect();
            for block in keys.chunk_by(|a, b| chain.block(a.n) == chain.block(b.n)) {
                let [first, ..] = block else { continue };
                let mut writer = Writer::new();
                writer.array(5).uint(chain.number.into()).uint(chain.age).bytes(chain.header_key.expose_secret());
                match chain.length {
                    Some(length) => writer.uint(length.into()),
                    None => writer.null(),
                };
                writer.array(block.len());
                for skipped in block {
                    let Passed { place, key } = &skipped.passed;
                    writer.array(5).uint(skipped.n.into()).uint(skipped.at);
                    writer.uint(place.epoch).uint(place.n.into()).bytes(key.0.expose_secret());
                }
                blocks.insert(chain.block(first.n), writer.finish_secret());
            }
        }
        blocks
    }

    /// What differs from what was read: the ids of blocks with their bytes, or nothing where the block is gone.
    pub(super) fn changed(&self) -> Vec<(u32, Option<SecretBytes>)> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let mut blocks = self.encode();
        self.changed.iter().map(|id| (*id, blocks.remove(id))).collect()
    }

    /// Reads blocks, in any order.
    pub(super) fn decode<'a>(blocks: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        let mut chains: Vec<Missing> = Vec::new();
        let mut ids = BTreeSet::new();
        for block in blocks {
            let block = read_block(block)?;
            // Two halves of one block would be written again as one.
            if !ids.insert(block.keys.front().map(|skipped| block.block(skipped.n))) {
                return Err(Error::Malformed);
            }
            match chains.iter_mut().find(|chain| chain.number == block.number) {
                Some(chain) => {
                    let same = chain.header_key.ct_eq(&block.header_key);
                    if !same || (chain.age, chain.length) != (block.age, block.length) {
                        return Err(Error::Malformed);
                    }
                    chain.keys.extend(block.keys);
                }
                None => chains.push(block),
            }
        }
        chains.sort_by_key(|chain| chain.age);
        for chain in &mut chains {
            chain.keys.make_contiguous().sort_by_key(|skipped| skipped.n);
        }
        let same_age = !chains.is_sorted_by(|a, b| a.age < b.age);
        let all = Self { chains: chains.into(), changed: BTreeSet::new() };
        let too_many = all.len() > MAX_SKIPPED || all.chains.len() > MAX_CHAINS;
        if too_many || same_age { Err(Error::Malformed) } else { Ok(all) }
    }
}

/// Reads one block: a chain with those of its keys that are in it.
fn read_block(bytes: &[u8]) -> Result<Missing> {
    let mut reader = Reader::new(bytes);
    reader.array_of(5)?;
    let number = u32::try_from(reader.uint_max(MAX_CHAINS as u64 - 1)?).map_err(|_| Error::Malformed)?;
    let age = reader.uint_max(u64::MAX >> 1)?;
    let header_key = Secret::from_slice(reader.bytes()?)?;
    let length = if reader.take_null() { None } else { Some(counter(&mut reader)?) };
    let count = reader.array()?;
    if count == 0 || count > BLOCK {
        return Err(Error::Malformed);
    }
    let mut keys = VecDeque::with_capacity(count);
    for _ in 0..count {
        reader.array_of(5)?;
        let (n, at) = (counter(&mut reader)?, reader.uint()?);
        let place = EpochPlace { epoch: reader.uint_max(COUNTER_MAX.into())?, n: counter(&mut reader)? };
        let key = MessageKey(Secret::from_slice(reader.bytes()?)?);
        keys.push_back(Skipped { n, at, passed: Passed { place, key } });
    }
    reader.end()?;
    let block = Missing { number, age, header_key, length, keys };
    let first = block.keys.front().map(|skipped| block.block(skipped.n));
    let one = block.keys.iter().all(|skipped| Some(block.block(skipped.n)) == first);
    let ascending = block.keys.iter().is_sorted_by(|a, b| a.n < b.n);
    if one && ascending { Ok(block) } else { Err(Error::Malformed) }
}

fn counter(reader: &mut Reader<'_>) -> Result<u32> {
    u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)
}
