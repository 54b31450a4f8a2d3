//! Events on their way to the app: put into the store in the transaction that they tell of.

use crate::codec::CORRUPT;
use crate::counters;
use crate::error::{Result, StoreFault};
use crate::event::{Event, What};
use crate::store::{Table, Tx};

/// Events beyond which nobody is told of one more unreadable message: a server could fill the disk with them.
const MANY: u64 = 10_000;

/// Puts an event where the app finds it; yields its id.
pub(crate) fn raise(tx: &Tx<'_>, what: What, now: u64) -> Result<u64> {
    #[cfg(feature = "sabotage")]
    if let (true, What::Message(message)) = (broken!("contents-in-the-clear"), &what) {
        tx.leak(message.content.as_bytes())?;
    }
    counters::happened(tx, &what, now)?;
    let row = tx.insert(Table::Event, Event::new(0, now, what).encode().expose_secret())?;
    u64::try_from(row).map_err(|_| CORRUPT)
}

/// Puts an event that a stranger can cause at will: only while not too many wait for the app.
pub(crate) fn raise_sparingly(tx: &Tx<'_>, what: What, now: u64) -> Result<()> {
    if tx.count(Table::Event)? < MANY { raise(tx, what, now).map(|_| ()) } else { Ok(()) }
}

/// Tells the app that something in the store is damaged.
pub(crate) fn trouble(tx: &Tx<'_>, now: u64) -> Result<()> {
    raise_sparingly(tx, What::StoreTrouble { code: StoreFault::Corrupt.code() }, now)
}
