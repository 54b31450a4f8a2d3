//! Two ends of a session for tests that need no handshake before it.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, reason = "each test uses its own part")]

use sprag_core::crypto::dh::DhSecret;
use sprag_core::crypto::hash::sha256;
use sprag_core::handshake::Established;
use sprag_core::random::Random;
use sprag_core::ratchet::{Binding, Session};
use sprag_core::secret::Secret;

pub const BINDING: Binding<'static> = Binding { commitment: &[7; 32], payload_hash: &[8; 32], fields: None };

/// A generator: SHA-256 of a counter.
pub struct Counted(pub u64);

impl Random for Counted {
    fn fill(&mut self, out: &mut [u8]) {
        for part in out.chunks_mut(32) {
            self.0 += 1;
            let block = sha256(&self.0.to_be_bytes());
            part.copy_from_slice(&block[..part.len()]);
        }
    }
}

impl Counted {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes) % end
    }
}

/// What a handshake would have yielded.
pub fn established() -> Established {
    Established {
        transcript: [9; 32],
        root_key: Secret::new([1; 32]),
        header_key: Secret::new([2; 32]),
        next_header_key: Secret::new([3; 32]),
        braid_authenticator: Secret::new([4; 32]),
        braid_chains: Secret::new([5; 32]),
    }
}

/// Initiator and responder.
pub fn pair(random: &mut dyn Random) -> [Session; 2] {
    let prekey = DhSecret::random(random);
    [Session::initiate(established(), prekey.public(), random).unwrap(), Session::respond(established(), &prekey)]
}

/// Where the braid stands among the items of a stored session.
pub const BRAID: usize = 12;

/// The number of the state that a session's braid is in.
pub fn braid_state(session: &Session) -> u8 {
    items(items(session.encode().expose_secret())[BRAID])[0][0]
}

/// The bytes of the first item.
fn item(bytes: &[u8]) -> usize {
    let (major, low) = (bytes[0] >> 5, usize::from(bytes[0] & 31));
    let size = if low < 24 { 0 } else { 1 << (low - 24) };
    let value = if low < 24 { low } else { bytes[1..=size].iter().fold(0, |all, byte| all << 8 | usize::from(*byte)) };
    match major {
        2 => 1 + size + value,
        4 => (0..value).fold(1 + size, |at, _| at + item(&bytes[at..])),
        7 => 1,
        _ => 1 + size,
    }
}

/// The items of an array.
pub fn items(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = &bytes[1..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (first, others) = rest.split_at(item(rest));
        all.push(first);
        rest = others;
    }
    all
}
