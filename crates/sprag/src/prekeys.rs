//! The stock of our own prekeys: rotation, refill, and what is remembered of those that are gone.
//!
//! It does not know who uses them. A prekey's row follows from its id, so that it is found without looking through the
//! stock, which a stranger can have us do with any bytes.

use sprag_core::identity::DeviceKeys;
use sprag_core::prekey::{
    ONE_TIME_STOCK, OneTimePrekey, PrekeyId, RETENTION, ReceivedPrekey, SIGNED_RENEWAL, SignedPrekey,
};
use sprag_core::random::Random;
use sprag_core::wire::{Reader, Writer};

pub(crate) use sprag_core::prekey::ONE_TIME_LOW as LOW;

use crate::codec::{self, CORRUPT, Row, ok};
use crate::error::Result;
use crate::store::{Snapshot, Table, Tx};
use crate::upkeep::{Newest, Upkeep};

/// Seconds after which a prekey that was used or deleted is forgotten: 90 days.
const MEMORY: u64 = 90 * 86_400;

/// Rows of the stock beyond which a directory that claims to have none left gets no more: twenty full stocks.
const MANY: u64 = 2_000;

/// The rows of used transcripts, among those of prekeys.
const TRANSCRIPTS: i64 = 1 << 62;

/// One row of the stock.
enum Held {
    Signed {
        prekey: SignedPrekey,
        /// When the directory acknowledged the one that replaced it.
        replaced: Option<u64>,
    },
    OneTime(OneTimePrekey),
    /// A prekey that was used or deleted, and when.
    Gone(PrekeyId, u64),
    /// A handshake that used this signed prekey and no one-time prekey: its first message, played again, would begin
    /// the same session once more.
    Used(PrekeyId, [u8; 32]),
}

impl Row for Held {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Signed { prekey, replaced } => {
                replaced.write(writer.array(3).uint(1).bytes(prekey.encode().expose_secret()));
            }
            Self::OneTime(prekey) => {
                writer.array(2).uint(2).bytes(prekey.encode().expose_secret());
            }
            Self::Gone(id, at) => {
                writer.array(3).uint(3).bytes(&id.0).uint(*at);
            }
            Self::Used(signed, transcript) => {
                writer.array(3).uint(4).bytes(&signed.0).bytes(transcript);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (3, 1) => Ok(Self::Signed {
                prekey: ok(SignedPrekey::decode(ok(reader.bytes())?))?,
                replaced: Row::read(reader)?,
            }),
            (2, 2) => Ok(Self::OneTime(ok(OneTimePrekey::decode(ok(reader.bytes())?))?)),
            (3, 3) => Ok(Self::Gone(PrekeyId(ok(reader.fixed())?), ok(reader.uint())?)),
            (3, 4) => Ok(Self::Used(PrekeyId(ok(reader.fixed())?), ok(reader.fixed())?)),
            _ => Err(CORRUPT),
        }
    }
}

impl Held {
    fn load(snapshot: &Snapshot<'_>, row: i64) -> Result<Option<Self>> {
        snapshot.get(Table::Prekey, row)?.map(|value| codec::decode(value.expose_secret())).transpose()
    }

    fn save(&self, tx: &Tx<'_>, row: i64) -> Result<()> {
        Ok(tx.put(Table::Prekey, row, codec::encode(self).expose_secret())?)
    }
}

/// The first 61 bits of a hash as a number above zero.
fn number(hash: [u8; 8]) -> i64 {
    i64::try_from(u64::from_be_bytes(hash) >> 2 | 1).unwrap_or(1)
}

fn row_of(id: PrekeyId) -> i64 {
    number(id.0)
}

fn row_of_transcript(transcript: &[u8; 32]) -> i64 {
    TRANSCRIPTS | number(transcript.first_chunk().copied().unwrap_or_default())
}

/// What the handshake fields of a first message name, in our stock.
pub(crate) enum Named {
    /// None of ours: the slot is for another device.
    Foreign,
    /// Ours once, and gone.
    Gone,
    /// Ours.
    Ours(SignedPrekey, Option<OneTimePrekey>),
}

/// Finds the prekeys that a first message names.
pub(crate) fn find(snapshot: &Snapshot<'_>, signed: PrekeyId, one_time: Option<PrekeyId>) -> Result<Named> {
    let signed = match Held::load(snapshot, row_of(signed))? {
        Some(Held::Signed { prekey, .. }) if prekey.id() == signed => prekey,
        Some(Held::Gone(id, _)) if id == signed => return Ok(Named::Gone),
        _ => return Ok(Named::Foreign),
    };
    let Some(id) = one_time else { return Ok(Named::Ours(signed, None)) };
    match Held::load(snapshot, row_of(id))? {
        Some(Held::OneTime(prekey)) if prekey.id() == id => Ok(Named::Ours(signed, Some(prekey))),
        _ => Ok(Named::Gone),
    }
}

/// Whether a handshake with this transcript was taken up already.
pub(crate) fn was_used(snapshot: &Snapshot<'_>, transcript: &[u8; 32]) -> Result<bool> {
    let held = Held::load(snapshot, row_of_transcript(transcript))?;
    Ok(matches!(held, Some(Held::Used(_, known)) if known == *transcript))
}

/// Takes note that a handshake used these prekeys: the one-time prekey is deleted, else the transcript remembered for
/// as long as the signed prekey lives.
pub(crate) fn use_up(
    tx: &Tx<'_>,
    signed: PrekeyId,
    one_time: Option<PrekeyId>,
    transcript: &[u8; 32],
    now: u64,
) -> Result<()> {
    #[cfg(feature = "sabotage")]
    if broken!("early-commit") && one_time.is_some() {
        Held::Gone(one_time.unwrap_or(signed), now).save(tx, row_of(one_time.unwrap_or(signed)))?;
        return Ok(tx.commit_early()?);
    }
    match one_time {
        Some(_) if broken!("one-time-keys-kept") => Ok(()),
        Some(id) => Held::Gone(id, now).save(tx, row_of(id)),
        None => Held::Used(signed, *transcript).save(tx, row_of_transcript(transcript)),
    }
}

/// Whether there are so many private halves that no more are made, whatever a directory says it has left.
pub(crate) fn is_full(snapshot: &Snapshot<'_>) -> Result<bool> {
    Ok(snapshot.count(Table::Prekey)? >= MANY)
}

/// New prekeys that are not in the store yet.
#[derive(Default)]
pub(crate) struct Made {
    signed: Option<(SignedPrekey, Vec<u8>)>,
    one_time: Vec<(OneTimePrekey, Vec<u8>)>,
}

impl Made {
    /// The new signed prekey, as it is published.
    pub(crate) fn signed_object(&self) -> Option<&[u8]> {
        self.signed.as_ref().map(|(_, object)| object.as_slice())
    }
}

/// The objects to publish.
pub(crate) struct Objects {
    pub(crate) signed: Option<Vec<u8>>,
    pub(crate) one_time: Vec<Vec<u8>>,
}

/// Makes a signed prekey if the newest is due for renewal, and one-time prekeys up to a full stock where `left` says
/// how many the directory has. Generating keys takes its time: not to be done while others wait for the store.
pub(crate) fn make(
    newest: Option<Newest>,
    device: &DeviceKeys,
    left: Option<u32>,
    now: u64,
    random: &mut dyn Random,
) -> Made {
    let renew = newest.is_none_or(|newest| now >= newest.created.saturating_add(SIGNED_RENEWAL));
    Made {
        signed: renew.then(|| SignedPrekey::create(device, now, random)),
        one_time: (left.unwrap_or(ONE_TIME_STOCK)..ONE_TIME_STOCK)
            .map(|_| OneTimePrekey::create(device, now, random))
            .collect(),
    }
}

/// Puts new prekeys into the stock.
pub(crate) fn keep(tx: &Tx<'_>, made: Made, upkeep: &mut Upkeep) -> Result<Objects> {
    let mut objects = Objects { signed: None, one_time: Vec::with_capacity(made.one_time.len()) };
    if let Some((prekey, object)) = made.signed {
        let (id, created) = (prekey.id(), prekey.created());
        Held::Signed { prekey, replaced: None }.save(tx, row_of(id))?;
        let before = upkeep.signed.replace(Newest { id, created, published: false });
        upkeep.unreplaced.extend(before.map(|before| before.id));
        objects.signed = Some(object);
    }
    for (prekey, object) in made.one_time {
        let row = row_of(prekey.id());
        Held::OneTime(prekey).save(tx, row)?;
        objects.one_time.push(object);
    }
    Ok(objects)
}

/// The directory has this signed prekey: if it is the newest, the time of those before it begins to run.
pub(crate) fn acknowledged(tx: &Tx<'_>, upkeep: &mut Upkeep, object: &[u8], now: u64) -> Result<()> {
    let Ok(received) = ReceivedPrekey::parse(object) else { return Ok(()) };
    let Some(newest) = upkeep.signed.as_mut().filter(|newest| newest.id == received.id() && !newest.published) else {
        return Ok(());
    };
    newest.published = true;
    for id in core::mem::take(&mut upkeep.unreplaced) {
        match Held::load(tx, row_of(id)) {
            Ok(Some(Held::Signed { prekey, replaced: None })) => {
                Held::Signed { prekey, replaced: Some(now) }.save(tx, row_of(id))?;
            }
            // A damaged one opens nothing any more: it needs no end.
            Ok(_) | Err(CORRUPT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Deletes what has outlived its use. The newest signed prekey is never among it.
pub(crate) fn prune(tx: &Tx<'_>, now: u64) -> Result<()> {
    let is_over = |at: u64, retention: u64| at.saturating_add(retention) < now;
    let mut used = Vec::new();
    for (row, held) in all(tx)? {
        match held {
            Held::Signed { prekey, replaced: Some(at) } if is_over(at, RETENTION) => {
                Held::Gone(prekey.id(), now).save(tx, row)?;
            }
            // A directory may hand it out until it expires, and a message may take a while.
            Held::OneTime(prekey) if is_over(prekey.expires(), RETENTION) => {
                Held::Gone(prekey.id(), now).save(tx, row)?;
            }
            Held::Gone(_, at) if is_over(at, MEMORY) => {
                tx.delete(Table::Prekey, row)?;
            }
            Held::Used(signed, _) => used.push((row, signed)),
            _ => {}
        }
    }
    for (row, signed) in used {
        if !matches!(Held::load(tx, row_of(signed))?, Some(Held::Signed { .. })) {
            tx.delete(Table::Prekey, row)?;
        }
    }
    Ok(())
}

fn all(snapshot: &Snapshot<'_>) -> Result<Vec<(i64, Held)>> {
    let rows = snapshot.scan(Table::Prekey, 0, usize::MAX >> 1)?;
    rows.into_iter().map(|(row, value)| Ok((row, codec::decode(value.expose_secret())?))).collect()
}
