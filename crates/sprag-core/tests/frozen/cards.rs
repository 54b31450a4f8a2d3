//! `cards.json`: a whole contact card in parts, a small one with its link, and objects in armor.

use sprag_core::armor;
use sprag_core::card::{Card, CardPart, SmallCard};
use sprag_core::crypto::hash::{Item, hash};
use sprag_core::label;

use super::json::Json;
use super::who;
use crate::people::Person;

fn whole(first: &Person, second: &Person) -> Json {
    let prekeys: [&[u8]; 2] = [&first.signed_object, &second.signed_object];
    let card = Card::new(&second.list, &prekeys).unwrap();
    let encoded = card.encode();
    let max = 1_500;
    let parts = card.parts(max).unwrap();
    let mut received: Vec<_> = parts.iter().map(|part| CardPart::parse(part).unwrap()).collect();
    received.reverse();
    assert_eq!(CardPart::assemble(&received).unwrap().unwrap().encode(), encoded);
    let digest = hash(label::CARD, &[Item::Bytes(&encoded)]);
    assert_eq!(digest, *received[0].hash());
    Json::Object(vec![
        ("list", Json::hex(second.list.as_bytes())),
        ("prekeys", Json::List(card.objects().skip(1).map(Json::hex).collect())),
        ("whole", Json::hex(&encoded)),
        ("hash", Json::hex(digest)),
        ("max", Json::Number(max as u64)),
        ("parts", Json::List(parts.iter().map(Json::hex).collect())),
    ])
}

fn small(alice: &Person) -> Json {
    let card = SmallCard::of(alice.account.account());
    let bytes = card.encode();
    assert_eq!(SmallCard::parse_link(&card.link()).as_ref(), Ok(&card));
    let check = hash(label::CARD_LINK, &[Item::Bytes(&bytes)]);
    Json::Object(vec![
        ("bytes", Json::hex(&bytes)),
        ("account_id", Json::hex(card.id.as_bytes())),
        ("fingerprint", Json::hex(card.fingerprint)),
        ("check", Json::hex(&check[..3])),
        ("text", Json::str(card.link())),
    ])
}

/// Objects of every length up to two blocks and more, after a fallback and without.
fn armored(alice: &Person) -> Json {
    let mut objects: Vec<(&str, Vec<u8>)> = (1..18).map(|length: u8| ("", (0..length).collect())).collect();
    objects.push(("", vec![0; 8]));
    objects.push(("", vec![0xff; 9]));
    objects.push(("This message is encrypted. Please update the app.", alice.list.as_bytes().to_vec()));
    Json::List(
        objects
            .into_iter()
            .map(|(fallback, object)| {
                let text = armor::wrap(fallback, &object).unwrap();
                let check = hash(label::ARMOR, &[Item::Bytes(&object)]);
                Json::Object(vec![
                    ("object", Json::hex(object)),
                    ("check", Json::hex(&check[..4])),
                    ("text", Json::str(text)),
                ])
            })
            .collect(),
    )
}

/// `cards.json`
pub fn file() -> Json {
    let alice = Person::new("alice");
    let second = alice.second("alice's second device");
    Json::Object(vec![
        ("note", Json::str("A contact card in parts, a small one with its link, and objects as text.")),
        ("account", Json::Object(who::person(&alice))),
        ("card", whole(&alice, &second)),
        ("small", small(&alice)),
        ("armored", armored(&alice)),
    ])
}
