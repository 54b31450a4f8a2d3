//! Mailboxes: a queue for each account, with a cursor for each of its devices.

use std::collections::BTreeMap;

use crate::{Account, Device};

/// One message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its place in the mailbox; it grows.
    pub number: u64,
    /// Whom the server names as its sender.
    pub from: Account,
    /// The bytes.
    pub blob: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Mailbox {
    pub(crate) waiting: Vec<Mail>,
    pub(crate) held: Vec<Mail>,
    cursors: BTreeMap<Device, u64>,
    last: u64,
}

impl Mailbox {
    pub(crate) fn put(&mut self, from: &[u8], blob: Vec<u8>) {
        self.last += 1;
        self.waiting.push(Mail { number: self.last, from: from.to_vec(), blob });
    }

    /// Puts a message where another one waits, which and all behind it come one later.
    pub(crate) fn put_before(&mut self, at: usize, from: &[u8], blob: Vec<u8>) {
        self.waiting.insert(at, Mail { number: 0, from: from.to_vec(), blob });
        self.renumber(at);
    }

    /// From there on they come under new numbers: who has one of them, and only says so later, gets it twice and misses none.
    pub(crate) fn renumber(&mut self, from: usize) {
        for mail in self.waiting.iter_mut().skip(from) {
            self.last += 1;
            mail.number = self.last;
        }
    }
}

/// All mailboxes, and everything that ever went through them.
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    pub(crate) boxes: BTreeMap<Account, Mailbox>,
    archive: Vec<(Account, Account, Vec<u8>)>,
}

impl Mailboxes {
    /// Takes in a message for each of these accounts.
    pub fn send(&mut self, from: &[u8], to: &[Account], blob: &[u8]) {
        for account in to {
            self.boxes.entry(account.clone()).or_default().put(from, blob.to_vec());
            self.archive.push((from.to_vec(), account.clone(), blob.to_vec()));
        }
    }

    /// What waits for a device, at most `max`; it stays until it is acknowledged.
    #[must_use]
    pub fn collect(&self, account: &[u8], device: Device, max: usize) -> Vec<Mail> {
        let Some(mailbox) = self.boxes.get(account) else { return Vec::new() };
        let cursor = mailbox.cursors.get(&device).copied().unwrap_or(0);
        mailbox.waiting.iter().filter(|mail| mail.number > cursor).take(max).cloned().collect()
    }

    /// A device has what is up to this number.
    pub fn acknowledge(&mut self, account: &[u8], device: Device, up_to: u64) {
        let cursor = self.boxes.entry(account.to_vec()).or_default().cursors.entry(device).or_default();
        *cursor = (*cursor).max(up_to);
    }

    /// From here on a second one of a device reads on its own, from where the first one is.
    pub fn branch(&mut self, account: &[u8], device: Device, second: Device) {
        let cursors = &mut self.boxes.entry(account.to_vec()).or_default().cursors;
        let cursor = *cursors.entry(device).or_default();
        cursors.insert(second, cursor);
    }

    /// Everything that was ever sent: from, to, bytes.
    #[must_use]
    pub fn archive(&self) -> &[(Account, Account, Vec<u8>)] {
        &self.archive
    }

    /// Puts a message into a mailbox that nobody sent, or that was sent before.
    pub fn inject(&mut self, from: &[u8], to: &[u8], blob: Vec<u8>) {
        self.boxes.entry(to.to_vec()).or_default().put(from, blob);
    }

    pub(crate) fn release(&mut self) {
        for mailbox in self.boxes.values_mut() {
            for mail in std::mem::take(&mut mailbox.held) {
                mailbox.put(&mail.from, mail.blob);
            }
        }
    }

    pub(crate) fn waits(&self, account: &[u8]) -> bool {
        self.boxes.get(account).is_some_and(|mailbox| {
            let seen = mailbox.cursors.values().copied().min().unwrap_or(0);
            mailbox.waiting.iter().any(|mail| mail.number > seen)
        })
    }

    /// The mailbox of this account, with messages that some device has not acknowledged first.
    pub(crate) fn unread(&mut self, account: &[u8]) -> Option<&mut Mailbox> {
        let mailbox = self.boxes.get_mut(account)?;
        let seen = mailbox.cursors.values().copied().min().unwrap_or(0);
        mailbox.waiting.retain(|mail| mail.number > seen);
        Some(mailbox)
    }
}

pub(crate) fn flip(bytes: &mut [u8], bit: usize) {
    let bit = bit % (bytes.len() * 8).max(1);
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}
