//! What calls hand out and the caller frees: lists, and single answers. Views into what is owned beside them.

use sprag::MessageId;

use crate::border::{free, sprag_bytes};
use crate::records::{self, Lists, sprag_event, sprag_freshness, sprag_own_device, sprag_request, sprag_verdict};

/// Requests, to be freed with `sprag_requests_free`.
#[allow(non_camel_case_types)]
pub struct sprag_request_list {
    views: Vec<(sprag_request, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Request>,
}

impl sprag_request_list {
    pub(crate) fn new(owned: Vec<sprag::Request>) -> Self {
        Self { views: owned.iter().map(records::request).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_request_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_request_list {}

/// Verdicts, in the order of the messages, to be freed with `sprag_verdicts_free`.
#[allow(non_camel_case_types)]
pub struct sprag_verdict_list {
    views: Vec<(sprag_verdict, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Verdict>,
}

impl sprag_verdict_list {
    pub(crate) fn new(owned: Vec<sprag::Verdict>) -> Self {
        Self { views: owned.iter().map(records::verdict).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_verdict_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_verdict_list {}

/// Events, oldest first, to be freed with `sprag_events_free`.
#[allow(non_camel_case_types)]
pub struct sprag_event_list {
    views: Vec<(sprag_event, Lists)>,
    // What the views borrow; never touched again.
    _owned: Vec<sprag::Event>,
}

impl sprag_event_list {
    pub(crate) fn new(owned: Vec<sprag::Event>) -> Self {
        Self { views: owned.iter().map(records::event).collect(), _owned: owned }
    }
}

// SAFETY: the views point into what is owned beside them, which nobody changes any more.
unsafe impl Send for sprag_event_list {}
// SAFETY: as above; all access is reading.
unsafe impl Sync for sprag_event_list {}

/// How fresh the session with each device is, to be freed with `sprag_freshness_free`.
#[allow(non_camel_case_types)]
pub struct sprag_freshness_list {
    records: Vec<sprag_freshness>,
}

impl sprag_freshness_list {
    pub(crate) fn new(from: &[sprag::Freshness]) -> Self {
        Self { records: from.iter().map(records::freshness).collect() }
    }
}

/// Our own devices, to be freed with `sprag_devices_free`.
#[allow(non_camel_case_types)]
pub struct sprag_device_list {
    records: Vec<sprag_own_device>,
}

impl sprag_device_list {
    pub(crate) fn new(from: &[sprag::Device]) -> Self {
        Self { records: from.iter().map(records::own_device).collect() }
    }
}

/// The code of a device that is to be linked, to be freed with `sprag_link_code_free`.
#[allow(non_camel_case_types)]
pub struct sprag_link_code(pub(crate) sprag::LinkCode);

/// How many requests there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_len(list: *const sprag_request_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The request at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_at(list: *const sprag_request_list, index: usize) -> *const sprag_request {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees requests, and wipes them. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_requests_free(list: *mut sprag_request_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many verdicts there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_len(list: *const sprag_verdict_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The verdict at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_at(list: *const sprag_verdict_list, index: usize) -> *const sprag_verdict {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees verdicts. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_verdicts_free(list: *mut sprag_verdict_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many events there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_len(list: *const sprag_event_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.views.len())
}

/// The event at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_at(list: *const sprag_event_list, index: usize) -> *const sprag_event {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.views.get(index)).map_or(std::ptr::null(), |view| &raw const view.0)
}

/// Frees events, and wipes what they say. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_events_free(list: *mut sprag_event_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many devices there is a session with; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_freshness_len(list: *const sprag_freshness_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.records.len())
}

/// The record at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_freshness_at(list: *const sprag_freshness_list, index: usize) -> *const sprag_freshness {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.records.get(index)).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees the records. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_freshness_free(list: *mut sprag_freshness_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// How many devices there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_devices_len(list: *const sprag_device_list) -> usize {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.map_or(0, |list| list.records.len())
}

/// The device at `index`, until the list is freed; NULL beyond the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_devices_at(list: *const sprag_device_list, index: usize) -> *const sprag_own_device {
    // SAFETY: the caller's promise.
    unsafe { list.as_ref() }.and_then(|list| list.records.get(index)).map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees the records. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_devices_free(list: *mut sprag_device_list) {
    // SAFETY: the caller's promise.
    unsafe { free(list) }
}

/// What is shown as a QR code, until the code is freed: at most 256 bytes. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_bytes(code: *const sprag_link_code) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { code.as_ref() }.map_or(sprag_bytes::ABSENT, |code| sprag_bytes::of(code.0.expose_bytes()))
}

/// The same as text, to be typed or pasted, until the code is freed. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_text(code: *const sprag_link_code) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { code.as_ref() }.map_or(sprag_bytes::ABSENT, |code| sprag_bytes::of(code.0.expose_text().as_bytes()))
}

/// The six digits that the user types on the other device, until the code is freed: consent, not security. Absent for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_digits(code: *const sprag_link_code) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { code.as_ref() }.map_or(sprag_bytes::ABSENT, |code| sprag_bytes::of(code.0.digits().as_bytes()))
}

/// When the code is worth nothing any more, Unix seconds by this device's clock; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_expires(code: *const sprag_link_code) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { code.as_ref() }.map_or(0, |code| code.0.expires())
}

/// Frees a code, and wipes it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_link_code_free(code: *mut sprag_link_code) {
    // SAFETY: the caller's promise.
    unsafe { free(code) }
}

/// What `sprag_send` did.
#[allow(non_camel_case_types)]
pub struct sprag_sent {
    pub(crate) message: MessageId,
    pub(crate) state: u32,
    pub(crate) requests: sprag_request_list,
}

/// The message's id, until the answer is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_message(sent: *const sprag_sent) -> sprag_bytes {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(sprag_bytes::ABSENT, |sent| sprag_bytes::of(sent.message.as_bytes()))
}

/// How far it has come: 1 waiting for keys, 2 held, 3 ready, 4 accepted, 5 failed, 6 cancelled; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_state(sent: *const sprag_sent) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(0, |sent| sent.state)
}

/// What can go out at once, until the answer is freed. Not to be freed by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_requests(sent: *const sprag_sent) -> *const sprag_request_list {
    // SAFETY: the caller's promise.
    unsafe { sent.as_ref() }.map_or(std::ptr::null(), |sent| &raw const sent.requests)
}

/// Frees the answer, its requests included. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_sent_free(sent: *mut sprag_sent) {
    // SAFETY: the caller's promise.
    unsafe { free(sent) }
}

/// What a message says, found without changing anything.
#[allow(non_camel_case_types)]
pub struct sprag_preview {
    pub(crate) view: (sprag_event, Lists),
    pub(crate) _owned: Box<sprag::Preview>,
}

/// What was found, until the preview is freed: the fields of an event, `kind` 1 a message, 2 unreadable, 0 nothing to show.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_preview_get(preview: *const sprag_preview) -> *const sprag_event {
    // SAFETY: the caller's promise.
    unsafe { preview.as_ref() }.map_or(std::ptr::null(), |preview| &raw const preview.view.0)
}

/// Frees a preview, and wipes what it says. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprag_preview_free(preview: *mut sprag_preview) {
    // SAFETY: the caller's promise.
    unsafe { free(preview) }
}
