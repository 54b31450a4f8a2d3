//! Contact cards: how keys travel where no server keeps them.
//!
//! The whole card has an account's list and prekeys, in parts where a message cannot be as long. The small one is a code or
//! a link that names the account and its key, so that the whole card that comes later is the right one.
//! It does not know how either came, nor whether an id is true.
//!
//! `docs/protocol.md`, *Contact cards*.

use alloc::string::String;
use alloc::vec::Vec;

use crate::crypto::hash::{Item, hash};
use crate::error::{Error, Result};
use crate::identity::{Account, AccountId, DeviceList, MAX_DEVICES, MAX_LIST};
use crate::label;
use crate::prekey::{MAX_PREKEY, PrekeyKind, ReceivedPrekey};
use crate::text;
use crate::wire::{self, Extensions, Kind, Reader, Writer};

/// The most bytes of a whole card.
pub const MAX_CARD: usize = MAX_LIST + MAX_DEVICES * (MAX_PREKEY + 8) + 1_024;

/// The most parts of a card.
pub const MAX_PARTS: usize = 256;

/// The most bytes that a part takes beside what it carries.
const AROUND: usize = 50;

/// What a small card's link begins with.
const SCHEME: &str = "sprag:";

/// Forms of card objects.
const SMALL: u64 = 0;
const PART: u64 = 1;

/// An account's list, and the newest signed prekey of each of its devices of which one is known.
///
/// The list is verified; the prekeys are as they were received, for a [`Bundle`](crate::prekey::Bundle) to verify.
pub struct Card {
    list: DeviceList,
    prekeys: Vec<(ReceivedPrekey, Vec<u8>)>,
}

impl Card {
    /// The card of a list and signed prekeys, in any order.
    ///
    /// # Errors
    /// [`Error::Malformed`] without a prekey or with two of one device; [`Error::Mismatch`] for a one-time prekey, or one of
    /// a device that is not on the list; and as [`ReceivedPrekey::parse`].
    pub fn new(list: &DeviceList, prekey_objects: &[&[u8]]) -> Result<Self> {
        let mut prekeys = prekey_objects
            .iter()
            .map(|object| Ok((ReceivedPrekey::parse(object)?, object.to_vec())))
            .collect::<Result<Vec<_>>>()?;
        prekeys.sort_by_key(|(prekey, _)| prekey.device());
        let card = Self { list: list.clone(), prekeys };
        card.check()?;
        Ok(card)
    }

    fn check(&self) -> Result<()> {
        let fits = |prekey: &ReceivedPrekey| {
            prekey.kind() == PrekeyKind::Signed && self.list.device(prekey.device()).is_some()
        };
        if !self.prekeys.iter().all(|(prekey, _)| fits(prekey)) {
            return Err(Error::Mismatch);
        }
        let ascending = self.prekeys.is_sorted_by(|(a, _), (b, _)| a.device() < b.device());
        if self.prekeys.is_empty() || !ascending { Err(Error::Malformed) } else { Ok(()) }
    }

    /// The account's list. Its id is a claim until it is pinned.
    #[must_use]
    pub const fn list(&self) -> &DeviceList {
        &self.list
    }

    /// The prekeys, in order of their devices.
    pub fn prekeys(&self) -> impl Iterator<Item = &ReceivedPrekey> {
        self.prekeys.iter().map(|(prekey, _)| prekey)
    }

    /// The objects that a directory would have returned: the list, and each prekey.
    pub fn objects(&self) -> impl Iterator<Item = &[u8]> {
        [self.list.as_bytes()].into_iter().chain(self.prekeys.iter().map(|(_, object)| object.as_slice()))
    }

    /// The card in one piece, as an extension of a content carries it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(2).bytes(self.list.as_bytes()).array(self.prekeys.len());
        self.prekeys.iter().for_each(|(_, object)| {
            writer.bytes(object);
        });
        writer.finish()
    }

    /// Reads what [`Self::encode`] wrote, and verifies the list.
    ///
    /// # Errors
    /// As [`Self::new`] and [`DeviceList::open`]; [`Error::TooLarge`] beyond [`MAX_CARD`]; [`Error::Malformed`] for prekeys
    /// that do not ascend by their devices; [`Error::Unsupported`] for an even extension.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_CARD {
            return Err(Error::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        let fields = reader.array()?;
        let list = DeviceList::open(reader.bytes()?)?;
        let count = reader.array()?;
        if count > MAX_DEVICES {
            return Err(Error::TooLarge);
        }
        let mut prekeys = Vec::with_capacity(count);
        for _ in 0..count {
            let object = reader.bytes()?;
            prekeys.push((ReceivedPrekey::parse(object)?, object.to_vec()));
        }
        Extensions::read_last(&mut reader, fields, 2)?;
        reader.end()?;
        let card = Self { list, prekeys };
        card.check()?;
        Ok(card)
    }

    /// The card as objects of at most `max` bytes each, to be sent one by one and put together in any order.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if that would take more than [`MAX_PARTS`].
    pub fn parts(&self, max: usize) -> Result<Vec<Vec<u8>>> {
        let whole = self.encode();
        let room = max.checked_sub(AROUND).filter(|room| *room > 0).ok_or(Error::TooLarge)?;
        let count = whole.len().div_ceil(room);
        if count > MAX_PARTS || whole.len() > MAX_CARD {
            return Err(Error::TooLarge);
        }
        // Of one length, as near as can be: a last one of a few bytes says nothing to anybody.
        let length = whole.len().div_ceil(count);
        let hash = hash_of(&whole);
        let part = |(number, bytes): (u64, &[u8])| {
            let mut writer = wire::begin(Kind::Card, 5);
            writer.uint(PART).uint(number).uint(count as u64).bytes(&hash).bytes(bytes);
            writer.finish()
        };
        Ok((0..).zip(whole.chunks(length)).map(part).collect())
    }
}

fn hash_of(whole: &[u8]) -> [u8; 32] {
    hash(label::CARD, &[Item::Bytes(whole)])
}

/// A part of a card as it was received. Nothing of it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPart {
    number: u64,
    count: u64,
    hash: [u8; 32],
    bytes: Vec<u8>,
}

impl CardPart {
    /// Reads a part.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another kind of object, [`Error::Unsupported`], [`Error::TooLarge`]; [`Error::Malformed`],
    /// also for a number beyond the last part's and a part of nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = wire::open(bytes, Kind::Card, 5)?;
        if reader.uint()? != PART {
            return Err(Error::Unsupported);
        }
        let (number, count) = (reader.uint()?, reader.uint()?);
        let hash = reader.fixed()?;
        let bytes = reader.bytes_max(MAX_CARD)?.to_vec();
        reader.end()?;
        if count > MAX_PARTS as u64 {
            return Err(Error::TooLarge);
        }
        if number >= count || bytes.is_empty() {
            return Err(Error::Malformed);
        }
        Ok(Self { number, count, hash, bytes })
    }

    /// Which part it is, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// How many parts the card has.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The hash of the whole card, which all its parts name.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Puts a card together from parts that all name the same hash, in any order; `None` while one is missing. Of several
    /// under one number any may be meant: callers keep the first, and begin anew if the whole is refused.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for parts of different cards, or a whole that does not have the hash; and as [`Card::decode`].
    pub fn assemble(parts: &[Self]) -> Result<Option<Card>> {
        let Some(first) = parts.first() else { return Ok(None) };
        if parts.iter().any(|part| (part.hash, part.count) != (first.hash, first.count)) {
            return Err(Error::Mismatch);
        }
        let mut whole = Vec::new();
        for number in 0..first.count {
            let Some(part) = parts.iter().find(|part| part.number == number) else { return Ok(None) };
            whole.extend_from_slice(&part.bytes);
            if whole.len() > MAX_CARD {
                return Err(Error::TooLarge);
            }
        }
        if hash_of(&whole) != first.hash {
            return Err(Error::Mismatch);
        }
        Card::decode(&whole).map(Some)
    }
}

/// The small card: an account's id, and the fingerprint of its key. Whoever got it from the person itself lets no other
/// key be pinned under that id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallCard {
    /// The account's id.
    pub id: AccountId,
    /// [`Account::fingerprint`].
    pub fingerprint: [u8; 32],
}

impl SmallCard {
    /// The small card of an account.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self { id: account.id.clone(), fingerprint: account.fingerprint() }
    }

    /// The bytes, to be shown as a QR code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = wire::begin(Kind::Card, 3);
        writer.uint(SMALL).bytes(self.id.as_bytes()).bytes(&self.fingerprint);
        writer.finish()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another kind of object, [`Error::Unsupported`], [`Error::TooLarge`], [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = wire::open(bytes, Kind::Card, 3)?;
        if reader.uint()? != SMALL {
            return Err(Error::Unsupported);
        }
        let card = Self { id: AccountId::new(reader.bytes()?)?, fingerprint: reader.fixed()? };
        reader.end()?;
        Ok(card)
    }

    /// The link, `sprag:` and letters: to be sent by any other way, or shown as a QR code that a camera app opens.
    #[must_use]
    pub fn link(&self) -> String {
        let mut link = String::from(SCHEME);
        link.extend(text::encode(label::CARD_LINK, &self.encode()).chars().filter(|c| *c != '-'));
        link
    }

    /// Reads a link. Case does not count, nor white space, hyphens, and slashes after the scheme.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another scheme; [`Error::Malformed`], also if the checksum does not hold; and as
    /// [`Self::decode`].
    pub fn parse_link(link: &str) -> Result<Self> {
        let link = link.trim();
        let (scheme, letters) = link.split_at_checked(SCHEME.len()).ok_or(Error::Unsupported)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(Error::Unsupported);
        }
        let letters = letters.strip_prefix("//").unwrap_or(letters);
        Self::decode(text::decode(label::CARD_LINK, letters)?.expose_secret())
    }

    /// That this account is the one that the card names.
    ///
    /// # Errors
    /// [`Error::Mismatch`].
    pub fn check(&self, account: &Account) -> Result<()> {
        let same = self.id == account.id && self.fingerprint == account.fingerprint();
        if same || broken!("any-fingerprint") { Ok(()) } else { Err(Error::Mismatch) }
    }
}
