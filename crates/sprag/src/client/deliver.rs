//! The door for what comes in.

use super::Client;
use crate::error::{Error, Result};
use crate::event::{Delivered, Finding, Incoming, Preview, Reason, Verdict};
use crate::id::{BlobId, DeviceId, MAX_ID, MessageId, Sender};
use crate::inbox::{self, Effort, Examined};
use crate::link;
use crate::store::Barrier;

/// Incoming messages that are committed at once.
const BATCH: usize = 32;

impl Client {
    /// Takes in messages from the server, in order, as bytes or in armor with any text around it. What is wrong with one is its verdict, never an error; when this
    /// returns, all of it is on disk and the server may be told so.
    ///
    /// # Errors
    /// Only our own trouble: [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`]. What was taken in before it is
    /// recognised when the batch is given again.
    pub fn deliver(&self, batch: &[Incoming]) -> Result<Delivered> {
        if batch.iter().flat_map(|incoming| &incoming.app_ref).any(|app_ref| app_ref.len() > MAX_ID) {
            return Err(Error::Misuse("app_ref is at most 64 bytes"));
        }
        let batch = inbox::bare(batch);
        let now = self.now();
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut rest = &*batch;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(BATCH)];
            let (taken, stopped) = self.take_in(part, rest.len() == part.len(), &mut verdicts, now)?;
            rest = &rest[taken..];
            if let (true, Some((heavy, after))) = (stopped, rest.split_first()) {
                let barrier = if after.is_empty() { Barrier::Full } else { Barrier::Normal };
                let finding = if link::is_link(&heavy.bytes) {
                    let mut random = self.generator()?;
                    self.store.prepared(
                        barrier,
                        |snapshot| link::examine(snapshot, &heavy.bytes, now, &mut random),
                        |tx, examined| link::commit(tx, examined, heavy, now),
                    )?
                } else {
                    self.store.prepared(
                        barrier,
                        |snapshot| inbox::examine(snapshot, &*self.own.load(snapshot)?, heavy, Effort::Full, now),
                        |tx, examined| inbox::commit(tx, &*self.own.load(tx)?, examined, heavy, now),
                    )?
                };
                verdicts.push(Verdict::new(BlobId::of(&heavy.bytes), finding));
                rest = after;
            }
        }
        if batch.iter().any(|incoming| inbox::is_card(&incoming.bytes)) {
            self.serve()?;
        }
        self.unwritten.note(&verdicts);
        Ok(Delivered { verdicts, pending: self.pending()? })
    }

    /// Takes in what is quickly done, in one transaction: how many messages, and whether it stopped at one that takes
    /// long.
    fn take_in(
        &self,
        part: &[Incoming],
        is_last: bool,
        verdicts: &mut Vec<Verdict>,
        now: u64,
    ) -> Result<(usize, bool)> {
        let barrier = if is_last { Barrier::Full } else { Barrier::Normal };
        let found = self.store.write(barrier, |tx| {
            let mut found = Vec::with_capacity(part.len());
            for incoming in part {
                // The message before may have brought another list of ours.
                let own = match self.own.load(tx) {
                    _ if link::is_link(&incoming.bytes) => break,
                    // A device that is still to be linked reads nothing.
                    Err(Error::NotAllowed) => {
                        found.push(Finding::NotAddressed);
                        continue;
                    }
                    own => own?,
                };
                match inbox::examine(tx, &own, incoming, Effort::Light, now)? {
                    Examined::Heavy => break,
                    examined => found.push(inbox::commit(tx, &own, examined, incoming, now)?),
                }
            }
            Ok::<_, Error>(found)
        })?;
        let taken = found.len();
        verdicts
            .extend(part.iter().zip(found).map(|(incoming, found)| Verdict::new(BlobId::of(&incoming.bytes), found)));
        Ok((taken, taken < part.len()))
    }

    /// What a message says, for a notification: nothing changes, and it is to be delivered all the same.
    ///
    /// # Errors
    /// [`Error::Store`], [`Error::Busy`], [`Error::Unavailable`].
    pub fn peek(&self, incoming: &Incoming) -> Result<Preview> {
        let bare = inbox::bare(core::slice::from_ref(incoming));
        let [incoming] = &*bare else { return Ok(Preview::Known) };
        if link::is_link(&incoming.bytes) {
            return Ok(Preview::Known);
        }
        self.store.read(|snapshot| {
            let own = match self.own.load(snapshot) {
                Err(Error::NotAllowed) => return Ok(Preview::Known),
                own => own?,
            };
            Ok(match inbox::examine(snapshot, &own, incoming, Effort::Full, self.now())? {
                Examined::Opened(opened) => {
                    let account = opened.account().clone();
                    let client_id = MessageId::new(&opened.content.id)?;
                    let class = inbox::class_of(&opened.content);
                    let device = DeviceId(opened.device);
                    match inbox::door_content(opened.content.body) {
                        Some(content) => Preview::Message {
                            sender: Sender { account, device },
                            conversation: opened.conversation,
                            client_id,
                            class,
                            content,
                        },
                        None => Preview::Known,
                    }
                }
                Examined::Unreadable(reason, _) => Preview::Unreadable { reason },
                Examined::Unopened(unopened) => Preview::Unreadable { reason: unopened.reason },
                Examined::Damaged => Preview::Unreadable { reason: Reason::Damaged },
                Examined::Quarantined { .. } => Preview::Unreadable { reason: Reason::IdentityChanged },
                Examined::Evidence(..) => Preview::Unreadable { reason: Reason::Evidence },
                Examined::Plain(_) | Examined::Card | Examined::Heavy => Preview::Known,
            })
        })
    }
}
