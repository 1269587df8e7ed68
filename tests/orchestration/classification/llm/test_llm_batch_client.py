"""The batch endpoint through the SDK: what is submitted, found again, and read of what comes back."""

import asyncio
import json
from typing import Any

import pytest

from orchestration.classification.llm.batch_client import BatchLook, OpenAiBatches
from orchestration.classification.llm.replies import CallFailedError, Failure, Reply
from tests.support.llm_cases import KEY, FakeClock, configuration, obedient
from tests.support.llm_server import LlmServer

CHATS = {name * 64: [{"role": "user", "content": f"chat {name}"}] for name in "abcd"}


def completion(line: dict[str, Any], text: str = "{}") -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    body = {"choices": [choice], "usage": {"prompt_tokens": 800, "completion_tokens": 90}}
    return {"status_code": 200, "body": body}


def test_a_batch_is_submitted_found_and_read() -> None:
    async def story(server: LlmServer) -> tuple[str, str | None, str | None, BatchLook, BatchLook]:
        async with OpenAiBatches(configuration(server), FakeClock()) as batches:
            assert isinstance(batches, OpenAiBatches)
            batch_id = await batches.submit(CHATS, "reserved-1")
            found = await batches.find("reserved-1"), await batches.find("reserved-2")
            early = await batches.look_at(batch_id)
            refused = {"status_code": 400, "body": {"error": {"message": f"no {KEY}"}}}
            made: dict[str, dict[str, Any] | None] = {"a": None, "b": refused, "c": {"status_code": 200, "body": []}}
            server.batches.end(batch_id, lambda line: made.get(line["custom_id"][0], completion(line)), "expired")
            return batch_id, *found, early, await batches.look_at(batch_id)

    with LlmServer(obedient) as server:
        batch_id, found, absent, early, late = asyncio.run(story(server))
    assert (found, absent) == (batch_id, None)
    assert (early.status, early.is_over, dict(early.results)) == ("in_progress", False, {})
    assert (late.status, late.is_over, set(late.results)) == ("expired", True, {"b" * 64, "c" * 64, "d" * 64})
    answered, refused, broken = (late.results[name * 64] for name in "dbc")
    assert isinstance(answered, Reply)
    assert (answered.text, answered.tokens_in, answered.tokens_out) == ("{}", 800, 90)
    assert isinstance(refused, CallFailedError)
    assert (refused.failure, refused.status) == (Failure.REQUEST_REFUSED, 400)
    assert KEY not in refused.raw
    assert isinstance(broken, CallFailedError)
    assert broken.failure == Failure.BROKEN_RESPONSE
    (batch,) = server.batches.batches.values()
    assert [line["custom_id"] for line in batch.lines] == list(CHATS)
    body = batch.lines[0]["body"]
    assert (body["messages"], body["model"], body["temperature"]) == (CHATS["a" * 64], "tested", 0.0)
    assert body["response_format"]["json_schema"]["strict"]
    assert json.dumps(dict(batch.metadata)) == '{"colloquy_reservation": "reserved-1"}'


def test_an_endpoint_without_batches_fails_in_words() -> None:
    async def story(server: LlmServer) -> None:
        async with OpenAiBatches(configuration(server), FakeClock()) as batches:
            assert isinstance(batches, OpenAiBatches)
            await batches.look_at("batch-9")

    with LlmServer(obedient) as server, pytest.raises(CallFailedError, match="the endpoint answered 404"):
        asyncio.run(story(server))
