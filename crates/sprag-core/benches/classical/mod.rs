//! The Double Ratchet alone, as the core would do it without the braid: the same slots, the same derivations, the same
//! copies, but for the post-quantum key, which is zero. For comparison; it skips nothing and keeps nothing.

use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{expand, extract, hkdf, hmac};
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::ratchet::{Binding, HEADER, SLOT};
use sprag_core::secret::Secret;

const KIND: [u8; 2] = [1, 1];

struct Chain {
    header_key: Secret<32>,
    key: Secret<32>,
    next: u32,
}

impl Chain {
    fn step(&mut self) -> Secret<32> {
        let key = Secret::new(hmac(self.key.expose_secret(), &[&[1]]));
        self.key = Secret::new(hmac(self.key.expose_secret(), &[&[2]]));
        self.next += 1;
        extract(&[0; 32], &key)
    }

    fn duplicate(&self) -> Self {
        Self { header_key: self.header_key.duplicate(), key: self.key.duplicate(), next: self.next }
    }
}

pub struct Classical {
    transcript: [u8; 32],
    root: Secret<32>,
    ours: DhSecret,
    theirs: DhPublic,
    sending: Option<Chain>,
    receiving: Option<Chain>,
    next_sending: Secret<32>,
    next_receiving: Secret<32>,
}

fn part(keys: &Secret<96>, at: usize) -> Secret<32> {
    Secret::from_slice(&keys.expose_secret()[32 * at..32 * (at + 1)]).unwrap()
}

impl Classical {
    /// Two sides, the first of which sends first.
    pub fn pair(random: &mut dyn Random) -> [Self; 2] {
        let secrets = [DhSecret::random(random), DhSecret::random(random)];
        let publics = secrets.each_ref().map(DhSecret::public);
        let [first, second] = secrets;
        let side = |ours, theirs, keys: [u8; 2]| Self {
            transcript: [9; 32],
            root: Secret::new([1; 32]),
            ours,
            theirs,
            sending: None,
            receiving: None,
            next_sending: Secret::new([keys[0]; 32]),
            next_receiving: Secret::new([keys[1]; 32]),
        };
        [side(first, publics[1], [2, 3]), side(second, publics[0], [3, 2])]
    }

    fn turn(root: &Secret<32>, ours: &DhSecret, theirs: &DhPublic) -> Secret<96> {
        let shared = ours.agree(theirs).unwrap();
        hkdf(root.expose_secret(), &[shared.expose_secret()], &[label::ROOT_STEP.as_bytes()])
    }

    pub fn seal(&mut self, binding: Binding<'_>, content_key: &Secret<32>, random: &mut dyn Random) -> [u8; SLOT] {
        if self.sending.is_none() {
            let fresh: Secret<32> = Secret::random(random);
            let info: [&[u8]; 2] = [label::RATCHET_KEY.as_bytes(), &self.transcript];
            self.ours = DhSecret::from_secret(hkdf(fresh.expose_secret(), &[self.root.expose_secret()], &info));
            let keys = Self::turn(&self.root, &self.ours, &self.theirs);
            let header_key = std::mem::replace(&mut self.next_sending, part(&keys, 2));
            (self.root, self.sending) = (part(&keys, 0), Some(Chain { header_key, key: part(&keys, 1), next: 0 }));
        }
        let mut chain = self.sending.as_ref().unwrap().duplicate();
        let mut header = [0; HEADER];
        header[..32].copy_from_slice(self.ours.public().as_bytes());
        header[35..38].copy_from_slice(&chain.next.to_be_bytes()[1..]);
        let key = chain.step();
        let fresh: Secret<32> = Secret::random(random);
        let nonce_key = expand(&key, &[label::SLOT_NONCE_KEY.as_bytes()]);
        let parts: [&[u8]; 5] =
            [label::SLOT_NONCE.as_bytes(), fresh.expose_secret(), &header, binding.commitment, binding.payload_hash];
        let nonce: [u8; 12] = hmac(nonce_key.expose_secret(), &parts)[..12].try_into().unwrap();
        let body_key = self.body_key(&key, &nonce, &header, binding);
        let body = aead::seal(&body_key, &[0; 12], &[], content_key.expose_secret()).unwrap();
        let ad: [&[u8]; 4] = [&KIND, binding.commitment, binding.payload_hash, &body];
        let sealed = aead::seal(&chain.header_key, &nonce, &ad, &header).unwrap();
        self.sending = Some(chain);
        let mut slot = [0; SLOT];
        slot[4..16].copy_from_slice(&nonce);
        slot[16..110].copy_from_slice(&sealed);
        slot[110..].copy_from_slice(&body);
        slot
    }

    fn body_key(&self, key: &Secret<32>, nonce: &[u8], header: &[u8], binding: Binding<'_>) -> Secret<32> {
        let label = label::SLOT_BODY.as_bytes();
        expand(key, &[label, &self.transcript, nonce, header, binding.commitment, binding.payload_hash])
    }

    pub fn open(&mut self, slot: &[u8; SLOT], binding: Binding<'_>) -> Secret<32> {
        let nonce: [u8; 12] = slot[4..16].try_into().unwrap();
        let ad: [&[u8]; 4] = [&KIND, binding.commitment, binding.payload_hash, &slot[110..]];
        let try_with = |key: &Secret<32>| aead::open(key, &nonce, &ad, &slot[16..110]).ok();
        let along = self.receiving.as_ref().and_then(|chain| try_with(&chain.header_key));
        let is_along = along.is_some();
        let header = along.or_else(|| try_with(&self.next_receiving)).unwrap();
        let header = header.expose_secret();
        let mut chain = if is_along {
            self.receiving.as_ref().unwrap().duplicate()
        } else {
            self.theirs = DhPublic::from_bytes(header[..32].try_into().unwrap()).unwrap();
            let keys = Self::turn(&self.root, &self.ours, &self.theirs);
            let header_key = std::mem::replace(&mut self.next_receiving, part(&keys, 2));
            (self.root, self.sending) = (part(&keys, 0), None);
            Chain { header_key, key: part(&keys, 1), next: 0 }
        };
        let key = chain.step();
        let body_key = self.body_key(&key, &nonce, header, binding);
        self.receiving = Some(chain);
        let body = aead::open(&body_key, &[0; 12], &[], &slot[110..]).unwrap();
        Secret::from_slice(body.expose_secret()).unwrap()
    }
}
