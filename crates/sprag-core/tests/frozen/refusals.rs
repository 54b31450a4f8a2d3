//! `refusals.json`: objects that every implementation must refuse, and why.

use sprag_core::Error;
use sprag_core::account_state::StatePage;
use sprag_core::armor;
use sprag_core::card::{Card, CardPart, SmallCard};
use sprag_core::content::Content;
use sprag_core::envelope::Envelope;
use sprag_core::identity::{DeviceList, Succession};
use sprag_core::label;
use sprag_core::link::ScannedCode;
use sprag_core::padding;
use sprag_core::prekey::{Bundle, ReceivedPrekey, SIGNED_LIFETIME, SignedPrekey};
use sprag_core::ratchet::SLOT;
use sprag_core::wire::{self, Kind, Writer};

use super::account_refusals;
use super::card_refusals;
use super::json::Json;
use super::who::signed_parts;
use crate::people::{DAY, NOW, Person, bad_dh_keys};

/// Something to refuse.
pub struct Refusal {
    pub name: String,
    /// What it is offered as: `list`, `signed prekey`, `one-time prekey`, `envelope`, `content`, `succession`, `link code`,
    /// `link text`, `link`, `state page`, `card`, `card part`, `small card`, `card link`, `armor`, `padded content`, `x25519 key`.
    pub offered_as: &'static str,
    pub bytes: Vec<u8>,
    pub error: Error,
}

fn object(kind: Kind, body: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let mut writer = wire::begin(kind, 2);
    writer.bytes(body).bytes(signature);
    writer.finish()
}

/// All of them. The prekeys are offered as parts of a bundle for Bob's device, at [`NOW`].
pub fn all() -> Vec<Refusal> {
    let (alice, mut bob) = (Person::new("alice"), Person::new("bob"));
    let mut all = Vec::new();
    let mut add = |name: &str, offered_as, bytes: Vec<u8>, error| {
        all.push(Refusal { name: name.into(), offered_as, bytes, error });
    };

    let list = alice.list.as_bytes().to_vec();
    let (body, signature) = signed_parts(&list, Kind::List);
    let change = |at: usize, to: u8| {
        let mut changed = list.clone();
        changed[at] = to;
        changed
    };
    add("list: empty", "list", Vec::new(), Error::Malformed);
    add("list: of version 2", "list", change(0, 2), Error::Unsupported);
    add("list: of an unknown kind", "list", change(2, 23), Error::Unsupported);
    add("list: a prekey in its place", "list", bob.signed_object.clone(), Error::Mismatch);
    add("list: cut short", "list", list[..list.len() - 1].to_vec(), Error::Malformed);
    add("list: a byte too many", "list", [list.as_slice(), &[0]].concat(), Error::Malformed);
    let mut long_form = list.clone();
    long_form.splice(2..3, [0x18, 3]);
    add("list: a kind not in its shortest form", "list", long_form, Error::Malformed);
    add("list: signature changed", "list", change(list.len() - 64, !list[list.len() - 64]), Error::BadSignature);
    let mut malleable = signature;
    add_order(&mut malleable);
    add("list: a malleable signature", "list", object(Kind::List, &body, &malleable), Error::BadSignature);
    let by_bob = bob.forger().sign(label::LIST_SIGNATURE, &body);
    add("list: signed by another account", "list", object(Kind::List, &body, &by_bob), Error::BadSignature);
    let relabelled = alice.forger().sign(label::PREKEY_SIGNATURE, &body);
    add("list: signed under another label", "list", object(Kind::List, &body, &relabelled), Error::BadSignature);

    let (body, signature) = signed_parts(&bob.signed_object, Kind::Prekey);
    let mut flipped = body.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    add("prekey: a list in its place", "signed prekey", list.clone(), Error::Mismatch);
    add("prekey: expiry changed", "signed prekey", object(Kind::Prekey, &flipped, &signature), Error::BadSignature);
    add("prekey: unsigned", "signed prekey", object(Kind::Prekey, &body, &[0; 64]), Error::BadSignature);
    add("prekey: one-time in place of signed", "signed prekey", bob.one_time_object.clone(), Error::Mismatch);
    add("prekey: signed in place of one-time", "one-time prekey", bob.signed_object.clone(), Error::Mismatch);
    add("prekey: of another device", "signed prekey", alice.signed_object.clone(), Error::Mismatch);
    let (_, old) = SignedPrekey::create(&bob.device, NOW - SIGNED_LIFETIME - DAY - 1, &mut bob.random);
    add("prekey: expired more than a day ago", "signed prekey", old, Error::Expired);
    let (_, early) = SignedPrekey::create(&bob.device, NOW + DAY + 1, &mut bob.random);
    add("prekey: made more than a day from now", "signed prekey", early, Error::Expired);

    all.extend(envelopes());
    all.extend(contents());
    all.extend(account_refusals::successions());
    all.extend(account_refusals::links());
    all.extend(account_refusals::pages());
    all.extend(card_refusals::cards());
    all.extend(card_refusals::parts_and_small_ones());
    all.extend(card_refusals::texts());
    for (name, bytes) in [
        ("padding: none", vec![1; 128]),
        ("padding: only zeros", vec![0; 128]),
        ("padding: a block too many", [[&[1, 0x80][..], &[0; 126]].concat(), vec![0; 128]].concat()),
        ("padding: another size than Padmé's", [&[1; 128][..], &[0x80], &[0; 127]].concat()),
        ("padding: shorter than the least", vec![1, 0x80, 0, 0]),
    ] {
        all.push(Refusal { name: name.into(), offered_as: "padded content", bytes, error: Error::Padding });
    }
    for key in bad_dh_keys() {
        let name = format!("x25519: {}", crate::people::hex(&key));
        all.push(Refusal { name, offered_as: "x25519 key", bytes: key.to_vec(), error: Error::BadKey });
    }
    all
}

/// Envelopes of a wrong shape. What is right of shape opens or not by its keys, which is not this file's matter.
fn envelopes() -> Vec<Refusal> {
    let bob = Person::new("bob");
    let slot = [5; SLOT];
    let fields = |ephemeral: [u8; 32], ciphertext: usize, sealed_id: usize| {
        let mut writer = Writer::new();
        writer.array(6).bytes(&bob.signed.id().0).null().bytes(&ephemeral).bytes(&vec![6; ciphertext]);
        writer.bytes(&vec![7; sealed_id]).bytes(&slot);
        writer.finish()
    };
    let envelope = |commitment: usize, slots: usize, initial: &[Vec<u8>]| {
        let mut writer = wire::begin(Kind::Envelope, 4);
        writer.bytes(&vec![4; commitment]).bytes(&vec![5; slots]).array(initial.len());
        initial.iter().for_each(|initial| {
            writer.raw(initial);
        });
        writer.bytes(&[8; 144]);
        writer.finish()
    };
    let good = bob.device.identity().public();
    let good = *good.as_bytes();
    let one = envelope(32, SLOT, &[]);
    let mut version = one.clone();
    version[0] = 2;
    [
        ("envelope: of version 2", version, Error::Unsupported),
        ("envelope: a list in its place", bob.list.as_bytes().to_vec(), Error::Mismatch),
        ("envelope: cut short", one[..one.len() - 1].to_vec(), Error::Malformed),
        ("envelope: a byte too many", [one.as_slice(), &[0]].concat(), Error::Malformed),
        ("envelope: without a slot", envelope(32, 0, &[]), Error::Malformed),
        ("envelope: part of a slot", envelope(32, SLOT - 1, &[]), Error::Malformed),
        ("envelope: a commitment of 31 bytes", envelope(31, SLOT, &[]), Error::Malformed),
        ("envelope: a ciphertext too short", envelope(32, 0, &[fields(good, 1567, 150)]), Error::Malformed),
        ("envelope: a sealed identity too long", envelope(32, 0, &[fields(good, 1568, 200)]), Error::TooLarge),
        ("envelope: an ephemeral key of small order", envelope(32, 0, &[fields([0; 32], 1568, 150)]), Error::BadKey),
    ]
    .map(|(name, bytes, error)| Refusal { name: name.into(), offered_as: "envelope", bytes, error })
    .into()
}

/// Contents that no honest sender writes.
fn contents() -> Vec<Refusal> {
    // Kind, id, sent, recipient, lists, body, extensions: each in its encoding.
    let content = |kind: u64, id: &[u8], recipient: &[u8], lists: &[u8], body: &[u8], extensions: &[u8]| {
        let mut writer = Writer::new();
        writer.array(if extensions.is_empty() { 6 } else { 7 }).uint(kind).bytes(id).uint(NOW);
        writer.raw(recipient).raw(lists).bytes(body).raw(extensions);
        writer.finish()
    };
    let lists = [&[0x82, 1, 0x48][..], &[9; 8]].concat();
    let of = |kind, body: &[u8]| content(kind, &[1; 8], &[0xf6], &lists, body, &[]);
    let extended = |extensions: &[u8]| content(1, &[1; 8], &[0xf6], &lists, b"text", extensions);
    let room = |members: &[u8]| {
        let conversation = [&[0x83, 2, 0x41, 1], members].concat();
        content(1, &[1], &conversation, &lists, b"", &[])
    };
    let long_room = [&[0x83, 2, 0x58, 65][..], &[1; 65], &[0x81, 0x41, 1]].concat();
    let crowd = [&[0x98, 101][..], &(0..101).flat_map(|i| [0x41, i]).collect::<Vec<_>>()].concat();
    let three = [&[0x86][..], &lists[1..], &lists[1..], &lists[1..]].concat();
    [
        ("content: a text that is not UTF-8", of(1, &[0xff]), Error::Malformed),
        ("content: an app's without a type", of(2, &[0x82, 0x60, 0x40]), Error::Malformed),
        ("content: an app's with a byte too many", of(2, &[0x82, 0x61, 0x78, 0x40, 0]), Error::Malformed),
        ("content: empty, with a body", of(16, &[0]), Error::Malformed),
        ("content: without an id", content(1, &[], &[0xf6], &lists, b"text", &[]), Error::Malformed),
        ("content: an id of 65 bytes", content(1, &[1; 65], &[0xf6], &lists, b"text", &[]), Error::TooLarge),
        (
            "content: another sort of conversation",
            content(1, &[1], &[0x82, 3, 0x41, 1], &lists, b"", &[]),
            Error::Unsupported,
        ),
        ("content: a recipient without an id", content(1, &[1], &[0x82, 1, 0x40], &lists, b"", &[]), Error::Malformed),
        ("content: a room without members", room(&[0x80]), Error::Malformed),
        (
            "content: a room without an id",
            content(1, &[1], &[0x83, 2, 0x40, 0x81, 0x41, 1], &lists, b"", &[]),
            Error::Malformed,
        ),
        ("content: a room with an id of 65 bytes", content(1, &[1], &long_room, &lists, b"", &[]), Error::TooLarge),
        ("content: members in disorder", room(&[0x82, 0x41, 2, 0x41, 1]), Error::Malformed),
        ("content: a member twice", room(&[0x82, 0x41, 1, 0x41, 1]), Error::Malformed),
        ("content: 101 members", room(&crowd), Error::TooLarge),
        ("content: fewer lists than members", room(&[0x82, 0x41, 1, 0x41, 2]), Error::Malformed),
        (
            "content: a room with a field too many",
            content(1, &[1], &[0x84, 2, 0x41, 1, 0x81, 0x41, 1, 0], &lists, b"", &[]),
            Error::Malformed,
        ),
        ("content: three lists between two", content(1, &[1], &[0xf6], &three, b"", &[]), Error::Malformed),
        ("content: an entry with a short signature", of(18, &[0x82, 0x41, 1, 0x41, 1]), Error::Malformed),
        ("content: renewal of nothing", of(20, &[]), Error::Malformed),
        ("content: renewal of half a commitment", of(20, &[4; 48]), Error::Malformed),
        ("content: renewal of 65 messages", of(20, &[4; 65 * 32]), Error::TooLarge),
        ("content: nothing that is gone", of(21, &[]), Error::Malformed),
        ("content: retiring, with a body", of(22, &[0]), Error::Malformed),
        ("content: no list", content(1, &[1], &[0xf6], &[0x80], b"text", &[]), Error::Malformed),
        ("content: half a statement", content(1, &[1], &[0xf6], &[0x81, 1], b"text", &[]), Error::Malformed),
        ("content: an even extension", extended(&[0xa1, 4, 0x40]), Error::Unsupported),
        ("content: no extensions, written out", extended(&[0xa0]), Error::Malformed),
        ("content: extensions in disorder", extended(&[0xa2, 3, 0x40, 1, 0x40]), Error::Malformed),
    ]
    .map(|(name, bytes, error)| Refusal { name: name.into(), offered_as: "content", bytes, error })
    .into()
}

/// Adds the group order to the scalar half of a signature: equal modulo the order, and refused for it.
fn add_order(signature: &mut [u8; 64]) {
    let order = crate::people::unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// What the library says.
pub fn judge(offered_as: &str, bytes: &[u8]) -> Result<(), Error> {
    let bob = Person::new("bob");
    let bundle = |signed: &[u8], one_time: Option<&[u8]>| {
        let signed = ReceivedPrekey::parse(signed)?;
        let one_time = one_time.map(ReceivedPrekey::parse).transpose()?;
        let one_time = one_time.as_ref();
        Bundle { list: &bob.list, device: bob.device.id(), signed: &signed, one_time }.verify(NOW).map(|_| ())
    };
    match offered_as {
        "list" => DeviceList::open(bytes).map(|_| ()),
        "signed prekey" => bundle(bytes, None),
        "one-time prekey" => bundle(&bob.signed_object, Some(bytes)),
        "envelope" => Envelope::parse(bytes).map(|_| ()),
        "content" => Content::decode(bytes).map(|_| ()),
        "succession" => Succession::open(bytes).map(|_| ()),
        "link code" => ScannedCode::parse(bytes).map(|_| ()),
        "link text" => ScannedCode::parse_text(core::str::from_utf8(bytes).unwrap()).map(|_| ()),
        "link" => sprag_core::link::peek(bytes).map(|_| ()),
        "state page" => StatePage::decode(bytes).map(|_| ()),
        "card" => Card::decode(bytes).map(|_| ()),
        "card part" => CardPart::parse(bytes).map(|_| ()),
        "small card" => SmallCard::decode(bytes).map(|_| ()),
        "card link" => SmallCard::parse_link(core::str::from_utf8(bytes).unwrap()).map(|_| ()),
        "armor" => armor::find(core::str::from_utf8(bytes).unwrap()).map_or(Err(Error::Malformed), |_| Ok(())),
        "padded content" => padding::unpad(bytes).map(|_| ()),
        "x25519 key" => sprag_core::crypto::dh::DhPublic::from_bytes(bytes.try_into().unwrap()).map(|_| ()),
        other => panic!("{other}"),
    }
}

/// `refusals.json`
pub fn file() -> Json {
    let refusals = all().into_iter().map(|refusal| {
        assert_eq!(judge(refusal.offered_as, &refusal.bytes), Err(refusal.error), "{}", refusal.name);
        Json::Object(vec![
            ("name", Json::str(refusal.name)),
            ("offered_as", Json::str(refusal.offered_as)),
            ("bytes", Json::hex(refusal.bytes)),
            ("error", Json::str(format!("{:?}", refusal.error))),
            ("code", Json::Number(refusal.error.code().into())),
        ])
    });
    let bob = Person::new("bob");
    Json::Object(vec![
        ("note", Json::str("What must be refused. Prekeys are offered for the device on this list, at this time.")),
        ("now", Json::Number(NOW)),
        ("list", Json::hex(bob.list.as_bytes())),
        ("device_id", Json::Number(bob.device.id().into())),
        ("refusals", Json::List(refusals.collect())),
    ])
}
