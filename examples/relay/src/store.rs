//! What the relay keeps: a directory and mailboxes, in one SQLite file. Objects are opaque bytes to it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Result, params};

/// One-time prekeys that a device may have waiting.
const MAX_ONE_TIME: i64 = 200;

/// Messages that may wait for one account.
const MAX_WAITING: i64 = 10_000;

/// The relay's store, for any number of threads.
pub struct Store {
    database: Mutex<Connection>,
    arrived: Condvar,
}

/// An account's list and signed prekey, as far as they were published.
type Directory = (Option<Vec<u8>>, Option<Vec<u8>>);

/// A message in a mailbox.
pub struct Mail {
    /// Its number in the mailbox: what a client acknowledges.
    pub number: i64,
    /// The account whose token sent it.
    pub from: String,
    /// The opaque body.
    pub blob: Vec<u8>,
}

/// What publishing came to.
pub enum Published {
    /// Done; so many one-time prekeys are in stock.
    Done(u32),
    /// Another list is there: this one.
    Conflict(Vec<u8>),
}

/// A list to be written if the one before it has the number `expected`.
pub struct ListWrite {
    pub sequence: i64,
    pub expected: i64,
    pub object: Vec<u8>,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(path: &std::path::Path) -> Result<Self> {
        let database = Connection::open(path)?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, token TEXT NOT NULL, sequence INTEGER NOT NULL,
                 list BLOB, signed BLOB, acknowledged INTEGER NOT NULL DEFAULT 0);
             CREATE TABLE IF NOT EXISTS one_time (id INTEGER PRIMARY KEY, account TEXT NOT NULL, object BLOB NOT NULL);
             CREATE INDEX IF NOT EXISTS one_time_account ON one_time (account);
             CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,
                 sender TEXT NOT NULL, request TEXT NOT NULL, blob BLOB NOT NULL, UNIQUE (account, sender, request));",
        )?;
        Ok(Self { database: Mutex::new(database), arrived: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token is the account's. The first token that an unknown account shows becomes its own.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn admit(&self, account: &str, token: &str) -> Result<bool> {
        let database = self.lock();
        database.execute(
            "INSERT OR IGNORE INTO account (name, token, sequence) VALUES (?1, ?2, 0)",
            params![account, token],
        )?;
        database.query_row("SELECT token = ?2 FROM account WHERE name = ?1", params![account, token], |row| row.get(0))
    }

    /// Publishes keys of an account, all of it or nothing.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn publish(
        &self,
        account: &str,
        list: Option<ListWrite>,
        signed: Option<Vec<u8>>,
        one_time: Vec<Vec<u8>>,
        reset: bool,
    ) -> Result<Published> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        if let Some(list) = list {
            let changed = tx.execute(
                "UPDATE account SET list = ?2, sequence = ?3 WHERE name = ?1 AND sequence = ?4",
                params![account, list.object, list.sequence, list.expected],
            )?;
            if changed == 0 {
                let now: Option<Vec<u8>> =
                    tx.query_row("SELECT list FROM account WHERE name = ?1", [account], |row| row.get(0))?;
                return Ok(Published::Conflict(now.unwrap_or_default()));
            }
        }
        if let Some(signed) = signed {
            tx.execute("UPDATE account SET signed = ?2 WHERE name = ?1", params![account, signed])?;
        }
        if reset {
            tx.execute("DELETE FROM one_time WHERE account = ?1", [account])?;
        }
        for object in one_time {
            tx.execute("INSERT INTO one_time (account, object) VALUES (?1, ?2)", params![account, object])?;
        }
        tx.execute(
            "DELETE FROM one_time WHERE account = ?1 AND id NOT IN
                 (SELECT id FROM one_time WHERE account = ?1 ORDER BY id DESC LIMIT ?2)",
            params![account, MAX_ONE_TIME],
        )?;
        let left = tx.query_row("SELECT count(*) FROM one_time WHERE account = ?1", [account], |row| row.get(0))?;
        tx.commit()?;
        Ok(Published::Done(left))
    }

    /// The keys of an account, as many objects as there are; a one-time prekey is handed out once and never again.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn keys(&self, account: &str, one_time: bool) -> Result<Option<Vec<Vec<u8>>>> {
        let database = self.lock();
        let found: Option<Directory> = database
            .query_row("SELECT list, signed FROM account WHERE name = ?1", [account], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((Some(list), Some(signed))) = found else { return Ok(None) };
        let mut parts = vec![list, signed];
        if one_time {
            let next: Option<Vec<u8>> = database
                .query_row(
                    "DELETE FROM one_time WHERE id = (SELECT min(id) FROM one_time WHERE account = ?1)
                     RETURNING object",
                    [account],
                    |row| row.get(0),
                )
                .optional()?;
            parts.extend(next);
        }
        Ok(Some(parts))
    }

    /// Puts a message into a mailbox. The same request of the same sender is one message. `None`: no such account;
    /// `false`: its mailbox is full.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn send(&self, to: &str, from: &str, request: &str, blob: &[u8]) -> Result<Option<bool>> {
        let database = self.lock();
        let room: Option<bool> = database
            .query_row(
                "SELECT (SELECT count(*) FROM mail WHERE account = ?1) < ?2 FROM account WHERE name = ?1",
                params![to, MAX_WAITING],
                |row| row.get(0),
            )
            .optional()?;
        if room != Some(true) {
            return Ok(room);
        }
        database.execute(
            "INSERT OR IGNORE INTO mail (account, sender, request, blob) VALUES (?1, ?2, ?3, ?4)",
            params![to, from, request, blob],
        )?;
        drop(database);
        self.arrived.notify_all();
        Ok(Some(true))
    }

    /// What waits for an account after a number; if nothing does, waits for it up to `patience`.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn mail(&self, account: &str, after: i64, patience: Duration) -> Result<Vec<Mail>> {
        let until = Instant::now() + patience;
        let mut database = self.lock();
        loop {
            let mail = waiting(&database, account, after)?;
            let left = until.saturating_duration_since(Instant::now());
            if !mail.is_empty() || left.is_zero() {
                return Ok(mail);
            }
            database = self.arrived.wait_timeout(database, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Deletes what an account has on its own disk.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn acknowledge(&self, account: &str, up_to: i64) -> Result<()> {
        self.lock().execute("DELETE FROM mail WHERE account = ?1 AND id <= ?2", params![account, up_to]).map(|_| ())
    }
}

fn waiting(database: &Connection, account: &str, after: i64) -> Result<Vec<Mail>> {
    let mut statement =
        database.prepare("SELECT id, sender, blob FROM mail WHERE account = ?1 AND id > ?2 ORDER BY id LIMIT 100")?;
    let rows = statement.query_map(params![account, after], |row| {
        Ok(Mail { number: row.get(0)?, from: row.get(1)?, blob: row.get(2)? })
    })?;
    rows.collect()
}
