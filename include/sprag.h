/*
 * Sprag in C. Generated from crates/sprag-ffi: edit there.
 *
 * CONVENTIONS
 *
 * Status.     Every call that can fail answers a sprag_status: SPRAG_OK (0) or a number whose meaning never changes.
 *             sprag_status_str puts it in words. Wherever a call fails, its outputs are as they were, except that the
 *             place of an object is NULL, and nothing changed in the store. No panic crosses this border: a caught
 *             defect is SPRAG_INTERNAL, and the client stays usable.
 * Threads.    Every handle may be used from any thread, and by several at once; only freeing and erasing must be
 *             alone.
 * Pointers.   NULL where something is needed is SPRAG_NULL, and a length that no memory can have is SPRAG_MISUSE. A
 *             pointer with a length points to that many values; with length 0 it may be NULL. Accessors of objects take
 *             NULL for an empty object.
 *             Nothing of the caller's is kept after a call: everything is copied.
 * Bytes.      sprag_bytes is a pointer and a length that belong to somebody else. Absent is ptr == NULL (and len == 0);
 *             an empty value has a ptr that is not NULL. Text is UTF-8 and not ended by NUL unless said.
 * Objects.    What a call gives in `T **out` is the caller's, and is given back to exactly one function: the one named
 *             `..._free`, which wipes it. NULL is fine there. Giving it back twice, or using it afterwards, is as
 *             undefined as with free(): no check can find it. Records and bytes reached through an object are valid
 *             until then, and must not be changed.
 * Records.    A record that the caller fills begins with `size`: set it to sizeof, and everything unused to zero (= {0}).
 *             A record that the library fills inside a list may grow at its end in later releases: take it by pointer
 *             only. If it begins with `kind`, skip those that you do not know.
 * Numbers.    Every constant is a macro, and sprag_constant gives it by its name to callers that cannot read this file.
 * Time.       Unix seconds, unless a name ends in _ms.
 *
 * The pipe: carry out what sprag_requests and sprag_send hand out and say what became of it with sprag_respond; give what
 * the server brings to sprag_deliver; show what sprag_events tells and say so with sprag_done; call sprag_wake when the
 * app starts and when next_wake_ms has passed. Messages that were shown are the app's to keep: Sprag forgets them, and
 * nothing can be decrypted a second time.
 *
 * What stands where: numbers; records; then functions by noun: without a client; a client, its store and its contacts; the
 * pipe; what calls give, and how it is read and freed; our own devices; cards and probes; a diagnosis; constants by name.
 */


#ifndef SPRAG_H
#define SPRAG_H

#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define SPRAG_MUST_USE [[nodiscard]]
#elif defined(__GNUC__)
#define SPRAG_MUST_USE __attribute__((warn_unused_result))
#else
#define SPRAG_MUST_USE
#endif

// The number of this interface. It grows when records or functions are added; nothing is ever taken away.
#define SPRAG_ABI_VERSION 1

// The call did what it says.
#define SPRAG_OK 0

// The store's file cannot be read or written.
#define SPRAG_STORE 1

// Another process held the store for too long. Try again.
#define SPRAG_BUSY 2

// The store is closed for now: suspended, or locked by the platform.
#define SPRAG_UNAVAILABLE 3

// The key is not this store's.
#define SPRAG_WRONG_KEY 4

// The store belongs to another account.
#define SPRAG_WRONG_ACCOUNT 5

// There is a store already.
#define SPRAG_EXISTS 6

// There is no store.
#define SPRAG_NO_STORE 7

// A later version wrote the store.
#define SPRAG_NEWER 8

// No such contact, message or request.
#define SPRAG_UNKNOWN 9

// The conversation is plain.
#define SPRAG_NOT_PROTECTED 10

// Policy forbids it.
#define SPRAG_NOT_ALLOWED 11

// A mistake of the caller.
#define SPRAG_MISUSE 12

// A defect of Sprag that was caught and rolled back.
#define SPRAG_INTERNAL 13

// The store's disk is full (in place of `SPRAG_STORE`).
#define SPRAG_STORE_FULL 64

// The store is damaged (in place of `SPRAG_STORE`).
#define SPRAG_STORE_CORRUPT 65

// The caller's buffer is too small; the size needed was written, and nothing else happened.
#define SPRAG_TOO_SMALL 66

// A pointer that must not be NULL is.
#define SPRAG_NULL 67

// The `size` of a record is not that of any release.
#define SPRAG_BAD_SIZE 68

// Bytes of a store's key.
#define SPRAG_KEY_LEN 32

// The most bytes of an account, a message's id, an app's reference, the kind of an app's content.
#define SPRAG_MAX_ID 64

// The most bytes of a content.
#define SPRAG_MAX_CONTENT 262144

// Bytes of a hash, a commitment, a fingerprint.
#define SPRAG_HASH_LEN 32

// The most members of a room.
#define SPRAG_MAX_MEMBERS 100

// A new account: this is its first device.
#define SPRAG_START_NEW_ACCOUNT 1

// A device more of an account that exists: it shows a code, and another device admits it.
#define SPRAG_START_LINK 2

// The app itself.
#define SPRAG_ROLE_APP 1

// An extension beside it.
#define SPRAG_ROLE_EXTENSION 2

// The conversation with one other account.
#define SPRAG_CONVERSATION_DIRECT 1

// A conversation of several, whose members the app's server decides.
#define SPRAG_CONVERSATION_ROOM 2

// Text, as UTF-8.
#define SPRAG_CONTENT_TEXT 1

// Anything of the app's own.
#define SPRAG_CONTENT_APP 2

// A message that notifies.
#define SPRAG_CLASS_MESSAGE 1

// A silent one: receipts, edits, reactions.
#define SPRAG_CLASS_QUIET 2

// Put our public keys into the directory.
#define SPRAG_REQUEST_PUBLISH_KEYS 1

// Get others' public keys.
#define SPRAG_REQUEST_FETCH_KEYS 2

// Carry an encrypted message.
#define SPRAG_REQUEST_SEND 3

// FetchKeys: a message waits.
#define SPRAG_WHY_SEND 1

// FetchKeys: a known list is old.
#define SPRAG_WHY_REFRESH 2

// FetchKeys: to see that the directory shows our own keys as we published them.
#define SPRAG_WHY_SELF_CHECK 3

// PublishKeys: the directory stored them.
#define SPRAG_OUTCOME_PUBLISHED 1

// PublishKeys: the directory holds another list than the expected one.
#define SPRAG_OUTCOME_CONFLICT 2

// FetchKeys: what the directory holds.
#define SPRAG_OUTCOME_KEYS 3

// Send: the server has it.
#define SPRAG_OUTCOME_ACCEPTED 4

// Send: some accounts have newer lists (HTTP 409).
#define SPRAG_OUTCOME_STALE 5

// Send: the server carries less (HTTP 413).
#define SPRAG_OUTCOME_TOO_LARGE 6

// Any: offline, or come back later (401, 429, 5xx).
#define SPRAG_OUTCOME_RETRY 7

// Any: refused for good.
#define SPRAG_OUTCOME_REJECTED 8

// Rejected: we may not.
#define SPRAG_REJECTED_FORBIDDEN 1

// Rejected: the account is not known there.
#define SPRAG_REJECTED_NO_SUCH_ACCOUNT 2

// Rejected: something else.
#define SPRAG_REJECTED_OTHER 3

// It opened; its events say what it was.
#define SPRAG_VERDICT_OPENED 1

// Its sender may not be pinned under the id that it claims.
#define SPRAG_VERDICT_QUARANTINED 2

// It was delivered before.
#define SPRAG_VERDICT_DUPLICATE 3

// One of our own that came back.
#define SPRAG_VERDICT_OWN_ECHO 4

// Nothing in it is for this device.
#define SPRAG_VERDICT_NOT_ADDRESSED 5

// Not an object of Sprag.
#define SPRAG_VERDICT_FOREIGN 6

// For us, and does not open.
#define SPRAG_VERDICT_UNREADABLE 7

// Unreadable: its sender is asked for it again. It may still come, in its place, or another event says that it stays so.
#define SPRAG_HEALING_ASKED 1

// Unreadable: it stays so.
#define SPRAG_HEALING_FINAL 2

// A message came.
#define SPRAG_EVENT_MESSAGE 1

// A message came that cannot be read.
#define SPRAG_EVENT_UNREADABLE 2

// A message of ours came further.
#define SPRAG_EVENT_PROGRESS 3

// Another identity appeared under a contact's name: it is pinned now, or, if the contact is `SPRAG_TRUST_CHANGED`, the user is
// to decide. Of our own account: with `was_verified` another account key has followed ours; without, the directory shows
// somebody else under our name.
#define SPRAG_EVENT_IDENTITY_CHANGED 4

// Devices came to an account or left it.
#define SPRAG_EVENT_DEVICES_CHANGED 5

// Two device lists where there can be one; a contact's that has expired and is followed by none (`theirs` is what the
// directory shows, or number 0); or, once a day, our own without a device that was revoked, which the directory does not take.
#define SPRAG_EVENT_LIST_CONFLICT 6

// A message of a room was sent to others than those whom the app last named as its members.
#define SPRAG_EVENT_AUDIENCE_DIFFERS 7

// What came in a conversation that is encrypted was not. It is not to be shown as a message.
#define SPRAG_EVENT_PLAINTEXT_IN_PROTECTED 8

// A conversation is better protected than before.
#define SPRAG_EVENT_PROTECTION 9

// The session with a device was begun anew.
#define SPRAG_EVENT_SESSION_RESTARTED 10

// A device's state is in use twice, or it lies. Nothing is begun anew by itself.
#define SPRAG_EVENT_CLONE_SUSPECTED 11

// The post-quantum ratchet with a device makes no progress. Messages are still read.
#define SPRAG_EVENT_BRAID_STALLED 12

// How far the linking of a device has come.
#define SPRAG_EVENT_LINK 13

// This device was taken off its account's list: it sends nothing any more.
#define SPRAG_EVENT_REMOVED 14

// The clock jumped.
#define SPRAG_EVENT_CLOCK_SUSPECT 15

// Few one-time prekeys are left at the directory.
#define SPRAG_EVENT_KEYS_LOW 16

// Something is wrong with the store.
#define SPRAG_EVENT_STORE_TROUBLE 17

// A message of a kind that a later release knows.
#define SPRAG_EVENT_UNSUPPORTED 18

// The app named another sender (`peer`) than the session proves (`account`). The message is shown as what was proved.
#define SPRAG_EVENT_SENDER_DIFFERS 19

// An event that is a message, or about one.
#define SPRAG_IMPORTANCE_CONTENT 1

// An event that the user should know of.
#define SPRAG_IMPORTANCE_SECURITY 2

// An event for the app alone.
#define SPRAG_IMPORTANCE_INFO 3

// A message waits for the recipient's keys.
#define SPRAG_STATE_WAITING_KEYS 1

// It is held back until the app decides about the recipient, and calls `sprag_retry`.
#define SPRAG_STATE_HELD 2

// It is sealed and goes out with the requests.
#define SPRAG_STATE_READY 3

// The server has it.
#define SPRAG_STATE_ACCEPTED 4

// It will not go out; an event says why.
#define SPRAG_STATE_FAILED 5

// It was taken back.
#define SPRAG_STATE_CANCELLED 6

// An identity pinned when first seen, or after a change.
#define SPRAG_TRUST_PINNED 1

// The user compared the safety number.
#define SPRAG_TRUST_VERIFIED 2

// Sending is held until the user decides: another identity was offered, or somebody else may act as a verified contact.
#define SPRAG_TRUST_CHANGED 3

// Nothing is pinned: known by name alone.
#define SPRAG_TRUST_UNSEEN 4

// Another account key holds sending to verified contacts; with others it goes on with an event.
#define SPRAG_ON_CHANGE_HOLD_VERIFIED 1

// Another account key holds sending to anybody.
#define SPRAG_ON_CHANGE_HOLD_ALL 2

// The app's server offers nothing for finding keys: they travel in messages.
#define SPRAG_DIRECTORY_IN_BAND 1

// It offers one opaque value for each account.
#define SPRAG_DIRECTORY_KEY_VALUE 2

// It offers a key directory.
#define SPRAG_DIRECTORY_FULL 3

// The app's server carries bytes.
#define SPRAG_ARMOR_BINARY 1

// It carries text.
#define SPRAG_ARMOR_TEXT 2

// A probe came back as it went.
#define SPRAG_PROBED_UNCHANGED 1

// Its armor came back in another text: it is read all the same.
#define SPRAG_PROBED_READABLE 2

// It was changed or cut, or is no probe.
#define SPRAG_PROBED_DAMAGED 3

// The app reads what is encrypted, and begins nothing.
#define SPRAG_ROLLOUT_READ 1

// It says that it can read, and finds out who else can.
#define SPRAG_ROLLOUT_OFFER 2

// It encrypts wherever everybody can read it.
#define SPRAG_ROLLOUT_ENCRYPT 3

// Somebody in the conversation cannot read what is encrypted, or nobody was asked yet.
#define SPRAG_PROTECTION_PLAIN 1

// Everybody in it can read what is encrypted, and nobody has begun.
#define SPRAG_PROTECTION_OFFERED 2

// What is said is encrypted, for good.
#define SPRAG_PROTECTION_ENCRYPTED 3

// The same, and the user has compared the safety number of everybody in it.
#define SPRAG_PROTECTION_VERIFIED 4

// On the new device: an offer for its code has come, and is answered.
#define SPRAG_LINK_OFFERED 1

// On the new device: it is on its account's list.
#define SPRAG_LINK_JOINED 2

// On the device that admits it: the new device has answered.
#define SPRAG_LINK_ANSWERED 3

// On the device that admits it: the new device is on the list.
#define SPRAG_LINK_ADMITTED 4

// Our own card, to be freed with `sprag_card_free`.
typedef struct sprag_card sprag_card;

// A client: one account's device on one store. May be used from any thread and from several at once.
typedef struct sprag_client sprag_client;

// Our own devices, to be freed with `sprag_devices_free`.
typedef struct sprag_device_list sprag_device_list;

// How a client and its store are, to be freed with `sprag_diagnosis_free`.
typedef struct sprag_diagnosis sprag_diagnosis;

// Events, oldest first, to be freed with `sprag_events_free`.
typedef struct sprag_event_list sprag_event_list;

// How fresh the session with each device is, to be freed with `sprag_freshness_free`.
typedef struct sprag_freshness_list sprag_freshness_list;

// The code of a device that is to be linked, to be freed with `sprag_link_code_free`.
typedef struct sprag_link_code sprag_link_code;

// What a message says, found without changing anything.
typedef struct sprag_preview sprag_preview;

// A body that shows what the app's server does to bodies, to be freed with `sprag_probe_free`.
typedef struct sprag_probe sprag_probe;

// Requests, to be freed with `sprag_requests_free`.
typedef struct sprag_request_list sprag_request_list;

// What `sprag_send` did.
typedef struct sprag_sent sprag_sent;

// Verdicts, in the order of the messages, to be freed with `sprag_verdicts_free`.
typedef struct sprag_verdict_list sprag_verdict_list;

// What a call answers: `SPRAG_OK` or one of the `SPRAG_` numbers that follow it. Numbers are never reused.
typedef int32_t sprag_status;

// Bytes that belong to somebody else. An absent value has `ptr` NULL; an empty one has not.
typedef struct sprag_bytes {
    // The first byte.
    const uint8_t *ptr;
    // How many there are.
    size_t len;
} sprag_bytes;

// What the app decides about its messages. Filled by the caller: a field that is 0 is the default.
typedef struct sprag_policy {
    // `sizeof(sprag_policy)`.
    uint32_t size;
    // The largest body that the app's server carries, in bytes: 1 MiB by default, at least 8 KiB.
    uint32_t max_body;
    // Whom another account key holds back: one of `SPRAG_ON_CHANGE_…`; verified contacts by default.
    uint32_t on_change;
    // How far the app has come in taking up encryption: one of `SPRAG_ROLLOUT_…`; to the end by default.
    uint32_t rollout;
    // What the app's server offers for finding keys: one of `SPRAG_DIRECTORY_…`; a key directory by default.
    uint32_t directory;
    // What the bodies are that the app's server carries: one of `SPRAG_ARMOR_…`; bytes by default.
    uint32_t armor;
    // Not 0: the next two fields count; else 200 messages are kept for 7 days.
    uint32_t has_shelf;
    // How many sent messages are kept for devices in which they do not open: at most 1,000.
    uint32_t shelf_messages;
    // For how many days: at most 30.
    uint32_t shelf_days;
    // Zero.
    uint32_t reserved;
    // With `SPRAG_ARMOR_TEXT`, what stands in front for clients that show a body as it is: UTF-8, at most 256 bytes.
    struct sprag_bytes fallback_text;
} sprag_policy;

// What `sprag_client_create` needs. Filled by the caller.
typedef struct sprag_config {
    // `sizeof(sprag_config)`.
    uint32_t size;
    // What the account starts from: 0 or one of `SPRAG_START_…`.
    uint32_t start;
    // The file, as UTF-8; absent for a store in memory.
    struct sprag_bytes path;
    // The key that is to unlock the store: 32 random bytes from the platform's keystore.
    struct sprag_bytes key;
    // The account: 1 to 64 bytes.
    struct sprag_bytes account;
    // What the app decides about its messages; NULL for the default.
    const struct sprag_policy *policy;
} sprag_config;

// What `sprag_client_open` needs. Filled by the caller.
typedef struct sprag_opening {
    // `sizeof(sprag_opening)`.
    uint32_t size;
    // What this process is to the app: 0 or one of `SPRAG_ROLE_…`.
    uint32_t role;
    // The file, as UTF-8.
    struct sprag_bytes path;
    // The key that unlocks the store: 32 bytes.
    struct sprag_bytes key;
    // The account that is expected in it.
    struct sprag_bytes account;
} sprag_opening;

// What is known of another account.
typedef struct sprag_contact {
    // One of `SPRAG_TRUST_…`.
    uint32_t trust;
    // Zero.
    uint32_t reserved;
    // The hash of its account key; zeros while nothing is pinned.
    uint8_t fingerprint[32];
    // The safety number: 60 digits and a NUL; a NUL alone while nothing is pinned.
    uint8_t digits[61];
    // Its scannable form: text with a NUL after it; a NUL alone while nothing is pinned.
    uint8_t scannable[139];
    // The number with the identity that the user is to decide about: 60 digits and a NUL; a NUL alone if none is offered.
    uint8_t offered_digits[61];
    // Its scannable form, likewise.
    uint8_t offered_scannable[139];
} sprag_contact;

// What to look at next.
typedef struct sprag_pending {
    // How many events wait to be done.
    uint64_t events;
    // How many requests can be handed out now.
    uint64_t requests;
    // In how many milliseconds `sprag_wake` has something to do; `UINT64_MAX` if there is nothing to wait for.
    uint64_t next_wake_ms;
} sprag_pending;

// A message as the app's server handed it over. Filled by the caller.
typedef struct sprag_incoming {
    // `sizeof(sprag_incoming)`.
    uint32_t size;
    // Not 0: old mail fetched again.
    uint32_t history;
    // The encrypted bytes.
    struct sprag_bytes bytes;
    // Whom the server names as its sender; may be absent.
    struct sprag_bytes from;
    // The other account of the direct conversation in which the app files it; absent if it files it in a room, or nowhere.
    struct sprag_bytes direct;
    // The room in which the app files it; absent if it files it elsewhere, or nowhere.
    struct sprag_bytes room;
    // The members of that room, as the app's server names them; none if it does not say.
    const struct sprag_bytes *members;
    // How many.
    size_t members_len;
    // The app's own name for it, at most 64 bytes, handed back in the event; may be absent.
    struct sprag_bytes app_ref;
    // The server's stamp; may be absent.
    struct sprag_bytes stamp;
    // The server's time for it, Unix seconds; 0 if unknown.
    uint64_t server_time;
} sprag_incoming;

// An account and what goes with it: in answers about keys, one signed object of its; in answers about stale lists, its
// list. Filled by the caller.
typedef struct sprag_part {
    // The account.
    struct sprag_bytes account;
    // The object; absent if there is none.
    struct sprag_bytes object;
} sprag_part;

// What became of a request. Filled by the caller: `kind` and the fields that it speaks of, everything else zero.
typedef struct sprag_outcome {
    // `sizeof(sprag_outcome)`.
    uint32_t size;
    // One of `SPRAG_OUTCOME_…`.
    uint32_t kind;
    // KEYS: one entry for each object found, those of one account next to each other. STALE: one for each account, with
    // its list where the server sent it.
    const struct sprag_part *parts;
    // How many.
    size_t parts_len;
    // KEYS: the accounts that the directory does not know.
    const struct sprag_bytes *absent;
    // How many.
    size_t absent_len;
    // CONFLICT: the list that the directory holds. ACCEPTED: the server's stamp, if any.
    struct sprag_bytes bytes;
    // ACCEPTED: the server's time, Unix seconds; 0 if unknown.
    uint64_t server_time;
    // PUBLISHED: whether `number` tells the one-time prekeys left. RETRY: whether it tells the seconds to wait.
    uint32_t has_number;
    // PUBLISHED, RETRY: see `has_number`. TOO_LARGE: the limit in bytes. REJECTED: one of
    // `SPRAG_REJECTED_…`.
    uint32_t number;
} sprag_outcome;

// What the app knows when it wakes the engine. Filled by the caller.
typedef struct sprag_hint {
    // `sizeof(sprag_hint)`.
    uint32_t size;
    // Not 0 if `one_time_left` says something.
    uint32_t has_one_time_left;
    // How many one-time prekeys of this device the directory holds.
    uint32_t one_time_left;
    // Zero.
    uint32_t reserved;
    // The server's time, Unix seconds; 0 if unknown.
    uint64_t server_time;
} sprag_hint;

// A message to send. Filled by the caller.
typedef struct sprag_outgoing {
    // `sizeof(sprag_outgoing)`.
    uint32_t size;
    // Where it goes: one of `SPRAG_CONVERSATION_…`.
    uint32_t conversation;
    // The other account of a direct conversation, or the room: 1 to `SPRAG_MAX_ID` bytes.
    struct sprag_bytes peer;
    // The members of the room, ourselves included or not, in any order; none for a direct conversation.
    const struct sprag_bytes *members;
    // How many: at most `SPRAG_MAX_MEMBERS`.
    size_t members_len;
    // What it says: `SPRAG_CONTENT_TEXT` (UTF-8) or `SPRAG_CONTENT_APP`.
    uint32_t content;
    // How it is to be treated: 0 or one of `SPRAG_CLASS_…`.
    uint32_t message_class;
    // Of the app's own content: what it is, 1 to `SPRAG_MAX_ID` bytes of UTF-8. Absent for text.
    struct sprag_bytes content_kind;
    // The content's bytes, at most `SPRAG_MAX_CONTENT`.
    struct sprag_bytes body;
    // The message's id, 1 to `SPRAG_MAX_ID` bytes; made up if absent. The same id with the same content is sent once.
    struct sprag_bytes client_id;
    // When it need not arrive any more, Unix seconds; 0 for never.
    uint64_t expires;
} sprag_outgoing;

// A request. Fields that its kind does not speak of are absent or zero.
typedef struct sprag_request {
    // One of `SPRAG_REQUEST_…`. Skip what you do not know.
    uint32_t kind;
    // How often it was handed out.
    uint32_t attempt;
    // Its name until it is answered; the idempotency key towards the server.
    uint64_t id;
    // When it was made, Unix seconds.
    uint64_t created;
    // Until when it is the caller's alone, Unix seconds.
    uint64_t lease_until;
    // PublishKeys: our account.
    struct sprag_bytes account;
    // PublishKeys: our device.
    uint32_t device;
    // PublishKeys: not 0 if the queue of one-time prekeys is to be emptied first.
    uint32_t reset_one_time;
    // PublishKeys: the device list, if it is to be replaced.
    struct sprag_bytes list;
    // PublishKeys: its sequence.
    uint64_t list_sequence;
    // PublishKeys: the sequence that the directory must hold before it; 0 for none.
    uint64_t list_expected;
    // PublishKeys: the signed prekey, if it is to be replaced.
    struct sprag_bytes signed_prekey;
    // PublishKeys, with `SPRAG_DIRECTORY_KEY_VALUE`: the account's one value, to be put in the place of the one that is there.
    struct sprag_bytes value;
    // PublishKeys: one-time prekeys to add.
    const struct sprag_bytes *one_time;
    // How many.
    size_t one_time_len;
    // FetchKeys: whose keys. Send: who is to have the blob.
    const struct sprag_bytes *accounts;
    // FetchKeys: the sequence known of each account's list; 0 for none. NULL for other kinds.
    const uint64_t *known_sequences;
    // How many accounts.
    size_t accounts_len;
    // FetchKeys: not 0 if a one-time prekey of each device is wanted.
    uint32_t want_one_time;
    // FetchKeys: one of `SPRAG_WHY_…`.
    uint32_t why;
    // FetchKeys: not 0 if somebody waits.
    uint32_t urgent;
    // Send: one of `SPRAG_CONVERSATION_…`.
    uint32_t conversation;
    // Send: the other account of a direct conversation, or the room.
    struct sprag_bytes peer;
    // Send: the members of the room, ourselves included.
    const struct sprag_bytes *members;
    // How many.
    size_t members_len;
    // Send: the encrypted bytes.
    struct sprag_bytes blob;
    // Send: their hash, 32 bytes.
    struct sprag_bytes blob_id;
    // Send: the message in it; absent if it is the engine's own upkeep.
    struct sprag_bytes message;
    // Send: the commitment that a server may stamp, 32 bytes.
    struct sprag_bytes commitment;
    // Send: one of `SPRAG_CLASS_…`.
    uint32_t message_class;
    // Send: not 0 if the recipient should be woken.
    uint32_t notify;
    // Send: when it need not arrive any more, Unix seconds; 0 for never.
    uint64_t expires;
} sprag_request;

// What was found in one delivered message.
typedef struct sprag_verdict {
    // One of `SPRAG_VERDICT_…`.
    uint32_t kind;
    // Unreadable: why; a number that `sprag_reason_str` puts in words.
    uint32_t reason;
    // Unreadable: one of `SPRAG_HEALING_…`.
    uint32_t healing;
    // Zero.
    uint32_t reserved;
    // The hash of the delivered bytes, 32 bytes.
    struct sprag_bytes blob_id;
    // Opened: the events that came of it.
    const uint64_t *events;
    // How many.
    size_t events_len;
    // Duplicate, own echo: the message in it, where it is known.
    struct sprag_bytes message;
    // Quarantined: the hash of the account key, 32 bytes.
    struct sprag_bytes fingerprint;
} sprag_verdict;

// Something for the app to show or to act on. Fields that its kind does not speak of are absent or zero.
typedef struct sprag_event {
    // One of `SPRAG_EVENT_…`. Skip what you do not know.
    uint32_t kind;
    // One of `SPRAG_IMPORTANCE_…`.
    uint32_t importance;
    // Names the event, for `sprag_done`.
    uint64_t id;
    // When it happened, Unix seconds.
    uint64_t at;
    // Message, unreadable, unsupported, plaintext in protected: the app's own name for it, if it gave one.
    struct sprag_bytes app_ref;
    // Message, unreadable, unsupported: the hash of its bytes, 32 bytes.
    struct sprag_bytes blob_id;
    // Message, progress: the message's id.
    struct sprag_bytes message;
    // Whose it is: the sender's account, the one that the server named, or the contact that it is about.
    struct sprag_bytes account;
    // Message, audience differs, session restarted, clone suspected, braid stalled, unsupported: the device. Link: which
    // one, 0 where it is not known.
    uint32_t device;
    // Message, audience differs, plaintext in protected, protection: one of `SPRAG_CONVERSATION_…`.
    uint32_t conversation;
    // The same: the other account of a direct conversation, or the room. Sender differs: whom the app named.
    struct sprag_bytes peer;
    // The same: the members of the room, ourselves included, as far as we know them.
    const struct sprag_bytes *members;
    // How many.
    size_t members_len;
    // Message: one of `SPRAG_CLASS_…`.
    uint32_t message_class;
    // Message: one of `SPRAG_CONTENT_…`. Unsupported: the number of its kind, as far as 32 bits hold it.
    uint32_t content;
    // Message: what the app's own content is.
    struct sprag_bytes content_kind;
    // Message: what it says.
    struct sprag_bytes body;
    // Message: when its sender says it was sent, Unix seconds.
    uint64_t sent;
    // Message: one of `SPRAG_TRUST_…`.
    uint32_t trust;
    // Message: the hash of the bytes of one that did not open before, in whose place it came, 32 bytes.
    struct sprag_bytes recovers;
    // Message: not 0 if it is the first from this account.
    uint32_t first_contact;
    // Message: not 0 if we sent it, from another device.
    uint32_t outgoing;
    // Unreadable, progress, session restarted: why, as `sprag_reason_str` says; 0 if there is nothing to say.
    uint32_t reason;
    // Unreadable: one of `SPRAG_HEALING_…`.
    uint32_t healing;
    // Progress: one of `SPRAG_STATE_…`. Protection: how it is, one of `SPRAG_PROTECTION_…`.
    uint32_t state;
    // Identity changed: the safety number that was pinned, 60 digits.
    struct sprag_bytes old_number;
    // Identity changed: the one that was offered.
    struct sprag_bytes new_number;
    // Identity changed: the messages that are held.
    const struct sprag_bytes *held;
    // How many.
    size_t held_len;
    // Identity changed: whether the old number had been compared. Session restarted: whether it was resumed. Devices
    // changed: whether they are our own.
    uint32_t flag;
    // Keys low: how many are left. Store trouble: its code. Link: one of `SPRAG_LINK_…`. Protection: how it was, one of
    // `SPRAG_PROTECTION_…`.
    uint32_t number;
    // Clock suspect: by how many seconds our clock is ahead.
    int64_t skew;
    // List conflict: the sequence of the list known here.
    uint64_t my_sequence;
    // List conflict: the sequence of the other one.
    uint64_t their_sequence;
    // List conflict: the hash of the list known here, 32 bytes.
    struct sprag_bytes my_hash;
    // List conflict: the hash of the other one.
    struct sprag_bytes their_hash;
    // Devices changed: those that are new.
    const uint32_t *devices_added;
    // How many.
    size_t devices_added_len;
    // Devices changed: those that are gone.
    const uint32_t *devices_removed;
    // How many.
    size_t devices_removed_len;
    // Audience differs: whom the sender wrote to beside those that we know of.
    const struct sprag_bytes *added;
    // How many.
    size_t added_len;
    // Audience differs: whom the sender did not write to.
    const struct sprag_bytes *missing;
    // How many.
    size_t missing_len;
} sprag_event;

// How long ago the session with a device got fresh secrets. Somebody who copied a phone is shut out when both sides have
// brought one since.
typedef struct sprag_freshness {
    // Which device of the contact.
    uint32_t device;
    // Messages, either way, since the last fresh post-quantum secret.
    uint32_t since_epoch;
    // Messages, either way, since the last fresh Diffie-Hellman secret.
    uint32_t since_turn;
    // Zero.
    uint32_t reserved;
    // Fresh post-quantum secrets so far.
    uint64_t epoch;
} sprag_freshness;

// One of our own devices, as our list has it.
typedef struct sprag_own_device {
    // Which.
    uint32_t device;
    // Not 0: the one that is asked.
    uint32_t is_this;
    // Not 0: it may admit and revoke others.
    uint32_t holds_account_key;
    // Zero.
    uint32_t reserved;
} sprag_own_device;

// One number of a diagnosis. Later releases may add fields at the end.
typedef struct sprag_figure {
    // What it is: a name that stays, in small letters and `_`, until the diagnosis is freed. Those that begin with `verdict_` and
    // `event_` are counters; those that end with `_seconds` are times until now.
    struct sprag_bytes name;
    // The number.
    uint64_t value;
    // Of a counter, the last day on which it rose: Unix seconds of its beginning, UTC. 0 for what is no counter.
    uint64_t last;
    // Of a counter, why, as in an event; 0 if there is no reason.
    uint32_t reason;
} sprag_figure;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The number of the interface that the library has, to be compared with `SPRAG_ABI_VERSION`.
uint32_t sprag_abi_version(void);

// The library's version, as static text.
const char *sprag_version(void);

// What a status means, as static text for a log. Never NULL.
const char *sprag_status_str(sprag_status status);

// What a reason means, as bytes of static text for a log (not ended by NUL); absent if the number is unknown.
struct sprag_bytes sprag_reason_str(uint32_t reason);

// Whether bytes look like an object of Sprag: 1 or 0. Needs no client.
int32_t sprag_recognise(struct sprag_bytes bytes);

// Makes a new account on a new store. `SPRAG_EXISTS` if there is one.
SPRAG_MUST_USE sprag_status sprag_client_create(const struct sprag_config *config, struct sprag_client **out);

// Opens the store of an account. `SPRAG_NO_STORE` if there is none.
SPRAG_MUST_USE sprag_status sprag_client_open(const struct sprag_opening *opening, struct sprag_client **out);

// Closes a client and frees it. Everything is on disk already. No other call may be running on it. NULL is fine.
void sprag_client_free(struct sprag_client *client);

// Removes the store with everything in it, and frees the client, also on failure. There is no way back.
SPRAG_MUST_USE sprag_status sprag_client_erase(struct sprag_client *client);

// Replaces the stored policy.
SPRAG_MUST_USE
sprag_status sprag_configure(const struct sprag_client *client,
                             const struct sprag_policy *policy);

// Closes the store until `sprag_resume`: before the platform suspends the process. May be called from another thread while a
// call is running.
SPRAG_MUST_USE
sprag_status sprag_suspend(const struct sprag_client *client);

// Opens the store again after `sprag_suspend`.
SPRAG_MUST_USE sprag_status sprag_resume(const struct sprag_client *client);

// Puts the store under a new key of 32 bytes. The app deletes the old one afterwards.
SPRAG_MUST_USE sprag_status sprag_rekey(const struct sprag_client *client, struct sprag_bytes key);

// Writes the client's account id: at most 64 bytes. `SPRAG_TOO_SMALL` says how many are needed.
SPRAG_MUST_USE
sprag_status sprag_account(const struct sprag_client *client,
                           uint8_t *out,
                           size_t capacity,
                           size_t *length);

// Writes the client's device: what tells it from the account's others at the app's server.
SPRAG_MUST_USE sprag_status sprag_device(const struct sprag_client *client, uint32_t *device);

// What is known of another account, the safety number included. `SPRAG_UNKNOWN` if it was never spoken of.
SPRAG_MUST_USE
sprag_status sprag_contact_get(const struct sprag_client *client,
                               struct sprag_bytes account,
                               struct sprag_contact *out);

// The user compared the safety number with the contact: `number` is the one that they saw, 60 digits with any white space.
// `SPRAG_NOT_ALLOWED` if it is not the number of the pinned identity, or the contact is `SPRAG_TRUST_CHANGED`. `pending` may
// be NULL.
SPRAG_MUST_USE
sprag_status sprag_confirm(const struct sprag_client *client,
                           struct sprag_bytes account,
                           struct sprag_bytes number,
                           struct sprag_pending *pending);

// The user goes on with the identity that has the number that they saw: the offered one, or the pinned one all the same. Held
// messages wait for `sprag_retry`. `SPRAG_NOT_ALLOWED` if the number is neither's. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_accept_change(const struct sprag_client *client,
                                 struct sprag_bytes account,
                                 struct sprag_bytes number,
                                 struct sprag_pending *pending);

// Forgets a contact: what is pinned, whether it was confirmed, and all sessions; messages that wait are taken back.
// `SPRAG_NOT_ALLOWED` if the number is not that of the pinned identity. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_forget(const struct sprag_client *client,
                          struct sprag_bytes account,
                          struct sprag_bytes number,
                          struct sprag_pending *pending);

// How fresh the secrets are that messages to a contact are sealed with: a record for each of its devices that there is a
// session with. `SPRAG_UNKNOWN` if the contact was never seen.
SPRAG_MUST_USE
sprag_status sprag_freshness_get(const struct sprag_client *client,
                                 struct sprag_bytes account,
                                 struct sprag_freshness_list **out);

// Takes `count` messages, each `incoming->size` bytes after the one before, and judges each. What came of it is on disk
// on return: the app may acknowledge them to its server. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_deliver(const struct sprag_client *client,
                           const struct sprag_incoming *messages,
                           size_t count,
                           struct sprag_verdict_list **out,
                           struct sprag_pending *pending);

// Hands out at most `max` requests, the caller's alone for `lease_seconds` (0 for 60).
SPRAG_MUST_USE
sprag_status sprag_requests(const struct sprag_client *client,
                            size_t max,
                            uint32_t lease_seconds,
                            struct sprag_request_list **out);

// Says what became of a request. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_respond(const struct sprag_client *client,
                           uint64_t request,
                           const struct sprag_outcome *outcome,
                           struct sprag_pending *pending);

// Lets the engine do what is due. `hint` and `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_wake(const struct sprag_client *client,
                        const struct sprag_hint *hint,
                        struct sprag_pending *pending);

// Sends a message. What can go out at once is in the answer, leased to the caller; `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_send(const struct sprag_client *client,
                        const struct sprag_outgoing *message,
                        struct sprag_sent **out,
                        struct sprag_pending *pending);

// At most `max` events that follow the event `after` (0 for the oldest). They stay until they are done.
SPRAG_MUST_USE
sprag_status sprag_events(const struct sprag_client *client,
                          uint64_t after,
                          size_t max,
                          struct sprag_event_list **out);

// Says that these events were shown or acted on; they are deleted. Unknown ids are ignored. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_done(const struct sprag_client *client,
                        const uint64_t *events,
                        size_t count,
                        struct sprag_pending *pending);

// Looks into a message and changes nothing, for a notification: deliver it later all the same.
SPRAG_MUST_USE
sprag_status sprag_peek(const struct sprag_client *client,
                        const struct sprag_incoming *message,
                        struct sprag_preview **out);

// Takes a message of ours back, if it has not gone out. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_cancel(const struct sprag_client *client,
                          struct sprag_bytes message,
                          struct sprag_pending *pending);

// Offers a message of ours again at once that was put off, or sends one on its way that was held. `SPRAG_UNKNOWN` for none of
// ours; `SPRAG_NOT_ALLOWED` for one that has left or has failed, and while a contact whom it is for is `SPRAG_TRUST_CHANGED`.
// `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_retry(const struct sprag_client *client,
                         struct sprag_bytes message,
                         struct sprag_pending *pending);

// How far a conversation is protected: writes one of `SPRAG_PROTECTION_…`. Nothing changes, and nobody is asked. The
// conversation is named as in `sprag_outgoing`: by its kind, the other account or the room, and the room's members.
SPRAG_MUST_USE
sprag_status sprag_protection(const struct sprag_client *client,
                              uint32_t conversation,
                              struct sprag_bytes peer,
                              const struct sprag_bytes *members,
                              size_t members_len,
                              uint32_t *protection);

// How far a message of ours has come: see `sprag_sent_state`.
SPRAG_MUST_USE
sprag_status sprag_state(const struct sprag_client *client,
                         struct sprag_bytes message,
                         uint32_t *state);

// How many requests there are; 0 for NULL.
size_t sprag_requests_len(const struct sprag_request_list *list);

// The request at `index`, until the list is freed; NULL beyond the end.
const struct sprag_request *sprag_requests_at(const struct sprag_request_list *list, size_t index);

// Frees requests, and wipes them. NULL is fine.
void sprag_requests_free(struct sprag_request_list *list);

// How many verdicts there are; 0 for NULL.
size_t sprag_verdicts_len(const struct sprag_verdict_list *list);

// The verdict at `index`, until the list is freed; NULL beyond the end.
const struct sprag_verdict *sprag_verdicts_at(const struct sprag_verdict_list *list, size_t index);

// Frees verdicts. NULL is fine.
void sprag_verdicts_free(struct sprag_verdict_list *list);

// How many events there are; 0 for NULL.
size_t sprag_events_len(const struct sprag_event_list *list);

// The event at `index`, until the list is freed; NULL beyond the end.
const struct sprag_event *sprag_events_at(const struct sprag_event_list *list, size_t index);

// Frees events, and wipes what they say. NULL is fine.
void sprag_events_free(struct sprag_event_list *list);

// How many devices there is a session with; 0 for NULL.
size_t sprag_freshness_len(const struct sprag_freshness_list *list);

// The record at `index`, until the list is freed; NULL beyond the end.
const struct sprag_freshness *sprag_freshness_at(const struct sprag_freshness_list *list, size_t index);

// Frees the records. NULL is fine.
void sprag_freshness_free(struct sprag_freshness_list *list);

// How many devices there are; 0 for NULL.
size_t sprag_devices_len(const struct sprag_device_list *list);

// The device at `index`, until the list is freed; NULL beyond the end.
const struct sprag_own_device *sprag_devices_at(const struct sprag_device_list *list, size_t index);

// Frees the records. NULL is fine.
void sprag_devices_free(struct sprag_device_list *list);

// What is shown as a QR code, until the code is freed: at most 256 bytes. Absent for NULL.
struct sprag_bytes sprag_link_code_bytes(const struct sprag_link_code *code);

// The same as text, to be typed or pasted, until the code is freed. Absent for NULL.
struct sprag_bytes sprag_link_code_text(const struct sprag_link_code *code);

// The six digits that the user types on the other device, until the code is freed: consent, not security. Absent for NULL.
struct sprag_bytes sprag_link_code_digits(const struct sprag_link_code *code);

// When the code is worth nothing any more, Unix seconds by this device's clock; 0 for NULL.
uint64_t sprag_link_code_expires(const struct sprag_link_code *code);

// Frees a code, and wipes it. NULL is fine.
void sprag_link_code_free(struct sprag_link_code *code);

// The message's id, until the answer is freed.
struct sprag_bytes sprag_sent_message(const struct sprag_sent *sent);

// How far it has come: 1 waiting for keys, 2 held, 3 ready, 4 accepted, 5 failed, 6 cancelled; 0 for NULL.
uint32_t sprag_sent_state(const struct sprag_sent *sent);

// What can go out at once, until the answer is freed. Not to be freed by itself.
const struct sprag_request_list *sprag_sent_requests(const struct sprag_sent *sent);

// Frees the answer, its requests included. NULL is fine.
void sprag_sent_free(struct sprag_sent *sent);

// What was found, until the preview is freed: the fields of an event, `kind` 1 a message, 2 unreadable, 0 nothing to show.
const struct sprag_event *sprag_preview_get(const struct sprag_preview *preview);

// Frees a preview, and wipes what it says. NULL is fine.
void sprag_preview_free(struct sprag_preview *preview);

// The devices of our account, as our list has them. `SPRAG_NOT_ALLOWED` on a device that is still to be linked.
SPRAG_MUST_USE
sprag_status sprag_devices_get(const struct sprag_client *client,
                               struct sprag_device_list **out);

// The code of a device that is to be linked (`SPRAG_START_LINK`), to be shown to the user: fresh with each call, good for a
// minute and for one offer. `SPRAG_NOT_ALLOWED` on a device that has its account.
SPRAG_MUST_USE
sprag_status sprag_link_code_get(const struct sprag_client *client,
                                 struct sprag_link_code **out);

// Admits the device whose code was scanned, as bytes or as its text. `digits` are what the user read from the new device's
// screen and confirmed here; `SPRAG_NOT_ALLOWED` for others, or on a device that does not hold the account key. With
// `holds_account_key` not 0 the new device may admit and revoke others. `SPRAG_MISUSE` for what is no code, or one for another
// account, or if the account has 16 devices. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_admit(const struct sprag_client *client,
                         struct sprag_bytes code,
                         struct sprag_bytes digits,
                         uint32_t holds_account_key,
                         struct sprag_pending *pending);

// Takes a device off our list: others write to it no more once they have the new list, and it writes to nobody.
// If it held the account key, another key follows: contacts see another identity. `SPRAG_UNKNOWN` for a device that is not on
// the list, `SPRAG_NOT_ALLOWED` on one that does not hold the account key, `SPRAG_MISUSE` for this device itself. `pending`
// may be NULL.
SPRAG_MUST_USE
sprag_status sprag_revoke(const struct sprag_client *client,
                          uint32_t device,
                          struct sprag_pending *pending);

// Takes this device off its account's list: as when the user logs out. `SPRAG_NOT_ALLOWED` if it is not on it, or no other
// device holds the account key. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_retire(const struct sprag_client *client,
                          struct sprag_pending *pending);

// Says whether every client of this account can read what is encrypted, old ones included: not 0 if so. `SPRAG_NOT_ALLOWED` on
// a device that does not hold the account key. `pending` may be NULL.
SPRAG_MUST_USE
sprag_status sprag_set_ready(const struct sprag_client *client,
                             uint32_t ready,
                             struct sprag_pending *pending);

// Our own card: a code and a link to show or to send to somebody by any way, and the whole card in parts. `SPRAG_NOT_ALLOWED` on
// a device that is not on its account's list.
SPRAG_MUST_USE
sprag_status sprag_card_get(const struct sprag_client *client,
                            struct sprag_card **out);

// What is shown as a QR code, until the card is freed: the account's id and the fingerprint of its key. Absent for NULL.
struct sprag_bytes sprag_card_code(const struct sprag_card *card);

// The same as a link, until the card is freed. Absent for NULL.
struct sprag_bytes sprag_card_link(const struct sprag_card *card);

// How many bodies the whole card is; none where there is a directory, and 0 for NULL.
size_t sprag_card_parts_len(const struct sprag_card *card);

// One of them, until the card is freed; absent beyond the end.
struct sprag_bytes sprag_card_parts_at(const struct sprag_card *card, size_t index);

// Frees a card. NULL is fine.
void sprag_card_free(struct sprag_card *card);

// Takes over somebody's code, as bytes, or their link, as its text, and writes whose it is: at most 64 bytes. From now on no
// other key is pinned under that id. `SPRAG_NOT_ALLOWED` if another one is. `SPRAG_TOO_SMALL` says how many bytes are needed;
// the card is taken over all the same.
SPRAG_MUST_USE
sprag_status sprag_import(const struct sprag_client *client,
                          struct sprag_bytes card,
                          uint8_t *out,
                          size_t capacity,
                          size_t *length);

// A body of about `length` bytes, and never more, in the armor of the policy: to be sent through the app's server to oneself.
// `SPRAG_MISUSE` for less than 1 KiB or more than 4 MiB.
SPRAG_MUST_USE
sprag_status sprag_probe_get(const struct sprag_client *client,
                             uint32_t length,
                             struct sprag_probe **out);

// The body, until the probe is freed. Absent for NULL.
struct sprag_bytes sprag_probe_body(const struct sprag_probe *probe);

// Frees a probe. NULL is fine.
void sprag_probe_free(struct sprag_probe *probe);

// What became of a probe on its way: writes one of `SPRAG_PROBED_…`. Needs no client.
SPRAG_MUST_USE sprag_status sprag_probed(struct sprag_bytes body, uint32_t *found);

// How the client and its store are: versions, numbers, and how often what went wrong, for a support ticket. Nothing in it is
// secret, and no account, message or conversation is named. It reads every contact, and changes nothing.
SPRAG_MUST_USE
sprag_status sprag_diagnose(const struct sprag_client *client,
                            struct sprag_diagnosis **out);

// All of it as text, versions included, a line for each number, until it is freed. Absent for NULL.
struct sprag_bytes sprag_diagnosis_text(const struct sprag_diagnosis *diagnosis);

// How many numbers there are; 0 for NULL.
size_t sprag_diagnosis_len(const struct sprag_diagnosis *diagnosis);

// The number at `index`, until the diagnosis is freed; NULL beyond the end.
const struct sprag_figure *sprag_diagnosis_at(const struct sprag_diagnosis *diagnosis, size_t index);

// Frees a diagnosis. NULL is fine.
void sprag_diagnosis_free(struct sprag_diagnosis *diagnosis);

// Writes the value of a constant of this header, by its name as bytes: "SPRAG_OK". `SPRAG_UNKNOWN` if there is none.
SPRAG_MUST_USE
sprag_status sprag_constant(struct sprag_bytes name,
                            int64_t *value);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SPRAG_H */
