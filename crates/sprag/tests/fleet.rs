//! A messenger that takes Sprag up while it is in use: half of its users upgrade, one after the other, at each rung.
//!
//! `cargo test -p sprag --test fleet -- --nocapture` prints how messages went, day by day. `SPRAG_FLEET` is the number of
//! users, 240 unless told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::field_reassign_with_default, reason = "a test fails by panicking")]

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use sprag::{
    Action, Armor, Conversation, Directory, Error, Finding, Incoming, MessageId, MessageState, Policy, Protection,
    Rollout, SendOptions, What, recognise,
};
use world::{DAY, Hands, Phone, Server, id, text};

const DAYS: usize = 12;

/// Friends of each user on either side.
const FRIENDS: usize = 3;

/// Users who live near each other, of whom every other group upgrades.
const CIRCLE: usize = 20;

struct User {
    /// The client that reads what is encrypted, once there is one.
    phone: Option<Phone>,
    /// A client in a browser that shows every body as text, until this day.
    old_until: usize,
    upgrades: usize,
    /// What the phone was seen to say of conversations.
    levels: BTreeMap<usize, Protection>,
    /// Friends who were told our link.
    told: Vec<usize>,
    /// Messages that the engine has, by their ids.
    pending: BTreeMap<Vec<u8>, (usize, String)>,
}

/// Messages of a day by how they went.
#[derive(Default)]
struct Count {
    plain: usize,
    offered: usize,
    encrypted: usize,
    flagged: usize,
}

struct Fleet {
    rung: Directory,
    hands: Arc<Hands>,
    server: Server,
    users: Vec<User>,
    /// Bodies on their way: who sent them.
    mail: Vec<Vec<(usize, Vec<u8>)>>,
    /// How often each message was shown.
    shown: BTreeMap<String, usize>,
    written: usize,
    count: Count,
    random: u64,
    day: usize,
}

fn name(user: usize) -> String {
    format!("user {user}")
}

fn direct(user: usize) -> Conversation {
    Conversation::Direct(id(&name(user)))
}

fn number(account: &sprag::AccountId) -> usize {
    std::str::from_utf8(account.as_bytes()).unwrap()[5..].parse().unwrap()
}

impl Fleet {
    fn new(rung: Directory, size: usize) -> Self {
        let user = |at: usize| User {
            phone: None,
            // One in ten keeps a tab open in a browser for a week.
            old_until: if at.is_multiple_of(10) { at / 10 % 4 + 6 } else { 0 },
            // Friends move together, for the most part.
            upgrades: if (at / CIRCLE).is_multiple_of(2) { at % CIRCLE * (DAYS - 4) / CIRCLE } else { usize::MAX },
            levels: BTreeMap::new(),
            told: Vec::new(),
            pending: BTreeMap::new(),
        };
        Self {
            rung,
            hands: Hands::new(),
            server: Server::default(),
            users: (0..size).map(user).collect(),
            mail: vec![Vec::new(); size],
            shown: BTreeMap::new(),
            written: 0,
            count: Count::default(),
            random: 7,
            day: 0,
        }
    }

    fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % below
    }

    fn policy(&self, rollout: Rollout) -> Policy {
        let mut policy = Policy::default();
        (policy.directory, policy.rollout) = (self.rung, rollout);
        if self.rung == Directory::InBand {
            (policy.armor, policy.fallback_text) = (Armor::Text, "Update the app to read this.".into());
        }
        policy
    }

    /// Who is due gets a phone that can read; every phone does its upkeep.
    fn upgrade(&mut self) {
        for at in 0..self.users.len() {
            if self.users[at].upgrades == self.day {
                // An account with an old client left says so.
                let is_ready = self.users[at].old_until <= self.day;
                let policy = self.policy(if is_ready { Rollout::Offer } else { Rollout::Read });
                self.users[at].phone = Some(Phone::with_policy(&name(at), &self.hands, policy));
                self.carry(at);
            }
            let User { phone: Some(phone), old_until, upgrades, .. } = &self.users[at] else { continue };
            if *old_until == self.day && *upgrades < self.day {
                phone.client.set_ready(true).unwrap();
            }
            // The next release encrypts.
            if self.day == *upgrades + 2 {
                phone.client.configure(self.policy(Rollout::Encrypt)).unwrap();
            }
            phone.client.wake(sprag::Hint::default()).unwrap();
            self.carry(at);
        }
    }

    /// Carries out what a phone asks for.
    fn carry(&mut self, at: usize) {
        loop {
            let phone = self.users[at].phone.as_ref().unwrap();
            let requests = phone.client.requests(100, 60).unwrap();
            if requests.is_empty() {
                break;
            }
            for request in requests {
                self.one(at, &request);
            }
        }
        self.progress(at);
    }

    fn one(&mut self, at: usize, request: &sprag::Request) {
        if let Action::Send(send) = &request.action {
            for to in &send.to {
                self.mail[number(to)].push((at, send.blob.clone()));
            }
        } else {
            assert!(self.rung != Directory::InBand, "{:?}", request.action);
        }
        let phone = self.users[at].phone.as_ref().unwrap();
        let outcome = self.server.answer(&phone.id, &request.action);
        phone.client.respond(request.id, outcome).unwrap();
    }

    /// Takes over what a phone tells.
    fn progress(&mut self, at: usize) {
        let events = self.users[at].phone.as_ref().unwrap().take();
        for event in events {
            match event.what {
                What::Message(message) => {
                    let sprag::Content::Text(text) = message.content else { panic!() };
                    *self.shown.entry(text).or_default() += 1;
                }
                What::Progress { message, state, .. } => match state {
                    MessageState::Accepted => {
                        self.users[at].pending.remove(message.as_bytes());
                        self.count.encrypted += 1;
                    }
                    MessageState::Failed => {
                        // Nobody there yet: the old way, for the conversation is plain.
                        let (to, text) = self.users[at].pending.remove(message.as_bytes()).unwrap();
                        assert!(self.level(at, to) < Protection::Encrypted);
                        self.plain(at, to, text);
                    }
                    _ => {}
                },
                What::PlaintextInProtected { app_ref, .. } => {
                    // It crossed with the first that was encrypted: shown apart.
                    let text = String::from_utf8(app_ref.unwrap()).unwrap();
                    self.count.flagged += 1;
                    *self.shown.entry(text).or_default() += 1;
                }
                What::Unreadable { .. } | What::ListConflict { .. } | What::IdentityChanged { .. } => {
                    panic!("{:?}", event.what)
                }
                _ => {}
            }
        }
    }

    fn level(&self, at: usize, other: usize) -> Protection {
        let Some(phone) = &self.users[at].phone else { return Protection::Plain };
        phone.client.protections(&[direct(other)]).unwrap()[0]
    }

    /// The path from before: the body is the text; where there is no directory with our link, once for each friend.
    fn plain(&mut self, at: usize, to: usize, text: String) {
        match self.level(at, to) {
            Protection::Offered => self.count.offered += 1,
            _ => self.count.plain += 1,
        }
        let user = &mut self.users[at];
        let is_ready = user.old_until < self.day;
        let link = match &user.phone {
            Some(phone) if self.rung == Directory::InBand && is_ready && !user.told.contains(&to) => {
                user.told.push(to);
                format!(" {}", phone.client.card().unwrap().link)
            }
            _ => String::new(),
        };
        self.mail[to].push((at, format!("{text}{link}").into_bytes()));
    }

    fn write(&mut self, at: usize, to: usize) {
        let what = format!("m{}", self.written);
        self.written += 1;
        let Some(phone) = &self.users[at].phone else { return self.plain(at, to, what) };
        let mut options = SendOptions::default();
        options.client_id = Some(MessageId::new(&what).unwrap());
        match phone.client.send(&direct(to), &text(&what), &options) {
            Ok(sent) => {
                self.users[at].pending.insert(what.clone().into_bytes(), (to, what));
                for request in sent.requests {
                    self.one(at, &request);
                }
            }
            Err(Error::NotProtected) => self.plain(at, to, what),
            Err(error) => panic!("{error}"),
        }
        self.carry(at);
    }

    fn read(&mut self, at: usize) {
        for (from, body) in std::mem::take(&mut self.mail[at]) {
            let user = &self.users[at];
            let is_old = user.phone.is_none() || user.old_until > self.day;
            // A phone whose account has said that all of its clients can read has no other left.
            assert!(!(is_old && recognise(&body)), "{at} is shown an envelope of {from} on day {}", self.day);
            let Some(phone) = &user.phone else {
                let text = String::from_utf8(body).unwrap();
                *self.shown.entry(text.split(' ').next().unwrap().to_owned()).or_default() += 1;
                continue;
            };
            let plain =
                std::str::from_utf8(&body).ok().map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>());
            let mut incoming = Incoming::from(id(&name(from)), body);
            incoming.conversation = Some(direct(from));
            incoming.app_ref =
                plain.as_ref().filter(|words| words.len() < 3).map(|words| words[0].clone().into_bytes());
            match phone.client.deliver(&[incoming]).unwrap().verdicts.remove(0).finding {
                Finding::Foreign => {
                    let words = plain.unwrap();
                    if self.level(at, from) < Protection::Encrypted {
                        *self.shown.entry(words[0].clone()).or_default() += 1;
                    }
                    if let Some(link) = words.get(1) {
                        phone.client.import(link.as_bytes()).unwrap();
                    }
                }
                Finding::Opened { .. } => {}
                other => panic!("{at} from {from}: {other:?}"),
            }
            self.carry(at);
        }
    }

    /// No conversation has stepped down.
    fn look(&mut self) {
        let size = self.users.len();
        for at in (0..size).filter(|at| self.users[*at].phone.is_some()).collect::<Vec<_>>() {
            let friends: Vec<usize> =
                (1..=FRIENDS).flat_map(|by| [(at + by) % size, (at + size - by) % size]).collect();
            let conversations: Vec<_> = friends.iter().map(|friend| direct(*friend)).collect();
            let levels = self.users[at].phone.as_ref().unwrap().client.protections(&conversations).unwrap();
            for (other, now) in friends.into_iter().zip(levels) {
                let before = self.users[at].levels.insert(other, now);
                assert!(before.is_none_or(|before| before <= now), "{at} with {other}: {before:?}, {now:?}");
            }
        }
    }

    fn live(mut self) {
        let size = self.users.len();
        let mut table = format!("{:?}: {size} users, half of whom upgrade\n", self.rung);
        table += "day  phones   plain offered encrypted flagged\n";
        let mut all = Count::default();
        for day in 0..DAYS {
            self.day = day;
            self.upgrade();
            for _ in 0..size / 2 {
                let (at, by) = (self.random(size), self.random(FRIENDS) + 1);
                let to = if self.random(2) == 0 { (at + by) % size } else { (at + size - by) % size };
                self.write(at, to);
                if self.random(3) == 0 {
                    self.read(to);
                }
            }
            for _ in 0..3 {
                (0..size).for_each(|at| self.read(at));
            }
            if day % 3 == 2 {
                self.look();
            }
            let Count { plain, offered, encrypted, flagged } = std::mem::take(&mut self.count);
            let phones = self.users.iter().filter(|user| user.phone.is_some()).count();
            table += &format!("{day:>3} {phones:>7} {plain:>7} {offered:>7} {encrypted:>9} {flagged:>7}\n");
            all.plain += plain;
            all.offered += offered;
            all.encrypted += encrypted;
            all.flagged += flagged;
            self.hands.pass(DAY);
        }
        for message in 0..self.written {
            let shown = self.shown.get(&format!("m{message}")).copied().unwrap_or(0);
            assert_eq!(shown, 1, "m{message}");
        }
        assert!(self.users.iter().all(|user| user.pending.is_empty()));
        println!("{table}all         {:>7} {:>7} {:>9} {:>7}\n", all.plain, all.offered, all.encrypted, all.flagged);
        assert!(all.plain > 0 && all.encrypted > 0);
    }
}

fn size() -> usize {
    std::env::var("SPRAG_FLEET").ok().and_then(|size| size.parse().ok()).unwrap_or(240)
}

#[test]
fn a_fleet_migrates_at_rung_0() {
    Fleet::new(Directory::InBand, size()).live();
}

#[test]
fn a_fleet_migrates_at_rung_1_lite() {
    Fleet::new(Directory::KeyValue, size()).live();
}

#[test]
fn a_fleet_migrates_at_rung_1() {
    Fleet::new(Directory::Full, size()).live();
}
