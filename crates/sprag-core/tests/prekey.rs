//! Prekeys and bundles: round trips, and every refusal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod people;

use people::{Constant, DAY, NOW, Person, Seeded, bad_dh_keys, list_of};
use sprag_core::Error;
use sprag_core::crypto::sign::SigningKey;
use sprag_core::identity::DeviceKeys;
use sprag_core::label;
use sprag_core::prekey::{
    Bundle, MAX_PREKEY, ONE_TIME_LIFETIME, OneTimePrekey, PrekeyKind, ReceivedPrekey, SIGNED_LIFETIME, SignedPrekey,
};
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Reader, Writer};

#[test]
fn a_generator_that_repeats_itself_repeats_no_prekey_and_gives_none_away() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let halves = |encoded: &[u8]| {
        let mut reader = Reader::new(encoded);
        reader.array_of(6).unwrap();
        reader.uint().unwrap();
        (reader.bytes().unwrap().to_vec(), reader.bytes().unwrap().to_vec())
    };
    let mut all = Vec::new();
    for (device, now) in [(&alice.device, NOW), (&bob.device, NOW), (&alice.device, NOW + 1)] {
        let signed = SignedPrekey::create(device, now, &mut Constant).0.encode();
        let one_time = OneTimePrekey::create(device, now, &mut Constant).0.encode();
        all.extend([halves(signed.expose_secret()), halves(one_time.expose_secret())]);
    }
    for (at, (dh, kem)) in all.iter().enumerate() {
        assert!(*dh != [7; 32] && *kem != [7; 64]);
        assert!(all[..at].iter().all(|(other_dh, other_kem)| other_dh != dh && other_kem != kem));
    }
}

/// The body of a prekey object.
fn body_of(object: &[u8]) -> Vec<u8> {
    wire::open(object, Kind::Prekey, 2).unwrap().bytes().unwrap().to_vec()
}

fn object(body: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let mut writer = wire::begin(Kind::Prekey, 2);
    writer.bytes(body).bytes(signature);
    writer.finish()
}

fn device_signer(device: &DeviceKeys) -> SigningKey {
    let secret = device.encode();
    let mut reader = Reader::new(secret.expose_secret());
    reader.array_of(3).unwrap();
    reader.uint().unwrap();
    SigningKey::from_seed(&Secret::new(reader.fixed().unwrap()))
}

/// Verifies a bundle of Bob's with these objects.
fn verify(bob: &Person, signed: &[u8], one_time: Option<&[u8]>, now: u64) -> Result<bool, Error> {
    let signed = ReceivedPrekey::parse(signed)?;
    let one_time = one_time.map(ReceivedPrekey::parse).transpose()?;
    Bundle { list: &bob.list, device: bob.device.id(), signed: &signed, one_time: one_time.as_ref() }
        .verify(now)
        .map(|bundle| bundle.has_one_time())
}

#[test]
fn a_bundle_verifies() {
    let bob = Person::new("bob");
    assert_eq!(verify(&bob, &bob.signed_object, Some(&bob.one_time_object), NOW), Ok(true));
    assert_eq!(verify(&bob, &bob.signed_object, None, NOW), Ok(false));
    let bundle = bob.bundle(true);
    assert_eq!(bundle.account(), bob.account.account());
    assert_eq!(bundle.device(), &bob.device.entry(true));
}

#[test]
fn both_sides_give_a_prekey_one_id() {
    let bob = Person::new("bob");
    let received = ReceivedPrekey::parse(&bob.signed_object).unwrap();
    assert_eq!(received.id(), bob.signed.id());
    assert_eq!(received.kind(), PrekeyKind::Signed);
    assert_eq!(received.device(), bob.device.id());
    assert_eq!(received.created(), NOW);
    assert_ne!(bob.signed.id(), bob.one_time.id());
}

#[test]
fn private_halves_round_trip_and_keep_their_kind() {
    let bob = Person::new("bob");
    let stored = bob.signed.encode();
    let again = SignedPrekey::decode(stored.expose_secret()).unwrap();
    assert_eq!(again.id(), bob.signed.id());
    assert_eq!(again.object(&bob.device), bob.signed_object);
    assert_eq!((again.created(), again.expires()), (NOW, NOW + SIGNED_LIFETIME));
    assert_eq!(OneTimePrekey::decode(stored.expose_secret()).err(), Some(Error::Mismatch));
    let stored = bob.one_time.encode();
    let again = OneTimePrekey::decode(stored.expose_secret()).unwrap();
    assert_eq!(again.object(&bob.device), bob.one_time_object);
    assert_eq!(SignedPrekey::decode(stored.expose_secret()).err(), Some(Error::Mismatch));
    for length in 0..stored.expose_secret().len() {
        assert!(OneTimePrekey::decode(&stored.expose_secret()[..length]).is_err());
    }
}

#[test]
fn a_prekey_of_the_other_kind_is_refused() {
    let bob = Person::new("bob");
    assert_eq!(verify(&bob, &bob.one_time_object, None, NOW), Err(Error::Mismatch));
    assert_eq!(verify(&bob, &bob.signed_object, Some(&bob.signed_object), NOW), Err(Error::Mismatch));
}

#[test]
fn a_prekey_of_another_device_is_refused() {
    let (bob, carol) = (Person::new("bob"), Person::new("carol"));
    assert_eq!(verify(&bob, &carol.signed_object, None, NOW), Err(Error::Mismatch));
    assert_eq!(verify(&bob, &bob.signed_object, Some(&carol.one_time_object), NOW), Err(Error::Mismatch));
    // Carol's device calls itself Bob's.
    let mut writer = Writer::new();
    writer.array(3).uint(bob.device.id().into()).bytes(&[1; 32]).bytes(&[2; 32]);
    let impostor = DeviceKeys::decode(&writer.finish()).unwrap();
    let (_, forged) = SignedPrekey::create(&impostor, NOW, &mut Seeded::new("forged"));
    assert_eq!(verify(&bob, &forged, None, NOW), Err(Error::BadSignature));
    // A device that the list does not have.
    let received = ReceivedPrekey::parse(&bob.signed_object).unwrap();
    let bundle = Bundle { list: &carol.list, device: bob.device.id(), signed: &received, one_time: None };
    assert_eq!(bundle.verify(NOW).err(), Some(Error::Mismatch));
}

#[test]
fn an_unsigned_prekey_is_refused() {
    let bob = Person::new("bob");
    for good in [&bob.signed_object, &bob.one_time_object] {
        let unsigned = object(&body_of(good), &[0; 64]);
        let parsed = ReceivedPrekey::parse(&unsigned).unwrap();
        let result = match parsed.kind() {
            PrekeyKind::Signed => verify(&bob, &unsigned, None, NOW),
            PrekeyKind::OneTime => verify(&bob, &bob.signed_object, Some(&unsigned), NOW),
        };
        assert_eq!(result, Err(Error::BadSignature));
    }
    // Signed by the right key under another label.
    let body = body_of(&bob.signed_object);
    let other = object(&body, &device_signer(&bob.device).sign(label::ENTRY_SIGNATURE, &body));
    assert_eq!(verify(&bob, &other, None, NOW), Err(Error::BadSignature));
}

#[test]
fn signatures_and_keys_swapped_between_prekeys_are_refused() {
    let mut bob = Person::new("bob");
    let (_, second) = OneTimePrekey::create(&bob.device, NOW, &mut bob.random);
    let mut reader = wire::open(&second, Kind::Prekey, 2).unwrap();
    reader.bytes().unwrap();
    let swapped = object(&body_of(&bob.one_time_object), &reader.fixed().unwrap());
    assert_eq!(verify(&bob, &bob.signed_object, Some(&swapped), NOW), Err(Error::BadSignature));
}

#[test]
fn every_flipped_byte_of_a_prekey_is_refused() {
    let bob = Person::new("bob");
    for at in 0..bob.signed_object.len() {
        let mut bytes = bob.signed_object.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(verify(&bob, &bytes, None, NOW).is_err(), "byte {at}");
    }
    for length in (0..bob.signed_object.len()).step_by(7) {
        assert!(ReceivedPrekey::parse(&bob.signed_object[..length]).is_err());
    }
    assert_eq!(ReceivedPrekey::parse(&vec![0; MAX_PREKEY + 1]).err(), Some(Error::TooLarge));
}

#[test]
fn another_object_is_no_prekey() {
    let bob = Person::new("bob");
    assert_eq!(ReceivedPrekey::parse(bob.list.as_bytes()).err(), Some(Error::Mismatch));
    assert_eq!(sprag_core::identity::DeviceList::open(&bob.signed_object), Err(Error::Mismatch));
}

#[test]
fn expiry_tolerates_a_day() {
    let bob = Person::new("bob");
    assert_eq!(verify(&bob, &bob.signed_object, None, NOW - DAY), Ok(false));
    assert_eq!(verify(&bob, &bob.signed_object, None, NOW - DAY - 1), Err(Error::Expired), "not valid yet");
    // The list expires first; with a fresh one the prekeys' own expiry decides.
    assert_eq!(verify(&bob, &bob.signed_object, None, NOW + 36 * DAY + 1), Err(Error::Expired));
    let mut random = Seeded::new("old keys");
    let (_, old) = SignedPrekey::create(&bob.device, NOW - SIGNED_LIFETIME - DAY, &mut random);
    assert_eq!(verify(&bob, &old, None, NOW), Ok(false));
    let (_, old) = SignedPrekey::create(&bob.device, NOW - SIGNED_LIFETIME - DAY - 1, &mut random);
    assert_eq!(verify(&bob, &old, None, NOW), Err(Error::Expired));
    let (_, old) = OneTimePrekey::create(&bob.device, NOW - ONE_TIME_LIFETIME - DAY - 1, &mut random);
    assert_eq!(verify(&bob, &bob.signed_object, Some(&old), NOW), Err(Error::Expired));
}

/// A prekey body with fields of the forger's choice, signed by the device itself.
fn forged(bob: &Person, kind: u64, dh: &[u8], kem: &[u8], expires: u64, extension: Option<u64>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(6 + usize::from(extension.is_some())).uint(bob.device.id().into()).uint(kind);
    writer.bytes(dh).bytes(kem).uint(NOW).uint(expires);
    if let Some(key) = extension {
        writer.map(1).uint(key).bytes(&[]);
    }
    let body = writer.finish();
    object(&body, &device_signer(&bob.device).sign(label::PREKEY_SIGNATURE, &body))
}

#[test]
fn bad_keys_and_fields_are_refused_though_well_signed() {
    let bob = Person::new("bob");
    let body = body_of(&bob.signed_object);
    let mut reader = Reader::new(&body);
    reader.array_of(6).unwrap();
    reader.uint().unwrap();
    reader.uint().unwrap();
    let (dh, kem) = (reader.bytes().unwrap(), reader.bytes().unwrap());
    let then = NOW + DAY;
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, kem, then, None), None, NOW), Ok(false), "sound before it is bent");
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, kem, then, Some(1)), None, NOW), Ok(false), "an odd extension");
    for key in bad_dh_keys() {
        assert_eq!(verify(&bob, &forged(&bob, 1, &key, kem, then, None), None, NOW), Err(Error::BadKey));
        let one_time = forged(&bob, 2, &key, kem, then, None);
        assert_eq!(verify(&bob, &bob.signed_object, Some(&one_time), NOW), Err(Error::BadKey));
    }
    // A coefficient of q: FIPS 203's modulus check.
    let mut unreduced = kem.to_vec();
    unreduced[0] = 0x01;
    unreduced[1] = (unreduced[1] & 0xf0) | 0x0d;
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, &unreduced, then, None), None, NOW), Err(Error::BadKey));
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, &kem[1..], then, None), None, NOW), Err(Error::Malformed));
    assert_eq!(verify(&bob, &forged(&bob, 1, &dh[1..], kem, then, None), None, NOW), Err(Error::Malformed));
    assert_eq!(verify(&bob, &forged(&bob, 3, dh, kem, then, None), None, NOW), Err(Error::Unsupported));
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, kem, NOW, None), None, NOW), Err(Error::Malformed));
    assert_eq!(verify(&bob, &forged(&bob, 1, dh, kem, then, Some(2)), None, NOW), Err(Error::Unsupported));
}

#[test]
fn a_device_of_another_version_only_is_not_written_to() {
    let bob = Person::new("bob");
    let mut entry = bob.device.entry(true);
    entry.versions = vec![2];
    let entries = [bob.device.sign_entry(bob.account.account(), &entry).unwrap()];
    let list = sprag_core::identity::NewList {
        sequence: 1,
        previous: [0; 32],
        issued: NOW,
        expires: NOW + DAY,
        ready: true,
        devices: &entries,
        extensions: wire::Extensions::new(),
    }
    .sign(&bob.account)
    .unwrap();
    let signed = ReceivedPrekey::parse(&bob.signed_object).unwrap();
    let bundle = Bundle { list: &list, device: bob.device.id(), signed: &signed, one_time: None };
    assert_eq!(bundle.verify(NOW).err(), Some(Error::Unsupported));
}

#[test]
fn the_newest_signed_prekey_of_the_device_is_picked() {
    let mut bob = Person::new("bob");
    let other = DeviceKeys::create(&mut bob.random);
    let list = list_of(&bob.account, &[&bob.device, &other], 2, *bob.list.hash());
    let (newer, newer_object) = SignedPrekey::create(&bob.device, NOW + 1, &mut bob.random);
    let (_, foreign) = SignedPrekey::create(&other, NOW + 2, &mut bob.random);
    let received: Vec<ReceivedPrekey> = [&bob.signed_object, &newer_object, &foreign, &bob.one_time_object]
        .iter()
        .map(|object| ReceivedPrekey::parse(object).unwrap())
        .collect();
    let bundle = Bundle::pick(&list, bob.device.id(), &received).unwrap();
    assert_eq!(bundle.signed.id(), newer.id());
    assert_eq!(bundle.one_time.unwrap().id(), bob.one_time.id());
    assert!(bundle.verify(NOW).unwrap().has_one_time());
    assert!(Bundle::pick(&list, other.id(), &received).unwrap().one_time.is_none());
    assert_eq!(Bundle::pick(&list, bob.device.id(), &received[3..]).err(), Some(Error::KeyGone));
}
