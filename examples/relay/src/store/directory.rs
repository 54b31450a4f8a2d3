//! The key directory: a list for each account; a signed prekey and a queue of one-time prekeys for each device.

use rusqlite::{OptionalExtension, Result, Transaction, params};

use super::{Caller, Store};

/// One-time prekeys that a device may have waiting; beyond them the oldest go.
const MAX_ONE_TIME: i64 = 200;

/// What publishing came to.
pub enum Published {
    /// Done; so many one-time prekeys of the device are in stock.
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

/// A key directory.
pub trait Directory {
    /// Publishes a device's keys, and the account's list, all of it or nothing.
    ///
    /// # Errors
    /// What SQLite says.
    fn publish(
        &self,
        caller: &Caller,
        list: Option<ListWrite>,
        signed: Option<Vec<u8>>,
        one_time: Vec<Vec<u8>>,
        reset: bool,
    ) -> Result<Published>;

    /// The list of an account, and of each device that published one its signed prekey and, if asked for and left, a
    /// one-time prekey: that is handed out once and never again.
    ///
    /// # Errors
    /// What SQLite says.
    fn keys(&self, asker: &Caller, account: &str, one_time: bool) -> Result<Option<Vec<Vec<u8>>>>;
}

impl Directory for Store {
    fn publish(
        &self,
        caller: &Caller,
        list: Option<ListWrite>,
        signed: Option<Vec<u8>>,
        one_time: Vec<Vec<u8>>,
        reset: bool,
    ) -> Result<Published> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        let Caller { account, device } = caller;
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
            tx.execute(
                "UPDATE device SET signed = ?3 WHERE account = ?1 AND id = ?2",
                params![account, device, signed],
            )?;
        }
        let left = queue(&tx, caller, one_time, reset)?;
        tx.commit()?;
        Ok(Published::Done(left))
    }

    fn keys(&self, _: &Caller, account: &str, one_time: bool) -> Result<Option<Vec<Vec<u8>>>> {
        let mut database = self.lock();
        let tx = database.transaction()?;
        let list: Option<Option<Vec<u8>>> =
            tx.query_row("SELECT list FROM account WHERE name = ?1", [account], |row| row.get(0)).optional()?;
        let Some(Some(list)) = list else { return Ok(None) };
        let devices = signed(&tx, account)?;
        if devices.is_empty() {
            return Ok(None);
        }
        let mut parts = vec![list];
        for (device, signed) in devices {
            parts.push(signed);
            if one_time {
                parts.extend(take(&tx, account, &device)?);
            }
        }
        tx.commit()?;
        Ok(Some(parts))
    }
}

fn queue(tx: &Transaction<'_>, caller: &Caller, one_time: Vec<Vec<u8>>, reset: bool) -> Result<u32> {
    let Caller { account, device } = caller;
    if reset {
        tx.execute("DELETE FROM one_time WHERE account = ?1 AND device = ?2", [account, device])?;
    }
    for object in one_time {
        tx.execute(
            "INSERT INTO one_time (account, device, object) VALUES (?1, ?2, ?3)",
            params![account, device, object],
        )?;
    }
    tx.execute(
        "DELETE FROM one_time WHERE account = ?1 AND device = ?2 AND id NOT IN
             (SELECT id FROM one_time WHERE account = ?1 AND device = ?2 ORDER BY id DESC LIMIT ?3)",
        params![account, device, MAX_ONE_TIME],
    )?;
    tx.query_row("SELECT count(*) FROM one_time WHERE account = ?1 AND device = ?2", [account, device], |row| {
        row.get(0)
    })
}

/// The devices that published a signed prekey, with it.
fn signed(tx: &Transaction<'_>, account: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut statement =
        tx.prepare("SELECT id, signed FROM device WHERE account = ?1 AND signed IS NOT NULL ORDER BY id")?;
    statement.query_map([account], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn take(tx: &Transaction<'_>, account: &str, device: &str) -> Result<Option<Vec<u8>>> {
    tx.query_row(
        "DELETE FROM one_time WHERE id = (SELECT min(id) FROM one_time WHERE account = ?1 AND device = ?2)
         RETURNING object",
        [account, device],
        |row| row.get(0),
    )
    .optional()
}
