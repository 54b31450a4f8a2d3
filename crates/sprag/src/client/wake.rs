//! The door for what is due without anybody asking for it.

use super::Client;
use crate::account::{Change, Own};
use crate::config::Directory;
use crate::contact::Known;
use crate::context::Generator;
use crate::devices;
use crate::directory;
use crate::error::{Error, Result, StoreFault};
use crate::event::{Hint, Pending, What};
use crate::healing;
use crate::id::Conversation;
use crate::notice::{raise, raise_sparingly, trouble};
use crate::outbox::{self, Index, Load, Queued, Scope, Waiting};
use crate::prekeys::{self, Made};
use crate::session::Stored;
use crate::store::{Barrier, Tx};
use crate::succession;
use crate::upkeep::{Clock, Upkeep};
use crate::welcome;

/// Sessions that one call looks at for somebody who waits for an answer.
const LISTEN: usize = 500;

impl Client {
    /// Upkeep: keys are renewed and refilled, handshakes answered, what has outlived its use is deleted, and once a day a
    /// part of the store is looked through for damage ([`What::StoreTrouble`]). To be called at start, and when [`Pending::next_wake_ms`] is over.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn wake(&self, hint: Hint) -> Result<Pending> {
        let (mut early, mut late) = (self.generator()?, self.generator()?);
        let now = self.now();
        if matches!(self.store.read(|snapshot| self.own.load(snapshot)), Err(Error::NotAllowed)) {
            // A device that is still to be linked has nothing to keep up.
            return self.pending();
        }
        let found = self.unwritten.take();
        let kept = self.store.prepared(
            Barrier::Normal,
            |snapshot| {
                let (own, upkeep) = (Own::load(snapshot)?, Upkeep::load(snapshot)?);
                let is_kept = own.policy.directory != Directory::Full;
                let left = if is_kept || prekeys::is_full(snapshot)? || directory::is_publishing(snapshot)? {
                    None
                } else {
                    hint.one_time_left.or(upkeep.one_time_left).filter(|left| *left < prekeys::LOW)
                };
                Ok((prekeys::make(upkeep.signed, &own.device, left, now, &mut early), own, upkeep))
            },
            |tx, (made, own, upkeep)| {
                self.keep_up(tx, own, upkeep, made, hint, now, &mut late)?;
                found.save(tx, now)
            },
        );
        if kept.is_err() {
            self.unwritten.give_back(&found);
        }
        kept?;
        self.store.tidy()?;
        self.pending()
    }

    #[allow(clippy::too_many_arguments, reason = "what one transaction of upkeep needs")]
    fn keep_up(
        &self,
        tx: &Tx<'_>,
        mut own: Own,
        mut upkeep: Upkeep,
        made: Made,
        hint: Hint,
        now: u64,
        random: &mut Generator,
    ) -> Result<()> {
        let clock = upkeep.clock(hint, now);
        if let Clock::Wrong(skew) = clock {
            raise(tx, What::ClockSuspect { skew }, now)?;
        }
        if let Some(left) = hint.one_time_left.or(upkeep.one_time_left).filter(|left| *left < prekeys::LOW) {
            raise_sparingly(tx, What::KeysLow { left }, now)?;
        }
        if clock == Clock::Plausible && own.is_list_old(now) {
            own.changes.push(Change::Renew(now));
            own.save(tx)?;
        }
        upkeep.one_time_left = None;
        directory::publish(tx, &own, made, &mut upkeep, now)?;
        for contact in core::mem::take(&mut upkeep.owed) {
            // What is wrong with one contact must not keep everything else from being kept up.
            match self.answer(tx, &own, contact, now, random) {
                Ok(()) | Err(Error::Misuse(_)) => {}
                Err(Error::Store(StoreFault::Corrupt)) => trouble(tx, now)?,
                Err(error) => return Err(error),
            }
        }
        let (rows, next) = healing::keep_up(tx, now)?;
        directory::ask_for_all(tx, &rows, now)?;
        welcome::answer(tx, &own, now, random)?;
        // Of the times to which requests were put off only the first is kept: once it is over, the next one is looked for.
        let asked = welcome::ask(tx, &own, now, random)?;
        for next in [next, asked, outbox::put_off_until(tx, now)?].into_iter().flatten() {
            upkeep.retry_at = Some(upkeep.retry_at.filter(|at| *at > now).map_or(next, |at| at.min(next)));
        }
        devices::leaving(tx, &own, now)?;
        if clock == Clock::Plausible && upkeep.prune_due(now) {
            listen(tx, &mut upkeep, now)?;
            devices::look(tx, &own, now)?;
            let pruned = prekeys::prune(tx, now)
                .and_then(|()| Index::prune(tx, now))
                .and_then(|()| Stored::expire_all(tx, now))
                .and_then(|()| outbox::prune_shelf(tx, own.policy.shelf, now));
            // One damaged row is told, and must not keep everything else from being kept up.
            let is_whole = match pruned {
                Err(Error::Store(StoreFault::Corrupt)) => false,
                other => other.and_then(|()| upkeep.scrub(tx))?,
            };
            if !is_whole {
                trouble(tx, now)?;
            }
            upkeep.pruned = now;
        }
        upkeep.last_wake = now;
        upkeep.save(tx)
    }

    /// Answers a handshake that nothing else has answered, so that the peer stops repeating it.
    fn answer(&self, tx: &Tx<'_>, own: &Own, contact: i64, now: u64, random: &mut Generator) -> Result<()> {
        let known = Known::load(tx, contact)?;
        healing::answer(tx, own, &known, now, random)?;
        let known = Known::load(tx, contact)?;
        if known.is_held() || own.check_member().is_err() {
            return Ok(());
        }
        let is_owed = known.owes_answer;
        let conversation = Conversation::Direct(known.account);
        let entry = succession::answer(own, &conversation)?;
        let is_entry = entry.is_some();
        // What waits is an answer, too.
        if !is_entry && (!is_owed || Waiting::is_any(tx, contact)?) {
            return Ok(());
        }
        let (scope, load) = entry.unwrap_or((Scope::Others, Load::Nothing));
        let message = Queued::upkeep(tx, conversation, scope, load, now)?;
        let is_leaving = directory::leave(tx, own, message, now, random)?;
        if is_entry && is_leaving { succession::has_answered(tx) } else { Ok(()) }
    }
}

/// Has those answered who have written for long without hearing anything, so that the ratchets turn. A part of the sessions
/// is looked at each day.
fn listen(tx: &Tx<'_>, upkeep: &mut Upkeep, now: u64) -> Result<()> {
    let (silent, last) = Stored::silent(tx, upkeep.listened, LISTEN, now)?;
    upkeep.listened = last.unwrap_or(0);
    for row in silent {
        let Some(mut known) = Known::with_session(tx, row)? else { continue };
        known.owes_answer = true;
        known.save(tx)?;
        if !upkeep.owed.contains(&known.row) {
            upkeep.owed.push(known.row);
        }
    }
    Ok(())
}
