//! A message that leaves by itself: sealed at once, if it can be.
//!
//! It asks nobody for keys.

use super::circle::{self, Circle};
use super::message::{Queued, Waiting};
use super::seal::{Attempt, seal};
use super::{Cargo, Entry};
use crate::account::Own;
use crate::error::{Error, Result};
use crate::store::{Table, Tx};

use sprag_core::random::Random;

/// What became of a message that was to leave.
pub(crate) enum Leaving {
    /// It is in the outbox.
    Sealed,
    /// It lacks the keys of these contacts, by their rows.
    Missing(Box<Queued>, Vec<i64>),
    /// It cannot: it is too large for what the server carries, or there is nobody to send it to.
    Never,
}

/// Puts a message into the outbox, if there is a session with every device that it is for.
pub(crate) fn leave(tx: &Tx<'_>, own: &Own, message: Queued, now: u64, random: &mut dyn Random) -> Result<Leaving> {
    let mut circle = Circle::load(tx, own, &message.conversation)?;
    match seal(tx, own, &mut circle, &message, now, random) {
        Ok(Attempt::Sealed(sealed)) => {
            let (row, lane) = (tx.reserve(Table::Outbox)?, circle::lane(tx, &message.conversation)?);
            Entry::put(tx, row, lane, &Cargo::sealed(*sealed, message), now)?;
            circle.save(tx)?;
            Ok(Leaving::Sealed)
        }
        Ok(Attempt::Missing(rows)) => Ok(Leaving::Missing(Box::new(message), rows)),
        Ok(Attempt::Plain) | Err(Error::Misuse(_)) => Ok(Leaving::Never),
        Err(error) => Err(error),
    }
}

/// Has a message wait for keys, behind those of its conversation.
pub(crate) fn wait(tx: &Tx<'_>, message: Queued) -> Result<()> {
    let (row, lane) = (tx.reserve(Table::Outbox)?, circle::lane(tx, &message.conversation)?);
    Waiting { lane, held: false, message }.save(tx, row)
}
