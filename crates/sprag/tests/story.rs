//! The story that every language replays: `docs/vectors/story.txt`, whose head comment says what each step is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod world;

use std::collections::VecDeque;

use sprag::context::Environment;
use sprag::{
    Armor, Client, Config, Content, Conversation, Error, Event, Hint, Incoming, Key, Message, MessageId, MessageState,
    Opening, Place, Policy, Preview, Protection, Request, Result, Rollout, RoomId, SendOptions, Start, Trust, What,
    recognise,
};
use world::{Phone, Scratch, Server, id};

const STORY: &str = include_str!("../../../docs/vectors/story.txt");

/// A phone of the story, whose mailbox is there while it is closed.
struct Handset {
    name: String,
    phone: Option<Phone>,
    mailbox: VecDeque<Incoming>,
}

struct Replay {
    server: Server,
    handsets: Vec<Handset>,
    hand: Vec<u8>,
    folder: Scratch,
}

#[test]
fn the_story_is_as_it_is_told() {
    let mut replay =
        Replay { server: Server::default(), handsets: Vec::new(), hand: Vec::new(), folder: Scratch::new("story") };
    let mut steps = 0;
    for (number, line) in (1..).zip(STORY.lines()) {
        // In Rust a closed client is gone, text is text, and there is neither null nor a buffer that could be too small.
        if line.is_empty() || line.starts_with(['#', '@']) {
            continue;
        }
        // Whichever assertion fails, the last line is the step.
        println!("story.txt:{number}: {line}");
        let (words, text) = line.split_once(" : ").unwrap_or((line, ""));
        let words: Vec<&str> = words.split(' ').collect();
        let outcome = match words[..] {
            ["fails", code, ref step @ ..] => {
                let refused = replay.step(step, &text_of(text)).err().map(Error::code);
                (refused == code.parse().ok()).then_some(()).ok_or(format!("{refused:?}"))
            }
            ref step => replay.step(step, &text_of(text)).map_err(|error| error.to_string()),
        };
        outcome.unwrap_or_else(|came| panic!("{came}"));
        steps += 1;
    }
    assert!(steps > 150, "the whole story: {steps} steps");
}

fn text_of(text: &str) -> String {
    let repeated = text.strip_prefix('*').and_then(|rest| rest.split_once(' '));
    repeated.map_or_else(|| text.to_owned(), |(times, word)| word.repeat(times.parse().unwrap()))
}

/// The name that a number has in the story: that of the variant, in small letters with `_`.
fn name(value: impl std::fmt::Debug) -> String {
    let all = format!("{value:?}");
    let variant = all.split(|c: char| !c.is_alphanumeric()).next().unwrap();
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn with_another_digit(digits: &str, word: &[&str]) -> String {
    match word {
        [] => digits.to_owned(),
        _ => format!("{}{}", if digits.starts_with('1') { '2' } else { '1' }, &digits[1..]),
    }
}

impl Replay {
    fn handset(&mut self, name: &str) -> &mut Handset {
        if let Some(at) = self.handsets.iter().position(|handset| handset.name == name) {
            return &mut self.handsets[at];
        }
        self.handsets.push(Handset { name: name.to_owned(), phone: None, mailbox: VecDeque::new() });
        self.handsets.last_mut().unwrap()
    }

    fn phone(&self, name: &str) -> &Phone {
        self.handsets.iter().find(|handset| handset.name == name).unwrap().phone.as_ref().unwrap()
    }

    fn client(&self, name: &str) -> &Client {
        &self.phone(name).client
    }

    fn key(word: &str) -> Result<Key> {
        Key::from_slice(&if word == "short" { vec![0; 31] } else { vec![word.parse().unwrap(); 32] })
    }

    fn place(&self, file: &str) -> Place {
        if file == "-" { Place::Memory } else { Place::File(self.folder.file(file)) }
    }

    fn start(&mut self, how: &str, [name, account, key, file]: [&str; 4]) -> Result<()> {
        let (place, key) = (self.place(file), Self::key(key)?);
        let account = sprag::AccountId::new(account)?;
        let client = if how == "open" {
            Client::open(Opening::new(place, key, account.clone()), Environment::platform())?
        } else {
            let mut config = Config::new(place, key, account.clone());
            config.start = if how == "link" { Start::Link } else { Start::NewAccount };
            Client::create(config, Environment::platform())?
        };
        self.handset(name).phone = Some(Phone { client, id: account });
        Ok(())
    }

    /// Carries requests out; yields whether there were any.
    fn carry_out(&mut self, name: &str, requests: Vec<Request>) -> Result<bool> {
        let is_busy = !requests.is_empty();
        let account = self.phone(name).id.clone();
        for request in requests {
            let outcome = self.server.answer(&account, &request.action);
            self.client(name).respond(request.id, outcome)?;
        }
        Ok(is_busy)
    }

    fn carry(&mut self, name: &str) -> Result<bool> {
        let mut is_busy = false;
        while self.carry_out(name, self.client(name).requests(64, 60)?)? {
            is_busy = true;
        }
        Ok(is_busy)
    }

    fn fetch(&mut self, name: &str) {
        let handset = self.handsets.iter_mut().find(|handset| handset.name == name).unwrap();
        handset.mailbox.extend(self.server.fetch(handset.phone.as_ref().unwrap()));
    }

    fn settle(&mut self) -> Result<()> {
        let mut is_busy = true;
        while is_busy {
            is_busy = false;
            let open = self.handsets.iter().filter(|handset| handset.phone.is_some());
            for name in open.map(|handset| handset.name.clone()).collect::<Vec<_>>() {
                is_busy |= self.carry(&name)?;
                self.fetch(&name);
                let mail = Vec::from(std::mem::take(&mut self.handset(&name).mailbox));
                is_busy |= !mail.is_empty();
                self.client(&name).deliver(&mail)?;
                self.client(&name).wake(Hint::default())?;
            }
        }
        Ok(())
    }

    fn send(&mut self, name: &str, conversation: &Conversation, message: &str, text: &str) -> Result<()> {
        let mut options = SendOptions::default();
        options.client_id = Some(MessageId::new(message)?);
        let sent = self.client(name).send(conversation, &Content::Text(text.to_owned()), &options)?;
        self.carry_out(name, sent.requests).map(drop)
    }

    fn configure(&self, name: &str, word: &str) -> Result<()> {
        let mut policy = Policy::default();
        match word {
            "default" => {}
            "text" => (policy.armor, policy.fallback_text) = (Armor::Text, "A message".to_owned()),
            "read" => policy.rollout = Rollout::Read,
            other => panic!("{other}"),
        }
        self.client(name).configure(policy)
    }

    fn deliver(&self, name: &str, from: &str, finding: &str) -> Result<()> {
        let mut incoming = Incoming::from(id(from), self.hand.clone());
        incoming.conversation = Some(Conversation::Direct(id(from)));
        let delivered = self.client(name).deliver(&[incoming])?;
        assert_eq!(
            delivered.verdicts.iter().map(|verdict| self::name(&verdict.finding)).collect::<Vec<_>>(),
            [finding]
        );
        Ok(())
    }

    /// The oldest event of some sort, which is done.
    fn event(&self, name: &str, is_it: impl Fn(&What) -> bool) -> Result<Event> {
        let events = self.client(name).events(0, 1_000)?;
        let event = events.into_iter().find(|event| is_it(&event.what)).unwrap();
        self.client(name).done(&[event.id])?;
        Ok(event)
    }

    fn shows(&self, name: &str, account: &str, room: Option<&str>, text: &str) -> Result<()> {
        let What::Message(Message { sender, outgoing, conversation, content, .. }) =
            self.event(name, |what| matches!(what, What::Message(_)))?.what
        else {
            panic!("a message");
        };
        assert_eq!((sender.account, content.as_bytes()), (id(account), text.as_bytes()));
        assert_eq!(outgoing, self.phone(name).id == id(account));
        match (conversation, room) {
            (Conversation::Direct(_), None) => {}
            (Conversation::Room { id, .. }, Some(room)) => assert_eq!(id.as_bytes(), room.as_bytes()),
            (other, _) => panic!("{other:?}"),
        }
        Ok(())
    }

    fn number(&self, name: &str, account: &str) -> Result<String> {
        let contact = self.client(name).contact(account.as_bytes())?;
        Ok(contact.number.map(|number| number.digits()).unwrap_or_default())
    }

    fn step(&mut self, words: &[&str], text: &str) -> Result<()> {
        match *words {
            [how @ ("create" | "link" | "open"), name, account, key, file] => {
                self.start(how, [name, account, key, file])?;
            }
            ["close", name] => self.handset(name).phone = None,
            ["erase", name] => self.handset(name).phone.take().unwrap().client.erase()?,
            ["rekey", name, key] => self.client(name).rekey(&Self::key(key)?)?,
            ["suspend", name] => self.client(name).suspend()?,
            ["resume", name] => self.client(name).resume()?,
            ["policy", name, word] => self.configure(name, word)?,
            ["card", name, other] => {
                let link = self.client(name).card()?.link;
                assert_eq!(self.client(other).import(link.as_bytes())?, self.phone(name).id);
            }
            ["carry", name] => drop(self.carry(name)?),
            ["settle"] => self.settle()?,
            ["take", name] => {
                self.fetch(name);
                self.hand = self.handset(name).mailbox.pop_front().unwrap().bytes;
            }
            ["hold"] => self.hand = text.as_bytes().to_vec(),
            ["spoil"] => *self.hand.last_mut().unwrap() ^= 1,
            ["around"] => {
                let hand = std::str::from_utf8(&self.hand).unwrap();
                self.hand = format!("{text}\n{hand}\n{text}").into_bytes();
            }
            ["say", name, account, message] => self.send(name, &Conversation::Direct(id(account)), message, text)?,
            ["room", name, room, message, ref members @ ..] => {
                let members = members.iter().map(|member| id(member)).collect();
                self.send(name, &Conversation::Room { id: RoomId::new(room)?, members }, message, text)?;
            }
            ["state", name, message, state] => {
                let found: MessageState = self.client(name).state(message.as_bytes())?;
                assert_eq!(self::name(found), state);
            }
            ["cancel", name, message] => drop(self.client(name).cancel(message.as_bytes())?),
            ["recognise", answer] => assert_eq!(recognise(&self.hand), answer == "yes"),
            ["peek", name, account] => match self.client(name).peek(&Incoming::from(id(account), self.hand.clone()))? {
                Preview::Message { sender, content, .. } => {
                    assert_eq!((sender.account, content.as_bytes()), (id(account), text.as_bytes()));
                }
                other => panic!("{other:?}"),
            },
            ["deliver", name, account, finding] => self.deliver(name, account, finding)?,
            ["shows", name, account] => self.shows(name, account, None, text)?,
            ["shows", name, account, "in", room] => self.shows(name, account, Some(room), text)?,
            ["raises", name, kind] => drop(self.event(name, |what| self::name(what) == kind)?),
            ["quiet", name] => {
                let events = self.phone(name).take();
                assert!(!events.iter().any(|event| matches!(event.what, What::Message(_))));
            }
            ["numbers", name, other] => {
                let (one, two) = (self.phone(name), self.phone(other));
                let number = self.number(name, std::str::from_utf8(two.id.as_bytes()).unwrap())?;
                assert_eq!(number, self.number(other, std::str::from_utf8(one.id.as_bytes()).unwrap())?);
                assert_eq!(number.len(), 60);
            }
            ["confirm", name, account, ref word @ ..] => {
                let number = with_another_digit(&self.number(name, account)?, word);
                self.client(name).confirm(account.as_bytes(), &number)?;
            }
            ["trust", name, account, trust] => {
                let found: Trust = self.client(name).contact(account.as_bytes())?.trust;
                assert_eq!(self::name(found), trust);
            }
            ["protection", name, account, protection] => {
                let found: Vec<Protection> = self.client(name).protections(&[Conversation::Direct(id(account))])?;
                assert_eq!(found.into_iter().map(self::name).collect::<Vec<_>>(), [protection]);
            }
            ["admit", name, new, ref word @ ..] => {
                let code = self.client(new).link_code()?;
                let digits = with_another_digit(code.digits(), word);
                self.client(name).admit(code.expose_bytes(), &digits, false)?;
            }
            ["devices", name, count] => assert_eq!(self.client(name).devices()?.len().to_string(), count),
            ["revoke", name, other] => drop(self.client(name).revoke(self.client(other).device())?),
            ref unknown => panic!("no step: {unknown:?}"),
        }
        Ok(())
    }
}
