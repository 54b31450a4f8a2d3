//! A message of ours from `send` to the server's answer: by its id, and while it waits for keys or for the app.
//!
//! It does not seal.

use sprag_core::wire::{Reader, Writer};

use super::Entry;
use crate::codec::{self, CORRUPT, Row, ok};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{MessageState, Reason, What};
use crate::id::{Class, Content, Conversation, MessageId};
use crate::notice::raise;
use crate::store::{Snapshot, Table, Tx};

/// Where the index of messages begins among the rows of `meta`.
const INDEX: i64 = 1 << 62;

/// Seconds for which a message's id is remembered after it has left: 30 days.
const RETENTION: u64 = 30 * 86_400;

/// A message of ours, or the empty answer to a handshake (`content` is none).
pub(crate) struct Queued {
    pub(crate) id: MessageId,
    pub(crate) class: Class,
    pub(crate) content: Option<Content>,
    pub(crate) sent: u64,
    pub(crate) expires: Option<u64>,
}

/// A message that cannot be sealed yet.
pub(crate) struct Waiting {
    pub(crate) contact: i64,
    /// Held until the app decides, not merely for want of keys.
    pub(crate) held: bool,
    pub(crate) message: Queued,
}

impl Waiting {
    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Waiting, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Waiting, row, codec::encode(self).expose_secret())?)
    }

    /// Those of a contact that are not held, oldest first.
    pub(super) fn for_keys(snapshot: &Snapshot<'_>, contact: i64) -> Result<Vec<(i64, Queued)>> {
        let mut found = Vec::new();
        for (row, value) in snapshot.scan(Table::Waiting, 0, usize::MAX >> 1)? {
            let waiting: Self = codec::decode(value.expose_secret())?;
            if waiting.contact == contact && !waiting.held {
                found.push((row, waiting.message));
            }
        }
        Ok(found)
    }
}

/// Ends the wait of the messages for this contact's keys: failed, or held until the app decides.
pub(crate) fn stop_waiting(
    tx: &Tx<'_>,
    known: &Known,
    state: MessageState,
    reason: Reason,
    now: u64,
) -> Result<Vec<MessageId>> {
    let mut stopped = Vec::new();
    for (row, message) in Waiting::for_keys(tx, known.row)? {
        progress(tx, &message, known, state, Some(reason), now)?;
        stopped.push(message.id.clone());
        if state == MessageState::Held {
            Waiting { contact: known.row, held: true, message }.save(tx, row)?;
        } else {
            tx.delete(Table::Waiting, row)?;
        }
    }
    Ok(stopped)
}

/// Takes a message out of the outbox, to be sealed again when there are newer keys. It keeps its number, and so its
/// place in the conversation.
pub(crate) fn release(tx: &Tx<'_>, row: i64, known: &Known, message: Queued, now: u64) -> Result<()> {
    Entry::remove(tx, row)?;
    progress(tx, &message, known, MessageState::WaitingKeys, None, now)?;
    Waiting { contact: known.row, held: false, message }.save(tx, row)
}

/// What is remembered of a message by its id.
pub(crate) struct Index {
    pub(crate) row: i64,
    pub(crate) digest: Vec<u8>,
    pub(crate) state: MessageState,
    pub(crate) at: u64,
}

/// What is remembered of an envelope of ours by its commitment: a server that hands everyone everything hands us our own.
pub(crate) struct Echo {
    /// The message in it; none for upkeep.
    message: Option<MessageId>,
    at: u64,
}

/// Where echoes begin among the rows of `meta`; the index of messages is behind them.
const ECHOES: i64 = 1 << 61;

fn echo_row(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> i64 {
    ECHOES | number(&snapshot.keyed_hash("echo", commitment), 3)
}

/// The first bits of a hash as a number, without as many as are said.
fn number(hash: &[u8; 32], without: u32) -> i64 {
    let number = hash.iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    i64::try_from(number >> without).unwrap_or(0)
}

impl Echo {
    pub(super) fn save(tx: &Tx<'_>, commitment: &[u8; 32], message: Option<&MessageId>, now: u64) -> Result<()> {
        let echo = Self { message: message.cloned(), at: now };
        Ok(tx.put(Table::Meta, echo_row(tx, commitment), codec::encode(&echo).expose_secret())?)
    }

    /// Whether an envelope is our own, and which message is in it.
    pub(crate) fn find(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> Result<Option<Option<MessageId>>> {
        let value = snapshot.get(Table::Meta, echo_row(snapshot, commitment))?;
        value.map(|value| codec::decode::<Self>(value.expose_secret()).map(|echo| echo.message)).transpose()
    }
}

/// The digest by which a repeated `send` is told from another one under the same id.
pub(crate) fn digest(snapshot: &Snapshot<'_>, conversation: &Conversation, content: &Content) -> Vec<u8> {
    let mut writer = Writer::new();
    conversation.write(&mut writer);
    content.write(&mut writer);
    snapshot.keyed_hash("message", writer.finish_secret().expose_secret()).to_vec()
}

fn index_row(snapshot: &Snapshot<'_>, id: &MessageId) -> i64 {
    INDEX | number(&snapshot.keyed_hash("message id", id.as_bytes()), 2)
}

impl Index {
    pub(crate) fn find(snapshot: &Snapshot<'_>, id: &MessageId) -> Result<Option<Self>> {
        let value = snapshot.get(Table::Meta, index_row(snapshot, id))?;
        value.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn save(&self, tx: &Tx<'_>, id: &MessageId) -> Result<()> {
        Ok(tx.put(Table::Meta, index_row(tx, id), codec::encode(self).expose_secret())?)
    }

    /// Forgets messages that left long ago, and their echoes.
    pub(crate) fn prune(tx: &Tx<'_>, now: u64) -> Result<()> {
        for (row, value) in tx.scan(Table::Meta, ECHOES - 1, usize::MAX >> 1)? {
            if row < INDEX {
                let echo: Echo = codec::decode(value.expose_secret())?;
                if echo.at.saturating_add(RETENTION) < now {
                    tx.delete(Table::Meta, row)?;
                }
                continue;
            }
            let index: Self = codec::decode(value.expose_secret())?;
            let left = matches!(index.state, MessageState::Accepted | MessageState::Failed | MessageState::Cancelled);
            if left && index.at.saturating_add(RETENTION) < now {
                tx.delete(Table::Meta, row)?;
            }
        }
        Ok(())
    }
}

/// Notes a new state of a message, and tells the app.
pub(crate) fn progress(
    tx: &Tx<'_>,
    message: &Queued,
    known: &Known,
    state: MessageState,
    reason: Option<Reason>,
    now: u64,
) -> Result<()> {
    if message.content.is_none() {
        return Ok(());
    }
    if let Some(mut index) = Index::find(tx, &message.id)? {
        index.state = state;
        index.at = now;
        index.save(tx, &message.id)?;
    }
    let what = What::Progress { message: message.id.clone(), account: Some(known.account.clone()), state, reason };
    raise(tx, what, now).map(|_| ())
}

impl Row for Queued {
    fn write(&self, writer: &mut Writer) {
        writer.array(5);
        self.id.write(writer);
        self.class.write(writer);
        self.content.write(writer);
        self.sent.write(writer);
        self.expires.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(5))?;
        Ok(Self {
            id: Row::read(reader)?,
            class: Row::read(reader)?,
            content: Row::read(reader)?,
            sent: Row::read(reader)?,
            expires: Row::read(reader)?,
        })
    }
}

impl Row for Waiting {
    fn write(&self, writer: &mut Writer) {
        writer.array(3);
        self.contact.write(writer);
        self.held.write(writer);
        self.message.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { contact: Row::read(reader)?, held: Row::read(reader)?, message: Row::read(reader)? })
    }
}

impl Row for Echo {
    fn write(&self, writer: &mut Writer) {
        self.message.write(writer.array(2));
        self.at.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { message: Row::read(reader)?, at: Row::read(reader)? })
    }
}

impl Row for Index {
    fn write(&self, writer: &mut Writer) {
        writer.array(4);
        self.row.write(writer);
        self.digest.write(writer);
        self.state.code().write(writer);
        self.at.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(4))?;
        Ok(Self {
            row: Row::read(reader)?,
            digest: Row::read(reader)?,
            state: MessageState::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
            at: Row::read(reader)?,
        })
    }
}
