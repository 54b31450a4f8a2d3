//! The header of a ratchet message: 78 bytes, always, sealed under a header key (Double Ratchet, section 4).
//!
//! ```text
//!   DH public 32 · pn u24 · n u24 · pq epoch u24 · pq n u24 · type u8 · index u8 · chunk 32
//! ```
//! It does not know keys. The length never changes, so that no phase of the braid shows.

use super::braid::{CHUNK, EPOCH_MAX, Message};
use crate::crypto::dh::DhPublic;
use crate::error::{Error, Result};

/// Bytes of a header.
pub const HEADER: usize = 78;

/// The most messages of a chain, whose counters have three bytes on the wire: the last message has the number before.
pub const COUNTER_MAX: u32 = 0x00ff_ffff;

const _: () = assert!(EPOCH_MAX == COUNTER_MAX as u64);

/// A message's place in the post-quantum ratchet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EpochPlace {
    /// The epoch of its key.
    pub(super) epoch: u64,
    /// Its number there, from 1.
    pub(super) n: u32,
}

/// What a message says of its place in the conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The sender's ratchet key.
    pub(super) dh: DhPublic,
    /// The length of the sender's previous sending chain.
    pub(super) pn: u32,
    /// The message's number in its chain, from 0.
    pub(super) n: u32,
    /// The message's number in its epoch, from 1.
    pub(super) pq_n: u32,
    /// What it carries of the braid, whose epoch is one more than that of its key.
    pub(super) braid: Message,
}

impl Header {
    pub(super) const fn place(&self) -> EpochPlace {
        EpochPlace { epoch: self.braid.epoch.saturating_sub(1), n: self.pq_n }
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..32].copy_from_slice(self.dh.as_bytes());
        bytes[32..35].copy_from_slice(&self.pn.to_be_bytes()[1..]);
        bytes[35..38].copy_from_slice(&self.n.to_be_bytes()[1..]);
        bytes[38..41].copy_from_slice(&self.braid.epoch.to_be_bytes()[5..]);
        bytes[41..44].copy_from_slice(&self.pq_n.to_be_bytes()[1..]);
        bytes[44] = self.braid.kind as u8;
        bytes[45] = self.braid.index;
        bytes[46..].copy_from_slice(&self.braid.chunk);
        bytes
    }

    /// # Errors
    /// [`Error::Malformed`], [`Error::BadKey`].
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let bytes: &[u8; HEADER] = bytes.try_into().map_err(|_| Error::Malformed)?;
        let dh = DhPublic::from_bytes(core::array::from_fn(|i| bytes[i]))?;
        let (pn, n) = (counter(&bytes[32..35]), counter(&bytes[35..38]));
        let (epoch, pq_n) = (counter(&bytes[38..41]), counter(&bytes[41..44]));
        let chunk: [u8; CHUNK] = core::array::from_fn(|i| bytes[46 + i]);
        let braid = Message::new(epoch.into(), bytes[44], bytes[45], chunk)?;
        let is_counted = n < COUNTER_MAX && epoch < COUNTER_MAX && pq_n > 0 && pq_n < COUNTER_MAX;
        if is_counted { Ok(Self { dh, pn, n, pq_n, braid }) } else { Err(Error::Malformed) }
    }
}

fn counter(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte))
}
