//! The kit itself: that a seed decides everything, and that the relay does what it is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use sprag::{
    AccountId, Client, Config, Content, Conversation, Directory, Finding, Hint, Key, Place, Policy, SendOptions, What,
};
use sprag_testkit::{Kit, Weather};

fn say(from: &Client, to: &Client, words: &str) {
    let conversation = Conversation::Direct(to.account().clone());
    from.send(&conversation, &Content::Text(words.into()), &SendOptions::default()).unwrap();
}

fn shown(client: &Client) -> Vec<String> {
    let events = client.events(0, 1_000).unwrap();
    client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>()).unwrap();
    let text = |what: What| match what {
        What::Message(message) => String::from_utf8(message.content.as_bytes().to_vec()).ok(),
        _ => None,
    };
    events.into_iter().filter_map(|event| text(event.what)).collect()
}

fn pair(kit: &Kit) -> (Client, Client) {
    let (alice, bob) = (kit.create("alice").unwrap(), kit.create("bob").unwrap());
    kit.settle(&[&alice, &bob]).unwrap();
    (alice, bob)
}

#[test]
fn a_seed_decides_every_byte() {
    let course = |seed| {
        let kit = Kit::new(seed);
        let (alice, bob) = pair(&kit);
        say(&alice, &bob, "hello");
        kit.clock().pass(61);
        kit.relay().carry(&alice).unwrap();
        let mail = kit.relay().collect(bob.account(), bob.device());
        assert!(kit.relay().has_carried(&mail[0].bytes) && !kit.relay().has_carried(b"hello"));
        bob.deliver(&mail).unwrap();
        let number = alice.contact(b"bob").unwrap().number.unwrap().digits();
        (number, mail.into_iter().map(|incoming| incoming.bytes).collect::<Vec<_>>(), kit.clock().seconds())
    };
    assert_eq!(course(7), course(7));
    let (one, other) = (course(7), course(8));
    assert!(one.0 != other.0 && one.1 != other.1);
    assert_eq!(one.1.len(), 1);
}

#[test]
fn clients_of_one_seed_have_keys_of_their_own() {
    let kit = Kit::new(7);
    let (alice, bob) = pair(&kit);
    let fingerprint = |client: &Client| client.contact(client.account().as_bytes()).unwrap().account_key_fingerprint;
    assert_ne!(fingerprint(&alice), fingerprint(&bob));
    assert_ne!(alice.device(), bob.device());
}

#[test]
fn the_weather_is_as_it_is_made() {
    let kit = Kit::new(3);
    let (alice, bob) = pair(&kit);
    let all = [&alice, &bob];
    let mut sent = kit.relay().carried().sent;
    let mut after = |weather, words: &[&str]| {
        kit.relay().set_weather(weather);
        words.iter().for_each(|words| say(&alice, &bob, words));
        kit.clock().pass(61);
        kit.relay().carry(&alice).unwrap();
        kit.relay().set_weather(Weather::default());
        let verdicts = kit.relay().deliver(&bob).unwrap();
        let before = std::mem::replace(&mut sent, kit.relay().carried().sent);
        assert_eq!(sent - before, words.len() as u64);
        (verdicts.into_iter().map(|verdict| verdict.finding.code()).collect::<Vec<_>>(), shown(&bob))
    };
    let [opened, duplicate] =
        [Finding::Opened { events: Vec::new() }, Finding::Duplicate { message: None }].map(|finding| finding.code());
    assert_eq!(after(Weather::default(), &["a"]), (vec![opened], vec!["a".to_owned()]));
    assert_eq!(after(Weather { lost: 1_000, ..Weather::default() }, &["b"]), (vec![], vec![]));
    let twice = Weather { doubled: 1_000, ..Weather::default() };
    assert_eq!(after(twice, &["c"]), (vec![opened, duplicate], vec!["c".to_owned()]));
    let overtaken = Weather { reordered: 1_000, ..Weather::default() };
    let words = ["e", "d"].map(str::to_owned).to_vec();
    assert_eq!(after(overtaken, &["d", "e"]), (vec![opened, opened], words));
    assert_eq!(
        after(overtaken, &["f"]),
        (vec![opened], vec!["f".to_owned()]),
        "what nothing overtakes comes all the same"
    );
    let carried = kit.relay().carried();
    assert_eq!((carried.lost, carried.doubled, carried.reordered), (1, 1, 2));
    kit.settle(&all).unwrap();
    assert!(shown(&bob).is_empty());
}

#[test]
fn in_foul_weather_nothing_is_shown_twice() {
    let kit = Kit::new(11);
    let (alice, bob) = pair(&kit);
    kit.relay().set_weather(Weather { lost: 200, doubled: 300, reordered: 300 });
    let (mut from_alice, mut from_bob) = (Vec::new(), Vec::new());
    for number in 0..30 {
        say(&alice, &bob, &format!("a{number}"));
        say(&bob, &alice, &format!("b{number}"));
        kit.settle(&[&alice, &bob]).unwrap();
        from_alice.extend(shown(&bob));
        from_bob.extend(shown(&alice));
    }
    let carried = kit.relay().carried();
    assert!(carried.lost > 3 && carried.doubled > 3 && carried.reordered > 3, "{carried:?}");
    for words in [&mut from_alice, &mut from_bob] {
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert!(words.len() == count && count > 10, "{words:?}");
    }
}

#[test]
fn what_was_written_without_a_network_goes_out_later() {
    let kit = Kit::new(5);
    let (alice, bob) = pair(&kit);
    kit.relay().set_offline(true);
    say(&alice, &bob, "hello");
    kit.settle(&[&alice, &bob]).unwrap();
    assert_eq!((shown(&bob), kit.relay().carried().sent), (Vec::new(), 0));
    kit.relay().set_offline(false);
    kit.clock().pass(900);
    kit.settle(&[&alice, &bob]).unwrap();
    assert_eq!(shown(&bob), ["hello"]);
    assert!(!kit.relay().has_carried(b"hello"));
}

#[test]
fn a_device_that_comes_later_begins_later() {
    let kit = Kit::new(9);
    let (alice, bob) = pair(&kit);
    say(&bob, &alice, "before");
    kit.settle(&[&alice, &bob]).unwrap();
    let tablet = kit.link("alice").unwrap();
    kit.settle(&[&tablet]).unwrap();
    let code = tablet.link_code().unwrap();
    alice.admit(code.expose_bytes(), code.digits(), false).unwrap();
    kit.settle(&[&alice, &tablet, &bob]).unwrap();
    assert_eq!(tablet.devices().unwrap().len(), 2);
    say(&alice, &bob, "from the phone");
    kit.settle(&[&alice, &tablet, &bob]).unwrap();
    say(&bob, &alice, "after");
    kit.settle(&[&alice, &tablet, &bob]).unwrap();
    assert_eq!(shown(&tablet), ["from the phone", "after"]);
    assert_eq!(shown(&alice), ["before", "after"]);
}

#[test]
fn every_rung_of_the_ladder_works() {
    for directory in [Directory::Full, Directory::KeyValue, Directory::InBand] {
        let kit = Kit::new(2);
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let mut config = Config::new(Place::Memory, Key::new([1; 32]), AccountId::new(name).unwrap());
            config.policy = Policy::default();
            config.policy.directory = directory;
            kit.create_with(config).unwrap()
        });
        kit.settle(&[&alice, &bob]).unwrap();
        if directory == Directory::InBand {
            bob.import(alice.card().unwrap().link.as_bytes()).unwrap();
            kit.settle(&[&alice, &bob]).unwrap();
        }
        say(&alice, &bob, "hello");
        kit.settle(&[&alice, &bob]).unwrap();
        assert_eq!(shown(&bob), ["hello"], "{directory:?}");
        kit.clock().pass(86_400);
        assert!(alice.wake(Hint::default()).is_ok());
    }
}
