//! The door to the app's network: what it is to do, and what became of it.

use super::{Client, LEASE, pending};
use crate::account::Own;
use crate::cards;
use crate::config::Shelf;
use crate::contact::Known;
use crate::context::Generator;
use crate::devices;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{MessageState, Pending, Reason};
use crate::id::{AccountId, RequestId};
use crate::link;
use crate::outbox::{self, Cargo, Carried, Entry, Load, Queued};
use crate::request::{Action, Outcome, Rejection, Request};
use crate::stale;
use crate::store::{Barrier, Table, Tx};
use crate::succession;
use crate::upkeep::Upkeep;
use crate::welcome;

/// The most seconds that a request is put off for.
const MAX_BACKOFF: u64 = 15 * 60;

impl Client {
    /// Leases what the network is to do: at most `max` requests, for `lease_seconds` (0: a minute; at most an hour).
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn requests(&self, max: usize, lease_seconds: u32) -> Result<Vec<Request>> {
        let seconds = if lease_seconds == 0 { LEASE } else { lease_seconds.into() };
        self.serve()?;
        let now = self.now();
        if !self.store.read(|snapshot| outbox::is_any_due(snapshot, now))? {
            return Ok(Vec::new());
        }
        self.store.write(Barrier::Full, |tx| outbox::lease(tx, max, seconds, now))
    }

    /// Tells what became of a request. An answer that comes twice, or for a request that is gone, changes nothing.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an outcome that does not answer such a request; [`Error::Store`], [`Error::Busy`],
    /// [`Error::Unavailable`].
    pub fn respond(&self, id: RequestId, outcome: Outcome) -> Result<Pending> {
        let (mut early, mut late) = (self.generator()?, self.generator()?);
        let now = self.now();
        let row = i64::try_from(id.0).ok().filter(|row| *row > 0);
        let Some(row) = row else { return self.pending() };
        self.store.prepared(
            Barrier::Normal,
            |snapshot| {
                let Some(entry) = Entry::load(snapshot, row)? else { return Ok(None) };
                let cargo = Cargo::load(snapshot, row)?;
                // Only keys make work that others should not have to wait for.
                let begun = match &cargo.action {
                    Action::PublishKeys(publish) => {
                        link::begin(snapshot, &*self.own.load(snapshot)?, publish, now, &mut early)?
                    }
                    _ => Vec::new(),
                };
                let answer = match (&cargo.action, &outcome) {
                    (_, Outcome::Retry { .. }) => None,
                    (Action::FetchKeys(fetch), outcome) => {
                        let (own, known) = (self.own.load(snapshot)?, Known::load(snapshot, entry.lane)?);
                        let answer = directory::examine(snapshot, &own, &known, fetch.why, outcome, now, &mut early)?;
                        Some((answer, own, known))
                    }
                    _ => None,
                };
                Ok(Some((entry, cargo, answer, begun)))
            },
            |tx, found| {
                if let Some((mut entry, cargo, answer, begun)) = found {
                    match (cargo.action, &outcome, answer) {
                        (action, Outcome::Retry { after }, _) => {
                            put_off(tx, &mut entry, row, *after, now)?;
                            if matches!(action, Action::FetchKeys(_)) {
                                directory::unreachable(tx, entry.lane, now, &mut late)?;
                            }
                        }
                        (_, _, Some((answer, own, known))) => {
                            Entry::remove(tx, row)?;
                            if own.is_own(&known.account) {
                                let shown = shown(&outcome, &known.account);
                                cards::merge(tx, &own, shown)?;
                                devices::answered(tx, &own, known, answer, now, &mut late)?;
                                directory::put_back(tx, shown, now)?;
                            } else {
                                directory::commit(tx, &own, known, answer, now, &mut late)?;
                            }
                        }
                        (Action::PublishKeys(publish), outcome, None) => {
                            directory::published(tx, row, &mut entry, publish, outcome, now)?;
                            link::welcome(tx, begun, now, &mut late)?;
                            welcome::hand_over(tx, now, &mut late)?;
                            succession::ask(tx, now, &mut late)?;
                        }
                        (_, outcome, None) => {
                            let Some(message) = cargo.message else {
                                // Part of a linking: whoever wants it still scans another code.
                                Entry::remove(tx, row)?;
                                return pending(tx, now);
                            };
                            let ahead = ahead(&message, &cargo.carried);
                            let left = Left { message, carried: cargo.carried, bound: cargo.bound };
                            let shelf = self.own.load(tx)?.policy.shelf;
                            sent(tx, row, entry.lane, left, outcome, shelf, now)?;
                            if let Some(contact) = ahead {
                                went_ahead(tx, contact, outcome, now, &mut late)?;
                            }
                        }
                    }
                }
                pending(tx, now)
            },
        )
    }
}

/// What a directory shows of an account.
fn shown<'a>(outcome: &'a Outcome, account: &AccountId) -> &'a [Vec<u8>] {
    match outcome {
        Outcome::Keys { found, .. } => {
            found.iter().find(|found| found.account == *account).map_or(&[], |found| found.parts.as_slice())
        }
        _ => &[],
    }
}

/// The server asks to come back, or could not be reached.
fn put_off(tx: &Tx<'_>, entry: &mut Entry, row: i64, after: Option<u32>, now: u64) -> Result<()> {
    let backoff = (1_u64 << entry.attempt.min(10)).min(MAX_BACKOFF);
    let at = now.saturating_add(after.map_or(backoff, u64::from).min(outbox::MAX_DELAY));
    if broken!("requests-forgotten") {
        return Entry::remove(tx, row);
    }
    entry.put_off(tx, row, at)?;
    if at > now { Upkeep::put_off(tx, at, now) } else { Ok(()) }
}

/// A message that was handed out, as its cargo had it.
struct Left {
    message: Queued,
    carried: Vec<Carried>,
    bound: Option<Reason>,
}

/// The contact for whom a handshake goes by itself, if this is one: something may wait for it.
fn ahead(message: &Queued, carried: &[Carried]) -> Option<i64> {
    carried.first().filter(|_| matches!(message.load, Load::Nothing)).map(|carried| carried.contact)
}

/// A handshake that went ahead was taken, or was not: what waited for it goes on, or has failed.
fn went_ahead(tx: &Tx<'_>, contact: i64, outcome: &Outcome, now: u64, random: &mut Generator) -> Result<()> {
    if tx.count(Table::Waiting)? == 0 {
        return Ok(());
    }
    let known = Known::load(tx, contact)?;
    let reason = match outcome {
        Outcome::TooLarge { .. } => Reason::TooLarge,
        Outcome::Rejected(_) => Reason::Refused,
        _ => {
            let wanted = outbox::flush(tx, &Own::load(tx)?, &known.account, now, random)?;
            return directory::ask_for_all(tx, &wanted, now);
        }
    };
    // What waits for keys waits for something else.
    if known.fetching {
        return Ok(());
    }
    outbox::stop_waiting(tx, &known, MessageState::Failed, reason, now).map(|_| ())
}

/// What became of a message that was handed out.
fn sent(tx: &Tx<'_>, row: i64, lane: i64, left: Left, outcome: &Outcome, shelf: Shelf, now: u64) -> Result<()> {
    let Left { message, carried, bound } = left;
    let (state, reason) = match outcome {
        Outcome::Accepted { .. } => {
            for Carried { contact, ordinal } in carried {
                Known::load(tx, contact)?.handshake_left(tx, ordinal, now)?;
            }
            (MessageState::Accepted, None)
        }
        Outcome::Stale { .. } if bound.is_some() && !broken!("sealed-anew-for-another") => {
            return outbox::hold_back(tx, row, lane, message, bound.unwrap_or(Reason::IdentityChanged), now);
        }
        Outcome::Stale { accounts } => {
            // Sealed again, under the same id, when the newer lists are here.
            let own = Own::load(tx)?;
            let mut all = outbox::members(&message.conversation).to_vec();
            all.extend(accounts.iter().map(|stale| &stale.account).filter(|account| own.is_own(account)).cloned());
            let named = all.iter().filter(|account| accounts.iter().any(|stale| stale.account == **account));
            let named: Vec<_> = named.cloned().collect();
            outbox::release(tx, row, lane, message, now)?;
            for account in if named.is_empty() { all } else { named } {
                if let Some(mut known) = Known::find(tx, &account)? {
                    directory::ask_from(tx, &mut known, stale::said(tx, &account, now)?, now)?;
                }
            }
            return Ok(());
        }
        Outcome::TooLarge { .. } => (MessageState::Failed, Some(Reason::TooLarge)),
        Outcome::Rejected(Rejection::NoSuchAccount) => (MessageState::Failed, Some(Reason::NoSuchAccount)),
        Outcome::Rejected(Rejection::Forbidden) => (MessageState::Failed, Some(Reason::Forbidden)),
        Outcome::Rejected(_) => (MessageState::Failed, Some(Reason::Refused)),
        _ => return Err(Error::Misuse("this outcome does not answer Send")),
    };
    outbox::progress(tx, &message, state, reason, now)?;
    if state == MessageState::Accepted { outbox::shelve(tx, row, shelf) } else { Entry::remove(tx, row) }
}
