"""How much the model learns from the user's conversations is measured on groups it did not learn from."""

import random

import numpy as np
import pytest

from orchestration.classification.conversation import Message
from orchestration.classification.embedded.choosing import CANDIDATES, choose_strength
from orchestration.classification.embedded.cross_fitting import cross_fit
from orchestration.classification.embedded.fitting import Strength, fit_model, fit_own_heads, prepare
from orchestration.classification.labelled import LABEL_TARGETS, LabelledConversation, LabelledMessage
from orchestration.classification.training.corpus import training_conversations

# Words the shipped texts lack, so that only the user's conversations can teach what they mean here.
_DONE = ("the zorbel is now quibbed for you", "we have the zorbel quibbed as of today", "quibbed it is and so it stays")
_OPEN = (
    "the zorbel is still plimmed for you",
    "we have the zorbel plimmed as of today",
    "plimmed it is and so it stays",
)


def _own(number: int, group: str, rng: random.Random) -> LabelledConversation:
    is_done = number % 2 == 0
    none: dict[str, bool | None] = dict.fromkeys(LABEL_TARGETS, False)
    labels = none | {"problem_identified": True, "resolved": is_done, "claimed_resolved": is_done}
    said = rng.choice(_DONE if is_done else _OPEN)
    customer = Message(f"{group}-{number}-1", "user_message", "customer", "what is it with the zorbel of mine", 1)
    agent = Message(f"{group}-{number}-2", "agent_message", "agent", said, 2)
    messages = (LabelledMessage(customer, none, None), LabelledMessage(agent, labels, None))
    return LabelledConversation(f"{group}-{number}", messages, group)


def test_words_that_hold_in_every_group_are_trusted_more_than_shipped_ones() -> None:
    rng = random.Random(3)  # noqa: S311 - reproducible, nothing secret
    own = [_own(number, f"g{number // 2 % 4}", rng) for number in range(80)]
    shipped = training_conversations(1)[::60]
    prepared = prepare(shipped, own)
    strength, losses = choose_strength(prepared)
    assert set(losses) == set(CANDIDATES)
    assert strength.text_penalty < max(candidate.text_penalty for candidate in CANDIDATES)
    assert (strength, losses) == choose_strength(prepared)
    model = fit_model(prepared, strength)
    answers = model([conversation.conversation for conversation in own])
    assert [answer.labels["resolved"].reached for answer in answers] == [number % 2 == 0 for number in range(80)]


def test_what_own_conversations_are_silent_about_stays_as_shipped() -> None:
    rng = random.Random(3)  # noqa: S311 - reproducible, nothing secret
    own = [_own(number, "g", rng) for number in range(40)]
    prepared = prepare(training_conversations(1)[::100], own)
    everything = np.ones(len(prepared.labelled), dtype=np.bool_)
    free, held = (fit_own_heads(prepared, Strength(penalty, penalty), everything) for penalty in (1.0, 1e9))
    shipped = prepared.shipped_heads
    for name in ("resolved", "claimed_resolved"):
        assert np.abs(free[name].dense - shipped[name].dense).max() > 0.01, name
        assert held[name].dense == pytest.approx(shipped[name].dense, abs=1e-4), name
        assert held[name].text == pytest.approx(shipped[name].text, abs=1e-4), name
    # No message in these takes anything back, so nothing is learnt of it.
    assert free["reopened"] is shipped["reopened"]


def test_a_used_mask_keeps_conversations_out_of_the_fit() -> None:
    rng = random.Random(3)  # noqa: S311 - reproducible, nothing secret
    own = [_own(number, "g", rng) for number in range(40)]
    shipped = training_conversations(1)[::100]
    prepared = prepare(shipped, own)
    without = np.arange(len(prepared.labelled)) < len(shipped)
    strength = Strength(1.0, 1.0)
    with_own, kept_out = fit_model(prepared, strength), fit_model(prepared, strength, without)
    assert not np.allclose(with_own.dense["resolved"], kept_out.dense["resolved"])
    again = fit_model(prepared, strength, without)
    assert np.array_equal(kept_out.dense["resolved"], again.dense["resolved"])


def test_a_conversation_is_answered_by_a_model_that_did_not_see_its_group() -> None:
    rng = random.Random(3)  # noqa: S311 - reproducible, nothing secret
    own = [_own(number, f"g{number // 2 % 3}", rng) for number in range(60)]
    prepared = prepare(training_conversations(1)[::100], own)
    strength = Strength(1.0, 1.0)
    model = fit_model(prepared, strength)
    crossed = cross_fit(prepared, model, strength)
    cuts = [conversation.cut(2).conversation for conversation in own]
    scores = [signals["resolved"].score for _, _, signals in crossed.signals(cuts)]
    own_folds = np.array([crossed.fold_of[conversation.conversation_id] for conversation in own])
    assert len({(row.group, fold) for row, fold in zip(own, own_folds, strict=True)}) == len(set(own_folds)) == 3
    for fold, other in enumerate(crossed.others):
        expected = [signals["resolved"].score for _, _, signals in other.signals(cuts)]
        assert [scores[at] for at in np.flatnonzero(own_folds == fold)] == [
            expected[at] for at in np.flatnonzero(own_folds == fold)
        ]
    stranger = [training_conversations(1)[1].conversation]
    assert crossed.signals(stranger)[0][2] == model.signals(stranger)[0][2]
