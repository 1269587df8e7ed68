"""The LLM step as one object: its likely cost, and the labels."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orchestration.classification.embedded.storage import StoredModel
from orchestration.classification.llm.call_log import AnswerCache, CacheEntry, CallLog
from orchestration.classification.llm.candidate_outcomes import LlmSummary
from orchestration.classification.llm.candidates import Candidate, by_excerpt, read
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.estimating import RunEstimate, estimate_run
from orchestration.classification.llm.prompt import chat_messages, definition_hash
from orchestration.classification.llm.recording import Terms
from orchestration.classification.llm.running import Dependencies, Run
from orchestration.configuration.model_prices import Price


@dataclass(frozen=True)
class Labeller:
    """Asks the configured model; `price` is what it costs today (`price_of`), `model` the embedded one."""

    configuration: LlmConfiguration
    price: Price
    model: StoredModel
    log: CallLog
    dependencies: Dependencies = field(default_factory=Dependencies)

    @property
    def definition_hash(self) -> str:
        """Return the hash of everything the labels depend on besides the conversations."""
        return definition_hash(self.configuration.model, self.model.definition_hash)

    def estimate(
        self, candidates: Sequence[Candidate], cache: AnswerCache, asked_before: set[str] | None = None
    ) -> RunEstimate:
        """Return what asking about all of them would likely take, apart from what `cache` knows.

        `asked_before` has the hashes of excerpts that are asked about before these, and gets those of these.
        """
        groups = by_excerpt(read(self.model.model, candidates))
        cached = cache.cached(groups, self.definition_hash)
        now = self.dependencies.clock.now()
        taken = set() if asked_before is None else asked_before
        chats, hits = [], 0
        for excerpt_hash, group in groups.items():
            entry = cached.get(excerpt_hash, CacheEntry())
            if entry.failure_to_share(now) is not None:
                continue
            is_paid = entry.answer is None and excerpt_hash not in taken
            if is_paid:
                chats.append(chat_messages(group[0].excerpt))
            hits += len(group) - is_paid
            taken.add(excerpt_hash)
        return replace(estimate_run(chats, self.price), cache_hits=hits)

    def label(
        self, candidates: Sequence[Candidate], *, is_relabelling: bool = False, is_asking: bool = True
    ) -> LlmSummary:
        """Ask about each conversation (once in the sequence) without an LLM label; every one is accounted for.

        With `is_relabelling` also about those whose labels are all of other definitions. Without `is_asking` no call is
        made, and only those are labelled of which the same was sent before. Never fails because of the endpoint: what
        it does not answer falls back, and the summary gives the reason. Raises what the log raises.
        """
        terms = Terms(self.configuration, self.price, self.model.model, self.definition_hash, self.log)
        return asyncio.run(
            Run(terms, self.dependencies).run(candidates, is_relabelling=is_relabelling, is_asking=is_asking)
        )
