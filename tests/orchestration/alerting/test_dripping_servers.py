"""A server that sends a byte now and then, and never ends, holds an alert for its deadline and no longer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

import pytest

from orchestration.alerting.channels import Channel, DeliveryError, EmailChannel, Message, WebhookChannel
from orchestration.alerting.deadline import within

MESSAGE = Message("key", "subject", "text", "{}")
# Each read of the client gets a byte long before its own limit.
DEADLINE_SECONDS = 0.4
PAUSE_SECONDS = 0.02


class Drip:
    """Answers every connection with some bytes at once and then `byte` for ever, a byte at a time."""

    def __init__(self, first: bytes, byte: bytes) -> None:
        self._stopped = threading.Event()
        self._first, self._byte = first, byte
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            for part in chain([self._first], repeat(self._byte)):
                connection.sendall(part)
                if self._stopped.wait(PAUSE_SECONDS):
                    return

    def close(self) -> None:
        self._stopped.set()
        self._listening.close()


@pytest.fixture(params=["in the first line", "in a header", "in a greeting", "in a reply of many lines"])
def server(request: pytest.FixtureRequest) -> Iterator[Drip]:
    first, byte = {
        "in the first line": (b"HTTP/1.1 200 ", b"O"),
        "in a header": (b"HTTP/1.1 200 OK\r\nX-Name: ", b"a"),
        "in a greeting": (b"220 ", b"a"),
        "in a reply of many lines": (b"220-hello\r\n", b"220-hello\r\n"),
    }[request.param]
    drip = Drip(first, byte)
    yield drip
    drip.close()


def channel(server: Drip, kind: str) -> Channel:
    if kind == "webhook":
        return WebhookChannel(f"http://127.0.0.1:{server.port}/", DEADLINE_SECONDS)
    ends = ("alerts@example.com", ("ops@example.com",))
    return EmailChannel("127.0.0.1", server.port, "none", None, None, *ends, deadline_seconds=DEADLINE_SECONDS)


@pytest.mark.parametrize("kind", ["webhook", "email"])
def test_a_server_that_drips_is_given_up_at_the_deadline(server: Drip, kind: str) -> None:
    with pytest.raises(DeliveryError):
        channel(server, kind).send(MESSAGE)
    assert server.connections == 1


def test_of_an_answer_that_never_ends_the_status_is_enough() -> None:
    drip = Drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"a")
    channel(drip, "webhook").send(MESSAGE)
    drip.close()
    drip = Drip(b"HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\n\r\n", b"a")
    with pytest.raises(DeliveryError, match="answered 503"):
        channel(drip, "webhook").send(MESSAGE)
    drip.close()


def test_what_an_exchange_raises_is_raised_and_its_end_is_waited_for() -> None:
    done = []
    within(60, lambda: done.append(1))
    assert done == [1]

    def fail() -> None:
        raise KeyError("of the exchange")

    with pytest.raises(KeyError, match="of the exchange"):
        within(60, fail)
