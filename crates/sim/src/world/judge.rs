//! The oracles of what came in.

use sprag::{BlobId, Finding, Healing, Incoming, Reason};
use sprag_malice::Mail;

use super::{Held, World, rows, wrong};
use crate::net::incoming;

impl World {
    /// What waits for a phone at the server.
    pub(super) fn waiting(&self, who: usize, max: usize) -> Vec<Mail> {
        let unit = &self.units[who];
        self.server.mail.collect(unit.name().as_bytes(), unit.mailbox, max)
    }

    pub(super) fn deliver(&mut self, who: usize, handle: usize, max: usize, acknowledge: bool) -> Held<Option<String>> {
        let mail = self.waiting(who, max);
        let Some(last) = mail.last().map(|mail| mail.number) else { return Ok(None) };
        let batch: Vec<Incoming> = mail.into_iter().map(incoming).collect();
        let before = if batch.len() == 1 { self.rows(who) } else { None };
        let mut line = format!("{}#{handle} is given {}", self.label(who), batch.len());
        match self.units[who].phone.with(handle, |client| client.deliver(&batch)) {
            Ok(delivered) => {
                let (mut opened, mut evidence, mut asks) = (false, false, false);
                for (given, verdict) in batch.iter().zip(&delivered.verdicts) {
                    // What was shown before and came sealed anew has opened as well.
                    let found = &verdict.finding;
                    opened |= matches!(found, Finding::Opened { .. } | Finding::Duplicate { message: Some(_) });
                    evidence |= matches!(verdict.finding, Finding::Unreadable { reason: Reason::Evidence, .. });
                    asks |= matches!(verdict.finding, Finding::Unreadable { healing: Healing::Asked, .. });
                    line = format!("{line}, {}", self.judge(who, given, &verdict.finding)?);
                }
                // Of evidence the contact takes note, so that it is told once.
                if !opened
                    && !evidence
                    && let (Some(before), Some(after)) = (before, self.rows(who))
                    && let Some(difference) = rows::difference(&before, &after, asks)
                {
                    return wrong("a refusal changes no row", format!("{line}: {difference}"));
                }
                if acknowledge {
                    let unit = &self.units[who];
                    self.server.mail.acknowledge(unit.name().as_bytes(), unit.mailbox, last);
                }
            }
            Err(error) => {
                let blobs = batch.iter().map(|given| BlobId::of(&given.bytes));
                self.units[who].app.unsure.extend(blobs);
                line = format!("{line}: {}", self.refused(who, error)?);
            }
        }
        Ok(Some(line))
    }

    /// The message that these bytes are but for what other devices are to read of it: what is changed there is not to be
    /// seen by this one.
    fn kin(&self, bytes: &[u8]) -> Option<BlobId> {
        /// Bytes of version, kind and commitment; and of the least payload.
        const ENDS: (usize, usize) = (36, 128);
        let ends = |bytes: &[u8]| -> Option<(Vec<u8>, Vec<u8>)> {
            let tail = bytes.len().checked_sub(ENDS.1)?;
            Some((bytes.get(..ENDS.0)?.to_vec(), bytes.get(tail..)?.to_vec()))
        };
        let is_kin = |other: &&[u8]| other.len() == bytes.len() && ends(other) == ends(bytes);
        let sent = self.server.mail.archive().iter().map(|(_, _, blob)| blob.as_slice());
        sent.filter(|blob| self.ledger.blobs.contains_key(&BlobId::of(blob))).find(is_kin).map(BlobId::of)
    }

    /// Whether a finding is the right one for these bytes.
    pub(super) fn judge(&mut self, who: usize, given: &Incoming, finding: &Finding) -> Held<String> {
        let is_opened = matches!(finding, Finding::Opened { .. } | Finding::Duplicate { .. });
        let blob = match BlobId::of(&given.bytes) {
            blob if is_opened && !self.ledger.blobs.contains_key(&blob) => self.kin(&given.bytes).unwrap_or(blob),
            blob => blob,
        };
        let from = given.from.as_ref().and_then(Self::account_of);
        let origin = self.ledger.blobs.get(&blob).cloned();
        let seen = format!("{}: {} of {blob:?}", self.label(who), short(finding));
        self.saw(&format!("finding: {}", short(finding)));
        // As it was sent, to whom it was sent, in the name of whom it was sent by.
        let account = self.units[who].account;
        let right = origin.as_ref().filter(|origin| {
            // Upkeep is for one device, or a few.
            let is_for_it = match origin.message {
                Some(at) => self.demands(at, who),
                None => {
                    let is_alone = self.devices(account) == 1 && origin.from != account;
                    is_alone && self.is_listed(origin.by)
                }
            };
            origin.to.contains(&account) && Some(origin.from) == from && is_for_it
        });
        let sound = right.is_some_and(|origin| self.sound(who, origin.by));
        // Its sender may have sealed it anew: another blob carries the same message.
        let named = match (finding, &origin) {
            (Finding::Duplicate { message: Some(id) }, Some(origin)) => self.ledger.find(origin.from, id),
            _ => None,
        };
        let message = origin.as_ref().and_then(|origin| origin.message).or(named);
        let same = message.into_iter().flat_map(|at| &self.ledger.written[at].blobs).chain([&blob]);
        let app = &self.units[who].app;
        let known = same.into_iter().any(|blob| app.opened.contains(blob) || app.unsure.contains(blob));
        match finding {
            Finding::Opened { .. } => match &origin {
                Some(origin) if origin.to.contains(&account) => {
                    if !self.units[who].app.opened.insert(blob) {
                        return wrong("a message opens once", seen);
                    }
                    let by = origin.by;
                    self.units[who].app.heard.insert(by);
                }
                _ => return wrong("only what was sent to one opens", seen),
            },
            Finding::Duplicate { .. } if sound && !known => {
                return wrong("only what was opened is a duplicate", seen);
            }
            Finding::OwnEcho { .. } if origin.as_ref().is_some_and(|origin| origin.from != account) => {
                return wrong("only one's own message is an echo", seen);
            }
            Finding::Foreign if origin.is_some() => return wrong("a message is recognised", seen),
            Finding::NotAddressed | Finding::Quarantined { .. } if sound => {
                return wrong("an honest message opens", seen);
            }
            Finding::Unreadable { reason, .. } => {
                let excused = *reason == Reason::KeyGone && self.lied_about[account] && !known;
                if sound && !excused {
                    return wrong("an honest message opens", seen);
                }
                self.units[who].app.unreadable.insert(blob, *reason);
            }
            _ => {}
        }
        Ok(short(finding))
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
