//! What the user decided about a contact on one device, told to the account's other devices.
//!
//! It does not know pins: whoever reads this acts on the same account key alone.

use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::identity::{Account, Origin};
use crate::wire::{Reader, Writer};

/// What was decided about an account. It is about this key of it, whose safety number the user saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// 1: its number was compared. 2: it is gone on with, though another was offered or pinned. 3: it is forgotten. A
    /// reader takes no notice of another number.
    pub choice: u8,
    /// The account, with the key that it had.
    pub account: Account,
}

impl Decision {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3).uint(self.choice.into());
        self.account.write(&mut writer);
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(3)?;
        let choice = u8::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let account = Account::read(&mut reader, Origin::Anybody)?;
        reader.end()?;
        Ok(Self { choice, account })
    }
}
