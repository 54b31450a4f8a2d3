//! What leaves a phone: requests, how the network carries them out, and what the server hands over before it is delivered.

use sprag::{Action, Outcome, Preview, Rejection};

use super::ledger::Origin;
use super::step::Fate;
use super::unit::Task;
use super::{Held, World, wrong};
use crate::net::{carry_out, incoming};

impl World {
    pub(super) fn lease(&mut self, who: usize, handle: usize, max: usize) -> Held<String> {
        let line = format!("{}#{handle} takes requests", self.label(who));
        match self.units[who].phone.with(handle, |client| client.requests(max, 60)) {
            Ok(requests) => {
                let names: Vec<String> =
                    requests.iter().map(|r| format!("{:x}/{}", r.action.code(), r.attempt)).collect();
                self.leave(who, requests)?;
                Ok(format!("{line}: [{}]", names.join(" ")))
            }
            Err(error) => Ok(format!("{line}: {}", self.refused(who, error)?)),
        }
    }

    /// Requests leave the engine: each is durable, and the same whenever it is offered.
    pub(super) fn leave(&mut self, who: usize, requests: Vec<sprag::Request>) -> Held<()> {
        for request in requests {
            let what = match &request.action {
                Action::Send(send) => {
                    let from = self.units[who].account;
                    let to = send.to.iter().filter_map(Self::account_of).collect();
                    let message = send.message.as_ref().and_then(|id| self.ledger.find(from, id));
                    if send.message.is_some() && message.is_none() {
                        return wrong("only what was written is sent", format!("{:?}", send.message));
                    }
                    if let Some(at) = message {
                        self.ledger.written[at].blobs.insert(send.blob_id);
                    }
                    self.ledger.blobs.insert(send.blob_id, Origin { from, by: who, to, message });
                    format!("{:?}", send.blob_id)
                }
                other => format!("{}", other.code()),
            };
            let unit = &mut self.units[who];
            if let Some(before) = unit.left.insert(request.id, what.clone())
                && before != what
                && !unit.restored
            {
                return wrong("what left under an id stays the same", format!("{before}, then {what}"));
            }
            unit.tasks.retain(|task| task.request.id != request.id);
            unit.tasks.push(Task { request, outcome: None });
        }
        Ok(())
    }

    pub(super) fn carry(&mut self, who: usize, handle: usize, which: usize, fate: Fate) -> Held<Option<String>> {
        let count = self.units[who].tasks.len();
        if count == 0 {
            return Ok(None);
        }
        let mut task = self.units[who].tasks.remove(which % count);
        let id = task.request.id;
        let mut line = format!("{}'s request {} goes ({fate:?})", self.label(who), task.request.action.code());
        if let Action::Send(send) = &task.request.action {
            line = format!("{line}, {:?}", send.blob_id);
        }
        let reached = matches!(fate, Fate::Well | Fate::AnswerLost | Fate::AnsweredTwice | Fate::Forgotten);
        if reached && task.outcome.is_none() {
            let account = self.units[who].phone.account.clone();
            task.outcome = Some(carry_out(&mut self.server, &account, &task.request.action));
        }
        let outcome = match (fate, task.outcome) {
            (Fate::Forgotten, _) => return Ok(Some(line)),
            (Fate::Lost | Fate::AnswerLost, _) => Outcome::Retry { after: None },
            (Fate::Refused, _) => Outcome::Rejected(Rejection::Forbidden),
            (_, Some(outcome)) => outcome,
            (_, None) => return Ok(None),
        };
        for _ in 0..if fate == Fate::AnsweredTwice { 2 } else { 1 } {
            let answer = outcome.clone();
            if let Err(error) = self.units[who].phone.with(handle, |client| client.respond(id, answer)) {
                line = format!("{line}: {}", self.refused(who, error)?);
            }
        }
        Ok(Some(line))
    }

    pub(super) fn peek(&mut self, who: usize, handle: usize, which: usize) -> Held<Option<String>> {
        let waiting = self.waiting(who, usize::MAX);
        let Some(mail) = waiting.get(which % waiting.len().max(1)).cloned() else { return Ok(None) };
        let before = self.rows(who);
        let preview = self.units[who].phone.with(handle, |client| client.peek(&incoming(mail)));
        let line = format!("{}#{handle} peeks", self.label(who));
        match preview {
            Ok(preview) => {
                if before != self.rows(who) {
                    return wrong("a look changes nothing", line);
                }
                let what = match preview {
                    Preview::Message { client_id, .. } => format!("message {client_id:?}"),
                    Preview::Known => "nothing new".to_owned(),
                    Preview::Unreadable { reason } => format!("{reason:?}"),
                    _ => "something else".to_owned(),
                };
                Ok(Some(format!("{line}: {what}")))
            }
            Err(error) => Ok(Some(format!("{line}: {}", self.refused(who, error)?))),
        }
    }
}
