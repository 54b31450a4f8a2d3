//! Known answers of Ed25519 through [`sprag_core::crypto::sign`]: RFC 8032, Wycheproof, and the keys that are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::Error;
use sprag_core::crypto::sign::{SigningKey, VerifyKey};
use sprag_core::secret::Secret;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

fn hex<const N: usize>(text: &str) -> [u8; N] {
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// Seed, public key, message, signature: RFC 8032, section 7.1, tests 1 to 3.
const RFC_8032: [(&str, &str, &[u8], &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

#[test]
fn rfc_8032_section_7_1() {
    for (seed, public, message, signature) in RFC_8032 {
        let key = SigningKey::from_seed(&Secret::new(hex(seed))).public();
        assert_eq!(key.as_bytes(), &hex(public));
        let mut signature: [u8; 64] = hex(signature);
        assert_eq!(key.verify_raw(message, &signature), Ok(()));
        signature[5] ^= 1;
        assert_eq!(key.verify_raw(message, &signature), Err(Error::BadSignature));
    }
}

/// What a labelled signature covers, spelled out: the CBOR array of the label as text and the body as bytes.
#[test]
fn a_label_is_part_of_what_is_signed() {
    let key = SigningKey::from_seed(&Secret::new([7; 32]));
    let signature = key.sign("label", b"body");
    assert_eq!(key.sign("label", b"body"), signature, "signatures are deterministic");
    assert_eq!(key.public().verify_raw(b"\x82\x65label\x44body", &signature), Ok(()));
    assert_eq!(key.public().verify("label", b"body", &signature), Ok(()));
    assert_eq!(key.public().verify("lobel", b"body", &signature), Err(Error::BadSignature));
    assert_eq!(key.public().verify_raw(b"body", &signature), Err(Error::BadSignature));
}

#[test]
fn a_scalar_beyond_the_group_order_is_refused() {
    // The group order, little-endian: adding it to S gives a second signature of the same message.
    let order: [u8; 32] = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let key = SigningKey::from_seed(&Secret::new([7; 32]));
    let mut signature = key.sign("label", b"body");
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(key.public().verify("label", b"body", &signature), Err(Error::BadSignature));
}

#[test]
fn points_of_small_order_are_refused() {
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];
    for bytes in small {
        assert_eq!(VerifyKey::from_bytes(hex(bytes)), Err(Error::BadKey), "{bytes}");
    }
}

/// Two encodings of one key would be two identities with one signature: only the canonical one is a key.
#[test]
fn encodings_that_are_not_canonical_are_refused() {
    for over in 0..19 {
        for sign in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            bytes[0] = 0xed + over;
            bytes[31] = sign;
            assert_eq!(VerifyKey::from_bytes(bytes), Err(Error::BadKey), "{bytes:02x?}");
        }
    }
    // x = 0 has no negative: the sign bit makes the encodings of (0, 1) and (0, -1) ones that mean nothing.
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    assert_eq!(VerifyKey::from_bytes(one), Err(Error::BadKey));
}

#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut held, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key = VerifyKey::from_bytes(group.key.pk.as_slice().try_into().unwrap());
        for test in &group.tests {
            // A signature of another length cannot even be given.
            let verified = <[u8; 64]>::try_from(test.sig.as_slice())
                .map_err(|_| Error::BadSignature)
                .and_then(|signature| key?.verify_raw(&test.msg, &signature));
            match test.result {
                TestResult::Valid => {
                    assert_eq!(verified, Ok(()), "case {}: {}", test.tc_id, test.comment);
                    held += 1;
                }
                _ => {
                    assert!(verified.is_err(), "case {}: {}", test.tc_id, test.comment);
                    refused += 1;
                }
            }
        }
    }
    assert!(held > 60 && refused > 50, "{held} held, {refused} refused");
}
