//! The eleven states of the braid, one struct each, consumed by its step (ML-KEM Braid, section 2.5). Each knows its epoch's
//! objects; epoch and authenticator come as an argument.
//!
//! ```text
//!   side A, which holds the key                              side B, which makes the ciphertext
//!
//!   KeysUnsampled ──send──▶ KeysSampled                      NoHeaderReceived ──header whole──▶ HeaderReceived
//!        first Ct1 │                                                                    send │ outputs the key
//!                  ▼                                                                         ▼
//!             HeaderSent ──ct1 whole──▶ Ct1Received                            ┌──────── Ct1Sampled ────────┐
//!                             first Ct2 │                        vector whole  │       EkCt1Ack │  EkCt1Ack │, vector whole
//!                                       ▼                                      ▼                ▼           │
//!                            EkSentCt1Received              EkReceivedCt1Sampled        Ct1Acknowledged     │
//!                             ct2 whole │ outputs the key             EkCt1Ack │   vector whole │           │
//!                                       ▼                                      └──────▶ Ct2Sampled ◀────────┘
//!                         NoHeaderReceived, epoch + 1                                        │ a message of epoch + 1
//!                                                                                            ▼
//!                                                                               KeysUnsampled, epoch + 1
//! ```
//! A MAC that fails or a vector that is not the header's ends the braid: `Broken`, for ever.
//!
//! Secret in them are the seed and the randomness alone, and they are wiped. Headers, vectors, ciphertexts and MACs are what is
//! sent, and so are the chunks of them in encoders and decoders: they need not be.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::authenticator::{Authenticator, verify};
use super::code::{self, Decoder, Taken};
use super::kem::Kem;
use super::message::{Message, Type};
use crate::crypto::hash::{hkdf, sha256};
use crate::error::{Error, Result};
use crate::label;
use crate::random::Random;
use crate::secret::Secret;

/// Bytes of a MAC beside an object.
pub(super) const MAC: usize = 32;

/// What every state's step is given.
pub(super) struct Moment<'a> {
    pub(super) epoch: u64,
    pub(super) authenticator: &'a Authenticator,
}

/// A state.
pub(super) enum State {
    KeysUnsampled(KeysUnsampled),
    KeysSampled(KeysSampled),
    HeaderSent(HeaderSent),
    Ct1Received(Ct1Received),
    EkSentCt1Received(EkSentCt1Received),
    NoHeaderReceived(NoHeaderReceived),
    HeaderReceived(HeaderReceived),
    Ct1Sampled(Ct1Sampled),
    Ct1Acknowledged(Ct1Acknowledged),
    EkReceivedCt1Sampled(EkReceivedCt1Sampled),
    Ct2Sampled(Ct2Sampled),
    Broken,
}

/// What a step comes to.
pub(super) enum Step {
    /// On in the same epoch.
    On(State),
    /// The epoch's key is there; side B stays in the epoch.
    Output { state: State, key: Secret<32>, authenticator: Authenticator },
    /// The epoch's key is there, and the next epoch begins.
    Finished { key: Secret<32>, authenticator: Authenticator },
    /// The peer has finished the epoch: the next one begins.
    Next,
}

/// The key of side A, and what is made of it.
pub(super) struct Keys {
    pub(super) seed: Secret<64>,
    pub(super) header: Vec<u8>,
    pub(super) vector: Vec<u8>,
}

/// The first half of side B's ciphertext, and what it was made of.
pub(super) struct Offer {
    pub(super) header: Vec<u8>,
    pub(super) randomness: Secret<32>,
    pub(super) first: Vec<u8>,
}

pub(super) struct KeysUnsampled;

pub(super) struct KeysSampled {
    pub(super) keys: Arc<Keys>,
    pub(super) next: u8,
}

pub(super) struct HeaderSent {
    pub(super) keys: Arc<Keys>,
    pub(super) next: u8,
    pub(super) first: Decoder,
}

pub(super) struct Ct1Received {
    pub(super) keys: Arc<Keys>,
    pub(super) next: u8,
    pub(super) first: Arc<Vec<u8>>,
}

pub(super) struct EkSentCt1Received {
    pub(super) keys: Arc<Keys>,
    pub(super) first: Arc<Vec<u8>>,
    pub(super) second: Decoder,
}

pub(super) struct NoHeaderReceived {
    pub(super) header: Decoder,
}

pub(super) struct HeaderReceived {
    pub(super) header: Vec<u8>,
}

pub(super) struct Ct1Sampled {
    pub(super) offer: Arc<Offer>,
    pub(super) next: u8,
    pub(super) vector: Decoder,
}

pub(super) struct Ct1Acknowledged {
    pub(super) offer: Arc<Offer>,
    pub(super) vector: Decoder,
}

pub(super) struct EkReceivedCt1Sampled {
    pub(super) offer: Arc<Offer>,
    pub(super) next: u8,
    pub(super) vector: Arc<Vec<u8>>,
}

pub(super) struct Ct2Sampled {
    pub(super) object: Vec<u8>,
    pub(super) next: u8,
}

/// KDF_OK: an epoch's key from the KEM's secret.
fn output_key(secret: &Secret<32>, epoch: u64) -> Secret<32> {
    hkdf(&[0; 32], &[secret.expose_secret()], &[label::BRAID_KEY.as_bytes(), &epoch.to_be_bytes()])
}

/// Chunk `next` of an object, as a message; and the index after it.
fn emit(moment: &Moment<'_>, kind: Type, object: &[u8], next: u8) -> (Message, u8) {
    let message = Message { epoch: moment.epoch, kind, index: next, chunk: code::chunk(object, next) };
    (message, code::next(next))
}

/// Takes a chunk into a decoder; the object of `length` bytes, if it is whole.
fn take(decoder: &mut Decoder, message: &Message, length: usize) -> Result<Option<Vec<u8>>> {
    match decoder.take(message.index, message.chunk) {
        Taken::Fine => Ok(decoder.object(length)),
        Taken::Contradiction if broken!("contradiction-taken") => Ok(decoder.object(length)),
        Taken::Contradiction => Err(Error::Evidence),
    }
}

/// A chunk that the state does not consume: no step if an honest peer can send it.
fn ignore(state: State, message: &Message, possible: &[Type]) -> Result<Step> {
    let is_possible = possible.contains(&message.kind) || broken!("impossible-type-taken");
    if is_possible { Ok(Step::On(state)) } else { Err(Error::Evidence) }
}

// ---- side A ---------------------------------------------------------------------------------------------------------

impl KeysUnsampled {
    fn send<K: Kem>(self, moment: &Moment<'_>, random: &mut dyn Random) -> (State, Message) {
        let fresh: Secret<32> = Secret::random(random);
        let seed = moment.authenticator.hedged(&fresh, label::BRAID_SEED, moment.epoch, &[]);
        let (header, vector) = K::public(&seed);
        KeysSampled { keys: Arc::new(Keys { seed, header, vector }), next: 0 }.send(moment)
    }

    fn receive(self, message: &Message) -> Result<Step> {
        ignore(State::KeysUnsampled(self), message, &[Type::None])
    }
}

impl KeysSampled {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let mac = moment.authenticator.header_mac(moment.epoch, &self.keys.header);
        let object = [&self.keys.header[..], &mac].concat();
        let (message, next) = emit(moment, Type::Hdr, &object, self.next);
        (State::KeysSampled(Self { next, ..self }), message)
    }

    /// The first chunk of the first ciphertext says that the header has arrived.
    fn receive<K: Kem>(self, message: &Message) -> Result<Step> {
        match message.kind {
            Type::Ct1 => HeaderSent { keys: self.keys, next: 0, first: Decoder::default() }.receive::<K>(message),
            _ => ignore(State::KeysSampled(self), message, &[Type::None]),
        }
    }
}

impl HeaderSent {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let (message, next) = emit(moment, Type::Ek, &self.keys.vector, self.next);
        (State::HeaderSent(Self { next, ..self }), message)
    }

    fn receive<K: Kem>(mut self, message: &Message) -> Result<Step> {
        if message.kind != Type::Ct1 {
            return ignore(State::HeaderSent(self), message, &[Type::None]);
        }
        Ok(Step::On(match take(&mut self.first, message, K::CIPHERTEXT_1)? {
            Some(first) => State::Ct1Received(Ct1Received { keys: self.keys, next: self.next, first: Arc::new(first) }),
            None => State::HeaderSent(self),
        }))
    }
}

impl Ct1Received {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let (message, next) = emit(moment, Type::EkCt1Ack, &self.keys.vector, self.next);
        (State::Ct1Received(Self { next, ..self }), message)
    }

    /// The first chunk of the second ciphertext says that the vector has arrived.
    fn receive<K: Kem>(self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        match message.kind {
            Type::Ct2 => EkSentCt1Received { keys: self.keys, first: self.first, second: Decoder::default() }
                .receive::<K>(moment, message),
            _ => ignore(State::Ct1Received(self), message, &[Type::None, Type::Ct1]),
        }
    }
}

impl EkSentCt1Received {
    fn receive<K: Kem>(mut self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        if message.kind != Type::Ct2 {
            return ignore(State::EkSentCt1Received(self), message, &[Type::None, Type::Ct1]);
        }
        let Some(object) = take(&mut self.second, message, K::CIPHERTEXT_2 + MAC)? else {
            return Ok(Step::On(State::EkSentCt1Received(self)));
        };
        let (second, mac) = object.split_at(K::CIPHERTEXT_2);
        let secret = K::decapsulate(&self.keys.seed, &self.first, second)?;
        let key = output_key(&secret, moment.epoch);
        let authenticator = moment.authenticator.update(moment.epoch, &key);
        match verify(authenticator.ciphertext_mac(moment.epoch, &self.first, second), mac) {
            Err(_) if !broken!("ciphertext-mac-unchecked") => Ok(Step::On(State::Broken)),
            _ => Ok(Step::Finished { key, authenticator }),
        }
    }
}

// ---- side B ---------------------------------------------------------------------------------------------------------

impl NoHeaderReceived {
    fn receive<K: Kem>(mut self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        if message.kind != Type::Hdr {
            return ignore(State::NoHeaderReceived(self), message, &[]);
        }
        let Some(mut header) = take(&mut self.header, message, K::HEADER + MAC)? else {
            return Ok(Step::On(State::NoHeaderReceived(self)));
        };
        let mac = header.split_off(K::HEADER);
        Ok(Step::On(match verify(moment.authenticator.header_mac(moment.epoch, &header), &mac) {
            Err(_) if !broken!("header-mac-unchecked") => State::Broken,
            _ => State::HeaderReceived(HeaderReceived { header }),
        }))
    }
}

impl HeaderReceived {
    /// Side B has the epoch's key before side A; it sends under it only in the next epoch.
    fn send<K: Kem>(self, moment: &Moment<'_>, random: &mut dyn Random) -> Result<(Step, Message)> {
        let fresh: Secret<32> = Secret::random(random);
        // For this header alone: a generator and a state that come back encapsulate for no other under the same randomness.
        let randomness =
            moment.authenticator.hedged(&fresh, label::BRAID_RANDOMNESS, moment.epoch, &sha256(&self.header));
        let (first, secret) = K::encapsulate(&self.header, &randomness)?;
        let key = output_key(&secret, moment.epoch);
        let authenticator = moment.authenticator.update(moment.epoch, &key);
        let offer = Arc::new(Offer { header: self.header, randomness, first });
        let (state, message) = Ct1Sampled { offer, next: 0, vector: Decoder::default() }.send(moment);
        Ok((Step::Output { state, key, authenticator }, message))
    }

    fn receive(self, message: &Message) -> Result<Step> {
        ignore(State::HeaderReceived(self), message, &[Type::Hdr])
    }
}

/// The second ciphertext with its MAC, once the vector is whole: or the end of the braid, if it is no key of this header.
fn second<K: Kem>(moment: &Moment<'_>, offer: &Offer, vector: &[u8]) -> State {
    let second = match K::complete(&offer.header, &offer.randomness, vector) {
        Ok(second) => second,
        Err(_) if broken!("vector-unchecked") => alloc::vec![0; K::CIPHERTEXT_2],
        Err(_) => return State::Broken,
    };
    let mac = moment.authenticator.ciphertext_mac(moment.epoch, &offer.first, &second);
    State::Ct2Sampled(Ct2Sampled { object: [&second[..], &mac].concat(), next: 0 })
}

impl Ct1Sampled {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let (message, next) = emit(moment, Type::Ct1, &self.offer.first, self.next);
        (State::Ct1Sampled(Self { next, ..self }), message)
    }

    fn receive<K: Kem>(mut self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        if !matches!(message.kind, Type::Ek | Type::EkCt1Ack) {
            return ignore(State::Ct1Sampled(self), message, &[Type::Hdr]);
        }
        let whole = take(&mut self.vector, message, K::VECTOR)?;
        Ok(Step::On(match (message.kind, whole) {
            (Type::EkCt1Ack, Some(vector)) => second::<K>(moment, &self.offer, &vector),
            (Type::EkCt1Ack, None) => {
                State::Ct1Acknowledged(Ct1Acknowledged { offer: self.offer, vector: self.vector })
            }
            (_, Some(vector)) => {
                let vector = Arc::new(vector);
                State::EkReceivedCt1Sampled(EkReceivedCt1Sampled { offer: self.offer, next: self.next, vector })
            }
            (_, None) => State::Ct1Sampled(self),
        }))
    }
}

impl Ct1Acknowledged {
    fn receive<K: Kem>(mut self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        if !matches!(message.kind, Type::Ek | Type::EkCt1Ack) {
            return ignore(State::Ct1Acknowledged(self), message, &[Type::Hdr]);
        }
        Ok(Step::On(match take(&mut self.vector, message, K::VECTOR)? {
            Some(vector) => second::<K>(moment, &self.offer, &vector),
            None => State::Ct1Acknowledged(self),
        }))
    }
}

impl EkReceivedCt1Sampled {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let (message, next) = emit(moment, Type::Ct1, &self.offer.first, self.next);
        (State::EkReceivedCt1Sampled(Self { next, ..self }), message)
    }

    fn receive<K: Kem>(self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        match message.kind {
            Type::EkCt1Ack => Ok(Step::On(second::<K>(moment, &self.offer, &self.vector))),
            _ => ignore(State::EkReceivedCt1Sampled(self), message, &[Type::Hdr, Type::Ek]),
        }
    }
}

impl Ct2Sampled {
    fn send(self, moment: &Moment<'_>) -> (State, Message) {
        let (message, next) = emit(moment, Type::Ct2, &self.object, self.next);
        (State::Ct2Sampled(Self { next, ..self }), message)
    }

    fn receive(self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        if message.epoch > moment.epoch {
            return if message.kind == Type::None { Ok(Step::Next) } else { Err(Error::Evidence) };
        }
        ignore(State::Ct2Sampled(self), message, &[Type::None, Type::Hdr, Type::Ek, Type::EkCt1Ack])
    }
}

// ---- either side ----------------------------------------------------------------------------------------------------

impl State {
    /// The message to send now. Epochs end at the receiving side only.
    ///
    /// # Errors
    /// [`Error::BadKey`] if the library finds a header of the right length to be none.
    pub(super) fn send<K: Kem>(self, moment: &Moment<'_>, random: &mut dyn Random) -> Result<(Step, Message)> {
        let nothing = Message::nothing(moment.epoch);
        let (state, message) = match self {
            Self::KeysUnsampled(state) => state.send::<K>(moment, random),
            Self::KeysSampled(state) => state.send(moment),
            Self::HeaderSent(state) => state.send(moment),
            Self::Ct1Received(state) => state.send(moment),
            Self::HeaderReceived(state) => return state.send::<K>(moment, random),
            Self::Ct1Sampled(state) => state.send(moment),
            Self::EkReceivedCt1Sampled(state) => state.send(moment),
            Self::Ct2Sampled(state) => state.send(moment),
            waiting => (waiting, nothing),
        };
        Ok((Step::On(state), message))
    }

    /// What an authentic message of this epoch, or to `Ct2Sampled` of the next, does.
    ///
    /// # Errors
    /// [`Error::Evidence`] for what an honest peer cannot send in this state.
    pub(super) fn receive<K: Kem>(self, moment: &Moment<'_>, message: &Message) -> Result<Step> {
        match self {
            Self::Ct2Sampled(state) => state.receive(moment, message),
            Self::Broken => Ok(Step::On(Self::Broken)),
            _ if message.epoch > moment.epoch => Err(Error::Evidence),
            Self::KeysUnsampled(state) => state.receive(message),
            Self::KeysSampled(state) => state.receive::<K>(message),
            Self::HeaderSent(state) => state.receive::<K>(message),
            Self::Ct1Received(state) => state.receive::<K>(moment, message),
            Self::EkSentCt1Received(state) => state.receive::<K>(moment, message),
            Self::NoHeaderReceived(state) => state.receive::<K>(moment, message),
            Self::HeaderReceived(state) => state.receive(message),
            Self::Ct1Sampled(state) => state.receive::<K>(moment, message),
            Self::Ct1Acknowledged(state) => state.receive::<K>(moment, message),
            Self::EkReceivedCt1Sampled(state) => state.receive::<K>(moment, message),
        }
    }

    /// Whether this epoch's key has come out; nobody knows of a braid that is broken.
    pub(super) const fn has_output(&self) -> Option<bool> {
        match self {
            Self::Ct1Sampled(_) | Self::Ct1Acknowledged(_) | Self::EkReceivedCt1Sampled(_) | Self::Ct2Sampled(_) => {
                Some(true)
            }
            Self::Broken => None,
            _ => Some(false),
        }
    }

    /// Whether this message would make an object whole that a key agreement follows.
    pub(super) fn would_agree<K: Kem>(&self, message: &Message) -> bool {
        let is_vector = matches!(message.kind, Type::Ek | Type::EkCt1Ack);
        match self {
            Self::EkSentCt1Received(state) => {
                message.kind == Type::Ct2 && state.second.lacks_only(message.index, K::CIPHERTEXT_2 + MAC)
            }
            Self::Ct1Sampled(state) => is_vector && state.vector.lacks_only(message.index, K::VECTOR),
            Self::Ct1Acknowledged(state) => is_vector && state.vector.lacks_only(message.index, K::VECTOR),
            Self::EkReceivedCt1Sampled(_) => message.kind == Type::EkCt1Ack,
            _ => false,
        }
    }
}
