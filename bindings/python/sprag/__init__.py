"""Sprag in Python: the generated face, and what makes it feel at home.

Calls are synchronous and durable when they return. Ids and keys are bytes. ``events`` walks through everything that
waits; ``text``, ``direct`` and ``room`` spell what is said most.
"""

from .generated import sprag as _face
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
    Directory,
    Event,
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


def direct(account: bytes) -> Conversation:
    """The conversation with one other account."""
    return Conversation.DIRECT(account=account)


def room(name: bytes, members: list[bytes]) -> Conversation:
    """A conversation of several, whose members the app's server decides."""
    return Conversation.ROOM(id=name, members=members)


def text(words: str) -> Content:
    """A text to send."""
    return Content.TEXT(text=words)


def events(client: Client, page: int = 64):
    """Every event that waits, oldest first. What was shown is reported with ``client.done([event.id])``."""
    after = 0
    while page_of := client.events(after, page):
        yield from page_of
        after = page_of[-1].id
