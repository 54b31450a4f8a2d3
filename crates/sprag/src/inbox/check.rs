//! What is checked once a slot has opened: the payload and its commitment, where it was filed, the lists it was sent under.

use sprag_core::content::{Conversation as Place, EXT_LIST};
use sprag_core::envelope::{Envelope, Franked};
use sprag_core::franking::Audience;
use sprag_core::handshake::Claim;
use sprag_core::identity::{DeviceList, Pin};

use super::{Examined, Found, Fresh, Opened};
use crate::account::{Own, core_id};
use crate::contact::Known;
use crate::error::Result;
use crate::event::{Incoming, ListRef, Reason, What};
use crate::id::Conversation;

/// Opens the payload and checks everything else about it.
pub(super) fn check(
    own: &Own,
    known: Known,
    found: Found,
    begun: Option<(Claim, Fresh)>,
    envelope: &Envelope<'_>,
    incoming: &Incoming,
) -> Result<Examined> {
    let sender = core_id(&known.account)?;
    let audience = Audience::direct(&sender, &own.account.account().id);
    let franked = envelope.open(&found.key).and_then(|unfranked| match unfranked.conversation() {
        Place::Direct { recipient: None } => unfranked.verify(&audience),
        _ => Err(sprag_core::Error::Misfiled),
    });
    let franked = match franked {
        Ok(franked) => franked,
        Err(error) => return Ok(Examined::Unreadable(error.into(), Some(known.account))),
    };
    if !broken!("filed-anywhere")
        && matches!(&incoming.conversation, Some(Conversation::Direct(filed)) if *filed != known.account)
    {
        return Ok(Examined::Unreadable(Reason::Misfiled, Some(known.account)));
    }
    let listed = match lists(&known, franked.content.extensions.get(EXT_LIST)) {
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
    let conflict = listed.conflict.or_else(|| disagreement(own, &known, list, &franked));
    Ok(Examined::Opened(Box::new(Opened {
        known,
        ordinal: found.ordinal,
        stored: found.stored,
        delta: found.delta,
        fresh: begun.map(|(_, fresh)| fresh),
        adopted: listed.adopted,
        conflict,
        commitment: *envelope.commitment(),
        device,
        content: franked.content,
    })))
}

#[derive(Default)]
struct Listed {
    adopted: Option<(Pin, DeviceList)>,
    conflict: Option<What>,
}

/// What a list that came in the message changes. An older one is only old mail, unless it differs from what was known.
fn lists(known: &Known, carried: Option<&[u8]>) -> core::result::Result<Listed, Reason> {
    let Some(bytes) = carried else { return Ok(Listed::default()) };
    let list = DeviceList::open(bytes)?;
    if list.account().id.as_bytes() != known.account.as_bytes() {
        return Err(Reason::Mismatch);
    }
    let Some(pin) = &known.pin else { return Ok(Listed { adopted: Some((Pin::first(&list), list)), conflict: None }) };
    if *pin.account() != *list.account() {
        return Err(Reason::IdentityChanged);
    }
    let stepped = if list.sequence() > pin.sequence() {
        pin.accept(&list).map(|accepted| Some(accepted.pin))
    } else {
        pin.check_old(&list).map(|()| None)
    };
    Ok(match stepped {
        Ok(pin) => Listed { adopted: pin.map(|pin| (pin, list)), conflict: None },
        Err(_) => Listed { adopted: None, conflict: Some(conflict_with(known, list.sequence(), *list.hash())) },
    })
}

/// Whether the message was sent under other lists than those we know or remember under the same numbers: a split view.
fn disagreement(own: &Own, known: &Known, theirs: Option<&DeviceList>, franked: &Franked) -> Option<What> {
    let differs = |index: usize, known: &dyn Fn(u64) -> Option<[u8; 32]>| {
        let stated = franked.content.lists.get(index)?;
        let differs = known(stated.sequence).is_some_and(|hash| !franked.states(index, &hash));
        (differs).then_some(stated.sequence)
    };
    let adopted = |sequence: u64| theirs.filter(|list| list.sequence() == sequence).map(|list| *list.hash());
    let remembered = |sequence: u64| known.pin.as_ref().and_then(|pin| pin.hash_of(sequence).copied());
    let of_theirs = |sequence: u64| adopted(sequence).or_else(|| remembered(sequence));
    let of_ours = |sequence: u64| match own.list.sequence().checked_sub(sequence) {
        Some(0) => Some(*own.list.hash()),
        Some(1) if sequence > 0 => Some(*own.list.previous()),
        _ => None,
    };
    let sequence = differs(0, &of_theirs).or_else(|| differs(1, &of_ours))?;
    Some(conflict_with(known, sequence, [0; 32]))
}

fn conflict_with(known: &Known, sequence: u64, hash: [u8; 32]) -> What {
    What::ListConflict { account: known.account.clone(), mine: known.list_ref(), theirs: ListRef { sequence, hash } }
}
