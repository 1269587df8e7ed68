"""Which endpoint is asked, and how much and how fast it may be asked."""

from dataclasses import dataclass

from pydantic import SecretStr

from orchestration.settings import Settings


@dataclass(frozen=True)
class LlmConfiguration:
    """An OpenAI-compatible endpoint and the limits of its use; the key is shown by none of its representations.

    `base_url` ends before /chat/completions; `api_key` None for a server that asks for none. A commit follows every
    `commit_every` calls: a killed run loses fewer than those and the ones under way. With `is_batch` the provider's
    batch endpoint is asked, which answers a later run.
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
    is_batch: bool = False

    @staticmethod
    def of(settings: Settings) -> "LlmConfiguration | None":
        """Return the endpoint of the settings, None when they name none: then no LLM is asked."""
        if settings.llm_base_url is None or settings.llm_model is None:
            return None
        return LlmConfiguration(
            base_url=settings.llm_base_url,
            model=settings.llm_model,
            api_key=settings.llm_api_key,
            budget_usd_per_run=settings.llm_budget_usd_per_run,
            budget_usd_per_day=settings.llm_budget_usd_per_day,
            concurrency=settings.llm_concurrency,
            requests_per_minute=settings.llm_requests_per_minute,
            tokens_per_minute=settings.llm_tokens_per_minute,
            is_batch=settings.llm_batch,
        )
