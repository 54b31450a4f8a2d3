//! What is kept of a conversation: who its members are as far as we were told.
//!
//! It knows no contacts and no keys. The app's word counts most, for its server decides who is in a room; what others
//! were told is compared with it.

use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::What;
use crate::id::{AccountId, Conversation, RoomId, Sender};
use crate::store::{Snapshot, Table, Tx};

/// Where conversations begin among the rows of `meta`.
const CONVERSATIONS: i64 = 1 << 60;

/// What is kept of a room.
#[derive(Default)]
struct Room {
    /// Its members, all of them in order.
    members: Vec<AccountId>,
    /// The other members that the app was told of last.
    told: Vec<AccountId>,
}

fn row(snapshot: &Snapshot<'_>, room: &RoomId) -> i64 {
    let hash = snapshot.keyed_hash("conversation", room.as_bytes());
    let number = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    CONVERSATIONS | i64::try_from(number >> 4).unwrap_or(0)
}

impl Room {
    fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Meta, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Meta, row, codec::encode(self).expose_secret())?)
    }
}

/// Notes the members of a room, complete and in order, as the app names them.
pub(crate) fn note(tx: &Tx<'_>, conversation: &Conversation) -> Result<()> {
    let Conversation::Room { id, members } = conversation else { return Ok(()) };
    let row = row(tx, id);
    let mut room = Room::load(tx, row)?.unwrap_or_default();
    if room.members != *members {
        room.members.clone_from(members);
        room.save(tx, row)?;
    }
    Ok(())
}

/// Compares whom a message was sent to with whom we know as the members; what there is to tell, each set once.
/// `filed` is what the app says, complete and in order.
pub(crate) fn compare(
    tx: &Tx<'_>,
    sender: &Sender,
    sent: &Conversation,
    filed: Option<&Conversation>,
) -> Result<Option<What>> {
    let Conversation::Room { id, members } = sent else { return Ok(None) };
    if let Some(filed) = filed {
        note(tx, filed)?;
    }
    let row = row(tx, id);
    let Some(mut room) = Room::load(tx, row)? else {
        // Nobody told us before.
        note(tx, sent)?;
        return Ok(None);
    };
    if room.members == *members || room.told == *members || broken!("audiences-uncompared") {
        return Ok(None);
    }
    room.told.clone_from(members);
    room.save(tx, row)?;
    let beyond = |these: &[AccountId], those: &[AccountId]| {
        these.iter().filter(|account| !those.contains(account)).cloned().collect()
    };
    let (added, missing) = (beyond(members, &room.members), beyond(&room.members, members));
    let conversation = Conversation::Room { id: id.clone(), members: room.members };
    Ok(Some(What::AudienceDiffers { conversation, sender: sender.clone(), added, missing }))
}

impl Row for Room {
    fn write(&self, writer: &mut Writer) {
        write_list(writer.array(2), &self.members);
        write_list(writer, &self.told);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { members: read_list(reader)?, told: read_list(reader)? })
    }
}
