"""How many conversations of a set an LLM would be asked about, and at what price; no call is made."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestration.classification.embedded.model import Model
from orchestration.classification.evaluation.examples import Dataset, Example
from orchestration.classification.llm.candidates import Candidate, by_excerpt, read
from orchestration.classification.llm.estimating import estimate_run
from orchestration.classification.llm.prompt import chat_messages
from orchestration.configuration.model_prices import Price

# The same for every configuration, so that numbers of different days can be compared.
_PRICE = Price(input_usd_per_mtok=0.15, output_usd_per_mtok=0.60)


@dataclass(frozen=True)
class LlmShare:
    """What runs would ask about of the conversations of a set, were all of them closed and none determined by an event.

    `calls` of the `asked`: conversations with the same excerpt are asked about once. The right ones are those whose
    current stage the model predicts correctly, of the asked and of the others, where it is known.
    """

    name: str
    conversations: int
    under_margin: int
    asked: int
    calls: int
    cost_usd: float
    right_of_asked: tuple[int, int]
    right_of_others: tuple[int, int]

    @property
    def usd_per_1000(self) -> float:
        """Return the price of 1,000 conversations, of which only the least sure are asked about."""
        return 1_000 * self.cost_usd / self.conversations


def llm_share(dataset: Dataset, model: Model, share: float) -> LlmShare:
    """Choose as a run does: the least sure below the confidence threshold, up to `share` (0..1), rounded up."""
    examples = dataset.examples
    answers = model([example.conversation for example in examples])
    unsure = [at for at, answer in enumerate(answers) if model.is_unsure(answer)]
    unsure.sort(key=lambda at: answers[at].confidence())
    asked = unsure[: math.ceil(share * len(examples))]
    candidates = [Candidate(examples[at].conversation, examples[at].example_id, answers[at]) for at in asked]
    chats = [chat_messages(group[0].excerpt) for group in by_excerpt(read(model, candidates)).values()]
    stages = [answer.furthest_stage(example.masked) for example, answer in zip(examples, answers, strict=True)]
    others = sorted(set(range(len(examples))) - set(asked))
    return LlmShare(
        name=dataset.name,
        conversations=len(examples),
        under_margin=len(unsure),
        asked=len(asked),
        calls=len(chats),
        cost_usd=estimate_run(chats, _PRICE).cost_usd,
        right_of_asked=_right(examples, stages, asked),
        right_of_others=_right(examples, stages, others),
    )


def as_markdown(shares: Sequence[LlmShare], share: float) -> str:
    """Return the table."""
    lines = [
        f"## What an LLM would be asked about: below the confidence threshold, at most {share:.0%} of all\n",
        "| set | conversations | below the threshold | asked about | model right | elsewhere | calls | $ per 1,000 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(one) for one in shares),
    ]
    return "\n".join(lines) + "\n\nAt $0.15 and $0.60 per million tokens, 90 tokens an answer; no call was made.\n\n"


def as_json(shares: Iterable[LlmShare]) -> list[dict[str, Any]]:
    """Return everything measured, as plain values."""
    return [asdict(one) | {"usd_per_1000": one.usd_per_1000} for one in shares]


def _right(examples: Sequence[Example], stages: Sequence[str], places: Sequence[int]) -> tuple[int, int]:
    known = [at for at in places if examples[at].current_stage is not None and not examples[at].expects_unknown]
    return sum(examples[at].current_stage == stages[at] for at in known), len(known)


def _row(one: LlmShare) -> str:
    cells = (
        one.name,
        f"{one.conversations:,}",
        f"{one.under_margin / one.conversations:.1%}",
        f"{one.asked / one.conversations:.1%}",
        *(f"{right / known:.1%}" if known else "-" for right, known in (one.right_of_asked, one.right_of_others)),
        f"{one.calls:,}",
        f"{one.usd_per_1000:.4f}",
    )
    return "| " + " | ".join(cells) + " |"
