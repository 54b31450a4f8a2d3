//! The account keys that ours followed: whoever has not heard of the new one yet begins a session for the old one.
//!
//! They sign nothing any more, and open nothing by themselves: the device's own keys do.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{self, Account};
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::rows::BEFORE;
use crate::store::{Snapshot, Table, Tx};

/// Seconds for which a session may still be begun for an account key before ours: 60 days, for as long as a prekey is good.
const LIFETIME: u64 = 60 * 86_400;

/// The most account keys that are remembered.
const MOST: usize = 4;

/// An account as it was, and since when it is another.
struct Before {
    account: Account,
    at: u64,
}

/// Those that are remembered, the last one first.
struct All(Vec<Before>);

fn load(snapshot: &Snapshot<'_>) -> Result<All> {
    let value = snapshot.get(Table::Meta, BEFORE)?;
    Ok(value.map(|value| codec::decode(value.expose_secret())).transpose()?.unwrap_or(All(Vec::new())))
}

/// Takes note of our account's key, which another follows.
pub(super) fn note(tx: &Tx<'_>, account: &Account, at: u64) -> Result<()> {
    let mut all = load(tx)?;
    all.0.insert(0, Before { account: account.clone(), at });
    all.0.truncate(MOST);
    Ok(tx.put(Table::Meta, BEFORE, codec::encode(&all).expose_secret())?)
}

/// Our account under the keys that it had lately.
pub(crate) fn accounts(snapshot: &Snapshot<'_>, now: u64) -> Result<Vec<Account>> {
    if broken!("old-account-keys-forgotten") {
        return Ok(Vec::new());
    }
    let all = load(snapshot)?.0.into_iter().filter(|before| now.abs_diff(before.at) < LIFETIME);
    Ok(all.map(|before| before.account).collect())
}

impl Row for Before {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).bytes(self.account.id.as_bytes()).bytes(self.account.key.as_bytes()).uint(self.at);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        let id = ok(identity::AccountId::new(ok(reader.bytes())?))?;
        let key = VerifyKey::reopen(ok(reader.fixed())?);
        Ok(Self { account: Account { id, key }, at: Row::read(reader)? })
    }
}

impl Row for All {
    fn write(&self, writer: &mut Writer) {
        write_list(writer, &self.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        read_list(reader).map(Self)
    }
}
