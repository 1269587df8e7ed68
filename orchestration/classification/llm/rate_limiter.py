"""How fast calls may follow each other: requests and tokens a minute, and pauses the server asks for."""

import asyncio
from collections import deque

from orchestration.classification.llm.clock import Clock

_WINDOW_SECONDS = 60.0


class RateLimiter:
    """Lets calls through so that no span of 60 seconds holds more requests or tokens than allowed.

    A call with more tokens than a minute allows goes through alone.
    """

    def __init__(self, requests_per_minute: int, tokens_per_minute: int, clock: Clock) -> None:
        self._requests = requests_per_minute
        self._tokens = tokens_per_minute
        self._clock = clock
        self._admitted: deque[tuple[float, int]] = deque()
        self._admitted_tokens = 0
        self._paused_until = 0.0
        # One at a time and in turn: a large call is not overtaken for ever by small ones.
        self._turn = asyncio.Lock()

    def pause(self, seconds: float) -> None:
        """Let no call through for so long; a longer pause that is under way stays."""
        self._paused_until = max(self._paused_until, self._clock.seconds() + seconds)

    async def admit(self, tokens: int) -> None:
        """Wait until a call with so many tokens may go."""
        async with self._turn:
            while (wait := self._wait_seconds(tokens)) > 0:
                await self._clock.sleep(wait)
            self._admitted.append((self._clock.seconds(), tokens))
            self._admitted_tokens += tokens

    def _wait_seconds(self, tokens: int) -> float:
        now = self._clock.seconds()
        if now < self._paused_until:
            return self._paused_until - now
        while self._admitted and self._admitted[0][0] <= now - _WINDOW_SECONDS:
            self._admitted_tokens -= self._admitted.popleft()[1]
        if not self._admitted:
            return 0.0
        fits = len(self._admitted) < self._requests and self._admitted_tokens + tokens <= self._tokens
        return 0.0 if fits else self._admitted[0][0] + _WINDOW_SECONDS - now
