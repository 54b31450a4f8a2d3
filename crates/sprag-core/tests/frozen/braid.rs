//! `braid.json`: the erasure code, and a whole epoch of a session in strict ping-pong, from seeds. Headers are opened and
//! every key is computed a second time, by the mirror.

use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{hkdf, hmac, sha256};
use sprag_core::crypto::split_kem;
use sprag_core::handshake::Established;
use sprag_core::label;
use sprag_core::random::Random;
use sprag_core::ratchet::{Binding, SLOT, Session};
use sprag_core::secret::Secret;

use super::json::Json;
use super::mirror::{Authenticator, CHUNK, Chains, Header, Stepped, chunk, output_key};
use crate::people::Seeded;

const NAMES: [&str; 2] = ["initiator", "responder"];

fn draw(seed: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    Seeded::new(&format!("braid {seed}")).fill(&mut bytes);
    bytes
}

/// A generator that remembers what it has said.
struct Recording(Seeded, Vec<[u8; 32]>);

impl Random for Recording {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
        self.1.push((&*out).try_into().unwrap());
    }
}

/// What the mirror knows of one direction.
struct Direction {
    secret: [u8; 32],
    public: DhPublic,
    header_key: [u8; 32],
    next_header_key: [u8; 32],
    chain_key: [u8; 32],
    n: u32,
    pn: u32,
    is_to_turn: bool,
}

/// The objects of an epoch.
#[derive(Default)]
struct Objects {
    seed: Vec<u8>,
    header: Vec<u8>,
    vector: Vec<u8>,
    randomness: Vec<u8>,
    first: Vec<u8>,
    second: Vec<u8>,
    shared: [u8; 32],
    key: [u8; 32],
    /// As they are cut into chunks: header and MAC, vector, first ciphertext, second ciphertext and MAC.
    cut: [Vec<u8>; 4],
}

/// A pair of sessions, and its mirror.
struct Pair {
    sessions: [Session; 2],
    random: Recording,
    directions: [Direction; 2],
    transcript: [u8; 32],
    root: [u8; 32],
    authenticators: Vec<Authenticator>,
    epochs: Vec<Chains>,
    objects: Vec<Objects>,
}

/// One message, as the mirror sees it.
struct Sent {
    slot: [u8; SLOT],
    header: Header,
    json: Json,
}

fn start(name: &str) -> Established {
    Established {
        transcript: draw("transcript"),
        root_key: Secret::new(draw("root key")),
        header_key: Secret::new(draw("header key")),
        next_header_key: Secret::new(draw("next header key")),
        braid_authenticator: Secret::new(draw(name)),
        braid_chains: Secret::new(draw("chains")),
    }
}

impl Pair {
    fn new(name: &str) -> Self {
        let prekey = DhSecret::from_secret(Secret::new(draw("signed prekey")));
        let mut random = Recording(Seeded::new(name), Vec::new());
        let alice = Session::initiate(start(name), prekey.public(), &mut random).unwrap();
        let bob = Session::respond(start(name), &prekey);
        let given = start(name);
        let direction = |secret: [u8; 32], next_header_key: &Secret<32>| Direction {
            secret,
            public: DhSecret::from_secret(Secret::new(secret)).public(),
            header_key: [0; 32],
            next_header_key: *next_header_key.expose_secret(),
            chain_key: [0; 32],
            n: 0,
            pn: 0,
            is_to_turn: true,
        };
        let mut pair = Self {
            sessions: [alice, bob],
            random,
            // What the initiator has before its first turn is nothing.
            directions: [
                direction([0; 32], &given.header_key),
                direction(*prekey.expose_secret(), &given.next_header_key),
            ],
            transcript: given.transcript,
            root: *given.root_key.expose_secret(),
            authenticators: vec![Authenticator::new(given.braid_authenticator.expose_secret())],
            epochs: vec![Chains::start(given.braid_chains.expose_secret())],
            objects: Vec::new(),
        };
        let first = pair.random.1.remove(0);
        pair.turn(0, first);
        pair
    }

    fn turn(&mut self, side: usize, random: [u8; 32]) {
        let info: [&[u8]; 2] = [label::RATCHET_KEY.as_bytes(), &self.transcript];
        let secret: Secret<32> = hkdf(&random, &[&self.root], &info);
        let ours = DhSecret::from_secret(secret.duplicate());
        let agreed = ours.agree(&self.directions[1 - side].public).unwrap();
        let keys: Secret<96> = hkdf(&self.root, &[agreed.expose_secret()], &[label::ROOT_STEP.as_bytes()]);
        let part = |i: usize| <[u8; 32]>::try_from(&keys.expose_secret()[32 * i..32 * (i + 1)]).unwrap();
        self.root = part(0);
        let direction = &mut self.directions[side];
        *direction = Direction {
            secret: *secret.expose_secret(),
            public: ours.public(),
            header_key: direction.next_header_key,
            next_header_key: part(2),
            chain_key: part(1),
            n: 0,
            pn: direction.n,
            is_to_turn: false,
        };
    }

    fn send(&mut self, side: usize) -> Sent {
        let content_key = draw("content key");
        let (commitment, payload_hash) = (draw("commitment"), draw("payload hash"));
        let binding = Binding { commitment: &commitment, payload_hash: &payload_hash, fields: None };
        self.random.1.clear();
        let slot = self.sessions[side].seal(binding, &Secret::new(content_key), &mut self.random).unwrap();
        let mut drawn = std::mem::take(&mut self.random.1);
        let random = drawn.concat();
        if self.directions[side].is_to_turn {
            let first = drawn.remove(0);
            self.turn(side, first);
        }
        let direction = &mut self.directions[side];
        let ec = hmac(&direction.chain_key, &[&[1]]);
        direction.chain_key = hmac(&direction.chain_key, &[&[2]]);
        let ad: [&[u8]; 4] = [&[1, 1], &commitment, &payload_hash, &slot[110..]];
        let nonce = slot[4..16].try_into().unwrap();
        let opened = aead::open(&Secret::new(direction.header_key), &nonce, &ad, &slot[16..110]).unwrap();
        let header = Header::decode(opened.expose_secret());
        let counters = (header.dh, header.pn, header.n);
        assert_eq!(counters, (*direction.public.as_bytes(), direction.pn, direction.n));
        direction.n += 1;
        let Stepped { chain_key, n, key: pq } = self.epochs[header.epoch as usize - 1].step(side);
        assert_eq!(header.pq_n, n);
        let message_key = hmac(&pq, &[&ec]);
        let bound: [&[u8]; 6] =
            [label::SLOT_BODY.as_bytes(), &self.transcript, &nonce, opened.expose_secret(), &commitment, &payload_hash];
        let body_key = Secret::new(hmac(&message_key, &[&bound.concat(), &[1]]));
        assert_eq!(aead::open(&body_key, &[0; 12], &[], &slot[110..]).unwrap().expose_secret(), content_key);
        // What is left of the drawn but for the slot's own was the braid's.
        drawn.pop();
        if let Some(random) = drawn.pop() {
            self.begin(&header, &random);
        }
        self.check(&header);
        let json = Json::Object(vec![
            ("sender", Json::str(NAMES[side])),
            ("random", Json::hex(random)),
            ("header", Json::hex(opened.expose_secret())),
            ("pq_chain_key", Json::hex(chain_key)),
            ("pq_message_key", Json::hex(pq)),
            ("message_key", Json::hex(message_key)),
            ("slot", Json::hex(slot)),
        ]);
        Sent { slot, header, json }
    }

    /// The objects that a message begins.
    fn begin(&mut self, header: &Header, random: &[u8; 32]) {
        let authenticator = *self.authenticators.last().unwrap();
        if header.kind == 1 {
            let seed: Secret<64> = authenticator.hedged(random, label::BRAID_SEED, header.epoch, &[]);
            let (public, vector) = split_kem::public(&seed);
            let mac = authenticator.mac(label::BRAID_HEADER, header.epoch, &public);
            let cut = [[&public[..], &mac].concat(), vector.to_vec(), Vec::new(), Vec::new()];
            let (seed, header, vector) = (seed.expose_secret().to_vec(), public.to_vec(), vector.to_vec());
            self.objects.push(Objects { seed, header, vector, cut, ..Objects::default() });
            return;
        }
        let objects = self.objects.last_mut().unwrap();
        let bound = sha256(&objects.header);
        let randomness: Secret<32> = authenticator.hedged(random, label::BRAID_RANDOMNESS, header.epoch, &bound);
        let public = objects.header.as_slice().try_into().unwrap();
        let (first, shared) = split_kem::encapsulate(&public, &randomness).unwrap();
        let vector = objects.vector.as_slice().try_into().unwrap();
        let second = split_kem::complete(&public, &randomness, &vector).unwrap();
        let seed = Secret::from_slice(&objects.seed).unwrap();
        assert!(split_kem::decapsulate(&seed, &first, &second).ct_eq(&shared));
        objects.randomness = randomness.expose_secret().to_vec();
        (objects.first, objects.second, objects.shared) = (first.to_vec(), second.to_vec(), *shared.expose_secret());
        objects.key = output_key(&objects.shared, header.epoch);
        let authenticator = authenticator.update(header.epoch, &objects.key);
        let both = [&first[..], &second].concat();
        let mac = authenticator.mac(label::BRAID_CIPHERTEXT, header.epoch, &both);
        (objects.cut[2], objects.cut[3]) = (first.to_vec(), [&second[..], &mac].concat());
        self.authenticators.push(authenticator);
        self.epochs.push(self.epochs.last().unwrap().add(&objects.key));
    }

    /// Which of an epoch's objects a header has a chunk of.
    const fn object(header: &Header) -> Option<usize> {
        match header.kind {
            0 => None,
            1 => Some(0),
            2 | 3 => Some(1),
            4 => Some(2),
            _ => Some(3),
        }
    }

    /// The number of chunks that the object of a header's chunk has.
    fn chunks(&self, header: &Header) -> usize {
        Self::object(header).map_or(0, |object| self.objects.last().unwrap().cut[object].len() / CHUNK)
    }

    fn check(&self, header: &Header) {
        let expected = match Self::object(header) {
            Some(object) => chunk(&self.objects.last().unwrap().cut[object], header.index),
            None => [0; CHUNK],
        };
        assert_eq!(header.chunk, expected, "{} {}", header.kind, header.index);
    }

    fn receive(&mut self, side: usize, sent: &Sent) {
        let (commitment, payload_hash) = (draw("commitment"), draw("payload hash"));
        let binding = Binding { commitment: &commitment, payload_hash: &payload_hash, fields: None };
        let session = &mut self.sessions[side];
        let turns = session.turns();
        let (content_key, delta) = session.open(&sent.slot, binding).unwrap();
        assert_eq!(*content_key.expose_secret(), draw("content key"));
        session.commit(delta, Some(crate::people::NOW)).unwrap();
        self.directions[side].is_to_turn |= session.turns() > turns;
    }

    fn freshness(&self) -> [u64; 2] {
        [0, 1].map(|side: usize| self.sessions[side].freshness().epoch)
    }
}

/// A pair whose receivers get chunks of an object only past those that are the object itself: the library decodes all
/// four from parity alone, or never gets here.
fn parity() -> Json {
    let mut pair = Pair::new("parity");
    let mut seen = [const { Vec::new() }; 4];
    while pair.freshness() != [1, 1] {
        for side in [0, 1] {
            if side == 1 && !pair.sessions[1].is_heard() {
                continue;
            }
            let sent = pair.send(side);
            if usize::from(sent.header.index) < pair.chunks(&sent.header) {
                continue;
            }
            if let Some(object) = Pair::object(&sent.header) {
                seen[object].push((sent.header.index, sent.header.chunk));
            }
            pair.receive(1 - side, &sent);
        }
    }
    let names = ["header and MAC", "vector", "first ciphertext", "second ciphertext and MAC"];
    let cut = &pair.objects[0].cut;
    let of = |(at, object): (usize, &Vec<u8>)| {
        let seen = &seen[at];
        let chunks = object.len() / CHUNK;
        assert!(seen.iter().map(|(index, _)| usize::from(*index)).take(chunks).eq(chunks..2 * chunks));
        Json::Object(vec![
            ("name", Json::str(names[at])),
            ("object", Json::hex(object)),
            ("first_parity", Json::hex(seen.iter().take(chunks).flat_map(|(_, chunk)| *chunk).collect::<Vec<_>>())),
            ("chunk_250", Json::hex(chunk(object, 250))),
            ("chunk_255", Json::hex(chunk(object, 255))),
        ])
    };
    Json::List(cut.iter().enumerate().map(of).collect())
}

/// One direction alone: an encoder counts to 250 and begins again.
fn wrapping() -> Json {
    let mut pair = Pair::new("wrapping");
    let indices: Vec<u8> = (0..253).map(|_| pair.send(0).header.index).collect();
    assert!(indices.iter().copied().eq((0..=250).chain(0..2)));
    Json::hex(&indices[249..])
}

/// `braid.json`
pub fn file() -> Json {
    let mut pair = Pair::new("authenticator");
    let chains = pair.epochs[0];
    let first_turn = pair.directions[0].secret;
    let mut messages = Vec::new();
    let mut reached = [0; 2];
    while reached != [2, 2] {
        for side in [0, 1] {
            let sent = pair.send(side);
            pair.receive(1 - side, &sent);
            reached[side] = sent.header.epoch;
            messages.push(sent.json);
        }
    }
    assert_eq!(pair.freshness(), [1, 1]);
    let objects = &pair.objects[0];
    let added = pair.epochs[0].add(&objects.key);
    let epoch = Json::Object(vec![
        ("seed", Json::hex(&objects.seed)),
        ("header", Json::hex(&objects.header)),
        ("header_mac", Json::hex(&objects.cut[0][64..])),
        ("vector", Json::hex(&objects.vector)),
        ("randomness", Json::hex(&objects.randomness)),
        ("first_ciphertext", Json::hex(&objects.first)),
        ("second_ciphertext", Json::hex(&objects.second)),
        ("ciphertext_mac", Json::hex(&objects.cut[3][128..])),
        ("kem_shared_secret", Json::hex(objects.shared)),
        ("key", Json::hex(objects.key)),
    ]);
    let given = start("authenticator");
    let keys = [&given.root_key, &given.header_key, &given.next_header_key, &given.braid_authenticator];
    let named = ["root_key", "header_key", "next_header_key", "braid_authenticator"];
    let mut start = vec![("transcript", Json::hex(given.transcript))];
    start.extend(named.into_iter().zip(keys).map(|(name, key)| (name, Json::hex(key.expose_secret()))));
    start.extend([
        ("braid_chains", Json::hex(given.braid_chains.expose_secret())),
        ("responder_ratchet_secret", Json::hex(draw("signed prekey"))),
        ("initiator_random", Json::hex(Recording(Seeded::new("authenticator"), Vec::new()).once())),
        ("initiator_ratchet_secret", Json::hex(first_turn)),
    ]);
    Json::Object(vec![
        ("note", Json::str("The erasure code; and a session in strict ping-pong from its start to the second epoch.")),
        ("code", parity()),
        ("indices_after_248", wrapping()),
        ("start", Json::Object(start)),
        ("commitment", Json::hex(draw("commitment"))),
        ("payload_hash", Json::hex(draw("payload hash"))),
        ("content_key", Json::hex(draw("content key"))),
        ("authenticators", Json::List(pair.authenticators.iter().map(Authenticator::json).collect())),
        ("chains", Json::List(vec![chains.json(), added.json()])),
        ("epoch", epoch),
        ("messages", Json::List(messages)),
    ])
}

impl Recording {
    fn once(mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        bytes
    }
}
