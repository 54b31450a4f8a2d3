//! The door for what is sent, from `send` until it has left.

use super::{Client, LEASE, fresh_id, pending};
use crate::contact::Known;
use crate::context::Generator;
use crate::directory;
use crate::error::{Error, Result};
use crate::event::{MessageState, Pending, SendOptions, Sent};
use crate::id::{AccountId, Content, Conversation, MAX_CONTENT, MessageId, Trust};
use crate::outbox::{self, Cargo, Entry, Index, Queued, Waiting};
use crate::store::{Barrier, Snapshot, Table, Tx};

impl Client {
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
            let (state, requests) = match Index::find(tx, &id)?.filter(|_| !broken!("sent-again-is-sent-twice")) {
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
            Some(sealed) => {
                Entry::put(tx, row, contact, &Cargo::sealed(sealed, message), now)?;
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
                // Whoever has it at the moment keeps it: nobody else is to carry it at once.
                (None, Some(entry)) if entry.is_leased(now) => {}
                (None, Some(mut entry)) => entry.put_off(tx, index.row, 0)?,
                _ => return Err(Error::NotAllowed),
            }
            pending(tx, now)
        })
    }
}
