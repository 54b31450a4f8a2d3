//! The shelf: what the server has taken is kept for a while, so that it can be sealed again for a device in which it did not
//! open. A message stays in the row that it had on its way, without its envelope.
//!
//! It does not know who asks, nor whether they may.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::wire::{Reader, Writer};

use super::circle::members;
use super::message::{Echo, Index};
use super::{Cargo, Entry};
use crate::codec::{Row, ok};
use crate::config::Shelf;
use crate::contact::Known;
use crate::error::Result;
use crate::id::Conversation;
use crate::request::Action;
use crate::store::{Snapshot, Table, Tx};

/// How often a message is sealed again for one device, at most.
const MOST: u32 = 2;

/// Bytes that are kept of a device's key.
const NAME: usize = 8;

/// A device that a message was sealed for, and how often it was sealed again.
pub(crate) struct Addressed {
    device: Vec<u8>,
    again: u32,
}

fn name(snapshot: &Snapshot<'_>, device: &VerifyKey) -> Vec<u8> {
    let hash = snapshot.keyed_hash("addressed", device.as_bytes());
    hash.first_chunk::<NAME>().map(|name| name.to_vec()).unwrap_or_default()
}

impl Addressed {
    pub(super) fn new(snapshot: &Snapshot<'_>, device: &VerifyKey) -> Self {
        Self { device: name(snapshot, device), again: 0 }
    }
}

/// A message on the shelf, or one whose answer from the server is still to come.
pub(crate) struct Shelved {
    row: i64,
    pub(crate) cargo: Cargo,
}

/// Puts a message on the shelf that the server has taken; what is too much for it goes, the oldest first.
pub(crate) fn keep(tx: &Tx<'_>, row: i64, shelf: Shelf) -> Result<()> {
    let mut cargo = Cargo::load(tx, row)?;
    let is_content = cargo.message.as_ref().is_some_and(|message| message.load.is_content());
    if !is_content || shelf.messages == 0 {
        return Entry::remove(tx, row);
    }
    if let Action::Send(send) = &mut cargo.action {
        send.blob.clear();
    }
    cargo.save(tx, row)?;
    tx.delete(Table::Outbox, row)?;
    let waiting = tx.count(Table::Outbox)?;
    let mut surplus = tx.count(Table::Cargo)?.saturating_sub(waiting).saturating_sub(shelf.messages.into());
    if surplus > 0 && !broken!("shelf-without-end") {
        let most = usize::try_from(waiting + surplus).unwrap_or(usize::MAX >> 1);
        for oldest in tx.ids(Table::Cargo, 0, most)? {
            if surplus > 0 && Entry::load(tx, oldest)?.is_none() {
                tx.delete(Table::Cargo, oldest)?;
                surplus -= 1;
            }
        }
    }
    Ok(())
}

/// The rows of the shelf.
fn rows(snapshot: &Snapshot<'_>) -> Result<Vec<i64>> {
    let leaving = snapshot.ids(Table::Outbox, 0, usize::MAX >> 1)?;
    let all = snapshot.ids(Table::Cargo, 0, usize::MAX >> 1)?;
    Ok(all.into_iter().filter(|row| leaving.binary_search(row).is_err()).collect())
}

/// Clears away what has lain for too long.
pub(crate) fn prune(tx: &Tx<'_>, shelf: Shelf, now: u64) -> Result<()> {
    for row in rows(tx)? {
        if !is_fresh(&Cargo::load(tx, row)?, shelf, now) {
            tx.delete(Table::Cargo, row)?;
        }
    }
    Ok(())
}

/// Clears away what went to a contact alone.
pub(super) fn clear(tx: &Tx<'_>, known: &Known) -> Result<()> {
    for row in rows(tx)? {
        let cargo = Cargo::load(tx, row)?;
        if cargo.message.is_some_and(|message| message.conversation == Conversation::Direct(known.account.clone())) {
            tx.delete(Table::Cargo, row)?;
        }
    }
    Ok(())
}

fn is_fresh(cargo: &Cargo, shelf: Shelf, now: u64) -> bool {
    let life = u64::from(shelf.days) * 86_400;
    cargo.message.as_ref().is_some_and(|message| now.abs_diff(message.sent) <= life) || broken!("shelf-without-end")
}

/// The message that was in the envelope with this commitment, if it may be sealed again for a device of an account: that very
/// device was addressed, and it was not done twice already.
pub(crate) fn find(
    snapshot: &Snapshot<'_>,
    commitment: &[u8; 32],
    device: &VerifyKey,
    shelf: Shelf,
    now: u64,
) -> Result<Option<Shelved>> {
    let Some(id) = Echo::find(snapshot, commitment)?.flatten() else { return Ok(None) };
    let Some(row) = Index::find(snapshot, &id)?.map(|index| index.row) else { return Ok(None) };
    if snapshot.get(Table::Cargo, row)?.is_none() {
        return Ok(None);
    }
    let cargo = Cargo::load(snapshot, row)?;
    let is_it = cargo.message.as_ref().is_some_and(|message| message.id == id && message.load.is_content());
    let is_over = cargo.message.as_ref().and_then(|message| message.expires).is_some_and(|at| at <= now);
    let name = name(snapshot, device);
    let may = cargo.addressed.iter().any(|known| known.device == name && known.again < MOST);
    let may = may || broken!("resent-to-anybody");
    Ok((is_it && !is_over && may && is_fresh(&cargo, shelf, now)).then_some(Shelved { row, cargo }))
}

impl Shelved {
    /// Takes note that it was sealed again for a device.
    pub(crate) fn count(mut self, tx: &Tx<'_>, device: &VerifyKey) -> Result<()> {
        let name = name(tx, device);
        if let Some(known) = self.cargo.addressed.iter_mut().find(|known| known.device == name) {
            known.again += 1;
        }
        self.cargo.save(tx, self.row)
    }

    /// Whether a contact takes part in its conversation, or is one of our own devices.
    pub(crate) fn concerns(&self, known: &Known, is_ours: bool) -> bool {
        let message = self.cargo.message.as_ref();
        is_ours || message.is_some_and(|message| members(&message.conversation).contains(&known.account))
    }
}

impl Row for Addressed {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).bytes(&self.device).uint(self.again.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { device: Row::read(reader)?, again: Row::read(reader)? })
    }
}
