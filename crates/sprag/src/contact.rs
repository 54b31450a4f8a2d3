//! A contact: the account that is pinned, its list, and which sessions there are with its devices.
//!
//! It holds no ratchets; and no message is sent or shown here.

use sprag_core::crypto::sign::VerifyKey;
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::ratchet::HintKey;
use sprag_core::secret::Secret;
use sprag_core::wire::{Reader, Writer};

use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::id::{AccountId, Trust};
use crate::store::{Snapshot, Table, Tx};

/// The most sessions with one device.
const MAX_SESSIONS: usize = 3;

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
}

impl Known {
    /// The contact with this id.
    pub(crate) fn find(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Option<Self>> {
        match snapshot.contact(account.as_bytes())? {
            Some((row, value)) => Self::decode(row, value.expose_secret()).map(Some),
            None => Ok(None),
        }
    }

    /// The contact in this row.
    pub(crate) fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Self> {
        Self::decode(row, snapshot.require(Table::Contact, row)?.expose_secret())
    }

    /// All contacts.
    pub(crate) fn all(snapshot: &Snapshot<'_>) -> Result<Vec<Self>> {
        let rows = snapshot.scan(Table::Contact, 0, usize::MAX >> 1)?;
        rows.into_iter().map(|(row, value)| Self::decode(row, value.expose_secret())).collect()
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
        }
    }

    pub(crate) fn save(&mut self, tx: &Tx<'_>) -> Result<()> {
        let value = codec::encode(self);
        if self.row == 0 {
            self.row = tx.insert_contact(self.account.as_bytes(), value.expose_secret())?;
        } else {
            tx.put(Table::Contact, self.row, value.expose_secret())?;
        }
        Ok(())
    }

    fn decode(row: i64, value: &[u8]) -> Result<Self> {
        let mut known: Self = codec::decode(value)?;
        known.row = row;
        Ok(known)
    }

    /// Pins a list that was checked, or steps to it.
    pub(crate) fn adopt(&mut self, pin: Pin, list: DeviceList) {
        self.pin = Some(pin);
        self.list = Some(list);
    }

    /// The session to send on to a device: of those heard the one with the lowest transcript, else of ours.
    pub(crate) fn session_with(&self, device: u32) -> Option<&SessionRef> {
        self.sessions.iter().filter(|session| session.device == device).min_by_key(|s| (!s.heard, s.transcript))
    }

    /// The row of a session.
    pub(crate) const fn session_row(&self, ordinal: u32) -> i64 {
        self.row * 65_536 + ordinal as i64
    }

    /// Takes up a new session; yields the ordinals of those that have to go for it.
    pub(crate) fn add_session(&mut self, session: SessionRef) -> Vec<u32> {
        let device = session.device;
        self.sessions.push(session);
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
        known.list = if reader.take_null() { None } else { Some(ok(DeviceList::open(ok(reader.bytes())?))?) };
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
