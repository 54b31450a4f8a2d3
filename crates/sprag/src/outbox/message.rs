//! A message of ours from `send` to the server's answer: by its id, and while it waits for keys or for the app.
//!
//! It does not seal.

use sprag_core::content::Decision;
use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{self, Account};
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use super::Entry;
use super::circle::members;
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{MessageState, Reason, What};
use crate::id::{AccountId, Class, Content, Conversation, MessageId};
use crate::notice::raise;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// Seconds for which a message's id is remembered after it has left: 30 days.
const RETENTION: u64 = 30 * 86_400;

/// Which devices of a conversation a message is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them, and our own others.
    Everybody,
    /// Those of the other accounts alone.
    Others,
    /// One of ours alone.
    Device(u32),
    /// One alone, of the contact in this row.
    One { contact: i64, device: u32 },
}

/// What a message of ours says.
pub(crate) enum Load {
    /// Something that the app shows.
    Content(Content),
    /// Nothing: an answer to a handshake, or company for a list.
    Nothing,
    /// A page of the account's state, for a device that was just linked.
    State(SecretBytes),
    /// That our other devices are to take this one off the list.
    Retire,
    /// A succession of account keys, which our other devices are to sign for.
    Rekey(Vec<u8>),
    /// This device's entry, signed for the account key that is to follow ours.
    Entry(Vec<u8>),
    /// Asks for what came with these commitments to be sealed again.
    Renew(Vec<[u8; 32]>),
    /// Says that what came with these commitments will not be.
    Gone(Vec<[u8; 32]>),
    /// Something that the app shows, sealed again in the place of what came with this commitment.
    Again(Content, [u8; 32]),
    /// What the user decided about a contact, for our other devices.
    Decision(Decision),
    /// Asks our other devices for the state of the account.
    AskState,
}

impl Load {
    /// Whether our app follows it.
    pub(crate) const fn is_content(&self) -> bool {
        matches!(self, Self::Content(_))
    }

    /// Whether the other side's app shows it.
    pub(crate) const fn is_shown(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Again(..))
    }
}

/// A message of ours, or upkeep.
pub(crate) struct Queued {
    pub(crate) id: MessageId,
    /// Where it belongs; a room with all its members, in order.
    pub(crate) conversation: Conversation,
    pub(crate) scope: Scope,
    pub(crate) class: Class,
    pub(crate) load: Load,
    pub(crate) sent: u64,
    pub(crate) expires: Option<u64>,
}

/// An id for a message whose sender does not care.
pub(crate) fn fresh_id(tx: &Tx<'_>) -> Result<MessageId> {
    let mut fresh = [0; 8];
    tx.random(&mut fresh);
    MessageId::new(fresh)
}

impl Queued {
    /// Upkeep: nothing that the app shows.
    pub(crate) fn upkeep(tx: &Tx<'_>, conversation: Conversation, scope: Scope, load: Load, now: u64) -> Result<Self> {
        let id = fresh_id(tx)?;
        Ok(Self { id, conversation, scope, class: Class::Quiet, load, sent: now, expires: None })
    }
}

/// A message that cannot be sealed yet.
pub(crate) struct Waiting {
    /// The conversation in which it keeps its place.
    pub(crate) lane: i64,
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

    /// Those that are not held, oldest first.
    pub(super) fn for_keys(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Self)>> {
        Ok(Self::all(snapshot)?.into_iter().filter(|(_, waiting)| !waiting.held).collect())
    }

    /// All of them, oldest first.
    pub(super) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Self)>> {
        let rows = snapshot.scan(Table::Waiting, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Ok((row, codec::decode(value.expose_secret())?))).collect()
    }

    /// Whether a message of a conversation waits for keys: those after it wait, too.
    pub(crate) fn is_any(snapshot: &Snapshot<'_>, lane: i64) -> Result<bool> {
        Ok(snapshot.count(Table::Waiting)? > 0
            && Self::for_keys(snapshot)?.iter().any(|(_, waiting)| waiting.lane == lane))
    }
}

/// Ends the wait of the messages that need a contact's keys: failed, or held until the app decides.
pub(crate) fn stop_waiting(
    tx: &Tx<'_>,
    known: &Known,
    state: MessageState,
    reason: Reason,
    now: u64,
) -> Result<Vec<MessageId>> {
    let mut stopped = Vec::new();
    for (row, Waiting { lane, message, .. }) in Waiting::for_keys(tx)? {
        if !members(&message.conversation).contains(&known.account) {
            continue;
        }
        progress_for(tx, &message, Some(known.account.clone()), state, Some(reason), now)?;
        // Upkeep is nothing that the app could decide about.
        if state == MessageState::Held && message.load.is_content() {
            stopped.push(message.id.clone());
            Waiting { lane, held: true, message }.save(tx, row)?;
        } else {
            tx.delete(Table::Waiting, row)?;
        }
    }
    Ok(stopped)
}

/// Takes a message out of the outbox, to be sealed again when there are newer keys. It keeps its number, and so its
/// place in the conversation.
pub(crate) fn release(tx: &Tx<'_>, row: i64, lane: i64, message: Queued, now: u64) -> Result<()> {
    Entry::remove(tx, row)?;
    progress(tx, &message, MessageState::WaitingKeys, None, now)?;
    Waiting { lane, held: false, message }.save(tx, row)
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

fn echo_row(snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> i64 {
    Kind::Echo.row(snapshot, "echo", commitment)
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
    match conversation {
        Conversation::Direct(account) => account.write(writer.array(2).uint(1)),
        // Its members may have changed until the app tries again.
        Conversation::Room { id, .. } => id.write(writer.array(2).uint(2)),
    }
    content.write(&mut writer);
    snapshot.keyed_hash("message", writer.finish_secret().expose_secret()).to_vec()
}

fn index_row(snapshot: &Snapshot<'_>, id: &MessageId) -> i64 {
    Kind::Message.row(snapshot, "message id", id.as_bytes())
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
        for (row, value) in Kind::Echo.all(tx)? {
            let echo: Echo = codec::decode(value.expose_secret())?;
            if echo.at.saturating_add(RETENTION) < now {
                tx.delete(Table::Meta, row)?;
            }
        }
        for (row, value) in Kind::Message.all(tx)? {
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
    state: MessageState,
    reason: Option<Reason>,
    now: u64,
) -> Result<()> {
    let account = match &message.conversation {
        Conversation::Direct(account) => Some(account.clone()),
        Conversation::Room { .. } => None,
    };
    progress_for(tx, message, account, state, reason, now)
}

/// Likewise, because of one account.
pub(crate) fn progress_for(
    tx: &Tx<'_>,
    message: &Queued,
    account: Option<AccountId>,
    state: MessageState,
    reason: Option<Reason>,
    now: u64,
) -> Result<()> {
    if !message.load.is_content() {
        return Ok(());
    }
    if let Some(mut index) = Index::find(tx, &message.id)? {
        index.state = state;
        index.at = now;
        index.save(tx, &message.id)?;
    }
    raise(tx, What::Progress { message: message.id.clone(), account, state, reason }, now).map(|_| ())
}

impl Row for Load {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Content(content) => content.write(writer.array(2).uint(1)),
            Self::Nothing => {
                writer.array(1).uint(2);
            }
            Self::State(page) => {
                writer.array(2).uint(3).bytes(page.expose_secret());
            }
            Self::Retire => {
                writer.array(1).uint(4);
            }
            Self::Rekey(object) => {
                writer.array(2).uint(5).bytes(object);
            }
            Self::Entry(entry) => {
                writer.array(2).uint(6).bytes(entry);
            }
            Self::Renew(named) => write_list(writer.array(2).uint(7), named),
            Self::Gone(named) => write_list(writer.array(2).uint(8), named),
            Self::Again(content, commitment) => {
                content.write(writer.array(3).uint(9));
                commitment.write(writer);
            }
            Self::Decision(Decision { choice, account }) => {
                writer.array(4).uint(10).uint((*choice).into()).bytes(account.id.as_bytes());
                writer.bytes(account.key.as_bytes());
            }
            Self::AskState => {
                writer.array(1).uint(11);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (2, 1) => Row::read(reader).map(Self::Content),
            (1, 2) => Ok(Self::Nothing),
            (2, 3) => Row::read(reader).map(SecretBytes::new).map(Self::State),
            (1, 4) => Ok(Self::Retire),
            (2, 5) => Row::read(reader).map(Self::Rekey),
            (2, 6) => Row::read(reader).map(Self::Entry),
            (2, 7) => read_list(reader).map(Self::Renew),
            (2, 8) => read_list(reader).map(Self::Gone),
            (3, 9) => Ok(Self::Again(Row::read(reader)?, Row::read(reader)?)),
            (4, 10) => {
                let choice = u8::try_from(ok(reader.uint())?).map_err(|_| CORRUPT)?;
                let id = ok(identity::AccountId::new(ok(reader.bytes())?))?;
                let key = VerifyKey::reopen(ok(reader.fixed())?);
                Ok(Self::Decision(Decision { choice, account: Account { id, key } }))
            }
            (1, 11) => Ok(Self::AskState),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Scope {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Everybody => writer.array(1).uint(1),
            Self::Others => writer.array(1).uint(2),
            Self::Device(device) => writer.array(2).uint(3).uint((*device).into()),
            Self::One { contact, device } => {
                contact.write(writer.array(3).uint(5));
                writer.uint((*device).into())
            }
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (1, 1) => Ok(Self::Everybody),
            (1, 2) => Ok(Self::Others),
            (2, 3) => Row::read(reader).map(Self::Device),
            (3, 5) => Ok(Self::One { contact: Row::read(reader)?, device: Row::read(reader)? }),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Queued {
    fn write(&self, writer: &mut Writer) {
        writer.array(7);
        self.id.write(writer);
        self.conversation.write(writer);
        self.scope.write(writer);
        self.class.write(writer);
        self.load.write(writer);
        self.sent.write(writer);
        self.expires.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(7))?;
        Ok(Self {
            id: Row::read(reader)?,
            conversation: Row::read(reader)?,
            scope: Row::read(reader)?,
            class: Row::read(reader)?,
            load: Row::read(reader)?,
            sent: Row::read(reader)?,
            expires: Row::read(reader)?,
        })
    }
}

impl Row for Waiting {
    fn write(&self, writer: &mut Writer) {
        writer.array(3);
        self.lane.write(writer);
        self.held.write(writer);
        self.message.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { lane: Row::read(reader)?, held: Row::read(reader)?, message: Row::read(reader)? })
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
