//! The chains of the post-quantum ratchet: one in each direction for each epoch of the braid, and the key that each message
//! takes from them (Double Ratchet specification, section 5.2).
//!
//! It knows no chunks and no Diffie-Hellman. Its positions go in lockstep with those of the Diffie-Hellman ratchet: as
//! many keys are passed over here as there.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::braid::Output;
use super::header::{COUNTER_MAX, EpochPlace};
use super::skipped::MAX_SKIPPED;
use crate::crypto::hash::hkdf;
use crate::error::{Error, Result};
use crate::label;
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

/// Epochs of which a side has chains in one direction at most: the one in use, and the next once its key is there.
const KEPT: usize = 2;

/// One direction in one epoch.
struct Chain {
    epoch: u64,
    key: Secret<32>,
    /// The number of the message that took the last key; the first one is 1.
    last: u32,
}

/// All chains that may still be needed.
pub(super) struct Epochs {
    root: Secret<32>,
    is_initiator: bool,
    /// The newest epoch that has chains.
    newest: u64,
    /// Oldest first; the first one is in use.
    sending: VecDeque<Chain>,
    /// Oldest first; the first one is that of the newest message accepted.
    receiving: VecDeque<Chain>,
}

/// What lies between the newest message accepted and another one.
pub(super) struct Walk {
    /// The chains once the message is accepted.
    pub(super) epochs: Epochs,
    /// The message's own key.
    pub(super) key: Secret<32>,
    /// The keys passed over, in order: of more than a session keeps, the latest.
    pub(super) passed: VecDeque<(EpochPlace, Secret<32>)>,
}

impl Chain {
    fn duplicate(&self) -> Self {
        Self { epoch: self.epoch, key: self.key.duplicate(), last: self.last }
    }

    /// The next message's key; the chain key that it came from is gone.
    fn step(&mut self) -> Result<Secret<32>> {
        if self.last >= COUNTER_MAX {
            return Err(Error::Exhausted);
        }
        self.last += 1;
        if broken!("braid-at-rest") {
            return Ok(Secret::new([0; 32]));
        }
        let info = [label::EPOCH_STEP.as_bytes(), &self.last.to_be_bytes()];
        let keys: Secret<64> = hkdf(&[0; 32], &[self.key.expose_secret()], &info);
        let (next, key) = keys.expose_secret().split_at(32);
        self.key = Secret::from_slice(next)?;
        Secret::from_slice(key)
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.epoch).bytes(self.key.expose_secret()).uint(self.last.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(3)?;
        let (epoch, key) = (reader.uint_max(COUNTER_MAX.into())?, Secret::from_slice(reader.bytes()?)?);
        let last = u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)?;
        Ok(Self { epoch, key, last })
    }
}

impl Epochs {
    /// The chains of epoch 0, from the handshake's secret.
    pub(super) fn start(secret: &Secret<32>, is_initiator: bool) -> Self {
        let keys: Secret<96> = hkdf(&[0; 32], &[secret.expose_secret()], &[label::EPOCH_START.as_bytes()]);
        let nothing = Self {
            root: Secret::new([0; 32]),
            is_initiator,
            newest: 0,
            sending: VecDeque::new(),
            receiving: VecDeque::new(),
        };
        nothing.with(0, &keys)
    }

    /// With the chains of an epoch whose key came out of the braid.
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless it is the next one, and the one before is in use both ways.
    pub(super) fn add(self, output: &Output) -> Result<Self> {
        let has_room = self.sending.len() < KEPT && self.receiving.len() < KEPT;
        if output.epoch != self.newest + 1 || !has_room {
            return Err(Error::Mismatch);
        }
        let info = label::EPOCH_ADD.as_bytes();
        let root = if broken!("epoch-not-chained") { &[0; 32] } else { self.root.expose_secret() };
        let keys: Secret<96> = hkdf(root, &[output.key.expose_secret()], &[info]);
        Ok(self.with(output.epoch, &keys))
    }

    /// Root, the initiator's chain, the responder's.
    fn with(mut self, epoch: u64, keys: &Secret<96>) -> Self {
        let part = |at: usize| Secret::fill_with(|out| out.copy_from_slice(&keys.expose_secret()[at..at + 32]));
        self.root = part(0);
        let (ours, theirs) = if self.is_initiator { (32, 64) } else { (64, 32) };
        self.sending.push_back(Chain { epoch, key: part(ours), last: 0 });
        self.receiving.push_back(Chain { epoch, key: part(theirs), last: 0 });
        self.newest = epoch;
        self
    }

    /// The newest epoch that has chains.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// The root of the newest epoch, which hangs on the keys of all before it.
    pub(super) const fn root(&self) -> &Secret<32> {
        &self.root
    }

    /// The epoch of the newest message accepted.
    pub(super) fn heard(&self) -> u64 {
        self.receiving.front().map_or(0, |chain| chain.epoch)
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            root: self.root.duplicate(),
            is_initiator: self.is_initiator,
            newest: self.newest,
            sending: self.sending.iter().map(Chain::duplicate).collect(),
            receiving: self.receiving.iter().map(Chain::duplicate).collect(),
        }
    }

    /// The key of the next message of an epoch, and its number there. The chains of older epochs are gone.
    ///
    /// # Errors
    /// [`Error::Exhausted`] at the end of the counter; [`Error::Mismatch`] for an epoch without chains.
    pub(super) fn send(&mut self, epoch: u64) -> Result<(u32, Secret<32>)> {
        self.sending.retain(|chain| chain.epoch >= epoch);
        let chain = self.sending.front_mut().filter(|chain| chain.epoch == epoch).ok_or(Error::Mismatch)?;
        let key = chain.step()?;
        Ok((chain.last, key))
    }

    /// The messages sent in an epoch so far.
    pub(super) fn sent(&self, epoch: u64) -> u32 {
        self.sending.iter().find(|chain| chain.epoch == epoch).map_or(COUNTER_MAX, |chain| chain.last)
    }

    /// How many of the `gap` keys passed over before number `n` of an epoch are of the epoch before.
    ///
    /// # Errors
    /// [`Error::Evidence`] if the two ratchets disagree about what was passed over, or the epoch is neither that of the
    /// newest message accepted nor the next.
    pub(super) fn before(&self, epoch: u64, n: u32, gap: u32) -> Result<u32> {
        let current = self.receiving.front().ok_or(Error::Evidence)?;
        let in_epoch =
            |last: u32| n.checked_sub(last).and_then(|distance| distance.checked_sub(1)).ok_or(Error::Evidence);
        if epoch == current.epoch {
            let is_in_step = in_epoch(current.last)? == gap || broken!("lockstep-unchecked");
            return if is_in_step { Ok(0) } else { Err(Error::Evidence) };
        }
        if self.receiving.get(1).is_none_or(|next| next.epoch != epoch) {
            return Err(Error::Evidence);
        }
        gap.checked_sub(in_epoch(0)?).ok_or(Error::Evidence)
    }

    /// Walks to number `n` of an epoch, over `gap` keys.
    ///
    /// # Errors
    /// As [`Self::before`]; [`Error::Exhausted`] at the end of a counter.
    pub(super) fn walk(&self, epoch: u64, n: u32, gap: u32) -> Result<Walk> {
        let before = self.before(epoch, n, gap)?;
        let mut epochs = self.duplicate();
        let mut passed = VecDeque::new();
        let mut pass = |chain: &mut Chain, count: u32| -> Result<()> {
            for _ in 0..count {
                let key = chain.step()?;
                passed.push_back((EpochPlace { epoch: chain.epoch, n: chain.last }, key));
                if passed.len() > MAX_SKIPPED {
                    passed.pop_front();
                }
            }
            Ok(())
        };
        if let Some(old) = epochs.receiving.front_mut().filter(|old| old.epoch != epoch) {
            pass(old, before)?;
            epochs.receiving.pop_front();
        }
        let chain = epochs.receiving.front_mut().ok_or(Error::Evidence)?;
        pass(chain, gap - before)?;
        let key = chain.step()?;
        Ok(Walk { epochs, key, passed })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(5).bytes(self.root.expose_secret()).bool(self.is_initiator).uint(self.newest);
        for chains in [&self.sending, &self.receiving] {
            writer.array(chains.len());
            chains.iter().for_each(|chain| chain.write(writer));
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(5)?;
        let (root, is_initiator) = (Secret::from_slice(reader.bytes()?)?, reader.bool()?);
        let newest = reader.uint_max(COUNTER_MAX.into())?;
        let mut chains = || -> Result<VecDeque<Chain>> {
            let count = reader.array()?;
            let chains = (0..count.min(KEPT + 1)).map(|_| Chain::read(reader)).collect::<Result<Vec<_>>>()?;
            let in_order = chains.is_sorted_by(|a, b| a.epoch + 1 == b.epoch);
            let to_newest = chains.last().is_some_and(|chain| chain.epoch == newest);
            if count <= KEPT && in_order && to_newest { Ok(chains.into()) } else { Err(Error::Malformed) }
        };
        Ok(Self { root, is_initiator, newest, sending: chains()?, receiving: chains()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Epochs, Epochs) {
        let secret = Secret::new([7; 32]);
        (Epochs::start(&secret, true), Epochs::start(&secret, false))
    }

    fn both(pair: (Epochs, Epochs), epoch: u64) -> (Epochs, Epochs) {
        let output = || Output { epoch, key: Secret::new([epoch as u8; 32]) };
        (pair.0.add(&output()).unwrap(), pair.1.add(&output()).unwrap())
    }

    #[test]
    fn both_sides_take_the_same_keys_in_their_directions() {
        let (mut a, mut b) = both(pair(), 1);
        for (epoch, n) in [(0, 1), (0, 2), (1, 1), (1, 2)] {
            let (number, key) = a.send(epoch).unwrap();
            assert_eq!(number, n);
            let walk = b.walk(epoch, n, 0).unwrap();
            assert!(walk.key.ct_eq(&key) && walk.passed.is_empty());
            b = walk.epochs;
            let (_, back) = b.send(epoch).unwrap();
            assert!(!back.ct_eq(&key));
            let walk = a.walk(epoch, n, 0).unwrap();
            assert!(walk.key.ct_eq(&back));
            a = walk.epochs;
        }
        assert_eq!(a.send(0).map(|_| ()), Err(Error::Mismatch), "the chain of an old epoch is gone");
    }

    #[test]
    fn keys_passed_over_are_those_of_both_epochs_in_order() {
        let (mut a, b) = both(pair(), 1);
        let mut sent = Vec::new();
        for epoch in [0, 0, 0, 0, 0, 1, 1, 1] {
            sent.push((epoch, a.send(epoch).unwrap()));
        }
        for (at, (epoch, (n, key))) in sent.iter().enumerate() {
            let walk = b.walk(*epoch, *n, at as u32).unwrap();
            assert!(walk.key.ct_eq(key));
            assert!(walk.passed.iter().zip(&sent).all(|((place, passed), (epoch, (n, key)))| {
                *place == EpochPlace { epoch: *epoch, n: *n } && passed.ct_eq(key)
            }));
            assert_eq!(walk.passed.len(), at);
        }
    }

    #[test]
    fn ratchets_that_disagree_are_evidence() {
        let (_, b) = both(pair(), 1);
        // Number three of epoch 0 passes over two, of epoch 1 over at least two.
        for (epoch, n, gap) in [(0, 3, 1), (0, 3, 3), (0, 0, 0), (1, 3, 1), (1, 0, 0), (2, 1, 0), (9, 1, 4)] {
            assert_eq!(b.before(epoch, n, gap), Err(Error::Evidence), "{epoch} {n} {gap}");
        }
        assert_eq!(b.before(0, 3, 2), Ok(0));
        assert_eq!(b.before(1, 3, 2), Ok(0));
        assert_eq!(b.before(1, 3, 7), Ok(5));
        let later = b.walk(1, 1, 0).unwrap().epochs;
        assert_eq!(later.before(0, 1, 0), Err(Error::Evidence), "an epoch that is over");
    }

    #[test]
    fn what_is_stored_comes_back() {
        let (mut a, _) = both(pair(), 1);
        a.send(0).unwrap();
        let mut writer = Writer::new();
        a.write(&mut writer);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        let again = Epochs::read(&mut reader).unwrap();
        let mut writer = Writer::new();
        again.write(&mut writer);
        assert_eq!(writer.finish(), bytes);
        assert!((0..bytes.len()).all(|cut| Epochs::read(&mut Reader::new(&bytes[..cut])).is_err()));
    }

    #[test]
    fn an_epoch_comes_after_the_one_before() {
        let (a, _) = pair();
        let output = |epoch| Output { epoch, key: Secret::new([1; 32]) };
        assert_eq!(a.duplicate().add(&output(2)).map(|_| ()), Err(Error::Mismatch));
        // One that is not in use yet may be waiting, not two.
        assert_eq!(a.add(&output(1)).unwrap().add(&output(2)).map(|_| ()), Err(Error::Mismatch));
    }

    /// Whoever learns one epoch's key, and it alone, reads nothing of it.
    #[test]
    fn an_epoch_hangs_on_all_before_it() {
        let first = |secret: u8, key: u8| {
            let epochs = Epochs::start(&Secret::new([secret; 32]), true);
            epochs.add(&Output { epoch: 1, key: Secret::new([key; 32]) }).unwrap().send(1).unwrap().1
        };
        assert!(first(7, 1).ct_eq(&first(7, 1)));
        assert!(!first(7, 1).ct_eq(&first(8, 1)));
        assert!(!first(7, 1).ct_eq(&first(7, 2)));
    }

    #[test]
    fn what_no_session_counts_to_is_not_read() {
        let read = |newest: u64, epoch: u64| {
            let mut writer = Writer::new();
            writer.array(5).bytes(&[0; 32]).bool(true).uint(newest);
            for _ in 0..2 {
                writer.array(1).array(3).uint(epoch).bytes(&[0; 32]).uint(0);
            }
            Epochs::read(&mut Reader::new(&writer.finish())).map(|_| ())
        };
        assert_eq!(read(COUNTER_MAX.into(), COUNTER_MAX.into()), Ok(()));
        assert_eq!(read(u64::MAX, u64::MAX), Err(Error::Malformed));
        assert_eq!(read(1 << 24, 1 << 24), Err(Error::Malformed));
    }
}
