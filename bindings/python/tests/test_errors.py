"""Every call that can fail does so in a test of its own here; one that has none is named."""

from __future__ import annotations

import inspect
import os
import tempfile
import unittest
from collections.abc import Callable

import sprag
from sprag import Client, Incoming, Outcome, SendOptions, SpragError
from sprag.generated import sprag as face

from server import Server

Refused = tuple[type[SpragError], Callable[[], object]]


def fallible() -> set[str]:
    """The calls that the generated code lets raise a SpragError."""
    calls = {name: call for name, call in inspect.getmembers(Client) if not name.startswith("_") and callable(call)}
    calls |= {name: call for name, call in vars(face).items() if not name.startswith("_") and inspect.isfunction(call)}
    return {name for name, call in calls.items() if "= _UniffiFfiConverterTypeSpragError" in inspect.getsource(call)}


class Errors(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "alice.sprag")
        self.alice = Client.create(self.path, bytes(32), b"alice")
        self.bob = Client.create(None, bytes(32), b"bob")
        # Its account's list does not have it: it is still to be linked.
        self.tablet = Client.link(None, bytes(32), b"alice")
        self.gone = Client.create(None, bytes(32), b"gone")
        self.gone.shut()
        for client in (self.alice, self.bob, self.tablet):
            self.addCleanup(client.shut)
        self.server = Server()
        self.server.settle(self.alice, self.bob)
        for request in self.alice.send(sprag.direct(b"bob"), sprag.text("hello"), SendOptions(client_id=b"1")).requests:
            self.server.carry_out(self.alice, request)
        self.server.settle(self.alice, self.bob)

    def refused(self) -> dict[str, list[Refused]]:
        """For each call what it refuses, beside being made on a client that was shut."""
        alice, tablet = self.alice, self.tablet
        unknown, allowed, misuse = SpragError.Unknown, SpragError.NotAllowed, SpragError.Misuse
        short, long = bytes(31), b"x" * 65
        return {
            "create": [
                (misuse, lambda: Client.create(None, short, b"x")),
                (misuse, lambda: Client.create(None, bytes(32), b"")),
                (SpragError.Exists, lambda: Client.create(self.path, bytes(32), b"alice")),
                (SpragError.Store, lambda: Client.create("/no such folder/x", bytes(32), b"x")),
            ],
            "link": [
                (misuse, lambda: Client.link(None, short, b"x")),
                (SpragError.Exists, lambda: Client.link(self.path, bytes(32), b"alice")),
            ],
            "open": [
                (misuse, lambda: Client.open(self.path, short, b"alice")),
                (SpragError.NoStore, lambda: Client.open(self.path + "-none", bytes(32), b"alice")),
                (SpragError.WrongKey, lambda: Client.open(self.path, bytes([1] * 32), b"alice")),
                (SpragError.WrongAccount, lambda: Client.open(self.path, bytes(32), b"mallory")),
            ],
            "accept_change": [
                (unknown, lambda: alice.accept_change(b"nobody", "0" * 60)),
                (allowed, lambda: alice.accept_change(b"bob", "0" * 60)),
                (misuse, lambda: alice.accept_change(b"", "0" * 60)),
            ],
            "admit": [
                (misuse, lambda: alice.admit(b"no code", "123456", False)),
                (allowed, lambda: tablet.admit(tablet.link_code().bytes, "123456", False)),
            ],
            "cancel": [(unknown, lambda: alice.cancel(b"none")), (allowed, lambda: alice.cancel(b"1"))],
            "card": [(allowed, tablet.card)],
            "configure": [(misuse, lambda: alice.configure(self.policy(max_body=10)))],
            "confirm": [
                (unknown, lambda: alice.confirm(b"nobody", "0" * 60)),
                (allowed, lambda: alice.confirm(b"bob", "0" * 60)),
            ],
            "contact": [(unknown, lambda: alice.contact(b"nobody")), (misuse, lambda: alice.contact(long))],
            "deliver": [(misuse, lambda: alice.deliver([Incoming(bytes=b"x", sender=long)]))],
            "devices": [(allowed, tablet.devices)],
            "forget": [
                (unknown, lambda: alice.forget(b"nobody", "0" * 60)),
                (allowed, lambda: alice.forget(b"bob", "0" * 60)),
            ],
            "freshness": [(unknown, lambda: alice.freshness(b"nobody"))],
            "import_card": [
                (misuse, lambda: alice.import_card(b"no card")),
                (misuse, lambda: alice.import_card(alice.card().code)),
            ],
            "link_code": [(allowed, alice.link_code)],
            "peek": [(misuse, lambda: alice.peek(Incoming(bytes=b"x", sender=b"")))],
            "probe": [(misuse, lambda: alice.probe(1 << 31))],
            "protections": [(misuse, lambda: alice.protections([sprag.direct(b"")]))],
            "rekey": [(misuse, lambda: alice.rekey(short))],
            "respond": [(misuse, lambda: alice.respond(1 << 60, Outcome.KEYS(found=[], absent=[b""])))],
            "retire": [(allowed, tablet.retire), (allowed, alice.retire)],
            "retry": [(unknown, lambda: alice.retry(b"none")), (allowed, lambda: alice.retry(b"1"))],
            "revoke": [
                (unknown, lambda: alice.revoke(7)),
                (allowed, lambda: tablet.revoke(alice.device())),
                (misuse, lambda: alice.revoke(alice.device())),
            ],
            "send": [
                (misuse, lambda: self.send(sprag.direct(b"alice"))),
                (misuse, lambda: self.send(sprag.direct(b""))),
                (misuse, lambda: self.send(sprag.room(b"den", [b"alice"]))),
                (misuse, lambda: self.send(sprag.direct(b"bob"), "x" * (1 << 20))),
            ],
            "set_ready": [(allowed, lambda: tablet.set_ready(True))],
            "state": [(unknown, lambda: alice.state(b"none"))],
        }

    # What can only fail because the client was shut, or the platform suspended it.
    ALWAYS = ["account", "device", "diagnose", "done", "erase", "events", "requests", "resume", "suspend", "wake"]

    def policy(self, max_body: int) -> sprag.Policy:
        policy = sprag.default_policy()
        policy.max_body = max_body
        return policy

    def send(self, to: sprag.Conversation, words: str = "hello") -> object:
        return self.alice.send(to, sprag.text(words), SendOptions())

    def arguments(self) -> dict[str, tuple[object, ...]]:
        """What every method can be called with."""
        message, conversation = Incoming(bytes=b"x"), sprag.direct(b"bob")
        return {
            "accept_change": (b"bob", "0"),
            "admit": (b"x", "123456", False),
            "cancel": (b"1",),
            "configure": (sprag.default_policy(),),
            "confirm": (b"bob", "0"),
            "contact": (b"bob",),
            "deliver": ([message],),
            "done": ([1],),
            "forget": (b"bob", "0"),
            "freshness": (b"bob",),
            "import_card": (self.bob.card().code,),
            "peek": (message,),
            "probe": (4096,),
            "protections": ([conversation],),
            "rekey": (bytes(32),),
            "respond": (1, Outcome.RETRY(after=None)),
            "retry": (b"1",),
            "revoke": (1,),
            "send": (conversation, sprag.text("x"), SendOptions()),
            "set_ready": (True,),
            "state": (b"1",),
        }

    def methods(self) -> list[str]:
        return sorted(fallible() - {"create", "link", "open"})

    def test_every_call_that_can_fail_has_a_test(self) -> None:
        self.assertEqual(fallible(), set(self.refused()) | set(self.ALWAYS))

    def test_every_call_refuses_what_it_says(self) -> None:
        for name, cases in self.refused().items():
            for number, (kind, call) in enumerate(cases):
                with self.subTest(call=name, case=number):
                    with self.assertRaises(kind) as raised:
                        call()
                    self.assertEqual(raised.exception.code, int(str(raised.exception).split(":")[0]))

    def test_no_call_goes_on_after_the_client_was_shut(self) -> None:
        for name in self.methods():
            with self.subTest(call=name):
                with self.assertRaises(SpragError.Misuse) as raised:
                    getattr(self.gone, name)(*self.arguments().get(name, ()))
                self.assertEqual(raised.exception.code, 12)

    def test_no_call_touches_a_suspended_store(self) -> None:
        self.alice.suspend()
        # These ask no store: who they are is known, and a suspended client can be suspended, resumed, closed and erased.
        for name in set(self.methods()) - {"account", "device", "erase", "resume", "suspend", "rekey"}:
            with self.subTest(call=name):
                with self.assertRaises(SpragError.Unavailable):
                    getattr(self.alice, name)(*self.arguments().get(name, ()))
        self.alice.resume()
        self.assertEqual(self.alice.contact(b"bob").account, b"bob")

    def test_what_was_refused_has_changed_nothing(self) -> None:
        """The conversation goes on, and nothing waits that was not there."""
        for cases in self.refused().values():
            for kind, call in cases:
                with self.assertRaises(kind):
                    call()
        self.send(sprag.direct(b"bob"), "and on")
        for request in self.alice.requests():
            self.server.carry_out(self.alice, request)

    def test_the_types_of_others_are_refused_before_anything_is_called(self) -> None:
        for call in (
            lambda: Client.create(None, "text", b"x"),  # type: ignore[arg-type]
            lambda: self.alice.contact("bob"),  # type: ignore[arg-type]
            lambda: self.alice.revoke(-1),
            lambda: self.alice.revoke(1 << 32),
            lambda: self.alice.send(b"bob", sprag.text("x"), SendOptions()),  # type: ignore[arg-type]
        ):
            with self.assertRaises((TypeError, ValueError, AttributeError)):
                call()
        # A text that is not Unicode.
        with self.assertRaises(UnicodeError):
            self.send(sprag.direct(b"bob"), "\ud800")


if __name__ == "__main__":
    unittest.main()
