"""Answers of every wrong shape: each call is recorded with a cost that a budget can count, and the run goes on."""

import json
import math
import random
from typing import Any

import pytest

from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.replies import read_reply
from tests.support.llm_cases import BOOKING_ANSWER, after_probe, labeller
from tests.support.llm_killed import bookings
from tests.support.llm_server import Action, Answer, Body, LlmServer, Request, completion_text

# The last two are written as they are: JSON that the standard library does not write.
ODD: tuple[Any, ...] = (
    *(None, True, "", "x" * 1000, "\ud800", "\0", -1, 0, 1.5, 10**20, 10**399, [], [[]], {}, {"a": {}}, ["x", None]),
    *("<nan>", "<deep>"),
)
SPELLED = {'"<nan>"': "NaN", '"<deep>"': "[" * 5000 + "]" * 5000}
PLACES = (
    *(("choices",), ("choices", 0), ("choices", 0, "message"), ("choices", 0, "message", "content"), ("usage",)),
    *(("choices", 0, "finish_reason"), ("usage", "prompt_tokens"), ("usage", "completion_tokens"), ("model",), ("id",)),
)


def malformed(request: Request, draw: random.Random) -> Action:
    """Return a completion with an odd value in one of its places, one that is cut off, or one that lacks a place."""
    body = json.loads(completion_text(request, Answer(BOOKING_ANSWER)))
    *path, last = draw.choice(PLACES)
    holder: Any = body
    for part in path:
        holder = holder[part]
    if draw.random() < 0.15:
        del holder[last]
    else:
        holder[last] = draw.choice(ODD)
    text = json.dumps(body)
    for placeholder, spelling in SPELLED.items():
        text = text.replace(placeholder, spelling)
    return Body(text[: draw.randrange(len(text))] if draw.random() < 0.1 else text)


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.full), pytest.param(3, marks=pytest.mark.full)])
def test_every_call_is_recorded_and_counted(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - reproducible, not secret
    log = MemoryLog()
    # Every second answer is good: ten failures in a row would open the circuit.
    with LlmServer(
        after_probe(lambda request: malformed(request, draw) if request.number % 2 else Answer(BOOKING_ANSWER))
    ) as server:
        summary = labeller(server, log, concurrency=1).label(bookings(60))
        requests = len(server.requests)
    assert len(log.calls) == requests > 60
    assert len(summary.accounted) == 60
    assert {one.outcome.value for one in summary.accounted.values()} <= {"labelled", "dead_lettered"}
    assert summary.counts["labelled"] > 30
    assert all(math.isfinite(call.cost_usd) and call.cost_usd > 0 for call in log.calls)
    assert sum(call.is_cost_estimated for call in log.calls) > 10
    assert math.isclose(summary.cost_usd, sum(call.cost_usd for call in log.calls))


NO_COUNTS: tuple[Any, ...] = (10**8 + 1, 10**399, 0, -1, True, 8.0, "8", None, [8], {})


@pytest.mark.parametrize(("tokens", "counted"), [(800, 800), (10**8, 10**8), *((odd, None) for odd in NO_COUNTS)])
def test_what_cannot_be_a_count_is_none(tokens: Any, counted: int | None) -> None:
    body = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": tokens, "completion_tokens": 1}}
    assert read_reply(json.dumps(body), "").tokens_in == counted
