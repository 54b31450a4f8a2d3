//! What a client tells of itself in a support ticket: versions and numbers.
//!
//! Nothing of it is secret and nothing says who somebody is or writes to: there is no field that an id, a key or a text could
//! stand in.

use core::fmt;

use crate::counters::{Counted, Counter};
use crate::event::Reason;

const DAY: u64 = 86_400;

/// How a client and its store are, from [`Client::diagnose`](crate::Client::diagnose). As text (`to_string`) it has a line for
/// each number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The library's version.
    pub version: &'static str,
    /// The version of SQLite.
    pub sqlite: &'static str,
    /// The operating system, as Rust names it.
    pub os: &'static str,
    /// The processor, as Rust names it.
    pub processor: &'static str,
    /// The number of the store's format: major · 100 + minor.
    pub format: u32,
    /// When it was made, Unix seconds.
    pub at: u64,
    /// Since which day the counters count: Unix seconds of its beginning, UTC.
    pub since: u64,
    /// Every number that could be found out, and every counter above 0.
    pub figures: Vec<Figure>,
}

/// One number of a [`Diagnosis`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figure {
    /// What it is: a name that stays, in small letters and `_`. Those that begin with `verdict_` and `event_` are counters; those
    /// that end with `_seconds` are times until now.
    pub name: &'static str,
    /// Of a counter, why, where there is a reason.
    pub reason: Option<Reason>,
    /// The number.
    pub value: u64,
    /// Of a counter, the last day on which it rose: Unix seconds of its beginning, UTC.
    pub last: Option<u64>,
}

impl Figure {
    pub(crate) fn new(name: &'static str, value: impl TryInto<u64>) -> Self {
        Self { name, reason: None, value: value.try_into().unwrap_or(u64::MAX), last: None }
    }

    /// Of a counter, unless it is of a kind that this release does not know.
    pub(crate) fn of(counter: &Counter) -> Option<Self> {
        let name = name_of(counter.kind, counter.code)?;
        let reason = Reason::from_code(counter.reason);
        Some(Self { name, reason, value: counter.count, last: Some(counter.last.saturating_mul(DAY)) })
    }
}

const fn name_of(kind: u32, code: u32) -> Option<&'static str> {
    const VERDICT: u32 = Counted::Verdict as u32;
    const EVENT: u32 = Counted::Event as u32;
    Some(match (kind, code) {
        (VERDICT, 1) => "verdict_opened",
        (VERDICT, 2) => "verdict_quarantined",
        (VERDICT, 3) => "verdict_duplicate",
        (VERDICT, 4) => "verdict_own_echo",
        (VERDICT, 5) => "verdict_not_addressed",
        (VERDICT, 6) => "verdict_foreign",
        (VERDICT, 7) => "verdict_unreadable",
        (EVENT, 2) => "event_unreadable",
        (EVENT, 3) => "event_failed",
        (EVENT, 4) => "event_identity_changed",
        (EVENT, 5) => "event_devices_changed",
        (EVENT, 6) => "event_list_conflict",
        (EVENT, 7) => "event_audience_differs",
        (EVENT, 8) => "event_plaintext_in_protected",
        (EVENT, 9) => "event_protection",
        (EVENT, 10) => "event_session_restarted",
        (EVENT, 11) => "event_clone_suspected",
        (EVENT, 12) => "event_braid_stalled",
        (EVENT, 13) => "event_link",
        (EVENT, 14) => "event_removed",
        (EVENT, 15) => "event_clock_suspect",
        (EVENT, 16) => "event_keys_low",
        (EVENT, 17) => "event_store_trouble",
        (EVENT, 18) => "event_unsupported",
        (EVENT, 19) => "event_sender_differs",
        _ => return None,
    })
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)?;
        if let Some(reason) = self.reason {
            write!(f, " (reason {}: {reason})", reason.code())?;
        }
        match self.last {
            Some(last) => write!(f, ", last on day {}", last / DAY),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, sqlite, os, processor, format, .. } = self;
        writeln!(
            f,
            "Sprag {version}, store format {}.{}, SQLite {sqlite}, {os} {processor}",
            format / 100,
            format % 100
        )?;
        writeln!(f, "made at {}, on day {}; counters since day {}", self.at, self.at / DAY, self.since / DAY)?;
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}
