"""The driver over the real library: what it carries out, in which order, and when an event is done."""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import threading
import time
import unittest
from collections.abc import Callable

import sprag
from sprag import Action, Client, Content, Driver, Event, Incoming, MessageState, Outcome, Request, SpragError, What

from server import Server

PATIENCE = 30.0


class Phone:
    """A client with its driver, on a server whose network can fail."""

    def __init__(self, server: Server, client: Client) -> None:
        self.server, self.client = server, client
        self.fails: Callable[[Request], bool] = lambda request: False
        self.asked: list[Request] = []
        self.driver = Driver(client, self.carry_out)

    def carry_out(self, request: Request) -> Outcome:
        self.asked.append(request)
        if self.fails(request):
            raise ConnectionError("no network")
        return self.server.outcome(self.client, request.action)

    def say(self, to: bytes, words: str) -> bytes:
        return self.driver.send(sprag.direct(to), sprag.text(words)).message

    def fetch(self) -> None:
        mail = [Incoming(bytes=blob, sender=sender) for sender, blob in self.server.collect(self.client)]
        self.driver.deliver(mail)

    def sends(self) -> list[Request]:
        return [request for request in self.asked if isinstance(request.action, Action.SEND)]


def text_of(event: Event) -> str | None:
    if isinstance(event.what, What.MESSAGE) and isinstance(event.what.content, Content.TEXT):
        return event.what.content.text
    return None


class Drivers(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server()
        logging.getLogger("sprag").setLevel(logging.CRITICAL)

    def phone(self, name: bytes, path: str | None = None) -> Phone:
        key = bytes(32)
        is_there = path is not None and os.path.exists(path)
        client = Client.open(path, key, name) if path and is_there else Client.create(path, key, name)
        phone = Phone(self.server, client)
        self.addCleanup(phone.driver.close)
        phone.driver.start()
        return phone

    def until(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not what():
            self.assertLess(time.monotonic(), end, "it did not come to pass")
            time.sleep(0.01)

    def published(self, *names: bytes) -> None:
        self.until(lambda: all(name in self.server.lists for name in names))

    def accepted(self, phone: Phone, message: bytes) -> None:
        self.until(lambda: phone.client.state(message) == MessageState.ACCEPTED)

    def test_two_talk_and_nobody_carries_anything_out_by_hand(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        for words in ("one", "two", "three"):
            self.accepted(alice, alice.say(b"bob", words))
            bob.fetch()
        shown: list[str] = []
        for event in bob.driver.events():
            shown += [text for text in [text_of(event)] if text]
            if len(shown) == 3:
                bob.driver.stop()
        self.assertEqual(shown, ["one", "two", "three"])
        self.assertEqual([text_of(event) for event in sprag.events(bob.client) if text_of(event)], [])

    def test_an_event_waits_until_its_body_has_come_to_its_end(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bob.sprag")
            alice, bob = self.phone(b"alice"), self.phone(b"bob", path)
            self.published(b"alice", b"bob")
            self.accepted(alice, alice.say(b"bob", "kept"))
            bob.fetch()
            shown = []
            with self.assertRaisesRegex(RuntimeError, "disk full"):
                for event in bob.driver.events():
                    if text_of(event):
                        shown.append(event.id)
                        raise RuntimeError("disk full")
            bob.driver.close()
            bob = self.phone(b"bob", path)
            for event in bob.driver.events():
                if text_of(event):
                    shown.append(event.id)
                    bob.driver.stop()
            self.assertEqual(shown, [shown[0]] * 2)
            bob.driver.close()
            bob = self.phone(b"bob", path)
            self.assertEqual([event for event in sprag.events(bob.client) if text_of(event)], [])
            bob.driver.close()

    def test_what_fails_is_asked_again_and_keeps_the_order(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        self.accepted(alice, alice.say(b"bob", "first"))
        alice.asked.clear()
        is_down = True
        alice.fails = lambda request: is_down
        messages = [alice.say(b"bob", str(number)) for number in range(5)]
        self.until(lambda: len(alice.sends()) > 0)
        is_down = False
        alice.driver.perform(lambda client: [client.retry(message) for message in messages])
        for message in messages:
            self.accepted(alice, message)
        bob.fetch()
        shown = [text_of(event) for event in sprag.events(bob.client) if text_of(event)]
        self.assertEqual(shown, ["first", "0", "1", "2", "3", "4"])

    def test_after_a_failure_the_rest_of_what_was_handed_out_is_put_off(self) -> None:
        alice, bob = Phone(self.server, Client.create(None, bytes(32), b"alice")), self.phone(b"bob")
        self.addCleanup(alice.driver.close)
        self.published(b"bob")
        work = alice.client.requests()
        for number in range(3):
            work += alice.client.send(sprag.direct(b"bob"), sprag.text(str(number)), sprag.SendOptions()).requests
        while not any(isinstance(request.action, Action.SEND) for request in work):
            for request in work:
                alice.client.respond(request.id, alice.carry_out(request))
            work = alice.client.requests()
        self.assertEqual(len(work), 3)
        alice.asked.clear()
        alice.fails = lambda request: True
        alice.driver._carry_out(work)
        self.assertEqual([request.id for request in alice.asked], [work[0].id])

    def test_what_is_sent_while_another_fails_does_not_overtake_it(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        self.accepted(alice, alice.say(b"bob", "first"))
        said: list[bytes] = []

        def fails(request: Request) -> bool:
            if said or not isinstance(request.action, Action.SEND):
                return False
            said.append(alice.say(b"bob", "two"))
            return True

        alice.fails = fails
        one = alice.say(b"bob", "one")
        self.until(lambda: len(said) > 0)
        for message in (one, *said):
            alice.driver.perform(functools.partial(Client.retry, message=message))
            self.accepted(alice, message)
        bob.fetch()
        shown = [text_of(event) for event in sprag.events(bob.client) if text_of(event)]
        self.assertEqual(shown, ["first", "one", "two"])

    def test_a_body_may_stop_the_driver_and_what_it_handled_is_done(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        for words in ("one", "two"):
            self.accepted(alice, alice.say(b"bob", words))
        bob.fetch()
        for event in bob.driver.events():
            if text_of(event):
                bob.driver.stop()
        self.assertEqual([text_of(event) for event in sprag.events(bob.client) if text_of(event)], ["two"])

    def test_who_waits_for_events_is_let_go(self) -> None:
        alice = self.phone(b"alice")
        ended = threading.Event()

        def consume() -> None:
            for _ in alice.driver.events():
                pass
            ended.set()

        consumer = threading.Thread(target=consume)
        consumer.start()
        alice.driver.close()
        consumer.join(PATIENCE)
        self.assertTrue(ended.is_set())
        with self.assertRaises(SpragError.Misuse):
            alice.client.requests()

    def test_there_is_one_consumer(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        self.accepted(alice, alice.say(b"bob", "hello"))
        bob.fetch()
        first = bob.driver.events()
        next(first)
        with self.assertRaisesRegex(RuntimeError, "somebody else"):
            next(bob.driver.events())
        del first
        next(bob.driver.events())

    def test_while_it_is_suspended_it_rests(self) -> None:
        alice, bob = self.phone(b"alice"), self.phone(b"bob")
        self.published(b"alice", b"bob")
        alice.driver.suspend()
        with self.assertRaises(SpragError.Unavailable):
            alice.say(b"bob", "not now")
        alice.driver.kick()
        alice.driver.resume()
        self.accepted(alice, alice.say(b"bob", "now"))

    def test_what_ended_the_thread_is_raised_where_events_are_read(self) -> None:
        alice = self.phone(b"alice")
        self.published(b"alice")
        alice.client.shut()
        alice.driver.kick()
        with self.assertRaises(SpragError.Misuse):
            for _ in alice.driver.events():
                pass

    def test_the_stock_of_prekeys_is_told(self) -> None:
        asked = threading.Event()

        def stock() -> int:
            asked.set()
            return 0

        client = Client.create(None, bytes(32), b"alice")
        phone = Phone(self.server, client)
        driver = Driver(client, phone.carry_out, stock)
        with driver:
            self.until(asked.is_set)
            self.published(b"alice")


if __name__ == "__main__":
    unittest.main()
