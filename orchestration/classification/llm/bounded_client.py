"""An HTTP client that reads no more of an answer than fits: bytes on the wire, after decompression, and in all.

Imported with the first use of the endpoint, because the SDK takes a second to import.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Any

from httpx2 import DecodingError, Headers, Request, Response
from openai import DefaultAsyncHttpxClient

_MIB = 1024 * 1024
# An answer of the schema has some kilobytes, with the thoughts of a reasoning model some hundred.
MOST_ANSWER_BYTES = 2 * _MIB
# The results of a batch are one file: 5,000 answers of 13 kilobytes each.
MOST_FILE_BYTES = 64 * _MIB
# Of all answers that are being read at a time: 64 calls under way must not take 64 times the memory of one.
MOST_BYTES_IN_ALL = 64 * _MIB
_RESULT_FILE = "/content"
_IDENTITY = frozenset({"", "identity"})
# What zlib can undo a piece at a time; it recognises both by their first bytes.
_ZLIB = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER_HEADER = zlib.MAX_WBITS | 32
_FIRST_ERROR_STATUS = 400
# They describe the body as it was on the wire. A charset would be believed by whoever reads it as text: JSON is UTF-8.
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding", "content-type")


class UnboundedAnswerError(Exception):
    """An answer that is larger than allowed, or whose size after decompression cannot be limited."""


class BoundedClient(DefaultAsyncHttpxClient):
    """Reads every answer whole and bounded before the SDK sees it; of one with an error status, only the beginning.

    `send` raises UnboundedAnswerError. How long it takes is limited by its caller, for connecting and reading together.
    """

    def __init__(
        self,
        *,
        most_answer_bytes: int = MOST_ANSWER_BYTES,
        most_file_bytes: int = MOST_FILE_BYTES,
        most_bytes_in_all: int = MOST_BYTES_IN_ALL,
        **options: Any,  # noqa: ANN401 - those of httpx
    ) -> None:
        super().__init__(**options)
        self._most_answer_bytes = most_answer_bytes
        self._most_file_bytes = most_file_bytes
        self._most_bytes_in_all = most_bytes_in_all
        self._bytes_in_all = 0

    async def send(self, request: Request, **options: Any) -> Response:  # noqa: ANN401 - those of httpx
        """Return the response with its body, decompressed."""
        # So that a server has no reason to compress; one that does so all the same is bounded below.
        request.headers["Accept-Encoding"] = "identity"
        response = await super().send(request, **options | {"stream": True})
        try:
            content = await self._read(response)
        finally:
            await response.aclose()
        headers = Headers([pair for pair in response.headers.multi_items() if pair[0].lower() not in _OF_THE_WIRE])
        headers["content-type"] = response.headers.get("content-type", "").partition(";")[0]
        return Response(
            response.status_code, headers=headers, content=content, request=request, extensions=response.extensions
        )

    async def _read(self, response: Response) -> bytes:
        is_file = response.request.url.path.endswith(_RESULT_FILE)
        most_bytes = self._most_file_bytes if is_file else self._most_answer_bytes
        parts: list[bytes] = []
        held = 0
        try:
            async for part in _decoded(response, most_bytes):
                held += len(part)
                self._bytes_in_all += len(part)
                self._require_room(held, most_bytes)
                parts.append(part)
        except UnboundedAnswerError:
            if response.status_code < _FIRST_ERROR_STATUS:
                raise
            # The status says what went wrong.
        finally:
            self._bytes_in_all -= held
        return b"".join(parts)

    def _require_room(self, held: int, most_bytes: int) -> None:
        if held > most_bytes:
            raise UnboundedAnswerError(f"an answer of more than {most_bytes:,} bytes")
        if self._bytes_in_all > self._most_bytes_in_all:
            raise UnboundedAnswerError(
                f"the answers under way have more than {self._most_bytes_in_all:,} bytes together"
            )


async def _decoded(response: Response, most_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body without its compression, never more than a byte above `most_bytes` at a time."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _IDENTITY | _ZLIB:
        raise UnboundedAnswerError("an answer in an encoding that was not asked for")
    undo = zlib.decompressobj(_EITHER_HEADER) if encoding in _ZLIB else None
    arrived = 0
    async for part in response.aiter_raw():
        arrived += len(part)
        if arrived > most_bytes:
            raise UnboundedAnswerError(f"an answer of more than {most_bytes:,} bytes")
        try:
            yield part if undo is None else undo.decompress(part, most_bytes + 1)
        except zlib.error as error:
            raise DecodingError("the answer is not in the encoding that it names") from error
