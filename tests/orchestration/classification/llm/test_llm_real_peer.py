"""The whole path against a real server and model: 135 million weights need not be right, only answer."""

from collections.abc import Iterator

import pytest

from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.llm.answer_evidence import CONFIDENCE
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.configuration import LlmConfiguration
from orchestration.classification.llm.replies import Failure
from orchestration.classification.llm.step import Labeller
from orchestration.configuration.model_prices import price_of
from orchestration.settings import PROJECT_DIR
from tests.support.llm_cases import NOON, candidates
from tests.support.llm_oracle import golden_examples
from tests.support.llm_peer import start_peer

# One thread of a machine that has other things to do.
PATIENCE_SECONDS = 300.0


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    server, url = start_peer()
    yield url
    del server


@pytest.mark.parametrize("count", [1, pytest.param(30, marks=pytest.mark.full)])
def test_a_real_model_is_asked_held_to_the_schema_and_checked(base_url: str, count: int) -> None:
    model = shipped_model()
    golden = candidates([example.conversation for example in golden_examples()])
    unsure = [one for one in golden if model.model.is_unsure(one.embedded)]
    # Short ones from everywhere in the set.
    unsure = sorted(unsure, key=lambda one: sum(len(message.content) for message in one.conversation.messages))[:60]
    asked = unsure[:: len(unsure) // count][:count]
    log = MemoryLog()
    configuration = LlmConfiguration(base_url, "smollm2", concurrency=1, timeout_seconds=PATIENCE_SECONDS)
    price = price_of(PROJECT_DIR / "seeds", "smollm2", NOON.date())
    step = Labeller(configuration, price, model, log)
    summary = step.label(asked)
    assert len(asked) == count
    assert sum(summary.counts.values()) == count
    assert summary.counts["labelled"] == len(log.answers)
    # The grammar holds: an answer is never refused for its form, only for its evidence.
    assert {call.failure for call in log.calls} <= {None, Failure.EVIDENCE_REFUSED}
    assert log.calls[0].conversation_id is None
    assert log.calls[0].failure is None
    assert all(call.tokens_in > 0 and not call.is_cost_estimated for call in log.calls)
    contents = {m.event_id: m.content for one in asked for m in one.conversation.messages}
    for row in log.answers:
        for target, quote in row.believed.quotes.items():
            label = {**row.believed.answer.labels, "claimed_resolved": row.believed.answer.claimed_resolved}[target]
            assert label.confidence == CONFIDENCE
            assert quote in contents[label.evidence_event_id or ""]
    answered = {row.key for row in log.answers} | {letter.key for letter in log.dead_letters}
    assert step.label([one for one in asked if one.key in answered]).calls == 0
