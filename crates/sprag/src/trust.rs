//! What becomes of a contact whose identity changed, or as whom somebody else may act: whether it goes on, what is held
//! meanwhile, and what the app is told.
//!
//! It finds nothing out by itself, and what the user is to decide it does not decide.

use sprag_core::identity::{Account, DeviceList, Pin};
use sprag_core::safety_number::SafetyNumber;

use crate::account::Own;
use crate::cards;
use crate::config::OnChange;
use crate::contact::Known;
use crate::error::{Error, Result};
use crate::event::{Reason, What};
use crate::id::MessageId;
use crate::notice::{raise, raise_sparingly};
use crate::outbox;
use crate::store::Tx;
use crate::upkeep::Upkeep;

/// Whether the user is asked before a contact goes on under another identity than the pinned one.
pub(crate) fn is_asked(own: &Own, known: &Known) -> bool {
    let is_by_policy = known.is_verified || own.policy.on_change == OnChange::HoldAll;
    // Our own account is never another one.
    let is_asked = is_by_policy || known.is_held() || own.is_own(&known.account);
    is_asked && !broken!("changes-go-on")
}

/// Another identity appeared under a contact's name, and the user is to decide: nothing is sent meanwhile.
pub(crate) fn offer(tx: &Tx<'_>, own: &Own, mut known: Known, list: DeviceList, now: u64) -> Result<()> {
    if own.is_own(&known.account) {
        // There is nothing to accept, and nothing waits for it: it is told for as long as it is so.
        return raise_sparingly(tx, changed(own, &known, list.account(), Vec::new()), now);
    }
    // While the user is asked, nothing new comes to wait.
    let held = if known.is_held() { Vec::new() } else { outbox::hold(tx, &known, Reason::IdentityChanged, now)? };
    let what = changed(own, &known, list.account(), held);
    match &known.offered {
        None => {
            raise(tx, what, now)?;
        }
        // A server that shows one identity after the other can do so without end.
        Some(before) if before.account() != list.account() => raise_sparingly(tx, what, now)?,
        Some(before) if before.sequence() >= list.sequence() => return Ok(()),
        Some(_) => {}
    }
    known.offered = Some(list);
    known.save(tx)
}

/// A contact goes on under another identity: the sessions with the old one end, and what waited for its keys is held. The
/// new one is to be pinned after, and the contact saved.
pub(crate) fn succeed(tx: &Tx<'_>, own: &Own, known: &mut Known, successor: &Account, now: u64) -> Result<()> {
    let held = outbox::hold(tx, known, Reason::IdentityChanged, now)?;
    let what = changed(own, known, successor, held);
    known.clear(tx)?;
    if broken!("changes-untold") { Ok(()) } else { raise(tx, what, now).map(|_| ()) }
}

fn changed(own: &Own, known: &Known, successor: &Account, held: Vec<MessageId>) -> What {
    let number = |account: &Account| SafetyNumber::between(own.account(), account).digits();
    What::IdentityChanged {
        account: known.account.clone(),
        old_number: known.pin.as_ref().map_or_else(String::new, |pin| number(pin.account())),
        new_number: number(successor),
        was_verified: known.is_verified,
        held,
    }
}

/// Somebody else may act as a contact. If the user had compared its number, nothing is sent until they have decided. The
/// contact is to be saved after.
pub(crate) fn suspect(tx: &Tx<'_>, known: &mut Known, reason: Reason, now: u64) -> Result<()> {
    if !known.is_verified || known.is_suspect || broken!("suspects-go-on") {
        return Ok(());
    }
    known.is_suspect = true;
    outbox::hold(tx, known, reason, now).map(|_| ())
}

/// Whether somebody's digits are the number of an account with ours.
pub(crate) fn is_number(own: &Own, account: &Account, digits: &str) -> bool {
    SafetyNumber::between(own.account(), account).matches_digits(digits) == Ok(true) || broken!("any-number")
}

/// The user compared the number that they saw with the contact.
///
/// # Errors
/// [`Error::Unknown`] if nothing is pinned; [`Error::NotAllowed`] for another number, and while something else is to be
/// decided.
pub(crate) fn confirm(tx: &Tx<'_>, own: &Own, known: &mut Known, digits: &str) -> Result<()> {
    let pin = known.pin.as_ref().ok_or(Error::Unknown)?;
    if known.is_held() || !is_number(own, pin.account(), digits) {
        return Err(Error::NotAllowed);
    }
    known.is_verified = true;
    known.save(tx)
}

/// The user goes on with the identity whose number they saw: the offered one, or the pinned one after all.
///
/// # Errors
/// [`Error::Unknown`] if nothing is pinned; [`Error::NotAllowed`] if the number is neither's.
pub(crate) fn accept(tx: &Tx<'_>, own: &Own, known: &mut Known, digits: &str, now: u64) -> Result<()> {
    let pin = known.pin.as_ref().ok_or(Error::Unknown)?;
    if is_number(own, pin.account(), digits) {
        known.offered = None;
        known.is_suspect = false;
        known.accept_restarts();
        // What was asked for meanwhile is answered now, and handshakes too.
        Upkeep::owe(tx, known.row)?;
        return known.save(tx);
    }
    if !known.offered.as_ref().is_some_and(|list| is_number(own, list.account(), digits)) {
        return Err(Error::NotAllowed);
    }
    adopt_offered(tx, own, known, now)
}

/// Whether this identity is the one that is offered in the place of the pinned one.
pub(crate) fn is_offered(known: &Known, account: &Account) -> bool {
    known.offered.as_ref().is_some_and(|list| list.account() == account)
}

/// A contact goes on under the identity that was offered.
pub(crate) fn adopt_offered(tx: &Tx<'_>, own: &Own, known: &mut Known, now: u64) -> Result<()> {
    let Some(list) = known.offered.take() else { return Ok(()) };
    known.clear(tx)?;
    known.adopt(tx, own, Pin::first(&list), list, now)?;
    known.save(tx)
}

/// Forgets a contact; what waits to be sent to it is taken back.
///
/// # Errors
/// [`Error::Unknown`] if nothing is pinned; [`Error::NotAllowed`] for another number than the pinned identity's.
pub(crate) fn forget(tx: &Tx<'_>, own: &Own, known: &mut Known, digits: &str, now: u64) -> Result<()> {
    let pin = known.pin.as_ref().ok_or(Error::Unknown)?;
    if !is_number(own, pin.account(), digits) {
        return Err(Error::NotAllowed);
    }
    forget_pinned(tx, known, now)
}

/// Forgets a contact, whichever identity it has.
pub(crate) fn forget_pinned(tx: &Tx<'_>, known: &mut Known, now: u64) -> Result<()> {
    outbox::take_back(tx, known, now)?;
    cards::forget(tx, &known.account)?;
    known.clear(tx)?;
    known.fetching = false;
    known.save(tx)
}
