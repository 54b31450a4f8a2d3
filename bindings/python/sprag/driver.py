"""Runs a client: carries its requests out through the app's own network, wakes it in time, and hands out what happens."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TypeVar

from .generated.sprag import (
    Action,
    Client,
    Content,
    Conversation,
    Event,
    Incoming,
    Outcome,
    Pending,
    Request,
    SendOptions,
    Sent,
    SpragError,
    Verdict,
)

T = TypeVar("T")

# Seconds until something is tried again, and the fewest between two times that the engine is woken.
PAUSE = 1.0

# The most seconds without waking the engine: clocks are set, and the stock at the server goes down.
UPKEEP = 3600.0

# How often a call is repeated while another process has the store, and after how many seconds each time.
TRIES, TRY_AGAIN = 50, 0.1

PAGE = 64

_log = logging.getLogger("sprag")


class Driver:
    """Runs a client in a thread of its own.

    ``transport`` is the app's network: it is called with one request after the other, in their order, does what the request
    says, and answers what became of it. What it raises counts as ``Outcome.RETRY(after=None)``, the request comes again after
    a time that grows, and is logged under ``sprag``. It needs a time-out of its own. A request may come twice, for example
    after a crash; its ``id`` tells the server so. ``stock`` asks the server how many one-time prekeys of this device are
    left, and answers ``None`` if it does not know.

        with Driver(client, server.carry_out) as driver:
            for event in driver.events():
                history.store(event)

    All methods may be called from any thread. A call that finds the store in the hands of another process is tried again for
    some seconds.
    """

    def __init__(
        self, client: Client, transport: Callable[[Request], Outcome], stock: Callable[[], int | None] | None = None
    ) -> None:
        self.client = client
        self._transport, self._stock = transport, stock
        # Guards all that follows, and is notified whenever any of it changes.
        self._changed = threading.Condition()
        self._work = self._news = 0
        self._leased: list[Request] = []
        self._due = 0.0
        self._is_left = self._is_read = self._is_stopped = self._is_shut = False
        self._failure: Exception | None = None
        # Held from the moment in which requests are leased until they are in their place: order is kept.
        self._order = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sprag", daemon=True)

    def start(self) -> None:
        """Begins to carry requests out. ``with`` does it."""
        self._thread.start()

    def stop(self) -> None:
        """Ends for good: the thread ends after the request that it is at, and ``events`` after the event that is being handled.
        Does not wait for either.
        """
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stops, waits for the thread, and shuts the client: its keys are wiped from memory. ``with`` does it. What was not
        carried out is offered again when the store is opened the next time.
        """
        self.stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        self._is_shut = True
        self.client.shut()

    def __enter__(self) -> Driver:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def events(self) -> Iterator[Event]:
        """What happens, oldest first; waits for more, and ends when the driver is stopped. For one consumer at a time.

        An event is done when the body of the loop has come to its end. If the body raises, or the app dies in it, the same
        event comes again, and so does one that is left with ``break``: use ``stop``. Whether it was shown already tells its
        ``id``. What ended the driver's thread is raised here.
        """
        with self._changed:
            if self._is_read:
                raise RuntimeError("somebody else reads the events")
            self._is_read = True
        try:
            while page := self._waiting():
                for event in page:
                    yield event
                    if pending := self._patiently(functools.partial(self.client.done, [event.id])):
                        self._note(pending)
                    if self._is_stopped:
                        return
        finally:
            with self._changed:
                self._is_read = False

    def send(self, conversation: Conversation, content: Content, options: SendOptions | None = None) -> Sent:
        """Sends a message: durable on return; it leaves by itself. The answer's requests are the driver's: there are none in it.
        Raises what ``Client.send`` raises.
        """
        to = SendOptions() if options is None else options
        with self._order:
            sent = self._call(lambda: self.client.send(conversation, content, to))
            with self._changed:
                self._leased.extend(sent.requests)
        sent.requests = []
        self._note(sent.pending)
        self._ring()
        return sent

    def deliver(self, messages: Sequence[Incoming]) -> list[Verdict]:
        """Takes messages that came from the server, in the order in which they came, and judges each. Durable on return: the app
        may acknowledge them. Raises what ``Client.deliver`` raises.
        """
        delivered = self._call(lambda: self.client.deliver(list(messages)))
        self._note(delivered.pending)
        return delivered.verdicts

    def perform(self, call: Callable[[Client], T]) -> T:
        """Any other call of the client's; afterwards the driver looks what came of it. It may be made more than once: it is
        repeated while the store is busy.
        """
        value = self._call(lambda: call(self.client))
        self._ring()
        return value

    def kick(self) -> None:
        """Says that something may have changed: the network is back, or another process has delivered."""
        with self._changed:
            self._due = 0.0
        self._ring()

    def suspend(self) -> None:
        """Closes the store until ``resume``. Calls raise ``SpragError.Unavailable`` meanwhile."""
        self._call(self.client.suspend)

    def resume(self) -> None:
        """Opens the store again, and goes on."""
        self._call(self.client.resume)
        self.kick()

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                seen = self._work
                try:
                    self._wake_if_due()
                    while requests := self._next():
                        self._carry_out(requests)
                except (SpragError.Unavailable, SpragError.Busy):
                    self._due = time.monotonic() + PAUSE
                self._rest(seen)
        except Exception as failure:
            self._failure = failure
        finally:
            self._ring()

    def _wake_if_due(self) -> None:
        if time.monotonic() < self._due:
            return
        left = None
        if self._stock is not None:
            try:
                left = self._stock()
            except Exception:
                _log.warning("the server's stock of prekeys cannot be asked for", exc_info=True)
        # Before the call: what others learn while it runs shall not be forgotten.
        self._due = time.monotonic() + UPKEEP
        self._note(self._call(lambda: self.client.wake(one_time_left=left)))

    def _next(self) -> list[Request]:
        """What is leased to us comes before what the store still has: it is older."""
        if self._is_stopped:
            return []
        with self._order:
            return self._taken() or self._call(lambda: self.client.requests(PAGE))

    def _taken(self) -> list[Request]:
        with self._changed:
            ours = [request for request in self._leased if request.lease_until > time.time()]
            self._leased.clear()
        return ours

    def _carry_out(self, requests: list[Request]) -> None:
        """After one that has to be tried again the rest is put off as well: order is kept. So is what was leased meanwhile;
        later the engine holds it back by itself.
        """
        is_put_off = False
        for request in requests:
            is_put_off = not self._answer(request, is_put_off) or is_put_off
        if is_put_off:
            with self._order:
                for request in self._taken():
                    self._answer(request, is_put_off=True)

    def _answer(self, request: Request, is_put_off: bool) -> bool:
        """Carries a request out, or puts it off; whether the next one may go."""
        if isinstance(request.action, Action.OTHER):
            return True
        outcome: Outcome = Outcome.RETRY(after=0 if self._is_stopped else 1)
        if not is_put_off and not self._is_stopped:
            outcome = self._ask(request)
        self._note(self._call(functools.partial(self.client.respond, request.id, outcome)))
        return not isinstance(outcome, Outcome.RETRY)

    def _ask(self, request: Request) -> Outcome:
        try:
            return self._transport(request)
        except Exception:
            _log.warning("a request was not carried out, and comes again", exc_info=True)
            return Outcome.RETRY(after=None)

    def _rest(self, seen: int) -> None:
        """Waits until there is something to do. What waits and was not handed out is leased to somebody who may be gone."""
        with self._changed:
            seconds = max(0.0, self._due - time.monotonic())
            self._changed.wait_for(
                lambda: self._is_stopped or self._work != seen, min(seconds, PAUSE) if self._is_left else seconds
            )

    def _note(self, pending: Pending) -> None:
        """What a call says is to be done next."""
        with self._changed:
            self._is_left = pending.requests > 0
            if pending.next_wake_ms is not None:
                due = time.monotonic() + max(pending.next_wake_ms / 1000, PAUSE)
                self._work += due < self._due
                self._due = min(self._due, due)
            self._work += pending.requests > 0
            self._news += pending.events > 0
            self._changed.notify_all()

    def _ring(self) -> None:
        """Something may have changed."""
        with self._changed:
            self._work += 1
            self._news += 1
            self._changed.notify_all()

    def _call(self, call: Callable[[], T]) -> T:
        for _ in range(TRIES):
            try:
                return call()
            except SpragError.Busy:
                if self._is_stopped:
                    raise
                time.sleep(TRY_AGAIN)
        return call()

    def _waiting(self) -> list[Event]:
        """The oldest events that are not done, as soon as there are some; none when it is over."""
        while not self._is_stopped:
            if self._failure is not None:
                raise self._failure
            seen = self._news
            if events := self._patiently(lambda: self.client.events(max=PAGE)):
                return events
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopped or self._news != seen)
        return []

    def _patiently(self, call: Callable[[], T]) -> T | None:
        """Calls, at least once, until the client is not suspended; nothing when it is over."""
        while True:
            seen = self._news
            try:
                return self._call(call)
            except (SpragError.Unavailable, SpragError.Busy):
                with self._changed:
                    self._changed.wait_for(lambda: self._is_stopped or self._news != seen, PAUSE)
            except SpragError:
                if not self._is_shut:
                    raise
            if self._is_stopped:
                return None
