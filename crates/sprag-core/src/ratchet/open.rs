//! Opening: from a slot to its content key and the change that it makes, without making it.
//!
//! It knows nothing of what is stored. The header is found first, at no cost; chains are stepped on copies.

use alloc::collections::VecDeque;

use super::braid::Braid;
use super::chain::Chain;
use super::closed::Position;
use super::double::Session;
use super::epochs::{Epochs, Walk};
use super::header::{EpochPlace, Header};
use super::message::{Binding, MessageKey, SLOT, Slot};
use super::root::Turn;
use super::skipped::{MAX_SKIPPED, Passed, Place};
use crate::crypto::dh::DhPublic;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Chain steps that one message may ask for, in its own chain and the one before together.
pub const MAX_STEPS: u32 = 25_000;

/// What opening a message changes: to be given to [`Session::commit`] once everything else about it has verified.
pub struct Delta {
    pub(super) transcript: [u8; 32],
    pub(super) generation: u64,
    pub(super) position: Position,
    pub(super) change: Change,
    pub(super) braid: Braid,
    pub(super) epochs: Epochs,
    /// Whether a key came out of the braid.
    pub(super) output: bool,
    /// Message keys that were skipped.
    pub(super) skips: u32,
}

pub(super) enum Change {
    Skipped(Place),
    Chain { chain: Chain, missing: Gap },
    Turn { turn: Turn, theirs: DhPublic, closing: Option<(Secret<32>, u32, Gap)>, missing: Gap },
}

/// Where a message's header opened.
enum Found {
    /// Among the keys of messages that had not come.
    Skipped(Place),
    /// In the current receiving chain.
    Along,
    /// Under the next header key: the peer has turned.
    Across,
}

/// Message keys passed over in one chain.
pub(super) struct Gap {
    pub(super) first: u32,
    pub(super) keys: VecDeque<Passed>,
}

impl Delta {
    /// Where the message stood.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }
}

/// A slot whose header has opened: where its message stands, before anything is stepped. It is of one state of one session.
pub struct Located<'a> {
    transcript: [u8; 32],
    generation: u64,
    slot: Slot<'a>,
    header: Header,
    found: Found,
    skips: u32,
    agrees: bool,
}

impl Located<'_> {
    /// How many message keys opening it will skip, in its own chain and the one before together: at most [`MAX_STEPS`].
    #[must_use]
    pub const fn skips(&self) -> u32 {
        self.skips
    }

    /// Whether opening it will agree on a key of the braid: some tens of microseconds, in about one of forty messages.
    #[must_use]
    pub const fn agrees(&self) -> bool {
        self.agrees
    }
}

impl Session {
    /// Finds where a slot's message stands. Only its header is decrypted and no chain is stepped: a matter of microseconds,
    /// where opening it may take tens of milliseconds.
    ///
    /// # Errors
    /// As [`Self::open`], but for what only the slot's body would show.
    pub fn locate<'a>(&self, slot: &'a [u8; SLOT], binding: Binding<'a>) -> Result<Located<'a>> {
        let slot = Slot::new(slot, binding);
        let (header, found) = self.find(&slot)?;
        let skips = self.distance(&header, &found)?;
        let agrees = self.braid.would_agree(&header.braid);
        let (transcript, generation) = (self.transcript, self.generation);
        Ok(Located { transcript, generation, slot, header, found, skips, agrees })
    }

    /// Opens a slot without changing anything: the content key, and what [`Self::commit`] is to change. `now` is in unix
    /// seconds, none from a clock that is not to be relied on.
    ///
    /// # Errors
    /// [`Error::Open`] if it was tampered with, [`Error::TooFar`] beyond [`MAX_STEPS_PER_DAY`](super::MAX_STEPS_PER_DAY),
    /// [`Error::Evidence`] for what one honest peer cannot send, [`Error::Mismatch`] if it was another session that located
    /// it, or this one has changed since.
    pub fn open_located(&self, located: Located<'_>, now: Option<u64>) -> Result<(Secret<32>, Delta)> {
        let Located { transcript, generation, slot, header, found, skips, agrees: _ } = located;
        if (transcript, generation) != (self.transcript, self.generation) {
            return Err(Error::Mismatch);
        }
        self.steps.check(skips, now)?;
        let position = self.position_of(&header, &found)?;
        let (key, change, epochs) = self.reach(&header, found, skips)?;
        if broken!("chunk-before-body") {
            self.braid.duplicate().receive(&header.braid)?;
        }
        let content_key = key.open(&self.transcript, &slot, &header)?;
        // Only now is the header known to be the one that was sealed with this body: what it carries may be taken in.
        let (braid, output) = self.braid.duplicate().receive(&header.braid)?;
        let epochs = output.iter().try_fold(epochs, Epochs::add)?;
        let output = output.is_some();
        Ok((content_key, Delta { transcript, generation, position, change, braid, epochs, output, skips }))
    }

    /// Locates a slot and opens it, without a clock.
    ///
    /// # Errors
    /// [`Error::Open`] if it is not of this session or was tampered with, [`Error::KeyGone`] if its key was used or
    /// dropped, [`Error::TooFar`] beyond [`MAX_STEPS`], or [`MAX_SKIPPED`] in the first message that a responder hears,
    /// or as [`Self::open_located`] has it; [`Error::Evidence`] for what one honest peer cannot send; [`Error::BadKey`] or
    /// [`Error::Malformed`] for what is in its header.
    pub fn open(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<(Secret<32>, Delta)> {
        self.open_located(self.locate(slot, binding)?, None)
    }

    /// [`Located::skips`] of a slot.
    ///
    /// # Errors
    /// As [`Self::locate`].
    pub fn would_skip(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Result<u32> {
        self.locate(slot, binding).map(|located| located.skips)
    }

    /// [`Located::agrees`] of a slot, if it is found.
    #[must_use]
    pub fn would_agree(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> bool {
        self.locate(slot, binding).is_ok_and(|located| located.agrees)
    }

    /// The position that a slot claims whose key is gone: its header is genuine, its body nobody can open any more. `None`
    /// if it is of no chain that is known.
    #[must_use]
    pub fn claimed_position(&self, slot: &[u8; SLOT], binding: Binding<'_>) -> Option<Position> {
        let slot = Slot::new(slot, binding);
        let current = self.receiving.iter().map(|chain| &chain.header_key);
        let mut all = self.skipped.header_keys().chain(current).chain(self.closed.header_keys());
        all.find_map(|key| slot.header(key)?.ok().map(|header| Position::new(key, header.n)))
    }

    fn position_of(&self, header: &Header, found: &Found) -> Result<Position> {
        match found {
            Found::Skipped(place) => self.skipped.position(place, header.n),
            Found::Along => {
                let chain = self.receiving.as_ref().ok_or(Error::Open)?;
                Ok(Position::new(&chain.header_key, header.n))
            }
            Found::Across => Ok(Position::new(&self.next_receiving, header.n)),
        }
    }

    fn find(&self, slot: &Slot<'_>) -> Result<(Header, Found)> {
        if let Some(found) = self.skipped.find(slot) {
            return found.map(|(header, place)| (header, Found::Skipped(place)));
        }
        if let Some(header) = self.receiving.as_ref().and_then(|chain| slot.header(&chain.header_key)) {
            return header.map(|header| (header, Found::Along));
        }
        match slot.header(&self.next_receiving) {
            Some(header) => header.map(|header| (header, Found::Across)),
            None => Err(self.closed.refuse(slot).unwrap_or(Error::Open)),
        }
    }

    /// The message keys to be skipped before that of a message; refuses what is too far, and what one honest peer cannot
    /// send.
    fn distance(&self, header: &Header, found: &Found) -> Result<u32> {
        let distance = match (found, &self.receiving) {
            (Found::Skipped(_), _) => 0,
            (Found::Along, None) => return Err(Error::Open),
            (Found::Along, Some(_)) if self.theirs != Some(header.dh) && !broken!("evidence-ignored") => {
                return Err(Error::Evidence);
            }
            (Found::Along, Some(chain)) => header.n.checked_sub(chain.next).ok_or(Error::KeyGone)?,
            (Found::Across, None) if header.pn == 0 => header.n,
            (Found::Across, None) => return Err(Error::Evidence),
            (Found::Across, Some(_)) if self.theirs == Some(header.dh) => return Err(Error::Evidence),
            // Both counters have three bytes: their sum fits.
            (Found::Across, Some(chain)) => {
                header.pn.checked_sub(chain.next).map(|rest| rest + header.n).ok_or(Error::Evidence)?
            }
        };
        // A stranger's first message costs no more than what would be kept of it.
        let most = if self.theirs.is_some() { MAX_STEPS } else { MAX_SKIPPED as u32 };
        if distance > most && !broken!("any-jump") {
            return Err(Error::TooFar);
        }
        if !matches!(found, Found::Skipped(_)) {
            self.epochs.before(header.braid.epoch - 1, header.pq_n, distance)?;
        }
        Ok(distance)
    }

    /// Steps both ratchets to the key of a message whose distance has been found bearable.
    fn reach(&self, header: &Header, found: Found, gap: u32) -> Result<(MessageKey, Change, Epochs)> {
        if let Found::Skipped(place) = found {
            return Ok((self.skipped.key(&place)?, Change::Skipped(place), self.epochs.duplicate()));
        }
        let Walk { epochs, key: pq, passed } = self.epochs.walk(header.braid.epoch - 1, header.pq_n, gap)?;
        let mut passed = PqKeys::new(passed, gap);
        let (ec, change) = match (found, &self.receiving) {
            (Found::Along, Some(chain)) => {
                let mut chain = chain.duplicate();
                let missing = passed.skip(&mut chain, header.n)?;
                (chain.step()?, Change::Chain { chain, missing })
            }
            (Found::Across, receiving) => {
                let closing = receiving.as_ref().map(|chain| passed.close(chain, header.pn)).transpose()?;
                let mut turn = self.root.turn(&self.ours, &header.dh, self.next_receiving.duplicate())?;
                let missing = passed.skip(&mut turn.chain, header.n)?;
                (turn.chain.step()?, Change::Turn { turn, theirs: header.dh, closing, missing })
            }
            _ => return Err(Error::Open),
        };
        Ok((MessageKey::join(&pq, &ec), change, epochs))
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
