//! Handshakes that go ahead of a message which has no room for all of them: each in a quiet message to its device alone. The
//! message waits until the server has taken them.
//!
//! It does not know why a body is short.

use sprag_core::content::Content as Wire;
use sprag_core::random::Random;

use super::leave::{Leaving, leave};
use super::message::{Load, Queued, Scope};
use super::seal::{HANDSHAKE, Lane, SLOT_LENGTH, room};
use super::{Cargo, Carried};
use crate::account::Own;
use crate::codec::ok;
use crate::error::Result;
use crate::id::Conversation;
use crate::store::Tx;

/// Bytes of an envelope beside its slots and its content: heads, the commitment, a tag.
const AROUND: usize = 64;

/// Whether a content with its slots is too long for a body; about, and rather yes than no. `with` tells whether handshakes
/// count.
pub(super) fn is_too_long(own: &Own, content: &Wire, lanes: &[Lane<'_>], with: bool) -> Result<bool> {
    let content = ok(content.encode())?.expose_secret().len();
    // An eighth is the most that padding adds to what is long.
    let padded = (content + content / 8 + 1).max(128);
    let slot = |lane: &Lane<'_>| if with && lane.carries.is_some() { HANDSHAKE } else { SLOT_LENGTH };
    Ok(padded + lanes.iter().map(slot).sum::<usize>() + AROUND > room(own))
}

/// Leaves out of a message the handshakes that the server has taken before: whoever reads it has them.
pub(super) fn lighten(lanes: &mut [Lane<'_>]) {
    for lane in lanes {
        lane.carries = lane.carries.take().filter(|unanswered| !unanswered.has_left());
    }
}

/// Sends every handshake of these ahead that is not on its way. Whether all are.
pub(super) fn send(tx: &Tx<'_>, own: &Own, lanes: &[Lane<'_>], now: u64, random: &mut dyn Random) -> Result<bool> {
    let under_way: Vec<Carried> = Cargo::all(tx)?.into_iter().flat_map(|cargo| cargo.carried).collect();
    for lane in lanes.iter().filter(|lane| lane.carries.is_some()) {
        let (contact, reference) = (lane.contact.row, lane.reference);
        let is_it = |carried: &Carried| carried.contact == contact && carried.ordinal == reference.ordinal;
        if under_way.iter().any(is_it) {
            continue;
        }
        let conversation = Conversation::Direct(lane.contact.account.clone());
        let scope = Scope::One { contact, device: reference.device };
        let message = Queued::upkeep(tx, conversation, scope, Load::Nothing, now)?;
        if !matches!(leave(tx, own, message, now, random)?, Leaving::Sealed) {
            return Ok(false);
        }
    }
    Ok(true)
}
