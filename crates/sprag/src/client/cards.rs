//! The door to contact cards, and to what stands in for a directory where there is none.

use sprag_core::card::SmallCard;

use super::Client;
use crate::account::door_id;
use crate::cards;
use crate::config::Directory;
use crate::contact::Known;
use crate::error::{Error, Result};
use crate::id::{AccountId, BlobId, Conversation, OwnCard, RequestId};
use crate::outbox::{self, Entry};
use crate::request::{Action, Found, Outcome, Send};
use crate::store::Barrier;

/// Rounds in which the engine answers itself, at most: an answer may ask for more.
const ROUNDS: usize = 16;

impl Client {
    /// Our own card: a code and a link to show or to send to somebody by any way, and the whole card in parts.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] on a device that is not on its account's list, and until the first `wake` after the directory became
    /// another; [`Error::Store`].
    pub fn card(&self) -> Result<OwnCard> {
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            own.check_member()?;
            let small = SmallCard::of(own.account());
            let parts = match own.policy.directory {
                Directory::Full | Directory::KeyValue => Vec::new(),
                Directory::InBand => cards::own(snapshot, &own)?.parts(outbox::room(&own))?,
            };
            let parts = parts.iter().map(|part| outbox::body(&own, part)).collect::<Result<_>>()?;
            Ok(OwnCard { code: small.encode(), link: small.link(), parts })
        })
    }

    /// Takes over somebody's code, as bytes, or their link, as its text; yields whose. The first key to be
    /// pinned under that id is this one: another in its place is refused. Where there is no directory, our own card goes to them with the next requests: what they answer is
    /// encrypted.
    ///
    /// # Errors
    /// [`Error::Misuse`] for what is neither, and for our own; [`Error::NotAllowed`] if another key is pinned under that id;
    /// [`Error::Store`], [`Error::Busy`].
    pub fn import(&self, card: &[u8]) -> Result<AccountId> {
        let card = SmallCard::decode(card)
            .or_else(|error| core::str::from_utf8(card).map_err(|_| error).and_then(SmallCard::parse_link))
            .map_err(|_| Error::Misuse("this is no contact card"))?;
        let account = door_id(&card.id)?;
        if account == self.account {
            return Err(Error::Misuse("this is our own card"));
        }
        let now = self.now();
        self.store.write(Barrier::Full, |tx| {
            let own = self.own.load(tx)?;
            own.check_member()?;
            let mut known = Known::find(tx, &account)?.unwrap_or_else(|| Known::unseen(account.clone()));
            match &known.pin {
                Some(pin) if card.check(pin.account()).is_err() => return Err(Error::NotAllowed),
                Some(_) => {}
                None => cards::expect(tx, &account, &card.fingerprint)?,
            }
            known.save(tx)?;
            if own.policy.directory == Directory::InBand && known.pin.is_none() {
                for part in cards::own(tx, &own)?.parts(outbox::room(&own))? {
                    let conversation = Conversation::Direct(account.clone());
                    let mut send = Send::new(conversation, vec![account.clone()], outbox::body(&own, &part)?, [0; 32]);
                    send.blob_id = BlobId::of(&part);
                    Entry::request(tx, known.row, Action::Send(send), now)?;
                }
            }
            Ok(account.clone())
        })
    }

    /// Answers what a directory would be asked, where there is none: from cards that came.
    pub(super) fn serve(&self) -> Result<bool> {
        for round in 0..ROUNDS {
            let answers = self.store.read(|snapshot| {
                let own = match self.own.load(snapshot) {
                    Ok(own) if own.policy.directory == Directory::InBand => own,
                    Ok(_) | Err(Error::NotAllowed) => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                };
                let mut answers = Vec::new();
                for (row, action) in outbox::asked(snapshot)? {
                    let outcome = match action {
                        Action::FetchKeys(fetch) => {
                            let (mut found, mut absent) = (Vec::new(), Vec::new());
                            for account in fetch.accounts.into_iter().map(|wanted| wanted.account) {
                                match cards::parts(snapshot, &own, &account)? {
                                    Some(parts) => found.push(Found { account, parts }),
                                    None => absent.push(account),
                                }
                            }
                            Outcome::Keys { found, absent }
                        }
                        _ => Outcome::Published { one_time_left: None },
                    };
                    answers.push((row, outcome));
                }
                Ok::<_, Error>(answers)
            })?;
            if answers.is_empty() {
                return Ok(round > 0);
            }
            for (row, outcome) in answers {
                self.respond(RequestId(row), outcome)?;
            }
        }
        Ok(true)
    }
}
