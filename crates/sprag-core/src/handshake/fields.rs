//! The handshake's fields on the wire: what an initial slot carries before its slot.
//!
//! It does not know what they yield.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::crypto::dh::DhPublic;
use crate::crypto::hash::sha256;
use crate::crypto::kem::CIPHERTEXT;
use crate::error::{Error, Result};
use crate::label;
use crate::prekey::PrekeyId;
use crate::wire::{Reader, Writer};

/// The most bytes of the sealed identity: a claim with an account id of 64 bytes and a resumption id, and a tag.
pub const MAX_SEALED_ID: usize = 199;

/// The five fields by which a first message begins a session, made once and repeated verbatim until answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The signed prekey that was used.
    pub signed_prekey: PrekeyId,
    /// The one-time prekey that was used, if any.
    pub one_time_prekey: Option<PrekeyId>,
    /// EK, the initiator's ephemeral X25519 key.
    pub ephemeral: DhPublic,
    /// The ML-KEM-1024 ciphertext.
    pub ciphertext: Box<[u8; CIPHERTEXT]>,
    /// The initiator's claim, sealed.
    pub sealed_id: Vec<u8>,
}

impl Fields {
    /// Writes five elements of the array that an initial slot is.
    pub fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.signed_prekey.0);
        match &self.one_time_prekey {
            Some(id) => writer.bytes(&id.0),
            None => writer.null(),
        };
        writer.bytes(self.ephemeral.as_bytes()).bytes(self.ciphertext.as_slice()).bytes(&self.sealed_id);
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// [`Error::BadKey`] for an ephemeral key that is not canonical or of small order, [`Error::TooLarge`],
    /// [`Error::Malformed`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let signed_prekey = PrekeyId(reader.fixed()?);
        let one_time_prekey = if reader.take_null() { None } else { Some(PrekeyId(reader.fixed()?)) };
        let ephemeral = DhPublic::from_bytes(reader.fixed()?)?;
        let ciphertext = Box::new(reader.bytes()?.try_into().map_err(|_| Error::Malformed)?);
        let sealed_id = reader.bytes_max(MAX_SEALED_ID)?.to_vec();
        Ok(Self { signed_prekey, one_time_prekey, ephemeral, ciphertext, sealed_id })
    }

    /// The hash of the five fields, 32 bytes: the slot beside them binds it, so that no field can be changed even
    /// where the session is known already.
    #[must_use]
    pub fn binding(&self) -> [u8; 32] {
        let mut writer = Writer::new();
        writer.array(6).text(label::HANDSHAKE_FIELDS);
        self.write(&mut writer);
        sha256(&writer.finish())
    }
}
