//! `contents.json`: contents of every conversation and every kind, with the commitments to them.

use sprag_core::content::{
    Body, Content, Continues, Conversation, Decision, EXT_CLASS, EXT_CONTINUES, EXT_RECOVERS, EXT_SESSIONS,
    ListStatement, RoomId,
};
use sprag_core::crypto::hash::{Item, hash, hmac, sha256};
use sprag_core::franking::{self, Audience};
use sprag_core::identity::AccountId;
use sprag_core::label;
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::Extensions;

use super::json::Json;
use crate::people::{NOW, Person};

/// A content, who sent it and who reads it.
pub struct Case {
    pub name: &'static str,
    pub sender: AccountId,
    pub reader: AccountId,
    pub content: Content,
    /// The lists that it states, by their hashes; zeros where it states none.
    hashes: Vec<[u8; 32]>,
    pub key: Secret<32>,
}

/// HKDF-Expand to one block.
fn expand(key: &[u8; 32], info: &str) -> [u8; 32] {
    hmac(key, &[info.as_bytes(), &[1]])
}

fn id(person: &Person) -> AccountId {
    person.account.account().id.clone()
}

/// All of them, with the MACs of their lists in place.
pub fn all() -> Vec<Case> {
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let direct = || Conversation::Direct { recipient: None };
    let to = |person: &Person| Conversation::Direct { recipient: Some(id(person)) };
    let room = || Conversation::Room {
        id: RoomId::new(b"the book club").unwrap(),
        members: vec![id(&alice), id(&bob), id(&carol)],
    };
    let text = || Body::Text("Where do we meet?".into());
    let entry = alice.device.sign_entry(alice.account.account(), &alice.device.entry(false)).unwrap();
    let mut again = Extensions::new();
    again.insert(EXT_CLASS, vec![2]);
    again.insert(EXT_RECOVERS, vec![9; 32]);
    // Two sessions that this message begins, and one that was begun before and not answered.
    let begun = [(6, 3, 0), (7, 400, 70_000)];
    let begun = begun.map(|(session, turns, epoch)| Continues { session: [session; 8], turns, epoch });
    let mut renewed = Extensions::new();
    renewed.insert(EXT_SESSIONS, vec![5; 8]);
    renewed.insert(EXT_CONTINUES, Continues::encode_all(&begun));
    let none = Extensions::new;

    let mut all = Vec::new();
    let mut add = |name, reader: &Person, conversation, body, stated: [Option<&Person>; 3], extensions| {
        let lists = stated.iter().flatten();
        let mut hashes: Vec<_> = lists.map(|person| *person.list.hash()).collect();
        let mut lists: Vec<_> = stated.iter().flatten().map(|person| person.list.sequence()).collect();
        if let (Conversation::Room { members, .. }, 2) = (&conversation, lists.len()) {
            // A member whose keys are not there yet.
            assert_eq!(members.len(), 3);
            hashes.push([0; 32]);
            lists.push(0);
        }
        let lists = lists.into_iter().map(|sequence| ListStatement { sequence, mac: [0; 8] }).collect();
        let id_bytes = sha256(str::as_bytes(name))[..8].to_vec();
        let content = Content { id: id_bytes, sent: NOW, conversation, lists, body, extensions };
        let key = Secret::new(sha256(format!("content key of {name}").as_bytes()));
        let mut case = Case { name, sender: id(&alice), reader: id(reader), content, hashes, key };
        case.state();
        all.push(case);
    };
    let (a, b, c) = (Some(&alice), Some(&bob), Some(&carol));
    add("direct", &bob, direct(), text(), [a, b, None], none());
    add("direct, own devices read along", &bob, to(&bob), text(), [a, b, None], none());
    add("direct, read by an own device", &alice, to(&bob), text(), [a, b, None], none());
    add("room", &carol, room(), text(), [a, b, c], none());
    add("room, read by an own device", &alice, room(), text(), [a, b, c], none());
    add("room, a member without keys", &bob, room(), text(), [a, b, None], none());
    let app = Body::App { kind: "poll".into(), bytes: vec![1, 2, 3] };
    add("an app's own", &bob, direct(), app, [a, b, None], again);
    add("empty", &bob, direct(), Body::Empty, [a, b, None], none());
    let page = Body::State(SecretBytes::new(b"a page of the state".to_vec()));
    add("state", &alice, to(&alice), page, [a, None, None], none());
    add("entry", &alice, to(&alice), Body::Entry(entry), [a, None, None], none());
    add("rekey", &alice, to(&alice), Body::Rekey(b"a succession".to_vec()), [a, None, None], none());
    add("renew", &bob, direct(), Body::Renew(vec![[4; 32], [3; 32]]), [a, b, None], renewed);
    add("gone", &bob, direct(), Body::Gone(vec![[4; 32]]), [a, b, None], none());
    add("retire", &alice, to(&alice), Body::Retire, [a, None, None], none());
    let decision = Body::Decision(Decision { choice: 1, account: bob.account.account().clone() });
    add("decision", &alice, to(&alice), decision, [a, None, None], none());
    add("ask for the state", &alice, to(&alice), Body::AskState, [a, None, None], none());
    let unknown = Body::Unknown { kind: 99, bytes: b"later".to_vec() };
    add("of a later kind", &bob, direct(), unknown, [a, b, None], none());
    all
}

impl Case {
    fn state(&mut self) {
        let mac_key = expand(self.key.expose_secret(), label::LIST_MAC);
        for (list, hash) in self.content.lists.iter_mut().zip(&self.hashes) {
            if list.sequence > 0 {
                list.mac = franking::list_mac(&self.key, hash);
                assert_eq!(list.mac, hmac(&mac_key, &[hash])[..8]);
            }
        }
    }

    /// The audience, once more by hand.
    fn audience(&self) -> [u8; 32] {
        let bytes = |id: &AccountId| id.as_bytes().to_vec();
        match &self.content.conversation {
            Conversation::Direct { recipient } => {
                let recipient = bytes(recipient.as_ref().unwrap_or(&self.reader));
                hash(label::AUDIENCE_DIRECT, &[Item::Bytes(self.sender.as_bytes()), Item::Bytes(&recipient)])
            }
            Conversation::Room { id, members } => {
                let members: Vec<_> = members.iter().map(|member| Item::Bytes(member.as_bytes())).collect();
                let items = [Item::Bytes(self.sender.as_bytes()), Item::Bytes(id.as_bytes()), Item::Array(&members)];
                hash(label::AUDIENCE_ROOM, &items)
            }
        }
    }

    fn json(&self) -> Json {
        let encoded = self.content.encode().unwrap();
        let encoded = encoded.expose_secret();
        assert_eq!(Content::decode(encoded).unwrap().encode().unwrap().expose_secret(), encoded);
        let by_hand = self.audience();
        let franking_key = expand(self.key.expose_secret(), label::FRANKING);
        let commitment = hmac(&franking_key, &[&by_hand, encoded]);
        let audience = Audience::of(&self.content.conversation, &self.sender, &self.reader).unwrap();
        assert_eq!(commitment, franking::commit(&self.key, &audience, encoded));
        Json::Object(vec![
            ("name", Json::str(self.name)),
            ("sender_id", Json::hex(self.sender.as_bytes())),
            ("reader_id", Json::hex(self.reader.as_bytes())),
            ("content_key", Json::hex(self.key.expose_secret())),
            ("lists", Json::List(self.hashes.iter().map(Json::hex).collect())),
            ("content", Json::hex(encoded)),
            ("audience", Json::hex(by_hand)),
            ("commitment", Json::hex(commitment)),
        ])
    }
}

/// `contents.json`
pub fn file() -> Json {
    Json::Object(vec![
        ("note", Json::str("Contents without padding: what they say, between whom, and the commitment to it.")),
        ("contents", Json::List(all().iter().map(Case::json).collect())),
    ])
}
