//! Writes the seeds of `fuzz/corpus` anew, from `docs/vectors` and from the people of the tests.

#![allow(clippy::unwrap_used, reason = "a tool says no by panicking")]

#[path = "../../crates/sprag-core/tests/people/mod.rs"]
mod people;

use std::fs;
use std::path::{Path, PathBuf};

use people::{NOW, Person, Seeded, unhex};
use sprag_core::account_state::{ContactState, KnownList, Place, Protection, StatePage};
use sprag_core::card::{Card, SmallCard};
use sprag_core::content::Continues;
use sprag_core::crypto::dh::DhSecret;
use sprag_core::handshake::Established;
use sprag_core::identity::{AccountId, Pin};
use sprag_core::link::{LinkCode, ScannedCode};
use sprag_core::ratchet::{Binding, Session};
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Reader, Writer};

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    fs::write(at("corpus").join(target).join(name), bytes).unwrap();
}

/// The values of `"key": "…"` lines of a file of vectors, as bytes.
fn vectors(file: &str, key: &str) -> Vec<Vec<u8>> {
    let stored = fs::read_to_string(at("../docs/vectors").join(file)).unwrap();
    let head = format!("\"{key}\": \"");
    let value = |line: &str| Some(unhex(line.trim().strip_prefix(&head)?.trim_end_matches(['"', ','])));
    stored.lines().filter_map(value).collect()
}

fn part(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

fn main() {
    for (target, file, key) in [
        ("list", "lists.json", "object"),
        ("prekey", "prekeys.json", "object"),
        ("fields", "handshake.json", "fields"),
        ("claim", "handshake.json", "claim"),
        ("envelope", "messages.json", "envelope"),
        ("content", "messages.json", "content"),
        ("wire", "messages.json", "content"),
        ("wire", "handshake.json", "claim"),
    ] {
        for (number, bytes) in vectors(file, key).iter().enumerate() {
            write(target, &format!("{key}-{number}"), bytes);
        }
    }
    for (number, bytes) in vectors("contents.json", "content").iter().enumerate() {
        write("content", &format!("sort-{number}"), bytes);
    }
    account();
    cards();
    who();
    texts();
    headers();
    states();
    streams();
    doors();
}

fn account() {
    let of = |file: &str, key: &str| vectors(file, key);
    write("succession", "alice", &of("account.json", "object")[0]);
    write("code", "bytes", &of("link.json", "bytes")[0]);
    let mut random = Seeded::new("offered");
    let alice = Person::new("alice");
    let code = of("link.json", "bytes").remove(0);
    let shown = LinkCode::decode(&code).unwrap();
    write("code", "text", shown.expose_text().as_bytes());
    let scanned = ScannedCode::parse(&code).unwrap();
    let (offered, _) = scanned.offer(&alice.account, &alice.device, &alice.list, true, &mut random).unwrap();
    write("code", "offered", offered.encode().expose_secret());
    // The prekey's object comes first, then the offer and the answer.
    for (number, object) in of("link.json", "object").iter().skip(1).enumerate() {
        write("link", &format!("object-{number}"), object);
    }
    for (number, contents) in of("link.json", "contents").iter().enumerate() {
        let phase = u8::try_from(number).unwrap();
        write("link", &format!("contents-{number}"), &[&[phase], contents.as_slice()].concat());
    }
    let contact = |name: &str| {
        let person = Person::new(name);
        ContactState { account: person.account.account().clone(), trust: 1, list: KnownList::Whole(person.list) }
    };
    let direct = Protection { place: Place::Direct(AccountId::new(b"bob").unwrap()), level: 2 };
    let contacts = ["bob", "carol"].map(contact);
    for (name, max) in [("whole", 4_096), ("named", 200)] {
        let pages = StatePage::split(Some(&alice.account), &contacts, std::slice::from_ref(&direct), max).unwrap();
        for (number, page) in pages.iter().enumerate() {
            write("page", &format!("{name}-{number}"), page.expose_secret());
        }
    }
}

fn cards() {
    let alice = Person::new("alice");
    let second = alice.second("alice's second device");
    let card = Card::new(&second.list, &[&alice.signed_object, &second.signed_object]).unwrap();
    write("card", "whole", &card.encode());
    let mut parts: Vec<Vec<u8>> = card.parts(1_500).unwrap().iter().map(|bytes| part(bytes)).collect();
    write("card", "part", &card.parts(10_000).unwrap()[0]);
    parts.reverse();
    write("card", "parts", &parts.concat());
    let small = SmallCard::of(alice.account.account());
    write("card", "small", &small.encode());
    write("card", "link", small.link().as_bytes());
    let fallback = "This message is encrypted.";
    write("armor", "text", sprag_core::armor::wrap(fallback, &small.encode()).unwrap().as_bytes());
    write("armor", "word", b"SPRAG is a part of a clutch. SPRAG11111111111 is not.");
    let pieces = [part(fallback.as_bytes()), part(&[3, 8, 200]), small.encode()];
    write("armor", "wrapped", &pieces.concat());
}

fn who() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let list = bob.list.as_bytes();
    write("list", "bob", list);
    let mut reader = wire::open(list, Kind::List, 2).unwrap();
    let body = reader.bytes().unwrap();
    write("wire", "list-body", body);
    let mut reader = Reader::new(body);
    reader.array().unwrap();
    reader.bytes().and_then(|_| reader.bytes()).unwrap();
    reader.uint().and_then(|_| reader.bytes()).unwrap();
    reader.uint().and_then(|_| reader.uint()).unwrap();
    reader.bool().and_then(|_| reader.array()).and_then(|_| reader.array()).unwrap();
    write("entry", "bob", reader.bytes().unwrap());
    for person in [&alice, &bob] {
        let mut writer = Writer::new();
        Pin::first(&person.list).write(&mut writer);
        let name = String::from_utf8_lossy(person.account.account().id.as_bytes()).into_owned();
        write("pin", &name, &writer.finish());
    }
    let begun = |session, turns, epoch| Continues { session: [session; 8], turns, epoch };
    write("content", "continues", &Continues::encode_all(&[begun(6, 3, 0), begun(7, 400, 70_000)]));
    let entry = bob.device.sign_entry(bob.account.account(), &bob.device.entry(true)).unwrap();
    write("content", "entry", &entry.encode());
    write("prekey", "ours-signed", bob.signed.encode().expose_secret());
    write("prekey", "ours-one-time", bob.one_time.encode().expose_secret());
    write("prekey", "device-keys", bob.device.encode().expose_secret());
    let parts = [list, &bob.signed_object, &bob.one_time_object];
    write("bundle", "bob", &parts.map(part).concat());
    write("bundle", "without-one-time", &parts[..2].iter().map(|bytes| part(bytes)).collect::<Vec<_>>().concat());
    write("bundle", "of-alice-for-bob", &[part(list), part(&alice.signed_object)].concat());
}

fn texts() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let number = SafetyNumber::between(alice.account.account(), bob.account.account());
    write("scan", "code", number.scannable().as_bytes());
    write("scan", "digits", number.grouped().as_bytes());
    write("padding", "short", b"short");
    write("padding", "padded", &sprag_core::padding::pad(&[7; 200]).unwrap());
    write("padding", "least", &[0x80; 128]);
}

fn headers() {
    let header = |mode: u8, key: &[u8], pn: u32, n: u32| {
        let mut bytes = vec![mode];
        bytes.extend(key);
        bytes.extend(&pn.to_be_bytes()[1..]);
        bytes.extend(&n.to_be_bytes()[1..]);
        // Epoch 1, as far along its chain, and nothing of the braid.
        bytes.extend([0, 0, 1]);
        bytes.extend(&(n + 1).to_be_bytes()[1..]);
        bytes.extend([0; 34]);
        bytes.extend([5; 12]);
        bytes
    };
    let key = *DhSecret::from_secret(Secret::new([6; 32])).public().as_bytes();
    // The ratchet key of the chain that the second responder is in.
    let mut random = Seeded::new("responders");
    let [alice, _] = pair(&mut random);
    let same = &alice.encode();
    let mut reader = Reader::new(same.expose_secret());
    reader.array().and_then(|_| reader.uint()).and_then(|_| reader.uint()).unwrap();
    reader.uint().and_then(|_| reader.bytes()).unwrap();
    let ours = DhSecret::from_secret(Secret::from_slice(reader.bytes().unwrap()).unwrap());
    let chain = *ours.public().as_bytes();
    for (name, bytes) in [
        ("first", header(0, &key, 0, 0)),
        ("first-late", header(0, &key, 0, 40)),
        ("first-too-far", header(0, &key, 0, 25_001)),
        ("first-with-previous", header(0, &key, 1, 0)),
        ("chain-used", header(1, &chain, 0, 3)),
        ("chain-kept", header(1, &chain, 0, 5)),
        ("chain-next", header(1, &chain, 0, 9)),
        ("chain-end", header(1, &chain, 0, 0x00ff_ffff)),
        ("chain-of-another", header(1, &key, 0, 9)),
        ("no-key", header(1, &[0; 32], 0, 9)),
    ] {
        write("header", name, &bytes);
    }
}

const BINDING: Binding<'static> = Binding { commitment: &[7; 32], payload_hash: &[8; 32], fields: None };

fn pair(random: &mut Seeded) -> [Session; 2] {
    let established = || Established {
        transcript: [9; 32],
        root_key: Secret::new([1; 32]),
        header_key: Secret::new([2; 32]),
        next_header_key: Secret::new([3; 32]),
        braid_authenticator: Secret::new([4; 32]),
        braid_chains: Secret::new([5; 32]),
    };
    let prekey = DhSecret::random(random);
    let initiator = Session::initiate(established(), prekey.public(), random).unwrap();
    [initiator, Session::respond(established(), &prekey)]
}

fn states() {
    let stored = |session: &Session| {
        let mut bytes = part(session.encode().expose_secret());
        bytes.extend(part(session.encode_cold().expose_secret()));
        session.encode_skipped().iter().for_each(|block| bytes.extend(part(block.expose_secret())));
        bytes
    };
    let mut random = Seeded::new("state");
    let [mut alice, mut bob] = pair(&mut random);
    write("state", "initiator", &stored(&alice));
    write("state", "responder", &stored(&bob));
    let mut accept = |from: &mut Session, to: &mut Session, count: usize| {
        let slots: Vec<_> =
            (0..count).map(|_| from.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap()).collect();
        let (_, delta) = to.open(slots.last().unwrap(), BINDING).unwrap();
        to.commit(delta, Some(NOW)).unwrap();
    };
    accept(&mut alice, &mut bob, 40);
    write("state", "missing", &stored(&bob));
    accept(&mut bob, &mut alice, 3);
    accept(&mut alice, &mut bob, 2);
    write("state", "turned", &stored(&bob));
    write("state", "answered", &stored(&alice));
}

/// An operation on a side, as the target reads it.
const fn on(side: u8, operation: u8) -> u8 {
    operation << 1 | side
}

fn streams() {
    let (send, many, latest, any, tamper, reread, time) = (0, 2, 3, 4, 5, 6, 7);
    let talk = [on(0, send), on(1, latest), on(1, send), on(0, latest)].repeat(8);
    write("session", "talk", &talk);
    let mut late = vec![on(0, send); 12];
    for back in [0, 5, 11, 3, 5] {
        late.extend([on(1, any), 0, back]);
    }
    late.extend([on(1, send), on(0, latest), on(0, send), on(1, latest), on(1, reread)]);
    write("session", "late", &late);
    let bent = [on(0, send), on(1, tamper), 0, 1, 2, on(1, latest), on(1, tamper), 0, 0, 9].repeat(3);
    write("session", "bent", &bent);
    let lost = [on(0, many), 255, on(1, latest), on(1, send), on(0, latest)].repeat(3);
    write("session", "lost", &lost);
    // More than are kept.
    let full = [[on(0, many), 255].repeat(9), vec![on(1, latest), on(1, any), 8, 0, on(1, any), 0, 9]].concat();
    write("session", "full", &full);
    let chains = [on(0, send), on(0, send), on(1, latest), on(1, send), on(0, latest), on(1, reread)].repeat(70);
    write("session", "chains", &chains);
    let old = [on(0, many), 9, on(1, latest), on(1, time), 8, on(1, any), 0, 3, on(0, send), on(1, latest)].repeat(2);
    write("session", "old", &old);
}

fn doors() {
    // The mode, whom it is said to be from, and what is done with the blob.
    for (name, bytes) in [
        ("second", [1 | 1 << 2, 0].as_slice()),
        ("third-twice-flipped", &[1 | 2 << 2, 0, 0, 90, 1, 1, 0, 128]),
        ("stranger", &[1 | 3 << 2, 1]),
        ("stranger-under-another-name", &[1 | 3 << 2, 0]),
        ("stranger-without-a-name", &[1 | 3 << 2, 4]),
        ("again", &[1, 0]),
        ("cut", &[3 | 1 << 2, 0, 0, 200]),
        ("spliced", &[2 | 1 << 2, 0, 0, 40, 0, 4, 1, 2, 3, 4]),
        ("foreign", b"\0\0hello"),
    ] {
        write("deliver", name, bytes);
    }
    for (number, envelope) in vectors("messages.json", "envelope").iter().enumerate().take(2) {
        write("deliver", &format!("envelope-{number}"), &[&[0, 0], envelope.as_slice()].concat());
    }
    let bob = Person::new("bob");
    for (name, bytes) in [
        ("bob", vec![0, 1, 2]),
        ("mixed", vec![0, 4, 5]),
        ("nothing", Vec::new()),
        ("garbage", [&[9], part(b"garbage").as_slice(), &[0]].concat()),
        ("list", [&[9], part(bob.list.as_bytes()).as_slice(), &[1]].concat()),
    ] {
        write("directory", name, &bytes);
    }
}
