//! What is held back from a contact, and what is taken back.
//!
//! It does not know why.

use super::circle::members;
use super::message::{Queued, Waiting, progress, progress_for, stop_waiting};
use super::{Cargo, Entry, shelf};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{MessageState, Reason};
use crate::id::{Conversation, MessageId};
use crate::request::Action;
use crate::store::{Table, Tx};

/// Holds what waits and would be sealed for a contact, also in rooms. What is sealed already leaves as it is, for only the
/// old devices read it; but it is not sealed anew by itself.
pub(crate) fn hold(tx: &Tx<'_>, known: &Known, reason: Reason, now: u64) -> Result<Vec<MessageId>> {
    if broken!("pending-follows-a-change") {
        return Ok(Vec::new());
    }
    for (row, _, mut cargo) in sealed(tx, known)? {
        if cargo.bound.is_none() {
            cargo.bound = Some(reason);
            cargo.save(tx, row)?;
        }
    }
    stop_waiting(tx, known, MessageState::Held, reason, now)
}

/// The messages to a contact that are sealed, also those of rooms.
fn sealed(tx: &Tx<'_>, known: &Known) -> Result<Vec<(i64, Entry, Cargo)>> {
    let mut found = Vec::new();
    for (row, entry) in Entry::all(tx)?.into_iter().filter(|(_, entry)| entry.is_send) {
        let cargo = Cargo::load(tx, row)?;
        if cargo.message.as_ref().is_some_and(|message| members(&message.conversation).contains(&known.account)) {
            found.push((row, entry, cargo));
        }
    }
    Ok(found)
}

/// Holds a message that was sealed and is not to be sealed anew by itself. It keeps its number, and so its place.
pub(crate) fn hold_back(tx: &Tx<'_>, row: i64, lane: i64, message: Queued, reason: Reason, now: u64) -> Result<()> {
    Entry::remove(tx, row)?;
    if !message.load.is_content() {
        return Ok(());
    }
    progress(tx, &message, MessageState::Held, Some(reason), now)?;
    Waiting { lane, held: true, message }.save(tx, row)
}

/// Takes back what is to go to a contact alone and was not handed out, and the question for its keys. What is to go to a room
/// as well is held. What is on its way stays so, and is not sealed anew.
pub(crate) fn take_back(tx: &Tx<'_>, known: &Known, now: u64) -> Result<()> {
    let is_alone = |message: &Queued| message.conversation == Conversation::Direct(known.account.clone());
    let cancel =
        |message: &Queued| progress_for(tx, message, Some(known.account.clone()), MessageState::Cancelled, None, now);
    for (row, entry, cargo) in sealed(tx, known)? {
        if let Some(message) = cargo.message.filter(|message| entry.attempt == 0 && is_alone(message)) {
            cancel(&message)?;
            Entry::remove(tx, row)?;
        }
    }
    for (row, waiting) in Waiting::all(tx)? {
        if is_alone(&waiting.message) {
            cancel(&waiting.message)?;
            tx.delete(Table::Waiting, row)?;
        }
    }
    for (row, entry) in Entry::all(tx)? {
        if entry.lane == known.row && matches!(Cargo::load(tx, row)?.action, Action::FetchKeys(_)) {
            Entry::remove(tx, row)?;
        }
    }
    shelf::clear(tx, known)?;
    hold(tx, known, Reason::IdentityChanged, now).map(|_| ())
}
