//! The state of one session: the Double Ratchet with header encryption (Double Ratchet, section 4), and joined with it the
//! post-quantum ratchet (sections 5 and 6: the Triple Ratchet).
//!
//! ```text
//!   seal ──▶ the sending chain, or a turn of the root with a fresh ratchet key if the peer has turned since
//!   open ──▶ current receiving chain │ next header key: a turn │ skipped keys ──▶ content key and a Delta
//!            ╰── joined, key by key, with the chains of an epoch; the header carries a chunk of the braid
//!   commit(Delta) ──▶ the new state of both. Nothing before it has changed anything.
//! ```
//! It knows no people and no envelopes.

use super::braid::{Braid, EPOCH_MAX};
use super::chain::Chain;
use super::closed::ClosedChains;
use super::epochs::Epochs;
use super::freshness::{Freshness, Steps};
use super::header::{COUNTER_MAX, Header};
use super::message::{Binding, MessageKey, SLOT};
use super::open::{Change, Delta};
use super::resume::{Continued, Progress, Resumptions};
use super::root::{Root, Turn};
use super::skipped::SkippedKeys;
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::error::{Error, Result};
use crate::handshake::{Established, Resumption, ResumptionId};
use crate::random::Random;
use crate::secret::Secret;

/// Own turns since the braid last brought this side a key from which on it counts as stalled. Between honest sides there
/// are 83 at most, in strict alternation: a side has its key early in one epoch, and at the end of the next.
const STALLED: u32 = 128;

/// One side of a session between two devices.
pub struct Session {
    pub(super) transcript: [u8; 32],
    /// Counts every change, so that a [`Delta`] of an older state is noticed.
    pub(super) generation: u64,
    /// Turns of the root chain, ours and theirs.
    pub(super) turns: u64,
    pub(super) root: Root,
    pub(super) ours: DhSecret,
    pub(super) theirs: Option<DhPublic>,
    pub(super) sending: Option<Chain>,
    pub(super) receiving: Option<Chain>,
    pub(super) next_sending: Secret<32>,
    pub(super) next_receiving: Secret<32>,
    /// The length of our previous sending chain.
    pub(super) previous: u32,
    pub(super) resumptions: Resumptions,
    pub(super) skipped: SkippedKeys,
    pub(super) closed: ClosedChains,
    pub(super) braid: Braid,
    pub(super) epochs: Epochs,
    pub(super) freshness: Freshness,
    pub(super) steps: Steps,
}

impl Session {
    /// The initiator's side, with the responder's signed prekey as its first ratchet key.
    ///
    /// # Errors
    /// [`Error::BadKey`] if the agreement fails.
    pub fn initiate(established: Established, their_ratchet_key: DhPublic, random: &mut dyn Random) -> Result<Self> {
        let root = Root(established.root_key);
        let ours = root.ratchet_key(&established.transcript, random);
        let Turn { root, chain, next_header_key } = root.turn(&ours, &their_ratchet_key, established.header_key)?;
        Ok(Self {
            transcript: established.transcript,
            generation: 0,
            turns: 1,
            root,
            ours,
            theirs: Some(their_ratchet_key),
            sending: Some(chain),
            receiving: None,
            next_sending: next_header_key,
            next_receiving: established.next_header_key,
            previous: 0,
            resumptions: Resumptions::default(),
            skipped: SkippedKeys::default(),
            closed: ClosedChains::default(),
            braid: Braid::initiate(&established.braid_authenticator),
            epochs: Epochs::start(&established.braid_chains, true),
            freshness: Freshness::default(),
            steps: Steps::default(),
        })
    }

    /// The responder's side, whose first ratchet key is its signed prekey. It can send once it has opened a message.
    #[must_use]
    pub fn respond(established: Established, signed_prekey: &DhSecret) -> Self {
        Self {
            transcript: established.transcript,
            generation: 0,
            turns: 0,
            root: Root(established.root_key),
            ours: signed_prekey.duplicate(),
            theirs: None,
            sending: None,
            receiving: None,
            next_sending: established.next_header_key,
            next_receiving: established.header_key,
            previous: 0,
            resumptions: Resumptions::default(),
            skipped: SkippedKeys::default(),
            closed: ClosedChains::default(),
            braid: Braid::respond(&established.braid_authenticator),
            epochs: Epochs::start(&established.braid_chains, false),
            freshness: Freshness::default(),
            steps: Steps::default(),
        }
    }

    /// The handshake transcript T: the session's name.
    #[must_use]
    pub const fn transcript(&self) -> &[u8; 32] {
        &self.transcript
    }

    /// Whether a message of the peer has been opened in it.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.receiving.is_some()
    }

    /// Turns of the root chain so far, both sides' together: each is fresh Diffie-Hellman secrecy.
    #[must_use]
    pub const fn turns(&self) -> u64 {
        self.turns
    }

    /// How far both ratchets are, and how long ago each brought a fresh secret.
    #[must_use]
    pub const fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// Whether the peer has shown that it lies or is not alone: what came with an honest key did not fit what it had sent
    /// before. The session goes on; no fresh post-quantum secret comes any more.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.braid.is_broken()
    }

    /// Whether the braid makes no progress though both sides answer each other: one side's state was put back.
    #[must_use]
    pub const fn is_stalled(&self) -> bool {
        self.freshness.turns_in_epoch >= STALLED
    }

    /// Message keys kept for messages that have not come.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The secret that a later handshake between the same devices names and mixes in: that of the newest epoch in which the
    /// peer is known to be as well. None before the peer has shown that it has one.
    #[must_use]
    pub fn resumption(&self) -> Option<&Resumption> {
        if self.is_confirmed() { self.resumptions.of(self.braid.epoch() - 1) } else { None }
    }

    /// What the name that a handshake of the peer gives is worth, if it is of this session.
    #[must_use]
    pub fn continued(&self, id: &ResumptionId) -> Option<Continued<'_>> {
        self.resumptions.named(id, self.proven().epoch)
    }

    /// How far this side is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        Progress { turns: self.turns, epoch: self.freshness.epoch }
    }

    /// How far the peer has shown itself to be. What it says of itself later is no less, if its state is the same.
    #[must_use]
    pub fn proven(&self) -> Progress {
        let turns = match (&self.receiving, &self.sending) {
            (None, _) => 0,
            (Some(_), Some(_)) => self.turns.saturating_sub(1),
            (Some(_), None) => self.turns,
        };
        Progress { turns, epoch: self.epochs.heard() }
    }

    /// Whether the peer has shown that it was heard by us and has heard us: both have the session.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.proven().turns >= 2
    }

    /// Seals a content key for the peer into a slot, whose first four bytes, the hint, are left zero.
    ///
    /// # Errors
    /// [`Error::Exhausted`] when the counter of the sending chain is at its end, [`Error::KeyGone`] for a responder that has heard nothing yet.
    /// The state is unchanged then.
    pub fn seal(
        &mut self,
        binding: Binding<'_>,
        content_key: &Secret<32>,
        random: &mut dyn Random,
    ) -> Result<[u8; SLOT]> {
        let turned = match &self.sending {
            Some(chain) => (chain.duplicate(), None),
            None => {
                let theirs = self.theirs.ok_or(Error::KeyGone)?;
                let ours = self.root.ratchet_key(&self.transcript, random);
                let turn = self.root.turn(&ours, &theirs, self.next_sending.duplicate())?;
                (turn.chain, Some((turn.root, ours, turn.next_header_key)))
            }
        };
        let (mut chain, turn) = turned;
        let dh = turn.as_ref().map_or_else(|| self.ours.public(), |(_, ours, _)| ours.public());
        let (braid, message, output) = self.braid.duplicate().send(random)?;
        let mut epochs = self.epochs.duplicate();
        let (pq_n, pq) = epochs.send(message.epoch - 1)?;
        let header = Header { dh, pn: self.previous, n: chain.next, pq_n, braid: message };
        if message.epoch >= COUNTER_MAX.into() || pq_n >= COUNTER_MAX {
            return Err(Error::Exhausted);
        }
        let key = MessageKey::join(&pq, &chain.step()?);
        let slot = key.seal(&self.transcript, &chain.header_key, &header, binding, content_key, random)?;
        let epochs = output.iter().try_fold(epochs, Epochs::add)?;
        self.freshness.message();
        if let Some((root, ours, next_sending)) = turn {
            self.turned(root);
            if !broken!("stall-not-told") {
                self.freshness.own_turn();
            }
            self.ours = ours;
            self.next_sending = next_sending;
        }
        if output.is_some() {
            self.freshness.output();
            self.resumptions.advance(epochs.newest(), epochs.root(), &self.transcript);
        }
        (self.sending, self.braid, self.epochs) = (Some(chain), braid, epochs);
        self.generation += 1;
        Ok(slot)
    }

    /// Messages that can still be sealed before [`Error::Exhausted`], if the peer does not answer: the least that any
    /// counter of the header has left. Who sends on without an answer begins a new session in time.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        let chain = COUNTER_MAX - self.sending.as_ref().map_or(0, |chain| chain.next);
        let epoch = EPOCH_MAX.saturating_sub(self.braid.epoch());
        let in_epoch = (COUNTER_MAX - 1).saturating_sub(self.epochs.sent(self.braid.epoch() - 1));
        chain.min(in_epoch).min(u32::try_from(epoch).unwrap_or(COUNTER_MAX))
    }

    /// Makes the change of an opened message. `now` is in unix seconds, none from a clock that is not to be relied on:
    /// nothing is dropped for its age then.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it was another session that opened the message, or this one has changed since; nothing
    /// changes then.
    pub fn commit(&mut self, delta: Delta, now: Option<u64>) -> Result<()> {
        if (delta.transcript, delta.generation) != (self.transcript, self.generation) {
            if broken!("braid-of-a-refusal") {
                self.braid = delta.braid;
            }
            return Err(Error::Mismatch);
        }
        self.steps = self.steps.with(delta.skips, now);
        self.generation += 1;
        (self.braid, self.epochs) = (delta.braid, delta.epochs);
        self.freshness.message();
        if delta.output {
            self.freshness.output();
        }
        self.freshness.epoch(self.braid.epoch() - 1);
        match delta.change {
            Change::Skipped(place) => self.skipped.remove(&place),
            Change::Chain { chain, missing } => {
                self.skipped.add(&chain.header_key, missing.first, missing.keys, now);
                if !broken!("keys-kept") {
                    self.receiving = Some(chain);
                }
            }
            Change::Turn { turn, theirs, closing, missing } => {
                if let Some((header_key, length, gap)) = closing {
                    self.skipped.add(&header_key, gap.first, gap.keys, now);
                    self.skipped.close(&header_key, length);
                    self.closed.close(header_key, length);
                }
                self.skipped.add(&turn.chain.header_key, missing.first, missing.keys, now);
                self.turned(turn.root);
                self.theirs = Some(theirs);
                self.receiving = Some(turn.chain);
                self.next_receiving = turn.next_header_key;
                // Our next message turns too, with a key made when it is sent.
                if let Some(chain) = self.sending.take() {
                    self.previous = chain.next;
                }
            }
        }
        if delta.output {
            self.resumptions.advance(self.epochs.newest(), self.epochs.root(), &self.transcript);
        }
        if let Some(now) = now {
            self.skipped.expire(now);
        }
        self.skipped.bound();
        Ok(())
    }

    /// Drops the skipped keys that are older than [`SKIPPED_LIFETIME`](super::SKIPPED_LIFETIME) at `now`, unix seconds of a
    /// clock that is to be relied on; whether any was. A message would do so too, but none may come.
    pub fn expire(&mut self, now: u64) -> bool {
        let changes = self.skipped.expire(now);
        if changes {
            // What was opened before may be of a key that is gone.
            self.generation += 1;
        }
        changes
    }

    fn turned(&mut self, root: Root) {
        self.root = root;
        self.turns += 1;
        self.freshness.turn();
        if self.turns == 2 {
            self.resumptions.begin(&self.root.0, &self.transcript);
        }
    }
}
