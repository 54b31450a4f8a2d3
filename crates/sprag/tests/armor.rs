//! Bodies that are text, on servers that carry nothing else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use sprag::{Action, Armor, BlobId, Error, Finding, Incoming, Policy, Preview, Probed, probed, recognise};
use world::{Hands, Phone, Server};

const FALLBACK: &str = "🔒 This message is encrypted. Update the app to read it.";

fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.armor = Armor::Text;
    policy.fallback_text = FALLBACK.into();
    policy
}

#[test]
fn messages_go_through_a_server_that_carries_text_alone() {
    let (mut server, hands) = (Server::default(), Hands::new());
    server.text_only = true;
    let [alice, bob] = ["alice", "bob"].map(|name| Phone::with_policy(name, &hands, policy()));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "hello");
    let sent = server.fetch(&bob).remove(0);
    let text = String::from_utf8(sent.bytes.clone()).unwrap();
    assert!(text.starts_with(FALLBACK) && recognise(&sent.bytes));
    let armored = &text[FALLBACK.len() + 1..];
    assert!(armored.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    // What a messenger does to a text: quotes it, wraps it, puts a link before and a signature after it.
    let wrapped: Vec<String> =
        text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let mangled = [
        format!("> {armored}\n-- \nsent from my phone"),
        format!("https://example.org/?q=SPRAG {armored}"),
        wrapped.join("\r\n"),
    ];
    for (at, body) in mangled.iter().enumerate() {
        assert!(recognise(body.as_bytes()), "{at}");
        let incoming = Incoming::from(alice.id.clone(), body.clone().into_bytes());
        assert!(matches!(bob.client.peek(&incoming).unwrap(), Preview::Message { .. } | Preview::Known), "{at}");
        let verdict = bob.client.deliver(&[incoming]).unwrap().verdicts.remove(0);
        let is_first = at == 0;
        assert_eq!(matches!(verdict.finding, Finding::Opened { .. }), is_first, "{at}: {verdict:?}");
        assert_eq!(matches!(verdict.finding, Finding::Duplicate { .. }), !is_first, "{at}: {verdict:?}");
    }
    assert_eq!(bob.texts(), ["hello"]);
    // One of ours that comes back is known, too; and support finds it by one name everywhere.
    let verdict =
        alice.client.deliver(&[Incoming::from(alice.id.clone(), sent.bytes.clone())]).unwrap().verdicts.remove(0);
    assert!(matches!(verdict.finding, Finding::OwnEcho { message: Some(_) }));
    assert_ne!(verdict.blob_id, BlobId::of(&sent.bytes));
    server.send(&bob, &alice, "hello yourself");
    let requests = alice.client.requests(10, 60).unwrap();
    assert!(requests.is_empty());
    server.deliver(&alice);
    assert_eq!(alice.texts(), ["hello yourself"]);
    let sent = bob.send(&alice, "named alike");
    let Action::Send(send) = &sent.requests[0].action else { panic!() };
    let verdict =
        alice.client.deliver(&[Incoming::from(bob.id.clone(), send.blob.clone())]).unwrap().verdicts.remove(0);
    assert_eq!(verdict.blob_id, send.blob_id);
    // Without its checksum it is nothing of ours.
    let broken = text.replacen("SPRAG1", "SPRAG2", 1);
    assert!(broken == text || !recognise(broken.as_bytes()));
    assert!(!recognise(&text.as_bytes()[..text.len() - 1]));
}

#[test]
fn the_length_of_the_text_is_what_counts() {
    let (mut server, hands) = (Server::default(), Hands::new());
    let mut policy = policy();
    policy.max_body = Policy::MIN_BODY;
    let [alice, bob] = ["alice", "bob"].map(|name| Phone::with_policy(name, &hands, policy.clone()));
    server.pump(&alice);
    server.pump(&bob);
    server.send(&alice, &bob, "hello");
    server.deliver(&bob);
    server.send(&bob, &alice, "hello");
    server.deliver(&alice);
    // 6,000 bytes fit in 8 KiB, and 8,250 letters do not.
    let conversation = sprag::Conversation::Direct(bob.id.clone());
    let send = |length: usize| {
        alice.client.send(&conversation, &world::text(&"x".repeat(length)), &sprag::SendOptions::default())
    };
    assert!(matches!(send(6_000), Err(Error::Misuse(_))));
    let Action::Send(sent) = &send(5_000).unwrap().requests[0].action.clone() else { panic!() };
    assert!(sent.blob.len() <= 8_192);
}

#[test]
fn a_fallback_has_bounds() {
    let hands = Hands::new();
    let alice = Phone::with_policy("alice", &hands, policy());
    let mut long = policy();
    long.fallback_text = "x".repeat(257);
    assert!(matches!(alice.client.configure(long), Err(Error::Misuse(_))));
}

#[test]
fn a_probe_tells_what_the_server_does_to_bodies() {
    let hands = Hands::new();
    for policy in [Policy::default(), policy()] {
        let alice = Phone::with_policy("alice", &hands, policy);
        for length in [1_024, 8_192, 1_000_000] {
            let body = alice.client.probe(length).unwrap();
            let length = usize::try_from(length).unwrap();
            assert!(body.len() <= length && body.len() + 16 > length, "{} of {length}", body.len());
            assert_eq!(probed(&body), Probed::Unchanged { length: body.len() });
            assert_eq!(probed(&body[..body.len() - 1]), Probed::Damaged);
            assert!(!recognise(&body));
            assert_eq!(alice.client.deliver(&[Incoming::new(body)]).unwrap().verdicts[0].finding, Finding::Foreign);
        }
        assert!(alice.client.probe(1_000).is_err());
    }
}
