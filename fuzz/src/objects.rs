//! Decoders of everything that comes from others, and of what comes from one's own store: whatever is accepted means one
//! thing, and is written again as it was read.

use std::sync::OnceLock;

use sprag_core::content::{Content, Continues, Conversation};
use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{Item, hash, hkdf};
use sprag_core::crypto::kem::KemPublic;
use sprag_core::envelope::Envelope;
use sprag_core::franking::Audience;
use sprag_core::handshake::{Fields, unseal};
use sprag_core::identity::{AccountId, DeviceKeys, DeviceList, Pin, SignedEntry};
use sprag_core::prekey::{Bundle, OneTimePrekey, ReceivedPrekey, SignedPrekey};
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Extensions, Kind, Reader, VERSION, Writer};
use sprag_core::{Error, Result, label};

use crate::Input;
use crate::people::{NOW, Person};

/// The two of whom everything is.
pub(crate) fn alice_and_bob() -> &'static [Person; 2] {
    static PEOPLE: OnceLock<[Person; 2]> = OnceLock::new();
    PEOPLE.get_or_init(|| [Person::new("alice"), Person::new("bob")])
}

/// Any CBOR item that the reader accepts is written again as the same bytes.
pub(crate) fn wire(bytes: &[u8]) {
    let _ = wire::kind_of(bytes);
    let mut reader = Reader::new(bytes);
    let mut writer = Writer::new();
    if copy_item(&mut reader, &mut writer, 16).is_ok() {
        let read = &bytes[..bytes.len() - reader.rest().len()];
        assert_eq!(writer.finish(), read, "another encoding was accepted");
    }
    if let Ok(extensions) = Extensions::read(&mut Reader::new(bytes), &[2]) {
        let mut writer = Writer::new();
        extensions.write(&mut writer);
        assert!(bytes.starts_with(&writer.finish()) && !extensions.is_empty());
    }
}

fn copy_item(reader: &mut Reader<'_>, writer: &mut Writer, depth: usize) -> Result<()> {
    let first = reader.rest().first().copied().ok_or(Error::Malformed)?;
    match first >> 5 {
        0 => writer.uint(reader.uint()?),
        2 => writer.bytes(reader.bytes()?),
        3 => writer.text(reader.text()?),
        4 if depth > 0 => {
            let length = reader.array()?;
            writer.array(length);
            return (0..length).try_for_each(|_| copy_item(reader, writer, depth - 1));
        }
        5 if depth > 0 => {
            let length = reader.map()?;
            writer.map(length);
            return (0..2 * length).try_for_each(|_| copy_item(reader, writer, depth - 1));
        }
        _ if reader.take_null() => writer.null(),
        _ => writer.bool(reader.bool()?),
    };
    Ok(())
}

/// A list that opens can be reopened and is the same; one that can be reopened need not open, and harms nobody.
pub(crate) fn list(bytes: &[u8]) {
    let reopened = DeviceList::reopen(bytes);
    match DeviceList::open(bytes) {
        Ok(opened) => assert!(reopened.as_ref() == Ok(&opened)),
        Err(_) if reopened.is_err() => {}
        Err(error) => assert!(matches!(error, Error::BadSignature | Error::BadKey), "{error}"),
    }
    let Ok(list) = reopened else { return };
    assert_eq!(list.as_bytes(), bytes);
    assert!(list.sequence() > 0 && list.devices().count() > 0);
    let _ = list.check_time(NOW);
    let pin = Pin::first(&list);
    assert_eq!(pin.accept(&list).unwrap().pin, pin);
    let [alice, _] = alice_and_bob();
    let _ = Pin::first(&alice.list).accept(&list);
    let _ = pin.check_old(&alice.list);
}

/// A device's entry, in a list around it whose signatures nobody looks at.
pub(crate) fn entry(bytes: &[u8]) {
    let [alice, _] = alice_and_bob();
    let account = alice.account.account();
    let mut body = Writer::new();
    body.array(8).bytes(account.id.as_bytes()).bytes(account.key.as_bytes()).uint(1).bytes(&[0; 32]);
    body.uint(NOW).uint(NOW + 1).bool(true).array(1).array(2).bytes(bytes).bytes(&[0; 64]);
    let mut object = wire::begin(Kind::List, 2);
    object.bytes(&body.finish()).bytes(&[0; 64]);
    let object = object.finish();
    assert!(DeviceList::open(&object).is_err(), "nobody signed this");
    if let Ok(list) = DeviceList::reopen(&object) {
        let device = list.devices().next().unwrap();
        assert!(device.versions.is_sorted() && !device.versions.is_empty());
        let _ = device.reads_this_version();
    }
}

/// What is remembered of a contact's lists, as it comes from one's own store.
pub(crate) fn pin(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(pin) = Pin::read(&mut reader) else { return };
    let mut writer = Writer::new();
    pin.write(&mut writer);
    assert!(bytes.starts_with(&writer.finish()));
    let [alice, bob] = alice_and_bob();
    for list in [&alice.list, &bob.list] {
        if let Ok(accepted) = pin.accept(list) {
            assert!(accepted.pin.sequence() >= pin.sequence());
        }
        let _ = pin.check_old(list);
    }
}

/// A received prekey, and our own ones and device keys, as they come from one's own store.
pub(crate) fn prekey(bytes: &[u8]) {
    if let Ok(prekey) = ReceivedPrekey::parse(bytes) {
        let id = prekey.id();
        assert_eq!(ReceivedPrekey::parse(bytes).unwrap().id(), id);
    }
    if let Ok(ours) = SignedPrekey::decode(bytes) {
        assert_eq!(ours.encode().expose_secret(), bytes);
    }
    if let Ok(ours) = OneTimePrekey::decode(bytes) {
        assert_eq!(ours.encode().expose_secret(), bytes);
    }
    if let Ok(ours) = DeviceKeys::decode(bytes) {
        assert_eq!(ours.encode().expose_secret(), bytes);
    }
}

/// What a directory returns: a list, and prekeys. Nothing is used that its device did not sign.
pub(crate) fn bundle(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Ok(list) = DeviceList::reopen(input.part()) else { return };
    let prekeys: Vec<_> = input.parts(8).into_iter().filter_map(|part| ReceivedPrekey::parse(part).ok()).collect();
    for device in list.devices().map(|entry| entry.id) {
        let Ok(bundle) = Bundle::pick(&list, device, &prekeys) else { continue };
        assert!(prekeys.iter().all(|other| other.device() != device
            || other.kind() != bundle.signed.kind()
            || other.created() <= bundle.signed.created()));
        if let Ok(verified) = bundle.verify(NOW) {
            assert_eq!(verified.device().id, device);
            assert_eq!(verified.has_one_time(), bundle.one_time.is_some());
        }
    }
}

/// The handshake's fields, and what the responder makes of them.
pub(crate) fn fields(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(fields) = reader.array_of(5).and_then(|()| Fields::read(&mut reader)) else { return };
    let mut writer = Writer::new();
    writer.array(5);
    fields.write(&mut writer);
    assert!(bytes.starts_with(&writer.finish()));
    let _ = fields.binding();
    let [_, bob] = alice_and_bob();
    let one_time = fields.one_time_prekey.map(|_| bob.take_one_time());
    let _ = unseal(bob.account.account(), &bob.device, &bob.signed, one_time, &fields);
}

/// What is constant of a handshake with Bob, so that a fuzzer can choose what the initiator claims.
struct Offer {
    fields: Fields,
    identity_key: Secret<32>,
}

impl Offer {
    fn get() -> &'static Self {
        static OFFER: OnceLock<Offer> = OnceLock::new();
        OFFER.get_or_init(Self::make)
    }

    fn make() -> Self {
        let [_, bob] = alice_and_bob();
        let ephemeral = DhSecret::from_secret(Secret::new([9; 32])).public();
        let (ciphertext, shared) = kem_of(&bob.signed_object).encapsulate(Secret::new([3; 32]));
        let dh2 = bob.device.identity().agree(&ephemeral).unwrap();
        let dh3 = bob.signed.ratchet_key().agree(&ephemeral).unwrap();
        let account = bob.account.account();
        let offer = hash(
            label::HANDSHAKE_OFFER,
            &[
                Item::Uint(VERSION.into()),
                Item::Bytes(account.id.as_bytes()),
                Item::Bytes(account.key.as_bytes()),
                Item::Uint(bob.device.id().into()),
                Item::Bytes(bob.device.device_key().as_bytes()),
                Item::Bytes(bob.device.identity().public().as_bytes()),
                Item::Bytes(&hash(label::PREKEY_HASH, &[Item::Bytes(&bob.signed_object)])),
                Item::Null,
                Item::Bytes(ephemeral.as_bytes()),
                Item::Bytes(ciphertext.as_slice()),
            ],
        );
        let parts: [&[u8]; 3] = [dh2.expose_secret(), dh3.expose_secret(), shared.expose_secret()];
        let identity_key = hkdf(&offer, &parts, &[label::HANDSHAKE_IDENTITY.as_bytes()]);
        let signed_prekey = bob.signed.id();
        let fields = Fields { signed_prekey, one_time_prekey: None, ephemeral, ciphertext, sealed_id: Vec::new() };
        Self { fields, identity_key }
    }
}

/// The KEM's public key in a prekey.
fn kem_of(object: &[u8]) -> KemPublic {
    let mut reader = wire::open(object, Kind::Prekey, 2).unwrap();
    let mut body = Reader::new(reader.bytes().unwrap());
    body.array().unwrap();
    body.uint().and_then(|_| body.uint()).unwrap();
    DhPublic::from_bytes(body.fixed().unwrap()).unwrap();
    KemPublic::from_slice(body.bytes().unwrap()).unwrap()
}

/// What an initiator claims, sealed as it should be.
pub(crate) fn claim(bytes: &[u8]) {
    let [alice, bob] = alice_and_bob();
    let offer = Offer::get();
    let sealed_id = aead::seal(&offer.identity_key, &[0; aead::NONCE], &[], bytes).unwrap();
    let fields = Fields { sealed_id, ..offer.fields.clone() };
    let account = bob.account.account();
    match unseal(account, &bob.device, &bob.signed, None, &fields) {
        Ok(unsealed) => {
            let claim = unsealed.claim();
            assert!(claim.device_key != bob.device.device_key());
            assert!(claim.check(&alice.list).is_err() || claim.account == *alice.account.account());
            let named = claim.resumption.is_some();
            assert_eq!(unsealed.finish(None).err(), named.then_some(Error::KeyGone));
        }
        Err(error) => assert_ne!(error, Error::Open, "the claim was sealed as it should be"),
    }
}

/// An envelope: nothing of it opens under a key that it was not made with.
pub(crate) fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::parse(bytes) else { return };
    assert!(!envelope.slots().is_empty() || !envelope.initial().is_empty());
    assert!(envelope.initial().iter().all(|initial| initial.fields_hash == initial.fields.binding()));
    assert!(bytes.windows(32).any(|window| window == envelope.commitment()));
    assert!(envelope.open(&Secret::new([7; 32])).is_err());
}

/// A content that is read is written again as it was, and so is what some contents carry.
pub(crate) fn content(bytes: &[u8]) {
    if let Ok(content) = Content::decode(bytes) {
        assert_eq!(content.encode().unwrap().expose_secret(), bytes);
        let [alice, bob] = alice_and_bob().each_ref().map(|person| &person.account.account().id);
        let own = Audience::of(&content.conversation, alice, alice);
        assert!(own.is_err() || content.conversation != Conversation::Direct { recipient: None });
        assert_eq!(
            Audience::of(&content.conversation, alice, bob).is_ok(),
            may_read(&content.conversation, alice, bob)
        );
    }
    if let Ok(continues) = Continues::decode_all(bytes) {
        assert_eq!(Continues::encode_all(&continues), bytes);
    }
    if let Ok(entry) = SignedEntry::decode(bytes) {
        assert_eq!(entry.encode(), bytes);
    }
}

fn may_read(conversation: &Conversation, sender: &AccountId, reader: &AccountId) -> bool {
    match conversation {
        Conversation::Direct { recipient } => recipient.as_ref().is_none_or(|recipient| recipient == reader),
        Conversation::Room { members, .. } => members.contains(sender) && members.contains(reader),
    }
}

/// Padding has one form for each length.
pub(crate) fn padding(bytes: &[u8]) {
    use sprag_core::padding::{pad, unpad};
    let padded = pad(bytes).unwrap();
    assert_eq!(unpad(&padded).unwrap(), bytes);
    if let Ok(content) = unpad(bytes) {
        assert_eq!(pad(content).unwrap().as_slice(), bytes);
    }
}

/// The text of a scanned code, and digits that somebody typed.
pub(crate) fn scan(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let [alice, bob] = alice_and_bob();
    let ours = SafetyNumber::between(alice.account.account(), bob.account.account());
    if let Ok(number) = SafetyNumber::parse_scannable(text) {
        assert_eq!(number.scannable(), text);
        assert_eq!(ours.matches_scan(text), Ok(number == ours));
    }
    if ours.matches_digits(text) == Ok(true) {
        let digits: String = text.split_whitespace().collect();
        assert_eq!(digits, ours.digits());
    }
}
