"""The test kit over its real library: what an app's own tests would do with it."""

import os
import tempfile
import unittest

import sprag
from sprag import Content, Finding, SendOptions, SpragError, What
from sprag.testkit import TestKit


def shown(client):
    events = list(sprag.events(client))
    client.done([event.id for event in events])
    return [event.what.content.text for event in events if isinstance(event.what, What.MESSAGE)]


class Kit(unittest.TestCase):
    def pair(self, seed, path=None):
        kit = TestKit(seed)
        alice, bob = kit.create(path, bytes(32), b"alice"), kit.create(None, bytes(32), b"bob")
        self.addCleanup(alice.shut)
        self.addCleanup(bob.shut)
        kit.settle([alice, bob])
        return kit, alice, bob

    def say(self, client, to, words):
        return client.send(sprag.direct(to), Content.TEXT(text=words), SendOptions())

    def test_a_seed_decides_everything(self):
        def course(seed):
            kit, alice, bob = self.pair(seed)
            self.say(alice, b"bob", "hello")
            kit.settle([alice, bob])
            self.assertEqual(shown(bob), ["hello"])
            self.assertFalse(kit.has_carried(b"hello"))
            return alice.contact(b"bob").digits, alice.diagnose().text

        self.assertEqual(course(7), course(7))
        self.assertNotEqual(course(7)[0], course(8)[0])

    def test_an_apps_own_network_is_answered(self):
        kit, alice, bob = self.pair(1)
        requests = self.say(alice, b"bob", "hello").requests
        while requests:
            for request in requests:
                alice.respond(request.id, kit.answer(alice, request.action))
            requests = alice.requests()
        batch = kit.collect(bob)
        self.assertEqual(([incoming.sender for incoming in batch], kit.collect(bob)), ([b"alice"], []))
        [verdict] = bob.deliver(batch).verdicts
        self.assertIsInstance(verdict.finding, Finding.OPENED)

    def test_the_weather_and_the_clock_are_as_they_are_made(self):
        kit, alice, bob = self.pair(2)
        kit.set_weather(doubled=1_000)
        self.say(alice, b"bob", "twice")
        kit.settle([alice, bob])
        self.assertEqual((shown(bob), kit.carried().doubled), (["twice"], kit.carried().sent))
        kit.set_weather()
        kit.set_offline(True)
        self.say(alice, b"bob", "later")
        kit.settle([alice, bob])
        self.assertEqual(shown(bob), [])
        kit.set_offline(False)
        before = kit.now()
        kit.pass_time(3_600)
        kit.settle([alice, bob])
        self.assertEqual((shown(bob), kit.now()), (["later"], before + 3_661))
        kit.set_time(before - 5 * 86_400)
        alice.wake()
        self.assertTrue(any(isinstance(event.what, What.CLOCK_SUSPECT) for event in sprag.events(alice)))

    def test_stores_devices_and_mistakes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "alice.sprag")
            kit, alice, _ = self.pair(3, path)
            tablet = kit.link(None, bytes(32), b"alice")
            self.addCleanup(tablet.shut)
            kit.settle([alice, tablet])
            code = tablet.link_code()
            alice.admit(code.bytes, code.digits, False)
            kit.settle([alice, tablet])
            self.assertEqual(len(tablet.devices()), 2)
            alice.shut()
            for use in (lambda: kit.collect(alice), lambda: kit.settle([alice])):
                with self.assertRaises(SpragError.Misuse):
                    use()
            with self.assertRaises(SpragError.WrongKey):
                kit.open(path, b"1" * 32, b"alice")
            alice = kit.open(path, bytes(32), b"alice")
            self.assertEqual(len(alice.devices()), 2)
            alice.shut()


if __name__ == "__main__":
    unittest.main()
