//! The succession of account keys: a statement, by the old key and the new one together, that the second follows the first.
//!
//! It does not know which of two successions came first: two successors of one key are a fork, and which one to believe is
//! for people to say.

use alloc::vec::Vec;

use crate::crypto::sign::SIGNATURE;
use crate::error::{Error, Result};
use crate::identity::{Account, AccountId, AccountKey, Origin};
use crate::label;
use crate::wire::{self, Extensions, Kind, Reader, Writer};

/// The most bytes of a succession.
pub const MAX_SUCCESSION: usize = 4_096;

/// A succession whose two signatures have been verified. There is no other kind.
///
/// That it is *genuine* says that whoever held the old key wanted this, and no more: a thief can have held it as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    bytes: Vec<u8>,
    old: Account,
    new: Account,
    issued: u64,
}

impl Succession {
    /// States that `new` follows `old`, at `issued` (unix seconds).
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the ids differ, [`Error::Malformed`] if the keys are the same.
    pub fn sign(old: &AccountKey, new: &AccountKey, issued: u64) -> Result<Self> {
        let (from, to) = (old.account(), new.account());
        if from.id != to.id {
            return Err(Error::Mismatch);
        }
        let mut body = Writer::new();
        body.array(4);
        from.write(&mut body);
        body.bytes(to.key.as_bytes()).uint(issued);
        let body = body.finish();
        let mut writer = wire::begin(Kind::Succession, 3);
        writer.bytes(&body).bytes(&old.signing().sign(label::SUCCESSION, &body));
        writer.bytes(&new.signing().sign(label::SUCCESSION_ACCEPTED, &body));
        Self::open(&writer.finish())
    }

    /// Reads a succession and verifies both signatures.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::BadKey`]; [`Error::TooLarge`], [`Error::Unsupported`], [`Error::Mismatch`] for
    /// another kind of object; [`Error::Malformed`] for another encoding, or a key that follows itself.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_SUCCESSION {
            return Err(Error::TooLarge);
        }
        let mut reader = wire::open(bytes, Kind::Succession, 3)?;
        let body = reader.bytes()?;
        let signatures: [[u8; SIGNATURE]; 2] = [reader.fixed()?, reader.fixed()?];
        reader.end()?;
        let succession = Self::read_body(bytes, body)?;
        succession.old.key.verify(label::SUCCESSION, body, &signatures[0])?;
        succession.new.key.verify(label::SUCCESSION_ACCEPTED, body, &signatures[1])?;
        Ok(succession)
    }

    fn read_body(bytes: &[u8], body: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let fields = reader.array()?;
        let old = Account::read(&mut reader, Origin::Anybody)?;
        let new = Account { id: old.id.clone(), key: Origin::Anybody.key(reader.fixed()?)? };
        let issued = reader.uint()?;
        Extensions::read_last(&mut reader, fields, 4)?;
        reader.end()?;
        if old.key == new.key {
            return Err(Error::Malformed);
        }
        Ok(Self { bytes: bytes.to_vec(), old, new, issued })
    }

    /// The succession as it was received, to store and to hand on.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The account's id.
    #[must_use]
    pub const fn id(&self) -> &AccountId {
        &self.old.id
    }

    /// The account under the key that is given up.
    #[must_use]
    pub const fn old(&self) -> &Account {
        &self.old
    }

    /// The account under the key that follows.
    #[must_use]
    pub const fn new_account(&self) -> &Account {
        &self.new
    }

    /// When it was signed, unix seconds.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// The account that follows the one that the caller knows.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is not that account which is given up.
    pub fn follow(&self, known: &Account) -> Result<Account> {
        if self.old == *known { Ok(self.new.clone()) } else { Err(Error::Mismatch) }
    }

    /// That another succession can stand beside this one: it is about another key, or says the same.
    ///
    /// # Errors
    /// [`Error::Fork`] if both give up the same key for different ones.
    pub fn check_beside(&self, other: &Self) -> Result<()> {
        if self.old == other.old && self.new != other.new { Err(Error::Fork) } else { Ok(()) }
    }
}
