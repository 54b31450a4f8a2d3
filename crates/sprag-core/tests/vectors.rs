//! The frozen vectors: what this release computes is, byte for byte, what `docs/vectors/` says.
//!
//! `cargo run -p sprag-core --example vectors` writes them anew; a changed file is a changed protocol.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod frozen;
mod people;

use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors")
}

#[test]
fn the_frozen_files_are_what_this_release_computes() {
    for (name, content) in frozen::all() {
        let stored = std::fs::read_to_string(directory().join(name)).unwrap();
        assert!(stored == content, "docs/vectors/{name} differs from what this release computes");
    }
}

/// The values of `"key": "…"` lines, in order: all that the replay below needs of JSON.
fn texts(file: &str, key: &str) -> Vec<String> {
    let stored = std::fs::read_to_string(directory().join(file)).unwrap();
    let head = format!("\"{key}\": \"");
    let value = |line: &str| Some(line.trim().strip_prefix(&head)?.trim_end_matches(['"', ',']).to_owned());
    stored.lines().filter_map(value).collect()
}

#[test]
fn the_stored_lists_and_prekeys_open_from_their_bytes() {
    let lists = texts("lists.json", "object");
    assert_eq!(lists.len(), 3);
    let lists: Vec<_> =
        lists.iter().map(|object| sprag_core::identity::DeviceList::open(&people::unhex(object)).unwrap()).collect();
    let mut pin = sprag_core::identity::Pin::first(&lists[0]);
    for list in &lists[1..] {
        pin = pin.accept(list).unwrap().pin;
    }
    assert_eq!(pin.sequence(), 3);
    for (object, id) in texts("prekeys.json", "object").iter().zip(texts("prekeys.json", "id")) {
        let prekey = sprag_core::prekey::ReceivedPrekey::parse(&people::unhex(object)).unwrap();
        assert_eq!(people::hex(&prekey.id().0), id);
    }
}

#[test]
fn the_stored_handshakes_open_from_their_bytes() {
    use sprag_core::handshake::{Fields, Resumption, unseal};
    let bob = people::Person::new("bob");
    let all = texts("handshake.json", "fields");
    assert_eq!(all.len(), 3);
    let roots = texts("handshake.json", "root_key");
    let secret = sprag_core::secret::Secret::from_slice(&people::unhex(&texts("handshake.json", "secret")[0])).unwrap();
    let resumption = Resumption::from_secret(secret);
    for (i, fields) in all.iter().enumerate() {
        let bytes = people::unhex(fields);
        let mut reader = sprag_core::wire::Reader::new(&bytes);
        reader.array_of(5).unwrap();
        let fields = Fields::read(&mut reader).unwrap();
        let one_time = fields.one_time_prekey.map(|_| bob.take_one_time());
        let unsealed = unseal(bob.account.account(), &bob.device, &bob.signed, one_time, &fields).unwrap();
        let given = unsealed.claim().resumption.map(|_| &resumption);
        let established = unsealed.finish(given).unwrap();
        // The first root key of the file is that of the resumption's own derivation.
        assert_eq!(people::hex(established.root_key.expose_secret()), roots[i + 1]);
    }
}

#[test]
fn the_stored_refusals_are_refused_for_the_stated_reason() {
    let bytes = texts("refusals.json", "bytes");
    let offered = texts("refusals.json", "offered_as");
    let errors = texts("refusals.json", "error");
    assert!(bytes.len() > 30 && bytes.len() == offered.len() && bytes.len() == errors.len());
    for ((bytes, offered), error) in bytes.iter().zip(offered).zip(errors) {
        let result = frozen::refusals::judge(&offered, &people::unhex(bytes)).unwrap_err();
        assert_eq!(format!("{result:?}"), error);
    }
}

#[test]
fn the_stored_first_message_opens_from_its_bytes() {
    use sprag_core::envelope::Envelope;
    use sprag_core::franking::Audience;
    use sprag_core::handshake::unseal;
    use sprag_core::ratchet::Session;
    let (alice, bob) = (people::Person::new("alice"), people::Person::new("bob"));
    let bytes = people::unhex(&texts("messages.json", "envelope")[0]);
    let envelope = Envelope::parse(&bytes).unwrap();
    let initial = &envelope.initial()[0];
    let account = bob.account.account();
    let unsealed = unseal(account, &bob.device, &bob.signed, Some(bob.take_one_time()), &initial.fields).unwrap();
    assert!(unsealed.claim().check(&alice.list).is_ok());
    let session = Session::respond(unsealed.finish(None).unwrap(), bob.signed.ratchet_key());
    let binding = envelope.binding(Some(&initial.fields_hash));
    let (content_key, _) = session.open(&initial.slot, binding).unwrap();
    let audience = Audience::direct(&alice.account.account().id, &account.id);
    let franked = envelope.open(&content_key).unwrap().verify(&audience).unwrap();
    let sprag_core::content::Body::Text(text) = franked.content.body else { panic!("no text") };
    assert_eq!(text, texts("messages.json", "text")[0]);
}
