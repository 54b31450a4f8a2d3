//! What a new device is told of its account, and that it comes whole: who misses a page asks for all of them again.
//!
//! How a device comes onto the list is `link`'s matter.

use sprag_core::account_state::{ContactState, KnownList, StatePage};
use sprag_core::identity::Pin;
use sprag_core::random::Random;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Own, Stage, door_id};
use crate::codec::{self, Row, ok, read_list, write_list};
use crate::contact::Known;
use crate::directory;
use crate::error::Result;
use crate::id::{AccountId, Conversation};
use crate::outbox::{self, Load, Queued, Scope};
use crate::protection;
use crate::rows::{ASKING, WELCOME};
use crate::store::{Snapshot, Table, Tx};
use crate::upkeep::Upkeep;

/// How the state names a contact's trust.
const PINNED: u8 = 1;
const VERIFIED: u8 = 2;

/// Bytes for what else stands around a page: the commitment, heads, statements.
const AROUND: usize = 600;

/// The most bytes of a page of the account's state, where bodies are long enough.
const PAGE: usize = 24 * 1024;

/// Seconds between two requests for the account's state, and between two answers to one device: an hour.
const HOUR: u64 = 3_600;

/// What of the account's state has come.
struct Coming {
    /// When it was last asked for, or this device came onto the list.
    asked: u64,
    pages: u32,
    have: Vec<u32>,
}

impl Coming {
    fn load(snapshot: &Snapshot<'_>) -> Result<Option<Self>> {
        snapshot.get(Table::Meta, WELCOME)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, WELCOME, codec::encode(self).expose_secret())?)
    }
}

/// This device has answered an offer: the account's state is to come.
pub(crate) fn expect(tx: &Tx<'_>, now: u64) -> Result<()> {
    Coming { asked: now, pages: 0, have: Vec::new() }.save(tx)?;
    Upkeep::put_off(tx, now.saturating_add(HOUR), now)
}

/// A page has come. Whether all have by now, tells the row.
fn arrived(tx: &Tx<'_>, page: &StatePage) -> Result<()> {
    let Some(mut coming) = Coming::load(tx)? else { return Ok(()) };
    if coming.pages != page.pages {
        // There is more to tell, or less, than when it was begun.
        (coming.pages, coming.have) = (page.pages, Vec::new());
    }
    if !coming.have.contains(&page.number) {
        coming.have.push(page.number);
    }
    if coming.have.len() as u64 >= u64::from(coming.pages) {
        tx.delete(Table::Meta, WELCOME)?;
        Ok(())
    } else {
        coming.save(tx)
    }
}

/// Asks those of our devices that can tell for the account's state, if it has not come whole for an hour. Yields when it is
/// to be looked at again.
pub(crate) fn ask(tx: &Tx<'_>, own: &Own, now: u64, random: &mut dyn Random) -> Result<Option<u64>> {
    let Some(mut coming) = Coming::load(tx)? else { return Ok(None) };
    if own.check_member().is_ok() && now.abs_diff(coming.asked) >= HOUR && !broken!("welcome-comes-once") {
        let others = own.list.devices().filter(|device| device.id != own.device.id() && device.holds_account_key);
        for device in others {
            let (conversation, scope) = (Conversation::Direct(own.id()?), Scope::Device(device.id));
            let message = Queued::upkeep(tx, conversation, scope, Load::AskState, now)?;
            directory::leave(tx, own, message, now, random)?;
        }
        coming.asked = now;
        coming.save(tx)?;
    }
    Ok(Some(coming.asked.saturating_add(HOUR)))
}

/// A device of ours that asks for the account's state, and when it was told last.
struct Asking {
    device: u32,
    told: u64,
    is_asking: bool,
}

fn asking(snapshot: &Snapshot<'_>) -> Result<Vec<Asking>> {
    let value = snapshot.get(Table::Meta, ASKING)?;
    value.map(|value| codec::decode(value.expose_secret())).transpose().map(Option::unwrap_or_default)
}

/// Another of our devices asks for the account's state. It is told in `wake`, and not more than once an hour.
pub(crate) fn asked(tx: &Tx<'_>, own: &Own, known: &Known, device: u32, now: u64) -> Result<()> {
    let mut all = asking(tx)?;
    all.retain(|asking| own.list.device(asking.device).is_some());
    let told = all.iter().find(|asking| asking.device == device).map_or(0, |asking| asking.told);
    if own.list.device(device).is_none() || own.stage != Stage::Member || now.abs_diff(told) < HOUR {
        return Ok(());
    }
    all.retain(|asking| asking.device != device);
    all.push(Asking { device, told, is_asking: true });
    tx.put(Table::Meta, ASKING, codec::encode(&all).expose_secret())?;
    Upkeep::owe(tx, known.row)
}

/// Tells those of our devices that have asked.
pub(crate) fn answer(tx: &Tx<'_>, own: &Own, now: u64, random: &mut dyn Random) -> Result<()> {
    let mut all = asking(tx)?;
    if all.iter().all(|asking| !asking.is_asking) || own.check_member().is_err() {
        return Ok(());
    }
    for asking in all.iter_mut().filter(|asking| asking.is_asking) {
        (asking.is_asking, asking.told) = (false, now);
        if let Some(entry) = own.list.device(asking.device) {
            let is_granted = entry.holds_account_key;
            tell_all(tx, own, asking.device, is_granted, now, random)?;
        }
    }
    Ok(tx.put(Table::Meta, ASKING, codec::encode(&all).expose_secret())?)
}

/// Tells one of our devices all that the account knows; the account key as well, if that was granted to it.
pub(crate) fn tell_all(
    tx: &Tx<'_>,
    own: &Own,
    device: u32,
    is_granted: bool,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    let key = own.key.as_ref().filter(|_| is_granted);
    let contacts = contacts(tx, own)?;
    // What does not fit must not keep the directory's answer from being taken.
    for page in StatePage::split(key, &contacts, &protection::state(tx)?, page(own)).unwrap_or_default() {
        tell(tx, own, &own.id()?, device, page, now, random)?;
    }
    Ok(())
}

fn contacts(tx: &Tx<'_>, own: &Own) -> Result<Vec<ContactState>> {
    let mut contacts = Vec::new();
    for known in Known::all(tx)? {
        let trust = u8::try_from(known.trust().code()).unwrap_or(PINNED);
        let (Some(pin), Some(list)) = (known.pin, known.list) else { continue };
        if !own.is_own(&known.account) {
            contacts.push(ContactState { account: pin.account().clone(), trust, list: KnownList::Whole(list) });
        }
    }
    Ok(contacts)
}

/// Has a page of the account's state go to one of our devices; whether it will.
fn tell(
    tx: &Tx<'_>,
    own: &Own,
    me: &AccountId,
    device: u32,
    page: SecretBytes,
    now: u64,
    random: &mut dyn Random,
) -> Result<bool> {
    let conversation = Conversation::Direct(me.clone());
    let message = Queued::upkeep(tx, conversation, Scope::Device(device), Load::State(page), now)?;
    directory::leave(tx, own, message, now, random)
}

/// The most bytes of a page of the account's state: beside it go a handshake, our list and padding.
fn page(own: &Own) -> usize {
    let beside = outbox::HANDSHAKE + own.list.as_bytes().len() + AROUND;
    (outbox::room(own).saturating_sub(beside) / 8 * 7).min(PAGE)
}

/// Gives the account key to those of our devices that are to hold it and have it not yet.
pub(crate) fn hand_over(tx: &Tx<'_>, now: u64, random: &mut dyn Random) -> Result<()> {
    let mut own = Own::load(tx)?;
    if own.unkeyed.is_empty() {
        return Ok(());
    }
    let me = own.id()?;
    // Whoever cannot be told now is told with the next answer of the directory.
    let mut later = Vec::new();
    for device in core::mem::take(&mut own.unkeyed) {
        for page in StatePage::split(own.key.as_ref(), &[], &[], page(&own)).unwrap_or_default() {
            if !tell(tx, &own, &me, device, page, now, random)? {
                later.push(device);
            }
        }
    }
    own.unkeyed = later;
    own.save(tx)
}

/// Takes over what a device with the account key tells of the account. Nobody who is pinned here is changed by it.
pub(crate) fn receive(tx: &Tx<'_>, device: u32, page: &SecretBytes) -> Result<()> {
    let mut own = Own::load(tx)?;
    let is_entitled = own.list.device(device).is_some_and(|entry| entry.holds_account_key);
    let Ok(page) = StatePage::decode(page.expose_secret()) else { return Ok(()) };
    if !is_entitled || own.stage != Stage::Member {
        return Ok(());
    }
    arrived(tx, &page)?;
    let is_granted = own.list.device(own.device.id()).is_some_and(|entry| entry.holds_account_key);
    if let (true, None, Ok(Some(key))) = (is_granted, &own.key, page.account_key(own.account())) {
        own.key = Some(key);
        own.save(tx)?;
    }
    protection::take_over(tx, &page.protections)?;
    for contact in page.contacts {
        let account = door_id(&contact.account.id)?;
        let mut known = Known::find(tx, &account)?.unwrap_or_else(|| Known::unseen(account));
        if let (None, KnownList::Whole(list)) = (&known.pin, contact.list) {
            known.pin = Some(Pin::first(&list));
            known.list = Some(list);
            known.is_verified = contact.trust == VERIFIED;
            // Whatever there was to decide, the user decides here as well.
            known.is_suspect = contact.trust > VERIFIED;
            known.save(tx)?;
        }
    }
    Ok(())
}

impl Row for Coming {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.asked).uint(self.pages.into());
        write_list(writer, &self.have);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { asked: Row::read(reader)?, pages: Row::read(reader)?, have: read_list(reader)? })
    }
}

impl Row for Asking {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.device.into()).uint(self.told).bool(self.is_asking);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { device: Row::read(reader)?, told: Row::read(reader)?, is_asking: Row::read(reader)? })
    }
}
