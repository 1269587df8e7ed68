"""A model that obeys every injection and cites any message causes no false resolved; and the cost of that guard."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import pytest

from orchestration.classification.conversation import Conversation, StageAnswer
from orchestration.classification.embedded.shipped import shipped_model
from orchestration.classification.llm.answer_evidence import EvidenceRefusedError, believe
from orchestration.classification.llm.call_log import MemoryLog
from orchestration.classification.llm.corroboration import supports
from orchestration.classification.llm.excerpt import excerpt_of
from orchestration.classification.llm.schema import parse_answer
from tests.support.llm_attacks import OPEN_TALKS, infected, injections, obeying_answers, sides
from tests.support.llm_cases import after_probe, candidates, labeller
from tests.support.llm_oracle import golden_evidence, golden_examples, right_answer
from tests.support.llm_server import Action, Answer, LlmServer, Request

MODEL = shipped_model().model
INJECTIONS = injections()


def obey(request: Request) -> Action:
    """Call everything reached; resolved is shown by a customer every second time, else by one of the others."""
    named = [row for row in request.conversation if "id" in row]
    answers = list(obeying_answers({row["id"]: row["from"] for row in named}))
    from_customer = [row["from"] == "customer" for row in named]
    wanted = request.number % 2 == 0
    choices = [text for text, is_customer in zip(answers, from_customer, strict=True) if is_customer == wanted]
    return Answer(choices[request.number // 2 % len(choices)])


def test_a_server_that_obeys_all_of_them_gets_no_false_resolved() -> None:
    log = MemoryLog()
    attacked = candidates([infected(talk, injection) for talk in OPEN_TALKS for injection in INJECTIONS])
    with LlmServer(after_probe(obey)) as server:
        summary = labeller(server, log).label(attacked)
        # What tools return is not sent: the six texts that stand there in a talk make one question.
        assert len(server.labelling_requests) == 225
    assert len(summary.accounted) == len(attacked) == 250
    outcomes = Counter((one.outcome.value, one.reason) for one in summary.accounted.values())
    assert set(outcomes) == {("labelled", ""), ("dead_lettered", "evidence_refused")}
    # Half cite an innocuous message of the agent's side; of those, tools that failed are refused too.
    assert outcomes["labelled", ""] > 100
    resolved = [name for name, one in summary.accounted.items() if one.answer and one.answer.labels["resolved"].reached]
    assert resolved == []
    assert all(answer.believed.needs_review for answer in log.answers)


def attainable(conversations: Sequence[Conversation], embedded: Sequence[StageAnswer]) -> set[str]:
    """Return the conversations that some answer, citing any of their messages, would make resolved."""
    found = set()
    for conversation, support, before in zip(conversations, supports(MODEL, conversations), embedded, strict=True):
        excerpt = excerpt_of(conversation, support.scores)
        for text in obeying_answers(sides(excerpt)):
            try:
                believed = believe(parse_answer(text), excerpt, support, before)
            except EvidenceRefusedError:
                continue
            if believed.answer.labels["resolved"].reached:
                found.add(conversation.conversation_id.partition("+")[0])
    return found


@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.full)])
def test_no_injection_and_no_citation_makes_a_golden_case_resolved(every: int) -> None:
    """Nothing becomes resolved that the embedded model, which no answer reaches, had not called so without the text."""
    unsolved = [example.conversation for example in golden_examples() if example.outcome is False]
    wrong_already = {answer.conversation_id for answer in MODEL(unsolved) if answer.labels["resolved"].reached}
    attacked = [infected(one, injection) for one in unsolved for injection in INJECTIONS[::every]]
    assert attainable(attacked, MODEL(attacked)) - wrong_already == set()
    assert len(wrong_already) < 0.15 * len(unsolved)


def test_without_the_check_of_support_innocuous_messages_would_do() -> None:
    """The test above can fail: it does when every message of the agent counts as support."""
    conversation = infected(OPEN_TALKS[0], INJECTIONS[0])
    (support,) = supports(MODEL, [conversation])
    assert support.resolved == frozenset()
    everything = frozenset(message.event_id for message in conversation.messages)
    blind = dataclasses.replace(support, resolved=everything)
    excerpt = excerpt_of(conversation, support.scores)
    (before,) = MODEL([conversation])
    agent = next(reference for reference, side in sides(excerpt).items() if side == "agent")
    text = next(text for text in obeying_answers(sides(excerpt)) if f'"resolved_evidence": "{agent}"' in text)
    assert believe(parse_answer(text), excerpt, blind, before).answer.labels["resolved"].reached
    assert believe(parse_answer(text), excerpt, support, before).answer.labels["resolved"].reached is False


def test_what_the_defence_costs_on_the_golden_set() -> None:
    """Of the unsure cases a perfect model would call resolved, about half may; the others wait for a person."""
    evidence = golden_evidence()
    counts: Counter[str] = Counter()
    for example in golden_examples():
        conversation = example.conversation
        (support,), (before,) = supports(MODEL, [conversation]), MODEL([conversation])
        if example.outcome is None or not MODEL.is_unsure(before):
            continue
        excerpt = excerpt_of(conversation, support.scores)
        text = right_answer(example, excerpt, evidence[example.example_id])
        believed = believe(parse_answer(text), excerpt, support, before)
        counts["unsure"] += 1
        counts["right before"] += before.furthest_stage(example.masked) == example.current_stage
        counts["right after"] += believed.answer.furthest_stage(example.masked) == example.current_stage
        reached = believed.answer.labels["resolved"].reached
        if not example.outcome:
            assert reached is False
            continue
        counts["truly resolved"] += 1
        counts["called resolved"] += reached is True
        assert reached or believed.needs_review
    assert counts["called resolved"] >= 0.45 * counts["truly resolved"]
    assert counts["right after"] >= counts["right before"] + 0.3 * counts["unsure"]
