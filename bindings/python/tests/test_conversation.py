"""Conversations over the real library."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest

import sprag
from sprag import (
    Client,
    Content,
    Finding,
    Importance,
    Incoming,
    LinkPhase,
    MessageState,
    OnChange,
    Protection,
    Rollout,
    SendOptions,
    SpragError,
    Trust,
    What,
)

from server import Server


def shown(client: Client) -> list[str]:
    """The texts that are to be shown, which are then done."""
    events = list(sprag.events(client))
    client.done([event.id for event in events])
    return [
        event.what.content.text
        for event in events
        if isinstance(event.what, What.MESSAGE) and isinstance(event.what.content, Content.TEXT)
    ]


class Conversation(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "alice.sprag")
        self.key = os.urandom(32)
        self.server = Server()

    def pair(self) -> tuple[Client, Client]:
        alice = sprag.Client.create(self.path, self.key, b"alice")
        bob = sprag.Client.create(None, os.urandom(32), b"bob")
        self.addCleanup(alice.shut)
        self.addCleanup(bob.shut)
        return alice, bob

    def say(self, client: Client, to: bytes, words: str, client_id: bytes) -> None:
        options = SendOptions(client_id=client_id)
        sent = client.send(sprag.direct(to), sprag.text(words), options)
        self.assertEqual(sent.message, client_id)
        for request in sent.requests:
            self.server.carry_out(client, request)

    def test_two_people_talk(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        lines = ["Grüß dich 👋🏽", "e\u0301", "", "x" * 65536]
        for number, line in enumerate(lines):
            self.say(alice, b"bob", line, b"a%d" % number)
            self.server.settle(alice, bob)
            self.assertEqual(shown(bob), [line])
            self.say(bob, b"alice", line, b"b%d" % number)
            self.server.settle(alice, bob)
            self.assertEqual(shown(alice), [line])
        self.assertEqual(alice.contact(b"bob").digits, bob.contact(b"alice").digits)
        self.assertEqual(len(alice.contact(b"bob").digits or ""), 60)
        found = alice.protections([sprag.direct(b"bob"), sprag.direct(b"nobody")])
        self.assertEqual(found, [Protection.ENCRYPTED, Protection.PLAIN])
        alice.set_ready(True)
        card = bob.card()
        self.assertEqual(card.parts, [])
        for form in (card.code, card.link.encode()):
            self.assertEqual(alice.import_card(form), b"bob")
        with self.assertRaises(SpragError.Misuse):
            bob.import_card(card.code)
        body = alice.probe(4096)
        self.assertEqual(sprag.probed(body), sprag.Probed.UNCHANGED)
        self.assertEqual(sprag.probed(body[:-1]), sprag.Probed.DAMAGED)

    def test_what_is_not_protected_is_said(self) -> None:
        alice, bob = self.pair()
        policy = sprag.default_policy()
        policy.rollout = Rollout.READ
        alice.configure(policy)
        self.server.settle(alice, bob)
        with self.assertRaises(SpragError.NotProtected):
            alice.send(sprag.direct(b"bob"), sprag.text("hello"), SendOptions())

    def test_both_begin_at_once(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        self.say(alice, b"bob", "from Alice", b"a")
        self.say(bob, b"alice", "from Bob", b"b")
        self.server.settle(alice, bob)
        self.assertEqual(shown(bob), ["from Alice"])
        self.assertEqual(shown(alice), ["from Bob"])

    def test_a_store_is_opened_again(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        self.say(alice, b"bob", "before", b"1")
        self.server.settle(alice, bob)
        device = alice.device()
        alice.shut()
        with self.assertRaises(SpragError.WrongKey):
            sprag.Client.open(self.path, os.urandom(32), b"alice")
        with self.assertRaises(SpragError.WrongAccount):
            sprag.Client.open(self.path, self.key, b"mallory")
        with self.assertRaises(SpragError.Exists):
            sprag.Client.create(self.path, self.key, b"alice")
        alice = sprag.Client.open(self.path, self.key, b"alice")
        self.addCleanup(alice.shut)
        self.assertEqual(alice.device(), device)
        self.assertNotEqual(bob.device(), device)
        self.say(alice, b"bob", "after", b"2")
        self.server.settle(alice, bob)
        self.assertEqual(shown(bob), ["before", "after"])

    def test_freshness_is_told(self) -> None:
        alice, bob = self.pair()
        with self.assertRaises(SpragError.Unknown):
            alice.freshness(b"bob")
        self.server.settle(alice, bob)
        for number in range(50):
            self.say(alice, b"bob", "there", b"a%d" % number)
            self.server.settle(alice, bob)
            self.say(bob, b"alice", "and back", b"b%d" % number)
            self.server.settle(alice, bob)
            if number == 0:
                [first] = alice.freshness(b"bob")
                self.assertEqual((first.device, first.epoch), (bob.device(), 0))
                # The engine may have sent some of its own.
                self.assertGreaterEqual(first.since_epoch, 2)
        [fresh] = alice.freshness(b"bob")
        self.assertGreaterEqual(fresh.epoch, 1)
        self.assertLess(fresh.since_epoch, 90)
        for number in range(3):
            self.say(alice, b"bob", "nobody answers", b"c%d" % number)
        [later] = alice.freshness(b"bob")
        self.assertEqual((later.epoch, later.since_epoch, later.since_turn), (fresh.epoch, fresh.since_epoch + 3, 2))

    def test_a_copied_phone_is_told(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        self.say(alice, b"bob", "hello", b"a")
        self.server.settle(alice, bob)
        self.say(bob, b"alice", "hello", b"b")
        self.server.settle(alice, bob)
        self.assertEqual(shown(bob), ["hello"])
        device = alice.device()
        alice.shut()
        copied = self.path + "-copy"
        shutil.copyfile(self.path, copied)
        for path, words in ((self.path, "from the original"), (copied, "from the copy")):
            phone = sprag.Client.open(path, self.key, b"alice")
            self.addCleanup(phone.shut)
            self.say(phone, b"bob", words, words.encode())
            bob.deliver([Incoming(bytes=blob, sender=b"alice") for _, blob in self.server.collect(bob)])
        [(what, importance)] = [
            (event.what, event.importance)
            for event in sprag.events(bob)
            if isinstance(event.what, What.CLONE_SUSPECTED)
        ]
        self.assertEqual((what.account, what.device), (b"alice", device))
        self.assertEqual(importance, Importance.SECURITY)
        self.assertEqual(shown(bob), ["from the original"])

    def another_bob(self, alice: Client) -> Incoming:
        """Somebody comes back under Bob's name with nothing kept."""
        for keys in (self.server.lists, self.server.signed, self.server.one_time):
            keys.pop(b"bob")
        bob = sprag.Client.create(None, os.urandom(32), b"bob")
        self.addCleanup(bob.shut)
        for request in bob.requests():
            self.server.carry_out(bob, request)
        self.say(bob, b"alice", "it is me", b"again")
        for request in bob.requests():
            self.server.carry_out(bob, request)
        [(_, blob)] = self.server.collect(alice)
        return Incoming(bytes=blob, sender=b"bob")

    def test_the_user_decides_about_a_contact_who_changes(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        self.say(alice, b"bob", "hello", b"a")
        self.server.settle(alice, bob)
        seen = alice.contact(b"bob")
        self.assertEqual((seen.trust, seen.offered_digits), (Trust.PINNED, None))
        assert seen.digits is not None
        with self.assertRaises(SpragError.NotAllowed):
            alice.confirm(b"bob", seen.digits[::-1])
        alice.confirm(b"bob", " ".join(seen.digits))
        self.assertEqual(alice.contact(b"bob").trust, Trust.VERIFIED)
        message = self.another_bob(alice)
        [verdict] = alice.deliver([message]).verdicts
        self.assertIsInstance(verdict.finding, Finding.QUARANTINED)
        [change] = [event.what for event in sprag.events(alice) if isinstance(event.what, What.IDENTITY_CHANGED)]
        changed = alice.contact(b"bob")
        self.assertEqual(changed.trust, Trust.CHANGED)
        self.assertEqual((change.old_number, change.new_number), (changed.digits, changed.offered_digits))
        self.assertTrue(change.was_verified)
        held = alice.send(sprag.direct(b"bob"), sprag.text("are you?"), SendOptions(client_id=b"held"))
        self.assertEqual(held.state, MessageState.HELD)
        with self.assertRaises(SpragError.NotAllowed):
            alice.retry(b"held")
        with self.assertRaises(SpragError.NotAllowed):
            alice.accept_change(b"bob", "1")
        assert changed.offered_digits is not None
        alice.accept_change(b"bob", changed.offered_digits)
        after = alice.contact(b"bob")
        self.assertEqual((after.trust, after.digits), (Trust.PINNED, changed.offered_digits))
        [verdict] = alice.deliver([message]).verdicts
        self.assertIsInstance(verdict.finding, Finding.OPENED)
        self.assertEqual(shown(alice), ["it is me"])
        self.assertEqual(alice.state(b"held"), MessageState.HELD)
        alice.retry(b"held")
        self.assertNotEqual(alice.state(b"held"), MessageState.HELD)
        alice.forget(b"bob", changed.offered_digits)
        gone = alice.contact(b"bob")
        self.assertEqual((gone.trust, gone.digits, gone.scannable, gone.fingerprint), (Trust.UNSEEN, None, None, None))

    def test_by_policy_every_change_is_held(self) -> None:
        alice, bob = self.pair()
        policy = sprag.default_policy()
        policy.on_change = OnChange.HOLD_ALL
        alice.configure(policy)
        self.server.settle(alice, bob)
        self.say(alice, b"bob", "hello", b"a")
        self.server.settle(alice, bob)
        [verdict] = alice.deliver([self.another_bob(alice)]).verdicts
        self.assertIsInstance(verdict.finding, Finding.QUARANTINED)
        self.assertEqual(alice.contact(b"bob").trust, Trust.CHANGED)

    def test_a_room_is_one_body_for_all_its_members(self) -> None:
        alice, bob = self.pair()
        self.server.settle(alice, bob)
        den = sprag.room(b"den", [b"bob"])
        for request in alice.send(den, sprag.text("hello, all"), SendOptions()).requests:
            self.server.carry_out(alice, request)
        for request in alice.requests():
            self.server.carry_out(alice, request)
        [(sender, blob)] = self.server.collect(bob)
        others = sprag.room(b"den", [b"alice", b"bob", b"carol"])
        [verdict] = bob.deliver([Incoming(bytes=blob, sender=sender, conversation=others)]).verdicts
        self.assertIsInstance(verdict.finding, Finding.OPENED)
        events = [event.what for event in sprag.events(bob)]
        [differs] = [what for what in events if isinstance(what, What.AUDIENCE_DIFFERS)]
        self.assertEqual((differs.sender, differs.added, differs.missing), (b"alice", [], [b"carol"]))
        [message] = [what for what in events if isinstance(what, What.MESSAGE)]
        self.assertEqual(message.conversation, sprag.room(b"den", [b"alice", b"bob"]))

    def test_a_second_device_is_linked_and_taken_off(self) -> None:
        alice, bob = self.pair()
        tablet = sprag.Client.link(None, os.urandom(32), b"alice")
        self.addCleanup(tablet.shut)
        with self.assertRaises(SpragError.NotAllowed):
            tablet.devices()
        self.server.settle(alice, bob)
        code = tablet.link_code()
        self.assertEqual((len(code.digits), len(code.bytes) <= 256), (6, True))
        self.assertFalse(code.digits in str(code) or code.text in str(code))
        with self.assertRaises(SpragError.NotAllowed):
            alice.admit(code.bytes, "1" if code.digits[0] != "1" else "2", False)
        alice.admit(code.text.encode(), code.digits, False)
        self.carry(alice, tablet)
        for client, phases in (
            (alice, [LinkPhase.ANSWERED, LinkPhase.ADMITTED]),
            (tablet, [LinkPhase.OFFERED, LinkPhase.JOINED]),
        ):
            told = [event.what.phase for event in sprag.events(client) if isinstance(event.what, What.LINK)]
            self.assertEqual(told, phases)
        devices = {(device.id, device.is_this, device.holds_account_key) for device in alice.devices()}
        self.assertEqual(devices, {(alice.device(), True, True), (tablet.device(), False, False)})
        [changed] = [event.what for event in sprag.events(alice) if isinstance(event.what, What.DEVICES_CHANGED)]
        self.assertEqual((changed.added, changed.removed, changed.own), ([tablet.device()], [], True))
        # What one sends, the other shows as sent; what comes, both show.
        self.say(alice, b"bob", "from the phone", b"a")
        self.carry(alice, bob, tablet)
        shown_there = [event.what for event in sprag.events(tablet) if isinstance(event.what, What.MESSAGE)]
        said = [(what.content, what.outgoing) for what in shown_there]
        self.assertEqual(said, [(sprag.text("from the phone"), True)])
        self.assertEqual(shown(bob), ["from the phone"])
        with self.assertRaises(SpragError.NotAllowed):
            tablet.revoke(alice.device())
        alice.revoke(tablet.device())
        self.carry(alice)
        self.assertEqual([device.id for device in alice.devices()], [alice.device()])

    def carry(self, *clients: Client) -> None:
        """Carries everything between clients, whatever is found in it."""
        for _ in range(6):
            for client in clients:
                while requests := client.requests():
                    for request in requests:
                        self.server.carry_out(client, request)
                client.deliver([Incoming(bytes=blob, sender=sender) for sender, blob in self.server.collect(client)])
                client.wake()

    def test_mistakes_are_errors_with_numbers_and_garbage_is_none(self) -> None:
        alice, _ = self.pair()
        with self.assertRaises(SpragError.Misuse) as raised:
            sprag.Client.create(None, b"short", b"x")
        self.assertTrue(str(raised.exception).startswith("12:"))
        with self.assertRaises(SpragError.Unknown):
            alice.contact(b"nobody")
        with self.assertRaises(SpragError.NoStore):
            sprag.Client.open(os.path.join(self.folder.name, "none"), self.key, b"alice")
        verdicts = alice.deliver([Incoming(bytes=junk) for junk in (b"", b"hello", b"\x01", b"\x01\x86\x01")]).verdicts
        self.assertFalse(any(isinstance(verdict.finding, Finding.OPENED) for verdict in verdicts))
        alice.shut()
        with self.assertRaises(SpragError.Misuse):
            alice.requests()


if __name__ == "__main__":
    unittest.main()
