//! The braid in bytes, in two parts: what nearly every message changes, and what a half-epoch leaves as it is.
//!
//! The second part holds the seeds, and beside them what would otherwise be computed from them for each message.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::authenticator::Authenticator;
use super::code::Decoder;
use super::kem::Kem;
use super::state::{
    Ct1Acknowledged, Ct1Received, Ct1Sampled, Ct2Sampled, EkReceivedCt1Sampled, EkSentCt1Received, HeaderReceived,
    HeaderSent, Keys, KeysSampled, KeysUnsampled, MAC, NoHeaderReceived, Offer, State,
};
use super::{Braid, CHUNK, EPOCH_MAX};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

impl State {
    const fn number(&self) -> u64 {
        match self {
            Self::KeysUnsampled(_) => 1,
            Self::KeysSampled(_) => 2,
            Self::HeaderSent(_) => 3,
            Self::Ct1Received(_) => 4,
            Self::EkSentCt1Received(_) => 5,
            Self::NoHeaderReceived(_) => 6,
            Self::HeaderReceived(_) => 7,
            Self::Ct1Sampled(_) => 8,
            Self::Ct1Acknowledged(_) => 9,
            Self::EkReceivedCt1Sampled(_) => 10,
            Self::Ct2Sampled(_) => 11,
            Self::Broken => 12,
        }
    }

    const fn next(&self) -> u8 {
        match self {
            Self::KeysSampled(KeysSampled { next, .. })
            | Self::HeaderSent(HeaderSent { next, .. })
            | Self::Ct1Received(Ct1Received { next, .. })
            | Self::Ct1Sampled(Ct1Sampled { next, .. })
            | Self::EkReceivedCt1Sampled(EkReceivedCt1Sampled { next, .. })
            | Self::Ct2Sampled(Ct2Sampled { next, .. }) => *next,
            _ => 0,
        }
    }

    /// The chunks that have come of what is being received.
    const fn decoder(&self) -> Option<&Decoder> {
        match self {
            Self::HeaderSent(HeaderSent { first: decoder, .. })
            | Self::EkSentCt1Received(EkSentCt1Received { second: decoder, .. })
            | Self::NoHeaderReceived(NoHeaderReceived { header: decoder })
            | Self::Ct1Sampled(Ct1Sampled { vector: decoder, .. })
            | Self::Ct1Acknowledged(Ct1Acknowledged { vector: decoder, .. }) => Some(decoder),
            _ => None,
        }
    }

    /// The objects that stay as they are, in order.
    fn objects(&self) -> Vec<&[u8]> {
        match self {
            Self::KeysSampled(KeysSampled { keys, .. }) | Self::HeaderSent(HeaderSent { keys, .. }) => {
                keys.objects().into()
            }
            Self::Ct1Received(Ct1Received { keys, first, .. })
            | Self::EkSentCt1Received(EkSentCt1Received { keys, first, .. }) => {
                [keys.objects().as_slice(), &[first.as_slice()]].concat()
            }
            Self::HeaderReceived(HeaderReceived { header }) => [header.as_slice()].into(),
            Self::Ct1Sampled(Ct1Sampled { offer, .. }) | Self::Ct1Acknowledged(Ct1Acknowledged { offer, .. }) => {
                offer.objects().into()
            }
            Self::EkReceivedCt1Sampled(EkReceivedCt1Sampled { offer, vector, .. }) => {
                [offer.objects().as_slice(), &[vector.as_slice()]].concat()
            }
            Self::Ct2Sampled(Ct2Sampled { object, .. }) => [object.as_slice()].into(),
            Self::KeysUnsampled(_) | Self::NoHeaderReceived(_) | Self::Broken => Vec::new(),
        }
    }

    fn duplicate(&self) -> Self {
        match self {
            Self::KeysUnsampled(_) => Self::KeysUnsampled(KeysUnsampled),
            Self::KeysSampled(s) => Self::KeysSampled(KeysSampled { keys: s.keys.clone(), next: s.next }),
            Self::HeaderSent(s) => {
                Self::HeaderSent(HeaderSent { keys: s.keys.clone(), next: s.next, first: s.first.clone() })
            }
            Self::Ct1Received(s) => {
                Self::Ct1Received(Ct1Received { keys: s.keys.clone(), next: s.next, first: s.first.clone() })
            }
            Self::EkSentCt1Received(s) => Self::EkSentCt1Received(EkSentCt1Received {
                keys: s.keys.clone(),
                first: s.first.clone(),
                second: s.second.clone(),
            }),
            Self::NoHeaderReceived(s) => Self::NoHeaderReceived(NoHeaderReceived { header: s.header.clone() }),
            Self::HeaderReceived(s) => Self::HeaderReceived(HeaderReceived { header: s.header.clone() }),
            Self::Ct1Sampled(s) => {
                Self::Ct1Sampled(Ct1Sampled { offer: s.offer.clone(), next: s.next, vector: s.vector.clone() })
            }
            Self::Ct1Acknowledged(s) => {
                Self::Ct1Acknowledged(Ct1Acknowledged { offer: s.offer.clone(), vector: s.vector.clone() })
            }
            Self::EkReceivedCt1Sampled(s) => Self::EkReceivedCt1Sampled(EkReceivedCt1Sampled {
                offer: s.offer.clone(),
                next: s.next,
                vector: s.vector.clone(),
            }),
            Self::Ct2Sampled(s) => Self::Ct2Sampled(Ct2Sampled { object: s.object.clone(), next: s.next }),
            Self::Broken => Self::Broken,
        }
    }

    fn read<K: Kem>(number: u64, next: u8, decoder: Option<Decoder>, objects: &[&[u8]]) -> Result<Self> {
        let sized = |object: &[u8], length: usize| {
            if object.len() == length { Ok(object.to_vec()) } else { Err(Error::Malformed) }
        };
        // A decoder whose object is whole is none any more.
        let lacks = |decoder: Decoder, length: usize| {
            if decoder.is_short_of(length) { Ok(decoder) } else { Err(Error::Malformed) }
        };
        Ok(match (number, decoder, objects) {
            (1, None, []) => Self::KeysUnsampled(KeysUnsampled),
            (2, None, keys) => Self::KeysSampled(KeysSampled { keys: Keys::read::<K>(keys)?, next }),
            (3, Some(first), keys) => {
                let first = lacks(first, K::CIPHERTEXT_1)?;
                Self::HeaderSent(HeaderSent { keys: Keys::read::<K>(keys)?, next, first })
            }
            (4, None, [keys @ .., first]) => {
                let first = Arc::new(sized(first, K::CIPHERTEXT_1)?);
                Self::Ct1Received(Ct1Received { keys: Keys::read::<K>(keys)?, next, first })
            }
            (5, Some(second), [keys @ .., first]) => {
                let first = Arc::new(sized(first, K::CIPHERTEXT_1)?);
                let second = lacks(second, K::CIPHERTEXT_2 + MAC)?;
                Self::EkSentCt1Received(EkSentCt1Received { keys: Keys::read::<K>(keys)?, first, second })
            }
            (6, Some(header), []) => {
                Self::NoHeaderReceived(NoHeaderReceived { header: lacks(header, K::HEADER + MAC)? })
            }
            (7, None, [header]) => Self::HeaderReceived(HeaderReceived { header: sized(header, K::HEADER)? }),
            (8, Some(vector), offer) => {
                let vector = lacks(vector, K::VECTOR)?;
                Self::Ct1Sampled(Ct1Sampled { offer: Offer::read::<K>(offer)?, next, vector })
            }
            (9, Some(vector), offer) => {
                let vector = lacks(vector, K::VECTOR)?;
                Self::Ct1Acknowledged(Ct1Acknowledged { offer: Offer::read::<K>(offer)?, vector })
            }
            (10, None, [offer @ .., vector]) => {
                let vector = Arc::new(sized(vector, K::VECTOR)?);
                Self::EkReceivedCt1Sampled(EkReceivedCt1Sampled { offer: Offer::read::<K>(offer)?, next, vector })
            }
            (11, None, [object]) => {
                Self::Ct2Sampled(Ct2Sampled { object: sized(object, K::CIPHERTEXT_2 + MAC)?, next })
            }
            (12, None, []) => Self::Broken,
            _ => return Err(Error::Malformed),
        })
    }
}

impl Keys {
    fn objects(&self) -> [&[u8]; 3] {
        [self.seed.expose_secret(), &self.header, &self.vector]
    }

    fn read<K: Kem>(objects: &[&[u8]]) -> Result<Arc<Self>> {
        match objects {
            [seed, header, vector] if header.len() == K::HEADER && vector.len() == K::VECTOR => {
                Ok(Arc::new(Self { seed: Secret::from_slice(seed)?, header: header.to_vec(), vector: vector.to_vec() }))
            }
            _ => Err(Error::Malformed),
        }
    }
}

impl Offer {
    fn objects(&self) -> [&[u8]; 3] {
        [&self.header, self.randomness.expose_secret(), &self.first]
    }

    fn read<K: Kem>(objects: &[&[u8]]) -> Result<Arc<Self>> {
        match objects {
            [header, randomness, first] if header.len() == K::HEADER && first.len() == K::CIPHERTEXT_1 => {
                Ok(Arc::new(Self {
                    header: header.to_vec(),
                    randomness: Secret::from_slice(randomness)?,
                    first: first.to_vec(),
                }))
            }
            _ => Err(Error::Malformed),
        }
    }
}

impl<K: Kem> Braid<K> {
    /// A copy, on which a step is tried.
    pub(in crate::ratchet) fn duplicate(&self) -> Self {
        Self::new(self.epoch, self.authenticator.duplicate(), self.state.duplicate())
    }

    /// Writes what nearly every message changes: one CBOR item.
    pub(in crate::ratchet) fn write(&self, writer: &mut Writer) {
        writer.array(4).uint(self.state.number()).uint(self.epoch).uint(self.state.next().into());
        match self.state.decoder() {
            Some(decoder) => writer.bytes(&decoder.encode()),
            None => writer.null(),
        };
    }

    /// Writes what stays as it is for half an epoch: one CBOR item.
    pub(in crate::ratchet) fn write_cold(&self, writer: &mut Writer) {
        let objects = self.state.objects();
        writer.array(2 + objects.len());
        self.authenticator.expose_secrets().into_iter().for_each(|secret| {
            writer.bytes(secret);
        });
        objects.into_iter().for_each(|object| {
            writer.bytes(object);
        });
    }

    /// Reads what [`Self::write`] and [`Self::write_cold`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub(in crate::ratchet) fn read(hot: &mut Reader<'_>, cold: &mut Reader<'_>) -> Result<Self> {
        hot.array_of(4)?;
        let (number, epoch) = (hot.uint()?, hot.uint_max(EPOCH_MAX)?);
        let next = u8::try_from(hot.uint_max(250)?).map_err(|_| Error::Malformed)?;
        let decoder = if hot.take_null() { None } else { Some(Decoder::decode(hot.bytes()?).ok_or(Error::Malformed)?) };
        let count = cold.array()?.checked_sub(2).ok_or(Error::Malformed)?;
        let authenticator =
            Authenticator::from_secrets(Secret::from_slice(cold.bytes()?)?, Secret::from_slice(cold.bytes()?)?);
        let objects = (0..count.min(5)).map(|_| cold.bytes()).collect::<Result<Vec<_>>>()?;
        let state = State::read::<K>(number, next, decoder, &objects)?;
        // What a state does not use is zero: no two encodings of one state.
        if epoch == 0 || count > 4 || state.next() != next {
            return Err(Error::Malformed);
        }
        Ok(Self::new(epoch, authenticator, state))
    }
}

const _: () = assert!(MAC == CHUNK);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratchet::braid::MlKem768;
    use crate::ratchet::braid::toy::Constant;

    /// A side that waits for a header, in its first part: `chunks` of it are here, or so it says.
    fn read(epoch: u64, chunks: u8) -> Result<()> {
        read_with(epoch, chunks, 0)
    }

    /// The same, with the index of a next chunk, which this state does not send.
    fn read_with(epoch: u64, chunks: u8, next: u64) -> Result<()> {
        let (mut hot, mut cold) = (Writer::new(), Writer::new());
        let decoder: Vec<u8> = (0..chunks).flat_map(|index| core::iter::once(index).chain([9; CHUNK])).collect();
        hot.array(4).uint(6).uint(epoch).uint(next).bytes(&decoder);
        Braid::<MlKem768>::respond(&Secret::new([1; 32])).write_cold(&mut cold);
        let (hot, cold) = (hot.finish(), cold.finish());
        Braid::<MlKem768>::read(&mut Reader::new(&hot), &mut Reader::new(&cold)).map(|_| ())
    }

    #[test]
    fn what_no_side_comes_to_is_not_read() {
        assert_eq!(read(EPOCH_MAX, 2), Ok(()));
        assert_eq!(read(0, 2), Err(Error::Malformed));
        assert_eq!(read(EPOCH_MAX + 1, 2), Err(Error::Malformed));
        assert_eq!(read(u64::MAX, 2), Err(Error::Malformed));
        // Three make it whole: there would be nothing to wait for.
        assert_eq!(read(1, 3), Err(Error::Malformed));
        assert_eq!(read(1, 200), Err(Error::Malformed));
        // Found by the fuzzer: one state in two encodings.
        assert_eq!(read_with(1, 2, 16), Err(Error::Malformed));
    }

    #[test]
    fn a_key_has_come_out_of_this_epoch_or_not_as_the_state_says() {
        let secret = Secret::new([1; 32]);
        let (mut a, mut b) = (Braid::<MlKem768>::initiate(&secret), Braid::<MlKem768>::respond(&secret));
        let follows = |braid: &Braid<MlKem768>| [0, 1, 2].map(|newest| braid.follows(newest));
        assert_eq!((follows(&a), follows(&b)), ([true, false, false], [true, false, false]));
        for _ in 0..3 {
            let (after, message, _) = a.send(&mut Constant).unwrap();
            a = after;
            b = b.receive(&message).unwrap().0;
        }
        let (b, _, output) = b.send(&mut Constant).unwrap();
        assert!(output.is_some());
        assert_eq!((follows(&a), follows(&b)), ([true, false, false], [false, true, false]));
    }
}
