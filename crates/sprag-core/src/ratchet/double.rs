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

use alloc::collections::VecDeque;

use super::braid::Braid;
use super::chain::Chain;
use super::epochs::{Epochs, Walk};
use super::header::{COUNTER_MAX, EpochPlace, Header};
use super::message::{Binding, MessageKey, SLOT, Slot};
use super::root::{Root, Turn};
use super::skipped::{Passed, Place, SkippedKeys};
use crate::crypto::dh::{DhPublic, DhSecret};
use crate::error::{Error, Result};
use crate::handshake::{Established, Resumption};
use crate::random::Random;
use crate::secret::Secret;

/// Chain steps that one message may ask for, in its own chain and the one before together.
pub const MAX_STEPS: u32 = 25_000;

/// Own turns since the braid last brought this side a key from which on it counts as stalled. Between honest sides there
/// are 83 at most, in strict alternation: a side has its key early in one epoch, and at the end of the next.
const STALLED: u32 = 128;

/// How far both ratchets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The last epoch of the braid whose key has come out: so many fresh post-quantum secrets.
    pub epoch: u64,
    /// Messages, either way, since the Diffie-Hellman ratchet last turned.
    pub since_turn: u32,
    /// Messages, either way, since the braid last brought a key.
    pub since_epoch: u32,
    /// Own turns of the Diffie-Hellman ratchet since then.
    pub turns_in_epoch: u32,
}

impl Freshness {
    fn message(&mut self) {
        self.since_turn = self.since_turn.saturating_add(1);
        self.since_epoch = self.since_epoch.saturating_add(1);
    }

    fn output(&mut self) {
        (self.epoch, self.since_epoch, self.turns_in_epoch) = (self.epoch + 1, 0, 0);
    }
}

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
    pub(super) resumption: Option<Resumption>,
    pub(super) skipped: SkippedKeys,
    pub(super) braid: Braid,
    pub(super) epochs: Epochs,
    pub(super) freshness: Freshness,
}

/// What opening a message changes: to be given to [`Session::commit`] once everything else about it has verified.
pub struct Delta {
    transcript: [u8; 32],
    generation: u64,
    change: Change,
    braid: Braid,
    epochs: Epochs,
    /// Whether a key came out of the braid.
    output: bool,
}

enum Change {
    Skipped(Place),
    Chain { chain: Chain, missing: Gap },
    Turn { turn: Turn, theirs: DhPublic, closing: Option<(Secret<32>, u32, Gap)>, missing: Gap },
}

/// Where a message's header opened.
enum Position {
    /// Among the keys of messages that had not come.
    Skipped(Place),
    /// In the current receiving chain.
    Along,
    /// Under the next header key: the peer has turned.
    Across,
}

/// Message keys passed over in one chain.
struct Gap {
    first: u32,
    keys: VecDeque<Passed>,
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
            braid: Braid::initiate(&established.braid_authenticator),
            epochs: Epochs::start(&established.braid_chains, true),
            freshness: Freshness::default(),
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
            braid: Braid::respond(&established.braid_authenticator),
            epochs: Epochs::start(&established.braid_chains, false),
            freshness: Freshness::default(),
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

    /// The secret that a later handshake between the same devices mixes in; from the second turn of the root on.
    #[must_use]
    pub const fn resumption(&self) -> Option<&Resumption> {
        self.resumption.as_ref()
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
            self.freshness.turns_in_epoch = self.freshness.turns_in_epoch.saturating_add(1);
            self.ours = ours;
            self.next_sending = next_sending;
        }
        if output.is_some() {
            self.freshness.output();
        }
        (self.sending, self.braid, self.epochs) = (Some(chain), braid, epochs);
        self.generation += 1;
        Ok(slot)
    }

    /// Opens a slot without changing anything: the content key, and what [`Self::commit`] is to change.
    ///
    /// # Errors
    /// [`Error::Open`] if it is not of this session or was tampered with, [`Error::KeyGone`] if its key was used or
    /// dropped, [`Error::TooFar`] beyond [`MAX_STEPS`], [`Error::Evidence`] for what one honest peer cannot send;
    /// [`Error::BadKey`] or [`Error::Malformed`] for what is in its header.
    pub fn open(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<(Secret<32>, Delta)> {
        let slot = Slot::new(slot, binding);
        let (header, position) = self.locate(&slot)?;
        let gap = self.distance(&header, &position)?;
        let (key, change, epochs) = self.reach(&header, position, gap)?;
        let content_key = key.open(&self.transcript, &slot, &header)?;
        // Only now is the header known to be the one that was sealed with this body: what it carries may be taken in.
        let (braid, output) = self.braid.duplicate().receive(&header.braid)?;
        let epochs = output.iter().try_fold(epochs, Epochs::add)?;
        let (transcript, generation, output) = (self.transcript, self.generation, output.is_some());
        Ok((content_key, Delta { transcript, generation, change, braid, epochs, output }))
    }

    /// How many message keys [`Self::open`] would skip for this slot, in its own chain and the one before together. Only
    /// the header is decrypted and no chain is stepped: at most [`MAX_STEPS`] are a matter of microseconds to know and of
    /// tens of milliseconds to do.
    ///
    /// # Errors
    /// As [`Self::open`], but for what only the slot's body would show.
    pub fn would_skip(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<u32> {
        let (header, position) = self.locate(&Slot::new(slot, binding))?;
        self.distance(&header, &position)
    }

    /// Whether [`Self::open`] would agree on a key of the braid for this slot: some tens of microseconds, in about one of
    /// forty messages.
    #[must_use]
    pub fn would_agree(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> bool {
        self.locate(&Slot::new(slot, binding)).is_ok_and(|(header, _)| self.braid.would_agree(&header.braid))
    }

    /// Messages that can still be sealed before [`Error::Exhausted`], if the peer does not answer; an answer makes room
    /// for as many as ever. Who sends on without one begins a new session in time.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.sending.as_ref().map_or(COUNTER_MAX, |chain| COUNTER_MAX - chain.next)
    }

    fn locate(&self, slot: &Slot<'_>) -> Result<(Header, Position)> {
        if let Some(found) = self.skipped.find(slot) {
            return found.map(|(header, place)| (header, Position::Skipped(place)));
        }
        if let Some(header) = self.receiving.as_ref().and_then(|chain| slot.header(&chain.header_key)) {
            return header.map(|header| (header, Position::Along));
        }
        let header = slot.header(&self.next_receiving).ok_or(Error::Open)??;
        Ok((header, Position::Across))
    }

    /// The message keys to be skipped before that of a message; refuses what is too far, and what one honest peer cannot
    /// send.
    fn distance(&self, header: &Header, position: &Position) -> Result<u32> {
        let distance = match (position, &self.receiving) {
            (Position::Skipped(_), _) => 0,
            (Position::Along, None) => return Err(Error::Open),
            (Position::Along, Some(_)) if self.theirs != Some(header.dh) && !broken!("evidence-ignored") => {
                return Err(Error::Evidence);
            }
            (Position::Along, Some(chain)) => header.n.checked_sub(chain.next).ok_or(Error::KeyGone)?,
            (Position::Across, None) if header.pn == 0 => header.n,
            (Position::Across, None) => return Err(Error::Evidence),
            (Position::Across, Some(_)) if self.theirs == Some(header.dh) => return Err(Error::Evidence),
            // Both counters have three bytes: their sum fits.
            (Position::Across, Some(chain)) => {
                header.pn.checked_sub(chain.next).map(|rest| rest + header.n).ok_or(Error::Evidence)?
            }
        };
        if distance > MAX_STEPS && !broken!("any-jump") {
            return Err(Error::TooFar);
        }
        if !matches!(position, Position::Skipped(_)) {
            self.epochs.before(header.braid.epoch - 1, header.pq_n, distance)?;
        }
        Ok(distance)
    }

    /// Steps both ratchets to the key of a message whose distance has been found bearable.
    fn reach(&self, header: &Header, position: Position, gap: u32) -> Result<(MessageKey, Change, Epochs)> {
        if let Position::Skipped(place) = position {
            return Ok((self.skipped.key(&place)?, Change::Skipped(place), self.epochs.duplicate()));
        }
        let Walk { epochs, key: pq, passed } = self.epochs.walk(header.braid.epoch - 1, header.pq_n, gap)?;
        let mut passed = PqKeys::new(passed, gap);
        let (ec, change) = match (position, &self.receiving) {
            (Position::Along, Some(chain)) => {
                let mut chain = chain.duplicate();
                let missing = passed.skip(&mut chain, header.n)?;
                (chain.step()?, Change::Chain { chain, missing })
            }
            (Position::Across, receiving) => {
                let closing = receiving.as_ref().map(|chain| passed.close(chain, header.pn)).transpose()?;
                let mut turn = self.root.turn(&self.ours, &header.dh, self.next_receiving.duplicate())?;
                let missing = passed.skip(&mut turn.chain, header.n)?;
                (turn.chain.step()?, Change::Turn { turn, theirs: header.dh, closing, missing })
            }
            _ => return Err(Error::Open),
        };
        Ok((MessageKey::join(&pq, &ec), change, epochs))
    }

    /// Makes the change of an opened message. `now` is in unix seconds.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it was another session that opened the message, or this one has changed since; nothing
    /// changes then.
    pub fn commit(&mut self, delta: Delta, now: u64) -> Result<()> {
        if (delta.transcript, delta.generation) != (self.transcript, self.generation) {
            return Err(Error::Mismatch);
        }
        self.generation += 1;
        (self.braid, self.epochs) = (delta.braid, delta.epochs);
        self.freshness.message();
        if delta.output {
            self.freshness.output();
        }
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
        self.freshness.since_turn = 0;
        if self.turns == 2 {
            self.resumption = Some(Resumption::derive(&self.root.0, &self.transcript));
        }
    }
}

/// The keys of the post-quantum ratchet that are passed over, each to be joined with the one passed over at its side. Of
/// more than a session keeps, there are the latest alone.
struct PqKeys {
    keys: VecDeque<(EpochPlace, Secret<32>)>,
    /// Keys before the first one that is there.
    without: usize,
}

impl PqKeys {
    fn new(keys: VecDeque<(EpochPlace, Secret<32>)>, gap: u32) -> Self {
        let without = usize::try_from(gap).unwrap_or(usize::MAX).saturating_sub(keys.len());
        Self { keys, without }
    }

    /// Steps a chain to its end: its header key, its length, and the keys passed over.
    fn close(&mut self, chain: &Chain, length: u32) -> Result<(Secret<32>, u32, Gap)> {
        let mut chain = chain.duplicate();
        let missing = self.skip(&mut chain, length)?;
        Ok((chain.header_key, length, missing))
    }

    /// Steps a chain up to number `to`, keeping the keys passed over.
    fn skip(&mut self, chain: &mut Chain, to: u32) -> Result<Gap> {
        let mut gap = Gap { first: to, keys: VecDeque::new() };
        while chain.next < to {
            let n = chain.next;
            let ec = chain.step()?;
            if self.without > 0 {
                self.without -= 1;
                continue;
            }
            let (place, pq) = self.keys.pop_front().ok_or(Error::Evidence)?;
            gap.first = gap.first.min(n);
            gap.keys.push_back(Passed { place, key: MessageKey::join(&pq, &ec) });
        }
        Ok(gap)
    }
}
