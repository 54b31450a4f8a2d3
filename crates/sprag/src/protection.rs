//! How far a conversation is protected, which only rises; and whether everybody in it can read what is encrypted.
//!
//! It asks nobody for keys. What is offered or encrypted is kept with the conversation; that everybody is verified is found
//! out anew each time, for it can end.

use sprag_core::account_state::{Place, Protection as Told};
use sprag_core::content::RoomId as CoreRoomId;
use sprag_core::identity::DeviceList;
use sprag_core::wire::{Reader, Writer};

use crate::account::{Own, core_id, door_id};
use crate::codec::{self, CORRUPT, Row, ok};
use crate::config::{Directory, Rollout};
use crate::contact::Known;
use crate::conversation;
use crate::error::Result;
use crate::event::{Incoming, What};
use crate::id::{AccountId, Conversation, Protection, RoomId};
use crate::notice::{raise, raise_sparingly};
use crate::request::Why;
use crate::rows::Kind;
use crate::store::{Snapshot, Table, Tx};

/// Seconds for which an account that could not read is not asked about again: an hour.
const ASKED: u64 = 3_600;

/// How the account's state names levels.
const OFFERED: u8 = 1;
const ENCRYPTED: u8 = 2;

/// How the people of a conversation stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Every client of everybody can read.
    Ready,
    /// As far as is known; some are to be asked for yet.
    Unknown,
    /// Somebody has a client that cannot.
    NotReady,
}

fn standing(snapshot: &Snapshot<'_>, own: &Own, others: &[Known]) -> Result<Standing> {
    if !own.list.ready() {
        return Ok(Standing::NotReady);
    }
    let mut standing = Standing::Ready;
    for known in others {
        match &known.list {
            Some(list) if list.ready() => {}
            Some(_) => return Ok(Standing::NotReady),
            None if own.policy.directory == Directory::InBand => return Ok(Standing::NotReady),
            None if Look::load(snapshot, &known.account)?.is_some_and(|look| look.is_absent) => {
                return Ok(Standing::NotReady);
            }
            None => standing = Standing::Unknown,
        }
    }
    Ok(standing)
}

/// Whether something that the app shows may be sealed for these others: in a conversation that is encrypted always, else
/// if nobody is known to be unable to read it.
pub(crate) fn may_seal(
    snapshot: &Snapshot<'_>,
    own: &Own,
    conversation: &Conversation,
    others: &[Known],
) -> Result<bool> {
    if broken!("sent-to-old-clients") {
        return Ok(true);
    }
    let is_encrypted = conversation::level(snapshot, conversation)? >= Protection::Encrypted;
    if is_encrypted && !broken!("protection-forgotten") {
        return Ok(true);
    }
    let begins = own.policy.rollout == Rollout::Encrypt;
    Ok(begins && standing(snapshot, own, others)? != Standing::NotReady)
}

/// Takes note of a conversation in which the app wanted to send and could not: yields the rows of the contacts to be asked
/// about, so that it may rise.
pub(crate) fn decline(
    tx: &Tx<'_>,
    own: &Own,
    conversation: &Conversation,
    others: &[Known],
    now: u64,
) -> Result<Vec<i64>> {
    conversation::note(tx, conversation)?;
    offer(tx, own, conversation, others, now)?;
    let mut rows = Vec::new();
    if own.policy.rollout == Rollout::Read || own.policy.directory == Directory::InBand {
        return Ok(rows);
    }
    for known in others.iter().filter(|known| !known.list.as_ref().is_some_and(DeviceList::ready)) {
        let asked = Look::load(tx, &known.account)?.map(|look| look.at);
        if asked.is_none_or(|at| now.abs_diff(at) >= ASKED) {
            rows.push(known.row);
        }
    }
    Ok(rows)
}

/// Raises a conversation if everybody in it could read by now.
fn offer(tx: &Tx<'_>, own: &Own, conversation: &Conversation, others: &[Known], now: u64) -> Result<()> {
    if standing(tx, own, others)? != Standing::Ready {
        return Ok(());
    }
    let from = conversation::raise(tx, conversation, Protection::Offered)?;
    if from == Protection::Plain {
        raise(tx, What::Protection { conversation: conversation.clone(), from, to: Protection::Offered }, now)?;
    }
    Ok(())
}

/// Something is said encrypted in a conversation: it stays so. Yields the event, if it was not yet.
pub(crate) fn encrypted(tx: &Tx<'_>, own: &Own, conversation: &Conversation, now: u64) -> Result<Option<u64>> {
    let from = conversation::raise(tx, conversation, Protection::Encrypted)?;
    if from >= Protection::Encrypted {
        return Ok(None);
    }
    let to = now_is(tx, own, conversation, Protection::Encrypted)?;
    raise(tx, What::Protection { conversation: conversation.clone(), from, to }, now).map(Some)
}

/// What a level comes to with those who are verified now.
fn now_is(snapshot: &Snapshot<'_>, own: &Own, conversation: &Conversation, level: Protection) -> Result<Protection> {
    if level < Protection::Encrypted {
        return Ok(level);
    }
    for account in others(own, conversation) {
        if !Known::find(snapshot, account)?.is_some_and(|known| known.is_verified && !known.is_held()) {
            return Ok(level);
        }
    }
    Ok(Protection::Verified)
}

/// The accounts of a conversation other than ours.
fn others<'a>(own: &'a Own, conversation: &'a Conversation) -> impl Iterator<Item = &'a AccountId> {
    let all = match conversation {
        Conversation::Direct(account) => core::slice::from_ref(account),
        Conversation::Room { members, .. } => members,
    };
    all.iter().filter(|account| !own.is_own(account))
}

/// How far a conversation is protected.
pub(crate) fn of(snapshot: &Snapshot<'_>, own: &Own, conversation: &Conversation) -> Result<Protection> {
    let level = conversation::level(snapshot, conversation)?;
    now_is(snapshot, own, conversation, level)
}

/// The user has compared a contact's number: tells which conversations are verified by that.
pub(crate) fn confirmed(tx: &Tx<'_>, own: &Own, account: &AccountId, now: u64) -> Result<()> {
    for (conversation, level) in conversation::all(tx)? {
        if level < Protection::Encrypted || !others(own, &conversation).any(|other| other == account) {
            continue;
        }
        let to = now_is(tx, own, &conversation, level)?;
        if to > level {
            raise(tx, What::Protection { conversation, from: level, to }, now)?;
        }
    }
    Ok(())
}

/// The directory has answered for an account: what it is known by now is written already. If nobody waits to send,
/// conversations rise by it.
pub(crate) fn answered(tx: &Tx<'_>, own: &Own, known: &Known, is_absent: bool, why: Why, now: u64) -> Result<()> {
    if own.is_own(&known.account) {
        return Ok(());
    }
    let is_absent = is_absent && known.list.is_none();
    let is_ready = known.list.as_ref().is_some_and(DeviceList::ready);
    let before = Look::load(tx, &known.account)?;
    if !is_ready {
        Look { at: now, is_absent }.save(tx, &known.account)?;
    } else if before.is_some() {
        Look::delete(tx, &known.account)?;
    }
    let waited = why == Why::Refresh || own.policy.directory == Directory::InBand;
    if is_ready && (waited || before.is_some()) { follow(tx, own, known, now) } else { Ok(()) }
}

/// A contact has a list that says it is ready: raises the conversations that waited for it.
fn follow(tx: &Tx<'_>, own: &Own, known: &Known, now: u64) -> Result<()> {
    let direct = Conversation::Direct(known.account.clone());
    offer(tx, own, &direct, core::slice::from_ref(known), now)?;
    for (conversation, level) in conversation::all(tx)? {
        if level > Protection::Plain || !others(own, &conversation).any(|other| *other == known.account) {
            continue;
        }
        let mut people = Vec::new();
        for account in others(own, &conversation) {
            people.push(Known::find(tx, account)?.unwrap_or_else(|| Known::unseen(account.clone())));
        }
        offer(tx, own, &conversation, &people, now)?;
    }
    Ok(())
}

/// What came is not ours: tells so where all is ours. Old mail may be from before.
pub(crate) fn foreign(tx: &Tx<'_>, incoming: &Incoming, now: u64) -> Result<()> {
    let Some(conversation) = incoming.conversation.as_ref().filter(|_| !incoming.history) else { return Ok(()) };
    if conversation::level(tx, conversation)? < Protection::Encrypted || broken!("plaintext-untold") {
        return Ok(());
    }
    let (conversation, from, app_ref) = (conversation.clone(), incoming.from.clone(), incoming.app_ref.clone());
    raise_sparingly(tx, What::PlaintextInProtected { conversation, from, app_ref }, now)
}

/// What a new device of ours is told of it.
pub(crate) fn state(snapshot: &Snapshot<'_>) -> Result<Vec<Told>> {
    let mut state = Vec::new();
    for (conversation, level) in conversation::all(snapshot)? {
        let level = match level {
            Protection::Plain => continue,
            Protection::Offered => OFFERED,
            Protection::Encrypted | Protection::Verified => ENCRYPTED,
        };
        let place = match &conversation {
            Conversation::Direct(account) => Place::Direct(core_id(account)?),
            Conversation::Room { id, .. } => Place::Room(ok(CoreRoomId::new(id.as_bytes()))?),
        };
        state.push(Told { place, level });
    }
    Ok(state)
}

/// Takes over what another device of ours tells of it. Nothing is lowered by it.
pub(crate) fn take_over(tx: &Tx<'_>, state: &[Told]) -> Result<()> {
    for Told { place, level } in state {
        let conversation = match place {
            Place::Direct(account) => Conversation::Direct(door_id(account)?),
            // Who is in it, the app tells.
            Place::Room(id) => {
                Conversation::Room { id: RoomId::new(id.as_bytes()).map_err(|_| CORRUPT)?, members: Vec::new() }
            }
        };
        let level = if *level <= OFFERED { Protection::Offered } else { Protection::Encrypted };
        if !broken!("protection-untold-to-new-devices") {
            conversation::raise(tx, &conversation, level)?;
        }
    }
    Ok(())
}

/// When the directory was last asked about an account that could not read, and whether it knew it at all.
struct Look {
    at: u64,
    is_absent: bool,
}

impl Look {
    fn row(snapshot: &Snapshot<'_>, account: &AccountId) -> i64 {
        Kind::Look.row(snapshot, "look", account.as_bytes())
    }

    fn load(snapshot: &Snapshot<'_>, account: &AccountId) -> Result<Option<Self>> {
        let value = snapshot.get(Table::Meta, Self::row(snapshot, account))?;
        value.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, account: &AccountId) -> Result<()> {
        Ok(tx.put(Table::Meta, Self::row(tx, account), codec::encode(self).expose_secret())?)
    }

    fn delete(tx: &Tx<'_>, account: &AccountId) -> Result<()> {
        tx.delete(Table::Meta, Self::row(tx, account))?;
        Ok(())
    }
}

impl Row for Look {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.at).bool(self.is_absent);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { at: Row::read(reader)?, is_absent: Row::read(reader)? })
    }
}
