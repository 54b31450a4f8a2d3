//! A client in numbers, for a support ticket.

use sprag::{Diagnosis, Figure};

use crate::border::{clear, free, give, guard, handle, sprag_bytes, sprag_status, status};
use crate::client::sprag_client;

/// One number of a diagnosis. Later releases may add fields at the end.
#[allow(non_camel_case_types)]
#[repr(C)]
pub struct sprag_figure {
    /// What it is: a name that stays, in small letters and `_`, until the diagnosis is freed. Those that begin with `verdict_` and
    /// `event_` are counters; those that end with `_seconds` are times until now.
    pub name: sprag_bytes,
    /// The number.
    pub value: u64,
    /// Of a counter, the last day on which it rose: Unix seconds of its beginning, UTC. 0 for what is no counter.
    pub last: u64,
    /// Of a counter, why, as in an event; 0 if there is no reason.
    pub reason: u32,
}

fn record(from: &Figure) -> sprag_figure {
    sprag_figure {
        name: sprag_bytes::of(from.name.as_bytes()),
        value: from.value,
        last: from.last.unwrap_or(0),
        reason: from.reason.map_or(0, sprag::Reason::code),
    }
}

/// How a client and its store are, to be freed with `sprag_diagnosis_free`.
#[allow(non_camel_case_types)]
pub struct sprag_diagnosis {
    records: Vec<sprag_figure>,
    text: String,
}

impl sprag_diagnosis {
    fn new(from: &Diagnosis) -> Self {
        Self { records: from.figures.iter().map(record).collect(), text: from.to_string() }
    }
}

// SAFETY: the names that the records point to are static, and nobody changes anything any more.
unsafe impl Send for sprag_diagnosis {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_diagnosis {}

/// How the client and its store are: versions, numbers, and how often what went wrong, for a support ticket. Nothing in it is
/// secret, and no account, message or conversation is named. It reads every contact, and changes nothing.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_diagnose(client: *const sprag_client, out: *mut *mut sprag_diagnosis) -> sprag_status {
    guard(|| {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            clear(out)?;
            let diagnosis = handle(client)?.0.diagnose().map_err(status)?;
            give(out, sprag_diagnosis::new(&diagnosis));
        }
        Ok(())
    })
}

/// All of it as text, versions included, a line for each number, until it is freed. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_diagnosis_text(diagnosis: *const sprag_diagnosis) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { diagnosis.as_ref() }.map_or(sprag_bytes::ABSENT, |diagnosis| sprag_bytes::of(diagnosis.text.as_bytes()))
}

/// How many numbers there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_diagnosis_len(diagnosis: *const sprag_diagnosis) -> usize {
    // SAFETY: the caller's promise.
    unsafe { diagnosis.as_ref() }.map_or(0, |diagnosis| diagnosis.records.len())
}

/// The number at `index`, until the diagnosis is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_diagnosis_at(diagnosis: *const sprag_diagnosis, index: usize) -> *const sprag_figure {
    // SAFETY: the caller's promise.
    let record = unsafe { diagnosis.as_ref() }.and_then(|diagnosis| diagnosis.records.get(index));
    record.map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees a diagnosis. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_diagnosis_free(diagnosis: *mut sprag_diagnosis) {
    // SAFETY: the caller's promise.
    unsafe { free(diagnosis) }
}
