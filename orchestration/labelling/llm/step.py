"""The LLM step as one object: what it would cost, and the labels."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestration.labelling.embedded.storage import StoredModel
from orchestration.labelling.llm.call_log import CallLog
from orchestration.labelling.llm.configuration import LlmConfiguration
from orchestration.labelling.llm.estimating import RunEstimate, estimate_run
from orchestration.labelling.llm.outcomes import LlmSummary
from orchestration.labelling.llm.prices import Price
from orchestration.labelling.llm.prompt import chat_messages, definition_hash
from orchestration.labelling.llm.running import Candidate, Run, Surroundings, Terms, read


@dataclass(frozen=True)
class Labeller:
    """Asks the configured model; `price` is what it costs today (`price_of`), `model` the embedded one."""

    configuration: LlmConfiguration
    price: Price
    model: StoredModel
    log: CallLog
    surroundings: Surroundings = field(default_factory=Surroundings)

    @property
    def definition_hash(self) -> str:
        """Return the hash of everything the labels depend on besides the conversations."""
        return definition_hash(self.configuration.model, self.model.definition_hash)

    def estimate(self, candidates: Sequence[Candidate]) -> RunEstimate:
        """Return what asking about all of them would likely take."""
        chats = (chat_messages(excerpt) for _, _, excerpt in read(self.model.model, candidates))
        return estimate_run(chats, self.price)

    def label(self, candidates: Sequence[Candidate], *, is_relabelling: bool = False) -> LlmSummary:
        """Ask about each conversation (once in the sequence) without an LLM label; every one is accounted for.

        With `is_relabelling` also about those whose labels are all of other definitions. Never fails because of the
        endpoint: what that does not answer falls back, and the summary says why. Raises what the log raises.
        """
        terms = Terms(self.configuration, self.price, self.model.model, self.definition_hash, self.log)
        return asyncio.run(Run(terms, self.surroundings).run(candidates, is_relabelling=is_relabelling))
