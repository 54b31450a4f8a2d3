//! The secrets by which a later handshake proves that it continues this session: one for each epoch, two kept.
//!
//! It does not know handshakes, nor how far the peer has shown itself to be: the session does.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::handshake::{Resumption, ResumptionId};
use crate::secret::Secret;
use crate::wire::{Reader, Writer};

/// Secrets that are kept: that of the newest epoch, and the one before, for the sides do not enter an epoch at once.
const KEPT: usize = 2;

/// Ids of secrets that are gone, remembered so that whoever names one is told from somebody who knows nothing.
const REMEMBERED: usize = 8;

const ID: usize = 8;

/// How far a side is in a session: turns of the root chain, and the epoch that it seals under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Turns of the root chain.
    pub turns: u64,
    /// The epoch of the braid.
    pub epoch: u64,
}

/// What the name of a resumption secret is worth to a session.
pub enum Continued<'a> {
    /// The secret of an epoch that the peer can be in.
    Current(&'a Resumption),
    /// One of before: the peer has shown that it was further already. Its state was put back, or copied.
    Older,
}

/// The resumption secrets of a session.
#[derive(Default)]
pub(super) struct Resumptions {
    /// Newest first: the epoch, and its secret.
    kept: VecDeque<(u64, Resumption)>,
    /// Newest first.
    gone: VecDeque<ResumptionId>,
}

impl Resumptions {
    /// Has the secret of epoch 0, from the root key after the second turn.
    pub(super) fn begin(&mut self, root_key: &Secret<32>, transcript: &[u8; 32]) {
        self.kept.push_front((0, Resumption::derive(root_key, transcript)));
    }

    /// Has the secret of the next epoch, whose root is this one.
    pub(super) fn advance(&mut self, epoch: u64, epoch_root: &Secret<32>, transcript: &[u8; 32]) {
        let Some((_, newest)) = self.kept.front() else { return };
        if broken!("resumption-constant") {
            return;
        }
        let next = newest.next(epoch_root, transcript);
        self.kept.push_front((epoch, next));
        while self.kept.len() > KEPT {
            if let Some((_, old)) = self.kept.pop_back() {
                self.gone.push_front(old.id());
            }
        }
        self.gone.truncate(REMEMBERED);
    }

    /// The secret of an epoch.
    pub(super) fn of(&self, epoch: u64) -> Option<&Resumption> {
        let of_epoch = |kept: &&(u64, Resumption)| kept.0 == epoch || broken!("resumption-constant");
        self.kept.iter().find(of_epoch).map(|(_, resumption)| resumption)
    }

    /// What a name is worth, from a peer that is in `epoch` at least. None: it names nothing of this session.
    pub(super) fn named(&self, id: &ResumptionId, epoch: u64) -> Option<Continued<'_>> {
        if let Some((of, resumption)) = self.kept.iter().find(|(_, resumption)| resumption.id() == *id) {
            let is_current = *of >= epoch || broken!("resumption-constant");
            return Some(if is_current { Continued::Current(resumption) } else { Continued::Older });
        }
        self.gone.contains(id).then_some(Continued::Older)
    }

    /// Writes two elements.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(self.kept.len());
        self.kept.iter().for_each(|(_, resumption)| {
            writer.bytes(resumption.secret().expose_secret());
        });
        let gone: Vec<u8> = self.gone.iter().flatten().copied().collect();
        writer.bytes(&gone);
    }

    /// Reads them, of a session whose newest epoch this is.
    pub(super) fn read(reader: &mut Reader<'_>, newest: u64) -> Result<Self> {
        let count = reader.array()?;
        if count > KEPT {
            return Err(Error::Malformed);
        }
        let mut kept = VecDeque::with_capacity(count);
        for age in 0..count {
            let epoch = newest.checked_sub(age as u64).ok_or(Error::Malformed)?;
            kept.push_back((epoch, Resumption::from_secret(Secret::from_slice(reader.bytes()?)?)));
        }
        let (gone, rest) = reader.bytes_max(REMEMBERED * ID)?.as_chunks::<ID>();
        if rest.is_empty() { Ok(Self { kept, gone: gone.iter().copied().collect() }) } else { Err(Error::Malformed) }
    }
}
