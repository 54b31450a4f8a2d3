//! Which devices an account has, and how each proves that it is one. Of a token only the hash is kept.

use rusqlite::{OptionalExtension, Result, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Store, mailbox, newest};

/// The most devices of an account.
pub const MAX_DEVICES: i64 = 16;

/// The hash of a device's token. Tokens are long and random, so a plain hash hides them.
#[derive(Clone, Copy, Debug)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of this token.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    fn matches(self, kept: &[u8]) -> bool {
        self.0.as_slice().ct_eq(kept).into()
    }
}

/// Whether a caller is who it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It is.
    Yes,
    /// The token is not this device's.
    WrongToken,
    /// The account is there, and this device is not enrolled.
    NotEnrolled,
}

/// What an enrolment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The device has this token, from now on or already.
    Done,
    /// The device is enrolled with another token.
    OtherToken,
    /// The account has as many devices as it may.
    TooMany,
}

impl Store {
    /// Whether the token is the device's. The first device of an unknown account claims it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn admit(&self, caller: &Caller, token: TokenHash) -> Result<Admitted> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        if let Some(kept) = token_of(&tx, &caller.account, &caller.device)? {
            return Ok(if token.matches(&kept) { Admitted::Yes } else { Admitted::WrongToken });
        }
        if tx.execute("INSERT OR IGNORE INTO account (name) VALUES (?1)", [&caller.account])? == 0 {
            return Ok(Admitted::NotEnrolled);
        }
        insert(&tx, &caller.account, &caller.device, token)?;
        tx.commit()?;
        Ok(Admitted::Yes)
    }

    /// Enrols a further device. It gets the mail that comes from now on.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn enrol(&self, account: &str, device: &str, token: TokenHash) -> Result<Enrolled> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        if let Some(kept) = token_of(&tx, account, device)? {
            return Ok(if token.matches(&kept) { Enrolled::Done } else { Enrolled::OtherToken });
        }
        if count(&tx, account)? >= MAX_DEVICES {
            return Ok(Enrolled::TooMany);
        }
        insert(&tx, account, device, token)?;
        tx.commit()?;
        Ok(Enrolled::Done)
    }

    /// Takes a device off: its token, its keys, and what waited only for it. `false` for the last one, which stays.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn remove(&self, account: &str, device: &str) -> Result<bool> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        if token_of(&tx, account, device)?.is_none() {
            return Ok(true);
        }
        if count(&tx, account)? == 1 {
            return Ok(false);
        }
        tx.execute("DELETE FROM one_time WHERE account = ?1 AND device = ?2", [account, device])?;
        tx.execute("DELETE FROM device WHERE account = ?1 AND id = ?2", [account, device])?;
        mailbox::sweep(&tx, account)?;
        tx.commit()?;
        Ok(true)
    }
}

fn token_of(tx: &rusqlite::Transaction<'_>, account: &str, device: &str) -> Result<Option<Vec<u8>>> {
    tx.query_row("SELECT token FROM device WHERE account = ?1 AND id = ?2", [account, device], |row| row.get(0))
        .optional()
}

fn count(tx: &rusqlite::Transaction<'_>, account: &str) -> Result<i64> {
    tx.query_row("SELECT count(*) FROM device WHERE account = ?1", [account], |row| row.get(0))
}

fn insert(tx: &rusqlite::Transaction<'_>, account: &str, device: &str, token: TokenHash) -> Result<()> {
    tx.execute(
        "INSERT INTO device (account, id, token, acknowledged) VALUES (?1, ?2, ?3, ?4)",
        params![account, device, token.0, newest(tx)?],
    )
    .map(|_| ())
}
