//! Our prekeys: the private halves, kept as seeds, and the signed objects to publish.
//!
//! It does not know what was published, nor how long a half must be kept.

use alloc::vec::Vec;

use super::{Body, ONE_TIME_LIFETIME, PrekeyId, PrekeyKind, SIGNED_LIFETIME, hash_of, read_kind};
use crate::crypto::dh::DhSecret;
use crate::crypto::hash::hkdf;
use crate::crypto::kem::KemSecret;
use crate::error::{Error, Result};
use crate::identity::DeviceKeys;
use crate::label;
use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::wire::{self, Extensions, Kind, Reader, Writer};

/// The private halves of a prekey, as seeds, and what names it.
struct Halves {
    dh: DhSecret,
    kem: KemSecret,
    created: u64,
    expires: u64,
    hash: [u8; 32],
}

impl Halves {
    /// Makes a prekey of `device`: the private halves, and the object to publish. A generator that repeats itself yields no
    /// key that others know, nor that of another device, kind or time.
    fn create(
        device: &DeviceKeys,
        kind: PrekeyKind,
        created: u64,
        expires: u64,
        random: &mut dyn Random,
    ) -> (Self, Vec<u8>) {
        let fresh: Secret<32> = Secret::random(random);
        let info = [label::PREKEY_SECRET.as_bytes(), &[kind as u8], &created.to_be_bytes()];
        let seeds: Secret<96> = hkdf(fresh.expose_secret(), &[device.hedge().expose_secret()], &info);
        let (dh, kem) = seeds.expose_secret().split_at(32);
        let dh = DhSecret::from_secret(Secret::fill_with(|out| out.copy_from_slice(dh)));
        let kem = KemSecret::from_seed(Secret::fill_with(|out| out.copy_from_slice(kem)));
        let mut halves = Self { dh, kem, created, expires, hash: [0; 32] };
        let object = halves.object(device, kind);
        halves.hash = hash_of(&object);
        (halves, object)
    }

    /// The signed object. Signatures are deterministic: it is the same bytes each time, and need not be stored.
    fn object(&self, device: &DeviceKeys, kind: PrekeyKind) -> Vec<u8> {
        let body = Body {
            device: device.id(),
            kind,
            dh: self.dh.public(),
            kem: self.kem.public(),
            created: self.created,
            expires: self.expires,
            extensions: Extensions::new(),
        }
        .encode();
        let signature = device.signing().sign(label::PREKEY_SIGNATURE, &body);
        let mut writer = wire::begin(Kind::Prekey, 2);
        writer.bytes(&body).bytes(&signature);
        writer.finish()
    }

    fn encode(&self, kind: PrekeyKind) -> SecretBytes {
        let mut writer = Writer::new();
        writer
            .array(6)
            .uint(kind as u64)
            .bytes(self.dh.expose_secret())
            .bytes(self.kem.expose_seed())
            .uint(self.created)
            .uint(self.expires)
            .bytes(&self.hash);
        writer.finish_secret()
    }

    fn decode(bytes: &[u8], kind: PrekeyKind) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(6)?;
        if read_kind(&mut reader)? != kind {
            return Err(Error::Mismatch);
        }
        let dh = DhSecret::from_secret(Secret::from_slice(reader.bytes()?)?);
        let kem = KemSecret::from_seed(Secret::from_slice(reader.bytes()?)?);
        let (created, expires, hash) = (reader.uint()?, reader.uint()?, reader.fixed()?);
        reader.end()?;
        Ok(Self { dh, kem, created, expires, hash })
    }
}

macro_rules! our_prekey {
    ($(#[$doc:meta])* $name:ident, $kind:expr, $lifetime:ident) => {
        $(#[$doc])*
        pub struct $name(Halves);

        impl $name {
            /// Makes one at `now` (unix seconds): the private halves, and the signed object to publish.
            #[must_use]
            pub fn create(device: &DeviceKeys, now: u64, random: &mut dyn Random) -> (Self, Vec<u8>) {
                let (halves, object) = Halves::create(device, $kind, now, now.saturating_add($lifetime), random);
                (Self(halves), object)
            }

            /// The signed object, the same bytes as when it was made. Generates the KEM key pair anew.
            #[must_use]
            pub fn object(&self, device: &DeviceKeys) -> Vec<u8> {
                self.0.object(device, $kind)
            }

            /// Its id.
            #[must_use]
            pub fn id(&self) -> PrekeyId {
                PrekeyId::of(&self.0.hash)
            }

            /// When it was made, unix seconds.
            #[must_use]
            pub const fn created(&self) -> u64 {
                self.0.created
            }

            /// When it expires, unix seconds.
            #[must_use]
            pub const fn expires(&self) -> u64 {
                self.0.expires
            }

            /// The private halves as bytes (seeds, about 150 bytes), to be stored sealed.
            #[must_use]
            pub fn encode(&self) -> SecretBytes {
                self.0.encode($kind)
            }

            /// Reads what [`Self::encode`] wrote.
            ///
            /// # Errors
            /// [`Error::Mismatch`] for the other kind of prekey, [`Error::Malformed`].
            pub fn decode(bytes: &[u8]) -> Result<Self> {
                Halves::decode(bytes, $kind).map(Self)
            }

            pub(crate) const fn hash(&self) -> &[u8; 32] {
                &self.0.hash
            }

            pub(crate) const fn dh(&self) -> &DhSecret {
                &self.0.dh
            }

            pub(crate) const fn kem(&self) -> &KemSecret {
                &self.0.kem
            }
        }
    };
}

our_prekey! {
    /// Our signed prekey: in use for every handshake until it is replaced, and for a while after.
    SignedPrekey, PrekeyKind::Signed, SIGNED_LIFETIME
}

our_prekey! {
    /// Our one-time prekey. The handshake that uses it consumes it.
    OneTimePrekey, PrekeyKind::OneTime, ONE_TIME_LIFETIME
}

impl SignedPrekey {
    /// The X25519 half, which is also the responder's first ratchet key.
    #[must_use]
    pub const fn ratchet_key(&self) -> &DhSecret {
        &self.0.dh
    }
}
