//! By which session a new one is continued: what a handshake of ours names, and what the name in one of theirs is worth.
//!
//! It begins none, and tells nobody.

use sprag_core::handshake::{Claim, Resumption};
use sprag_core::ratchet::{Continued, Progress};

use crate::codec::CORRUPT;
use crate::contact::{Known, SessionRef};
use crate::error::Result;
use crate::session::Stored;
use crate::store::Snapshot;

/// The session that a new one continues.
pub(crate) struct Old {
    pub(crate) ordinal: u32,
    pub(crate) resumption: Resumption,
    /// How far we are in it, if we begin; else how far the peer has shown itself to be.
    pub(crate) progress: Progress,
}

/// What the peer's handshake says of the session that it continues.
pub(crate) enum Named {
    /// Nothing.
    Nothing,
    /// This one.
    Old(Old),
    /// One that the peer was further in already.
    Older(u32),
    /// None that we know.
    Unknown,
}

fn load(snapshot: &Snapshot<'_>, known: &Known, session: &SessionRef) -> Result<Option<Stored>> {
    match Stored::load(snapshot, known.session_row(session.ordinal)) {
        Ok(stored) => Ok(Some(stored)),
        // A damaged one continues nothing, and must not keep another from being begun.
        Err(CORRUPT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The session with a device that one which we begin now is to continue: the one that is sent in, else another that the peer
/// has shown to have.
pub(crate) fn latest(snapshot: &Snapshot<'_>, known: &Known, device: u32) -> Result<Option<Old>> {
    if broken!("nothing-is-resumed") {
        return Ok(None);
    }
    for session in known.by_rank(device) {
        let Some(stored) = load(snapshot, known, session)? else { continue };
        let Some(resumption) = stored.session.resumption() else { continue };
        let resumption = Resumption::from_secret(resumption.secret().duplicate());
        return Ok(Some(Old { ordinal: session.ordinal, resumption, progress: stored.session.progress() }));
    }
    Ok(None)
}

/// What a claim names, among the sessions with the device that it is of.
pub(crate) fn named(snapshot: &Snapshot<'_>, known: &Known, claim: &Claim) -> Result<Named> {
    let Some(id) = claim.resumption else { return Ok(Named::Nothing) };
    for session in known.by_rank(claim.device).into_iter().filter(|session| session.device_key == claim.device_key) {
        let Some(stored) = load(snapshot, known, session)? else { continue };
        let ordinal = session.ordinal;
        match stored.session.continued(&id) {
            Some(Continued::Current(resumption)) => {
                let resumption = Resumption::from_secret(resumption.secret().duplicate());
                return Ok(Named::Old(Old { ordinal, resumption, progress: stored.session.proven() }));
            }
            Some(Continued::Older) => return Ok(Named::Older(ordinal)),
            None => {}
        }
    }
    Ok(Named::Unknown)
}
