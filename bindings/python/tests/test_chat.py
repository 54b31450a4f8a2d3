"""examples/python/chat.py, in processes of its own, over the real relay. SPRAG_RELAY says where that program is."""

from __future__ import annotations

import contextlib
import os
import pathlib
import queue
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import IO

CHAT = pathlib.Path(__file__).resolve().parents[3] / "examples/python/chat.py"
PATIENCE = 120.0


class Process:
    """A program whose lines are read as they come."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.errors: queue.Queue[str] = queue.Queue()
        self.threads = [
            threading.Thread(target=self.read, args=ends, daemon=True)
            for ends in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def read(stream: IO[str], lines: queue.Queue[str]) -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))

    def type(self, *lines: str) -> None:
        assert self.process.stdin is not None
        for line in lines:
            self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """Ends its input, and waits until it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@unittest.skipUnless("SPRAG_RELAY" in os.environ, "SPRAG_RELAY does not say where the relay is")
class Chat(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.kept = os.path.join(self.folder, "relay.sqlite")
        relay = self.process(os.environ["SPRAG_RELAY"], "127.0.0.1:0", self.kept)
        self.url = relay.lines.get(timeout=PATIENCE).removeprefix("listening on ")

    def process(self, *command: str) -> Process:
        process = Process(*command)
        self.addCleanup(process.close)
        return process

    def chat(self, name: str, peer: str) -> Process:
        store = os.path.join(self.folder, name)
        words = ("--as", name, "--with", peer, "--relay", self.url, "--store", store)
        return self.process(sys.executable, "-B", "-W", "error", str(CHAT), *words)

    def published(self) -> None:
        """Waits until the relay has somebody's keys: whoever asks before is told that there are none, and asks again in an hour."""
        end = time.monotonic() + PATIENCE
        with contextlib.closing(sqlite3.connect(self.kept)) as kept:
            while kept.execute("SELECT count(*) FROM account WHERE list IS NOT NULL").fetchone() == (0,):
                self.assertLess(time.monotonic(), end, "no keys were published")
                time.sleep(0.05)

    def sent(self, chat: Process, count: int) -> None:
        for _ in range(count):
            self.assertEqual(chat.errors.get(timeout=PATIENCE), "sent")

    def test_two_people_talk_and_nothing_is_lost_when_one_ends(self) -> None:
        alice = self.chat("alice", "bob")
        self.published()
        bob = self.chat("bob", "alice")
        bob.type("are you there?")
        self.sent(bob, 1)
        self.assertEqual(alice.lines.get(timeout=PATIENCE), "bob: are you there?")
        alice.type("Grüß dich 👋🏽", "line \t two")
        for words in ("alice: Grüß dich 👋🏽", "alice: line \\t two"):
            self.assertEqual(bob.lines.get(timeout=PATIENCE), words)
        self.sent(alice, 2)
        # What comes while he is away waits for him, and what he saw does not come again.
        self.assertEqual(bob.end(), 0)
        alice.type("while you were away")
        self.sent(alice, 1)
        self.assertEqual(alice.end(), 0)
        bob = self.chat("bob", "alice")
        self.assertEqual(bob.lines.get(timeout=PATIENCE), "alice: while you were away")
        self.assertEqual(bob.end(), 0)
        for chat in (alice, bob):
            self.assertEqual((list(chat.lines.queue), list(chat.errors.queue)), ([], []))


if __name__ == "__main__":
    unittest.main()
