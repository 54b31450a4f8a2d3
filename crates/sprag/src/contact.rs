//! A contact: the account that is pinned, its list, and which sessions there are with its devices.
//!
//! It holds no ratchets; and no message is sent or shown here.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::ratchet::HintKey;
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Reader, Writer};

use crate::account::Own;
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::{Error, Result};
use crate::event::{ListRef, What};
use crate::id::{AccountId, MessageId, Trust};
use crate::notice::raise;
use crate::seen;
use crate::session::Stored;
use crate::store::{Snapshot, Table, Tx};

/// The most sessions with one device. Either side begins anew every week for as long as it hears nothing, and messages
/// can be on their way for a month: answers in each of four of ours and four of theirs are still to be read.
const MAX_SESSIONS: usize = 8;

/// Where a session is and how its messages are found.
pub(crate) struct SessionRef {
    pub(crate) ordinal: u32,
    pub(crate) device: u32,
    pub(crate) device_key: VerifyKey,
    pub(crate) transcript: [u8; 32],
    pub(crate) heard: bool,
    pub(crate) hint: HintKey,
}

/// What is kept of an account that we write to or heard from.
pub(crate) struct Known {
    pub(crate) row: i64,
    pub(crate) account: AccountId,
    pub(crate) pin: Option<Pin>,
    pub(crate) list: Option<DeviceList>,
    pub(crate) trust: Trust,
    pub(crate) sessions: Vec<SessionRef>,
    pub(crate) next_ordinal: u32,
    /// Its keys have been asked for.
    pub(crate) fetching: bool,
    /// It began a session that none of our messages has answered.
    pub(crate) owes_answer: bool,
    /// Sessions that it said it has begun and that have not come yet: 8 bytes of the transcript each.
    pub(crate) announced: Vec<Vec<u8>>,
    /// What its row says; none if there is no row.
    saved: Option<SecretBytes>,
}

impl Known {
    /// The contact with this id.
    pub(crate) fn find(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Option<Self>> {
        match snapshot.contact(account.as_bytes())? {
            Some((row, value)) => Self::decode(row, value).map(Some),
            None => Ok(None),
        }
    }

    /// The contact in this row.
    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        Self::decode(row, snapshot.require(Table::Contact, row)?)
    }

    /// All contacts.
    pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<Self>> {
        let rows = snapshot.scan(Table::Contact, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Self::decode(row, value)).collect()
    }

    /// An account that nothing is known of yet; its row is made by [`Self::save`].
    pub(crate) const fn unseen(account: AccountId) -> Self {
        Self {
            row: 0,
            account,
            pin: None,
            list: None,
            trust: Trust::Pinned,
            sessions: Vec::new(),
            next_ordinal: 0,
            fetching: false,
            owes_answer: false,
            announced: Vec::new(),
            saved: None,
        }
    }

    /// Writes the row, if it would say anything else than it does.
    pub(crate) fn save(&mut self, tx: &Tx<'_>) -> Result<()> {
        let value = codec::encode(self);
        if self.row == 0 {
            self.row = tx.insert_contact(self.account.as_bytes(), value.expose_secret())?;
        } else if self.saved.as_ref().is_none_or(|saved| saved.expose_secret() != value.expose_secret()) {
            tx.put(Table::Contact, self.row, value.expose_secret())?;
        }
        self.saved = Some(value);
        Ok(())
    }

    fn decode(row: i64, value: SecretBytes) -> Result<Self> {
        let mut known: Self = codec::decode(value.expose_secret())?;
        known.row = row;
        known.saved = Some(value);
        Ok(known)
    }

    /// Pins a list that was checked, or steps to it.
    pub(crate) fn adopt(&mut self, pin: Pin, list: DeviceList) {
        self.pin = Some(pin);
        self.list = Some(list);
    }

    /// The session to send on to a device: of those heard the one with the lowest transcript, else our latest.
    pub(crate) fn session_with(&self, device: u32) -> Option<&SessionRef> {
        let with_device = || self.sessions.iter().filter(move |session| session.device == device);
        let heard = with_device().filter(|session| session.heard).min_by_key(|session| session.transcript);
        heard.or_else(|| with_device().max_by_key(|session| session.ordinal))
    }

    /// Whether an envelope of theirs was opened before.
    pub(crate) fn has_seen(&self, snapshot: &Snapshot<'_>, commitment: &[u8; 32]) -> Result<bool> {
        if broken!("nothing-is-a-duplicate") {
            return Ok(false);
        }
        for session in &self.sessions {
            if Stored::load(snapshot, self.session_row(session.ordinal))?.has_seen(snapshot, commitment) {
                return Ok(true);
            }
        }
        seen::has(snapshot, self.row, commitment)
    }

    /// The row of a session.
    pub(crate) const fn session_row(&self, ordinal: u32) -> i64 {
        self.row * 65_536 + ordinal as i64
    }

    /// What is known of the contact's list.
    pub(crate) fn list_ref(&self) -> ListRef {
        self.pin.as_ref().map_or(ListRef { sequence: 0, hash: [0; 32] }, |pin| {
            let sequence = pin.sequence();
            ListRef { sequence, hash: pin.hash_of(sequence).copied().unwrap_or([0; 32]) }
        })
    }

    /// Holds sending to a contact under whose id another key has appeared, and says so once.
    pub(crate) fn identity_changed(
        mut self,
        tx: &Tx<'_>,
        own: &Own,
        new_number: String,
        held: Vec<MessageId>,
        now: u64,
    ) -> Result<()> {
        if self.trust == Trust::Changed {
            return Ok(());
        }
        self.trust = Trust::Changed;
        self.save(tx)?;
        let old_number = self.pin.as_ref().map(|pin| SafetyNumber::between(own.account.account(), pin.account()));
        let what = What::IdentityChanged {
            account: self.account,
            old_number: old_number.map_or_else(String::new, |number| number.digits()),
            new_number,
            was_verified: false,
            held,
        };
        raise(tx, what, now).map(|_| ())
    }

    /// Takes up a new session, under a number that is used once; those that have to go for it are deleted. The contact
    /// is to be saved after.
    pub(crate) fn add_session(&mut self, tx: &Tx<'_>, session: SessionRef) -> Result<u32> {
        self.next_ordinal += 1;
        let ordinal = self.next_ordinal;
        if ordinal > 65_535 {
            return Err(Error::Internal("session numbers exhausted"));
        }
        let device = session.device;
        self.sessions.push(SessionRef { ordinal, ..session });
        for gone in self.surplus(device) {
            Stored::delete(tx, self.row, self.session_row(gone))?;
        }
        Ok(ordinal)
    }

    fn surplus(&mut self, device: u32) -> Vec<u32> {
        let mut gone = Vec::new();
        while self.sessions.iter().filter(|s| s.device == device).count() > MAX_SESSIONS {
            let best = self.session_with(device).map(|s| s.ordinal);
            let of_device = |s: &&SessionRef| s.device == device && Some(s.ordinal) != best;
            let oldest = self.sessions.iter().filter(of_device).min_by_key(|s| (s.heard, s.ordinal));
            let Some(ordinal) = oldest.map(|s| s.ordinal) else { break };
            self.sessions.retain(|s| s.ordinal != ordinal);
            gone.push(ordinal);
        }
        gone
    }
}

impl Row for SessionRef {
    fn write(&self, writer: &mut Writer) {
        writer
            .array(6)
            .uint(self.ordinal.into())
            .uint(self.device.into())
            .bytes(self.device_key.as_bytes())
            .bytes(&self.transcript)
            .bool(self.heard)
            .bytes(self.hint.expose_secret());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(6))?;
        Ok(Self {
            ordinal: Row::read(reader)?,
            device: Row::read(reader)?,
            device_key: ok(VerifyKey::from_bytes(ok(reader.fixed())?))?,
            transcript: Row::read(reader)?,
            heard: Row::read(reader)?,
            hint: HintKey::from_secret(ok(Secret::from_slice(ok(reader.bytes())?))?),
        })
    }
}

impl Row for Known {
    fn write(&self, writer: &mut Writer) {
        writer.array(9);
        self.account.write(writer);
        match &self.pin {
            Some(pin) => pin.write(writer),
            None => {
                writer.null();
            }
        }
        match &self.list {
            Some(list) => writer.bytes(list.as_bytes()),
            None => writer.null(),
        };
        self.trust.code().write(writer);
        write_list(writer, &self.sessions);
        writer.uint(self.next_ordinal.into()).bool(self.fetching).bool(self.owes_answer);
        write_list(writer, &self.announced);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(9))?;
        let mut known = Self::unseen(Row::read(reader)?);
        known.pin = if reader.take_null() { None } else { Some(ok(Pin::read(reader))?) };
        known.list = if reader.take_null() { None } else { Some(ok(DeviceList::reopen(ok(reader.bytes())?))?) };
        known.trust = match u32::read(reader)? {
            1 => Trust::Pinned,
            3 => Trust::Changed,
            _ => return Err(CORRUPT),
        };
        known.sessions = read_list(reader)?;
        known.next_ordinal = Row::read(reader)?;
        known.fetching = Row::read(reader)?;
        known.owes_answer = Row::read(reader)?;
        known.announced = read_list(reader)?;
        Ok(known)
    }
}
