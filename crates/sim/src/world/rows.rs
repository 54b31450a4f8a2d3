//! What a store's rows are, byte for byte, seen from outside: sealed as they lie there.

use rusqlite::{Connection, OpenFlags};

use crate::disk::Disk;

/// Tables that a refusal may change: events and counters, and what waits to leave.
const FREE: &[&str] = &["keyring", "meta", "outbox", "event"];

/// Every row of every other table.
pub(super) type Rows = Vec<(String, i64, Vec<u8>)>;

/// Reads them.
pub(super) fn read(disk: &Disk) -> rusqlite::Result<Rows> {
    Disk::as_process(u64::from(u16::MAX), || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(disk.path(), flags)?;
        let tables: Vec<String> = conn
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut rows = Vec::new();
        for table in tables.into_iter().filter(|table| !FREE.contains(&table.as_str())) {
            let mut statement = conn.prepare(&format!("SELECT id, v FROM {table} ORDER BY id"))?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                rows.push((table.clone(), row.get(0)?, row.get(1)?));
            }
        }
        Ok(rows)
    })
}

/// Whether somebody has more than one session with a contact. A session's row is its number above that of its contact.
pub(super) fn has_sessions_beside(rows: &Rows) -> bool {
    let of = |(table, id, _): &(String, i64, Vec<u8>)| (table == "session").then(|| id.div_euclid(65_536));
    let contacts: Vec<i64> = rows.iter().filter_map(of).collect();
    !contacts.is_sorted_by(|a, b| a < b)
}

/// Tables that a refusal may change beside, after which the sender is asked: that its keys are fetched.
const FREE_TO_ASK: &[&str] = &["contact", "cargo"];

/// The first difference, in a few words.
pub(super) fn difference(before: &Rows, after: &Rows, asks: bool) -> Option<String> {
    let is_bound = |(table, ..): &&(String, i64, Vec<u8>)| !asks || !FREE_TO_ASK.contains(&table.as_str());
    let before: Vec<_> = before.iter().filter(is_bound).collect();
    let after: Vec<_> = after.iter().filter(is_bound).collect();
    if before == after {
        return None;
    }
    let changed = after.iter().find(|row| !before.contains(row)).or_else(|| before.iter().find(|r| !after.contains(r)));
    changed.map(|(table, id, _)| format!("row {id} of {table} changed"))
}
