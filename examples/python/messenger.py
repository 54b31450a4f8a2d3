"""A messenger in Python: messenger.py --as NAME --relay URL --store PATH [--script]

What is typed goes out, what comes is shown: "NAME: TEXT", "/room ROOM NAME,NAME TEXT", "/safety NAME", "/quit". With
--script it speaks with a program, in the lines that examples/chat/src/input.rs and screen.rs describe. Its HTTP
is in relay.py; Sprag does the rest. It calls the engine itself: chat.py leaves that to a driver, and is shorter.
"""

import argparse
import os
import queue
import sys
import threading
import time

import sprag
from relay import Offline, Relay, secrets
from sprag import Action, Content, Conversation, Incoming, MessageState, Outcome, SpragError, What

PAUSE = 1.0  # seconds until something is tried again
UPKEEP = 3600.0  # seconds after which the engine is woken at the latest

STATES = {
    MessageState.WAITING_KEYS: "waiting",
    MessageState.HELD: "held",
    MessageState.READY: "ready",
    MessageState.ACCEPTED: "accepted",
    MessageState.FAILED: "failed",
    MessageState.CANCELLED: "cancelled",
}


class Screen:
    """Shows words to a person, or lines to a program."""

    def __init__(self, script):
        self.script = script
        self.turn = threading.RLock()

    def say(self, script, person):
        line = script if self.script else person
        if line:
            with self.turn:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()

    def event(self, event):
        what = event.what
        if isinstance(what, What.MESSAGE):
            if isinstance(what.content, Content.TEXT):
                self.message(event.id, what, what.content.text)
        elif isinstance(what, What.PROGRESS):
            why = sprag.reason_text(what.reason) if what.reason else "-"
            failed = what.state in (MessageState.FAILED, MessageState.HELD)
            person = f"! not delivered to {(what.account or b'?').decode()}: {why}" if failed else ""
            self.say(f"state {what.message.hex()} {STATES[what.state]} {why}", person)
        elif isinstance(what, What.UNREADABLE):
            self.warn(what.sender, f"a message cannot be read: {sprag.reason_text(what.reason)}")
        elif isinstance(what, What.SESSION_RESTARTED):
            if not what.resumed:
                self.warn(what.account, "the session was begun anew")
        elif isinstance(what, What.CLONE_SUSPECTED):
            self.warn(
                what.account,
                f"a copy of their phone (device {what.device:08x}) seems to be in use, or an old backup of it; "
                "whoever has it reads along: ask them some other way",
            )
        elif isinstance(what, What.BRAID_STALLED):
            self.warn(
                what.account,
                f"no fresh post-quantum keys come with their phone (device {what.device:08x}) any more, as after an "
                "old backup on either side; messages go on",
            )
        elif isinstance(what, What.IDENTITY_CHANGED):
            self.warn(what.account, f"another identity was offered; it was {what.old_number}, now {what.new_number}")
        elif isinstance(what, What.LIST_CONFLICT):
            self.warn(what.account, "two lists of devices contradict each other")
        elif isinstance(what, What.DEVICES_CHANGED):
            self.warn(what.account, f"they changed devices; new: {devices(what.added)}; gone: {devices(what.removed)}")
        elif isinstance(what, What.AUDIENCE_DIFFERS):
            self.warn(what.sender, "wrote to others than the members of the room")
        elif isinstance(what, What.PLAINTEXT_IN_PROTECTED):
            self.warn(what.sender, "what came was not encrypted, and is not shown")
        elif isinstance(what, What.REMOVED):
            self.warn(None, "this device was taken off its account; it sends nothing any more")

    def message(self, event, what, text):
        """Who wrote what, and in which room if it was in one."""
        sender, message = what.sender.decode(), what.client_id.hex()
        if isinstance(what.conversation, Conversation.ROOM):
            place = what.conversation.id.decode(errors="replace")
            self.say(
                f"room {event} {place} {sender} {message} {escape(text)}", f"{sender} in {plain(place)}: {plain(text)}"
            )
        else:
            self.say(f"message {event} {sender} {message} {escape(text)}", f"{sender}: {plain(text)}")

    def warn(self, about, words):
        about = about.decode() if about else "?"
        self.say(f"warning {about} {words}", f"! {about}: {words}")


def devices(ids):
    return " ".join(f"{device:08x}" for device in ids) or "none"


def escape(text):
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def unescape(line):
    text, letters = [], iter(line)
    for letter in letters:
        if letter == "\\":
            letter = next(letters, "")
            letter = {"n": "\n", "r": "\r"}.get(letter, letter)
        text.append(letter)
    return "".join(text)


def plain(text):
    """A text that cannot command the terminal."""
    return "".join(letter if letter.isprintable() or letter in "\t" else ascii(letter)[1:-1] for letter in text)


class Messenger:
    """The client and its three threads: the network's, the mailbox's, and the one that reads what is typed."""

    def __init__(self, client, relay, screen):
        self.client, self.relay, self.screen = client, relay, screen
        self.work = queue.Queue()
        self.pending = client.done([])
        self.online = True
        self.fetching = True

    def reached(self, reached):
        if self.online != reached:
            self.online = reached
            self.screen.say(
                "online" if reached else "offline",
                "(the relay is back)" if reached else "(the relay cannot be reached; messages wait)",
            )

    def network(self):
        """Wakes the engine when it is time, and carries requests out in their order."""
        wake = stock = 0.0
        while True:
            if time.monotonic() >= wake:
                left = None
                if time.monotonic() >= stock:
                    left, stock = self.relay.stock(), time.monotonic() + UPKEEP
                self.pending = self.client.wake(one_time_left=left)
                wake = time.monotonic() + UPKEEP
            try:
                # What is leased to us comes before what the store still has: it is older.
                requests = self.work.get_nowait()
            except queue.Empty:
                requests = self.client.requests(64) or self.rest(wake)
            self.carry_out(requests)
            self.show()
            if self.pending.next_wake_ms is not None:
                wake = min(wake, time.monotonic() + max(self.pending.next_wake_ms / 1000, PAUSE))

    def rest(self, wake):
        """Waits until there is something to do; an empty list of requests says only that something changed."""
        seconds = max(0.0, wake - time.monotonic())
        try:
            return self.work.get(timeout=min(PAUSE, seconds) if self.pending.requests else seconds)
        except queue.Empty:
            return []

    def carry_out(self, requests):
        """After one that has to be tried again the rest is put off as well: order is kept."""
        put_off = False
        for request in requests:
            outcome = Outcome.RETRY(after=1)
            if not put_off:
                try:
                    outcome = None if isinstance(request.action, Action.OTHER) else self.relay.carry_out(request)
                    self.reached(True)
                except Offline:
                    self.reached(False)
            if outcome is None:
                continue
            put_off = put_off or isinstance(outcome, Outcome.RETRY)
            if isinstance(outcome, Outcome.PUBLISHED):
                self.screen.say(f"published {outcome.one_time_left}", "")
            self.pending = self.client.respond(request.id, outcome)
            self.show()

    def mailbox(self):
        """Fetches, delivers, acknowledges, shows."""
        cursor = 0
        while True:
            if not self.fetching:
                time.sleep(0.02)
                continue
            try:
                mail = self.relay.mail(cursor)
                self.reached(True)
                if mail and self.take_in(mail):
                    cursor = mail[-1][0]
                    self.relay.acknowledge(cursor)
                    self.show()
            except Offline:
                self.reached(False)
                time.sleep(PAUSE)

    def take_in(self, mail):
        # The relay knows mailboxes and no conversations: a message belongs where its sender sealed it.
        batch = [Incoming(bytes=blob, sender=sender) for _, sender, blob in mail]
        with self.screen.turn:
            if not self.fetching:
                return False
            self.pending = self.client.deliver(batch).pending
        self.work.put([])
        return True

    def show(self):
        """Shows what there is to show. It is done when it is on the screen."""
        with self.screen.turn:
            while events := self.client.events(0, 64):
                for event in events:
                    self.screen.event(event)
                self.client.done([event.id for event in events])

    def send(self, peer, conversation, text):
        """Queues a text in a conversation that is called so."""
        try:
            # Whoever carries it out has to wait with showing it until its number is known.
            with self.screen.turn:
                sent = self.client.send(conversation, sprag.text(text), sprag.SendOptions())
                self.screen.say(f"queued {peer} {sent.message.hex()}", "")
        except SpragError.Misuse as error:
            self.complain(str(error))
            return
        self.work.put(sent.requests)

    def safety(self, peer):
        try:
            digits = self.client.contact(peer.encode()).digits
        except (SpragError.Unknown, SpragError.Misuse):
            digits = None
        if digits is None:
            self.screen.say(f"safety {peer} -", f"nothing is known of {peer} yet")
        else:
            self.screen.say(f"safety {peer} {digits}", f"you and {peer}: {digits}")

    def complain(self, words):
        self.screen.say(f"trouble {words}", words)

    def command(self, line):
        """A line of a program, or of a person; answers whether there is more to come."""
        if not self.screen.script:
            verb, _, rest = line.removeprefix("/").partition(" ") if line.startswith("/") else ("send", "", "")
            if verb == "send":
                peer, colon, text = line.partition(": ")
                rest = f"{peer} {escape(text)}" if colon else ""
            line = f"{verb} {rest}"
        verb, _, rest = line.partition(" ")
        if verb == "send" and " " in rest:
            peer, _, text = rest.partition(" ")
            self.send(peer, sprag.direct(peer.encode()), unescape(text))
        elif verb == "room" and rest.count(" ") >= 2:
            room, members, text = rest.split(" ", 2)
            members = [member.encode() for member in members.split(",")]
            text = unescape(text) if self.screen.script else text
            self.send(room, sprag.room(room.encode(), members), text)
        elif verb == "safety":
            self.safety(rest)
        elif verb == "mail":
            with self.screen.turn:
                self.fetching = rest == "on"
                self.screen.say(f"mail {rest}", "")
        elif verb == "quit":
            return False
        elif line.strip():
            self.complain("NAME: TEXT, /room ROOM NAME,NAME TEXT, /safety NAME or /quit")
        return True

    def run(self, name, lines):
        self.screen.say(f"ready {name} {self.client.device():08x}", f"you are {name}")
        for work in (self.network, self.mailbox):
            threading.Thread(target=guarded, args=(work,), daemon=True).start()
        for line in lines:
            if not self.command(line.rstrip("\r\n")):
                break
        # Nothing is cut off between the screen and what is done; the rest is safe at any place.
        self.screen.turn.acquire()
        os._exit(0)


def guarded(work):
    """A thread that fails ends the program: what it had to do would not be done."""
    try:
        work()
    except Exception as error:
        print(f"messenger.py: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def main():
    arguments = argparse.ArgumentParser(description="A messenger over Sprag and the example relay.")
    arguments.add_argument("--as", dest="name", required=True)
    arguments.add_argument("--relay", required=True)
    arguments.add_argument("--store", required=True)
    arguments.add_argument("--script", action="store_true")
    given = arguments.parse_args()
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8", newline="\n")
    key, token = secrets(given.store)
    account = given.name.encode()
    try:
        client = sprag.Client.open(given.store, key, account)
    except SpragError.NoStore:
        client = sprag.Client.create(given.store, key, account)
    relay = Relay(given.relay, account, client.device(), token)
    Messenger(client, relay, Screen(given.script)).run(given.name, sys.stdin)


if __name__ == "__main__":
    main()
