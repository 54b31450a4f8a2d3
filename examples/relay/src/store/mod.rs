//! What the relay keeps: devices, a directory and mailboxes, in one SQLite file. Objects are opaque bytes to it.
//!
//! Times are Unix seconds, and are given by the caller.

mod devices;
mod directory;
mod mailbox;

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Result};

pub use devices::{Admitted, Enrolled, MAX_DEVICES, TokenHash};
pub use directory::{Directory, ListWrite, Published};
pub use mailbox::{MAX_MESSAGES, Mail, Mailboxes, Posted, REMEMBERED};

/// The form of the file; another release's file is refused.
const FORM: i64 = 2;

const SCHEMA: &str = "
    CREATE TABLE account (name TEXT PRIMARY KEY, sequence INTEGER NOT NULL DEFAULT 0, list BLOB);
    CREATE TABLE device (account TEXT NOT NULL, id TEXT NOT NULL, token BLOB NOT NULL, signed BLOB,
        acknowledged INTEGER NOT NULL, PRIMARY KEY (account, id));
    CREATE TABLE one_time (id INTEGER PRIMARY KEY, account TEXT NOT NULL, device TEXT NOT NULL, object BLOB NOT NULL);
    CREATE INDEX one_time_device ON one_time (account, device);
    CREATE TABLE mail (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, sender TEXT NOT NULL,
        time INTEGER NOT NULL, blob BLOB NOT NULL);
    CREATE INDEX mail_account ON mail (account);
    CREATE TABLE sent (account TEXT NOT NULL, sender TEXT NOT NULL, device TEXT NOT NULL, request TEXT NOT NULL,
        mail INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (account, sender, device, request));
    CREATE INDEX sent_time ON sent (time);
";

/// One device of one account, as it was admitted.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account, in hex.
    pub account: String,
    /// The device, in hex.
    pub device: String,
}

/// The relay's store, for any number of threads.
pub struct Store {
    database: Mutex<Connection>,
    arrived: Condvar,
}

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// What SQLite says, or that the file is another release's.
    pub fn open(path: &Path) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut database = Connection::open(path)?;
        database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let tx = database.transaction()?;
        let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let form: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match (tables, form) {
            (0, 0) => {
                tx.execute_batch(SCHEMA)?;
                tx.pragma_update(None, "user_version", FORM)?;
            }
            (_, FORM) => {}
            _ => return Err(format!("{} was made by another release", path.display()).into()),
        }
        tx.commit()?;
        Ok(Self { database: Mutex::new(database), arrived: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who keeps keys and mail: the store, or somebody else in its place.
pub trait Keeper: Directory + Mailboxes + Send + Sync {}

impl<T: Directory + Mailboxes + Send + Sync> Keeper for T {}

/// The number that the newest message of any mailbox got.
fn newest(database: &Connection) -> Result<i64> {
    database.query_row("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'mail'", [], |row| row.get(0))
}
