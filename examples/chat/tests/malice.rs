//! Clients that talk through the relay when it lies: nothing is shown that was not written, what can be noticed is told,
//! and honest traffic goes on. The engine, the chat's own HTTP client, and the tricks of the simulator.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sprag::context::{Clock, Environment};
use sprag::{
    AccountId, Client, Config, Content, Conversation, Event, Hint, Incoming, Key, MessageId, MessageState, Place,
    Reason, SendOptions, What,
};
use sprag_chat::relay::{Relay as Line, Trouble};
use sprag_malice::Trick;
use sprag_relay::malice::Malice;
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sprag-malice-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn start(folder: &Path, malice: &Arc<Malice>) -> SocketAddr {
    let store = Store::open(&folder.join("relay.sqlite")).unwrap();
    let relay = Relay::bind("127.0.0.1:0", store).unwrap().malicious(Arc::clone(malice));
    let address = relay.address().unwrap();
    std::thread::spawn(move || relay.run());
    address
}

/// A clock that stands until it is moved.
#[derive(Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_ms(&self) -> u64 {
        1_800_000_000_000 + 1_000 * self.0.load(Ordering::Relaxed)
    }
}

struct Phone {
    clock: Arc<Hands>,
    client: Client,
    line: Line,
    name: &'static str,
    cursor: u64,
}

impl Phone {
    fn new(name: &'static str, at: SocketAddr) -> Self {
        let id = AccountId::new(name).unwrap();
        let config = Config::new(Place::Memory, Key::new([7; 32]), id.clone());
        let clock = Arc::new(Hands::default());
        let environment = Environment { clock: clock.clone(), ..Environment::platform() };
        let client = Client::create(config, environment).unwrap();
        let line = Line::new(&format!("http://{at}"), &id, client.device(), &format!("the-token-of-{name}"));
        let phone = Self { clock, client, line, name, cursor: 0 };
        phone.pump();
        phone
    }

    fn carry_out(&self, requests: Vec<sprag::Request>) {
        for request in requests {
            let outcome = self.line.carry_out(&request).unwrap().unwrap_or_else(Trouble::outcome);
            self.client.respond(request.id, outcome).unwrap();
        }
    }

    /// Carries out what there is to be carried out.
    fn pump(&self) {
        loop {
            let requests = self.client.requests(100, 60).unwrap();
            if requests.is_empty() {
                return;
            }
            self.carry_out(requests);
        }
    }

    fn write(&self, to: &str, text: &str) -> MessageId {
        let to = Conversation::Direct(AccountId::new(to).unwrap());
        let sent = self.client.send(&to, &Content::Text(text.into()), &SendOptions::default()).unwrap();
        self.carry_out(sent.requests);
        self.pump();
        sent.message
    }

    /// So many days later.
    fn later(&self, days: u64) {
        self.clock.0.fetch_add(days * 86_400, Ordering::Relaxed);
        let mut hint = Hint::default();
        hint.one_time_left = self.line.stock();
        self.client.wake(hint).unwrap();
        self.pump();
    }

    /// Takes in all mail, as the server names its senders.
    fn fetch(&mut self) {
        loop {
            let mail = self.line.mail(self.cursor, Duration::ZERO).unwrap_or_else(|_| panic!("no mail"));
            let Some(last) = mail.last() else { return };
            self.cursor = last.number;
            let batch: Vec<Incoming> = mail.into_iter().map(|mail| Incoming::from(mail.from, mail.blob)).collect();
            self.client.deliver(&batch).unwrap();
            self.line.acknowledge(self.cursor).unwrap_or_else(|_| panic!("not acknowledged"));
            self.pump();
        }
    }

    /// What is to be shown: texts with their senders; and all other events.
    fn look(&mut self) -> (Vec<String>, Vec<What>) {
        self.fetch();
        let events = self.client.events(0, 10_000).unwrap();
        self.client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>()).unwrap();
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        for Event { what, .. } in events {
            match what {
                What::Message(message) => {
                    let Content::Text(text) = message.content else { panic!("nobody wrote that") };
                    let from = String::from_utf8(message.sender.account.to_vec()).unwrap();
                    texts.push(format!("{from}: {text}"));
                }
                // That our own messages went out.
                What::Progress { state, .. } if state != MessageState::Failed => {}
                // That a session was renewed by who had the old one, for a message that did not open.
                What::Protection { .. } | What::SessionRestarted { resumed: true, .. } => {}
                other => others.push(other),
            }
        }
        (texts, others)
    }

    fn texts(&mut self) -> Vec<String> {
        self.look().0
    }
}

/// A relay that does only what the test says, and phones that have written to each other.
fn talking(name: &str) -> (Arc<Malice>, [Phone; 3]) {
    let malice = Arc::new(Malice::new(None, |_| {}));
    let at = start(&folder(name), &malice);
    let mut phones = ["alice", "bob", "carol"].map(|name| Phone::new(name, at));
    for (from, to) in [(0, 1), (1, 0), (2, 1), (1, 2), (0, 2), (2, 0)] {
        let text = format!("hello {}", phones[to].name);
        phones[from].write(phones[to].name, &text);
        assert_eq!(phones[to].texts(), [format!("{}: {text}", phones[from].name)]);
    }
    (malice, phones)
}

/// Bob's mailbox among those that have mail.
const BOB: usize = 0;

#[test]
fn tricks_with_mail_show_nothing_wrong() {
    let (malice, mut phones) = talking("mail");
    let play = |trick: Trick| assert!(malice.with(|server| server.play(trick)).is_some(), "{trick:?}");
    let to = BOB;
    let unreadable = |what: &What| matches!(what, What::Unreadable { .. });
    let differs = |what: &What| matches!(what, What::SenderDiffers { .. });
    type Told<'a> = Option<&'a dyn Fn(&What) -> bool>;
    // The trick, which of three messages are shown at once, and what is told besides.
    let tricks: [(Trick, &[usize], Told<'_>); 11] = [
        (Trick::Drop { to, which: 1 }, &[0, 2], None),
        (Trick::Duplicate { to, which: 1 }, &[0, 1, 2], None),
        (Trick::Swap { to, which: 0, other: 2 }, &[2, 1, 0], None),
        (Trick::Hold { to, which: 1 }, &[0, 2], None),
        (Trick::Reflect { to, which: 1 }, &[0, 1, 2], None),
        (Trick::Misdeliver { to, which: 1, other: 2 }, &[0, 1, 2], None),
        (Trick::Misattribute { to, which: 1, other: 2 }, &[0, 1, 2], Some(&differs)),
        (Trick::Splice { to, which: 1, other: 0, at: 400 }, &[0, 1, 2], Some(&unreadable)),
        (Trick::Flip { to, which: 1, bit: 800 }, &[0, 1, 2], Some(&unreadable)),
        (Trick::Cut { to, which: 1, at: 300 }, &[0, 1, 2], Some(&unreadable)),
        (Trick::Replay { which: 0 }, &[0, 1, 2], None),
    ];
    for (trick, shown, told) in tricks {
        let text = |number: &usize| format!("{number} through {}", trick.kind());
        (0..3).for_each(|number| drop(phones[0].write("bob", &text(&number))));
        play(trick);
        let (texts, others) = phones[1].look();
        let expected: Vec<String> = shown.iter().map(|number| format!("alice: {}", text(number))).collect();
        assert_eq!(texts, expected, "{trick:?}");
        match told {
            Some(told) => assert!(others.len() == 1 && told(&others[0]), "{trick:?}: {others:?}"),
            None => assert_eq!(others, [], "{trick:?}"),
        }
        for other in [0, 2] {
            assert_eq!(phones[other].look(), (Vec::new(), Vec::new()), "{trick:?}");
        }
        malice.repent();
        let late = phones[1].texts();
        assert_eq!(late.len(), usize::from(matches!(trick, Trick::Hold { .. })), "{trick:?}: {late:?}");
        phones[1].write("alice", "still here");
        assert_eq!(phones[0].look(), (vec!["bob: still here".to_owned()], Vec::new()), "{trick:?}");
    }
}

/// What a trick with Bob's keys comes to, which Alice asks for.
enum Outcome {
    /// Nothing: what was shown are keys of Bob's.
    Harmless,
    /// Alice is told that her message did not go out, and why.
    Refused(Reason),
    /// Bob is told of a message that he cannot read.
    Unreadable,
}

#[test]
fn tricks_with_keys_let_nobody_else_read() {
    use Outcome::{Harmless, Refused, Unreadable};
    let (asker, account, other) = (0, 1, 2);
    for (trick, outcome) in [
        (Trick::Drain { account }, Harmless),
        (Trick::OldList { asker, account }, Harmless),
        (Trick::OldPrekey { asker, account }, Harmless),
        (Trick::NoOneTime { asker, account }, Harmless),
        (Trick::Impersonate { asker, account, other }, Refused(Reason::Mismatch)),
        (Trick::Mix { asker, account, other }, Refused(Reason::NoKeys)),
        (Trick::FlipKeys { asker, account, part: 0, bit: 800 }, Refused(Reason::Malformed)),
        (Trick::FlipKeys { asker, account, part: 1, bit: 800 }, Refused(Reason::BadSignature)),
        (Trick::FlipKeys { asker, account, part: 2, bit: 800 }, Refused(Reason::BadSignature)),
        (Trick::Deny { asker, account }, Refused(Reason::NoKeys)),
        (Trick::OneTimeTwice { asker, account }, Unreadable),
    ] {
        let malice = Arc::new(Malice::new(None, |_| {}));
        let at = start(&folder("keys"), &malice);
        let mut phones = ["alice", "bob", "carol"].map(|name| Phone::new(name, at));
        // By then everybody has published new keys, and there are old ones.
        phones.iter().for_each(|phone| phone.later(10));
        phones[2].write("bob", "first");
        assert_eq!(phones[1].texts(), ["carol: first"]);
        malice.with(|server| server.play(trick)).unwrap();
        phones[0].write("bob", "hello");
        let (alice, bob) = (phones[0].look(), phones[1].look());
        assert_eq!(phones[2].look(), (Vec::new(), Vec::new()), "{trick:?}");
        assert_eq!(alice.0, [""; 0]);
        match outcome {
            Harmless => assert_eq!((alice.1, bob), (vec![], (vec!["alice: hello".into()], vec![])), "{trick:?}"),
            Refused(why) => {
                let told = matches!(alice.1[..], [What::Progress { reason: Some(reason), .. }] if reason == why);
                assert!(told && bob == (Vec::new(), Vec::new()), "{trick:?}: {alice:?} {bob:?}");
            }
            Unreadable => {
                let told = matches!(bob.1[..], [What::Unreadable { reason: Reason::KeyGone, .. }]);
                assert!(told && bob.0.is_empty() && alice.1.is_empty(), "{trick:?}: {alice:?} {bob:?}");
            }
        }
        // Whoever has few keys left looks after them.
        phones[1].later(0);
        let low = phones[1].look().1.iter().any(|what| matches!(what, What::KeysLow { .. }));
        assert_eq!(low, matches!(trick, Trick::Drain { .. }), "{trick:?}");
        malice.repent();
        for (from, to) in [(1, 0), (0, 1), (1, 0)] {
            phones[from].write(phones[to].name, "again");
            assert_eq!(phones[to].texts(), [format!("{}: again", phones[from].name)], "{trick:?}");
        }
    }
}

/// Three who write and read at random, and what is still to be shown, and to whom.
struct Talk {
    phones: [Phone; 3],
    open: BTreeMap<String, usize>,
    written: usize,
    unreadable: usize,
    failed: usize,
}

impl Talk {
    fn write(&mut self, from: usize, to: usize) {
        self.written += 1;
        let text = format!("number {}", self.written);
        self.phones[from].write(self.phones[to].name, &text);
        self.open.insert(format!("{}: {text}", self.phones[from].name), to);
    }

    fn read(&mut self, who: usize) {
        let (texts, others) = self.phones[who].look();
        for text in texts {
            assert_eq!(self.open.remove(&text), Some(who), "{text}");
        }
        for what in others {
            match what {
                What::Unreadable { .. } => self.unreadable += 1,
                What::Progress { .. } => self.failed += 1,
                What::KeysLow { .. } | What::SenderDiffers { .. } | What::SessionRestarted { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Yields how often the relay did what, and what was never shown.
fn course(whim: &str) -> (BTreeMap<&'static str, u64>, Talk) {
    let malice = Arc::new(Malice::new(Some(whim.parse().unwrap()), |_| {}));
    let at = start(&folder(&whim.replace([':', ','], "-")), &malice);
    let phones = ["alice", "bob", "carol"].map(|name| Phone::new(name, at));
    let mut talk = Talk { phones, open: BTreeMap::new(), written: 0, unreadable: 0, failed: 0 };
    let mut state = 1_usize;
    let mut number = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        state >> 16
    };
    for _ in 0..150 {
        let from = number() % 3;
        talk.write(from, (from + 1 + number() % 2) % 3);
        if number() % 2 == 0 {
            talk.read(number() % 3);
        }
    }
    let played = malice.with(|server| server.played.clone());
    malice.repent();
    for _ in 0..2 {
        (0..3).for_each(|who| talk.read(who));
        talk.phones.iter().for_each(|phone| phone.later(1));
    }
    // Whatever became of all that, everybody is read by everybody.
    for (from, to) in [(0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)] {
        talk.write(from, to);
        let before = talk.open.len();
        // What does not open is asked for, which the other one reads and answers.
        for who in [to, from, to, from, to] {
            talk.read(who);
        }
        assert!(talk.open.len() < before, "{whim}: {from} to {to}");
    }
    (played, talk)
}

#[test]
fn whatever_it_does_with_mail_all_is_shown_but_what_it_dropped() {
    let kinds = Trick::WITH_MAIL.join(",");
    for seed in 0..2 {
        let (played, talk) = course(&format!("{seed}:{kinds}"));
        assert!(played.len() > 8, "{played:?}");
        let lost = usize::try_from(played.get("drop").copied().unwrap_or(0)).unwrap();
        assert!(talk.open.len() <= lost && talk.failed == 0, "{seed}: {:?} {lost}", talk.open);
        assert!(talk.unreadable > 0);
    }
}

#[test]
fn whatever_it_does_with_mail_and_keys_nothing_is_lost_in_silence() {
    for seed in 4..7 {
        let (played, talk) = course(&seed.to_string());
        let lost = usize::try_from(played.get("drop").copied().unwrap_or(0)).unwrap();
        assert!(talk.open.len() <= lost + talk.unreadable + talk.failed, "{seed}: {:?} {lost}", talk.open);
    }
}
