//! The door for what is sent, from `send` until it has left.

use super::{Client, LEASE, pending};
use crate::contact::Known;
use crate::context::Generator;
use crate::conversation;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{MessageState, Pending, SendOptions, Sent};
use crate::id::{Content, Conversation, MAX_CONTENT, MessageId};
use crate::outbox::{self, Attempt, Cargo, Circle, Entry, Index, Load, Queued, Scope, Waiting};
use crate::protection;
use crate::request::{Action, Request, Why};
use crate::store::{Barrier, Snapshot, Table, Tx};

impl Client {
    /// Sends a content. To somebody unknown it works at once: their keys are asked for, and the message waits; if they turn
    /// out to have none, or a client that cannot read it, the message ends as failed, and the conversation stays plain.
    /// The same id with the same content is the same message.
    ///
    /// # Errors
    /// [`Error::NotProtected`] in a conversation that is plain: the app uses the path it had before;
    /// [`Error::Misuse`] for a message to oneself, an empty or too large content, or an id that was used for another
    /// one; [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn send(&self, conversation: &Conversation, content: &Content, options: &SendOptions) -> Result<Sent> {
        check_content(content)?;
        let conversation = outbox::complete(&self.account, conversation)?;
        let mut random = self.generator()?;
        let now = self.now();
        let sent = self.store.write(Barrier::Full, |tx| {
            let id = match &options.client_id {
                Some(id) => id.clone(),
                None => outbox::fresh_id(tx)?,
            };
            let digest = outbox::digest(tx, &conversation, content);
            let (state, requests) = match Index::find(tx, &id)?.filter(|_| !broken!("sent-again-is-sent-twice")) {
                Some(index) if index.digest == digest => (index.state, Vec::new()),
                Some(_) => return Err(Error::Misuse("this id was used for another message")),
                None => {
                    let load = Load::Content(content.clone());
                    let (class, expires) = (options.class, options.expires);
                    let scope = Scope::Everybody;
                    let message = Queued { id: id.clone(), conversation, scope, class, load, sent: now, expires };
                    let Some((row, lanes, state)) = self.queue(tx, message, now, &mut random)? else {
                        // What was found out about who can read stays.
                        return Ok(None);
                    };
                    Index { row, digest, state, at: now }.save(tx, &id)?;
                    (state, outbox::lease_for(tx, &lanes, LEASE, now)?)
                }
            };
            Ok::<_, Error>(Some(Sent { message: id, state, requests, pending: pending(tx, now)? }))
        })?;
        self.without_directory(sent.ok_or(Error::NotProtected)?)
    }

    /// Where there is no directory nobody else answers what it would be asked.
    fn without_directory(&self, mut sent: Sent) -> Result<Sent> {
        let is_send = |request: &Request| matches!(request.action, Action::Send(_));
        if sent.requests.iter().all(is_send) || !self.serve()? {
            return Ok(sent);
        }
        sent.requests.retain(is_send);
        sent.requests.extend(self.requests(outbox::IN_FLIGHT, 0)?);
        sent.state = self.state(sent.message.as_bytes())?;
        sent.pending = self.pending()?;
        Ok(sent)
    }

    /// Puts a message where it belongs: sealed into the outbox, or to those that wait. Yields its number, the lanes in
    /// which something may leave for it, and its state; none if the conversation is plain.
    fn queue(
        &self,
        tx: &Tx<'_>,
        message: Queued,
        now: u64,
        random: &mut Generator,
    ) -> Result<Option<(i64, Vec<i64>, MessageState)>> {
        let own = self.own.load(tx)?;
        own.check_member()?;
        let mut circle = Circle::load(tx, &own, &message.conversation)?;
        if circle.others.is_empty() && own.list.devices().count() < 2 {
            return Err(Error::Misuse("a message to oneself has nobody to go to"));
        }
        if !protection::may_seal(tx, &own, &message.conversation, &circle.others)? {
            for row in protection::decline(tx, &own, &message.conversation, &circle.others, now)? {
                directory::ask(tx, &mut Known::load(tx, row)?, Why::Refresh, now)?;
            }
            return Ok(None);
        }
        conversation::note(tx, &message.conversation)?;
        let lane = outbox::lane(tx, &message.conversation)?;
        let row = tx.reserve(Table::Outbox)?;
        if circle.is_held() && !broken!("sent-though-held") {
            Waiting { lane, held: true, message }.save(tx, row)?;
            return Ok(Some((row, vec![lane], MessageState::Held)));
        }
        if Waiting::is_any(tx, lane)? {
            Waiting { lane, held: false, message }.save(tx, row)?;
            return Ok(Some((row, vec![lane], MessageState::WaitingKeys)));
        }
        match outbox::seal(tx, &own, &mut circle, &message, now, random)? {
            Attempt::Sealed(sealed) => {
                Entry::put(tx, row, lane, &Cargo::sealed(*sealed, message), now)?;
                circle.save(tx)?;
                Ok(Some((row, vec![lane], MessageState::Ready)))
            }
            Attempt::Plain => Err(Error::NotProtected),
            Attempt::Missing(mut rows) => {
                Waiting { lane, held: false, message }.save(tx, row)?;
                directory::ask_for_all(tx, &rows, now)?;
                rows.push(lane);
                Ok(Some((row, rows, MessageState::WaitingKeys)))
            }
        }
    }

    /// Sends a message on its way that was held.
    fn let_go(&self, tx: &Tx<'_>, row: i64, waiting: Waiting, now: u64, random: &mut Generator) -> Result<()> {
        let Waiting { lane, message, .. } = waiting;
        let own = self.own.load(tx)?;
        own.check_member()?;
        let mut circle = Circle::load(tx, &own, &message.conversation)?;
        if circle.is_held() && !broken!("held-messages-leave") {
            return Err(Error::NotAllowed);
        }
        let attempt = if Waiting::is_any(tx, lane)? {
            Attempt::Missing(Vec::new())
        } else {
            outbox::seal(tx, &own, &mut circle, &message, now, random)?
        };
        match attempt {
            Attempt::Sealed(sealed) => {
                tx.delete(Table::Waiting, row)?;
                outbox::progress(tx, &message, MessageState::Ready, None, now)?;
                Entry::put(tx, row, lane, &Cargo::sealed(*sealed, message), now)?;
                circle.save(tx)
            }
            Attempt::Plain => Err(Error::NotProtected),
            Attempt::Missing(rows) => {
                outbox::progress(tx, &message, MessageState::WaitingKeys, None, now)?;
                Waiting { lane, held: false, message }.save(tx, row)?;
                directory::ask_for_all(tx, &rows, now)
            }
        }
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
            let queued = match (Waiting::load(tx, row)?, Entry::load(tx, row)?) {
                (Some(waiting), _) => {
                    tx.delete(Table::Waiting, row)?;
                    Some(waiting.message)
                }
                (None, Some(entry)) if entry.attempt == 0 => {
                    let queued = Cargo::load(tx, row)?.message;
                    Entry::remove(tx, row)?;
                    queued
                }
                _ => return Err(Error::NotAllowed),
            };
            if let Some(queued) = queued {
                outbox::progress(tx, &queued, MessageState::Cancelled, None, now)?;
            }
            pending(tx, now)
        })
    }

    /// Tries a message again that waits for its time; or sends one on its way that was held, to whoever is pinned now. It keeps
    /// its place among the others.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::NotAllowed`] for one that has left or has failed, and for one that is held while a
    /// contact whom it is for is [`Trust::Changed`](crate::Trust::Changed); [`Error::Misuse`] if it does not fit `max_body`
    /// any more; [`Error::NotProtected`] if the conversation is plain; [`Error::Store`].
    pub fn retry(&self, message: &[u8]) -> Result<Pending> {
        let now = self.now();
        let mut random = self.generator()?;
        self.store.write(Barrier::Normal, |tx| {
            let (_, index) = Self::indexed(tx, message)?;
            match (Waiting::load(tx, index.row)?, Entry::load(tx, index.row)?) {
                (Some(waiting), _) if !waiting.held => {}
                (Some(waiting), _) => self.let_go(tx, index.row, waiting, now, &mut random)?,
                // Whoever has it at the moment keeps it: nobody else is to carry it at once.
                (None, Some(entry)) if entry.is_leased(now) => {}
                (None, Some(mut entry)) => entry.put_off(tx, index.row, 0)?,
                _ => return Err(Error::NotAllowed),
            }
            pending(tx, now)
        })
    }
}

fn check_content(content: &Content) -> Result<()> {
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
