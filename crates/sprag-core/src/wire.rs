//! The wire: the deterministic subset of CBOR (RFC 8949, section 4.2) that every object uses, and object headers.
//!
//! It knows no objects. The reader accepts exactly what the writer writes: shortest integers, definite lengths, no
//! trailing bytes; so that decoding and encoding again is the identity and no two byte strings mean the same.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::SecretBytes;

/// The protocol version, the first byte of every object.
pub const VERSION: u8 = 1;

/// What an object is: the first element of its array. 64 and up are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A pairwise envelope.
    Envelope = 1,
    /// A message of a signed group (reserved).
    GroupMessage = 2,
    /// A device list.
    List = 3,
    /// A prekey.
    Prekey = 4,
    /// A contact card: a small one, or a part of a whole one.
    Card = 5,
    /// A group roster (reserved).
    Roster = 6,
    /// A succession of account keys.
    Succession = 7,
    /// A sealed file (reserved).
    File = 8,
    /// What passes between two devices of an account that are about to be: a code, and what answers it.
    Link = 9,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Envelope,
        Self::GroupMessage,
        Self::List,
        Self::Prekey,
        Self::Card,
        Self::Roster,
        Self::Succession,
        Self::File,
        Self::Link,
    ];

    fn from_number(number: u64) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == number).ok_or(Error::Unsupported)
    }
}

/// Begins an object: version byte, array of the kind and `fields` more elements, which the caller writes.
#[must_use]
pub fn begin(kind: Kind, fields: usize) -> Writer {
    let mut writer = Writer::new();
    writer.raw(&[VERSION]).array(fields + 1).uint(kind as u64);
    writer
}

/// Opens an object of the given kind that has `fields` elements after it.
///
/// # Errors
/// [`Error::Unsupported`] for another version, [`Error::Mismatch`] for another kind, [`Error::Malformed`].
pub fn open(bytes: &[u8], kind: Kind, fields: usize) -> Result<Reader<'_>> {
    if kind_of(bytes)? != kind {
        return Err(Error::Mismatch);
    }
    let mut reader = Reader::new(bytes.get(1..).unwrap_or_default());
    reader.array_of(fields + 1)?;
    reader.uint()?;
    Ok(reader)
}

/// The kind of an object, by its first bytes alone.
///
/// # Errors
/// [`Error::Unsupported`] for another version or an unknown kind, [`Error::Malformed`].
pub fn kind_of(bytes: &[u8]) -> Result<Kind> {
    let (version, rest) = bytes.split_first().ok_or(Error::Malformed)?;
    if *version != VERSION && !broken!("any-version") {
        return Err(Error::Unsupported);
    }
    let mut reader = Reader::new(rest);
    reader.array()?;
    Kind::from_number(reader.uint()?)
}

const UINT: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;

/// Writes deterministic CBOR. Its buffer is wiped on drop, for some of what is encoded is secret.
pub struct Writer(Zeroizing<Vec<u8>>);

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    /// Makes room by moving to a larger buffer whose predecessor is wiped; a plain `Vec` would free it as it is.
    fn reserve(&mut self, more: usize) {
        let needed = self.0.len() + more;
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(self.0.capacity() * 2).max(128)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
    }

    /// Appends bytes that are encoded already, or no CBOR at all.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
        self
    }

    fn head(&mut self, major: u8, value: u64) -> &mut Self {
        let major = major << 5;
        let bytes = value.to_be_bytes();
        match value {
            0..24 => self.raw(&[major | bytes[7]]),
            24..0x100 => self.raw(&[major | 24, bytes[7]]),
            0x100..0x1_0000 => self.raw(&[major | 25]).raw(&bytes[6..]),
            0x1_0000..0x1_0000_0000 => self.raw(&[major | 26]).raw(&bytes[4..]),
            _ => self.raw(&[major | 27]).raw(&bytes),
        }
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        self.head(UINT, value)
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(BYTES, bytes.len() as u64).raw(bytes)
    }

    /// A UTF-8 text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.head(TEXT, text.len() as u64).raw(text.as_bytes())
    }

    /// The head of an array of `len` elements.
    pub fn array(&mut self, len: usize) -> &mut Self {
        self.head(ARRAY, len as u64)
    }

    /// The head of a map of `len` pairs, which the caller writes in ascending order of keys.
    pub fn map(&mut self, len: usize) -> &mut Self {
        self.head(MAP, len as u64)
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(&[if value { TRUE } else { FALSE }])
    }

    /// Null: something optional that is absent.
    pub fn null(&mut self) -> &mut Self {
        self.raw(&[NULL])
    }

    /// The bytes written, for what is public.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        core::mem::take(&mut *self.0)
    }

    /// The bytes written, for what is secret.
    #[must_use]
    pub fn finish_secret(self) -> SecretBytes {
        SecretBytes::new(self.finish())
    }
}

/// Reads deterministic CBOR strictly. Every refusal is [`Error::Malformed`] unless it says otherwise.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `n` bytes as they are.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The bytes not read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn head(&mut self, major: u8) -> Result<u64> {
        let first = self.take(1)?.first().copied().ok_or(Error::Malformed)?;
        if first >> 5 != major {
            return Err(Error::Malformed);
        }
        let (width, least) = match first & 0x1f {
            small @ 0..24 => return Ok(u64::from(small)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(Error::Malformed),
        };
        let value = self.take(width)?.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        // Only the shortest form: otherwise one object would have many encodings.
        if value < least && !broken!("long-integers") { Err(Error::Malformed) } else { Ok(value) }
    }

    fn length(&mut self, major: u8) -> Result<usize> {
        let length = usize::try_from(self.head(major)?).map_err(|_| Error::Malformed)?;
        // Each element takes at least a byte: no length that the input cannot hold is ever believed.
        if length > self.0.len() { Err(Error::Malformed) } else { Ok(length) }
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64> {
        self.head(UINT)
    }

    /// An unsigned integer of at most `max`.
    pub fn uint_max(&mut self, max: u64) -> Result<u64> {
        self.uint().and_then(|value| if value > max { Err(Error::Malformed) } else { Ok(value) })
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length(BYTES)?;
        self.take(length)
    }

    /// A byte string of at most `max` bytes; a longer one is [`Error::TooLarge`].
    pub fn bytes_max(&mut self, max: usize) -> Result<&'a [u8]> {
        self.bytes().and_then(|bytes| if bytes.len() > max { Err(Error::TooLarge) } else { Ok(bytes) })
    }

    /// A byte string of exactly `N` bytes.
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes()?.try_into().map_err(|_| Error::Malformed)
    }

    /// A UTF-8 text.
    pub fn text(&mut self) -> Result<&'a str> {
        let length = self.length(TEXT)?;
        core::str::from_utf8(self.take(length)?).map_err(|_| Error::Malformed)
    }

    /// The head of an array; yields its number of elements.
    pub fn array(&mut self) -> Result<usize> {
        self.length(ARRAY)
    }

    /// The head of an array of exactly `len` elements.
    pub fn array_of(&mut self, len: usize) -> Result<()> {
        if self.array()? == len { Ok(()) } else { Err(Error::Malformed) }
    }

    /// The head of a map; yields its number of pairs.
    pub fn map(&mut self) -> Result<usize> {
        self.length(MAP)
    }

    /// A boolean.
    pub fn bool(&mut self) -> Result<bool> {
        match self.take(1)? {
            [FALSE] => Ok(false),
            [TRUE] => Ok(true),
            _ => Err(Error::Malformed),
        }
    }

    /// Whether null comes next; if so it is read.
    pub fn take_null(&mut self) -> bool {
        let null = self.0.first() == Some(&NULL);
        if null {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        null
    }

    /// That nothing is left.
    pub const fn end(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Malformed) }
    }
}

/// An extension map (uint → bytes), by which version 1 can grow: an unknown odd key is ignored but stays covered by
/// whatever signs or hashes it, an unknown even key is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Vec<(u64, Vec<u8>)>);

impl Extensions {
    /// No extensions.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: u64) -> Option<&[u8]> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, value)| value.as_slice())
    }

    /// Puts a value under `key`, in place of one that was there.
    pub fn insert(&mut self, key: u64, value: Vec<u8>) {
        match self.0.binary_search_by_key(&key, |(k, _)| *k) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    /// Whether there are none. An empty map is written as absent: the caller leaves it out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the map.
    pub fn write(&self, writer: &mut Writer) {
        writer.map(self.0.len());
        self.0.iter().for_each(|(key, value)| {
            writer.uint(*key).bytes(value);
        });
    }

    /// Writes the map if there is something in it; the caller counted it by [`Self::fields`].
    pub(crate) fn write_last(&self, writer: &mut Writer) {
        if !self.is_empty() {
            self.write(writer);
        }
    }

    /// How many fields an array of `fixed` fields has together with this map.
    pub(crate) fn fields(&self, fixed: usize) -> usize {
        fixed + usize::from(!self.is_empty())
    }

    /// Reads the map that follows `fixed` fields, if an array of `fields` has one. No even key is known.
    pub(crate) fn read_last(reader: &mut Reader<'_>, fields: usize, fixed: usize) -> Result<Self> {
        match fields.checked_sub(fixed) {
            Some(0) => Ok(Self::new()),
            Some(1) => Self::read(reader, &[]),
            _ => Err(Error::Malformed),
        }
    }

    /// Reads a map that is present, and therefore not empty.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an even key that is not in `known_even`; [`Error::Malformed`] for an empty map or
    /// keys that do not ascend.
    pub fn read(reader: &mut Reader<'_>, known_even: &[u64]) -> Result<Self> {
        let mut entries: Vec<(u64, Vec<u8>)> = Vec::new();
        for _ in 0..reader.map()? {
            let key = reader.uint()?;
            if entries.last().is_some_and(|(last, _)| *last >= key) {
                return Err(Error::Malformed);
            }
            if key.is_multiple_of(2) && !known_even.contains(&key) {
                return Err(Error::Unsupported);
            }
            entries.push((key, reader.bytes()?.to_vec()));
        }
        if entries.is_empty() { Err(Error::Malformed) } else { Ok(Self(entries)) }
    }
}
