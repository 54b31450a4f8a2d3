//! Known answers of X25519 through [`sprag_core::crypto::dh`]: RFC 7748, Wycheproof, and the keys that are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::Error;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::secret::Secret;
use wycheproof::TestResult;
use wycheproof::xdh::{TestFlag, TestName, TestSet};

fn hex(text: &str) -> [u8; 32] {
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

fn secret(bytes: [u8; 32]) -> DhSecret {
    DhSecret::from_secret(Secret::new(bytes))
}

fn agreed(private: [u8; 32], public: [u8; 32]) -> Result<[u8; 32], Error> {
    Ok(*secret(private).agree(&DhPublic::from_bytes(public)?)?.expose_secret())
}

/// 2^255 − 19 + `over`, little-endian, for `over` below 19: the values that RFC 7748 would silently reduce.
fn prime_plus(over: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + over;
    bytes[31] = 0x7f;
    bytes
}

#[test]
fn rfc_7748_section_5_2() {
    assert_eq!(
        agreed(
            hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
        ),
        Ok(hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"))
    );
    // The second vector's point has its top bit set, which the RFC masks away and we refuse.
    let mut point = hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493");
    let scalar = hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d");
    assert_eq!(agreed(scalar, point), Err(Error::BadKey));
    point[31] &= 0x7f;
    assert_eq!(agreed(scalar, point), Ok(hex("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")));
}

#[test]
fn rfc_7748_section_5_2_iterated() {
    let mut scalar = [0; 32];
    scalar[0] = 9;
    let mut point = scalar;
    for round in 1..=1000 {
        let next = agreed(scalar, point).unwrap();
        point = scalar;
        scalar = next;
        if round == 1 {
            assert_eq!(scalar, hex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(scalar, hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

#[test]
fn rfc_7748_section_6_1() {
    let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let alice_public = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let bob_public = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    assert_eq!(secret(alice).public().as_bytes(), &alice_public);
    assert_eq!(secret(bob).public().as_bytes(), &bob_public);
    assert_eq!(agreed(alice, bob_public), Ok(shared));
    assert_eq!(agreed(bob, alice_public), Ok(shared));
}

#[test]
fn points_of_small_order_are_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = prime_plus(0);
    minus_one[0] -= 1;
    let small = [
        [0; 32],
        one,
        hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
        minus_one,
        prime_plus(0),
        prime_plus(1),
    ];
    for mut bytes in small {
        assert_eq!(DhPublic::from_bytes(bytes), Err(Error::BadKey), "{bytes:02x?}");
        bytes[31] |= 0x80;
        assert_eq!(DhPublic::from_bytes(bytes), Err(Error::BadKey), "{bytes:02x?}");
    }
}

#[test]
fn encodings_that_are_not_canonical_are_refused() {
    for over in 0..19 {
        assert_eq!(DhPublic::from_bytes(prime_plus(over)), Err(Error::BadKey), "2^255 - 19 + {over}");
    }
    let mut masked = *secret([7; 32]).public().as_bytes();
    assert!(DhPublic::from_bytes(masked).is_ok());
    masked[31] |= 0x80;
    assert_eq!(DhPublic::from_bytes(masked), Err(Error::BadKey));
}

/// Wycheproof calls most keys that are not canonical, and every zero secret, `acceptable`: here all are refused.
#[test]
fn wycheproof() {
    let set = TestSet::load(TestName::X25519).unwrap();
    let (mut held, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let private: [u8; 32] = test.private_key.as_slice().try_into().unwrap();
        let Ok(public) = <[u8; 32]>::try_from(test.public_key.as_slice()) else {
            assert_eq!(test.result, TestResult::Invalid, "case {id}: only 32 bytes can be a key");
            continue;
        };
        let masked = public[31] & 0x80 != 0;
        let beyond = public[1..31] == [0xff; 30] && public[31] & 0x7f == 0x7f && public[0] >= 0xed;
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        let weak = test.flags.contains(&TestFlag::ZeroSharedSecret) || test.flags.contains(&TestFlag::LowOrderPublic);
        // A point of small order gives a zero secret; no canonical, strong key is marked as anything but valid.
        assert!(zero || !test.flags.contains(&TestFlag::ZeroSharedSecret), "case {id}");
        if masked || beyond || zero || weak {
            assert_eq!(agreed(private, public), Err(Error::BadKey), "case {id}: {}", test.comment);
            refused += 1;
        } else {
            let expected: [u8; 32] = test.shared_secret.as_slice().try_into().unwrap();
            assert_eq!(agreed(private, public), Ok(expected), "case {id}: {}", test.comment);
            assert!(!test.flags.contains(&TestFlag::NonCanonicalPublic), "case {id}");
            held += 1;
        }
    }
    assert!(held > 400 && refused > 30, "{held} held, {refused} refused");
}
