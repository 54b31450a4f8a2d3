"""Sprag in Python: end-to-end encryption for a messenger that exists already.

A ``Client`` is one device of one account, with its store. A ``Driver`` runs it: it carries requests out through the app's own
network, and hands out events. Ids and keys are bytes, times are Unix seconds. Every call is synchronous, and durable when it
returns. What raises, raises ``SpragError``: its kind says what went wrong, its ``code`` is the same in every language.
"""

from __future__ import annotations

from collections.abc import Iterator

from .driver import Driver
from .generated.sprag import (
    Action,
    Armor,
    Card,
    Client,
    Contact,
    Content,
    Conversation,
    Delivered,
    Device,
    Diagnosis,
    Directory,
    Event,
    Figure,
    Finding,
    Found,
    Freshness,
    Importance,
    Incoming,
    LinkCode,
    LinkPhase,
    ListRef,
    ListWrite,
    MessageState,
    OnChange,
    Outcome,
    Pending,
    Policy,
    Preview,
    Probed,
    Protection,
    Rejection,
    Request,
    Rollout,
    SendOptions,
    Sent,
    SpragError,
    StaleList,
    Trust,
    Verdict,
    Wanted,
    What,
    Why,
    default_policy,
    probed,
    reason_text,
    recognise,
    version,
)

__all__ = [
    "Action",
    "Armor",
    "Card",
    "Client",
    "Contact",
    "Content",
    "Conversation",
    "Delivered",
    "Device",
    "Diagnosis",
    "Directory",
    "Driver",
    "Event",
    "Figure",
    "Finding",
    "Found",
    "Freshness",
    "Importance",
    "Incoming",
    "LinkCode",
    "LinkPhase",
    "ListRef",
    "ListWrite",
    "MessageState",
    "OnChange",
    "Outcome",
    "Pending",
    "Policy",
    "Preview",
    "Probed",
    "Protection",
    "Rejection",
    "Request",
    "Rollout",
    "SendOptions",
    "Sent",
    "SpragError",
    "StaleList",
    "Trust",
    "Verdict",
    "Wanted",
    "What",
    "Why",
    "default_policy",
    "direct",
    "events",
    "probed",
    "reason_text",
    "recognise",
    "room",
    "text",
    "version",
]


def direct(account: bytes) -> Conversation:
    """The conversation with one other account."""
    return Conversation.DIRECT(account=account)


def room(name: bytes, members: list[bytes]) -> Conversation:
    """A conversation of several, whose members the app's server decides."""
    return Conversation.ROOM(id=name, members=members)


def text(words: str) -> Content:
    """A text to send."""
    return Content.TEXT(text=words)


def events(client: Client, page: int = 64) -> Iterator[Event]:
    """Every event that waits, oldest first. What was shown is reported with ``client.done([event.id])``; a ``Driver`` does it by
    itself.
    """
    after = 0
    while page_of := client.events(after, page):
        yield from page_of
        after = page_of[-1].id


def _code(error: SpragError) -> int:
    """The stable number of an error, the same in every release and language."""
    return int(str(error).partition(":")[0])


def _link_code(code: LinkCode) -> str:
    """What may be printed of a link code: it is a secret for its minute, and would lie in a log for longer."""
    return f"LinkCode(expires={code.expires})"


SpragError.code = property(_code)  # type: ignore[assignment,method-assign]
LinkCode.__str__ = LinkCode.__repr__ = _link_code  # type: ignore[method-assign,assignment]
