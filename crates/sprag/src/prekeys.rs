//! The stock of our own prekeys: rotation, refill, and what is remembered of those that are gone.
//!
//! It does not know who uses them.

use sprag_core::identity::DeviceKeys;
use sprag_core::prekey::{OneTimePrekey, PrekeyId, SignedPrekey};
use sprag_core::random::Random;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};

/// One-time prekeys that the directory should hold.
const STOCK: u32 = 100;

/// Below this many, more are made.
pub(crate) const LOW: u32 = 30;

/// Seconds after which the signed prekey is renewed: 7 days.
const RENEWAL: u64 = 7 * 86_400;

/// Seconds for which a replaced signed prekey still opens: 60 days of life and 30 after.
const RETENTION: u64 = 90 * 86_400;

/// One row of the stock.
enum Held {
    Signed(SignedPrekey),
    OneTime(OneTimePrekey),
    /// A prekey that was used or deleted, and when.
    Gone(PrekeyId, u64),
}

impl Row for Held {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Signed(prekey) => writer.array(2).uint(1).bytes(prekey.encode().expose_secret()),
            Self::OneTime(prekey) => writer.array(2).uint(2).bytes(prekey.encode().expose_secret()),
            Self::Gone(id, at) => writer.array(3).uint(3).bytes(&id.0).uint(*at),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (2, 1) => Ok(Self::Signed(ok(SignedPrekey::decode(ok(reader.bytes())?))?)),
            (2, 2) => Ok(Self::OneTime(ok(OneTimePrekey::decode(ok(reader.bytes())?))?)),
            (3, 3) => Ok(Self::Gone(PrekeyId(ok(reader.fixed())?), ok(reader.uint())?)),
            _ => Err(CORRUPT),
        }
    }
}

/// What the handshake fields of a first message name, in our stock.
pub(crate) enum Named {
    /// None of ours: the slot is for another device.
    Foreign,
    /// Ours once, and gone.
    Gone,
    /// Ours, with the row of the one-time prekey that is to be deleted.
    Ours(SignedPrekey, Option<(i64, OneTimePrekey)>),
}

fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Held)>> {
    let rows = snapshot.scan(Table::Prekey, 0, usize::MAX >> 1)?;
    rows.into_iter().map(|(id, row)| Ok((id, codec::decode(row.expose_secret())?))).collect()
}

/// Finds the prekeys that a first message names.
pub(crate) fn find(snapshot: &Snapshot<'_>, signed: PrekeyId, one_time: Option<PrekeyId>) -> Result<Named> {
    let mut ours = None;
    let mut single = None;
    let mut gone = false;
    for (row, held) in all(snapshot)? {
        match held {
            Held::Signed(prekey) if prekey.id() == signed => ours = Some(prekey),
            Held::OneTime(prekey) if Some(prekey.id()) == one_time => single = Some((row, prekey)),
            Held::Gone(id, _) if id == signed || Some(id) == one_time => gone = true,
            _ => {}
        }
    }
    Ok(match ours {
        _ if gone => Named::Gone,
        None => Named::Foreign,
        Some(_) if one_time.is_some() && single.is_none() => Named::Gone,
        Some(prekey) => Named::Ours(prekey, single),
    })
}

/// Deletes a one-time prekey that was used; its id is remembered.
pub(crate) fn use_up(tx: &Tx<'_>, row: i64, id: PrekeyId, now: u64) -> Result<()> {
    Ok(tx.put(Table::Prekey, row, codec::encode(&Held::Gone(id, now)).expose_secret())?)
}

/// A new signed prekey if the newest is due for renewal: the object to publish.
pub(crate) fn rotate(tx: &Tx<'_>, device: &DeviceKeys, now: u64, random: &mut dyn Random) -> Result<Option<Vec<u8>>> {
    let newest = all(tx)?.into_iter().filter_map(|(_, held)| match held {
        Held::Signed(prekey) => Some(prekey.created()),
        _ => None,
    });
    if newest.max().is_some_and(|created| now < created.saturating_add(RENEWAL)) {
        return Ok(None);
    }
    let (prekey, object) = SignedPrekey::create(device, now, random);
    tx.insert(Table::Prekey, codec::encode(&Held::Signed(prekey)).expose_secret())?;
    Ok(Some(object))
}

/// New one-time prekeys, so that the directory holds a full stock again: the objects to publish.
pub(crate) fn refill(
    tx: &Tx<'_>,
    device: &DeviceKeys,
    left: u32,
    now: u64,
    random: &mut dyn Random,
) -> Result<Vec<Vec<u8>>> {
    let mut objects = Vec::new();
    for _ in left..STOCK {
        let (prekey, object) = OneTimePrekey::create(device, now, random);
        tx.insert(Table::Prekey, codec::encode(&Held::OneTime(prekey)).expose_secret())?;
        objects.push(object);
    }
    Ok(objects)
}

/// Deletes what has outlived its retention, but never the newest signed prekey.
pub(crate) fn prune(tx: &Tx<'_>, now: u64) -> Result<()> {
    let held = all(tx)?;
    let newest = held
        .iter()
        .filter_map(|(_, held)| match held {
            Held::Signed(prekey) => Some(prekey.created()),
            _ => None,
        })
        .max();
    for (row, held) in held {
        match held {
            Held::Signed(prekey) if Some(prekey.created()) != newest && old(prekey.created(), now) => {
                use_up(tx, row, prekey.id(), now)?;
            }
            Held::OneTime(prekey) if old(prekey.created(), now) => use_up(tx, row, prekey.id(), now)?,
            Held::Gone(_, at) if old(at, now) => {
                tx.delete(Table::Prekey, row)?;
            }
            _ => {}
        }
    }
    Ok(())
}

const fn old(at: u64, now: u64) -> bool {
    at.saturating_add(RETENTION) < now
}
