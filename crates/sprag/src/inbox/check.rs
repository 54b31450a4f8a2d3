//! What is checked once a slot has opened: the payload and its commitment, where it was filed, the lists it was sent under.

use sprag_core::content::{Conversation as Place, EXT_LIST};
use sprag_core::envelope::{Envelope, Franked};
use sprag_core::franking::Audience;
use sprag_core::handshake::Claim;
use sprag_core::identity::{DeviceList, Pin};

use super::{Examined, Found, Fresh, Opened};
use crate::account::{Own, core_id, door_id};
use crate::codec::CORRUPT;
use crate::contact::Known;
use crate::error::Result;
use crate::event::{Incoming, ListRef, Reason, What};
use crate::id::{AccountId, Conversation, RoomId};
use crate::lists::Statement;
use crate::store::Snapshot;

/// Opens the payload and checks everything else about it.
pub(super) fn check(
    snapshot: &Snapshot<'_>,
    own: &Own,
    known: Known,
    found: Found,
    begun: Option<(Claim, Fresh)>,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Examined> {
    let is_ours = own.is_own(&known.account);
    let sender = core_id(&known.account)?;
    let franked = envelope.open(&found.key).and_then(|unfranked| {
        let audience = Audience::of(unfranked.conversation(), &sender, &own.account().id)?;
        unfranked.verify(&audience)
    });
    let franked = match franked {
        Ok(franked) => franked,
        Err(error) => return Ok(Examined::Unreadable(error.into(), Some(known.account))),
    };
    let conversation = conversation(&known.account, is_ours, &franked.content.conversation)?;
    if !broken!("filed-anywhere") && !is_filed_right(incoming.conversation.as_ref(), &conversation) {
        return Ok(Examined::Unreadable(Reason::Misfiled, Some(known.account)));
    }
    let listed = match lists(own, &known, franked.content.extensions.get(EXT_LIST)) {
        Ok(listed) => listed,
        Err(reason) => return Ok(Examined::Unreadable(reason, Some(known.account))),
    };
    let list = listed.adopted.as_ref().map(|(_, list)| list).or(known.list.as_ref());
    let session = known.sessions.iter().find(|session| session.ordinal == found.ordinal);
    let device = begun.as_ref().map_or_else(|| session.map_or(0, |session| session.device), |(claim, _)| claim.device);
    let honest = list.is_some_and(|list| match &begun {
        Some((claim, _)) => claim.check(list).is_ok(),
        None => list.device(device).map(|entry| entry.device_key) == session.map(|session| session.device_key),
    });
    if !honest {
        return Ok(Examined::Unreadable(Reason::NotListed, Some(known.account)));
    }
    let view = Views { snapshot, own, known: &known, list, franked: &franked };
    let statements = match view.statements(&conversation)? {
        Ok(statements) => statements,
        Err(reason) => return Ok(Examined::Unreadable(reason, Some(known.account))),
    };
    Ok(Examined::Opened(Box::new(Opened {
        ordinal: found.ordinal,
        stored: found.stored,
        delta: found.delta,
        fresh: begun.map(|(_, fresh)| fresh),
        adopted: listed.adopted,
        conflict: listed.conflict.or(statements.conflict),
        parted: listed.parted,
        knows: statements.knows,
        ahead: statements.ahead,
        claim: statements.claim,
        commitment: *envelope.commitment(),
        device,
        conversation,
        content: franked.content,
        known,
        before: None,
    })))
}

/// The conversation of a message, as we name it.
fn conversation(sender: &AccountId, is_ours: bool, place: &Place) -> Result<Conversation> {
    Ok(match place {
        Place::Direct { recipient: Some(recipient) } if is_ours => Conversation::Direct(door_id(recipient)?),
        Place::Direct { .. } => Conversation::Direct(sender.clone()),
        Place::Room { id, members } => Conversation::Room {
            id: RoomId::new(id.as_bytes()).map_err(|_| CORRUPT)?,
            members: members.iter().map(door_id).collect::<Result<_>>()?,
        },
    })
}

/// Whether the app filed a message where it belongs, if it said where.
fn is_filed_right(filed: Option<&Conversation>, belongs: &Conversation) -> bool {
    match (filed, belongs) {
        (None, _) => true,
        (Some(Conversation::Direct(filed)), Conversation::Direct(account)) => filed == account,
        (Some(Conversation::Room { id: filed, .. }), Conversation::Room { id, .. }) => filed == id,
        _ => false,
    }
}

#[derive(Default)]
struct Listed {
    adopted: Option<(Pin, DeviceList)>,
    conflict: Option<What>,
    /// Another list of ours, under the number of the one that we know.
    parted: Option<DeviceList>,
}

/// What a list that came in the message changes. An older one is only old mail, unless it differs from what was known.
fn lists(own: &Own, known: &Known, carried: Option<&[u8]>) -> core::result::Result<Listed, Reason> {
    let Some(bytes) = carried else { return Ok(Listed::default()) };
    let list = DeviceList::open(bytes)?;
    if list.account().id.as_bytes() != known.account.as_bytes() {
        return Err(Reason::Mismatch);
    }
    let Some(pin) = &known.pin else {
        return Ok(Listed { adopted: Some((Pin::first(&list), list)), conflict: None, parted: None });
    };
    if let Some(pin) = own.heirs_pin(pin, &list).filter(|_| own.is_own(&known.account)) {
        return Ok(Listed { adopted: Some((pin, list)), conflict: None, parted: None });
    }
    if *pin.account() != *list.account() {
        return Err(Reason::IdentityChanged);
    }
    let stepped = if list.sequence() > pin.sequence() {
        pin.accept(&list).map(|accepted| Some(accepted.pin))
    } else {
        pin.check_old(&list).map(|()| None)
    };
    Ok(match stepped {
        Ok(pin) => Listed { adopted: pin.map(|pin| (pin, list)), conflict: None, parted: None },
        Err(_) => {
            let conflict = Some(conflict_with(known, ListRef::new(list.sequence(), *list.hash())));
            let parted = Some(list).filter(|_| own.is_own(&known.account));
            Listed { adopted: None, conflict, parted }
        }
    })
}

/// What a message says of the lists that it was sent under, held against those that we know.
struct Views<'a> {
    snapshot: &'a Snapshot<'a>,
    own: &'a Own,
    known: &'a Known,
    /// The sender's list as of this message.
    list: Option<&'a DeviceList>,
    franked: &'a Franked,
}

/// What was found of it.
struct Statements {
    /// The number of our own list that the sender knows.
    knows: u64,
    /// A number of our own list that is beyond the one we know.
    ahead: Option<u64>,
    /// What is said of somebody else's list under a number that is beyond the one we know.
    claim: Option<Statement>,
    conflict: Option<What>,
}

impl Views<'_> {
    fn statements(&self, conversation: &Conversation) -> Result<core::result::Result<Statements, Reason>> {
        let me = self.own.id()?;
        let is_ours = self.own.is_own(&self.known.account);
        // The sender's list first, then one for each account that it wrote to, in order of ids.
        let mut stated = vec![self.known.account.clone()];
        match conversation {
            Conversation::Direct(account) if is_ours && *account != me => stated.push(account.clone()),
            Conversation::Direct(_) if is_ours => {}
            Conversation::Direct(_) => stated.push(me.clone()),
            Conversation::Room { members, .. } => {
                stated.extend(members.iter().filter(|account| **account != self.known.account).cloned());
            }
        }
        if stated.len() != self.franked.content.lists.len() {
            return Ok(Err(Reason::Malformed));
        }
        let mut found = Statements { knows: 0, ahead: None, claim: None, conflict: None };
        for (index, account) in stated.iter().enumerate() {
            let is_about_us = *account == me;
            let other = if index == 0 { None } else { Known::find(self.snapshot, account)? };
            let whose = if index == 0 { Some(self.known) } else { other.as_ref() };
            let Some(whose) = whose else { continue };
            let sequence = self.franked.content.lists.get(index).map_or(0, |list| list.sequence);
            match self.hash_of(whose, index == 0, sequence) {
                Some(hash) if !self.franked.states(index, &hash) && !broken!("split-views-unseen") => {
                    let theirs = ListRef::new(sequence, [0; 32]);
                    found.conflict = found.conflict.or_else(|| Some(conflict_with(whose, theirs)));
                }
                Some(_) if is_about_us => found.knows = sequence,
                None if is_about_us && sequence > self.own.list.sequence() => found.ahead = Some(sequence),
                None if !is_about_us && found.claim.is_none() => found.claim = self.claim(whose, index, sequence),
                _ => {}
            }
        }
        Ok(Ok(found))
    }

    /// What is said of a contact's list that is newer than the one we know.
    fn claim(&self, whose: &Known, index: usize, sequence: u64) -> Option<Statement> {
        let known = whose.pin.as_ref().filter(|pin| sequence > pin.sequence() && !self.own.is_own(&whose.account))?;
        let is_adopted = index == 0 && self.list.is_some_and(|list| list.sequence() > known.sequence());
        let mac = self.franked.list_mac(index).filter(|_| !is_adopted)?;
        Some(Statement { account: whose.account.clone(), sequence, mac })
    }

    /// The hash of an account's list of this number, if we know or remember it.
    fn hash_of(&self, whose: &Known, is_sender: bool, sequence: u64) -> Option<[u8; 32]> {
        let adopted = self.list.filter(|list| is_sender && list.sequence() == sequence).map(|list| *list.hash());
        adopted.or_else(|| whose.pin.as_ref().and_then(|pin| pin.hash_of(sequence).copied()))
    }
}

fn conflict_with(known: &Known, theirs: ListRef) -> What {
    What::ListConflict { account: known.account.clone(), mine: known.list_ref(), theirs }
}
