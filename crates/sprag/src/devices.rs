//! Our own devices and their list, beyond one change of it: the daily look at what the directory shows of us, and leaving.
//!
//! Who joins is `link`'s matter.

use sprag_core::identity::DeviceList;
use sprag_core::random::Random;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Change, Own, Stage, parted};
use crate::codec::{self, CORRUPT, Row, ok};
use crate::contact::Known;
use crate::directory::{self, Answer};
use crate::error::{Error, Result};
use crate::event::{ListRef, What};
use crate::id::Conversation;
use crate::notice::{raise, raise_sparingly};
use crate::outbox::{self, Leaving, Load, Queued, Scope};
use crate::prekeys::Made;
use crate::request::Why;
use crate::rows::{Kind, LEAVING};
use crate::store::{Snapshot, Table, Tx};
use crate::trust;
use crate::upkeep::Upkeep;

/// Asks what the directory shows of our own account: a list that is not ours, or an older one, is seen so.
pub(crate) fn look(tx: &Tx<'_>, own: &Own, now: u64) -> Result<()> {
    // What is on its way is not there yet; but a directory that takes nothing must not stay unwatched, least of all while
    // somebody is to be taken off.
    let is_leaving = own.list.devices().any(|device| own.is_leaving(device.id));
    if own.stage == Stage::Removed || (directory::is_publishing(tx)? && !is_leaving) || broken!("own-list-unwatched") {
        return Ok(());
    }
    let mut known = Known::find(tx, &own.id()?)?.ok_or(CORRUPT)?;
    directory::ask(tx, &mut known, Why::SelfCheck, now)
}

/// What somebody says of a list of ours that we do not know.
struct Claim {
    /// When the directory was asked about it.
    at: u64,
    /// Its number; none once it was dealt with.
    sequence: Option<u64>,
}

/// Seconds between two questions about lists that others say we have.
const CLAIMS: u64 = 3_600;

fn claim_row(snapshot: &Snapshot<'_>) -> i64 {
    Kind::Look.row(snapshot, "own list", &[])
}

/// Somebody writes to us under a list of ours that we do not know: what the directory shows of it is looked at. A claim alone
/// changes nothing, and asks no more than once an hour.
pub(crate) fn claimed(tx: &Tx<'_>, own: &Own, sequence: u64, now: u64) -> Result<()> {
    let row = claim_row(tx);
    let last: Option<Claim> =
        tx.get(Table::Meta, row)?.map(|value| codec::decode(value.expose_secret())).transpose()?;
    if last.is_some_and(|last| now.abs_diff(last.at) < CLAIMS) || broken!("claims-unheard") {
        return Ok(());
    }
    let claim = Claim { at: now, sequence: Some(sequence) };
    tx.put(Table::Meta, row, codec::encode(&claim).expose_secret())?;
    let mut known = Known::find(tx, &own.id()?)?.ok_or(CORRUPT)?;
    directory::ask(tx, &mut known, Why::SelfCheck, now)
}

/// Tells of a list that others were shown as ours and that the directory does not show us.
fn settle_claim(tx: &Tx<'_>, now: u64) -> Result<()> {
    let row = claim_row(tx);
    let Some(value) = tx.get(Table::Meta, row)? else { return Ok(()) };
    let mut claim: Claim = codec::decode(value.expose_secret())?;
    let Some(sequence) = claim.sequence.take() else { return Ok(()) };
    tx.put(Table::Meta, row, codec::encode(&claim).expose_secret())?;
    let own = Own::load(tx)?;
    if own.list.sequence() >= sequence {
        return Ok(());
    }
    let (account, mine) = (own.id()?, ListRef::new(own.list.sequence(), *own.list.hash()));
    raise_sparingly(tx, What::ListConflict { account, mine, theirs: ListRef::new(sequence, [0; 32]) }, now)
}

impl Row for Claim {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.at);
        self.sequence.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { at: Row::read(reader)?, sequence: Row::read(reader)? })
    }
}

/// Seconds after which a device that is to be taken off and is not yet is told of, each time: a day.
const DAY: u64 = 86_400;

/// Another list of ours was seen under the number of the one that we know. It was told, and is dealt with here.
pub(crate) fn parted(tx: &Tx<'_>, other: &DeviceList, now: u64) -> Result<()> {
    let mut own = Own::load(tx)?;
    let changes = parted::seen(tx, &own, other)?;
    if changes.is_empty() || own.stage != Stage::Member {
        return Ok(());
    }
    own.changes.extend(changes);
    own.save(tx)?;
    let mut upkeep = Upkeep::load(tx)?;
    directory::publish(tx, &own, Made::default(), &mut upkeep, now)
}

/// Tells once a day that the directory has not taken the list without a device that is to be taken off.
pub(crate) fn leaving(tx: &Tx<'_>, own: &Own, now: u64) -> Result<()> {
    let since: Option<u64> =
        tx.get(Table::Meta, LEAVING)?.map(|value| codec::decode(value.expose_secret())).transpose()?;
    let is_leaving = own.stage == Stage::Member && own.list.devices().any(|device| own.is_leaving(device.id));
    match since {
        Some(_) if !is_leaving => {
            tx.delete(Table::Meta, LEAVING)?;
            return Ok(());
        }
        Some(since) if now.abs_diff(since) >= DAY && !broken!("revocations-untold") => {
            let theirs = ListRef::new(own.list.sequence(), *own.list.hash());
            let mine = ListRef::new(own.list.sequence().saturating_add(1), [0; 32]);
            raise_sparingly(tx, What::ListConflict { account: own.id()?, mine, theirs }, now)?;
        }
        None if is_leaving => {}
        _ => return Ok(()),
    }
    Ok(tx.put(Table::Meta, LEAVING, codec::encode(&now).expose_secret())?)
}

/// Takes over what the directory says of our own account. What it does not have, or only an older one of, is offered again.
pub(crate) fn answered(
    tx: &Tx<'_>,
    own: &Own,
    mut known: Known,
    answer: Answer,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    let shown = match &answer {
        Answer::Refused(_) => 0,
        Answer::Conflict { theirs, .. } => theirs.sequence,
        Answer::Genuine(_) => {
            directory::commit(tx, own, known, answer, now, random)?;
            return settle_claim(tx, now);
        }
        Answer::Offered(_) => u64::MAX,
    };
    known.fetching = false;
    if let Answer::Offered(list) = answer {
        known.save(tx)?;
        trust::offer(tx, own, known, *list, now)?;
        known = Known::find(tx, &own.id()?)?.ok_or(CORRUPT)?;
        return go_on(tx, own, known, now, random);
    }
    if let Answer::Conflict { theirs, list, .. } = answer {
        let (account, mine) = (known.account.clone(), known.list_ref());
        raise_sparingly(tx, What::ListConflict { account, mine, theirs }, now)?;
        known.save(tx)?;
        parted(tx, &list, now)?;
    }
    if shown < own.list.sequence() {
        directory::offer_again(tx, own, shown, now)?;
    }
    go_on(tx, own, known, now, random)
}

/// Whoever cannot be reached of our own must not keep messages from others.
fn go_on(tx: &Tx<'_>, own: &Own, mut known: Known, now: u64, random: &mut dyn Random) -> Result<()> {
    let others = own.list.devices().filter(|device| device.id != own.device.id());
    others.for_each(|device| known.note_without_keys(device.id, now));
    known.save(tx)?;
    directory::flush(tx, &known, now, random)
}

/// Takes this device off its account's list: it signs the list without itself, or asks those that can. From now on it
/// sends nothing.
///
/// # Errors
/// [`Error::NotAllowed`] if it is not on the list, or nobody would be left who can sign it.
pub(crate) fn retire(tx: &Tx<'_>, own: &mut Own, now: u64, random: &mut dyn Random) -> Result<()> {
    own.check_member()?;
    let ours = own.device.id();
    let is_left = |list: &DeviceList| list.devices().any(|device| device.id != ours && device.holds_account_key);
    if !is_left(&own.list) {
        return Err(Error::NotAllowed);
    }
    if own.key.is_some() {
        return directory::change_list(tx, own, Change::Remove(ours), now);
    }
    let message = Queued::upkeep(tx, Conversation::Direct(own.id()?), Scope::Others, Load::Retire, now)?;
    if !matches!(outbox::leave(tx, own, message, now, random)?, Leaving::Sealed) {
        return Err(Error::NotAllowed);
    }
    own.stage = Stage::Removed;
    own.save(tx)?;
    raise(tx, What::Removed, now).map(|_| ())
}

/// Another of our devices asks to be taken off the list. Nobody gains by that but who may ask it.
pub(crate) fn retired(tx: &Tx<'_>, device: u32, now: u64) -> Result<()> {
    let mut own = Own::load(tx)?;
    if own.key.is_none() || own.stage != Stage::Member || own.list.device(device).is_none() {
        return Ok(());
    }
    directory::change_list(tx, &mut own, Change::Remove(device), now)
}
