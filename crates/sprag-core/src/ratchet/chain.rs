//! The symmetric ratchet: one chain of message keys (Double Ratchet, sections 2.2 and 7.2).

use super::header::COUNTER_MAX;
use crate::crypto::hash::hmac_secret;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

/// A sending or receiving chain, with the header key that its messages are found by.
pub(super) struct Chain {
    pub(super) header_key: Secret<32>,
    chain_key: Secret<32>,
    /// The number of the next message.
    pub(super) next: u32,
}

impl Chain {
    pub(super) const fn new(header_key: Secret<32>, chain_key: Secret<32>) -> Self {
        Self { header_key, chain_key, next: 0 }
    }

    pub(super) fn duplicate(&self) -> Self {
        Self { header_key: self.header_key.duplicate(), chain_key: self.chain_key.duplicate(), next: self.next }
    }

    /// Takes the next message's key, the first of the two that are joined; the chain key that it came from is gone.
    ///
    /// # Errors
    /// [`Error::Exhausted`] at the end of the counter.
    pub(super) fn step(&mut self) -> Result<Secret<32>> {
        if self.next >= COUNTER_MAX {
            return Err(Error::Exhausted);
        }
        let key = hmac_secret(self.chain_key.expose_secret(), &[&[1]]);
        self.chain_key = hmac_secret(self.chain_key.expose_secret(), &[&[2]]);
        self.next += 1;
        Ok(key)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.bytes(self.header_key.expose_secret()).bytes(self.chain_key.expose_secret()).uint(self.next.into());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let header_key = Secret::from_slice(reader.bytes()?)?;
        let chain_key = Secret::from_slice(reader.bytes()?)?;
        let next = u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)?;
        Ok(Self { header_key, chain_key, next })
    }
}
