//! Where a message belongs: with one other account, or in a room of the app's own.
//!
//! It does not know who is asked whether a room has these members: the app's server names them.

use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::identity::AccountId;
use crate::wire::{Reader, Writer};

/// The most members of a room, the sender included.
pub const MAX_MEMBERS: usize = 100;

const DIRECT: u64 = 1;
const ROOM: u64 = 2;

app_id! {
    /// A room's id, chosen by the app: 1 to 64 bytes, compared as bytes and never normalised.
    RoomId
}

/// The conversation that a message belongs to. It is inside the content: nobody can move a message to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// Between two accounts, the sender's and one other.
    Direct {
        /// The other account, written out where own other devices read along; without it, it is who reads this.
        recipient: Option<AccountId>,
    },
    /// A group that the app's own server keeps.
    Room {
        /// Which.
        id: RoomId,
        /// Everybody in it as the sender was told, the sender included, in ascending order of bytes. Always all of
        /// them: whatever else a device has missed, it can open the commitment.
        members: Vec<AccountId>,
    },
}

impl Conversation {
    pub(super) fn write(&self, writer: &mut Writer) -> Result<()> {
        match self {
            Self::Direct { recipient: None } => writer.null(),
            Self::Direct { recipient: Some(recipient) } => writer.array(2).uint(DIRECT).bytes(recipient.as_bytes()),
            Self::Room { id, members } => {
                check_members(members)?;
                writer.array(3).uint(ROOM).bytes(id.as_bytes()).array(members.len());
                members.iter().for_each(|member| {
                    writer.bytes(member.as_bytes());
                });
                writer
            }
        };
        Ok(())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.take_null() {
            return Ok(Self::Direct { recipient: None });
        }
        let fields = reader.array()?;
        match (reader.uint()?, fields) {
            (DIRECT, 2) => Ok(Self::Direct { recipient: Some(AccountId::new(reader.bytes()?)?) }),
            (ROOM, 3) => {
                let id = RoomId::new(reader.bytes()?)?;
                let count = reader.array()?;
                if count > MAX_MEMBERS {
                    return Err(Error::TooLarge);
                }
                let members: Vec<_> = (0..count).map(|_| AccountId::new(reader.bytes()?)).collect::<Result<_>>()?;
                check_members(&members)?;
                Ok(Self::Room { id, members })
            }
            (DIRECT | ROOM, _) => Err(Error::Malformed),
            _ => Err(Error::Unsupported),
        }
    }

    /// Whether so many list statements can belong to it: the sender's, and one for each other account.
    pub(super) const fn has_room_for(&self, statements: usize) -> bool {
        match self {
            Self::Direct { .. } => statements == 1 || statements == 2,
            Self::Room { members, .. } => statements == members.len(),
        }
    }
}

/// One way alone to write down who is in a room.
fn check_members(members: &[AccountId]) -> Result<()> {
    match members.len() {
        1..=MAX_MEMBERS if members.is_sorted_by(|a, b| a < b) => Ok(()),
        0..=MAX_MEMBERS => Err(Error::Malformed),
        _ => Err(Error::TooLarge),
    }
}
