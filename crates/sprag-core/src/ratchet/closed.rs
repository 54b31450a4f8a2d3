//! Chains that the peer has left: what still tells that a second copy of its state goes on in one of them.

use alloc::collections::VecDeque;

use super::header::COUNTER_MAX;
use super::message::Slot;
use crate::crypto::hash::hmac;
use crate::error::{Error, Result};
use crate::label;
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

/// Closed chains that are kept: as many as have room in what every message rewrites.
const MAX_CLOSED: usize = 2;

/// The name of a place in a chain: in no other chain or session is the same. Whoever remembers which envelope was opened
/// there knows a second one for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(pub [u8; 8]);

impl Position {
    pub(super) fn new(header_key: &Secret<32>, n: u32) -> Self {
        let mac = hmac(header_key.expose_secret(), &[label::POSITION.as_bytes(), &n.to_be_bytes()]);
        Self(core::array::from_fn(|i| mac[i]))
    }
}

struct Closed {
    header_key: Secret<32>,
    length: u32,
}

/// The chains that were closed last, the oldest first.
#[derive(Default)]
pub(super) struct ClosedChains(VecDeque<Closed>);

impl ClosedChains {
    pub(super) fn close(&mut self, header_key: Secret<32>, length: u32) {
        if !broken!("closed-chains-forgotten") {
            self.0.push_back(Closed { header_key, length });
        }
        while self.0.len() > MAX_CLOSED {
            self.0.pop_front();
        }
    }

    pub(super) fn header_keys(&self) -> impl Iterator<Item = &Secret<32>> {
        self.0.iter().map(|chain| &chain.header_key)
    }

    /// What is wrong with a slot that is of one of these chains, in which there is nothing to come any more.
    pub(super) fn refuse(&self, slot: &Slot<'_>) -> Option<Error> {
        self.0.iter().rev().find_map(|chain| {
            let header = slot.header(&chain.header_key)?;
            let is_beyond = header.as_ref().is_ok_and(|header| header.n >= chain.length);
            Some(header.err().unwrap_or(if is_beyond { Error::Evidence } else { Error::KeyGone }))
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(2 * self.0.len());
        for chain in &self.0 {
            writer.bytes(chain.header_key.expose_secret()).uint(chain.length.into());
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let items = reader.array()?;
        if items % 2 != 0 || items > 2 * MAX_CLOSED {
            return Err(Error::Malformed);
        }
        let mut chains = VecDeque::with_capacity(MAX_CLOSED);
        for _ in 0..items / 2 {
            let header_key = Secret::from_slice(reader.bytes()?)?;
            let length = u32::try_from(reader.uint_max(COUNTER_MAX.into())?).map_err(|_| Error::Malformed)?;
            chains.push_back(Closed { header_key, length });
        }
        Ok(Self(chains))
    }
}
