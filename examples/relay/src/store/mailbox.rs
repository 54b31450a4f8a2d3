//! Mailboxes: one for each account, read by each of its devices at its own pace.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Result, params};

use super::{Caller, Store, newest};

/// Messages that may wait for one account.
const MAX_WAITING: i64 = 10_000;

/// Seconds for which a request is known again, also after its message was acknowledged: a day.
pub const REMEMBERED: i64 = 24 * 3_600;

/// Messages in one answer.
pub const MAX_MESSAGES: usize = 100;

/// About how many bytes are in one answer.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its number in the mailbox: what a client acknowledges.
    pub number: i64,
    /// The account whose device sent it.
    pub from: String,
    /// When it came.
    pub time: i64,
    /// The opaque body.
    pub blob: Vec<u8>,
}

/// What posting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is in the mailbox since this time.
    At(i64),
    /// The mailbox is full.
    Full,
    /// There is no such account.
    Nobody,
}

/// Mailboxes.
pub trait Mailboxes {
    /// Puts a message into a mailbox. The same request of the same device is one message, also when that was read since.
    ///
    /// # Errors
    /// What SQLite says.
    fn send(&self, to: &str, from: &Caller, request: &str, blob: &[u8], now: i64) -> Result<Posted>;

    /// What waits for a device after a number; if nothing does, waits for it up to `patience`.
    ///
    /// # Errors
    /// What SQLite says.
    fn mail(&self, caller: &Caller, after: i64, patience: Duration) -> Result<Vec<Mail>>;

    /// Notes what a device has on its own disk, and deletes what all devices have.
    ///
    /// # Errors
    /// What SQLite says.
    fn acknowledge(&self, caller: &Caller, up_to: i64) -> Result<()>;
}

impl Mailboxes for Store {
    fn send(&self, to: &str, from: &Caller, request: &str, blob: &[u8], now: i64) -> Result<Posted> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        let Caller { account, device } = from;
        forget(&tx, now)?;
        let before: Option<i64> = tx
            .query_row(
                "SELECT time FROM sent WHERE account = ?1 AND sender = ?2 AND device = ?3 AND request = ?4",
                [to, account, device, request],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(time) = before {
            return Ok(Posted::At(time));
        }
        let room: Option<bool> = tx
            .query_row(
                "SELECT (SELECT count(*) FROM mail WHERE account = ?1) < ?2 FROM account WHERE name = ?1",
                params![to, MAX_WAITING],
                |row| row.get(0),
            )
            .optional()?;
        match room {
            Some(true) => {}
            Some(false) => return Ok(Posted::Full),
            None => return Ok(Posted::Nobody),
        }
        tx.execute(
            "INSERT INTO mail (account, sender, time, blob) VALUES (?1, ?2, ?3, ?4)",
            params![to, account, now, blob],
        )?;
        tx.execute(
            "INSERT INTO sent (account, sender, device, request, mail, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![to, account, device, request, tx.last_insert_rowid(), now],
        )?;
        tx.commit()?;
        drop(database);
        self.arrived.notify_all();
        Ok(Posted::At(now))
    }

    fn mail(&self, caller: &Caller, after: i64, patience: Duration) -> Result<Vec<Mail>> {
        let until = Instant::now() + patience;
        let mut database = self.lock();
        loop {
            let mail = waiting(&database, caller, after)?;
            let left = until.saturating_duration_since(Instant::now());
            if !mail.is_empty() || left.is_zero() {
                return Ok(mail);
            }
            database = self.arrived.wait_timeout(database, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn acknowledge(&self, caller: &Caller, up_to: i64) -> Result<()> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        tx.execute(
            "UPDATE device SET acknowledged = max(acknowledged, ?3) WHERE account = ?1 AND id = ?2",
            // What has not come yet cannot be acknowledged: it would be lost.
            params![caller.account, caller.device, up_to.min(newest(&tx)?)],
        )?;
        sweep(&tx, &caller.account)?;
        tx.commit()
    }
}

/// Deletes the messages that every device of the account has acknowledged.
pub(super) fn sweep(database: &Connection, account: &str) -> Result<()> {
    database
        .execute(
            "DELETE FROM mail WHERE account = ?1
                 AND id <= (SELECT min(acknowledged) FROM device WHERE account = ?1)",
            [account],
        )
        .map(|_| ())
}

/// Forgets requests that are old enough and whose messages have been read.
fn forget(database: &Connection, now: i64) -> Result<()> {
    database
        .execute(
            "DELETE FROM sent WHERE time < ?1 AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.id = sent.mail)",
            [now.saturating_sub(REMEMBERED)],
        )
        .map(|_| ())
}

fn waiting(database: &Connection, caller: &Caller, after: i64) -> Result<Vec<Mail>> {
    let mut statement = database.prepare(
        "SELECT id, sender, time, blob FROM mail WHERE account = ?1
             AND id > max(?3, (SELECT acknowledged FROM device WHERE account = ?1 AND id = ?2)) ORDER BY id",
    )?;
    let mut rows = statement.query(params![caller.account, caller.device, after])?;
    let (mut mail, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let next = Mail { number: row.get(0)?, from: row.get(1)?, time: row.get(2)?, blob: row.get(3)? };
        bytes += next.blob.len();
        if !mail.is_empty() && bytes > MAX_BYTES {
            break;
        }
        mail.push(next);
        if mail.len() == MAX_MESSAGES {
            break;
        }
    }
    Ok(mail)
}
