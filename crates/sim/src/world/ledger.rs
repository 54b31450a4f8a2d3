//! What is known from outside: which messages were written, which blobs carry them, and what people were shown.

use std::collections::{BTreeMap, BTreeSet};

use sprag::{BlobId, Conversation, MessageId, MessageState, Reason, RoomId};

use super::{PEOPLE, World};
use crate::phone::{account, with};

/// A message that an app sent.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: MessageId,
    /// Who wrote it, and the phone that it was written on.
    pub(super) from: usize,
    pub(super) on: usize,
    /// The accounts beside the writer's own that it is for: one, or those of a room.
    pub(super) to: Vec<usize>,
    pub(super) room: bool,
    pub(super) text: String,
    pub(super) quiet: bool,
    /// Whether the app knows that the call was done: if not, it does it again.
    pub(super) certain: bool,
    /// The blobs that carried it.
    pub(super) blobs: BTreeSet<BlobId>,
    /// Why it need not arrive.
    pub(super) excused: Option<&'static str>,
}

impl Written {
    /// Whom it is for, in the story.
    pub(super) fn whom(&self) -> String {
        if self.room { "the room".to_owned() } else { self.to.iter().map(|to| PEOPLE[*to]).collect() }
    }

    /// Whether somebody's phones are to show it: as it came, or as it was sent from another one.
    pub(super) fn concerns(&self, account: usize) -> bool {
        self.from == account || self.to.contains(&account)
    }
}

/// A blob that an engine made.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Whose phone made it, and which one.
    pub(super) from: usize,
    pub(super) by: usize,
    /// The accounts that it was for.
    pub(super) to: BTreeSet<usize>,
    /// The message in it, by its place in the ledger; none for upkeep.
    pub(super) message: Option<usize>,
}

/// What the app on one phone knows: its own database, which a backup takes along.
#[derive(Clone, Debug, Default)]
pub(super) struct App {
    /// Messages that it wrote.
    pub(super) mine: BTreeSet<usize>,
    /// Event ids under which a message was shown.
    pub(super) shown: BTreeMap<usize, BTreeSet<u64>>,
    /// Events about its own messages that it took note of.
    pub(super) news: BTreeSet<u64>,
    /// The last state of each of them that it was told.
    pub(super) states: BTreeMap<usize, MessageState>,
    /// Accounts of which it was told that a copy is in use, or that the braid stands still.
    pub(super) warned: BTreeSet<usize>,
    /// Accounts of which it was told that a session was begun beside one that was heard.
    pub(super) restarts: BTreeSet<usize>,
    /// Phones of which something opened.
    pub(super) heard: BTreeSet<usize>,
    /// Blobs that `deliver` said were opened.
    pub(super) opened: BTreeSet<BlobId>,
    /// Blobs given to a call that failed: they may have been opened.
    pub(super) unsure: BTreeSet<BlobId>,
    /// Blobs that were reported as unreadable.
    pub(super) unreadable: BTreeMap<BlobId, Reason>,
    /// What was asked for again, and of what the phone was told how that ended.
    pub(super) asked: BTreeSet<BlobId>,
    pub(super) ended: BTreeSet<BlobId>,
}

/// Everything that was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) written: Vec<Written>,
    pub(super) blobs: BTreeMap<BlobId, Origin>,
}

impl Ledger {
    pub(super) fn find(&self, from: usize, id: &MessageId) -> Option<usize> {
        self.written.iter().position(|written| written.from == from && written.id == *id)
    }
}

/// The room that everybody is a member of.
#[expect(clippy::expect_used, reason = "names are written in the source")]
fn room(people: usize) -> Conversation {
    let members = PEOPLE[..people].iter().map(|name| account(name)).collect();
    Conversation::Room { id: RoomId::new("the room").expect("a name is 1 to 64 bytes"), members }
}

impl World {
    /// Where a message belongs, for one of those whom it concerns.
    pub(super) fn place(&self, at: usize, whose: usize) -> Conversation {
        let written = &self.ledger.written[at];
        match written.to.first() {
            Some(to) if !written.room => with(&account(PEOPLE[if whose == written.from { *to } else { written.from }])),
            _ => room(self.people),
        }
    }
}
