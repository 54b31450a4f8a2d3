//! How much waits to leave, and for how long.

use super::{Entry, Waiting};
use crate::diagnosis::Figure;
use crate::error::Result;
use crate::store::Snapshot;

/// The numbers of a diagnosis.
pub(crate) fn figures(snapshot: &Snapshot<'_>, now: u64) -> Result<Vec<Figure>> {
    let (entries, waiting) = (Entry::all(snapshot)?, Waiting::all(snapshot)?);
    let entries = || entries.iter().map(|(_, entry)| entry);
    let mut figures = vec![
        Figure::new("requests", entries().count()),
        Figure::new("requests_send", entries().filter(|entry| entry.is_send).count()),
        Figure::new("requests_leased", entries().filter(|entry| entry.is_leased(now)).count()),
        Figure::new("requests_put_off", entries().filter(|entry| entry.not_before > now).count()),
        Figure::new("most_attempts", entries().map(|entry| entry.attempt).max().unwrap_or(0)),
        Figure::new("messages_waiting_keys", waiting.iter().filter(|(_, waiting)| !waiting.held).count()),
        Figure::new("messages_held", waiting.iter().filter(|(_, waiting)| waiting.held).count()),
    ];
    if let Some(oldest) = entries().map(|entry| entry.created).min() {
        figures.push(Figure::new("oldest_request_seconds", now.saturating_sub(oldest)));
    }
    if let Some(oldest) = waiting.iter().map(|(_, waiting)| waiting.message.sent).min() {
        figures.push(Figure::new("oldest_waiting_seconds", now.saturating_sub(oldest)));
    }
    Ok(figures)
}
