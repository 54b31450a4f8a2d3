//! Lists of contacts that may be out of date: expired ones, and numbers that others speak of and we do not know.
//!
//! It asks nobody for keys, and believes no list: what is told here of one is only held against those that are verified.

use sprag_core::envelope::ListMac;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{ListRef, What};
use crate::id::AccountId;
use crate::notice::raise_sparingly;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// Seconds between two questions about one contact's list: an hour.
const HOUR: u64 = 3_600;

/// Seconds between two events that say the same of one contact's list: a day.
const DAY: u64 = 86_400;

/// What somebody says of a contact's list under a number that is not known here.
pub(crate) struct Statement {
    pub(crate) account: AccountId,
    pub(crate) sequence: u64,
    pub(crate) mac: ListMac,
}

/// What is remembered of a contact's list beside the list.
#[derive(Default)]
struct Watch {
    /// When the directory last answered, or could not be reached, though the list had expired.
    answered: u64,
    /// When the app was last told so.
    told: u64,
    /// When a claim last had the directory asked.
    asked: u64,
    /// What somebody says of a list that has not come yet.
    claim: Option<(u64, ListMac)>,
}

impl Watch {
    fn row(snapshot: &Snapshot<'_>, account: &AccountId) -> i64 {
        Kind::Look.row(snapshot, "contact list", account.as_bytes())
    }

    fn load(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Option<Self>> {
        let value = snapshot.get(Table::Meta, Self::row(snapshot, account))?;
        value.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, account: &AccountId) -> Result<()> {
        Ok(tx.put(Table::Meta, Self::row(tx, account), codec::encode(self).expose_secret())?)
    }
}

/// Whether a contact's list has expired. The contact signs it anew long before.
pub(crate) fn is_expired(known: &Known, now: u64) -> bool {
    known.list.as_ref().is_some_and(|list| list.check_time(now).is_err())
}

/// Whether the directory is to be asked before anything more is sealed under a contact's list: it has expired, and the
/// directory did not answer for an hour. A time that was noted while the clock was wrong delays nothing.
pub(crate) fn is_due(snapshot: &Snapshot<'_>, known: &Known, now: u64) -> Result<bool> {
    if !is_expired(known, now) || broken!("expired-lists-used-on") {
        return Ok(false);
    }
    let answered = Watch::load(snapshot, &known.account)?.map(|watch| watch.answered);
    Ok(answered.is_none_or(|at| now.abs_diff(at) >= HOUR))
}

/// The directory has answered about a contact, or could not be reached. What is known of the contact by now is written. If
/// its list is still an expired one, the app is told; messages go on under it, for a server must not be able to stop them
/// that way.
pub(crate) fn answered(tx: &Tx<'_>, known: &Known, shown: Option<&ListRef>, now: u64) -> Result<()> {
    settle(tx, known, true, now)?;
    if !is_expired(known, now) {
        return Ok(());
    }
    let mut watch = Watch::load(tx, &known.account)?.unwrap_or_default();
    watch.answered = now;
    if now.abs_diff(watch.told) >= DAY {
        watch.told = now;
        let theirs = shown.copied().unwrap_or(ListRef::new(0, [0; 32]));
        raise_sparingly(tx, conflict(known, theirs), now)?;
    }
    watch.save(tx, &known.account)
}

/// The directory could not be reached about a contact whose list has expired: what waits for that alone goes on.
pub(crate) fn unanswered(tx: &Tx<'_>, known: &Known, now: u64) -> Result<()> {
    let mut watch = Watch::load(tx, &known.account)?.unwrap_or_default();
    watch.answered = now;
    watch.save(tx, &known.account)
}

/// Takes note of what somebody says of a contact's list. Whether the directory is to be asked for it: once an hour at most.
pub(crate) fn claimed(tx: &Tx<'_>, claim: Statement, now: u64) -> Result<bool> {
    let Statement { account, sequence, mac } = claim;
    let mut watch = Watch::load(tx, &account)?.unwrap_or_default();
    if (watch.asked > 0 && now.abs_diff(watch.asked) < HOUR) || broken!("others-claims-unheard") {
        return Ok(false);
    }
    (watch.asked, watch.claim) = (now, Some((sequence, mac)));
    watch.save(tx, &account)?;
    Ok(true)
}

/// Holds what somebody said of a contact's list against the one that has come by now, and tells if they differ; or if the
/// directory has `is_answer`ed, and shows none of that number.
pub(crate) fn settle(tx: &Tx<'_>, known: &Known, is_answer: bool, now: u64) -> Result<()> {
    let Some(mut watch) = Watch::load(tx, &known.account)? else { return Ok(()) };
    let Some((sequence, mac)) = &watch.claim else { return Ok(()) };
    let differs = match known.pin.as_ref().and_then(|pin| pin.hash_of(*sequence)) {
        Some(hash) => !mac.is_of(hash),
        None if known.list_ref().sequence > *sequence => false,
        None if is_answer => true,
        None => return Ok(()),
    };
    if differs {
        raise_sparingly(tx, conflict(known, ListRef::new(*sequence, [0; 32])), now)?;
    }
    watch.claim = None;
    watch.save(tx, &known.account)
}

fn conflict(known: &Known, theirs: ListRef) -> What {
    What::ListConflict { account: known.account.clone(), mine: known.list_ref(), theirs }
}

impl Row for Watch {
    fn write(&self, writer: &mut Writer) {
        writer.array(4).uint(self.answered).uint(self.told).uint(self.asked);
        match &self.claim {
            Some((sequence, mac)) => writer.array(2).uint(*sequence).bytes(&mac.to_bytes()),
            None => writer.null(),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(4))?;
        let (answered, told, asked) = (Row::read(reader)?, Row::read(reader)?, Row::read(reader)?);
        let claim = if reader.take_null() {
            None
        } else {
            ok(reader.array_of(2))?;
            Some((Row::read(reader)?, ListMac::from_bytes(ok(reader.fixed())?)))
        };
        Ok(Self { answered, told, asked, claim })
    }
}
