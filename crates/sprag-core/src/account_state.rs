//! What a new device is told about its account: the account key if it was granted, the contacts with their trust, and what
//! is protected. In pages, each the body of one message between own devices.
//!
//! It does not know what a trust or a level means: the engine does. No ratchets and no history are ever in it.

use alloc::vec::Vec;

use crate::content::{MAX_BODY, RoomId};
use crate::error::{Error, Result};
use crate::identity::{Account, AccountId, AccountKey, DeviceList, Origin};
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Extensions, Reader, Writer};

/// The most bytes that a page takes beside its contacts and protections: heads, numbers, the seed.
const AROUND: usize = 56;

const DIRECT: u64 = 1;
const ROOM: u64 = 2;

/// What is known of a contact's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownList {
    /// The list itself.
    Whole(DeviceList),
    /// Which it was: the new device fetches it.
    Named {
        /// Its sequence.
        sequence: u64,
        /// Its hash.
        hash: [u8; 32],
    },
}

impl KnownList {
    /// The sequence and the hash.
    #[must_use]
    pub const fn named(&self) -> (u64, &[u8; 32]) {
        match self {
            Self::Whole(list) => (list.sequence(), list.hash()),
            Self::Named { sequence, hash } => (*sequence, hash),
        }
    }
}

/// A contact, as it is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactState {
    /// The account, with the pinned key.
    pub account: Account,
    /// How far it is trusted: 1 pinned, 2 verified, 3 changed.
    pub trust: u8,
    /// The pinned list.
    pub list: KnownList,
}

/// Which conversation, without its members.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Between the account and this one.
    Direct(AccountId),
    /// A room.
    Room(RoomId),
}

/// How far a conversation is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Which conversation.
    pub place: Place,
    /// 1 offered, 2 encrypted. It only rises.
    pub level: u8,
}

/// A page of the account's state.
pub struct StatePage {
    /// Which page it is, from 0: pages may come in any order.
    pub number: u32,
    /// How many pages there are.
    pub pages: u32,
    seed: Option<Secret<32>>,
    /// Contacts, in ascending order of ids, then keys.
    pub contacts: Vec<ContactState>,
    /// Protections, direct conversations first, in ascending order of ids.
    pub protections: Vec<Protection>,
}

impl StatePage {
    /// Puts an account's state into pages of at most `max` bytes each. `account_key` is given only to a device that was
    /// granted it. A list that does not fit in a page by itself is named instead.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if `max` is too small for a single contact or protection; [`Error::Malformed`] for a contact
    /// or a conversation that is there twice.
    pub fn split(
        account_key: Option<&AccountKey>,
        contacts: &[ContactState],
        protections: &[Protection],
        max: usize,
    ) -> Result<Vec<SecretBytes>> {
        let mut contacts: Vec<_> = contacts.iter().collect();
        contacts.sort_by_key(|contact| &contact.account);
        let mut protections: Vec<_> = protections.iter().collect();
        protections.sort_by_key(|protection| &protection.place);
        check_order(&contacts, &protections)?;
        let room = max.min(MAX_BODY).checked_sub(AROUND).ok_or(Error::TooLarge)?;
        let mut pages = Filling::default();
        for contact in contacts {
            let whole = contact.encode(false);
            pages.contact(if whole.len() > room { contact.encode(true) } else { whole }, room)?;
        }
        for protection in protections {
            pages.protection(protection.encode(), room)?;
        }
        Ok(pages.finish(account_key))
    }

    /// Reads a page. Lists in it are verified.
    ///
    /// # Errors
    /// [`Error::Malformed`], also for a number beyond the last page's; [`Error::Unsupported`]; [`Error::Mismatch`] for a
    /// list of another account; and as [`DeviceList::open`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let fields = reader.array()?;
        let (number, pages) = (read_u32(&mut reader)?, read_u32(&mut reader)?);
        let seed = if reader.take_null() { None } else { Some(Secret::from_slice(reader.bytes()?)?) };
        let contacts: Vec<_> = (0..reader.array()?).map(|_| ContactState::read(&mut reader)).collect::<Result<_>>()?;
        let protections: Vec<_> = (0..reader.array()?).map(|_| Protection::read(&mut reader)).collect::<Result<_>>()?;
        Extensions::read_last(&mut reader, fields, 5)?;
        reader.end()?;
        if number >= pages {
            return Err(Error::Malformed);
        }
        check_order(&contacts.iter().collect::<Vec<_>>(), &protections.iter().collect::<Vec<_>>())?;
        Ok(Self { number, pages, seed, contacts, protections })
    }

    /// The account key, if this page has it.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is not the key of `account`.
    pub fn account_key(&self, account: &Account) -> Result<Option<AccountKey>> {
        let Some(seed) = &self.seed else { return Ok(None) };
        let key = AccountKey::from_seed(account.id.clone(), seed);
        if key.account() == account { Ok(Some(key)) } else { Err(Error::Mismatch) }
    }
}

fn read_u32(reader: &mut Reader<'_>) -> Result<u32> {
    u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)
}

fn check_order(contacts: &[&ContactState], protections: &[&Protection]) -> Result<()> {
    let ascending = contacts.is_sorted_by(|a, b| a.account < b.account);
    if ascending && protections.is_sorted_by(|a, b| a.place < b.place) { Ok(()) } else { Err(Error::Malformed) }
}

impl ContactState {
    fn encode(&self, named: bool) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(4);
        self.account.write(&mut writer);
        writer.uint(self.trust.into());
        match &self.list {
            KnownList::Whole(list) if !named => writer.bytes(list.as_bytes()),
            list => {
                let (sequence, hash) = list.named();
                writer.array(2).uint(sequence).bytes(hash)
            }
        };
        writer.finish()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(4)?;
        let account = Account::read(reader, Origin::Anybody)?;
        let trust = u8::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let list = if reader.rest().first().is_some_and(|first| first >> 5 == 2) {
            KnownList::Whole(DeviceList::open(reader.bytes()?)?)
        } else {
            reader.array_of(2)?;
            KnownList::Named { sequence: reader.uint()?, hash: reader.fixed()? }
        };
        match &list {
            KnownList::Whole(list) if *list.account() != account => Err(Error::Mismatch),
            _ => Ok(Self { account, trust, list }),
        }
    }
}

impl Protection {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3);
        match &self.place {
            Place::Direct(account) => writer.uint(DIRECT).bytes(account.as_bytes()),
            Place::Room(room) => writer.uint(ROOM).bytes(room.as_bytes()),
        };
        writer.uint(self.level.into());
        writer.finish()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(3)?;
        let place = match reader.uint()? {
            DIRECT => Place::Direct(AccountId::new(reader.bytes()?)?),
            ROOM => Place::Room(RoomId::new(reader.bytes()?)?),
            _ => return Err(Error::Unsupported),
        };
        let level = u8::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        Ok(Self { place, level })
    }
}

/// Contacts and protections of one page, encoded.
type Items = (Vec<Vec<u8>>, Vec<Vec<u8>>);

/// Pages on their way.
#[derive(Default)]
struct Filling {
    full: Vec<Items>,
    current: Items,
    used: usize,
}

impl Filling {
    fn contact(&mut self, item: Vec<u8>, room: usize) -> Result<()> {
        self.make_room(item.len(), room)?;
        self.current.0.push(item);
        Ok(())
    }

    fn protection(&mut self, item: Vec<u8>, room: usize) -> Result<()> {
        self.make_room(item.len(), room)?;
        self.current.1.push(item);
        Ok(())
    }

    fn make_room(&mut self, length: usize, room: usize) -> Result<()> {
        if length > room {
            return Err(Error::TooLarge);
        }
        if self.used + length > room {
            self.full.push(core::mem::take(&mut self.current));
            self.used = 0;
        }
        self.used += length;
        Ok(())
    }

    fn finish(mut self, account_key: Option<&AccountKey>) -> Vec<SecretBytes> {
        self.full.push(self.current);
        let pages = self.full.len() as u64;
        let page = |(number, (contacts, protections)): (u64, &Items)| {
            let mut writer = Writer::new();
            writer.array(5).uint(number).uint(pages);
            match account_key.filter(|_| number == 0) {
                Some(key) => writer.bytes(key.expose_seed()),
                None => writer.null(),
            };
            for items in [contacts, protections] {
                writer.array(items.len());
                items.iter().for_each(|item| {
                    writer.raw(item);
                });
            }
            writer.finish_secret()
        };
        (0..).zip(&self.full).map(page).collect()
    }
}
