//! Known answers of ML-KEM-768 through [`sprag_core::crypto::split_kem`], from Wycheproof: keys from seeds, encapsulation
//! with given randomness in two halves, decapsulation with implicit rejection, vectors that are no key of their header.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::Error;
use sprag_core::crypto::split_kem::{self, CIPHERTEXT_1, CIPHERTEXT_2, HEADER, VECTOR};
use sprag_core::secret::Secret;
use wycheproof::TestResult;
use wycheproof::mlkem::{Test, TestFlag, TestName, TestSet};

fn cases(name: TestName) -> Vec<Test> {
    TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests).collect()
}

fn seed(test: &Test) -> Option<Secret<64>> {
    let seed: [u8; 64] = test.seed.as_ref()?.as_slice().try_into().ok()?;
    Some(Secret::new(seed))
}

/// FIPS 203's encapsulation key: the vector, then the seed of the matrix.
fn joined(header: &[u8; HEADER], vector: &[u8; VECTOR]) -> Vec<u8> {
    [&vector[..], &header[..32]].concat()
}

/// What a peer with this encapsulation key would send of it. It is free to say what it likes: the hash is that of the key
/// as it stands, so that nothing but the check of the vector is between a bad key and its use.
fn split(key: &[u8]) -> Option<([u8; HEADER], [u8; VECTOR])> {
    let (vector, matrix) = key.split_first_chunk::<VECTOR>()?;
    let matrix: [u8; 32] = matrix.try_into().ok()?;
    let hash = libcrux_sha3::sha256(key);
    Some(([matrix, hash].concat().try_into().ok()?, *vector))
}

#[test]
fn keys_from_seeds() {
    let mut held = 0;
    for test in cases(TestName::MlKem768KeyGenSeed) {
        let Some(seed) = seed(&test) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            continue;
        };
        assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
        let key = test.encaps_key.as_ref().unwrap();
        let (header, vector) = split_kem::public(&seed);
        assert_eq!(joined(&header, &vector), key[..], "case {}", test.tc_id);
        assert_eq!(split(key), Some((header, *vector)), "case {}", test.tc_id);
        assert_eq!(split_kem::check(&header, &vector), Ok(()));
        held += 1;
    }
    assert!(held > 10, "{held} held");
}

#[test]
fn both_halves_are_the_standard_ciphertext() {
    let (mut held, mut refused, mut overflowing) = (0, 0, 0);
    for test in cases(TestName::MlKem768Encaps) {
        let Some((header, vector)) = split(test.encaps_key.as_ref().unwrap()) else {
            // Another length of key cannot even be given.
            assert_ne!(test.result, TestResult::Valid, "case {}", test.tc_id);
            continue;
        };
        let randomness = Secret::new(test.msg.as_ref().unwrap().as_slice().try_into().unwrap());
        if test.result != TestResult::Valid {
            assert_eq!(split_kem::check(&header, &vector), Err(Error::BadKey), "case {}", test.tc_id);
            assert_eq!(split_kem::complete(&header, &randomness, &vector), Err(Error::BadKey), "case {}", test.tc_id);
            refused += 1;
            overflowing += usize::from(test.flags.contains(&TestFlag::ModulusOverflow));
            continue;
        }
        let (first, shared) = split_kem::encapsulate(&header, &randomness).unwrap();
        let second = split_kem::complete(&header, &randomness, &vector).unwrap();
        assert_eq!([&first[..], &second].concat(), test.ct.as_ref().unwrap()[..], "case {}", test.tc_id);
        assert_eq!(shared.expose_secret()[..], test.shared_secret.as_ref().unwrap()[..], "case {}", test.tc_id);
        held += 1;
    }
    assert!(held > 0 && overflowing > 0, "{held} held, {refused} refused, {overflowing} for the modulus");
}

#[test]
fn decapsulation() {
    let (mut held, mut refused) = (0, 0);
    for test in cases(TestName::MlKem768) {
        let given = test.ct.as_ref().unwrap().split_first_chunk::<CIPHERTEXT_1>();
        let second = given.and_then(|(_, second)| <[u8; CIPHERTEXT_2]>::try_from(second).ok());
        let Some(((seed, (first, _)), second)) = seed(&test).zip(given).zip(second) else {
            assert_eq!(test.result, TestResult::Invalid, "case {}: {}", test.tc_id, test.comment);
            refused += 1;
            continue;
        };
        let shared = split_kem::decapsulate(&seed, first, &second);
        assert_eq!(test.result, TestResult::Valid, "case {}: {}", test.tc_id, test.comment);
        assert_eq!(shared.expose_secret()[..], test.shared_secret.as_ref().unwrap()[..], "case {}", test.tc_id);
        if let Some(key) = &test.encaps_key {
            let (header, vector) = split_kem::public(&seed);
            assert_eq!(joined(&header, &vector), key[..], "case {}", test.tc_id);
        }
        held += 1;
    }
    assert!(held > 20 && refused > 0, "{held} held, {refused} refused");
}

#[test]
fn a_vector_of_another_header_is_refused() {
    let (header, vector) = split_kem::public(&Secret::new([7; 64]));
    let (other_header, other_vector) = split_kem::public(&Secret::new([8; 64]));
    let randomness = Secret::new([9; 32]);
    assert!(split_kem::complete(&header, &randomness, &vector).is_ok());
    for (header, vector) in [(&header, &other_vector), (&other_header, &vector)] {
        assert_eq!(split_kem::check(header, vector), Err(Error::BadKey));
        assert_eq!(split_kem::complete(header, &randomness, vector), Err(Error::BadKey));
    }
    for at in [0, 31, 32, 63] {
        let mut changed = header;
        changed[at] ^= 1;
        assert_eq!(split_kem::check(&changed, &vector), Err(Error::BadKey), "byte {at} of the header");
    }
    for at in [0, 600, VECTOR - 1] {
        let mut changed = vector.clone();
        changed[at] ^= 1;
        assert_eq!(split_kem::check(&header, &changed), Err(Error::BadKey), "byte {at} of the vector");
    }
}

#[test]
fn a_changed_half_yields_another_secret() {
    let seed = Secret::new([7; 64]);
    let (header, vector) = split_kem::public(&seed);
    let randomness = Secret::new([9; 32]);
    let (first, shared) = split_kem::encapsulate(&header, &randomness).unwrap();
    let second = split_kem::complete(&header, &randomness, &vector).unwrap();
    assert!(split_kem::decapsulate(&seed, &first, &second).ct_eq(&shared));
    let (mut bad_first, mut bad_second) = (first.clone(), second);
    bad_first[100] ^= 1;
    bad_second[100] ^= 1;
    let rejected =
        [split_kem::decapsulate(&seed, &bad_first, &second), split_kem::decapsulate(&seed, &first, &bad_second)];
    assert!(!rejected[0].ct_eq(&shared) && !rejected[1].ct_eq(&shared) && !rejected[0].ct_eq(&rejected[1]));
    assert!(rejected[0].ct_eq(&split_kem::decapsulate(&seed, &bad_first, &second)), "and always the same");
}
