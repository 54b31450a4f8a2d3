//! The door: the only way in. Every call is durable when it returns, and nothing is kept between calls that another
//! process on the same store could have outdated.

use std::path::Path;

use sprag_core::identity::DeviceList;
use sprag_core::prekey::ReceivedPrekey;
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind};

use crate::account::Own;
use crate::config::{Config, Key, Opening, Place, Policy, Role};
use crate::contact::Known;
use crate::context::{Environment, Generator};
use crate::error::{Error, Result};
use crate::event::{
    Delivered, Event, Hint, Incoming, MessageState, Pending, Preview, Reason, SendOptions, Sent, Verdict, What,
};
use crate::id::{AccountId, BlobId, Class, Contact, Content, Conversation, DeviceId, MAX_CONTENT, MessageId};
use crate::id::{RequestId, Sender, Trust};
use crate::inbox::{self, Examined};
use crate::outbox::{self, Entry, Index, Queued};
use crate::prekeys;
use crate::request::{Action, Found, ListWrite, Outcome, PublishKeys, Rejection, Request};
use crate::store::{Access, Barrier, Snapshot, Store, Table, Tx};

/// Seconds that a request is leased for where the caller does not say.
const LEASE: u64 = 60;

/// The most seconds that a request is put off for.
const MAX_BACKOFF: u64 = 15 * 60;

/// A jump of the clock, in seconds, beyond which nothing is deleted: 48 hours.
const JUMP: u64 = 48 * 3_600;

/// Milliseconds between two calls of `wake`, where nothing is due sooner.
const WAKE_EVERY: u64 = 24 * 3_600 * 1_000;

/// Incoming messages that are committed at once.
const BATCH: usize = 32;

/// One device of one account, on one store. Every method may be called from any thread.
pub struct Client {
    store: Store,
    environment: Environment,
    account: AccountId,
    device: DeviceId,
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
            Self::publish(tx, &own, true, Some(0), now, &mut random)
        })?;
        Ok(Self { store, environment, account: config.account, device: DeviceId(own.device.id()) })
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
        Ok(Self { store, environment, account, device })
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
        let last = batch.len().saturating_sub(1) / BATCH;
        for (number, part) in batch.chunks(BATCH).enumerate() {
            let barrier = if number == last { Barrier::Full } else { Barrier::Normal };
            let found = self.store.write(barrier, |tx| {
                let own = Own::load(tx)?;
                part.iter()
                    .map(|incoming| {
                        let examined = inbox::examine(tx, &own, incoming)?;
                        let finding = inbox::commit(tx, &own, examined, incoming, now)?;
                        Ok(Verdict::new(BlobId::of(&incoming.bytes), finding))
                    })
                    .collect::<Result<Vec<_>>>()
            })?;
            verdicts.extend(found);
        }
        Ok(Delivered { verdicts, pending: self.pending()? })
    }

    /// What a message says, for a notification: nothing changes, and it is to be delivered all the same.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn peek(&self, incoming: &Incoming) -> Result<Preview> {
        self.store.read(|snapshot| {
            let own = Own::load(snapshot)?;
            Ok(match inbox::examine(snapshot, &own, incoming)? {
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
                Examined::Plain(_) => Preview::Known,
            })
        })
    }

    /// Leases what the network is to do: at most `max` requests, for `lease_seconds` (0: a minute).
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn requests(&self, max: usize, lease_seconds: u32) -> Result<Vec<Request>> {
        let seconds = if lease_seconds == 0 { LEASE } else { lease_seconds.into() };
        let now = self.now();
        self.store.write(Barrier::Full, |tx| outbox::lease(tx, None, max, seconds, now))
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
        let (message, state, requests) = self.store.write(Barrier::Full, |tx| {
            let own = Own::load(tx)?;
            let id = match &options.client_id {
                Some(id) => id.clone(),
                None => {
                    let mut fresh = [0; 8];
                    tx.random(&mut fresh);
                    MessageId::new(fresh)?
                }
            };
            let digest = outbox::digest(tx, conversation, content);
            if let Some(index) = Index::find(tx, &id)? {
                return if index.digest == digest {
                    Ok((id, index.state, Vec::new()))
                } else {
                    Err(Error::Misuse("this id was used for another message"))
                };
            }
            let mut known = Known::find(tx, to)?.unwrap_or_else(|| Known::unseen(to.clone()));
            if known.row == 0 {
                known.save(tx)?;
            }
            let mut message = Queued {
                id: id.clone(),
                class: options.class,
                content: Some(content.clone()),
                sent: now,
                expires: options.expires,
                state: MessageState::WaitingKeys,
            };
            let mut action = None;
            if known.trust == Trust::Changed {
                message.state = MessageState::Held;
            } else if let Some(send) = outbox::seal(tx, &own, &known, &message, &mut random)? {
                message.state = MessageState::Ready;
                action = Some(Action::Send(send));
                self.answered(tx, &mut known)?;
            } else {
                outbox::ask_for_keys(tx, &mut known, now)?;
            }
            let state = message.state;
            let mut entry = Entry::message(known.row, message, now);
            entry.action = action;
            let row = entry.insert(tx)?;
            Index { row, digest, state, at: now }.save(tx, &id)?;
            Ok((id, state, outbox::lease(tx, Some(known.row), 8, LEASE, now)?))
        })?;
        Ok(Sent { message, state, requests, pending: self.pending()? })
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

    fn answered(&self, tx: &Tx<'_>, known: &mut Known) -> Result<()> {
        if known.owes_answer {
            known.owes_answer = false;
            known.save(tx)?;
        }
        Ok(())
    }

    /// Tells what became of a request. An answer that comes twice, or for a request that is gone, changes nothing.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an outcome that does not answer such a request; [`Error::Store`], [`Error::Busy`],
    /// [`Error::Unavailable`].
    pub fn respond(&self, id: RequestId, outcome: Outcome) -> Result<Pending> {
        let mut random = self.generator()?;
        let now = self.now();
        let Ok(row) = i64::try_from(id.0) else { return self.pending() };
        self.store.write(Barrier::Normal, |tx| {
            let Some(mut entry) = (if row > 0 { Entry::load(tx, row)? } else { None }) else { return Ok(()) };
            let Some(action) = entry.action.take() else { return Ok(()) };
            match (action, outcome) {
                (action, Outcome::Retry { after }) => {
                    let backoff = (1_u64 << entry.attempt.min(10)).min(MAX_BACKOFF);
                    entry.not_before = now.saturating_add(after.map_or(backoff, u64::from));
                    entry.lease_until = 0;
                    entry.action = Some(action);
                    entry.save(tx, row)
                }
                (Action::PublishKeys(publish), outcome) => self.published(tx, row, &publish, outcome, now),
                (Action::FetchKeys(_), outcome) => {
                    let mut own = Own::load(tx)?;
                    tx.delete(Table::Outbox, row)?;
                    let mut known = Known::load(tx, entry.contact)?;
                    known.fetching = false;
                    known.save(tx)?;
                    self.fetched(tx, &mut own, known, outcome, now, &mut random)
                }
                (Action::Send(_), outcome) => self.sent(tx, row, entry, outcome, now),
            }
        })?;
        self.pending()
    }

    fn published(&self, tx: &Tx<'_>, row: i64, publish: &PublishKeys, outcome: Outcome, now: u64) -> Result<()> {
        let mut own = Own::load(tx)?;
        match outcome {
            Outcome::Published { .. } => {}
            // Our own answer was lost: the directory has this very list.
            Outcome::Conflict { list } if list == own.list.as_bytes() => {}
            Outcome::Conflict { list } => {
                if let Ok(theirs) = DeviceList::open(&list) {
                    let mine = crate::event::ListRef { sequence: own.list.sequence(), hash: *own.list.hash() };
                    let theirs = crate::event::ListRef { sequence: theirs.sequence(), hash: *theirs.hash() };
                    outbox::raise(tx, What::ListConflict { account: self.account.clone(), mine, theirs }, now)?;
                }
            }
            Outcome::Rejected(_) | Outcome::TooLarge { .. } => {
                outbox::raise(tx, What::KeysLow { left: 0 }, now)?;
            }
            _ => return Err(Error::Misuse("this outcome does not answer PublishKeys")),
        }
        if let Some(list) = &publish.list {
            own.published = own.published.max(list.sequence);
            own.save(tx)?;
        }
        tx.delete(Table::Outbox, row)?;
        Ok(())
    }

    fn fetched(
        &self,
        tx: &Tx<'_>,
        own: &mut Own,
        mut known: Known,
        outcome: Outcome,
        now: u64,
        random: &mut Generator,
    ) -> Result<()> {
        let reason = match outcome {
            Outcome::Keys { found, .. } => {
                let Some(answer) = found.into_iter().find(|answer| answer.account == known.account) else {
                    outbox::stop_waiting(tx, &known, MessageState::Failed, Reason::NoKeys, now)?;
                    return Ok(());
                };
                match self.adopt(tx, own, &mut known, &answer, now, random)? {
                    Ok(()) => {
                        known.save(tx)?;
                        return outbox::flush(tx, own, &known, now, random);
                    }
                    Err(Reason::IdentityChanged) => return Ok(()),
                    Err(reason) => {
                        known.save(tx)?;
                        reason
                    }
                }
            }
            Outcome::Rejected(Rejection::NoSuchAccount) => Reason::NoSuchAccount,
            Outcome::Rejected(Rejection::Forbidden) => Reason::Forbidden,
            Outcome::Rejected(_) => Reason::Refused,
            _ => return Err(Error::Misuse("this outcome does not answer FetchKeys")),
        };
        outbox::stop_waiting(tx, &known, MessageState::Failed, reason, now).map(|_| ())
    }

    /// Checks a directory's answer and begins sessions. Nothing is pinned but the id that was asked for.
    fn adopt(
        &self,
        tx: &Tx<'_>,
        own: &Own,
        known: &mut Known,
        answer: &Found,
        now: u64,
        random: &mut Generator,
    ) -> Result<core::result::Result<(), Reason>> {
        let of = |kind| answer.parts.iter().filter(move |part| wire::kind_of(part) == Ok(kind));
        let Some(list) = of(Kind::List).next() else { return Ok(Err(Reason::NoKeys)) };
        let list = match DeviceList::open(list).and_then(|list| list.check_time(now).map(|()| list)) {
            Ok(list) => list,
            Err(error) => return Ok(Err(error.into())),
        };
        if list.account().id.as_bytes() != known.account.as_bytes() {
            return Ok(Err(Reason::Mismatch));
        }
        let pin = match &known.pin {
            None => sprag_core::identity::Pin::first(&list),
            Some(pin) if *pin.account() != *list.account() => {
                let number = SafetyNumber::between(own.account.account(), list.account()).digits();
                let changed = Reason::IdentityChanged;
                let held = outbox::stop_waiting(tx, known, MessageState::Held, changed, now)?;
                let pinned = Known::load(tx, known.row)?;
                inbox::identity_changed(tx, own, pinned, number, held, now)?;
                return Ok(Err(changed));
            }
            Some(pin) => match pin.accept(&list) {
                Ok(accepted) => accepted.pin,
                Err(error) => {
                    let mine = crate::event::ListRef {
                        sequence: pin.sequence(),
                        hash: pin.hash_of(pin.sequence()).copied().unwrap_or([0; 32]),
                    };
                    let theirs = crate::event::ListRef { sequence: list.sequence(), hash: *list.hash() };
                    outbox::raise(tx, What::ListConflict { account: known.account.clone(), mine, theirs }, now)?;
                    return Ok(Err(error.into()));
                }
            },
        };
        known.adopt(pin, list.clone());
        // A part that does not parse is as if it had not come: a server cannot block the others by it.
        let prekeys: Vec<_> = of(Kind::Prekey).filter_map(|part| ReceivedPrekey::parse(part).ok()).collect();
        outbox::begin_sessions(tx, own, known, &list, &prekeys, now, random)
    }

    fn sent(&self, tx: &Tx<'_>, row: i64, mut entry: Entry, outcome: Outcome, now: u64) -> Result<()> {
        let mut known = Known::load(tx, entry.contact)?;
        let Some(message) = entry.message.as_mut() else { return Ok(()) };
        let (state, reason) = match outcome {
            Outcome::Accepted { .. } => (MessageState::Accepted, None),
            Outcome::Stale { .. } => {
                // Sealed again, under the same id, when the newer list is here.
                message.state = MessageState::WaitingKeys;
                outbox::progress(tx, message, &known, MessageState::WaitingKeys, None, now)?;
                entry.lease_until = 0;
                entry.save(tx, row)?;
                return outbox::ask_for_keys(tx, &mut known, now);
            }
            Outcome::TooLarge { .. } => (MessageState::Failed, Some(Reason::TooLarge)),
            Outcome::Rejected(Rejection::NoSuchAccount) => (MessageState::Failed, Some(Reason::NoSuchAccount)),
            Outcome::Rejected(Rejection::Forbidden) => (MessageState::Failed, Some(Reason::Forbidden)),
            Outcome::Rejected(_) => (MessageState::Failed, Some(Reason::Refused)),
            _ => return Err(Error::Misuse("this outcome does not answer Send")),
        };
        outbox::progress(tx, message, &known, state, reason, now)?;
        tx.delete(Table::Outbox, row)?;
        Ok(())
    }

    /// Queues what is to be published; `left` is how many one-time prekeys the directory has, if they are refilled.
    fn publish(tx: &Tx<'_>, own: &Own, list: bool, left: Option<u32>, now: u64, random: &mut Generator) -> Result<()> {
        let mut publish = PublishKeys::new(own.id()?, DeviceId(own.device.id()));
        if list {
            let sequence = own.list.sequence();
            publish.list = Some(ListWrite { object: own.list.as_bytes().to_vec(), sequence, expected: sequence - 1 });
        }
        publish.signed_prekey = prekeys::rotate(tx, &own.device, now, random)?;
        if let Some(left) = left {
            publish.one_time = prekeys::refill(tx, &own.device, left, now, random)?;
        }
        if publish.list.is_none() && publish.signed_prekey.is_none() && publish.one_time.is_empty() {
            return Ok(());
        }
        Entry::request(0, Action::PublishKeys(publish), now).insert(tx).map(|_| ())
    }

    /// Upkeep: keys are renewed and refilled, handshakes answered, and what has outlived its use is deleted. To be
    /// called at start, and when [`Pending::next_wake_ms`] is over.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn wake(&self, hint: Hint) -> Result<Pending> {
        let mut random = self.generator()?;
        let now = self.now();
        self.store.write(Barrier::Normal, |tx| {
            let mut own = Own::load(tx)?;
            let suspect = skew(&own, hint, now);
            if let Some(skew) = suspect {
                outbox::raise(tx, What::ClockSuspect { skew }, now)?;
            }
            let renewed = suspect.is_none() && own.renew_list(now)?;
            if let Some(left) = hint.one_time_left.filter(|left| *left < prekeys::LOW) {
                outbox::raise(tx, What::KeysLow { left }, now)?;
            }
            let publishing = Entry::all(tx)?.iter().any(|(_, e)| matches!(e.action, Some(Action::PublishKeys(_))));
            let left = hint.one_time_left.filter(|left| *left < prekeys::LOW && !publishing);
            Self::publish(tx, &own, renewed, left, now, &mut random)?;
            self.answer_all(tx, &own, now, &mut random)?;
            if suspect.is_none() {
                prekeys::prune(tx, now)?;
                Index::prune(tx, now)?;
            }
            own.last_wake = now;
            own.save(tx)
        })?;
        self.store.tidy()?;
        self.pending()
    }

    /// Answers handshakes that nothing else has answered, so that the peer stops repeating them.
    fn answer_all(&self, tx: &Tx<'_>, own: &Own, now: u64, random: &mut Generator) -> Result<()> {
        for mut known in Known::all(tx)? {
            if !known.owes_answer || known.trust == Trust::Changed {
                continue;
            }
            let mut id = [0; 8];
            tx.random(&mut id);
            let message = Queued {
                id: MessageId::new(id)?,
                class: Class::Quiet,
                content: None,
                sent: now,
                expires: None,
                state: MessageState::Ready,
            };
            if let Some(send) = outbox::seal(tx, own, &known, &message, random)? {
                let mut entry = Entry::message(known.row, message, now);
                entry.action = Some(Action::Send(send));
                entry.insert(tx)?;
                self.answered(tx, &mut known)?;
            }
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
        self.store.write(Barrier::Normal, |tx| {
            for row in events.iter().filter_map(|id| i64::try_from(*id).ok()).filter(|row| *row > 0) {
                tx.delete(Table::Event, row)?;
            }
            Ok::<_, Error>(())
        })?;
        self.pending()
    }

    fn pending(&self) -> Result<Pending> {
        self.store.read(|snapshot| {
            let requests = Entry::all(snapshot)?.iter().filter(|(_, entry)| entry.action.is_some()).count();
            Ok(Pending {
                events: snapshot.count(Table::Event)?,
                requests: requests as u64,
                next_wake_ms: Some(next_wake(snapshot)?),
            })
        })
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
            let Some(entry) = Entry::load(tx, index.row)? else { return Err(Error::NotAllowed) };
            if entry.attempt > 0 {
                return Err(Error::NotAllowed);
            }
            let known = Known::load(tx, entry.contact)?;
            if let Some(queued) = &entry.message {
                outbox::progress(tx, queued, &known, MessageState::Cancelled, None, now)?;
            }
            tx.delete(Table::Outbox, index.row)?;
            Ok(())
        })?;
        self.pending()
    }

    /// Tries a message again that waits for its time.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::NotAllowed`] for one that is held, has left or has failed; [`Error::Store`].
    pub fn retry(&self, message: &[u8]) -> Result<Pending> {
        self.store.write(Barrier::Normal, |tx| {
            let (_, index) = Self::indexed(tx, message)?;
            let Some(mut entry) = Entry::load(tx, index.row)? else { return Err(Error::NotAllowed) };
            if entry.message.as_ref().is_some_and(|message| message.state == MessageState::Held) {
                return Err(Error::NotAllowed);
            }
            entry.not_before = 0;
            entry.save(tx, index.row)
        })?;
        self.pending()
    }

    /// What is known of a contact.
    ///
    /// # Errors
    /// [`Error::Unknown`] for one that is not pinned; [`Error::Store`].
    pub fn contact(&self, account: &[u8]) -> Result<Contact> {
        let account = AccountId::new(account)?;
        self.store.read(|snapshot| {
            let own = Own::load(snapshot)?;
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

/// By how much the clock is ahead, if it is further off than it may be.
fn skew(own: &Own, hint: Hint, now: u64) -> Option<i64> {
    let (reference, future) = match hint.server_time {
        Some(server) => (server, true),
        // Without a server's word, only a clock that runs backwards is certain to be wrong.
        None => (own.last_wake, false),
    };
    let ahead = i64::try_from(now).ok()?.checked_sub(i64::try_from(reference).ok()?)?;
    (ahead.unsigned_abs() > JUMP && (future || ahead < 0)).then_some(ahead)
}

fn next_wake(snapshot: &Snapshot<'_>) -> Result<u64> {
    let owes = Known::all(snapshot)?.iter().any(|known| known.owes_answer);
    Ok(if owes { 0 } else { WAKE_EVERY })
}
