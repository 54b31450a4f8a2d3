//! The Double Ratchet with header encryption (Double Ratchet, section 4): the state of one session.
//!
//! ```text
//!   seal ──▶ the sending chain, or a turn of the root with a fresh ratchet key if the peer has turned since
//!   open ──▶ current receiving chain │ next header key: a turn │ skipped keys ──▶ content key and a Delta
//!   commit(Delta) ──▶ the new state. Nothing before it has changed anything.
//! ```
//! It knows no people and no envelopes.

use alloc::collections::VecDeque;

use super::chain::Chain;
use super::header::{COUNTER_MAX, Header};
use super::message::{Binding, MessageKey, SLOT, Slot};
use super::root::{Root, Turn};
use super::skipped::{MAX_SKIPPED, Place, SkippedKeys};
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::error::{Error, Result};
use crate::handshake::{Established, Resumption};
use crate::random::Random;
use crate::secret::Secret;

/// Chain steps that one message may ask for, in its own chain and the one before together.
pub const MAX_STEPS: u32 = 25_000;

/// One side of a session between two devices.
pub struct Session {
    pub(super) transcript: [u8; 32],
    /// Counts every change, so that a [`Delta`] of another state is noticed.
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
    pub(super) resumption: Option<Resumption>,
    pub(super) skipped: SkippedKeys,
}

/// What opening a message changes: to be given to [`Session::commit`] once everything else about it has verified.
pub struct Delta {
    generation: u64,
    change: Change,
}

enum Change {
    Skipped(Place),
    Chain { chain: Chain, missing: Gap },
    Turn { turn: Turn, theirs: DhPublic, closing: Option<(Secret<32>, u32, Gap)>, missing: Gap },
}

/// Message keys passed over in one chain.
struct Gap {
    first: u32,
    keys: VecDeque<MessageKey>,
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
            resumption: None,
            skipped: SkippedKeys::default(),
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
            resumption: None,
            skipped: SkippedKeys::default(),
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

    /// Message keys kept for messages that have not come.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped.len()
    }

    /// The secret that a later handshake between the same devices mixes in; from the second turn of the root on.
    #[must_use]
    pub const fn resumption(&self) -> Option<&Resumption> {
        self.resumption.as_ref()
    }

    /// Seals a content key for the peer into a slot, whose first four bytes, the hint, are left zero.
    ///
    /// # Errors
    /// [`Error::Exhausted`] at the end of a counter, [`Error::KeyGone`] for a responder that has heard nothing yet.
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
        let header = Header { dh, pn: self.previous, n: chain.next };
        let key = chain.step()?;
        let slot = key.seal(&self.transcript, &chain.header_key, &header, binding, content_key, random)?;
        if let Some((root, ours, next_sending)) = turn {
            self.turned(root);
            self.ours = ours;
            self.next_sending = next_sending;
        }
        self.sending = Some(chain);
        self.generation += 1;
        Ok(slot)
    }

    /// Opens a slot without changing anything: the content key, and what [`Self::commit`] is to change.
    ///
    /// # Errors
    /// [`Error::Open`] if it is not of this session or was tampered with, [`Error::KeyGone`] if its key was used or
    /// dropped, [`Error::TooFar`] beyond [`MAX_STEPS`], [`Error::Evidence`] for what one honest peer cannot send.
    pub fn open(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<(Secret<32>, Delta)> {
        let slot = Slot::new(slot, binding);
        let (header, key, change) = self.find(&slot)?;
        let content_key = key.open(&self.transcript, &slot, &header)?;
        Ok((content_key, Delta { generation: self.generation, change }))
    }

    fn find(&self, slot: &Slot<'_>) -> Result<(Header, MessageKey, Change)> {
        if let Some(found) = self.skipped.find(slot) {
            let (header, place) = found?;
            return Ok((header, self.skipped.key(&place)?, Change::Skipped(place)));
        }
        if let Some((chain, header)) =
            self.receiving.as_ref().and_then(|chain| slot.header(&chain.header_key).map(|header| (chain, header)))
        {
            return self.along(chain, header?);
        }
        match slot.header(&self.next_receiving) {
            Some(header) => self.across(header?),
            None => Err(Error::Open),
        }
    }

    /// A message of the current receiving chain.
    fn along(&self, chain: &Chain, header: Header) -> Result<(Header, MessageKey, Change)> {
        if self.theirs != Some(header.dh) {
            return Err(Error::Evidence);
        }
        if header.n < chain.next {
            return Err(Error::KeyGone);
        }
        let mut chain = chain.duplicate();
        let missing = skip(&mut chain, header.n, MAX_STEPS)?;
        let key = chain.step()?;
        Ok((header, key, Change::Chain { chain, missing }))
    }

    /// The first message seen of a new chain: the peer has turned.
    fn across(&self, header: Header) -> Result<(Header, MessageKey, Change)> {
        if self.theirs == Some(header.dh) && self.receiving.is_some() {
            return Err(Error::Evidence);
        }
        let mut steps = MAX_STEPS;
        let closing = match &self.receiving {
            Some(chain) if header.pn < chain.next => return Err(Error::Evidence),
            Some(chain) => {
                let mut chain = chain.duplicate();
                steps = steps.checked_sub(header.pn - chain.next).ok_or(Error::TooFar)?;
                let missing = skip(&mut chain, header.pn, MAX_STEPS)?;
                Some((chain.header_key, header.pn, missing))
            }
            None if header.pn != 0 => return Err(Error::Evidence),
            None => None,
        };
        let mut turn = self.root.turn(&self.ours, &header.dh, self.next_receiving.duplicate())?;
        let missing = skip(&mut turn.chain, header.n, steps)?;
        let key = turn.chain.step()?;
        Ok((header, key, Change::Turn { turn, theirs: header.dh, closing, missing }))
    }

    /// Makes the change of an opened message. `now` is in unix seconds.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the session has changed since the message was opened; nothing changes then.
    pub fn commit(&mut self, delta: Delta, now: u64) -> Result<()> {
        if delta.generation != self.generation {
            return Err(Error::Mismatch);
        }
        self.generation += 1;
        match delta.change {
            Change::Skipped(place) => self.skipped.remove(&place),
            Change::Chain { chain, missing } => {
                self.skipped.add(&chain.header_key, missing.first, missing.keys, now);
                self.receiving = Some(chain);
            }
            Change::Turn { turn, theirs, closing, missing } => {
                if let Some((header_key, length, gap)) = closing {
                    self.skipped.add(&header_key, gap.first, gap.keys, now);
                    self.skipped.close(&header_key, length);
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
        self.skipped.bound(now);
        Ok(())
    }

    fn turned(&mut self, root: Root) {
        self.root = root;
        self.turns += 1;
        if self.turns == 2 {
            self.resumption = Some(Resumption::derive(&self.root.0, &self.transcript));
        }
    }
}

/// Steps a chain up to number `to`, keeping the keys passed over: of more than the store can hold, the latest.
fn skip(chain: &mut Chain, to: u32, steps: u32) -> Result<Gap> {
    let distance = to.checked_sub(chain.next).ok_or(Error::KeyGone)?;
    if distance > steps || to >= COUNTER_MAX {
        return Err(Error::TooFar);
    }
    let mut keys = VecDeque::new();
    while chain.next < to {
        keys.push_back(chain.step()?);
        if keys.len() > MAX_SKIPPED {
            keys.pop_front();
        }
    }
    let kept = u32::try_from(keys.len()).map_err(|_| Error::TooFar)?;
    Ok(Gap { first: to - kept, keys })
}
