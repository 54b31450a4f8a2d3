//! `account.json`: a succession of account keys, and the pages of an account's state.

use sprag_core::account_state::{ContactState, KnownList, Place, Protection, StatePage};
use sprag_core::content::RoomId;
use sprag_core::identity::{AccountId, AccountKey, Pin, Succession};
use sprag_core::wire::{self, Kind};

use super::json::Json;
use super::who;
use crate::people::{NOW, Person, Seeded, list_of};

fn succession(alice: &Person) -> Json {
    let new = AccountKey::create(alice.account.account().id.clone(), &mut Seeded::new("alice's next key"));
    let succession = Succession::sign(&alice.account, &new, NOW).unwrap();
    let mut reader = wire::open(succession.as_bytes(), Kind::Succession, 3).unwrap();
    let body = reader.bytes().unwrap();
    let signatures: [[u8; 64]; 2] = [reader.fixed().unwrap(), reader.fixed().unwrap()];
    let list = list_of(&new, &[&alice.device], 2, *alice.list.hash());
    let pin = Pin::first(&alice.list).succeed(&succession, &list).unwrap();
    assert_eq!(pin.account(), new.account());
    Json::Object(vec![
        ("new_account_seed", Json::hex(new.expose_seed())),
        ("object", Json::hex(succession.as_bytes())),
        ("body", Json::hex(body)),
        ("account_id", Json::hex(succession.id().as_bytes())),
        ("old_key", Json::hex(succession.old().key.as_bytes())),
        ("new_key", Json::hex(succession.new_account().key.as_bytes())),
        ("issued", Json::Number(succession.issued())),
        ("old_signature", Json::hex(signatures[0])),
        ("new_signature", Json::hex(signatures[1])),
        ("next_list", Json::hex(list.as_bytes())),
    ])
}

fn state(alice: &Person) -> Json {
    let contact = |name: &str, trust| {
        let person = Person::new(name);
        ContactState { account: person.account.account().clone(), trust, list: KnownList::Whole(person.list) }
    };
    let mut contacts = ["bob", "carol", "dave"].map(|name| contact(name, 1));
    contacts[1].trust = 2;
    let (sequence, hash) = contacts[2].list.named();
    contacts[2].list = KnownList::Named { sequence, hash: *hash };
    let direct = Place::Direct(AccountId::new(b"bob").unwrap());
    let room = Place::Room(RoomId::new(b"the book club").unwrap());
    let protections = [Protection { place: room, level: 2 }, Protection { place: direct, level: 3 }];
    let max = 500;
    let pages = StatePage::split(Some(&alice.account), &contacts, &protections, max).unwrap();
    let shown = contacts.iter().map(|contact| {
        let (sequence, hash) = contact.list.named();
        Json::Object(vec![
            ("account_id", Json::hex(contact.account.id.as_bytes())),
            ("account_key", Json::hex(contact.account.key.as_bytes())),
            ("trust", Json::Number(contact.trust.into())),
            ("sequence", Json::Number(sequence)),
            ("hash", Json::hex(hash)),
        ])
    });
    Json::Object(vec![
        ("max", Json::Number(max as u64)),
        ("contacts", Json::List(shown.collect())),
        ("pages", Json::List(pages.iter().map(|page| Json::hex(page.expose_secret())).collect())),
    ])
}

/// `account.json`
pub fn file() -> Json {
    let alice = Person::new("alice");
    Json::Object(vec![
        ("note", Json::str("A succession of account keys, and what a new device is told about its account.")),
        ("account", Json::Object(who::person(&alice))),
        ("succession", succession(&alice)),
        ("state", state(&alice)),
    ])
}
