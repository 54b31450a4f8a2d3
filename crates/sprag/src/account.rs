//! Our own account and device: one row, and the list that we publish.
//!
//! It does not know contacts or sessions.

use std::sync::{Arc, Mutex, PoisonError};

use sprag_core::identity::{self, AccountKey, DeviceKeys, DeviceList, NewList};
use sprag_core::random::Random;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Extensions, Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok};
use crate::config::{Directory, Policy};
use crate::error::Result;
use crate::id::AccountId;
use crate::store::{Snapshot, Table, Tx};

/// The row of our own account in `meta`.
const OWN: i64 = 1;

/// Seconds that a list is valid for: 35 days.
const LIST_LIFETIME: u64 = 35 * 86_400;

/// Seconds after which a list is signed anew: 14 days.
const LIST_RENEWAL: u64 = 14 * 86_400;

/// Who we are.
pub(crate) struct Own {
    pub(crate) account: AccountKey,
    pub(crate) device: DeviceKeys,
    pub(crate) list: DeviceList,
    pub(crate) policy: Policy,
}

/// The same id, as the core names it.
pub(crate) fn core_id(id: &AccountId) -> Result<identity::AccountId> {
    ok(identity::AccountId::new(id.as_bytes()))
}

/// The same id, as the door names it.
pub(crate) fn door_id(id: &identity::AccountId) -> Result<AccountId> {
    AccountId::new(id.as_bytes()).map_err(|_| CORRUPT)
}

impl Own {
    /// A new account with one device.
    pub(crate) fn create(id: &AccountId, policy: Policy, now: u64, random: &mut dyn Random) -> Result<Self> {
        let account = AccountKey::create(core_id(id)?, random);
        let device = DeviceKeys::create(random);
        let list = sign_list(&account, &device, 1, [0; 32], now)?;
        Ok(Self { account, device, list, policy })
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Self> {
        codec::decode(snapshot.require(Table::Meta, OWN)?.expose_secret())
    }

    pub(crate) fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, OWN, codec::encode(self).expose_secret())?)
    }

    pub(crate) fn id(&self) -> Result<AccountId> {
        door_id(&self.account.account().id)
    }

    /// Signs the list anew if it is old enough; tells whether it did.
    pub(crate) fn renew_list(&mut self, now: u64) -> Result<bool> {
        if now < self.list.issued().saturating_add(LIST_RENEWAL) {
            return Ok(false);
        }
        self.list = sign_list(&self.account, &self.device, self.list.sequence() + 1, *self.list.hash(), now)?;
        Ok(true)
    }
}

/// Our own row as it was last read: making the public halves out of the private ones takes longer than everything else in
/// most calls. It is what the row says now, or it is not used.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Option<(SecretBytes, Arc<Own>)>>);

impl Remembered {
    pub(crate) fn load(&self, snapshot: &Snapshot<'_>) -> Result<Arc<Own>> {
        let row = snapshot.require(Table::Meta, OWN)?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, own)) = last.as_ref().filter(|(known, _)| known.expose_secret() == row.expose_secret()) {
            return Ok(own.clone());
        }
        let own = Arc::new(codec::decode::<Own>(row.expose_secret())?);
        *last = Some((row, own.clone()));
        Ok(own)
    }
}

fn sign_list(
    account: &AccountKey,
    device: &DeviceKeys,
    sequence: u64,
    previous: [u8; 32],
    now: u64,
) -> Result<DeviceList> {
    let entry = device.sign_entry(account.account(), &device.entry(true))?;
    Ok(NewList {
        sequence,
        previous,
        issued: now,
        expires: now.saturating_add(LIST_LIFETIME),
        ready: true,
        devices: &[entry],
        extensions: Extensions::new(),
    }
    .sign(account)?)
}

impl Row for Own {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(5)
            .bytes(self.account.account().id.as_bytes())
            .bytes(self.account.expose_seed())
            .bytes(self.device.encode().expose_secret())
            .bytes(self.list.as_bytes())
            .uint(self.policy.max_body.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        let id = ok(identity::AccountId::new(ok(reader.bytes())?))?;
        let account = AccountKey::from_seed(id, &ok(Secret::from_slice(ok(reader.bytes())?))?);
        let device = ok(DeviceKeys::decode(ok(reader.bytes())?))?;
        let list = ok(DeviceList::reopen(ok(reader.bytes())?))?;
        let policy = Policy { directory: Directory::Full, max_body: Row::read(reader)? };
        Ok(Self { account, device, list, policy })
    }
}
