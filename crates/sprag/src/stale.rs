//! A server that says again and again that lists are stale: it is asked for newer ones ever less often.
//!
//! It asks for nothing itself.

use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, Row, ok};
use crate::error::Result;
use crate::id::AccountId;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// Seconds after which it counts anew, and the longest delay: an hour.
const HOUR: u64 = 3_600;

/// How often a server said so of an account in a row, and when it did last.
#[derive(Default)]
struct Said {
    at: u64,
    count: u32,
}

fn row(snapshot: &Snapshot<'_>, account: &AccountId) -> i64 {
    Kind::Look.row(snapshot, "stale", account.as_bytes())
}

/// The server says that the list of an account which a message was sealed under is stale. Yields the time from which on it is
/// to be asked for a newer one: at once the first two times, for an account may well change twice.
pub(crate) fn said(tx: &Tx<'_>, account: &AccountId, now: u64) -> Result<u64> {
    let row = row(tx, account);
    let known: Option<Said> =
        tx.get(Table::Meta, row)?.map(|value| codec::decode(value.expose_secret())).transpose()?;
    let known = known.filter(|said| now.abs_diff(said.at) < 2 * HOUR).unwrap_or_default();
    let count = known.count.saturating_add(1);
    tx.put(Table::Meta, row, codec::encode(&Said { at: now, count }).expose_secret())?;
    let delay = if count <= 2 || broken!("stale-without-end") { 0 } else { (1_u64 << count.min(12)).min(HOUR) };
    Ok(now.saturating_add(delay))
}

impl Row for Said {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.at).uint(self.count.into());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { at: Row::read(reader)?, count: Row::read(reader)? })
    }
}
