//! Accounts: an id chosen by the app, and an Ed25519 key.
//!
//! It does not know whether an id is true: ids are claims until they are pinned.

use crate::crypto::hash::{Item, hash};
use crate::crypto::sign::{SigningKey, VerifyKey};
use crate::error::Result;
use crate::identity::Origin;
use crate::label;
use crate::random::Random;
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

app_id! {
    /// An account's id: 1 to 64 bytes, compared as bytes and never normalised.
    AccountId
}

/// An account as others see it: its id and its key. All that is kept about somebody is kept under both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The id, as the account itself states it.
    pub id: AccountId,
    /// The key that signs the account's device lists.
    pub key: VerifyKey,
}

impl Account {
    /// The fingerprint of the account key, 32 bytes: a name for an account whose id may not be believed.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        hash(label::ACCOUNT_FINGERPRINT, &[Item::Bytes(self.key.as_bytes())])
    }

    /// Writes two elements: id, key.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.bytes(self.id.as_bytes()).bytes(self.key.as_bytes());
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(reader: &mut Reader<'_>, origin: Origin) -> Result<Self> {
        Ok(Self { id: AccountId::new(reader.bytes()?)?, key: origin.key(reader.fixed()?)? })
    }
}

/// Our account with its private key. Only devices that hold the account key have one.
pub struct AccountKey {
    account: Account,
    signing: SigningKey,
}

impl AccountKey {
    /// A new account.
    #[must_use]
    pub fn create(id: AccountId, random: &mut dyn Random) -> Self {
        Self::from_seed(id, &Secret::random(random))
    }

    /// The account whose key has this seed.
    #[must_use]
    pub fn from_seed(id: AccountId, seed: &Secret<32>) -> Self {
        let signing = SigningKey::from_seed(seed);
        Self { account: Account { id, key: signing.public() }, signing }
    }

    /// What others see of it.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The seed of the key, 32 bytes, to be stored sealed.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.signing.expose_seed()
    }

    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }
}
