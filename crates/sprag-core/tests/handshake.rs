//! The handshake: agreement, a second derivation step by step, and every refusal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod people;

use people::{Constant, NOW, Person, Seeded, bad_dh_keys};
use sprag_core::Error;
use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{Item, hash, hkdf, sha256};
use sprag_core::crypto::kem::KemPublic;
use sprag_core::handshake::{Established, Fields, Initiated, MAX_SEALED_ID, Resumption, Unsealed, initiate, unseal};
use sprag_core::label;
use sprag_core::prekey::{Bundle, OneTimePrekey, ReceivedPrekey, SignedPrekey};
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Reader, Writer};

fn begin(alice: &mut Person, bob: &Person, one_time: bool, resumption: Option<&Resumption>) -> Initiated {
    let bundle = bob.bundle(one_time);
    initiate(alice.account.account(), &alice.device, bundle, resumption, &mut alice.random).unwrap()
}

fn answer(bob: &Person, fields: &Fields) -> Result<Unsealed, Error> {
    let one_time = fields.one_time_prekey.map(|_| bob.take_one_time());
    unseal(bob.account.account(), &bob.device, &bob.signed, one_time, fields)
}

fn same(a: &Established, b: &Established) -> bool {
    a.transcript == b.transcript
        && a.root_key.ct_eq(&b.root_key)
        && a.header_key.ct_eq(&b.header_key)
        && a.next_header_key.ct_eq(&b.next_header_key)
        && a.braid_authenticator.ct_eq(&b.braid_authenticator)
        && a.braid_chains.ct_eq(&b.braid_chains)
}

#[test]
fn both_sides_agree() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    for one_time in [false, true] {
        let initiated = begin(&mut alice, &bob, one_time, None);
        assert_eq!(initiated.one_time, one_time);
        assert_eq!(initiated.account, *bob.account.account());
        assert_eq!(initiated.device, bob.device.entry(true));
        assert_eq!(initiated.their_ratchet_key, bob.signed.ratchet_key().public());
        let unsealed = answer(&bob, &initiated.fields).unwrap();
        let claim = unsealed.claim().clone();
        assert_eq!(claim.account, *alice.account.account());
        assert_eq!(claim.check(&alice.list).unwrap(), &alice.device.entry(true));
        assert_eq!(claim.check(&bob.list).err(), Some(Error::Mismatch));
        assert_eq!(claim.resumption, None);
        assert_eq!(*unsealed.transcript(), initiated.established.transcript);
        assert!(same(&unsealed.finish(None).unwrap(), &initiated.established));
    }
}

#[test]
fn the_five_keys_differ() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let keys = begin(&mut alice, &bob, true, None).established;
    let all = [keys.root_key, keys.header_key, keys.next_header_key, keys.braid_authenticator, keys.braid_chains];
    for (i, key) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|other| !key.ct_eq(other)));
    }
}

#[test]
fn fields_round_trip() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    for one_time in [false, true] {
        let fields = begin(&mut alice, &bob, one_time, None).fields;
        let mut writer = Writer::new();
        fields.write(&mut writer);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        let again = Fields::read(&mut reader).unwrap();
        reader.end().unwrap();
        assert_eq!(again, fields);
        assert_eq!(again.binding(), fields.binding());
        for length in 0..bytes.len() {
            assert!(Fields::read(&mut Reader::new(&bytes[..length])).is_err());
        }
    }
}

#[test]
fn resumption_is_mixed_in_and_named() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let old = begin(&mut alice, &bob, true, None).established;
    let resumption = Resumption::derive(&old.root_key, &old.transcript);
    let stored = Resumption::from_secret(resumption.secret().duplicate());
    let other = Resumption::derive(&old.header_key, &old.transcript);
    let initiated = begin(&mut alice, &bob, true, Some(&resumption));
    let unsealed = || answer(&bob, &initiated.fields).unwrap();
    assert_eq!(unsealed().claim().resumption, Some(stored.id()));
    assert!(same(&unsealed().finish(Some(&stored)).unwrap(), &initiated.established));
    assert_eq!(unsealed().finish(Some(&other)).err(), Some(Error::Mismatch));
    assert_eq!(unsealed().finish(None).err(), Some(Error::KeyGone));
    let plain = begin(&mut alice, &bob, true, None);
    assert_eq!(answer(&bob, &plain.fields).unwrap().finish(Some(&stored)).err(), Some(Error::Mismatch));
}

#[test]
fn a_constant_generator_repeats_nothing_for_two_peers() {
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let begin = |from: &Person, to: &Person, one_time| {
        initiate(from.account.account(), &from.device, to.bundle(one_time), None, &mut Constant).unwrap().fields
    };
    let all = [
        begin(&alice, &bob, false),
        begin(&alice, &bob, true),
        begin(&alice, &carol, false),
        begin(&carol, &bob, false),
    ];
    for (i, fields) in all.iter().enumerate() {
        for other in &all[i + 1..] {
            assert_ne!(fields.ephemeral, other.ephemeral);
            assert_ne!(fields.ciphertext[..], other.ciphertext[..]);
            assert_ne!(fields.sealed_id, other.sealed_id);
        }
    }
}

#[test]
fn the_initiator_is_hidden() {
    let (mut alice, bob) = (Person::new("a-long-account-id-of-alice"), Person::new("bob"));
    let fields = begin(&mut alice, &bob, true, None).fields;
    let mut writer = Writer::new();
    fields.write(&mut writer);
    let bytes = writer.finish();
    for known in [
        alice.account.account().id.as_bytes(),
        alice.account.account().key.as_bytes(),
        alice.device.device_key().as_bytes(),
        alice.device.identity().public().as_bytes(),
    ] {
        assert!(!bytes.windows(known.len()).any(|window| window == known));
    }
}

#[test]
fn a_changed_field_is_refused() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    for one_time in [false, true] {
        let fields = begin(&mut alice, &bob, one_time, None).fields;
        let refused = |changed: Fields| answer(&bob, &changed).err();
        for bit in 0..256 {
            let mut key = *fields.ephemeral.as_bytes();
            key[bit / 8] ^= 1 << (bit % 8);
            match DhPublic::from_bytes(key) {
                Ok(ephemeral) => assert_eq!(refused(Fields { ephemeral, ..fields.clone() }), Some(Error::Open)),
                Err(error) => assert_eq!(error, Error::BadKey),
            }
        }
        for at in (0..fields.ciphertext.len()).step_by(13).chain([fields.ciphertext.len() - 1]) {
            let mut changed = fields.clone();
            changed.ciphertext[at] ^= 1 << (at % 8);
            assert_eq!(refused(changed), Some(Error::Open));
        }
        for at in 0..fields.sealed_id.len() * 8 {
            let mut changed = fields.clone();
            changed.sealed_id[at / 8] ^= 1 << (at % 8);
            assert_eq!(refused(changed), Some(Error::Open));
        }
        for length in 0..fields.sealed_id.len() {
            let sealed_id = fields.sealed_id[..length].to_vec();
            assert_eq!(refused(Fields { sealed_id, ..fields.clone() }), Some(Error::Open));
        }
        let mut changed = fields.clone();
        changed.signed_prekey.0[0] ^= 1;
        assert_eq!(refused(changed), Some(Error::Mismatch));
        // The honest fields still work: nothing that was refused changed anything.
        assert!(answer(&bob, &fields).is_ok());
    }
}

#[test]
fn every_field_counts_in_the_binding() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let fields = begin(&mut alice, &bob, true, None).fields;
    let mut all = vec![fields.clone(); 6];
    all[0].signed_prekey.0[7] ^= 1;
    all[1].one_time_prekey = None;
    all[2].ephemeral = alice.device.identity().public();
    all[3].ciphertext[1567] ^= 1;
    all[4].sealed_id[0] ^= 1;
    all[5].sealed_id.push(0);
    assert!(all.iter().all(|changed| changed.binding() != fields.binding()));
}

#[test]
fn other_prekeys_than_those_named_are_refused() {
    let (mut alice, mut bob) = (Person::new("alice"), Person::new("bob"));
    let with = begin(&mut alice, &bob, true, None).fields;
    let without = begin(&mut alice, &bob, false, None).fields;
    let (account, device) = (bob.account.account(), &bob.device);
    let unseal = |signed, one_time, fields| unseal(account, device, signed, one_time, fields).err();
    assert_eq!(unseal(&bob.signed, None, &with), Some(Error::KeyGone));
    assert_eq!(unseal(&bob.signed, Some(bob.take_one_time()), &without), Some(Error::Mismatch));
    let (other, _) = OneTimePrekey::create(&bob.device, NOW, &mut bob.random);
    assert_eq!(unseal(&bob.signed, Some(other), &with), Some(Error::Mismatch));
    let (other, _) = SignedPrekey::create(&bob.device, NOW, &mut bob.random);
    assert_eq!(unseal(&other, None, &without), Some(Error::Mismatch));
    // A one-time key cannot be stripped: its id belongs to what is sealed and bound.
    let stripped = Fields { one_time_prekey: None, ..with.clone() };
    assert_eq!(unseal(&bob.signed, None, &stripped), Some(Error::Open));
}

#[test]
fn nobody_begins_a_session_with_themselves() {
    let mut bob = Person::new("bob");
    let bundle = bob.bundle(true);
    let result = initiate(bob.account.account(), &bob.device, bundle, None, &mut bob.random);
    assert_eq!(result.err(), Some(Error::Mismatch));
}

#[test]
fn two_devices_of_one_account_begin_a_session_like_any_others() {
    let mut first = Person::new("bob");
    let second = first.second("bob's second device");
    for one_time in [true, false] {
        let initiated = begin(&mut first, &second, one_time, None);
        assert_eq!(initiated.account, *first.account.account());
        let one_time = one_time.then(|| second.take_one_time());
        let account = second.account.account();
        let unsealed = unseal(account, &second.device, &second.signed, one_time, &initiated.fields).unwrap();
        // Both are on the list now; on the one before, the second was not.
        assert_eq!(unsealed.claim().check(&second.list).unwrap().id, first.device.id());
        assert_eq!(unsealed.claim().account, *account);
        assert!(same(&initiated.established, &unsealed.finish(None).unwrap()));
    }
    // And back, where the first is found on the list that names both.
    let signed = ReceivedPrekey::parse(&first.signed_object).unwrap();
    let bundle = Bundle { list: &second.list, device: first.device.id(), signed: &signed, one_time: None };
    let mut random = Seeded::new("back");
    let bundle = bundle.verify(NOW).unwrap();
    let initiated = initiate(second.account.account(), &second.device, bundle, None, &mut random).unwrap();
    let unsealed = unseal(first.account.account(), &first.device, &first.signed, None, &initiated.fields).unwrap();
    assert_eq!(unsealed.claim().device, second.device.id());
    assert!(same(&initiated.established, &unsealed.finish(None).unwrap()));
}

#[test]
fn a_bundle_is_of_no_use_under_another_name() {
    // Unknown key share: Mallory lists keys of her own and hands out Bob's prekeys as hers. They are signed by Bob.
    let (bob, mallory) = (Person::new("bob"), Person::new("mallory"));
    let signed = ReceivedPrekey::parse(&bob.signed_object).unwrap();
    let bundle = Bundle { list: &mallory.list, device: mallory.device.id(), signed: &signed, one_time: None };
    assert_eq!(bundle.verify(NOW).err(), Some(Error::Mismatch));
}

#[test]
fn a_handshake_for_one_account_means_nothing_to_another() {
    // Unknown key share, from within: the very same device keys and prekeys under two accounts. What Alice began with
    // one opens for the other neither as a session nor as a claim.
    let (mut alice, bob, mallory) = (Person::new("alice"), Person::new("bob"), Person::new("mallory"));
    let fields = begin(&mut alice, &bob, false, None).fields;
    let result = unseal(mallory.account.account(), &bob.device, &bob.signed, None, &fields);
    assert_eq!(result.err(), Some(Error::Open));
    // And with other device keys but the same prekey secrets.
    let result = unseal(bob.account.account(), &mallory.device, &bob.signed, None, &fields);
    assert_eq!(result.err(), Some(Error::Open));
}

/// The initiator once more, from the primitives, with a claim that an attacker may choose.
struct Forger<'a> {
    bob: &'a Person,
    identity: DhSecret,
    ephemeral: DhSecret,
    randomness: [u8; 32],
}

/// What a prekey object says of its keys, and its hash.
fn prekey_parts(object: &[u8]) -> (DhPublic, KemPublic, [u8; 32]) {
    let mut outer = wire::open(object, Kind::Prekey, 2).unwrap();
    let mut reader = Reader::new(outer.bytes().unwrap());
    reader.array_of(6).unwrap();
    reader.uint().unwrap();
    reader.uint().unwrap();
    let dh = DhPublic::from_bytes(reader.fixed().unwrap()).unwrap();
    let kem = KemPublic::from_slice(reader.bytes().unwrap()).unwrap();
    (dh, kem, hash(label::PREKEY_HASH, &[Item::Bytes(object)]))
}

impl Forger<'_> {
    fn begin(&self, claim: &[u8]) -> (Fields, Established) {
        let bob = self.bob;
        let (spk, _, signed_hash) = prekey_parts(&bob.signed_object);
        let (opk, kem, one_time_hash) = prekey_parts(&bob.one_time_object);
        let (ciphertext, secret) = kem.encapsulate(Secret::new(self.randomness));
        let ephemeral = self.ephemeral.public();
        let dh1 = self.identity.agree(&spk).unwrap();
        let dh2 = self.ephemeral.agree(&bob.device.identity().public()).unwrap();
        let dh3 = self.ephemeral.agree(&spk).unwrap();
        let dh4 = self.ephemeral.agree(&opk).unwrap();
        let account = bob.account.account();
        let offer = hash(
            "Sprag v1 handshake offer",
            &[
                Item::Uint(1),
                Item::Bytes(account.id.as_bytes()),
                Item::Bytes(account.key.as_bytes()),
                Item::Uint(bob.device.id().into()),
                Item::Bytes(bob.device.device_key().as_bytes()),
                Item::Bytes(bob.device.identity().public().as_bytes()),
                Item::Bytes(&signed_hash),
                Item::Bytes(&one_time_hash),
                Item::Bytes(ephemeral.as_bytes()),
                Item::Bytes(&ciphertext[..]),
            ],
        );
        let four =
            [dh2.expose_secret(), dh3.expose_secret(), dh4.expose_secret(), secret.expose_secret()].map(|s| &s[..]);
        let key = hkdf(&offer, &four, &[b"Sprag v1 handshake identity key"]);
        let sealed_id = aead::seal(&key, &[0; 12], &[], claim).unwrap();
        let transcript =
            hash("Sprag v1 handshake transcript", &[Item::Bytes(&offer), Item::Bytes(claim), Item::Bool(true)]);
        let ikm: Vec<&[u8]> = [&[0xff; 32][..], dh1.expose_secret()].into_iter().chain(four).collect();
        let keys: Secret<160> = hkdf(&[0; 32], &ikm, &[b"Sprag v1 handshake secret", &transcript]);
        let key = |i: usize| Secret::from_slice(&keys.expose_secret()[32 * i..32 * (i + 1)]).unwrap();
        let fields = Fields {
            signed_prekey: bob.signed.id(),
            one_time_prekey: Some(bob.one_time.id()),
            ephemeral,
            ciphertext,
            sealed_id,
        };
        let established = Established {
            transcript,
            root_key: key(0),
            header_key: key(1),
            next_header_key: key(2),
            braid_authenticator: key(3),
            braid_chains: key(4),
        };
        (fields, established)
    }
}

fn forger(bob: &Person) -> Forger<'_> {
    Forger {
        bob,
        identity: DhSecret::from_secret(Secret::new([0x11; 32])),
        ephemeral: DhSecret::from_secret(Secret::new([0x22; 32])),
        randomness: [0x33; 32],
    }
}

fn claim_of(id: &[u8], account_key: &[u8], device: u64, device_key: &[u8], identity_key: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(6).bytes(id).bytes(account_key).uint(device).bytes(device_key).bytes(identity_key).null();
    writer.finish()
}

#[test]
fn a_second_derivation_agrees() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let forger = forger(&bob);
    let claim = claim_of(
        b"alice",
        alice.account.account().key.as_bytes(),
        7,
        alice.device.device_key().as_bytes(),
        forger.identity.public().as_bytes(),
    );
    let (fields, established) = forger.begin(&claim);
    let unsealed = answer(&bob, &fields).unwrap();
    // The claim opened, and proves nothing: the list has another identity key for Alice's device.
    assert_eq!(unsealed.claim().check(&alice.list).err(), Some(Error::Mismatch));
    assert!(same(&unsealed.finish(None).unwrap(), &established));
}

#[test]
fn an_impostor_does_not_reach_the_keys() {
    // Mallory claims Alice's true keys. The claim opens; the session's keys need DH1, which she cannot compute.
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let claim = claim_of(
        b"alice",
        alice.account.account().key.as_bytes(),
        alice.device.id().into(),
        alice.device.device_key().as_bytes(),
        alice.device.identity().public().as_bytes(),
    );
    let (fields, hers) = forger(&bob).begin(&claim);
    let unsealed = answer(&bob, &fields).unwrap();
    assert!(unsealed.claim().check(&alice.list).is_ok());
    let bobs = unsealed.finish(None).unwrap();
    assert!(!bobs.root_key.ct_eq(&hers.root_key) && !bobs.header_key.ct_eq(&hers.header_key));
}

#[test]
fn bad_claims_are_refused_though_well_sealed() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let forger = forger(&bob);
    let key = *alice.account.account().key.as_bytes();
    let device_key = *alice.device.device_key().as_bytes();
    let identity = *forger.identity.public().as_bytes();
    let refused = |claim: Vec<u8>| answer(&bob, &forger.begin(&claim).0).err();
    assert_eq!(refused(claim_of(b"alice", &key, 7, &device_key, &identity)), None);
    for bad in bad_dh_keys() {
        assert_eq!(refused(claim_of(b"alice", &key, 7, &device_key, &bad)), Some(Error::BadKey), "IKa in DH1");
    }
    let own_device = *bob.device.device_key().as_bytes();
    let own_identity = *bob.device.identity().public().as_bytes();
    assert_eq!(refused(claim_of(b"alice", &key, 7, &own_device, &identity)), Some(Error::Mismatch));
    assert_eq!(refused(claim_of(b"alice", &key, 7, &device_key, &own_identity)), Some(Error::Mismatch));
    assert_eq!(refused(claim_of(b"alice", &[0; 32], 7, &device_key, &identity)), Some(Error::BadKey));
    assert_eq!(refused(claim_of(b"alice", &key, 7, &[0; 32], &identity)), Some(Error::BadKey));
    assert_eq!(refused(claim_of(b"", &key, 7, &device_key, &identity)), Some(Error::Malformed));
    assert_eq!(refused(claim_of(&[1; 65], &key, 7, &device_key, &identity)), Some(Error::TooLarge));
    assert_eq!(refused(claim_of(b"alice", &key, 1 << 32, &device_key, &identity)), Some(Error::Malformed));
    let mut trailing = claim_of(b"alice", &key, 7, &device_key, &identity);
    trailing.push(0);
    assert_eq!(refused(trailing), Some(Error::Malformed));
    assert_eq!(refused(Vec::new()), Some(Error::Malformed));
}

#[test]
fn bad_ephemeral_keys_are_refused_where_they_are_read() {
    // EK goes into DH2, DH3 and DH4. The other positions: IKa above, IKb in tests/identity.rs, SPKb and OPKb in
    // tests/prekey.rs, and the ratchet key in tests/ratchet.rs.
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let fields = begin(&mut alice, &bob, true, None).fields;
    for bad in bad_dh_keys() {
        let mut writer = Writer::new();
        writer.bytes(&fields.signed_prekey.0).null().bytes(&bad).bytes(&fields.ciphertext[..]).bytes(&fields.sealed_id);
        assert_eq!(Fields::read(&mut Reader::new(&writer.finish())).err(), Some(Error::BadKey));
    }
}

#[test]
fn fields_of_other_lengths_are_refused() {
    let (mut alice, bob) = (Person::new("alice"), Person::new("bob"));
    let fields = begin(&mut alice, &bob, true, None).fields;
    let read = |id: &[u8], ephemeral: &[u8], ciphertext: &[u8], sealed: &[u8]| {
        let mut writer = Writer::new();
        writer.bytes(id).null().bytes(ephemeral).bytes(ciphertext).bytes(sealed);
        Fields::read(&mut Reader::new(&writer.finish())).err()
    };
    let (id, ephemeral, ct) = (fields.signed_prekey.0, fields.ephemeral, &fields.ciphertext[..]);
    assert_eq!(read(&id, ephemeral.as_bytes(), ct, &[0; MAX_SEALED_ID]), None);
    assert_eq!(read(&id, ephemeral.as_bytes(), ct, &[0; MAX_SEALED_ID + 1]), Some(Error::TooLarge));
    assert_eq!(read(&id[1..], ephemeral.as_bytes(), ct, &[]), Some(Error::Malformed));
    assert_eq!(read(&id, &ephemeral.as_bytes()[1..], ct, &[]), Some(Error::Malformed));
    assert_eq!(read(&id, ephemeral.as_bytes(), &ct[1..], &[]), Some(Error::Malformed));
}

#[test]
fn the_longest_id_with_a_resumption_fits() {
    let mut alice = Person::new(&"a".repeat(64));
    let bob = Person::new("bob");
    let resumption = Resumption::from_secret(Secret::new(sha256(b"resumed")));
    let fields = begin(&mut alice, &bob, true, Some(&resumption)).fields;
    assert!(fields.sealed_id.len() <= MAX_SEALED_ID);
    assert!(answer(&bob, &fields).unwrap().finish(Some(&resumption)).is_ok());
}
