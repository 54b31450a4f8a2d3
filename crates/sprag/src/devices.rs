//! Our own devices and their list, beyond one change of it: the daily look at what the directory shows of us, and leaving.
//!
//! Who joins is `link`'s matter.

use sprag_core::identity::DeviceList;
use sprag_core::random::Random;

use crate::account::{Change, Own, Stage};
use crate::codec::CORRUPT;
use crate::contact::Known;
use crate::directory::{self, Answer};
use crate::error::{Error, Result};
use crate::event::What;
use crate::id::{Conversation, MessageId};
use crate::notice::{raise, raise_sparingly};
use crate::outbox::{self, Attempt, Cargo, Circle, Entry, Load, Queued, Scope};
use crate::request::Why;
use crate::store::Tx;

/// Asks what the directory shows of our own account: a list that is not ours, or an older one, is seen so.
pub(crate) fn look(tx: &Tx<'_>, own: &Own, now: u64) -> Result<()> {
    if own.stage != Stage::Member || directory::is_publishing(tx)? || broken!("own-list-unwatched") {
        return Ok(());
    }
    let mut known = Known::find(tx, &own.id()?)?.ok_or(CORRUPT)?;
    directory::ask(tx, &mut known, Why::SelfCheck, now)
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
        Answer::Offered(_) | Answer::Genuine(_) => return directory::commit(tx, own, known, answer, now, random),
    };
    known.fetching = false;
    if let Answer::Conflict { theirs, .. } = answer {
        let (account, mine) = (known.account.clone(), known.list_ref());
        raise_sparingly(tx, What::ListConflict { account, mine, theirs }, now)?;
    }
    if shown < own.list.sequence() {
        directory::offer_again(tx, own, shown, now)?;
    }
    // Whoever cannot be reached of our own must not keep messages from others.
    let others = own.list.devices().filter(|device| device.id != own.device.id());
    let unreached: Vec<u32> = others.map(|device| device.id).filter(|id| known.session_with(*id).is_none()).collect();
    unreached.into_iter().for_each(|device| known.note_without_keys(device, now));
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
    let me = own.id()?;
    let mut id = [0; 8];
    tx.random(&mut id);
    let conversation = Conversation::Direct(me);
    let lane = outbox::lane(tx, &conversation)?;
    let mut circle = Circle::load(tx, own, &conversation)?;
    let message = Queued::upkeep(MessageId::new(id)?, conversation, Scope::Others, Load::Retire, now);
    let Attempt::Sealed(sealed) = outbox::seal(tx, own, &mut circle, &message, now, random)? else {
        return Err(Error::NotAllowed);
    };
    let row = tx.reserve(crate::store::Table::Outbox)?;
    Entry::put(tx, row, lane, &Cargo::sealed(*sealed, message), now)?;
    circle.save(tx)?;
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
