"""Against a server that fails in every way a server fails: every conversation is accounted for."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from orchestration.classification.llm.call_log import AnswerRow, CallRow, DeadLetter, MemoryLog
from orchestration.classification.llm.candidate_outcomes import Outcome
from orchestration.classification.llm.prompt import OUTPUT_TOKENS
from orchestration.classification.llm.replies import Failure
from tests.support.llm_cases import (
    BOOKING_ANSWER,
    NOON,
    FakeClock,
    after_probe,
    booking,
    candidates,
    labeller,
    obedient,
)
from tests.support.llm_killed import bookings
from tests.support.llm_server import Action, Answer, Body, Cut, Hang, LlmServer, Request, Status, answer_text

GOOD = Answer(BOOKING_ANSWER)
# Long enough for an answer on a busy machine.
HASTY_SECONDS = 1.0
PROSE = Answer("Certainly! The conversation looks resolved to me.")


def scripted(*actions: Action) -> LlmServer:
    """Return a server that lets the probe pass, then does one thing after the other; good ever after."""
    left = list(actions)
    return LlmServer(after_probe(lambda _: left.pop(0) if left else GOOD))


FAULTS: dict[Failure, Action] = {
    Failure.RATE_LIMITED: Status(429),
    Failure.SERVER_ERROR: Status(500, body="<html>oops</html>"),
    Failure.TIMED_OUT: Hang(),
    Failure.CONNECTION_CUT: Cut(),
    Failure.BROKEN_RESPONSE: Body('{"choices": [{"mess'),
    Failure.WRONG_SCHEMA: PROSE,
    Failure.LENGTH: Answer(BOOKING_ANSWER[:40], finish_reason="length"),
}


@pytest.mark.parametrize("failure", FAULTS)
def test_one_fault_is_survived(failure: Failure) -> None:
    log, clock = MemoryLog(), FakeClock()
    with scripted(FAULTS[failure]) as server:
        limit = HASTY_SECONDS if failure == Failure.TIMED_OUT else 30
        summary = labeller(server, log, clock, timeout_seconds=limit).label(bookings(1))
    assert summary.counts["labelled"] == 1
    assert summary.problem is None
    probe, first, second = log.calls
    assert (probe.conversation_id, probe.failure) == (None, None)
    assert (first.failure, first.attempt, second.failure, second.attempt) == (failure, 1, None, 2)
    assert log.dead_letters == []


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (Failure.RATE_LIMITED, 5),
        (Failure.SERVER_ERROR, 5),
        (Failure.CONNECTION_CUT, 5),
        (Failure.BROKEN_RESPONSE, 5),
        (Failure.WRONG_SCHEMA, 2),
        (Failure.LENGTH, 2),
    ],
)
def test_a_fault_that_stays_ends_as_a_dead_letter(failure: Failure, tries: int) -> None:
    log, clock = MemoryLog(), FakeClock()
    with LlmServer(after_probe(lambda _: FAULTS[failure])) as server:
        summary = labeller(server, log, clock).label(bookings(1))
        assert len(server.labelling_requests) == tries
    (letter,) = log.dead_letters
    assert (letter.reason, letter.attempts) == (failure, tries)
    assert summary.accounted["booking-2"].outcome == Outcome.DEAD_LETTERED
    assert summary.accounted["booking-2"].answer == bookings(1)[0].embedded
    if failure == Failure.LENGTH:
        assert letter.next_retry_at is None
    else:
        assert letter.next_retry_at == clock.now() + timedelta(hours=1)


def test_waits_between_tries_grow_and_are_spread() -> None:
    clock = FakeClock()
    with LlmServer(after_probe(lambda _: Status(503))) as server:
        labeller(server, MemoryLog(), clock).label(bookings(1))
    assert len(clock.slept) == 4
    assert all(0 < wait <= longest for wait, longest in zip(clock.slept, (1, 2, 4, 8), strict=True))
    assert clock.slept != sorted({1.0, 2.0, 4.0, 8.0})


@pytest.mark.parametrize("headers", [{"Retry-After": "17"}, {"Retry-After": "Sun, 01 Mar 2026 12:00:17 GMT"}])
def test_everybody_waits_as_long_as_the_server_asks(headers: dict[str, str]) -> None:
    clock = FakeClock()
    with scripted(Status(429, headers)) as server:
        summary = labeller(server, MemoryLog(), clock, concurrency=1).label(bookings(3))
    assert clock.slept == [17.0]
    assert summary.counts["labelled"] == 3


def test_a_pause_too_long_for_a_run_is_left_to_a_later_one() -> None:
    log, clock = MemoryLog(), FakeClock()
    with scripted(Status(429, {"Retry-After": "86400"})) as server:
        labeller(server, log, clock, concurrency=1).label(bookings(2))
        assert clock.slept == []
        assert log.dead_letters[0].next_retry_at == NOON + timedelta(days=1)
        assert len(server.labelling_requests) == 2


def test_an_answer_cut_short_gets_double_the_room_once() -> None:
    with LlmServer(after_probe(lambda _: FAULTS[Failure.LENGTH])) as server:
        labeller(server, MemoryLog()).label(bookings(1))
        asked = [request.content["max_tokens"] for request in server.labelling_requests]
    assert asked == [OUTPUT_TOKENS, 2 * OUTPUT_TOKENS]


def test_a_request_that_is_refused_is_not_repeated_and_harms_no_other() -> None:
    log = MemoryLog()
    with scripted(Status(400)) as server:
        summary = labeller(server, log, concurrency=1).label(bookings(3))
        assert len(server.labelling_requests) == 3
    assert (summary.counts["labelled"], summary.counts["dead_lettered"]) == (2, 1)
    assert log.dead_letters[0].next_retry_at is None


OUT_OF_MONEY = Status(429, body='{"error": {"message": "pay", "code": "insufficient_quota"}}')


@pytest.mark.parametrize("status", [Status(401), Status(403), Status(404), OUT_OF_MONEY])
def test_an_endpoint_that_denies_is_asked_once(status: Status) -> None:
    with LlmServer(lambda _: status) as server:
        summary = labeller(server, MemoryLog()).label(bookings(20))
        assert len(server.requests) == 1
    assert summary.counts["fallen_back"] == 20
    assert summary.problem is not None
    assert "check COLLOQUY_LLM_BASE_URL, COLLOQUY_LLM_API_KEY" in summary.problem


def test_redirects_are_not_followed() -> None:
    with LlmServer(obedient) as other:
        moved = Status(307, {"Location": f"{other.base_url}/chat/completions"})
        with LlmServer(lambda _: moved) as server:
            summary = labeller(server, MemoryLog()).label(bookings(1))
        assert other.requests == []
    assert summary.counts["fallen_back"] == 1


def test_after_ten_failures_in_a_row_the_rest_falls_back() -> None:
    log = MemoryLog()
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        summary = labeller(server, log, concurrency=1).label(bookings(30))
        assert len(server.labelling_requests) == 10
    assert (summary.counts["dead_lettered"], summary.counts["fallen_back"]) == (2, 28)
    assert summary.reasons == {"circuit_open": 28, "server_error": 2}
    assert summary.problem is not None
    assert "10 calls in a row failed" in summary.problem
    assert all(one.answer is not None for one in summary.accounted.values())


def test_a_circuit_that_opens_between_two_tries_stops_them() -> None:
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        summary = labeller(server, MemoryLog(), concurrency=3).label(bookings(9))
        # Two more calls may be under way when the tenth fails.
        assert 10 <= len(server.labelling_requests) <= 12
    assert summary.counts["dead_lettered"] == 3


def test_nine_failures_in_a_row_do_not_stop_the_run() -> None:
    with scripted(*[Status(500)] * 9) as server:
        summary = labeller(server, MemoryLog(), concurrency=1).label(bookings(30))
    assert (summary.counts["dead_lettered"], summary.counts["labelled"]) == (1, 29)


def test_a_server_without_schema_is_found_before_anything_is_sent() -> None:
    with LlmServer(lambda request: Answer("pong") if request.is_probe else GOOD) as server:
        summary = labeller(server, MemoryLog()).label(bookings(5))
        assert server.labelling_requests == []
    assert summary.counts["fallen_back"] == 5
    assert summary.problem is not None
    assert "does not hold the model to a JSON schema" in summary.problem
    assert "llama.cpp" in summary.problem


def fault_of(request: Request, tries: Counter[str]) -> Action:
    """30 % of the calls fail, by a number made of the conversation and the try: the same in any order of arrival."""
    tries[request.user_text] += 1
    guests = int(request.user_text.partition("table for ")[2].partition(" ")[0])
    dice = (guests * 7919 + tries[request.user_text] * 104729) % 1000
    return list(FAULTS.values())[dice % len(FAULTS)] if dice < 300 else GOOD


def test_with_thirty_percent_faults_every_conversation_is_accounted_for() -> None:
    log = MemoryLog()
    tries: Counter[str] = Counter()
    asked = bookings(200)
    with LlmServer(after_probe(lambda request: fault_of(request, tries))) as server:
        summary = labeller(server, log, concurrency=8, timeout_seconds=HASTY_SECONDS).label(asked)
        arrived = len(server.requests)
    assert set(summary.accounted) == {one.conversation.conversation_id for one in asked}
    assert sum(summary.counts.values()) == 200
    assert summary.counts["labelled"] == len(log.answers) >= 180
    assert summary.counts["dead_lettered"] == len(log.dead_letters)
    assert summary.counts["labelled"] + summary.counts["dead_lettered"] + summary.counts["fallen_back"] == 200
    assert summary.calls == len(log.calls) >= arrived
    failed = Counter(call.failure for call in log.calls if call.failure)
    assert set(failed) == set(FAULTS)
    assert 0.2 < sum(failed.values()) / len(log.calls) < 0.4


def test_a_dead_letter_is_tried_again_when_it_is_due_and_not_before() -> None:
    log, clock = MemoryLog(), FakeClock()
    asked = bookings(1)
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        labeller(server, log, clock).label(asked)
    with LlmServer(obedient) as server:
        clock.passed_seconds += 3500
        assert labeller(server, log, clock).label(asked).counts["waiting"] == 1
        assert server.requests == []
        clock.passed_seconds += 100
        assert labeller(server, log, clock).label(asked).counts["labelled"] == 1


def test_a_conversation_that_fails_again_and_again_is_given_up() -> None:
    log, clock = MemoryLog(), FakeClock()
    waits = []
    with LlmServer(after_probe(lambda _: Status(500))) as server:
        for _ in range(7):
            labeller(server, log, clock).label(bookings(1))
            due = log.dead_letters[-1].next_retry_at
            waits.append(due and round((due - clock.now()).total_seconds() / 3600))
            clock.passed_seconds += 100_000
    assert waits == [1, 2, 4, 8, None, None, None]
    assert len(log.dead_letters) == 5


def test_a_refused_answer_is_not_bought_twice() -> None:
    log, clock = MemoryLog(), FakeClock()
    cites_customer = Answer(answer_text(resolved=("yes", "m1")))
    with LlmServer(after_probe(lambda _: cites_customer)) as server:
        summary = labeller(server, log, clock).label(bookings(1))
        clock.passed_seconds += 10**7
        labeller(server, log, clock).label(bookings(1))
        assert len(server.labelling_requests) == 1
    assert summary.reasons == {"evidence_refused": 1}
    (letter,) = log.dead_letters
    assert letter.detail == "resolved cites m1, a message of the customer"
    assert json.loads(letter.raw_response)["choices"][0]["message"]["content"] == cites_customer.text


def test_a_log_that_cannot_be_written_stops_the_run_with_its_own_error() -> None:
    class FullDisk(MemoryLog):
        def record(self, calls: Sequence[CallRow], outcome: AnswerRow | DeadLetter | None) -> None:
            if outcome is not None:
                raise OSError("No space left on device")

    with LlmServer(obedient) as server, pytest.raises(OSError, match="No space left"):
        labeller(server, FullDisk()).label(bookings(9))


def test_conversations_that_differ_only_in_their_content_are_asked_about_again() -> None:
    log = MemoryLog()
    grown = candidates([booking(2)])[0]
    with LlmServer(obedient) as server:
        labeller(server, log).label([grown])
        longer = type(grown)(grown.conversation, "another content", grown.embedded)
        assert labeller(server, log).label([longer]).counts["labelled"] == 1
