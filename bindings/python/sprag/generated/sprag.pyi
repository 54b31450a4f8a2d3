# Written by stubs.py from sprag.py beside it: cargo xtask bindings.
import builtins
import enum
import typing

class InternalError(Exception): ...

class Trust(enum.Enum):
    PINNED = 0
    VERIFIED = 1
    CHANGED = 2
    UNSEEN = 3
    OTHER = 4

class Finding:
    class OPENED(Finding):
        events: builtins.list[builtins.int]
        def __init__(self, events: builtins.list[builtins.int]) -> None: ...
    class QUARANTINED(Finding):
        fingerprint: builtins.bytes
        def __init__(self, fingerprint: builtins.bytes) -> None: ...
    class DUPLICATE(Finding):
        message: typing.Optional[builtins.bytes]
        def __init__(self, message: typing.Optional[builtins.bytes]) -> None: ...
    class OWN_ECHO(Finding):
        message: typing.Optional[builtins.bytes]
        def __init__(self, message: typing.Optional[builtins.bytes]) -> None: ...
    class NOT_ADDRESSED(Finding):
        def __init__(self) -> None: ...
    class FOREIGN(Finding):
        def __init__(self) -> None: ...
    class UNREADABLE(Finding):
        reason: builtins.int
        asked: builtins.bool
        def __init__(self, reason: builtins.int, asked: builtins.bool) -> None: ...
    class OTHER(Finding):
        kind: builtins.int
        def __init__(self, kind: builtins.int) -> None: ...

class Importance(enum.Enum):
    CONTENT = 0
    SECURITY = 1
    INFO = 2

class Conversation:
    class DIRECT(Conversation):
        account: builtins.bytes
        def __init__(self, account: builtins.bytes) -> None: ...
    class ROOM(Conversation):
        id: builtins.bytes
        members: builtins.list[builtins.bytes]
        def __init__(self, id: builtins.bytes, members: builtins.list[builtins.bytes]) -> None: ...
    class OTHER(Conversation):
        kind: builtins.int
        def __init__(self, kind: builtins.int) -> None: ...

class Content:
    class TEXT(Content):
        text: builtins.str
        def __init__(self, text: builtins.str) -> None: ...
    class APP(Content):
        kind: builtins.str
        bytes: builtins.bytes
        def __init__(self, kind: builtins.str, bytes: builtins.bytes) -> None: ...
    class OTHER(Content):
        kind: builtins.int
        def __init__(self, kind: builtins.int) -> None: ...

class MessageState(enum.Enum):
    WAITING_KEYS = 0
    HELD = 1
    READY = 2
    ACCEPTED = 3
    FAILED = 4
    CANCELLED = 5
    OTHER = 6

class Protection(enum.Enum):
    PLAIN = 0
    OFFERED = 1
    ENCRYPTED = 2
    VERIFIED = 3
    OTHER = 4

class LinkPhase(enum.Enum):
    OFFERED = 0
    JOINED = 1
    ANSWERED = 2
    ADMITTED = 3
    OTHER = 4

class What:
    class MESSAGE(What):
        app_ref: typing.Optional[builtins.bytes]
        blob_id: builtins.bytes
        client_id: builtins.bytes
        sender: builtins.bytes
        device: builtins.int
        outgoing: builtins.bool
        conversation: Conversation
        quiet: builtins.bool
        content: Content
        sent: builtins.int
        trust: Trust
        first_contact: builtins.bool
        recovers: typing.Optional[builtins.bytes]
        def __init__(self, app_ref: typing.Optional[builtins.bytes], blob_id: builtins.bytes, client_id: builtins.bytes, sender: builtins.bytes, device: builtins.int, outgoing: builtins.bool, conversation: Conversation, quiet: builtins.bool, content: Content, sent: builtins.int, trust: Trust, first_contact: builtins.bool, recovers: typing.Optional[builtins.bytes]) -> None: ...
    class UNREADABLE(What):
        app_ref: typing.Optional[builtins.bytes]
        blob_id: builtins.bytes
        sender: typing.Optional[builtins.bytes]
        reason: builtins.int
        asked: builtins.bool
        def __init__(self, app_ref: typing.Optional[builtins.bytes], blob_id: builtins.bytes, sender: typing.Optional[builtins.bytes], reason: builtins.int, asked: builtins.bool) -> None: ...
    class PROGRESS(What):
        message: builtins.bytes
        account: typing.Optional[builtins.bytes]
        state: MessageState
        reason: typing.Optional[builtins.int]
        def __init__(self, message: builtins.bytes, account: typing.Optional[builtins.bytes], state: MessageState, reason: typing.Optional[builtins.int]) -> None: ...
    class IDENTITY_CHANGED(What):
        account: builtins.bytes
        old_number: builtins.str
        new_number: builtins.str
        was_verified: builtins.bool
        held: builtins.list[builtins.bytes]
        def __init__(self, account: builtins.bytes, old_number: builtins.str, new_number: builtins.str, was_verified: builtins.bool, held: builtins.list[builtins.bytes]) -> None: ...
    class DEVICES_CHANGED(What):
        account: builtins.bytes
        added: builtins.list[builtins.int]
        removed: builtins.list[builtins.int]
        own: builtins.bool
        def __init__(self, account: builtins.bytes, added: builtins.list[builtins.int], removed: builtins.list[builtins.int], own: builtins.bool) -> None: ...
    class AUDIENCE_DIFFERS(What):
        conversation: Conversation
        sender: builtins.bytes
        device: builtins.int
        added: builtins.list[builtins.bytes]
        missing: builtins.list[builtins.bytes]
        def __init__(self, conversation: Conversation, sender: builtins.bytes, device: builtins.int, added: builtins.list[builtins.bytes], missing: builtins.list[builtins.bytes]) -> None: ...
    class PLAINTEXT_IN_PROTECTED(What):
        conversation: Conversation
        sender: typing.Optional[builtins.bytes]
        app_ref: typing.Optional[builtins.bytes]
        def __init__(self, conversation: Conversation, sender: typing.Optional[builtins.bytes], app_ref: typing.Optional[builtins.bytes]) -> None: ...
    class PROTECTION(What):
        conversation: Conversation
        before: Protection
        now: Protection
        def __init__(self, conversation: Conversation, before: Protection, now: Protection) -> None: ...
    class LINK(What):
        phase: LinkPhase
        device: typing.Optional[builtins.int]
        def __init__(self, phase: LinkPhase, device: typing.Optional[builtins.int]) -> None: ...
    class REMOVED(What):
        def __init__(self) -> None: ...
    class LIST_CONFLICT(What):
        account: builtins.bytes
        mine: ListRef
        theirs: ListRef
        def __init__(self, account: builtins.bytes, mine: ListRef, theirs: ListRef) -> None: ...
    class SESSION_RESTARTED(What):
        account: builtins.bytes
        device: builtins.int
        resumed: builtins.bool
        reason: typing.Optional[builtins.int]
        def __init__(self, account: builtins.bytes, device: builtins.int, resumed: builtins.bool, reason: typing.Optional[builtins.int]) -> None: ...
    class CLONE_SUSPECTED(What):
        account: builtins.bytes
        device: builtins.int
        def __init__(self, account: builtins.bytes, device: builtins.int) -> None: ...
    class BRAID_STALLED(What):
        account: builtins.bytes
        device: builtins.int
        def __init__(self, account: builtins.bytes, device: builtins.int) -> None: ...
    class CLOCK_SUSPECT(What):
        skew: builtins.int
        def __init__(self, skew: builtins.int) -> None: ...
    class KEYS_LOW(What):
        left: builtins.int
        def __init__(self, left: builtins.int) -> None: ...
    class STORE_TROUBLE(What):
        code: builtins.int
        def __init__(self, code: builtins.int) -> None: ...
    class UNSUPPORTED(What):
        app_ref: typing.Optional[builtins.bytes]
        blob_id: builtins.bytes
        sender: builtins.bytes
        device: builtins.int
        kind: builtins.int
        def __init__(self, app_ref: typing.Optional[builtins.bytes], blob_id: builtins.bytes, sender: builtins.bytes, device: builtins.int, kind: builtins.int) -> None: ...
    class SENDER_DIFFERS(What):
        app_ref: typing.Optional[builtins.bytes]
        blob_id: builtins.bytes
        named: builtins.bytes
        proved: builtins.bytes
        def __init__(self, app_ref: typing.Optional[builtins.bytes], blob_id: builtins.bytes, named: builtins.bytes, proved: builtins.bytes) -> None: ...
    class OTHER(What):
        kind: builtins.int
        def __init__(self, kind: builtins.int) -> None: ...

class OnChange(enum.Enum):
    HOLD_VERIFIED = 0
    HOLD_ALL = 1

class Rollout(enum.Enum):
    READ = 0
    OFFER = 1
    ENCRYPT = 2

class Directory(enum.Enum):
    IN_BAND = 0
    KEY_VALUE = 1
    FULL = 2

class Armor(enum.Enum):
    BINARY = 0
    TEXT = 1

class Why(enum.Enum):
    SEND = 0
    REFRESH = 1
    SELF_CHECK = 2
    OTHER = 3

class Action:
    class PUBLISH_KEYS(Action):
        account: builtins.bytes
        device: builtins.int
        list: typing.Optional[ListWrite]
        signed_prekey: typing.Optional[builtins.bytes]
        one_time: builtins.list[builtins.bytes]
        reset_one_time: builtins.bool
        value: typing.Optional[builtins.bytes]
        def __init__(self, account: builtins.bytes, device: builtins.int, list: typing.Optional[ListWrite], signed_prekey: typing.Optional[builtins.bytes], one_time: builtins.list[builtins.bytes], reset_one_time: builtins.bool, value: typing.Optional[builtins.bytes]) -> None: ...
    class FETCH_KEYS(Action):
        accounts: builtins.list[Wanted]
        one_time: builtins.bool
        why: Why
        urgent: builtins.bool
        def __init__(self, accounts: builtins.list[Wanted], one_time: builtins.bool, why: Why, urgent: builtins.bool) -> None: ...
    class SEND(Action):
        conversation: Conversation
        to: builtins.list[builtins.bytes]
        blob: builtins.bytes
        blob_id: builtins.bytes
        message: typing.Optional[builtins.bytes]
        quiet: builtins.bool
        notify: builtins.bool
        commitment: builtins.bytes
        expires: typing.Optional[builtins.int]
        def __init__(self, conversation: Conversation, to: builtins.list[builtins.bytes], blob: builtins.bytes, blob_id: builtins.bytes, message: typing.Optional[builtins.bytes], quiet: builtins.bool, notify: builtins.bool, commitment: builtins.bytes, expires: typing.Optional[builtins.int]) -> None: ...
    class OTHER(Action):
        kind: builtins.int
        def __init__(self, kind: builtins.int) -> None: ...

class Rejection(enum.Enum):
    FORBIDDEN = 0
    NO_SUCH_ACCOUNT = 1
    OTHER = 2

class Outcome:
    class PUBLISHED(Outcome):
        one_time_left: typing.Optional[builtins.int]
        def __init__(self, one_time_left: typing.Optional[builtins.int]) -> None: ...
    class CONFLICT(Outcome):
        list: builtins.bytes
        def __init__(self, list: builtins.bytes) -> None: ...
    class KEYS(Outcome):
        found: builtins.list[Found]
        absent: builtins.list[builtins.bytes]
        def __init__(self, found: builtins.list[Found], absent: builtins.list[builtins.bytes]) -> None: ...
    class ACCEPTED(Outcome):
        server_time: typing.Optional[builtins.int]
        stamp: typing.Optional[builtins.bytes]
        def __init__(self, server_time: typing.Optional[builtins.int], stamp: typing.Optional[builtins.bytes]) -> None: ...
    class STALE(Outcome):
        accounts: builtins.list[StaleList]
        def __init__(self, accounts: builtins.list[StaleList]) -> None: ...
    class TOO_LARGE(Outcome):
        limit: builtins.int
        def __init__(self, limit: builtins.int) -> None: ...
    class RETRY(Outcome):
        after: typing.Optional[builtins.int]
        def __init__(self, after: typing.Optional[builtins.int]) -> None: ...
    class REJECTED(Outcome):
        why: Rejection
        def __init__(self, why: Rejection) -> None: ...

class Preview:
    class MESSAGE(Preview):
        sender: builtins.bytes
        conversation: Conversation
        client_id: builtins.bytes
        quiet: builtins.bool
        content: Content
        def __init__(self, sender: builtins.bytes, conversation: Conversation, client_id: builtins.bytes, quiet: builtins.bool, content: Content) -> None: ...
    class KNOWN(Preview):
        def __init__(self) -> None: ...
    class UNREADABLE(Preview):
        reason: builtins.int
        def __init__(self, reason: builtins.int) -> None: ...

class Probed(enum.Enum):
    UNCHANGED = 0
    READABLE = 1
    DAMAGED = 2

class SpragError(Exception):
    @property
    def code(self) -> builtins.int: ...
    class Store(SpragError): ...
    class Busy(SpragError): ...
    class Unavailable(SpragError): ...
    class WrongKey(SpragError): ...
    class WrongAccount(SpragError): ...
    class Exists(SpragError): ...
    class NoStore(SpragError): ...
    class Newer(SpragError): ...
    class Unknown(SpragError): ...
    class NotProtected(SpragError): ...
    class NotAllowed(SpragError): ...
    class Misuse(SpragError): ...
    class Internal(SpragError): ...

class Card:
    code: builtins.bytes
    link: builtins.str
    parts: builtins.list[builtins.bytes]
    def __init__(self, *, code: builtins.bytes, link: builtins.str, parts: builtins.list[builtins.bytes]) -> None: ...

class Contact:
    account: builtins.bytes
    trust: Trust
    fingerprint: typing.Optional[builtins.bytes]
    digits: typing.Optional[builtins.str]
    scannable: typing.Optional[builtins.str]
    offered_digits: typing.Optional[builtins.str]
    offered_scannable: typing.Optional[builtins.str]
    def __init__(self, *, account: builtins.bytes, trust: Trust, fingerprint: typing.Optional[builtins.bytes], digits: typing.Optional[builtins.str], scannable: typing.Optional[builtins.str], offered_digits: typing.Optional[builtins.str], offered_scannable: typing.Optional[builtins.str]) -> None: ...

class Verdict:
    blob_id: builtins.bytes
    finding: Finding
    def __init__(self, *, blob_id: builtins.bytes, finding: Finding) -> None: ...

class Pending:
    events: builtins.int
    requests: builtins.int
    next_wake_ms: typing.Optional[builtins.int]
    def __init__(self, *, events: builtins.int, requests: builtins.int, next_wake_ms: typing.Optional[builtins.int]) -> None: ...

class Delivered:
    verdicts: builtins.list[Verdict]
    pending: Pending
    def __init__(self, *, verdicts: builtins.list[Verdict], pending: Pending) -> None: ...

class Device:
    id: builtins.int
    is_this: builtins.bool
    holds_account_key: builtins.bool
    def __init__(self, *, id: builtins.int, is_this: builtins.bool, holds_account_key: builtins.bool) -> None: ...

class Figure:
    name: builtins.str
    reason: typing.Optional[builtins.int]
    value: builtins.int
    last: typing.Optional[builtins.int]
    def __init__(self, *, name: builtins.str, reason: typing.Optional[builtins.int], value: builtins.int, last: typing.Optional[builtins.int]) -> None: ...

class Diagnosis:
    version: builtins.str
    sqlite: builtins.str
    os: builtins.str
    processor: builtins.str
    format: builtins.int
    at: builtins.int
    since: builtins.int
    figures: builtins.list[Figure]
    text: builtins.str
    def __init__(self, *, version: builtins.str, sqlite: builtins.str, os: builtins.str, processor: builtins.str, format: builtins.int, at: builtins.int, since: builtins.int, figures: builtins.list[Figure], text: builtins.str) -> None: ...

class ListRef:
    sequence: builtins.int
    hash: builtins.bytes
    def __init__(self, *, sequence: builtins.int, hash: builtins.bytes) -> None: ...

class Event:
    id: builtins.int
    at: builtins.int
    importance: Importance
    what: What
    def __init__(self, *, id: builtins.int, at: builtins.int, importance: Importance, what: What) -> None: ...

class Found:
    account: builtins.bytes
    parts: builtins.list[builtins.bytes]
    def __init__(self, *, account: builtins.bytes, parts: builtins.list[builtins.bytes]) -> None: ...

class Freshness:
    device: builtins.int
    epoch: builtins.int
    since_epoch: builtins.int
    since_turn: builtins.int
    def __init__(self, *, device: builtins.int, epoch: builtins.int, since_epoch: builtins.int, since_turn: builtins.int) -> None: ...

class Incoming:
    bytes: builtins.bytes
    sender: typing.Optional[builtins.bytes]
    conversation: typing.Optional[Conversation]
    app_ref: typing.Optional[builtins.bytes]
    server_time: typing.Optional[builtins.int]
    stamp: typing.Optional[builtins.bytes]
    history: builtins.bool
    def __init__(self, *, bytes: builtins.bytes, sender: typing.Optional[builtins.bytes] = ..., conversation: typing.Optional[Conversation] = ..., app_ref: typing.Optional[builtins.bytes] = ..., server_time: typing.Optional[builtins.int] = ..., stamp: typing.Optional[builtins.bytes] = ..., history: builtins.bool = ...) -> None: ...

class LinkCode:
    bytes: builtins.bytes
    text: builtins.str
    digits: builtins.str
    expires: builtins.int
    def __init__(self, *, bytes: builtins.bytes, text: builtins.str, digits: builtins.str, expires: builtins.int) -> None: ...

class ListWrite:
    object: builtins.bytes
    sequence: builtins.int
    expected: builtins.int
    def __init__(self, *, object: builtins.bytes, sequence: builtins.int, expected: builtins.int) -> None: ...

class Policy:
    max_body: builtins.int
    on_change: OnChange
    rollout: Rollout
    directory: Directory
    armor: Armor
    fallback_text: builtins.str
    shelf_messages: builtins.int
    shelf_days: builtins.int
    def __init__(self, *, max_body: builtins.int, on_change: OnChange, rollout: Rollout, directory: Directory, armor: Armor, fallback_text: builtins.str, shelf_messages: builtins.int, shelf_days: builtins.int) -> None: ...

class Wanted:
    account: builtins.bytes
    known_sequence: builtins.int
    def __init__(self, *, account: builtins.bytes, known_sequence: builtins.int) -> None: ...

class Request:
    id: builtins.int
    attempt: builtins.int
    created: builtins.int
    lease_until: builtins.int
    action: Action
    def __init__(self, *, id: builtins.int, attempt: builtins.int, created: builtins.int, lease_until: builtins.int, action: Action) -> None: ...

class SendOptions:
    client_id: typing.Optional[builtins.bytes]
    quiet: builtins.bool
    expires: typing.Optional[builtins.int]
    def __init__(self, *, client_id: typing.Optional[builtins.bytes] = ..., quiet: builtins.bool = ..., expires: typing.Optional[builtins.int] = ...) -> None: ...

class Sent:
    message: builtins.bytes
    state: MessageState
    requests: builtins.list[Request]
    pending: Pending
    def __init__(self, *, message: builtins.bytes, state: MessageState, requests: builtins.list[Request], pending: Pending) -> None: ...

class StaleList:
    account: builtins.bytes
    list: typing.Optional[builtins.bytes]
    def __init__(self, *, account: builtins.bytes, list: typing.Optional[builtins.bytes] = ...) -> None: ...

def default_policy() -> Policy: ...

def probed(body: builtins.bytes) -> Probed: ...

def reason_text(reason: builtins.int) -> builtins.str: ...

def recognise(bytes: builtins.bytes) -> builtins.bool: ...

def version() -> builtins.str: ...

class Client:
    @classmethod
    def create(cls, path: typing.Optional[builtins.str], key: builtins.bytes, account: builtins.bytes, policy: typing.Optional[Policy] = ...) -> Client: ...
    @classmethod
    def link(cls, path: typing.Optional[builtins.str], key: builtins.bytes, account: builtins.bytes, policy: typing.Optional[Policy] = ...) -> Client: ...
    @classmethod
    def open(cls, path: builtins.str, key: builtins.bytes, account: builtins.bytes, extension: builtins.bool = ...) -> Client: ...
    def accept_change(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def account(self) -> builtins.bytes: ...
    def admit(self, code: builtins.bytes, digits: builtins.str, holds_account_key: builtins.bool) -> Pending: ...
    def cancel(self, message: builtins.bytes) -> Pending: ...
    def card(self) -> Card: ...
    def configure(self, policy: Policy) -> None: ...
    def confirm(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def contact(self, account: builtins.bytes) -> Contact: ...
    def deliver(self, messages: builtins.list[Incoming]) -> Delivered: ...
    def device(self) -> builtins.int: ...
    def devices(self) -> builtins.list[Device]: ...
    def diagnose(self) -> Diagnosis: ...
    def done(self, events: builtins.list[builtins.int]) -> Pending: ...
    def erase(self) -> None: ...
    def events(self, after: builtins.int = ..., max: builtins.int = ...) -> builtins.list[Event]: ...
    def forget(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def freshness(self, account: builtins.bytes) -> builtins.list[Freshness]: ...
    def import_card(self, card: builtins.bytes) -> builtins.bytes: ...
    def link_code(self) -> LinkCode: ...
    def peek(self, message: Incoming) -> Preview: ...
    def probe(self, length: builtins.int) -> builtins.bytes: ...
    def protections(self, conversations: builtins.list[Conversation]) -> builtins.list[Protection]: ...
    def rekey(self, key: builtins.bytes) -> None: ...
    def requests(self, max: builtins.int = ..., lease_seconds: builtins.int = ...) -> builtins.list[Request]: ...
    def respond(self, request: builtins.int, outcome: Outcome) -> Pending: ...
    def resume(self) -> None: ...
    def retire(self) -> Pending: ...
    def retry(self, message: builtins.bytes) -> Pending: ...
    def revoke(self, device: builtins.int) -> Pending: ...
    def send(self, conversation: Conversation, content: Content, options: SendOptions) -> Sent: ...
    def set_ready(self, ready: builtins.bool) -> Pending: ...
    def shut(self) -> None: ...
    def state(self, message: builtins.bytes) -> MessageState: ...
    def suspend(self) -> None: ...
    def wake(self, server_time: typing.Optional[builtins.int] = ..., one_time_left: typing.Optional[builtins.int] = ...) -> Pending: ...

class ClientProtocol(typing.Protocol):
    def accept_change(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def account(self) -> builtins.bytes: ...
    def admit(self, code: builtins.bytes, digits: builtins.str, holds_account_key: builtins.bool) -> Pending: ...
    def cancel(self, message: builtins.bytes) -> Pending: ...
    def card(self) -> Card: ...
    def configure(self, policy: Policy) -> None: ...
    def confirm(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def contact(self, account: builtins.bytes) -> Contact: ...
    def deliver(self, messages: builtins.list[Incoming]) -> Delivered: ...
    def device(self) -> builtins.int: ...
    def devices(self) -> builtins.list[Device]: ...
    def diagnose(self) -> Diagnosis: ...
    def done(self, events: builtins.list[builtins.int]) -> Pending: ...
    def erase(self) -> None: ...
    def events(self, after: builtins.int = ..., max: builtins.int = ...) -> builtins.list[Event]: ...
    def forget(self, account: builtins.bytes, number: builtins.str) -> Pending: ...
    def freshness(self, account: builtins.bytes) -> builtins.list[Freshness]: ...
    def import_card(self, card: builtins.bytes) -> builtins.bytes: ...
    def link_code(self) -> LinkCode: ...
    def peek(self, message: Incoming) -> Preview: ...
    def probe(self, length: builtins.int) -> builtins.bytes: ...
    def protections(self, conversations: builtins.list[Conversation]) -> builtins.list[Protection]: ...
    def rekey(self, key: builtins.bytes) -> None: ...
    def requests(self, max: builtins.int = ..., lease_seconds: builtins.int = ...) -> builtins.list[Request]: ...
    def respond(self, request: builtins.int, outcome: Outcome) -> Pending: ...
    def resume(self) -> None: ...
    def retire(self) -> Pending: ...
    def retry(self, message: builtins.bytes) -> Pending: ...
    def revoke(self, device: builtins.int) -> Pending: ...
    def send(self, conversation: Conversation, content: Content, options: SendOptions) -> Sent: ...
    def set_ready(self, ready: builtins.bool) -> Pending: ...
    def shut(self) -> None: ...
    def state(self, message: builtins.bytes) -> MessageState: ...
    def suspend(self) -> None: ...
    def wake(self, server_time: typing.Optional[builtins.int] = ..., one_time_left: typing.Optional[builtins.int] = ...) -> Pending: ...
