"""A small messenger: chat.py --as NAME --with NAME --relay URL --store FILE

Each line of standard input goes to the other one, and what comes is shown as "NAME: text". When the input has ended and all
of it has left, it ends. relay.py does the HTTP, and Sprag's driver the rest.
"""

from __future__ import annotations

import argparse
import sys
import threading

import sprag
from relay import Relay, secrets
from sprag import Client, Content, Driver, Incoming, MessageState, SpragError, What

ON_ITS_WAY = (MessageState.WAITING_KEYS, MessageState.READY)


class Chat:
    """Two people, on one device."""

    def __init__(self, client: Client, relay: Relay, peer: str) -> None:
        self.relay, self.peer = relay, peer
        self.driver = Driver(client, relay.carry_out, relay.stock)
        self.unsent: set[bytes] = set()
        self.input_ended = False
        self.lock = threading.Lock()

    def run(self) -> None:
        with self.driver:
            for work in (self.fetch, self.read):
                threading.Thread(target=work, daemon=True).start()
            for event in self.driver.events():
                self.show(event.what)

    def fetch(self) -> None:
        """What waits at the relay is delivered, and acknowledged once that is durable."""
        after = 0
        while True:
            try:
                mail = self.relay.mail(after)
                # The relay knows mailboxes and no conversations: a message belongs where its sender sealed it.
                self.driver.deliver([Incoming(bytes=blob, sender=sender) for _, sender, blob in mail])
                if mail:
                    after = mail[-1][0]
                    self.relay.acknowledge(after)
            except OSError:
                threading.Event().wait(1)
            except SpragError:
                return self.driver.stop()

    def read(self) -> None:
        """What is typed is sent: durable when `send` returns, and gone as soon as there is a network."""
        for line in sys.stdin:
            try:
                with self.lock:
                    sent = self.driver.send(sprag.direct(self.peer.encode()), sprag.text(line.rstrip("\r\n")))
                    self.unsent.add(sent.message)
            except SpragError as error:
                say(f"! {error}")
        with self.lock:
            self.input_ended = True
        self.end_if_all_has_left()

    def show(self, what: What) -> None:
        if isinstance(what, What.MESSAGE):
            if isinstance(what.content, Content.TEXT):
                say(f"{what.sender.decode()}: {what.content.text}")
        elif isinstance(what, What.PROGRESS) and what.state not in ON_ITS_WAY:
            with self.lock:
                self.unsent.discard(what.message)
            if what.state == MessageState.ACCEPTED:
                print("sent", file=sys.stderr)
            else:
                say(f"! not sent: {sprag.reason_text(what.reason or 0)}")
            self.end_if_all_has_left()
        elif isinstance(what, What.IDENTITY_CHANGED):
            say(f"! {what.account.decode()} has another key now: {what.new_number}")
        elif isinstance(what, What.CLONE_SUSPECTED):
            say(f"! a copy of a phone of {what.account.decode()} seems to be in use")
        elif isinstance(what, What.UNREADABLE) and not what.asked:
            say(f"! a message cannot be read: {sprag.reason_text(what.reason)}")

    def end_if_all_has_left(self) -> None:
        with self.lock:
            if self.input_ended and not self.unsent:
                self.driver.stop()


def say(words: str) -> None:
    """A text that comes from somebody else shall not command the terminal."""
    print("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words), flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description="A small messenger over Sprag and the example relay.")
    arguments.add_argument("--as", dest="name", required=True)
    arguments.add_argument("--with", dest="peer", required=True)
    arguments.add_argument("--relay", required=True)
    arguments.add_argument("--store", required=True)
    given = arguments.parse_args()
    key, token = secrets(given.store)
    account = given.name.encode()
    try:
        client = Client.open(given.store, key, account)
    except SpragError.NoStore:
        client = Client.create(given.store, key, account)
    Chat(client, Relay(given.relay, account, client.device(), token), given.peer).run()


if __name__ == "__main__":
    main()
