//! What the user decides about a contact, on whichever of their devices: told to the others, and heard from them.
//!
//! What it means on this device is `trust`'s matter. A decision names the account key that the user saw, and nothing is
//! done about another one by it.

use sprag_core::content::Decision;
use sprag_core::identity::{Account, Pin};
use sprag_core::random::Random;

use crate::account::{Own, door_id};
use crate::codec::{self};
use crate::contact::Known;
use crate::directory;
use crate::error::{Error, Result};
use crate::id::{AccountId, Conversation};
use crate::outbox::{Load, Queued, Scope};
use crate::protection;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};
use crate::trust;

/// What can be decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The number was compared.
    Confirmed = 1,
    /// It goes on with this identity.
    Accepted = 2,
    /// It is forgotten.
    Forgotten = 3,
}

impl Choice {
    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Confirmed),
            2 => Some(Self::Accepted),
            3 => Some(Self::Forgotten),
            _ => None,
        }
    }
}

fn row(snapshot: &Snapshot<'_>, account: &AccountId) -> i64 {
    Kind::Look.row(snapshot, "decision", account.as_bytes())
}

/// When the last thing was decided about a contact; 0 if nothing was.
fn last(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<u64> {
    let value = snapshot.get(Table::Meta, row(snapshot, account))?;
    Ok(value.map(|value| codec::decode(value.expose_secret())).transpose()?.unwrap_or(0))
}

fn note(tx: &Tx<'_>, account: &AccountId, at: u64) -> Result<()> {
    Ok(tx.put(Table::Meta, row(tx, account), codec::encode(&at).expose_secret())?)
}

/// Tells our other devices what was decided here about an account with this key.
pub(crate) fn tell(
    tx: &Tx<'_>,
    own: &Own,
    choice: Choice,
    account: Account,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    note(tx, &door_id(&account.id)?, now)?;
    if own.list.devices().count() < 2 || own.check_member().is_err() {
        return Ok(());
    }
    let load = Load::Decision(Decision { choice: choice as u8, account });
    let message = Queued::upkeep(tx, Conversation::Direct(own.id()?), Scope::Others, load, now)?;
    directory::leave(tx, own, message, now, random).map(|_| ())
}

/// Another device of ours says what the user decided there. What is pinned or offered here under another key stays as it is;
/// and so does what was decided later, for a server can keep a message back.
pub(crate) fn heard(tx: &Tx<'_>, own: &Own, decision: &Decision, sent: u64, now: u64) -> Result<()> {
    let Some(choice) = Choice::from_code(decision.choice) else { return Ok(()) };
    let account = door_id(&decision.account.id)?;
    let is_late = sent < last(tx, &account)? && !broken!("old-decisions-heard");
    let Some(mut known) = Known::find(tx, &account)?.filter(|_| !is_late && !own.is_own(&account)) else {
        return Ok(());
    };
    let is_pinned = known.pin.as_ref().map(Pin::account) == Some(&decision.account) || broken!("decided-about-anybody");
    match choice {
        Choice::Confirmed if is_pinned && !known.is_held() => {
            known.is_verified = true;
            known.save(tx)?;
            protection::confirmed(tx, own, &account, now)?;
        }
        // What makes this device suspect somebody in its own sessions, the other one has not seen.
        Choice::Accepted if is_pinned && known.offered.is_some() => {
            known.offered = None;
            known.save(tx)?;
        }
        Choice::Accepted if trust::is_offered(&known, &decision.account) => {
            trust::adopt_offered(tx, own, &mut known, now)?;
        }
        Choice::Forgotten if is_pinned => trust::forget_pinned(tx, &mut known, now)?,
        _ => return Ok(()),
    }
    note(tx, &account, sent.min(now))
}

/// Whose key a decision with this number is about: the pinned identity's, or the offered one's.
///
/// # Errors
/// [`Error::Unknown`] if nothing is pinned; [`Error::NotAllowed`] if the number is neither's.
pub(crate) fn subject(own: &Own, known: &Known, digits: &str) -> Result<Account> {
    let pinned = known.pin.as_ref().ok_or(Error::Unknown)?.account();
    let offered = known.offered.as_ref().map(|list| list.account());
    let seen = [Some(pinned), offered].into_iter().flatten().find(|account| trust::is_number(own, account, digits));
    seen.cloned().ok_or(Error::NotAllowed)
}
