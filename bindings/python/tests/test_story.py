"""The story that every language replays: docs/vectors/story.txt, whose head comment says what each step is."""

import os
import pathlib
import tempfile
import unittest

import sprag
from sprag import Action, Armor, Content, Conversation, Found, Incoming, Outcome, Preview, Rollout, SendOptions, What

STORY = next(
    folder / "docs/vectors/story.txt"
    for folder in pathlib.Path(__file__).resolve().parents
    if (folder / "docs/vectors/story.txt").exists()
)

# A client that was closed can still be called. There is no null, text is text, and no buffers are brought.
TAGS = {"@shut"}


class Handset:
    """A phone of the story, and what the server keeps for it while it is closed, too."""

    def __init__(self):
        self.client, self.account, self.is_open = None, b"", False
        self.signed, self.one_time, self.mailbox = None, [], []


def name(value):
    """The name that a value has in the story."""
    return (value.name if hasattr(value, "name") else type(value).__name__.rpartition(".")[2]).lower()


def text_of(text):
    if not text.startswith("*"):
        return text
    times, word = text[1:].split(" ", 1)
    return word * int(times)


def key_of(word):
    return bytes(31) if word == "short" else bytes([int(word)] * 32)


def with_another_digit(digits, word):
    return digits if not word else ("2" if digits[0] == "1" else "1") + digits[1:]


class Replay:
    def __init__(self, test, folder):
        self.test, self.folder, self.hand = test, folder, b""
        self.handsets, self.lists = {}, {}

    def run(self, line):
        words, _, text = line.partition(" : ")
        words, text = words.split(" "), text_of(text)
        if words[0] not in ("fails", *TAGS):
            getattr(self, words[0])(*words[1:], **({"text": text} if " : " in line else {}))
            return
        if words.pop(0) in TAGS:
            words.pop(0)
        code, step, *rest = words
        with self.test.assertRaises(sprag.SpragError) as raised:
            getattr(self, step)(*rest, **({"text": text} if " : " in line else {}))
        self.test.assertEqual(str(raised.exception).split(":")[0], code)

    def client(self, phone):
        return self.handsets[phone].client

    def start(self, make, phone, account, key, file):
        client = make(os.path.join(self.folder, file) if file != "-" else None, key_of(key), account.encode())
        self.test.addCleanup(client.shut)
        handset = self.handsets.setdefault(phone, Handset())
        handset.client, handset.account, handset.is_open = client, account.encode(), True

    def create(self, *words):
        self.start(sprag.Client.create, *words)

    def link(self, *words):
        self.start(sprag.Client.link, *words)

    def open(self, *words):
        self.start(sprag.Client.open, *words)

    def close(self, phone):
        self.client(phone).shut()
        self.handsets[phone].is_open = False

    def erase(self, phone):
        self.client(phone).erase()
        self.handsets[phone].is_open = False

    def rekey(self, phone, key):
        self.client(phone).rekey(key_of(key))

    def suspend(self, phone):
        self.client(phone).suspend()

    def resume(self, phone):
        self.client(phone).resume()

    def policy(self, phone, word):
        policy = sprag.default_policy()
        if word == "text":
            policy.armor, policy.fallback_text = Armor.TEXT, "A message"
        if word == "read":
            policy.rollout = Rollout.READ
        self.client(phone).configure(policy)

    def card(self, phone, other):
        link = self.client(phone).card().link
        self.test.assertEqual(self.client(other).import_card(link.encode()), self.handsets[phone].account)

    def answer(self, handset, action):
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
        for other in self.handsets.values():
            if other.account in action.to:
                other.mailbox.append(Incoming(bytes=action.blob, sender=handset.account))
        return Outcome.ACCEPTED(server_time=None, stamp=None)

    def keys(self, account):
        parts = [self.lists[account][1]]
        for handset in self.handsets.values():
            if handset.account == account and handset.signed:
                parts += [handset.signed, *handset.one_time[:1]]
                del handset.one_time[:1]
        return parts

    def carry_out(self, phone, requests):
        for request in requests:
            outcome = self.answer(self.handsets[phone], request.action)
            self.client(phone).respond(request.id, outcome)
        return bool(requests)

    def carry(self, phone):
        is_busy = False
        while self.carry_out(phone, self.client(phone).requests()):
            is_busy = True
        return is_busy

    def settle(self):
        is_busy = True
        while is_busy:
            is_busy = False
            for phone, handset in self.handsets.items():
                if handset.is_open:
                    is_busy |= self.carry(phone) | bool(handset.mailbox)
                    mail, handset.mailbox = handset.mailbox, []
                    handset.client.deliver(mail)
                    handset.client.wake()

    def take(self, phone):
        self.hand = self.handsets[phone].mailbox.pop(0).bytes

    def hold(self, text):
        self.hand = text.encode()

    def spoil(self):
        self.hand = self.hand[:-1] + bytes([self.hand[-1] ^ 1])

    def around(self, text):
        self.hand = f"{text}\n{self.hand.decode()}\n{text}".encode()

    def send(self, phone, conversation, message, text):
        options = SendOptions(client_id=message.encode())
        self.carry_out(phone, self.client(phone).send(conversation, sprag.text(text), options).requests)

    def say(self, phone, account, message, text):
        self.send(phone, sprag.direct(account.encode()), message, text)

    def room(self, phone, room, message, *members, text):
        self.send(phone, sprag.room(room.encode(), [member.encode() for member in members]), message, text)

    def state(self, phone, message, state):
        self.test.assertEqual(name(self.client(phone).state(message.encode())), state)

    def cancel(self, phone, message):
        self.client(phone).cancel(message.encode())

    def recognise(self, answer):
        self.test.assertEqual(sprag.recognise(self.hand), answer == "yes")

    def peek(self, phone, account, text):
        found = self.client(phone).peek(Incoming(bytes=self.hand, sender=account.encode()))
        self.test.assertIsInstance(found, Preview.MESSAGE)
        self.test.assertEqual((found.sender, found.content.text), (account.encode(), text))

    def deliver(self, phone, account, finding):
        sender = account.encode()
        incoming = Incoming(bytes=self.hand, sender=sender, conversation=sprag.direct(sender))
        [verdict] = self.client(phone).deliver([incoming]).verdicts
        self.test.assertEqual(name(verdict.finding), finding)

    def event(self, phone, kind):
        """The oldest event of this kind, which is done."""
        event = next(event for event in sprag.events(self.client(phone)) if name(event.what) == kind)
        self.client(phone).done([event.id])
        return event.what

    def shows(self, phone, account, *rest, text):
        what = self.event(phone, "message")
        self.test.assertIsInstance(what.content, Content.TEXT)
        self.test.assertEqual((what.sender, what.content.text), (account.encode(), text))
        self.test.assertEqual(what.outgoing, what.sender == self.handsets[phone].account)
        if rest:
            self.test.assertEqual(what.conversation.id, rest[1].encode())
        else:
            self.test.assertIsInstance(what.conversation, Conversation.DIRECT)

    def raises(self, phone, kind):
        self.event(phone, kind)

    def quiet(self, phone):
        events = list(sprag.events(self.client(phone)))
        self.client(phone).done([event.id for event in events])
        self.test.assertFalse([event for event in events if isinstance(event.what, What.MESSAGE)])

    def numbers(self, phone, other):
        one, two = self.handsets[phone], self.handsets[other]
        digits = one.client.contact(two.account).digits
        self.test.assertEqual((digits, len(digits)), (two.client.contact(one.account).digits, 60))

    def confirm(self, phone, account, *word):
        digits = self.client(phone).contact(account.encode()).digits
        self.client(phone).confirm(account.encode(), with_another_digit(digits, word))

    def trust(self, phone, account, trust):
        self.test.assertEqual(name(self.client(phone).contact(account.encode()).trust), trust)

    def protection(self, phone, account, protection):
        [found] = self.client(phone).protections([sprag.direct(account.encode())])
        self.test.assertEqual(name(found), protection)

    def admit(self, phone, new, *word):
        code = self.client(new).link_code()
        self.client(phone).admit(code.bytes, with_another_digit(code.digits, word), False)

    def devices(self, phone, count):
        self.test.assertEqual(len(self.client(phone).devices()), int(count))

    def revoke(self, phone, other):
        self.client(phone).revoke(self.client(other).device())


class Story(unittest.TestCase):
    def test_the_story_is_as_it_is_told(self):
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
