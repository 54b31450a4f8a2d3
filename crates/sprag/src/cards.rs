//! Keys that came in cards and messages, where no server keeps them; and the fingerprints that somebody was imported under.
//!
//! It sends nothing and begins no session. What is kept here is no more believed than a directory's answer.

use sprag_core::card::{Card, CardPart, MAX_CARD, MAX_PARTS, SmallCard};
use sprag_core::identity::{Account, DeviceList};
use sprag_core::prekey::ReceivedPrekey;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Own, core_id, door_id};
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::config::Directory;
use crate::error::{Error, Result};
use crate::event::Reason;
use crate::id::AccountId;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// The most bytes of parts that wait for the others of their card.
const MAX_WAITING: usize = MAX_CARD + MAX_PARTS * 64;

fn row(snapshot: &Snapshot<'_>, purpose: &str, account: &AccountId) -> i64 {
    Kind::Card.row(snapshot, purpose, account.as_bytes())
}

/// What is kept of an account's keys: its newest list, and each device's newest signed prekey.
#[derive(Default)]
struct Kept {
    list: Option<Vec<u8>>,
    prekeys: Vec<Vec<u8>>,
}

impl Kept {
    fn load(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Self> {
        let value = snapshot.get(Table::Meta, row(snapshot, "card", account))?;
        Ok(value.map(|value| codec::decode(value.expose_secret())).transpose()?.unwrap_or_default())
    }

    fn save(&self, tx: &Tx<'_>, account: &AccountId) -> Result<()> {
        Ok(tx.put(Table::Meta, row(tx, "card", account), codec::encode(self).expose_secret())?)
    }

    fn add(&mut self, object: &[u8]) {
        let Ok(new) = ReceivedPrekey::parse(object) else { return };
        let mut is_newest = true;
        self.prekeys.retain(|known| match ReceivedPrekey::parse(known) {
            Ok(known) if known.device() == new.device() => {
                let is_older = known.created() <= new.created();
                is_newest &= is_older;
                !is_older
            }
            other => other.is_ok(),
        });
        if is_newest {
            self.prekeys.push(object.to_vec());
        }
    }
}

/// Keeps a signed prekey of a device of an account.
pub(crate) fn keep_prekey(tx: &Tx<'_>, account: &AccountId, object: &[u8]) -> Result<()> {
    let mut kept = Kept::load(tx, account)?;
    kept.add(object);
    kept.save(tx, account)
}

/// Keeps what a card says of an account.
pub(crate) fn keep(tx: &Tx<'_>, account: &AccountId, card: &Card) -> Result<()> {
    let mut kept = Kept::load(tx, account)?;
    let before = kept.list.as_deref().map(DeviceList::reopen).transpose().map_err(|_| CORRUPT)?;
    if before.as_ref().is_some_and(|before| before.account() != card.list().account()) {
        kept = Kept::default();
    }
    let is_newer = before
        .is_none_or(|before| before.account() != card.list().account() || before.sequence() < card.list().sequence());
    if is_newer {
        kept.list = Some(card.list().as_bytes().to_vec());
    }
    card.objects().skip(1).for_each(|object| kept.add(object));
    kept.save(tx, account)
}

/// What a directory would have returned for an account; none if nothing is known.
pub(crate) fn parts(snapshot: &Snapshot<'_>, own: &Own, account: &AccountId) -> Result<Option<Vec<Vec<u8>>>> {
    let kept = Kept::load(snapshot, account)?;
    let list = if own.is_own(account) { Some(own.list.as_bytes().to_vec()) } else { kept.list };
    Ok(list.map(|list| [list].into_iter().chain(kept.prekeys).collect()))
}

/// Our own card, with what is known of our other devices.
pub(crate) fn own(snapshot: &Snapshot<'_>, own: &Own) -> Result<Card> {
    with_list(snapshot, own, &own.list)
}

/// The same with another list of ours.
fn with_list(snapshot: &Snapshot<'_>, own: &Own, list: &DeviceList) -> Result<Card> {
    let kept = Kept::load(snapshot, &own.id()?)?;
    let is_listed =
        |object: &&[u8]| ReceivedPrekey::parse(object).is_ok_and(|prekey| list.device(prekey.device()).is_some());
    let prekeys: Vec<&[u8]> = kept.prekeys.iter().map(Vec::as_slice).filter(is_listed).collect();
    if prekeys.is_empty() {
        return Err(Error::NotAllowed);
    }
    Ok(Card::new(list, &prekeys)?)
}

/// The one value of our account, with this list; and the signed prekey of this device in it.
pub(crate) fn value(snapshot: &Snapshot<'_>, own: &Own, list: &DeviceList) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let card = with_list(snapshot, own, list)?;
    let value = card.parts(MAX_CARD + MAX_PARTS)?.pop().ok_or(CORRUPT)?;
    let is_ours = |object: &&[u8]| ReceivedPrekey::parse(object).is_ok_and(|key| key.device() == own.device.id());
    Ok((value, card.objects().skip(1).find(is_ours).map(<[u8]>::to_vec)))
}

/// The card in an answer of a directory that keeps one value for each account.
fn in_value(parts: &[Vec<u8>]) -> Option<Card> {
    let parts: Vec<CardPart> = parts.iter().filter_map(|part| CardPart::parse(part).ok()).collect();
    CardPart::assemble(&parts).ok().flatten()
}

/// An answer of a directory, object by object.
pub(crate) fn objects(parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let card = in_value(parts);
    let inside = card.iter().flat_map(Card::objects).map(<[u8]>::to_vec);
    inside.chain(parts.iter().cloned()).collect()
}

/// Takes over the keys of our other devices from our value.
pub(crate) fn merge(tx: &Tx<'_>, own: &Own, parts: &[Vec<u8>]) -> Result<()> {
    if own.policy.directory != Directory::KeyValue {
        return Ok(());
    }
    match in_value(parts).filter(|card| card.list().account() == own.account()) {
        Some(card) if !broken!("values-overwritten") => keep(tx, &own.id()?, &card),
        _ => Ok(()),
    }
}

/// Takes over a card that came in a message of the account that is pinned.
pub(crate) fn carried(tx: &Tx<'_>, account: &AccountId, pinned: &Account, bytes: &[u8]) -> Result<()> {
    match Card::decode(bytes) {
        Ok(card) if card.list().account() == pinned => keep(tx, account, &card),
        _ => Ok(()),
    }
}

/// The first key that is pinned under the account's id is to be this one.
pub(crate) fn expect(tx: &Tx<'_>, account: &AccountId, fingerprint: &[u8; 32]) -> Result<()> {
    let mut writer = Writer::new();
    fingerprint.write(&mut writer);
    Ok(tx.put(Table::Meta, row(tx, "fingerprint", account), &writer.finish())?)
}

/// Whether an account may be pinned, for all that is known.
pub(crate) fn is_expected(snapshot: &Snapshot<'_>, account: &Account) -> Result<bool> {
    let id = door_id(&account.id)?;
    let Some(value) = snapshot.get(Table::Meta, row(snapshot, "fingerprint", &id))? else { return Ok(true) };
    let fingerprint = codec::decode(value.expose_secret())?;
    Ok(SmallCard { id: core_id(&id)?, fingerprint }.check(account).is_ok())
}

/// Forgets all that is kept of an account.
pub(crate) fn forget(tx: &Tx<'_>, account: &AccountId) -> Result<()> {
    for purpose in ["card", "card parts", "fingerprint"] {
        tx.delete(Table::Meta, row(tx, purpose, account))?;
    }
    Ok(())
}

/// What became of a part of a card.
pub(crate) enum Received {
    /// Others are missing.
    Waits,
    /// The card is whole, and kept.
    Whole,
    /// It is of somebody who may not be pinned under the id, with the hash of that account key.
    Another([u8; 32]),
    /// It does not do.
    Refused(Reason),
}

/// Takes in a part of the card of an account, as the app names it.
pub(crate) fn receive(tx: &Tx<'_>, own: &Own, from: &AccountId, object: &[u8]) -> Result<Received> {
    let row = row(tx, "card parts", from);
    let waiting: Parts = match tx.get(Table::Meta, row)? {
        Some(value) => codec::decode(value.expose_secret())?,
        None => Parts(Vec::new()),
    };
    let new = match CardPart::parse(object) {
        Ok(new) => new,
        Err(error) => return Ok(Received::Refused(error.into())),
    };
    let mut objects = waiting.0;
    let mut parts: Vec<CardPart> = objects.iter().filter_map(|object| CardPart::parse(object).ok()).collect();
    if parts.first().is_some_and(|first| (first.hash(), first.count()) != (new.hash(), new.count())) {
        // Another card of theirs: what is newer is meant.
        (objects, parts) = (Vec::new(), Vec::new());
    }
    if parts.iter().all(|known| known.number() != new.number()) {
        objects.push(object.to_vec());
        parts.push(new);
    }
    let card = match CardPart::assemble(&parts) {
        Ok(None) if objects.iter().map(Vec::len).sum::<usize>() <= MAX_WAITING => {
            tx.put(Table::Meta, row, codec::encode(&Parts(objects)).expose_secret())?;
            return Ok(Received::Waits);
        }
        Ok(Some(card)) => Ok(card),
        Ok(None) => Err(Reason::TooLarge),
        Err(error) => Err(error.into()),
    };
    tx.delete(Table::Meta, row)?;
    let card = match card {
        Ok(card) => card,
        Err(reason) => return Ok(Received::Refused(reason)),
    };
    let account = card.list().account();
    let is_named = account.id.as_bytes() == from.as_bytes() && (!own.is_own(from) || account == own.account());
    if (!is_named && !broken!("cards-of-anybody")) || !is_expected(tx, account)? {
        return Ok(Received::Another(account.fingerprint()));
    }
    keep(tx, from, &card)?;
    Ok(Received::Whole)
}

/// Parts that wait for the others of their card.
struct Parts(Vec<Vec<u8>>);

impl Row for Parts {
    fn write(&self, writer: &mut Writer) {
        write_list(writer, &self.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        read_list(reader).map(Self)
    }
}

impl Row for Kept {
    fn write(&self, writer: &mut Writer) {
        self.list.write(writer.array(2));
        write_list(writer, &self.prekeys);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { list: Row::read(reader)?, prekeys: read_list(reader)? })
    }
}
