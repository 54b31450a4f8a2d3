//! Another account key on its way to follow ours: our other devices are asked to sign for it, and sign.
//!
//! The key itself, and the list under it, are `account`'s.

use sprag_core::identity::SignedEntry;
use sprag_core::random::Random;

use crate::account::Own;
use crate::contact::Known;
use crate::directory;
use crate::error::Result;
use crate::event::{ListRef, What};
use crate::id::Conversation;
use crate::notice::raise_sparingly;
use crate::outbox::{Load, Queued, Scope};
use crate::prekeys::Made;
use crate::store::Tx;
use crate::upkeep::Upkeep;

/// Asks our other devices to sign for the key that is to follow ours, if one is. Whoever cannot be asked now is asked later,
/// or has to be linked again.
pub(crate) fn ask(tx: &Tx<'_>, now: u64, random: &mut dyn Random) -> Result<()> {
    let mut own = Own::load(tx)?;
    let unasked = own.unasked();
    if unasked.is_empty() || own.check_member().is_err() {
        return Ok(());
    }
    let conversation = Conversation::Direct(own.id()?);
    for device in unasked {
        let Some(object) = own.heir.as_ref().map(|heir| heir.succession.as_bytes().to_vec()) else { continue };
        let (scope, load) = (Scope::Device(device), Load::Rekey(object));
        let message = Queued::upkeep(tx, conversation.clone(), scope, load, now)?;
        let is_asked = directory::leave(tx, &own, message, now, random)?;
        if let Some(heir) = own.heir.as_mut().filter(|_| is_asked) {
            heir.asked.push(device);
        }
    }
    own.save(tx)
}

/// Another of our devices asks us to sign for a new account key; `known` is our own account. A second successor of one key
/// is refused: one of the two is a thief's.
pub(crate) fn asked(tx: &Tx<'_>, known: &Known, device: u32, object: &[u8], now: u64) -> Result<()> {
    let mut own = Own::load(tx)?;
    if own.list.device(device).is_none_or(|entry| !entry.holds_account_key) {
        return Ok(());
    }
    match own.learn_heir(object, device, now) {
        Ok(()) => {
            own.save(tx)?;
            Upkeep::owe(tx, known.row)?;
            let mut known = Known::load(tx, known.row)?;
            known.owes_answer = true;
            known.save(tx)
        }
        Err(sprag_core::Error::Fork) => {
            let (account, mine) = (known.account.clone(), known.list_ref());
            let theirs = ListRef::new(own.list.sequence().saturating_add(1), [0; 32]);
            raise_sparingly(tx, What::ListConflict { account, mine, theirs }, now)
        }
        Err(_) => Ok(()),
    }
}

/// What our own devices are owed, if it is more than an empty answer: our entry for the key that is to follow.
pub(crate) fn answer(own: &Own, conversation: &Conversation) -> Result<Option<(Scope, Load)>> {
    let Conversation::Direct(account) = conversation else { return Ok(None) };
    let Some(heir) = own.heir.as_ref().filter(|_| own.is_own(account)) else { return Ok(None) };
    let Some(device) = heir.asked_by else { return Ok(None) };
    let entry = own.entry_for(heir.succession.new_account())?;
    Ok(Some((Scope::Device(device), Load::Entry(entry.encode()))))
}

/// Our entry for the key that is to follow is on its way.
pub(crate) fn has_answered(tx: &Tx<'_>) -> Result<()> {
    let mut own = Own::load(tx)?;
    if let Some(heir) = &mut own.heir {
        heir.asked_by = None;
    }
    own.save(tx)
}

/// Another of our devices has signed for the key that is to follow.
pub(crate) fn signed(tx: &Tx<'_>, device: u32, entry: &SignedEntry, now: u64) -> Result<()> {
    let mut own = Own::load(tx)?;
    if !own.add_heirs_entry(device, entry.clone()) {
        return Ok(());
    }
    own.save(tx)?;
    let mut upkeep = Upkeep::load(tx)?;
    directory::publish(tx, &own, Made::default(), &mut upkeep, now)
}
