//! Two lists of one number, each made by a device of ours that did not know of the other: how they come together where no
//! directory takes only one of them.
//!
//! Both devices see both lists. The one whose list has the higher number, or else the lower hash, signs one above both, with
//! what the other added; the other follows it, and does again of its own what is still wanting.

use sprag_core::identity::DeviceList;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Change, Own};
use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::rows::CHANGED;
use crate::store::{Snapshot, Table, Tx};

/// What this device changed to come to a list.
struct Changed {
    hash: [u8; 32],
    changes: Vec<Change>,
    /// Whether another list was seen under its number.
    is_parted: bool,
}

fn load(snapshot: &Snapshot<'_>) -> Result<Option<Changed>> {
    snapshot.get(Table::Meta, CHANGED)?.map(|value| codec::decode(value.expose_secret())).transpose()
}

impl Changed {
    fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, CHANGED, codec::encode(self).expose_secret())?)
    }
}

/// Another list is to be ours: what it says already is no change any more. If it does not follow the one that this device
/// made, what was taken off there is to be taken off again; and if two were seen to be apart, what was added is to be added.
pub(super) fn adopted(tx: &Tx<'_>, own: &mut Own, list: &DeviceList) -> Result<()> {
    let (done, wanted) = core::mem::take(&mut own.changes).into_iter().partition(|change| change.is_in(list));
    own.changes = wanted;
    if list.hash() == own.list.hash() {
        return Ok(());
    }
    let is_aside = list.account() == own.account() && list.previous() != own.list.hash();
    let before = load(tx)?.filter(|changed| is_aside && changed.hash == *own.list.hash());
    if let Some(Changed { changes, is_parted, .. }) = before {
        let lasts = |change: &Change| match change {
            Change::Remove(_) => true,
            Change::Add(..) | Change::Ready(_) => is_parted,
            Change::Renew(_) | Change::Above(_) => false,
        };
        own.changes.extend(changes.into_iter().filter(|change| lasts(change) && !change.is_in(list)));
    }
    Changed { hash: *list.hash(), changes: done, is_parted: false }.save(tx)
}

/// Another list of ours was seen beside the one that we know, signed by our account's key. Yields what this device is to
/// change about that.
pub(crate) fn seen(tx: &Tx<'_>, own: &Own, other: &DeviceList) -> Result<Vec<Change>> {
    let (ours, theirs) = (own.list.sequence(), other.sequence());
    // What is further behind is old mail, and what ours follows is no other.
    let is_near = theirs.saturating_add(1) >= ours && other.account() == own.account();
    let is_beside = other.hash() != own.list.hash() && other.hash() != own.list.previous();
    if own.key.is_none() || !is_near || !is_beside || broken!("parted-lists-stay") {
        return Ok(Vec::new());
    }
    let known = load(tx)?.filter(|changed| changed.hash == *own.list.hash());
    let mut changed =
        known.unwrap_or_else(|| Changed { hash: *own.list.hash(), changes: Vec::new(), is_parted: false });
    if changed.is_parted {
        return Ok(Vec::new());
    }
    changed.is_parted = true;
    changed.save(tx)?;
    if theirs > ours || (theirs == ours && own.list.hash() > other.hash()) {
        return Ok(Vec::new());
    }
    let mut wanted = vec![Change::Above(ours.max(theirs.saturating_add(1)))];
    for (device, entry) in other.devices().zip(other.signed_entries()) {
        let is_removed = changed.changes.iter().any(|change| matches!(change, Change::Remove(id) if *id == device.id));
        if own.list.device(device.id).is_none() && !is_removed {
            wanted.push(Change::Add(device.id, entry));
        }
    }
    Ok(wanted)
}

impl Row for Changed {
    fn write(&self, writer: &mut Writer) {
        self.hash.write(writer.array(3));
        write_list(writer, &self.changes);
        writer.bool(self.is_parted);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { hash: Row::read(reader)?, changes: read_list(reader)?, is_parted: Row::read(reader)? })
    }
}
