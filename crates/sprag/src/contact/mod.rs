//! A contact: the account that is pinned, and its list.
//!
//! It holds no ratchets; and no message is sent or shown here.

mod sessions;

use sprag_core::identity::{Account, DeviceList, Pin};
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Own, Stage};
use crate::codec::{self, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::event::{LinkPhase, ListRef, What};
use crate::id::{AccountId, DeviceId, Trust};
use crate::notice::raise;
use crate::session::Stored;
use crate::store::{Snapshot, Table, Tx};

pub(crate) use sessions::{ENOUGH, SessionRef, Warning};

/// Seconds for which a device without keys is not asked about again: an hour.
const WITHOUT_KEYS: u64 = 3_600;

/// Ends sending in every session with others: what we are from now on, a new one says. What comes in them is read.
fn begin_anew(tx: &Tx<'_>, ours: i64) -> Result<()> {
    for mut known in Known::all(tx)?.into_iter().filter(|known| known.row != ours) {
        known.end_sending();
        known.save(tx)?;
    }
    Ok(())
}

/// Our account has another key: every safety number is another one from now on.
fn own_change(own: &Own, account: &AccountId, successor: &Account) -> What {
    let number = |account: &Account| SafetyNumber::between(own.account(), account).digits();
    What::IdentityChanged {
        account: account.clone(),
        old_number: number(own.account()),
        new_number: number(successor),
        // Our own devices have signed for it.
        was_verified: true,
        held: Vec::new(),
    }
}

/// What is kept of an account that we write to or heard from.
pub(crate) struct Known {
    pub(crate) row: i64,
    pub(crate) account: AccountId,
    pub(crate) pin: Option<Pin>,
    pub(crate) list: Option<DeviceList>,
    /// The user compared the number of the pinned identity.
    pub(crate) is_verified: bool,
    /// Somebody else may act as it, and the user has not decided yet what to do.
    pub(crate) is_suspect: bool,
    /// The list of another identity that appeared under its name and that the user has not accepted.
    pub(crate) offered: Option<DeviceList>,
    pub(crate) sessions: Vec<SessionRef>,
    pub(crate) next_ordinal: u32,
    /// Its keys have been asked for.
    pub(crate) fetching: bool,
    /// It began a session that none of our messages has answered.
    pub(crate) owes_answer: bool,
    /// Sessions that it said it has begun and that have not come yet: 8 bytes of the transcript each.
    pub(crate) announced: Vec<Vec<u8>>,
    /// Devices that published no keys, and when that was found out: messages go to the others meanwhile.
    pub(crate) without_keys: Vec<(u32, u64)>,
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
            is_verified: false,
            is_suspect: false,
            offered: None,
            sessions: Vec::new(),
            next_ordinal: 0,
            fetching: false,
            owes_answer: false,
            announced: Vec::new(),
            without_keys: Vec::new(),
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

    /// Pins a list that was checked, or steps to it, and tells the app which devices came and went. Sessions with devices
    /// that are not on it end. The contact has a row, and is to be saved after. Our own account is followed likewise.
    pub(crate) fn adopt(&mut self, tx: &Tx<'_>, own: &Own, pin: Pin, list: DeviceList, now: u64) -> Result<()> {
        let is_listed = |session: &SessionRef| {
            broken!("unlisted-sessions-kept")
                || list.device(session.device).is_some_and(|device| device.device_key == session.device_key)
        };
        let (kept, gone) = core::mem::take(&mut self.sessions).into_iter().partition(is_listed);
        self.sessions = kept;
        for session in Vec::<SessionRef>::from_iter(gone) {
            Stored::delete(tx, self.row, self.session_row(session.ordinal))?;
        }
        let is_own = own.is_own(&self.account);
        // Of our own account every device is told, under whichever key: a thief's succession would bring his.
        let is_told = |before: &&DeviceList| is_own || before.account() == list.account();
        if let Some(before) = self.list.as_ref().filter(is_told) {
            self.tell_devices(tx, before, &list, is_own, now)?;
        }
        if is_own {
            if own.account() != list.account() {
                begin_anew(tx, self.row)?;
                if !broken!("own-changes-untold") {
                    raise(tx, own_change(own, &self.account, list.account()), now)?;
                }
            }
            match Own::adopt(tx, list.clone())? {
                (Stage::Member, Stage::Removed) => raise(tx, What::Removed, now).map(|_| ())?,
                (Stage::Joining, Stage::Member) => {
                    raise(tx, What::Link { phase: LinkPhase::Joined, device: None }, now)?;
                }
                _ => {}
            }
        }
        self.pin = Some(pin);
        self.list = Some(list);
        Ok(())
    }

    fn tell_devices(&self, tx: &Tx<'_>, before: &DeviceList, after: &DeviceList, is_own: bool, now: u64) -> Result<()> {
        let beyond = |these: &DeviceList, those: &DeviceList| -> Vec<DeviceId> {
            let missing = these.devices().filter(|device| those.device(device.id).is_none());
            missing.map(|device| DeviceId(device.id)).collect()
        };
        let (added, removed) = (beyond(after, before), beyond(before, after));
        if (added.is_empty() && removed.is_empty()) || broken!("devices-untold") {
            return Ok(());
        }
        raise(tx, What::DevicesChanged { account: self.account.clone(), added, removed, own: is_own }, now).map(|_| ())
    }

    /// Notes that a device has no keys to begin a session with, as of now.
    pub(crate) fn note_without_keys(&mut self, device: u32, now: u64) {
        self.without_keys.retain(|(known, _)| *known != device);
        self.without_keys.push((device, now));
    }

    /// Whether a device was lately found to have no keys. A time that was noted while the clock was wrong delays nothing.
    pub(crate) fn is_without_keys(&self, device: u32, now: u64) -> bool {
        self.without_keys.iter().any(|(known, at)| *known == device && now.abs_diff(*at) < WITHOUT_KEYS)
    }

    /// What is known of the contact's list.
    pub(crate) fn list_ref(&self) -> ListRef {
        self.pin.as_ref().map_or(ListRef { sequence: 0, hash: [0; 32] }, |pin| {
            let sequence = pin.sequence();
            ListRef { sequence, hash: pin.hash_of(sequence).copied().unwrap_or([0; 32]) }
        })
    }

    /// How far its identity can be trusted.
    pub(crate) const fn trust(&self) -> Trust {
        match &self.pin {
            _ if self.is_held() => Trust::Changed,
            None => Trust::Unseen,
            Some(_) if self.is_verified => Trust::Verified,
            Some(_) => Trust::Pinned,
        }
    }

    /// Whether nothing is to be sealed for it before the user has decided.
    pub(crate) const fn is_held(&self) -> bool {
        self.offered.is_some() || self.is_suspect
    }

    /// Forgets the identity with all that hangs on it; the sessions end. The name stays, and what was asked for under it. The
    /// contact is to be saved after.
    pub(crate) fn clear(&mut self, tx: &Tx<'_>) -> Result<()> {
        for session in core::mem::take(&mut self.sessions) {
            Stored::delete(tx, self.row, self.session_row(session.ordinal))?;
        }
        let (row, next_ordinal, fetching) = (self.row, self.next_ordinal, self.fetching);
        let saved = self.saved.take();
        *self = Self { row, next_ordinal, fetching, saved, ..Self::unseen(self.account.clone()) };
        Ok(())
    }
}

impl Row for Known {
    fn write(&self, writer: &mut Writer) {
        writer.array(12);
        self.account.write(writer);
        match &self.pin {
            Some(pin) => pin.write(writer),
            None => {
                writer.null();
            }
        }
        for list in [&self.list, &self.offered] {
            match list {
                Some(list) => writer.bytes(list.as_bytes()),
                None => writer.null(),
            };
        }
        writer.bool(self.is_verified).bool(self.is_suspect);
        write_list(writer, &self.sessions);
        writer.uint(self.next_ordinal.into()).bool(self.fetching).bool(self.owes_answer);
        write_list(writer, &self.announced);
        writer.array(self.without_keys.len() * 2);
        self.without_keys.iter().for_each(|(device, at)| {
            writer.uint((*device).into()).uint(*at);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(12))?;
        let list = |reader: &mut Reader<'_>| {
            if reader.take_null() { Ok(None) } else { ok(DeviceList::reopen(ok(reader.bytes())?)).map(Some) }
        };
        let mut known = Self::unseen(Row::read(reader)?);
        known.pin = if reader.take_null() { None } else { Some(ok(Pin::read(reader))?) };
        known.list = list(reader)?;
        known.offered = list(reader)?;
        known.is_verified = Row::read(reader)?;
        known.is_suspect = Row::read(reader)?;
        known.sessions = read_list(reader)?;
        known.next_ordinal = Row::read(reader)?;
        known.fetching = Row::read(reader)?;
        known.owes_answer = Row::read(reader)?;
        known.announced = read_list(reader)?;
        for _ in 0..ok(reader.array())? / 2 {
            known.without_keys.push((Row::read(reader)?, Row::read(reader)?));
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use sprag_core::crypto::dh::DhSecret;
    use sprag_core::handshake::Established;
    use sprag_core::ratchet::{HintKey, Session};
    use sprag_core::secret::Secret;

    use super::*;
    use crate::config::Policy;
    use crate::context::Environment;
    use crate::store::{Barrier, Store};

    fn session(own: &Own, device: u32) -> SessionRef {
        SessionRef {
            ordinal: 0,
            device,
            device_key: own.device.device_key(),
            transcript: [9; 32],
            heard: true,
            hint: HintKey::from_secret(Secret::new([1; 32])),
            marks: 0,
            knows: 0,
            generation: 0,
        }
    }

    fn stored() -> Stored {
        let secret = || Secret::new([1; 32]);
        let established = Established {
            transcript: [9; 32],
            root_key: secret(),
            header_key: secret(),
            next_header_key: secret(),
            braid_authenticator: secret(),
            braid_chains: secret(),
        };
        let prekey = DhSecret::random(&mut Environment::platform().generator().unwrap());
        Stored::new(Session::respond(established, &prekey))
    }

    /// A device that was taken from the list, or whose key is another one, is not written to or heard any more.
    #[test]
    fn sessions_of_devices_that_are_not_listed_end() {
        let nothing = |_: &Tx<'_>| Result::<()>::Ok(());
        let store = Store::create(None, &Secret::new([7; 32]), &Environment::platform(), nothing).unwrap();
        store
            .write(Barrier::Normal, |tx| -> Result<()> {
                let account = AccountId::new("bob").unwrap();
                let random = || Environment::platform().generator().unwrap();
                let own = Own::create(&account, Policy::default(), 1_000, &mut random())?;
                let other = Own::create(&account, Policy::default(), 1_000, &mut random())?;
                let mut known = Known::unseen(account);
                known.save(tx)?;
                let listed = own.device.id();
                for (keys, device) in [(&own, listed), (&own, listed ^ 1), (&other, listed), (&own, listed)] {
                    let ordinal = known.add_session(tx, session(keys, device))?;
                    stored().save(tx, known.session_row(ordinal))?;
                }
                let us = Own::create(&AccountId::new("us").unwrap(), Policy::default(), 1_000, &mut random())?;
                known.adopt(tx, &us, Pin::first(&own.list), own.list.clone(), 1_000)?;
                let kept: Vec<u32> = known.sessions.iter().map(|session| session.ordinal).collect();
                assert_eq!(kept, [1, 4]);
                assert_eq!((tx.count(Table::Session)?, tx.count(Table::SessionCold)?), (2, 2));
                Ok(())
            })
            .unwrap();
    }
}
