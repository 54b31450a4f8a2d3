//! `refusals.json`: objects that every implementation must refuse, and why.

use sprag_core::Error;
use sprag_core::identity::DeviceList;
use sprag_core::label;
use sprag_core::prekey::{Bundle, ReceivedPrekey, SIGNED_LIFETIME, SignedPrekey};
use sprag_core::wire::{self, Kind};

use super::json::Json;
use super::who::signed_parts;
use crate::people::{DAY, NOW, Person, bad_dh_keys};

/// Something to refuse.
pub struct Refusal {
    pub name: String,
    /// What it is offered as: `list`, `signed prekey`, `one-time prekey`, `x25519 key`.
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

    for key in bad_dh_keys() {
        let name = format!("x25519: {}", crate::people::hex(&key));
        all.push(Refusal { name, offered_as: "x25519 key", bytes: key.to_vec(), error: Error::BadKey });
    }
    all
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
