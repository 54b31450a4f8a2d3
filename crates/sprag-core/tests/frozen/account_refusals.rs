//! Of `refusals.json`: successions, link codes and what answers them, and pages of an account's state.

use sprag_core::Error;
use sprag_core::crypto::sign::SigningKey;
use sprag_core::identity::{AccountKey, Succession};
use sprag_core::label;
use sprag_core::link::LinkCode;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind, Writer};

use super::refusals::Refusal;
use crate::people::{NOW, Person, Seeded};

/// Successions that one key alone wants, or that name nothing new.
pub fn successions() -> Vec<Refusal> {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let new = AccountKey::create(alice.account.account().id.clone(), &mut Seeded::new("alice's next key"));
    let good = Succession::sign(&alice.account, &new, NOW).unwrap().as_bytes().to_vec();
    let mut reader = wire::open(&good, Kind::Succession, 3).unwrap();
    let body = reader.bytes().unwrap().to_vec();
    let (by_old, by_new): ([u8; 64], [u8; 64]) = (reader.fixed().unwrap(), reader.fixed().unwrap());
    let object = |body: &[u8], one: &[u8; 64], two: &[u8; 64]| {
        let mut writer = wire::begin(Kind::Succession, 3);
        writer.bytes(body).bytes(one).bytes(two);
        writer.finish()
    };
    let signed = |body: &[u8]| {
        let new = SigningKey::from_seed(&Secret::new(*new.expose_seed()));
        let (old, new) = (alice.forger().sign(label::SUCCESSION, body), new.sign(label::SUCCESSION_ACCEPTED, body));
        object(body, &old, &new)
    };
    assert!(signed(&body) == good);
    let mut same = body.clone();
    let at = same.len() - 5 - 34;
    same[at + 2..at + 34].copy_from_slice(alice.account.account().key.as_bytes());
    let same_signed = object(
        &same,
        &alice.forger().sign(label::SUCCESSION, &same),
        &alice.forger().sign(label::SUCCESSION_ACCEPTED, &same),
    );
    let foreign = bob.forger().sign(label::SUCCESSION, &body);
    let mut even = body.clone();
    even[0] = 0x85;
    even.extend([0xa1, 2, 0x40]);
    [
        ("succession: a list in its place", bob.list.as_bytes().to_vec(), Error::Mismatch),
        ("succession: cut short", good[..good.len() - 1].to_vec(), Error::Malformed),
        ("succession: a byte too many", [good.as_slice(), &[0]].concat(), Error::Malformed),
        ("succession: the old key did not sign", object(&body, &foreign, &by_new), Error::BadSignature),
        ("succession: the new key did not sign", object(&body, &by_old, &foreign), Error::BadSignature),
        ("succession: the signatures exchanged", object(&body, &by_new, &by_old), Error::BadSignature),
        ("succession: the old key signed twice", object(&body, &by_old, &by_old), Error::BadSignature),
        ("succession: a key that follows itself", same_signed, Error::Malformed),
        ("succession: an even extension", signed(&even), Error::Unsupported),
        ("succession: larger than 4,096 bytes", vec![1; 4097], Error::TooLarge),
    ]
    .map(|(name, bytes, error)| Refusal { name: name.into(), offered_as: "succession", bytes, error })
    .into()
}

/// Codes, and objects under a code, of a wrong shape.
pub fn links() -> Vec<Refusal> {
    let bob = Person::new("bob");
    let code = |phase: u64, secret: usize, commitment: usize, account: usize| {
        let mut writer = wire::begin(Kind::Link, 4);
        writer.uint(phase).bytes(&vec![1; secret]).bytes(&vec![2; commitment]).bytes(&vec![3; account]);
        writer.finish()
    };
    let link = |phase: u64, id: usize, salt: usize, sealed: usize| {
        let mut writer = wire::begin(Kind::Link, 4);
        writer.uint(phase).bytes(&vec![1; id]).bytes(&vec![2; salt]).bytes(&vec![3; sealed]);
        writer.finish()
    };
    let good = code(0, 32, 32, 5);
    let mut all: Vec<(&str, &'static str, Vec<u8>, Error)> = vec![
        ("link code: a list in its place", "link code", bob.list.as_bytes()[..200].to_vec(), Error::Mismatch),
        ("link code: an offer in its place", "link code", link(1, 8, 32, 40), Error::Mismatch),
        ("link code: a secret of 31 bytes", "link code", code(0, 31, 32, 5), Error::Malformed),
        ("link code: a commitment of 33 bytes", "link code", code(0, 32, 33, 5), Error::Malformed),
        ("link code: without an account", "link code", code(0, 32, 32, 0), Error::Malformed),
        ("link code: an account of 65 bytes", "link code", code(0, 32, 32, 65), Error::TooLarge),
        ("link code: cut short", "link code", good[..good.len() - 1].to_vec(), Error::Malformed),
        ("link code: a byte too many", "link code", [good.as_slice(), &[0]].concat(), Error::Malformed),
        ("link: a code in its place", "link", good, Error::Unsupported),
        ("link: a phase that is not known", "link", link(3, 8, 32, 40), Error::Unsupported),
        ("link: a name of 7 bytes", "link", link(1, 7, 32, 40), Error::Malformed),
        ("link: a salt of 31 bytes", "link", link(2, 8, 31, 40), Error::Malformed),
        ("link: larger than 24,576 bytes", "link", link(1, 8, 32, 24_576), Error::TooLarge),
    ];
    let text = LinkCode::decode(&code(0, 32, 32, 5)).unwrap().expose_text();
    let other = if text.ends_with('0') { "1" } else { "0" };
    all.push((
        "link text: another letter at the end",
        "link text",
        [&text[..text.len() - 1], other].concat().into_bytes(),
        Error::Malformed,
    ));
    all.push((
        "link text: a letter that is not used",
        "link text",
        text.replace('0', "U").into_bytes(),
        Error::Malformed,
    ));
    all.push(("link text: cut short", "link text", text[..text.len() - 1].into(), Error::Malformed));
    all.into_iter()
        .map(|(name, offered_as, bytes, error)| Refusal { name: name.into(), offered_as, bytes, error })
        .collect()
}

/// Pages of an account's state in another form than the one.
pub fn pages() -> Vec<Refusal> {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let page = |number: u64, seed: &[u8], contacts: &[Vec<u8>], protections: &[&[u8]]| {
        let mut writer = Writer::new();
        writer.array(5).uint(number).uint(2).raw(seed);
        writer.array(contacts.len()).raw(&contacts.concat());
        writer.array(protections.len()).raw(&protections.concat());
        writer.finish()
    };
    let contact = |person: &Person, list: &[u8]| {
        let mut writer = Writer::new();
        let account = person.account.account();
        writer.array(4).bytes(account.id.as_bytes()).bytes(account.key.as_bytes()).uint(1).raw(list);
        writer.finish()
    };
    let named = [&[0x82, 7, 0x58, 32][..], &[9; 32]].concat();
    let mut foreign = Writer::new();
    foreign.bytes(bob.list.as_bytes());
    let foreign = foreign.finish();
    let (direct, room): (&[u8], &[u8]) = (&[0x83, 1, 0x41, 1, 2], &[0x83, 2, 0x41, 1, 2]);
    let none = [0xf6];
    let in_disorder = [contact(&bob, &named), contact(&alice, &named)];
    [
        ("state: a page beyond the last", page(2, &none, &[], &[]), Error::Malformed),
        ("state: a seed of 31 bytes", page(0, &[&[0x58, 31][..], &[1; 31]].concat(), &[], &[]), Error::Malformed),
        ("state: contacts in disorder", page(0, &none, &in_disorder, &[]), Error::Malformed),
        ("state: a contact twice", page(0, &none, &vec![contact(&bob, &named); 2], &[]), Error::Malformed),
        ("state: somebody else's list", page(0, &none, &[contact(&alice, &foreign)], &[]), Error::Mismatch),
        ("state: no list at all", page(0, &none, &[contact(&alice, &none)], &[]), Error::Malformed),
        ("state: protections in disorder", page(0, &none, &[], &[room, direct]), Error::Malformed),
        ("state: another sort of place", page(0, &none, &[], &[&[0x83, 3, 0x41, 1, 2]]), Error::Unsupported),
        ("state: a byte too many", [page(0, &none, &[], &[]), vec![0]].concat(), Error::Malformed),
    ]
    .map(|(name, bytes, error)| Refusal { name: name.into(), offered_as: "state page", bytes, error })
    .into()
}
