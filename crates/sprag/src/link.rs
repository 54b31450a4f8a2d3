//! Linking: a new device on its way onto its account's list, as either end sees it.
//!
//! ```text
//!   new device: Newcomer ──offer came──▶ Own (joining) ──list came──▶ Own (member)
//!   the other:  admit ──▶ Admission ──answer came──▶ change of the list ──published──▶ session, state
//! ```
//! It sees no code but through the user, and believes no server.

use sprag_core::identity::{DeviceKeys, DeviceList, Pin};
use sprag_core::link::{self, Admitted, LinkCode as Code, LinkId, Offered, Phase, ScannedCode};
use sprag_core::prekey::ReceivedPrekey;
use sprag_core::random::Random;
use sprag_core::secret::SecretBytes;
use sprag_core::wire::{self, Kind, Reader, Writer};

use crate::account::{Change, Own, Stage, core_id};
use crate::cards;
use crate::codec::{self, CORRUPT, Row, ok, read_list, write_list};
use crate::config::{Directory, Policy};
use crate::contact::Known;
use crate::directory::{self, Begun};
use crate::error::{Error, Result};
use crate::event::{Finding, Healing, Incoming, LinkPhase, Reason, What};
use crate::id::{AccountId, BlobId, Conversation, DeviceId, LinkCode};
use crate::notice::{raise, raise_sparingly};
use crate::outbox::{self, Entry};
use crate::prekeys::{self, Made};
use crate::request::{Action, PublishKeys, Send};
use crate::rows::{ADMISSIONS, NEWCOMER};
use crate::store::{Snapshot, Table, Tx};
use crate::upkeep::Upkeep;
use crate::welcome;

/// Seconds that a code lives.
const CODE_LIFE: u64 = 60;

/// Seconds for which an offer waits for its answer.
const PATIENCE: u64 = 15 * 60;

/// The most offers that wait at once.
const MAX_ADMISSIONS: usize = 8;

/// Whether bytes are part of a linking.
pub(crate) fn is_link(bytes: &[u8]) -> bool {
    matches!(wire::kind_of(bytes), Ok(Kind::Link))
}

/// A device that has keys of its own and belongs to no account yet.
pub(crate) struct Newcomer {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceKeys,
    policy: Policy,
    /// The code that is shown, and when it was made.
    code: Option<(Code, u64)>,
}

impl Newcomer {
    pub(crate) fn create(account: AccountId, policy: Policy, random: &mut dyn Random) -> Self {
        Self { account, device: DeviceKeys::create(random), policy, code: None }
    }

    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Option<Self>> {
        snapshot.get(Table::Meta, NEWCOMER)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    pub(crate) fn save(&self, tx: &Tx<'_>) -> Result<()> {
        Ok(tx.put(Table::Meta, NEWCOMER, codec::encode(self).expose_secret())?)
    }

    /// A fresh code; the one before is worth nothing from now on.
    pub(crate) fn show(&mut self, now: u64, random: &mut dyn Random) -> Result<LinkCode> {
        let code = Code::create(&core_id(&self.account)?, &self.device, now, random);
        let bytes = SecretBytes::new(code.expose_bytes().to_vec());
        let shown = LinkCode::new(bytes, code.expose_text(), code.digits(), now.saturating_add(CODE_LIFE));
        self.code = Some((code, now));
        Ok(shown)
    }
}

/// What a link object is worth.
pub(crate) enum Examined {
    /// Nothing.
    Plain(Finding),
    /// It is for us, and does not do.
    Refused(Reason),
    /// An offer for the code that we show, and our answer to it.
    Offer(Box<Joining>),
    /// The answer to an offer of ours.
    Answer(Box<Admitted>, LinkId),
}

/// All that a device has when it has answered an offer.
pub(crate) struct Joining {
    own: Own,
    answer: Vec<u8>,
    made: Made,
}

/// Finds out about a link object, without a change.
pub(crate) fn examine(snapshot: &Snapshot<'_>, bytes: &[u8], now: u64, random: &mut dyn Random) -> Result<Examined> {
    let (phase, id) = match link::peek(bytes) {
        Ok(peeked) => peeked,
        Err(error) => return Ok(Examined::Refused(error.into())),
    };
    match phase {
        Phase::Offer => offered(snapshot, id, bytes, now, random),
        Phase::Answer => answered(snapshot, id, bytes, now),
    }
}

fn offered(snapshot: &Snapshot<'_>, id: LinkId, bytes: &[u8], now: u64, random: &mut dyn Random) -> Result<Examined> {
    let Some(newcomer) = Newcomer::load(snapshot)? else { return Ok(Examined::Plain(Finding::NotAddressed)) };
    let Some((code, made_at)) = newcomer.code.as_ref().filter(|(code, _)| code.id() == id) else {
        return Ok(Examined::Plain(Finding::NotAddressed));
    };
    // By this device's own clock: whoever holds an offer back until the user looks away has lost.
    if now.abs_diff(*made_at) > CODE_LIFE && !broken!("link-codes-live-on") {
        return Ok(Examined::Refused(Reason::Expired));
    }
    let offer = match code.open_offer(&newcomer.device, bytes, now) {
        Ok(offer) => offer,
        Err(error) => return Ok(Examined::Refused(error.into())),
    };
    let left = (newcomer.policy.directory == Directory::Full).then_some(0);
    let made = prekeys::make(None, &newcomer.device, left, now, random);
    let answer = offer.answer(&newcomer.device, made.signed_object().ok_or(CORRUPT)?, random)?;
    let device = ok(DeviceKeys::decode(newcomer.device.encode().expose_secret()))?;
    let own = Own {
        key: None,
        device,
        list: offer.list().clone(),
        policy: newcomer.policy.clone(),
        changes: Vec::new(),
        stage: Stage::Joining,
        heir: None,
        unkeyed: Vec::new(),
    };
    Ok(Examined::Offer(Box::new(Joining { own, answer, made })))
}

fn answered(snapshot: &Snapshot<'_>, id: LinkId, bytes: &[u8], now: u64) -> Result<Examined> {
    let waiting = Admission::all(snapshot)?;
    let Some(admission) = waiting.iter().find(|admission| admission.offered.id() == id && admission.is_open(now))
    else {
        return Ok(Examined::Plain(Finding::NotAddressed));
    };
    Ok(match admission.offered.open_answer(bytes, now) {
        Ok(admitted) => Examined::Answer(Box::new(admitted), id),
        Err(error) => Examined::Refused(error.into()),
    })
}

/// Makes the changes of what was found out.
pub(crate) fn commit(tx: &Tx<'_>, examined: Examined, incoming: &Incoming, now: u64) -> Result<Finding> {
    match examined {
        Examined::Plain(finding) => Ok(finding),
        Examined::Refused(reason) => refused(tx, reason, incoming, now),
        Examined::Offer(joining) => join(tx, *joining, now),
        Examined::Answer(admitted, id) => admit(tx, *admitted, id, incoming, now),
    }
}

fn refused(tx: &Tx<'_>, reason: Reason, incoming: &Incoming, now: u64) -> Result<Finding> {
    let (app_ref, blob_id) = (incoming.app_ref.clone(), BlobId::of(&incoming.bytes));
    let healing = Healing::Final;
    let what = What::Unreadable { app_ref, blob_id, from: incoming.from.clone(), reason, healing };
    raise_sparingly(tx, what, now)?;
    Ok(Finding::Unreadable { reason, healing })
}

/// The new device has an account now, and waits to be on its list.
fn join(tx: &Tx<'_>, joining: Joining, now: u64) -> Result<Finding> {
    let Joining { own, answer, made } = joining;
    let mut newcomer = Newcomer::load(tx)?.ok_or(CORRUPT)?;
    newcomer.code = None;
    newcomer.save(tx)?;
    own.save(tx)?;
    let me = own.id()?;
    let mut known = Known::find(tx, &me)?.unwrap_or_else(|| Known::unseen(me.clone()));
    known.pin = Some(Pin::first(&own.list));
    known.list = Some(own.list.clone());
    known.save(tx)?;
    let mut upkeep = Upkeep::load(tx)?;
    directory::publish(tx, &own, made, &mut upkeep, now)?;
    upkeep.save(tx)?;
    welcome::expect(tx, now)?;
    carry(tx, &own, known.row, answer, now)?;
    let event = raise(tx, What::Link { phase: LinkPhase::Offered, device: None }, now)?;
    Ok(Finding::Opened { events: vec![event] })
}

/// Has a link object go to our own account's devices.
fn carry(tx: &Tx<'_>, own: &Own, lane: i64, object: Vec<u8>, now: u64) -> Result<()> {
    let (me, body) = (own.id()?, outbox::body(own, &object)?);
    let mut send = Send::new(Conversation::Direct(me.clone()), vec![me], body, [0; 32]);
    send.blob_id = BlobId::of(&object);
    Entry::request(tx, lane, Action::Send(send), now).map(|_| ())
}

/// An offer that waits for its answer, and then for the list.
struct Admission {
    offered: Offered,
    at: u64,
    /// The device that answered, and its signed prekey.
    answer: Option<(u32, Vec<u8>)>,
}

impl Admission {
    fn all(snapshot: &Snapshot<'_>) -> Result<Vec<Self>> {
        let Some(value) = snapshot.get(Table::Meta, ADMISSIONS)? else { return Ok(Vec::new()) };
        let mut reader = Reader::new(value.expose_secret());
        let all = read_list(&mut reader)?;
        ok(reader.end())?;
        Ok(all)
    }

    fn save_all(tx: &Tx<'_>, all: &[Self]) -> Result<()> {
        let mut writer = Writer::new();
        write_list(&mut writer, all);
        Ok(tx.put(Table::Meta, ADMISSIONS, writer.finish_secret().expose_secret())?)
    }

    const fn is_open(&self, now: u64) -> bool {
        self.answer.is_none() && now.abs_diff(self.at) <= PATIENCE
    }
}

/// Offers our account to the device whose code was scanned, once the user has confirmed its digits.
///
/// # Errors
/// [`Error::NotAllowed`] for other digits, or without the account key; [`Error::Misuse`] for what is no code, or one for
/// another account; for a list that is full.
pub(crate) fn offer(
    tx: &Tx<'_>,
    own: &Own,
    code: ScannedCode,
    digits: &str,
    grant_account_key: bool,
    now: u64,
    random: &mut dyn Random,
) -> Result<()> {
    own.check_member()?;
    let typed: String = digits.chars().filter(char::is_ascii_digit).collect();
    if typed != code.digits() && !broken!("links-without-consent") {
        return Err(Error::NotAllowed);
    }
    let key = own.key.as_ref().ok_or(Error::NotAllowed)?;
    if *code.account() != own.account().id {
        return Err(Error::Misuse("the code is of a device for another account"));
    }
    let offer = code.offer(key, &own.device, &own.list, grant_account_key, random);
    let (offered, object) = match offer {
        Ok(made) => made,
        Err(sprag_core::Error::TooLarge) => return Err(Error::Misuse("an account has at most 16 devices")),
        Err(error) => return Err(error.into()),
    };
    let mut waiting = Admission::all(tx)?;
    waiting.retain(|admission| admission.offered.id() != offered.id() && now.abs_diff(admission.at) <= PATIENCE);
    waiting.push(Admission { offered, at: now, answer: None });
    let surplus = waiting.len().saturating_sub(MAX_ADMISSIONS);
    waiting.drain(..surplus);
    Admission::save_all(tx, &waiting)?;
    let me = own.id()?;
    let known = Known::find(tx, &me)?.ok_or(CORRUPT)?;
    carry(tx, own, known.row, object, now)
}

/// The new device has answered: it is to be on the next list.
fn admit(tx: &Tx<'_>, admitted: Admitted, id: LinkId, incoming: &Incoming, now: u64) -> Result<Finding> {
    let mut waiting = Admission::all(tx)?;
    let admission = waiting.iter_mut().find(|admission| admission.offered.id() == id).ok_or(CORRUPT)?;
    let mut own = Own::load(tx)?;
    if !own.could_add(&admitted.entry, now) {
        // Signed for a key that another has followed since, or for a list that is full.
        return refused(tx, Reason::Mismatch, incoming, now);
    }
    let device = admitted.device.id;
    admission.answer = Some((device, admitted.prekey_object));
    Admission::save_all(tx, &waiting)?;
    directory::change_list(tx, &mut own, Change::Add(device, admitted.entry), now)?;
    let event = raise(tx, What::Link { phase: LinkPhase::Answered, device: Some(DeviceId(device)) }, now)?;
    Ok(Finding::Opened { events: vec![event] })
}

/// Begins sessions with the devices that a list which is about to be ours admits.
pub(crate) fn begin(
    snapshot: &Snapshot<'_>,
    own: &Own,
    publish: &PublishKeys,
    now: u64,
    random: &mut dyn Random,
) -> Result<Vec<Begun>> {
    let Some(write) = &publish.list else { return Ok(Vec::new()) };
    let list = ok(DeviceList::reopen(&write.object))?;
    let mut begun = Vec::new();
    for (device, object) in Admission::all(snapshot)?.into_iter().filter_map(|admission| admission.answer) {
        let Ok(prekey) = ReceivedPrekey::parse(&object) else { continue };
        begun.extend(directory::begin(own, &list, device, &[prekey], None, now, random));
    }
    Ok(begun)
}

/// Welcomes the devices that our list has now: tells them what the account knows, in the sessions that were begun.
pub(crate) fn welcome(tx: &Tx<'_>, begun: Vec<Begun>, now: u64, random: &mut dyn Random) -> Result<()> {
    let own = Own::load(tx)?;
    let me = own.id()?;
    for begun in begun {
        let device = begun.device();
        if own.list.device(device).is_none() {
            continue;
        }
        let mut waiting = Admission::all(tx)?;
        let is_his = |admission: &Admission| admission.answer.as_ref().is_some_and(|(his, _)| *his == device);
        let Some(at) = waiting.iter().position(is_his) else { continue };
        let admission = waiting.remove(at);
        if let Some((_, prekey)) = &admission.answer {
            cards::keep_prekey(tx, &me, prekey)?;
        }
        Admission::save_all(tx, &waiting)?;
        let mut known = Known::find(tx, &me)?.ok_or(CORRUPT)?;
        directory::take_up(tx, &mut known, begun, now)?;
        known.save(tx)?;
        welcome::tell_all(tx, &own, device, admission.offered.grants_account_key(), now, random)?;
        raise(tx, What::Link { phase: LinkPhase::Admitted, device: Some(DeviceId(device)) }, now)?;
    }
    Ok(())
}

impl Row for Newcomer {
    fn write(&self, writer: &mut Writer) {
        self.account.write(writer.array(4));
        writer.bytes(self.device.encode().expose_secret());
        self.policy.write(writer);
        match &self.code {
            Some((code, at)) => writer.array(2).bytes(code.expose_bytes()).uint(*at),
            None => writer.null(),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(4))?;
        let account = Row::read(reader)?;
        let device = ok(DeviceKeys::decode(ok(reader.bytes())?))?;
        let policy = Row::read(reader)?;
        let code = if reader.take_null() {
            None
        } else {
            ok(reader.array_of(2))?;
            Some((ok(Code::decode(ok(reader.bytes())?))?, Row::read(reader)?))
        };
        Ok(Self { account, device, policy, code })
    }
}

impl Row for Admission {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).bytes(self.offered.encode().expose_secret()).uint(self.at);
        match &self.answer {
            Some((device, prekey)) => writer.array(2).uint((*device).into()).bytes(prekey),
            None => writer.null(),
        };
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        let offered = ok(Offered::decode(ok(reader.bytes())?))?;
        let at = Row::read(reader)?;
        let answer = if reader.take_null() {
            None
        } else {
            ok(reader.array_of(2))?;
            Some((Row::read(reader)?, Row::read(reader)?))
        };
        Ok(Self { offered, at, answer })
    }
}
