"""Which endpoint is asked, and how much and how fast it may be asked."""

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True)
class LlmConfiguration:
    """An OpenAI-compatible endpoint and the limits of its use; the key is shown by none of its representations.

    `base_url` ends before /chat/completions; `api_key` None for a server that asks for none. A commit follows every
    `commit_every` calls: a killed run loses fewer than those and the ones under way.
    """

    base_url: str
    model: str
    api_key: SecretStr | None = None
    budget_usd_per_run: float = 1.0
    budget_usd_per_day: float = 5.0
    concurrency: int = 4
    requests_per_minute: int = 120
    tokens_per_minute: int = 200_000
    timeout_seconds: float = 30.0
    commit_every: int = 20
