//! Known answers of hash, MAC and key derivation through [`sprag_core::crypto::hash`]: FIPS 180, RFC 4231, RFC 5869,
//! Wycheproof.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::crypto::hash::{Item, extract, hash, hkdf, hmac, hmac_secret, sha256, sha512};
use sprag_core::secret::Secret;
use wycheproof::TestResult;

/// The most that HKDF-SHA-256 yields. A shorter output is the beginning of a longer one.
const MOST: usize = 255 * 32;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// Our MAC takes keys of 32 bytes. HMAC pads short keys with zeros, so a shorter key is given as a padded one.
fn padded(key: &[u8]) -> [u8; 32] {
    let mut padded = [0; 32];
    padded[..key.len()].copy_from_slice(key);
    padded
}

#[test]
fn fips_180_examples() {
    assert_eq!(sha256(b"abc").to_vec(), hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_eq!(
        sha512(b"abc").to_vec(),
        hex(concat!(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a",
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ))
    );
}

/// What a labelled hash covers, spelled out byte by byte.
#[test]
fn a_labelled_hash_is_of_one_cbor_array() {
    let items = [
        Item::Bytes(&[1, 2]),
        Item::Uint(500),
        Item::Text("x"),
        Item::Null,
        Item::Bool(true),
        Item::Array(&[Item::Uint(0)]),
    ];
    let bytes = b"\x87\x61L\x42\x01\x02\x19\x01\xf4\x61x\xf6\xf5\x81\x00";
    assert_eq!(hash("L", &items), sha256(bytes));
}

#[test]
fn rfc_4231_cases_1_and_2() {
    assert_eq!(
        hmac(&padded(&[0x0b; 20]), &[b"Hi ", b"There"]).to_vec(),
        hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    );
    assert_eq!(
        hmac(&padded(b"Jefe"), &[b"what do ya want for nothing?"]).to_vec(),
        hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    );
    let secret = hmac_secret(&padded(b"Jefe"), &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(*secret.expose_secret(), hmac(&padded(b"Jefe"), &[b"what do ya want for nothing?"]));
}

#[test]
fn rfc_5869_appendix_a() {
    let okm = hkdf::<42>(&hex("000102030405060708090a0b0c"), &[&[0x0b; 22]], &[&hex("f0f1f2f3f4f5f6f7f8f9")]);
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(okm.expose_secret().to_vec(), hex(expected));

    let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let (ikm, info) = (range(0x00, 0x4f), range(0xb0, 0xff));
    let okm = hkdf::<82>(&range(0x60, 0xaf), &[&ikm[..33], &ikm[33..]], &[&info[..1], &info[1..]]);
    let expected = concat!(
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09",
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
    assert_eq!(okm.expose_secret().to_vec(), hex(expected));

    let okm = hkdf::<42>(&[], &[&[0x0b; 22]], &[]);
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    assert_eq!(okm.expose_secret().to_vec(), hex(expected));
}

#[test]
fn extract_is_a_mac_under_the_salt() {
    let extracted = extract(&[7; 32], &Secret::new([9; 32]));
    assert_eq!(*extracted.expose_secret(), hmac(&[7; 32], &[&[9; 32]]));
}

#[test]
fn wycheproof_hkdf_sha256() {
    use wycheproof::hkdf::{TestName, TestSet};
    let set = TestSet::load(TestName::HkdfSha256).unwrap();
    let mut held = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        if test.size > MOST {
            // The type does not allow to ask for this much: it would not compile.
            assert_eq!(test.result, TestResult::Invalid, "case {}", test.tc_id);
            continue;
        }
        assert_eq!(test.result, TestResult::Valid, "case {}", test.tc_id);
        let okm = hkdf::<MOST>(&test.salt, &[&test.ikm], &[&test.info]);
        assert_eq!(okm.expose_secret()[..test.size], test.okm[..], "case {}", test.tc_id);
        held += 1;
    }
    assert!(held > 60, "{held} held");
}

#[test]
fn wycheproof_hmac_sha256() {
    use wycheproof::mac::{TestName, TestSet};
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let (mut held, mut refused) = (0, 0);
    for group in &set.test_groups {
        for test in group.tests.iter().filter(|test| test.key.len() <= 32) {
            let tag = &hmac(&padded(&test.key), &[&test.msg])[..group.tag_size / 8];
            if test.result == TestResult::Valid {
                assert_eq!(tag, &test.tag[..], "case {}", test.tc_id);
                held += 1;
            } else {
                assert_ne!(tag, &test.tag[..], "case {}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert!(held > 40 && refused > 40, "{held} held, {refused} refused");
}
