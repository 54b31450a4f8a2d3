//! What both sides compute alike: h1, the claim, T, and the keys.
//!
//! It does not know who is the initiator.

use alloc::vec::Vec;

use super::{Established, Resumption, ResumptionId};
use crate::crypto::dh::DhPublic;
use crate::crypto::hash::{Item, hash, hkdf};
use crate::crypto::kem::CIPHERTEXT;
use crate::crypto::sign::VerifyKey;
use crate::error::{Error, Result};
use crate::identity::{Account, DeviceEntry, DeviceList, Origin};
use crate::label;
use crate::secret::{Secret, SecretBytes};
use crate::wire::{Reader, VERSION, Writer};

/// Who is written to, and with which prekeys.
pub(super) struct Recipient<'a> {
    pub(super) account: &'a Account,
    pub(super) device: u32,
    pub(super) device_key: VerifyKey,
    pub(super) identity_key: DhPublic,
    pub(super) signed_prekey: &'a [u8; 32],
    pub(super) one_time_prekey: Option<&'a [u8; 32]>,
}

impl Recipient<'_> {
    /// h1 = H[label, version, recipient's id, account key, device id, device key, IKb, H(signed), H(one-time) | null, EK,
    /// ct]
    pub(super) fn offer(&self, ephemeral: &DhPublic, ciphertext: &[u8; CIPHERTEXT]) -> [u8; 32] {
        hash(
            label::HANDSHAKE_OFFER,
            &[
                Item::Uint(VERSION.into()),
                Item::Bytes(self.account.id.as_bytes()),
                Item::Bytes(self.account.key.as_bytes()),
                Item::Uint(self.device.into()),
                Item::Bytes(self.device_key.as_bytes()),
                Item::Bytes(self.identity_key.as_bytes()),
                Item::Bytes(self.signed_prekey),
                self.one_time_prekey.map_or(Item::Null, |hash| Item::Bytes(hash)),
                Item::Bytes(ephemeral.as_bytes()),
                Item::Bytes(ciphertext),
            ],
        )
    }
}

/// What the initiator says of itself, hidden from everyone but the recipient.
///
/// That it was unsealed proves nothing yet: only who holds the private identity key can open or make the message that
/// comes with it. And then the account is still a claim, to be held against the pinned list: [`Self::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The account.
    pub account: Account,
    /// The device's id.
    pub device: u32,
    /// The device's Ed25519 key.
    pub device_key: VerifyKey,
    /// IKa, the device's X25519 identity key.
    pub identity_key: DhPublic,
    /// The session that it says it continues, if any.
    pub resumption: Option<ResumptionId>,
}

impl Claim {
    /// That a list, which the caller has pinned or is about to, has exactly this device; yields its entry.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another account, a device that is not on the list, or one with other keys.
    pub fn check<'a>(&self, list: &'a DeviceList) -> Result<&'a DeviceEntry> {
        let entry = list.device(self.device).ok_or(Error::Mismatch)?;
        let same = entry.device_key == self.device_key && entry.identity_key == self.identity_key;
        if *list.account() == self.account && same { Ok(entry) } else { Err(Error::Mismatch) }
    }

    /// The claim as it is sealed: one array of six.
    pub(super) fn encode(&self) -> SecretBytes {
        let mut writer = Writer::new();
        writer.array(6);
        self.account.write(&mut writer);
        writer.uint(self.device.into()).bytes(self.device_key.as_bytes()).bytes(self.identity_key.as_bytes());
        match &self.resumption {
            Some(id) => writer.bytes(id),
            None => writer.null(),
        };
        writer.finish_secret()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        reader.array_of(6)?;
        let account = Account::read(&mut reader, Origin::Anybody)?;
        let device = u32::try_from(reader.uint()?).map_err(|_| Error::Malformed)?;
        let device_key = VerifyKey::from_bytes(reader.fixed()?)?;
        let identity_key = DhPublic::from_bytes(reader.fixed()?)?;
        let resumption = if reader.take_null() { None } else { Some(reader.fixed()?) };
        reader.end()?;
        Ok(Self { account, device, device_key, identity_key, resumption })
    }
}

/// The shared secrets of a handshake. DH1 alone involves the initiator's identity key, and is known last.
pub(super) struct Shared {
    /// DH2 = (EKa, IKb)
    pub(super) dh2: Secret<32>,
    /// DH3 = (EKa, SPKb)
    pub(super) dh3: Secret<32>,
    /// DH4 = (EKa, OPKb), where there is a one-time prekey.
    pub(super) dh4: Option<Secret<32>>,
    /// SS, of the one-time prekey's KEM if there is one, else of the signed one's.
    pub(super) kem: Secret<32>,
}

impl Shared {
    /// DH2 ‖ DH3 ‖ [DH4] ‖ SS
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let dh4 = self.dh4.as_ref().map(|dh4| dh4.expose_secret().as_slice());
        [self.dh2.expose_secret().as_slice(), self.dh3.expose_secret().as_slice()]
            .into_iter()
            .chain(dh4)
            .chain([self.kem.expose_secret().as_slice()])
    }

    /// K1 = HKDF(salt = h1, ikm = DH2 ‖ DH3 ‖ [DH4] ‖ SS, label): the key that seals the claim.
    pub(super) fn identity_key(&self, offer: &[u8; 32]) -> Secret<32> {
        let ikm: Vec<&[u8]> = self.parts().collect();
        hkdf(offer, &ikm, &[label::HANDSHAKE_IDENTITY.as_bytes()])
    }

    /// T = H[label, h1, claim, DH4 present]
    pub(super) fn transcript(&self, offer: &[u8; 32], claim: &[u8]) -> [u8; 32] {
        let items = [Item::Bytes(offer), Item::Bytes(claim), Item::Bool(self.dh4.is_some())];
        hash(label::HANDSHAKE_TRANSCRIPT, &items)
    }

    /// secret = HKDF(salt 0, ikm = 32×0xFF ‖ DH1 ‖ DH2 ‖ DH3 ‖ [DH4] ‖ SS ‖ [resumption secret], info = label ‖ T), cut
    /// into five keys. The secrets are used up.
    pub(super) fn establish(
        self,
        dh1: &Secret<32>,
        resumption: Option<&Resumption>,
        transcript: [u8; 32],
    ) -> Result<Established> {
        let mut ikm: Vec<&[u8]> = alloc::vec![&[0xff; 32], dh1.expose_secret()];
        ikm.extend(self.parts());
        ikm.extend(resumption.map(|resumption| resumption.secret().expose_secret().as_slice()));
        let info: [&[u8]; 2] = [label::HANDSHAKE_SECRET.as_bytes(), &transcript];
        let secret: Secret<160> = hkdf(&[0; 32], &ikm, &info);
        let (keys, _) = secret.expose_secret().as_chunks::<32>();
        let [root_key, header_key, next_header_key, braid_authenticator, braid_chains] = keys else {
            return Err(Error::Malformed);
        };
        Ok(Established {
            transcript,
            root_key: Secret::from_slice(root_key)?,
            header_key: Secret::from_slice(header_key)?,
            next_header_key: Secret::from_slice(next_header_key)?,
            braid_authenticator: Secret::from_slice(braid_authenticator)?,
            braid_chains: Secret::from_slice(braid_chains)?,
        })
    }
}
