"""What the example messengers in Python say to the relay, with the standard library's HTTP; docs/relay.md says what is spoken."""

from __future__ import annotations

import http.client
import os
import sys
import urllib.parse

from sprag import Action, Found, Outcome, Rejection, Request

POLL = 25  # seconds that the relay holds a request for mail
PATIENCE = 30  # seconds that an answer may take besides
LIMIT = 2 * 1024 * 1024


class Offline(OSError):
    """The relay cannot be reached, or what came is no answer of a relay."""


def join(*parts: bytes) -> bytes:
    """Parts of a body, each a length in four bytes and itself."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def split(body: bytes) -> list[bytes]:
    parts, at = [], 0
    while at < len(body):
        end = at + 4 + int.from_bytes(body[at : at + 4], "big")
        if end > len(body):
            raise Offline
        parts.append(body[at + 4 : end])
        at = end
    return parts


class Relay:
    """The relay, as one device sees it."""

    def __init__(self, url: str, account: bytes, device: int, token: bytes) -> None:
        self.place = urllib.parse.urlsplit(url).netloc
        self.headers = {
            "X-Account": account.hex(),
            "X-Device": f"{device:08x}",
            "Authorization": f"Bearer {token.hex()}",
        }

    def call(self, method: str, path: str, body: bytes | None = None, patience: float = PATIENCE) -> tuple[int, bytes]:
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

    def carry_out(self, request: Request) -> Outcome:
        """Carries a request out and says what became of it."""
        action = request.action
        if isinstance(action, Action.PUBLISH_KEYS):
            return self.publish(action)
        if isinstance(action, Action.FETCH_KEYS):
            return self.fetch(action)
        if isinstance(action, Action.SEND):
            return self.send(request.id, action)
        raise ValueError("a request of a later release")

    def publish(self, action: Action.PUBLISH_KEYS) -> Outcome:
        entry = (b"", b"", b"")
        if action.list is not None:
            sequence, expected = (number.to_bytes(8, "big") for number in (action.list.sequence, action.list.expected))
            entry = (sequence, expected, action.list.object)
        reset = bytes([action.reset_one_time])
        status, body = self.call("PUT", "/keys", join(*entry, action.signed_prekey or b"", reset, *action.one_time))
        if status == 200:
            return Outcome.PUBLISHED(one_time_left=int.from_bytes(body, "big"))
        return Outcome.CONFLICT(list=body) if status == 409 else refusal(status)

    def stock(self) -> int | None:
        """How many one-time prekeys of ours there are: the answer to publishing nothing. None if that is not known."""
        try:
            status, body = self.call("PUT", "/keys", join(b"", b"", b"", b"", b"\0"))
        except Offline:
            return None
        return int.from_bytes(body, "big") if status == 200 else None

    def fetch(self, action: Action.FETCH_KEYS) -> Outcome:
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

    def send(self, number: int, action: Action.SEND) -> Outcome:
        time_there = None
        for account in action.to:
            status, body = self.call("POST", f"/send/{account.hex()}?request={number}", join(action.blob))
            if status == 404:
                return Outcome.REJECTED(why=Rejection.NO_SUCH_ACCOUNT)
            if status != 200:
                return refusal(status)
            time_there = int.from_bytes(body, "big") if len(body) == 8 else None
        return Outcome.ACCEPTED(server_time=time_there, stamp=None)

    def mail(self, after: int) -> list[tuple[int, bytes, bytes]]:
        """What waits after a number, as (number, sender, bytes)."""
        status, body = self.call("GET", f"/mail?after={after}&wait={POLL}", patience=POLL + PATIENCE)
        if status != 200:
            raise Offline
        parts = split(body)
        return [
            (int.from_bytes(number, "big"), bytes.fromhex(sender.decode()), blob)
            for number, sender, blob in zip(parts[0::3], parts[1::3], parts[2::3])
        ]

    def acknowledge(self, number: int) -> None:
        self.call("POST", f"/acknowledge?up_to={number}", b"")


def refusal(status: int) -> Outcome:
    if status == 413:
        return Outcome.TOO_LARGE(limit=LIMIT)
    if status in (400, 403):
        return Outcome.REJECTED(why=Rejection.FORBIDDEN if status == 403 else Rejection.OTHER)
    return Outcome.RETRY(after=None)


def secrets(store: str) -> tuple[bytes, bytes]:
    """The store's key and the relay's token: read, or made on the first start for the owner alone. They lie in STORE.key: a real
    app keeps them in the platform's key store.
    """
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
