"""The provider's batch endpoint: many questions in one file, answered within a day at a lower price."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestration.classification.llm.client import OpenAiEndpoint, failure_of
from orchestration.classification.llm.prompt import OUTPUT_TOKENS, request_body
from orchestration.classification.llm.replies import CallFailedError, Failure, Reply, read_reply

COMPLETED = "completed"
# The states in which a batch has ended; in every other state it is under way.
_ENDS = frozenset({COMPLETED, "failed", "expired", "cancelled"})
# The field in which a batch names its owner, for a run that was killed before it could write down the id.
_RESERVATION = "colloquy_reservation"
_PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"

Result = Reply | CallFailedError


@dataclass(frozen=True)
class BatchLook:
    """A batch as the provider reports it; `results` by excerpt, and nothing there before it `is_over`."""

    status: str
    results: Mapping[str, Result]

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in _ENDS


class OpenAiBatches(OpenAiEndpoint):
    """The batch endpoint, next to the completions; every method raises CallFailedError for every way it can fail."""

    async def submit(self, questions: Mapping[str, list[dict[str, str]]], reservation_id: str) -> str:
        """Send the chats, by excerpt, as one batch and return its id."""
        model = self._configuration.model
        lines = (
            {
                **{"custom_id": excerpt_hash, "method": "POST", "url": _PATH},
                "body": request_body(model, chat, OUTPUT_TOKENS),
            }
            for excerpt_hash, chat in questions.items()
        )
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        async with self._failures():
            file = await self._client.files.create(
                file=(f"{reservation_id}.jsonl", content.encode("utf-8", "replace")), purpose="batch"
            )
        async with self._failures():
            batch = await self._client.batches.create(
                input_file_id=file.id,
                endpoint=_PATH,
                completion_window="24h",
                metadata={_RESERVATION: reservation_id},
            )
        return batch.id

    async def find(self, reservation_id: str) -> str | None:
        """Return the id of the batch that was submitted for a reservation, None when there is none."""
        async with self._failures():
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(_RESERVATION) == reservation_id:
                    return batch.id
        return None

    async def look_at(self, batch_id: str) -> BatchLook:
        """Return how a batch stands, with its results when it is over."""
        async with self._failures():
            batch = await self._client.batches.retrieve(batch_id)
        results: dict[str, Result] = {}
        if batch.status in _ENDS:
            for file_id in (batch.output_file_id, batch.error_file_id):
                if file_id:
                    async with self._failures():
                        text = (await self._client.files.content(file_id)).text
                    results |= self._results(text)
        return BatchLook(batch.status, results)

    def _results(self, text: str) -> dict[str, Result]:
        return {excerpt_hash: result for line in text.splitlines() for excerpt_hash, result in self._result(line)}

    def _result(self, line: str) -> Iterator[tuple[str, Result]]:
        try:
            content: dict[str, Any] = json.loads(line)
            excerpt_hash, response = str(content["custom_id"]), content["response"]
            # Without a response it was not processed: it expired with its batch.
            status = None if response is None else int(response["status_code"])
            body = "" if response is None else json.dumps(response["body"], ensure_ascii=False)
        except (ValueError, KeyError, TypeError):
            # The excerpt without a result shows whose line this was.
            return
        if status == 200:
            try:
                yield excerpt_hash, read_reply(body, self._kept(body))
            except CallFailedError as error:
                yield excerpt_hash, error
        elif status is not None:
            failure = failure_of(status)
            yield (
                excerpt_hash,
                CallFailedError(failure, f"the endpoint answered {status}", status, raw=self._kept(body)),
            )


def missing_result() -> CallFailedError:
    """Return what stands for a question of a completed batch without a readable answer."""
    return CallFailedError(Failure.BROKEN_RESPONSE, "the batch holds no readable answer", status=200)
