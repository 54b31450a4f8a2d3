//! Two processes of one phone at once, handing over at a lock.

use sprag::{Client, Conversation, Error, Event, Finding, Incoming, Request, Result, SendOptions};

use super::step::Verb;
use super::{Held, World};
use crate::baton::{Plan, interleave};
use crate::net::incoming;
use crate::phone::text;

/// What one of them is to do, with all that it takes.
enum Task {
    Deliver(Vec<Incoming>),
    Lease,
    Wake,
    Send(usize, Conversation, String, SendOptions),
    Done,
}

/// What came of it.
enum Came {
    Delivered(Vec<Incoming>, Vec<Finding>),
    Left(Vec<Request>),
    Sent(usize, Vec<Request>),
    Shown(Vec<Event>),
    Nothing,
}

impl Task {
    fn run(self, client: &Client) -> Result<Came> {
        Ok(match self {
            Self::Deliver(batch) => {
                let verdicts = client.deliver(&batch)?.verdicts;
                Came::Delivered(batch, verdicts.into_iter().map(|verdict| verdict.finding).collect())
            }
            Self::Lease => Came::Left(client.requests(8, 60)?),
            Self::Wake => {
                client.wake(sprag::Hint::default())?;
                Came::Nothing
            }
            Self::Send(at, conversation, words, options) => {
                let sent = client.send(&conversation, &text(&words), &options)?;
                Came::Sent(at, sent.requests)
            }
            Self::Done => {
                let events = client.events(0, 1000)?;
                client.done(&events.iter().map(|event| event.id).collect::<Vec<_>>())?;
                Came::Shown(events)
            }
        })
    }
}

impl World {
    pub(super) fn together(&mut self, who: usize, first: Verb, second: Verb, at: u64) -> Held<String> {
        let mut line = format!("{}#0 does {first:?}, and at its lock {at} #1 does {second:?}", self.label(who));
        let tasks = [self.task(who, first), self.task(who, second)];
        let given: Vec<sprag::BlobId> = tasks
            .iter()
            .filter_map(|task| if let Task::Deliver(batch) = task { Some(batch) } else { None })
            .flat_map(|batch| batch.iter().map(|incoming| sprag::BlobId::of(&incoming.bytes)))
            .collect();
        let phone = &self.units[who].phone;
        let (Some(one), Some(two)) = (phone.handle(0), phone.handle(1)) else { return Ok(line) };
        let [first, second] = tasks;
        let plan = Plan { first: at, second: None };
        let (one, two, _) =
            interleave(plan, || one.run(|client| first.run(client)), || two.run(|client| second.run(client)));
        let (mut delivered, mut causes) = (Vec::new(), None);
        for came in [one, two] {
            match came {
                Ok(Came::Delivered(batch, findings)) => delivered.extend(batch.into_iter().zip(findings)),
                Ok(Came::Left(requests)) => self.leave(who, requests)?,
                Ok(Came::Sent(at, requests)) => {
                    self.ledger.written[at].certain = true;
                    self.leave(who, requests)?;
                }
                Ok(Came::Shown(events)) => {
                    for event in &events {
                        self.show(who, event)?;
                    }
                }
                Ok(Came::Nothing) => {}
                Err(Error::NotProtected) => line.push_str(": the conversation is plain"),
                Err(error) => {
                    self.units[who].app.unsure.extend(given.iter().copied());
                    // One cause, such as a power cut, may end both.
                    let cause = match causes.take() {
                        Some(cause) => cause,
                        None => self.refused(who, error)?,
                    };
                    line = format!("{line}: {cause}");
                    causes = Some(cause);
                }
            }
        }
        // Whichever was the first to open a message: for the other one it is a duplicate.
        delivered.sort_by_key(|(_, finding)| !matches!(finding, Finding::Opened { .. }));
        for (given, finding) in &delivered {
            line = format!("{line}, {}", self.judge(who, given, finding)?);
        }
        Ok(line)
    }

    fn task(&mut self, who: usize, verb: Verb) -> Task {
        match verb {
            Verb::Deliver => {
                // Not acknowledged: it comes again.
                let mail = self.waiting(who, 8);
                Task::Deliver(mail.into_iter().map(incoming).collect())
            }
            Verb::Lease => Task::Lease,
            Verb::Wake => Task::Wake,
            Verb::Send => {
                let to = self.other(who, self.ledger.written.len());
                let at = self.compose(who, vec![to], false, 20, false);
                let mut options = SendOptions::default();
                options.client_id = Some(self.ledger.written[at].id.clone());
                let conversation = self.place(at, self.units[who].account);
                Task::Send(at, conversation, self.ledger.written[at].text.clone(), options)
            }
            Verb::Done => Task::Done,
        }
    }
}
