//! `messages.json`: a first message and three replies, from a handshake's keys to texts, with every intermediate value
//! computed a second time from the primitives.

use std::collections::VecDeque;

use sprag_core::content::{Body, Content, Conversation, EXT_LIST, ListStatement};
use sprag_core::crypto::aead;
use sprag_core::crypto::dh::{DhPublic, DhSecret};
use sprag_core::crypto::hash::{Item, hash, hkdf, hmac, sha256};
use sprag_core::crypto::split_kem;
use sprag_core::envelope::{Envelope, SealedPayload, Sealing};
use sprag_core::franking::Audience;
use sprag_core::handshake::{Fields, initiate, unseal};
use sprag_core::identity::AccountId;
use sprag_core::label;
use sprag_core::padding;
use sprag_core::random::Random;
use sprag_core::ratchet::{HintKey, SLOT, Session};
use sprag_core::secret::Secret;
use sprag_core::wire::Extensions;

use super::json::Json;
use super::mirror::{Authenticator, CHUNK, Chains, Header, chunk};
use super::who;
use crate::people::{NOW, Person, Seeded};

const TEXTS: [&str; 4] = [
    "A first letter, to someone who is offline.",
    "It arrived: ünïcödé, and a family of four \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}.",
    "A second one in the same chain.",
    "And the answer to both, under keys that did not exist before.",
];

/// HKDF-Expand to one block.
fn expand(key: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
    let mut parts = info.to_vec();
    parts.push(&[1]);
    hmac(key, &parts)
}

fn draw(seed: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    Seeded::new(seed).fill(&mut bytes);
    bytes
}

/// The ratchet, once more: what both sides of the conversation know at a point of it.
struct Mirror {
    transcript: [u8; 32],
    root: [u8; 32],
    chain: [u8; 32],
    header_key: [u8; 32],
    n: u32,
    /// Of the post-quantum ratchet: epoch 0 is not left here.
    chains: Chains,
    /// The object that the initiator sends in pieces.
    object: Vec<u8>,
}

/// A turn of the root chain by the sender of a message.
struct Turn {
    random: [u8; 32],
    secret: [u8; 32],
    agreed: [u8; 32],
    next_header_key: [u8; 32],
}

impl Mirror {
    /// Turns the root with a fresh ratchet key; the new chain is found by `header_key`.
    fn turn(&mut self, random: [u8; 32], theirs: &DhPublic, header_key: [u8; 32]) -> (Turn, DhPublic) {
        let info: [&[u8]; 2] = [label::RATCHET_KEY.as_bytes(), &self.transcript];
        let secret: Secret<32> = hkdf(&random, &[&self.root], &info);
        let ours = DhSecret::from_secret(secret.duplicate());
        let agreed = *ours.agree(theirs).unwrap().expose_secret();
        let keys: Secret<96> = hkdf(&self.root, &[&agreed], &[label::ROOT_STEP.as_bytes()]);
        let part = |i: usize| <[u8; 32]>::try_from(&keys.expose_secret()[32 * i..32 * (i + 1)]).unwrap();
        (self.root, self.chain, self.header_key, self.n) = (part(0), part(1), header_key, 0);
        (Turn { random, secret: *secret.expose_secret(), agreed, next_header_key: part(2) }, ours.public())
    }
}

/// What one message is made of.
struct Message<'a> {
    seed: &'a str,
    text: &'a str,
    from: &'a Person,
    to: &'a Person,
    initial: Option<&'a Fields>,
    turn: Option<&'a Turn>,
    dh: DhPublic,
    pn: u32,
    /// The index of the chunk of the initiator's object that it carries.
    index: Option<u8>,
    braid_random: Option<[u8; 32]>,
}

/// Seals by the library, and again by hand; opens on the other side.
fn message(m: &Message<'_>, mirror: &mut Mirror, sender: &mut Session, receiver: &mut Session) -> Json {
    let (from, to) = (m.from.account.account(), m.to.account.account());
    let list_hashes = [*m.from.list.hash(), *m.to.list.hash()];
    let statement = |person: &Person| ListStatement { sequence: person.list.sequence(), mac: [0; 8] };
    let mut extensions = Extensions::new();
    if m.initial.is_some() {
        extensions.insert(EXT_LIST, m.from.list.as_bytes().to_vec());
    }
    let mut content = Content {
        id: sha256(m.text.as_bytes())[..8].to_vec(),
        sent: NOW,
        conversation: Conversation::Direct { recipient: None },
        lists: vec![statement(m.from), statement(m.to)],
        body: Body::Text(m.text.into()),
        extensions,
    };
    let blank = padding::pad(content.encode().unwrap().expose_secret()).unwrap().to_vec();
    let audience = Audience::direct(&from.id, &to.id);
    let hedge = m.from.device.hedge();
    let devices = [m.to.device.device_key()];
    let sealing = Sealing { hedge: &hedge, audience: &audience, list_hashes: &list_hashes, devices: &devices };
    let content_seed = format!("{} content", m.seed);
    let sealed = SealedPayload::seal(&mut content, &sealing, &mut Seeded::new(&content_seed)).unwrap();

    // The content key and what follows from it.
    let audience = hash(label::AUDIENCE_DIRECT, &[Item::Bytes(from.id.as_bytes()), Item::Bytes(to.id.as_bytes())]);
    let lists = hash(label::LISTS, &[Item::Bytes(&list_hashes[0]), Item::Bytes(&list_hashes[1])]);
    let addressed = hash(label::DEVICES, &[Item::Bytes(devices[0].as_bytes())]);
    let content_random = draw(&content_seed);
    let padded_hash = sha256(&blank);
    let info: [&[u8]; 5] = [label::CONTENT_KEY.as_bytes(), &padded_hash, &lists, &addressed, &audience];
    let content_key: Secret<32> = hkdf(&content_random, &[hedge.expose_secret()], &info);
    let content_key = *content_key.expose_secret();
    assert_eq!(content_key, *sealed.content_key().expose_secret());
    let list_mac_key = expand(&content_key, &[label::LIST_MAC.as_bytes()]);
    for (stated, hash) in content.lists.iter().zip(&list_hashes) {
        assert_eq!(stated.mac, hmac(&list_mac_key, &[hash])[..8]);
    }
    let encoded = content.encode().unwrap();
    let franking_key = expand(&content_key, &[label::FRANKING.as_bytes()]);
    let commitment = hmac(&franking_key, &[&audience, encoded.expose_secret()]);
    assert_eq!(commitment, *sealed.commitment());
    let payload_key = expand(&content_key, &[label::PAYLOAD.as_bytes()]);
    let padded = padding::pad(encoded.expose_secret()).unwrap();
    let kind = [1, 1];
    let payload = aead::seal(&secret(&payload_key), &[0; 12], &[&kind, &commitment], &padded).unwrap();
    let payload_hash = sha256(&payload);

    // The slot, by the library.
    let slot_seed = format!("{} slot", m.seed);
    let turned = m.turn.filter(|_| m.initial.is_none()).map(|turn| turn.random);
    let mut random = Scripted(turned.into_iter().chain(m.braid_random).collect(), draw(&slot_seed));
    let fields_hash = m.initial.map(Fields::binding);
    let binding = sealed.binding(fields_hash.as_ref());
    let mut slot = sender.seal(binding, sealed.content_key(), &mut random).unwrap();
    let hint_key = HintKey::between(m.from.device.identity(), &m.to.device.identity().public()).unwrap();
    slot[..4].copy_from_slice(&hint_key.hint(&m.from.device.device_key(), &commitment));

    // The slot, by hand.
    let chain_key = mirror.chain;
    let ec_key = hmac(&chain_key, &[&[1]]);
    mirror.chain = hmac(&chain_key, &[&[2]]);
    let pq = mirror.chains.step(usize::from(from.id != who_begins()));
    let message_key = hmac(&pq.key, &[&ec_key]);
    let stated = Header {
        dh: *m.dh.as_bytes(),
        pn: m.pn,
        n: mirror.n,
        epoch: 1,
        pq_n: pq.n,
        kind: u8::from(m.index.is_some()),
        index: m.index.unwrap_or(0),
        chunk: m.index.map_or([0; CHUNK], |index| chunk(&mirror.object, index)),
    };
    let header = stated.encode();
    mirror.n += 1;
    let fields_part = fields_hash.as_ref().map_or(&[][..], |hash| hash.as_slice());
    let nonce_key = expand(&message_key, &[label::SLOT_NONCE_KEY.as_bytes()]);
    let slot_random = draw(&slot_seed);
    let bound: [&[u8]; 4] = [&header, &commitment, &payload_hash, fields_part];
    let nonce_parts = [&[label::SLOT_NONCE.as_bytes(), &slot_random[..]][..], &bound[..]].concat();
    let nonce: [u8; 12] = hmac(&nonce_key, &nonce_parts)[..12].try_into().unwrap();
    let body_parts = [&[label::SLOT_BODY.as_bytes(), &mirror.transcript[..], &nonce[..]][..], &bound[..]].concat();
    let body_key = expand(&message_key, &body_parts);
    let body = aead::seal(&secret(&body_key), &[0; 12], &[], &content_key).unwrap();
    let ad: [&[u8]; 5] = [&kind, &commitment, &payload_hash, fields_part, &body];
    let sealed_header = aead::seal(&secret(&mirror.header_key), &nonce, &ad, &header).unwrap();
    assert_eq!(slot[4..], [&nonce[..], &sealed_header, &body].concat());

    // The envelope, and the other side.
    let envelope = match m.initial {
        Some(fields) => sealed.envelope(&[], &[(fields, slot)]).unwrap(),
        None => sealed.envelope(&[slot], &[]).unwrap(),
    };
    open(&envelope, m, receiver);

    let turn = m.turn.map_or(Json::Null, |turn| {
        Json::Object(vec![
            ("random", Json::hex(turn.random)),
            ("ratchet_secret", Json::hex(turn.secret)),
            ("ratchet_key", Json::hex(m.dh.as_bytes())),
            ("agreed", Json::hex(turn.agreed)),
            ("root_key", Json::hex(mirror.root)),
            ("chain_key", Json::hex(chain_key)),
            ("next_header_key", Json::hex(turn.next_header_key)),
        ])
    });
    Json::Object(vec![
        ("from", Json::hex(from.id.as_bytes())),
        ("to", Json::hex(to.id.as_bytes())),
        ("text", Json::str(m.text)),
        ("envelope", Json::hex(&envelope)),
        ("audience", Json::hex(audience)),
        ("content_random", Json::hex(content_random)),
        ("blank_padded_hash", Json::hex(padded_hash)),
        ("lists_hash", Json::hex(lists)),
        ("devices_hash", Json::hex(addressed)),
        ("content_key", Json::hex(content_key)),
        ("list_mac_key", Json::hex(list_mac_key)),
        ("content", Json::hex(encoded.expose_secret())),
        ("franking_key", Json::hex(franking_key)),
        ("commitment", Json::hex(commitment)),
        ("payload_key", Json::hex(payload_key)),
        ("payload_hash", Json::hex(payload_hash)),
        ("fields_binding", fields_hash.map_or(Json::Null, Json::hex)),
        ("turn", turn),
        ("header_key", Json::hex(mirror.header_key)),
        ("ec_message_key", Json::hex(ec_key)),
        ("pq_chain_key", Json::hex(pq.chain_key)),
        ("pq_n", Json::Number(pq.n.into())),
        ("pq_message_key", Json::hex(pq.key)),
        ("braid", stated.json()),
        ("message_key", Json::hex(message_key)),
        ("header", Json::hex(header)),
        ("slot_random", Json::hex(slot_random)),
        ("nonce_key", Json::hex(nonce_key)),
        ("nonce", Json::hex(nonce)),
        ("body_key", Json::hex(body_key)),
        ("hint_key", Json::hex(hint_key.expose_secret())),
        ("slot", Json::hex(slot)),
    ])
}

/// Opens an envelope by the library alone.
fn open(bytes: &[u8], m: &Message<'_>, receiver: &mut Session) {
    let envelope = Envelope::parse(bytes).unwrap();
    let (slot, fields): (&[u8; SLOT], _) = match envelope.initial() {
        [initial] => (&initial.slot, Some(&initial.fields_hash)),
        _ => (&envelope.slots()[0], None),
    };
    let hint_key = HintKey::between(m.to.device.identity(), &m.from.device.identity().public()).unwrap();
    assert_eq!(slot[..4], hint_key.hint(&m.from.device.device_key(), envelope.commitment()));
    let (content_key, delta) = receiver.open(slot, envelope.binding(fields)).unwrap();
    let audience = Audience::direct(&m.from.account.account().id, &m.to.account.account().id);
    let opened = envelope.open(&content_key).unwrap().verify(&audience).unwrap();
    assert!(opened.states(0, m.from.list.hash()) && opened.states(1, m.to.list.hash()));
    assert!(matches!(opened.content.body, Body::Text(text) if text == m.text));
    receiver.commit(delta, Some(NOW)).unwrap();
}

fn secret(bytes: &[u8; 32]) -> Secret<32> {
    Secret::from_slice(bytes).unwrap()
}

fn who_begins() -> AccountId {
    AccountId::new(b"alice").unwrap()
}

/// Says each of the first values once, then the second.
struct Scripted(VecDeque<[u8; 32]>, [u8; 32]);

impl Random for Scripted {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.pop_front().unwrap_or(self.1));
    }
}

/// `messages.json`
pub fn file() -> Json {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let mut random = Seeded::new("first letter");
    let initiated = initiate(alice.account.account(), &alice.device, bob.bundle(true), None, &mut random).unwrap();
    let fields = initiated.fields;
    let (a, b) = (alice.account.account(), bob.account.account());
    let responded =
        unseal(b, &bob.device, &bob.signed, Some(bob.take_one_time()), &fields).unwrap().finish(None).unwrap();
    let braid_random = draw("alice braids");
    let authenticator = Authenticator::new(responded.braid_authenticator.expose_secret());
    let kem_seed: Secret<64> = authenticator.hedged(&braid_random, label::BRAID_SEED, 1, &[]);
    let (kem_header, _) = split_kem::public(&kem_seed);
    let object = [&kem_header[..], &authenticator.mac(label::BRAID_HEADER, 1, &kem_header)].concat();
    let braid = Json::Object(vec![
        ("authenticator", authenticator.json()),
        ("random", Json::hex(braid_random)),
        ("seed", Json::hex(kem_seed.expose_secret())),
        ("header", Json::hex(kem_header)),
        ("object", Json::hex(&object)),
    ]);
    let mut mirror = Mirror {
        transcript: responded.transcript,
        root: *responded.root_key.expose_secret(),
        chain: [0; 32],
        header_key: [0; 32],
        n: 0,
        chains: Chains::start(responded.braid_chains.expose_secret()),
        object,
    };
    let chains = mirror.chains;
    let (first_header, reply_header) =
        (*responded.header_key.expose_secret(), *responded.next_header_key.expose_secret());
    let start = [("transcript", responded.transcript), ("root_key", mirror.root)]
        .into_iter()
        .chain([("header_key", first_header), ("next_header_key", reply_header)])
        .chain([("braid_authenticator", *responded.braid_authenticator.expose_secret())])
        .chain([("braid_chains", *responded.braid_chains.expose_secret())])
        .map(|(name, value)| (name, Json::hex(value)))
        .collect();

    let spk = initiated.their_ratchet_key;
    let first_turn = draw("alice turns");
    let mut alices = Session::initiate(initiated.established, spk, &mut Scripted(VecDeque::new(), first_turn)).unwrap();
    let mut bobs = Session::respond(responded, bob.signed.ratchet_key());

    let mut messages = Vec::new();
    let (turn, a1) = mirror.turn(first_turn, &spk, first_header);
    let base = Message {
        seed: "first",
        text: TEXTS[0],
        from: &alice,
        to: &bob,
        initial: Some(&fields),
        turn: Some(&turn),
        dh: a1,
        pn: 0,
        index: Some(0),
        braid_random: Some(braid_random),
    };
    messages.push(message(&base, &mut mirror, &mut alices, &mut bobs));
    let alices_next = turn.next_header_key;

    let (turn, b1) = mirror.turn(draw("bob turns"), &a1, reply_header);
    let reply = Message {
        seed: "second",
        text: TEXTS[1],
        from: &bob,
        to: &alice,
        initial: None,
        turn: Some(&turn),
        dh: b1,
        pn: 0,
        index: None,
        braid_random: None,
    };
    messages.push(message(&reply, &mut mirror, &mut bobs, &mut alices));
    let again = Message { seed: "third", text: TEXTS[2], turn: None, ..reply };
    messages.push(message(&again, &mut mirror, &mut bobs, &mut alices));

    let (turn, a2) = mirror.turn(draw("alice turns again"), &b1, alices_next);
    let answer = Message {
        seed: "fourth",
        text: TEXTS[3],
        initial: None,
        turn: Some(&turn),
        dh: a2,
        pn: 1,
        index: Some(1),
        braid_random: None,
        ..base
    };
    messages.push(message(&answer, &mut mirror, &mut alices, &mut bobs));
    let resumption = alices.resumption().unwrap();
    assert_eq!(resumption.id(), bobs.resumption().unwrap().id());

    let mut responder = who::person(&bob);
    responder.push(("signed_prekey", who::prekey(bob.signed.encode().expose_secret(), &bob.signed_object)));
    responder.push(("one_time_prekey", who::prekey(bob.one_time.encode().expose_secret(), &bob.one_time_object)));
    assert_eq!(a.id.as_bytes(), b"alice");
    Json::Object(vec![
        ("note", Json::str("A first message and three replies, which carry the first chunks of the braid.")),
        ("initiator", Json::Object(who::person(&alice))),
        ("responder", Json::Object(responder)),
        ("start", Json::Object(start)),
        ("chains", chains.json()),
        ("braid", braid),
        ("messages", Json::List(messages)),
        ("resumption_secret", Json::hex(resumption.secret().expose_secret())),
        ("resumption_id", Json::hex(resumption.id())),
    ])
}
