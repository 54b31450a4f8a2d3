//! The numbers of the C face: in the header, by name, and in the engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "it calls what a C program calls")]

use sprag_ffi::*;

fn by_name(name: &str) -> Option<i64> {
    let mut value = 0;
    let name = sprag_bytes { ptr: name.as_ptr(), len: name.len() };
    // SAFETY: both live until it returns.
    (unsafe { sprag_constant(name, &raw mut value) } == SPRAG_OK).then_some(value)
}

#[test]
fn every_number_in_the_header_has_its_name() {
    let header = include_str!("../../../include/sprag.h");
    let mut seen = 0;
    for line in header.lines().filter_map(|line| line.strip_prefix("#define ")) {
        let Some((name, value)) = line.split_once(' ') else { continue };
        if let Ok(value) = value.parse::<i64>() {
            assert_eq!(by_name(name), Some(value), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 70, "{seen}");
    assert_eq!(by_name("SPRAG_NONE_SUCH"), None);
    assert_eq!(by_name(""), None);
}

#[test]
fn the_numbers_are_the_engines() {
    use sprag::{AccountId, BlobId, Class, Content, Conversation, DeviceId, Finding, Healing, ListRef, Sender, What};
    use sprag::{
        Importance, LinkPhase, MessageId, MessageState, OnChange, Protection, Reason, Rollout, RoomId, Start, Trust,
        Why,
    };
    let account = AccountId::new(b"a").unwrap();
    let (blob_id, list) = (BlobId([0; 32]), || ListRef { sequence: 0, hash: [0; 32] });
    let healing = Healing::Final;
    let reason = Reason::Open;
    let sender = Sender { account: account.clone(), device: DeviceId(0) };
    let message = MessageId::new(b"m").unwrap();
    let room = || Conversation::Room { id: RoomId::new(b"r").unwrap(), members: Vec::new() };
    let pairs = [
        (SPRAG_KEY_LEN, u32::try_from(sprag::Key::from_slice(&[0; 32]).unwrap().expose_secret().len()).unwrap()),
        (SPRAG_MAX_MEMBERS, u32::try_from(sprag::MAX_MEMBERS).unwrap()),
        (SPRAG_START_NEW_ACCOUNT, Start::NewAccount as u32),
        (SPRAG_START_LINK, Start::Link as u32),
        (SPRAG_CONVERSATION_DIRECT, Conversation::Direct(account.clone()).code()),
        (SPRAG_CONVERSATION_ROOM, room().code()),
        (SPRAG_CONTENT_TEXT, Content::Text(String::new()).code()),
        (SPRAG_CONTENT_APP, Content::App { kind: "k".into(), bytes: Vec::new() }.code()),
        (SPRAG_CLASS_MESSAGE, Class::Message.code()),
        (SPRAG_CLASS_QUIET, Class::Quiet.code()),
        (SPRAG_WHY_SEND, Why::Send.code()),
        (SPRAG_WHY_REFRESH, Why::Refresh.code()),
        (SPRAG_WHY_SELF_CHECK, Why::SelfCheck.code()),
        (SPRAG_VERDICT_OPENED, Finding::Opened { events: Vec::new() }.code()),
        (SPRAG_VERDICT_QUARANTINED, Finding::Quarantined { fingerprint: [0; 32] }.code()),
        (SPRAG_VERDICT_DUPLICATE, Finding::Duplicate { message: None }.code()),
        (SPRAG_VERDICT_OWN_ECHO, Finding::OwnEcho { message: None }.code()),
        (SPRAG_VERDICT_NOT_ADDRESSED, Finding::NotAddressed.code()),
        (SPRAG_VERDICT_FOREIGN, Finding::Foreign.code()),
        (SPRAG_VERDICT_UNREADABLE, Finding::Unreadable { reason, healing }.code()),
        (SPRAG_HEALING_ASKED, Healing::Asked.code()),
        (SPRAG_HEALING_FINAL, Healing::Final.code()),
        (SPRAG_EVENT_UNREADABLE, What::Unreadable { app_ref: None, blob_id, from: None, reason, healing }.code()),
        (
            SPRAG_EVENT_PROGRESS,
            What::Progress { message, account: None, state: MessageState::Ready, reason: None }.code(),
        ),
        (
            SPRAG_EVENT_IDENTITY_CHANGED,
            What::IdentityChanged {
                account: account.clone(),
                old_number: String::new(),
                new_number: String::new(),
                was_verified: false,
                held: Vec::new(),
            }
            .code(),
        ),
        (
            SPRAG_EVENT_DEVICES_CHANGED,
            What::DevicesChanged { account: account.clone(), added: Vec::new(), removed: Vec::new(), own: false }
                .code(),
        ),
        (
            SPRAG_EVENT_AUDIENCE_DIFFERS,
            What::AudienceDiffers {
                conversation: room(),
                sender: sender.clone(),
                added: Vec::new(),
                missing: Vec::new(),
            }
            .code(),
        ),
        (SPRAG_EVENT_LINK, What::Link { phase: LinkPhase::Joined, device: None }.code()),
        (SPRAG_EVENT_REMOVED, What::Removed.code()),
        (
            SPRAG_EVENT_PLAINTEXT_IN_PROTECTED,
            What::PlaintextInProtected { conversation: room(), from: None, app_ref: None }.code(),
        ),
        (
            SPRAG_EVENT_PROTECTION,
            What::Protection { conversation: room(), from: Protection::Plain, to: Protection::Offered }.code(),
        ),
        (SPRAG_PROTECTION_PLAIN, Protection::Plain.code()),
        (SPRAG_PROTECTION_OFFERED, Protection::Offered.code()),
        (SPRAG_PROTECTION_ENCRYPTED, Protection::Encrypted.code()),
        (SPRAG_PROTECTION_VERIFIED, Protection::Verified.code()),
        (SPRAG_DIRECTORY_IN_BAND, sprag::Directory::InBand.code()),
        (SPRAG_DIRECTORY_KEY_VALUE, sprag::Directory::KeyValue.code()),
        (SPRAG_DIRECTORY_FULL, sprag::Directory::Full.code()),
        (SPRAG_ARMOR_BINARY, sprag::Armor::Binary.code()),
        (SPRAG_ARMOR_TEXT, sprag::Armor::Text.code()),
        (SPRAG_ROLLOUT_READ, Rollout::Read.code()),
        (SPRAG_ROLLOUT_OFFER, Rollout::Offer.code()),
        (SPRAG_ROLLOUT_ENCRYPT, Rollout::Encrypt.code()),
        (SPRAG_LINK_OFFERED, LinkPhase::Offered.code()),
        (SPRAG_LINK_JOINED, LinkPhase::Joined.code()),
        (SPRAG_LINK_ANSWERED, LinkPhase::Answered.code()),
        (SPRAG_LINK_ADMITTED, LinkPhase::Admitted.code()),
        (
            SPRAG_EVENT_LIST_CONFLICT,
            What::ListConflict { account: account.clone(), mine: list(), theirs: list() }.code(),
        ),
        (
            SPRAG_EVENT_SESSION_RESTARTED,
            What::SessionRestarted { account: account.clone(), device: DeviceId(0), resumed: false, reason: None }
                .code(),
        ),
        (SPRAG_EVENT_CLONE_SUSPECTED, What::CloneSuspected { account: account.clone(), device: DeviceId(0) }.code()),
        (SPRAG_EVENT_BRAID_STALLED, What::BraidStalled { account: account.clone(), device: DeviceId(0) }.code()),
        (SPRAG_EVENT_CLOCK_SUSPECT, What::ClockSuspect { skew: 0 }.code()),
        (SPRAG_EVENT_KEYS_LOW, What::KeysLow { left: 0 }.code()),
        (SPRAG_EVENT_STORE_TROUBLE, What::StoreTrouble { code: 0 }.code()),
        (
            SPRAG_EVENT_SENDER_DIFFERS,
            What::SenderDiffers { app_ref: None, blob_id, named: account.clone(), proved: account.clone() }.code(),
        ),
        (SPRAG_EVENT_UNSUPPORTED, What::Unsupported { app_ref: None, blob_id, sender, kind: 0 }.code()),
        (SPRAG_IMPORTANCE_CONTENT, Importance::Content.code()),
        (SPRAG_IMPORTANCE_SECURITY, Importance::Security.code()),
        (SPRAG_IMPORTANCE_INFO, Importance::Info.code()),
        (SPRAG_STATE_WAITING_KEYS, MessageState::WaitingKeys.code()),
        (SPRAG_STATE_HELD, MessageState::Held.code()),
        (SPRAG_STATE_READY, MessageState::Ready.code()),
        (SPRAG_STATE_ACCEPTED, MessageState::Accepted.code()),
        (SPRAG_STATE_FAILED, MessageState::Failed.code()),
        (SPRAG_STATE_CANCELLED, MessageState::Cancelled.code()),
        (SPRAG_TRUST_PINNED, Trust::Pinned.code()),
        (SPRAG_TRUST_VERIFIED, Trust::Verified.code()),
        (SPRAG_TRUST_CHANGED, Trust::Changed.code()),
        (SPRAG_TRUST_UNSEEN, Trust::Unseen.code()),
        (SPRAG_ON_CHANGE_HOLD_VERIFIED, OnChange::HoldVerified.code()),
        (SPRAG_ON_CHANGE_HOLD_ALL, OnChange::HoldAll.code()),
    ];
    for (place, (ours, engines)) in pairs.into_iter().enumerate() {
        assert_eq!(ours, engines, "pair {place}");
    }
}
