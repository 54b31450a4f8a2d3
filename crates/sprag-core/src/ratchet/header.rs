//! The header of a ratchet message: 78 bytes, always, sealed under a header key (Double Ratchet, section 4).
//!
//! It does not know keys. The five fields after the counters belong to the post-quantum ratchet and are zero until a
//! message carries them; their size is on the wire already, so that a phase never shows.

use crate::crypto::dh::DhPublic;
use crate::error::{Error, Result};

/// Bytes of a header.
pub const HEADER: usize = 78;

/// The most messages of a chain, whose counters have three bytes on the wire: the last message has the number before.
pub const COUNTER_MAX: u32 = 0x00ff_ffff;

/// What a message says of its place in the conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The sender's ratchet key.
    pub(super) dh: DhPublic,
    /// The length of the sender's previous sending chain.
    pub(super) pn: u32,
    /// The message's number in its chain, from 0.
    pub(super) n: u32,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..32].copy_from_slice(self.dh.as_bytes());
        bytes[32..35].copy_from_slice(&self.pn.to_be_bytes()[1..]);
        bytes[35..38].copy_from_slice(&self.n.to_be_bytes()[1..]);
        bytes
    }

    /// # Errors
    /// [`Error::Malformed`], [`Error::BadKey`]; [`Error::Unsupported`] if a field of the post-quantum ratchet is set.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let bytes: &[u8; HEADER] = bytes.try_into().map_err(|_| Error::Malformed)?;
        if bytes[38..].iter().any(|byte| *byte != 0) {
            return Err(Error::Unsupported);
        }
        let dh = DhPublic::from_bytes(core::array::from_fn(|i| bytes[i]))?;
        let (pn, n) = (counter(&bytes[32..35]), counter(&bytes[35..38]));
        if n < COUNTER_MAX { Ok(Self { dh, pn, n }) } else { Err(Error::Malformed) }
    }
}

fn counter(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte))
}
