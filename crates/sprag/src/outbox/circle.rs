//! Whom a message goes to: the accounts of its conversation, and our own other devices.
//!
//! It seals nothing and asks nobody for keys.

use sprag_core::content::{Conversation as Place, RoomId as CoreRoomId};
use sprag_core::franking::Audience;
use sprag_core::identity;

use super::message::{Queued, Scope};
use crate::account::{Own, core_id};
use crate::codec::{CORRUPT, ok};
use crate::contact::Known;
use crate::error::{Error, Result};
use crate::id::{AccountId, Conversation, MAX_MEMBERS};
use crate::rows::number;
use crate::store::{Snapshot, Tx};

/// The accounts that a message concerns.
pub(crate) struct Circle {
    /// The accounts other than ours, in order of their ids.
    pub(crate) others: Vec<Known>,
    /// Our own account, for its other devices.
    pub(crate) own: Known,
}

/// A conversation as it is kept: a room with all its members, ourselves included, in order of their ids.
///
/// # Errors
/// [`Error::Misuse`] for a room of nobody else or of too many.
pub(crate) fn complete(own: &AccountId, conversation: &Conversation) -> Result<Conversation> {
    let Conversation::Room { id, members } = conversation else { return Ok(conversation.clone()) };
    let mut members = members.clone();
    members.push(own.clone());
    members.sort();
    members.dedup();
    match members.len() {
        0 | 1 => Err(Error::Misuse("a room has a member beside ourselves")),
        2..=MAX_MEMBERS => Ok(Conversation::Room { id: id.clone(), members }),
        _ => Err(Error::Misuse("a room has at most 100 members")),
    }
}

impl Circle {
    /// The circle of a conversation that is [`complete`]. Whoever was not seen yet gets a row.
    pub(crate) fn load(tx: &Tx<'_>, own: &Own, conversation: &Conversation) -> Result<Self> {
        let me = own.id()?;
        let mut others = Vec::new();
        for account in members(conversation).iter().filter(|account| **account != me) {
            let mut known = Known::find(tx, account)?.unwrap_or_else(|| Known::unseen(account.clone()));
            known.save(tx)?;
            others.push(known);
        }
        let own = Known::find(tx, &me)?.ok_or(CORRUPT)?;
        Ok(Self { others, own })
    }

    /// Everybody in it, ourselves last.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &Known> {
        self.others.iter().chain([&self.own])
    }

    /// Whether nothing is to be sent before the app has decided about somebody.
    pub(crate) fn is_held(&self) -> bool {
        self.others.iter().any(|known| known.is_held())
    }

    /// Writes everybody's row, where it would say anything else than it does.
    pub(crate) fn save(&mut self, tx: &Tx<'_>) -> Result<()> {
        self.others.iter_mut().chain([&mut self.own]).try_for_each(|known| known.save(tx))
    }
}

/// The accounts that a conversation names.
pub(crate) fn members(conversation: &Conversation) -> &[AccountId] {
    match conversation {
        Conversation::Direct(account) => core::slice::from_ref(account),
        Conversation::Room { members, .. } => members,
    }
}

/// The number under which messages of a conversation keep their order: a contact's row, or one of a room's own.
pub(crate) fn lane(snapshot: &Snapshot<'_>, conversation: &Conversation) -> Result<i64> {
    match conversation {
        Conversation::Direct(account) => Known::find(snapshot, account)?.map(|known| known.row).ok_or(CORRUPT),
        Conversation::Room { id, .. } => Ok(-number(&snapshot.keyed_hash("room", id.as_bytes()), 62) - 1),
    }
}

/// Where a content of ours is said to belong; a direct one names its recipient if our own devices read along.
pub(crate) fn place(message: &Queued, is_read_along: bool) -> Result<Place> {
    Ok(match &message.conversation {
        Conversation::Direct(account) => {
            Place::Direct { recipient: if is_read_along { Some(core_id(account)?) } else { None } }
        }
        Conversation::Room { id, members } => {
            let members = members.iter().map(core_id).collect::<Result<Vec<identity::AccountId>>>()?;
            Place::Room { id: ok(CoreRoomId::new(id.as_bytes()))?, members }
        }
    })
}

/// The audience of a message of ours.
pub(crate) fn audience(own: &Own, message: &Queued, place: &Place) -> Result<Audience> {
    let sender = &own.account().id;
    Ok(match (&message.conversation, place) {
        (Conversation::Direct(account), _) => Audience::direct(sender, &core_id(account)?),
        (_, Place::Room { id, members }) => Audience::room(sender, id, members),
        _ => return Err(CORRUPT),
    })
}

impl Scope {
    /// Whether a device of an account is written to.
    pub(super) fn covers(self, own: &Own, known: &Known, device: u32, to_ourselves: bool) -> bool {
        let is_own = own.is_own(&known.account);
        match self {
            _ if is_own && (device == own.device.id() || own.is_leaving(device)) => false,
            Self::Everybody => !is_own || !broken!("own-devices-left-out"),
            Self::Others => !is_own || to_ourselves,
            Self::One { contact, device: only } => known.row == contact && device == only,
            Self::Device(only) => device == only && (!is_own || to_ourselves),
        }
    }
}
