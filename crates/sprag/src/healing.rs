//! Messages that did not open, and how they come all the same: what is asked of the other side, and what it asks of us.
//!
//! ```text
//!   does not open ──▶ Lost ──▶ keys fetched, a session begun that continues the old one ──▶ Renew, naming it
//!   the other side: Renew ──▶ wanted ──wake──▶ sealed again, or Gone
//! ```
//! One row for each pair of devices. It fetches no keys and begins no session.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{DeviceEntry, DeviceList};
use sprag_core::random::Random;
use sprag_core::ratchet::HintKey;
use sprag_core::wire::{Reader, Writer};

use crate::account::Own;
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{Healing, Incoming, Reason, What};
use crate::id::{AccountId, BlobId, Conversation};
use crate::notice::raise_sparingly;
use crate::outbox::{self, Leaving, Load, Queued, Scope};
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// Messages of one device that are waited for or wanted at once, at most: as many as one request names.
const MOST: usize = sprag_core::content::MAX_NAMED;

/// Seconds between two requests to one device, at least, and how often that is doubled while nothing comes of them.
const HOUR: u64 = 3_600;
const DOUBLINGS: u32 = 5;

/// Requests to one device that are answered, after which it is doubled all the same, until for so long nothing was lost.
const OFTEN: u32 = 8;

/// Seconds for which a message is waited for: a day longer than the other side keeps it.
const PATIENCE: u64 = 8 * 86_400;

/// A message that did not open.
struct Lost {
    commitment: [u8; 32],
    blob_id: BlobId,
    app_ref: Option<Vec<u8>>,
    reason: Reason,
    at: u64,
    /// Whether the other side was asked.
    is_asked: bool,
}

/// What is between one of our devices and one of theirs.
struct Pair {
    contact: i64,
    device: u32,
    lost: Vec<Lost>,
    /// When the other side was asked last, or was to be, and how often in vain.
    asked: u64,
    attempts: u32,
    /// How often it was asked lately, whatever came of it: where two copies of a device are in use, something comes each time.
    lately: u32,
    /// A session is to be begun with the next keys.
    renew: bool,
    /// It is to continue no other: the device does not know what we name, or we do not know what it named.
    is_plain: bool,
    /// What the other side asks us for, and when it did.
    wanted: Vec<([u8; 32], u64)>,
}

/// A message of a device that does not open, though it might if it were sealed again.
pub(crate) struct Unopened {
    pub(crate) known: Known,
    pub(crate) device: u32,
    pub(crate) commitment: [u8; 32],
    pub(crate) reason: Reason,
    /// It begins a session that continues one which we do not know.
    pub(crate) is_unknown: bool,
}

/// Whether sealing a message again can help.
pub(crate) const fn is_curable(reason: Reason) -> bool {
    matches!(reason, Reason::KeyGone | Reason::Open | Reason::Damaged | Reason::TooFar)
}

fn row_of(snapshot: &Snapshot<'_>, contact: i64, device: u32) -> i64 {
    let named = [&contact.to_be_bytes()[..], &device.to_be_bytes()].concat();
    Kind::Pair.row(snapshot, "healing", &named)
}

impl Pair {
    fn load(snapshot: &Snapshot<'_>, contact: i64, device: u32) -> Result<Option<Self>> {
        snapshot
            .get(Table::Meta, row_of(snapshot, contact, device))?
            .map(|value| codec::decode(value.expose_secret()))
            .transpose()
    }

    const fn new(contact: i64, device: u32) -> Self {
        Self {
            contact,
            device,
            lost: Vec::new(),
            asked: 0,
            attempts: 0,
            lately: 0,
            renew: false,
            is_plain: false,
            wanted: Vec::new(),
        }
    }

    fn save(&self, tx: &Tx<'_>) -> Result<()> {
        let row = row_of(tx, self.contact, self.device);
        Ok(tx.put(Table::Meta, row, codec::encode(self).expose_secret())?)
    }

    /// When the other side may be asked again.
    fn next(&self) -> u64 {
        if self.attempts == 0 || broken!("asked-without-end") {
            return 0;
        }
        let beyond = if broken!("asked-anew-each-time") { 0 } else { self.lately.saturating_sub(OFTEN) };
        self.asked.saturating_add(HOUR << (self.attempts - 1).max(beyond).min(DOUBLINGS))
    }

    /// Whether it may be asked now. A time that was noted while the clock was wrong delays nothing for long.
    fn is_due(&self, now: u64) -> bool {
        now >= self.next() || self.asked > now.saturating_add(HOUR)
    }

    /// Asks, as soon as there are keys.
    fn ask(&mut self, now: u64) {
        self.renew = true;
        self.asked = now;
        self.attempts = self.attempts.saturating_add(1);
        self.lately = self.lately.saturating_add(1);
    }

    /// Tells the app that nothing more will come of a message.
    fn give_up(tx: &Tx<'_>, lost: Lost, from: &AccountId, now: u64) -> Result<()> {
        let Lost { blob_id, app_ref, reason, .. } = lost;
        let from = Some(from.clone());
        raise_sparingly(tx, What::Unreadable { app_ref, blob_id, from, reason, healing: Healing::Final }, now)
    }
}

/// Takes note of a message that did not open. What is done about it, and whether keys are to be fetched for that now, or at
/// which time.
pub(crate) fn lost(
    tx: &Tx<'_>,
    own: &Own,
    unopened: &Unopened,
    incoming: &Incoming,
    now: u64,
) -> Result<(Healing, Option<u64>)> {
    let Unopened { known, device, commitment, reason, is_unknown } = unopened;
    // Whoever has a copy of the other side would get a fresh session with the original.
    if incoming.history
        || known.is_copied(*device)
        || known.is_held()
        || own.check_member().is_err()
        || broken!("nothing-is-asked")
    {
        return Ok((Healing::Final, None));
    }
    let mut pair = Pair::load(tx, known.row, *device)?.unwrap_or_else(|| Pair::new(known.row, *device));
    let blob_id = BlobId::of(&incoming.bytes);
    if let Some(known) = pair.lost.iter().find(|lost| lost.commitment == *commitment) {
        // Other bytes of the same message: it comes in the place of the first, and once.
        let is_it = known.blob_id == blob_id || broken!("asked-without-an-end");
        return Ok((if is_it { Healing::Asked } else { Healing::Final }, None));
    }
    if pair.lost.len() >= MOST {
        return Ok((Healing::Final, None));
    }
    pair.lost.push(Lost {
        commitment: *commitment,
        blob_id,
        app_ref: incoming.app_ref.clone(),
        reason: *reason,
        at: now,
        is_asked: false,
    });
    pair.is_plain |= is_unknown;
    if pair.is_due(now) {
        pair.ask(now);
    }
    pair.save(tx)?;
    Ok((Healing::Asked, Some(if pair.renew { now } else { pair.next() })))
}

/// Whether a session is to be begun with a device that has one already; and whether it is to continue that.
pub(crate) fn is_wanted(snapshot: &Snapshot<'_>, known: &Known, device: u32) -> Result<Option<bool>> {
    let pair = Pair::load(snapshot, known.row, device)?.filter(|pair| pair.renew);
    Ok(pair.map(|pair| !pair.is_plain))
}

/// A session was begun with a device: it carries what is asked for, if something is.
pub(crate) fn begun(
    tx: &Tx<'_>,
    own: &Own,
    known: &Known,
    device: u32,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    let Some(mut pair) = Pair::load(tx, known.row, device)?.filter(|pair| pair.renew) else { return Ok(()) };
    (pair.renew, pair.is_plain) = (false, false);
    let named = pair.lost.iter().filter(|lost| !lost.is_asked).map(|lost| lost.commitment).collect::<Vec<_>>();
    if !named.is_empty() && send(tx, own, known, device, Load::Renew(named), now, random)? {
        pair.lost.iter_mut().for_each(|lost| lost.is_asked = true);
    }
    pair.save(tx)
}

/// Sends a control message to one device; whether it could be sealed.
fn send(
    tx: &Tx<'_>,
    own: &Own,
    known: &Known,
    device: u32,
    load: Load,
    now: u64,
    random: &mut dyn Random,
) -> Result<bool> {
    let scope = Scope::One { contact: known.row, device };
    let message = Queued::upkeep(tx, Conversation::Direct(known.account.clone()), scope, load, now)?;
    Ok(matches!(outbox::leave(tx, own, message, now, random)?, Leaving::Sealed))
}

/// A message came that was sealed again: in the place of which one that did not open.
/// If that was shown already, under its own id, the app is told that nothing more will come of the other.
pub(crate) fn recovered(
    tx: &Tx<'_>,
    known: &Known,
    device: u32,
    commitment: &[u8],
    is_shown: bool,
    now: u64,
) -> Result<Option<BlobId>> {
    let Some(mut pair) = Pair::load(tx, known.row, device)? else { return Ok(None) };
    let Some(at) = pair.lost.iter().position(|lost| lost.commitment == *commitment) else { return Ok(None) };
    let lost = pair.lost.remove(at);
    pair.attempts = pair.attempts.min(1);
    pair.save(tx)?;
    let blob_id = lost.blob_id;
    if is_shown && !broken!("asked-without-an-end") {
        Pair::give_up(tx, lost, &known.account, now)?;
    }
    Ok(Some(blob_id))
}

/// The other side will not send these again.
pub(crate) fn gone(tx: &Tx<'_>, known: &Known, device: u32, named: &[[u8; 32]], now: u64) -> Result<()> {
    let Some(mut pair) = Pair::load(tx, known.row, device)? else { return Ok(()) };
    let (gone, kept) = core::mem::take(&mut pair.lost).into_iter().partition(|lost| named.contains(&lost.commitment));
    pair.lost = kept;
    for lost in Vec::<Lost>::from_iter(gone) {
        Pair::give_up(tx, lost, &known.account, now)?;
    }
    pair.save(tx)
}

/// The other side asks for messages of ours. They are looked for in `wake`.
pub(crate) fn requested(tx: &Tx<'_>, known: &Known, device: u32, named: &[[u8; 32]], now: u64) -> Result<()> {
    let mut pair = Pair::load(tx, known.row, device)?.unwrap_or_else(|| Pair::new(known.row, device));
    for commitment in named {
        if pair.wanted.len() < MOST && pair.wanted.iter().all(|(known, _)| known != commitment) {
            pair.wanted.push((*commitment, now));
        }
    }
    pair.save(tx)
}

/// Seals again what a contact's devices asked for and may have; says of the rest that it is gone. While the user is to decide
/// about the contact, or has not accepted that it began anew, nothing is.
pub(crate) fn answer(tx: &Tx<'_>, own: &Own, known: &Known, now: u64, random: &mut dyn Random) -> Result<()> {
    if known.is_held() || own.check_member().is_err() {
        return Ok(());
    }
    for device in known.list.iter().flat_map(DeviceList::devices) {
        let Some(mut pair) = Pair::load(tx, known.row, device.id)?.filter(|pair| !pair.wanted.is_empty()) else {
            continue;
        };
        if known.session_with(device.id).is_none() || !known.is_continuous(device.id) {
            continue;
        }
        let (mut gone, mut later) = (Vec::new(), Vec::new());
        for (commitment, at) in core::mem::take(&mut pair.wanted) {
            match again(tx, own, known, device, commitment, now, random)? {
                Again::Sent => {}
                Again::Gone => gone.push(commitment),
                Again::Later => later.push((commitment, at)),
            }
        }
        pair.wanted = later;
        if !gone.is_empty() {
            send(tx, own, known, device.id, Load::Gone(gone), now, random)?;
        }
        pair.save(tx)?;
    }
    Ok(())
}

/// What became of a message that was asked for.
enum Again {
    Sent,
    Gone,
    Later,
}

fn again(
    tx: &Tx<'_>,
    own: &Own,
    known: &Known,
    device: &DeviceEntry,
    commitment: [u8; 32],
    now: u64,
    random: &mut dyn Random,
) -> Result<Again> {
    let found = outbox::find_shelved(tx, &commitment, &device.device_key, own.policy.shelf, now)?;
    let Some(shelved) = found.filter(|shelved| shelved.concerns(known, own.is_own(&known.account))) else {
        return Ok(Again::Gone);
    };
    let Some(Queued { id, conversation, class, load: Load::Content(content), sent, .. }) = &shelved.cargo.message
    else {
        return Ok(Again::Gone);
    };
    let message = Queued {
        id: id.clone(),
        conversation: conversation.clone(),
        scope: Scope::One { contact: known.row, device: device.id },
        class: *class,
        load: Load::Again(content.clone(), commitment),
        sent: *sent,
        expires: None,
    };
    if !matches!(outbox::leave(tx, own, message, now, random)?, Leaving::Sealed) {
        return Ok(Again::Later);
    }
    shelved.count(tx, &device.device_key)?;
    Ok(Again::Sent)
}

/// Gives up what was waited for in vain, and asks again for what could not be asked for before. Yields the contacts whose
/// keys are to be fetched, and when the next is due.
pub(crate) fn keep_up(tx: &Tx<'_>, now: u64) -> Result<(Vec<i64>, Option<u64>)> {
    let (mut rows, mut next) = (Vec::new(), None::<u64>);
    for (row, value) in Kind::Pair.all(tx)? {
        let mut pair: Pair = codec::decode(value.expose_secret())?;
        let known = match Known::load(tx, pair.contact) {
            Ok(known) => known,
            Err(CORRUPT) => continue,
            Err(error) => return Err(error),
        };
        let is_over = |at: u64| now.abs_diff(at) >= PATIENCE;
        let before = (pair.lost.len(), pair.wanted.len(), pair.renew, pair.asked);
        let (over, kept) = core::mem::take(&mut pair.lost).into_iter().partition(|lost| is_over(lost.at));
        pair.lost = kept;
        for lost in Vec::<Lost>::from_iter(over) {
            Pair::give_up(tx, lost, &known.account, now)?;
        }
        pair.wanted.retain(|(_, at)| !is_over(*at));
        let is_listed = known.list.as_ref().is_some_and(|list| list.device(pair.device).is_some());
        if pair.lost.iter().any(|lost| !lost.is_asked) && is_listed && !known.is_held() {
            if pair.is_due(now) {
                pair.ask(now);
                rows.push(pair.contact);
            }
            next = Some(next.map_or(pair.next(), |next| next.min(pair.next())));
        }
        if pair.lost.is_empty() && pair.wanted.is_empty() && now >= pair.next() {
            tx.delete(Table::Meta, row)?;
        } else if before != (pair.lost.len(), pair.wanted.len(), pair.renew, pair.asked) {
            pair.save(tx)?;
        }
    }
    Ok((rows, next))
}

impl Row for Lost {
    fn write(&self, writer: &mut Writer) {
        self.commitment.write(writer.array(6));
        self.blob_id.write(writer);
        self.app_ref.write(writer);
        self.reason.write(writer);
        writer.uint(self.at).bool(self.is_asked);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(6))?;
        Ok(Self {
            commitment: Row::read(reader)?,
            blob_id: Row::read(reader)?,
            app_ref: Row::read(reader)?,
            reason: Row::read(reader)?,
            at: Row::read(reader)?,
            is_asked: Row::read(reader)?,
        })
    }
}

impl Row for ([u8; 32], u64) {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).bytes(&self.0).uint(self.1);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok((Row::read(reader)?, Row::read(reader)?))
    }
}

impl Row for Pair {
    fn write(&self, writer: &mut Writer) {
        self.contact.write(writer.array(9));
        writer.uint(self.device.into());
        write_list(writer, &self.lost);
        writer.uint(self.asked).uint(self.attempts.into()).bool(self.renew).bool(self.is_plain);
        write_list(writer, &self.wanted);
        writer.uint(self.lately.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(9))?;
        Ok(Self {
            contact: Row::read(reader)?,
            device: Row::read(reader)?,
            lost: read_list(reader)?,
            asked: Row::read(reader)?,
            attempts: Row::read(reader)?,
            renew: Row::read(reader)?,
            is_plain: Row::read(reader)?,
            wanted: read_list(reader)?,
            lately: Row::read(reader)?,
        })
    }
}

/// The listed device, among those that we have no session with, of which a slot with one of these hints is.
pub(crate) fn device_of<'a>(
    own: &Own,
    known: &Known,
    hints: impl Iterator<Item = &'a [u8]> + Clone,
    commitment: &[u8; 32],
) -> Option<u32> {
    let ours = own.device.device_key();
    let mut devices =
        known.list.iter().flat_map(DeviceList::devices).filter(|device| {
            device.device_key != ours && known.sessions.iter().all(|session| session.device != device.id)
        });
    let is_hinted = |device: &&DeviceEntry| {
        let key = HintKey::between(own.device.identity(), &device.identity_key);
        key.is_ok_and(|key| hints.clone().any(|hint| hint == key.hint(&device.device_key, commitment)))
    };
    devices.find(is_hinted).map(|device| device.id)
}

/// The listed device of which an initial slot with this hint is.
pub(crate) fn sender_of(own: &Own, known: &Known, hint: &[u8], commitment: &[u8; 32]) -> Option<u32> {
    let is_hinted = |device: &&DeviceEntry| {
        let key = HintKey::between(own.device.identity(), &device.identity_key);
        key.is_ok_and(|key| hint == key.hint(&device.device_key, commitment))
    };
    known.list.iter().flat_map(DeviceList::devices).find(is_hinted).map(|device| device.id)
}

/// Whether a key is that of a listed device: nothing is asked of one that is not.
pub(crate) fn is_listed(known: &Known, device: u32, key: &VerifyKey) -> bool {
    known.list.as_ref().and_then(|list| list.device(device)).is_some_and(|entry| entry.device_key == *key)
}
