//! What the person decides about others, always by the number that was on the screen; and what waits for it.
//!
//! A real app finds held messages in its own history, and keeps what was quarantined there. This one has no history: held
//! messages are known until it ends, and quarantined mail stays at the relay.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sprag::{AccountId, Contact, Error, Event, Finding, Incoming, MessageId, MessageState, Trust, Verdict, What};

use crate::driver::{Driver, patiently, said};
use crate::screen::name;

/// What waits for a decision, and what was on the screen.
#[derive(Default)]
pub(crate) struct People(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// The number with the pinned identity, and with the offered one, when somebody was looked at last.
    seen: HashMap<String, [Option<String>; 2]>,
    held: Vec<(AccountId, MessageId)>,
    quarantined: Vec<(u64, Incoming)>,
    /// The number of the last mail that was delivered.
    last: u64,
}

/// What the person says about somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The number is the one that they see.
    Confirm,
    /// The offered identity is theirs.
    Accept,
    /// The pinned identity is theirs all the same.
    Stay,
    Forget,
}

impl Decision {
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "confirm" => Some(Self::Confirm),
            "accept" => Some(Self::Accept),
            "stay" => Some(Self::Stay),
            "forget" => Some(Self::Forget),
            _ => None,
        }
    }
}

impl People {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how far a message of ours is.
    pub(crate) fn note(&self, to: &AccountId, message: &MessageId, state: MessageState) {
        let held = &mut self.waiting().held;
        held.retain(|(_, known)| known != message);
        if state == MessageState::Held {
            held.push((to.clone(), message.clone()));
        }
    }

    /// Notes what an event says of a message of ours.
    pub(crate) fn heard(&self, event: &Event) {
        if let What::Progress { message, account: Some(account), state, .. } = &event.what {
            self.note(account, message, *state);
        }
    }
}

/// As a person and a program read it.
const fn trust_word(trust: Trust) -> &'static str {
    match trust {
        Trust::Unseen => "unseen",
        Trust::Pinned => "pinned",
        Trust::Verified => "verified",
        Trust::Changed => "changed",
        _ => "unknown",
    }
}

impl Driver {
    /// Shows the link that somebody is to be given, to be written to where the relay keeps no keys.
    pub(crate) fn card(&self) -> Result<(), String> {
        match patiently(|| self.client.card()) {
            Ok(card) => self.screen.say(&format!("card {}", card.link), &card.link).map_err(said),
            Err(error) => self.complain(&error.to_string()),
        }
    }

    /// Takes over somebody's link.
    pub(crate) fn import(&self, link: &str) -> Result<(), String> {
        let imported = patiently(|| self.client.import(link.trim().as_bytes()));
        match imported.and_then(|account| Ok((account, patiently(|| self.client.wake(sprag::Hint::default()))?))) {
            Ok((account, pending)) => {
                self.look(pending);
                let who = name(&account);
                self.screen
                    .say(&format!("imported {who}"), &format!("{who} is known now; what they answer is encrypted"))
            }
            Err(error) => return self.complain(&error.to_string()),
        }
        .map_err(said)
    }

    /// Shows how far somebody can be trusted, and the numbers to compare.
    pub(crate) fn trust(&self, peer: &str) -> Result<(), String> {
        let contact = match patiently(|| self.client.contact(peer.as_bytes())) {
            Ok(contact) => contact,
            Err(Error::Unknown | Error::Misuse(_)) => {
                let person = format!("nothing is known of {peer} yet");
                return self.screen.say(&format!("trust {peer} unknown - -"), &person).map_err(said);
            }
            Err(error) => return Err(error.to_string()),
        };
        let numbers = [contact.number, contact.offered].map(|number| number.map(|number| number.digits()));
        let [digits, offered] = numbers.each_ref().map(|number| number.as_deref().unwrap_or("-"));
        let script = format!("trust {peer} {} {digits} {offered}", trust_word(contact.trust));
        self.screen.say(&script, &in_words(peer, &contact)).map_err(said)?;
        // After it stood there: what a person decides about, they have seen.
        self.people.waiting().seen.insert(peer.to_owned(), numbers);
        Ok(())
    }

    /// Carries out what the person decided about somebody, by this number or the one that was on the screen last.
    pub(crate) fn decide(&self, peer: &str, decision: Decision, number: Option<&str>) -> Result<(), String> {
        let [pinned, offered] = self.people.waiting().seen.get(peer).cloned().unwrap_or_default();
        let seen = if decision == Decision::Accept { offered } else { pinned };
        let Some(number) = number.map(str::to_owned).or(seen) else {
            return self.complain(&format!("there was no such number on the screen; look first: /trust {peer}"));
        };
        let account = peer.as_bytes();
        let decided = patiently(|| match decision {
            Decision::Confirm => self.client.confirm(account, &number),
            Decision::Accept | Decision::Stay => self.client.accept_change(account, &number),
            Decision::Forget => self.client.forget(account, &number),
        });
        match decided {
            Ok(pending) => {
                self.look(pending);
                self.deliver_again(peer)?;
                self.show()?;
                self.trust(peer)
            }
            Err(Error::NotAllowed) => {
                self.complain(&format!("that is not the number, or not any more; look again: /trust {peer}"))
            }
            Err(error @ (Error::Unknown | Error::Misuse(_))) => self.complain(&error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Sends what is held for somebody.
    pub(crate) fn retry(&self, peer: &str) -> Result<(), String> {
        let held = self.people.waiting().held.clone();
        for (_, message) in held.iter().filter(|(account, _)| account.as_bytes() == peer.as_bytes()) {
            match patiently(|| self.client.retry(message.as_bytes())) {
                Ok(pending) => self.look(pending),
                Err(Error::NotAllowed) => {
                    return self.complain(&format!("{peer} is to be decided about first: /trust {peer}"));
                }
                Err(error @ (Error::Unknown | Error::Misuse(_))) => self.complain(&error.to_string())?,
                Err(error) => return Err(error.to_string()),
            }
        }
        self.show()
    }

    /// Notes what was delivered, and keeps what the person may let in later. Answers up to which mail the relay may forget.
    pub(crate) fn sort(&self, numbers: &[u64], batch: Vec<Incoming>, verdicts: &[Verdict]) -> Result<u64, String> {
        let mut kept = Vec::new();
        for ((number, incoming), verdict) in numbers.iter().zip(batch).zip(verdicts) {
            if matches!(verdict.finding, Finding::Quarantined { .. }) && self.is_undecided(&incoming)? {
                kept.push((*number, incoming));
            }
        }
        let mut waiting = self.people.waiting();
        waiting.quarantined.extend(kept);
        waiting.last = numbers.last().copied().unwrap_or(0).max(waiting.last);
        Ok(waiting.forgettable())
    }

    fn is_undecided(&self, incoming: &Incoming) -> Result<bool, String> {
        let Some(from) = &incoming.from else { return Ok(false) };
        match patiently(|| self.client.contact(from.as_bytes())) {
            Ok(contact) => Ok(contact.trust == Trust::Changed),
            Err(Error::Unknown) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Delivers what was quarantined from somebody, now that the person has decided.
    fn deliver_again(&self, peer: &str) -> Result<(), String> {
        let _one_at_a_time = self.screen.hold();
        let mut waiting = self.people.waiting();
        let is_theirs = |(_, incoming): &(u64, Incoming)| {
            incoming.from.as_ref().is_some_and(|from| from.as_bytes() == peer.as_bytes())
        };
        let (again, rest) = std::mem::take(&mut waiting.quarantined).into_iter().partition(is_theirs);
        waiting.quarantined = rest;
        let forgettable = waiting.forgettable();
        drop(waiting);
        let batch: Vec<Incoming> = Vec::<(u64, Incoming)>::from_iter(again).into_iter().map(|(_, mail)| mail).collect();
        if batch.is_empty() {
            return Ok(());
        }
        let delivered = patiently(|| self.client.deliver(&batch)).map_err(said)?;
        self.look(delivered.pending);
        // If this does not arrive the mail comes once more, and is recognised.
        let _ = self.relay.acknowledge(forgettable);
        Ok(())
    }
}

impl Waiting {
    /// Up to which mail nothing is quarantined.
    fn forgettable(&self) -> u64 {
        let first = self.quarantined.iter().map(|(number, _)| number - 1).min();
        first.unwrap_or(self.last)
    }
}

/// What a person reads.
fn in_words(peer: &str, contact: &Contact) -> String {
    let number = contact.number.map(|number| number.grouped()).unwrap_or_default();
    match (contact.trust, contact.offered) {
        (Trust::Verified, _) => format!("{peer} is confirmed: {number}"),
        (Trust::Changed, Some(offered)) => format!(
            "{peer} has another identity, or somebody else has the name; nothing is sent until you decide\n    \
             it was  {number}\n    now it is {}\n    \
             compare it with {peer}; then /trust {peer} accept, or /trust {peer} stay",
            offered.grouped()
        ),
        (Trust::Changed, None) => format!(
            "somebody else may act as {peer}; nothing is sent until you decide: {number}\n    \
             ask {peer} some other way; then /trust {peer} stay"
        ),
        (Trust::Unseen, _) => format!("nothing is known of {peer} but the name"),
        _ => format!("{peer} is not confirmed: {number}\n    if {peer} sees the same: /trust {peer} confirm"),
    }
}
