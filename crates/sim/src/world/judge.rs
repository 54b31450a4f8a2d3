//! The oracles of what came in: `deliver`, and what is shown of it.

use sprag::{BlobId, Content, Event, Finding, Incoming, MessageState, Reason, What};

use super::{Held, PEOPLE, World, rows, wrong};
use crate::net::incoming;

impl World {
    pub(super) fn deliver(&mut self, who: usize, handle: usize, max: usize, acknowledge: bool) -> Held<Option<String>> {
        let (name, device) = (PEOPLE[who].as_bytes(), self.people[who].device);
        let mail = self.server.mail.collect(name, device, max);
        let Some(last) = mail.last().map(|mail| mail.number) else { return Ok(None) };
        let batch: Vec<Incoming> = mail.into_iter().map(incoming).collect();
        let before = if batch.len() == 1 { self.rows(who) } else { None };
        let mut line = format!("{}#{handle} is given {}", PEOPLE[who], batch.len());
        match self.people[who].phone.with(handle, |client| client.deliver(&batch)) {
            Ok(delivered) => {
                let mut opened = false;
                for (given, verdict) in batch.iter().zip(&delivered.verdicts) {
                    opened |= matches!(verdict.finding, Finding::Opened { .. });
                    line = format!("{line}, {}", self.judge(who, given, &verdict.finding)?);
                }
                if !opened
                    && let (Some(before), Some(after)) = (before, self.rows(who))
                    && let Some(difference) = rows::difference(&before, &after)
                {
                    return wrong("a refusal changes no row", format!("{line}: {difference}"));
                }
                if acknowledge {
                    self.server.mail.acknowledge(name, device, last);
                }
            }
            Err(error) => {
                let blobs = batch.iter().map(|given| BlobId::of(&given.bytes));
                self.people[who].app.unsure.extend(blobs);
                line = format!("{line}: {}", self.refused(who, error)?);
            }
        }
        Ok(Some(line))
    }

    /// Whether a finding is the right one for these bytes.
    pub(super) fn judge(&mut self, who: usize, given: &Incoming, finding: &Finding) -> Held<String> {
        let blob = BlobId::of(&given.bytes);
        let from = given.from.as_ref().and_then(Self::place);
        let origin = self.ledger.blobs.get(&blob).cloned();
        let seen = format!("{}: {} of {blob:?}", PEOPLE[who], short(finding));
        self.saw(&format!("finding: {}", short(finding)));
        // As it was sent, to whom it was sent, in the name of whom it was sent by.
        let right = origin.as_ref().filter(|origin| origin.to == who && Some(origin.from) == from);
        let sound = right.is_some_and(|origin| self.sound(who, origin.from));
        let known = {
            let app = &self.people[who].app;
            app.opened.contains(&blob) || app.unsure.contains(&blob)
        };
        match finding {
            Finding::Opened { .. } => match &origin {
                Some(origin) if origin.to == who => {
                    if !self.people[who].app.opened.insert(blob) {
                        return wrong("a message opens once", seen);
                    }
                }
                _ => return wrong("only what was sent to one opens", seen),
            },
            Finding::Duplicate { .. } if sound && !known => {
                return wrong("only what was opened is a duplicate", seen);
            }
            Finding::OwnEcho { .. } if origin.as_ref().is_some_and(|origin| origin.from != who) => {
                return wrong("only one's own message is an echo", seen);
            }
            Finding::Foreign if origin.is_some() => return wrong("a message is recognised", seen),
            Finding::NotAddressed | Finding::Quarantined { .. } if sound => {
                return wrong("an honest message opens", seen);
            }
            Finding::Unreadable { reason, .. } => {
                let excused = *reason == Reason::KeyGone && self.lied_about[who] && !known;
                if sound && !excused {
                    return wrong("an honest message opens", seen);
                }
                self.people[who].app.unreadable.insert(blob, *reason);
            }
            _ => {}
        }
        Ok(short(finding))
    }

    pub(super) fn take(&mut self, who: usize, handle: usize, max: usize, done: bool) -> Held<String> {
        let line = format!("{}#{handle} shows", PEOPLE[who]);
        let events = match self.people[who].phone.with(handle, |client| client.events(0, max)) {
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
        match self.people[who].phone.with(handle, |client| client.done(&ids)) {
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
                let seen = format!("{} is shown {:?} of {:?}", PEOPLE[who], message.client_id, message.sender);
                let from = Self::place(&message.sender.account);
                let Some(at) = from.and_then(|from| self.ledger.find(from, &message.client_id)) else {
                    return wrong("only what was written is shown", seen);
                };
                let written = &self.ledger.written[at];
                let same = matches!(&message.content, Content::Text(text) if *text == written.text);
                if !same || written.to != who {
                    return wrong("what is shown is what was written, to whom it was written", seen);
                }
                // A sender that was put back may have sent it again, and does not know it.
                let sent_once = !self.people[written.from].restored;
                let shown = self.people[who].app.shown.entry(at).or_default();
                shown.insert(event.id);
                if shown.len() > 1 && sent_once {
                    return wrong("a message is shown once", seen);
                }
                Ok(Some(format!("m{at}")))
            }
            What::Progress { message, state, .. } => {
                let news = self.people[who].app.news.insert(event.id);
                if let Some(at) = self.ledger.find(who, message).filter(|_| news) {
                    let before = self.ledger.written[at].state.replace(*state);
                    let gone = matches!(before, Some(MessageState::Accepted | MessageState::Cancelled));
                    if gone && before != Some(*state) && !self.people[who].lost_power {
                        return wrong("what has left stays so", format!("m{at}: {before:?}, then {state:?}"));
                    }
                }
                Ok(None)
            }
            What::IdentityChanged { account, .. } => {
                wrong("nobody's identity changed", format!("{} about {account:?}", PEOPLE[who]))
            }
            What::Unreadable { blob_id, reason, .. } => {
                self.people[who].app.unreadable.insert(*blob_id, *reason);
                Ok(Some(format!("{reason:?}")))
            }
            other => Ok(Some(kind(other).to_owned())),
        }
    }
}

fn short(finding: &Finding) -> String {
    match finding {
        Finding::Opened { .. } => "opened".to_owned(),
        Finding::Unreadable { reason, .. } => format!("{reason:?}"),
        Finding::Quarantined { .. } => "quarantined".to_owned(),
        Finding::Duplicate { .. } => "duplicate".to_owned(),
        Finding::OwnEcho { .. } => "own".to_owned(),
        Finding::NotAddressed => "not addressed".to_owned(),
        Finding::Foreign => "foreign".to_owned(),
        other => format!("finding {}", other.code()),
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
