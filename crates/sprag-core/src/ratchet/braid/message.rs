//! What one message carries of the braid: inside the encrypted header, always of one length.

use super::code::CHUNK;
use crate::error::{Error, Result};

/// The epoch that none is sent in any more: its number has three bytes on the wire.
pub(in crate::ratchet) const EPOCH_MAX: u64 = 0x00ff_ffff;

/// What a chunk is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(in crate::ratchet) enum Type {
    /// No chunk.
    None = 0,
    /// Of the header of the encapsulation key, with its MAC.
    Hdr = 1,
    /// Of the vector of the encapsulation key.
    Ek = 2,
    /// Of the vector, and the first ciphertext is here.
    EkCt1Ack = 3,
    /// Of the first ciphertext.
    Ct1 = 4,
    /// Of the second ciphertext, with its MAC.
    Ct2 = 5,
}

/// A message of the braid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::ratchet) struct Message {
    /// The epoch that the sender works on, from 1. Its message key is of the epoch before.
    pub(in crate::ratchet) epoch: u64,
    pub(in crate::ratchet) kind: Type,
    pub(in crate::ratchet) index: u8,
    pub(in crate::ratchet) chunk: [u8; CHUNK],
}

impl Message {
    pub(super) const fn nothing(epoch: u64) -> Self {
        Self { epoch, kind: Type::None, index: 0, chunk: [0; CHUNK] }
    }

    /// From the fields of a header.
    ///
    /// # Errors
    /// [`Error::Malformed`] for an epoch of zero, a type that is none, or anything beside `None`.
    pub(in crate::ratchet) fn new(epoch: u64, kind: u8, index: u8, chunk: [u8; CHUNK]) -> Result<Self> {
        let kind = match kind {
            0 => Type::None,
            1 => Type::Hdr,
            2 => Type::Ek,
            3 => Type::EkCt1Ack,
            4 => Type::Ct1,
            5 => Type::Ct2,
            _ => return Err(Error::Malformed),
        };
        let message = Self { epoch, kind, index, chunk };
        let is_bare = kind != Type::None || message == Self::nothing(epoch);
        if epoch > 0 && is_bare { Ok(message) } else { Err(Error::Malformed) }
    }
}
