"""A messenger in Python: messenger.py --as NAME --relay URL --store PATH [--script]

What is typed goes out, what comes is shown: "NAME: TEXT", "/room ROOM NAME,NAME TEXT", "/safety NAME", "/quit". With
--script it speaks with a program, in the lines that examples/chat/src/input.rs and screen.rs describe. It does its own
HTTP with the standard library; Sprag does the rest. The store's key lies in STORE.key: a real app keeps it in the
platform's key store.
"""

import argparse
import http.client
import os
import queue
import sys
import threading
import time
import urllib.parse

import sprag
from sprag import Action, Content, Conversation, Found, Incoming, MessageState, Outcome, Rejection, SpragError, What

POLL = 25  # seconds that the relay holds a request for mail
PATIENCE = 30  # seconds that an answer may take besides
PAUSE = 1.0  # seconds until something is tried again
UPKEEP = 3600.0  # seconds after which the engine is woken at the latest
LIMIT = 2 * 1024 * 1024

STATES = {
    MessageState.WAITING_KEYS: "waiting",
    MessageState.HELD: "held",
    MessageState.READY: "ready",
    MessageState.ACCEPTED: "accepted",
    MessageState.FAILED: "failed",
    MessageState.CANCELLED: "cancelled",
}


class Offline(Exception):
    """The relay cannot be reached, or what came is no answer of a relay."""


def join(*parts):
    """Parts of a body, each a length in four bytes and itself."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def split(body):
    parts, at = [], 0
    while at < len(body):
        end = at + 4 + int.from_bytes(body[at : at + 4], "big")
        if end > len(body):
            raise Offline
        parts.append(body[at + 4 : end])
        at = end
    return parts


class Relay:
    """The relay over HTTP; docs/relay.md says what is spoken."""

    def __init__(self, url, account, device, token):
        self.place = urllib.parse.urlsplit(url).netloc
        self.headers = {
            "X-Account": account.hex(),
            "X-Device": f"{device:08x}",
            "Authorization": f"Bearer {token.hex()}",
        }

    def call(self, method, path, body=None, patience=PATIENCE):
        """One request: the status and the answer's body."""
        line = http.client.HTTPConnection(self.place, timeout=patience)
        try:
            line.request(method, path, body=body, headers=self.headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Offline from error
        finally:
            line.close()

    def carry_out(self, request):
        """Carries a request out and says what became of it; None for a kind of a later release."""
        action = request.action
        if isinstance(action, Action.PUBLISH_KEYS):
            return self.publish(action)
        if isinstance(action, Action.FETCH_KEYS):
            return self.fetch(action)
        if isinstance(action, Action.SEND):
            return self.send(request.id, action)
        return None

    def publish(self, action):
        entry = (b"", b"", b"")
        if action.list is not None:
            numbers = (action.list.sequence, action.list.expected)
            entry = (*(number.to_bytes(8, "big") for number in numbers), action.list.object)
        reset = bytes([action.reset_one_time])
        status, body = self.call("PUT", "/keys", join(*entry, action.signed_prekey or b"", reset, *action.one_time))
        if status == 200:
            return Outcome.PUBLISHED(one_time_left=int.from_bytes(body, "big"))
        return Outcome.CONFLICT(list=body) if status == 409 else refusal(status)

    def stock(self):
        """How many one-time prekeys of ours there are: the answer to publishing nothing. None if that is not known."""
        try:
            status, body = self.call("PUT", "/keys", join(b"", b"", b"", b"", b"\0"))
        except Offline:
            return None
        return int.from_bytes(body, "big") if status == 200 else None

    def fetch(self, action):
        found, absent = [], []
        for account in (wanted.account for wanted in action.accounts):
            status, body = self.call("GET", f"/keys/{account.hex()}?one_time={int(action.one_time)}")
            if status == 200:
                found.append(Found(account=account, parts=split(body)))
            elif status == 404:
                absent.append(account)
            else:
                return refusal(status)
        return Outcome.KEYS(found=found, absent=absent)

    def send(self, number, action):
        time_there = None
        for account in action.to:
            status, body = self.call("POST", f"/send/{account.hex()}?request={number}", join(action.blob))
            if status == 404:
                return Outcome.REJECTED(rejection=Rejection.NO_SUCH_ACCOUNT)
            if status != 200:
                return refusal(status)
            time_there = int.from_bytes(body, "big") if len(body) == 8 else None
        return Outcome.ACCEPTED(server_time=time_there, stamp=None)

    def mail(self, after):
        """What waits after a number, as (number, sender, bytes)."""
        status, body = self.call("GET", f"/mail?after={after}&wait={POLL}", patience=POLL + PATIENCE)
        if status != 200:
            raise Offline
        parts = split(body)
        return [
            (int.from_bytes(number, "big"), bytes.fromhex(sender.decode()), blob)
            for number, sender, blob in zip(parts[0::3], parts[1::3], parts[2::3])
        ]

    def acknowledge(self, number):
        self.call("POST", f"/acknowledge?up_to={number}", b"")


def refusal(status):
    if status == 413:
        return Outcome.TOO_LARGE(limit=LIMIT)
    if status in (400, 403):
        return Outcome.REJECTED(rejection=Rejection.FORBIDDEN if status == 403 else Rejection.OTHER)
    return Outcome.RETRY(after=None)


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
                    outcome = self.relay.carry_out(request)
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


def secrets(store):
    """The store's key and the relay's token: read, or made on the first start for the owner alone."""
    path = store + ".key"
    if not os.path.exists(path):
        if os.path.exists(store):
            sys.exit(f"{path}: the store is there and its key is not")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(64))
            file.flush()
            os.fsync(file.fileno())
    with open(path, "rb") as file:
        secret = file.read()
    if len(secret) != 64:
        sys.exit(f"{path}: this is not a key file of 64 bytes")
    return secret[:32], secret[32:]


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
