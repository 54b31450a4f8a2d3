//! The oracles of what reaches the screen.

use sprag::{Content, DeviceId, Event, Healing, LinkPhase, MessageState, What};

use super::unit::{Standing, Unit};
use super::{Held, World, wrong};

impl World {
    pub(super) fn take(&mut self, who: usize, handle: usize, max: usize, done: bool) -> Held<String> {
        let line = format!("{}#{handle} shows", self.label(who));
        let events = match self.units[who].phone.with(handle, |client| client.events(0, max)) {
            Ok(events) => events,
            Err(error) => return Ok(format!("{line}: {}", self.refused(who, error)?)),
        };
        let mut shown = Vec::new();
        for event in &events {
            if let Some(what) = self.show(who, event)? {
                shown.push(what);
            }
        }
        let line = format!("{line} [{}]", shown.join(" "));
        if !done {
            return Ok(line);
        }
        let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
        match self.units[who].phone.with(handle, |client| client.done(&ids)) {
            Ok(_) => Ok(line),
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    /// An event reaches the screen.
    pub(super) fn show(&mut self, who: usize, event: &Event) -> Held<Option<String>> {
        self.saw(&match &event.what {
            What::Progress { state, reason: Some(reason), .. } => format!("message: {state:?}, {reason:?}"),
            What::Progress { state, .. } => format!("message: {state:?}"),
            other => format!("event: {}", kind(other)),
        });
        match &event.what {
            What::Message(message) => {
                let seen = format!("{} is shown {:?} of {:?}", self.label(who), message.client_id, message.sender);
                let from = Self::account_of(&message.sender.account);
                let Some(at) = from.and_then(|from| self.ledger.find(from, &message.client_id)) else {
                    return wrong("only what was written is shown", seen);
                };
                let written = &self.ledger.written[at];
                let account = self.units[who].account;
                let same = matches!(&message.content, Content::Text(text) if *text == written.text)
                    && message.outgoing == (written.from == account)
                    && message.conversation == self.place(at, account);
                if !same || !written.concerns(account) {
                    return wrong("what is shown is what was written, to whom it was written", seen);
                }
                let app = &mut self.units[who].app;
                app.ended.extend(message.recovers);
                let shown = app.shown.entry(at).or_default();
                shown.insert(event.id);
                if shown.len() > 1 {
                    return wrong("a message is shown once", seen);
                }
                Ok(Some(format!("m{at}")))
            }
            What::Progress { message, state, .. } => {
                let news = self.units[who].app.news.insert(event.id);
                if let Some(at) = self.ledger.find(self.units[who].account, message).filter(|_| news) {
                    let before = self.units[who].app.states.insert(at, *state);
                    let gone = matches!(before, Some(MessageState::Accepted | MessageState::Cancelled));
                    if gone && before != Some(*state) && !self.units[who].lost_power {
                        return wrong("what has left stays so", format!("m{at}: {before:?}, then {state:?}"));
                    }
                }
                Ok(None)
            }
            What::IdentityChanged { account, .. } => {
                wrong("nobody's identity changed", format!("{} about {account:?}", self.label(who)))
            }
            What::CloneSuspected { account, .. } | What::BraidStalled { account, .. } => {
                let seen = format!("{}: {} {account:?}", self.label(who), kind(&event.what));
                let Some(account) = Self::account_of(account) else {
                    return wrong("only somebody known is suspected", seen);
                };
                let doubtful = |unit: &super::Unit| unit.account == account && !unit.is_sound();
                if self.units[who].is_sound() && !self.units.iter().any(doubtful) {
                    return wrong("nobody is suspected who has one phone", seen);
                }
                self.units[who].app.warned.insert(account);
                Ok(Some(kind(&event.what).to_owned()))
            }
            What::SessionRestarted { account, .. } => {
                let account = Self::account_of(account);
                self.units[who].app.restarts.extend(account);
                Ok(Some(kind(&event.what).to_owned()))
            }
            What::AudienceDiffers { sender, .. } => {
                wrong("everybody writes to the same room", format!("{} of {sender:?}", self.label(who)))
            }
            What::Link { phase: LinkPhase::Joined, .. } => {
                self.joined(who);
                Ok(Some("joined".to_owned()))
            }
            What::Removed if self.units[who].standing != Standing::Revoked => {
                wrong("only who was revoked is told so", self.label(who))
            }
            What::DevicesChanged { account, added, .. } => {
                let known = |id: &DeviceId| {
                    let is_his = |unit: &Unit| unit.device == id.0 && unit.name().as_bytes() == account.as_bytes();
                    self.units.iter().any(is_his)
                };
                if !added.iter().all(known) {
                    return wrong("a device that comes was linked", format!("{}: {added:?}", self.label(who)));
                }
                Ok(Some(format!("{} devices of {account:?} more", added.len())))
            }
            What::Unreadable { blob_id, reason, healing, .. } => {
                let app = &mut self.units[who].app;
                app.unreadable.insert(*blob_id, *reason);
                let told = if *healing == Healing::Asked { &mut app.asked } else { &mut app.ended };
                told.insert(*blob_id);
                Ok(Some(format!("{reason:?}")))
            }
            other => Ok(Some(kind(other).to_owned())),
        }
    }
}

const fn kind(what: &What) -> &'static str {
    match what {
        What::Message(_) => "message",
        What::Unreadable { .. } => "unreadable",
        What::IdentityChanged { .. } => "identity changed",
        What::ListConflict { .. } => "list conflict",
        What::SessionRestarted { .. } => "session restarted",
        What::CloneSuspected { .. } => "clone suspected",
        What::BraidStalled { .. } => "braid stalled",
        What::ClockSuspect { .. } => "clock suspect",
        What::KeysLow { .. } => "keys low",
        What::StoreTrouble { .. } => "store trouble",
        What::Unsupported { .. } => "unsupported",
        _ => "of another kind",
    }
}
