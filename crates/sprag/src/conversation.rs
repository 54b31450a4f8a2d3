//! What is kept of a conversation: who its members are as far as we were told, and how far it is protected.
//!
//! It knows no contacts and no keys. The app's word counts most, for its server decides who is in a room; what others
//! were told is compared with it.

use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::What;
use crate::id::{AccountId, Conversation, Protection, Sender};
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// What is kept of a conversation.
struct Kept {
    /// Which it is; a room with all its members in order.
    conversation: Conversation,
    /// The other members of a room that the app was told of last.
    told: Vec<AccountId>,
    /// How far it is protected by itself, whoever is verified.
    level: Protection,
}

/// The number of a conversation, or of something else that is kept under a name like it.
fn row(snapshot: &Snapshot<'_>, conversation: &Conversation) -> i64 {
    let (purpose, name) = match conversation {
        Conversation::Direct(account) => ("direct conversation", account.as_bytes()),
        Conversation::Room { id, .. } => ("conversation", id.as_bytes()),
    };
    Kind::Conversation.row(snapshot, purpose, name)
}

impl Kept {
    const fn new(conversation: Conversation) -> Self {
        Self { conversation, told: Vec::new(), level: Protection::Plain }
    }

    fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Meta, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Meta, row, codec::encode(self).expose_secret())?)
    }

    fn members(&self) -> &[AccountId] {
        match &self.conversation {
            Conversation::Room { members, .. } => members,
            Conversation::Direct(_) => &[],
        }
    }
}

/// How far a conversation is protected by itself.
pub(crate) fn level(snapshot: &Snapshot<'_>, conversation: &Conversation) -> Result<Protection> {
    let kept = Kept::load(snapshot, row(snapshot, conversation))?;
    Ok(kept.map_or(Protection::Plain, |kept| kept.level))
}

/// Raises a conversation to a level, complete and in order; yields where it was. Nothing lowers it.
pub(crate) fn raise(tx: &Tx<'_>, conversation: &Conversation, level: Protection) -> Result<Protection> {
    let row = row(tx, conversation);
    let mut kept = Kept::load(tx, row)?.unwrap_or_else(|| Kept::new(conversation.clone()));
    let before = kept.level;
    if before < level || (broken!("protection-lowered") && before != level) {
        kept.level = level;
        kept.save(tx, row)?;
    }
    Ok(before)
}

/// Every conversation that is kept, with its level.
pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(Conversation, Protection)>> {
    let rows = Kind::Conversation.all(snapshot)?;
    rows.iter()
        .map(|(_, value)| codec::decode(value.expose_secret()).map(|kept: Kept| (kept.conversation, kept.level)))
        .collect()
}

/// Notes the members of a room, complete and in order, as the app names them.
pub(crate) fn note(tx: &Tx<'_>, conversation: &Conversation) -> Result<()> {
    let Conversation::Room { members, .. } = conversation else { return Ok(()) };
    let row = row(tx, conversation);
    let kept = Kept::load(tx, row)?;
    if kept.as_ref().is_some_and(|kept| kept.members() == members) {
        return Ok(());
    }
    let mut kept = kept.unwrap_or_else(|| Kept::new(conversation.clone()));
    kept.conversation.clone_from(conversation);
    kept.save(tx, row)
}

/// Compares whom a message was sent to with whom we know as the members; what there is to tell, each set once.
/// `filed` is what the app says, complete and in order.
pub(crate) fn compare(
    tx: &Tx<'_>,
    sender: &Sender,
    sent: &Conversation,
    filed: Option<&Conversation>,
) -> Result<Option<What>> {
    let Conversation::Room { members, .. } = sent else { return Ok(None) };
    if let Some(filed) = filed {
        note(tx, filed)?;
    }
    let row = row(tx, sent);
    let Some(mut room) = Kept::load(tx, row)?.filter(|room| !room.members().is_empty()) else {
        // Nobody told us before.
        note(tx, sent)?;
        return Ok(None);
    };
    if room.members() == members || room.told == *members || broken!("audiences-uncompared") {
        return Ok(None);
    }
    room.told.clone_from(members);
    room.save(tx, row)?;
    let beyond = |these: &[AccountId], those: &[AccountId]| {
        these.iter().filter(|account| !those.contains(account)).cloned().collect()
    };
    let (added, missing) = (beyond(members, room.members()), beyond(room.members(), members));
    let conversation = room.conversation;
    Ok(Some(What::AudienceDiffers { conversation, sender: sender.clone(), added, missing }))
}

impl Row for Kept {
    fn write(&self, writer: &mut Writer) {
        self.conversation.write(writer.array(3));
        write_list(writer, &self.told);
        self.level.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { conversation: Row::read(reader)?, told: read_list(reader)?, level: Row::read(reader)? })
    }
}
