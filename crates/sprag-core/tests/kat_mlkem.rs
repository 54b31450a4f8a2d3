//! Known answers of ML-KEM-1024 through [`sprag_core::crypto::kem`], from Wycheproof: keys from seeds, deterministic
//! encapsulation, decapsulation with implicit rejection, and public keys that fail the modulus check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::Error;
use sprag_core::crypto::kem::{KemPublic, KemSecret};
use sprag_core::secret::Secret;
use wycheproof::TestResult;
use wycheproof::mlkem::{Test, TestFlag, TestName, TestSet};

fn cases(name: TestName) -> Vec<Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

fn key(test: &Test) -> Option<KemSecret> {
    let seed: [u8; 64] = test.seed.as_ref()?.as_slice().try_into().ok()?;
    Some(KemSecret::from_seed(Secret::new(seed)))
}

#[test]
fn keys_from_seeds() {
    let mut held = 0;
    for test in cases(TestName::MlKem1024KeyGenSeed) {
        let Some(key) = key(&test) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            continue;
        };
        assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
        assert_eq!(key.public().as_bytes()[..], test.encaps_key.as_ref().unwrap()[..], "case {}", test.tc_id);
        assert!(KemPublic::from_slice(key.public().as_bytes()).is_ok());
        held += 1;
    }
    assert!(held > 10, "{held} held");
}

#[test]
fn encapsulation() {
    let (mut held, mut refused, mut overflowing) = (0, 0, 0);
    for test in cases(TestName::MlKem1024Encaps) {
        let public = KemPublic::from_slice(test.encaps_key.as_ref().unwrap());
        if test.result != TestResult::Valid {
            assert_eq!(public, Err(Error::BadKey), "case {}: {}", test.tc_id, test.comment);
            refused += 1;
            overflowing += usize::from(test.flags.contains(&TestFlag::ModulusOverflow));
            continue;
        }
        let randomness = test.msg.as_ref().unwrap().as_slice().try_into().unwrap();
        let (ciphertext, shared) = public.unwrap().encapsulate(Secret::new(randomness));
        assert_eq!(ciphertext[..], test.ct.as_ref().unwrap()[..], "case {}", test.tc_id);
        assert_eq!(shared.expose_secret()[..], test.shared_secret.as_ref().unwrap()[..], "case {}", test.tc_id);
        held += 1;
    }
    assert!(held > 0 && overflowing > 0, "{held} held, {refused} refused, {overflowing} for the modulus");
}

#[test]
fn decapsulation() {
    let (mut held, mut refused) = (0, 0);
    for test in cases(TestName::MlKem1024) {
        let given = key(&test).zip(<[u8; 1568]>::try_from(test.ct.as_ref().unwrap().as_slice()).ok());
        let Some((key, ciphertext)) = given else {
            // Another length of seed or ciphertext cannot even be given.
            assert_eq!(test.result, TestResult::Invalid, "case {}: {}", test.tc_id, test.comment);
            refused += 1;
            continue;
        };
        let shared = key.decapsulate(&ciphertext);
        assert_eq!(test.result, TestResult::Valid, "case {}: {}", test.tc_id, test.comment);
        assert_eq!(shared.expose_secret()[..], test.shared_secret.as_ref().unwrap()[..], "case {}", test.tc_id);
        if let Some(public) = &test.encaps_key {
            assert_eq!(key.public().as_bytes()[..], public[..], "case {}", test.tc_id);
        }
        held += 1;
    }
    assert!(held > 20 && refused > 0, "{held} held, {refused} refused");
}

#[test]
fn both_sides_share_a_secret_and_a_changed_ciphertext_does_not() {
    let key = KemSecret::from_seed(Secret::new([7; 64]));
    let (mut ciphertext, shared) = key.public().encapsulate(Secret::new([9; 32]));
    assert!(key.decapsulate(&ciphertext).ct_eq(&shared));
    ciphertext[100] ^= 1;
    let rejected = key.decapsulate(&ciphertext);
    assert!(!rejected.ct_eq(&shared));
    assert!(rejected.ct_eq(&key.decapsulate(&ciphertext)), "implicit rejection is deterministic");
    assert!(!rejected.ct_eq(&Secret::new([0; 32])));
}

#[test]
fn other_lengths_are_no_public_keys() {
    let public = KemSecret::from_seed(Secret::new([7; 64])).public();
    let bytes = public.as_bytes();
    assert_eq!(KemPublic::from_slice(&bytes[1..]), Err(Error::BadKey));
    assert_eq!(KemPublic::from_slice(&[bytes.as_slice(), &[0]].concat()), Err(Error::BadKey));
    assert_eq!(KemPublic::from_slice(&[0xff; 1568]), Err(Error::BadKey));
}
