"""An answer takes no more memory and no more time than an answer may, whatever the endpoint sends."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Mapping

import pytest
from httpx2 import MockTransport, Response

from orchestration.classification.llm.bounded_client import MOST_ANSWER_BYTES, BoundedClient
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.replies import Failure
from tests.support.llm_cases import BOOKING_ANSWER, PRICE, after_probe, labeller
from tests.support.llm_killed import bookings
from tests.support.llm_server import Answer, Drip, LlmServer, Raw, Request, completion_text

MIB = 1024 * 1024
# Only against hanging for ever; reached in no good run.
LIMIT_SECONDS = 60
# Compressed 1 : 1000, so that a few of them are more than this machine has.
BOMB = gzip.compress(b"\0" * (64 * MIB))


def endless(size: int, headers: Mapping[str, str] | None = None, status: int = 200) -> Raw:
    """Return a body of so many bytes; the server sends it until the client hangs up."""
    return Raw((b" " * MIB for _ in range(size // MIB)), headers or {}, status)


ATTACKS: dict[str, Raw] = {
    "plain": endless(512 * MIB),
    "gzip": Raw([BOMB], {"Content-Encoding": "gzip"}),
    "deflate": Raw([zlib.compress(b"\0" * (64 * MIB))], {"Content-Encoding": "deflate"}),
    "gzip of gzip": Raw([gzip.compress(BOMB)], {"Content-Encoding": "gzip, gzip"}),
    "unknown": Raw([b"x"], {"Content-Encoding": "br"}),
    "many pieces": Raw((b"{" * 64 for _ in range(MOST_ANSWER_BYTES // 64 + 1)), {}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_large_answer_is_a_failed_call_that_is_paid_for(attack: str) -> None:
    log = MemoryLog()
    first = [ATTACKS[attack]]
    with LlmServer(after_probe(lambda _: first.pop() if first else Answer(BOOKING_ANSWER))) as server:
        # Once before it is measured: what is imported with the first call is not what an answer takes.
        labeller(server, MemoryLog()).label([])
        labelling = labeller(server, log)
        asked = bookings(2)
        tracemalloc.start()
        try:
            summary = labelling.label(asked)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 16 * MIB
    assert summary.counts["labelled"] == 2
    failed = [call for call in log.calls if call.failure]
    assert [(call.failure, call.is_cost_estimated) for call in failed] == [(Failure.TOO_LARGE, True)]
    assert failed[0].cost_usd > PRICE.cost_usd(0, 256)


def test_answers_that_stay_too_large_open_the_circuit_and_name_the_reason() -> None:
    with LlmServer(after_probe(lambda _: endless(4 * MIB))) as server:
        summary = labeller(server, MemoryLog(), concurrency=1).label(bookings(4))
    assert summary.problem is not None
    assert "too_large (the endpoint sent an answer of more than 2,097,152 bytes)" in summary.problem
    assert (summary.counts["dead_lettered"], summary.counts["fallen_back"]) == (2, 2)


def test_an_honest_answer_may_be_compressed() -> None:
    def squeezed(request: Request) -> Raw:
        assert request.headers["Accept-Encoding"] == "identity"
        body = completion_text(request, Answer(BOOKING_ANSWER)).encode()
        return Raw([gzip.compress(body)], {"Content-Encoding": "gzip"})

    with LlmServer(after_probe(squeezed)) as server:
        assert labeller(server, MemoryLog()).label(bookings(1)).counts["labelled"] == 1


@pytest.mark.parametrize("charset", ["zlib", "utf-7", "utf-16", "rot13", "idna", "no-such", "utf-8; charset=hex"])
def test_json_is_utf8_whatever_charset_is_named(charset: str) -> None:
    def named(request: Request) -> Raw:
        body = completion_text(request, Answer(BOOKING_ANSWER)).encode()
        return Raw([body], {"Content-Type": f"application/json; charset={charset}"})

    with LlmServer(after_probe(named)) as server:
        assert labeller(server, MemoryLog()).label(bookings(1)).counts["labelled"] == 1


@pytest.mark.parametrize(("status", "failure"), [(500, Failure.SERVER_ERROR), (400, Failure.REQUEST_REFUSED)])
def test_of_an_error_only_the_beginning_is_read(status: int, failure: Failure) -> None:
    log = MemoryLog()
    with LlmServer(after_probe(lambda _: endless(64 * MIB, status=status))) as server:
        tracemalloc.start()
        labeller(server, log, concurrency=1).label(bookings(1))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 * MIB
    assert {call.failure for call in log.calls[1:]} == {failure}


@pytest.mark.parametrize("drip", [Drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), Drip(b"HTTP/1.1 200 OK\r\n\r\n")])
def test_a_server_that_drips_is_left_at_the_deadline(drip: Drip) -> None:
    """Each byte arrives long before a read times out: only a limit on the whole exchange ends it."""
    log = MemoryLog()
    first = [drip]
    with LlmServer(after_probe(lambda _: first.pop() if first else Answer(BOOKING_ANSWER))) as server:
        summary = labeller(server, log, timeout_seconds=0.5).label(bookings(1))
    assert summary.counts["labelled"] == 1
    assert [call.failure for call in log.calls] == [None, Failure.TIMED_OUT, None]


def test_answers_under_way_together_have_one_limit() -> None:
    """Of eight allowed answers that are being read at once, six fit; once these have been read, others do."""
    read = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"x" * MIB
        await read.wait()

    async def story() -> tuple[list[BaseException | None], int]:
        transport = MockTransport(lambda _: Response(200, content=parts()))
        async with BoundedClient(transport=transport, most_bytes_in_all=6 * MIB) as client:
            under_way = [asyncio.create_task(client.get("http://endpoint/v1/chat")) for _ in range(8)]
            refused: set[asyncio.Task[Response]] = set()
            while len(refused) < 2:
                refused, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            read.set()
            await asyncio.wait(under_way)
            later = await client.get("http://endpoint/v1/chat")
            return [task.exception() for task in under_way], len(later.content)

    outcomes, later = asyncio.run(asyncio.wait_for(story(), LIMIT_SECONDS))
    refused = [str(error) for error in outcomes if error is not None]
    assert refused == ["the answers under way have more than 6,291,456 bytes together"] * 2
    assert later == MIB
