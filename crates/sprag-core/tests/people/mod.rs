//! People for tests: accounts with a device, a list and prekeys, all from a seed.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses its own part")]

use sprag_core::crypto::hash::sha256;
use sprag_core::crypto::sign::SigningKey;
use sprag_core::identity::{AccountId, AccountKey, DeviceKeys, DeviceList, NewList};
use sprag_core::prekey::{Bundle, OneTimePrekey, ReceivedPrekey, SignedPrekey, VerifiedBundle};
use sprag_core::random::Random;
use sprag_core::secret::Secret;
use sprag_core::wire::Extensions;

pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 24 * 60 * 60;

/// A generator for tests: SHA-256 of a seed and a counter.
pub struct Seeded(pub [u8; 32], pub u64);

impl Seeded {
    pub fn new(seed: &str) -> Self {
        Self(sha256(seed.as_bytes()), 0)
    }
}

impl Random for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        for block in out.chunks_mut(32) {
            let bytes = sha256(&[self.0.as_slice(), &self.1.to_be_bytes()].concat());
            block.copy_from_slice(&bytes[..block.len()]);
            self.1 += 1;
        }
    }
}

/// A generator that always says the same.
pub struct Constant;

impl Random for Constant {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(7);
    }
}

pub struct Person {
    pub account: AccountKey,
    pub device: DeviceKeys,
    pub list: DeviceList,
    pub signed: SignedPrekey,
    pub signed_object: Vec<u8>,
    pub one_time: OneTimePrekey,
    pub one_time_object: Vec<u8>,
    pub random: Seeded,
}

impl Person {
    pub fn new(name: &str) -> Self {
        let mut random = Seeded::new(name);
        let account = AccountKey::create(AccountId::new(name.as_bytes()).unwrap(), &mut random);
        let device = DeviceKeys::create(&mut random);
        let list = list_of(&account, &[&device], 1, [0; 32]);
        let (signed, signed_object) = SignedPrekey::create(&device, NOW, &mut random);
        let (one_time, one_time_object) = OneTimePrekey::create(&device, NOW, &mut random);
        Self { account, device, list, signed, signed_object, one_time, one_time_object, random }
    }

    /// The account's key as a bare signing key, for forgeries.
    pub fn forger(&self) -> SigningKey {
        SigningKey::from_seed(&Secret::new(*self.account.expose_seed()))
    }

    /// Another device of the same account, with prekeys of its own; the list names both.
    pub fn second(&self, name: &str) -> Self {
        let mut random = Seeded::new(name);
        let account =
            AccountKey::from_seed(self.account.account().id.clone(), &Secret::new(*self.account.expose_seed()));
        let device = DeviceKeys::create(&mut random);
        let list = list_of(&account, &[&self.device, &device], self.list.sequence() + 1, *self.list.hash());
        let (signed, signed_object) = SignedPrekey::create(&device, NOW, &mut random);
        let (one_time, one_time_object) = OneTimePrekey::create(&device, NOW, &mut random);
        Self { account, device, list, signed, signed_object, one_time, one_time_object, random }
    }

    pub fn bundle(&self, with_one_time: bool) -> VerifiedBundle {
        let signed = ReceivedPrekey::parse(&self.signed_object).unwrap();
        let one_time = ReceivedPrekey::parse(&self.one_time_object).unwrap();
        let one_time = with_one_time.then_some(&one_time);
        Bundle { list: &self.list, device: self.device.id(), signed: &signed, one_time }.verify(NOW).unwrap()
    }

    /// A copy of the one-time key, as if read from the store.
    pub fn take_one_time(&self) -> OneTimePrekey {
        OneTimePrekey::decode(self.one_time.encode().expose_secret()).unwrap()
    }
}

pub fn list_of(account: &AccountKey, devices: &[&DeviceKeys], sequence: u64, previous: [u8; 32]) -> DeviceList {
    let entries: Vec<_> =
        devices.iter().map(|device| device.sign_entry(account.account(), &device.entry(true)).unwrap()).collect();
    NewList {
        sequence,
        previous,
        issued: NOW,
        expires: NOW + 35 * DAY,
        ready: true,
        devices: &entries,
        extensions: Extensions::new(),
    }
    .sign(account)
    .unwrap()
}

/// Every non-canonical or small-order encoding of an X25519 key: the points of order 1, 2, 4 and 8 on the curve and its
/// twist, in each of their encodings, and 2^255 - 19 + 9 (a good point, badly written).
pub fn bad_dh_keys() -> Vec<[u8; 32]> {
    let hex = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let mut keys: Vec<[u8; 32]> = hex.iter().map(|text| unhex(text).try_into().unwrap()).collect();
    // The same with the top bit set, which RFC 7748 would ignore; and a good key with it.
    let mut high = keys.clone();
    high.push([9; 32]);
    high.iter_mut().for_each(|key| key[31] |= 0x80);
    keys.extend(high);
    keys
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
