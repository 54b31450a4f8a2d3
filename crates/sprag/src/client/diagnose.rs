//! The door for support: how this client and its store are, in numbers.

use super::Client;
use crate::account::{Own, Stage};
use crate::contact::Known;
use crate::conversation;
use crate::counters::Counters;
use crate::diagnosis::{Diagnosis, Figure};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::id::{Protection, Trust};
use crate::link::Newcomer;
use crate::outbox;
use crate::store::{self, Snapshot, Table};
use crate::upkeep::Upkeep;

const DAY: u64 = 86_400;

type Figures = Vec<Figure>;

impl Client {
    /// How this client and its store are: versions, numbers, and how often what went wrong, for a support ticket. Nothing in it
    /// is secret, and no account, message or conversation is named. It reads every contact, and changes nothing. What is
    /// damaged in the store is left out, and a figure `damaged_…` says so.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] while suspended; [`Error::Store`] if the file cannot be read at all.
    pub fn diagnose(&self) -> Result<Diagnosis> {
        let now = self.now();
        self.store.read(|snapshot| {
            let mut figures = Vec::new();
            let mut part = |damaged, found: Result<Figures>| match found {
                Ok(found) => {
                    figures.extend(found);
                    Ok(())
                }
                Err(Error::Store(_) | Error::Internal(_)) => {
                    figures.push(Figure::new(damaged, 1u32));
                    Ok(())
                }
                Err(error) => Err(error),
            };
            part("damaged_account", account(snapshot))?;
            part("damaged_contacts", contacts(snapshot))?;
            part("damaged_conversations", conversations(snapshot))?;
            part("damaged_queue", outbox::figures(snapshot, now))?;
            part("damaged_events", events(snapshot, now))?;
            part("damaged_upkeep", upkeep(snapshot, now))?;
            part("damaged_rows", rows(snapshot))?;
            let mut counters = Counters::load(snapshot, now)?;
            counters.note(&self.unwritten.look(), now);
            figures.extend(counters.all.iter().filter_map(Figure::of));
            Ok(Diagnosis {
                version: env!("CARGO_PKG_VERSION"),
                sqlite: store::sqlite(),
                os: std::env::consts::OS,
                processor: std::env::consts::ARCH,
                format: snapshot.format()?,
                at: now,
                since: counters.since.saturating_mul(DAY),
                figures,
            })
        })
    }
}

fn account(snapshot: &Snapshot<'_>) -> Result<Figures> {
    if Newcomer::load(snapshot)?.is_some() {
        return Ok(vec![Figure::new("is_to_be_linked", 1u32)]);
    }
    let own = Own::load(snapshot)?;
    let policy = &own.policy;
    Ok(vec![
        Figure::new("is_member", own.stage == Stage::Member),
        Figure::new("is_removed", own.stage == Stage::Removed),
        Figure::new("holds_account_key", own.key.is_some()),
        Figure::new("account_key_to_follow", own.heir.is_some()),
        Figure::new("devices", own.list.devices().count()),
        Figure::new("list_sequence", own.list.sequence()),
        Figure::new("list_changes_waiting", own.changes.len()),
        Figure::new("ready", own.list.ready()),
        Figure::new("policy_directory", policy.directory.code()),
        Figure::new("policy_rollout", policy.rollout.code()),
        Figure::new("policy_on_change", policy.on_change.code()),
        Figure::new("policy_armor", policy.armor.code()),
        Figure::new("policy_max_body", policy.max_body),
        Figure::new("policy_shelf_messages", policy.shelf.messages),
        Figure::new("policy_shelf_days", policy.shelf.days),
    ])
}

/// Everybody who is known, our own account among them.
fn contacts(snapshot: &Snapshot<'_>) -> Result<Figures> {
    let all = Known::all(snapshot)?;
    let trusted = |trust| all.iter().filter(|known| known.trust() == trust).count();
    let lists = all.iter().flat_map(|known| &known.list);
    let sessions = || all.iter().flat_map(|known| &known.sessions);
    Ok(vec![
        Figure::new("contacts", all.len()),
        Figure::new("contacts_unseen", trusted(Trust::Unseen)),
        Figure::new("contacts_pinned", trusted(Trust::Pinned)),
        Figure::new("contacts_verified", trusted(Trust::Verified)),
        Figure::new("contacts_changed", trusted(Trust::Changed)),
        Figure::new("contacts_asked_for", all.iter().filter(|known| known.fetching).count()),
        Figure::new("contacts_without_session", all.iter().filter(|known| !known.is_reachable()).count()),
        Figure::new("contact_devices", lists.map(|list| list.devices().count()).sum::<usize>()),
        Figure::new("contact_devices_without_keys", all.iter().map(|known| known.without_keys.len()).sum::<usize>()),
        Figure::new("sessions", sessions().count()),
        Figure::new("sessions_unanswered", sessions().filter(|session| !session.heard).count()),
    ])
}

fn conversations(snapshot: &Snapshot<'_>) -> Result<Figures> {
    let all = conversation::all(snapshot)?;
    let protected = |level| all.iter().filter(|(_, kept)| *kept == level).count();
    Ok(vec![
        Figure::new("conversations", all.len()),
        Figure::new("conversations_offered", protected(Protection::Offered)),
        Figure::new("conversations_encrypted", protected(Protection::Encrypted)),
    ])
}

fn events(snapshot: &Snapshot<'_>, now: u64) -> Result<Figures> {
    let mut figures = vec![Figure::new("events_waiting", snapshot.count(Table::Event)?)];
    if let Some((_, oldest)) = snapshot.scan(Table::Event, 0, 1)?.first() {
        let at = Event::decode(oldest.expose_secret())?.at;
        figures.push(Figure::new("oldest_event_seconds", now.saturating_sub(at)));
    }
    Ok(figures)
}

fn upkeep(snapshot: &Snapshot<'_>, now: u64) -> Result<Figures> {
    let upkeep = Upkeep::load(snapshot)?;
    let mut figures = vec![
        Figure::new("wake_seconds", now.saturating_sub(upkeep.last_wake)),
        Figure::new("wake_in_future_seconds", upkeep.last_wake.saturating_sub(now)),
        Figure::new("next_wake_ms", upkeep.next_ms(now)),
        Figure::new("pruned_seconds", now.saturating_sub(upkeep.pruned)),
        Figure::new("list_published", upkeep.published),
        Figure::new("answers_owed", upkeep.owed.len()),
        Figure::new("signed_prekeys_unreplaced", upkeep.unreplaced.len()),
    ];
    if let Some(signed) = upkeep.signed {
        figures.push(Figure::new("signed_prekey_seconds", now.saturating_sub(signed.created)));
        figures.push(Figure::new("signed_prekey_published", signed.published));
    }
    figures.extend(upkeep.one_time_left.map(|left| Figure::new("one_time_left", left)));
    Ok(figures)
}

fn rows(snapshot: &Snapshot<'_>) -> Result<Figures> {
    const NAMES: [(&str, Table); 6] = [
        ("rows_meta", Table::Meta),
        ("rows_session", Table::Session),
        ("rows_seen", Table::Seen),
        ("rows_skipped", Table::Skipped),
        ("rows_prekey", Table::Prekey),
        ("rows_cargo", Table::Cargo),
    ];
    let mut figures = vec![Figure::new("store_bytes", snapshot.size()?)];
    for (name, table) in NAMES {
        figures.push(Figure::new(name, snapshot.count(table)?));
    }
    Ok(figures)
}
