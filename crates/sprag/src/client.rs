//! The door: the only way in. Every call is durable when it returns, and nothing is kept between calls that another
//! process on the same store could have outdated.

use std::path::Path;

use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;

use crate::account::{Own, Remembered};
use crate::codec::CORRUPT;
use crate::config::{Config, Key, Opening, Place, Policy, Role};
use crate::contact::Known;
use crate::context::{Environment, Generator};
use crate::directory;
use crate::error::{Error, Result, StoreFault};
use crate::event::{
    Delivered, Event, Hint, Incoming, MessageState, Pending, Preview, Reason, SendOptions, Sent, Verdict, What,
};
use crate::id::{AccountId, BlobId, Class, Contact, Content, Conversation, DeviceId, MAX_CONTENT, MessageId};
use crate::id::{RequestId, Sender, Trust};
use crate::inbox::{self, Effort, Examined};
use crate::notice::raise;
use crate::outbox::{self, Cargo, Entry, Index, Queued, Waiting};
use crate::prekeys::{self, Made};
use crate::request::{Action, Outcome, Rejection, Request};
use crate::store::{Access, Barrier, Snapshot, Store, Table, Tx};
use crate::upkeep::{Clock, Upkeep};

/// Seconds that a request is leased for where the caller does not say.
const LEASE: u64 = 60;

/// The most seconds that a request is put off for.
const MAX_BACKOFF: u64 = 15 * 60;

/// Incoming messages that are committed at once.
const BATCH: usize = 32;

/// One device of one account, on one store. Every method may be called from any thread.
pub struct Client {
    store: Store,
    environment: Environment,
    account: AccountId,
    device: DeviceId,
    own: Remembered,
}

fn path(place: &Place) -> Option<&Path> {
    match place {
        Place::File(path) => Some(path),
        Place::Memory => None,
    }
}

fn store_key(key: &Key) -> Secret<32> {
    Secret::fill_with(|out| out.copy_from_slice(key.expose_secret()))
}

impl Client {
    /// Makes a new account with one device, in a new store. Its keys wait among the requests to be published.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is a store already; [`Error::Misuse`] for a policy out of bounds; [`Error::Store`].
    pub fn create(config: Config, environment: Environment) -> Result<Self> {
        config.policy.check()?;
        let mut random = environment.generator().map_err(|_| Error::Unavailable)?;
        let now = environment.clock.now_ms() / 1_000;
        let own = Own::create(&config.account, config.policy, now, &mut random)?;
        // In one with the store itself: one without an account could neither be opened nor made again.
        let store = Store::create(path(&config.place), &store_key(&config.key), &environment, |tx| {
            own.save(tx)?;
            let mut upkeep = Upkeep::new(now);
            let made = prekeys::make(None, &own.device, Some(0), now, &mut random);
            directory::publish(tx, &own, true, made, &mut upkeep, now)?;
            upkeep.save(tx)
        })?;
        Ok(Self {
            store,
            environment,
            account: config.account,
            device: DeviceId(own.device.id()),
            own: Remembered::default(),
        })
    }

    /// Opens the store of an account.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::WrongKey`], [`Error::WrongAccount`], [`Error::Newer`], [`Error::Store`].
    pub fn open(opening: Opening, environment: Environment) -> Result<Self> {
        let access = if opening.role == Role::Extension { Access::Guest } else { Access::Owner };
        let store = Store::open(path(&opening.place), &store_key(&opening.key), &environment, access)?;
        let (account, device) = store.read(|snapshot| -> Result<_> {
            let own = Own::load(snapshot)?;
            Ok((own.id()?, DeviceId(own.device.id())))
        })?;
        if account != opening.account {
            return Err(Error::WrongAccount);
        }
        Ok(Self { store, environment, account, device, own: Remembered::default() })
    }

    /// The account's id.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// The device of that account that this store is: what tells it from the others at the app's server.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    fn now(&self) -> u64 {
        self.environment.clock.now_ms() / 1_000
    }

    fn generator(&self) -> Result<Generator> {
        self.environment.generator().map_err(|_| Error::Unavailable)
    }

    /// Takes in messages from the server, in order. What is wrong with one is its verdict, never an error; when this
    /// returns, all of it is on disk and the server may be told so.
    ///
    /// # Errors
    /// Only our own trouble: [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`]. What was taken in before it is
    /// recognised when the batch is given again.
    pub fn deliver(&self, batch: &[Incoming]) -> Result<Delivered> {
        let now = self.now();
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(BATCH)];
            let (taken, stopped) = self.take_in(part, rest.len() == part.len(), &mut verdicts, now)?;
            rest = &rest[taken..];
            if let (true, Some((heavy, after))) = (stopped, rest.split_first()) {
                let barrier = if after.is_empty() { Barrier::Full } else { Barrier::Normal };
                let finding = self.store.prepared(
                    barrier,
                    |snapshot| inbox::examine(snapshot, &*self.own.load(snapshot)?, heavy, Effort::Full),
                    |tx, examined| inbox::commit(tx, &*self.own.load(tx)?, examined, heavy, now),
                )?;
                verdicts.push(Verdict::new(BlobId::of(&heavy.bytes), finding));
                rest = after;
            }
        }
        Ok(Delivered { verdicts, pending: self.pending()? })
    }

    /// Takes in what is quickly done, in one transaction: how many messages, and whether it stopped at one that takes
    /// long.
    fn take_in(
        &self,
        part: &[Incoming],
        is_last: bool,
        verdicts: &mut Vec<Verdict>,
        now: u64,
    ) -> Result<(usize, bool)> {
        let barrier = if is_last { Barrier::Full } else { Barrier::Normal };
        let found = self.store.write(barrier, |tx| {
            let own = self.own.load(tx)?;
            let mut found = Vec::with_capacity(part.len());
            for incoming in part {
                match inbox::examine(tx, &own, incoming, Effort::Light)? {
                    Examined::Heavy => break,
                    examined => found.push(inbox::commit(tx, &own, examined, incoming, now)?),
                }
            }
            Ok::<_, Error>(found)
        })?;
        let taken = found.len();
        verdicts
            .extend(part.iter().zip(found).map(|(incoming, found)| Verdict::new(BlobId::of(&incoming.bytes), found)));
        Ok((taken, taken < part.len()))
    }

    /// What a message says, for a notification: nothing changes, and it is to be delivered all the same.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn peek(&self, incoming: &Incoming) -> Result<Preview> {
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            Ok(match inbox::examine(snapshot, &own, incoming, Effort::Full)? {
                Examined::Opened(opened) => {
                    let account = opened.account().clone();
                    let client_id = MessageId::new(&opened.content.id)?;
                    let class = inbox::class_of(&opened.content);
                    let device = DeviceId(opened.device);
                    match inbox::door_content(opened.content.body) {
                        Some(content) => Preview::Message {
                            sender: Sender { account: account.clone(), device },
                            conversation: Conversation::Direct(account),
                            client_id,
                            class,
                            content,
                        },
                        None => Preview::Known,
                    }
                }
                Examined::Unreadable(reason) => Preview::Unreadable { reason },
                Examined::Quarantined { .. } => Preview::Unreadable { reason: Reason::IdentityChanged },
                Examined::Plain(_) | Examined::Heavy => Preview::Known,
            })
        })
    }

    /// Leases what the network is to do: at most `max` requests, for `lease_seconds` (0: a minute; at most an hour).
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn requests(&self, max: usize, lease_seconds: u32) -> Result<Vec<Request>> {
        let seconds = if lease_seconds == 0 { LEASE } else { lease_seconds.into() };
        let now = self.now();
        if !self.store.read(|snapshot| outbox::is_any_due(snapshot, now))? {
            return Ok(Vec::new());
        }
        self.store.write(Barrier::Full, |tx| outbox::lease(tx, max, seconds, now))
    }

    /// Sends a content. To somebody unknown it works at once: their keys are asked for, and the message waits.
    /// The same id with the same content is the same message.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a message to oneself, an empty or too large content, or an id that was used for another
    /// one; [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn send(&self, conversation: &Conversation, content: &Content, options: &SendOptions) -> Result<Sent> {
        let Conversation::Direct(to) = conversation;
        self.check_content(to, content)?;
        let mut random = self.generator()?;
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let id = match &options.client_id {
                Some(id) => id.clone(),
                None => fresh_id(tx)?,
            };
            let digest = outbox::digest(tx, conversation, content);
            let (state, requests) = match Index::find(tx, &id)? {
                Some(index) if index.digest == digest => (index.state, Vec::new()),
                Some(_) => return Err(Error::Misuse("this id was used for another message")),
                None => {
                    let content = Some(content.clone());
                    let (class, expires) = (options.class, options.expires);
                    let message = Queued { id: id.clone(), class, content, sent: now, expires };
                    let (row, contact, state) = self.queue(tx, to, message, now, &mut random)?;
                    Index { row, digest, state, at: now }.save(tx, &id)?;
                    (state, outbox::lease_for(tx, contact, LEASE, now)?)
                }
            };
            Ok(Sent { message: id, state, requests, pending: pending(tx, now)? })
        })
    }

    /// Puts a message where it belongs: sealed into the outbox, or to those that wait. Yields its number, the contact's,
    /// and its state.
    fn queue(
        &self,
        tx: &Tx<'_>,
        to: &AccountId,
        message: Queued,
        now: u64,
        random: &mut Generator,
    ) -> Result<(i64, i64, MessageState)> {
        let own = self.own.load(tx)?;
        let mut known = Known::find(tx, to)?.unwrap_or_else(|| Known::unseen(to.clone()));
        known.save(tx)?;
        let contact = known.row;
        let row = tx.reserve(Table::Outbox)?;
        if known.trust == Trust::Changed {
            Waiting { contact, held: true, message }.save(tx, row)?;
            return Ok((row, contact, MessageState::Held));
        }
        // What waits already goes first.
        let first = !known.fetching;
        match if first { outbox::seal(tx, &own, &known, &message, now, random)? } else { None } {
            Some(send) => {
                let cargo = Cargo { action: Action::Send(send), message: Some(message) };
                Entry::put(tx, row, contact, &cargo, now)?;
                known.owes_answer = false;
                known.save(tx)?;
                Ok((row, contact, MessageState::Ready))
            }
            None => {
                Waiting { contact, held: false, message }.save(tx, row)?;
                directory::ask_for_keys(tx, &mut known, now)?;
                Ok((row, contact, MessageState::WaitingKeys))
            }
        }
    }

    fn check_content(&self, to: &AccountId, content: &Content) -> Result<()> {
        if *to == self.account {
            return Err(Error::Misuse("a message to oneself has nobody to go to"));
        }
        if content.as_bytes().len() > MAX_CONTENT {
            return Err(Error::Misuse("a content is at most 256 KiB"));
        }
        match content {
            Content::App { kind, .. } if kind.is_empty() || kind.len() > 64 => {
                Err(Error::Misuse("the type of an app's content is 1 to 64 bytes"))
            }
            _ => Ok(()),
        }
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
                let answer = match (&cargo.action, &outcome) {
                    (_, Outcome::Retry { .. }) => None,
                    (Action::FetchKeys(_), outcome) => {
                        let (own, known) = (self.own.load(snapshot)?, Known::load(snapshot, entry.contact)?);
                        Some((directory::examine(snapshot, &own, &known, outcome, now, &mut early)?, own, known))
                    }
                    _ => None,
                };
                Ok(Some((entry, cargo, answer)))
            },
            |tx, found| {
                if let Some((mut entry, cargo, answer)) = found {
                    match (cargo.action, &outcome, answer) {
                        (_, Outcome::Retry { after }, _) => put_off(tx, &mut entry, row, *after, now)?,
                        (_, _, Some((answer, own, known))) => {
                            Entry::remove(tx, row)?;
                            directory::commit(tx, &own, known, answer, now, &mut late)?;
                        }
                        (Action::PublishKeys(publish), outcome, None) => {
                            directory::published(tx, row, &publish, outcome, now)?;
                        }
                        (_, outcome, None) => sent(tx, row, entry.contact, cargo.message, outcome, now)?,
                    }
                }
                pending(tx, now)
            },
        )
    }

    /// Upkeep: keys are renewed and refilled, handshakes answered, what has outlived its use is deleted, and once a day a
    /// part of the store is looked through for damage ([`What::StoreTrouble`]). To be called at start, and when [`Pending::next_wake_ms`] is over.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn wake(&self, hint: Hint) -> Result<Pending> {
        let (mut early, mut late) = (self.generator()?, self.generator()?);
        let now = self.now();
        self.store.prepared(
            Barrier::Normal,
            |snapshot| {
                let low = hint.one_time_left.filter(|left| *left < prekeys::LOW);
                let left = if low.is_some() && directory::is_publishing(snapshot)? { None } else { low };
                let (own, upkeep) = (Own::load(snapshot)?, Upkeep::load(snapshot)?);
                Ok((prekeys::make(upkeep.signed, &own.device, left, now, &mut early), own, upkeep))
            },
            |tx, (made, own, upkeep)| self.keep_up(tx, own, upkeep, made, hint, now, &mut late),
        )?;
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
        if let Some(left) = hint.one_time_left.filter(|left| *left < prekeys::LOW) {
            raise(tx, What::KeysLow { left }, now)?;
        }
        let renewed = clock == Clock::Plausible && own.renew_list(now)?;
        if renewed {
            own.save(tx)?;
        }
        directory::publish(tx, &own, renewed, made, &mut upkeep, now)?;
        for contact in core::mem::take(&mut upkeep.owed) {
            self.answer(tx, &own, contact, now, random)?;
        }
        if clock == Clock::Plausible && upkeep.prune_due(now) {
            let pruned = prekeys::prune(tx, now).and_then(|()| Index::prune(tx, now));
            // One damaged row is told, and must not keep everything else from being kept up.
            let is_whole = match pruned {
                Err(Error::Store(StoreFault::Corrupt)) => false,
                other => other.and_then(|()| upkeep.scrub(tx))?,
            };
            if !is_whole {
                raise(tx, What::StoreTrouble { code: StoreFault::Corrupt.code() }, now)?;
            }
            upkeep.pruned = now;
        }
        upkeep.last_wake = now;
        upkeep.save(tx)
    }

    /// Answers a handshake that nothing else has answered, so that the peer stops repeating it.
    fn answer(&self, tx: &Tx<'_>, own: &Own, contact: i64, now: u64, random: &mut Generator) -> Result<()> {
        let mut known = Known::load(tx, contact)?;
        if !known.owes_answer || known.trust == Trust::Changed {
            return Ok(());
        }
        let id = fresh_id(tx)?;
        let message = Queued { id, class: Class::Quiet, content: None, sent: now, expires: None };
        if let Some(send) = outbox::seal(tx, own, &known, &message, now, random)? {
            let row = tx.reserve(Table::Outbox)?;
            let cargo = Cargo { action: Action::Send(send), message: Some(message) };
            Entry::put(tx, row, contact, &cargo, now)?;
            known.owes_answer = false;
            known.save(tx)?;
        }
        Ok(())
    }

    /// The events after an id (0: from the first), oldest first, at most `max`. They stay until [`Self::done`].
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn events(&self, after: u64, max: usize) -> Result<Vec<Event>> {
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        self.store.read(|snapshot| {
            let rows = snapshot.scan(Table::Event, after, max)?;
            rows.into_iter()
                .map(|(row, value)| {
                    let mut event = Event::decode(value.expose_secret())?;
                    event.id = u64::try_from(row).map_err(|_| Error::Internal("event id"))?;
                    Ok(event)
                })
                .collect()
        })
    }

    /// Deletes events that the app has taken over. One that is gone already is no mistake.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn done(&self, events: &[u64]) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Normal, |tx| {
            for row in events.iter().filter_map(|id| i64::try_from(*id).ok()).filter(|row| *row > 0) {
                tx.delete(Table::Event, row)?;
            }
            pending(tx, now)
        })
    }

    fn pending(&self) -> Result<Pending> {
        let now = self.now();
        self.store.read(|snapshot| pending(snapshot, now))
    }

    fn indexed(snapshot: &Snapshot<'_>, message: &[u8]) -> Result<(MessageId, Index)> {
        let id = MessageId::new(message)?;
        let index = Index::find(snapshot, &id)?.ok_or(Error::Unknown)?;
        Ok((id, index))
    }

    /// The state of a message.
    ///
    /// # Errors
    /// [`Error::Unknown`] for no message of ours, or one that left more than 30 days ago; [`Error::Store`].
    pub fn state(&self, message: &[u8]) -> Result<MessageState> {
        self.store.read(|snapshot| Self::indexed(snapshot, message).map(|(_, index)| index.state))
    }

    /// Takes back a message that was not handed out yet.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::NotAllowed`] if it may have left already; [`Error::Store`].
    pub fn cancel(&self, message: &[u8]) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Normal, |tx| {
            let (_, index) = Self::indexed(tx, message)?;
            let row = index.row;
            let (contact, queued) = match (Waiting::load(tx, row)?, Entry::load(tx, row)?) {
                (Some(waiting), _) => {
                    tx.delete(Table::Waiting, row)?;
                    (waiting.contact, Some(waiting.message))
                }
                (None, Some(entry)) if entry.attempt == 0 => {
                    let queued = Cargo::load(tx, row)?.message;
                    Entry::remove(tx, row)?;
                    (entry.contact, queued)
                }
                _ => return Err(Error::NotAllowed),
            };
            if let Some(queued) = queued {
                let known = Known::load(tx, contact)?;
                outbox::progress(tx, &queued, &known, MessageState::Cancelled, None, now)?;
            }
            pending(tx, now)
        })
    }

    /// Tries a message again that waits for its time.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::NotAllowed`] for one that is held, has left or has failed; [`Error::Store`].
    pub fn retry(&self, message: &[u8]) -> Result<Pending> {
        let now = self.now();
        self.store.write(Barrier::Normal, |tx| {
            let (_, index) = Self::indexed(tx, message)?;
            match (Waiting::load(tx, index.row)?, Entry::load(tx, index.row)?) {
                (Some(waiting), _) if !waiting.held => {}
                (None, Some(mut entry)) => entry.put_off(tx, index.row, 0)?,
                _ => return Err(Error::NotAllowed),
            }
            pending(tx, now)
        })
    }

    /// What is known of a contact.
    ///
    /// # Errors
    /// [`Error::Unknown`] for one that is not pinned; [`Error::Store`].
    pub fn contact(&self, account: &[u8]) -> Result<Contact> {
        let account = AccountId::new(account)?;
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            let known = Known::find(snapshot, &account)?.ok_or(Error::Unknown)?;
            let pin = known.pin.as_ref().ok_or(Error::Unknown)?;
            let number = SafetyNumber::between(own.account.account(), pin.account());
            Ok(Contact::new(account.clone(), known.trust, pin.account().fingerprint(), number))
        })
    }

    /// Changes the policy.
    ///
    /// # Errors
    /// [`Error::Misuse`] for one out of bounds; [`Error::Store`].
    pub fn configure(&self, policy: Policy) -> Result<()> {
        policy.check()?;
        self.store.write(Barrier::Full, |tx| {
            let mut own = Own::load(tx)?;
            own.policy = policy;
            own.save(tx)
        })
    }

    /// Lets go of the file before the platform suspends the app: whatever runs is rolled back and writes are refused
    /// until [`Self::resume`]. May be called while another thread is inside a call.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`].
    pub fn suspend(&self) -> Result<()> {
        Ok(self.store.suspend()?)
    }

    /// Takes up work again after [`Self::suspend`].
    ///
    /// # Errors
    /// None at present.
    pub fn resume(&self) -> Result<()> {
        self.store.resume();
        Ok(())
    }

    /// Seals everything anew under another key of the app. Until it returns the old one opens the store; afterwards
    /// the app deletes it.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn rekey(&self, key: &Key) -> Result<()> {
        Ok(self.store.rekey(&store_key(key))?)
    }

    /// Deletes the store with everything in it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for an extension; [`Error::Store`].
    pub fn erase(self) -> Result<()> {
        Ok(self.store.erase()?)
    }
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client(…)")
    }
}

/// What to look at next.
fn pending(snapshot: &Snapshot<'_>, now: u64) -> Result<Pending> {
    Ok(Pending {
        events: snapshot.count(Table::Event)?,
        requests: snapshot.count(Table::Outbox)?,
        next_wake_ms: Some(Upkeep::load(snapshot)?.next_ms(now)),
    })
}

/// An id for a message whose sender does not care.
fn fresh_id(tx: &Tx<'_>) -> Result<MessageId> {
    let mut fresh = [0; 8];
    tx.random(&mut fresh);
    MessageId::new(fresh)
}

/// The server asks to come back, or could not be reached.
fn put_off(tx: &Tx<'_>, entry: &mut Entry, row: i64, after: Option<u32>, now: u64) -> Result<()> {
    let backoff = (1_u64 << entry.attempt.min(10)).min(MAX_BACKOFF);
    let at = now.saturating_add(after.map_or(backoff, u64::from).min(outbox::MAX_DELAY));
    entry.put_off(tx, row, at)?;
    if at > now { Upkeep::put_off(tx, at, now) } else { Ok(()) }
}

/// What became of a message that was handed out.
fn sent(tx: &Tx<'_>, row: i64, contact: i64, message: Option<Queued>, outcome: &Outcome, now: u64) -> Result<()> {
    let mut known = Known::load(tx, contact)?;
    let Some(message) = message else { return Err(CORRUPT) };
    let (state, reason) = match outcome {
        Outcome::Accepted { .. } => (MessageState::Accepted, None),
        Outcome::Stale { .. } => {
            // Sealed again, under the same id, when the newer list is here.
            outbox::release(tx, row, &known, message, now)?;
            return directory::ask_for_keys(tx, &mut known, now);
        }
        Outcome::TooLarge { .. } => (MessageState::Failed, Some(Reason::TooLarge)),
        Outcome::Rejected(Rejection::NoSuchAccount) => (MessageState::Failed, Some(Reason::NoSuchAccount)),
        Outcome::Rejected(Rejection::Forbidden) => (MessageState::Failed, Some(Reason::Forbidden)),
        Outcome::Rejected(_) => (MessageState::Failed, Some(Reason::Refused)),
        _ => return Err(Error::Misuse("this outcome does not answer Send")),
    };
    outbox::progress(tx, &message, &known, state, reason, now)?;
    Entry::remove(tx, row)
}
