//! The key directory, as seen from here: what we publish, whose keys we ask for, and what its answers are worth.
//!
//! Nothing is believed of a directory but what is signed by the account that was asked for. An answer is examined without
//! a change, key agreements included, and committed after.

use sprag_core::handshake::{self, Fields};
use sprag_core::identity::{DeviceList, Pin};
use sprag_core::prekey::{Bundle, ReceivedPrekey};
use sprag_core::random::Random;
use sprag_core::ratchet::{HintKey, Progress, Session};
use sprag_core::wire::{self, Kind};

use crate::account::{Change, Own, Stage};
use crate::cards;
use crate::config::Directory;
use crate::contact::{ENOUGH, Known, SessionRef};
use crate::error::{Error, Result};
use crate::event::{ListRef, MessageState, Reason, What};
use crate::healing;
use crate::id::{AccountId, DeviceId};
use crate::lists;
use crate::notice::{raise, raise_sparingly};
use crate::outbox::{self, Cargo, Entry, Leaving, Queued};
use crate::prekeys::{self, Made};
use crate::protection;
use crate::request::{Action, FetchKeys, Found, ListWrite, Outcome, PublishKeys, Rejection, Wanted, Why};
use crate::resume::{self, Old};
use crate::session::{Stored, Unanswered};
use crate::store::{Snapshot, Tx};
use crate::trust;
use crate::upkeep::Upkeep;

/// Seconds after which keys that the directory refused are offered again.
const REFUSED: u64 = 3_600;

/// Seconds for which a signed prekey can be begun a session with: 60 days.
const LIFETIME: u64 = 60 * 86_400;

/// Queues what is to be published: new prekeys, and the list where another one is wanted than the directory has.
pub(crate) fn publish(tx: &Tx<'_>, own: &Own, made: Made, upkeep: &mut Upkeep, now: u64) -> Result<()> {
    let objects = prekeys::keep(tx, made, upkeep)?;
    let mut publish = PublishKeys::new(own.id()?, DeviceId(own.device.id()));
    if let Some(signed) = objects.signed.as_ref().filter(|_| own.policy.directory != Directory::Full) {
        cards::keep_prekey(tx, &publish.account, signed)?;
    }
    if own.policy.directory == Directory::KeyValue {
        return look_first(tx, own, upkeep, now);
    }
    publish.list = next_list(tx, own, upkeep, now)?;
    publish.signed_prekey = objects.signed;
    publish.one_time = objects.one_time;
    if publish.list.is_none() && publish.signed_prekey.is_none() && publish.one_time.is_empty() {
        return Ok(());
    }
    Entry::request(tx, 0, Action::PublishKeys(publish), now).map(|_| ())
}

/// Asks for our one value, if it is to be another: it is put back with what else is in it.
fn look_first(tx: &Tx<'_>, own: &Own, upkeep: &Upkeep, now: u64) -> Result<()> {
    let is_list_wanted = own.key.is_some() && (!own.changes.is_empty() || upkeep.published == 0);
    let is_prekey_wanted = upkeep.signed.is_some_and(|signed| !signed.published);
    if own.stage != Stage::Member || !(is_list_wanted || is_prekey_wanted) || is_publishing(tx)? {
        return Ok(());
    }
    match Known::find(tx, &own.id()?)? {
        Some(mut known) => ask(tx, &mut known, Why::SelfCheck, now),
        None => Ok(()),
    }
}

/// Our one value was answered, and what is new in it followed: puts ours in its place, if it is another.
pub(crate) fn put_back(tx: &Tx<'_>, shown: &[Vec<u8>], now: u64) -> Result<()> {
    let own = Own::load(tx)?;
    if own.policy.directory != Directory::KeyValue || own.stage != Stage::Member || is_publishing(tx)? {
        return Ok(());
    }
    let mut upkeep = Upkeep::load(tx)?;
    let list = next_list(tx, &own, &upkeep, now)?;
    let next = list.as_ref().map(|write| DeviceList::reopen(&write.object)).transpose()?;
    let (value, signed) = match cards::value(tx, &own, next.as_ref().unwrap_or(&own.list)) {
        Err(Error::NotAllowed) => return Ok(()),
        value => value?,
    };
    let mut publish = PublishKeys::new(own.id()?, DeviceId(own.device.id()));
    (publish.list, publish.signed_prekey) = (list, signed);
    if shown.contains(&value) {
        // Only the answer was lost on its way.
        taken(tx, &mut upkeep, &publish, now)?;
        return upkeep.save(tx);
    }
    publish.value = Some(value);
    Entry::request(tx, 0, Action::PublishKeys(publish), now).map(|_| ())
}

/// The list that is to be offered: the account's first, or ours with the changes that are wanted. It becomes ours when the
/// directory has it, for of two devices that change it at once only one can come first. None while one is on its way.
fn next_list(tx: &Tx<'_>, own: &Own, upkeep: &Upkeep, now: u64) -> Result<Option<ListWrite>> {
    let is_list = |cargo: &Cargo| matches!(&cargo.action, Action::PublishKeys(publish) if publish.list.is_some());
    if Cargo::all(tx)?.iter().any(is_list) {
        return Ok(None);
    }
    let write = |list: &DeviceList, expected| {
        let (object, sequence) = (list.as_bytes().to_vec(), list.sequence());
        Some(ListWrite { object, sequence, expected })
    };
    if upkeep.published == 0 && own.key.is_some() && own.list.sequence() == 1 {
        return Ok(write(&own.list, 0));
    }
    let expected = own.list.sequence();
    Ok(own.next_list(&own.list, now).and_then(|list| write(&list, expected)))
}

/// Wants a change of our list.
pub(crate) fn change_list(tx: &Tx<'_>, own: &mut Own, change: Change, now: u64) -> Result<()> {
    own.changes.push(change);
    own.save(tx)?;
    let mut upkeep = Upkeep::load(tx)?;
    publish(tx, own, Made::default(), &mut upkeep, now)
}

/// Offers our list as it is to a directory that shows the one of this number, or none.
pub(crate) fn offer_again(tx: &Tx<'_>, own: &Own, expected: u64, now: u64) -> Result<()> {
    if own.key.is_none() || own.policy.directory == Directory::KeyValue || is_publishing(tx)? {
        return Ok(());
    }
    let (object, sequence) = (own.list.as_bytes().to_vec(), own.list.sequence());
    let mut publish = PublishKeys::new(own.id()?, DeviceId(own.device.id()));
    publish.list = Some(ListWrite { object, sequence, expected });
    Entry::request(tx, 0, Action::PublishKeys(publish), now).map(|_| ())
}

/// Whether keys wait to be published.
pub(crate) fn is_publishing(snapshot: &Snapshot<'_>) -> Result<bool> {
    Ok(Cargo::all(snapshot)?.iter().any(|cargo| matches!(cargo.action, Action::PublishKeys(_))))
}

/// What became of keys that were to be published. What the directory did not take is offered again: without its keys an
/// account cannot be written to.
///
/// # Errors
/// [`Error::Misuse`] for an outcome that does not answer this.
pub(crate) fn published(
    tx: &Tx<'_>,
    row: i64,
    entry: &mut Entry,
    publish: PublishKeys,
    outcome: &Outcome,
    now: u64,
) -> Result<()> {
    match outcome {
        Outcome::Published { one_time_left } => {
            let mut upkeep = Upkeep::load(tx)?;
            upkeep.one_time_left = *one_time_left;
            done(tx, row, upkeep, &publish, now)
        }
        Outcome::Conflict { .. } if publish.value.is_some() => {
            Entry::remove(tx, row)?;
            look_first(tx, &Own::load(tx)?, &Upkeep::load(tx)?, now)
        }
        Outcome::Conflict { list } => conflicting(tx, row, entry, publish, list, now),
        Outcome::Rejected(_) | Outcome::TooLarge { .. } => {
            if broken!("refused-keys-forgotten") {
                return Entry::remove(tx, row);
            }
            if entry.attempt <= 1 {
                raise_sparingly(tx, What::KeysLow { left: 0 }, now)?;
            }
            let at = now.saturating_add(REFUSED);
            entry.put_off(tx, row, at)?;
            Upkeep::put_off(tx, at, now)
        }
        _ => Err(Error::Misuse("this outcome does not answer PublishKeys")),
    }
}

/// The directory has another list than the one that ours was to follow, and stored nothing.
fn conflicting(
    tx: &Tx<'_>,
    row: i64,
    entry: &mut Entry,
    mut publish: PublishKeys,
    list: &[u8],
    now: u64,
) -> Result<()> {
    let own = Own::load(tx)?;
    if publish.list.as_ref().is_some_and(|write| write.object == list) {
        // Only the answer was lost on its way.
        return done(tx, row, Upkeep::load(tx)?, &publish, now);
    }
    let theirs = DeviceList::open(list).ok();
    let is_ours = theirs.as_ref().is_none_or(|theirs| *theirs.account() == *own.account());
    let is_behind = is_ours && theirs.as_ref().is_none_or(|theirs| theirs.sequence() <= own.list.sequence());
    if let (true, Some(write)) = (is_behind, &mut publish.list) {
        // One of our own lists from before, or none at all.
        write.expected = theirs.as_ref().map_or(0, DeviceList::sequence);
    } else {
        publish.list = None;
    }
    if let Some(theirs) = theirs.filter(|_| !is_behind) {
        if is_ours && merge(tx, &own, &theirs, now)? {
            Entry::remove(tx, row)?;
            let mut upkeep = Upkeep::load(tx)?;
            upkeep.published = upkeep.published.max(theirs.sequence());
            upkeep.save(tx)?;
            return publish_rest(tx, &mut upkeep, now);
        }
        let mine = ListRef::new(own.list.sequence(), *own.list.hash());
        let theirs = ListRef::new(theirs.sequence(), *theirs.hash());
        raise_sparingly(tx, What::ListConflict { account: own.id()?, mine, theirs }, now)?;
    }
    if publish.list.is_none() && publish.signed_prekey.is_none() && publish.one_time.is_empty() {
        return Entry::remove(tx, row);
    }
    Cargo::request(Action::PublishKeys(publish)).save(tx, row)?;
    // At once the first time; a directory that answers so for ever is asked ever less often.
    let delay = if entry.attempt <= 1 { 0 } else { (1_u64 << entry.attempt.min(10)).min(REFUSED) };
    let at = now.saturating_add(delay);
    entry.put_off(tx, row, at)?;
    if delay > 0 { Upkeep::put_off(tx, at, now) } else { Ok(()) }
}

/// Follows to a list that another of our devices has published before us, if it may follow.
fn merge(tx: &Tx<'_>, own: &Own, theirs: &DeviceList, now: u64) -> Result<bool> {
    let Some(mut known) = Known::find(tx, &own.id()?)? else { return Ok(false) };
    let Some(pin) = &known.pin else { return Ok(false) };
    let Some(pin) = own.heirs_pin(pin, theirs).or_else(|| pin.accept(theirs).ok().map(|accepted| accepted.pin)) else {
        return Ok(false);
    };
    known.adopt(tx, own, pin, theirs.clone(), now)?;
    known.save(tx)?;
    Ok(true)
}

fn done(tx: &Tx<'_>, row: i64, mut upkeep: Upkeep, publish: &PublishKeys, now: u64) -> Result<()> {
    taken(tx, &mut upkeep, publish, now)?;
    upkeep.save(tx)?;
    Entry::remove(tx, row)?;
    publish_rest(tx, &mut upkeep, now)
}

/// Offers what the list that was offered last did not say.
fn publish_rest(tx: &Tx<'_>, upkeep: &mut Upkeep, now: u64) -> Result<()> {
    publish(tx, &Own::load(tx)?, Made::default(), upkeep, now)
}

fn taken(tx: &Tx<'_>, upkeep: &mut Upkeep, publish: &PublishKeys, now: u64) -> Result<()> {
    if let Some(write) = &publish.list {
        upkeep.published = upkeep.published.max(write.sequence);
        let own = Own::load(tx)?;
        if let Some(list) = DeviceList::reopen(&write.object).ok().filter(|list| list.hash() != own.list.hash()) {
            merge(tx, &own, &list, now)?;
            tell_own_devices(tx, upkeep, &own)?;
        }
    }
    match &publish.signed_prekey {
        // A card with the one before it may lie unread for as long as that is good for.
        Some(object) if Own::load(tx)?.policy.directory == Directory::InBand => {
            prekeys::acknowledged(tx, upkeep, object, now.saturating_add(LIFETIME))
        }
        Some(object) => prekeys::acknowledged(tx, upkeep, object, now),
        None => Ok(()),
    }
}

/// Has an empty message go to our other devices: our new list rides in it.
fn tell_own_devices(tx: &Tx<'_>, upkeep: &mut Upkeep, own: &Own) -> Result<()> {
    let Some(mut known) = Known::find(tx, &own.id()?)? else { return Ok(()) };
    if known.sessions.is_empty() {
        return Ok(());
    }
    known.owes_answer = true;
    known.save(tx)?;
    if !upkeep.owed.contains(&known.row) {
        upkeep.owed.push(known.row);
    }
    Ok(())
}

/// Asks for the keys of a contact, once.
pub(crate) fn ask_for_keys(tx: &Tx<'_>, known: &mut Known, now: u64) -> Result<()> {
    ask(tx, known, Why::Send, now)
}

/// The same, and not before this time.
pub(crate) fn ask_from(tx: &Tx<'_>, known: &mut Known, at: u64, now: u64) -> Result<()> {
    let Some(row) = put_question(tx, known, Why::Send, now)?.filter(|_| at > now) else { return Ok(()) };
    if let Some(mut entry) = Entry::load(tx, row)? {
        entry.put_off(tx, row, at)?;
    }
    Upkeep::put_off(tx, at, now)
}

/// Asks for what the directory has of an account, once, and says why.
pub(crate) fn ask(tx: &Tx<'_>, known: &mut Known, why: Why, now: u64) -> Result<()> {
    put_question(tx, known, why, now).map(|_| ())
}

/// Yields the number of the request, if there is a new one.
fn put_question(tx: &Tx<'_>, known: &mut Known, why: Why, now: u64) -> Result<Option<i64>> {
    if known.fetching {
        return Ok(None);
    }
    known.fetching = true;
    known.save(tx)?;
    let known_sequence = known.pin.as_ref().map_or(0, Pin::sequence);
    let wanted = Wanted { account: known.account.clone(), known_sequence };
    let is_to_send = why == Why::Send;
    // To see whether an expired list has a follower, no one-time prekey is used up.
    let is_list_alone = lists::is_due(tx, known, now)? && has_sessions(tx, known, now)?;
    let fetch = FetchKeys::new(vec![wanted], is_to_send && !is_list_alone, why, is_to_send);
    Entry::request(tx, known.row, Action::FetchKeys(fetch), now).map(Some)
}

/// Asks for the keys of the contacts in these rows.
pub(crate) fn ask_for_all(tx: &Tx<'_>, rows: &[i64], now: u64) -> Result<()> {
    rows.iter().try_for_each(|row| ask_for_keys(tx, &mut Known::load(tx, *row)?, now))
}

/// Has a message of ours leave, now or when the keys that it lacks are here. Tells whether it will.
pub(crate) fn leave(tx: &Tx<'_>, own: &Own, message: Queued, now: u64, random: &mut dyn Random) -> Result<bool> {
    match outbox::leave(tx, own, message, now, random)? {
        Leaving::Sealed => Ok(true),
        Leaving::Never => Ok(false),
        Leaving::Missing(message, rows) => {
            outbox::wait(tx, *message)?;
            ask_for_all(tx, &rows, now)?;
            Ok(true)
        }
    }
}

/// What an answer is worth.
pub(crate) enum Answer {
    /// Nothing can be sent for it.
    Refused(Reason),
    /// The directory shows another list than the one we know.
    Conflict { reason: Reason, theirs: ListRef, list: Box<DeviceList> },
    /// The directory shows another account key than the pinned one, and the user is to decide.
    Offered(Box<DeviceList>),
    /// A list that may follow, and sessions begun with the devices on it.
    Genuine(Box<Genuine>),
}

/// A genuine answer.
pub(crate) struct Genuine {
    pin: Pin,
    list: DeviceList,
    /// Whether it is of another account key than the pinned one.
    is_successor: bool,
    /// What it was asked for. To see who can read, no session is begun.
    why: Why,
    begun: Vec<Begun>,
    /// Devices that no session could be begun with, and why.
    unreachable: Vec<(u32, Reason)>,
}

/// A session of ours that is in no store yet.
pub(crate) struct Begun {
    reference: SessionRef,
    session: Session,
    fields: Fields,
    /// The session that it continues, and how far we are in it.
    continues: Option<(u32, Progress)>,
}

/// Finds out what a directory's answer about a contact is worth. Nothing is pinned but the id that was asked for.
pub(crate) fn examine(
    snapshot: &Snapshot<'_>,
    own: &Own,
    known: &Known,
    why: Why,
    outcome: &Outcome,
    now: u64,
    random: &mut dyn Random,
) -> Result<Answer> {
    let found = match outcome {
        Outcome::Keys { found, .. } => found.iter().find(|answer| answer.account == known.account),
        Outcome::Rejected(Rejection::NoSuchAccount) => return Ok(Answer::Refused(Reason::NoSuchAccount)),
        Outcome::Rejected(Rejection::Forbidden) => return Ok(Answer::Refused(Reason::Forbidden)),
        Outcome::Rejected(_) => return Ok(Answer::Refused(Reason::Refused)),
        _ => return Err(Error::Misuse("this outcome does not answer FetchKeys")),
    };
    let Some(Found { parts, .. }) = found else { return Ok(Answer::Refused(Reason::NoKeys)) };
    let parts = cards::objects(parts);
    let of = |kind| parts.iter().filter(move |part| wire::kind_of(part) == Ok(kind));
    let Some(list) = of(Kind::List).next() else { return Ok(Answer::Refused(Reason::NoKeys)) };
    let list = match DeviceList::open(list).and_then(|list| list.check_time(now).map(|()| list)) {
        Ok(list) => list,
        Err(error) => return Ok(Answer::Refused(error.into())),
    };
    if known.pin.is_none() && !cards::is_expected(snapshot, list.account())? {
        return Ok(Answer::Refused(Reason::Mismatch));
    }
    let (pin, is_successor) = match follow(own, known, &list) {
        Ok(followed) => followed,
        Err(answer) => return Ok(answer),
    };
    // A part that does not parse is as if it had not come: a server cannot block the others by it.
    let prekeys: Vec<_> = of(Kind::Prekey).filter_map(|part| ReceivedPrekey::parse(part).ok()).collect();
    let (mut begun, mut unreachable) = (Vec::new(), Vec::new());
    for device in list.devices().filter(|device| device.device_key != own.device.device_key()) {
        if why == Why::Refresh {
            break;
        }
        let wanted = if is_successor { None } else { healing::is_wanted(snapshot, known, device.id)? };
        if !is_successor && wanted.is_none() && has_session(snapshot, known, device.id, now)? {
            continue;
        }
        let continues = !is_successor && wanted.unwrap_or(true);
        let old = if continues { resume::latest(snapshot, known, device.id)? } else { None };
        match begin(own, &list, device.id, &prekeys, old, now, random) {
            Ok(session) => begun.push(session),
            Err(sprag_core::Error::KeyGone) => unreachable.push((device.id, Reason::NoKeys)),
            Err(error) => unreachable.push((device.id, error.into())),
        }
    }
    Ok(Answer::Genuine(Box::new(Genuine { pin, list, is_successor, why, begun, unreachable })))
}

/// The pin with this list as its latest, and whether it is one of another account key.
fn follow(own: &Own, known: &Known, list: &DeviceList) -> core::result::Result<(Pin, bool), Answer> {
    if list.account().id.as_bytes() != known.account.as_bytes() {
        return Err(Answer::Refused(Reason::Mismatch));
    }
    let Some(pin) = &known.pin else { return Ok((Pin::first(list), false)) };
    if *pin.account() != *list.account() {
        if let Some(pin) = own.heirs_pin(pin, list).filter(|_| own.is_own(&known.account)) {
            return Ok((pin, false));
        }
        let is_asked = trust::is_asked(own, known);
        return if is_asked { Err(Answer::Offered(Box::new(list.clone()))) } else { Ok((Pin::first(list), true)) };
    }
    let theirs = ListRef { sequence: list.sequence(), hash: *list.hash() };
    pin.accept(list).map(|accepted| (accepted.pin, false)).map_err(|error| Answer::Conflict {
        reason: error.into(),
        theirs,
        list: Box::new(list.clone()),
    })
}

/// Whether there is a session with a device that need not be begun anew.
fn has_session(snapshot: &Snapshot<'_>, known: &Known, device: u32, now: u64) -> Result<bool> {
    let Some(session) = known.session_with(device) else { return Ok(false) };
    let row = known.session_row(session.ordinal);
    let unanswered = if session.heard { None } else { Unanswered::load(snapshot, row)? };
    let is_lost = unanswered.is_some_and(|unanswered| unanswered.is_lost(now));
    Ok(!is_lost && Stored::load(snapshot, row)?.session.remaining() >= ENOUGH)
}

/// Whether there are sessions with all of a contact's devices, and none is to be begun anew.
fn has_sessions(snapshot: &Snapshot<'_>, known: &Known, now: u64) -> Result<bool> {
    for device in known.list.iter().flat_map(DeviceList::devices) {
        let is_wanted = healing::is_wanted(snapshot, known, device.id)?.is_some();
        if is_wanted || !has_session(snapshot, known, device.id, now)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Begun {
    /// Which device it is with.
    pub(crate) const fn device(&self) -> u32 {
        self.reference.device
    }
}

/// Begins a session with a device of a list.
pub(crate) fn begin(
    own: &Own,
    list: &DeviceList,
    device: u32,
    prekeys: &[ReceivedPrekey],
    old: Option<Old>,
    now: u64,
    random: &mut dyn Random,
) -> sprag_core::Result<Begun> {
    let bundle = Bundle::pick(list, device, prekeys)?.verify(now)?;
    let resumption = old.as_ref().map(|old| &old.resumption);
    let begun = handshake::initiate(own.account(), &own.device, bundle, resumption, random)?;
    let hint = HintKey::between(own.device.identity(), &begun.device.identity_key)?;
    let session = Session::initiate(begun.established, begun.their_ratchet_key, random)?;
    let (device_key, transcript) = (begun.device.device_key, *session.transcript());
    let reference = SessionRef {
        ordinal: 0,
        device,
        device_key,
        transcript,
        heard: false,
        hint,
        marks: 0,
        generation: 0,
        knows: 0,
    };
    let continues = old.map(|old| (old.ordinal, old.progress));
    Ok(Begun { reference, session, fields: begun.fields, continues })
}

/// Takes over what an answer is worth, and sends what waited for it.
pub(crate) fn commit(
    tx: &Tx<'_>,
    own: &Own,
    mut known: Known,
    answer: Answer,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    known.fetching = false;
    let refused = match answer {
        Answer::Refused(reason) => {
            lists::answered(tx, &known, None, now)?;
            reason
        }
        Answer::Conflict { reason, theirs, .. } => {
            conflict(tx, &known, theirs, now)?;
            lists::answered(tx, &known, Some(&theirs), now)?;
            reason
        }
        Answer::Offered(list) => {
            known.save(tx)?;
            return trust::offer(tx, own, known, *list, now);
        }
        Answer::Genuine(genuine) => {
            let Genuine { pin, list, is_successor, why, begun, unreachable } = *genuine;
            if is_successor {
                trust::succeed(tx, own, &mut known, list.account(), now)?;
            }
            let is_ours = own.is_own(&known.account);
            known.adopt(tx, own, pin, list, now)?;
            let devices: Vec<u32> = begun.iter().map(Begun::device).collect();
            for begun in begun {
                take_up(tx, &mut known, begun, now)?;
            }
            for (device, _) in &unreachable {
                known.note_without_keys(*device, now);
            }
            let is_reached = is_ours || known.is_reachable();
            match unreachable.first() {
                Some((_, reason)) if !is_reached => *reason,
                _ => {
                    known.save(tx)?;
                    lists::answered(tx, &known, None, now)?;
                    for device in devices {
                        healing::begun(tx, own, &known, device, now, random)?;
                    }
                    if why != Why::Refresh {
                        flush(tx, &known, now, random)?;
                    } else {
                        // Meanwhile something may have come to wait for what was not asked for.
                        let wanted = outbox::flush(tx, &Own::load(tx)?, &known.account, now, random)?;
                        ask_for_all(tx, &wanted, now)?;
                    }
                    return protection::answered(tx, &Own::load(tx)?, &known, false, why, now);
                }
            }
        }
    };
    known.save(tx)?;
    if lists::is_expired(&known, now) && known.is_reachable() {
        return flush(tx, &known, now, random);
    }
    let is_absent = matches!(refused, Reason::NoKeys | Reason::NoSuchAccount);
    protection::answered(tx, own, &known, is_absent, Why::Send, now)?;
    outbox::stop_waiting(tx, &known, MessageState::Failed, refused, now).map(|_| ())
}

/// The directory cannot be reached about a contact: what waits only because its list has expired goes on.
pub(crate) fn unreachable(tx: &Tx<'_>, contact: i64, now: u64, random: &mut dyn Random) -> Result<()> {
    let known = Known::load(tx, contact)?;
    let own = Own::load(tx)?;
    if own.is_own(&known.account) || !lists::is_due(tx, &known, now)? || !known.is_reachable() {
        return Ok(());
    }
    lists::unanswered(tx, &known, now)?;
    outbox::flush(tx, &own, &known.account, now, random).map(|_| ())
}

/// Sends what waited for this contact's keys; asks for those that are wanting still.
pub(crate) fn flush(tx: &Tx<'_>, known: &Known, now: u64, random: &mut dyn Random) -> Result<()> {
    // Our own list may be another one by now.
    let wanted = outbox::flush(tx, &Own::load(tx)?, &known.account, now, random)?;
    if wanted.contains(&known.row) {
        outbox::stop_waiting(tx, known, MessageState::Failed, Reason::NoKeys, now)?;
    }
    let rest: Vec<i64> = wanted.into_iter().filter(|row| *row != known.row).collect();
    ask_for_all(tx, &rest, now)
}

fn conflict(tx: &Tx<'_>, known: &Known, theirs: ListRef, now: u64) -> Result<()> {
    let account: AccountId = known.account.clone();
    let mine = known.list_ref();
    raise(tx, What::ListConflict { account, mine, theirs }, now).map(|_| ())
}

/// Takes up a session that was begun. The contact is to be saved after.
pub(crate) fn take_up(tx: &Tx<'_>, known: &mut Known, begun: Begun, now: u64) -> Result<()> {
    let Begun { mut reference, session, fields, continues } = begun;
    known.mark_spent(tx, reference.device)?;
    reference.generation = known.generation_after(continues.map(|(old, _)| old), reference.device);
    let ordinal = known.add_session(tx, reference)?;
    let row = known.session_row(ordinal);
    Unanswered::new(fields, continues.map(|(_, progress)| progress), now).save(tx, row)?;
    Stored::new(session).save(tx, row)
}
