//! `link.json`: a code, the offer and the answer to it, with every intermediate value computed a second time.

use sprag_core::crypto::aead;
use sprag_core::crypto::hash::{Item, hash, hkdf};
use sprag_core::identity::DeviceKeys;
use sprag_core::label;
use sprag_core::link::{LinkCode, ScannedCode};
use sprag_core::prekey::SignedPrekey;
use sprag_core::random::Random;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Reader};

use super::json::Json;
use super::who;
use crate::people::{NOW, Person, Seeded};

fn draw(seed: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    Seeded::new(seed).fill(&mut bytes);
    bytes
}

/// A sealed object, once more by hand, and what is in it.
fn object(phase: u8, object: &[u8], code: &Code, device: &DeviceKeys, seed: &str, before: &[u8]) -> Json {
    let mut reader = wire::open(object, Kind::Link, 4).unwrap();
    assert_eq!(reader.uint(), Ok(phase.into()));
    let id: [u8; 8] = reader.fixed().unwrap();
    let salt: [u8; 32] = reader.fixed().unwrap();
    let sealed = reader.bytes().unwrap();
    let info: [&[u8]; 4] = [label::LINK_KEY.as_bytes(), &[phase], &code.hash, before];
    let key: Secret<32> = hkdf(&salt, &[&code.secret], &info);
    let contents = aead::open(&key, &[0; 12], &[&[1, 9, phase], &id], sealed).unwrap();
    let digest = hash(label::LINK_CONTENTS, &[Item::Bytes(contents.expose_secret())]);
    let info: [&[u8]; 3] = [label::LINK_SALT.as_bytes(), &[phase], &digest];
    let by_hand: Secret<32> = hkdf(&draw(seed), &[device.hedge().expose_secret()], &info);
    assert_eq!((salt, id), (*by_hand.expose_secret(), code.id));
    Json::Object(vec![
        ("random", Json::hex(draw(seed))),
        ("contents", Json::hex(contents.expose_secret())),
        ("contents_hash", Json::hex(digest)),
        ("salt", Json::hex(salt)),
        ("key", Json::hex(key.expose_secret())),
        ("object", Json::hex(object)),
    ])
}

/// What is known of a code.
struct Code {
    secret: [u8; 32],
    id: [u8; 8],
    hash: [u8; 32],
}

/// The code, by hand.
fn code(shown: &LinkCode, device: &DeviceKeys) -> (Code, Json) {
    let bytes = shown.expose_bytes();
    let mut reader = wire::open(bytes, Kind::Link, 4).unwrap();
    assert_eq!(reader.uint(), Ok(0));
    let secret: [u8; 32] = reader.fixed().unwrap();
    let commitment: [u8; 32] = reader.fixed().unwrap();
    let identity = device.identity().public();
    let device_key = device.device_key();
    let keys = [Item::Bytes(device_key.as_bytes()), Item::Bytes(identity.as_bytes())];
    let [device_key, identity_key] = keys;
    let items = [Item::Bytes(b"alice"), Item::Uint(device.id().into()), device_key, identity_key];
    assert_eq!(commitment, hash(label::LINK_DEVICE, &items));
    let info: [&[u8]; 3] = [label::LINK_SECRET.as_bytes(), &NOW.to_be_bytes(), &commitment];
    let by_hand: Secret<32> = hkdf(&draw("link code"), &[device.hedge().expose_secret()], &info);
    assert_eq!(secret, *by_hand.expose_secret());
    let id: [u8; 8] = hash(label::LINK_ID, &[Item::Bytes(&secret)])[..8].try_into().unwrap();
    assert_eq!(id, shown.id().0);
    let known = Code { secret, id, hash: hash(label::LINK_CODE, &[Item::Bytes(bytes)]) };
    let check = hash(label::LINK_TEXT, &[Item::Bytes(bytes)]);
    let json = Json::Object(vec![
        ("random", Json::hex(draw("link code"))),
        ("secret", Json::hex(secret)),
        ("commitment", Json::hex(commitment)),
        ("bytes", Json::hex(bytes)),
        ("hash", Json::hex(known.hash)),
        ("id", Json::hex(id)),
        ("digits", Json::str(shown.digits())),
        ("check", Json::hex(&check[..3])),
        ("text", Json::str(shown.expose_text().as_str())),
    ]);
    (known, json)
}

/// `link.json`
pub fn file() -> Json {
    let alice = Person::new("alice");
    let mut random = Seeded::new("alice's second device");
    let device = DeviceKeys::create(&mut random);
    let (prekey, prekey_object) = SignedPrekey::create(&device, NOW, &mut random);
    let shown = LinkCode::create(&alice.account.account().id, &device, NOW, &mut Seeded::new("link code"));
    let (known, code_json) = code(&shown, &device);
    let scanned = ScannedCode::parse_text(&shown.expose_text()).unwrap();
    let mut drawn = Seeded::new("link offer");
    let (offered, offer) = scanned.offer(&alice.account, &alice.device, &alice.list, true, &mut drawn).unwrap();
    let opened = shown.open_offer(&device, &offer, NOW).unwrap();
    let answer = opened.answer(&device, &prekey_object, &mut Seeded::new("link answer")).unwrap();
    let admitted = offered.open_answer(&answer, NOW).unwrap();
    assert_eq!(admitted.device, device.entry(true));
    let before = hash(label::LINK_OFFER, &[Item::Bytes(&offer)]);
    let (seed, identity) = who::device_secrets(&device);
    assert_eq!(Reader::new(&prekey_object[1..]).array(), Ok(3));
    Json::Object(vec![
        (
            "note",
            Json::str("A new device shows a code; a device with the account key answers; the new one is admitted."),
        ),
        ("now", Json::Number(NOW)),
        ("account", Json::Object(who::person(&alice))),
        (
            "new_device",
            Json::Object(vec![
                ("device_id", Json::Number(device.id().into())),
                ("device_seed", Json::hex(seed)),
                ("device_key", Json::hex(device.device_key().as_bytes())),
                ("identity_secret", Json::hex(identity)),
                ("identity_key", Json::hex(device.identity().public().as_bytes())),
                ("device_hedge", Json::hex(device.hedge().expose_secret())),
                ("signed_prekey", who::prekey(prekey.encode().expose_secret(), &prekey_object)),
            ]),
        ),
        ("code", code_json),
        ("offer", object(1, &offer, &known, &alice.device, "link offer", &[])),
        ("offer_hash", Json::hex(before)),
        ("answer", object(2, &answer, &known, &device, "link answer", &before)),
    ])
}
