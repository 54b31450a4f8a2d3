//! How far the sender was in the session that one which this message begins continues.
//!
//! It does not judge: the receiver compares it with what it has been shown.

use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::wire::{Reader, Writer};

/// The most of them in one message.
const MAX: usize = 1_600;

/// What the sender says of the session that it continues: the value of extension [`EXT_CONTINUES`](super::EXT_CONTINUES) is
/// a list of these, one for each session that the message begins so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continues {
    /// The first 8 bytes of the new session's T.
    pub session: [u8; 8],
    /// Turns of the old session's root chain.
    pub turns: u64,
    /// The epoch of its braid.
    pub epoch: u64,
}

impl Continues {
    /// Writes them as the extension's value.
    #[must_use]
    pub fn encode_all(all: &[Self]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(all.len());
        for Self { session, turns, epoch } in all {
            writer.array(3).bytes(session).uint(*turns).uint(*epoch);
        }
        writer.finish()
    }

    /// Reads what [`Self::encode_all`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`]; [`Error::TooLarge`] for more than an envelope has slots.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        let count = reader.array()?;
        if count > MAX {
            return Err(Error::TooLarge);
        }
        let all = (0..count).map(|_| Self::read(&mut reader)).collect::<Result<_>>()?;
        reader.end()?;
        Ok(all)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(3)?;
        Ok(Self { session: reader.fixed()?, turns: reader.uint()?, epoch: reader.uint()? })
    }
}
