//! What can happen in a world.
//!
//! Numbers are taken modulo what is there when the step is made, so that a step means something whatever came before
//! it: that is what lets a failing course be made shorter.

use sprag_malice::Trick;

use crate::disk::{Loss, Trouble};

/// What becomes of a request on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does the answer.
    Well,
    /// It is lost: the app says "later".
    Lost,
    /// It arrives and the answer is lost: the app says "later".
    AnswerLost,
    /// The answer comes twice.
    AnsweredTwice,
    /// The app forgets it.
    Forgotten,
    /// The server refuses it.
    Refused,
}

/// Bad randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Always the same byte.
    Constant,
    /// None.
    Dry,
    /// Good again.
    Good,
}

/// What one of two processes does while the other does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    Deliver,
    Lease,
    Wake,
    Send,
    Done,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Step {
    /// The app sends a message.
    Send { who: usize, handle: usize, to: usize, size: usize, quiet: bool },
    /// The app sends a message to the room that all are members of.
    SendToRoom { who: usize, handle: usize, size: usize, quiet: bool },
    /// The app sends one again that it sent before, under the same id.
    SendAgain { who: usize, handle: usize, which: usize },
    /// The app takes requests.
    Lease { who: usize, handle: usize, max: usize },
    /// The network carries a request out.
    Carry { who: usize, handle: usize, which: usize, fate: Fate },
    /// What waits at the server is delivered; the server may not hear of it.
    Deliver { who: usize, handle: usize, max: usize, acknowledge: bool },
    /// The app looks into what waits, for a notification.
    Peek { who: usize, handle: usize, which: usize },
    /// The app shows what came. It may be done with all of it, or end before.
    Take { who: usize, handle: usize, max: usize, done: bool },
    /// Both processes do something: the one hands over to the other at its lock of this number.
    Together { who: usize, first: Verb, second: Verb, at: u64 },
    /// The store's key is changed.
    Rekey { who: usize },
    /// Upkeep.
    Wake { who: usize, handle: usize, hint: bool },
    /// The app takes a message back.
    Cancel { who: usize, which: usize },
    /// The app tries a message again.
    Retry { who: usize, which: usize },
    /// The app is suspended, and resumed.
    Suspend { who: usize, handle: usize },
    /// A clock jumps.
    Clock { who: usize, seconds: i64 },
    /// The power goes, and comes back.
    Cut { who: usize, loss: Loss },
    /// A process is killed, and started again.
    Kill { who: usize, handle: usize },
    /// Something will go wrong with a disk.
    Trouble { who: usize, trouble: Trouble, after: u64, loss: Loss },
    /// A backup is made of a whole phone.
    Snapshot { who: usize },
    /// A phone is put back to a backup.
    Restore { who: usize, which: usize, randomness: bool },
    /// A whole phone is copied, and the copy lives on beside it: with randomness that goes on as the phone's own does, or
    /// with another. What the server has for the two each of them reads, or whoever is the first.
    Copy { who: usize, shared: bool, randomness: bool },
    /// One of two copies is thrown away.
    Discard { who: usize },
    /// A new phone of the account is linked by this one.
    Link { who: usize, holds_account_key: bool },
    /// Another phone of the account is revoked by this one.
    Revoke { who: usize, which: usize },
    /// This phone leaves its account.
    Retire { who: usize },
    /// A phone's randomness changes.
    Randomness { who: usize, bad: Bad },
    /// The server plays a trick.
    Trick(Trick),
}

impl Step {
    /// The phone that it happens to.
    pub(super) const fn who(&mut self) -> Option<&mut usize> {
        match self {
            Self::Send { who, .. }
            | Self::SendToRoom { who, .. }
            | Self::SendAgain { who, .. }
            | Self::Lease { who, .. }
            | Self::Carry { who, .. }
            | Self::Deliver { who, .. }
            | Self::Peek { who, .. }
            | Self::Take { who, .. }
            | Self::Together { who, .. }
            | Self::Rekey { who }
            | Self::Wake { who, .. }
            | Self::Cancel { who, .. }
            | Self::Retry { who, .. }
            | Self::Suspend { who, .. }
            | Self::Clock { who, .. }
            | Self::Cut { who, .. }
            | Self::Kill { who, .. }
            | Self::Trouble { who, .. }
            | Self::Snapshot { who }
            | Self::Restore { who, .. }
            | Self::Copy { who, .. }
            | Self::Discard { who }
            | Self::Link { who, .. }
            | Self::Revoke { who, .. }
            | Self::Retire { who }
            | Self::Randomness { who, .. } => Some(who),
            Self::Trick(_) => None,
        }
    }

    /// The name of its kind, where it is a fault.
    #[must_use]
    pub const fn fault(&self) -> Option<&'static str> {
        Some(match self {
            Self::Carry { fate: Fate::Lost, .. } => "request lost",
            Self::Carry { fate: Fate::AnswerLost, .. } => "answer lost",
            Self::Carry { fate: Fate::AnsweredTwice, .. } => "answered twice",
            Self::Carry { fate: Fate::Forgotten, .. } => "request forgotten",
            Self::Carry { fate: Fate::Refused, .. } => "request refused",
            Self::Deliver { acknowledge: false, .. } => "delivery not acknowledged",
            Self::Take { done: false, .. } => "events not done",
            Self::Clock { .. } => "clock jump",
            Self::Cut { .. } => "power cut",
            Self::Kill { .. } => "kill",
            Self::Trouble { trouble: Trouble::Full, .. } => "full disk",
            Self::Trouble { trouble: Trouble::Change, .. } => "failing write",
            Self::Trouble { trouble: Trouble::Read, .. } => "failing read",
            Self::Trouble { trouble: Trouble::PowerCut, .. } => "power cut in a call",
            Self::Restore { .. } => "restore",
            Self::Copy { shared: false, .. } => "copied phone",
            Self::Copy { shared: true, .. } => "copied phone that takes mail away",
            Self::Discard { .. } => "copy thrown away",
            Self::Randomness { bad: Bad::Constant, .. } => "constant randomness",
            Self::Randomness { bad: Bad::Dry, .. } => "no randomness",
            Self::Suspend { .. } => "suspend",
            Self::Together { .. } => "two at once",
            Self::Rekey { .. } => "change of keys",
            Self::Trick(trick) => trick.kind(),
            _ => return None,
        })
    }
}
