//! `handshake.json`: three handshakes with every intermediate value.

use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{Item, hash, hkdf};
use sprag_core::crypto::kem::KemSecret;
use sprag_core::handshake::{Resumption, initiate, unseal};
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::secret::Secret;
use sprag_core::wire::Writer;

use super::json::Json;
use super::who;
use crate::people::{Person, Seeded};

/// `handshake.json`
pub fn file() -> Json {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let mut responder = who::person(&bob);
    responder.push(("signed_prekey", who::prekey(bob.signed.encode().expose_secret(), &bob.signed_object)));
    responder.push(("one_time_prekey", who::prekey(bob.one_time.encode().expose_secret(), &bob.one_time_object)));
    let root_key = Secret::new([0x55; 32]);
    let resumption = Resumption::derive(&root_key, &[0x66; 32]);
    let epoch_root = Secret::new([0x77; 32]);
    let next = resumption.next(&epoch_root, &[0x66; 32]);
    let cases = [
        case("with a one-time prekey", &alice, &bob, true, None),
        case("on the signed prekey only", &alice, &bob, false, None),
        case("resumed", &alice, &bob, true, Some(&resumption)),
    ];
    Json::Object(vec![
        ("note", Json::str("The handshake, from the initiator's 32 random bytes to the session's first keys.")),
        ("initiator", Json::Object(who::person(&alice))),
        ("responder", Json::Object(responder)),
        (
            "resumption",
            Json::Object(vec![
                ("root_key", Json::hex(root_key.expose_secret())),
                ("transcript", Json::hex([0x66; 32])),
                ("secret", Json::hex(resumption.secret().expose_secret())),
                ("id", Json::hex(resumption.id())),
                ("epoch_root", Json::hex(epoch_root.expose_secret())),
                ("next", Json::hex(next.secret().expose_secret())),
            ]),
        ),
        ("cases", Json::List(cases.to_vec())),
    ])
}

/// One handshake: by the library, and once more from the primitives.
fn case(name: &'static str, alice: &Person, bob: &Person, one_time: bool, resumption: Option<&Resumption>) -> Json {
    let initiated =
        initiate(alice.account.account(), &alice.device, bob.bundle(one_time), resumption, &mut Seeded::new(name))
            .unwrap();
    let mut random = [0; 32];
    Seeded::new(name).fill(&mut random);
    let fields = &initiated.fields;

    // The claim and what is fresh.
    let account = alice.account.account();
    let mut claim = Writer::new();
    claim.array(6).bytes(account.id.as_bytes()).bytes(account.key.as_bytes()).uint(alice.device.id().into());
    claim.bytes(alice.device.device_key().as_bytes()).bytes(alice.device.identity().public().as_bytes());
    match resumption {
        Some(resumption) => claim.bytes(&resumption.id()),
        None => claim.null(),
    };
    let claim = claim.finish();
    let claim_hash = hash(label::HANDSHAKE_CLAIM, &[Item::Bytes(&claim)]);
    let one_time_id = fields.one_time_prekey.map_or([0; 8], |id| id.0);
    let device_key = bob.device.device_key();
    let info: [&[u8]; 6] = [
        label::HANDSHAKE_EPHEMERAL.as_bytes(),
        device_key.as_bytes(),
        &fields.signed_prekey.0,
        &[u8::from(one_time)],
        &one_time_id,
        &claim_hash,
    ];
    let fresh: Secret<64> = hkdf(&random, &[alice.device.hedge().expose_secret()], &info);
    let ephemeral = DhSecret::from_secret(Secret::from_slice(&fresh.expose_secret()[..32]).unwrap());
    let kem_randomness: Secret<32> = Secret::from_slice(&fresh.expose_secret()[32..]).unwrap();
    assert_eq!(ephemeral.public(), fields.ephemeral);

    // The four agreements and the KEM, from the responder's secrets.
    let signed = who::prekey_secrets(bob.signed.encode().expose_secret());
    let single = who::prekey_secrets(bob.one_time.encode().expose_secret());
    let secret = |bytes: &[u8]| DhSecret::from_secret(Secret::from_slice(bytes).unwrap());
    let agree = |ours: &DhSecret, theirs: &DhPublic| *ours.agree(theirs).unwrap().expose_secret();
    let dh1 = agree(&secret(&signed.0), &alice.device.identity().public());
    let dh2 = agree(bob.device.identity(), &fields.ephemeral);
    let dh3 = agree(&secret(&signed.0), &fields.ephemeral);
    let dh4 = one_time.then(|| agree(&secret(&single.0), &fields.ephemeral));
    let kem = KemSecret::from_seed(Secret::from_slice(if one_time { &single.1 } else { &signed.1 }).unwrap());
    let shared = *kem.decapsulate(&fields.ciphertext).expose_secret();
    let mut parts = vec![dh2, dh3];
    parts.extend(dh4);
    parts.push(shared);
    let parts: Vec<&[u8]> = parts.iter().map(<[u8; 32]>::as_slice).collect();

    // h1, K1, T and the keys.
    let theirs = bob.account.account();
    let prekey_hash = |object: &[u8]| hash(label::PREKEY_HASH, &[Item::Bytes(object)]);
    let (signed_hash, one_time_hash) = (prekey_hash(&bob.signed_object), prekey_hash(&bob.one_time_object));
    let h1 = hash(
        label::HANDSHAKE_OFFER,
        &[
            Item::Uint(1),
            Item::Bytes(theirs.id.as_bytes()),
            Item::Bytes(theirs.key.as_bytes()),
            Item::Uint(bob.device.id().into()),
            Item::Bytes(bob.device.device_key().as_bytes()),
            Item::Bytes(bob.device.identity().public().as_bytes()),
            Item::Bytes(&signed_hash),
            if one_time { Item::Bytes(&one_time_hash) } else { Item::Null },
            Item::Bytes(fields.ephemeral.as_bytes()),
            Item::Bytes(&fields.ciphertext[..]),
        ],
    );
    let k1: Secret<32> = hkdf(&h1, &parts, &[label::HANDSHAKE_IDENTITY.as_bytes()]);
    assert_eq!(aead::seal(&k1, &[0; 12], &[], &claim).unwrap(), fields.sealed_id);
    let items = [Item::Bytes(&h1), Item::Bytes(&claim), Item::Bool(one_time)];
    let transcript = hash(label::HANDSHAKE_TRANSCRIPT, &items);
    let mut ikm: Vec<&[u8]> = vec![&[0xff; 32], &dh1];
    ikm.extend(&parts);
    ikm.extend(resumption.map(|resumption| resumption.secret().expose_secret().as_slice()));
    let keys: Secret<160> = hkdf(&[0; 32], &ikm, &[label::HANDSHAKE_SECRET.as_bytes(), &transcript]);

    // The responder of the library agrees.
    let taken = one_time.then(|| bob.take_one_time());
    let unsealed = unseal(theirs, &bob.device, &bob.signed, taken, fields).unwrap();
    let established = unsealed.finish(resumption).unwrap();
    for side in [&established, &initiated.established] {
        let all =
            [&side.root_key, &side.header_key, &side.next_header_key, &side.braid_authenticator, &side.braid_chains];
        assert_eq!(side.transcript, transcript);
        assert_eq!(all.map(|key| *key.expose_secret()).concat(), keys.expose_secret());
    }

    let mut encoded = Writer::new();
    encoded.array(5);
    fields.write(&mut encoded);
    Json::Object(vec![
        ("name", Json::str(name)),
        ("random", Json::hex(random)),
        ("claim", Json::hex(&claim)),
        ("claim_hash", Json::hex(claim_hash)),
        ("ephemeral_secret", Json::hex(ephemeral.expose_secret())),
        ("kem_randomness", Json::hex(kem_randomness.expose_secret())),
        ("dh1", Json::hex(dh1)),
        ("dh2", Json::hex(dh2)),
        ("dh3", Json::hex(dh3)),
        ("dh4", dh4.map_or(Json::Null, Json::hex)),
        ("kem_shared_secret", Json::hex(shared)),
        ("h1", Json::hex(h1)),
        ("k1", Json::hex(k1.expose_secret())),
        ("fields", Json::hex(encoded.finish())),
        ("binding", Json::hex(fields.binding())),
        ("transcript", Json::hex(transcript)),
        ("root_key", Json::hex(established.root_key.expose_secret())),
        ("header_key", Json::hex(established.header_key.expose_secret())),
        ("next_header_key", Json::hex(established.next_header_key.expose_secret())),
        ("braid_authenticator", Json::hex(established.braid_authenticator.expose_secret())),
        ("braid_chains", Json::hex(established.braid_chains.expose_secret())),
    ])
}
