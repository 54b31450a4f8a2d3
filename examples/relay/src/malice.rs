//! Keys and mail kept by a server that lies: an instrument to test clients with, and never on unless it is asked for.
//!
//! What it can do and how it does it is `sprag-malice`, which the simulator uses as well. Here is only what makes a keeper of
//! it: names, threads that wait, requests that come twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Result;
use sprag_malice::{Account, Deed, Server, Upload, Whim};

use crate::store::{Caller, Directory, ListWrite, MAX_MESSAGES, Mail, Mailboxes, Posted, Published};

/// A server that lies, for any number of threads.
pub struct Malice {
    state: Mutex<State>,
    arrived: Condvar,
    tell: Box<dyn Fn(&Deed) + Send + Sync>,
}

struct State {
    server: Server,
    whim: Option<Whim>,
    /// Accounts of which a device has called.
    known: BTreeSet<Account>,
    /// When a request was carried out first: to, from, device, its id.
    sent: BTreeMap<(Account, Account, String, String), i64>,
}

impl Malice {
    /// Plays what the whim says; without one, only what [`Self::with`] is used for. `tell` hears of each deed of the whim.
    pub fn new(whim: Option<Whim>, tell: impl Fn(&Deed) + Send + Sync + 'static) -> Self {
        let state = State { server: Server::default(), whim, known: BTreeSet::new(), sent: BTreeMap::new() };
        Self { state: Mutex::new(state), arrived: Condvar::new(), tell: Box::new(tell) }
    }

    /// Does something with the server, between two requests.
    pub fn with<T>(&self, deed: impl FnOnce(&mut Server) -> T) -> T {
        let done = deed(&mut self.lock().server);
        self.arrived.notify_all();
        done
    }

    /// From here on it is honest, and has no whims.
    pub fn repent(&self) {
        self.lock().whim = None;
        self.with(Server::repent);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who calls, from now on an account that is there.
    fn meet(&self, caller: &Caller) -> (MutexGuard<'_, State>, Account, u32) {
        let (account, device) = (bytes(&caller.account), u32::from_str_radix(&caller.device, 16).unwrap_or(0));
        let mut state = self.lock();
        state.known.insert(account.clone());
        (state, account, device)
    }

    /// What the whim says to one occasion.
    fn tempt(&self, state: &mut State, occasion: impl FnOnce(&mut Whim, &mut Server) -> Option<Deed>) {
        let deed = state.whim.as_mut().and_then(|whim| occasion(whim, &mut state.server));
        if let Some(deed) = deed {
            (self.tell)(&deed);
        }
    }
}

impl Directory for Malice {
    fn publish(
        &self,
        caller: &Caller,
        list: Option<ListWrite>,
        signed_prekey: Option<Vec<u8>>,
        one_time: Vec<Vec<u8>>,
        reset_one_time: bool,
    ) -> Result<Published> {
        let (mut state, account, device) = self.meet(caller);
        let list = list.map(|list| sprag_malice::ListWrite {
            object: list.object,
            sequence: list.sequence.unsigned_abs(),
            expected: list.expected.unsigned_abs(),
        });
        let upload = Upload { list, signed_prekey, one_time, reset_one_time };
        Ok(match state.server.directory.publish(&account, device, upload) {
            sprag_malice::Published::Stored(left) => Published::Done(u32::try_from(left).unwrap_or(u32::MAX)),
            sprag_malice::Published::Conflict(list) => Published::Conflict(list),
        })
    }

    fn keys(&self, asker: &Caller, account: &str, one_time: bool) -> Result<Option<Vec<Vec<u8>>>> {
        let (mut state, asker, _) = self.meet(asker);
        let account = bytes(account);
        self.tempt(&mut state, |whim, server| whim.question(server, &asker, &account));
        let keys = state.server.directory.keys(&asker, &account, one_time);
        drop(state);
        // A repentance lets go of mail.
        self.arrived.notify_all();
        Ok(keys)
    }
}

impl Mailboxes for Malice {
    fn send(&self, to: &str, from: &Caller, request: &str, blob: &[u8], now: i64) -> Result<Posted> {
        let (mut state, account, _) = self.meet(from);
        let to = bytes(to);
        if !state.known.contains(&to) {
            return Ok(Posted::Nobody);
        }
        let request = (to.clone(), account.clone(), from.device.clone(), request.to_owned());
        if let Some(time) = state.sent.get(&request) {
            return Ok(Posted::At(*time));
        }
        state.sent.insert(request, now);
        state.server.mail.send(&account, &[to], blob);
        self.tempt(&mut state, Whim::message);
        drop(state);
        self.arrived.notify_all();
        Ok(Posted::At(now))
    }

    fn mail(&self, caller: &Caller, after: i64, patience: Duration) -> Result<Vec<Mail>> {
        let until = Instant::now() + patience;
        let (mut state, account, device) = self.meet(caller);
        // A device that has nothing yet is one that mail is kept for.
        state.server.mail.acknowledge(&account, device, 0);
        loop {
            let waiting = state.server.mail.collect(&account, device, usize::MAX).into_iter();
            let mail: Vec<Mail> = waiting.map(mail).filter(|mail| mail.number > after).take(MAX_MESSAGES).collect();
            let left = until.saturating_duration_since(Instant::now());
            if !mail.is_empty() || left.is_zero() {
                return Ok(mail);
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn acknowledge(&self, caller: &Caller, up_to: i64) -> Result<()> {
        let (mut state, account, device) = self.meet(caller);
        state.server.mail.acknowledge(&account, device, up_to.unsigned_abs());
        Ok(())
    }
}

/// As a client is given it. The time is when it is handed over.
fn mail(mail: sprag_malice::Mail) -> Mail {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Mail {
        number: i64::try_from(mail.number).unwrap_or(i64::MAX),
        from: mail.from.iter().map(|byte| format!("{byte:02x}")).collect(),
        time: i64::try_from(now).unwrap_or(i64::MAX),
        blob: mail.blob,
    }
}

/// An account in bytes, so that a deed names it as its owner does.
fn bytes(hex: &str) -> Account {
    hex.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
