//! Devices: our own keys, and the entry by which a device says, in its own signature, whose it is.
//!
//! It does not know lists, nor whether an account agrees.

use alloc::vec::Vec;

use crate::crypto::dh::{DhPublic, DhSecret};
use crate::crypto::hash::{Item, hash, hkdf};
use crate::crypto::sign::{SIGNATURE, SigningKey, VerifyKey};
use crate::error::{Error, Result};
use crate::identity::{Account, Origin};
use crate::label;
use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Extensions, Reader, VERSION, Writer};

/// The most protocol versions that an entry may name.
pub const MAX_VERSIONS: usize = 8;

/// The flag of a device that holds the account key.
const HOLDS_ACCOUNT_KEY: u64 = 1;

/// What a device says of itself, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// A random id, never bound to other keys later.
    pub id: u32,
    /// The key that signs the device's entry and prekeys.
    pub device_key: VerifyKey,
    /// The X25519 key that handshakes agree with.
    pub identity_key: DhPublic,
    /// The protocol versions it reads, ascending; one at least.
    pub versions: Vec<u8>,
    /// Whether it can sign lists. Revoking such a device needs a new account key.
    pub holds_account_key: bool,
    /// Room to grow.
    pub extensions: Extensions,
}

impl DeviceEntry {
    /// Whether it reads this version of the protocol.
    #[must_use]
    pub fn reads_this_version(&self) -> bool {
        self.versions.contains(&VERSION)
    }

    /// The id and the two keys in 8 bytes, by which a contact remembers that an id was used.
    pub(crate) fn binding(&self) -> [u8; 8] {
        let digest = hash(
            label::DEVICE_BINDING,
            &[
                Item::Uint(self.id.into()),
                Item::Bytes(self.device_key.as_bytes()),
                Item::Bytes(self.identity_key.as_bytes()),
            ],
        );
        core::array::from_fn(|i| digest[i])
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(self.extensions.fields(5))
            .uint(self.id.into())
            .bytes(self.device_key.as_bytes())
            .bytes(self.identity_key.as_bytes())
            .array(self.versions.len());
        self.versions.iter().for_each(|version| {
            writer.uint((*version).into());
        });
        writer.uint(if self.holds_account_key { HOLDS_ACCOUNT_KEY } else { 0 });
        self.extensions.write_last(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8], origin: Origin) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let fields = reader.array()?;
        let id = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let device_key = origin.key(reader.fixed()?)?;
        let identity_key = DhPublic::from_bytes(reader.fixed()?)?;
        let versions = read_versions(&mut reader)?;
        let flags = reader.uint()?;
        if flags & !HOLDS_ACCOUNT_KEY != 0 {
            return Err(Error::Unsupported);
        }
        let extensions = Extensions::read_last(&mut reader, fields, 5)?;
        reader.end()?;
        let holds_account_key = flags & HOLDS_ACCOUNT_KEY != 0;
        Ok(Self { id, device_key, identity_key, versions, holds_account_key, extensions })
    }
}

fn read_versions(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let count = reader.array()?;
    if count > MAX_VERSIONS {
        return Err(Error::TooLarge);
    }
    let mut versions = Vec::with_capacity(count);
    for _ in 0..count {
        let version = u8::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        if versions.last().is_some_and(|last| *last >= version) {
            return Err(Error::Malformed);
        }
        versions.push(version);
    }
    if versions.is_empty() { Err(Error::Malformed) } else { Ok(versions) }
}

/// An entry with the device's own signature, bound to one account: nobody else can list this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEntry {
    body: Vec<u8>,
    signature: [u8; SIGNATURE],
}

impl SignedEntry {
    /// What the device signs: the account that it says it belongs to, and the entry.
    fn signed_body(account: &Account, entry: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3);
        account.write(&mut writer);
        writer.bytes(entry);
        writer.finish()
    }

    /// Verifies that the device itself says it belongs to `account`, and yields what it says.
    ///
    /// # Errors
    /// [`Error::BadSignature`], [`Error::BadKey`], [`Error::Malformed`], [`Error::Unsupported`].
    pub fn verify(&self, account: &Account) -> Result<DeviceEntry> {
        let entry = DeviceEntry::decode(&self.body, Origin::Anybody)?;
        let signed = Self::signed_body(account, &self.body);
        entry.device_key.verify(label::ENTRY_SIGNATURE, &signed, &self.signature)?;
        Ok(entry)
    }

    /// What the device says, of an entry that was verified before it went into one's own store.
    pub(crate) fn reopen(&self) -> Result<DeviceEntry> {
        DeviceEntry::decode(&self.body, Origin::OwnStore)
    }

    /// The entry and its signature as bytes of their own, outside a list.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// Reads what [`Self::encode`] wrote. Nothing of it is verified: that is [`Self::verify`].
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let signed = Self::read(&mut reader)?;
        reader.end()?;
        Ok(signed)
    }

    /// Writes two elements: the entry as a byte string, the signature.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(2).bytes(&self.body).bytes(&self.signature);
    }

    /// Reads what [`Self::write`] wrote.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(2)?;
        Ok(Self { body: reader.bytes()?.to_vec(), signature: reader.fixed()? })
    }
}

/// This device's private keys.
pub struct DeviceKeys {
    id: u32,
    signing: SigningKey,
    identity: DhSecret,
}

impl DeviceKeys {
    /// A new device with a random id.
    #[must_use]
    pub fn create(random: &mut dyn Random) -> Self {
        let mut id = [0; 4];
        random.fill(&mut id);
        Self { id: u32::from_be_bytes(id), signing: SigningKey::random(random), identity: DhSecret::random(random) }
    }

    /// The random id.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The key under which others know this device.
    #[must_use]
    pub fn device_key(&self) -> VerifyKey {
        self.signing.public()
    }

    /// The private X25519 identity key.
    #[must_use]
    pub const fn identity(&self) -> &DhSecret {
        &self.identity
    }

    pub(crate) const fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// What others will see of this device.
    #[must_use]
    pub fn entry(&self, holds_account_key: bool) -> DeviceEntry {
        DeviceEntry {
            id: self.id,
            device_key: self.device_key(),
            identity_key: self.identity.public(),
            versions: Vec::from([VERSION]),
            holds_account_key,
            extensions: Extensions::new(),
        }
    }

    /// Signs an entry of this device for one account.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the entry is not this device's.
    pub fn sign_entry(&self, account: &Account, entry: &DeviceEntry) -> Result<SignedEntry> {
        let ours = (self.id, self.device_key(), self.identity.public());
        if (entry.id, entry.device_key, entry.identity_key) != ours {
            return Err(Error::Mismatch);
        }
        let body = entry.encode();
        let signature = self.signing.sign(label::ENTRY_SIGNATURE, &SignedEntry::signed_body(account, &body));
        Ok(SignedEntry { body, signature })
    }

    /// A secret of this device, 32 bytes, that hedges whatever its random generator yields: with a constant generator,
    /// what is derived from both is still unknown to others and differs from device to device.
    #[must_use]
    pub fn hedge(&self) -> Secret<32> {
        hkdf(&[0; 32], &[self.signing.expose_seed(), self.identity.expose_secret()], &[label::DEVICE_HEDGE.as_bytes()])
    }

    /// The keys as bytes, to be stored sealed.
    #[must_use]
    pub fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(3).uint(self.id.into()).bytes(self.signing.expose_seed()).bytes(self.identity.expose_secret());
        writer.finish_secret()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(3)?;
        let id = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let signing = SigningKey::from_seed(&Secret::from_slice(reader.bytes()?)?);
        let identity = DhSecret::from_secret(Secret::from_slice(reader.bytes()?)?);
        reader.end()?;
        Ok(Self { id, signing, identity })
    }
}
