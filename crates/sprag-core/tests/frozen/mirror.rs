//! The post-quantum ratchet, once more and from the primitives: authenticator, erasure code and the chains of an epoch.

use sprag_core::crypto::hash::{hkdf, hmac};
use sprag_core::label;
use sprag_core::secret::Secret;

use super::json::Json;

/// What a braid's object is cut into.
pub const CHUNK: usize = 32;

fn part<const N: usize>(keys: &Secret<N>, at: usize) -> [u8; 32] {
    keys.expose_secret()[32 * at..32 * (at + 1)].try_into().unwrap()
}

/// What ties one epoch of the braid to those before it.
#[derive(Clone, Copy)]
pub struct Authenticator {
    pub root: [u8; 32],
    pub mac_key: [u8; 32],
}

impl Authenticator {
    /// From the handshake's secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { root: [0; 32], mac_key: [0; 32] }.update(1, secret)
    }

    pub fn update(&self, epoch: u64, key: &[u8; 32]) -> Self {
        let info: [&[u8]; 2] = [label::BRAID_AUTHENTICATOR.as_bytes(), &epoch.to_be_bytes()];
        let keys: Secret<64> = hkdf(&self.root, &[key], &info);
        Self { root: part(&keys, 0), mac_key: part(&keys, 1) }
    }

    pub fn mac(&self, purpose: &str, epoch: u64, what: &[u8]) -> [u8; 32] {
        hmac(&self.mac_key, &[purpose.as_bytes(), &epoch.to_be_bytes(), what])
    }

    pub fn hedged<const N: usize>(&self, random: &[u8; 32], purpose: &str, epoch: u64, what: &[u8]) -> Secret<N> {
        hkdf(random, &[&self.root], &[purpose.as_bytes(), &epoch.to_be_bytes(), what])
    }

    pub fn json(&self) -> Json {
        Json::Object(vec![("root", Json::hex(self.root)), ("mac_key", Json::hex(self.mac_key))])
    }
}

/// An epoch's key from the KEM's secret.
pub fn output_key(shared: &[u8; 32], epoch: u64) -> [u8; 32] {
    let key: Secret<32> = hkdf(&[0; 32], &[shared], &[label::BRAID_KEY.as_bytes(), &epoch.to_be_bytes()]);
    *key.expose_secret()
}

/// The chains of one epoch: the initiator's and the responder's.
#[derive(Clone, Copy)]
pub struct Chains {
    pub root: [u8; 32],
    pub keys: [[u8; 32]; 2],
    pub last: [u32; 2],
}

/// What one step of a chain yields.
pub struct Stepped {
    pub chain_key: [u8; 32],
    pub n: u32,
    pub key: [u8; 32],
}

impl Chains {
    /// Those of epoch 0.
    pub fn start(secret: &[u8; 32]) -> Self {
        Self::from(&hkdf(&[0; 32], &[secret], &[label::EPOCH_START.as_bytes()]))
    }

    /// Those of the next epoch.
    pub fn add(&self, key: &[u8; 32]) -> Self {
        Self::from(&hkdf(&self.root, &[key], &[label::EPOCH_ADD.as_bytes()]))
    }

    fn from(keys: &Secret<96>) -> Self {
        Self { root: part(keys, 0), keys: [part(keys, 1), part(keys, 2)], last: [0, 0] }
    }

    /// The next key of one side: 0 is the initiator.
    pub fn step(&mut self, side: usize) -> Stepped {
        let chain_key = self.keys[side];
        self.last[side] += 1;
        let n = self.last[side];
        let keys: Secret<64> = hkdf(&[0; 32], &[&chain_key], &[label::EPOCH_STEP.as_bytes(), &n.to_be_bytes()]);
        self.keys[side] = part(&keys, 0);
        Stepped { chain_key, n, key: part(&keys, 1) }
    }

    pub fn json(&self) -> Json {
        Json::Object(vec![
            ("root", Json::hex(self.root)),
            ("initiator", Json::hex(self.keys[0])),
            ("responder", Json::hex(self.keys[1])),
        ])
    }
}

/// Multiplication in GF(2^8) as the field is defined.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product, bit| {
        let doubled = (product << 1) ^ ((product >> 7) * 0x1b);
        doubled ^ ((b >> bit & 1) * a)
    })
}

/// a^254.
fn inverse(a: u8) -> u8 {
    (0..254).fold(1, |power, _| multiply(power, a))
}

/// Chunk `index` of an object: the polynomial through the object's own chunks, by Lagrange's formula.
pub fn chunk(object: &[u8], index: u8) -> [u8; CHUNK] {
    let chunks: Vec<&[u8]> = object.chunks(CHUNK).collect();
    let mut sum = [0; CHUNK];
    for (i, chunk) in chunks.iter().enumerate() {
        let others = (0..chunks.len()).filter(|other| *other != i).map(|other| other as u8);
        let factor = others.fold(1, |all, other| multiply(all, multiply(index ^ other, inverse(i as u8 ^ other))));
        sum.iter_mut().zip(*chunk).for_each(|(sum, byte)| *sum ^= multiply(factor, *byte));
    }
    sum
}

/// The header of a message.
pub struct Header {
    pub dh: [u8; 32],
    pub pn: u32,
    pub n: u32,
    pub epoch: u64,
    pub pq_n: u32,
    pub kind: u8,
    pub index: u8,
    pub chunk: [u8; CHUNK],
}

impl Header {
    pub fn encode(&self) -> [u8; 78] {
        let counter = |value: u32| [(value >> 16) as u8, (value >> 8) as u8, value as u8];
        let counters = [self.pn, self.n, self.epoch as u32, self.pq_n].map(counter);
        [&self.dh, counters.as_flattened(), &[self.kind, self.index], &self.chunk].concat().try_into().unwrap()
    }

    pub fn decode(bytes: &[u8]) -> Self {
        let counter = |at: usize| bytes[at..at + 3].iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        Self {
            dh: bytes[..32].try_into().unwrap(),
            pn: counter(32),
            n: counter(35),
            epoch: counter(38).into(),
            pq_n: counter(41),
            kind: bytes[44],
            index: bytes[45],
            chunk: bytes[46..].try_into().unwrap(),
        }
    }

    /// What the message carries of the braid.
    pub fn json(&self) -> Json {
        Json::Object(vec![
            ("epoch", Json::Number(self.epoch)),
            ("type", Json::Number(self.kind.into())),
            ("index", Json::Number(self.index.into())),
            ("chunk", Json::hex(self.chunk)),
        ])
    }
}
