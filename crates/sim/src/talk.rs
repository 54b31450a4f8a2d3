//! People who talk through a server, with everything that their apps do in between done at once and done well.

use std::collections::BTreeMap;

use sprag::{Event, Finding, Hint, Incoming, MessageState, Request, Result, SendOptions, What};
use sprag_malice::Server;

use crate::net::{carry_out, incoming};
use crate::phone::{Phone, message, text, with};

/// Phones and a server.
#[derive(Debug, Default)]
pub struct Talk {
    /// The server.
    pub server: Server,
    phones: BTreeMap<String, Phone>,
    count: u64,
}

impl Talk {
    /// These people, with their keys published.
    ///
    /// # Errors
    /// What an engine answers.
    pub fn of(names: &[&str]) -> Result<Self> {
        let mut talk = Self::default();
        for (seed, name) in (1..).zip(names) {
            talk.phones.insert((*name).to_owned(), Phone::create(name, seed)?);
            talk.pump(name)?;
        }
        Ok(talk)
    }

    /// Somebody's phone.
    ///
    /// # Panics
    /// If nobody has this name.
    #[must_use]
    pub fn phone(&self, name: &str) -> &Phone {
        &self.phones[name]
    }

    /// Somebody's phone, to be broken.
    ///
    /// # Panics
    /// If nobody has this name.
    #[expect(clippy::expect_used, reason = "names are written in the source")]
    pub fn phone_mut(&mut self, name: &str) -> &mut Phone {
        self.phones.get_mut(name).expect("somebody of this name")
    }

    /// Somebody joins with a phone of their own making.
    pub fn join(&mut self, name: &str, phone: Phone) {
        self.phones.insert(name.to_owned(), phone);
    }

    /// Carries out what somebody's phone asks for, until it asks for nothing more.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn pump(&mut self, name: &str) -> Result<()> {
        loop {
            self.phones[name].instruments.jump(61);
            let requests = self.phones[name].app(|client| client.requests(100, 60))?;
            if requests.is_empty() {
                return Ok(());
            }
            self.carry(name, requests)?;
        }
    }

    fn carry(&mut self, name: &str, requests: Vec<Request>) -> Result<()> {
        let phone = &self.phones[name];
        for request in requests {
            let outcome = carry_out(&mut self.server, &phone.account, &request.action);
            phone.app(|client| client.respond(request.id, outcome))?;
        }
        Ok(())
    }

    /// Sends a text and carries everything out that comes of it. Yields the message's state after that.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn send(&mut self, from: &str, to: &str, words: &str) -> Result<MessageState> {
        self.count += 1;
        let id = message(&format!("m{}", self.count));
        let mut options = SendOptions::default();
        options.client_id = Some(id.clone());
        let conversation = with(&self.phones[to].account);
        let sent = self.phones[from].app(|client| client.send(&conversation, &text(words), &options))?;
        self.carry(from, sent.requests)?;
        self.pump(from)?;
        self.phones[from].app(|client| client.state(id.as_bytes()))
    }

    /// Takes what waits for somebody from the server.
    #[must_use]
    pub fn collect(&mut self, name: &str) -> Vec<Incoming> {
        let account = self.phones[name].account.as_bytes();
        let mail = self.server.mail.collect(account, 1, usize::MAX);
        if let Some(last) = mail.last() {
            self.server.mail.acknowledge(account, 1, last.number);
        }
        mail.into_iter().map(incoming).collect()
    }

    /// Delivers a batch.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn give(&self, name: &str, batch: &[Incoming]) -> Result<Vec<Finding>> {
        let delivered = self.phones[name].app(|client| client.deliver(batch))?;
        Ok(delivered.verdicts.into_iter().map(|verdict| verdict.finding).collect())
    }

    /// Delivers what waits for somebody.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn deliver(&mut self, name: &str) -> Result<Vec<Finding>> {
        let batch = self.collect(name);
        self.give(name, &batch)
    }

    /// Upkeep, and what it asks for.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn wake(&mut self, name: &str, hint: Hint) -> Result<()> {
        self.phones[name].app(|client| client.wake(hint))?;
        self.pump(name)
    }

    /// Takes somebody's events over.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn take(&self, name: &str) -> Result<Vec<Event>> {
        let phone = &self.phones[name];
        let events = phone.app(|client| client.events(0, 100_000))?;
        let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
        phone.app(|client| client.done(&ids))?;
        Ok(events)
    }

    /// The texts that came to somebody, with all events taken over.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        let events = self.take(name)?;
        let texts = events.iter().filter_map(|event| match &event.what {
            What::Message(message) => Some(String::from_utf8_lossy(message.content.as_bytes()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }
}
