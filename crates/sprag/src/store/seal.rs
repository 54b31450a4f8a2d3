//! Values at rest: the keyring that the app's key wraps, and the seal of every value.
//!
//! ```text
//! sealed value = format 1 ‖ generation, 4 bytes ‖ nonce, 24 bytes ‖ XChaCha20-Poly1305(value ‖ 80 ‖ 00…)
//! bound to     = table, 1 byte ‖ row, 8 bytes ‖ format ‖ generation ‖ what else identifies the row
//! ```
//!
//! The app's key seals nothing but the keyring: {lookup key, seal keys by generation}. Only so can old flash be made
//! worthless: a new generation is written everywhere, the old one is forgotten, and then the app's old key.
//! It does not know what a value means.

use sprag_core::crypto::{aead, hash};
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Reader, Writer};

use super::error::{Error, Result};
use super::table::Table;

/// The format of a sealed value. It is not the schema's version: a migration reseals nothing.
const FORMAT: u8 = 1;

/// Bytes that a sealed value is longer than its padded plaintext.
pub(super) const OVERHEAD: usize = 1 + 4 + aead::XNONCE + aead::TAG;

/// The first byte of what a keyring is bound to; no [`Table`] has this number.
const KEYRING: u8 = 0;

/// What the app's key yields.
pub(super) struct AppKey {
    wrap: Secret<32>,
    check: [u8; AppKey::CHECK],
    key: Secret<32>,
}

impl AppKey {
    /// Bytes of the key check.
    pub(super) const CHECK: usize = 16;

    pub(super) fn new(key: &Secret<32>) -> Self {
        let wrap = hash::hkdf::<32>(&[], &[key.expose_secret()], &[label::STORE_WRAP.as_bytes()]);
        let check = hash::hkdf::<{ Self::CHECK }>(&[], &[key.expose_secret()], &[label::STORE_CHECK.as_bytes()]);
        Self { wrap, check: *check.expose_secret(), key: key.duplicate() }
    }

    /// What is stored, twice, so that a wrong key can be told from a damaged keyring.
    pub(super) const fn check(&self) -> &[u8; Self::CHECK] {
        &self.check
    }

    /// Seals a keyring.
    pub(super) fn wrap(&self, ring: &Keyring, random: &mut dyn Random) -> Result<Vec<u8>> {
        let (bound, encoded) = ([KEYRING, FORMAT], ring.encode());
        let nonce = nonce(&self.wrap, &bound, encoded.expose_secret(), random);
        let sealed = aead::xseal(&self.wrap, &nonce, &[&bound], encoded.expose_secret())
            .map_err(|_| Error::Misuse("keyring"))?;
        Ok([&[FORMAT], nonce.as_slice(), &sealed].concat())
    }

    /// Opens a keyring. `checks` are the stored key checks, by which a failure is explained.
    ///
    /// # Errors
    /// [`Error::WrongKey`] if neither check is this key's; [`Error::Corrupt`] if the keyring itself is damaged.
    pub(super) fn unwrap(&self, wrapped: &[u8], checks: &[Vec<u8>]) -> Result<Keyring> {
        self.open(wrapped).ok_or_else(|| {
            // One of two damaged checks cannot make a wrong key out of the right one, nor damage out of a wrong key.
            let known = |check: &Vec<u8>| check.as_slice() == self.check;
            let whole = |check: &Vec<u8>| check.len() == Self::CHECK;
            if checks.iter().any(known) || !checks.iter().any(whole) { Error::Corrupt } else { Error::WrongKey }
        })
    }

    fn open(&self, wrapped: &[u8]) -> Option<Keyring> {
        let (format, rest) = wrapped.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk()?;
        let opened = aead::xopen(&self.wrap, nonce, &[&[KEYRING, *format]], sealed).ok()?;
        Keyring::decode(opened.expose_secret())
    }

    /// The key itself, for the keyring of an unfinished change.
    pub(super) fn duplicate_key(&self) -> Secret<32> {
        self.key.duplicate()
    }

    pub(super) fn is(&self, key: &Secret<32>) -> bool {
        self.key.ct_eq(key)
    }
}

/// A nonce from randomness and from all that is sealed: neither a constant generator, nor one that was put back together
/// with the store, seals two values under one nonce.
fn nonce(key: &Secret<32>, bound: &[u8], value: &[u8], random: &mut dyn Random) -> [u8; aead::XNONCE] {
    let mut fresh = [0; 32];
    random.fill(&mut fresh);
    let key = hash::expand(key, &[label::STORE_NONCE.as_bytes()]);
    // The length of what is bound is that of the table's rows: the joined bytes are unambiguous.
    let mac =
        hash::hmac(key.expose_secret(), &[&fresh, bound, if broken!("nonces-at-rest-random") { &[] } else { value }]);
    core::array::from_fn(|at| mac[at])
}

/// The keys of a store.
pub(super) struct Keyring {
    /// Never changed: it names contacts and seen messages.
    lookup: Secret<32>,
    /// Ascending; the last is the one that seals. More than one only while a change of keys is under way.
    seals: Vec<(u32, Secret<32>)>,
    /// The app's key that takes over when the change is done. It lies here, under the old key, so that no copy of the
    /// old generation is ever wrapped by the new key.
    next: Option<Secret<32>>,
}

impl Keyring {
    pub(super) fn new(random: &mut dyn Random) -> Self {
        Self { lookup: Secret::random(random), seals: vec![(1, Secret::random(random))], next: None }
    }

    fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(3).bytes(self.lookup.expose_secret()).map(self.seals.len());
        for (generation, key) in &self.seals {
            writer.uint(u64::from(*generation)).bytes(key.expose_secret());
        }
        match &self.next {
            Some(key) => writer.bytes(key.expose_secret()),
            None => writer.null(),
        };
        writer.finish_secret()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(3).ok()?;
        let lookup = Secret::from_slice(reader.bytes().ok()?).ok()?;
        let mut seals = Vec::new();
        for _ in 0..reader.map().ok()? {
            let generation = u32::try_from(reader.uint().ok()?).ok()?;
            seals.push((generation, Secret::from_slice(reader.bytes().ok()?).ok()?));
        }
        let next = if reader.take_null() { None } else { Some(Secret::from_slice(reader.bytes().ok()?).ok()?) };
        reader.end().ok()?;
        if seals.is_empty() { None } else { Some(Self { lookup, seals, next }) }
    }

    fn copy(&self) -> Self {
        Self {
            lookup: self.lookup.duplicate(),
            seals: self.seals.iter().map(|(generation, key)| (*generation, key.duplicate())).collect(),
            next: self.next.as_ref().map(Secret::duplicate),
        }
    }

    /// This keyring with a generation more, on its way to the app's key `next`. One change at a time: if one is under
    /// way, only its aim is set anew.
    pub(super) fn turning(&self, next: &AppKey, random: &mut dyn Random) -> Result<Self> {
        let mut ring = self.copy();
        if ring.next.is_none() {
            let generation = ring.current()?.0.checked_add(1).ok_or(Error::Misuse("generations exhausted"))?;
            ring.seals.push((generation, Secret::random(random)));
        }
        ring.next = Some(next.duplicate_key());
        Ok(ring)
    }

    /// This keyring with its last generation alone.
    pub(super) fn turned(&self) -> Self {
        let mut ring = self.copy();
        ring.seals.drain(..ring.seals.len().saturating_sub(1));
        ring.next = None;
        ring
    }

    /// The app's key that a change under way leads to.
    pub(super) const fn next(&self) -> Option<&Secret<32>> {
        self.next.as_ref()
    }

    fn current(&self) -> Result<&(u32, Secret<32>)> {
        self.seals.last().ok_or(Error::Corrupt)
    }

    /// The first five bytes of everything that is sealed now.
    pub(super) fn head(&self) -> Result<[u8; 5]> {
        let generation = self.current()?.0.to_be_bytes();
        Ok([FORMAT, generation[0], generation[1], generation[2], generation[3]])
    }

    /// A keyed hash, for finding something by what must not stand in clear in the file.
    pub(super) fn lookup(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        // The hash of the purpose is of fixed length: no two pairs of purpose and bytes are the same input.
        hash::hmac(
            self.lookup.expose_secret(),
            &[&hash::hash(label::STORE_LOOKUP, &[hash::Item::Text(purpose)]), bytes],
        )
    }

    /// Seals a value for its row.
    pub(super) fn seal(
        &self,
        table: Table,
        id: i64,
        extra: &[u8],
        value: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        let id = if broken!("values-belong-anywhere") { 0 } else { id };
        let (_, key) = self.current()?;
        let head = self.head()?;
        let mut padded = Vec::with_capacity(table.padded(value.len() + 1));
        padded.extend_from_slice(value);
        padded.push(0x80);
        padded.resize(table.padded(value.len() + 1), 0);
        let padded = SecretBytes::new(padded);
        let bound = [&[table.number()], id.to_be_bytes().as_slice(), &head, extra].concat();
        let nonce = nonce(key, &bound, padded.expose_secret(), random);
        let sealed = aead::xseal(key, &nonce, &[&bound], padded.expose_secret())
            .map_err(|_| Error::Misuse("value too large"))?;
        Ok([head.as_slice(), &nonce, &sealed].concat())
    }

    /// Opens the value of a row.
    ///
    /// # Errors
    /// [`Error::Corrupt`], whatever was wrong.
    pub(super) fn open(&self, table: Table, id: i64, extra: &[u8], sealed: &[u8]) -> Result<SecretBytes> {
        let id = if broken!("values-belong-anywhere") { 0 } else { id };
        let (head, rest) = sealed.split_first_chunk::<5>().ok_or(Error::Corrupt)?;
        let (nonce, text) = rest.split_first_chunk().ok_or(Error::Corrupt)?;
        let [_, generation @ ..] = *head;
        let generation = u32::from_be_bytes(generation);
        let (_, key) = self.seals.iter().find(|(known, _)| *known == generation).ok_or(Error::Corrupt)?;
        let padded = aead::xopen(key, nonce, &[&[table.number()], &id.to_be_bytes(), head, extra], text)
            .map_err(|_| Error::Corrupt)?;
        let bytes = padded.expose_secret();
        let end = bytes.iter().rposition(|byte| *byte != 0).ok_or(Error::Corrupt)?;
        if bytes.get(end) != Some(&0x80) {
            return Err(Error::Corrupt);
        }
        Ok(SecretBytes::new(bytes.get(..end).unwrap_or_default().to_vec()))
    }
}
