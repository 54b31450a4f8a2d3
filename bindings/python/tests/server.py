"""What an app's server keeps, made of dictionaries."""

from __future__ import annotations

import sprag
from sprag import Action, Client, Finding, Found, Incoming, Outcome, Request


class Server:
    """Lists, prekeys of each device, and mail that each device reads."""

    def __init__(self) -> None:
        self.lists: dict[bytes, tuple[int, bytes]] = {}
        self.signed: dict[bytes, dict[int, bytes]] = {}
        self.one_time: dict[bytes, dict[int, list[bytes]]] = {}
        self.mail: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self.read: dict[tuple[bytes, int], int] = {}

    def collect(self, client: Client) -> list[tuple[bytes, bytes]]:
        """The mail that a device has not read yet: who sent it, and what."""
        mail, device = self.mail.get(client.account(), []), (client.account(), client.device())
        unread = mail[self.read.get(device, 0) :]
        self.read[device] = len(mail)
        return unread

    def carry_out(self, client: Client, request: Request) -> None:
        client.respond(request.id, self.outcome(client, request.action))

    def outcome(self, client: Client, action: Action) -> Outcome:
        if isinstance(action, Action.PUBLISH_KEYS):
            return self.publish(action)
        if isinstance(action, Action.FETCH_KEYS):
            return self.fetch(action)
        assert isinstance(action, Action.SEND)
        for account in action.to:
            self.mail.setdefault(account, []).append((client.account(), action.blob))
        return Outcome.ACCEPTED(server_time=None, stamp=None)

    def publish(self, action: Action.PUBLISH_KEYS) -> Outcome:
        if action.list is not None:
            sequence, known = self.lists.get(action.account, (0, b""))
            if action.list.expected != sequence:
                return Outcome.CONFLICT(list=known)
            self.lists[action.account] = (action.list.sequence, action.list.object)
        if action.signed_prekey is not None:
            self.signed.setdefault(action.account, {})[action.device] = action.signed_prekey
        queue = self.one_time.setdefault(action.account, {}).setdefault(action.device, [])
        if action.reset_one_time:
            queue.clear()
        queue.extend(action.one_time)
        return Outcome.PUBLISHED(one_time_left=len(queue))

    def fetch(self, action: Action.FETCH_KEYS) -> Outcome:
        found, absent = [], []
        for account in (wanted.account for wanted in action.accounts):
            if account not in self.lists:
                absent.append(account)
                continue
            parts = [self.lists[account][1], *self.signed[account].values()]
            if action.one_time:
                parts += [queue.pop() for queue in self.one_time[account].values() if queue]
            found.append(Found(account=account, parts=parts))
        return Outcome.KEYS(found=found, absent=absent)

    def settle(self, *clients: Client) -> None:
        """Carries out what anybody has to do until nobody has anything; what comes opens once, and not again."""
        busy = True
        while busy:
            busy = False
            for client in clients:
                for request in client.requests():
                    self.carry_out(client, request)
                    busy = True
                if mail := self.collect(client):
                    batch = [
                        Incoming(bytes=blob, sender=sender, conversation=sprag.direct(sender)) for sender, blob in mail
                    ]
                    verdicts = client.deliver(batch).verdicts
                    assert all(isinstance(verdict.finding, Finding.OPENED) for verdict in verdicts), verdicts
                    again = client.deliver(batch).verdicts
                    assert all(isinstance(verdict.finding, Finding.DUPLICATE) for verdict in again), again
                    busy = True
                client.wake()
