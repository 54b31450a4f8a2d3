//! The code that a new device shows: a secret that nobody else has seen, and a commitment to the device's keys.

use alloc::format;
use alloc::string::String;

use zeroize::Zeroizing;

use super::exchange::{Offer, Offered};
use super::object::LinkId;
use crate::crypto::dh::DhPublic;
use crate::crypto::hash::{Item, hash, hkdf};
use crate::crypto::sign::VerifyKey;
use crate::error::{Error, Result};
use crate::identity::{AccountId, AccountKey, DeviceEntry, DeviceKeys, DeviceList};
use crate::label;
use crate::random::Random;
use crate::secret::{Secret, SecretBytes};
use crate::text;
use crate::wire::{self, Kind};

/// The most bytes of a code.
const MAX_CODE: usize = 256;

/// The first field of a code, where an offer and an answer have their phase.
const CODE: u64 = 0;

/// What both sides know of a code.
pub(super) struct Code {
    bytes: SecretBytes,
    secret: Secret<32>,
    pub(super) account: AccountId,
    commitment: [u8; 32],
}

impl Code {
    fn new(secret: Secret<32>, account: AccountId, commitment: [u8; 32]) -> Self {
        let mut writer = wire::begin(Kind::Link, 4);
        writer.uint(CODE).bytes(secret.expose_secret()).bytes(&commitment).bytes(account.as_bytes());
        Self { bytes: writer.finish_secret(), secret, account, commitment }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_CODE {
            return Err(Error::TooLarge);
        }
        let mut reader = wire::open(bytes, Kind::Link, 4)?;
        if reader.uint()? != CODE {
            return Err(Error::Mismatch);
        }
        let secret = Secret::from_slice(reader.bytes()?)?;
        let commitment = reader.fixed()?;
        let account = AccountId::new(reader.bytes()?)?;
        reader.end()?;
        Ok(Self { bytes: SecretBytes::new(bytes.to_vec()), secret, account, commitment })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    pub(super) const fn secret(&self) -> &[u8] {
        self.secret.expose_secret()
    }

    pub(super) fn id(&self) -> LinkId {
        let digest = hash(label::LINK_ID, &[Item::Bytes(self.secret())]);
        LinkId(core::array::from_fn(|i| digest[i]))
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        hash(label::LINK_CODE, &[Item::Bytes(self.bytes())])
    }

    fn digits(&self) -> String {
        let digest = hash(label::LINK_DIGITS, &[Item::Bytes(self.bytes())]);
        let value = digest.iter().take(8).fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        format!("{:06}", value % 1_000_000)
    }

    /// That the code was made for exactly this device.
    pub(super) fn check_device(&self, id: u32, device_key: &VerifyKey, identity_key: &DhPublic) -> Result<()> {
        let same = self.commitment == commit(&self.account, id, device_key, identity_key);
        if same || broken!("any-device-links") { Ok(()) } else { Err(Error::Mismatch) }
    }

    pub(super) fn check_entry(&self, entry: &DeviceEntry) -> Result<()> {
        self.check_device(entry.id, &entry.device_key, &entry.identity_key)
    }
}

fn commit(account: &AccountId, id: u32, device_key: &VerifyKey, identity_key: &DhPublic) -> [u8; 32] {
    let account = Item::Bytes(account.as_bytes());
    let keys = [Item::Bytes(device_key.as_bytes()), Item::Bytes(identity_key.as_bytes())];
    let [device_key, identity_key] = keys;
    hash(label::LINK_DEVICE, &[account, Item::Uint(id.into()), device_key, identity_key])
}

/// A code as the new device has it that shows it. Whoever reads it can link in its place: it is shown to nobody but the
/// user, lives 60 seconds and is used once.
pub struct LinkCode(Code);

impl LinkCode {
    /// A code for this device, which is to join `account`, at `now` (unix seconds).
    ///
    /// The secret is from randomness *and* a secret of the device *and* the time.
    #[must_use]
    pub fn create(account: &AccountId, device: &DeviceKeys, now: u64, random: &mut dyn Random) -> Self {
        let commitment = commit(account, device.id(), &device.device_key(), &device.identity().public());
        let fresh: Secret<32> = Secret::random(random);
        let info: [&[u8]; 3] = [label::LINK_SECRET.as_bytes(), &now.to_be_bytes(), &commitment];
        let secret = hkdf(fresh.expose_secret(), &[device.hedge().expose_secret()], &info);
        Self(Code::new(secret, account.clone(), commitment))
    }

    /// Reads the bytes of a code again, from one's own sealed store.
    ///
    /// # Errors
    /// As [`ScannedCode::parse`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Code::parse(bytes).map(Self)
    }

    /// The bytes, to be shown as a QR code and to be stored sealed.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The same as text, to be typed or pasted: capitals and digits in groups of five, with a checksum. Wiped on drop.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(text::encode(label::LINK_TEXT, self.0.bytes()))
    }

    /// The six digits that the user types on the other device: consent, not security.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.digits()
    }

    /// The code's name, which an offer for it bears.
    #[must_use]
    pub fn id(&self) -> LinkId {
        self.0.id()
    }

    /// Opens an offer for this code, on the device that shows it, at `now` (unix seconds).
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another phase or code, another account than the code's, an offer of a device that is not
    /// on the list that it names or does not hold the account key, or if the code is not `device`'s or its id is taken;
    /// [`Error::Open`]; [`Error::Expired`] for the list; [`Error::TooLarge`], [`Error::Unsupported`],
    /// [`Error::Malformed`], [`Error::BadKey`], [`Error::BadSignature`].
    pub fn open_offer(&self, device: &DeviceKeys, object: &[u8], now: u64) -> Result<Offer<'_>> {
        self.0.check_device(device.id(), &device.device_key(), &device.identity().public())?;
        Offer::open(&self.0, device, object, now)
    }
}

/// A code as a device has it that holds the account key and read it from the new one's screen.
pub struct ScannedCode(Code);

impl ScannedCode {
    /// Reads the bytes of a scanned code.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for something else than a code, [`Error::Unsupported`], [`Error::TooLarge`],
    /// [`Error::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Code::parse(bytes).map(Self)
    }

    /// Reads a code that was typed or pasted. Case, white space and hyphens do not count.
    ///
    /// # Errors
    /// The same; [`Error::Malformed`] if the checksum does not hold.
    pub fn parse_text(text: &str) -> Result<Self> {
        Self::parse(text::decode(label::LINK_TEXT, text)?.expose_secret())
    }

    /// The six digits that the new device shows beside this code.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.digits()
    }

    /// The code's name.
    #[must_use]
    pub fn id(&self) -> LinkId {
        self.0.id()
    }

    /// The account that the new device wants to join. A claim.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Makes the offer, once the user has confirmed the digits. `list` is the account's current one, and
    /// `grant_account_key` whether the new device may admit others.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the code is for another account, the list is, or `device` is not on it as one that holds the
    /// account key; [`Error::TooLarge`] if the list has no room for another device.
    pub fn offer(
        self,
        account: &AccountKey,
        device: &DeviceKeys,
        list: &DeviceList,
        grant_account_key: bool,
        random: &mut dyn Random,
    ) -> Result<(Offered, alloc::vec::Vec<u8>)> {
        Offered::make(self.0, account, device, list, grant_account_key, random)
    }
}
