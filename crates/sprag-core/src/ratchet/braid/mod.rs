//! The ML-KEM Braid: a key agreement that rides on ordinary messages, a chunk on each, and now and then yields a fresh
//! secret on both sides (`docs/protocol.md`, *Braid*; the public specification of that name, revision 1).
//!
//! It knows no message keys: [`Epochs`](super::epochs) makes those of what comes out here. Every step is taken on a copy,
//! and nothing of it counts before the message that it rode on has been authenticated.

mod authenticator;
mod code;
#[cfg(test)]
mod explore;
mod kem;
#[cfg(test)]
mod lies;
mod message;
mod state;
mod stored;
#[cfg(test)]
mod toy;

use core::marker::PhantomData;

use self::authenticator::Authenticator;
use self::code::Decoder;
use self::kem::Kem;
pub(super) use self::kem::MlKem768;
pub(super) use self::message::{EPOCH_MAX, Message};
use self::state::{KeysUnsampled, Moment, NoHeaderReceived, State, Step};
use crate::error::{Error, Result};
use crate::random::Random;
use crate::secret::Secret;

/// Bytes of a chunk.
pub(super) const CHUNK: usize = code::CHUNK;

/// One side of the braid.
pub(super) struct Braid<K = MlKem768> {
    epoch: u64,
    authenticator: Authenticator,
    state: State,
    kem: PhantomData<K>,
}

/// An epoch's key, which both sides have or will have.
pub(super) struct Output {
    pub(super) epoch: u64,
    pub(super) key: Secret<32>,
}

impl<K: Kem> Braid<K> {
    fn new(epoch: u64, authenticator: Authenticator, state: State) -> Self {
        Self { epoch, authenticator, state, kem: PhantomData }
    }

    /// The side that begins, from the handshake's secret.
    pub(super) fn initiate(secret: &Secret<32>) -> Self {
        Self::new(1, Authenticator::new(1, secret), State::KeysUnsampled(KeysUnsampled))
    }

    /// The other side.
    pub(super) fn respond(secret: &Secret<32>) -> Self {
        let state = State::NoHeaderReceived(NoHeaderReceived { header: Decoder::default() });
        Self::new(1, Authenticator::new(1, secret), state)
    }

    /// The epoch that is worked on. Messages are sealed under keys of the one before.
    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether `newest` can be the epoch of the last key that came out.
    pub(super) const fn follows(&self, newest: u64) -> bool {
        let is_before = newest + 1 == self.epoch;
        match self.state.has_output() {
            Some(true) => newest == self.epoch,
            Some(false) => is_before,
            None => is_before || newest == self.epoch,
        }
    }

    /// Whether the peer has shown itself to be lying: no more keys come, and nothing but new device keys mends it.
    pub(super) const fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Whether opening a message with this would agree on a key, which takes some tens of microseconds.
    pub(super) fn would_agree(&self, message: &Message) -> bool {
        message.epoch == self.epoch && self.state.would_agree::<K>(message)
    }

    /// The side after the next message, the message, and a key if one comes out.
    ///
    /// # Errors
    /// [`Error::BadKey`] if the library finds a header of the right length to be none.
    pub(super) fn send(self, random: &mut dyn Random) -> Result<(Self, Message, Option<Output>)> {
        if broken!("braid-at-rest") {
            let message = Message::nothing(self.epoch);
            return Ok((self, message, None));
        }
        let Self { epoch, authenticator, state, .. } = self;
        let (step, message) = state.send::<K>(&Moment { epoch, authenticator: &authenticator }, random)?;
        let (braid, output) = Self::after(epoch, authenticator, step);
        Ok((braid, message, output))
    }

    /// The side after an authentic message, and a key if one comes out.
    ///
    /// # Errors
    /// [`Error::Evidence`] for what one honest peer cannot send.
    pub(super) fn receive(self, message: &Message) -> Result<(Self, Option<Output>)> {
        let ahead = message.epoch.checked_sub(self.epoch);
        match ahead {
            // Late: its key is of an old epoch, and so is its chunk.
            None if !broken!("late-chunk-taken") => return Ok((self, None)),
            _ if broken!("braid-at-rest") => return Ok((self, None)),
            None | Some(0 | 1) => {}
            Some(_) if broken!("epochs-ahead-taken") => {}
            Some(_) => return Err(Error::Evidence),
        }
        let Self { epoch, authenticator, state, .. } = self;
        let step = state.receive::<K>(&Moment { epoch, authenticator: &authenticator }, message)?;
        Ok(Self::after(epoch, authenticator, step))
    }

    fn after(epoch: u64, authenticator: Authenticator, step: Step) -> (Self, Option<Output>) {
        match step {
            Step::On(state) => (Self::new(epoch, authenticator, state), None),
            Step::Output { state, key, authenticator } => {
                (Self::new(epoch, authenticator, state), Some(Output { epoch, key }))
            }
            Step::Finished { key, authenticator } => {
                let state = State::NoHeaderReceived(NoHeaderReceived { header: Decoder::default() });
                (Self::new(epoch + 1, authenticator, state), Some(Output { epoch, key }))
            }
            Step::Next => (Self::new(epoch + 1, authenticator, State::KeysUnsampled(KeysUnsampled)), None),
        }
    }
}
