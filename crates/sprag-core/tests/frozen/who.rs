//! `lists.json` and `prekeys.json`: accounts, devices, lists, safety numbers, prekeys.

use sprag_core::crypto::hash::{Item, hash, sha512};
use sprag_core::identity::{DeviceKeys, DeviceList, NewList};
use sprag_core::label;
use sprag_core::safety_number::SafetyNumber;
use sprag_core::wire::{self, Extensions, Kind, Reader, Writer};

use super::json::Json;
use crate::people::{DAY, NOW, Person, list_of};

/// The private keys of a device: Ed25519 seed, X25519 secret.
pub fn device_secrets(device: &DeviceKeys) -> ([u8; 32], [u8; 32]) {
    let secret = device.encode();
    let mut reader = Reader::new(secret.expose_secret());
    reader.array_of(3).unwrap();
    reader.uint().unwrap();
    (reader.fixed().unwrap(), reader.fixed().unwrap())
}

/// The private halves of a prekey: X25519 secret, ML-KEM seed.
pub fn prekey_secrets(encoded: &[u8]) -> ([u8; 32], [u8; 64]) {
    let mut reader = Reader::new(encoded);
    reader.array_of(6).unwrap();
    reader.uint().unwrap();
    (reader.fixed().unwrap(), reader.fixed().unwrap())
}

/// Body and signature of a signed object.
pub fn signed_parts(object: &[u8], kind: Kind) -> (Vec<u8>, [u8; 64]) {
    let mut reader = wire::open(object, kind, 2).unwrap();
    (reader.bytes().unwrap().to_vec(), reader.fixed().unwrap())
}

/// Everything about a person's account and device.
pub fn person(person: &Person) -> Vec<(&'static str, Json)> {
    let (device_seed, identity_secret) = device_secrets(&person.device);
    vec![
        ("account_id", Json::hex(person.account.account().id.as_bytes())),
        ("account_seed", Json::hex(person.account.expose_seed())),
        ("account_key", Json::hex(person.account.account().key.as_bytes())),
        ("account_fingerprint", Json::hex(person.account.account().fingerprint())),
        ("device_id", Json::Number(person.device.id().into())),
        ("device_seed", Json::hex(device_seed)),
        ("device_key", Json::hex(person.device.device_key().as_bytes())),
        ("identity_secret", Json::hex(identity_secret)),
        ("identity_key", Json::hex(person.device.identity().public().as_bytes())),
        ("device_hedge", Json::hex(person.device.hedge().expose_secret())),
        ("list", Json::hex(person.list.as_bytes())),
    ]
}

fn list(list: &DeviceList) -> Json {
    let (body, signature) = signed_parts(list.as_bytes(), Kind::List);
    let digest = hash(label::LIST_HASH, &[Item::Bytes(&body)]);
    assert_eq!(digest, *list.hash());
    let devices = list.devices().map(|device| {
        Json::Object(vec![
            ("id", Json::Number(device.id.into())),
            ("device_key", Json::hex(device.device_key.as_bytes())),
            ("identity_key", Json::hex(device.identity_key.as_bytes())),
            ("versions", Json::List(device.versions.iter().map(|v| Json::Number((*v).into())).collect())),
            ("holds_account_key", Json::Bool(device.holds_account_key)),
        ])
    });
    Json::Object(vec![
        ("object", Json::hex(list.as_bytes())),
        ("body", Json::hex(&body)),
        ("signature", Json::hex(signature)),
        ("hash", Json::hex(list.hash())),
        ("account_id", Json::hex(list.account().id.as_bytes())),
        ("account_key", Json::hex(list.account().key.as_bytes())),
        ("sequence", Json::Number(list.sequence())),
        ("previous", Json::hex(list.previous())),
        ("issued", Json::Number(list.issued())),
        ("expires", Json::Number(list.expires())),
        ("ready", Json::Bool(list.ready())),
        ("devices", Json::List(devices.collect())),
    ])
}

/// A chain of lists: one device, two devices, an extension.
pub fn chain(alice: &mut Person) -> Vec<DeviceList> {
    let second = DeviceKeys::create(&mut alice.random);
    let two = list_of(&alice.account, &[&alice.device, &second], 2, *alice.list.hash());
    let mut extensions = Extensions::new();
    extensions.insert(7, b"later".to_vec());
    let mut entry = alice.device.entry(true);
    entry.versions = vec![1, 2];
    entry.extensions = extensions.clone();
    let entries = [alice.device.sign_entry(alice.account.account(), &entry).unwrap()];
    let three = NewList {
        sequence: 3,
        previous: *two.hash(),
        issued: NOW + 14 * DAY,
        expires: NOW + 49 * DAY,
        ready: false,
        devices: &entries,
        extensions,
    };
    vec![alice.list.clone(), two, three.sign(&alice.account).unwrap()]
}

/// `lists.json`
pub fn lists() -> Json {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let number = SafetyNumber::between(alice.account.account(), bob.account.account());
    let mut ordered = [alice.account.account(), bob.account.account()];
    ordered.sort_by_key(|account| account.key);
    let mut hashed = Writer::new();
    hashed.array(5).text(label::SAFETY_NUMBER);
    for account in ordered {
        hashed.bytes(account.id.as_bytes()).bytes(account.key.as_bytes());
    }
    let hashed = hashed.finish();
    assert_eq!(sha512(&hashed), *number.as_bytes());
    let people = [&alice, &bob].map(|p| Json::Object(person(p)));
    Json::Object(vec![
        ("note", Json::str("Device lists and the safety number. Bytes are hexadecimal, times unix seconds.")),
        ("people", Json::List(people.to_vec())),
        ("lists", Json::List(chain(&mut alice).iter().map(list).collect())),
        (
            "safety_number",
            Json::Object(vec![
                ("hashed", Json::hex(&hashed)),
                ("sha512", Json::hex(number.as_bytes())),
                ("digits", Json::str(number.digits())),
                ("scannable", Json::str(number.scannable())),
            ]),
        ),
    ])
}

/// What is frozen of a prekey.
pub fn prekey(encoded: &[u8], object: &[u8]) -> Json {
    let (dh, kem) = prekey_secrets(encoded);
    let (body, signature) = signed_parts(object, Kind::Prekey);
    let digest = hash(label::PREKEY_HASH, &[Item::Bytes(object)]);
    Json::Object(vec![
        ("dh_secret", Json::hex(dh)),
        ("kem_seed", Json::hex(kem)),
        ("object", Json::hex(object)),
        ("body", Json::hex(body)),
        ("signature", Json::hex(signature)),
        ("hash", Json::hex(digest)),
        ("id", Json::hex(&digest[..8])),
    ])
}

/// `prekeys.json`
pub fn prekeys() -> Json {
    let bob = Person::new("bob");
    Json::Object(vec![
        ("note", Json::str("A signed and a one-time prekey, with their private halves.")),
        ("now", Json::Number(NOW)),
        ("owner", Json::Object(person(&bob))),
        ("signed", prekey(bob.signed.encode().expose_secret(), &bob.signed_object)),
        ("one_time", prekey(bob.one_time.encode().expose_secret(), &bob.one_time_object)),
    ])
}
