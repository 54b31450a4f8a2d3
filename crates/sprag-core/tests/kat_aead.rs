//! Known answers of both AEADs through [`sprag_core::crypto::aead`]: RFC 8439, the XChaCha draft, Wycheproof.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use sprag_core::Error;
use sprag_core::crypto::aead::{open, seal, xopen, xseal};
use sprag_core::secret::Secret;
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

const PLAINTEXT: &[u8] =
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
sunscreen would be it.";
const AD: &str = "50515253c0c1c2c3c4c5c6c7";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn key() -> Secret<32> {
    Secret::new(core::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap()))
}

#[test]
fn rfc_8439_section_2_8_2() {
    let nonce: [u8; 12] = hex("070000004041424344454647").try_into().unwrap();
    let sealed = hex(concat!(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b",
        "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc",
        "3ff4def08e4b7a9de576d26586cec64b6116",
        "1ae10b594f09e26a7e902ecbd0600691",
    ));
    let ad = hex(AD);
    assert_eq!(seal(&key(), &nonce, &[&ad], PLAINTEXT).unwrap(), sealed);
    assert_eq!(seal(&key(), &nonce, &[&ad[..5], &ad[5..]], PLAINTEXT).unwrap(), sealed, "parts are joined");
    assert_eq!(open(&key(), &nonce, &[&ad], &sealed).unwrap().expose_secret(), PLAINTEXT);
    every_flip_is_refused(&sealed, |sealed| open(&key(), &nonce, &[&ad], sealed).err());
}

/// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
#[test]
fn xchacha_draft_appendix_a_3_1() {
    let nonce: [u8; 24] = core::array::from_fn(|i| 0x40 + u8::try_from(i).unwrap());
    let sealed = hex(concat!(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39",
        "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
        "21f9664c97637da9768812f615c68b13b52e",
        "c0875924c1c7987947deafd8780acf49",
    ));
    let ad = hex(AD);
    assert_eq!(xseal(&key(), &nonce, &[&ad], PLAINTEXT).unwrap(), sealed);
    assert_eq!(xopen(&key(), &nonce, &[&ad], &sealed).unwrap().expose_secret(), PLAINTEXT);
    every_flip_is_refused(&sealed, |sealed| xopen(&key(), &nonce, &[&ad], sealed).err());
}

fn every_flip_is_refused(sealed: &[u8], opened: impl Fn(&[u8]) -> Option<Error>) {
    for index in 0..sealed.len() {
        let mut broken = sealed.to_vec();
        broken[index] ^= 1;
        assert_eq!(opened(&broken), Some(Error::Open));
        assert_eq!(opened(&sealed[..index]), Some(Error::Open));
    }
}

#[test]
fn wycheproof_chacha20_poly1305() {
    wycheproof_cases::<12>(TestName::ChaCha20Poly1305, seal, |key, nonce, ad, sealed| {
        open(key, nonce, ad, sealed).map(|opened| opened.expose_secret().to_vec())
    });
}

#[test]
fn wycheproof_xchacha20_poly1305() {
    wycheproof_cases::<24>(TestName::XChaCha20Poly1305, xseal, |key, nonce, ad, sealed| {
        xopen(key, nonce, ad, sealed).map(|opened| opened.expose_secret().to_vec())
    });
}

type Cipher<const N: usize> = fn(&Secret<32>, &[u8; N], &[&[u8]], &[u8]) -> Result<Vec<u8>, Error>;

fn wycheproof_cases<const N: usize>(name: TestName, seal: Cipher<N>, open: Cipher<N>) {
    let set = TestSet::load(name).unwrap();
    let (mut held, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = test.tc_id;
        let key = Secret::new(test.key.as_slice().try_into().unwrap());
        let Ok(nonce) = <[u8; N]>::try_from(test.nonce.as_slice()) else {
            assert_eq!(test.result, TestResult::Invalid, "case {id}: no other nonce length can be given");
            continue;
        };
        let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
        if test.result == TestResult::Valid {
            assert_eq!(seal(&key, &nonce, &[&test.aad], &test.pt).unwrap(), sealed, "case {id}");
            assert_eq!(open(&key, &nonce, &[&test.aad], &sealed).unwrap(), *test.pt, "case {id}");
            held += 1;
        } else {
            assert_eq!(open(&key, &nonce, &[&test.aad], &sealed), Err(Error::Open), "case {id}");
            refused += 1;
        }
    }
    assert!(held > 200 && refused > 40, "{held} held, {refused} refused");
}
