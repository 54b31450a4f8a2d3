"""The story that every language replays: docs/vectors/story.txt, whose head comment says what each step is."""

from __future__ import annotations

import os
import pathlib
import tempfile
import unittest
from collections.abc import Callable

import sprag
from sprag import (
    Action,
    Armor,
    Client,
    Content,
    Conversation,
    Found,
    Incoming,
    Outcome,
    Preview,
    Request,
    Rollout,
    SendOptions,
    What,
)

STORY = next(
    folder / "docs/vectors/story.txt"
    for folder in pathlib.Path(__file__).resolve().parents
    if (folder / "docs/vectors/story.txt").exists()
)

# A client that was closed can still be called. There is no null, text is text, and no buffers are brought.
TAGS = {"@shut"}


class Handset:
    """A phone of the story, and what the server keeps for it while it is closed, too."""

    def __init__(self) -> None:
        self.client: Client
        self.account, self.is_open = b"", False
        self.signed: bytes | None = None
        self.one_time: list[bytes] = []
        self.mailbox: list[Incoming] = []


def name(value: object) -> str:
    """The name that a value has in the story."""
    return (value.name if hasattr(value, "name") else type(value).__name__.rpartition(".")[2]).lower()


def text_of(text: str) -> str:
    if not text.startswith("*"):
        return text
    times, word = text[1:].split(" ", 1)
    return word * int(times)


def key_of(word: str) -> bytes:
    return bytes(31) if word == "short" else bytes([int(word)] * 32)


def with_another_digit(digits: str, word: tuple[str, ...]) -> str:
    return digits if not word else ("2" if digits[0] == "1" else "1") + digits[1:]


class Replay:
    def __init__(self, test: unittest.TestCase, folder: str) -> None:
        self.test, self.folder, self.hand = test, folder, b""
        self.handsets: dict[str, Handset] = {}
        self.lists: dict[bytes, tuple[int, bytes]] = {}

    def run(self, line: str) -> None:
        before, _, text = line.partition(" : ")
        words, text = before.split(" "), text_of(text)
        if words[0] not in ("fails", *TAGS):
            getattr(self, words[0])(*words[1:], **({"text": text} if " : " in line else {}))
            return
        if words.pop(0) in TAGS:
            words.pop(0)
        code, step, *rest = words
        with self.test.assertRaises(sprag.SpragError) as raised:
            getattr(self, step)(*rest, **({"text": text} if " : " in line else {}))
        self.test.assertEqual(str(raised.exception).split(":")[0], code)

    def client(self, phone: str) -> Client:
        return self.handsets[phone].client

    def start(self, make: Callable[..., Client], phone: str, account: str, key: str, file: str) -> None:
        client = make(os.path.join(self.folder, file) if file != "-" else None, key_of(key), account.encode())
        self.test.addCleanup(client.shut)
        handset = self.handsets.setdefault(phone, Handset())
        handset.client, handset.account, handset.is_open = client, account.encode(), True

    def create(self, *words: str) -> None:
        self.start(sprag.Client.create, *words)

    def link(self, *words: str) -> None:
        self.start(sprag.Client.link, *words)

    def open(self, *words: str) -> None:
        self.start(sprag.Client.open, *words)

    def close(self, phone: str) -> None:
        self.client(phone).shut()
        self.handsets[phone].is_open = False

    def erase(self, phone: str) -> None:
        self.client(phone).erase()
        self.handsets[phone].is_open = False

    def rekey(self, phone: str, key: str) -> None:
        self.client(phone).rekey(key_of(key))

    def suspend(self, phone: str) -> None:
        self.client(phone).suspend()

    def resume(self, phone: str) -> None:
        self.client(phone).resume()

    def policy(self, phone: str, word: str) -> None:
        policy = sprag.default_policy()
        if word == "text":
            policy.armor, policy.fallback_text = Armor.TEXT, "A message"
        if word == "read":
            policy.rollout = Rollout.READ
        self.client(phone).configure(policy)

    def card(self, phone: str, other: str) -> None:
        link = self.client(phone).card().link
        self.test.assertEqual(self.client(other).import_card(link.encode()), self.handsets[phone].account)

    def answer(self, handset: Handset, action: Action) -> Outcome:
        if isinstance(action, Action.PUBLISH_KEYS):
            if action.list is not None:
                sequence, known = self.lists.get(handset.account, (0, b""))
                if action.list.expected != sequence:
                    return Outcome.CONFLICT(list=known)
                self.lists[handset.account] = (action.list.sequence, action.list.object)
            handset.signed = action.signed_prekey or handset.signed
            handset.one_time = ([] if action.reset_one_time else handset.one_time) + action.one_time
            return Outcome.PUBLISHED(one_time_left=len(handset.one_time))
        if isinstance(action, Action.FETCH_KEYS):
            asked = [wanted.account for wanted in action.accounts]
            found = [Found(account=account, parts=self.keys(account)) for account in asked if account in self.lists]
            return Outcome.KEYS(found=found, absent=[account for account in asked if account not in self.lists])
        assert isinstance(action, Action.SEND)
        for other in self.handsets.values():
            if other.account in action.to:
                other.mailbox.append(Incoming(bytes=action.blob, sender=handset.account))
        return Outcome.ACCEPTED(server_time=None, stamp=None)

    def keys(self, account: bytes) -> list[bytes]:
        parts = [self.lists[account][1]]
        for handset in self.handsets.values():
            if handset.account == account and handset.signed:
                parts += [handset.signed, *handset.one_time[:1]]
                del handset.one_time[:1]
        return parts

    def carry_out(self, phone: str, requests: list[Request]) -> bool:
        for request in requests:
            outcome = self.answer(self.handsets[phone], request.action)
            self.client(phone).respond(request.id, outcome)
        return bool(requests)

    def carry(self, phone: str) -> bool:
        is_busy = False
        while self.carry_out(phone, self.client(phone).requests()):
            is_busy = True
        return is_busy

    def settle(self) -> None:
        is_busy = True
        while is_busy:
            is_busy = False
            for phone, handset in self.handsets.items():
                if handset.is_open:
                    is_busy |= self.carry(phone) | bool(handset.mailbox)
                    mail, handset.mailbox = handset.mailbox, []
                    handset.client.deliver(mail)
                    handset.client.wake()

    def take(self, phone: str) -> None:
        self.hand = self.handsets[phone].mailbox.pop(0).bytes

    def hold(self, text: str) -> None:
        self.hand = text.encode()

    def spoil(self) -> None:
        self.hand = self.hand[:-1] + bytes([self.hand[-1] ^ 1])

    def around(self, text: str) -> None:
        self.hand = f"{text}\n{self.hand.decode()}\n{text}".encode()

    def send(self, phone: str, conversation: Conversation, message: str, text: str) -> None:
        options = SendOptions(client_id=message.encode())
        self.carry_out(phone, self.client(phone).send(conversation, sprag.text(text), options).requests)

    def say(self, phone: str, account: str, message: str, text: str) -> None:
        self.send(phone, sprag.direct(account.encode()), message, text)

    def room(self, phone: str, room: str, message: str, *members: str, text: str) -> None:
        self.send(phone, sprag.room(room.encode(), [member.encode() for member in members]), message, text)

    def state(self, phone: str, message: str, state: str) -> None:
        self.test.assertEqual(name(self.client(phone).state(message.encode())), state)

    def cancel(self, phone: str, message: str) -> None:
        self.client(phone).cancel(message.encode())

    def recognise(self, answer: str) -> None:
        self.test.assertEqual(sprag.recognise(self.hand), answer == "yes")

    def peek(self, phone: str, account: str, text: str) -> None:
        found = self.client(phone).peek(Incoming(bytes=self.hand, sender=account.encode()))
        assert isinstance(found, Preview.MESSAGE), found
        self.test.assertEqual((found.sender, found.content), (account.encode(), sprag.text(text)))

    def deliver(self, phone: str, account: str, finding: str) -> None:
        sender = account.encode()
        incoming = Incoming(bytes=self.hand, sender=sender, conversation=sprag.direct(sender))
        [verdict] = self.client(phone).deliver([incoming]).verdicts
        self.test.assertEqual(name(verdict.finding), finding)

    def event(self, phone: str, kind: str) -> What:
        """The oldest event of this kind, which is done."""
        event = next(event for event in sprag.events(self.client(phone)) if name(event.what) == kind)
        self.client(phone).done([event.id])
        return event.what

    def shows(self, phone: str, account: str, *rest: str, text: str) -> None:
        what = self.event(phone, "message")
        assert isinstance(what, What.MESSAGE) and isinstance(what.content, Content.TEXT), what
        self.test.assertEqual((what.sender, what.content.text), (account.encode(), text))
        self.test.assertEqual(what.outgoing, what.sender == self.handsets[phone].account)
        if rest:
            assert isinstance(what.conversation, Conversation.ROOM), what
            self.test.assertEqual(what.conversation.id, rest[1].encode())
        else:
            self.test.assertIsInstance(what.conversation, Conversation.DIRECT)

    def raises(self, phone: str, kind: str) -> None:
        self.event(phone, kind)

    def quiet(self, phone: str) -> None:
        events = list(sprag.events(self.client(phone)))
        self.client(phone).done([event.id for event in events])
        self.test.assertFalse([event for event in events if isinstance(event.what, What.MESSAGE)])

    def numbers(self, phone: str, other: str) -> None:
        one, two = self.handsets[phone], self.handsets[other]
        digits = one.client.contact(two.account).digits
        self.test.assertEqual((digits, len(digits or "")), (two.client.contact(one.account).digits, 60))

    def confirm(self, phone: str, account: str, *word: str) -> None:
        digits = self.client(phone).contact(account.encode()).digits
        self.client(phone).confirm(account.encode(), with_another_digit(digits or "0", word))

    def trust(self, phone: str, account: str, trust: str) -> None:
        self.test.assertEqual(name(self.client(phone).contact(account.encode()).trust), trust)

    def protection(self, phone: str, account: str, protection: str) -> None:
        [found] = self.client(phone).protections([sprag.direct(account.encode())])
        self.test.assertEqual(name(found), protection)

    def admit(self, phone: str, new: str, *word: str) -> None:
        code = self.client(new).link_code()
        self.client(phone).admit(code.bytes, with_another_digit(code.digits, word), False)

    def devices(self, phone: str, count: str) -> None:
        self.test.assertEqual(len(self.client(phone).devices()), int(count))

    def revoke(self, phone: str, other: str) -> None:
        self.client(phone).revoke(self.client(other).device())


class Story(unittest.TestCase):
    def test_the_story_is_as_it_is_told(self) -> None:
        steps = 0
        with tempfile.TemporaryDirectory() as folder:
            replay = Replay(self, folder)
            for number, line in enumerate(STORY.read_text("utf-8").split("\n"), 1):
                if line and line[0] != "#" and (line[0] != "@" or line.split(" ")[0] in TAGS):
                    try:
                        replay.run(line)
                    except Exception as error:
                        raise AssertionError(f"story.txt:{number}: {line}") from error
                    steps += 1
        self.assertGreater(steps, 150)


if __name__ == "__main__":
    unittest.main()
